/**
 * The way of everything that is not a chat: one implementation over the pure descriptors of `dialects/operations`. A target
 * that speaks the caller's wire gets the caller's bytes; another one a translation; long lists of inputs go out in parts.
 */
import { fault, type Fault } from '../chat/fault.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type {
  AnswerKind,
  Asked,
  AskedBody,
  AskedPath,
  EncodedAsk,
  Operation,
  OperationId,
  Size,
  Wire,
} from '../dialects/operations/operation.ts';
import { lossesOf } from '../dialects/operations/operation.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { editMembers, splice } from '../lib/splice.ts';
import { wireChoice, type WireChoice } from '../providers/index.ts';
import type { ContentFacts, ContentOptions } from '../understand/content.ts';
import { plainRuleText, plainRuleTextGap, textFacts } from '../understand/content.ts';
import { understand, type Facts } from '../understand/facts.ts';
import { errorOf } from '../providers/provider.ts';
import type { Target } from '../routing/target.ts';
import type { ParsedBody } from './body.ts';
import type { Arrival, Call, Delivery, Outgoing, OutgoingOptions, Reception, Sending } from './call.ts';
import { OWN_FIELDS, readExtension, type Extension } from './extension.ts';
import type { ParsedForm } from './form.ts';
import { receiveOperation } from './operation-receive.ts';
import { sendingTo, wishesFor, type Parcel } from './outgoing.ts';
import type { Receiver } from './receiver.ts';

export interface OperationInput {
  readonly requestId: string;
  /** Id of the caller's wire. */
  readonly wire: string;
  /** In whose words errors are told. */
  readonly voice: Pick<Dialect, 'encodeFault'>;
  readonly path: AskedPath;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: string;
  readonly body: ParsedBody | ParsedForm;
  /** Monotonic. */
  readonly startedMs: number;
}

const UNREADABLE = 'its inputs are no text';

export function operationArrival<Q extends Asked, A>(operation: Operation<Q, A>, input: OperationInput): Arrival {
  const { requestId, startedMs, voice, wire } = input;
  const encodeFault = (of: Fault): JsonRecord => voice.encodeFault(of, { requestId });
  const known = { requestId, startedMs, operation: operation.id, protocol: wire, encodeFault };
  return { ...known, accept: () => accept(operation, { ...input, encodeFault }) };
}

interface Input extends OperationInput {
  readonly encodeFault: (of: Fault) => JsonRecord;
}

/** A request that was read, and the wire it was written in. */
interface Work<Q extends Asked, A> {
  readonly operation: Operation<Q, A>;
  readonly input: Input;
  readonly inbound: Wire<Q, A>;
  readonly request: Q;
  readonly extension: Extension;
}

function accept<Q extends Asked, A>(operation: Operation<Q, A>, input: Input): Result<Call, Fault> {
  const { body, path, headers, requestId, startedMs, encodeFault } = input;
  const inbound = operation.wires[input.wire];
  if (inbound === undefined) throw new Error(`no wire ${input.wire} for ${operation.id}`);
  const extension = readExtension(body.record, headers);
  if (!extension.ok) return extension;
  const decoded = inbound.decodeRequest(askedBody(body), path);
  if (!decoded.ok) return decoded;
  const request: Q = { ...decoded.value, extras: without(decoded.value.extras, OWN_FIELDS) };
  const work: Work<Q, A> = { operation, input, inbound, request, extension: extension.value };
  const kind = operation.answerOf(request);
  let content: ContentFacts | undefined;
  return ok({
    requestId,
    startedMs,
    operation: operation.id,
    protocol: inbound.id,
    extension: extension.value,
    facts: factsOf(request, operation.sizeOf(request), kind),
    delivery: deliveryOf(kind),
    encodeFault,
    contentOf: (options) => (content ??= contentFrom(work, options)),
    ruleText: () => plainRuleText(operation.textsOf(request)),
    ruleTextGap: () =>
      operation.isUnread?.(request) === true ? UNREADABLE : plainRuleTextGap(operation.textsOf(request)),
    whyNot: (target) => whyNot(operation.id, target),
    over: (target) => target,
    wireAt: (target) => choiceAt(operation.id, target)?.wire ?? 'none',
    outgoing: async (target, options) => outgoingOf(work, target, options),
    receiver: (target, reception) => receiver(work, target, reception),
    decodeError: (target, answer) => errorOf(target.provider, answer),
    brokenEnding: (of) => (kind === 'events' ? `data: ${JSON.stringify(encodeFault(of))}\n\n` : undefined),
  });
}

