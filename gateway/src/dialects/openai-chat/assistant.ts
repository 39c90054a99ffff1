/**
 * An assistant's message, read and written: the same in a reply and in the history that comes back with the next request.
 *
 * Signatures. A reasoning block travels as an entry of `reasoning_details` (OpenRouter's form): its `format` names whose
 * signature it is, so that Anthropic's and Gemini's stand there bare and OpenRouter understands them; those of other
 * protocols are packed. Gemini signs tool calls: that stands in `extra_content.google.thought_signature` (Google's own
 * form on this wire) and, for clients that keep only `reasoning_details`, in an entry with the call's id.
 */
import type { Citation, MediaPart, Origin, Part, ReasoningPart, Signature, ToolCallPart } from '../../chat/part.ts';
import type { Loss } from '../../chat/request.ts';
import { packSignature, unpackSignature } from '../../chat/signature.ts';
import { asArray, asCount, asRecord, asString, compact, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { addressOf, readCache, readDataUrl, sniff, writeCache } from './media.ts';

export const HOME = 'openai-chat' as const satisfies Origin;

const FORMAT_OF: Readonly<Partial<Record<Origin, string>>> = {
  'anthropic-messages': 'anthropic-claude-v1',
  gemini: 'google-gemini-v1',
};
const ORIGIN_OF: Readonly<Record<string, Origin | undefined>> = {
  'anthropic-claude-v1': 'anthropic-messages',
  'google-gemini-v1': 'gemini',
};

/** Fields of a message that become parts, or say nothing. */
const READ: ReadonlySet<string> = new Set([
  'role',
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'tool_calls',
  'function_call',
  'annotations',
  'audio',
  'images',
  'extra_content',
  'thought_signature',
  'cache_control',
  'prompt_cache_breakpoint',
  // Mistral's streams number the delta too.
  'index',
]);

export interface AssistantMessage {
  readonly parts: readonly Part[];
  /** Fields without a word here. */
  readonly extra: JsonRecord | undefined;
}

/** Reads an assistant's message. `at` is where it stands in the caller's body; absent in replies. */
export function readAssistant(message: JsonRecord, at?: string): AssistantMessage {
  const calls = readCalls(message, at);
  const content = readContent(message, at);
  const reasoning = readReasoning(message, at, calls);
  const parts = [
    ...reasoning,
    ...content,
    ...readRefusal(message, at),
    ...readAudio(message, at),
    ...readImages(message, at),
    ...calls,
  ];
  return { parts: signParts(parts, message), extra: restOf(message, READ) };
}

/** The fields of `record` that `read` does not name and that say something: null, '' and [] do not. */
export function restOf(record: JsonRecord, read: ReadonlySet<string>): JsonRecord | undefined {
  const rest: Record<string, Json> = {};
  for (const [key, value] of Object.entries(record)) {
    if (!read.has(key) && saysSomething(value)) rest[key] = value;
  }
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** False for null, empty text, empty lists, and objects that hold nothing else (Writer's `graph_data`). */
export function saysSomething(value: Json | undefined): value is Json {
  if (value === undefined || value === null || value === '') return false;
  if (isArray(value)) return value.length > 0;
  return !isRecord(value) || Object.values(value).some(saysSomething);
}

function place(at: string | undefined, field: string): { readonly at?: string } {
  return at === undefined ? {} : { at: `${at}.${field}` };
}

function readContent(message: JsonRecord, at: string | undefined): readonly Part[] {
  const { content } = message;
  if (typeof content === 'string') {
    const cache = readCache(message);
    // Text that is empty is left out: other protocols refuse empty blocks.
    if (content === '') return [];
    return [compact({ kind: 'text' as const, text: content, ...place(at, 'content'), cache })];
  }
  if (!isArray(content)) return [];
  return content.flatMap((part, index) => readContentPart(part, at === undefined ? {} : { at: `${at}.content[${index}]` }));
}

const TEXT_READ: ReadonlySet<string> = new Set(['type', 'text', 'cache_control', 'prompt_cache_breakpoint']);

/** One part of a content list of an assistant: text, a refusal, Mistral's thinking, or what only its provider knows. */
export function readContentPart(part: Json, where: { readonly at?: string }): readonly Part[] {
  if (typeof part === 'string') return [{ kind: 'text', text: part, ...where }];
  if (!isRecord(part)) return [];
  const type = asString(part['type']) ?? 'text';
  if (type === 'text') {
    const text = asString(part['text']);
    if (text === undefined || text === '') return [];
    return [compact({ kind: 'text' as const, text, ...where, cache: readCache(part), extra: restOf(part, TEXT_READ) })];
  }
  if (type === 'refusal') return [{ kind: 'refusal', text: asString(part['refusal']) ?? '', ...where }];
  if (type === 'thinking') return readThinking(part, where);
  return [{ kind: 'opaque', origin: HOME, name: type, value: part, ...where }];
}

/** Mistral: `{type: 'thinking', thinking: [{type: 'text', text}], closed}`. */
function readThinking(part: JsonRecord, where: { readonly at?: string }): readonly Part[] {
  const { thinking } = part;
  const text =
    typeof thinking === 'string'
      ? thinking
      : (asArray(thinking) ?? []).map((piece) => (isRecord(piece) ? (asString(piece['text']) ?? '') : '')).join('');
  const signature = asString(part['signature']);
  if (text === '' && signature === undefined) return [];
  const signed = signature === undefined ? {} : { signature: unpackSignature(signature, HOME) };
  return [{ kind: 'reasoning', text, ...where, ...signed }];
}

function readRefusal(message: JsonRecord, at: string | undefined): readonly Part[] {
  const text = asString(message['refusal']);
  return text === undefined || text === '' ? [] : [{ kind: 'refusal', text, ...place(at, 'refusal') }];
}

function readAudio(message: JsonRecord, at: string | undefined): readonly MediaPart[] {
  const audio = asRecord(message['audio']);
  if (audio === undefined || !saysSomething({ ...audio, expires_at: null })) return [];
  const id = asString(audio['id']);
  const data = asString(audio['data']);
  const transcript = asString(audio['transcript']);
  const source =
    data === undefined && id !== undefined
      ? ({ by: 'file', id } as const)
      : ({ by: 'base64', data: data ?? '', mediaType: sniff(data ?? '', 'audio/pcm') } as const);
  const extra = restOf(audio, new Set(['id', 'data', 'transcript']));
  return [compact({ kind: 'audio' as const, source, name: id, transcript, extra, ...place(at, 'audio') })];
}

/** OpenRouter: pictures that the model drew. */
function readImages(message: JsonRecord, at: string | undefined): readonly MediaPart[] {
  return (asArray(message['images']) ?? []).flatMap((image, index) => {
    const url = isRecord(image) ? asString(asRecord(image['image_url'])?.['url']) : undefined;
    return url === undefined ? [] : [imagePart(url, place(at, `images[${index}]`))];
  });
}

/** A picture by its address or data. */
export function imagePart(url: string, where: { readonly at?: string } = {}): MediaPart {
  return { kind: 'image', source: readDataUrl(url) ?? { by: 'url', url }, ...where };
}

const CALL_READ: ReadonlySet<string> = new Set([
  'id',
  'type',
  'index',
  'function',
  'custom',
  'extra_content',
  'cache_control',
  'prompt_cache_breakpoint',
]);

type Call = ToolCallPart | Extract<Part, { kind: 'opaque' }>;

function readCalls(message: JsonRecord, at: string | undefined): readonly Call[] {
  const calls = (asArray(message['tool_calls']) ?? []).flatMap((call, index) =>
    isRecord(call) ? readCall(call, { index, ...place(at, `tool_calls[${index}]`) }) : [],
  );
  const legacy = asRecord(message['function_call']);
  const name = asString(legacy?.['name']) ?? '';
  if (legacy === undefined || name === '') return calls;
  const text = argumentsText(legacy['arguments']) ?? '';
  return [...calls, { kind: 'tool-call', id: legacyCallId(name, at), name, arguments: text, ...place(at, 'function_call') }];
}

/** The old form had no ids: one is made of the message's place, or of the function's name in a reply. */
export function legacyCallId(name: string, at: string | undefined): string {
  return `call_${at === undefined ? '' : `${/\d+/.exec(at)?.[0] ?? ''}_`}${name}`;
}

/** Arguments are JSON text; some servers send the object itself. */
export function argumentsText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return isRecord(value) || isArray(value) ? JSON.stringify(value) : undefined;
}

function readCall(call: JsonRecord, where: { readonly index: number; readonly at?: string }): readonly Call[] {
  const { index, ...at } = where;
  const custom = asRecord(call['custom']);
  if (call['type'] === 'custom' && custom !== undefined) {
    return [{ kind: 'opaque', origin: HOME, name: 'custom_tool_call', value: call, ...at }];
  }
  const named = asRecord(call['function']) ?? {};
  const name = asString(named['name']) ?? '';
  if (name === '') return [];
  const id = asString(call['id']);
  const signature = googleSignature(call);
  return [
    compact({
      kind: 'tool-call' as const,
      // Google's endpoint leaves the id empty, Writer's clients leave it out.
      id: id === undefined || id === '' ? `call_${index}_${name}` : id,
      name,
      arguments: argumentsText(named['arguments']) ?? '',
      ...at,
      signature,
      cache: readCache(call),
      extra: restOf(call, CALL_READ),
    }),
  ];
}

/** Google's place for a thought signature, on a tool call, message or delta. */
export function googleSignature(of: JsonRecord): Signature | undefined {
  const google = asRecord(asRecord(of['extra_content'])?.['google']);
  const text = asString(google?.['thought_signature']);
  return text === undefined || text === '' ? undefined : unpackSignature(text, 'gemini');
}

/** What the two ways of showing reasoning say: `reasoning_details` where it has the text, else the plain field. */
function readReasoning(message: JsonRecord, at: string | undefined, calls: readonly Call[]): readonly Part[] {
  const plain = [message['reasoning_content'], message['reasoning']].find((text) => typeof text === 'string' && text !== '');
  const details = readDetails(asArray(message['reasoning_details']) ?? [], at);
  const ids = new Set(calls.map((call) => (call.kind === 'tool-call' ? call.id : '')));
  // An entry with the id of a call is that call's signature (see `signParts`).
  const own = details.filter((part) => !isCallSignature(part, ids));
  if (typeof plain !== 'string' || own.some((part) => part.kind === 'reasoning' && part.text !== '')) return own;
  const signed = own.findIndex((part) => part.kind === 'reasoning' && part.signature !== undefined);
  const found = own[signed];
  if (found?.kind === 'reasoning') return own.toSpliced(signed, 1, { ...found, text: plain });
  return [{ kind: 'reasoning', text: plain, ...place(at, 'reasoning_content') }, ...own];
}

function isCallSignature(part: Part, ids: ReadonlySet<string>): boolean {
  const id = part.extra?.['id'];
  return part.kind === 'reasoning' && part.encrypted?.origin === 'gemini' && typeof id === 'string' && ids.has(id);
}

/** Entries of `reasoning_details`; pieces of one block, as a stream sends them, are put together. */
export function readDetails(list: readonly Json[], at: string | undefined): readonly Part[] {
  const parts: Part[] = [];
  let open: { readonly index: Json | undefined; readonly type: string } | undefined;
  for (const [position, entry] of list.entries()) {
    if (!isRecord(entry)) continue;
    const part = readDetail(entry, place(at, `reasoning_details[${position}]`));
    const type = asString(entry['type']) ?? '';
    const last = parts.at(-1);
    const isNext = open?.index === entry['index'] && open?.type === type && type !== 'reasoning.encrypted';
    if (isNext && last?.kind === 'reasoning' && part.kind === 'reasoning' && last.signature === undefined) {
      parts[parts.length - 1] = { ...last, ...part, text: last.text + part.text };
    } else parts.push(part);
    open = { index: entry['index'], type };
  }
  return parts;
}

function readDetail(entry: JsonRecord, where: { readonly at?: string }): Part {
  const type = asString(entry['type']) ?? '';
  const origin = ORIGIN_OF[asString(entry['format']) ?? ''];
  // Whose form is known needs no more than its signature; of all others nothing may be lost.
  const extra = origin === undefined ? restOf(entry, DETAIL_READ) : restOf(entry, DETAIL_KNOWN);
  const base = compact({ kind: 'reasoning' as const, ...where, extra });
  if (type === 'reasoning.encrypted') return { ...base, text: '', encrypted: readSignature(entry['data'], origin) };
  if (type === 'reasoning.summary') return { ...base, text: asString(entry['summary']) ?? '', isSummary: true };
  if (type !== 'reasoning.text') return { kind: 'opaque', origin: HOME, name: type, value: entry, ...where };
  const signature = asString(entry['signature']);
  const signed = signature === undefined || signature === '' ? {} : { signature: readSignature(signature, origin) };
  return { ...base, text: asString(entry['text']) ?? '', ...signed };
}

const DETAIL_READ: ReadonlySet<string> = new Set(['type', 'text', 'summary', 'data', 'signature']);
const DETAIL_KNOWN: ReadonlySet<string> = new Set([...DETAIL_READ, 'format', 'index']);

/** A signature out of an entry of the given format's origin. */
function readSignature(value: Json | undefined, origin: Origin | undefined): Signature {
  return unpackSignature(asString(value) ?? '', origin ?? HOME);
}

/** Adds annotations to the text, and Google's signatures to what they sign. */
function signParts(parts: readonly Part[], message: JsonRecord): readonly Part[] {
  const citations = readAnnotations(message['annotations']);
  const byCall = callSignatures(message);
  const own = googleSignature(message);
  const lastText = parts.findLastIndex((part) => part.kind === 'text');
  // Google signs the first call of a message, or its text where there is none.
  const firstCall = parts.findIndex((part) => part.kind === 'tool-call');
  const signed = own === undefined ? -1 : firstCall === -1 ? lastText : firstCall;
  return parts.map((part, index) => {
    if (part.kind === 'tool-call') {
      const signature = part.signature ?? byCall.get(part.id) ?? (index === signed ? own : undefined);
      return signature === undefined ? part : { ...part, signature };
    }
    if (part.kind !== 'text' || index !== lastText) return part;
    const cited = citations.length === 0 ? part : { ...part, citations };
    return index === signed && own !== undefined ? { ...cited, signature: own } : cited;
  });
}

function callSignatures(message: JsonRecord): ReadonlyMap<string, Signature> {
  const found = new Map<string, Signature>();
  for (const entry of asArray(message['reasoning_details']) ?? []) {
    if (!isRecord(entry) || entry['format'] !== 'google-gemini-v1') continue;
    const id = asString(entry['id']);
    const data = asString(entry['data']);
    if (id !== undefined && data !== undefined) found.set(id, unpackSignature(data, 'gemini'));
  }
  return found;
}

/** `annotations` as citations; whole, whatever their type. */
export function readAnnotations(annotations: Json | undefined): readonly Citation[] {
  return (asArray(annotations) ?? []).flatMap((raw) => (isRecord(raw) ? [readCitation(raw)] : []));
}

function readCitation(raw: JsonRecord): Citation {
  const cited = asRecord(raw['url_citation']) ?? raw;
  const start = asCount(cited['start_index']);
  const end = asCount(cited['end_index']);
  // OpenRouter writes 0 to 0 where it does not know.
  const isPlaced = start !== undefined && end !== undefined && end > start;
  return compact({
    url: asString(cited['url']),
    title: asString(cited['title']),
    citedText: asString(cited['content']) ?? asString(cited['snippet']),
    start: isPlaced ? start : undefined,
    end: isPlaced ? end : undefined,
    raw,
    origin: HOME,
  });
}

export interface WriteContext {
  /** True for the history of a request: only what a provider takes back is written. */
  readonly isRequest: boolean;
  readonly lose: (loss: Loss) => void;
}

/** The fields of an assistant's message, without its role. */
export function writeAssistant(parts: readonly Part[], context: WriteContext): JsonRecord {
  const calls = parts.filter((part) => part.kind === 'tool-call' || isCustomCall(part));
  const refusals = parts.flatMap((part) => (part.kind === 'refusal' ? [part.text] : []));
  const hasOther = calls.length > 0 || refusals.length > 0 || parts.some((part) => part.kind === 'audio');
  for (const part of parts) loseUnsayable(part, context);
  return compact({
    content: writeContent(parts, context.isRequest) ?? (hasOther ? null : ''),
    refusal: refusals.length > 0 ? refusals.join('') : context.isRequest ? undefined : null,
    ...writeReasoning(parts, context),
    ...writeMediaFields(parts, context),
    tool_calls: calls.length === 0 ? undefined : calls.map((call) => writeCall(call)),
    annotations: orAbsent(writeAnnotations(parts, context)),
    ...writeTextSignature(parts),
  });
}

function orAbsent<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function isCustomCall(part: Part): boolean {
  return part.kind === 'opaque' && part.origin === HOME && part.name === 'custom_tool_call';
}

/** Text as one string; as a list where a request has to mark or keep single parts. */
function writeContent(parts: readonly Part[], isRequest: boolean): Json | undefined {
  const kept = parts.filter((part) => part.kind === 'text' || isContentOpaque(part));
  if (kept.length === 0) return undefined;
  const isPlain = kept.every((part) => part.kind === 'text' && part.cache === undefined && part.extra === undefined);
  if (!isRequest && kept.every((part) => part.kind === 'text')) return joinText(kept);
  if (isRequest && isPlain && kept.length === 1) return joinText(kept);
  return kept.map((part) =>
    part.kind === 'text' ? { type: 'text', text: part.text, ...part.extra, ...writeCache(part.cache) } : opaqueValue(part),
  );
}

function joinText(parts: readonly Part[]): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

function isContentOpaque(part: Part): boolean {
  return part.kind === 'opaque' && part.origin === HOME && !isCustomCall(part) && !part.name.startsWith('reasoning.');
}

function opaqueValue(part: Part): Json {
  return part.kind === 'opaque' ? part.value : null;
}

function writeReasoning(parts: readonly Part[], context: WriteContext): JsonRecord {
  const reasoning = parts.filter((part) => part.kind === 'reasoning');
  const text = reasoning.map((part) => part.text).join('');
  const details = writeDetails(parts, context);
  return compact({ reasoning_content: text === '' ? undefined : text, reasoning_details: orAbsent(details) });
}

/** Entries are only needed where something stands in them that the plain text cannot say. */
function writeDetails(parts: readonly Part[], context: WriteContext): readonly JsonRecord[] {
  const needed = parts.some(
    (part) =>
      (part.kind === 'reasoning' && (part.signature ?? part.encrypted ?? part.isSummary ?? part.extra) !== undefined) ||
      (part.kind === 'tool-call' && part.signature !== undefined) ||
      (part.kind === 'opaque' && part.origin === HOME && part.name.startsWith('reasoning.')),
  );
  if (!needed) return [];
  const entries: JsonRecord[] = [];
  for (const part of parts) {
    const index = entries.length;
    if (part.kind === 'reasoning') entries.push(...reasoningEntries(part, index, context));
    else if (part.kind === 'tool-call' && part.signature !== undefined) {
      entries.push(encryptedEntry(part.signature, { id: part.id, index }));
    } else if (part.kind === 'opaque' && part.origin === HOME && part.name.startsWith('reasoning.')) {
      entries.push(asRecord(part.value) ?? {});
    }
  }
  return entries;
}

/** The entries of one reasoning part: its text or summary, and what only its provider can read. */
export function reasoningEntries(part: ReasoningPart, index: number, context: WriteContext): readonly JsonRecord[] {
  const entries: JsonRecord[] = [];
  if (part.text !== '' || part.encrypted === undefined) {
    const isReadable = part.signature !== undefined && mayWrite(part.signature, context);
    const signature = isReadable && part.signature !== undefined ? signatureFields(part.signature, 'signature') : {};
    const body = part.isSummary === true ? { type: 'reasoning.summary', summary: part.text } : { type: 'reasoning.text', text: part.text };
    entries.push({ ...body, ...signature, index, ...part.extra });
  }
  if (part.encrypted !== undefined && mayWrite(part.encrypted, context)) {
    entries.push(encryptedEntry(part.encrypted, { index: index + entries.length, ...part.extra }));
  }
  return entries;
}

/** An entry of `reasoning_details` that only its provider can read. */
export function encryptedEntry(signature: Signature, fields: JsonRecord): JsonRecord {
  return { type: 'reasoning.encrypted', ...signatureFields(signature, 'data'), ...fields };
}

/** A provider can only read signatures whose form stands on this wire; in a reply all are written, so that they come back. */
function mayWrite(signature: Signature, context: WriteContext): boolean {
  return !context.isRequest || signature.origin === HOME || FORMAT_OF[signature.origin] !== undefined;
}

/** The field that holds a signature, and the format that says whose it is. */
export function signatureFields(signature: Signature, field: 'signature' | 'data'): JsonRecord {
  const format = FORMAT_OF[signature.origin];
  if (format !== undefined) return { [field]: signature.value, format };
  return { [field]: packSignature(signature, HOME), format: 'unknown' };
}

/** A tool call of a message. */
function writeCall(part: Part): JsonRecord {
  if (part.kind !== 'tool-call') return asRecord(opaqueValue(part)) ?? {};
  return {
    id: part.id,
    type: 'function',
    function: { name: part.name, arguments: part.arguments },
    ...part.extra,
    ...(part.signature === undefined ? {} : googleContent(part.signature)),
    ...writeCache(part.cache),
  };
}

/** Google's form of a thought signature. */
export function googleContent(signature: Signature): JsonRecord {
  return { extra_content: { google: { thought_signature: packSignature(signature, 'gemini') } } };
}

function writeTextSignature(parts: readonly Part[]): JsonRecord {
  const signed = parts.findLast((part) => part.kind === 'text' && part.signature !== undefined);
  return signed?.kind === 'text' && signed.signature !== undefined ? googleContent(signed.signature) : {};
}

/** All citations that have an address, their places counted from the beginning of the whole text. */
function writeAnnotations(parts: readonly Part[], context: WriteContext): readonly JsonRecord[] {
  const annotations: JsonRecord[] = [];
  let offset = 0;
  for (const part of parts) {
    if (part.kind !== 'text') continue;
    for (const citation of part.citations ?? []) {
      // No provider takes another's citations back.
      const written = context.isRequest && citation.origin !== HOME ? undefined : writeCitation(citation, offset);
      if (written !== undefined) annotations.push(written);
      else if (citation.origin !== HOME) context.lose(citationLoss(part.at));
    }
    offset += part.text.length;
  }
  return annotations;
}

/** One annotation; undefined where the citation names no address, or stands elsewhere in the reply (Perplexity's `search_results`). */
export function writeCitation(citation: Citation, offset: number): JsonRecord | undefined {
  if (citation.origin === HOME) {
    return typeof citation.raw['type'] === 'string' ? citation.raw : undefined;
  }
  if (citation.url === undefined) return undefined;
  return {
    type: 'url_citation',
    url_citation: compact({
      url: citation.url,
      title: citation.title ?? citation.url,
      start_index: (citation.start ?? 0) + offset,
      end_index: (citation.end ?? 0) + offset,
      content: citation.citedText,
    }),
  };
}

export function citationLoss(at: string | undefined): Loss {
  const why = 'A citation without a web address cannot be written as an annotation.';
  return { code: 'citation', field: at ?? 'citations', weight: 'hint', why };
}

function writeMediaFields(parts: readonly Part[], context: WriteContext): JsonRecord {
  const images = parts.flatMap((part) =>
    part.kind === 'image' ? [{ type: 'image_url', image_url: { url: addressOf(part.source) } }] : [],
  );
  const audio = parts.find((part) => part.kind === 'audio');
  return compact({
    images: orAbsent(images),
    audio: audio?.kind === 'audio' ? writeAudio(audio, context) : undefined,
  });
}

function writeAudio(part: MediaPart, context: WriteContext): JsonRecord {
  const id = part.source.by === 'file' ? part.source.id : part.name;
  // OpenAI takes spoken history back by its id only.
  if (context.isRequest) return compact({ id });
  const data = part.source.by === 'base64' ? part.source.data : '';
  return { id: id ?? '', data, transcript: part.transcript ?? '', expires_at: 0, ...part.extra };
}

function loseUnsayable(part: Part, context: WriteContext): void {
  const field = part.at ?? part.kind;
  if (part.kind === 'opaque' && part.origin !== HOME && !context.isRequest) {
    context.lose({ code: 'opaque', field: part.name, weight: 'meaning', why: `${part.name} can only be expressed in its own protocol.` });
  }
  if (part.kind === 'document' || part.kind === 'video') {
    context.lose({ code: 'media-out', field, weight: 'meaning', why: `An assistant's ${part.kind} cannot be expressed in this protocol.` });
  }
  if (part.kind !== 'reasoning') return;
  for (const signature of [part.signature, part.encrypted]) {
    if (signature === undefined || mayWrite(signature, context)) continue;
    const why = 'Reasoning that another provider signed cannot be read by this one: its text was sent without the signature.';
    context.lose({ code: 'reasoning-signature', field, weight: 'hint', why });
  }
}
