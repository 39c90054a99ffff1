/** A body of the Responses API becomes a `ChatRequest`. */
import { joinCarried } from '../../chat/carried.ts';
import type { Fault } from '../../chat/fault.ts';
import type { Part } from '../../chat/part.ts';
import type {
  ChatRequest,
  Extra,
  Message,
  OutputFormat,
  Reasoning,
  Role,
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
import { isEffort, schemaFormat } from '../messages.ts';
import { restOf } from '../openai-chat/assistant.ts';
import { inspect } from './inspect.ts';
import { HOME, readItem } from './items.ts';
import { readNamespace, withJoinedName } from './namespaces.ts';

/** Where the instructions stand, and a prompt that is one text: their messages are known by it again. */
export const INSTRUCTIONS = 'instructions';
export const INPUT = 'input';

/** Fields that become words of `ChatRequest`. `turnout` is the gateway's own and goes no further. */
const WORDS: ReadonlySet<string> = new Set([
  'model',
  'input',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_logprobs',
  'text',
  'stream',
  'user',
  'turnout',
]);

/** Fields that may be left out without changing what the caller gets: bookkeeping, speed, price, and what was obeyed before. */
const HINTS: ReadonlySet<string> = new Set([
  'background',
  'client_metadata',
  'context_management',
  'include',
  'max_tool_calls',
  'metadata',
  'models',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'provider',
  'reasoning',
  'route',
  'safety_identifier',
  'service_tier',
  'session_id',
  'store',
  'stream_options',
  'text',
  'trace',
  'truncation',
  'usage',
]);

/** Reads a body. Checks it as `inspect` does first, so that what follows can rely on its shape. */
export function decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspect(body, path);
  if (!inspected.ok) return inspected;
  const tools = readTools(body['tools']);
  const choice = readToolChoice(body['tool_choice']);
  const format = readFormat(asRecord(body['text'])?.['format']);
  const { model, isStreaming } = inspected.value;
  return ok(
    compact({
      origin: HOME,
      model,
      messages: readMessages(body),
      tools: tools.length === 0 ? undefined : tools,
      toolChoice: choice,
      parallelToolCalls: asBoolean(body['parallel_tool_calls']),
      maxOutputTokens: inspected.value.maxOutputTokens,
      sampling: compact({ temperature: asNumber(body['temperature']), topP: asNumber(body['top_p']) }),
      logprobs: readLogprobs(body),
      reasoning: readReasoning(body['reasoning']),
      format,
      isStreaming,
      wantsStreamUsage: isStreaming ? true : undefined,
      user: asString(body['user']) ?? asString(body['safety_identifier']),
      // The newer name of the two; a loss is told by the one that the caller wrote.
      names:
        asString(body['user']) === undefined && body['safety_identifier'] !== undefined
          ? { user: 'safety_identifier' }
          : undefined,
      extras: readExtras(body, { hasChoice: choice !== undefined, hasFormat: format !== undefined }),
    }),
  );
}

/** Instructions first. Items of one side in a row are one message: a turn of the assistant is many items. */
function readMessages(body: JsonRecord): readonly Message[] {
  const { instructions, input } = body;
  const messages: Message[] = [];
  if (typeof instructions === 'string') messages.push(textMessage('system', instructions, INSTRUCTIONS));
  else addItems(asArray(instructions) ?? [], INSTRUCTIONS, messages);
  if (typeof input === 'string') messages.push(textMessage('user', input, INPUT));
  else addItems(asArray(input) ?? [], INPUT, messages);
  return messages.map((message) => (message.role === 'assistant' ? withCarried(message) : message));
}

function textMessage(role: Role, text: string, at: string): Message {
  return { role, parts: [{ kind: 'text', text, at }], at };
}

/** Messages that an assistant's turn or a round of results makes of several items. */
const JOINED: ReadonlySet<Role> = new Set<Role>(['assistant', 'tool']);

function addItems(items: readonly Json[], field: string, messages: Message[]): void {
  for (const [index, item] of items.entries()) {
    if (!isRecord(item)) continue;
    const at = `${field}[${index}]`;
    const { role, parts } = readItem(item, at);
    const last = messages.at(-1);
    if (last?.role === role && JOINED.has(role)) messages[messages.length - 1] = joined(last, parts);
    else messages.push({ role, parts, at });
  }
}

function joined(message: Message, parts: readonly Part[]): Message {
  return { ...message, parts: [...message.parts, ...parts] };
}

function withCarried(message: Message): Message {
  return { ...message, parts: joinCarried(message.parts).map(withJoinedName) };
}

const TOOL_READ: ReadonlySet<string> = new Set(['type', 'name', 'description', 'parameters', 'strict']);

