/** The listener: node:http in front, one pipeline behind. Everything that is not a well-formed request ends here. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { fault, specOf, type Fault } from '../chat/fault.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { Origin } from '../chat/part.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, type Result } from '../lib/result.ts';
import { authenticate } from '../pipeline/authenticate.ts';
import { countTokens } from '../pipeline/count-tokens.ts';
import { explain } from '../pipeline/explain.ts';
import { handle, retryHeaders } from '../pipeline/handle.ts';
import type { Ending, Headers, Reply } from '../pipeline/reply.ts';
import type { World } from '../pipeline/world.ts';
import type { KeyRow } from '../store/ports.ts';
import { isLong, parseBodyInTurns, type ParsedBody } from '../pipeline/body.ts';
import { nextTurn } from '../pipeline/turns.ts';
import { inOrder } from './in-order.ts';
import { modelAnswer, modelsAnswer } from './models.ts';
import { endRaw, faultOfParser } from './raw.ts';
import { readBody } from './read-body.ts';
import { httpReply } from './reply.ts';
import { routeOf, type Operation } from './routes.ts';

/** No client of the corpus sends more than 40. */
const HEADERS_MAX = 200;
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'content-type',
  'content-length',
]);

export interface ListenerOptions {
  readonly world: World;
  readonly dialects: Readonly<Partial<Record<Origin, Dialect>>>;
  readonly limits: ListenerLimits;
  /** Operations that need no pipeline: metrics, readiness, admin, the page at `/`. */
  readonly rim: Rim;
}

export interface ListenerLimits {
  readonly headerMaxBytes: number;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** The few answers that come from elsewhere than the pipeline. `undefined` key: the caller sent none that is known. */
export interface Rim {
  readonly isReady: () => { readonly ok: boolean; readonly body: JsonRecord };
  readonly isDraining: () => boolean;
  readonly metricsText: () => string;
  readonly home: () => { readonly type: string; readonly body: string };
  readonly admin: (request: AdminRequest) => Promise<AdminAnswer>;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: JsonRecord | undefined;
  readonly key: KeyRow;
}

export type AdminAnswer = { readonly status: number; readonly body: JsonRecord } | Fault;

/** One request, from its head on. */
interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly reply: Reply;
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly startedMs: number;
  readonly operation: Operation;
}

export interface Listener {
  readonly server: Server;
  /** Requests being worked on. */
  inFlight(): number;
}

