/** The names under which recorded requests are found again: what is asked for, of which model, with which body. */
import { hash } from 'node:crypto';
import type { Json } from '../lib/json.ts';
import { asRecord, asString, isArray, isRecord, parseJson } from '../lib/json.ts';

/** Depth to which bodies are compared; deeper ones are not equal to anything. */
const DEPTH_MAX = 200;

/** `bare`: a model counts as the same with and without the part before its last slash. `exact`: as written. */
export type ModelSpelling = 'bare' | 'exact';

/** What was called, whatever the host and the path before it. */
export interface Called {
  /** `chat/completions`, `:generateContent`, `GET models`. */
  readonly name: string;
  /** From the path, where it stands there. */
  readonly model: string | undefined;
}

/** Operations whose path has two parts. */
const TWO_PARTS = new Set([
  'chat/completions',
  'messages/count_tokens',
  'responses/input_tokens',
  'images/generations',
  'images/edits',
  'audio/speech',
  'audio/transcriptions',
  'audio/translations',
  'agents/completions',
  'fim/completions',
]);

/** Reads method and path of a request. */
export function calledBy(method: string, path: string): Called {
  return callOfVerb(path) ?? callOfBedrock(path) ?? callOfPath(method, path);
}

/** Google's `…/models/MODEL:verb`. */
function callOfVerb(path: string): Called | undefined {
  const colon = path.lastIndexOf(':');
  const verb = path.slice(colon + 1);
  if (colon < 0 || !/^[A-Za-z]+$/.test(verb)) return undefined;
  const before = path.slice(0, colon);
  const models = before.lastIndexOf('/models/');
  const from = models < 0 ? before.lastIndexOf('/') + 1 : models + '/models/'.length;
  return { name: `:${verb}`, model: decoded(before.slice(from)) };
}

/** Bedrock's `/model/MODEL/converse` and its kin. */
function callOfBedrock(path: string): Called | undefined {
  const [, model = '', name] =
    /^.*\/model\/(.*)\/(converse|converse-stream|invoke|invoke-with-response-stream)$/.exec(path) ?? [];
  return name === undefined ? undefined : { name, model: decoded(model) };
}

function callOfPath(method: string, path: string): Called {
  const parts = path.split('/').filter((part) => part !== '');
  const models = parts.lastIndexOf('models');
  if (method === 'GET' && models >= 0 && models < parts.length - 1) {
    return { name: 'GET model', model: decoded(parts.slice(models + 1).join('/')) };
  }
  const two = parts.slice(-2).join('/');
  const name = TWO_PARTS.has(two) ? two : (parts.at(-1) ?? '');
  return { name: method === 'GET' ? `GET ${name}` : name, model: undefined };
}

const WIRE_OPERATIONS: Readonly<Record<string, string>> = {
  'openai-chat': 'chat/completions',
  'openai-responses': 'responses',
  'openai-completions': 'completions',
  'openai-embeddings': 'embeddings',
  'anthropic-messages': 'messages',
  'bedrock-converse': 'converse',
  'cohere-v2-chat': 'chat',
  'ollama-chat': 'chat',
};

/** The call's name for responses that were recorded without their request. */
export function operationOfWire(wire: string, operation: string): string {
  const isStream = operation.endsWith('-stream');
  if (wire === 'gemini-generate') return isStream ? ':streamGenerateContent' : ':generateContent';
  if (wire === 'bedrock-converse' && isStream) return 'converse-stream';
  return WIRE_OPERATIONS[wire] ?? wire;
}

/** The path of a recorded URL, without query and fragment. */
export function pathOf(url: string): string {
  const afterHost = url.replace(/^[a-z]+:\/\/[^/]*/i, '');
  return afterHost.split(/[?#]/)[0] ?? '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A request's body as the recordings write bodies: JSON, or `{$text}`. */
export function readBody(bytes: Buffer): Json {
  if (bytes.length === 0) return null;
  const text = bytes.toString('utf8');
  return parseJson(text) ?? { $text: text };
}

/** The model that a body names: a field, or a part of a form. */
export function modelOf(body: Json): string | undefined {
  const record = asRecord(body);
  const form = asString(record?.['$text']) ?? asString(record?.['$multipart_text']);
  return asString(record?.['model']) ?? /name="model"\r?\n\r?\n([^\r\n]+)/.exec(form?.slice(0, 1_000_000) ?? '')?.[1];
}

/** Whether the body asks for a stream. */
export function isStreamed(body: Json): boolean {
  return asRecord(body)?.['stream'] === true;
}

function bareModel(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1);
}

/** Equal for requests that ask the same model for the same kind of thing. */
export function alikeKey(of: { readonly name: string; readonly model: string; readonly isStreaming: boolean }): string {
  return `${of.name}|${of.isStreaming}|${bareModel(of.model)}`;
}

/** Fields that a gateway may add or leave out without changing what is asked. */
const IGNORED = new Set(['stream_options']);

/** Equal for equal requests: the operation, the model, and the body without what does not matter. Undefined where bodies cannot be compared. */
export function equalKey(of: {
  readonly called: Called;
  readonly body: Json;
  readonly models: ModelSpelling;
}): string | undefined {
  const named = (model: string): string => (of.models === 'exact' ? model : bareModel(model));
  let body = of.body;
  if (isRecord(body)) {
    if ('$multipart_text' in body || '$multipart_base64' in body || '$base64' in body) return undefined;
    const { stream, ...rest } = body;
    const kept = Object.entries(rest).filter(([key]) => !IGNORED.has(key));
    const model = asString(rest['model']);
    body = {
      ...Object.fromEntries(kept),
      ...(stream === true ? { stream } : {}),
      ...(model === undefined ? {} : { model: named(model) }),
    };
  }
  const text = canonical(body, 0);
  return text === undefined ? undefined : hash('sha256', `${of.called.name}|${named(of.called.model ?? '')}|${text}`);
}

/** JSON with the keys of every object in order; undefined for what is nested too deep. */
function canonical(value: Json | undefined, depth: number): string | undefined {
  if (depth > DEPTH_MAX) return undefined;
  if (isArray(value)) {
    const items = value.map((item) => canonical(item, depth + 1));
    return items.includes(undefined) ? undefined : `[${items.join(',')}]`;
  }
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  const parts: string[] = [];
  for (const key of Object.keys(value).toSorted()) {
    const item = canonical(value[key], depth + 1);
    if (item === undefined) return undefined;
    parts.push(`${JSON.stringify(key)}:${item}`);
  }
  return `{${parts.join(',')}}`;
}
