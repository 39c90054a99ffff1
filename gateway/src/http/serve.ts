/** Serves one request whose head is in order: who asks, what is asked, and which room answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Batches } from '../batches/batches.ts';
import { fault, specOf, type Fault } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, type Result } from '../lib/result.ts';
import { EVENT_MAX_BYTES, type WebhookRequest } from '../billing/webhook.ts';
import { authenticate, authenticateAnew } from './authenticate.ts';
import { BODY_LIMITS, isLong, parseBodyInTurns, type BodyLimits, type ParsedBody } from '../pipeline/body.ts';
import type { Arrival } from '../pipeline/call.ts';
import { chatArrival } from '../pipeline/chat.ts';
import { countTokens } from '../pipeline/count-tokens.ts';
import { explain } from '../pipeline/explain.ts';
import { decisionOf } from '../pipeline/decision.ts';
import { giveFeedback } from '../pipeline/feedback.ts';
import { handle } from '../pipeline/handle.ts';
import { retryHeaders } from '../pipeline/reply-headers.ts';
import { formReader, type ParsedForm } from '../pipeline/form.ts';
import type { Ending, Headers, Reply } from '../pipeline/reply.ts';
import { remember } from '../pipeline/remember.ts';
import type { Caller } from '../pipeline/run.ts';
import { nextTurn } from '../pipeline/turns.ts';
import type { World } from '../pipeline/world.ts';
import type { Login } from '../login/login.ts';
import { principalOfKey } from '../login/principal.ts';
import type { Principal } from '../people/permissions.ts';
import type { KeyRow } from '../store/ports.ts';
import { enter, leave, limitedAtDoor } from '../pipeline/limit.ts';
import { callerAddress } from './caller-address.ts';
import type { Capacity } from './capacity.ts';
import { askLogin, LOGIN_MAX_BYTES } from './login.ts';
import { modelAnswer, modelsAnswer, type ModelsForm } from './models.ts';
import { arrivalOf, isFormWanted, isOperation, takesForm, type OperationBody } from './operations.ts';
import { answerStored } from './batches.ts';
import { readBody, shownType } from './read-body.ts';
import { responseAnswer } from './responses.ts';
import type { Operation, OperationRoute } from './routes.ts';
import { scopeFault } from './scopes.ts';

/** Headers that say who asks. */
const KEY_HEADERS: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']);

/** Inputs may be lists of token numbers: 300,000 in one request at OpenAI. Numbers are small. */
const EMBEDDINGS_LIMITS: BodyLimits = { ...BODY_LIMITS, valuesMax: 1_000_000 };

/** What every request is served with. */
export interface Desk {
  readonly world: World;
  readonly dialects: Readonly<Partial<Record<Origin, Dialect>>>;
  /** Operations that need no pipeline: metrics, readiness, admin, the page at `/`. */
  readonly rim: Rim;
  readonly batches: Batches;
  readonly login: Login;
  /** Requests being worked on. */
  readonly inFlight: () => number;
  /** Takes the request in, or says what there is too little of for it. `strangerMaxBytes`: of a body of who has shown no key. */
  readonly takeIn: (
    request: IncomingMessage,
    response: ServerResponse,
    strangerMaxBytes?: number,
  ) => ReturnType<Capacity['shortOf']>;
}

/** The few answers that come from elsewhere than the pipeline. `undefined` key: the caller sent none that is known. */
export interface Rim {
  readonly isReady: () => Promise<{ readonly ok: boolean; readonly body: JsonRecord }>;
  readonly isDraining: () => boolean;
  readonly metricsText: () => Promise<string>;
  readonly home: () => { readonly type: string; readonly body: string };
  readonly admin: (request: AdminRequest) => Promise<AdminAnswer>;
  /** An event of a payment provider; its body is read when it is wanted. */
  readonly webhook: (request: WebhookRequest) => Promise<Result<JsonRecord, Fault>>;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: JsonRecord | undefined;
  readonly principal: Principal;
}

/** No body: there is nothing new (304). `allow`: the methods that are taken, where another was tried. */
export type AdminAnswer =
  | { readonly status: number; readonly body?: JsonRecord; readonly headers: Headers }
  | { readonly fault: Fault; readonly allow?: string };

/** One request, from its head on. */
export interface Visit {
  readonly desk: Desk;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly reply: Reply;
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names of headers that stood more than once, in lower case. */
  readonly repeated: readonly string[];
  readonly query: URLSearchParams;
  readonly startedMs: number;
  readonly operation: Operation;
}

