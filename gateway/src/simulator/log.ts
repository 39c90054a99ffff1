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
  /** Connections, the open ones and the last ones closed, oldest first. */
  readonly connections: readonly LoggedConnection[];
  /** The first request, past or future, of which `predicate` is true. Rejects after `timeoutMs`. */
  waitFor(predicate: (request: LoggedRequest) => boolean, timeoutMs: number): Promise<LoggedRequest>;
  clear(): void;
}

/** What the simulator itself may change. */
export type RequestEntry = { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] } & {
  bodyBuffer: Buffer | undefined;
  pathModel: string | undefined;
};
export interface ConnectionEntry {
  readonly id: number;
  readonly openedMs: number;
  closedMs?: number;
}

export interface LogBook extends SimulatorLog {
  connect(): ConnectionEntry;
  start(connection: ConnectionEntry, head: Pick<LoggedRequest, 'method' | 'path' | 'query' | 'headers'>): RequestEntry;
  receive(entry: RequestEntry, body: Buffer): void;
  /** To be called after any other change, so that waiters see it. */
  changed(entry: RequestEntry): void;
  close(connection: ConnectionEntry): void;
}

interface Waiter {
  readonly predicate: (request: LoggedRequest) => boolean;
  readonly found: (request: LoggedRequest) => void;
}

/** An empty log that keeps the last `requestsMax` requests and as many connections. */
export function createLog(requestsMax: number = REQUESTS_MAX): LogBook {
  const entries = new Map<number, RequestEntry>();
  const connections = new Map<number, ConnectionEntry>();
  const open = new Map<ConnectionEntry, Set<RequestEntry>>();
  const waiters = new Set<Waiter>();
  const bodies = createBodyKeeper();
  let lastSequence = 0;
  let lastConnection = 0;

  const changed = (entry: RequestEntry): void => {
    for (const waiter of waiters) if (waiter.predicate(entry)) waiter.found(entry);
  };
  return {
    get requests() {
      return [...entries.values()];
    },
    get connections() {
      return [...connections.values()];
    },
    changed,
    waitFor: (predicate, timeoutMs) => wait({ entries, waiters, predicate, timeoutMs }),
    clear() {
      entries.clear();
      bodies.clear();
      for (const [id, connection] of connections) if (connection.closedMs !== undefined) connections.delete(id);
    },
    connect() {
      const connection: ConnectionEntry = { id: ++lastConnection, openedMs: performance.now() };
      connections.set(connection.id, connection);
      open.set(connection, new Set());
      dropOldest(connections, requestsMax);
      return connection;
    },
    start(connection, head) {
      const entry = newEntry(++lastSequence, connection, head);
      entries.set(entry.sequence, entry);
      const dropped = dropOldest(entries, requestsMax);
      if (dropped !== undefined) bodies.forget(dropped);
      open.get(connection)?.add(entry);
      changed(entry);
      return entry;
    },
    receive(entry, body) {
      entry.receivedMs = performance.now();
      entry.bodyBytes = body.length;
      // A request that is no longer in the log must not hold its bytes either.
      if (entries.has(entry.sequence)) bodies.keep(entry, body);
      changed(entry);
    },
    close(connection) {
      connection.closedMs = performance.now();
      for (const entry of open.get(connection) ?? []) changed(entry);
      open.delete(connection);
    },
  };
}

interface Wait {
  readonly entries: ReadonlyMap<number, RequestEntry>;
  readonly waiters: Set<Waiter>;
  readonly predicate: (request: LoggedRequest) => boolean;
  readonly timeoutMs: number;
}

function wait({ entries, waiters, predicate, timeoutMs }: Wait): Promise<LoggedRequest> {
  for (const entry of entries.values()) if (predicate(entry)) return Promise.resolve(entry);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      waiters.delete(waiter);
    };
    const waiter: Waiter = {
      predicate,
      found(request) {
        end();
        resolve(request);
      },
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`no logged request met the condition within ${timeoutMs} ms (${entries.size} are in the log)`));
    }, timeoutMs);
    waiters.add(waiter);
  });
}

function newEntry(
  sequence: number,
  connection: ConnectionEntry,
  head: Pick<LoggedRequest, 'method' | 'path' | 'query' | 'headers'>,
): RequestEntry {
  return {
    sequence,
    connection: connection.id,
    startedMs: performance.now(),
    ...head,
    bodyBytes: 0,
    bodyBuffer: undefined,
    pathModel: undefined,
    answeredBytes: 0,
    // Parsed when asked for: under load most bodies are never looked at again.
    get body() {
      return this.bodyText === undefined ? undefined : parseJson(this.bodyText);
    },
    get bodyText() {
      return this.bodyBuffer?.toString('utf8');
    },
    get model() {
      return this.pathModel ?? asString(asRecord(this.body)?.['model']);
    },
    get socketClosedMs() {
      return connection.closedMs;
    },
  };
}

/** Maps keep their order of insertion, so the first key is the oldest. */
function dropOldest<T>(map: Map<number, T>, max: number): T | undefined {
  if (map.size <= max) return undefined;
  for (const [key, value] of map) {
    map.delete(key);
    return value;
  }
  return undefined;
}

interface BodyKeeper {
  keep(entry: RequestEntry, body: Buffer): void;
  forget(entry: RequestEntry): void;
  clear(): void;
}

function createBodyKeeper(): BodyKeeper {
  const kept = new Set<RequestEntry>();
  let bytes = 0;
  const forget = (entry: RequestEntry): void => {
    if (!kept.delete(entry)) return;
    bytes -= entry.bodyBytes;
    entry.bodyBuffer = undefined;
  };
  return {
    forget,
    keep(entry, body) {
      entry.bodyBuffer = body;
      bytes += body.length;
      kept.add(entry);
      for (const oldest of kept) {
        if (bytes <= BODIES_MAX_BYTES) break;
        forget(oldest);
      }
    },
    clear() {
      kept.clear();
      bytes = 0;
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
