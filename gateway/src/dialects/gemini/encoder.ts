/** Events as a Gemini stream: server-sent events, or one JSON array for callers without `alt=sse`. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Citation, Part } from '../../chat/part.ts';
import type { ChatEvent, Finish } from '../../chat/reply.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { asRecord, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { citationLoss, groundingOf, visibleText, type Cited, type VisibleText } from './citations.ts';
import { encodeFaultBody } from './errors.ts';
import { packThought } from './wire.ts';
import { extraLoss, writePart, type PartWriter } from './parts.ts';
import { finishWord, loseFinish, opaqueLoss, refusedFinish, replyWriter, writeLogprobs } from './response.ts';
import { encodeUsage, lostUsage } from './usage.ts';

/** Arguments held back for one reply, in code units; Gemini has no pieces of them, and a call without end must not fill the memory. */
const ARGUMENTS_MAX = 8 * 1024 * 1024;
/** Fields beside the reply that are Gemini's own, and go back to its clients. */
const CANDIDATE_FIELDS: ReadonlySet<string> = new Set([
  'avgLogprobs',
  'citationMetadata',
  'finishMessage',
  'groundingAttributions',
  'groundingMetadata',
  'safetyRatings',
  'tokenCount',
  'urlContextMetadata',
]);
const TOP_FIELDS: ReadonlySet<string> = new Set(['promptFeedback', 'modelStatus', 'automaticFunctionCallingHistory']);

interface Call {
  readonly head: Extract<ChatEvent, { type: 'tool-call-start' }>;
  readonly pieces: string[];
}

/** What is held of one choice until it can be written. Mutable by design: it lives inside one encoder. */
interface Draft {
  readonly index: number;
  readonly calls: Map<number, Call>;
  readonly text: VisibleText;
  isInText: boolean;
  readonly cited: Cited[];
  extra: JsonRecord;
  isRefusal: boolean;
  finish?: Finish;
}

interface State {
  readonly context: EncodeContext;
  readonly drafts: Map<number, Draft>;
  readonly losses: LossList;
  writer: PartWriter;
  head: { readonly id: string; readonly model: string; readonly createTime?: string };
  usage?: Usage;
  extra: JsonRecord;
  heldLength: number;
  hasBegun: boolean;
  isOver: boolean;
}

export function streamEncoder(context: EncodeContext): StreamEncoder<string> {
  const losses = lossList();
  const state: State = {
    context,
    drafts: new Map(),
    losses,
    writer: replyWriter({ isHome: false, id: undefined, lose: losses.add }),
    head: { id: context.requestId, model: context.model },
    extra: {},
    heldLength: 0,
    hasBegun: false,
    isOver: false,
  };
  return {
    push: (event) => {
      if (state.isOver) return '';
      if (event.type === 'error') return stop(state, event.fault);
      if (event.type === 'start') {
        state.writer = replyWriter({ isHome: false, id: event.id, lose: losses.add });
        state.head = headOf(event, context);
        return '';
      }
      const text = write(state, event);
      return state.heldLength > ARGUMENTS_MAX
        ? text + stop(state, fault('upstream-too-big', { provider: 'The model', max: ARGUMENTS_MAX }))
        : text;
    },
    end: () => {
      if (state.isOver) return '';
      state.isOver = true;
      return (
        lateCalls(state) + lastChunk(state) + (context.isJsonArray === true ? (state.hasBegun ? '\n]\n' : '[]\n') : '')
      );
    },
    losses: () => [...losses.all(), ...lostUsage(state.usage)],
  };
}

function headOf(event: Extract<ChatEvent, { type: 'start' }>, context: EncodeContext): State['head'] {
  const { createdAt } = event;
  const isTime = createdAt !== undefined && Math.abs(createdAt) < 8e12;
  return {
    id: event.id ?? context.requestId,
    model: event.model ?? context.model,
    ...(isTime ? { createTime: new Date(createdAt * 1000).toISOString() } : {}),
  };
}

