/** A request in the words of `chat` as a body of `/v2/chat`, with a list of what could not be said. */
import { fieldName, reasoningField, toolFieldName, type ChatField } from '../../chat/field-names.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { Part, ToolResultPart } from '../../chat/part.ts';
import { budgetOf } from '../../chat/reasoning.ts';
import type { ChatRequest, Loss, Message, Reasoning, Tool, Weight } from '../../chat/request.ts';
import { asArray, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { writeFunction } from '../openai-chat/encode-request.ts';
import { writeMedia } from '../openai-chat/media.ts';
import { documentOf, documentsOf } from './documents.ts';
import { writeAssistant } from './message.ts';
import { HOME } from './wire.ts';

/** Documented at docs.cohere.com/reference/chat. */
const STOPS_MAX = 5;
const P_MAX = 0.99;
const P_MIN = 0.01;
const K_MAX = 500;

/** What is written, and what could not be. */
interface Writing {
  readonly request: ChatRequest;
  readonly target: EncodeTarget;
  readonly isHome: boolean;
  readonly losses: Loss[];
}

/** Writes the body for `target`. Losses name the caller's own fields. */
export function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const isHome = request.origin === HOME;
  const writing: Writing = { request, target, isHome, losses: isHome ? [] : [...foreignLosses(request, HOME)] };
  loseUnknown(writing);
  const own = isHome ? Object.fromEntries(request.extras.map(({ field, value }) => [field, value])) : {};
  const tools = toolsOf(writing);
  const documents = isHome ? documentsOf(request.messages) : [];
  const body = compact({
    ...own,
    model: target.model,
    messages: request.messages.flatMap((message) => writeMessage(message, writing)),
    documents: documents.length === 0 ? own['documents'] : documents,
    tools: tools.length === 0 ? undefined : tools.map((tool) => writeTool(tool, writing)),
    ...writeStrict(tools, writing),
    tool_choice: writeChoice(tools, writing),
    max_tokens: request.maxOutputTokens,
    ...writeSampling(writing),
    stop_sequences: writeStop(writing),
    logprobs: request.logprobs === undefined ? undefined : true,
    ...writeThinking(writing),
    response_format: writeFormat(writing, tools.length > 0),
    stream: request.isStreaming ? true : undefined,
  });
  return { body, losses: writing.losses };
}

interface Told {
  readonly at: string;
  readonly weight?: Weight;
  readonly why: string;
}

function lose(writing: Writing, code: LossCode, { at, weight = 'hint', why }: Told): void {
  writing.losses.push({ code, field: at, weight, why });
}

function loseField(writing: Writing, code: LossCode, of: Omit<Told, 'at'> & { readonly field: ChatField }): void {
  lose(writing, code, { ...of, at: fieldName(writing.request, of.field) });
}

/** Wishes that no field of Cohere's can say. */
function loseUnknown(writing: Writing): void {
  const { request } = writing;
  const hint = (code: LossCode, field: ChatField, why: string): void => loseField(writing, code, { field, why });
  const meaning = (code: LossCode, field: ChatField, why: string): void =>
    loseField(writing, code, { field, weight: 'meaning', why });
  if ((request.n ?? 1) > 1) meaning('choices', 'n', 'Cohere gives one choice.');
  if (request.user !== undefined) hint('user', 'user', 'Cohere takes no id of the end user.');
  if (request.parallelToolCalls === false)
    hint('parallel-tool-calls', 'parallelToolCalls', 'Cohere cannot be told to call one tool at a time.');
  if (request.audio !== undefined) meaning('voice', 'audio', 'Cohere does not speak.');
  else if (request.modalities?.some((modality) => modality !== 'text') === true)
    meaning('modalities', 'modalities', 'Cohere answers in text.');
  if ((request.logprobs?.top ?? 0) > 0) hint('logprobs', 'logprobs', 'Cohere tells no alternatives of a token.');
}

/** The function tools; only those that may be called, where one of some is demanded: that is how Cohere is told which. */
function toolsOf({ request }: Writing): readonly Extract<Tool, { kind: 'function' }>[] {
  const { toolChoice } = request;
  const only =
    toolChoice?.kind === 'tool' ? [toolChoice.name] : toolChoice?.kind === 'required' ? toolChoice.only : undefined;
  return (request.tools ?? [])
    .filter((tool) => tool.kind === 'function')
    .filter((tool) => only === undefined || only.includes(tool.name));
}

function writeTool(tool: Extract<Tool, { kind: 'function' }>, writing: Writing): JsonRecord {
  const { request, isHome } = writing;
  if (tool.isCacheEnd === true)
    lose(writing, 'cache-mark', { at: tool.at ?? fieldName(request, 'tools'), why: NO_MARKS });
  const { strict: _, ...plain } = tool;
  // A declaration without parameters is refused; one without fields takes none.
  const parameters = plain.parameters ?? (isHome ? undefined : { type: 'object', properties: {} });
  return writeFunction(compact({ ...plain, parameters }), isHome);
}

