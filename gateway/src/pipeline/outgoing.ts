/** What is sent to one target: the caller's own bytes where the protocol is the same, else their translation. */
import { fault, type Fault } from '../chat/fault.ts';
import type { ChatRequest, Loss } from '../chat/request.ts';
import type { CallShape, EncodeTarget, Unfit } from '../dialects/dialect.ts';
import { jsonInPieces } from '../lib/json-bytes.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { editMembers } from '../lib/splice.ts';
import { isSameOrigin, urlUnder } from '../lib/url.ts';
import type { GoingOn } from '../output/going-on.ts';
import type { Reshaping } from '../output/reshape.ts';
import { deniesSchema, nativeCheck, shaped, type Shaped } from '../output/way.ts';
import type { Target } from '../routing/target.ts';
import { isLong } from './body.ts';
import type { Outgoing, OutgoingOptions, Sending } from './call.ts';
import type { ChatCall } from './chat-call.ts';
import { OWN_FIELDS } from './extension.ts';
import { previousUnknown } from './recall.ts';
import { inTurns, nextTurn } from './turns.ts';

/** Headers of a client that the provider of the same protocol should see. Everything else stays here, keys above all. */
const FORWARDED = ['anthropic-beta', 'anthropic-version', 'openai-beta', 'http-referer', 'x-title'] as const;
/** What a caller may say to the simulator, and to nobody else. */
const FORWARDED_TO_SIMULATOR = ['x-turnout-chaos', 'x-simulator-recording'] as const;

interface ChatOutgoingOptions extends OutgoingOptions {
  readonly operation: CallShape['operation'];
}

/** Builds the request for `target`. Fails where the caller's request means something that the target's protocol cannot say. */
export async function outgoing(
  call: ChatCall,
  target: Target,
  options: ChatOutgoingOptions,
): Promise<Result<Outgoing, Fault>> {
  const isSameDialect = target.provider.dialect.id === call.dialect.id;
  const made: Result<Made, Fault> =
    isSameDialect && !mustBeShaped(call, target, options)
      ? ok({ bodies: [await sameBytes(call, target, options)], losses: [], reshaping: checkOf(call, options) })
      : await translated(call, target, options);
  if (!made.ok) return made;
  const { reshaping, losses, bodies } = made.value;
  const { dialect } = target.provider;
  const shape = { model: target.upstreamModel, isStreaming: call.inspection.isStreaming, operation: options.operation };
  const parcel = {
    path: dialect.path(shape),
    isStreaming: shape.isStreaming,
    isSameWire: isSameDialect,
    instanceId: options.instanceId,
  };
  const [first, ...others] = bodies;
  const sent = sendingTo(target, call, { ...parcel, body: first });
  if (!sent.ok) return sent;
  return ok({
    isSameWire: isSameDialect,
    losses,
    call: sent.value,
    ...(reshaping === undefined ? {} : { reshaping }),
    ...(made.value.goingOn === undefined ? {} : { goingOn: made.value.goingOn }),
    // All parts go where the first does.
    ...(others.length === 0 ? {} : { more: others.map((body) => ({ ...sent.value, body })), choices: bodies.length }),
  });
}

interface Made {
  /** One, or a call each for further choices, and for further things that one body asks. */
  readonly bodies: readonly [Buffer, ...Buffer[]];
  readonly losses: readonly Loss[];
  readonly reshaping?: Reshaping | undefined;
  readonly goingOn?: GoingOn | undefined;
}

/** Whether the caller's bytes will not do, although the protocol is the same: the model holds no answer to a schema, or mends one. */
function mustBeShaped({ facts }: ChatCall, target: Target, options: ChatOutgoingOptions): boolean {
  const { operation, output, unfinished } = options;
  if (operation !== 'chat') return false;
  if (unfinished !== undefined) return true;
  return output?.repair !== undefined || (deniesSchema(target.abilities) && facts.needs.includes('json-schema'));
}

/** What comes back of the caller's own words is looked at only where all answers are. */
function checkOf(call: ChatCall, { operation, output }: ChatOutgoingOptions): Reshaping | undefined {
  if (output?.validate !== 'always' || operation !== 'chat') return undefined;
  const decoded = call.decoded();
  const [only] = decoded.ok ? decoded.value : [];
  return only === undefined ? undefined : nativeCheck(only, output);
}

