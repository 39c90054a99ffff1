/**
 * Gemini's JSON as it really comes. Google's servers read protocol-buffer JSON: every name in camelCase or snake_case,
 * enums by name or number, one message where a list is meant, and null for "not given". So do we; we write camelCase only.
 */
import { asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { MediaPart, Signature } from '../../chat/part.ts';
import { packSignature, unpackSignature } from '../../chat/signature.ts';

/** Names with a second spelling, and that spelling. */
const SNAKE = {
  allowedFunctionNames: 'allowed_function_names',
  cachedContent: 'cached_content',
  candidateCount: 'candidate_count',
  codeExecutionResult: 'code_execution_result',
  executableCode: 'executable_code',
  fileData: 'file_data',
  fileUri: 'file_uri',
  frequencyPenalty: 'frequency_penalty',
  functionCall: 'function_call',
  functionCallingConfig: 'function_calling_config',
  functionDeclarations: 'function_declarations',
  functionResponse: 'function_response',
  generateContentRequest: 'generate_content_request',
  generationConfig: 'generation_config',
  includeThoughts: 'include_thoughts',
  inlineData: 'inline_data',
  maxOutputTokens: 'max_output_tokens',
  mimeType: 'mime_type',
  parametersJsonSchema: 'parameters_json_schema',
  presencePenalty: 'presence_penalty',
  responseJsonSchema: 'response_json_schema',
  responseLogprobs: 'response_logprobs',
  responseMimeType: 'response_mime_type',
  responseModalities: 'response_modalities',
  responseSchema: 'response_schema',
  safetySettings: 'safety_settings',
  stopSequences: 'stop_sequences',
  systemInstruction: 'system_instruction',
  thinkingBudget: 'thinking_budget',
  thinkingConfig: 'thinking_config',
  thinkingLevel: 'thinking_level',
  thoughtSignature: 'thought_signature',
  toolConfig: 'tool_config',
  topK: 'top_k',
  topP: 'top_p',
} as const;

type Named = keyof typeof SNAKE;

/** A field by its camelCase name, in either spelling; null counts as absent, as it does for Google. */
export function get(record: JsonRecord, name: Named): Json | undefined {
  return record[name] ?? record[SNAKE[name]] ?? undefined;
}

/** The name under which `record` itself has the field: its snake_case name where it uses that, else the camelCase one. */
export function spelling(record: JsonRecord, name: Named): string {
  return record[name] === undefined && record[SNAKE[name]] !== undefined ? SNAKE[name] : name;
}

/** A repeated field: a list, one item where a list is meant, or nothing. */
export function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return isArray(value) ? value : [value];
}

/** The objects in a repeated field. */
export function recordsOf(value: Json | undefined): readonly JsonRecord[] {
  return listOf(value).filter(isRecord);
}

