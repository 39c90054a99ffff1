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
import { typeOf } from './items.ts';

const RANGES: Ranges = [
  ['temperature', [0, 2]],
  ['top_p', [0, 1]],
];
const INTEGERS: Ranges = [
  ['max_output_tokens', [1, TOKENS_MAX]],
  ['max_tool_calls', [0, TOKENS_MAX]],
  ['top_logprobs', [0, 20]],
];
const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant']);
/** Ids of OpenAI's have 50 characters or so; a longer one than this is none. */
const ID_MAX = 256;

/** Reads and checks a parsed body. `path.model` stands in where the body names no model (Azure deployments). */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const model = body['model'] ?? path.model;
  const wrong =
    checkModel(model, 'model') ??
    checkNumbers(body, RANGES, INTEGERS) ??
    checkPlainFields(body) ??
    checkStream(body) ??
    checkPrevious(body['previous_response_id']);
  if (wrong !== undefined) return err(wrong);
  const tally = newTally();
  const unfit = checkPrompt(body, tally) ?? checkTools(body['tools'], tally) ?? checkText(body['text'], tally);
  if (unfit !== undefined) return err(unfit);
  if (asksReasoning(body['reasoning'])) tally.needs.add('reasoning');
  return ok(inspectionOf(body, asString(model) ?? '', tally));
}

function inspectionOf(body: JsonRecord, model: string, tally: Tally): Inspection {
  const limit = asNumber(body['max_output_tokens']);
  return {
    model,
    isStreaming: body['stream'] === true,
    wantsStreamUsage: true,
    ...(limit === undefined ? {} : { maxOutputTokens: limit }),
    choices: 1,
    needs: [...tally.needs],
    textLength: tally.textLength,
    nonAsciiLength: tally.nonAsciiLength,
    imageCount: tally.imageCount,
    messageCount: asArray(body['input'])?.length ?? 1,
  };
}

function checkPlainFields(body: JsonRecord): Fault | undefined {
  if (body['background'] === true) {
    const reason = 'work in the background is not offered here. Leave it out, and keep the connection open';
    return invalid('background', reason);
  }
  return (
    checkBoolean(body, 'background') ??
    checkBoolean(body, 'store') ??
    checkBoolean(body, 'parallel_tool_calls') ??
    checkUser(body['user']) ??
    checkMetadata(body['metadata']) ??
    checkModels(body['models']) ??
    checkObject(body, 'reasoning') ??
    checkInclude(body['include'])
  );
}

function checkObject(body: JsonRecord, field: string): Fault | undefined {
  const value = body[field];
  if (value === undefined || value === null || isRecord(value)) return undefined;
  return invalid(field, `it must be an object, not ${kindOf(value)}`);
}

function checkInclude(include: Json | undefined): Fault | undefined {
  if (include === undefined || include === null) return undefined;
  if (isArray(include) && include.every((entry) => typeof entry === 'string')) return undefined;
  return invalid('include', 'it must be an array of strings');
}

function checkStream(body: JsonRecord): Fault | undefined {
  const wrong = checkBoolean(body, 'stream') ?? checkObject(body, 'stream_options');
  if (wrong !== undefined) return wrong;
  const isAsked = body['stream_options'] !== undefined && body['stream_options'] !== null;
  return isAsked && body['stream'] !== true ? invalid('stream_options', 'it only goes with `stream: true`') : undefined;
}

function checkPrevious(id: Json | undefined): Fault | undefined {
  if (id === undefined || id === null) return undefined;
  const field = 'previous_response_id';
  if (typeof id !== 'string' || id === '') return invalid(field, 'it must be the id of a response');
  return id.length > ID_MAX ? invalid(field, `it is longer than ${ID_MAX} characters`) : undefined;
}

/** Instructions and input. A prompt that the provider keeps may stand in for the input. */
function checkPrompt(body: JsonRecord, tally: Tally): Fault | undefined {
  return checkInstructions(body['instructions'], tally) ?? checkInput(body, tally);
}

function checkInstructions(instructions: Json | undefined, tally: Tally): Fault | undefined {
  if (typeof instructions === 'string') addText(tally, instructions);
  else if (isArray(instructions)) addJson(tally, instructions);
  else if (instructions !== undefined && instructions !== null)
    return invalid('instructions', `it must be a string, not ${kindOf(instructions)}`);
  return undefined;
}

function checkInput(body: JsonRecord, tally: Tally): Fault | undefined {
  const { input } = body;
  const hasPrompt = isRecord(body['prompt']);
  if (input === undefined || input === null)
    return hasPrompt ? undefined : missing('input', 'send a text, or a list of items');
  if (typeof input === 'string') {
    addText(tally, input);
    return undefined;
  }
  if (!isArray(input)) return invalid('input', `it must be a string or an array of items, not ${kindOf(input)}`);
  const hasMore = hasPrompt || typeof body['previous_response_id'] === 'string';
  return input.length === 0 && !hasMore ? invalid('input', 'it is empty') : checkItems(input, tally);
}