const NO_MARKS = 'Cohere keeps prompts in its cache by itself, without marks.';

/** Cohere holds all tools to their schemas or none. */
function writeStrict(tools: readonly Extract<Tool, { kind: 'function' }>[], writing: Writing): JsonRecord {
  const { request, isHome } = writing;
  const strict = tools.filter((tool) => tool.strict === true);
  if (isHome || strict.length === 0) return {};
  if (strict.length === tools.length) return { strict_tools: true };
  for (const tool of strict) {
    const at = toolFieldName(request.origin, tool.at ?? fieldName(request, 'tools'), 'strict');
    lose(writing, 'tool-strict', { at, why: 'Cohere holds all tools to their schemas, or none.' });
  }
  return {};
}

function writeChoice(tools: readonly Tool[], writing: Writing): string | undefined {
  const kind = writing.request.toolChoice?.kind;
  if (kind === undefined || kind === 'auto') return undefined;
  if (kind === 'none') return tools.length > 0 || writing.isHome ? 'NONE' : undefined;
  if (tools.length > 0) return 'REQUIRED';
  const why = 'There is no tool left that could be chosen.';
  loseField(writing, 'tool-choice', { field: 'toolChoice', weight: 'meaning', why });
  return undefined;
}

function writeSampling(writing: Writing): JsonRecord {
  const { sampling } = writing.request;
  for (const field of ['minP', 'repetitionPenalty'] as const)
    if (sampling[field] !== undefined)
      loseField(writing, 'sampling', { field, why: 'Cohere has no such sampling setting.' });
  if (sampling.logitBias !== undefined) {
    const why = 'Cohere cannot favour or forbid single tokens.';
    loseField(writing, 'logit-bias', { field: 'logitBias', weight: 'meaning', why });
  }
  return compact({
    temperature: sampling.temperature,
    p: within(writing, 'topP', [P_MIN, P_MAX]),
    k: within(writing, 'topK', [0, K_MAX]),
    frequency_penalty: within(writing, 'frequencyPenalty', [0, 1]),
    presence_penalty: within(writing, 'presencePenalty', [0, 1]),
    seed: sampling.seed,
  });
}

/** The nearest value that Cohere takes; a caller of Cohere's own wire says what it means. */
function within(
  writing: Writing,
  field: 'topP' | 'topK' | 'frequencyPenalty' | 'presencePenalty',
  [low, high]: readonly [number, number],
): number | undefined {
  const asked = writing.request.sampling[field];
  if (asked === undefined || writing.isHome) return asked;
  const value = Math.min(Math.max(asked, low), high);
  // 1 leaves all tokens in, as the largest value that Cohere takes nearly does.
  if (value !== asked && !(field === 'topP' && asked === 1))
    loseField(writing, 'sampling', { field, why: `Cohere takes ${low} to ${high}; it was given ${value}.` });
  return value;
}

function writeStop(writing: Writing): readonly string[] | undefined {
  const { stop = [] } = writing.request;
  if (stop.length === 0) return undefined;
  if (stop.length <= STOPS_MAX || writing.isHome) return stop;
  const why = `Cohere takes at most ${STOPS_MAX} stop sequences; the others are left out.`;
  loseField(writing, 'stop', { field: 'stop', weight: 'meaning', why });
  return stop.slice(0, STOPS_MAX);
}

/** Most tokens that an effort is sent as; greater efforts think without a bound. */
const BUDGET_MAX = 16_384;

function writeThinking(writing: Writing): JsonRecord {
  const { request, target, isHome } = writing;
  const { reasoning } = request;
  const budget = reasoning === undefined || isHome ? undefined : budgetOf(reasoning);
  if (reasoning?.isShown !== undefined && !isHome)
    loseField(writing, 'reasoning-shown', {
      field: 'reasoningShown',
      why: 'Cohere shows all thoughts that there are.',
    });
  if (reasoning === undefined || budget === undefined) return {};
  const field = reasoningField(reasoning);
  if (target.canReason === false) {
    if (budget !== 0) loseField(writing, 'reasoning', { field, why: 'This model does not think.' });
    return {};
  }
  return { thinking: budget === 0 ? { type: 'disabled' } : thinkingOf(reasoning, budget, writing) };
}

function thinkingOf(reasoning: Reasoning, budget: number, writing: Writing): JsonRecord {
  const isEffort = reasoning.effort !== undefined && reasoning.budgetTokens === undefined;
  const isFree = budget < 0 || (isEffort && budget > BUDGET_MAX);
  if (isEffort) {
    const sent = isFree ? 'thinking without a bound' : `a budget of ${budget} tokens`;
    const why = `Cohere has no efforts; it was sent as ${sent}.`;
    loseField(writing, 'reasoning-effort', { field: reasoningField(reasoning), why });
  }
  return isFree ? { type: 'enabled' } : { type: 'enabled', token_budget: budget };
}