/** Answers one request whose head is in order. Throws only for bugs of ours. */
export async function serve(visitor: Visit): Promise<Ending> {
  const { reply, requestId } = visitor;
  const plain = serveOpen(visitor);
  if (plain !== undefined) return plain;
  if (visitor.operation.kind === 'login') return serveLogin(visitor);
  if (visitor.operation.kind === 'admin') return serveAdmin(visitor);
  if (visitor.operation.kind === 'webhook') return serveWebhook(visitor);
  const at = { reply, requestId, dialect: dialectFor(visitor) };
  const found = keyOf(visitor);
  const key = found instanceof Promise ? await found : found;
  if (!key.ok) {
    return finishFault(at, key.error, key.error.code.startsWith('key') ? { 'www-authenticate': 'Bearer' } : {});
  }
  const unscoped = scopeFault(key.value, visitor.operation);
  if (unscoped !== undefined) return finishFault(at, unscoped, {});
  const refused = fullFault(visitor);
  if (refused !== undefined) return finishFault(at, refused.fault, refused.headers);
  return serveKnown(visitor, key.value);
}

const SHORT: Readonly<Record<'connections' | 'memory', string>> = {
  connections: 'no more connections can be opened',
  memory: 'what is under way needs its memory',
};

/** Whoever goes on over this connection goes on to be refused: a new one may lead to another process. */
const ELSEWHERE: Headers = { connection: 'close' };

/** Why no more requests can be taken now; where they can, it is taken in. */
function fullFault(
  visitor: Visit,
  strangerMaxBytes?: number,
): { readonly fault: Fault; readonly headers: Headers } | undefined {
  const { desk, request, response } = visitor;
  const busy = busyFault(visitor);
  if (busy !== undefined) return { fault: busy, headers: busy.code === 'shutting-down' ? ELSEWHERE : {} };
  const short = desk.takeIn(request, response, strangerMaxBytes);
  if (short === undefined) return undefined;
  return { fault: fault('overloaded', { reason: SHORT[short] }, { retryAfterMs: 1000 }), headers: ELSEWHERE };
}

/** Whose request it is: from memory, or, where nobody here knows the key, after asking the store. */
function keyOf(visitor: Visit): Result<KeyRow, Fault> | Promise<Result<KeyRow, Fault>> {
  const { keys } = visitor.desk.world.store;
  const credentials = credentialsOf(visitor);
  const known = authenticate(credentials, keys);
  const isUnknown = !known.ok && known.error.code === 'key-unknown';
  return isUnknown ? (authenticateAnew(credentials, keys) ?? known) : known;
}

/** Operations that are counted at the caller's limits further on, with all that they will use. */
function isCountedLater({ kind }: Operation): boolean {
  return kind === 'chat' || isOperation(kind);
}

/** Never limited: whoever raises a limit must get in. */
const UNLIMITED: ReadonlySet<Operation['kind']> = new Set<Operation['kind']>(['admin', 'responses-upgrade']);

/** The operations that need a key. Every one but an admin's is counted at its limits. */
async function serveKnown(visitor: Visit, key: KeyRow): Promise<Ending> {
  const { desk, operation } = visitor;
  const { world } = desk;
  if (UNLIMITED.has(operation.kind)) return serveCounted(visitor, key);
  const limits = {
    rates: world.snapshot().rates,
    world,
    protocol: 'dialect' in operation ? operation.dialect : '',
    signal: visitor.reply.signal,
  };
  if (isCountedLater(operation)) {
    const limited = limitedAtDoor(key, limits);
    return limited === undefined ? serveCounted(visitor, key) : refuseUnread(visitor, key, limited);
  }
  const entry = await enter({ key }, limits);
  for (const [name, value] of Object.entries(entry.headers)) visitor.response.setHeader(name, value);
  if ('fault' in entry) return finishFault({ ...visitor, dialect: dialectFor(visitor) }, entry.fault, {});
  try {
    return await serveCounted(visitor, key);
  } finally {
    leave(entry.passed, [], world);
  }
}

