/** A chat-completions body becomes a `ChatRequest`. */
import type { Fault } from '../../chat/fault.ts';
import type { OpaquePart, Part, TextPart, ToolResultPart } from '../../chat/part.ts';
import type {
  ChatRequest,
  Extra,
  Message,
  OutputFormat,
  Reasoning,
  Role,
  Sampling,
  Tool,
  ToolChoice,
  Weight,
} from '../../chat/request.ts';
import {
  asArray,
  asBoolean,
  asNumber,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { PathFacts } from '../dialect.ts';
import { isEffort, readMessages, schemaFormat } from '../messages.ts';
import { HOME, legacyCallId, readAssistant, readContentPart, restOf } from './assistant.ts';
import { inspect } from './inspect.ts';
import { PART_KINDS, readCache, readMedia } from './media.ts';

/** Fields that become words of `ChatRequest`. `turnout` is the gateway's own and goes no further. */
const WORDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'tools',
  'functions',
  'tool_choice',
  'function_call',
  'parallel_tool_calls',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'seed',
  'random_seed',
  'logit_bias',
  'stop',
  'n',
  'logprobs',
  'top_logprobs',
  'response_format',
  'modalities',
  'audio',
  'stream',
  'stream_options',
  'user',
  'turnout',
]);

/** Fields whose meaning also stands in the words above; their own dialect writes them back as they were. */
export const REASONING_FIELDS: ReadonlySet<string> = new Set([
  'reasoning_effort',
  'reasoning',
  'include_reasoning',
  'reasoning_format',
  'thinking',
  'enable_thinking',
  'thinking_budget',
  'chat_template_kwargs',
]);

/** Fields that may be left out without changing what the caller gets: bookkeeping, speed, price, and routing that was obeyed before. */
const HINTS: ReadonlySet<string> = new Set([
  'metadata',
  'store',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'cache_control',
  'cache_prompt',
  'safety_identifier',
  'session_id',
  'trace',
  'prediction',
  'verbosity',
  'stream_options',
  'usage',
  'models',
  'route',
  'provider',
  'transforms',
  'top_a',
  'typical_p',
  'mirostat',
  'user_id',
  'request_id',
  'keep_alive',
  'return_citations',
  'clear_thinking',
  'debug',
]);

/** Reads a body. Checks it as `inspect` does first, so that what follows can rely on its shape. */
export function decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspect(body, path);
  if (!inspected.ok) return inspected;
  const { model, isStreaming, wantsStreamUsage } = inspected.value;
  const tools = [...readTools(body['tools']), ...readFunctions(body['functions'])];
  const choice = readToolChoice(body);
  const format = readFormat(body['response_format']);
  const request: ChatRequest = compact({
    origin: HOME,
    model,
    messages: readMessages(asArray(body['messages']) ?? [], readMessage),
    tools: tools.length === 0 ? undefined : tools,
    toolChoice: choice,
    parallelToolCalls: asBoolean(body['parallel_tool_calls']),
    maxOutputTokens: inspected.value.maxOutputTokens,
    sampling: readSampling(body),
    stop: readStop(body['stop']),
    n: asNumber(body['n']),
    logprobs: readLogprobs(body),
    reasoning: readReasoning(body),
    format,
    modalities: readModalities(body['modalities']),
    audio: readVoice(body['audio']),
    isStreaming,
    wantsStreamUsage: isStreaming ? wantsStreamUsage : undefined,
    user: asString(body['user']) ?? asString(body['safety_identifier']),
    names: readNames(body),
    extras: readExtras(body, { hasChoice: choice !== undefined, hasFormat: format !== undefined }),
  });
  return ok(request);
}

function readSampling(body: JsonRecord): Sampling {
  return compact({
    temperature: asNumber(body['temperature']),
    topP: asNumber(body['top_p']),
    topK: asNumber(body['top_k']),
    minP: asNumber(body['min_p']),
    frequencyPenalty: asNumber(body['frequency_penalty']),
    presencePenalty: asNumber(body['presence_penalty']),
    repetitionPenalty: asNumber(body['repetition_penalty']),
    seed: asNumber(body['seed']) ?? asNumber(body['random_seed']),
    logitBias: asRecord(body['logit_bias']),
  });
}

