/**
 * Reads and checks a body of the Responses API in one pass (faults.md B15-B30), naming the field at fault.
 * Refuses only what no provider of this wire takes, and work in the background, which is not offered here.
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
  checkItems,
  checkModel,
  checkObject,
  checkRanges,
  checkToolList,
  found,
  invalid,
  isAbsent,
  measureText,
  MESSAGES_MAX,
  missing,
  newSight,
  seen,
  TOKENS_MAX,
  TOOLS_MAX,
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
import { typeOf } from './items.ts';

const RANGES: Readonly<Record<string, Range>> = {
  temperature: { min: 0, max: 2 },
  top_p: { min: 0, max: 1 },
  max_output_tokens: { min: 1, max: TOKENS_MAX, isWhole: true },
  max_tool_calls: { min: 0, max: TOKENS_MAX, isWhole: true },
  top_logprobs: { min: 0, max: 20, isWhole: true },
};
const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant']);
/** Ids of OpenAI's have 50 characters or so; a longer one than this is none. */
const ID_MAX = 256;

/** Reads and checks a parsed body. `path.model` stands in where the body names no model (Azure deployments). */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const model = body['model'] ?? path.model;
  const wrong =
    checkModel(model) ??
    checkRanges(body, RANGES) ??
    checkPlainFields(body) ??
    checkStream(body) ??
    checkPrevious(body['previous_response_id']);
  if (wrong !== undefined) return err(wrong);
  const sight = newSight();
  const unfit = checkPrompt(body, sight) ?? checkTools(body['tools'], sight) ?? checkText(body['text'], sight);
  if (unfit !== undefined) return err(unfit);
  if (asksReasoning(body['reasoning'])) sight.needs.add('reasoning');
  return ok(inspectionOf(body, asString(model) ?? '', sight));
}

function inspectionOf(body: JsonRecord, model: string, sight: Sight): Inspection {
  const limit = asNumber(body['max_output_tokens']);
  return {
    model,
    isStreaming: body['stream'] === true,
    wantsStreamUsage: true,
    ...(limit === undefined ? {} : { maxOutputTokens: limit }),
    choices: 1,
    messageCount: asArray(body['input'])?.length ?? 1,
    ...seen(sight),
  };
}

function checkPlainFields(body: JsonRecord): Fault | undefined {
  if (body['background'] === true) {
    const reason = 'work in the background is not offered here. Leave it out, and keep the connection open';
    return invalid('background', reason);
  }
  return (
    checkBooleans(body, 'background', 'store', 'parallel_tool_calls') ??
    checkUser(body['user']) ??
    checkMetadata(body['metadata']) ??
    checkModels(body['models']) ??
    checkObject(body['reasoning'], 'reasoning') ??
    checkInclude(body['include'])
  );
}

function checkInclude(include: Json | undefined): Fault | undefined {
  if (isAbsent(include)) return undefined;
  if (isArray(include) && include.every((entry) => typeof entry === 'string')) return undefined;
  return invalid('include', 'it must be an array of strings');
}

function checkPrevious(id: Json | undefined): Fault | undefined {
  if (isAbsent(id)) return undefined;
  const field = 'previous_response_id';
  if (typeof id !== 'string' || id === '') return invalid(field, 'it must be the id of a response');
  return id.length > ID_MAX ? invalid(field, `it is longer than ${ID_MAX} characters`) : undefined;
}

/** Instructions and input. A prompt that the provider keeps may stand in for the input. */
function checkPrompt(body: JsonRecord, sight: Sight): Fault | undefined {
  return checkInstructions(body['instructions'], sight) ?? checkInput(body, sight);
}

function checkInstructions(instructions: Json | undefined, sight: Sight): Fault | undefined {
  if (typeof instructions === 'string') measureText(instructions, sight);
  else if (isArray(instructions)) measureJson(instructions, sight);
  else if (!isAbsent(instructions)) return invalid('instructions', `it must be a string, not ${found(instructions)}`);
  return undefined;
}

function checkInput(body: JsonRecord, sight: Sight): Fault | undefined {
  const { input } = body;
  const hasPrompt = isRecord(body['prompt']);
  if (isAbsent(input)) return hasPrompt ? undefined : missing('input', 'send a text, or a list of items');
  if (typeof input === 'string') {
    measureText(input, sight);
    return undefined;
  }
  if (!isArray(input)) return invalid('input', `it must be a string or an array of items, not ${found(input)}`);
  const hasMore = hasPrompt || typeof body['previous_response_id'] === 'string';
  if (input.length === 0 && !hasMore) return invalid('input', 'it is empty');
  if (input.length > MESSAGES_MAX) return invalid('input', `it has more than ${MESSAGES_MAX} entries`);
  return checkItems(input, 'input', (item, at) => checkItem(item, at, sight));
}

function checkItem(item: JsonRecord, at: string, sight: Sight): Fault | undefined {
  switch (typeOf(item)) {
    case 'message':
      return checkMessage(item, at, sight);
    case 'function_call':
      sight.needs.add('tools');
      return checkCall(item, at, sight);
    case 'function_call_output':
      sight.needs.add('tools');
      return checkOutput(item, at, sight);
    case 'unknown':
      return missing(`${at}.type`, 'an item has a type, and a message a role');
    default:
      // A reasoning item's seal is as long as the thoughts it holds, about.
      measureJson(item, sight);
      return undefined;
  }
}