async function serveCounted(visitor: Visit, key: KeyRow): Promise<Ending> {
  switch (visitor.operation.kind) {
    case 'models':
    case 'model':
      return serveModels(visitor, key);
    case 'decision':
      return serveDecision(visitor, key);
    case 'feedback': {
      const body = await bodyOf(visitor);
      return finish(visitor, body.ok ? await giveFeedback(body.value.record, key, visitor.desk.world) : body);
    }
    case 'response': {
      const { turns } = visitor.desk.world;
      await turns.fetch?.(visitor.operation.id, key.id);
      return finish(visitor, responseAnswer(visitor.operation, { keyId: key.id, turns }));
    }
    case 'files':
    case 'batches': {
      const own = { operation: visitor.operation, keyId: key.id, caller: callerOf(visitor, key) };
      const asked = { ...visitor, ...own, json: async () => bodyOf(visitor) };
      return finish(visitor, await answerStored(asked, visitor.desk.batches));
    }
    case 'responses-upgrade':
      return finishFault(visitor, fault('upgrade-refused'), { upgrade: 'HTTP/1.1' });
    default:
      return serveBody(visitor, key);
  }
}

/** What everyone may ask: is it alive, is it ready, how is it doing. */
function serveOpen({ desk, operation, reply, requestId }: Visit): Ending | Promise<Ending> | undefined {
  const { rim } = desk;
  switch (operation.kind) {
    case 'healthz':
      return finishJson({ reply, requestId }, 200, { status: 'ok' });
    case 'readyz':
      return rim.isReady().then(({ ok, body }) => finishJson({ reply, requestId }, ok ? 200 : 503, body));
    case 'metrics':
      return rim.metricsText().then((text) => {
        const type = 'text/plain; version=0.0.4; charset=utf-8';
        reply.whole(200, { 'content-type': type, 'x-request-id': requestId }, text);
        return { outcome: 'ok', status: 200 };
      });
    case 'home': {
      const page = rim.home();
      reply.whole(
        200,
        {
          'content-type': page.type,
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
          'x-request-id': requestId,
        },
        page.body,
      );
      return { outcome: 'ok', status: 200 };
    }
    default:
      return undefined;
  }
}

/** Who sends it has a signature in the place of a key, and spends nothing. */
async function serveWebhook(visitor: Visit): Promise<Ending> {
  const { desk, headers, request, response } = visitor;
  const full = fullFault(visitor, EVENT_MAX_BYTES);
  if (full !== undefined) return finishFull(visitor, full);
  const body = async (maxBytes: number): Promise<Result<Uint8Array, Fault>> =>
    readBody(request, response, { maxBytes });
  const answer = await desk.rim.webhook({ headers, body });
  if (!answer.ok) response.setHeader('connection', 'close');
  return finish(visitor, answer);
}

function finishFull(
  { desk, reply, requestId }: Visit,
  { fault: of, headers }: { readonly fault: Fault; readonly headers: Headers },
): Ending {
  return finishFault({ reply, requestId, dialect: desk.dialects['openai-chat'] }, of, headers);
}

function busyFault({ desk, headers }: Visit): Fault | undefined {
  const { world, rim } = desk;
  if (headers['x-turnout-hop']?.split(',').some((hop) => hop.trim() === world.instanceId) === true)
    return fault('loop-detected');
  if (rim.isDraining()) return fault('shutting-down', {}, { retryAfterMs: 1000 });
  const { concurrentMax } = world.snapshot();
  return desk.inFlight() > concurrentMax
    ? fault('overloaded', { reason: `${concurrentMax} requests at once` }, { retryAfterMs: 1000 })
    : undefined;
}

async function serveBody(visitor: Visit, key: KeyRow): Promise<Ending> {
  const { desk, operation, reply, requestId } = visitor;
  const { world, dialects } = desk;
  const beside = besideChat(operation);
  if (beside !== undefined) return serveOperation(visitor, beside, key);
  if (operation.kind !== 'chat' && operation.kind !== 'count-tokens' && operation.kind !== 'explain')
    return { outcome: 'internal', status: 500 };
  const dialect = dialects[operation.dialect];
  if (dialect === undefined) throw new Error(`no dialect ${operation.dialect}`);
  const at = { reply, requestId, dialect };
  const body = await bodyOf(visitor);
  if (!body.ok) return refuseUnread(visitor, key, { fault: body.error });
  const input = {
    requestId,
    dialect,
    path: operation.kind === 'explain' ? explainPath(body.value.record) : operation.path,
    isJsonArray: operation.kind === 'chat' && operation.isJsonArray,
    headers: visitor.headers,
    query: visitor.query.toString(),
    body: body.value,
    startedMs: visitor.startedMs,
  };
  if (operation.kind === 'chat') return handle(chatArrival(input), callerOf(visitor, key), world);
  const answer =
    operation.kind === 'explain'
      ? await explain(chatArrival(input), callerOf(visitor, key), world)
      : await countTokens(input, key, { ...callerOf(visitor, key), world });
  return answer.ok ? finishJson(at, 200, answer.value) : finishFault(at, answer.error, {});
}

