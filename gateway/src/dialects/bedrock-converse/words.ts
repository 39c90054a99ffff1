/** Words of Converse that several files of this dialect share. */
import type { CacheMark, MediaPart, Origin, Signature } from '../../chat/part.ts';
import type { Finish, FinishReason } from '../../chat/reply.ts';
import { packSignature, unpackSignature } from '../../chat/signature.ts';
import { asString, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { fittedId } from '../fitted-id.ts';

export const HOME: Origin = 'bedrock-converse';

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
};

const RAW: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
  refusal: 'content_filtered',
  pause: 'end_turn',
  error: 'end_turn',
  other: 'end_turn',
};

export function decodeFinish(reason: Json | undefined): Finish {
  const raw = asString(reason);
  if (raw === undefined) return { reason: 'other' };
  return { reason: Object.hasOwn(REASONS, raw) ? (REASONS[raw] ?? 'other') : 'other', raw };
}

/** The stop reason of a reply. An agent goes on only after `tool_use`, and OpenAI says `stop` after a call it was forced to make. */
export function encodeFinish(finish: Finish, hasToolCall: boolean): string {
  const { raw, reason, stopSequence } = finish;
  if (raw !== undefined && Object.hasOwn(REASONS, raw) && REASONS[raw] === reason) return raw;
  if (reason === 'stop' && hasToolCall) return 'tool_use';
  return reason === 'stop' && stopSequence !== undefined ? 'stop_sequence' : RAW[reason];
}

/** Formats of files by their media type, the usual type of each first. */
const FORMATS: Readonly<Record<MediaPart['kind'], readonly (readonly [type: string, format: string])[]>> = {
  image: [
    ['image/png', 'png'],
    ['image/jpeg', 'jpeg'],
    ['image/gif', 'gif'],
    ['image/webp', 'webp'],
    ['image/jpg', 'jpeg'],
  ],
  document: [
    ['application/pdf', 'pdf'],
    ['text/csv', 'csv'],
    ['application/msword', 'doc'],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
    ['application/vnd.ms-excel', 'xls'],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
    ['text/html', 'html'],
    ['text/plain', 'txt'],
    ['text/markdown', 'md'],
    ['text/x-markdown', 'md'],
  ],
  audio: [
    ['audio/mpeg', 'mp3'],
    ['audio/wav', 'wav'],
    ['audio/opus', 'opus'],
    ['audio/aac', 'aac'],
    ['audio/flac', 'flac'],
    ['audio/ogg', 'ogg'],
    ['audio/mp4', 'm4a'],
    ['audio/webm', 'webm'],
    ['audio/mp3', 'mp3'],
    ['audio/x-wav', 'wav'],
  ],
  video: [
    ['video/mp4', 'mp4'],
    ['video/quicktime', 'mov'],
    ['video/webm', 'webm'],
    ['video/x-matroska', 'mkv'],
    ['video/x-flv', 'flv'],
    ['video/mpeg', 'mpeg'],
    ['video/x-ms-wmv', 'wmv'],
    ['video/3gpp', 'three_gp'],
  ],
};

/** The media type of bytes that came without a format. */
export const NO_TYPE = 'application/octet-stream';

/** The media type of a format; an unknown format stands behind the kind's name, so that it comes back. */
export function typeOfFormat(kind: MediaPart['kind'], format: string): string {
  return FORMATS[kind].find(([, known]) => known === format)?.[0] ?? `${kindOfType(kind)}/${format}`;
}

/** The format of a media type; undefined where the service has none. */
export function formatOfType(kind: MediaPart['kind'], mediaType: string): string | undefined {
  const [type = ''] = mediaType.split(';', 1);
  return FORMATS[kind].find(([known]) => known === type.trim().toLowerCase())?.[1];
}

function kindOfType(kind: MediaPart['kind']): string {
  return kind === 'document' ? 'application' : kind;
}

/** A cache point that we can say in our words; undefined where it says more. */
export function decodeCache(value: Json | undefined): CacheMark | undefined {
  if (!isRecord(value) || value['type'] !== 'default') return undefined;
  const { type: _, ttl, ...rest } = value;
  if (Object.keys(rest).length > 0) return undefined;
  if (ttl === undefined) return {};
  return ttl === '5m' || ttl === '1h' ? { ttl } : undefined;
}

export function cachePoint(cache: CacheMark): JsonRecord {
  return { cachePoint: { type: 'default', ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) } };
}

/** A signature field; the empty one stands for none. */
export function decodeSignature(value: Json | undefined): Signature | undefined {
  return typeof value === 'string' && value !== '' ? unpackSignature(value, HOME) : undefined;
}

export function encodeSignature(signature: Signature): string {
  return packSignature(signature, HOME);
}

/** Reasoning that only its maker reads. The field is base64, so one of another provider is packed and then encoded. */
export function decodeRedacted(text: string): Signature {
  const foreign = unpackSignature(Buffer.from(text, 'base64').toString('utf8'), HOME);
  return foreign.origin === HOME ? { origin: HOME, value: text } : foreign;
}

export function encodeRedacted(signature: Signature): string {
  if (signature.origin === HOME) return signature.value;
  return Buffer.from(packSignature(signature, HOME), 'utf8').toString('base64');
}

/** The service's limit on ids. */
const CALL_ID_MAX = 64;

/** An id in the form that the service takes. */
export function callId(id: string): string {
  return fittedId(id, /[^a-zA-Z0-9_.:-]+/g, CALL_ID_MAX);
}