function readStop(stop: Json | undefined): readonly string[] | undefined {
  if (typeof stop === 'string') return [stop];
  return isArray(stop) && stop.length > 0 ? stop.filter((text) => typeof text === 'string') : undefined;
}

function readLogprobs(body: JsonRecord): { readonly top?: number } | undefined {
  const { logprobs } = body;
  if (logprobs === true) return compact({ top: asNumber(body['top_logprobs']) });
  return typeof logprobs === 'number' ? { top: logprobs } : undefined;
}

function readModalities(value: Json | undefined): readonly string[] | undefined {
  return isArray(value) ? value.filter((modality) => typeof modality === 'string') : undefined;
}

function readVoice(value: Json | undefined): ChatRequest['audio'] | undefined {
  if (!isRecord(value)) return undefined;
  return compact({ voice: value['voice'], format: asString(value['format']) });
}

/** OpenAI's effort, OpenRouter's object, the switches and budgets of DeepSeek, Z.ai, Qwen and Databricks. */
function readReasoning(body: JsonRecord): Reasoning | undefined {
  const object = asRecord(body['reasoning']) ?? {};
  const effort = body['reasoning_effort'] ?? object['effort'];
  const isOn = readSwitch(body);
  const budget = BUDGETS.map((path) => numberAt(body, path)).find((tokens) => tokens !== undefined);
  const budgetTokens = isOn === false ? undefined : (budget ?? (isOn === true && !isEffort(effort) ? -1 : undefined));
  const shown = isRecord(body['reasoning']) ? asBoolean(object['exclude']) : undefined;
  const read = compact({
    effort: isEffort(effort) ? effort : isOn === false ? ('none' as const) : undefined,
    budgetTokens,
    isShown: shown === undefined ? readShown(body) : !shown,
  });
  return Object.keys(read).length === 0 ? undefined : read;
}

type Path = readonly [string, string?];
/** Where a caller may say how many tokens to think with. */
const BUDGETS: readonly Path[] = [['reasoning', 'max_tokens'], ['thinking', 'budget_tokens'], ['thinking_budget']];
/** Where one may turn thinking on or off; the last two are arguments to a template (vLLM, SGLang). */
const SWITCHES: readonly Path[] = [
  ['thinking', 'type'],
  ['enable_thinking'],
  ['reasoning', 'enabled'],
  ['chat_template_kwargs', 'enable_thinking'],
  ['chat_template_kwargs', 'thinking'],
];

function valueAt(body: JsonRecord, [outer, inner]: Path): Json | undefined {
  const value = body[outer] ?? undefined;
  return inner === undefined ? value : (asRecord(value)?.[inner] ?? undefined);
}

function numberAt(body: JsonRecord, path: Path): number | undefined {
  return asNumber(valueAt(body, path));
}

function readSwitch(body: JsonRecord): boolean | undefined {
  return SWITCHES.map((path) => switchOf(valueAt(body, path))).find((isOn) => isOn !== undefined);
}

/** Ark's `auto` and Claude's `adaptive` leave the amount to the model, which thinks then. */
const ON: ReadonlySet<unknown> = new Set([true, 'enabled', 'auto', 'adaptive']);

function switchOf(value: Json | undefined): boolean | undefined {
  if (ON.has(value)) return true;
  return value === false || value === 'disabled' ? false : undefined;
}

