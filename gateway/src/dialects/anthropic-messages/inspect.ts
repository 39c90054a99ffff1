/**
 * Reads and checks a body of `/v1/messages` in one pass, without translating it. Strict where a mistake of the caller is
 * plain (the fault names the field), lenient where the provider may know more than we do: unknown fields pass.
 */
import type { Fault } from '../../chat/fault.ts';
import { asString, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import {
  checkBooleans,
  checkItems,
  checkMessages,
  checkModel,
  checkNumber,
  checkObject,
  checkRanges,
  checkSchema,
  checkStops,
  checkToolList,
  found,
  invalid,
  isAbsent,
  isBase64,
  measure,
  measureText,
  missing,
  newSight,
  seen,
  type Problem,
  type Range,
  type Sight,
} from '../checks.ts';
import type { Inspection, PathFacts } from '../dialect.ts';

/** Far above any real agent; the API's own limit is lower and its own business. */
const TOOLS_MAX = 4096;
const NAME_MAX = 256;
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

/** What one pass has seen so far, and whether something is marked to be cached. */
interface MarkedSight extends Sight {
  hasCacheMark: boolean;
}

/** Checks a body and says what the router must know. Without a limit on output tokens where only a count is asked for. */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const sight: MarkedSight = { ...newSight(), hasCacheMark: false };
  const model = body['model'];
  const messages = body['messages'];
  const problem =
    checkModel(model) ??
    checkMessages(messages, messageCheck(sight)) ??
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
    messageCount: isArray(messages) ? messages.length : 0,
    ...seen(sight),
  });
}

