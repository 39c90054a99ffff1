/** The chat: a request in a dialect, sent on as its own bytes or translated, and its answer received as events or whole. */
import type { Fault } from '../chat/fault.ts';
import type { ChatRequest } from '../chat/request.ts';
import type { Inspection, Unfit } from '../dialects/dialect.ts';
import { readingHead } from '../dialects/head-usage.ts';
import { asArray, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { ContentFacts, ContentOptions } from '../understand/content.ts';
import { contentFacts, ruleText, ruleTextGap, unreadContent } from '../understand/content.ts';
import { understand } from '../understand/facts.ts';
import { errorOf } from '../providers/provider.ts';
import { targetOver, type Target } from '../routing/target.ts';
import type { ParsedBody } from './body.ts';
import type { Arrival, Delivery, Memory, Reception } from './call.ts';
import type { ChatCall, ChatInput } from './chat-call.ts';
import { conversationOf } from './conversation.ts';
import { readExtension } from './extension.ts';
import { outgoing } from './outgoing.ts';
import { draftOf, recall } from './recall.ts';
import { brokenEnding, receive } from './receive.ts';
import type { Receiver } from './receiver.ts';
import { relayChoices } from './relay-choices.ts';

const UNREADABLE = 'the request could not be read';

export function chatArrival(input: ChatInput): Arrival {
  const { requestId, startedMs, dialect } = input;
  return {
    requestId,
    startedMs,
    operation: 'chat',
    protocol: dialect.id,
    goesOnFrom: dialect.thread?.previousOf(input.body.record),
    encodeFault: (of) => dialect.encodeFault(of, { requestId }),
    accept: (memory) => acceptChat(input, memory),
  };
}

/** A body of bytes becomes a call that is checked, read once, and never looked at as text again. */
export function acceptChat(input: ChatInput, memory?: Memory): Result<ChatCall, Fault> {
  const { dialect, path, requestId, isJsonArray } = input;
  const body = withModel(input);
  const { thread } = dialect;
  const recalled = memory === undefined ? undefined : recall(thread, body.record, memory);
  // What came before is paid for with every turn, by whoever keeps it.
  const record = recalled?.record ?? body.record;
  const inspection = dialect.inspect(record, path);
  if (!inspection.ok) return err(inspection.error);
  const extension = readExtension(body.record, input.headers);
  if (!extension.ok) return err(extension.error);
  let decoded: ReturnType<ChatCall['decoded']> | undefined;
  let content: ContentFacts | undefined;
  const call: ChatCall = {
    ...input,
    body,
    operation: 'chat',
    protocol: dialect.id,
    inspection: inspection.value,
    extension: extension.value,
    facts: understand(inspection.value),
    delivery: deliveryOf(inspection.value, isJsonArray),
    ...(recalled === undefined ? {} : { recalled }),
    decoded: () => (decoded ??= decodeEach(record, input)),
    encodeFault: (of) => dialect.encodeFault(of, { requestId }),
    brokenEnding: (of) => brokenEnding(dialect, of, { requestId, isJsonArray }),
    conversationOf: (keyId) => {
      const requests = call.decoded();
      const [request] = requests.ok ? requests.value : [];
      return request === undefined ? undefined : conversationOf(keyId, request, extension.value.session);
    },
    contentOf: (options) => (content ??= contentFrom(call.decoded(), options)),
    ruleText: () => {
      const said = allSaid(call.decoded());
      return said === undefined ? '' : ruleText(said);
    },
    ruleTextGap: () => {
      const said = allSaid(call.decoded());
      return said === undefined ? UNREADABLE : ruleTextGap(said);
    },
    whyNot: () => undefined,
    mayGoOn: () => mayGoOn(call),
    over: (target) => targetOver(target, dialect.id),
    wireAt: (target) => targetOver(target, dialect.id).provider.dialect.id,
    ...(thread?.asksToKeep(body.record) === true
      ? { turnOf: (target: Target, answer: string) => draftOf(thread, { call, target }, answer) }
      : {}),
    outgoing: (target, options) => outgoing(call, target, { ...options, operation: 'chat' }),
    receiver: (target, reception) => receiver(call, target, reception),
    decodeError: (target, answer) => errorOf(target.provider, answer),
  };
  return ok(call);
}

/** Several prompts of one request as one: what is found in any of them counts. */
function allSaid(requests: ReturnType<ChatCall['decoded']>): ChatRequest | undefined {
  if (!requests.ok) return undefined;
  const [first, ...more] = requests.value;
  if (first === undefined || more.length === 0) return first;
  return { ...first, messages: requests.value.flatMap(({ messages }) => messages) };
}

function contentFrom(decoded: ReturnType<ChatCall['decoded']>, options: ContentOptions): ContentFacts {
  const said = allSaid(decoded);
  return said === undefined ? unreadContent(UNREADABLE) : contentFacts(said, options);
}

function decodeEach(record: JsonRecord, { dialect, path }: ChatInput): Result<readonly ChatRequest[], Fault | Unfit> {
  const bodies = dialect.apart?.(record) ?? ok([record]);
  if (!bodies.ok) return bodies;
  const requests: ChatRequest[] = [];
  for (const body of bodies.value) {
    const decoded = dialect.decodeRequest(body, path);
    if (!decoded.ok) return decoded;
    requests.push(decoded.value);
  }
  return ok(requests);
}

/** OpenRouter's clients may name models in `models` alone: then the first of them is the one that is asked for. */
function withModel({ dialect, body }: ChatInput): ParsedBody {
  const { record } = body;
  const [first] = asArray(record['models']) ?? [];
  if (dialect.modelField === undefined || record[dialect.modelField] !== undefined || typeof first !== 'string')
    return body;
  return { ...body, record: { ...record, [dialect.modelField]: first } };
}

/** Only a stream of one text can be gone on with: an answer in a form would begin anew. */
function mayGoOn({ inspection, decoded }: ChatCall): boolean {
  if (!inspection.isStreaming || inspection.choices > 1) return false;
  const requests = decoded();
  const [only, ...others] = requests.ok ? requests.value : [];
  return only !== undefined && others.length === 0 && (only.format ?? { kind: 'text' }).kind === 'text';
}

function deliveryOf({ isStreaming }: Inspection, isJsonArray: boolean): Delivery {
  const isEvents = isStreaming && !isJsonArray;
  return {
    isStreaming,
    canPing: isEvents,
    type: isEvents ? 'text/event-stream; charset=utf-8' : 'application/json',
  };
}

function receiver(call: ChatCall, target: Target, { to, now, nowS, startedMs, headers, ...made }: Reception): Receiver {
  const { inspection, requestId, isJsonArray } = call;
  const { amendUsage, dialect, splitter } = target.provider;
  const toReceiver = made.choices === undefined ? receive : relayChoices;
  return toReceiver({
    inbound: call.dialect,
    outbound: readingHead(dialect, headers),
    provider: target.providerId,
    ...(amendUsage === undefined ? {} : { amendUsage }),
    ...(splitter === undefined ? {} : { splitter }),
    wantsStream: inspection.isStreaming,
    ...(made.reshaping === undefined ? {} : { reshaping: made.reshaping }),
    ...(made.going === undefined ? {} : { going: made.going }),
    context: {
      requestId,
      model: inspection.model,
      nowS,
      wantsStreamUsage: inspection.wantsStreamUsage,
      inputTokensEstimate: call.facts.inputTokensEstimate,
      isJsonArray,
      request: call.body.record,
    },
    now,
    startedMs,
    to,
  });
}
