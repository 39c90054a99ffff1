/** A whole reply, read leniently and written as OpenAI writes it. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Citation, Part } from '../../chat/part.ts';
import type { ChatResponse, Choice, Finish, FinishReason, TokenLogprob } from '../../chat/reply.ts';
import { replyExtraLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import {
  asArray,
  asCount,
  asNumber,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { HOME, readAssistant, restOf, saysSomething } from './assistant.ts';
import { writeAssistant } from './assistant-writing.ts';
import { decodeInnerError, errorIn } from './errors.ts';
import { lostUsage, readUsage, writeUsage } from './usage.ts';

/** Fields of a reply or chunk that become words, or are padding against listeners (OpenAI's `obfuscation`, Mistral's `p`). */
export const REPLY_READ: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'error',
  'obfuscation',
  'p',
]);
/** `delta` stands empty beside Perplexity's message, `message` repeats Writer's delta. */
export const CHOICE_READ: ReadonlySet<string> = new Set([
  'index',
  'message',
  'delta',
  'finish_reason',
  'logprobs',
  'text',
  'error',
  'usage',
]);
/** Extras of a choice that stand in its message. */
const MESSAGE_PREFIX = 'message.';
const LOGPROBS_PREFIX = 'logprobs.';
/** Most choices that are read: OpenAI's own bound of `n`. */
export const CHOICES_MAX = 128;

const REASONS: Readonly<Record<string, FinishReason | undefined>> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  // Mistral: the context window is full.
  model_length: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  // Z.ai.
  sensitive: 'content-filter',
  refusal: 'refusal',
  error: 'error',
  network_error: 'error',
  // DeepSeek: out of machines.
  insufficient_system_resource: 'error',
};

/** Reads a finish reason; undefined where none was given (null, or Snowflake's empty text). */
export function readFinish(raw: unknown): Finish | undefined {
  return typeof raw === 'string' && raw !== '' ? { reason: REASONS[raw] ?? 'other', raw } : undefined;
}

/** The finish of a reply that names none though it is complete. */
export function impliedFinish(hasCalls: boolean): Finish {
  return { reason: hasCalls ? 'tool-calls' : 'stop' };
}

/** OpenAI's word for a finish reason; R2's `error` for a reply that failed. */
export function writeFinish(finish: Finish): string {
  switch (finish.reason) {
    case 'length':
      return 'length';
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
    case 'refusal':
      return 'content_filter';
    case 'error':
      return 'error';
    case 'stop':
    case 'pause':
    case 'other':
      return 'stop';
  }
}

/** An end that has no word here looks like a normal one, so it is named: a paused turn above all, which is to go on. */
export function loseFinish(finish: Finish, lose: (loss: Loss) => void): void {
  const { reason, raw, stopSequence } = finish;
  const field = 'finish_reason';
  if (stopSequence !== undefined)
    lose({ code: 'finish', field, weight: 'hint', why: 'Which stop sequence ended the text is not told here.' });
  if (reason !== 'pause' && reason !== 'other') return;
  const why = `The reason ${raw ?? reason} has no word here; it became ${writeFinish(finish)}.`;
  lose({ code: 'finish', field, weight: 'hint', why });
}

/** Reads a whole reply. A 200 that holds an error is that error, and one without a choice cannot be read. */
export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const error = errorIn(body);
  if (error !== undefined) return err(decodeInnerError(error, provider));
  const choices = (asArray(body['choices']) ?? [])
    .slice(0, CHOICES_MAX)
    .flatMap((choice, index) => (isRecord(choice) ? [readChoice(choice, index)] : []));
  if (choices.length === 0) return err(fault('upstream-invalid', { provider, reason: 'it holds no choice' }));
  const usage = usageOf(body);
  return ok(
    compact({
      origin: HOME,
      id: nonEmpty(body['id']),
      model: nonEmpty(body['model']),
      createdAt: createdAt(body),
      choices: addSources(choices, sourcesOf(body)),
      usage,
      extra: restOf(body, REPLY_READ),
    }),
  );
}