function checkItems(input: readonly Json[], tally: Tally): Fault | undefined {
  if (input.length > MESSAGES_MAX) return invalid('input', `it has more than ${MESSAGES_MAX} entries`);
  for (let index = 0; index < input.length; index += 1) {
    const wrong = checkItem(input[index], `input[${index}]`, tally);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkItem(item: unknown, at: string, tally: Tally): Fault | undefined {
  if (!isRecord(item)) return invalid(at, `it must be an object, not ${kindOf(item)}`);
  switch (typeOf(item)) {
    case 'message':
      return checkMessage(item, at, tally);
    case 'function_call':
      tally.needs.add('tools');
      return checkCall(item, at, tally);
    case 'function_call_output':
      tally.needs.add('tools');
      return checkOutput(item, at, tally);
    case 'unknown':
      return missing(`${at}.type`, 'an item has a type, and a message a role');
    default:
      // A reasoning item's seal is as long as the thoughts it holds, about.
      addJson(tally, item);
      return undefined;
  }
}

function checkMessage(item: JsonRecord, at: string, tally: Tally): Fault | undefined {
  if (!ROLES.has(item['role'])) return invalid(`${at}.role`, 'it must be system, developer, user or assistant');
  return checkContent(item['content'], `${at}.content`, tally);
}

function checkContent(content: Json | undefined, param: string, tally: Tally): Fault | undefined {
  if (typeof content === 'string') {
    addText(tally, content);
    return undefined;
  }
  if (content === undefined) return missing(param, 'a message needs content');
  if (!isArray(content)) return invalid(param, `it must be a string or an array of parts, not ${kindOf(content)}`);
  for (let index = 0; index < content.length; index += 1) {
    const reason = checkPart(content[index], tally);
    if (reason !== undefined) return invalid(param, `part ${index}: ${reason}`);
  }
  return undefined;
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
function checkPart(part: unknown, tally: Tally): string | undefined {
  if (!isRecord(part)) return `it must be an object, not ${kindOf(part)}`;
  const { type, text } = part;
  if (typeof type !== 'string') return 'its `type` is missing';
  if (TEXTS.has(type)) {
    if (typeof text !== 'string') return '`text` must be a string';
    addText(tally, text);
    return undefined;
  }
  if (isMedia(type)) {
    tally.needs.add(MEDIA[type]);
    if (type === 'input_image') tally.imageCount += 1;
    return checkMedia(part, type);
  }
  if (!OTHERS.has(type)) return `the type ${JSON.stringify(type.slice(0, 40))} is not known`;
  addJson(tally, part);
  return undefined;
}

function checkMedia(part: JsonRecord, type: keyof typeof MEDIA): string | undefined {
  if (type === 'input_audio') {
    const data = asString(asRecord(part['input_audio'])?.['data']);
    return data === undefined ? '`input_audio` holds no data' : checkAddress(data, 'input_audio');
  }
  const url = asString(part['image_url']) ?? asString(part['file_url']) ?? asString(part['file_data']);
  if (url === undefined) return typeof part['file_id'] === 'string' ? undefined : `\`${type}\` holds no data`;
  return checkAddress(url, type === 'input_image' ? 'image_url' : 'file');
}

function checkCall(item: JsonRecord, at: string, tally: Tally): Fault | undefined {
  if (typeof item['name'] !== 'string') return invalid(`${at}.name`, 'it must name a function');
  const id = item['call_id'];
  if (id !== undefined && id !== null && typeof id !== 'string') return invalid(`${at}.call_id`, 'it must be a string');
  addText(tally, item['name']);
  addJson(tally, item['arguments'] ?? null);
  return undefined;
}

function checkOutput(item: JsonRecord, at: string, tally: Tally): Fault | undefined {
  if (typeof item['call_id'] !== 'string') return invalid(`${at}.call_id`, 'it must name the call');
  const { output } = item;
  if (output === undefined || output === null) return missing(`${at}.output`, 'a result needs an output');
  if (isRecord(output)) {
    addJson(tally, output);
    return undefined;
  }
  return checkContent(output, `${at}.output`, tally);
}

function checkTools(tools: Json | undefined, tally: Tally): Fault | undefined {
  if (tools === undefined || tools === null) return undefined;
  if (!isArray(tools)) return invalid('tools', `it must be an array, not ${kindOf(tools)}`);
  if (tools.length > TOOLS_MAX) return invalid('tools', `it has more than ${TOOLS_MAX} entries`);
  if (tools.length > 0) tally.needs.add('tools');
  for (let index = 0; index < tools.length; index += 1) {
    const wrong = checkTool(tools[index], `tools[${index}]`, tally);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Tools of other types are run by the provider itself and are its own business. */
function checkTool(tool: unknown, at: string, tally: Tally): Fault | undefined {
  if (!isRecord(tool)) return invalid(at, `it must be an object, not ${kindOf(tool)}`);
  const before = tally.textLength;
  addJson(tally, tool);
  if (tally.textLength - before > SCHEMA_MAX) return invalid(at, `it is larger than ${SCHEMA_MAX} characters`);
  if (typeof tool['type'] !== 'string') return missing(`${at}.type`, 'a tool has a type');
  return tool['type'] === 'function' ? checkFunction(tool, at) : undefined;
}

function checkText(text: Json | undefined, tally: Tally): Fault | undefined {
  if (text === undefined || text === null) return undefined;
  if (!isRecord(text)) return invalid('text', `it must be an object, not ${kindOf(text)}`);
  const { format } = text;
  if (format === undefined || format === null) return undefined;
  if (!isRecord(format)) return invalid('text.format', `it must be an object, not ${kindOf(format)}`);
  if (typeof format['type'] !== 'string') return missing('text.format.type', 'a format has a type');
  const before = tally.textLength;
  addJson(tally, format);
  if (tally.textLength - before > SCHEMA_MAX)
    return invalid('text.format', `it is larger than ${SCHEMA_MAX} characters`);
  if (format['type'] !== 'json_schema') return undefined;
  tally.needs.add('json-schema');
  return isRecord(format['schema']) ? undefined : invalid('text.format.schema', 'it must be a JSON Schema object');
}

function asksReasoning(reasoning: Json | undefined): boolean {
  const effort = asRecord(reasoning)?.['effort'];
  return typeof effort === 'string' && effort !== 'none';
}