/** The error that ends a stream which began with 200. In an array it is the last member, so that the array stays valid JSON. */
function stop(state: State, of: Fault): string {
  state.isOver = true;
  const error = encodeFaultBody(of, state.context);
  return frame(state, error) + (state.context.isJsonArray === true ? '\n]\n' : '');
}

function frame(state: State, body: JsonRecord): string {
  const text = JSON.stringify(body);
  if (state.context.isJsonArray !== true) return formatSse(text);
  const before = state.hasBegun ? ',\n' : '[';
  state.hasBegun = true;
  return before + text;
}

function draftOf(state: State, index: number): Draft {
  const known = state.drafts.get(index);
  if (known !== undefined) return known;
  const made: Draft = {
    index,
    calls: new Map(),
    text: visibleText(),
    isInText: false,
    cited: [],
    extra: {},
    isRefusal: false,
  };
  state.drafts.set(index, made);
  return made;
}

type Written = Exclude<ChatEvent, { type: 'error' | 'start' }>;

function write(state: State, event: Written): string {
  if (event.type === 'ping') return '';
  if (event.type === 'usage') state.usage = mergeUsage(state.usage, event.usage);
  else if (event.type === 'extra') keepExtra(state, event);
  else return writeChoice(state, draftOf(state, event.choice), event);
  return '';
}

type ChoiceEvent = Exclude<Written, { type: 'usage' | 'ping' | 'extra' }>;

function writeChoice(state: State, draft: Draft, event: ChoiceEvent): string {
  if (event.type === 'tool-call-start') {
    draft.calls.set(event.call, { head: event, pieces: [] });
    draft.isInText = false;
  } else if (event.type === 'tool-call-delta') {
    draft.calls.get(event.call)?.pieces.push(event.arguments);
    state.heldLength += event.arguments.length;
  } else if (event.type === 'part-break') draft.isInText = false;
  else if (event.type === 'citation') cite(state, draft, event.citation);
  else if (event.type === 'logprobs') return candidate(state, draft, { logprobsResult: writeLogprobs(event.tokens) });
  else if (event.type === 'finish') {
    draft.finish = event.finish;
    loseFinish(event.finish, state.writer);
    return calls(state, draft);
  } else return calls(state, draft) + parts(state, draft, content(state, draft, event));
  return '';
}

/** Gemini's own citations stand in `groundingMetadata`, which comes as an extra field. */
function cite(state: State, draft: Draft, citation: Citation): void {
  if (citation.origin === 'gemini') return;
  const loss = citationLoss(citation);
  if (loss === undefined) draft.cited.push({ citation, partStart: draft.text.partStart() });
  else state.writer.lose(loss);
}

type ContentEvent = Exclude<
  ChoiceEvent,
  { type: 'tool-call-start' | 'tool-call-delta' | 'finish' | 'citation' | 'part-break' | 'logprobs' }
>;

function content(state: State, draft: Draft, event: ContentEvent): readonly JsonRecord[] {
  note(draft, event);
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      return [{ text: event.text }];
    case 'reasoning-delta':
      return [{ text: event.text, thought: true }];
    case 'reasoning-encrypted':
      return [{ text: '', thought: true, thoughtSignature: packThought(event.encrypted, true) }];
    case 'signature':
      return [signatureOf(event)];
    case 'audio-delta':
      return sound(state, event);
    case 'media':
    case 'opaque':
      return piece(state, event.part);
  }
}

/** What the end of the reply must know of its text. */
function note(draft: Draft, event: ContentEvent): void {
  const isText = isOfText(event);
  if (isText && !draft.isInText) draft.text.startPart();
  draft.isInText = isText;
  if (event.type === 'text-delta') draft.text.add(event.text);
  if (event.type === 'refusal-delta') draft.isRefusal = true;
}

function isOfText(event: ContentEvent): boolean {
  return event.type === 'text-delta' || (event.type === 'signature' && event.of === 'text');
}

function signatureOf(event: Extract<ChatEvent, { type: 'signature' }>): JsonRecord {
  const thoughtSignature = packThought(event.signature);
  return event.of === 'text' ? { text: '', thoughtSignature } : { text: '', thought: true, thoughtSignature };
}