/** Usage and finish of a reply; one that does not say how it ended is read whole. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  const choice = asArray(body['choices'])?.[0];
  const finish = isRecord(choice) ? choice['finish_reason'] : undefined;
  if (typeof finish === 'string' && finish !== '' && errorIn(body) === undefined) {
    const usage = usageOf(body);
    return ok(usage === undefined ? { finish } : { finish, usage });
  }
  const read = decodeResponse(body, provider);
  return read.ok ? ok(glanceOf(read.value)) : read;
}

export function nonEmpty(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Seconds since 1970, also as text (Writer); a zero is a placeholder. */
export function createdAt(body: JsonRecord): number | undefined {
  const { created } = body;
  const seconds = typeof created === 'string' && /^\d{1,12}$/.test(created) ? Number(created) : asNumber(created);
  return seconds === undefined || seconds <= 0 ? undefined : Math.floor(seconds);
}

/** Usage of a reply or chunk. Some models of Groq only write it in `x_groq`, Moonshot's streams only in the choice. */
export function usageOf(body: JsonRecord): ReturnType<typeof readUsage> {
  const [choice] = asArray(body['choices']) ?? [];
  const places = [body['usage'], asRecord(body['x_groq'])?.['usage'], asRecord(choice)?.['usage']];
  return places.map(readUsage).find((usage) => usage !== undefined);
}

function readChoice(choice: JsonRecord, position: number): Choice {
  const message = messageOf(choice);
  const { parts, extra } = readAssistant(message);
  const logprobs = asRecord(choice['logprobs']);
  const tokens = readLogprobs(logprobs?.['content']);
  const hasCalls = parts.some((part) => part.kind === 'tool-call');
  const extras = {
    ...misread(choice, 'message'),
    ...misread(message, 'content'),
    ...restOf(choice, CHOICE_READ),
    ...withPrefix(MESSAGE_PREFIX, extra),
    ...withPrefix(LOGPROBS_PREFIX, restOf(logprobs ?? {}, new Set(['content']))),
  };
  return compact({
    index: asCount(choice['index']) ?? position,
    parts,
    finish: readFinish(choice['finish_reason']) ?? impliedFinish(hasCalls),
    logprobs: tokens.length === 0 ? undefined : tokens,
    extra: Object.keys(extras).length === 0 ? undefined : extras,
  });
}

/** The message of a choice; older forms have a delta or plain text in its place. */
function messageOf(choice: JsonRecord): JsonRecord {
  const message = asRecord(choice['message']) ?? asRecord(choice['delta']);
  if (message !== undefined) return message;
  const { text } = choice;
  return typeof text === 'string' ? { content: text } : {};
}

/** A field that is of no type that we read stays as it came. */
export function misread(record: JsonRecord, field: 'message' | 'delta' | 'content'): JsonRecord {
  const value = record[field];
  const isRead = isRecord(value) || (field === 'content' && (typeof value === 'string' || isArray(value)));
  return isRead || !saysSomething(value) ? {} : { [field]: value };
}

/** Extras of a message or delta under the names they have among those of a choice. */
export function withPrefix(prefix: string, fields: JsonRecord | undefined): JsonRecord {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([key, value]) => [`${prefix}${key}`, value]));
}

export function messageExtras(fields: JsonRecord | undefined): JsonRecord {
  return withPrefix(MESSAGE_PREFIX, fields);
}

/** Token log probabilities, as far as they are whole. */
export function readLogprobs(list: Json | undefined): readonly TokenLogprob[] {
  return (asArray(list) ?? []).flatMap((item) => {
    const read = readToken(item);
    if (read === undefined || !isRecord(item)) return [];
    const top = (asArray(item['top_logprobs']) ?? []).map(readToken).filter((token) => token !== undefined);
    return [{ ...read, top }];
  });
}

function readToken(item: Json): Omit<TokenLogprob, 'top'> | undefined {
  if (!isRecord(item)) return undefined;
  const token = asString(item['token']);
  const logprob = asNumber(item['logprob']);
  if (token === undefined || logprob === undefined) return undefined;
  const { bytes } = item;
  if (bytes === null) return { token, logprob, bytes };
  return isArray(bytes)
    ? { token, logprob, bytes: bytes.filter((byte) => typeof byte === 'number') }
    : { token, logprob };
}