/** The names of fields for which the providers of this wire have several; the usual ones are left out. */
function readNames(body: JsonRecord): ChatRequest['names'] {
  const isAbsent = (field: string): boolean => body[field] === undefined || body[field] === null;
  const among = (paths: readonly Path[]): string | undefined =>
    paths.find((path) => valueAt(body, path) !== undefined)?.join('.');
  const names = compact({
    maxOutputTokens: isAbsent('max_completion_tokens') ? undefined : 'max_completion_tokens',
    seed: isAbsent('seed') && !isAbsent('random_seed') ? 'random_seed' : undefined,
    user: isAbsent('user') && !isAbsent('safety_identifier') ? 'safety_identifier' : undefined,
    toolChoice: isAbsent('tool_choice') && !isAbsent('function_call') ? 'function_call' : undefined,
    reasoning: among(SWITCHES),
    reasoningEffort: isAbsent('reasoning_effort') ? among([['reasoning', 'effort'], ...SWITCHES]) : undefined,
    reasoningBudget: among(BUDGETS),
    reasoningShown: among([['reasoning', 'exclude'], ['reasoning_format'], ['include_reasoning']]),
  });
  return Object.keys(names).length === 0 ? undefined : names;
}

function readShown(body: JsonRecord): boolean | undefined {
  // Groq's name for it.
  if (typeof body['reasoning_format'] === 'string') return body['reasoning_format'] !== 'hidden';
  return asBoolean(body['include_reasoning']);
}

/** Output formats that every dialect knows; others stay among the extras. */
function readFormat(format: Json | undefined): OutputFormat | undefined {
  if (!isRecord(format)) return undefined;
  const described = asRecord(format['json_schema']);
  if (format['type'] === 'text') return { kind: 'text' };
  // Together and llama.cpp put a schema beside the plain JSON mode.
  const schema =
    asRecord(described?.['schema']) ?? (format['type'] === 'json_object' ? asRecord(format['schema']) : undefined);
  if (schema !== undefined) return schemaFormat(schema, described);
  return format['type'] === 'json_object' ? { kind: 'json' } : undefined;
}

const TOOL_READ: ReadonlySet<string> = new Set(['type', 'function', 'cache_control', 'prompt_cache_breakpoint']);
const FUNCTION_READ: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);

/** Tools in this form, which Cohere and Ollama share. */
export function readTools(tools: Json | undefined): readonly Tool[] {
  return (asArray(tools) ?? []).flatMap((tool, index): readonly Tool[] => {
    if (!isRecord(tool)) return [];
    const at = `tools[${index}]`;
    const declared = asRecord(tool['function']);
    // Mistral's client leaves the type out.
    if (declared !== undefined && (tool['type'] === undefined || tool['type'] === 'function')) {
      return [readFunction(declared, tool, at)];
    }
    const name = asString(asRecord(tool['custom'])?.['name']) ?? asString(tool['type']) ?? 'tool';
    return [{ kind: 'opaque', origin: HOME, name, value: tool, at }];
  });
}

/** The form before tools; it is written back as tools, which every provider takes. */
function readFunctions(functions: Json | undefined): readonly Tool[] {
  return (asArray(functions) ?? []).flatMap((declared, index) =>
    isRecord(declared) ? [readFunction(declared, {}, `functions[${index}]`)] : [],
  );
}

function readFunction(declared: JsonRecord, tool: JsonRecord, at: string): Tool {
  const cache = readCache(tool);
  const inner = restOf(declared, FUNCTION_READ) ?? {};
  const extra = {
    ...restOf(tool, TOOL_READ),
    ...Object.fromEntries(Object.entries(inner).map(([key, value]) => [`function.${key}`, value])),
  };
  return compact({
    kind: 'function' as const,
    name: asString(declared['name']) ?? '',
    description: asString(declared['description']),
    parameters: asRecord(declared['parameters']),
    strict: asBoolean(declared['strict']),
    isCacheEnd: cache === undefined ? undefined : true,
    cacheTtl: cache?.ttl,
    at,
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  });
}

/** The choices that every dialect knows; others (a wish among few tools) stay among the extras. */
function readToolChoice(body: JsonRecord): ToolChoice | undefined {
  const choice = body['tool_choice'] ?? body['function_call'];
  if (choice === 'auto' || choice === 'none') return { kind: choice };
  // `any` is Mistral's older word.
  if (choice === 'required' || choice === 'any') return { kind: 'required' };
  if (!isRecord(choice)) return undefined;
  // The form before tools had the name at the top.
  const name = asRecord(choice['function'])?.['name'] ?? (choice['type'] === undefined ? choice['name'] : undefined);
  return typeof name === 'string' ? { kind: 'tool', name } : readAllowed(choice);
}

