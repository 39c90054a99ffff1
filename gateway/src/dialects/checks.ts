/** What reading and checking a request's body takes in more than one dialect: faults that name their field, and a measure of the text. */
import { fault, type Fault } from '../chat/fault.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import type { Ability, Inspection } from './dialect.ts';
import { nonAsciiUnits, type TextSize } from './text-size.ts';

/** Longest model name; it goes into headers, logs and metrics. */
const MODEL_MAX = 256;
/** No catalogued provider takes longer names of functions. */
const NAME_MAX = 256;
/** One pass over as many small messages takes some 10 ms; longer conversations exceed every context window. */
export const MESSAGES_MAX = 100_000;
/** OpenAI takes 128; local servers take more. */
export const TOOLS_MAX = 2048;
/** Each is compared with every token; more are a mistake (faults.md B20). */
const STOPS_MAX = 64;
/** Providers refuse schemas long before this; it bounds what they are sent. */
export const SCHEMA_MAX = 512 * 1024;
/** Deepest nesting that is measured; the body was already checked for its depth. */
const MEASURE_DEPTH_MAX = 64;
/** Largest token limit that fits the 32-bit integers many servers keep it in. */
export const TOKENS_MAX = 2 ** 31 - 1;
/** How much of each end of a base64 text is looked at: enough to tell it from a path or a sentence, at a fixed cost. */
const BASE64_PEEK = 256;
const BASE64 = /^[A-Za-z0-9+/_\-=\s]*$/;
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;

/** What one pass has seen so far. Mutable by design: it lives inside one `inspect` and is never shared. */
export interface Sight extends TextSize {
  textLength: number;
  nonAsciiLength: number;
  imageCount: number;
  readonly needs: Set<Ability>;
}

/** A problem with a field, or nothing. */
export type Problem = Fault | undefined;

export function newSight(): Sight {
  return { textLength: 0, nonAsciiLength: 0, imageCount: 0, needs: new Set() };
}

/** The part of an inspection that was seen rather than read. */
export function seen(sight: Sight): Pick<Inspection, 'needs' | 'textLength' | 'nonAsciiLength' | 'imageCount'> {
  const { needs, textLength, nonAsciiLength, imageCount } = sight;
  return { needs: [...needs], textLength, nonAsciiLength, imageCount };
}

export function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}

export function missing(param: string, reason: string): Fault {
  return fault('field-missing', { reason }, { param });
}

