/** What reading and checking a request's body takes in more than one dialect: faults that name their field, and a measure of the text. */
import { fault, type Fault } from '../chat/fault.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import type { Ability, Inspection } from './dialect.ts';
import { nonAsciiUnits, type TextSize } from './text-size.ts';

/** Longest model name; it goes into headers, logs and metrics. */
const MODEL_MAX = 256;
/** One pass over as many small messages takes some 10 ms; longer conversations exceed every context window. */
const MESSAGES_MAX = 100_000;
const TOOLS_MAX = 2048;
/** Each is compared with every token; more are a mistake (faults.md B20). */
const STOPS_MAX = 64;
/** Providers refuse schemas long before this; it bounds what they are sent. */
const SCHEMA_MAX = 512 * 1024;
/** Deepest nesting that is measured; the body was already checked for its depth. */
const MEASURE_DEPTH_MAX = 64;
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
export function found(value: Json | undefined): string {
  if (value === null) return 'null';
  if (isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** True for a field that was not given: absent, or null. */
export function isAbsent(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null;
}

export function checkModel(model: Json | undefined): Problem {
  if (isAbsent(model)) return missing('model', 'name the model that shall answer');
  if (typeof model !== 'string') return invalid('model', `it must be a string, not ${found(model)}`);
  if (model.trim() === '') return invalid('model', 'it is empty');
  if (model.length > MODEL_MAX) return invalid('model', `it is longer than ${MODEL_MAX} characters`);
  return CONTROLS.test(model) ? invalid('model', 'it holds control characters') : undefined;
}

/** Checks a list of at least one message, each by `check`. */
export function checkMessages(
  messages: Json | undefined,
  check: (message: JsonRecord, at: string) => Problem,
): Problem {
  if (isAbsent(messages)) return missing('messages', 'send the conversation');
  if (!isArray(messages)) return invalid('messages', `it must be a list of messages, not ${found(messages)}`);
  if (messages.length === 0) return invalid('messages', 'it is empty');
  if (messages.length > MESSAGES_MAX) return invalid('messages', `it has more than ${MESSAGES_MAX} messages`);
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index];
    const at = `messages[${index}]`;
    const problem = isRecord(message) ? check(message, at) : invalid(at, `it must be a message, not ${found(message)}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
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

export function checkBoolean(value: Json | undefined, param: string): Problem {
  return isAbsent(value) || typeof value === 'boolean'
    ? undefined
    : invalid(param, `it must be true or false, not ${found(value)}`);
}

/** A list of texts, or one text. */
export function checkStops(stops: Json | undefined, param: string): Problem {
  if (isAbsent(stops) || typeof stops === 'string') return undefined;
  if (!isArray(stops)) return invalid(param, `it must be a list of texts, not ${found(stops)}`);
  if (stops.length > STOPS_MAX) return invalid(param, `it has more than ${STOPS_MAX} entries`);
  const index = stops.findIndex((stop) => typeof stop !== 'string');
  return index === -1 ? undefined : invalid(`${param}[${index}]`, 'it must be a text');
}

/** Function tools in OpenAI's form, which Cohere and Ollama share. */
export function checkTools(tools: Json | undefined, sight: Sight): Problem {
  if (isAbsent(tools)) return undefined;
  if (!isArray(tools)) return invalid('tools', `it must be a list, not ${found(tools)}`);
  if (tools.length > TOOLS_MAX) return invalid('tools', `it has more than ${TOOLS_MAX} tools`);
  if (tools.length > 0) sight.needs.add('tools');
  for (const [index, tool] of tools.entries()) {
    const problem = checkTool(tool, `tools[${index}]`, sight);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkTool(tool: Json, at: string, sight: Sight): Problem {
  const declared = isRecord(tool) ? tool['function'] : undefined;
  if (!isRecord(declared)) return missing(`${at}.function`, 'a tool declares a function');
  const { name, parameters } = declared;
  if (typeof name !== 'string' || name === '' || name.length > MODEL_MAX)
    return invalid(`${at}.function.name`, `it must be a name of at most ${MODEL_MAX} characters`);
  if (!isAbsent(parameters) && !isRecord(parameters))
    return invalid(`${at}.function.parameters`, `it must be a JSON Schema, not ${found(parameters)}`);
  return checkSchema(declared, `${at}.function`, sight);
}

/** Measures a declaration or schema, and bounds it. */
export function checkSchema(schema: JsonRecord, param: string, sight: Sight): Problem {
  const before = sight.textLength;
  measure(schema, sight);
  const isLong = sight.textLength - before > SCHEMA_MAX;
  return isLong ? invalid(param, `it is longer than ${SCHEMA_MAX} characters`) : undefined;
}

/** Tool calls of an assistant's message in OpenAI's form; their arguments may be text (Cohere) or an object (Ollama). */
export function checkCalls(calls: Json | undefined, at: string, sight: Sight): Problem {
  if (isAbsent(calls)) return undefined;
  if (!isArray(calls)) return invalid(at, `it must be a list, not ${found(calls)}`);
  if (calls.length > 0) sight.needs.add('tools');
  for (const [index, call] of calls.entries()) {
    const target = isRecord(call) ? call['function'] : undefined;
    if (!isRecord(target) || typeof target['name'] !== 'string')
      return invalid(`${at}[${index}]`, 'it must name a function');
    measure(target, sight);
  }
  return undefined;
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
