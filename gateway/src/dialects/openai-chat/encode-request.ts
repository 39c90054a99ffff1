/** A `ChatRequest` becomes a chat-completions body: what OpenAI's newest models take; files of `providers/` change it for others. */
import { fieldName } from '../../chat/field-names.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { MediaPart, Part, TextPart, ToolResultPart } from '../../chat/part.ts';
import { effortOf } from '../../chat/reasoning.ts';
import type { ChatRequest, Loss, Message, Sampling, Tool, ToolChoice } from '../../chat/request.ts';
import { compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { withChatTools } from '../openai-custom.ts';
import { readResult } from '../openai-responses/items.ts';
import { HOME } from './assistant.ts';
import { writeAssistant } from './assistant-writing.ts';
import { writeCache, writeMedia } from './media.ts';
import { fitEffort, fitTemperature } from './fitting.ts';
import { traitsOf, type ModelTraits } from './model.ts';
import { REASONING_FIELDS } from './request.ts';

/** Name of a schema that came without one: OpenAI demands one. */
const SCHEMA_NAME = 'response';

/** What is written, and what could not be. */
interface Writing {
  readonly isHome: boolean;
  /** Of the model it goes to. A caller of this very wire says what it means, and is not corrected. */
  readonly traits: ModelTraits;
  readonly losses: Loss[];
}

/** Writes the body for `target`. Losses name the caller's own fields. */
export function encodeRequest(asked: ChatRequest, target: EncodeTarget): EncodedRequest {
  const request = withChatTools(asked, readResult);
  const isHome = request.origin === HOME;
  const traits = traitsOf(target.model, target.canReason);
  const writing: Writing = { isHome, traits, losses: isHome ? [] : [...foreignLosses(request, HOME)] };
  const extras = isHome ? ownExtras(request) : {};
  const isNamed = extras['safety_identifier'] !== undefined && extras['safety_identifier'] === request.user;
  const body = compact({
    ...extras,
    model: target.model,
    messages: request.messages.flatMap((message) => writeMessage(message, writing)),
    ...writeToolFields(request, writing, extras),
    max_completion_tokens: writeLimit(request, writing),
    ...writeSampling(request, writing),
    stop: writeStop(request, writing),
    n: request.n,
    ...(request.logprobs === undefined ? {} : compact({ logprobs: true, top_logprobs: request.logprobs.top })),
    ...writeReasoning(request, extras, writing),
    response_format: writeFormat(request) ?? extras['response_format'],
    modalities: writeModalities(request, writing),
    audio: request.audio === undefined ? undefined : compact({ ...request.audio }),
    stream: request.isStreaming ? true : undefined,
    stream_options: writeStreamOptions(request, extras['stream_options']),
    user: isNamed ? undefined : request.user,
  });
  return { body, losses: writing.losses };
}

function ownExtras({ extras }: ChatRequest): JsonRecord {
  return Object.fromEntries(
    extras.flatMap(({ field, value, isInside }) => (isInside === true ? [] : [[field, value]])),
  );
}

function writeToolFields(request: ChatRequest, writing: Writing, extras: JsonRecord): JsonRecord {
  const tools = writeTools(request.tools, writing);
  // OpenAI refuses a choice, and a word on parallel calls, where there are no tools.
  if (tools === undefined && !writing.isHome) {
    const isForced = request.toolChoice?.kind === 'required' || request.toolChoice?.kind === 'tool';
    const why = 'There is no tool left that could be chosen.';
    if (isForced)
      lose(writing, { code: 'tool-choice', weight: 'meaning', field: fieldName(request, 'toolChoice'), why });
    return {};
  }
  const choice = writeToolChoice(request.toolChoice) ?? extras['tool_choice'];
  return compact({ tools, tool_choice: choice, parallel_tool_calls: request.parallelToolCalls });
}

/** Sampling that OpenAI does not know, though other servers of this wire do. */
const NOT_OPENAI = ['topK', 'minP', 'repetitionPenalty'] as const;

function writeSampling(request: ChatRequest, writing: Writing): JsonRecord {
  const { sampling } = request;
  const shared = compact({
    ...(writing.isHome ? given(sampling) : fitTemperature(request, writing.traits, (loss) => lose(writing, loss))),
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    seed: sampling.seed,
    logit_bias: sampling.logitBias,
  });
  if (writing.isHome) {
    const { topK: top_k, minP: min_p, repetitionPenalty: repetition_penalty } = sampling;
    return { ...shared, ...compact({ top_k, min_p, repetition_penalty }) };
  }
  for (const field of NOT_OPENAI) {
    if (sampling[field] === undefined) continue;
    const why = 'OpenAI refuses it.';
    lose(writing, { code: 'sampling', weight: 'hint', field: fieldName(request, field), why });
  }
  return shared;
}

function given({ temperature, topP }: Sampling): JsonRecord {
  return { temperature, top_p: topP };
}

function lose(writing: Writing, loss: Loss): void {
  writing.losses.push(loss);
}

function writeLimit(request: ChatRequest, writing: Writing): number | undefined {
  const { maxOutputTokens: asked } = request;
  const least = writing.traits.outputTokensMin;
  if (asked === undefined || writing.isHome || asked >= least) return asked;
  const why = `This model refuses to answer in fewer than ${least} tokens: its thoughts count too. It was given ${least}.`;
  lose(writing, { code: 'max-tokens', weight: 'hint', field: fieldName(request, 'maxOutputTokens'), why });
  return least;
}

function writeStop(request: ChatRequest, writing: Writing): readonly string[] | undefined {
  const { stop } = request;
  const most = writing.traits.stopMax;
  if (stop === undefined || writing.isHome || stop.length <= most) return stop;
  const why =
    most === 0 ? 'This model takes no stop sequences.' : `At most ${most} are taken; the others were left out.`;
  lose(writing, { code: 'stop', weight: 'meaning', field: fieldName(request, 'stop'), why });
  return most === 0 ? undefined : stop.slice(0, most);
}

/** Sound is only given with a voice, which no other protocol names as this one does. */
function writeModalities(request: ChatRequest, writing: Writing): readonly string[] | undefined {
  const { modalities, audio } = request;
  if (modalities === undefined || writing.isHome || audio !== undefined || !modalities.includes('audio'))
    return modalities;
  const why = 'Sound is only given in a voice of this protocol, and the request names none.';
  lose(writing, { code: 'modalities', weight: 'meaning', field: fieldName(request, 'modalities'), why });
  const kept = modalities.filter((modality) => modality !== 'audio');
  return kept.length === 0 ? undefined : kept;
}

/** The caller's own fields where it spoke this dialect, else OpenAI's effort. */
function writeReasoning(request: ChatRequest, extras: JsonRecord, writing: Writing): JsonRecord {
  const { reasoning } = request;
  loseShown(request, writing);
  if (reasoning === undefined || Object.keys(extras).some((field) => REASONING_FIELDS.has(field))) return {};
  const effort = writing.isHome
    ? effortOf(reasoning)
    : fitEffort(request, writing.traits, (loss) => lose(writing, loss));
  return compact({ reasoning_effort: effort });
}

/** Whether reasoning is shown is for the server to say: OpenAI shows none, most others show all. */
function loseShown(request: ChatRequest, writing: Writing): void {
  if (writing.isHome || request.reasoning?.isShown === undefined) return;
  const why = 'This protocol has no wish to see the reasoning or not to.';
  lose(writing, { code: 'reasoning-shown', weight: 'hint', field: fieldName(request, 'reasoningShown'), why });
}

function writeStreamOptions(request: ChatRequest, own: Json | undefined): JsonRecord | undefined {
  const options = {
    ...(isRecord(own) ? own : {}),
    ...(request.isStreaming && request.wantsStreamUsage === true ? { include_usage: true } : {}),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

function writeFormat({ format }: ChatRequest): JsonRecord | undefined {
  if (format === undefined) return undefined;
  if (format.kind === 'text') return { type: 'text' };
  if (format.kind === 'json') return { type: 'json_object' };
  const { schema, name = SCHEMA_NAME, description, strict } = format;
  return { type: 'json_schema', json_schema: compact({ name, description, schema, strict }) };
}

function writeToolChoice(choice: ToolChoice | undefined): Json | undefined {
  if (choice === undefined) return undefined;
  if (choice.kind === 'tool') return { type: 'function', function: { name: choice.name } };
  if (choice.kind !== 'required' || choice.only === undefined) return choice.kind;
  const [name] = choice.only;
  if (choice.only.length === 1 && name !== undefined) return { type: 'function', function: { name } };
  const tools = choice.only.map((only) => ({ type: 'function', function: { name: only } }));
  return { type: 'allowed_tools', allowed_tools: { mode: 'required', tools } };
}

function writeTools(tools: readonly Tool[] | undefined, writing: Writing): readonly JsonRecord[] | undefined {
  const written = (tools ?? []).flatMap((tool) => writeTool(tool, writing));
  return written.length === 0 ? undefined : written;
}

function writeTool(tool: Tool, writing: Writing): readonly JsonRecord[] {
  if (tool.kind === 'opaque') return tool.origin === HOME && isRecord(tool.value) ? [tool.value] : [];
  const cache = tool.isCacheEnd === true ? compact({ ttl: tool.cacheTtl }) : undefined;
  return [{ ...writeFunction(tool, writing.isHome), ...writeCache(cache) }];
}

/** A function tool in this form, which Cohere and Ollama share; with its own further fields where it comes from that wire. */
export function writeFunction(tool: Extract<Tool, { kind: 'function' }>, isHome: boolean): JsonRecord {
  const own: Record<string, Json> = {};
  const inner: Record<string, Json> = {};
  for (const [key, value] of Object.entries(isHome ? (tool.extra ?? {}) : {})) {
    if (value === undefined) continue;
    if (key.startsWith('function.')) inner[key.slice('function.'.length)] = value;
    else own[key] = value;
  }
  const { name, description, parameters, strict } = tool;
  return { type: 'function', function: { ...compact({ name, description, parameters, strict }), ...inner }, ...own };
}

function writeMessage(message: Message, writing: Writing): readonly JsonRecord[] {
  const shared = compact({ name: message.name, ...(writing.isHome ? message.extra : {}) });
  if (message.role === 'tool') return writeResults(message, writing);
  if (message.role === 'assistant') {
    const own = writing.isHome ? message.parts : message.parts.map(withoutExtra);
    const context = { isRequest: true, lose: (loss: Loss): void => lose(writing, loss) };
    return [{ role: 'assistant', ...writeAssistant(own, context), ...shared }];
  }
  return [{ role: message.role, content: writeContent(message.parts, writing), ...shared }];
}

/** Another dialect's own fields mean nothing here; `foreignLosses` has named them. */
function withoutExtra(part: Part): Part {
  const { extra: _, ...rest } = part;
  return rest;
}

/** One string where that says all, else a list of parts. */
function writeContent(parts: readonly Part[], writing: Writing): Json {
  const [only] = parts;
  const extra = writing.isHome ? only?.extra : undefined;
  if (parts.length === 1 && only?.kind === 'text' && only.cache === undefined && extra === undefined) {
    loseProofs(only, writing);
    return only.text;
  }
  const written = parts.flatMap((part) => writePart(part, writing));
  return written.length === 0 ? '' : written;
}

/** A part of a user's, system's or tool's message; the other kinds stand in an assistant's only. */
function writePart(part: Part, writing: Writing): readonly JsonRecord[] {
  if (part.kind === 'text') loseProofs(part, writing);
  if (part.kind === 'text' || part.kind === 'refusal') {
    const own = writing.isHome ? part.extra : undefined;
    return [{ type: 'text', text: part.text, ...own, ...writeCache(part.cache) }];
  }
  if (part.kind === 'opaque') return part.origin === HOME && isRecord(part.value) ? [part.value] : [];
  if (part.kind === 'reasoning' || part.kind === 'tool-call' || part.kind === 'tool-result') return [];
  const { value, losses } = writeMedia(part, writing.isHome);
  writing.losses.push(...losses);
  loseSignature(part, writing);
  return value === undefined ? [] : [value];
}

/** Sources and signatures stand in an assistant's message only. */
function loseProofs(part: TextPart, writing: Writing): void {
  const why = 'Only texts of the assistant have sources in this protocol.';
  if ((part.citations ?? []).length > 0)
    lose(writing, { code: 'citations', weight: 'hint', field: part.at ?? 'messages', why });
  loseSignature(part, writing);
}

function loseSignature(part: TextPart | MediaPart, writing: Writing): void {
  const why = 'Only calls and texts of the assistant are signed in this protocol.';
  if (part.signature !== undefined)
    lose(writing, { code: 'signature', weight: 'hint', field: part.at ?? 'messages', why });
}

/** A message a result; pictures in results follow in a user's message, since OpenAI takes only text in a tool's. */
function writeResults(message: Message, writing: Writing): readonly JsonRecord[] {
  const messages: JsonRecord[] = [];
  const moved: Part[] = [];
  for (const part of message.parts) {
    if (part.kind !== 'tool-result') continue;
    const isKept = writing.isHome || part.parts.every((inner) => inner.kind === 'text' || inner.kind === 'opaque');
    const content = isKept ? part.parts : part.parts.filter((inner) => inner.kind === 'text');
    if (!isKept) moved.push(...moveMedia(part, writing));
    messages.push(writeResult(part, content, writing));
  }
  if (moved.length > 0) messages.push({ role: 'user', content: writeContent(moved, writing) });
  return messages;
}

function writeResult(part: ToolResultPart, content: readonly Part[], writing: Writing): JsonRecord {
  if (part.isError === true) {
    const why = 'This protocol has no mark for a failed call: the result was sent as an ordinary one.';
    writing.losses.push({ code: 'tool-error', field: part.at ?? 'messages', weight: 'hint', why });
  }
  const last = content.at(-1);
  if (part.cache !== undefined && last === undefined) {
    const why = 'A cache mark stands on a part of the content here, and this result has none.';
    writing.losses.push({ code: 'cache-mark', field: part.at ?? 'messages', weight: 'hint', why });
  }
  const marked =
    part.cache === undefined || last === undefined
      ? content
      : [...content.slice(0, -1), { ...last, cache: part.cache }];
  const value =
    part.value === undefined || content.length > 0 ? writeContent(marked, writing) : JSON.stringify(part.value);
  const extra = writing.isHome ? part.extra : undefined;
  return { role: 'tool', tool_call_id: part.callId, content: value, ...extra };
}

function moveMedia(part: ToolResultPart, writing: Writing): readonly Part[] {
  const media = part.parts.filter((inner) => inner.kind !== 'text' && inner.kind !== 'opaque');
  const why = 'Media of a tool result were moved into a user message after it: a tool message holds only text here.';
  writing.losses.push({ code: 'tool-result-media', field: part.at ?? 'messages', weight: 'hint', why });
  return [{ kind: 'text', text: `Attached to the result of ${part.name ?? part.callId}:` }, ...media];
}