function readAllowed(choice: JsonRecord): ToolChoice | undefined {
  const allowed = asRecord(choice['allowed_tools']);
  if (allowed?.['mode'] !== 'required') return undefined;
  const only = (asArray(allowed['tools']) ?? []).flatMap((tool) => {
    const allowedName = isRecord(tool) ? asString(asRecord(tool['function'])?.['name']) : undefined;
    return allowedName === undefined ? [] : [allowedName];
  });
  return { kind: 'required', only };
}

function readExtras(
  body: JsonRecord,
  read: { readonly hasChoice: boolean; readonly hasFormat: boolean },
): readonly Extra[] {
  const covered = new Set([...REASONING_FIELDS].filter((field) => isUnderstood(field, body[field])));
  if (typeof body['user'] !== 'string') covered.add('safety_identifier');
  // Its `false` asks for nothing: Mistral's SDK always sends it.
  if (body['safe_prompt'] === false) covered.add('safe_prompt');
  const unread = compact({
    tool_choice: read.hasChoice ? undefined : body['tool_choice'],
    response_format: read.hasFormat ? undefined : body['response_format'],
    stream_options: restOf(asRecord(body['stream_options']) ?? {}, new Set(['include_usage'])),
    // Without the probabilities themselves their alternatives mean nothing, and OpenAI refuses them.
    top_logprobs: asksLogprobs(body) ? undefined : body['top_logprobs'],
  });
  const others = Object.entries(body).filter(([field]) => !WORDS.has(field));
  return [...others, ...Object.entries(unread)].flatMap(([field, value]): readonly Extra[] => {
    if (value === undefined || value === null) return [];
    const isCovered = covered.has(field);
    const weight: Weight = isCovered || HINTS.has(field) ? 'hint' : 'meaning';
    return [{ field, value, weight, ...(isCovered ? { isCovered } : {}) }, ...readInside(field, value)];
  });
}

function asksLogprobs({ logprobs }: JsonRecord): boolean {
  return logprobs === true || typeof logprobs === 'number';
}

/** Fields of the objects that say how to reason, as far as they have words. */
const INSIDE: Readonly<Record<string, ReadonlySet<string>>> = {
  reasoning: new Set(['effort', 'max_tokens', 'enabled', 'exclude']),
  thinking: new Set(['type', 'budget_tokens']),
  chat_template_kwargs: new Set(['enable_thinking', 'thinking']),
};

/** Whether a way to say how to reason is one that we have a word for. */
function isUnderstood(field: string, value: Json | undefined): boolean {
  if (field === 'reasoning_effort') return isEffort(value);
  if (field === 'reasoning') return !isRecord(value) || !isPresent(value['effort']) || isEffort(value['effort']);
  if (field === 'thinking') return isRecord(value) && switchOf(value['type']) !== undefined;
  if (field === 'enable_thinking') return typeof value === 'boolean';
  return true;
}

