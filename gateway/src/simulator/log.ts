/** The second book: all that reached the simulator, what it answered, and when each socket closed. */
import { hash } from 'node:crypto';
import type { Json } from '../lib/json.ts';
import { asRecord, asString, parseJson } from '../lib/json.ts';

/** Requests kept by default; older ones are dropped. */
const REQUESTS_MAX = 10_000;
/** Bytes of request bodies kept; beyond it the oldest requests lose theirs (their sizes stay). */
const BODIES_MAX_BYTES = 64 * 1024 * 1024;
/** Fingerprints remembered, so that a thousand requests with one key hash it once. */
const FINGERPRINTS_MAX = 256;
const FINGERPRINT_LENGTH = 12;
const SECRET_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'cookie',
]);

export type AnsweredBy = 'script' | 'recording' | 'synthetic' | 'weather' | 'chaos' | 'refusal';

/** How an answer ended: all of it was handed to the network, the client left first, or we broke off on purpose. */
export type Ended = 'complete' | 'client-closed' | 'we-cut';

export interface LoggedConnection {
  readonly id: number;
  readonly openedMs: number;
  readonly closedMs?: number;
}

/** Times are `performance.now()` of the simulator's process: monotonic milliseconds. */
export interface LoggedRequest {
  /** 1, 2, 3, … in the order of arrival. */
  readonly sequence: number;
  readonly connection: number;
  /** The head was complete. */
  readonly startedMs: number;
  /** The body was complete; absent while it is not. */
  readonly receivedMs?: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without `?`; a `key` in it is fingerprinted. */
  readonly query: string;
  /** Lower-case names. Credentials are `sha256:` and the first 12 hex digits of their hash (`Bearer sha256:…` for bearer tokens). */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  /** The body as JSON; undefined where it was none, or is no longer kept. */
  readonly body: Json | undefined;
  /** The body as text; undefined where it is no longer kept. */
  readonly bodyText: string | undefined;
  /** From the path `/p/<provider>/`, or the family (`openai`, `anthropic`, `gemini`) that the path names. */
  readonly provider?: string;
  readonly dialect?: string;
  /** From the path, else from the body. */
  readonly model: string | undefined;
  readonly answeredBy?: AnsweredBy;
  /** Id of the recording that was served. */
  readonly recording?: string;
  /** Status that was put on the wire; absent for a reply that is not HTTP, or none. */
  readonly status?: number;
  /** All bytes of the answer handed to the network so far, head and framing included. */
  readonly answeredBytes: number;
  readonly firstByteMs?: number;
  readonly ended?: Ended;
  readonly endedMs?: number;
  /** When the connection that carried it closed; absent while it is open. */
  readonly socketClosedMs: number | undefined;
}

export interface SimulatorLog {
  /** The requests that are still kept, oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** The last connections, open or closed, oldest first. */
  readonly connections: readonly LoggedConnection[];
  /** The first request, past or future, of which `predicate` is true. Rejects after `timeoutMs`. */
  waitFor(predicate: (request: LoggedRequest) => boolean, timeoutMs: number): Promise<LoggedRequest>;
  clear(): void;
}

export type RequestHeadFacts = Pick<LoggedRequest, 'method' | 'path' | 'query' | 'headers'>;

/** A row of the log as the simulator itself writes it. A class, so that the derived fields cost nothing until they are read. */
export class RequestEntry implements LoggedRequest {
  readonly sequence: number;
  readonly startedMs: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  receivedMs?: number;
  bodyBytes = 0;
  bodyBuffer: Buffer | undefined;
  pathModel: string | undefined;
  provider?: string;
  dialect?: string;
  answeredBy?: AnsweredBy;
  recording?: string;
  status?: number;
  answeredBytes = 0;
  firstByteMs?: number;
  ended?: Ended;
  endedMs?: number;
  readonly #connection: ConnectionEntry;

  constructor(sequence: number, connection: ConnectionEntry, head: RequestHeadFacts) {
    this.sequence = sequence;
    this.startedMs = performance.now();
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.#connection = connection;
  }

  get connection(): number {
    return this.#connection.id;
  }

  get body(): Json | undefined {
    const text = this.bodyText;
    return text === undefined ? undefined : parseJson(text);
  }

  get bodyText(): string | undefined {
    return this.bodyBuffer?.toString('utf8');
  }

  get model(): string | undefined {
    return this.pathModel ?? asString(asRecord(this.body)?.['model']);
  }

  get socketClosedMs(): number | undefined {
    return this.#connection.closedMs;
  }
}

export interface ConnectionEntry {
  readonly id: number;
  readonly openedMs: number;
  closedMs?: number;
}

export interface LogBook extends SimulatorLog {
  connect(): ConnectionEntry;
  start(connection: ConnectionEntry, head: RequestHeadFacts): RequestEntry;
  receive(entry: RequestEntry, body: Buffer): void;
  /** To be called after any other change, so that waiters see it. */
  changed(entry: RequestEntry): void;
  close(connection: ConnectionEntry): void;
}