function checkMessage(item: JsonRecord, at: string, sight: Sight): Fault | undefined {
  if (!ROLES.has(item['role'])) return invalid(`${at}.role`, 'it must be system, developer, user or assistant');
  const { content } = item;
  if (content === undefined) return missing(`${at}.content`, 'a message needs content');
  return checkParts(content, { param: `${at}.content`, sight }, partFlaw);
}

/** Types of parts that hold text under `text`. */
const TEXTS: ReadonlySet<unknown> = new Set(['input_text', 'output_text', 'text', 'summary_text', 'reasoning_text']);
/** Types of parts that hold media, and the ability that they need. */
const MEDIA = { input_image: 'image', input_file: 'document', input_audio: 'audio' } as const;
/** Parts of other types that some provider of this wire takes; anything else is a mistake. */
const OTHERS: ReadonlySet<unknown> = new Set(['refusal', 'computer_screenshot', 'input_video', 'encrypted_content']);

function isMedia(type: unknown): type is keyof typeof MEDIA {
  return typeof type === 'string' && Object.hasOwn(MEDIA, type);
}

/** Counts one part; gives the reason why it cannot be one. */
function partFlaw(part: JsonRecord, sight: Sight): string | undefined {
  const { type, text } = part;
  if (typeof type !== 'string') return 'its `type` is missing';
  if (TEXTS.has(type)) {
    if (typeof text !== 'string') return '`text` must be a string';
    measureText(text, sight);
    return undefined;
  }
  if (isMedia(type)) {
    sight.needs.add(MEDIA[type]);
    if (type === 'input_image') sight.imageCount += 1;
    return mediaFlaw(part, type);
  }
  if (!OTHERS.has(type)) return `the type ${JSON.stringify(type.slice(0, 40))} is not known`;
  measureJson(part, sight);
  return undefined;
}

function mediaFlaw(part: JsonRecord, type: keyof typeof MEDIA): string | undefined {
  if (type === 'input_audio') {
    const data = asString(asRecord(part['input_audio'])?.['data']);
    return data === undefined ? '`input_audio` holds no data' : checkAddress(data, 'input_audio');
  }
  const url = asString(part['image_url']) ?? asString(part['file_url']) ?? asString(part['file_data']);
  if (url === undefined) return typeof part['file_id'] === 'string' ? undefined : `\`${type}\` holds no data`;
  return checkAddress(url, type === 'input_image' ? 'image_url' : 'file');
}

function checkCall(item: JsonRecord, at: string, sight: Sight): Fault | undefined {
  if (typeof item['name'] !== 'string') return invalid(`${at}.name`, 'it must name a function');
  const id = item['call_id'];
  if (!isAbsent(id) && typeof id !== 'string') return invalid(`${at}.call_id`, 'it must be a string');
  const words = item['arguments'];
  if (!isAbsent(words) && typeof words !== 'string') return invalid(`${at}.arguments`, 'it must be a string of JSON');
  measureText(item['name'], sight);
  measureText(words ?? '', sight);
  return undefined;
}

function checkOutput(item: JsonRecord, at: string, sight: Sight): Fault | undefined {
  if (typeof item['call_id'] !== 'string') return invalid(`${at}.call_id`, 'it must name the call');
  const { output } = item;
  if (isAbsent(output)) return missing(`${at}.output`, 'a result needs an output');
  if (isRecord(output)) {
    measureJson(output, sight);
    return undefined;
  }
  return checkParts(output, { param: `${at}.output`, sight }, partFlaw);
}

/** Tools of other types are run by the provider itself and are its own business. */
function checkTools(tools: Json | undefined, sight: Sight): Fault | undefined {
  return checkToolList(tools, { param: 'tools', sight, max: TOOLS_MAX }, (tool, at) => {
    const unfit = checkSize(tool, at, sight);
    if (unfit !== undefined) return unfit;
    if (typeof tool['type'] !== 'string') return missing(`${at}.type`, 'a tool has a type');
    return tool['type'] === 'function' ? checkFunction(tool, at) : undefined;
  });
}

function checkText(text: Json | undefined, sight: Sight): Fault | undefined {
  return checkObject(text, 'text', ({ format }) =>
    checkObject(format, 'text.format', (given) => checkFormat(given, sight)),
  );
}

function checkFormat(format: JsonRecord, sight: Sight): Fault | undefined {
  if (typeof format['type'] !== 'string') return missing('text.format.type', 'a format has a type');
  const unfit = checkSize(format, 'text.format', sight);
  if (unfit !== undefined || format['type'] !== 'json_schema') return unfit;
  sight.needs.add('json-schema');
  return isRecord(format['schema']) ? undefined : invalid('text.format.schema', 'it must be a JSON Schema object');
}

function asksReasoning(reasoning: Json | undefined): boolean {
  const effort = asRecord(reasoning)?.['effort'];
  return typeof effort === 'string' && effort !== 'none';
}