export function writeLogprobs(tokens: readonly TokenLogprob[]): readonly JsonRecord[] {
  return tokens.map(({ top, ...token }) => ({
    ...writeToken(token),
    top_logprobs: top.map(writeToken),
  }));
}

function writeToken({ token, logprob, bytes = null }: Omit<TokenLogprob, 'top'>): JsonRecord {
  return { token, logprob, bytes };
}

/** Perplexity names its sources beside the reply; the text points at them by number. */
export function sourcesOf(body: JsonRecord): readonly Citation[] {
  const results = (asArray(body['search_results']) ?? []).filter(isRecord);
  if (results.length > 0) {
    return results.map((raw) =>
      compact({
        url: asString(raw['url']),
        title: asString(raw['title']),
        citedText: asString(raw['snippet']),
        raw,
        origin: HOME,
      }),
    );
  }
  return (asArray(body['citations']) ?? []).flatMap((url) =>
    typeof url === 'string' ? [{ url, raw: { url }, origin: HOME }] : [],
  );
}

function addSources(choices: readonly Choice[], sources: readonly Citation[]): readonly Choice[] {
  if (sources.length === 0) return choices;
  return choices.map((choice) => {
    const hasText = choice.parts.some((part) => part.kind === 'text');
    const held = hasText ? choice.parts : [...choice.parts, { kind: 'text' as const, text: '' }];
    const last = held.findLastIndex((part) => part.kind === 'text');
    const parts = held.map((part, index): Part =>
      index === last && part.kind === 'text' ? { ...part, citations: [...(part.citations ?? []), ...sources] } : part,
    );
    return { ...choice, parts };
  });
}

/** Writes a reply as OpenAI does. A provider's further fields stay, under their own names. */
export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses: Loss[] = [...lostUsage(response.usage)];
  const lose = (loss: Loss): void => void losses.push(loss);
  const usage = response.usage === undefined ? undefined : writeUsage(response.usage);
  const { error: _, ...extra } = response.extra ?? {};
  const body = {
    ...extra,
    id: response.id ?? `chatcmpl-${context.requestId}`,
    object: 'chat.completion',
    created: response.createdAt ?? context.nowS,
    model: response.model ?? context.model,
    choices: response.choices.map((choice) => writeChoice(choice, lose)),
    ...(usage === undefined ? {} : { usage }),
  };
  return { body, losses };
}

function writeChoice(choice: Choice, lose: (loss: Loss) => void): JsonRecord {
  const { own, message, logprobs } = splitExtras(choice.extra);
  const tokens = choice.logprobs === undefined ? undefined : writeLogprobs(choice.logprobs);
  const hasLogprobs = tokens !== undefined || Object.keys(logprobs).length > 0;
  loseFinish(choice.finish, lose);
  // Calls, reasoning and sound are objects, which keep them.
  const plain = choice.parts.filter((part) => part.kind === 'text' || part.kind === 'image');
  for (const loss of replyExtraLosses(plain, HOME)) lose(loss);
  return {
    ...own,
    index: choice.index,
    message: { role: 'assistant', ...message, ...writeAssistant(choice.parts, { isRequest: false, lose }) },
    logprobs: hasLogprobs ? { content: tokens ?? null, refusal: null, ...logprobs } : null,
    finish_reason: writeFinish(choice.finish),
  };
}

/** Extras of a choice by where they stand: in the choice, its message, its logprobs. */
export function splitExtras(extra: JsonRecord | undefined): {
  readonly own: JsonRecord;
  readonly message: JsonRecord;
  readonly logprobs: JsonRecord;
} {
  const own: Record<string, Json> = {};
  const message: Record<string, Json> = {};
  const logprobs: Record<string, Json> = {};
  for (const [key, value] of Object.entries(extra ?? {})) {
    if (value === undefined || key === 'error') continue;
    if (key.startsWith(MESSAGE_PREFIX)) message[key.slice(MESSAGE_PREFIX.length)] = value;
    else if (key.startsWith(LOGPROBS_PREFIX)) logprobs[key.slice(LOGPROBS_PREFIX.length)] = value;
    else own[key] = value;
  }
  return { own, message, logprobs };
}
