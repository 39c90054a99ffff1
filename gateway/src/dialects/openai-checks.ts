/** What the bodies of OpenAI's two wires share in their checks (faults.md B15-B30): bounds, and what a field may hold. */
import { fault, type Fault } from '../chat/fault.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import type { Ability } from './dialect.ts';
import { nonAsciiUnits } from './text-size.ts';

/** Longer names are attacks: the longest of 4,800 catalogued ones has 90 characters, and names go into logs and headers. */
const MODEL_MAX = 256;

/** `models` of OpenRouter: a plan tries a handful, so more only cost time. */
const MODELS_MAX = 32;

/** One pass over as many small messages takes some 10 ms; longer conversations exceed every context window. */
export const MESSAGES_MAX = 100_000;

/** OpenAI takes 128; local servers take more. */
export const TOOLS_MAX = 2048;

/** Largest token limit that fits the 32-bit integers many servers keep it in. */
export const TOKENS_MAX = 2 ** 31 - 1;

/** OpenAI's bounds of `metadata` are 16 pairs, 64 and 512 characters; other providers take more pairs. */
const METADATA_MAX = { pairs: 64, key: 64, value: 512 } as const;

/** Enough for every id; what is longer is not an end user's name. */
const USER_MAX = 16 * 1024;

/** Providers refuse schemas long before this; it bounds what is parsed and measured. */
export const SCHEMA_MAX = 512 * 1024;

/** OpenAI takes 50 MB a request; one picture or file of 24 MiB is what its siblings take at most. */
const DATA_URL_MAX = 32 * 1024 * 1024;

/** How many characters at either end of base64 are looked at: enough to tell text from data, at a fixed cost. */
const BASE64_SAMPLE = 256;

export type Ranges = readonly (readonly [field: string, range: readonly [number, number]])[];
const UNSAFE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w.+-]+=[^;,]{0,128})*;base64,/i;
const BASE64 = /^[A-Za-z0-9+/_\-\s]*={0,2}\s*$/;
const SCHEME = /^([a-z][a-z0-9+.-]{1,20}):/i;
const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'data', 'gs', 's3']);
/** What is counted on the way. Mutable by design: it lives inside one `inspect`. */
export interface Tally {
  textLength: number;
  nonAsciiLength: number;
  imageCount: number;
  readonly needs: Set<Ability>;
}

/** What a picture may be sent as: OpenRouter and Google also take documents there. */
const IMAGE_TYPES = /^(?:image\/|application\/pdf$|application\/octet-stream$)/i;

export function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}

export function missing(param: string, reason: string): Fault {
  return fault('field-missing', { reason }, { param });
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return isArray(value) ? 'an array' : `a ${typeof value}`.replace('a object', 'an object');
}

/** The name of a model, as it stands in `param`. */
export function checkModel(model: unknown, param: string): Fault | undefined {
  if (model === undefined || model === null) return missing(param, 'name the model to use');
  if (typeof model !== 'string') return invalid(param, `it must be a string, not ${kindOf(model)}`);
  if (model.trim() === '') return invalid(param, 'it is empty');
  if (model.length > MODEL_MAX) return invalid(param, `it is longer than ${MODEL_MAX} characters`);
  return CONTROL.test(model) ? invalid(param, 'it holds control characters') : undefined;
}

/** Each field that is given is a number within its range; a whole one where it stands among `integers`. */
export function checkNumbers(body: JsonRecord, numbers: Ranges, integers: Ranges): Fault | undefined {
  for (const [field, range] of numbers) {
    if (!isWithin(body[field], range)) return invalid(field, `it must be a number from ${range[0]} to ${range[1]}`);
  }
  for (const [field, range] of integers) {
    const value = body[field];
    const isWhole = typeof value !== 'number' || Number.isInteger(value);
    if (!isWhole || !isWithin(value, range)) {
      return invalid(field, `it must be a whole number from ${range[0]} to ${range[1]}`);
    }
  }
  return undefined;
}

function isWithin(value: Json | undefined, [low, high]: readonly [number, number]): boolean {
  return value === undefined || value === null || (typeof value === 'number' && value >= low && value <= high);
}

export function checkBoolean(body: JsonRecord, field: string): Fault | undefined {
  const value = body[field];
  if (value === undefined || value === null || typeof value === 'boolean') return undefined;
  return invalid(field, `it must be true or false, not ${kindOf(value)}`);
}

export function checkUser(user: Json | undefined): Fault | undefined {
  if (user === undefined || user === null) return undefined;
  if (typeof user !== 'string') return invalid('user', 'it must be a string');
  return user.length > USER_MAX ? invalid('user', `it is longer than ${USER_MAX} characters`) : undefined;
}

