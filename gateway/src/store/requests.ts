/** Request records on their way into the store: queued, written in batches, dropped rather than waited for. */
import { fault, type Fault } from '../chat/fault.ts';
import { asRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Books, StoredRequest } from './books/form.ts';
import { patiently } from './patience.ts';
import type { RequestPage, RequestQuery, RequestReader, RequestRecord, Requests } from './ports.ts';
import { searchWords } from './search-words.ts';
import { troubleOf } from './books/sqlite.ts';

/** Records that may wait while the store is busy; some ten seconds of full load. */
const QUEUE_MAX = 20_000;
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** Records handed over at once: the copy to the other thread takes a fraction of a millisecond. */
const BATCH_MAX = 100;
/** Rows kept; the oldest go first. */
const ROWS_MAX = 1_000_000;
/** Time and number of a row. */
const CURSOR = /^\d{1,16}\.\d{1,19}$/;

export class RequestQueue implements Requests {
  readonly #books: Books;
  readonly #onStore: (error: unknown) => void;
  /** In the order in which they came; also those being written, until they are. Seldom searched, so not a `Map` (see lib/crowd.ts). */
  readonly #waiting: StoredRequest[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #running: Promise<void> | undefined;

  constructor(books: Books, onStore: (error: unknown) => void) {
    this.#books = books;
    this.#onStore = onStore;
  }

  put(record: RequestRecord): void {
    const body = JSON.stringify(record.body);
    if (this.#waiting.length >= QUEUE_MAX || this.#waitingBytes + body.length > QUEUE_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push({ ...record, words: searchWords(record), body });
    this.#waitingBytes += body.length;
  }

  async get(id: string, reader: RequestReader): Promise<Result<JsonRecord | undefined, Fault>> {
    if ('orgId' in reader) return this.#getOf(id, reader.orgId);
    const mayRead = (keyId: string): boolean => reader.isRoot || keyId === reader.id;
    const waiting = this.#waiting.find((record) => record.id === id);
    if (waiting !== undefined) return ok(mayRead(waiting.keyId) ? asRecord(parseJson(waiting.body)) : undefined);
    const stored = await patiently(async () => this.#books.getRequest(id));
    if (!stored.ok) return stored;
    return ok(stored.value !== undefined && mayRead(stored.value.keyId) ? stored.value.body : undefined);
  }

  /** Whose it is stands in the store. */
  async #getOf(id: string, orgId: string): Promise<Result<JsonRecord | undefined, Fault>> {
    const stored = await patiently(async () => {
      if (this.#waiting.some((record) => record.id === id)) await this.flush();
      return this.#books.getRequest(id);
    });
    return stored.ok ? ok(stored.value?.orgId === orgId ? stored.value.body : undefined) : stored;
  }

  async list(query: RequestQuery): Promise<Result<RequestPage, Fault>> {
    if (query.cursor !== undefined && !CURSOR.test(query.cursor)) {
      return err(fault('field-invalid', { reason: 'it is not one that a list gave' }, { param: 'cursor' }));
    }
    return patiently(async () => this.#books.listRequests(query));
  }

  /** Until what is queued now is in the store. Throws where the store is in trouble. */
  async flush(): Promise<void> {
    await this.#running?.catch(() => undefined);
    await this.#start();
  }

  dropped(): number {
    return this.#dropped;
  }

  /** Writes what waits, unless that is already being done. For a timer. */
  async pump(): Promise<void> {
    if (this.#running === undefined && this.#waiting.length > 0) await this.#start().catch(this.#onStore);
  }

  /** Takes the oldest rows away where there are too many. For a slow timer. */
  async prune(): Promise<void> {
    await this.#books.pruneRequests(ROWS_MAX).catch(this.#onStore);
  }

  #start(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH_MAX);
      try {
        await this.#books.putRequests(batch);
      } catch (error) {
        // In trouble the store will take them later. What it cannot take at all must not stand in the way of the rest.
        if (troubleOf(error) !== undefined) throw error;
        this.#onStore(error);
        this.#dropped += batch.length;
      }
      this.#waiting.splice(0, batch.length);
      for (const { body } of batch) this.#waitingBytes -= body.length;
    }
  }
}