function checkMaxTokens(body: JsonRecord, path: PathFacts, sight: MarkedSight): Problem {
  const value = body['max_tokens'];
  if (isAbsent(value)) {
    if (path.operation === 'count-tokens') return undefined;
    return missing('max_tokens', 'say how many tokens the reply may have');
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    return invalid('max_tokens', 'it must be a whole number');
  // Zero fills the prompt cache without an answer (documented), which makes sense only where something is marked to be cached.
  if (value < 0 || (value === 0 && !sight.hasCacheMark)) return invalid('max_tokens', 'it must be at least 1');
  return value > MAX_TOKENS_MAX ? invalid('max_tokens', `it must be at most ${MAX_TOKENS_MAX}`) : undefined;
}

function messageCheck(sight: MarkedSight): (message: JsonRecord, at: string, isLast: boolean) => Problem {
  return ({ role, content }, at, isLast) => {
    if (typeof role !== 'string' || !ROLES.has(role))
      return invalid(`${at}.role`, 'it must be user, assistant or system');
    if (isArray(content) && content.length === 0 && !(isLast && role === 'assistant'))
      return invalid(`${at}.content`, 'it is empty');
    return checkContent(content, `${at}.content`, sight);
  };
}

/** How each kind of block is checked; of the others only that they exist. */
const CHECKS: ReadonlyMap<string, (block: JsonRecord, at: string, sight: MarkedSight) => Problem> = new Map([
  ['text', checkText],
  ['image', checkMedia],
  ['document', checkMedia],
  ['tool_use', checkToolUse],
  ['tool_result', checkToolResult],
  ['thinking', checkThinking],
]);

function checkBlock(block: JsonRecord, at: string, sight: MarkedSight): Problem {
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

function checkText(block: JsonRecord, at: string, sight: MarkedSight): Problem {
  const { text } = block;
  if (typeof text !== 'string') return invalid(`${at}.text`, `it must be a string, not ${found(text)}`);
  measureText(text, sight);
  return undefined;
}

/** A text, or a list of blocks. */
function checkContent(content: Json | undefined, at: string, sight: MarkedSight): Problem {
  if (typeof content === 'string') {
    measureText(content, sight);
    return undefined;
  }
  if (!isArray(content)) return invalid(at, `it must be a text or a list of blocks, not ${found(content)}`);
  return checkItems(content, at, (block, place) => checkBlock(block, place, sight));
}

function checkThinking(block: JsonRecord, at: string, sight: MarkedSight): Problem {
  const { thinking, signature } = block;
  if (typeof thinking !== 'string') return invalid(`${at}.thinking`, `it must be a string, not ${found(thinking)}`);
  if (!isAbsent(signature) && typeof signature !== 'string') {
    return invalid(`${at}.signature`, `it must be a string, not ${found(signature)}`);
  }
  measureText(thinking, sight);
  return undefined;
}

function checkToolUse(block: JsonRecord, at: string, sight: MarkedSight): Problem {
  const { id, name, input } = block;
  if (typeof id !== 'string') return invalid(`${at}.id`, `it must be a string, not ${found(id)}`);
  if (typeof name !== 'string' || name === '') return invalid(`${at}.name`, 'it must name the tool');
  if (!isRecord(input)) return invalid(`${at}.input`, `it must be an object, not ${found(input)}`);
  sight.textLength += name.length;
  measure(input, sight);
  return undefined;
}

function checkToolResult(block: JsonRecord, at: string, sight: MarkedSight): Problem {
  const { tool_use_id: id, content } = block;
  if (typeof id !== 'string') return invalid(`${at}.tool_use_id`, `it must be a string, not ${found(id)}`);
  return isAbsent(content) ? undefined : checkContent(content, `${at}.content`, sight);
}

function checkMedia(block: JsonRecord, at: string, sight: MarkedSight): Problem {
  const kind = block['type'] === 'image' ? 'image' : 'document';
  sight.needs.add(kind);
  if (kind === 'image') sight.imageCount += 1;
  const source = block['source'];
  if (!isRecord(source)) return invalid(`${at}.source`, `it must be an object, not ${found(source)}`);
  if (source['type'] === 'base64') return checkBase64(source, `${at}.source`, kind);
  return checkSource(source, `${at}.source`, sight);
}

function checkSource(source: JsonRecord, at: string, sight: MarkedSight): Problem {
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
  return isBase64(data) ? undefined : invalid(`${at}.data`, 'it is not base64');
}

/** Addresses are handed on, never fetched here; what no provider could fetch is refused at once (faults.md B23). */
function checkUrl(url: Json | undefined, at: string): Problem {
  if (typeof url !== 'string') return invalid(at, `it must be a string, not ${found(url)}`);
  return /^https?:\/\//i.test(url) ? undefined : invalid(at, 'it must be an http or https address');
}

function checkSystem(system: Json | undefined, sight: MarkedSight): Problem {
  if (isAbsent(system)) return undefined;
  if (!isArray(system)) return checkContent(system, 'system', sight);
  return checkItems(system, 'system', (block, at) =>
    block['type'] === 'text' ? checkBlock(block, at, sight) : invalid(at, 'it must be a text block'),
  );
}

function checkTools(body: JsonRecord, sight: MarkedSight): Problem {
  const place = { param: 'tools', sight, max: TOOLS_MAX };
  return (
    checkToolList(body['tools'], place, (tool, at) => checkTool(tool, at, sight)) ??
    checkObject(body['tool_choice'], 'tool_choice', checkToolChoice)
  );
}

function checkTool(tool: JsonRecord, at: string, sight: MarkedSight): Problem {
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
  if (isAbsent(schema)) return missing(param, 'say what arguments the tool takes');
  return isRecord(schema) ? undefined : invalid(param, `it must be a JSON Schema, not ${found(schema)}`);
}

function checkToolChoice({ type, name }: JsonRecord): Problem {
  if (typeof type !== 'string' || !TOOL_CHOICES.has(type))
    return invalid('tool_choice.type', 'it must be auto, any, tool or none');
  if (type === 'tool' && typeof name !== 'string') return invalid('tool_choice.name', 'it must name the tool');
  return undefined;
}

const RANGES: Readonly<Record<string, Range>> = {
  temperature: { min: 0, max: TEMPERATURE_MAX },
  top_p: { min: 0, max: 1 },
  top_k: { min: 0, max: TOP_K_MAX, isWhole: true },
};

function checkOptions(body: JsonRecord, sight: MarkedSight): Problem {
  if (isRecord(body['cache_control'])) sight.hasCacheMark = true;
  return (
    checkRanges(body, RANGES) ??
    checkBooleans(body, 'stream') ??
    checkStopList(body['stop_sequences']) ??
    checkObject(body['metadata'], 'metadata', checkMetadata) ??
    checkObject(body['thinking'], 'thinking', (thinking) => checkThinkingMode(thinking, sight)) ??
    checkObject(body['output_config'], 'output_config', ({ format }) =>
      checkFormat(format, 'output_config.format', sight),
    ) ??
    checkFormat(body['output_format'], 'output_format', sight)
  );
}

/** One text is no list of them here. */
function checkStopList(stops: Json | undefined): Problem {
  if (typeof stops === 'string') return invalid('stop_sequences', 'it must be a list of texts, not a string');
  return checkStops(stops, 'stop_sequences');
}

function checkMetadata(metadata: JsonRecord): Problem {
  let length = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!METADATA_NAME.test(name)) return invalid('metadata', 'its names are letters, digits, - and _, at most 64');
    if (typeof value === 'object' && value !== null) return invalid(`metadata.${name}`, 'it must not be nested');
    length += name.length + (typeof value === 'string' ? value.length : 8);
    if (length > METADATA_MAX) return invalid('metadata', `it is longer than ${METADATA_MAX} characters`);
  }
  return undefined;
}

function checkThinkingMode(thinking: JsonRecord, sight: MarkedSight): Problem {
  if (typeof thinking['type'] !== 'string') return invalid('thinking.type', 'it must be enabled, adaptive or disabled');
  if (thinking['type'] !== 'enabled') return undefined;
  // Adaptive leaves it to the model, so any model can take it; a budget asks for reasoning.
  sight.needs.add('reasoning');
  const budget = thinking['budget_tokens'];
  if (isAbsent(budget)) return missing('thinking.budget_tokens', 'say how many tokens to think with');
  return checkNumber(budget, 'thinking.budget_tokens', { min: 0, max: MAX_TOKENS_MAX, isWhole: true });
}

function checkFormat(format: Json | undefined, param: string, sight: Sight): Problem {
  return checkObject(format, param, ({ type, schema }) => {
    if (type !== 'json_schema') return undefined;
    if (!isRecord(schema)) return invalid(`${param}.schema`, 'it must be a JSON Schema');
    sight.needs.add('json-schema');
    return checkSchema(schema, `${param}.schema`, sight);
  });
}
