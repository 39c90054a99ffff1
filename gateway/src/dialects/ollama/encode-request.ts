/** A request in the words of `chat` as a body of `/api/chat`, with a list of what could not be said. */
import { fieldName, reasoningField, toolFieldName, type ChatField } from '../../chat/field-names.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { MediaPart, Part, ToolCallPart, ToolResultPart } from '../../chat/part.ts';
import { asksToThink, effortOf } from '../../chat/reasoning.ts';
import type { ChatRequest, Loss, Message, OutputFormat, Weight } from '../../chat/request.ts';
import { compact, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { argumentsObject, isMedia } from '../messages.ts';
import { writeFunction } from '../openai-chat/encode-request.ts';
import { HOME, sentId } from './wire.ts';

/** What is written, and what could not be. */
interface Writing {
  readonly request: ChatRequest;
  readonly isHome: boolean;
  /** Names of the tools by the ids of their calls: a result goes by the name. */
  readonly names: ReadonlyMap<string, string>;
  readonly losses: Loss[];
}

/** Writes the body for `target`. Losses name the caller's own fields. */
export function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const isHome = request.origin === HOME;
  const calls = request.messages.flatMap((message) => message.parts.filter((part) => part.kind === 'tool-call'));
  const names = new Map(calls.map((call) => [call.id, call.name]));
  const writing: Writing = { request, isHome, names, losses: isHome ? [] : [...foreignLosses(request, HOME)] };
  const options = writeOptions(request, writing);
  loseUnknown(writing);
  loseShown(writing);
  const body = compact({
    ...ownFields(request),
    model: target.model,
    messages: request.messages.flatMap((message) => writeMessage(message, writing)),
    tools: writeTools(writing),
    format: writeFormat(request.format),
    think: writeThink(writing, target),
    options: Object.keys(options).length === 0 ? undefined : options,
    ...(request.logprobs === undefined ? {} : compact({ logprobs: true, top_logprobs: request.logprobs.top })),
    // Said always: what is left out here means yes.
    stream: request.isStreaming,
  });
  return { body, losses: writing.losses };
}

function lose(writing: Writing, code: LossCode, of: { at: string; weight?: Weight; why: string }): void {
  writing.losses.push({ code, field: of.at, weight: of.weight ?? 'hint', why: of.why });
}

/** Fields of an Ollama caller that have no word of their own, save its options. */
function ownFields({ origin, extras }: ChatRequest): JsonRecord {
  if (origin !== HOME) return {};
  return Object.fromEntries(
    extras.filter(({ field }) => !field.startsWith('options.')).map(({ field, value }) => [field, value]),
  );
}

function writeOptions({ origin, extras, sampling, stop, maxOutputTokens }: ChatRequest, writing: Writing): JsonRecord {
  const own = origin === HOME ? extras.filter(({ field }) => field.startsWith('options.')) : [];
  if (sampling.logitBias !== undefined)
    lose(writing, 'logit-bias', {
      at: fieldName(writing.request, 'logitBias'),
      weight: 'meaning',
      why: 'Ollama cannot favour or forbid single tokens.',
    });
  return compact({
    ...Object.fromEntries(own.map(({ field, value }) => [field.slice('options.'.length), value])),
    ...compact({ num_predict: maxOutputTokens }),
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    repeat_penalty: sampling.repetitionPenalty,
    seed: sampling.seed,
    stop,
  });
}

/** Wishes that no field of Ollama's can say. */
function loseUnknown(writing: Writing): void {
  const { request } = writing;
  const say = (code: LossCode, field: ChatField, of: { weight?: Weight; why: string }): void =>
    lose(writing, code, { at: fieldName(request, field), ...of });
  if ((request.n ?? 1) > 1) say('choices', 'n', { weight: 'meaning', why: 'Ollama gives one choice.' });
  if (request.user !== undefined) say('user', 'user', { why: 'Ollama takes no id of the end user.' });
  if (request.parallelToolCalls === false)
    say('parallel-tool-calls', 'parallelToolCalls', { why: 'Ollama cannot be told to call one tool at a time.' });
  if (request.audio !== undefined) say('voice', 'audio', { weight: 'meaning', why: 'Ollama does not speak.' });
  else if (request.modalities?.some((modality) => modality !== 'text') === true)
    say('modalities', 'modalities', { weight: 'meaning', why: 'Ollama answers in text.' });
  const choice = request.toolChoice?.kind;
  if (choice === 'required' || choice === 'tool')
    say('tool-choice', 'toolChoice', {
      weight: 'meaning',
      why: 'Ollama leaves it to the model whether it calls a tool.',
    });
}