/** What goes to a target, as far as it depends on what is asked. */
export interface Parcel {
  /** Below the base URL, with its query. */
  readonly path: string;
  readonly isStreaming: boolean;
  /** Goes out in the caller's own protocol. */
  readonly isSameWire: boolean;
  readonly instanceId: string;
  readonly body: Buffer;
  /** Of the body; absent: JSON. */
  readonly type?: string;
  /** What is wanted of the answer; absent: JSON, or events where it is streamed. */
  readonly accept?: string;
}

type Asking = Pick<ChatCall, 'headers' | 'query'>;

/** Addresses a parcel: the target's URL, its credentials, and the caller's headers that the provider should see. */
export function sendingTo(target: Target, asking: Asking, parcel: Parcel): Result<Sending, Fault> {
  const { withheld: reason, providerId: provider } = target;
  if (reason !== undefined) return err(fault('upstream-credential', { provider, reason }));
  const url = urlOf(asking, target, parcel);
  if (!url.ok) return url;
  return ok({
    url: url.value,
    method: 'POST',
    headers: headersOf(asking, target, parcel),
    body: parcel.body,
    provider: target.providerId,
    // Base URLs come from the operator's file alone, and that is the operator's word.
    allowPrivate: true,
    secretOrigin: target.origin,
  });
}

async function sameBytes(call: ChatCall, target: Target, options: OutgoingOptions): Promise<Buffer> {
  const { body, dialect, inspection } = call;
  if (mustBeRewritten(call, target, options)) return bytesOf(amended(call, target, options), call);
  const edits = new Map<string, string | undefined>();
  for (const field of ownFields(target, options)) if (body.scan.members.has(field)) edits.set(field, undefined);
  const { modelField } = dialect;
  if (modelField !== undefined && (inspection.model !== target.upstreamModel || !body.scan.members.has(modelField))) {
    edits.set(modelField, JSON.stringify(target.upstreamModel));
  }
  const ask = asksUsage(call, target) ? dialect.askUsage(body.record) : undefined;
  if (ask !== undefined) edits.set(ask.field, JSON.stringify(ask.value));
  return edits.size === 0 ? body.bytes : editMembers(body.bytes, body.scan, edits);
}

/** Whether more changes than a splice can make: turns before it, a lower limit, an oddity of the provider's. */
function mustBeRewritten(call: ChatCall, target: Target, { outputTokensMax }: OutgoingOptions): boolean {
  const { record } = call.body;
  if (outputTokensMax !== undefined || sentRecord(call, target) !== record) return true;
  return target.provider.needsAmend?.(record) === true;
}

/** A long body is written in turns, as it was read. */
async function bytesOf(record: JsonRecord, { body }: ChatCall): Promise<Buffer> {
  return isLong(body.bytes) ? inTurns(jsonInPieces(record, body.bytes.length)) : Buffer.from(JSON.stringify(record));
}

/** The caller's body. A provider that does not keep the conversation itself gets all of it, if we have it. */
function sentRecord({ body, recalled }: ChatCall, target: Target): JsonRecord {
  return recalled?.record === undefined || recalled.knownTo === target.keyId ? body.record : recalled.record;
}

interface Finishing {
  readonly call: ChatCall;
  readonly target: Target;
  readonly options: OutgoingOptions;
  readonly goingOn?: GoingOn | undefined;
}

/** The slow way, for the few that need it: the body as an object, changed and written anew. */
function amended(call: ChatCall, target: Target, options: OutgoingOptions): JsonRecord {
  const { dialect } = call;
  const kept = Object.fromEntries(
    Object.entries(sentRecord(call, target)).filter(([name]) => !ownFields(target, options).includes(name)),
  );
  const named = dialect.modelField === undefined ? kept : { ...kept, [dialect.modelField]: target.upstreamModel };
  return finished(named, { call, target, options });
}