export function camel(name: string): string {
  return name.replace(/(?!^)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Fields whose names inside are the caller's own, and stay as they are. */
const FREE: ReadonlySet<string> = new Set([
  'args',
  'customMetadata',
  'labels',
  'parameters',
  'parametersJsonSchema',
  'partMetadata',
  'response',
  'responseJsonSchema',
  'responseSchema',
]);
/** No message of Google nests deeper outside the fields above. */
const NAMES_DEPTH_MAX = 8;

/** A copy with every name in camelCase and without nulls. */
export function camelKeys(value: Json, depth: number = NAMES_DEPTH_MAX): Json {
  if (depth === 0) return value;
  if (isArray(value)) return value.map((item) => camelKeys(item, depth));
  return isRecord(value) ? (restOf(value, NONE, depth) ?? {}) : value;
}

const NONE: ReadonlySet<string> = new Set();

/** `record` in camelCase without nulls and without the fields of `names` (camelCase); undefined where nothing is left. */
export function restOf(
  record: JsonRecord,
  names: ReadonlySet<string> = NONE,
  depth: number = NAMES_DEPTH_MAX,
): JsonRecord | undefined {
  let rest: Record<string, Json> | undefined;
  for (const key of Object.keys(record)) {
    if (names.has(key)) continue;
    const item = record[key];
    const name = camel(key);
    if (item === undefined || item === null || names.has(name)) continue;
    rest ??= {};
    rest[name] = FREE.has(name) ? item : camelKeys(item, depth - 1);
  }
  return rest;
}

/** A number, also where it came as decimal text: protocol-buffer JSON writes 64-bit integers so. */
export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && /^-?\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : undefined;
}

/** An integer, also as decimal text. */
export function integerOf(value: Json | undefined): number | undefined {
  const number = numberOf(value);
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** Finish reasons by number, as `enum-encoding=int` sends them; above 5 the two Google APIs number differently. */
const FINISHES = ['FINISH_REASON_UNSPECIFIED', 'STOP', 'MAX_TOKENS', 'SAFETY', 'RECITATION', 'OTHER'];
const MODALITIES = ['MODALITY_UNSPECIFIED', 'TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'DOCUMENT'];

function enumName(names: readonly string[], value: Json | undefined): string | undefined {
  if (typeof value === 'number') return names[value] ?? String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function finishName(value: Json | undefined): string | undefined {
  return enumName(FINISHES, value);
}

export function modalityName(value: Json | undefined): string | undefined {
  return enumName(MODALITIES, value);
}

/** Which kind of part a media type is; anything that is not picture, sound or film is a document. */
export function mediaKind(mediaType: string): MediaPart['kind'] {
  const [family] = mediaType.split('/', 1);
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'document';
}

/** `turnout` in base64: the first letters of every foreign signature that we put into a `thoughtSignature`. */
const FOREIGN_START = 'dHVybm91d';
/** Begins reasoning that only its provider can read, so that it comes back as that and not as a signature. */
const SEALED = 'turnout-sealed:';

/** True for a signature of another provider, packed by `packThought`. */
export function isForeign(signature: Json | undefined): boolean {
  return typeof signature === 'string' && signature.startsWith(FOREIGN_START);
}

/** Text for `thoughtSignature`. Its type is bytes, and the Go and Python clients decode it: a foreign one must be base64 too. */
export function packThought(signature: Signature, isSealed: boolean = false): string {
  if (signature.origin === 'gemini' && !isSealed) return signature.value;
  return Buffer.from((isSealed ? SEALED : '') + packSignature(signature, 'gemini'), 'utf8').toString('base64');
}

/** Reads what `packThought` wrote, in either base64 alphabet (Python sends back the URL-safe one); any other text is Gemini's own. */
export function unpackThought(text: string): { readonly signature: Signature; readonly isSealed: boolean } {
  if (!isForeign(text)) return { signature: { origin: 'gemini', value: text }, isSealed: false };
  const plain = Buffer.from(text, 'base64').toString('utf8');
  if (plain.startsWith(SEALED))
    return { signature: unpackSignature(plain.slice(SEALED.length), 'gemini'), isSealed: true };
  const signature = unpackSignature(plain, 'gemini');
  // Bytes that only look like ours are Google's: they go back as they came.
  return { signature: signature.origin === 'gemini' ? { origin: 'gemini', value: text } : signature, isSealed: false };
}

/** The text of a value that other protocols want as text: text as it is, anything else as JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The only value of an object with one key out of `names`, so that `{"output": "12°C"}` becomes `12°C`. */
export function onlyValue(record: JsonRecord, names: ReadonlySet<string>): Json | undefined {
  const [key, ...others] = Object.keys(record);
  return key !== undefined && others.length === 0 && names.has(key) ? record[key] : undefined;
}

/** The request inside a body: countTokens may wrap one into `generateContentRequest`. */
export function requestOf(body: JsonRecord): JsonRecord {
  return asRecord(get(body, 'generateContentRequest')) ?? body;
}