export function checkMetadata(metadata: Json | undefined): Fault | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (!isRecord(metadata)) return invalid('metadata', 'it must be an object');
  const pairs = Object.entries(metadata);
  if (pairs.length > METADATA_MAX.pairs) return invalid('metadata', `it has more than ${METADATA_MAX.pairs} pairs`);
  for (const [key, value] of pairs) {
    const reason = metadataFlaw(key, value);
    if (reason !== undefined) return invalid('metadata', reason);
  }
  return undefined;
}

function metadataFlaw(key: string, value: Json | undefined): string | undefined {
  if (key.length > METADATA_MAX.key || !/^[\w-]+$/.test(key) || UNSAFE_KEYS.has(key)) {
    return `keys must be 1 to ${METADATA_MAX.key} letters, digits, _ or -`;
  }
  if (value !== null && typeof value === 'object') return 'its values must be strings';
  const isUnfit = typeof value === 'string' && (value.length > METADATA_MAX.value || CONTROL.test(value));
  return isUnfit ? `values must be at most ${METADATA_MAX.value} characters without line breaks` : undefined;
}

export function checkModels(models: Json | undefined): Fault | undefined {
  if (models === undefined || models === null) return undefined;
  if (!isArray(models)) return invalid('models', 'it must be an array of model names');
  if (models.length > MODELS_MAX) return invalid('models', `it has more than ${MODELS_MAX} entries`);
  for (const model of models) {
    const wrong = checkModel(model, 'models');
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Why an address, data URL or base64 cannot be that of a content part of `type`. */
export function checkAddress(url: string, type: string): string | undefined {
  if (url.length > DATA_URL_MAX) return `it is larger than ${DATA_URL_MAX} characters`;
  const scheme = SCHEME.exec(url.slice(0, 24))?.[1]?.toLowerCase();
  if (scheme === undefined) return type === 'image_url' || isBase64(url) ? undefined : 'it is not base64';
  if (!SCHEMES.has(scheme)) return `addresses of the form ${scheme}: are not taken`;
  return scheme === 'data' ? checkDataUrl(url, type) : undefined;
}

function checkDataUrl(url: string, type: string): string | undefined {
  const match = DATA_URL.exec(url.slice(0, 512));
  if (match === null) return 'a data: URL must be base64 (`data:image/png;base64,…`)';
  const mediaType = match[1] ?? '';
  if (type === 'image_url' && !IMAGE_TYPES.test(mediaType)) return `${mediaType || 'no type'} is not an image`;
  if (type === 'video_url' && !/^video\//i.test(mediaType)) return `${mediaType || 'no type'} is not a video`;
  return isBase64(url.slice(match[0].length)) ? undefined : 'its data is not base64';
}

function isBase64(text: string): boolean {
  if (text === '') return false;
  const head = text.slice(0, BASE64_SAMPLE);
  return BASE64.test(head) && BASE64.test(text.slice(-BASE64_SAMPLE));
}

export function checkFunction(declared: JsonRecord, at: string): Fault | undefined {
  const { name, parameters } = declared;
  if (typeof name !== 'string' || name === '') return invalid(`${at}.name`, 'it must be a string');
  if (name.length > MODEL_MAX || CONTROL.test(name))
    return invalid(`${at}.name`, 'it is too long, or has control characters');
  if (parameters === undefined || parameters === null || isRecord(parameters)) return undefined;
  return invalid(`${at}.parameters`, `it must be a JSON Schema object, not ${kindOf(parameters)}`);
}

export function addIfText(tally: Tally, value: unknown): void {
  if (typeof value === 'string') addText(tally, value);
}

export function addText(tally: Tally, text: string): void {
  tally.textLength += text.length;
  tally.nonAsciiLength += nonAsciiUnits(text);
}
/** Adds all names and values of a JSON tree about as a tokenizer will see them. Its depth was bounded before the parse (`too_deep`). */
export function addJson(tally: Tally, value: unknown): void {
  if (typeof value === 'string') {
    addText(tally, value);
    tally.textLength += 3;
  } else if (isArray(value)) {
    for (const item of value) addJson(tally, item);
    tally.textLength += 2;
  } else if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      tally.textLength += 4;
      addText(tally, key);
      addJson(tally, value[key]);
    }
    tally.textLength += 2;
  } else tally.textLength += 5;
}

/** A tally with nothing in it. */
export function newTally(): Tally {
  return { textLength: 0, nonAsciiLength: 0, imageCount: 0, needs: new Set() };
}