function finished(body: JsonRecord, { call, target, options, goingOn }: Finishing): JsonRecord {
  const { provider } = target;
  const ask = asksUsage(call, target) ? provider.dialect.askUsage(body) : undefined;
  const asking = ask === undefined ? body : { ...body, [ask.field]: ask.value };
  const limited =
    options.outputTokensMax === undefined ? asking : provider.dialect.limitOutput(asking, options.outputTokensMax);
  const isSameDialect = provider.dialect.id === call.dialect.id;
  const made = provider.amendRequest?.(limited, isSameDialect ? call.headers : {}) ?? limited;
  return goingOn === 'prefill' ? (provider.markPrefill?.(made) ?? made) : made;
}

/** What must not reach the provider: fields of ours, save those that it reads itself and nobody has followed yet. */
function ownFields(target: Target, options: OutgoingOptions): readonly string[] {
  return target.provider.readsPreferences === true ? options.followed : OWN_FIELDS;
}

/** Fields of ours that go on to a target that reads them itself, for a body that is written anew. */
export function wishesFor(
  { provider }: Target,
  record: JsonRecord,
  { followed }: Pick<OutgoingOptions, 'followed'>,
): JsonRecord {
  if (provider.readsPreferences !== true) return {};
  return Object.fromEntries(
    OWN_FIELDS.flatMap((field) => {
      const value = record[field];
      return value === undefined || followed.includes(field) ? [] : [[field, value] as const];
    }),
  );
}

function asksUsage(call: ChatCall, target: Target): boolean {
  return call.inspection.isStreaming && target.provider.asksStreamUsage !== false;
}

async function translated(call: ChatCall, target: Target, options: ChatOutgoingOptions): Promise<Result<Made, Fault>> {
  // Reading and writing ten thousand messages take some 50 ms each: turns of their own.
  const { recalled } = call;
  if (recalled !== undefined && recalled.record === undefined) return err(previousUnknown(recalled.previousId));
  const isTurned = isLong(call.body.bytes);
  if (isTurned) await nextTurn();
  const decoded = call.decoded();
  if (!decoded.ok) return err('code' in decoded.error ? decoded.error : unfitFor(target, decoded.error));
  if (isTurned) await nextTurn();
  const goingOn = goingOnAt(target, decoded.value[0], options);
  const each = decoded.value.map((request) => shapedFor(request, { call, target, options, goingOn }));
  const losses = onceEach(each.flatMap(({ encoded }) => encoded.losses));
  const grave = call.extension.adapt ? undefined : losses.find((loss) => loss.weight === 'meaning');
  if (grave !== undefined) {
    return err(fault('not-expressible', { target: target.id, reason: grave.why }, { param: grave.field }));
  }
  if (isTurned) await nextTurn();
  const records = each.flatMap(({ encoded, more = [] }) => [encoded.body, ...more]);
  const wished = wishesFor(target, call.body.record, options);
  const [first, ...others] = await Promise.all(
    records.map((body) => bytesOf(finished({ ...wished, ...body }, { call, target, options, goingOn }), call)),
  );
  if (first === undefined) throw new Error('a request asks nothing');
  return ok({ bodies: [first, ...others], losses, reshaping: each[0]?.reshaping, goingOn });
}

/** How the target is asked to go on from a text, where there is one. Thinking comes before a text, so that nobody thinks in the middle of one. */
function goingOnAt(
  { provider, upstreamModel }: Target,
  request: ChatRequest | undefined,
  { unfinished }: OutgoingOptions,
): GoingOn | undefined {
  if (unfinished === undefined) return undefined;
  const { effort, budgetTokens = 0 } = request?.reasoning ?? {};
  const isThinking = budgetTokens !== 0 || (effort !== undefined && effort !== 'none');
  const isTaken = provider.markPrefill !== undefined || provider.dialect.takesPrefill?.(upstreamModel) === true;
  return isTaken && !isThinking ? 'prefill' : 'instruction';
}

function unfitFor(target: Target, { param, reason }: Unfit): Fault {
  return fault('not-for-target', { target: target.id, reason }, { param });
}

