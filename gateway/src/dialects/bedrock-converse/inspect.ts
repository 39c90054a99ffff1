/** Reads and checks a body of Converse in one pass, without translating it. Strict where a mistake is plain, lenient where the service may know more than we do. */
import type { Fault } from '../../chat/fault.ts';
import { asRecord, isArray, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import {
  checkItems,
  checkMessages,
  checkObject,
  checkRanges,
  hasControls,
  invalid,
  measure,
  missing,
  newSight,
  seen,
  type CheckItem,
  type Problem,
  type Range,
  type Sight,
} from '../checks.ts';
import type { Ability, Inspection, PathFacts } from '../dialect.ts';

/** The service's limit on a model's id, which may be an ARN. */
const MODEL_MAX = 2048;
/** The service's limit. */
const STOPS_MAX = 2500;
/** No model gives near as many tokens. */
const MAX_TOKENS_MAX = 100_000_000;

const ROLES: ReadonlySet<Json | undefined> = new Set(['user', 'assistant', 'system']);
/** Blocks that hold a file: its bytes are no text. */
const MEDIA: ReadonlyMap<string, Ability> = new Map([
  ['image', 'image'],
  ['document', 'document'],
  ['audio', 'audio'],
  ['video', 'video'],
]);

export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const sight = newSight();
  const { model = '', isStreaming = false } = path;
  const { messages } = body;
  const problem =
    checkModel(model) ??
    checkMessages(messages, messageCheck(sight)) ??
    checkBlocks(body['system'] ?? [], 'system', sight) ??
    checkObject(body['toolConfig'], 'toolConfig', (config) => checkTools(config, sight)) ??
    checkObject(body['inferenceConfig'], 'inferenceConfig', checkConfig) ??
    checkObject(body['outputConfig'], 'outputConfig', (config) => checkOutput(config, sight));
  if (problem !== undefined) return err(problem);
  return ok({
    model,
    isStreaming,
    wantsStreamUsage: true,
    ...limitOf(asRecord(body['inferenceConfig']) ?? {}),
    choices: 1,
    messageCount: isArray(messages) ? messages.length : 0,
    ...seen(sight),
  });
}

function limitOf(config: JsonRecord): Pick<Inspection, 'maxOutputTokens'> {
  const maxTokens = config['maxTokens'] ?? config['max_new_tokens'];
  return typeof maxTokens === 'number' ? { maxOutputTokens: maxTokens } : {};
}

function checkModel(model: string): Problem {
  if (model.trim() === '') return missing('model', 'the path names no model');
  return model.length > MODEL_MAX || hasControls(model)
    ? invalid('model', `an id has at most ${MODEL_MAX} printable characters`)
    : undefined;
}

function messageCheck(sight: Sight): CheckItem {
  return ({ role, content }, at) =>
    ROLES.has(role)
      ? checkBlocks(content, `${at}.content`, sight)
      : invalid(`${at}.role`, 'it must be user or assistant');
}

function checkBlocks(blocks: Json | undefined, param: string, sight: Sight): Problem {
  if (!isArray(blocks)) return invalid(param, 'it must be a list of blocks');
  return checkItems(blocks, param, (block, at) => checkBlock(block, at, sight));
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

function checkTools({ tools }: JsonRecord, sight: Sight): Problem {
  if (!isArray(tools) || tools.length === 0)
    return invalid('toolConfig.tools', 'it must be a list with at least one tool');
  sight.needs.add('tools');
  return checkItems(tools, 'toolConfig.tools', (tool, at) => {
    const spec = tool['toolSpec'];
    if (spec !== undefined && typeof asRecord(spec)?.['name'] !== 'string')
      return invalid(`${at}.toolSpec.name`, 'it must name the tool');
    measure(tool, sight);
    return undefined;
  });
}

const RANGES: Readonly<Record<string, Range>> = {
  maxTokens: { min: 1, max: MAX_TOKENS_MAX, isWhole: true },
  temperature: { min: 0, max: 2 },
  topP: { min: 0, max: 1 },
};

function checkConfig(config: JsonRecord): Problem {
  const stops = config['stopSequences'] ?? [];
  const isList = isArray(stops) && stops.length <= STOPS_MAX && stops.every((stop) => typeof stop === 'string');
  const flaw = `it must be a list of at most ${STOPS_MAX} texts`;
  return (
    checkRanges(config, RANGES, 'inferenceConfig.') ??
    (isList ? undefined : invalid('inferenceConfig.stopSequences', flaw))
  );
}

function checkOutput(config: JsonRecord, sight: Sight): Problem {
  if (config['textFormat'] === undefined) return undefined;
  sight.needs.add('json-schema');
  measure(config['textFormat'], sight);
  return undefined;
}