/** What a value is, for a text that a person reads. */
export function found(value: unknown): string {
  if (value === null) return 'null';
  if (isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** True for a field that was not given: absent, or null. */
export function isAbsent(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null;
}

/** Whether a text would break the lines of headers and logs. */
export function hasControls(text: string): boolean {
  return CONTROLS.test(text);
}

/** Whether both ends of a text look like base64. */
export function isBase64(text: string): boolean {
  return BASE64.test(text.slice(0, BASE64_PEEK)) && BASE64.test(text.slice(-BASE64_PEEK));
}

/** The name of a model, as it stands in `param`. */
export function checkModel(model: Json | undefined, param = 'model'): Problem {
  if (isAbsent(model)) return missing(param, 'name the model that shall answer');
  if (typeof model !== 'string') return invalid(param, `it must be a string, not ${found(model)}`);
  if (model.trim() === '') return invalid(param, 'it is empty');
  if (model.length > MODEL_MAX) return invalid(param, `it is longer than ${MODEL_MAX} characters`);
  return hasControls(model) ? invalid(param, 'it holds control characters') : undefined;
}

/** Checks a list of at least one message, each by `check`. */
export function checkMessages(messages: Json | undefined, check: CheckItem): Problem {
  if (isAbsent(messages)) return missing('messages', 'send the conversation');
  if (!isArray(messages)) return invalid('messages', `it must be a list of messages, not ${found(messages)}`);
  if (messages.length === 0) return invalid('messages', 'it is empty');
  if (messages.length > MESSAGES_MAX) return invalid('messages', `it has more than ${MESSAGES_MAX} entries`);
  return checkItems(messages, 'messages', check);
}

export type CheckItem = (item: JsonRecord, at: string, isLast: boolean) => Problem;

/** Checks each entry of a list, which stands at `param`, until one has a problem. */
export function checkItems(items: readonly Json[], param: string, check: CheckItem): Problem {
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    const at = `${param}[${index}]`;
    const problem = isRecord(item)
      ? check(item, at, index === items.length - 1)
      : invalid(at, `it must be an object, not ${found(item)}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Checks an object that may be absent; by `check` too, where there is more to it. */
export function checkObject(
  value: Json | undefined,
  param: string,
  check: (record: JsonRecord) => Problem = () => undefined,
): Problem {
  if (isAbsent(value)) return undefined;
  return isRecord(value) ? check(value) : invalid(param, `it must be an object, not ${found(value)}`);
}

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
}

export function checkNumber(value: Json | undefined, param: string, range: Range): Problem {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return invalid(param, `it must be a number, not ${found(value)}`);
  if (range.isWhole === true && !Number.isInteger(value)) return invalid(param, 'it must be a whole number');
  return value < range.min || value > range.max
    ? invalid(param, `it must be from ${range.min} to ${range.max}`)
    : undefined;
}

/** Checks fields of `from` by their ranges; `prefix` stands before their names in faults. */
export function checkRanges(from: JsonRecord, ranges: Readonly<Record<string, Range>>, prefix = ''): Problem {
  for (const [name, range] of Object.entries(ranges)) {
    const problem = checkNumber(from[name], `${prefix}${name}`, range);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Fields that are true or false, where they are given. */
export function checkBooleans(from: JsonRecord, ...fields: readonly string[]): Problem {
  const wrong = fields.find((field) => !isAbsent(from[field]) && typeof from[field] !== 'boolean');
  return wrong === undefined ? undefined : invalid(wrong, `it must be true or false, not ${found(from[wrong])}`);
}

/** A list of texts, or one text. */
export function checkStops(stops: Json | undefined, param: string): Problem {
  if (isAbsent(stops) || typeof stops === 'string') return undefined;
  if (!isArray(stops)) return invalid(param, `it must be a list of texts, not ${found(stops)}`);
  if (stops.length > STOPS_MAX) return invalid(param, `it has more than ${STOPS_MAX} entries`);
  const index = stops.findIndex((stop) => typeof stop !== 'string');
  return index === -1 ? undefined : invalid(`${param}[${index}]`, 'it must be a text');
}

interface ToolsPlace {
  readonly param: string;
  readonly sight: Sight;
  /** How many there may be. */
  readonly max?: number;
}

/** A list of tools, or of calls of them, each by `check`. Where it has one, tools are needed. */
export function checkToolList(list: Json | undefined, { param, sight, max }: ToolsPlace, check: CheckItem): Problem {
  if (isAbsent(list)) return undefined;
  if (!isArray(list)) return invalid(param, `it must be a list, not ${found(list)}`);
  if (max !== undefined && list.length > max) return invalid(param, `it has more than ${max} entries`);
  if (list.length > 0) sight.needs.add('tools');
  return checkItems(list, param, check);
}

/** Function tools in OpenAI's form, which Cohere and Ollama share. */
export function checkTools(tools: Json | undefined, sight: Sight): Problem {
  return checkToolList(tools, { param: 'tools', sight, max: TOOLS_MAX }, (tool, at) => {
    const declared = tool['function'];
    if (!isRecord(declared)) return missing(`${at}.function`, 'a tool declares a function');
    return checkFunction(declared, `${at}.function`) ?? checkSchema(declared, `${at}.function`, sight);
  });
}

/** The name and parameters of a function. */
export function checkFunction(declared: JsonRecord, at: string): Problem {
  const { name, parameters } = declared;
  if (typeof name !== 'string' || name === '') return invalid(`${at}.name`, 'it must name the function');
  if (name.length > NAME_MAX || hasControls(name))
    return invalid(`${at}.name`, `it is longer than ${NAME_MAX} characters, or has control characters`);
  return isAbsent(parameters) || isRecord(parameters)
    ? undefined
    : invalid(`${at}.parameters`, `it must be a JSON Schema, not ${found(parameters)}`);
}

/** Measures a declaration or schema, and bounds it. */
export function checkSchema(schema: JsonRecord, param: string, sight: Sight): Problem {
  const before = sight.textLength;
  measure(schema, sight);
  const isLong = sight.textLength - before > SCHEMA_MAX;
  return isLong ? invalid(param, `it is longer than ${SCHEMA_MAX} characters`) : undefined;
}

/** Tool calls of an assistant's message in OpenAI's form; their arguments may be text (Cohere) or an object (Ollama). */
export function checkCalls(calls: Json | undefined, param: string, sight: Sight): Problem {
  return checkToolList(calls, { param, sight }, (call, at) => {
    const target = call['function'];
    if (!isRecord(target) || typeof target['name'] !== 'string') return invalid(at, 'it must name a function');
    measure(target, sight);
    return undefined;
  });
}

export function measureText(text: string, sight: Sight): void {
  sight.textLength += text.length;
  sight.nonAsciiLength += nonAsciiUnits(text);
}

/** Adds the length of a value as JSON would have it, nearly: texts, names, and a little for the marks between. */
export function measure(value: Json | undefined, sight: Sight, depth = 0): void {
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
