/** One part of a message, in both directions. A part of a request and a part of a reply have the same form. */
import { toldOf } from '../../chat/losses.ts';
import { asRecord, asString, compact, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type {
  MediaPart,
  OpaquePart,
  Part,
  ReasoningPart,
  Signature,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../chat/part.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import type { Loss } from '../../chat/request.ts';
import { argumentsObject, isMedia } from '../messages.ts';
import { get, isForeign, mediaKind, onlyValue, packThought, recordsOf, restOf, textOf, unpackThought } from './wire.ts';

/** Gives a call without an id one, and a result without an id that of the call it answers. */
export interface CallIds {
  call(name: string, id: string | undefined): string;
  result(name: string, id: string | undefined): string;
}

/** Fields of a part that have a word in `chat`. */
const PART: ReadonlySet<string> = new Set([
  'text',
  'thought',
  'thoughtSignature',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
]);
const BLOB: ReadonlySet<string> = new Set(['mimeType', 'data', 'displayName']);
const FILE: ReadonlySet<string> = new Set(['mimeType', 'fileUri', 'displayName']);
const CALL: ReadonlySet<string> = new Set(['id', 'name', 'args']);
const RESULT: ReadonlySet<string> = new Set(['id', 'name', 'response', 'parts']);
/** Names under which client libraries put a tool's one result. */
const RESULT_KEYS: ReadonlySet<string> = new Set([
  'output',
  'result',
  'response',
  'content',
  'return_value',
  'value',
  'error',
]);

/** Reads a part; undefined where it is empty (`{}`), as the image models send some. */
export function readPart(raw: JsonRecord, at: string | undefined, ids: CallIds): Part | undefined {
  const call = asRecord(get(raw, 'functionCall'));
  // A call without a name cannot be made, but must not vanish.
  if (call !== undefined) return readCall(raw, call, { at, ids }) ?? wholePart('functionCall', raw, at);
  const result = asRecord(get(raw, 'functionResponse'));
  if (result !== undefined) return readResult(raw, result, { at, ids });
  return readMedia(raw, at) ?? readText(raw, at) ?? readOpaque(raw, at);
}

interface Place {
  readonly at: string | undefined;
  readonly ids: CallIds;
}

function readCall(raw: JsonRecord, call: JsonRecord, place: Place): ToolCallPart | undefined {
  const name = asString(call['name']);
  if (name === undefined) return undefined;
  return compact({
    kind: 'tool-call' as const,
    id: place.ids.call(name, someString(call['id'])),
    name,
    arguments: typeof call['args'] === 'string' ? call['args'] : JSON.stringify(call['args'] ?? {}),
    signature: signatureOf(raw),
    at: place.at,
    extra: merged(restOf(raw, PART), within('functionCall', restOf(call, CALL))),
  });
}

function readResult(raw: JsonRecord, result: JsonRecord, place: Place): ToolResultPart {
  const name = asString(result['name']) ?? '';
  const value = asRecord(result['response']) ?? {};
  const media = recordsOf(result['parts']).map(
    (part) => readMedia(part, place.at) ?? readText(part, place.at) ?? readOpaque(part, place.at),
  );
  return compact({
    kind: 'tool-result' as const,
    callId: place.ids.result(name, someString(result['id'])),
    name,
    parts: [{ kind: 'text' as const, text: textOf(onlyValue(value, RESULT_KEYS) ?? value) }, ...media.filter(isInner)],
    isError: Object.keys(value).length === 1 && value['error'] !== undefined ? true : undefined,
    value,
    at: place.at,
    extra: merged(restOf(raw, PART), within('functionResponse', restOf(result, RESULT))),
  });
}

function isInner(part: Part | undefined): part is TextPart | MediaPart | OpaquePart {
  return (
    part !== undefined &&
    part.kind !== 'reasoning' &&
    part.kind !== 'tool-call' &&
    part.kind !== 'tool-result' &&
    part.kind !== 'refusal'
  );
}

function readMedia(raw: JsonRecord, at: string | undefined): MediaPart | undefined {
  const blob = asRecord(get(raw, 'inlineData'));
  const file = asRecord(get(raw, 'fileData'));
  const held = blob ?? file;
  if (held === undefined) return undefined;
  const mediaType = asString(get(held, 'mimeType'));
  return compact({
    kind: mediaKind(mediaType ?? ''),
    source:
      blob === undefined
        ? fileSource(held, mediaType)
        : { by: 'base64' as const, data: asString(blob['data']) ?? '', mediaType: mediaType ?? '' },
    name: asString(held['displayName'] ?? held['display_name']),
    signature: signatureOf(raw),
    at,
    extra: merged(
      restOf(raw, PART),
      blob === undefined ? within('fileData', restOf(held, FILE)) : within('inlineData', restOf(held, BLOB)),
    ),
  });
}

/** A web address can be fetched by anyone; a file of Google's (`files/…`, `gs://…`) only by Google. */
function fileSource(file: JsonRecord, mediaType: string | undefined): MediaPart['source'] {
  const uri = asString(get(file, 'fileUri')) ?? '';
  const isWeb = /^https?:\/\//i.test(uri) && !/^https:\/\/generativelanguage\.googleapis\.com\//i.test(uri);
  return isWeb
    ? compact({ by: 'url' as const, url: uri, mediaType })
    : compact({ by: 'file' as const, id: uri, mediaType });
}

function readText(raw: JsonRecord, at: string | undefined): TextPart | ReasoningPart | undefined {
  const text = asString(raw['text']);
  const isThought = raw['thought'] === true;
  const extra = restOf(raw, PART);
  const isSigned = get(raw, 'thoughtSignature') !== undefined;
  if (text === undefined && (extra !== undefined || !(isThought || isSigned))) return undefined;
  if (!isThought) return compact({ kind: 'text' as const, text: text ?? '', signature: signatureOf(raw), at, extra });
  // Google shows summaries of the thoughts, never the thoughts themselves; what another provider signed are those.
  const isSummary = isForeign(get(raw, 'thoughtSignature')) ? undefined : true;
  return compact({ kind: 'reasoning' as const, text: text ?? '', isSummary, ...proofOf(raw), at, extra });
}

function proofOf(raw: JsonRecord): { readonly signature?: Signature; readonly encrypted?: Signature } {
  const packed = asString(get(raw, 'thoughtSignature'));
  if (packed === undefined) return {};
  const { signature, isSealed } = unpackThought(packed);
  return isSealed ? { encrypted: signature } : { signature };
}

function readOpaque(raw: JsonRecord, at: string | undefined): OpaquePart | undefined {
  const value = restOf(raw);
  const name = Object.keys(value ?? {}).find(
    (key) => !PART.has(key) || isRecord(value?.[key]) || isArray(value?.[key]),
  );
  return value === undefined || name === undefined ? undefined : wholePart(name, value, at);
}

function wholePart(name: string, raw: JsonRecord, at: string | undefined): OpaquePart {
  return compact({ kind: 'opaque' as const, origin: 'gemini' as const, name, value: raw, at });
}

function signatureOf(raw: JsonRecord): Signature | undefined {
  const text = asString(get(raw, 'thoughtSignature'));
  return text === undefined ? undefined : unpackThought(text).signature;
}

function someString(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Fields of the object under a name, by their way from the part. */
function within(name: string, fields: JsonRecord | undefined): JsonRecord | undefined {
  return fields && Object.fromEntries(Object.entries(fields).map(([field, value]) => [`${name}.${field}`, value]));
}

function merged(first: JsonRecord | undefined, second: JsonRecord | undefined): JsonRecord | undefined {
  return first === undefined ? second : { ...first, ...second };
}

/** What the writing of parts depends on: where they go, and what is known of the conversation. */
export interface PartWriter {
  /** True towards Google itself: signatures of other providers are left out there, and packed for everyone else. */
  readonly isForGoogle: boolean;
  /** True where a function response may hold pictures and documents (Gemini 3 and later). */
  readonly nestsMedia: boolean;
  /** True where the values come from Gemini, whose own extra fields are written back. */
  readonly isHome: boolean;
  /** The id to write, if any: ids that we made up stay here. */
  idOf(id: string): string | undefined;
  /** The name of the tool that was called under this id. */
  nameOf(id: string): string | undefined;
  lose(loss: Loss): void;
}

/** Writes a part: none, where nothing of it can be said (the loss is named), or one, or more. */
export function writePart(part: Part, writer: PartWriter): readonly JsonRecord[] {
  if (isMedia(part)) return writeMedia(part, writer);
  switch (part.kind) {
    case 'text':
      return [{ text: part.text, ...signed(part, writer), ...own(part, writer) }];
    case 'reasoning':
      return writeReasoning(part, writer);
    case 'refusal':
      if (writer.isForGoogle) writer.lose(hint('refusal', part, 'Gemini has no refusals; it is sent as plain text.'));
      return [{ text: part.text }];
    case 'tool-call':
      return [writeCall(part, writer)];
    case 'tool-result':
      return writeResult(part, writer);
    case 'opaque':
      return part.origin === 'gemini' && isRecord(part.value) ? [part.value] : [];
  }
}

function writeReasoning(part: ReasoningPart, writer: PartWriter): readonly JsonRecord[] {
  const { encrypted } = part;
  const isReadable = encrypted !== undefined && (encrypted.origin === 'gemini' || !writer.isForGoogle);
  if (encrypted !== undefined && !isReadable) {
    writer.lose(hint('reasoning-history', part, `Only ${encrypted.origin} can read this reasoning; it is left out.`));
    if (part.text === '') return [];
  }
  const proof = isReadable ? { thoughtSignature: packThought(encrypted, true) } : signed(part, writer);
  if (part.text === '' && Object.keys(proof).length === 0 && !writer.isHome) return [];
  return [{ text: part.text, thought: true, ...proof, ...own(part, writer) }];
}

function writeCall(part: ToolCallPart, writer: PartWriter): JsonRecord {
  const { inner, outer } = parted(own(part, writer), 'functionCall');
  const functionCall = compact({
    id: writer.idOf(part.id),
    name: part.name,
    args: argumentsOf(part, writer),
    ...inner,
  });
  return { functionCall, ...signed(part, writer), ...outer };
}

/** The arguments as an object: Gemini has no other form. Text that is not one goes whole into a field of its own. */
function argumentsOf(part: ToolCallPart, writer: PartWriter): JsonRecord {
  const value = argumentsObject(part.arguments);
  if (value !== undefined) return value;
  writer.lose(hint('tool-arguments', part, 'The arguments are no JSON object; they stand as text in `arguments`.'));
  return { arguments: part.arguments };
}

function writeResult(part: ToolResultPart, writer: PartWriter): readonly JsonRecord[] {
  const media = part.parts.flatMap((inner) => (inner.kind === 'text' ? [] : writePart(inner, writer)));
  const isNested = writer.nestsMedia || writer.isHome;
  if (media.length > 0 && !isNested)
    writer.lose(
      hint('tool-result-media', part, 'This model takes media only beside a tool result, and gets them there.'),
    );
  const { inner: fields, outer } = parted(own(part, writer), 'functionResponse');
  const functionResponse = compact({
    id: writer.idOf(part.callId),
    name: nameOf(part, writer),
    response: responseOf(part),
    parts: media.length > 0 && isNested ? media : undefined,
    ...fields,
  });
  return [{ functionResponse, ...outer }, ...(isNested ? [] : media)];
}

function nameOf(part: ToolResultPart, writer: PartWriter): string {
  const name = part.name ?? writer.nameOf(part.callId);
  if (name !== undefined) return name;
  writer.lose(
    hint('tool-result-name', part, 'No call with this id came before, so its id stands for the name of the tool.'),
  );
  return part.callId;
}

function responseOf(part: ToolResultPart): JsonRecord {
  const { value } = part;
  if (value !== undefined) return part.isError === true && value['error'] === undefined ? { error: value } : value;
  const text = part.parts.map((inner) => (inner.kind === 'text' ? inner.text : '')).join('');
  return part.isError === true ? { error: text } : { output: text };
}

/** Types for files whose type is not given: by the end of their name, else the usual one of their kind. */
const TYPES: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  heic: 'image/heic',
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  html: 'text/html',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
};
const USUAL = { image: 'image/jpeg', document: 'application/pdf', audio: 'audio/mpeg', video: 'video/mp4' } as const;

function writeMedia(part: MediaPart, writer: PartWriter): readonly JsonRecord[] {
  const { source } = part;
  loseOfMedia(part, writer);
  const content = source.by === 'base64' || source.by === 'text' ? blobOf(part) : referenceOf(part, writer);
  if (content === undefined) return [];
  const displayName = writer.isHome ? part.name : undefined;
  const { inner, outer } = parted(own(part, writer), content.key);
  const named = { ...content.held, ...(displayName === undefined ? {} : { displayName }), ...inner };
  return [{ [content.key]: named, ...signed(part, writer), ...outer }];
}

interface Held {
  readonly key: 'inlineData' | 'fileData';
  readonly held: JsonRecord;
}

function loseOfMedia(part: MediaPart, writer: PartWriter): void {
  const { detail, name, transcript } = part;
  if (transcript !== undefined) writer.lose(hint('transcript', part, 'Gemini has no words beside sound.'));
  if (detail !== undefined && detail !== 'auto')
    writer.lose(hint('image-detail', part, 'Gemini decides on the detail of a picture itself.'));
  if (name !== undefined && !writer.isHome)
    writer.lose(hint('media-name', part, 'Gemini takes no names of files; the content goes without.'));
}

function blobOf(part: MediaPart): Held | undefined {
  const { source } = part;
  if (source.by === 'base64') return { key: 'inlineData', held: { mimeType: source.mediaType, data: source.data } };
  if (source.by !== 'text') return undefined;
  const data = Buffer.from(source.text, 'utf8').toString('base64');
  return { key: 'inlineData', held: { mimeType: source.mediaType ?? 'text/plain', data } };
}

/** Web addresses go out as they are: recorded requests show that Google fetches pictures, films, sound and PDF files. */
function referenceOf(part: MediaPart, writer: PartWriter): Held | undefined {
  const { source } = part;
  if (source.by !== 'url' && source.by !== 'file') return undefined;
  const fileUri = source.by === 'url' ? source.url : source.id;
  const inline = dataOf(fileUri);
  if (inline !== undefined) return { key: 'inlineData', held: inline };
  if (source.by === 'file' && !writer.isHome && !/^(?:gs|https?):\/\//.test(fileUri)) {
    const why = 'The file is kept by another provider, where Gemini cannot read it.';
    writer.lose({ code: 'file-id', field: part.at ?? 'messages', weight: 'meaning', why });
    return undefined;
  }
  const type = source.mediaType ?? (writer.isHome ? undefined : typeByName(fileUri, part.kind));
  return { key: 'fileData', held: compact({ mimeType: type, fileUri }) };
}

/** What a data URL holds. */
function dataOf(url: string): JsonRecord | undefined {
  const [, mimeType, data] = /^data:([^;,]+)(?:;[^,]*)?;base64,(.*)$/s.exec(url) ?? [];
  return mimeType === undefined || data === undefined ? undefined : { mimeType, data };
}

function typeByName(uri: string, kind: MediaPart['kind']): string {
  const ending = /\.(\w{3,4})(?:[?#]|$)/.exec(uri)?.[1]?.toLowerCase();
  const known = ending === undefined ? undefined : TYPES[ending];
  return known ?? USUAL[kind];
}

function signed(
  part: TextPart | MediaPart | ToolCallPart | ReasoningPart,
  writer: PartWriter,
): { readonly thoughtSignature?: string } {
  const { signature } = part;
  if (signature === undefined) return {};
  if (signature.origin === 'gemini' || !writer.isForGoogle) return { thoughtSignature: packThought(signature) };
  writer.lose(
    hint('signature', part, `The signature is one of ${signature.origin}, which Gemini would refuse; it is left out.`),
  );
  return {};
}

/** Gemini's own other fields; those of other protocols are lost (in requests `foreignLosses` names them). */
function own(part: Part, writer: PartWriter): JsonRecord {
  if (writer.isHome) return part.extra ?? {};
  if (!writer.isForGoogle) for (const name of Object.keys(toldOf(part) ?? {})) writer.lose(extraLoss(name));
  return {};
}

/** The fields of the object under `name` (see `within`), and those of the part itself. */
function parted(fields: JsonRecord, name: string): { readonly inner: JsonRecord; readonly outer: JsonRecord } {
  const inner: Record<string, Json | undefined> = {};
  const outer: Record<string, Json | undefined> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith(`${name}.`)) inner[field.slice(name.length + 1)] = value;
    else outer[field] = value;
  }
  return { inner, outer };
}

/** A field of another protocol beside a reply. */
export function extraLoss(name: string): Loss {
  return { code: 'unknown-field', field: name, weight: 'hint', why: 'gemini has no such field.' };
}

/** A loss that may happen unasked. Parts of a reply have no place of their own: there it is named by its kind. */
function hint(code: LossCode, part: Part, why: string): Loss {
  return { code, field: part.at ?? part.kind, weight: 'hint', why };
}
