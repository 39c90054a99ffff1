/**
 * Reads and checks a body of `/v1/messages` in one pass, without translating it. Strict where a mistake of the caller is
 * plain (the fault names the field), lenient where the provider may know more than we do: unknown fields pass.
 */
import { fault, type Fault } from '../../chat/fault.ts';
import { asString, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Ability, Inspection, PathFacts } from '../dialect.ts';
import { nonAsciiUnits, type TextSize } from '../text-size.ts';

/** Longest model name; it goes into headers, logs and metrics. */
const MODEL_MAX = 256;
/** The API's own limit on messages in one request (documented at MessageCreateParams). */
const MESSAGES_MAX = 100_000;
/** Far above any real agent; the API's own limit is lower and its own business. */
const TOOLS_MAX = 4096;
const NAME_MAX = 256;
/** A model stops at the first that fits; a hundred of them are a mistake (faults.md B20). */
const STOPS_MAX = 64;
/** No model gives near as many tokens. */
const MAX_TOKENS_MAX = 100_000_000;
/** The API takes 0 to 1, others who speak this wire 0 to 2. */
const TEMPERATURE_MAX = 2;
const TOP_K_MAX = 1_000_000;
/** Claude Code's `user_id` is a JSON text of some 250 characters; a megabyte is an attack (faults.md B29). */
const METADATA_MAX = 4096;
const METADATA_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** The API's limit on a whole request is 32 MB; one file cannot be longer. */
const MEDIA_MAX = 33_554_432;
/** Providers refuse schemas long before this; it bounds what they are sent. */
const SCHEMA_MAX = 524_288;
/** How much of each end of a base64 text is looked at: enough to tell it from a path or a sentence. */
const BASE64_PEEK = 256;
const BASE64 = /^[A-Za-z0-9+/_\-=\s]*$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROLS = /[\u0000-\u001f\u007f]/;
/** Deepest nesting that is measured; the body was already checked for its depth. */
const MEASURE_DEPTH_MAX = 64;

const ROLES: ReadonlySet<string> = new Set(['user', 'assistant', 'system']);
const BLOCKS: ReadonlySet<string> = new Set([
  'text',
  'image',
  'document',
  'search_result',
  'thinking',
  'redacted_thinking',
  'container_upload',
  'compaction',
  'fallback',
  'tool_addition',
  'tool_removal',
  'mcp_tool_listing',
  'mid_conv_system',
]);
/** New server tools bring new blocks, named in this manner; the provider knows them before we do. */
const BLOCK_FAMILIES = /_(?:use|result|reference|state)$/;
const TOOL_CHOICES: ReadonlySet<string> = new Set(['auto', 'any', 'tool', 'none']);

/** What one pass has seen so far. Mutable by design: it lives inside one `inspect` and is never shared. */
interface Sight extends TextSize {
  textLength: number;
  nonAsciiLength: number;
  imageCount: number;
  hasCacheMark: boolean;
  readonly needs: Set<Ability>;
}

/** A problem with a field, or nothing. */
type Problem = Fault | undefined;

/** Checks a body and says what the router must know. Without a limit on output tokens where only a count is asked for. */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const sight: Sight = { textLength: 0, nonAsciiLength: 0, imageCount: 0, hasCacheMark: false, needs: new Set() };
  const model = body['model'];
  const messages = body['messages'];
  const problem =
    checkModel(model) ??
    checkMessages(messages, sight) ??
    checkSystem(body['system'], sight) ??
    checkTools(body, sight) ??
    checkOptions(body, sight) ??
    checkMaxTokens(body, path, sight);
  if (problem !== undefined) return err(problem);
  const maxTokens = body['max_tokens'];
  return ok({
    model: typeof model === 'string' ? model : '',
    isStreaming: body['stream'] === true,
    wantsStreamUsage: true,
    ...(typeof maxTokens === 'number' ? { maxOutputTokens: maxTokens } : {}),
    choices: 1,
    needs: [...sight.needs],
    textLength: sight.textLength,
    nonAsciiLength: sight.nonAsciiLength,
    imageCount: sight.imageCount,
    messageCount: isArray(messages) ? messages.length : 0,
  });
}

