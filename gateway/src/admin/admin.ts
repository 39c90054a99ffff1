/** `/admin/v1/*`: finds the endpoint, lets in who may, minds `ETag` and `Idempotency-Key`. What is done, the endpoints say. */
import { fault, specOf, type Fault } from '../chat/fault.ts';
import { asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import { may, type Principal } from '../people/permissions.ts';
import type { Attempted, Replies } from '../store/ports.ts';
import type { Answer, Endpoint } from './endpoint.ts';
import { isAny, names, tagOf } from './revisions.ts';
import { TABLE } from './table.ts';
import type { AdminWorld } from './world.ts';

export interface AdminRequest {
  readonly method: string;
  /** Below `/admin/v1/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: JsonRecord | undefined;
  readonly principal: Principal;
}

/** No body: there is nothing new (304). `allow`: the methods that are taken, where another was tried. */
export type AdminResult =
  | { readonly status: number; readonly body?: JsonRecord; readonly headers: Readonly<Record<string, string>> }
  | { readonly fault: Fault; readonly allow?: string };

const IDEMPOTENCY_KEY_MAX = 255;
const ID_MAX = 200;
/** Of a change that somebody else is faster than, each time: far more than there are people who change one thing at once. */
const TRIES_MAX = 100;

export async function admin(request: AdminRequest, world: AdminWorld): Promise<AdminResult> {
  const found = endpointOf(request);
  if ('fault' in found) return found;
  const { endpoint, id } = found;
  const { query, body, principal, method } = request;
  const [permission] = endpoint.permissions;
  if (!endpoint.permissions.some((one) => may(principal, one)))
    return { fault: fault('not-permitted', { role: principal.role, permission }) };
  const ifRevision = method === 'GET' ? undefined : request.headers['if-match'];
  // What another process has changed a moment ago is here seen as the caller has seen it there.
  if (ifRevision !== undefined) await world.store.refresh();
  const prepared = endpoint.prepare(compact({ id, query, body, principal, ifRevision }), world);
  if (!prepared.ok) return { fault: prepared.error };
  const key = method === 'POST' ? request.headers['idempotency-key'] : undefined;
  const asked = isAny(ifRevision) ? async () => again(prepared.value, world) : prepared.value;
  const done = async (): Promise<AdminResult> => resultOf(await asked(), endpoint, request);
  return key === undefined ? done() : once({ request, key, replies: world.store.replies }, done);
}

/** Of who does not mind what others have changed: as it is by now, it is looked at again, and whether he may. */
async function again(ask: () => Promise<Answer | Fault>, { store }: AdminWorld): Promise<Answer | Fault> {
  let answer = await ask();
  for (let tries = 1; tries < TRIES_MAX && 'code' in answer && answer.code === 'revision-old'; tries += 1) {
    await store.refresh();
    answer = await ask();
  }
  return answer;
}

type Found = { readonly endpoint: Endpoint; readonly id: string } | Extract<AdminResult, { readonly fault: Fault }>;

function endpointOf({ method, path }: AdminRequest): Found {
  const fits = TABLE.flatMap((endpoint) => {
    const id = idIn(path, endpoint.path);
    return id === undefined ? [] : [{ endpoint, id }];
  });
  const found = fits.find(({ endpoint }) => endpoint.method === method);
  if (found !== undefined) return found;
  if (fits.length === 0) {
    const rooms = new Set(TABLE.map((endpoint) => endpoint.path.split('/')[0]));
    const hint = `There are ${[...rooms].join(', ')}.`;
    return { fault: fault('route-unknown', { method, path: '/admin/v1/…', hint }) };
  }
  const allow = [...new Set(fits.map(({ endpoint }) => endpoint.method))].join(', ');
  const shown = `/admin/v1/${fits[0]?.endpoint.path ?? ''}`;
  return { fault: fault('method-not-allowed', { path: shown, allow, method }), allow };
}

/** The id in a path that fits; empty where the pattern has none. */
function idIn(path: string, pattern: string): string | undefined {
  const [steps, wanted] = [path.split('/'), pattern.split('/')];
  if (steps.length !== wanted.length) return undefined;
  let id = '';
  for (const [index, word] of wanted.entries()) {
    const step = steps[index] ?? '';
    if (word === '{id}') id = decoded(step);
    else if (word !== step) return undefined;
  }
  return wanted.includes('{id}') && id === '' ? undefined : id;
}

/** What is no good text is no id that we gave. */
function decoded(step: string): string {
  try {
    return decodeURIComponent(step).slice(0, ID_MAX);
  } catch {
    return step.slice(0, ID_MAX);
  }
}

function resultOf(answer: Answer | Fault, { status }: Endpoint, { method, headers }: AdminRequest): AdminResult {
  if ('code' in answer) return { fault: answer };
  const { body, revision } = answer;
  if (revision === undefined) return { status, body, headers: {} };
  const tagged = { etag: tagOf(revision) };
  const seen = method === 'GET' ? headers['if-none-match'] : undefined;
  if (seen !== undefined && names(seen, revision)) return { status: 304, headers: tagged };
  return { status, body, headers: tagged };
}

interface Once {
  readonly request: AdminRequest;
  readonly key: string;
  readonly replies: Replies;
}

/** Does it once, however often it is asked for with the same key. What failed by no fault of the caller's may be tried again. */
async function once({ request, key, replies }: Once, done: () => Promise<AdminResult>): Promise<AdminResult> {
  if (key === '' || key.length > IDEMPOTENCY_KEY_MAX)
    return { fault: fault('header-too-long', { name: 'idempotency-key', max: IDEMPOTENCY_KEY_MAX }) };
  const { principal, path, query, body } = request;
  const attempted: Attempted = {
    by: `${principal.kind} ${principal.id}`,
    idempotencyKey: key,
    asked: JSON.stringify([path, query.toString(), body]),
  };
  const begun = await replies.begin(attempted);
  if (!begun.ok) return { fault: begun.error };
  const { value } = begun;
  if (value.state === 'running') return { fault: fault('idempotency-running', {}, { retryAfterMs: 1000 }) };
  if (value.state === 'other') return { fault: fault('idempotency-other') };
  if (value.state === 'done') return replayed(value.reply);
  let result: AdminResult | undefined;
  try {
    result = await done();
    return result;
  } finally {
    await replies.end(attempted, result === undefined || isOurs(result) ? undefined : kept(result));
  }
}

function kept(result: AdminResult): JsonRecord {
  return 'fault' in result ? { fault: { ...result.fault } } : { ...result };
}

function isOurs(result: AdminResult): boolean {
  return 'fault' in result && specOf(result.fault).status >= 500;
}

function replayed(reply: JsonRecord): AdminResult {
  const of = asRecord(reply['fault']);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a fault that we wrote ourselves, under a seal.
  if (of !== undefined) return { fault: of as unknown as Fault };
  const etag = asString(asRecord(reply['headers'])?.['etag']);
  return {
    status: Number(reply['status']),
    body: asRecord(reply['body']) ?? {},
    headers: compact({ etag, 'idempotency-replayed': 'true' }),
  };
}
