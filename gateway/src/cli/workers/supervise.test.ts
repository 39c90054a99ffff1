/** A supervisor over workers that are small programs of these tests. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inTime } from '../../shared/in-time.ts';
import { supervise } from './supervise.ts';

const UNTIL_MS = 10_000;

/** What a worker does, in the words of a program that can `note` something for the test, and `listen`. */
const WORDS = `
const { appendFileSync } = require('node:fs');
const note = (text) => appendFileSync(process.env.NOTES, process.env.TURNOUT_WORKER + ' ' + text + '\\n');
const listen = (then) => process.send({ kind: 'listening', greeting: 'hello' }, then);
const end = () => process.exit(0);
appendFileSync(process.env.NOTES + '.pids', process.pid + '\\n');
process.on('disconnect', end);
`;

interface Supervised {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  notes(): readonly string[];
  log(): readonly string[];
  noted(text: string): Promise<void>;
}

function supervised(test: TestContext, program: string): Supervised {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-supervise-'));
  const notes = join(dir, 'notes');
  const entry = join(dir, 'worker.cjs');
  writeFileSync(entry, WORDS + program);
  const { argv, execPath } = process;
  process.argv = [execPath, entry];
  process.env['NOTES'] = notes;
  test.after(() => {
    process.argv = argv;
    process.execPath = execPath;
    process.emit('SIGTERM');
    for (const pid of linesOf(`${notes}.pids`)) endNow(Number(pid));
    rmSync(dir, { recursive: true, force: true });
  });
  const log: string[] = [];
  const io = {
    stdout: (text: string) => appendFileSync(notes, `0 ${text}\n`),
    stderr: () => undefined,
    env: {},
    cwd: dir,
    isTerminal: false,
    readSecret: async () => '',
  };
  const ended = supervise({
    crowd: { workers: 2, host: '127.0.0.1', port: 0 },
    args: [],
    io,
    log: (_, message) => void log.push(message),
  });
  const noted = (): readonly string[] => linesOf(notes);
  return {
    ended: inTime(ended, UNTIL_MS * 2),
    notes: noted,
    log: () => log,
    async noted(text) {
      for (const endMs = performance.now() + UNTIL_MS; !noted().includes(text); await delay(10))
        assert.ok(performance.now() < endMs, `no "${text}" in ${noted().join(', ')}; ${log.join(', ')}`);
    },
  };
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/** One that a failed test has left. */
function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended, as it should.
  }
}

describe('a supervisor', () => {
  it('starts nobody more once it is told to stop, whoever says then that it listens', async (test) => {
    const crew = supervised(test, `process.on('SIGTERM', () => listen(end)); note('starts');`);
    await crew.noted('1 starts');
    process.emit('SIGTERM');
    assert.equal(await crew.ended, 0);
    assert.deepEqual(crew.notes(), ['1 starts']);
  });

  it('ends with 0 also where it is told to stop while its workers start', async (test) => {
    const crew = supervised(test, `note('starts'); setTimeout(end, 20_000);`);
    await crew.noted('1 starts');
    process.emit('SIGTERM');
    assert.equal(await crew.ended, 0);
  });

  it('tells who starts to read its files again when it can hear of it', async (test) => {
    const crew = supervised(
      test,
      `process.on('SIGTERM', end);
       process.on('message', () => undefined);
       note('starts');
       setTimeout(() => { process.on('SIGHUP', () => note('reloads')); listen(); }, 300);`,
    );
    await crew.noted('1 starts');
    process.emit('SIGHUP');
    await crew.noted('1 reloads');
    await crew.noted('0 hello');
    process.emit('SIGTERM');
    assert.equal(await crew.ended, 0);
    assert.deepEqual(
      crew.notes().filter((note) => note.endsWith('reloads')),
      ['1 reloads'],
      'and nobody else',
    );
  });

  it('starts again whom it could not start, and ends where it still cannot', async (test) => {
    const crew = supervised(
      test,
      `process.on('SIGTERM', end);
       note('starts ' + process.pid);
       listen();`,
    );
    await crew.noted('0 hello');
    const pidOf = (worker: number): number =>
      Number(
        crew
          .notes()
          .findLast((note) => note.startsWith(`${worker} starts`))
          ?.split(' ')[2],
      );
    const { execPath } = process;
    const first = pidOf(1);
    // As when Node is being replaced by a newer one.
    process.execPath = join(tmpdir(), 'turnout-no-such-program');
    process.kill(first, 'SIGKILL');
    const failed = (): number => crew.log().filter((message) => message === 'a worker could not be started').length;
    for (const endMs = performance.now() + UNTIL_MS; failed() < 2; await delay(10))
      assert.ok(performance.now() < endMs, crew.log().join());
    process.execPath = execPath;
    for (const endMs = performance.now() + UNTIL_MS; pidOf(1) === first; await delay(10))
      assert.ok(performance.now() < endMs, crew.log().join());
    process.execPath = join(tmpdir(), 'turnout-no-such-program');
    process.kill(pidOf(2), 'SIGKILL');
    const before = failed();
    for (const endMs = performance.now() + UNTIL_MS; failed() === before; await delay(10))
      assert.ok(performance.now() < endMs, crew.log().join());
    process.emit('SIGTERM');
    assert.equal(await crew.ended, 0);
  });
});