function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}

function missing(param: string, reason: string): Fault {
  return fault('field-missing', { reason }, { param });
}

/** What a value is, for a text that a person reads. */
function found(value: Json | undefined): string {
  if (value === null) return 'null';
  if (isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function checkModel(model: Json | undefined): Problem {
  if (model === undefined || model === null) return missing('model', 'name the model that shall answer');
  if (typeof model !== 'string') return invalid('model', `it must be a string, not ${found(model)}`);
  if (model.trim() === '') return invalid('model', 'it is empty');
  if (model.length > MODEL_MAX) return invalid('model', `it is longer than ${MODEL_MAX} characters`);
  return CONTROLS.test(model) ? invalid('model', 'it holds control characters') : undefined;
}

function checkMaxTokens(body: JsonRecord, path: PathFacts, sight: Sight): Problem {
  const value = body['max_tokens'];
  if (value === undefined || value === null) {
    if (path.operation === 'count-tokens') return undefined;
    return missing('max_tokens', 'say how many tokens the reply may have');
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    return invalid('max_tokens', 'it must be a whole number');
  // Zero fills the prompt cache without an answer (documented), which makes sense only where something is marked to be cached.
  if (value < 0 || (value === 0 && !sight.hasCacheMark)) return invalid('max_tokens', 'it must be at least 1');
  return value > MAX_TOKENS_MAX ? invalid('max_tokens', `it must be at most ${MAX_TOKENS_MAX}`) : undefined;
}

function measureText(text: string, sight: Sight): void {
  sight.textLength += text.length;
  sight.nonAsciiLength += nonAsciiUnits(text);
}

/** Adds the length of a value as JSON would have it, nearly: texts, names, and a little for the marks between. */
function measure(value: Json | undefined, sight: Sight, depth = 0): void {
  if (typeof value === 'string') measureText(value, sight);
  else if (isArray(value)) {
    if (depth < MEASURE_DEPTH_MAX) for (const item of value) measure(item, sight, depth + 1);
  } else if (isRecord(value)) {
    if (depth >= MEASURE_DEPTH_MAX) return;
    for (const [name, item] of Object.entries(value)) {
      sight.textLength += name.length + 4;
      measure(item, sight, depth + 1);
    }
  } else sight.textLength += 4;
}

function checkMessages(messages: Json | undefined, sight: Sight): Problem {
  if (messages === undefined || messages === null) return missing('messages', 'send the conversation');
  if (!isArray(messages)) return invalid('messages', `it must be a list of messages, not ${found(messages)}`);
  if (messages.length === 0) return invalid('messages', 'it is empty');
  if (messages.length > MESSAGES_MAX) return invalid('messages', `it has more than ${MESSAGES_MAX} messages`);
  const last = messages.length - 1;
  for (let index = 0; index <= last; index += 1) {
    const problem = checkMessage(messages[index], { at: `messages[${index}]`, isLast: index === last }, sight);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkMessage(message: Json | undefined, place: { at: string; isLast: boolean }, sight: Sight): Problem {
  const { at } = place;
  if (!isRecord(message)) return invalid(at, `it must be a message, not ${found(message)}`);
  const role = message['role'];
  if (typeof role !== 'string' || !ROLES.has(role))
    return invalid(`${at}.role`, 'it must be user, assistant or system');
  const content = message['content'];
  if (isArray(content) && content.length === 0 && !(place.isLast && role === 'assistant'))
    return invalid(`${at}.content`, 'it is empty');
  return checkContent(content, `${at}.content`, sight);
}

/** How each kind of block is checked; of the others only that they exist. */
const CHECKS: ReadonlyMap<string, (block: JsonRecord, at: string, sight: Sight) => Problem> = new Map([
  ['text', checkText],
  ['image', checkMedia],
  ['document', checkMedia],
  ['tool_use', checkToolUse],
  ['tool_result', checkToolResult],
  ['thinking', checkThinking],
]);

function checkBlock(block: Json, at: string, sight: Sight): Problem {
  if (!isRecord(block)) return invalid(at, `it must be a block, not ${found(block)}`);
  if (isRecord(block['cache_control'])) sight.hasCacheMark = true;
  const { type } = block;
  if (typeof type !== 'string') return invalid(`${at}.type`, 'it must say what kind of block this is');
  const check = CHECKS.get(type);
  if (check !== undefined) return check(block, at, sight);
  if (!BLOCKS.has(type) && !BLOCK_FAMILIES.test(type)) {
    return invalid(`${at}.type`, `the Messages API has no block ${JSON.stringify(type.slice(0, NAME_MAX))}`);
  }
  measure(block, sight);
  return undefined;
}

function checkText(block: JsonRecord, at: string, sight: Sight): Problem {
  const { text } = block;
  if (typeof text !== 'string') return invalid(`${at}.text`, `it must be a string, not ${found(text)}`);
  measureText(text, sight);
  return undefined;
}

/** A text, or a list of blocks. */
function checkContent(content: Json | undefined, at: string, sight: Sight): Problem {
  if (typeof content === 'string') {
    measureText(content, sight);
    return undefined;
  }
  if (!isArray(content)) return invalid(at, `it must be a text or a list of blocks, not ${found(content)}`);
  for (const [index, inner] of content.entries()) {
    const problem = checkBlock(inner, `${at}[${index}]`, sight);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkThinking(block: JsonRecord, at: string, sight: Sight): Problem {
  const { thinking, signature } = block;
  if (typeof thinking !== 'string') return invalid(`${at}.thinking`, `it must be a string, not ${found(thinking)}`);
  if (signature !== undefined && signature !== null && typeof signature !== 'string') {
    return invalid(`${at}.signature`, `it must be a string, not ${found(signature)}`);
  }
  measureText(thinking, sight);
  return undefined;
}

function checkToolUse(block: JsonRecord, at: string, sight: Sight): Problem {
  const { id, name, input } = block;
  if (typeof id !== 'string') return invalid(`${at}.id`, `it must be a string, not ${found(id)}`);
  if (typeof name !== 'string' || name === '') return invalid(`${at}.name`, 'it must name the tool');
  if (!isRecord(input)) return invalid(`${at}.input`, `it must be an object, not ${found(input)}`);
  sight.textLength += name.length;
  measure(input, sight);
  return undefined;
}

function checkToolResult(block: JsonRecord, at: string, sight: Sight): Problem {
  const { tool_use_id: id, content } = block;
  if (typeof id !== 'string') return invalid(`${at}.tool_use_id`, `it must be a string, not ${found(id)}`);
  return content === undefined || content === null ? undefined : checkContent(content, `${at}.content`, sight);
}

function checkMedia(block: JsonRecord, at: string, sight: Sight): Problem {
  const kind = block['type'] === 'image' ? 'image' : 'document';
  sight.needs.add(kind);
  if (kind === 'image') sight.imageCount += 1;
  const source = block['source'];
  if (!isRecord(source)) return invalid(`${at}.source`, `it must be an object, not ${found(source)}`);
  if (source['type'] === 'base64') return checkBase64(source, `${at}.source`, kind);
  return checkSource(source, `${at}.source`, sight);
}

function checkSource(source: JsonRecord, at: string, sight: Sight): Problem {
  switch (asString(source['type'])) {
    case undefined:
      return invalid(`${at}.type`, 'it must say where the file is');
    case 'url':
      return checkUrl(source['url'], `${at}.url`);
    case 'text':
      if (typeof source['data'] !== 'string') return invalid(`${at}.data`, 'it must be the text');
      measureText(source['data'], sight);
      return undefined;
    case 'file':
      return typeof source['file_id'] === 'string' ? undefined : invalid(`${at}.file_id`, 'it must be a string');
    case 'content':
      return checkContent(source['content'], `${at}.content`, sight);
    default:
      return undefined;
  }
}

function checkBase64(source: JsonRecord, at: string, kind: string): Problem {
  const { data, media_type: mediaType } = source;
  if (typeof mediaType !== 'string' || !/^[\w.+-]+\/[\w.+-]+/.test(mediaType)) {
    return invalid(`${at}.media_type`, 'it must be a media type such as image/png');
  }
  if (kind === 'image' && !mediaType.startsWith('image/'))
    return invalid(`${at}.media_type`, 'it must be that of an image');
  if (typeof data !== 'string' || data === '') return invalid(`${at}.data`, 'it must be the file in base64');
  if (data.length > MEDIA_MAX) return invalid(`${at}.data`, `it is longer than ${MEDIA_MAX} characters`);
  const peek = data.length <= 2 * BASE64_PEEK ? data : data.slice(0, BASE64_PEEK) + data.slice(-BASE64_PEEK);
  return BASE64.test(peek) ? undefined : invalid(`${at}.data`, 'it is not base64');
}

/** Addresses are handed on, never fetched here; what no provider could fetch is refused at once (faults.md B23). */
function checkUrl(url: Json | undefined, at: string): Problem {
  if (typeof url !== 'string') return invalid(at, `it must be a string, not ${found(url)}`);
  return /^https?:\/\//i.test(url) ? undefined : invalid(at, 'it must be an http or https address');
}

function checkSystem(system: Json | undefined, sight: Sight): Problem {
  if (system === undefined || system === null) return undefined;
  if (typeof system === 'string') {
    measureText(system, sight);
    return undefined;
  }
  if (!isArray(system)) return invalid('system', `it must be a text or a list of text blocks, not ${found(system)}`);
  for (const [index, block] of system.entries()) {
    if (!isRecord(block) || block['type'] !== 'text') return invalid(`system[${index}]`, 'it must be a text block');
    const problem = checkBlock(block, `system[${index}]`, sight);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkTools(body: JsonRecord, sight: Sight): Problem {
  const { tools } = body;
  if (tools !== undefined && tools !== null) {
    if (!isArray(tools)) return invalid('tools', `it must be a list, not ${found(tools)}`);
    if (tools.length > TOOLS_MAX) return invalid('tools', `it has more than ${TOOLS_MAX} tools`);
    if (tools.length > 0) sight.needs.add('tools');
    for (const [index, tool] of tools.entries()) {
      const problem = checkTool(tool, `tools[${index}]`, sight);
      if (problem !== undefined) return problem;
    }
  }
  return checkToolChoice(body['tool_choice']);
}

function checkTool(tool: Json, at: string, sight: Sight): Problem {
  if (!isRecord(tool)) return invalid(at, `it must be an object, not ${found(tool)}`);
  const { name, type } = tool;
  const isTyped = typeof type === 'string' && type !== 'custom';
  if (!isTyped && (typeof name !== 'string' || name === '')) return invalid(`${at}.name`, 'it must name the tool');
  if (typeof name === 'string' && name.length > NAME_MAX)
    return invalid(`${at}.name`, `it is longer than ${NAME_MAX} characters`);
  if (isRecord(tool['cache_control'])) sight.hasCacheMark = true;
  measure(tool, sight);
  return isTyped ? undefined : checkArguments(tool['input_schema'], `${at}.input_schema`);
}

function checkArguments(schema: Json | undefined, param: string): Problem {
  if (schema === undefined || schema === null) return missing(param, 'say what arguments the tool takes');
  return isRecord(schema) ? undefined : invalid(param, `it must be a JSON Schema, not ${found(schema)}`);
}

function checkToolChoice(choice: Json | undefined): Problem {
  if (choice === undefined || choice === null) return undefined;
  if (!isRecord(choice)) return invalid('tool_choice', `it must be an object, not ${found(choice)}`);
  const { type, name } = choice;
  if (typeof type !== 'string' || !TOOL_CHOICES.has(type))
    return invalid('tool_choice.type', 'it must be auto, any, tool or none');
  if (type === 'tool' && typeof name !== 'string') return invalid('tool_choice.name', 'it must name the tool');
  return undefined;
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
}

const RANGES: Readonly<Record<string, Range>> = {
  temperature: { min: 0, max: TEMPERATURE_MAX },
  top_p: { min: 0, max: 1 },
  top_k: { min: 0, max: TOP_K_MAX, isWhole: true },
};

function checkOptions(body: JsonRecord, sight: Sight): Problem {
  for (const [name, range] of Object.entries(RANGES)) {
    const problem = checkNumber(body[name], name, range);
    if (problem !== undefined) return problem;
  }
  const { stream } = body;
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    return invalid('stream', 'it must be true or false');
  if (isRecord(body['cache_control'])) sight.hasCacheMark = true;
  return (
    checkStops(body['stop_sequences']) ??
    checkMetadata(body['metadata']) ??
    checkThinkingMode(body, sight) ??
    checkFormat(body, sight)
  );
}

function checkNumber(value: Json | undefined, param: string, range: Range): Problem {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return invalid(param, `it must be a number, not ${found(value)}`);
  if (range.isWhole === true && !Number.isSafeInteger(value)) return invalid(param, 'it must be a whole number');
  return value < range.min || value > range.max
    ? invalid(param, `it must be from ${range.min} to ${range.max}`)
    : undefined;
}

function checkStops(stops: Json | undefined): Problem {
  if (stops === undefined || stops === null) return undefined;
  if (!isArray(stops)) return invalid('stop_sequences', `it must be a list of texts, not ${found(stops)}`);
  if (stops.length > STOPS_MAX) return invalid('stop_sequences', `it has more than ${STOPS_MAX} entries`);
  const index = stops.findIndex((stop) => typeof stop !== 'string');
  return index === -1 ? undefined : invalid(`stop_sequences[${index}]`, 'it must be a text');
}

function checkMetadata(metadata: Json | undefined): Problem {
  if (metadata === undefined || metadata === null) return undefined;
  if (!isRecord(metadata)) return invalid('metadata', `it must be an object, not ${found(metadata)}`);
  let length = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!METADATA_NAME.test(name)) return invalid('metadata', 'its names are letters, digits, - and _, at most 64');
    if (typeof value === 'object' && value !== null) return invalid(`metadata.${name}`, 'it must not be nested');
    length += name.length + (typeof value === 'string' ? value.length : 8);
    if (length > METADATA_MAX) return invalid('metadata', `it is longer than ${METADATA_MAX} characters`);
  }
  return undefined;
}

function checkThinkingMode(body: JsonRecord, sight: Sight): Problem {
  const { thinking } = body;
  if (thinking === undefined || thinking === null) return undefined;
  if (!isRecord(thinking)) return invalid('thinking', `it must be an object, not ${found(thinking)}`);
  if (typeof thinking['type'] !== 'string') return invalid('thinking.type', 'it must be enabled, adaptive or disabled');
  if (thinking['type'] !== 'enabled') return undefined;
  // Adaptive leaves it to the model, so any model can take it; a budget asks for reasoning.
  sight.needs.add('reasoning');
  const budget = thinking['budget_tokens'];
  if (budget === undefined || budget === null)
    return missing('thinking.budget_tokens', 'say how many tokens to think with');
  return checkNumber(budget, 'thinking.budget_tokens', { min: 0, max: MAX_TOKENS_MAX, isWhole: true });
}

function checkFormat(body: JsonRecord, sight: Sight): Problem {
  const config = body['output_config'];
  if (isRecord(config)) {
    const problem = checkFormatAt(config['format'], 'output_config.format', sight);
    if (problem !== undefined) return problem;
  } else if (config !== undefined && config !== null)
    return invalid('output_config', `it must be an object, not ${found(config)}`);
  return checkFormatAt(body['output_format'], 'output_format', sight);
}

function checkFormatAt(format: Json | undefined, param: string, sight: Sight): Problem {
  if (format === undefined || format === null) return undefined;
  if (!isRecord(format)) return invalid(param, `it must be an object, not ${found(format)}`);
  if (format['type'] !== 'json_schema') return undefined;
  if (!isRecord(format['schema'])) return invalid(`${param}.schema`, 'it must be a JSON Schema');
  sight.needs.add('json-schema');
  const before = sight.textLength;
  measure(format['schema'], sight);
  const isLong = sight.textLength - before > SCHEMA_MAX;
  return isLong ? invalid(`${param}.schema`, `it is longer than ${SCHEMA_MAX} characters`) : undefined;
}
