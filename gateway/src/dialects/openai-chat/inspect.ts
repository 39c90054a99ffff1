/**
 * Reads and checks a chat-completions body in one pass (faults.md B15-B30), naming the field at fault.
 * Refuses only what no provider of this wire takes: every recorded request that was answered with 2xx passes.
 */
import type { Fault } from '../../chat/fault.ts';
import {
  asArray,
  asNumber,
  asRecord,
  asString,
  isArray,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Inspection, PathFacts } from '../dialect.ts';
import {
  addIfText,
  addJson,
  addText,
  checkAddress,
  checkBoolean,
  checkFunction,
  checkMetadata,
  checkModel,
  checkModels,
  checkNumbers,
  checkUser,
  invalid,
  kindOf,
  MESSAGES_MAX,
  missing,
  newTally,
  SCHEMA_MAX,
  TOKENS_MAX,
  TOOLS_MAX,
  type Ranges,
  type Tally,
} from '../openai-checks.ts';
import { PART_KINDS, urlOf } from './media.ts';

/** OpenAI takes 4, DeepSeek 16; each is compared with every token. */
const STOP_MAX = 64;
/** OpenAI's own bound of `n`. */
const CHOICES_MAX = 128;

const RANGES: Ranges = [
  ['temperature', [0, 2]],
  ['top_p', [0, 1]],
  ['min_p', [0, 1]],
  ['frequency_penalty', [-2, 2]],
  ['presence_penalty', [-2, 2]],
];
const INTEGERS: Ranges = [
  ['n', [1, CHOICES_MAX]],
  ['max_tokens', [1, TOKENS_MAX]],
  ['max_completion_tokens', [1, TOKENS_MAX]],
  ['top_logprobs', [0, 20]],
  ['seed', [-(2 ** 63), 2 ** 63]],
];
const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/** Reads and checks a parsed body. `path.model` stands in where the body names no model (Azure deployments). */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const model = body['model'] ?? path.model;
  const wrong =
    checkModel(model, 'model') ?? checkNumbers(body, RANGES, INTEGERS) ?? checkPlainFields(body) ?? checkStream(body);
  if (wrong !== undefined) return err(wrong);
  const tally = newTally();
  const unfit = checkMessages(body['messages'], tally) ?? checkTools(body, tally) ?? checkFormat(body, tally);
  if (unfit !== undefined) return err(unfit);
  addWishes(body, tally);
  return ok(inspectionOf(body, asString(model) ?? '', tally));
}

function inspectionOf(body: JsonRecord, model: string, tally: Tally): Inspection {
  const limit = body['max_completion_tokens'] ?? body['max_tokens'];
  return {
    model,
    isStreaming: body['stream'] === true,
    wantsStreamUsage: asRecord(body['stream_options'])?.['include_usage'] === true,
    ...(typeof limit === 'number' ? { maxOutputTokens: limit } : {}),
    choices: asNumber(body['n']) ?? 1,
    needs: [...tally.needs],
    textLength: tally.textLength,
    nonAsciiLength: tally.nonAsciiLength,
    imageCount: tally.imageCount,
    messageCount: asArray(body['messages'])?.length ?? 0,
  };
}

function checkPlainFields(body: JsonRecord): Fault | undefined {
  return (
    checkStop(body['stop']) ??
    checkLogprobs(body['logprobs']) ??
    checkBoolean(body, 'parallel_tool_calls') ??
    checkUser(body['user']) ??
    checkMetadata(body['metadata']) ??
    checkModels(body['models'])
  );
}

function checkStop(stop: Json | undefined): Fault | undefined {
  if (stop === undefined || stop === null || typeof stop === 'string') return undefined;
  if (!isArray(stop)) return invalid('stop', 'it must be a string or an array of strings');
  if (stop.length > STOP_MAX) return invalid('stop', `it has more than ${STOP_MAX} entries`);
  return stop.every((text) => typeof text === 'string') ? undefined : invalid('stop', 'its entries must be strings');
}

/** OpenAI takes a boolean; Together takes the number of alternatives instead (its OpenAPI, `ChatCompletionRequest.logprobs`). */
function checkLogprobs(value: Json | undefined): Fault | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 20) return undefined;
  return invalid('logprobs', 'it must be true or false');
}

function checkStream(body: JsonRecord): Fault | undefined {
  const wrong = checkBoolean(body, 'stream');
  if (wrong !== undefined) return wrong;
  const options = body['stream_options'];
  if (options === undefined || options === null) return undefined;
  if (!isRecord(options)) return invalid('stream_options', `it must be an object, not ${kindOf(options)}`);
  return body['stream'] === true ? undefined : invalid('stream_options', 'it only goes with `stream: true`');
}