function callerOf(visitor: Visit, key: KeyRow): Caller {
  return { key, reply: visitor.reply, address: addressOf(visitor) };
}

function addressOf({ request, headers, desk }: Visit): string | undefined {
  const snapshot = desk.world.snapshot();
  return callerAddress(request.socket.remoteAddress, headers['x-forwarded-for'], (hop) => snapshot.isProxy(hop));
}

interface Unread {
  readonly fault: Fault;
  readonly headers?: Headers;
}

/** What is not read, or cannot be, was a request all the same: a chat that ends here has its record. */
function refuseUnread(visitor: Visit, key: KeyRow, { fault: of, headers = {} }: Unread): Ending {
  const { desk, operation, reply, requestId, startedMs } = visitor;
  const at = { reply, requestId, dialect: dialectOf(desk, operation) };
  if (operation.kind !== 'chat' && !('wire' in operation)) return finishFault(at, of, {});
  finishFault(at, of, { ...headers, 'x-turnout-decision': requestId });
  const protocol = 'wire' in operation ? operation.wire : operation.dialect;
  const ended = { requestId, startedMs, operation: operation.kind, protocol, keyId: key.id, fault: of };
  return remember(ended, desk.world);
}

/** What is asked, or to be explained, where that is no chat. */
function besideChat(operation: Operation): OperationRoute | undefined {
  if ('wire' in operation) return operation;
  return operation.kind === 'explain' ? operation.operation : undefined;
}

/** What is asked beside a chat: for its answer, or for what would be done about it. */
async function serveOperation(visitor: Visit, route: OperationRoute, key: KeyRow): Promise<Ending> {
  const { desk, reply, requestId } = visitor;
  const at = { reply, requestId, dialect: wordsOf(desk, route.dialect) };
  const body = await operationBody(visitor, route);
  if (!body.ok) return refuseUnread(visitor, key, { fault: body.error });
  const arrival: Arrival = arrivalOf(route, {
    requestId,
    voice: at.dialect,
    headers: visitor.headers,
    query: visitor.query.toString(),
    body: body.value,
    startedMs: visitor.startedMs,
  });
  if (visitor.operation.kind !== 'explain') return handle(arrival, callerOf(visitor, key), desk.world);
  const answer = await explain(arrival, callerOf(visitor, key), desk.world);
  return answer.ok ? finishJson(at, 200, answer.value) : finishFault(at, answer.error, {});
}

async function operationBody(visitor: Visit, { kind }: OperationRoute): Promise<Result<OperationBody, Fault>> {
  const type = visitor.headers['content-type'] ?? '';
  if (takesForm(kind) && /^multipart\/form-data\b/i.test(type)) return formOf(visitor, type);
  if (isFormWanted(kind)) return err(fault('media-type', { found: shownType(type), wanted: 'multipart/form-data' }));
  return bodyOf(visitor, kind === 'embeddings' ? EMBEDDINGS_LIMITS : undefined);
}

/** A form is checked while it arrives, so that one that is none is not kept. */
async function formOf({ desk, request, response }: Visit, type: string): Promise<Result<ParsedForm, Fault>> {
  const { snapshot, together } = desk.world;
  const reader = formReader(type);
  if (!reader.ok) return reader;
  const watch = (piece: Buffer): Fault | undefined => reader.value.push(piece);
  const bytes = await readBody(request, response, { maxBytes: snapshot().bodyMaxBytes, watch });
  await new Promise<void>(together);
  const form = bytes.ok ? reader.value.end(bytes.value) : bytes;
  if (!form.ok) response.setHeader('connection', 'close');
  return form;
}

/** Reads and parses. A long body's parse is a turn of its own, and so is what follows it. */
async function bodyOf({ desk, request, response }: Visit, limits?: BodyLimits): Promise<Result<ParsedBody, Fault>> {
  const { snapshot, together } = desk.world;
  const bytes = await readBody(request, response, { maxBytes: snapshot().bodyMaxBytes });
  await new Promise<void>(together);
  const parsed = bytes.ok ? await parseBodyInTurns(bytes.value, limits) : bytes;
  // Its length may be wrong as well: what follows it on the connection is not to be trusted.
  if (!parsed.ok) response.setHeader('connection', 'close');
  else if (isLong(parsed.value.bytes)) await nextTurn();
  return parsed;
}

