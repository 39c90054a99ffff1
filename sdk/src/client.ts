/** One call over HTTP: repeated where that is safe, with errors as classes. */
import { ConnectionError, errorOf } from './errors.ts';
import { pagesOf, type Pages } from './pages.ts';

export interface ClientOptions {
  /** Of the gateway, without `/v1`: `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  /** A key `tk_…`, or the root key. */
  readonly apiKey: string;
  /** Repeats after a failure that may pass. 2 where it is absent. */
  readonly retriesMax?: number;
  /** For one try, its answer included, in milliseconds. 60,000 where it is absent. */
  readonly timeoutMs?: number;
  /** Instead of the global one. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Of a POST. Absent: one of its own, so that a repeat does nothing twice. */
  readonly idempotencyKey?: string;
  /** Of a change: `etagOf` what you have seen. Where it was changed meanwhile a `ConflictError` is thrown. */
  readonly ifMatch?: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What is asked. `path`: from the root. */
export interface Ask extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
}

/** What the generated methods are made of. */
export interface Call {
  one<T>(ask: Ask): Promise<T>;
  pages<T>(path: string, query: Query, options: CallOptions): Pages<T>;
}

const RETRIES_MAX = 2;
const TIMEOUT_MS = 60_000;
const PAUSE_MS = 250;
const PAUSE_MAX_MS = 20_000;
/** May pass by themselves; 409: the first request with the same `Idempotency-Key` is still under way. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const tags = new WeakMap<object, string>();

/** The `ETag` of an object that this client was given, for `ifMatch`. */
export function etagOf(object: object): string | undefined {
  return tags.get(object);
}

export function callWith(options: ClientOptions): Call {
  const call: Call = {
    one: async (ask) => repeated(ask, options),
    pages: (path, query, rest) =>
      pagesOf(async (cursor) => call.one({ ...rest, method: 'GET', path, query: { ...query, cursor } })),
  };
  return call;
}

async function repeated<T>(ask: Ask, options: ClientOptions): Promise<T> {
  const headers = headersOf(ask, options.apiKey);
  for (let tries = 0; ; tries += 1) {
    const isLast = tries >= (options.retriesMax ?? RETRIES_MAX);
    const reply = await once(ask, headers, options);
    if (reply instanceof ConnectionError) {
      if (isLast || ask.signal?.aborted === true) throw reply;
    } else if (reply.ok) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types are made of the schemas that the gateway answers by.
      return tagged(reply) as T;
    } else if (isLast || !mayPass(reply))
      throw errorOf(reply.status, reply.body, reply.headers.get('x-request-id') ?? undefined);
    await pause(waitMs(reply instanceof ConnectionError ? undefined : reply.headers, tries), ask.signal);
  }
}

function headersOf({ method, idempotencyKey, ifMatch, body }: Ask, apiKey: string): Record<string, string> {
  return {
    authorization: `Bearer ${apiKey}`,
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(method === 'POST' ? { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() } : {}),
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
  };
}

interface Answered {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  /** JSON where it is, else text. */
  readonly body: unknown;
}

async function once(
  { method, path, query, body, signal }: Ask,
  headers: Record<string, string>,
  { baseUrl, timeoutMs = TIMEOUT_MS, fetch: ask = fetch }: ClientOptions,
): Promise<Answered | ConnectionError> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await ask(baseUrl.replace(/\/+$/, '') + path + queryText(query), {
      method,
      headers,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { ok: reply.ok, status: reply.status, headers: reply.headers, body: parsed(await reply.text()) };
  } catch (error) {
    const why = limit.aborted
      ? `no answer within ${timeoutMs} ms`
      : error instanceof Error
        ? error.message
        : 'no answer';
    return new ConnectionError(`${method} ${path}: ${why}`, { cause: error });
  }
}

function queryText(query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  const text = given.toString();
  return text === '' ? '' : `?${text}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function tagged({ body, headers }: Answered): unknown {
  const tag = headers.get('etag');
  if (tag !== null && typeof body === 'object' && body !== null) tags.set(body, tag);
  return body;
}

function mayPass({ status, headers }: Answered): boolean {
  return PASSING.has(status) || headers.get('x-should-retry') === 'true';
}

/** What the gateway says, or longer each time, never in step with others. */
function waitMs(headers: Headers | undefined, tries: number): number {
  const saidMs = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  const saidS = Number(headers?.get('retry-after') ?? Number.NaN);
  const said = Number.isFinite(saidMs) ? saidMs : saidS * 1000;
  const own = PAUSE_MS * 2 ** tries * (0.5 + Math.random() / 2);
  return Math.min(Number.isFinite(said) ? Math.max(said, 0) : own, PAUSE_MAX_MS);
}

function pause(forMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(new ConnectionError('the call was given up', { cause: signal?.reason }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, forMs);
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });
}