function contentFrom<Q extends Asked, A>({ operation, request }: Work<Q, A>, options: ContentOptions): ContentFacts {
  const { user, extras } = request;
  const beside = user === undefined ? extras : { ...extras, user };
  const isUnread = operation.isUnread?.(request);
  return textFacts({ texts: operation.textsOf(request), extras: beside, isUnread }, options);
}

function askedBody(body: ParsedBody | ParsedForm): AskedBody {
  return 'parts' in body ? { record: body.record, form: body } : { record: body.record };
}

function without(record: JsonRecord, names: readonly string[]): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}

function deliveryOf(kind: AnswerKind): Delivery {
  const isStreaming = kind === 'events' || kind === 'bytes';
  return {
    isStreaming,
    // No comment may stand in sound.
    canPing: kind === 'events',
    type: kind === 'events' ? 'text/event-stream; charset=utf-8' : 'application/json',
  };
}

function factsOf({ model }: Asked, size: Size, kind: AnswerKind): Facts {
  const whole = understand({
    model,
    isStreaming: kind === 'events' || kind === 'bytes',
    wantsStreamUsage: true,
    maxOutputTokens: size.outputTokensMax,
    choices: size.choices,
    needs: [],
    textLength: size.textLength,
    nonAsciiLength: size.nonAsciiLength,
    imageCount: size.imageCount,
    messageCount: 0,
  });
  const longest = size.textLength === 0 ? 0 : (whole.inputTokensEstimate * size.longestLength) / size.textLength;
  return {
    ...whole,
    inputTokensEstimate: Math.max(1, whole.inputTokensEstimate + size.tokensEstimate),
    inputTokensMax: whole.inputTokensMax + size.tokensMax,
    longestTokensEstimate: Math.ceil(longest),
    isOutputFixed: true,
    ...(size.unitsMax === undefined ? {} : { unitsMax: size.unitsMax }),
  };
}

function choiceAt(operation: OperationId, { provider, upstreamModel }: Target): WireChoice | undefined {
  return wireChoice(provider, operation, upstreamModel);
}

function whyNot(operation: OperationId, target: Target): string | undefined {
  if (choiceAt(operation, target) === undefined) return `${target.provider.name} has no ${operation}`;
  return target.operations === undefined || target.operations.has(operation)
    ? undefined
    : `it is a model for ${[...target.operations].join(', ')}, not for ${operation}`;
}

/** How the target is asked: its wire, and the parts in which it takes the request. */
interface Asking<Q extends Asked, A> {
  readonly outbound: Wire<Q, A>;
  readonly choice: WireChoice;
  readonly parts: readonly Q[];
}

function askingOf<Q extends Asked, A>({ operation, request }: Work<Q, A>, target: Target): Asking<Q, A> | undefined {
  const choice = choiceAt(operation.id, target);
  const outbound = choice === undefined ? undefined : operation.wires[choice.wire];
  if (choice === undefined || outbound === undefined) return undefined;
  const { inputsMax } = choice;
  const parts = inputsMax === undefined ? undefined : operation.split?.(request, inputsMax);
  return { outbound, choice, parts: parts ?? [request] };
}

function outgoingOf<Q extends Asked, A>(
  work: Work<Q, A>,
  target: Target,
  options: OutgoingOptions,
): Result<Outgoing, Fault> {
  const asking = askingOf(work, target);
  if (asking === undefined) return err(notThere(target));
  const upstream = { model: target.upstreamModel };
  const encoded = asking.parts.map((part) => asking.outbound.encodeRequest(part, upstream));
  const isSameWire = work.inbound.id === asking.outbound.id;
  // A wire knows all of its own fields.
  const losses = isSameWire ? [] : lossesOf(encoded, work.inbound, work.input.body.record);
  const refused = refusalOf(work, target, losses);
  if (refused !== undefined) return err(refused);
  const bodies = bodiesOf(work, target, { asking, encoded, options });
  const sendings: Sending[] = [];
  for (const [index, body] of bodies.entries()) {
    const sent = sendingTo(target, work.input, {
      ...manner(work),
      path: asking.choice.path ?? encoded[index]?.path ?? '',
      isSameWire,
      instanceId: options.instanceId,
      body,
    });
    if (!sent.ok) return sent;
    sendings.push(sent.value);
  }
  const [call, ...more] = sendings;
  if (call === undefined) return err(notThere(target));
  return ok({ call, isSameWire, losses, ...(more.length === 0 ? {} : { more }) });
}

function notThere(target: Target): Fault {
  const reason = 'It has no such operation.';
  return fault('not-expressible', { target: target.id, reason }, { param: 'model' });
}

