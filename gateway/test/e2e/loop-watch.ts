/**
 * A worker thread that asks a gateway `GET /healthz` every 20 ms and keeps the longest wait, so that a test sees from
 * outside whether the gateway's event loop stood still. A thread of its own: the test's loop may be busy with big bodies.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const EVERY_MS = 20;
/** What the kernel counts processor time in (USER_HZ is 100 on all platforms of Linux). */
const CLOCK_TICK_MS = 10;
const REQUEST = 'GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n';

export interface Watched {
  readonly probes: number;
  /** Longest time from question to answer. On a busy machine part of it is waiting for a processor. */
  readonly worstMs: number;
  /** Longest time that the gateway's main thread can have stood still: of each wait no more than it computed meanwhile. */
  readonly blockedMs: number;
}

export interface LoopWatch {
  /** Begins to ask; resolves with the first answer. */
  begin(): Promise<void>;
  /** Stops asking and tells what was seen since `begin`. */
  end(): Promise<Watched>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** A watch over the gateway that listens on `port` and runs as process `pid`. */
export function loopWatch(port: number, pid: number | undefined): LoopWatch {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { port, pid },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const ask = (word: string): Promise<Watched> =>
    new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (watched: Watched) => {
        worker.off('error', reject);
        resolve(watched);
      });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(word);
    });
  return {
    begin: async () => void (await ask('begin')),
    end: () => ask('end'),
    close: async () => void (await worker.terminate()),
  };
}

/** Processor time of a process's main thread so far; undefined where the platform does not tell. */
export function mainThreadMs(pid: number | undefined): number | undefined {
  try {
    // After the name in brackets: state, ten numbers, then user and system time (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
  } catch {
    return undefined;
  }
}

/** How long this process's main thread was ready and had no processor, so far; 0 where the platform does not tell. */
export function waitedForProcessorMs(): number {
  try {
    // Nanoseconds: time on a processor, time in its queue, time slices (sched-stats.txt of the kernel).
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** The thread: one question at a time, on one connection a watch. */
function serve({ port, pid }: { readonly port: number; readonly pid: number }): void {
  let seen = { probes: 0, worstMs: 0, blockedMs: 0 };
  let isEnding = false;

  function begin(): void {
    seen = { probes: 0, worstMs: 0, blockedMs: 0 };
    isEnding = false;
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.once('connect', () => ask(socket));
  }

  function ask(socket: Socket): void {
    const startedMs = performance.now();
    const startedOwnMs = mainThreadMs(pid);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('{"status":"ok"}')) return;
      socket.removeAllListeners('data');
      note(performance.now() - startedMs, startedOwnMs, mainThreadMs(pid));
      if (isEnding) {
        socket.destroy();
        tell(seen);
      } else setTimeout(ask, EVERY_MS, socket);
    });
    socket.write(REQUEST);
  }

  function note(waitedMs: number, beforeMs: number | undefined, afterMs: number | undefined): void {
    // The clock of processor time ticks: what lies between two readings may be a tick more than their difference.
    const ownMs = beforeMs === undefined || afterMs === undefined ? Infinity : afterMs - beforeMs + CLOCK_TICK_MS;
    seen.probes += 1;
    seen.worstMs = Math.max(seen.worstMs, waitedMs);
    seen.blockedMs = Math.max(seen.blockedMs, Math.min(waitedMs, ownMs));
    if (seen.probes === 1) tell(seen);
  }

  parentPort?.on('message', (word: string) => {
    if (word === 'begin') begin();
    else isEnding = true;
  });
}

function tell(message: unknown): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

if (!isMainThread) serve(workerData);