function writeFormat(writing: Writing, hasTools: boolean): JsonRecord | undefined {
  const { format } = writing.request;
  if (format === undefined) return undefined;
  if (format.kind === 'text') return writing.isHome ? { type: 'text' } : undefined;
  if (hasTools && !writing.isHome) {
    const why = 'Cohere enforces no form of the answer beside tools.';
    loseField(writing, 'format', { field: 'format', weight: 'meaning', why });
    return undefined;
  }
  return format.kind === 'json' ? { type: 'json_object' } : { type: 'json_object', json_schema: format.schema };
}

function writeMessage(message: Message, writing: Writing): readonly JsonRecord[] {
  const { isHome, request, target } = writing;
  const at = message.at ?? fieldName(request, 'messages');
  if (message.name !== undefined)
    lose(writing, 'name', { at: `${at}.name`, why: 'Cohere has no names of participants.' });
  for (const part of message.parts)
    if (part.cache !== undefined) lose(writing, 'cache-mark', { at: part.at ?? at, why: NO_MARKS });
  const extra = isHome ? message.extra : undefined;
  if (message.role === 'tool')
    return message.parts.flatMap((part) => (part.kind === 'tool-result' ? [writeResult(part, writing)] : []));
  if (message.role === 'assistant') {
    const { canReason } = target;
    const written = writeAssistant(
      message.parts.map((part) => withoutForeignCitations(part, writing)),
      {
        isHome,
        isRequest: true,
        ...(canReason === undefined ? {} : { canReason }),
        lose: (loss) => void writing.losses.push(loss),
      },
    );
    return [{ role: 'assistant', ...flat(written), ...extra }];
  }
  const role = message.role === 'user' ? 'user' : 'system';
  return [{ role, content: writeContent(message.parts, writing), ...extra }];
}

/** A content of one plain text is that text: every model and every proxy takes it. */
function flat(message: JsonRecord): JsonRecord {
  const [only, ...others] = asArray(message['content']) ?? [];
  const isPlain = isRecord(only) && only['type'] === 'text' && others.length === 0 && Object.keys(only).length === 2;
  return isPlain ? { ...message, content: only['text'] } : message;
}

function withoutForeignCitations(part: Part, writing: Writing): Part {
  if (writing.isHome || part.kind !== 'text' || part.citations === undefined) return part;
  const at = part.at ?? 'messages';
  lose(writing, 'citations', { at, why: 'Cohere takes no citations of other providers in the messages it is sent.' });
  const { citations: _, ...rest } = part;
  return rest;
}

/** One string where that says all, else a list of parts. */
function writeContent(given: readonly Part[], writing: Writing): Json {
  const parts = writing.isHome ? given.filter((part) => documentOf(part) === undefined) : given;
  const [only] = parts;
  const extra = writing.isHome ? only?.extra : undefined;
  if (parts.length === 1 && only?.kind === 'text' && extra === undefined) return only.text;
  const written = parts.flatMap((part) => writePart(part, writing));
  return written.length === 0 ? '' : written;
}

function writePart(part: Part, writing: Writing): readonly JsonRecord[] {
  const own = writing.isHome ? part.extra : undefined;
  if (part.kind === 'text' || part.kind === 'refusal') return [{ type: 'text', text: part.text, ...own }];
  if (part.kind === 'opaque' || part.kind === 'reasoning' || part.kind === 'tool-call' || part.kind === 'tool-result')
    return [];
  if (part.kind !== 'image' && part.source.by !== 'text') {
    const at = part.at ?? 'messages';
    lose(writing, 'media-kind', { at, weight: 'meaning', why: `Cohere takes no ${part.kind} in a message.` });
    return [];
  }
  const { value, losses } = writeMedia(part, writing.isHome);
  writing.losses.push(...losses);
  return value === undefined ? [] : [value];
}

/** A result as text, or as the documents that it was. */
function writeResult(part: ToolResultPart, writing: Writing): JsonRecord {
  const at = part.at ?? 'messages';
  const { isHome } = writing;
  if (part.isError === true) {
    const why = 'Cohere has no mark for a failed call: the result was sent as an ordinary one.';
    lose(writing, 'tool-error', { at, why });
  }
  if (part.parts.some((inner) => inner.kind !== 'text' && inner.kind !== 'opaque')) {
    const why = 'Cohere takes only text and documents as the result of a tool.';
    lose(writing, 'tool-result-media', { at, weight: 'meaning', why });
  }
  const texts = part.parts.filter((inner) => inner.kind === 'text');
  const text = texts.map((inner) => inner.text).join('\n');
  const hasDocuments = isHome && texts.some((inner) => resultDocument(inner) !== undefined);
  const documents = texts.map((inner) => {
    const document = resultDocument(inner);
    return document === undefined ? { type: 'text', text: inner.text } : { type: 'document', document };
  });
  const plain = text === '' && part.value !== undefined ? JSON.stringify(part.value) : text;
  return {
    role: 'tool',
    tool_call_id: part.callId,
    content: hasDocuments ? documents : plain,
    ...(isHome ? part.extra : {}),
  };
}

function resultDocument(part: Part): Json | undefined {
  return part.extra?.['document'] ?? documentOf(part);
}
