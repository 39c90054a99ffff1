/** An assistant's message, written: see `assistant.ts` for where signatures stand. */
import type { Citation, MediaPart, Part, ReasoningPart, Signature } from '../../chat/part.ts';
import type { Loss } from '../../chat/request.ts';
import { packSignature } from '../../chat/signature.ts';
import { asRecord, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import { withCustomCall } from '../openai-custom.ts';
import { FORMAT_OF, HOME, MALFORMED_CALL } from './assistant.ts';
import { addressOf, writeCache } from './media.ts';

export interface WriteContext {
  /** True for the history of a request: only what a provider takes back is written. */
  readonly isRequest: boolean;
  readonly lose: (loss: Loss) => void;
}

/** The fields of an assistant's message, without its role. */
export function writeAssistant(said: readonly Part[], context: WriteContext): JsonRecord {
  const parts = said.map((part) => withCustomCall(part, HOME));
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

/** Opaque parts that stand among the calls of a message. */
const CALLS: ReadonlySet<string> = new Set(['custom_tool_call', MALFORMED_CALL]);

export function isCustomCall(part: Part): boolean {
  return part.kind === 'opaque' && part.origin === HOME && CALLS.has(part.name);
}

/** Text as one string; as a list where a request has to mark or keep single parts. */
function writeContent(parts: readonly Part[], isRequest: boolean): Json | undefined {
  const kept = parts.filter((part) => part.kind === 'text' || isContentOpaque(part));
  if (kept.length === 0) return undefined;
  const isPlain = kept.every((part) => part.kind === 'text' && part.cache === undefined && part.extra === undefined);
  if (!isRequest && kept.every((part) => part.kind === 'text')) return joinText(kept);
  if (isRequest && isPlain && kept.length === 1) return joinText(kept);
  return kept.map((part) =>
    part.kind === 'text'
      ? { type: 'text', text: part.text, ...part.extra, ...writeCache(part.cache) }
      : opaqueValue(part),
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
    const body =
      part.isSummary === true
        ? { type: 'reasoning.summary', summary: part.text }
        : { type: 'reasoning.text', text: part.text };
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
    ...callFields({ name: part.name, arguments: part.arguments }, part.extra),
    ...(part.signature === undefined ? {} : googleContent(part.signature)),
    ...writeCache(part.cache),
  };
}

/** The function of a call, and the fields beside it; `callExtra` has put them together. */
export function callFields(named: JsonRecord, extra: JsonRecord = {}): JsonRecord {
  const isInner = ([key]: readonly [string, unknown]): boolean => key.startsWith('function.');
  const fields = Object.entries(extra);
  const inner = fields.filter(isInner).map(([key, value]) => [key.slice('function.'.length), value]);
  const outer = fields.filter((field) => !isInner(field));
  return { function: { ...named, ...Object.fromEntries(inner) }, ...Object.fromEntries(outer) };
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
  return { code: 'citations', field: at ?? 'citations', weight: 'hint', why };
}

function writeMediaFields(parts: readonly Part[], context: WriteContext): JsonRecord {
  const images = parts.flatMap((part) => (part.kind === 'image' ? [writeImage(part)] : []));
  const audio = parts.find((part) => part.kind === 'audio');
  return compact({
    images: orAbsent(images),
    audio: audio?.kind === 'audio' ? writeAudio(audio, context) : undefined,
  });
}

/** A picture that the model drew, with Gemini's signature, which it wants back with the picture. */
export function writeImage(part: MediaPart): JsonRecord {
  const signed = part.signature === undefined ? {} : googleContent(part.signature);
  return { type: 'image_url', image_url: { url: addressOf(part.source) }, ...signed };
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
    context.lose({
      code: 'opaque',
      field: part.name,
      weight: 'meaning',
      why: `${part.name} can only be expressed in its own protocol.`,
    });
  }
  if (part.kind === 'document' || part.kind === 'video') {
    context.lose({
      code: 'media-kind',
      field,
      weight: 'meaning',
      why: `An assistant's ${part.kind} cannot be expressed in this protocol.`,
    });
  }
  loseMark(part, context);
  if (part.kind !== 'reasoning') return;
  for (const signature of [part.signature, part.encrypted]) {
    if (signature === undefined || mayWrite(signature, context)) continue;
    const why =
      'Reasoning that another provider signed cannot be read by this one: its text was sent without the signature.';
    context.lose({ code: 'reasoning-history', field, weight: 'hint', why });
  }
}

/** In an assistant's message only texts and calls have a place for a cache mark. */
function loseMark(part: Part, context: WriteContext): void {
  if (part.cache === undefined || part.kind === 'text' || part.kind === 'tool-call') return;
  const why = `A cache mark on an assistant's ${part.kind} cannot be expressed in this protocol.`;
  context.lose({ code: 'cache-mark', field: part.at ?? part.kind, weight: 'hint', why });
}
