// Runs a script of this repository with its own Node (24), on any machine that has Node 20 or newer and npm.
// Installs what is missing first: the release dependencies for `serve`, all of them for everything else.
// Plain JavaScript, because the machine's Node may not read TypeScript.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.turnout-installed');

/** The Node that came with the repository, or the machine's own where that is new enough. */
function findNode() {
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`];
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  const own = names.map((name) => join(modules, name, 'bin', file)).find((path) => existsSync(path));
  if (own !== undefined) return own;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  console.error(
    `turnout: Node ${NODE_MAJOR} is needed on ${process.platform}-${process.arch}, and no package brings it there.`,
  );
  console.error(`Install Node ${NODE_MAJOR} or newer from nodejs.org and run this command again.`);
  return process.exit(1);
}

/** Installs from the lock file once per change of it. What was installed is noted as `SCOPE HASH` in node_modules. */
function install(scope) {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const [hadScope, hadHash] = existsSync(stamp) ? readFileSync(stamp, 'utf8').trim().split(' ') : [];
  if (hadHash === hash && (hadScope === 'all' || hadScope === scope)) return;
  console.error(
    scope === 'all' ? 'turnout: installing what development needs …' : 'turnout: installing what is needed …',
  );
  // Not `npm ci`: it refuses a lock file in which a platform's optional binary is missing, and not every registry has them all.
  // `--no-save` takes the versions of the lock file and leaves it as it is.
  const args = [
    'install',
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(scope === 'all' ? [] : ['--omit=dev']),
  ];
  const done = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error(
      'turnout: `npm install` failed (see above). Check the network or the registry setting of npm, then try again.',
    );
    process.exit(1);
  }
  writeFileSync(stamp, `${scope} ${hash}\n`);
}

const [script, ...rest] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node scripts/run.mjs SCRIPT [ARG …]');
  process.exit(2);
}
install(script === 'gateway/src/main.ts' ? 'release' : 'all');
const node = findNode();
const environment = { ...process.env, PATH: `${dirname(node)}:${join(modules, '.bin')}:${process.env.PATH ?? ''}` };
const child = spawn(node, ['--disable-warning=ExperimentalWarning', resolve(root, script), ...rest], {
  stdio: 'inherit',
  env: environment,
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