function serveModels(visitor: Visit, key: KeyRow): Ending {
  const { desk, operation, reply, requestId, query } = visitor;
  const snapshot = desk.world.snapshot();
  const form = modelsForm(visitor);
  const at = { reply, requestId, dialect: dialectFor(visitor) };
  if (operation.kind !== 'model') {
    const answer = modelsAnswer(snapshot, key, { form, query });
    return answer.ok ? finishJson(at, 200, answer.value) : finishFault(at, answer.error, {});
  }
  const found = modelAnswer(snapshot, key, { form, name: operation.name });
  if (found !== undefined) return finishJson(at, 200, found);
  const of = fault(
    'model-unknown',
    { model: JSON.stringify(operation.name.slice(0, 80)), hint: 'GET /v1/models lists what there is.' },
    { param: 'model' },
  );
  return finishFault(at, of, {});
}

/** Under `/v1` the headers tell: Anthropic's clients say which version of their API they speak, Google's have a header of their own for the key. */
function modelsForm({ operation, headers }: Visit): ModelsForm {
  if ('form' in operation && operation.form !== 'v1') return operation.form;
  if (headers['anthropic-version'] !== undefined) return 'anthropic';
  return headers['x-goog-api-key'] === undefined ? 'openai' : 'gemini';
}

/** An answer that is JSON, or one that has been given. */
function finish({ desk, reply, requestId, operation }: Visit, answer: Result<JsonRecord, Fault> | Ending): Ending {
  if ('outcome' in answer) return answer;
  const at = { reply, requestId, dialect: dialectOf(desk, operation) };
  return answer.ok ? finishJson(at, 200, answer.value) : finishFault(at, answer.error, {});
}

async function serveDecision({ desk, operation, reply, requestId }: Visit, key: KeyRow): Promise<Ending> {
  const id = operation.kind === 'decision' ? operation.id : '';
  const found = await decisionOf(id, key, desk.world.store);
  const at = { reply, requestId, dialect: desk.dialects['openai-chat'] };
  if (!found.ok) return finishFault(at, found.error, {});
  return found.value === undefined
    ? finishFault(at, fault('record-unknown', { id }), {})
    : finishJson(at, 200, found.value);
}

async function serveLogin(visitor: Visit): Promise<Ending> {
  const { desk, reply, requestId, operation } = visitor;
  const at = { reply, requestId, dialect: desk.dialects['openai-chat'] };
  const full = fullFault(visitor, LOGIN_MAX_BYTES);
  if (full !== undefined) return finishFull(visitor, full);
  const path = operation.kind === 'login' ? operation.path : '';
  const answer = await askLogin(desk.login, { ...visitor, path, address: addressOf(visitor) ?? '' });
  if ('fault' in answer)
    return finishFault(at, answer.fault, answer.allow === undefined ? {} : { allow: answer.allow });
  const { status, headers, body } = answer;
  reply.whole(status, { ...headers, 'x-request-id': requestId }, body);
  return { outcome: outcomeOf(status), status };
}

/** How a page is counted that tells of a fault by its status. */
function outcomeOf(status: number): Ending['outcome'] {
  if (status < 400) return 'ok';
  const known: Readonly<Record<number, Ending['outcome']>> = {
    401: 'unauthorized',
    403: 'forbidden',
    404: 'not_found',
    410: 'not_found',
    429: 'rate_limited',
    502: 'upstream_error',
    503: 'overloaded',
  };
  return known[status] ?? 'invalid';
}

/** Who asks: by a key, or, where none is sent, by the cookie of a session. */
async function principalOf({ desk, ...visitor }: Visit): Promise<Result<Principal, Fault>> {
  const { headers, request } = visitor;
  const { people } = desk.world.store;
  const key = await keyOf({ desk, ...visitor });
  if (key.ok) return principalOfKey(key.value, people);
  if (key.error.code !== 'key-missing' || headers['authorization'] !== undefined || !desk.login.hasCookie({ headers }))
    return key;
  return desk.login.principal({ headers, method: request.method ?? 'GET' });
}

