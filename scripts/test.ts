/**
 * `npm test`: every test there is. Ends with the line `N passed, N failed`, after the slowest files and what could not run.
 * `npm test -- PATH …` runs some; `--fast` leaves out the slow ones, and says which; `--programs` runs real coding programs
 * (test/programs), which it installs from npm: they name themselves where they do not run.
 */
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { brief } from './brief.ts';
import { startServices } from './services.ts';
import { filesTogether } from './together.ts';
import { startWatchdog } from './watchdog.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** All there is, so that no new folder is forgotten. Those that take minutes come first: none is left to run alone at the end. */
const ALL = ['gateway/test/chaos/*.test.ts', 'gateway/{src,test}/**/*.test.ts', 'sdk/test/*.test.ts'];
const FAST = [
  'gateway/test/together/*.test.ts',
  'gateway/src/**/*.test.ts',
  'gateway/test/*.test.ts',
  'gateway/test/routing/*.test.ts',
];
/** Of those, what takes seconds: databases, processes that end, data sets, simulated days. */
const NOT_FAST = [
  'gateway/src/store/books/{books,postgres,usage}.test.ts',
  'gateway/src/store/{budgets,feedback,keys,kill,ledger,people,requests}.test.ts',
  'gateway/src/store/{replies,reprice,secrets,store,store-locked}.test.ts',
  'gateway/test/understand.test.ts',
  'gateway/test/routing/simulation.test.ts',
];
/** Judged by the clock: nothing runs beside them, after all others have ended. */
const ALONE: readonly string[] = ['gateway/test/e2e/flood.test.ts'];
const PROGRAMS = ['gateway/test/programs/**/*.test.ts'];
/** No test file may hang the run. The slowest takes about two minutes, and four beside much else. */
const FILE_MS_MAX = 8 * 60 * 1000;
/** Programs are installed first, and are some sixty runs in one file. */
const PROGRAMS_MS_MAX = 30 * 60 * 1000;

const STOP_MS_MAX = 30_000;

/** Files whose time is told: the time of the whole run is theirs. */
const SLOWEST = 10;

const args = process.argv.slice(2);
const isFast = args.includes('--fast');
const named = args.filter((arg) => !arg.startsWith('--'));
const isPrograms = args.includes('--programs');
if (isPrograms) process.env['TURNOUT_PROGRAMS'] = '1';
const filesOf = (patterns: readonly string[]): readonly string[] =>
  patterns.flatMap((pattern) => globSync(pattern, { cwd: root }).toSorted());
const patterns = named.length > 0 ? named : isPrograms ? PROGRAMS : isFast ? FAST : ALL;
/** Run by their group; alone where they are named. */
const together = named.length > 0 ? new Set<string>() : filesTogether();
const slow = new Set(isFast && named.length === 0 ? filesOf(NOT_FAST) : []);
const chosen = new Set(filesOf(patterns).filter((file) => !together.has(file) && !slow.has(file)));
if (chosen.size === 0) {
  process.stderr.write(`no test file matches ${patterns.join(' ')}\n`);
  process.exit(1);
}

/** For a whole run; a file that is run alone starts what it needs, and no fast one does. */
const services = named.length > 0 || isFast ? undefined : await startServices();
Object.assign(process.env, services?.env);
/** What was compiled once is not compiled again by each of some thousand processes; 40% of what a small test file takes. */
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules', '.cache', 'node-compile');

const fileMs = isPrograms ? PROGRAMS_MS_MAX : FILE_MS_MAX;
const watchdog = startWatchdog(fileMs);
let passed = 0;
const failures: string[] = [];
const skips: string[] = [];
const times: { readonly file: string; readonly seconds: number }[] = [];
await runAll(
  [...chosen].filter((file) => !ALONE.includes(file)),
  2,
);
await runAll(
  [...chosen].filter((file) => ALONE.includes(file)),
  1,
);
failures.push(...watchdog.ended);
// The reporter's last words come first.
await delay(200);
for (const { file, seconds } of times.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST))
  process.stdout.write(`took ${seconds.toFixed(1)} s: ${file}\n`);
for (const skip of skips) process.stdout.write(`not run: ${skip}\n`);
if (isFast && named.length === 0) process.stdout.write(`left to npm test: ${leftOut()}\n`);
for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
process.stdout.write(
  `${passed} passed, ${failures.length} failed${skips.length > 0 ? `, ${skips.length} skipped` : ''}\n`,
);
// What we started ends when we do; that may not take longer than this, and is no reason for a red run.
await Promise.race([services?.stop(), delay(STOP_MS_MAX)]);
process.exit(failures.length > 0 || passed === 0 ? 1 : 0);

/** Runs test files, so many at once, to the end of the last. */
async function runAll(of: readonly string[], concurrency: number): Promise<void> {
  if (of.length === 0) return;
  const stream = run({
    files: of.map((file) => join(root, file)),
    concurrency,
    // Of each test: it says where it hangs. Whoever does not even say that is ended by the watchdog.
    timeout: fileMs * 0.9,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  watchdog.watch(stream);
  stream.on('test:pass', (event) => {
    if (event.skip !== undefined) skips.push(`${event.name}: ${String(event.skip)}`);
    else if (event.details.type !== 'suite') passed += 1;
  });
  stream.on('test:fail', (event) => {
    if (event.details.type !== 'suite')
      failures.push(`${event.name} (${event.file ?? 'unknown file'}:${event.line ?? 0})`);
  });
  // One for each file, and one without a file for all of them.
  stream.on('test:summary', ({ file, duration_ms: durationMs }) => {
    if (file !== undefined) times.push({ file: relative(root, file), seconds: durationMs / 1000 });
  });
  const ended = once(stream, 'end');
  stream.compose(named.length > 0 ? spec : brief(root)).pipe(process.stdout, { end: false });
  await ended;
}

/** What a fast run leaves out: folders of which it runs nothing, and names beside those that it runs. */
function leftOut(): string {
  const run = new Set([...chosen, ...together]);
  const folders = new Set([...run].map((file) => dirname(file)));
  const left = [...new Set(filesOf(ALL))].filter((file) => !run.has(file));
  const inFolders = Map.groupBy(left, (file) => dirname(file));
  return [...inFolders]
    .map(([folder, names]) =>
      folders.has(folder) ? `${folder}/{${names.map((name) => basename(name, '.test.ts')).join(',')}}` : folder,
    )
    .join(' ');
}
