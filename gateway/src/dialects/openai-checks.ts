/** What only the bodies of OpenAI's two wires share in their checks (faults.md B15-B30). */
import type { Fault } from '../chat/fault.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import {
  checkBooleans,
  checkModel,
  checkObject,
  found,
  hasControls,
  invalid,
  isAbsent,
  measureText,
  SCHEMA_MAX,
  type Sight,
} from './checks.ts';

/** `models` of OpenRouter: a plan tries a handful, so more only cost time. */
const MODELS_MAX = 32;

/** OpenAI's bounds of `metadata` are 16 pairs, 64 and 512 characters; other providers take more pairs. */
const METADATA_MAX = { pairs: 64, key: 64, value: 512 } as const;

/** Enough for every id; what is longer is not an end user's name. */
const USER_MAX = 16 * 1024;

/** OpenAI takes 50 MB a request; one picture or file of 24 MiB is what its siblings take at most. */
const DATA_URL_MAX = 32 * 1024 * 1024;

/** How many characters at either end of base64 are looked at, at a fixed cost. */
const BASE64_SAMPLE = 256;

const UNSAFE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w.+-]+=[^;,]{0,128})*;base64,/i;
const BASE64 = /^[A-Za-z0-9+/_\-\s]*={0,2}\s*$/;
const SCHEME = /^([a-z][a-z0-9+.-]{1,20}):/i;
const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'data', 'gs', 's3']);
/** What a picture may be sent as: OpenRouter and Google also take documents there. */
const IMAGE_TYPES = /^(?:image\/|application\/pdf$|application\/octet-stream$)/i;

export function checkUser(user: Json | undefined): Fault | undefined {
  if (isAbsent(user)) return undefined;
  if (typeof user !== 'string') return invalid('user', 'it must be a string');
  return user.length > USER_MAX ? invalid('user', `it is longer than ${USER_MAX} characters`) : undefined;
}

export function checkMetadata(metadata: Json | undefined): Fault | undefined {
  if (isAbsent(metadata)) return undefined;
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
  const isUnfit = typeof value === 'string' && (value.length > METADATA_MAX.value || hasControls(value));
  return isUnfit ? `values must be at most ${METADATA_MAX.value} characters without line breaks` : undefined;
}

export function checkModels(models: Json | undefined): Fault | undefined {
  if (isAbsent(models)) return undefined;
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

/** Adds all names and values of a JSON tree about as a tokenizer will see them. Its depth was bounded before the parse (`too_deep`). */
export function measureJson(value: unknown, sight: Sight): void {
  if (typeof value === 'string') {
    measureText(value, sight);
    sight.textLength += 3;
  } else if (isArray(value)) {
    for (const item of value) measureJson(item, sight);
    sight.textLength += 2;
  } else if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      sight.textLength += 4;
      measureText(key, sight);
      measureJson(value[key], sight);
    }
    sight.textLength += 2;
  } else sight.textLength += 5;
}

/** Measures what is declared at `param`, and bounds it. */
export function checkSize(declared: JsonRecord, param: string, sight: Sight): Fault | undefined {
  const before = sight.textLength;
  measureJson(declared, sight);
  const isLarge = sight.textLength - before > SCHEMA_MAX;
  return isLarge ? invalid(param, `it is larger than ${SCHEMA_MAX} characters`) : undefined;
}

/** `stream`, and the options that only go with it. */
export function checkStream(body: JsonRecord): Fault | undefined {
  return (
    checkBooleans(body, 'stream') ??
    checkObject(body['stream_options'], 'stream_options', () =>
      body['stream'] === true ? undefined : invalid('stream_options', 'it only goes with `stream: true`'),
    )
  );
}

/** A text, or a list of parts; `flawOf` counts one part and says why it cannot be one. */
export function checkParts(
  content: Json,
  { param, sight }: { readonly param: string; readonly sight: Sight },
  flawOf: (part: JsonRecord, sight: Sight) => string | undefined,
): Fault | undefined {
  if (typeof content === 'string') {
    measureText(content, sight);
    return undefined;
  }
  if (!isArray(content)) return invalid(param, `it must be a string or an array of parts, not ${found(content)}`);
  for (let index = 0; index < content.length; index += 1) {
    const part = content[index];
    const reason = isRecord(part) ? flawOf(part, sight) : `it must be an object, not ${found(part)}`;
    if (reason !== undefined) return invalid(param, `part ${index}: ${reason}`);
  }
  return undefined;
}
