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
  /** Ends the watch and tells what it saw. */
  stop(): Promise<Watched>;
}

/** Watches the gateway that listens on `port` and runs as process `pid`. */
export async function watchLoop(port: number, pid: number | undefined): Promise<LoopWatch> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { port, pid },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  // The first answer says that the watch has begun.
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
  });
  return {
    stop: () =>
      new Promise((resolve, reject) => {
        worker.once('error', reject);
        worker.once('message', (watched: Watched) => {
          void worker.terminate();
          resolve(watched);
        });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        worker.postMessage('stop');
      }),
  };
}

/** Processor time of the main thread so far; undefined where the platform does not tell. */
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

function watch({ port, pid }: { readonly port: number; readonly pid: number }): void {
  const seen = { probes: 0, worstMs: 0, blockedMs: 0 };
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let startedMs = 0;
  let startedCpuMs: number | undefined;
  const ask = (): void => {
    startedMs = performance.now();
    startedCpuMs = mainThreadMs(pid);
    socket.write(REQUEST);
  };
  let isStopping = false;
  let text = '';
  socket.once('connect', ask);
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (!text.endsWith('{"status":"ok"}')) return;
    text = '';
    const waitedMs = performance.now() - startedMs;
    const cpuMs = mainThreadMs(pid);
    // The clock of processor time ticks: what lies between two readings may be a tick more than their difference.
    const computedMs =
      startedCpuMs === undefined || cpuMs === undefined ? Infinity : cpuMs - startedCpuMs + CLOCK_TICK_MS;
    seen.probes += 1;
    seen.worstMs = Math.max(seen.worstMs, waitedMs);
    seen.blockedMs = Math.max(seen.blockedMs, Math.min(waitedMs, computedMs));
    if (seen.probes === 1) tell('begun');
    if (isStopping) tell(seen);
    else setTimeout(ask, EVERY_MS);
  });
  parentPort?.once('message', () => {
    isStopping = true;
  });
}

function tell(message: unknown): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

if (!isMainThread) watch(workerData);
