/**
 * Ends a test file that does not end by itself. The time limit of Node's runner is a test's: a file that has failed and left
 * a timer, a socket or a process behind would hold the whole run open for ever, and say nothing.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { TestsStream } from 'node:test';

/** By this variable what a run has started is known, also where its parent has gone. */
const MARK = 'TURNOUT_TEST_RUN';
const LOOK_MS = 5000;

export interface Watchdog {
  /** Watches the files of a stream. */
  watch(stream: TestsStream): void;
  /** Files that it had to end, each with its time. */
  readonly ended: readonly string[];
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Each file may take so many milliseconds from its start to the end of its process. */
export function startWatchdog(fileMs: number): Watchdog {
  const mark = randomBytes(8).toString('hex');
  process.env[MARK] = mark;
  const running = new Map<string, number>();
  const ended: string[] = [];
  const timer = setInterval(() => {
    for (const [file, startedMs] of running) {
      const ms = performance.now() - startedMs;
      if (ms < fileMs) continue;
      running.set(file, performance.now());
      ended.push(`${relative(process.cwd(), file)} did not end within ${Math.round(ms / 1000)} s, and was ended`);
      endFile(file, mark);
    }
  }, LOOK_MS);
  timer.unref();
  return {
    watch(stream) {
      // A file is a test of its own to the runner, whose name is its path.
      stream.on('test:dequeue', ({ name, file }) => {
        if (name === file) running.set(name, performance.now());
      });
      stream.on('test:complete', ({ name }) => void running.delete(name));
    },
    ended,
  };
}

/** The file's process with all that it has started, and what has outlived whoever started it. */
function endFile(file: string, mark: string): void {
  const all = processesOf(mark);
  const known = new Set(all.map(({ pid }) => pid));
  const doomed = new Set<number>();
  for (const one of all)
    if (one.command.includes(file) || (!known.has(one.parent) && one.parent !== process.pid)) doomed.add(one.pid);
  for (let before = -1; before !== doomed.size;) {
    before = doomed.size;
    for (const one of all) if (doomed.has(one.parent)) doomed.add(one.pid);
  }
  doomed.delete(process.pid);
  for (const pid of doomed) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Those that have our mark, where the system tells (Linux). */
function processesOf(mark: string): readonly Process[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid)) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`)) return [];
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
      return [{ pid, parent, command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ') }];
    } catch {
      return [];
    }
  });
}
