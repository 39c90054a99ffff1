/** The books of another thread, called like our own. */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Books, BooksOptions } from './form.ts';
import type { ThreadCall, ThreadReply } from './thread.ts';
import { EMBEDDED_THREAD } from './embedded.ts';
import { StoreError } from './sqlite.ts';

/** A thread that waits for a database that does not answer is ended without its last word. */
const CLOSE_MS = 2000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts a thread that keeps the books. Should it die (out of memory), calls under way fail as `away`, and the next call
 * starts another: every method may be repeated.
 */
export function openBooksThread(options: BooksOptions): Books {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let lastId = 0;
  /** From then on the thread keeps the process alive until it is gone: its end is waited for. */
  let isEnding = false;
  let ended: Promise<void> | undefined;

  const start = (): Worker => {
    const started = new Worker(threadUrl(), { workerData: options, name: 'store', execArgv: [] });
    const died = (error: unknown): void => {
      if (worker === started) worker = undefined;
      const reason = error instanceof Error ? error.message : 'it ended';
      for (const [id, call] of pending) {
        pending.delete(id);
        call.reject(new StoreError(`the store's thread is gone: ${reason}`, 'away'));
      }
    };
    started.on('message', (reply: ThreadReply) => {
      const call = pending.get(reply.id);
      pending.delete(reply.id);
      // The thread alone does not keep the process alive; a call under way does.
      if (pending.size === 0 && !isEnding) started.unref();
      if (reply.ok) call?.resolve(reply.value);
      else call?.reject(new StoreError(reply.message, reply.trouble));
    });
    started.on('error', died);
    started.on('exit', died);
    return started;
  };

  const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    if (ended !== undefined && worker === undefined) throw new StoreError('the store is closed', 'away');
    worker ??= start();
    const running = worker;
    running.ref();
    lastId += 1;
    const message: ThreadCall = { id: lastId, method, args };
    return new Promise<unknown>((resolve, reject) => {
      pending.set(message.id, { resolve, reject });
      running.postMessage(message, []);
    });
  };
  const end = async (): Promise<void> => {
    if (worker === undefined) return;
    // Said first: an answer to an earlier call may come after the one to this.
    isEnding = true;
    const limit = new AbortController();
    const over = delay(CLOSE_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    try {
      await Promise.race([call('close', []), over]);
    } finally {
      limit.abort();
      await worker?.terminate();
    }
  };
  const close = async (): Promise<void> => (ended ??= end());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has whatever method is asked of it: the thread knows them by their names.
  return new Proxy({} as Books, {
    get: (_, name) => {
      if (name === 'close') return close;
      // Not a promise, whoever awaits it.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      return async (...args: readonly unknown[]) => call(name, args);
    },
  });
}

function threadUrl(): URL {
  if (EMBEDDED_THREAD === undefined) return new URL('./thread.ts', import.meta.url);
  return new URL(`data:text/javascript;base64,${Buffer.from(EMBEDDED_THREAD).toString('base64')}`);
}