/** How the body is named, and which answers are understood. */
function manner<Q extends Asked, A>({
  operation,
  request,
  input,
}: Work<Q, A>): Pick<Parcel, 'isStreaming' | 'type' | 'accept'> {
  const { body } = input;
  const kind = operation.answerOf(request);
  return {
    isStreaming: kind === 'events',
    ...('parts' in body ? { type: `multipart/form-data; boundary=${quoted(body.boundary)}` } : {}),
    ...(kind === 'json' ? {} : { accept: '*/*' }),
  };
}

/** A boundary that is no token (RFC 9110, section 5.6.2) needs quotes. */
function quoted(boundary: string): string {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(boundary) ? boundary : `"${boundary}"`;
}

interface Bodies<Q extends Asked, A> {
  readonly asking: Asking<Q, A>;
  readonly encoded: readonly EncodedAsk[];
  readonly options: OutgoingOptions;
}

/** The caller's own bytes where they may pass, which a form always does; else what each part says in the target's wire. */
function bodiesOf<Q extends Asked, A>(
  work: Work<Q, A>,
  target: Target,
  { asking, encoded, options }: Bodies<Q, A>,
): readonly Buffer[] {
  const { inbound, request, input } = work;
  const { outbound } = asking;
  const isSameWire = inbound.id === outbound.id;
  const mayPass = isSameWire && (outbound.canPass?.(request, { model: target.upstreamModel }) ?? true);
  if ('parts' in input.body || (mayPass && encoded.length === 1)) return [passed(work, target, { outbound, options })];
  const wished = wishesFor(target, input.body.record, options);
  return encoded.map((one) => bytesOf(one, isSameWire ? { ...request.extras, ...wished } : wished));
}

function refusalOf<Q extends Asked, A>(
  { extension }: Work<Q, A>,
  target: Target,
  losses: EncodedAsk['losses'],
): Fault | undefined {
  if (extension.adapt) return undefined;
  const grave = losses.find((loss) => loss.weight === 'meaning');
  return grave === undefined
    ? undefined
    : fault('not-expressible', { target: target.id, reason: grave.why }, { param: grave.field });
}

/** A translated body, or a part of one in the caller's own wire, which knows all of the caller's fields. */
function bytesOf({ body }: EncodedAsk, own: JsonRecord): Buffer {
  return Buffer.from(JSON.stringify({ ...own, ...body }));
}

interface Passing<Q extends Asked, A> {
  readonly outbound: Wire<Q, A>;
  readonly options: OutgoingOptions;
}

/** The caller's bytes, with the model's name and without what is ours. */
function passed<Q extends Asked, A>(
  { input, request }: Work<Q, A>,
  target: Target,
  { outbound, options }: Passing<Q, A>,
): Buffer {
  const { body } = input;
  const own = target.provider.readsPreferences === true ? options.followed : OWN_FIELDS;
  if ('parts' in body) return formFor(body, target, [...own, ...(outbound.unknownFields ?? [])]);
  const edits = new Map<string, string | undefined>();
  for (const field of own) if (body.scan.members.has(field)) edits.set(field, undefined);
  const { modelField } = outbound;
  const isNamed = modelField !== undefined && body.scan.members.has(modelField);
  if (modelField !== undefined && (request.model !== target.upstreamModel || !isNamed))
    edits.set(modelField, JSON.stringify(target.upstreamModel));
  return edits.size === 0 ? body.bytes : editMembers(body.bytes, body.scan, edits);
}

/** The form with the target's name of the model, and without the fields named in `dropped`. */
function formFor(form: ParsedForm, target: Target, dropped: readonly string[]): Buffer {
  const edits = form.parts.flatMap((part, index) => {
    const next = form.parts[index + 1]?.from ?? form.end;
    if (dropped.includes(part.name)) return [{ start: part.from, end: next, text: '' }];
    if (part.name !== 'model') return [];
    return [{ start: part.start, end: part.end, text: target.upstreamModel }];
  });
  return edits.length === 0 ? form.bytes : splice(form.bytes, edits);
}

function receiver<Q extends Asked, A>(work: Work<Q, A>, target: Target, reception: Reception): Receiver {
  const { operation, inbound, request, input } = work;
  const asking = askingOf(work, target);
  const { headers, nowS, now, startedMs, to } = reception;
  const contentType = headers['content-type'];
  return receiveOperation({
    operation,
    request,
    inbound,
    outbound: asking?.outbound ?? inbound,
    parts: asking?.parts ?? [request],
    provider: target.providerId,
    contentType: typeof contentType === 'string' ? contentType : '',
    context: { requestId: input.requestId, nowS },
    amendUsage: target.provider.amendUsage,
    headUsage: target.provider.dialect.usageInHead?.(headers),
    now,
    startedMs,
    to,
  });
}
