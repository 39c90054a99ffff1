/** `npm run check`: format, lint, types, dead code, fast tests. All steps run, each says how long it took; one that fails is shown. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** The longest first. Types are checked by the linter's own program of the tree, which it has read already. */
const STEPS: readonly Step[] = [
  { name: 'tests', command: 'node', args: ['--disable-warning=ExperimentalWarning', 'scripts/test.ts', '--fast'] },
  {
    name: 'lint and types',
    command: 'oxlint',
    args: ['--type-aware', '--type-check', 'gateway', 'scripts', 'bench', 'sdk'],
  },
  { name: 'dead code', command: 'knip', args: ['--no-progress'] },
  { name: 'format', command: 'oxfmt', args: ['--check', '.'] },
];
/** What a step that is well still has to say. */
const TOLD = /^left to .*$/m;

function runStep(step: Step): Promise<{ readonly ok: boolean; readonly output: string; readonly seconds: number }> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = spawn(step.command, step.args, { cwd: root });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ ok: false, output: error.message, seconds: 0 }));
    child.on('close', (code) => resolve({ ok: code === 0, output, seconds: (performance.now() - startedMs) / 1000 }));
  });
}

let isGood = true;
/** Two steps at a time: as many as the smallest machine has cores. */
const queue = [...STEPS];
async function worker(): Promise<void> {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const { ok, output, seconds } = await runStep(step);
    process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${step.name} (${seconds.toFixed(1)} s)\n`);
    if (!ok) isGood = false;
    const told = ok ? TOLD.exec(output)?.[0] : output.trimEnd();
    if (told !== undefined) process.stdout.write(`${told}\n`);
  }
}
await Promise.all([worker(), worker()]);
process.exit(isGood ? 0 : 1);
