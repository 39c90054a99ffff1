/** Reads and checks a body of Converse in one pass, without translating it. Strict where a mistake is plain, lenient where the service may know more than we do. */
import { fault, type Fault } from '../../chat/fault.ts';
import { asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Ability, Inspection, PathFacts } from '../dialect.ts';
import { nonAsciiUnits, type TextSize } from '../text-size.ts';

/** The service's limit on a model's id, which may be an ARN. */
const MODEL_MAX = 2048;
/** Far above any real conversation. */
const MESSAGES_MAX = 100_000;
/** The service's limit. */
const STOPS_MAX = 2500;
/** No model gives near as many tokens. */
const MAX_TOKENS_MAX = 100_000_000;
/** Deepest nesting that is measured; the body was already checked for its depth. */
const MEASURE_DEPTH_MAX = 64;

const ROLES: ReadonlySet<Json | undefined> = new Set(['user', 'assistant', 'system']);
/** Blocks that hold a file: its bytes are no text. */
const MEDIA: ReadonlyMap<string, Ability> = new Map([
  ['image', 'image'],
  ['document', 'document'],
  ['audio', 'audio'],
  ['video', 'video'],
]);

/** What one pass has seen so far. Mutable by design: it lives inside one `inspect` and is never shared. */
interface Sight extends TextSize {
  textLength: number;
  nonAsciiLength: number;
  imageCount: number;
  readonly needs: Set<Ability>;
}

/** A problem with a field, or nothing. */
type Problem = Fault | undefined;

export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const sight: Sight = { textLength: 0, nonAsciiLength: 0, imageCount: 0, needs: new Set() };
  const { model = '', isStreaming = false } = path;
  const { messages } = body;
  const problem =
    checkModel(model) ??
    checkMessages(messages, sight) ??
    checkBlocks(body['system'] ?? [], 'system', sight) ??
    checkTools(body['toolConfig'], sight) ??
    checkConfig(body['inferenceConfig']) ??
    checkOutput(body['outputConfig'], sight);
  if (problem !== undefined) return err(problem);
  return ok({
    model,
    isStreaming,
    wantsStreamUsage: true,
    ...limitOf(asRecord(body['inferenceConfig']) ?? {}),
    choices: 1,
    needs: [...sight.needs],
    textLength: sight.textLength,
    nonAsciiLength: sight.nonAsciiLength,
    imageCount: sight.imageCount,
    messageCount: isArray(messages) ? messages.length : 0,
  });
}

function limitOf(config: JsonRecord): Pick<Inspection, 'maxOutputTokens'> {
  const maxTokens = config['maxTokens'] ?? config['max_new_tokens'];
  return typeof maxTokens === 'number' ? { maxOutputTokens: maxTokens } : {};
}

function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}

function checkModel(model: string): Problem {
  if (model.trim() === '') return fault('field-missing', { reason: 'the path names no model' }, { param: 'model' });
  return model.length > MODEL_MAX || /\p{Cc}/u.test(model)
    ? invalid('model', `an id has at most ${MODEL_MAX} printable characters`)
    : undefined;
}