function shapedFor(request: ChatRequest, { target, options, goingOn }: Finishing): Shaped {
  const { output = { validate: 'never' }, unfinished } = options;
  const extras = request.extras.filter((extra) => !OWN_FIELDS.includes(extra.field));
  const to = { dialect: target.provider.dialect, target: encodeTarget(target), abilities: target.abilities };
  const asked = unfinished === undefined || goingOn === undefined ? undefined : { text: unfinished, way: goingOn };
  return shaped({ ...request, extras }, to, asked === undefined ? output : { ...output, unfinished: asked });
}

/** What several parts lose alike is one loss. */
function onceEach(losses: readonly Loss[]): readonly Loss[] {
  return [...new Map(losses.map((loss) => [`${loss.code} ${loss.field} ${loss.why}`, loss])).values()];
}

function encodeTarget({ upstreamModel, limits, abilities }: Target): EncodeTarget {
  return {
    model: upstreamModel,
    ...(limits.outputTokens === undefined ? {} : { maxOutputTokens: limits.outputTokens }),
    ...(abilities === undefined ? {} : { canReason: abilities.has('reasoning') }),
  };
}

/** The address of the call. A model's name comes from the caller: it may not lead out of the provider's base URL. */
function urlOf({ query }: Asking, target: Target, parcel: Parcel): Result<string, Fault> {
  const { provider, urlPrefix: prefix } = target;
  const { path } = parcel;
  const joined =
    provider.url !== undefined ? seamUrl(target, parcel) : prefix.ok ? urlUnder(prefix.value, path) : prefix;
  if (!joined.ok) return err(fault('field-invalid', { reason: joined.error }, { param: 'model' }));
  const url = joined.value;
  // Claude Code and the Anthropic SDK's beta resources say `?beta=true`; the provider of that protocol knows it.
  const isBeta = parcel.isSameWire && provider.takesQuery !== false && query.includes('beta=true');
  return ok(isBeta ? `${url}${url.includes('?') ? '&' : '?'}beta=true` : url);
}

function seamUrl(target: Target, { path, isStreaming }: Parcel): Result<string, string> {
  const { provider, baseUrl, upstreamModel } = target;
  const url = provider.url?.({ baseUrl, path, model: upstreamModel, isStreaming }) ?? baseUrl;
  return isSameOrigin(url, baseUrl) ? ok(url) : err('it would lead to another host');
}

function headersOf({ headers }: Asking, target: Target, parcel: Parcel): Readonly<Record<string, string>> {
  const { provider } = target;
  const { isStreaming, type } = parcel;
  const forwarded: Record<string, string> = {};
  if (parcel.isSameWire) copyHeaders(headers, endToEnd(headers, FORWARDED), forwarded);
  if (provider.id === 'simulator') copyHeaders(headers, FORWARDED_TO_SIMULATOR, forwarded);
  return {
    'content-type': 'application/json',
    accept: parcel.accept ?? (isStreaming ? 'text/event-stream' : 'application/json'),
    // A compressed stream comes in lumps; a whole reply is smaller compressed.
    'accept-encoding': isStreaming ? 'identity' : 'gzip',
    'user-agent': 'turnout',
    'x-turnout-hop': hopsOf(headers['x-turnout-hop'], parcel.instanceId),
    ...(provider.headers?.(target.secret) ?? provider.dialect.headers(target.secret)),
    ...(type === undefined ? {} : { 'content-type': type }),
    ...forwarded,
    ...target.headers,
  };
}

/** Gateways that are remembered; a circle of more is not built by mistake. */
const HOPS_MAX = 32;

/** Every gateway on the way adds its name, so that each of them knows a request that comes back over others (faults.md F63). */
function hopsOf(before: string | undefined, instanceId: string): string {
  const hops = (before ?? '').split(',').map((hop) => hop.trim());
  return [...hops.filter((hop) => /^[\w-]{1,64}$/.test(hop)).slice(-HOPS_MAX), instanceId].join(', ');
}

/** Without those that the caller has named as meant for this connection alone (RFC 9110, section 7.6.1). */
function endToEnd(headers: Asking['headers'], names: readonly string[]): readonly string[] {
  const { connection } = headers;
  if (connection === undefined || connection === 'keep-alive') return names;
  const hopByHop = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  return names.filter((name) => !hopByHop.has(name));
}

function copyHeaders(
  from: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  into: Record<string, string>,
): void {
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) into[name] = value;
  }
}