/** An empty log that keeps the last `requestsMax` requests and as many connections. */
export function createLog(requestsMax: number = REQUESTS_MAX): LogBook {
  const entries = createRing<RequestEntry>(requestsMax);
  const connections = createRing<ConnectionEntry>(requestsMax);
  const bodies = createBodyKeeper(entries);
  const waiters = new Set<Waiter>();
  const changed = (entry: RequestEntry): void => {
    // What was cleared or dropped is not found any more, not even by those who wait.
    if (waiters.size === 0 || entries.get(entry.sequence) === undefined) return;
    for (const waiter of waiters) waiter(entry);
  };
  return {
    get requests() {
      return entries.values();
    },
    get connections() {
      return connections.values();
    },
    changed,
    waitFor: (predicate, timeoutMs) => wait({ entries, waiters, predicate, timeoutMs }),
    clear() {
      for (const entry of entries.values()) bodies.release(entry);
      entries.clear();
      connections.clear();
    },
    connect() {
      const connection: ConnectionEntry = { id: connections.next(), openedMs: performance.now() };
      connections.add(connection);
      return connection;
    },
    start(connection, head) {
      const entry = new RequestEntry(entries.next(), connection, head);
      const dropped = entries.add(entry);
      if (dropped !== undefined) bodies.release(dropped);
      changed(entry);
      return entry;
    },
    receive(entry, body) {
      entry.receivedMs = performance.now();
      entry.bodyBytes = body.length;
      bodies.keep(entry, body);
      changed(entry);
    },
    close(connection) {
      connection.closedMs = performance.now();
      if (waiters.size === 0) return;
      for (const entry of entries.values()) if (entry.connection === connection.id) changed(entry);
    },
  };
}

/** Takes a request that has changed. */
type Waiter = (request: LoggedRequest) => void;

interface Wait {
  readonly entries: Ring<RequestEntry>;
  readonly waiters: Set<Waiter>;
  readonly predicate: (request: LoggedRequest) => boolean;
  readonly timeoutMs: number;
}

function wait({ entries, waiters, predicate, timeoutMs }: Wait): Promise<LoggedRequest> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      waiters.delete(waiter);
    };
    const waiter: Waiter = (request) => {
      // A predicate that throws is a mistake of whoever waits: it must not bring the server down.
      try {
        if (!predicate(request)) return;
        resolve(request);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      end();
    };
    const timer = setTimeout(() => {
      end();
      const count = entries.values().length;
      reject(new Error(`no logged request met the condition within ${timeoutMs} ms (${count} are in the log)`));
    }, timeoutMs);
    waiters.add(waiter);
    for (const entry of entries.values()) if (waiters.has(waiter)) waiter(entry);
  });
}

/** The last `max` items, numbered 1, 2, 3, … in the order in which they were added. */
interface Ring<T> {
  /** The number that the next item gets. */
  next(): number;
  /** Gives the item that made room. */
  add(item: T): T | undefined;
  get(number: number): T | undefined;
  /** Number of the oldest item. */
  first(): number;
  /** Oldest first. */
  values(): T[];
  /** Numbering goes on. */
  clear(): void;
}

function createRing<T>(wanted: number): Ring<T> {
  const max = Math.max(1, wanted);
  let slots: (T | undefined)[] = [];
  let last = 0;
  let first = 1;
  return {
    next: () => last + 1,
    first: () => first,
    add(item) {
      last += 1;
      const dropped = slots[last % max];
      slots[last % max] = item;
      first = Math.max(first, last - max + 1);
      return dropped;
    },
    get: (number) => (number >= first && number <= last ? slots[number % max] : undefined),
    values() {
      const items: T[] = [];
      for (let number = first; number <= last; number += 1) {
        const item = slots[number % max];
        if (item !== undefined) items.push(item);
      }
      return items;
    },
    clear() {
      slots = [];
      first = last + 1;
    },
  };
}

interface BodyKeeper {
  keep(entry: RequestEntry, body: Buffer): void;
  release(entry: RequestEntry): void;
}

function createBodyKeeper(entries: Ring<RequestEntry>): BodyKeeper {
  const kept = { bytes: 0, oldest: 1 };
  const release = (entry: RequestEntry): void => {
    kept.bytes -= entry.bodyBuffer?.length ?? 0;
    entry.bodyBuffer = undefined;
  };
  return {
    release,
    keep(entry, body) {
      // A request that is no longer in the log must not hold its bytes either.
      if (entries.get(entry.sequence) !== entry) return;
      entry.bodyBuffer = body;
      kept.bytes += body.length;
      kept.oldest = Math.max(entries.first(), Math.min(kept.oldest, entry.sequence));
      while (kept.bytes > BODIES_MAX_BYTES && kept.oldest < entries.next()) {
        const old = entries.get(kept.oldest);
        if (old !== undefined) release(old);
        kept.oldest += 1;
      }
    },
  };
}

/** Replaces credentials by fingerprints, so that a log can be shown and compared, and not misused. */
export function createFingerprints(): {
  headers(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  query(query: string): string;
} {
  const known = new Map<string, string>();
  const fingerprint = (value: string): string => {
    const cached = known.get(value);
    if (cached !== undefined) return cached;
    const scheme = /^(bearer|basic) +/i.exec(value)?.[0] ?? '';
    const digest = hash('sha256', value.slice(scheme.length)).slice(0, FINGERPRINT_LENGTH);
    const made = `${scheme.trimEnd()}${scheme === '' ? '' : ' '}sha256:${digest}`;
    if (known.size >= FINGERPRINTS_MAX) known.clear();
    known.set(value, made);
    return made;
  };
  return {
    headers(headers) {
      let safe: Record<string, string> | undefined;
      for (const name of SECRET_HEADERS) {
        const value = headers[name];
        if (value === undefined) continue;
        safe ??= { ...headers };
        safe[name] = fingerprint(value);
      }
      return safe ?? headers;
    },
    query: (query) =>
      query.includes('key=')
        ? query.replace(/(^|&)key=([^&]*)/g, (_, before: string, key: string) => `${before}key=${fingerprint(key)}`)
        : query,
  };
}
