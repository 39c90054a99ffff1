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
  checkBooleans,
  checkFunction,
  checkMessages,
  checkModel,
  checkObject,
  checkRanges,
  checkToolList,
  invalid,
  isAbsent,
  measureText,
  missing,
  newSight,
  seen,
  TOKENS_MAX,
  TOOLS_MAX,
  type Problem,
  type Range,
  type Sight,
} from '../checks.ts';
import {
  checkAddress,
  checkMetadata,
  checkModels,
  checkParts,
  checkSize,
  checkStream,
  checkUser,
  measureJson,
} from '../openai-checks.ts';
import { PART_KINDS, urlOf } from './media.ts';

/** OpenAI takes 4, DeepSeek 16; each is compared with every token. */
const STOP_MAX = 64;
/** OpenAI's own bound of `n`. */
const CHOICES_MAX = 128;

const RANGES: Readonly<Record<string, Range>> = {
  temperature: { min: 0, max: 2 },
  top_p: { min: 0, max: 1 },
  min_p: { min: 0, max: 1 },
  frequency_penalty: { min: -2, max: 2 },
  presence_penalty: { min: -2, max: 2 },
  n: { min: 1, max: CHOICES_MAX, isWhole: true },
  max_tokens: { min: 1, max: TOKENS_MAX, isWhole: true },
  max_completion_tokens: { min: 1, max: TOKENS_MAX, isWhole: true },
  top_logprobs: { min: 0, max: 20, isWhole: true },
  seed: { min: -(2 ** 63), max: 2 ** 63, isWhole: true },
};
const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/** Reads and checks a parsed body. `path.model` stands in where the body names no model (Azure deployments). */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const model = body['model'] ?? path.model;
  const wrong = checkModel(model) ?? checkRanges(body, RANGES) ?? checkPlainFields(body) ?? checkStream(body);
  if (wrong !== undefined) return err(wrong);
  const sight = newSight();
  const unfit =
    checkMessages(body['messages'], (message, at) => checkMessage(message, at, sight)) ??
    checkTools(body, sight) ??
    checkFormat(body, sight);
  if (unfit !== undefined) return err(unfit);
  addWishes(body, sight);
  return ok(inspectionOf(body, asString(model) ?? '', sight));
}

function inspectionOf(body: JsonRecord, model: string, sight: Sight): Inspection {
  const limit = body['max_completion_tokens'] ?? body['max_tokens'];
  return {
    model,
    isStreaming: body['stream'] === true,
    wantsStreamUsage: asRecord(body['stream_options'])?.['include_usage'] === true,
    ...(typeof limit === 'number' ? { maxOutputTokens: limit } : {}),
    choices: asNumber(body['n']) ?? 1,
    messageCount: asArray(body['messages'])?.length ?? 0,
    ...seen(sight),
  };
}

function checkPlainFields(body: JsonRecord): Fault | undefined {
  return (
    checkStop(body['stop']) ??
    checkLogprobs(body['logprobs']) ??
    checkBooleans(body, 'parallel_tool_calls') ??
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

function checkMessage(message: JsonRecord, at: string, sight: Sight): Fault | undefined {
  const role = message['role'];
  if (!ROLES.has(role)) return invalid(`${at}.role`, 'it must be system, developer, user, assistant or tool');
  if (role === 'tool' || role === 'function') {
    sight.needs.add('tools');
    const id = message['tool_call_id'];
    if (!isAbsent(id) && typeof id !== 'string') return invalid(`${at}.tool_call_id`, 'it must be a string');
  }
  if (role !== 'assistant') return checkContent(message, at, sight);
  const wrong = checkCalls(message, at, sight);
  if (wrong !== undefined) return wrong;
  for (const text of [message['reasoning_content'] ?? message['reasoning'], message['refusal']])
    if (typeof text === 'string') measureText(text, sight);
  return checkContent(message, at, sight);
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

function checkContent(message: JsonRecord, at: string, sight: Sight): Fault | undefined {
  const content = message['content'];
  const param = `${at}.content`;
  if (isPresent(content)) return checkParts(content, { param, sight }, partFlaw);
  return mayBeEmpty(message) ? undefined : missingContent(content, param);
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

function isPresent(value: Json | undefined): value is Json {
  return !isAbsent(value) && !(isArray(value) && value.length === 0);
}

/** Counts one content part; gives the reason why it cannot be one. */
function partFlaw(part: JsonRecord, sight: Sight): string | undefined {
  const type = part['type'];
  if (typeof type !== 'string') return 'its `type` is missing';
  const kind = PART_KINDS[type];
  if (kind === undefined) return `the type ${JSON.stringify(type.slice(0, 40))} is not known`;
  if (kind === 'text') {
    if (typeof part['text'] !== 'string') return '`text` must be a string';
    measureText(part['text'], sight);
    return undefined;
  }
  if (kind === 'other') {
    measureJson(part, sight);
    return undefined;
  }
  sight.needs.add(kind);
  if (kind === 'image') sight.imageCount += 1;
  return mediaFlaw(part, type);
}

function mediaFlaw(part: JsonRecord, type: string): string | undefined {
  const url = urlOf(part, type);
  if (url === undefined) return isFileById(part, type) ? undefined : `\`${type}\` holds no data`;
  return checkAddress(url, type);
}

/** OpenAI's files may be named by their id, inside the object; Mistral's beside it. */
function isFileById(part: JsonRecord, type: string): boolean {
  return type === 'file' && (isRecord(part['file']) || typeof part['file_id'] === 'string');
}

function checkCalls(message: JsonRecord, at: string, sight: Sight): Fault | undefined {
  if (isRecord(message['function_call'])) {
    sight.needs.add('tools');
    measureJson(message['function_call'], sight);
  }
  return checkToolList(message['tool_calls'], { param: `${at}.tool_calls`, sight }, (call, place) => {
    const target = call['function'] ?? call['custom'];
    if (!isRecord(target) || typeof target['name'] !== 'string') return invalid(place, 'it must name a function');
    measureJson(target, sight);
    return undefined;
  });
}

function checkTools(body: JsonRecord, sight: Sight): Fault | undefined {
  return (
    checkDeclared(body, 'tools', { check: checkTool, sight }) ??
    checkDeclared(body, 'functions', { check: checkFunction, sight })
  );
}

function checkDeclared(
  body: JsonRecord,
  param: 'tools' | 'functions',
  { check, sight }: { readonly check: (tool: JsonRecord, at: string) => Problem; readonly sight: Sight },
): Fault | undefined {
  return checkToolList(
    body[param],
    { param, sight, max: TOOLS_MAX },
    (tool, at) => checkSize(tool, at, sight) ?? check(tool, at),
  );
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

function checkFormat(body: JsonRecord, sight: Sight): Fault | undefined {
  return checkObject(body['response_format'], 'response_format', (format) => {
    if (typeof format['type'] !== 'string') return invalid('response_format', 'its `type` is missing');
    if (format['type'] === 'json_schema') sight.needs.add('json-schema');
    return checkSize(format, 'response_format', sight) ?? checkDescribed(format);
  });
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
function addWishes(body: JsonRecord, sight: Sight): void {
  const modalities = body['modalities'];
  if (isArray(modalities)) {
    if (modalities.includes('audio')) sight.needs.add('audio-out');
    if (modalities.includes('image')) sight.needs.add('image-out');
  }
  if (asksReasoning(body)) sight.needs.add('reasoning');
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
