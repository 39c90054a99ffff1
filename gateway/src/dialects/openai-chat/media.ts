/** Content parts other than text: pictures, documents, sound, video, in the forms that the providers of this wire take. */
import type { CacheMark, MediaPart, MediaSource } from '../../chat/part.ts';
import type { Loss } from '../../chat/request.ts';
import { asRecord, asString, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';

/** What a content part is, by its `type`. `other` belongs to one provider or to assistants' messages. */
export const PART_KINDS: Readonly<Record<string, MediaPart['kind'] | 'text' | 'other' | undefined>> = {
  text: 'text',
  image_url: 'image',
  input_audio: 'audio',
  audio_url: 'audio',
  file: 'document',
  // Perplexity's and Mistral's names of a document.
  file_url: 'document',
  document_url: 'document',
  video_url: 'video',
  // OpenRouter's other name of it.
  input_video: 'video',
  refusal: 'other',
  // Mistral: reasoning inside the content, and pointers into documents.
  thinking: 'other',
  reference: 'other',
  tool_reference: 'other',
};

/** Field of a part that holds its inner object, where that is not called like its type. */
const INNER_FIELDS: Readonly<Record<string, string>> = { input_video: 'video_url' };

function innerField(type: string): string {
  return INNER_FIELDS[type] ?? type;
}

/** Field of the inner object that holds data or address. */
const URL_FIELDS: Readonly<Record<string, string>> = { input_audio: 'data', file: 'file_data' };
const CARRIED: ReadonlySet<string> = new Set([
  'type',
  'text',
  'cache_control',
  'prompt_cache_breakpoint',
  'file_id',
  'document_name',
]);

/** Data or address of a media part; undefined where it has none (a file by its id). */
export function urlOf(part: JsonRecord, type: string): string | undefined {
  const inner = part[innerField(type)];
  if (!isRecord(inner)) return asString(inner);
  return asString(inner[URL_FIELDS[type] ?? 'url']);
}

/** The cache mark of a part, message or tool: Anthropic's form as OpenRouter takes it, or OpenAI's own. */
export function readCache(of: JsonRecord): CacheMark | undefined {
  const mark = of['cache_control'];
  if (isRecord(mark)) {
    const { ttl } = mark;
    return ttl === '5m' || ttl === '1h' ? { ttl } : {};
  }
  return isRecord(of['prompt_cache_breakpoint']) ? {} : undefined;
}

/** OpenRouter takes this form for every provider behind it; files of `providers/` change it for those that refuse it. */
export function writeCache(cache: CacheMark | undefined): JsonRecord {
  return cache === undefined ? {} : { cache_control: compact({ type: 'ephemeral', ttl: cache.ttl }) };
}

/** A media part of a request, or undefined where it holds neither data, address nor id. */
export function readMedia(part: JsonRecord, at: string): MediaPart | undefined {
  const type = asString(part['type']) ?? '';
  const kind = PART_KINDS[type];
  if (kind === undefined || kind === 'text' || kind === 'other') return undefined;
  const inner = asRecord(part[innerField(type)]) ?? {};
  const source = sourceOf(part, type, inner);
  if (source === undefined) return undefined;
  return compact({
    kind,
    source,
    at,
    detail: asString(inner['detail']),
    name: asString(inner['filename']) ?? asString(part['document_name']),
    cache: readCache(part),
    extra: extraOf(part, type, inner),
  });
}

function sourceOf(part: JsonRecord, type: string, inner: JsonRecord): MediaSource | undefined {
  const url = urlOf(part, type);
  if (url === undefined) {
    const id = asString(inner['file_id']) ?? asString(part['file_id']);
    return id === undefined ? undefined : { by: 'file', id };
  }
  const data = readDataUrl(url);
  if (data !== undefined) return data;
  if (/^[a-z][a-z0-9+.-]+:/i.test(url.slice(0, 24))) return { by: 'url', url };
  const format = asString(inner['format']);
  return {
    by: 'base64',
    data: url,
    mediaType: format === undefined ? sniff(url) : `audio/${format === 'mp3' ? 'mpeg' : format}`,
  };
}

/** The two parts of a base64 `data:` URL; undefined for any other text. */
export function readDataUrl(url: string): MediaSource | undefined {
  if (!/^data:/i.test(url.slice(0, 5))) return undefined;
  const comma = url.indexOf(',');
  const head = url.slice(5, comma).split(';');
  if (comma === -1 || head.at(-1)?.toLowerCase() !== 'base64') return undefined;
  const [mediaType = ''] = head;
  return {
    by: 'base64',
    data: url.slice(comma + 1),
    mediaType: mediaType === 'base64' || mediaType === '' ? sniff(url.slice(comma + 1)) : mediaType,
  };
}

/** First characters of base64 of well-known files. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['SUQz', 'audio/mpeg'],
  ['//', 'audio/mpeg'],
  ['UklGR', 'audio/wav'],
  ['T2dnU', 'audio/ogg'],
  ['ZkxhQ', 'audio/flac'],
  ['JVBERi', 'application/pdf'],
  ['UEsDB', 'application/zip'],
  ['iVBORw', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
];

/** The media type of base64 data that came without one. */
export function sniff(data: string, otherwise = 'application/octet-stream'): string {
  return BEGINNINGS.find(([start]) => data.startsWith(start))?.[1] ?? otherwise;
}

/** Fields without a word: the part's own, and those of its inner object as `image_url.x`. */
function extraOf(part: JsonRecord, type: string, inner: JsonRecord): JsonRecord | undefined {
  const extra: Record<string, Json> = {};
  const field = innerField(type);
  for (const [key, value] of Object.entries(part)) {
    if (!CARRIED.has(key) && key !== field && value !== undefined && value !== null) extra[key] = value;
  }
  const read = new Set([URL_FIELDS[type] ?? 'url', 'detail', 'filename', 'format', 'file_id']);
  for (const [key, value] of Object.entries(inner)) {
    if (!read.has(key) && value !== undefined && value !== null) extra[`${field}.${key}`] = value;
  }
  return Object.keys(extra).length === 0 ? undefined : extra;
}

/** The wire form of a media part, and what of it could not be said. */
export function writeMedia(
  part: MediaPart,
  isHome: boolean,
): { readonly value: JsonRecord | undefined; readonly losses: readonly Loss[] } {
  const [type, inner] = bodyOf(part);
  if (part.source.by === 'file' && !isHome) {
    const why = 'A file id only means something to the provider that keeps the file. Send the data.';
    return { value: undefined, losses: [{ code: 'file-id', field: part.at ?? 'messages', weight: 'meaning', why }] };
  }
  if (part.source.by === 'text') {
    const why = 'The document was written as text: this protocol takes no plain-text documents.';
    const text = part.name === undefined ? part.source.text : `${part.name}\n\n${part.source.text}`;
    const value = { type: 'text', text, ...writeCache(part.cache) };
    return { value, losses: [{ code: 'document-as-text', field: part.at ?? 'messages', weight: 'hint', why }] };
  }
  const extra = isHome ? splitExtra(part.extra, type) : { own: {}, inner: {} };
  return { value: { type, [type]: { ...inner, ...extra.inner }, ...extra.own, ...writeCache(part.cache) }, losses: [] };
}

function bodyOf(part: MediaPart): readonly [string, JsonRecord] {
  const { source } = part;
  if (part.kind === 'image') {
    if (source.by === 'file') return ['file', { file_id: source.id }];
    return ['image_url', compact({ url: addressOf(source), detail: part.detail })];
  }
  if (part.kind === 'video') return ['video_url', { url: addressOf(source) }];
  if (part.kind === 'audio' && source.by === 'base64') {
    return ['input_audio', { data: source.data, format: formatOf(source.mediaType) }];
  }
  if (part.kind === 'audio' && source.by === 'url') return ['audio_url', { url: source.url }];
  if (source.by === 'file') return ['file', compact({ file_id: source.id, filename: part.name })];
  // OpenAI refuses file data without a name.
  return ['file', { file_data: addressOf(source), filename: part.name ?? fileName(source.mediaType) }];
}

/** A name for a file that has none, by its type. */
export function fileName(mediaType: string | undefined): string {
  const ending = /^[\w.+-]+\/([\w-]+)/.exec(mediaType ?? '')?.[1];
  return ending === undefined || ending === 'octet-stream'
    ? 'document'
    : `document.${ending === 'plain' ? 'txt' : ending}`;
}

/** An address for fields that take `https:` and `data:` URLs alike. */
export function addressOf(source: MediaSource): string {
  switch (source.by) {
    case 'url':
      return source.url;
    case 'base64':
      return `data:${source.mediaType};base64,${source.data}`;
    case 'file':
      return source.id;
    case 'text':
      return `data:text/plain;base64,${Buffer.from(source.text).toString('base64')}`;
  }
}

/** OpenAI names sound by its file ending (`wav`, `mp3`). */
export function formatOf(mediaType: string): string {
  const subtype = mediaType.replace(/^.*\//, '').replace(/^x-/, '').replace(/;.*$/, '');
  return subtype === 'mpeg' || subtype === 'mpga'
    ? 'mp3'
    : subtype === 'vnd.wave' || subtype === 'wave'
      ? 'wav'
      : subtype;
}

function splitExtra(
  extra: JsonRecord | undefined,
  type: string,
): { readonly own: JsonRecord; readonly inner: JsonRecord } {
  const own: Record<string, Json> = {};
  const inner: Record<string, Json> = {};
  for (const [key, value] of Object.entries(extra ?? {})) {
    if (value === undefined) continue;
    if (key.startsWith(`${type}.`)) inner[key.slice(type.length + 1)] = value;
    else own[key] = value;
  }
  return { own, inner };
}