async function serveAdmin(visitor: Visit): Promise<Ending> {
  const { desk, operation, reply, requestId, request } = visitor;
  const at = { reply, requestId, dialect: desk.dialects['openai-chat'] };
  const busy = busyFault(visitor);
  if (busy !== undefined) return finishFault(at, busy, busy.code === 'shutting-down' ? { connection: 'close' } : {});
  const principal = await principalOf(visitor);
  if (!principal.ok)
    return finishFault(
      at,
      principal.error,
      specOf(principal.error).status === 401 ? { 'www-authenticate': 'Bearer' } : {},
    );
  let body: JsonRecord | undefined;
  if (request.method === 'POST' || request.method === 'PATCH') {
    const parsed = await bodyOf(visitor);
    if (!parsed.ok) return finishFault(at, parsed.error, {});
    body = parsed.value.record;
  }
  const path = operation.kind === 'admin' ? operation.path : '';
  const answer = await desk.rim.admin({
    method: request.method ?? 'GET',
    path,
    query: visitor.query,
    headers: visitor.headers,
    body,
    principal: principal.value,
  });
  if (!('fault' in answer)) return finishAnswer(at, answer);
  return finishFault(at, answer.fault, answer.allow === undefined ? {} : { allow: answer.allow });
}

/** The caller's protocol: of its path, or, where three of them share it, of its headers. */
function dialectFor(visitor: Visit): Words | undefined {
  const { desk, operation } = visitor;
  if (operation.kind !== 'models' && operation.kind !== 'model') return dialectOf(desk, operation);
  return desk.dialects[DIALECT_OF_FORM[modelsForm(visitor)]];
}

const DIALECT_OF_FORM = {
  openai: 'openai-chat',
  anthropic: 'anthropic-messages',
  gemini: 'gemini',
} as const satisfies Record<ModelsForm, Origin>;

/** The caller's protocol: of its path, or the commonest. */
export function dialectOf(desk: Desk, operation: Operation): Words | undefined {
  const { dialects } = desk;
  if ('dialect' in operation) return wordsOf(desk, operation.dialect);
  return 'form' in operation && operation.form === 'gemini' ? dialects.gemini : dialects['openai-chat'];
}

/** The protocol whose error form the caller most likely reads, where the path is all there is. */
export function dialectOfPath({ dialects }: Desk, target: string): Words | undefined {
  if (/\/v1\/messages/.test(target)) return dialects['anthropic-messages'];
  if (target.startsWith('/v1beta/')) return dialects.gemini;
  if (target.startsWith('/v2/')) return dialects.cohere;
  return dialects['openai-chat'];
}

/** In whose words an error is told. */
type Words = Pick<Dialect, 'encodeFault'>;

function wordsOf({ dialects }: Desk, dialect: Origin): Words {
  const words = dialects[dialect];
  if (words === undefined) throw new Error(`no dialect ${dialect}`);
  return words;
}

interface At {
  readonly reply: Reply;
  readonly requestId: string;
  readonly dialect?: Words | undefined;
}

function finishJson(at: At, status: number, body: JsonRecord): Ending {
  return finishAnswer(at, { status, body, headers: {} });
}

function finishAnswer({ reply, requestId }: At, answer: Extract<AdminAnswer, { readonly status: number }>): Ending {
  const { status, body, headers } = answer;
  reply.whole(
    status,
    { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-request-id': requestId, ...headers },
    body === undefined ? '' : JSON.stringify(body),
  );
  return { outcome: status < 400 ? 'ok' : 'overloaded', status };
}

export function finishFault({ reply, requestId, dialect }: At, of: Fault, headers: Headers): Ending {
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

function credentialsOf(visitor: Visit): Parameters<typeof authenticate>[0] {
  const { repeated, headers, query, operation } = visitor;
  // Admin lists are filtered by `?key=ID`; everywhere else it is how Gemini's clients say who they are.
  const queryKey = operation.kind === 'admin' ? undefined : (query.get('key') ?? undefined);
  const hasDuplicateKeys = repeated.some((name) => KEY_HEADERS.has(name));
  return { headers, hasDuplicateKeys, queryKey, address: addressOf(visitor) };
}

/** Gemini's model stands in the URL; a body to explain may say it instead. */
function explainPath(record: JsonRecord): { model?: string; isStreaming: boolean } {
  const model = record['model'];
  return { ...(typeof model === 'string' ? { model } : {}), isStreaming: record['stream'] === true };
}