function checkMessages(messages: Json | undefined, tally: Tally): Fault | undefined {
  if (messages === undefined || messages === null) return missing('messages', 'send at least one message');
  if (!isArray(messages)) return invalid('messages', `it must be an array, not ${kindOf(messages)}`);
  if (messages.length === 0) return invalid('messages', 'send at least one message');
  if (messages.length > MESSAGES_MAX) return invalid('messages', `it has more than ${MESSAGES_MAX} entries`);
  for (let index = 0; index < messages.length; index += 1) {
    const wrong = checkMessage(messages[index], `messages[${index}]`, tally);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkMessage(message: unknown, at: string, tally: Tally): Fault | undefined {
  if (!isRecord(message)) return invalid(at, `it must be an object, not ${kindOf(message)}`);
  const role = message['role'];
  if (!ROLES.has(role)) return invalid(`${at}.role`, 'it must be system, developer, user, assistant or tool');
  if (role === 'tool' || role === 'function') {
    tally.needs.add('tools');
    const id = message['tool_call_id'];
    if (id !== undefined && id !== null && typeof id !== 'string') {
      return invalid(`${at}.tool_call_id`, 'it must be a string');
    }
  }
  if (role !== 'assistant') return checkContent(message, at, tally);
  const wrong = checkCalls(message, at, tally);
  if (wrong !== undefined) return wrong;
  addIfText(tally, message['reasoning_content'] ?? message['reasoning']);
  addIfText(tally, message['refusal']);
  return checkContent(message, at, tally);
}

/** What an assistant's message may hold instead of content. */
const INSTEAD = [
  'tool_calls',
  'function_call',
  'refusal',
  'audio',
  'reasoning_details',
  'reasoning_content',
  'reasoning',
  'images',
];

function checkContent(message: JsonRecord, at: string, tally: Tally): Fault | undefined {
  const content = message['content'];
  const param = `${at}.content`;
  if (typeof content === 'string') {
    addText(tally, content);
    return undefined;
  }
  if (!isPresent(content)) return mayBeEmpty(message) ? undefined : missingContent(content, param);
  if (!isArray(content)) return invalid(param, `it must be a string or an array of parts, not ${kindOf(content)}`);
  for (let index = 0; index < content.length; index += 1) {
    const reason = checkPart(content[index], tally);
    if (reason !== undefined) return invalid(param, `part ${index}: ${reason}`);
  }
  return undefined;
}

function mayBeEmpty(message: JsonRecord): boolean {
  if (message['role'] === 'assistant') return INSTEAD.some((field) => isPresent(message[field]));
  // A tool may answer with an empty list: MCP servers do when they have nothing to say.
  return message['role'] === 'tool' && isArray(message['content']);
}

function missingContent(content: Json | undefined, param: string): Fault {
  if (content === undefined) return missing(param, 'a message needs content');
  return invalid(param, isArray(content) ? 'it is empty' : 'it must be a string or an array of parts, not null');
}

function isPresent(value: Json | undefined): boolean {
  return value !== undefined && value !== null && !(isArray(value) && value.length === 0);
}

/** Counts one content part; gives the reason why it cannot be one. */
function checkPart(part: unknown, tally: Tally): string | undefined {
  if (!isRecord(part)) return `it must be an object, not ${kindOf(part)}`;
  const type = part['type'];
  if (typeof type !== 'string') return 'its `type` is missing';
  const kind = PART_KINDS[type];
  if (kind === undefined) return `the type ${JSON.stringify(type.slice(0, 40))} is not known`;
  if (kind === 'text') {
    if (typeof part['text'] !== 'string') return '`text` must be a string';
    addText(tally, part['text']);
    return undefined;
  }
  if (kind === 'other') {
    addJson(tally, part);
    return undefined;
  }
  tally.needs.add(kind);
  if (kind === 'image') tally.imageCount += 1;
  return checkMedia(part, type);
}

function checkMedia(part: JsonRecord, type: string): string | undefined {
  const url = urlOf(part, type);
  if (url === undefined) return isFileById(part, type) ? undefined : `\`${type}\` holds no data`;
  return checkAddress(url, type);
}

/** OpenAI's files may be named by their id, inside the object; Mistral's beside it. */
function isFileById(part: JsonRecord, type: string): boolean {
  return type === 'file' && (isRecord(part['file']) || typeof part['file_id'] === 'string');
}

function checkCalls(message: JsonRecord, at: string, tally: Tally): Fault | undefined {
  const calls = message['tool_calls'];
  if (isRecord(message['function_call'])) {
    tally.needs.add('tools');
    addJson(tally, message['function_call']);
  }
  if (calls === undefined || calls === null) return undefined;
  if (!isArray(calls)) return invalid(`${at}.tool_calls`, `it must be an array, not ${kindOf(calls)}`);
  if (calls.length > 0) tally.needs.add('tools');
  for (let index = 0; index < calls.length; index += 1) {
    const call = calls[index];
    const target = isRecord(call) ? (call['function'] ?? call['custom']) : undefined;
    if (!isRecord(target) || typeof target['name'] !== 'string') {
      return invalid(`${at}.tool_calls[${index}]`, 'it must name a function');
    }
    addJson(tally, target);
  }
  return undefined;
}

function checkTools(body: JsonRecord, tally: Tally): Fault | undefined {
  return checkToolList(body['tools'], 'tools', tally) ?? checkToolList(body['functions'], 'functions', tally);
}

function checkToolList(tools: Json | undefined, field: string, tally: Tally): Fault | undefined {
  if (tools === undefined || tools === null) return undefined;
  if (!isArray(tools)) return invalid(field, `it must be an array, not ${kindOf(tools)}`);
  if (tools.length > TOOLS_MAX) return invalid(field, `it has more than ${TOOLS_MAX} entries`);
  if (tools.length > 0) tally.needs.add('tools');
  for (let index = 0; index < tools.length; index += 1) {
    const tool = tools[index];
    const at = `${field}[${index}]`;
    if (!isRecord(tool)) return invalid(at, `it must be an object, not ${kindOf(tool)}`);
    const before = tally.textLength;
    addJson(tally, tool);
    if (tally.textLength - before > SCHEMA_MAX) return invalid(at, `it is larger than ${SCHEMA_MAX} characters`);
    const wrong = field === 'tools' ? checkTool(tool, at) : checkFunction(tool, at);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Tools of other types are run by the provider itself and are its own business. */
function checkTool(tool: JsonRecord, at: string): Fault | undefined {
  if (tool['type'] !== undefined && tool['type'] !== 'function') {
    return typeof tool['type'] === 'string' ? undefined : invalid(`${at}.type`, 'it must be a string');
  }
  const declared = tool['function'];
  return isRecord(declared)
    ? checkFunction(declared, `${at}.function`)
    : missing(`${at}.function`, 'a tool of type function declares one');
}

function checkFormat(body: JsonRecord, tally: Tally): Fault | undefined {
  const format = body['response_format'];
  if (format === undefined || format === null) return undefined;
  if (!isRecord(format)) return invalid('response_format', `it must be an object, not ${kindOf(format)}`);
  if (typeof format['type'] !== 'string') return invalid('response_format', 'its `type` is missing');
  const before = tally.textLength;
  addJson(tally, format);
  if (tally.textLength - before > SCHEMA_MAX) {
    return invalid('response_format', `it is larger than ${SCHEMA_MAX} characters`);
  }
  if (format['type'] === 'json_schema') tally.needs.add('json-schema');
  return checkDescribed(format);
}

function checkDescribed(format: JsonRecord): Fault | undefined {
  const described = asRecord(format['json_schema']);
  if (described === undefined) {
    const isAsked = format['type'] === 'json_schema';
    return isAsked ? missing('response_format.json_schema', 'the type json_schema goes with one') : undefined;
  }
  const schema = described['schema'] ?? undefined;
  if (schema === undefined || isRecord(schema)) return undefined;
  return invalid('response_format.json_schema.schema', 'it must be a JSON Schema object');
}

/** Abilities that fields outside the messages ask for. */
function addWishes(body: JsonRecord, tally: Tally): void {
  const modalities = body['modalities'];
  if (isArray(modalities)) {
    if (modalities.includes('audio')) tally.needs.add('audio-out');
    if (modalities.includes('image')) tally.needs.add('image-out');
  }
  if (asksReasoning(body)) tally.needs.add('reasoning');
}

function asksReasoning(body: JsonRecord): boolean {
  const effort = body['reasoning_effort'];
  if (typeof effort === 'string') return effort !== 'none';
  const reasoning = body['reasoning'];
  if (isRecord(reasoning)) {
    if (typeof reasoning['effort'] === 'string') return reasoning['effort'] !== 'none';
    return reasoning['enabled'] === true || typeof reasoning['max_tokens'] === 'number';
  }
  return isRecord(body['thinking']) && body['thinking']['type'] === 'enabled';
}