function checkMessages(messages: Json | undefined, sight: Sight): Problem {
  if (messages === undefined || messages === null)
    return fault('field-missing', { reason: 'send the conversation' }, { param: 'messages' });
  if (!isArray(messages)) return invalid('messages', 'it must be a list of messages');
  if (messages.length === 0) return invalid('messages', 'it is empty');
  if (messages.length > MESSAGES_MAX) return invalid('messages', `it has more than ${MESSAGES_MAX} messages`);
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!isRecord(message)) return invalid(at, 'it must be a message');
    if (!ROLES.has(message['role'])) return invalid(`${at}.role`, 'it must be user or assistant');
    const problem = checkBlocks(message['content'], `${at}.content`, sight);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkBlocks(blocks: Json | undefined, at: string, sight: Sight): Problem {
  if (!isArray(blocks)) return invalid(at, 'it must be a list of blocks');
  for (const [index, block] of blocks.entries()) {
    if (!isRecord(block)) return invalid(`${at}[${index}]`, 'it must be a block');
    const problem = checkBlock(block, `${at}[${index}]`, sight);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkBlock(block: JsonRecord, at: string, sight: Sight): Problem {
  for (const [name, held] of Object.entries(block)) {
    const ability = MEDIA.get(name);
    if (ability !== undefined) sight.needs.add(ability);
    if (name === 'image') sight.imageCount += 1;
    if (name === 'text' && typeof held !== 'string') return invalid(`${at}.text`, 'it must be a string');
    if (name === 'toolResult') {
      const problem = checkBlocks(asRecord(held)?.['content'], `${at}.toolResult.content`, sight);
      if (problem !== undefined) return problem;
    } else if (ability === undefined) measure(held, sight);
  }
  return undefined;
}

/** Adds the length of a value as JSON would have it, nearly: texts, names, and a little for the marks between. */
function measure(value: Json | undefined, sight: Sight, depth = 0): void {
  if (depth > MEASURE_DEPTH_MAX) return;
  if (typeof value === 'string') {
    sight.textLength += value.length;
    sight.nonAsciiLength += nonAsciiUnits(value);
  } else if (isArray(value)) for (const item of value) measure(item, sight, depth + 1);
  else if (isRecord(value)) {
    for (const [name, item] of Object.entries(value)) {
      sight.textLength += name.length + 4;
      measure(item, sight, depth + 1);
    }
  } else sight.textLength += 4;
}

function checkTools(config: Json | undefined, sight: Sight): Problem {
  if (config === undefined || config === null) return undefined;
  if (!isRecord(config)) return invalid('toolConfig', 'it must be an object');
  const { tools } = config;
  if (!isArray(tools) || tools.length === 0)
    return invalid('toolConfig.tools', 'it must be a list with at least one tool');
  sight.needs.add('tools');
  for (const [index, tool] of tools.entries()) {
    const at = `toolConfig.tools[${index}]`;
    if (!isRecord(tool)) return invalid(at, 'it must be a tool');
    const spec = tool['toolSpec'];
    if (spec !== undefined && typeof asRecord(spec)?.['name'] !== 'string')
      return invalid(`${at}.toolSpec.name`, 'it must name the tool');
    measure(tool, sight);
  }
  return undefined;
}

const RANGES = [
  ['maxTokens', { min: 1, max: MAX_TOKENS_MAX, isWhole: true }],
  ['temperature', { min: 0, max: 2, isWhole: false }],
  ['topP', { min: 0, max: 1, isWhole: false }],
] as const;

function checkConfig(config: Json | undefined): Problem {
  if (config === undefined || config === null) return undefined;
  if (!isRecord(config)) return invalid('inferenceConfig', 'it must be an object');
  for (const [name, range] of RANGES) {
    const problem = checkNumber(config[name] ?? range.min, `inferenceConfig.${name}`, range);
    if (problem !== undefined) return problem;
  }
  const stops = config['stopSequences'] ?? [];
  const isList = isArray(stops) && stops.length <= STOPS_MAX && stops.every((stop) => typeof stop === 'string');
  return isList
    ? undefined
    : invalid('inferenceConfig.stopSequences', `it must be a list of at most ${STOPS_MAX} texts`);
}

function checkNumber(value: Json, param: string, range: (typeof RANGES)[number][1]): Problem {
  const { min, max, isWhole } = range;
  if (typeof value !== 'number' || (isWhole && !Number.isSafeInteger(value)))
    return invalid(param, `it must be a ${isWhole ? 'whole ' : ''}number`);
  return value >= min && value <= max ? undefined : invalid(param, `it must be from ${min} to ${max}`);
}

function checkOutput(config: Json | undefined, sight: Sight): Problem {
  if (config === undefined || config === null) return undefined;
  if (!isRecord(config)) return invalid('outputConfig', 'it must be an object');
  if (config['textFormat'] === undefined) return undefined;
  sight.needs.add('json-schema');
  measure(config['textFormat'], sight);
  return undefined;
}
