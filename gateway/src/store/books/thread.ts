/** The store's own thread: it has the database open, so that the thread which serves requests never waits for a disk or a lock. */
import { parentPort, workerData } from 'node:worker_threads';
import { asString, compact, isRecord } from '../../lib/json.ts';
import type { Books, BooksOptions } from './form.ts';
import { openBooks } from './books.ts';
import { troubleOf, type Trouble } from './sqlite.ts';

/** A call of one of the methods of `Books`. */
export interface ThreadCall {
  readonly id: number;
  /** Of `Books`. */
  readonly method: string;
  readonly args: readonly unknown[];
}

export type ThreadReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string; readonly trouble: Trouble | undefined };

const port = parentPort;
if (port !== null) {
  let books: Promise<Books> | undefined;
  const answer = async ({ id, method, args }: ThreadCall): Promise<ThreadReply> => {
    try {
      // Opened at the first call, and again at the next one where that failed: the database may be locked or away just now.
      books ??= openBooks(optionsOf(workerData));
      const opened = await books.catch((error: unknown) => {
        books = undefined;
        throw error;
      });
      if (!isMethod(opened, method)) throw new TypeError(`the books have no ${method}`);
      return { id, ok: true, value: await Reflect.apply(opened[method], opened, args) };
    } catch (error) {
      return {
        id,
        ok: false,
        message: error instanceof Error ? error.message : 'unknown error',
        trouble: troubleOf(error),
      };
    }
  };
  port.on('message', (call: ThreadCall) => {
    void answer(call).then((reply) => port.postMessage(reply));
  });
}

function isMethod(books: Books, name: string): name is keyof Books {
  return Object.hasOwn(books, name);
}

function optionsOf(data: unknown): BooksOptions {
  if (isRecord(data)) {
    const { dataDir, busyMs, url, processId, deadAfterMs } = data;
    if (typeof dataDir === 'string' && typeof busyMs === 'number')
      return compact({
        dataDir,
        busyMs,
        url: asString(url),
        processId: asString(processId),
        deadAfterMs: typeof deadAfterMs === 'number' ? deadAfterMs : undefined,
      });
  }
  throw new TypeError('the store thread was started without options');
}