function readTools(tools: Json | undefined): readonly Tool[] {
  return (asArray(tools) ?? []).flatMap((tool, index): readonly Tool[] => {
    if (!isRecord(tool)) return [];
    const at = `tools[${index}]`;
    return readNamespace(tool, at, readTool) ?? [readTool(tool, at)];
  });
}

function readTool(tool: JsonRecord, at: string): Tool {
  const name = asString(tool['name']);
  if (tool['type'] !== 'function' || name === undefined)
    return { kind: 'opaque', origin: HOME, name: name ?? asString(tool['type']) ?? 'tool', value: tool, at };
  return compact({
    kind: 'function' as const,
    name,
    description: asString(tool['description']),
    parameters: asRecord(tool['parameters']),
    strict: asBoolean(tool['strict']),
    at,
    extra: restOf(tool, TOOL_READ),
  });
}

/** The choices that every dialect knows; a tool of the provider's own, or a wish among few, stays among the extras. */
function readToolChoice(choice: Json | undefined): ToolChoice | undefined {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { kind: choice };
  if (!isRecord(choice)) return undefined;
  const name = asString(choice['name']);
  if (choice['type'] === 'function' && name !== undefined && choice['namespace'] === undefined)
    return { kind: 'tool', name };
  if (choice['type'] !== 'allowed_tools' || choice['mode'] !== 'required') return undefined;
  const tools = (asArray(choice['tools']) ?? []).filter(isRecord);
  const only = tools.flatMap((tool) => asString(tool['name']) ?? []);
  return tools.every((tool) => tool['type'] === 'function') ? { kind: 'required', only } : undefined;
}

/** Output formats that every dialect knows; others stay among the extras. */
function readFormat(format: Json | undefined): OutputFormat | undefined {
  if (!isRecord(format)) return undefined;
  if (format['type'] === 'text') return { kind: 'text' };
  if (format['type'] === 'json_object') return { kind: 'json' };
  const schema = asRecord(format['schema']);
  if (schema === undefined) return undefined;
  return schemaFormat(schema, format);
}

const LOGPROBS = 'message.output_text.logprobs';
const ENCRYPTED = 'reasoning.encrypted_content';

function readLogprobs(body: JsonRecord): { readonly top?: number } | undefined {
  const top = asNumber(body['top_logprobs']);
  const isAsked = asArray(body['include'])?.includes(LOGPROBS) === true || (top ?? 0) > 0;
  return isAsked ? compact({ top }) : undefined;
}

function readReasoning(value: Json | undefined): Reasoning | undefined {
  if (!isRecord(value)) return undefined;
  const { effort } = value;
  const summary = value['summary'] ?? value['generate_summary'];
  const read = compact({
    effort: isEffort(effort) ? effort : undefined,
    isShown: typeof summary === 'string' ? true : undefined,
  });
  return Object.keys(read).length === 0 ? undefined : read;
}

function readExtras(
  body: JsonRecord,
  read: { readonly hasChoice: boolean; readonly hasFormat: boolean },
): readonly Extra[] {
  const isText = typeof body['instructions'] === 'string';
  const unread = compact({
    tool_choice: read.hasChoice ? undefined : body['tool_choice'],
    text: restOf(asRecord(body['text']) ?? {}, new Set(read.hasFormat ? ['format'] : [])),
  });
  const others = Object.entries(body).filter(([field]) => !WORDS.has(field) && (field !== INSTRUCTIONS || !isText));
  return [...others, ...Object.entries(unread)].flatMap(([field, value]): readonly Extra[] => {
    if (value === undefined || value === null) return [];
    if (isArray(value) && value.length === 0) return [];
    const isCovered = isSaid(field, value, body);
    const isHint = isCovered || (HINTS.has(field) && !(field === 'text' && isRecord(value) && 'format' in value));
    const weight: Weight = isHint ? 'hint' : 'meaning';
    return [{ field, value, weight, ...(isCovered ? { isCovered } : {}) }];
  });
}

const REASONING_SAID: ReadonlySet<string> = new Set(['effort', 'summary', 'generate_summary']);

/** Whether all that a field means stands in words of ours too, or is what happens anyway. */
function isSaid(field: string, value: Json, body: JsonRecord): boolean {
  switch (field) {
    case 'reasoning':
      return isRecord(value) && restOf(value, REASONING_SAID) === undefined;
    case 'include':
      return isArray(value) && value.every((entry) => entry === LOGPROBS || entry === ENCRYPTED);
    case 'instructions':
      return true;
    case 'store':
    case 'background':
      // Nobody else keeps anything, and we never work in the background.
      return value === false;
    case 'truncation':
      return value === 'disabled';
    case 'service_tier':
      return value === 'auto';
    case 'safety_identifier':
      return typeof body['user'] !== 'string';
    default:
      return false;
  }
}