function isPresent(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

/** What else stands in them, to be named where it is lost. */
function readInside(field: string, value: Json): readonly Extra[] {
  const known = INSIDE[field];
  const rest = known === undefined || !isRecord(value) ? {} : (restOf(value, known) ?? {});
  return Object.entries(rest).flatMap(([name, inner]): readonly Extra[] =>
    inner === undefined ? [] : [{ field: `${field}.${name}`, value: inner, weight: 'hint', isInside: true }],
  );
}

const MESSAGE_READ: ReadonlySet<string> = new Set([
  'role',
  'content',
  'name',
  'tool_call_id',
  'cache_control',
  'prompt_cache_breakpoint',
]);

function readMessage(message: JsonRecord, at: string, before: readonly Message[]): Message {
  const role = message['role'];
  if (role === 'tool' || role === 'function') return { role: 'tool', parts: [readResult(message, at, before)], at };
  const name = asString(message['name']);
  if (role === 'assistant') {
    const { parts, extra } = readAssistant(message, at);
    return { role, parts, at, ...ownFields(name, extra) };
  }
  const parts = markLast(readParts(message, at, readPart), message);
  const kept: Role = role === 'system' || role === 'developer' ? role : 'user';
  return { role: kept, parts, at, ...ownFields(name, restOf(message, MESSAGE_READ)) };
}

function ownFields(
  name: string | undefined,
  extra: JsonRecord | undefined,
): { readonly name?: string; readonly extra?: JsonRecord } {
  const { name: _, ...rest } = extra ?? {};
  return compact({ name, extra: Object.keys(rest).length === 0 ? undefined : rest });
}

function readParts<T extends Part>(
  message: JsonRecord,
  at: string,
  read: (part: Json, at: string) => readonly T[],
): readonly (T | TextPart)[] {
  const { content } = message;
  if (typeof content === 'string') return [{ kind: 'text', text: content, at: `${at}.content` }];
  return (asArray(content) ?? []).flatMap((part, index) => read(part, `${at}.content[${index}]`));
}

type Inner = ToolResultPart['parts'][number];

/** A part of a tool's result; what only an assistant can say (Mistral's thinking) stays as it came. */
function readInner(part: Json, at: string): readonly Inner[] {
  const read = readPart(part, at);
  const inner = read.filter(isInner);
  return inner.length === read.length ? inner : [opaquePart(part, at)];
}

function isInner(part: Part): part is Inner {
  return (
    part.kind !== 'tool-call' && part.kind !== 'tool-result' && part.kind !== 'reasoning' && part.kind !== 'refusal'
  );
}

function opaquePart(part: Json, at: string): OpaquePart {
  return { kind: 'opaque', origin: HOME, name: asString(asRecord(part)?.['type']) ?? 'part', value: part, at };
}

function readPart(part: Json, at: string): readonly Part[] {
  if (!isRecord(part)) return [];
  const kind = PART_KINDS[asString(part['type']) ?? ''];
  if (kind === 'text' || kind === 'other') return readContentPart(part, { at });
  return [readMedia(part, at) ?? opaquePart(part, at)];
}

/** A cache mark on the message itself ends the prefix with its last part (OpenRouter, Vercel). */
function markLast(parts: readonly Part[], message: JsonRecord): readonly Part[] {
  const cache = readCache(message);
  const last = parts.at(-1);
  if (cache === undefined || last === undefined || last.cache !== undefined) return parts;
  return [...parts.slice(0, -1), { ...last, cache }];
}

function readResult(message: JsonRecord, at: string, before: readonly Message[]): ToolResultPart {
  const parts = readParts(message, at, readInner);
  const id = asString(message['tool_call_id']);
  const name = asString(message['name']) ?? nameOfCall(before, id);
  return compact({
    kind: 'tool-result' as const,
    callId: id ?? lastLegacyCall(before, name),
    name,
    parts,
    at,
    cache: readCache(message),
    extra: restOf(message, MESSAGE_READ),
  });
}

/** The name that the matching call had; Gemini needs it with the result. */
function nameOfCall(before: readonly Message[], id: string | undefined): string | undefined {
  if (id === undefined) return undefined;
  for (const message of before.toReversed()) {
    const call = message.parts.find((part) => part.kind === 'tool-call' && part.id === id);
    if (call?.kind === 'tool-call') return call.name;
  }
  return undefined;
}

/** A `function` message has no id: it answers the last call of that function. */
function lastLegacyCall(before: readonly Message[], name: string | undefined): string {
  for (const message of before.toReversed()) {
    const call = message.parts.findLast(
      (part) => part.kind === 'tool-call' && (name === undefined || part.name === name),
    );
    if (call?.kind === 'tool-call') return call.id;
  }
  return legacyCallId(name ?? 'tool', undefined);
}