function loseShown(writing: Writing): void {
  const { request, isHome } = writing;
  if (isHome || request.reasoning?.isShown === undefined) return;
  const at = fieldName(request, 'reasoningShown');
  lose(writing, 'reasoning-shown', { at, why: 'Ollama shows all thoughts that there are.' });
}

/** The tools, unless none may be called: there is no other way to say so. */
function writeTools(writing: Writing): readonly JsonRecord[] | undefined {
  const { request, isHome } = writing;
  if (request.toolChoice?.kind === 'none') return undefined;
  const tools = (request.tools ?? []).flatMap((tool) => {
    if (tool.kind === 'opaque') return [];
    const at = tool.at ?? fieldName(request, 'tools');
    if (tool.strict === true && !isHome)
      lose(writing, 'tool-strict', {
        at: toolFieldName(request.origin, at, 'strict'),
        why: 'Ollama does not hold arguments to their schema.',
      });
    if (tool.isCacheEnd === true) lose(writing, 'cache-mark', { at, why: NO_MARKS });
    const { strict, ...plain } = tool;
    // A declaration without parameters is refused; one without fields takes none.
    const parameters = plain.parameters ?? (isHome ? undefined : { type: 'object', properties: {} });
    return [writeFunction(compact({ ...plain, parameters, strict: isHome ? strict : undefined }), isHome)];
  });
  return tools.length === 0 ? undefined : tools;
}

const NO_MARKS = 'Ollama keeps prompts in its cache by itself, without marks.';

function writeFormat(format: OutputFormat | undefined): Json | undefined {
  if (format === undefined || format.kind === 'text') return undefined;
  return format.kind === 'json' ? 'json' : format.schema;
}

/** Levels of the models that have some (gpt-oss); all others take any level for `true`. */
const LEVELS = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'max' } as const;

function writeThink(writing: Writing, target: EncodeTarget): Json | undefined {
  const { reasoning, extras } = writing.request;
  if (reasoning === undefined) return undefined;
  if (writing.isHome) return extras.find(({ field }) => field === 'think')?.value;
  const at = fieldName(writing.request, reasoningField(reasoning));
  const effort = effortOf(reasoning);
  if (target.canReason === false) {
    // Ollama refuses the wish where the model has no thoughts.
    if (effort !== 'none' && asksToThink(reasoning))
      lose(writing, 'reasoning', { at, why: 'This model does not think.' });
    return undefined;
  }
  if (effort === 'none') return false;
  if (effort === undefined) return reasoning.budgetTokens === undefined ? undefined : true;
  const level = LEVELS[effort];
  if (reasoning.effort === undefined)
    lose(writing, 'reasoning-budget', { at, why: `The budget was sent as the level ${level}: Ollama has no budget.` });
  else if (level !== effort)
    lose(writing, 'reasoning-effort', { at, why: `Ollama has no level ${effort}; it was given ${level}.` });
  return level;
}

function writeMessage(message: Message, writing: Writing): readonly JsonRecord[] {
  const { isHome, request } = writing;
  const at = message.at ?? fieldName(request, 'messages');
  if (message.name !== undefined)
    lose(writing, 'name', { at: `${at}.name`, why: 'Ollama has no names of participants.' });
  for (const part of message.parts) losePart(part, part.at ?? at, writing);
  if (message.role === 'tool')
    return message.parts.flatMap((part) => (part.kind === 'tool-result' ? [writeResult(part, writing)] : []));
  const calls = message.parts.filter((part) => part.kind === 'tool-call');
  return [
    {
      role: message.role === 'developer' ? 'system' : message.role,
      content: textOf(message.parts, writing),
      ...compact({
        thinking: thoughtsOf(message.parts),
        images: picturesOf(message.parts, writing),
        tool_calls: calls.length === 0 ? undefined : calls.map((call) => writeCall(call, writing)),
      }),
      ...(isHome ? message.extra : {}),
    },
  ];
}