function piece(state: State, part: Part): readonly JsonRecord[] {
  if (part.kind === 'opaque' && part.origin !== 'gemini') state.writer.lose(opaqueLoss(part.name));
  return writePart(part, state.writer);
}

/** OpenAI's spoken output is PCM of 16 bits at 24 kHz, as Gemini's is. */
function sound(state: State, event: Extract<ChatEvent, { type: 'audio-delta' }>): readonly JsonRecord[] {
  if (event.transcript !== undefined) {
    state.writer.lose({
      code: 'transcript',
      field: 'audio.transcript',
      weight: 'hint',
      why: 'Gemini has no transcript beside sound.',
    });
  }
  return event.data === undefined || event.data === ''
    ? []
    : [{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: event.data } }];
}

/** Writes the calls that are held: Gemini has them only whole. Other content after them means that their arguments are complete. */
function calls(state: State, draft: Draft): string {
  if (draft.calls.size === 0) return '';
  const written = [...draft.calls.values()].flatMap(({ head, pieces }) =>
    writePart(
      compact({
        kind: 'tool-call' as const,
        id: head.id,
        name: head.name,
        arguments: pieces.join(''),
        signature: head.signature,
        extra: head.extra,
      }),
      state.writer,
    ),
  );
  draft.calls.clear();
  state.heldLength = 0;
  return parts(state, draft, written);
}

function parts(state: State, draft: Draft, written: readonly JsonRecord[]): string {
  return written.length === 0 ? '' : candidate(state, draft, { content: { parts: written, role: 'model' } });
}

function candidate(state: State, draft: Draft, fields: JsonRecord): string {
  return chunk(state, [{ ...fields, index: draft.index }], {});
}

function chunk(state: State, candidates: readonly JsonRecord[], rest: JsonRecord): string {
  const { id, model, createTime } = state.head;
  return frame(
    state,
    compact({
      candidates: candidates.length === 0 ? undefined : candidates,
      ...rest,
      modelVersion: model,
      createTime,
      responseId: id,
    }),
  );
}

function keepExtra(state: State, event: Extract<ChatEvent, { type: 'extra' }>): void {
  const draft = event.choice === undefined ? undefined : draftOf(state, event.choice);
  const known = draft === undefined ? TOP_FIELDS : CANDIDATE_FIELDS;
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(event.extra)) {
    if (value === undefined) continue;
    if (known.has(name)) kept[name] = value;
    else state.writer.lose(extraLoss(name));
  }
  if (draft === undefined) state.extra = { ...state.extra, ...kept };
  else draft.extra = { ...draft.extra, ...kept };
}

/** Calls that came after the finish (Together puts a finish behind each call). */
function lateCalls(state: State): string {
  const finished = [...state.drafts.values()].filter((draft) => draft.finish !== undefined);
  return finished.map((draft) => calls(state, draft)).join('');
}

/** Finish reasons and usage stand together in the last piece, as Google sends them. */
function lastChunk(state: State): string {
  const isBlocked = asRecord(state.extra['promptFeedback'])?.['blockReason'] !== undefined;
  const candidates = [...state.drafts.values()].flatMap((draft) =>
    isBlocked && draft.finish?.reason === 'content-filter' ? [] : [lastCandidate(draft)],
  );
  const usage = state.usage === undefined ? {} : { usageMetadata: encodeUsage(state.usage) };
  if (candidates.length === 0 && !isBlocked && state.usage === undefined) return '';
  return chunk(state, candidates, { ...state.extra, ...usage });
}

function lastCandidate(draft: Draft): JsonRecord {
  const { finish, cited } = draft;
  return compact({
    content: { parts: [{ text: '' }], role: 'model' },
    finishReason: finish === undefined ? undefined : finishWord(refusedFinish(finish, draft.isRefusal), false),
    index: draft.index,
    groundingMetadata: cited.length === 0 ? undefined : groundingOf(cited, draft.text.whole()),
    ...draft.extra,
  });
}