export function createListener(options: ListenerOptions): Listener {
  const { world, rim, limits } = options;
  let inFlight = 0;
  const server = createServer(
    {
      maxHeaderSize: limits.headerMaxBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.bodyTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      // Ours to check: node would answer without a word.
      requireHostHeader: false,
      insecureHTTPParser: false,
      noDelay: true,
      // Checked often, so that a slow sender is closed near its limit and not half a minute later.
      connectionsCheckingInterval: 1000,
    },
    (request, response) => queue.take(request, response),
  );
  const queue = inOrder((request, response) => {
    inFlight += 1;
    response.once('close', () => {
      inFlight -= 1;
    });
    void visit(request, response);
  });
  server.maxHeadersCount = 0;
  server.on('checkExpectation', (request, response) => queue.take(request, response));
  server.on('clientError', (error, socket) => refuseRaw(socket, faultOfParser(error)));
  server.on('upgrade', (_, socket) => refuseRaw(socket, fault('upgrade-refused')));
  server.on('connect', (_, socket) => refuseRaw(socket, fault('http-malformed')));

  /** Answers what never became a request. Where an earlier answer is under way on the connection, there is no place for another. */
  function refuseRaw(socket: Duplex, of: Fault | undefined): void {
    if (of === undefined || !socket.writable || queue.underWay(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    endRaw(socket, of, world.newId('req'));
    done(
      { outcome: specOf(of).outcome, status: specOf(of).status },
      { kind: 'none', startedMs: world.clock.monotonicMs() },
    );
  }

  async function visit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = world.clock.monotonicMs();
    const requestId = world.newId('req');
    const reply = httpReply(request, response);
    const target = request.url ?? '/';
    const malformed = headFault(request, target);
    if (malformed !== undefined) response.setHeader('connection', 'close');
    const routed: ReturnType<typeof routeOf> =
      malformed === undefined ? routeOf(request.method ?? '', target) : err(malformed);
    if (!routed.ok) {
      const allow: Headers = routed.allow === undefined ? {} : { allow: routed.allow };
      done(finishFault({ reply, requestId, dialect: dialectOfPath(target) }, routed.error, allow), {
        kind: 'none',
        startedMs,
      });
      return;
    }
    const operation = routed.value;
    const queryAt = target.indexOf('?');
    const query = new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt + 1));
    const headers = flat(request);
    try {
      const ending = await serve({ request, response, reply, requestId, headers, query, startedMs, operation });
      done(ending, { kind: operation.kind, startedMs });
    } catch (error) {
      world.log('error', 'a request failed inside the gateway', {
        request_id: requestId,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      if (!reply.hasStarted) finishFault({ reply, requestId, dialect: dialectOf(operation) }, fault('internal'), {});
      else reply.destroy();
      done({ outcome: 'internal', status: 500 }, { kind: operation.kind, startedMs });
    }
  }

  function done(ending: Ending, of: { kind: string; startedMs: number }): void {
    world.meters.requests.add({ operation: of.kind, outcome: ending.outcome });
    if (of.kind === 'chat')
      world.meters.durationS.observe({ outcome: ending.outcome }, (world.clock.monotonicMs() - of.startedMs) / 1000);
  }

  function dialectOf(operation: Operation): Dialect | undefined {
    if ('dialect' in operation) return options.dialects[operation.dialect];
    return 'form' in operation && operation.form === 'gemini'
      ? options.dialects.gemini
      : options.dialects['openai-chat'];
  }

  /** The protocol whose error form the caller most likely reads, where the path is all there is. */
  function dialectOfPath(target: string): Dialect | undefined {
    if (/\/v1\/messages/.test(target)) return options.dialects['anthropic-messages'];
    if (/^\/v1beta\//.test(target)) return options.dialects.gemini;
    return options.dialects['openai-chat'];
  }

  async function serve(visitor: Visit): Promise<Ending> {
    const { operation, reply, requestId } = visitor;
    const plain = serveOpen(visitor);
    if (plain !== undefined) return plain;
    const at = { reply, requestId, dialect: dialectOf(operation) };
    const key = authenticate(credentialsOf(visitor), world.store.keys);
    if (!key.ok) {
      return finishFault(at, key.error, key.error.code.startsWith('key') ? { 'www-authenticate': 'Bearer' } : {});
    }
    const busy = busyFault(visitor);
    if (busy !== undefined) return finishFault(at, busy, {});
    switch (operation.kind) {
      case 'models':
      case 'model':
        return serveModels(visitor, key.value);
      case 'decision':
        return serveDecision(visitor, key.value);
      case 'admin':
        return serveAdmin(visitor, key.value);
      case 'responses-upgrade':
        return finishFault(at, fault('upgrade-refused'), { upgrade: 'HTTP/1.1' });
      case 'chat':
      case 'count-tokens':
      case 'explain':
        return serveBody(visitor, key.value);
      case 'healthz':
      case 'readyz':
      case 'metrics':
      case 'home':
        return { outcome: 'internal', status: 500 };
    }
  }

  /** What everyone may ask: is it alive, is it ready, how is it doing. */
  function serveOpen({ operation, reply, requestId }: Visit): Ending | undefined {
    switch (operation.kind) {
      case 'healthz':
        return finishJson({ reply, requestId }, 200, { status: 'ok' });
      case 'readyz': {
        const ready = rim.isReady();
        return finishJson({ reply, requestId }, ready.ok ? 200 : 503, ready.body);
      }
      case 'metrics':
        reply.whole(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, rim.metricsText());
        return { outcome: 'ok', status: 200 };
      case 'home': {
        const page = rim.home();
        reply.whole(
          200,
          { 'content-type': page.type, 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" },
          page.body,
        );
        return { outcome: 'ok', status: 200 };
      }
      default:
        return undefined;
    }
  }

  function busyFault({ headers }: Visit): Fault | undefined {
    if (headers['x-turnout-hop']?.split(',').some((hop) => hop.trim() === world.instanceId) === true)
      return fault('loop-detected');
    if (rim.isDraining()) return fault('shutting-down', {}, { retryAfterMs: 1000 });
    const { concurrentMax } = world.snapshot();
    return inFlight > concurrentMax
      ? fault('overloaded', { reason: `${concurrentMax} requests at once` }, { retryAfterMs: 1000 })
      : undefined;
  }

  async function serveBody(visitor: Visit, key: KeyRow): Promise<Ending> {
    const { operation, reply, requestId, request, response } = visitor;
    if (operation.kind !== 'chat' && operation.kind !== 'count-tokens' && operation.kind !== 'explain')
      return { outcome: 'internal', status: 500 };
    const dialect = options.dialects[operation.dialect];
    if (dialect === undefined) throw new Error(`no dialect ${operation.dialect}`);
    const at = { reply, requestId, dialect };
    const body = await bodyOf(request, response);
    if (!body.ok) return finishFault(at, body.error, {});
    const arrival = {
      requestId,
      dialect,
      path: operation.kind === 'explain' ? explainPath(body.value.record) : operation.path,
      isJsonArray: operation.kind === 'chat' && operation.isJsonArray,
      headers: visitor.headers,
      query: visitor.query.toString(),
      body: body.value,
      startedMs: visitor.startedMs,
    };
    if (operation.kind === 'chat') return handle(arrival, { key, reply }, world);
    const answer =
      operation.kind === 'explain' ? explain(arrival, key, world) : await countTokens(arrival, key, { reply, world });
    return answer.ok ? finishJson(at, 200, answer.value) : finishFault(at, answer.error, {});
  }

  /** Reads and parses. A long body's parse is a turn of its own, and so is what follows it. */
  async function bodyOf(request: IncomingMessage, response: ServerResponse): Promise<Result<ParsedBody, Fault>> {
    const bytes = await readBody(request, world.snapshot().bodyMaxBytes);
    const parsed = bytes.ok ? await parseBodyInTurns(bytes.value) : bytes;
    // Its length may be wrong as well: what follows it on the connection is not to be trusted.
    if (!parsed.ok) response.setHeader('connection', 'close');
    else if (isLong(parsed.value.bytes)) await nextTurn();
    return parsed;
  }

  function serveModels({ operation, reply, requestId, headers }: Visit, key: KeyRow): Ending {
    const snapshot = world.snapshot();
    const form =
      'form' in operation && operation.form === 'gemini'
        ? 'gemini'
        : headers['anthropic-version'] === undefined
          ? 'openai'
          : 'anthropic';
    if (operation.kind !== 'model') return finishJson({ reply, requestId }, 200, modelsAnswer(snapshot, key, form));
    const found = modelAnswer(snapshot, key, { form, name: operation.name });
    if (found !== undefined) return finishJson({ reply, requestId }, 200, found);
    const of = fault(
      'model-unknown',
      { model: JSON.stringify(operation.name.slice(0, 80)), hint: 'GET /v1/models lists what there is.' },
      { param: 'model' },
    );
    return finishFault({ reply, requestId, dialect: dialectOf(operation) }, of, {});
  }

  async function serveDecision({ operation, reply, requestId }: Visit, key: KeyRow): Promise<Ending> {
    const id = operation.kind === 'decision' ? operation.id : '';
    const found = await world.store.requests.get(id, key);
    const at = { reply, requestId, dialect: options.dialects['openai-chat'] };
    if (!found.ok) return finishFault(at, found.error, {});
    return found.value === undefined
      ? finishFault(at, fault('record-unknown', { id }), {})
      : finishJson(at, 200, found.value);
  }

  async function serveAdmin(visitor: Visit, key: KeyRow): Promise<Ending> {
    const { operation, reply, requestId, request, response } = visitor;
    const at = { reply, requestId, dialect: options.dialects['openai-chat'] };
    if (!key.isRoot) return finishFault(at, fault('admin-only'), {});
    let body: JsonRecord | undefined;
    if (request.method === 'POST' || request.method === 'PATCH') {
      const parsed = await bodyOf(request, response);
      if (!parsed.ok) return finishFault(at, parsed.error, {});
      body = parsed.value.record;
    }
    const path = operation.kind === 'admin' ? operation.path : '';
    const answer = await rim.admin({ method: request.method ?? 'GET', path, query: visitor.query, body, key });
    return 'code' in answer ? finishFault(at, answer, {}) : finishJson(at, answer.status, answer.body);
  }

  return { server, inFlight: () => inFlight };
}

interface At {
  readonly reply: Reply;
  readonly requestId: string;
  readonly dialect?: Dialect | undefined;
}

function finishJson({ reply, requestId }: At, status: number, body: JsonRecord): Ending {
  reply.whole(
    status,
    { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-request-id': requestId },
    JSON.stringify(body),
  );
  return { outcome: status < 400 ? 'ok' : 'overloaded', status };
}

function finishFault({ reply, requestId, dialect }: At, of: Fault, headers: Headers): Ending {
  const { status, outcome, retry } = specOf(of);
  const body = dialect?.encodeFault(of, { requestId }) ?? {
    error: { message: of.message, type: specOf(of).type, param: null, code: of.code },
  };
  if (!reply.signal.aborted && !reply.hasStarted) {
    const shared = { 'content-type': 'application/json', 'x-request-id': requestId, 'x-should-retry': String(retry) };
    reply.whole(status, { ...shared, ...retryHeaders(of), ...headers }, JSON.stringify(body));
  }
  return { outcome, status };
}

/** What node:http lets through and we do not: a host too many or too few, absolute-form targets, too many headers, odd expectations. */
function headFault(request: IncomingMessage, target: string): Fault | undefined {
  if (request.rawHeaders.length / 2 > HEADERS_MAX) return fault('headers-too-big');
  if (!target.startsWith('/')) return fault('http-malformed');
  const expects = request.headers.expect;
  if (expects !== undefined && expects.toLowerCase() !== '100-continue') return fault('expectation-unknown');
  const hosts = count(request, 'host');
  // HTTP/1.0 knows no host (RFC 9112, section 3.2).
  const isHostRight = hosts === 1 || (hosts === 0 && request.httpVersion === '1.0');
  return isHostRight && count(request, 'content-length') <= 1 ? undefined : fault('http-malformed');
}

function count(request: IncomingMessage, name: string): number {
  let found = 0;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) found += 1;
  }
  return found;
}

function flat(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers))
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return headers;
}

function credentialsOf({ request, headers, query, operation }: Visit): Parameters<typeof authenticate>[0] {
  const hasDuplicateKeys = [...SINGLE_HEADERS].some(
    (name) => (name.includes('key') || name === 'authorization') && count(request, name) > 1,
  );
  // Admin lists are filtered by `?key=ID`; everywhere else it is how Gemini's clients say who they are.
  const queryKey = operation.kind === 'admin' ? undefined : (query.get('key') ?? undefined);
  return { headers, hasDuplicateKeys, queryKey };
}

/** Gemini's model stands in the URL; a body to explain may say it instead. */
function explainPath(record: JsonRecord): { model?: string; isStreaming: boolean } {
  const model = record['model'];
  return { ...(typeof model === 'string' ? { model } : {}), isStreaming: record['stream'] === true };
}