/** What stands beside the words of a part and has no place here. */
function losePart(part: Part, at: string, writing: Writing): void {
  if (part.cache !== undefined) lose(writing, 'cache-mark', { at, why: NO_MARKS });
  if (part.kind === 'text' && part.citations !== undefined)
    lose(writing, 'citations', { at, why: 'Ollama takes no citations in the messages it is sent.' });
  if (part.kind === 'refusal')
    lose(writing, 'refusal', { at, why: 'Ollama has no refusals; it is sent as plain text.' });
  if (part.kind === 'reasoning' && (part.signature ?? part.encrypted) !== undefined)
    lose(writing, 'reasoning-history', {
      at,
      why: 'What another provider signed or sealed cannot be read by this one: readable thoughts are sent as they are.',
    });
  if ((part.kind === 'text' || part.kind === 'tool-call') && part.signature !== undefined)
    lose(writing, 'signature', { at, why: 'Ollama knows no signatures; it is left out.' });
}

/** Texts of a message, a line each. Documents that are text are among them. */
function textOf(parts: readonly Part[], writing: Writing): string {
  const texts = parts.flatMap((part) => {
    if (part.kind === 'text' || part.kind === 'refusal') return [part.text];
    if (part.kind !== 'document' || part.source.by !== 'text') return [];
    const why = 'The document was written as text: Ollama takes no documents.';
    lose(writing, 'document-as-text', { at: part.at ?? 'messages', why });
    return [part.name === undefined ? part.source.text : `${part.name}\n\n${part.source.text}`];
  });
  return texts.join('\n');
}

function thoughtsOf(parts: readonly Part[]): string | undefined {
  const text = parts.map((part) => (part.kind === 'reasoning' ? part.text : '')).join('');
  return text === '' ? undefined : text;
}

/** Pictures as bare base64, which is all that Ollama takes. */
export function picturesOf(parts: readonly Part[], writing: Writing): readonly string[] | undefined {
  const pictures = parts.flatMap((part) => (isMedia(part) ? pictureOf(part, writing) : []));
  return pictures.length === 0 ? undefined : pictures;
}

function pictureOf(part: MediaPart, writing: Writing): readonly string[] {
  const { source } = part;
  const at = part.at ?? 'messages';
  if (part.kind === 'image' && source.by === 'base64') {
    if (part.detail !== undefined && part.detail !== 'auto')
      lose(writing, 'image-detail', { at, why: 'Ollama decides on the detail of a picture itself.' });
    return [source.data];
  }
  if (source.by === 'text') return [];
  if (source.by === 'file')
    lose(writing, 'file-id', { at, weight: 'meaning', why: 'The file is kept by another provider. Send the data.' });
  else
    lose(writing, 'media-kind', {
      at,
      weight: 'meaning',
      why: part.kind === 'image' ? 'Ollama fetches no pictures. Send the data.' : `Ollama takes no ${part.kind}.`,
    });
  return [];
}

function writeCall(part: ToolCallPart, writing: Writing): JsonRecord {
  return compact({
    id: sentId(part.id),
    type: 'function',
    function: { name: part.name, arguments: argumentsOf(part, writing) },
    ...(writing.isHome ? part.extra : {}),
  });
}

/** The arguments as an object: Ollama has no other form. Text that is not one goes whole into a field of its own. */
function argumentsOf(part: ToolCallPart, writing: Writing): JsonRecord {
  const value = argumentsObject(part.arguments);
  if (value !== undefined) return value;
  const why = 'The arguments are no JSON object; they stand as text in `arguments`.';
  lose(writing, 'tool-arguments', { at: part.at ?? 'messages', why });
  return { arguments: part.arguments };
}

function writeResult(part: ToolResultPart, writing: Writing): JsonRecord {
  const at = part.at ?? 'messages';
  if (part.isError === true)
    lose(writing, 'tool-error', {
      at,
      why: 'Ollama has no mark for a failed call: the result was sent as an ordinary one.',
    });
  for (const inner of part.parts) losePart(inner, inner.at ?? at, writing);
  const text = textOf(part.parts, writing);
  return compact({
    role: 'tool',
    content: text === '' && part.value !== undefined ? JSON.stringify(part.value) : text,
    images: picturesOf(part.parts, writing),
    tool_name: part.name ?? writing.names.get(part.callId),
    tool_call_id: sentId(part.callId),
    ...(writing.isHome ? part.extra : {}),
  });
}
