/**
 * Where a reply's text comes from. Gemini counts in UTF-8 bytes over all visible text of a candidate (every one of the 110
 * recorded segments agrees), our citations in UTF-16 code units within one part.
 */
import { asCount, asRecord, asString, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import type { Citation, TextPart } from '../../chat/part.ts';
import type { Loss } from '../../chat/request.ts';
import { recordsOf } from './wire.ts';

/** Citations read from one reply; Google gives some dozens. */
const CITATIONS_MAX = 1000;
/** Text kept to find offsets in, in code units; citations of longer replies come without offsets. */
const TEXT_MAX = 1024 * 1024;

/** A citation whose place is still in bytes of the candidate's whole text. */
interface Found {
  readonly citation: Citation;
  readonly startByte?: number;
  readonly endByte?: number;
}

/** The visible text of a candidate as it comes in, kept to turn offsets of one kind into the other. */
export interface VisibleText {
  add(text: string): void;
  /** The next text begins a new part. */
  startPart(): void;
  /** Code units before the part that is open. */
  partStart(): number;
  /** All of it; undefined once it grew too long. */
  whole(): string | undefined;
}

export function visibleText(): VisibleText {
  const pieces: string[] = [];
  let length = 0;
  let partStart = 0;
  return {
    add: (text) => {
      length += text.length;
      if (length <= TEXT_MAX) pieces.push(text);
    },
    startPart: () => {
      partStart = length;
    },
    partStart: () => partStart,
    whole: () => (length <= TEXT_MAX ? pieces.join('') : undefined),
  };
}

/** The citations of a candidate of which all text has come, with offsets within the last part where they lie in it. */
export function citationsAtEnd(candidate: JsonRecord, text: VisibleText): readonly Citation[] {
  const found = find(candidate);
  if (found.length === 0) return [];
  const from = text.partStart();
  return placed(found, text.whole()).map(({ citation, start, end }) =>
    start === undefined || end === undefined || start < from
      ? citation
      : { ...citation, start: start - from, end: end - from },
  );
}

/** Adds the citations of a whole candidate to the text parts in which they lie. */
export function citeParts<T>(
  parts: readonly (T | TextPart)[],
  candidate: JsonRecord,
  isText: (part: T | TextPart) => part is TextPart,
): readonly (T | TextPart)[] {
  const found = find(candidate);
  if (found.length === 0) return parts;
  const texts = parts.filter(isText);
  const marks = placed(found, texts.map((part) => part.text).join(''));
  const last = texts.at(-1);
  let from = 0;
  return parts.map((part) => {
    if (!isText(part)) return part;
    const start = from;
    from += part.text.length;
    const mine = marks.filter((mark) =>
      mark.end === undefined ? part === last : mark.end > start && mark.end <= start + part.text.length,
    );
    return mine.length === 0 ? part : { ...part, citations: mine.map((mark) => within(mark, start)) };
  });
}

function within(mark: Placed, from: number): Citation {
  const { citation, start, end } = mark;
  return start === undefined || end === undefined || start < from
    ? citation
    : { ...citation, start: start - from, end: end - from };
}

function find(candidate: JsonRecord): readonly Found[] {
  const grounding = asRecord(candidate['groundingMetadata']);
  const attribution = asRecord(candidate['citationMetadata']);
  const found = [
    ...(grounding === undefined ? [] : grounded(grounding)),
    ...(attribution === undefined ? [] : attributed(attribution)),
  ];
  return found.slice(0, CITATIONS_MAX);
}

function grounded(metadata: JsonRecord): readonly Found[] {
  const chunks = recordsOf(metadata['groundingChunks']);
  return recordsOf(metadata['groundingSupports']).flatMap((support) => {
    const segment = asRecord(support['segment']) ?? {};
    const indices = support['groundingChunkIndices'];
    const place = placeOf(segment);
    return (Array.isArray(indices) ? indices : []).flatMap((index: Json): readonly Found[] => {
      const chunk = typeof index === 'number' ? chunks[index] : undefined;
      if (chunk === undefined) return [];
      const source = asRecord(chunk['web']) ?? asRecord(chunk['retrievedContext']) ?? asRecord(chunk['maps']) ?? {};
      return [
        { citation: citationOf(source, asString(segment['text']), { segment, groundingChunk: chunk }), ...place },
      ];
    });
  });
}

function attributed(metadata: JsonRecord): readonly Found[] {
  const sources = [...recordsOf(metadata['citations']), ...recordsOf(metadata['citationSources'])];
  return sources
    .filter((source) => asString(source['uri']) !== undefined || asString(source['title']) !== undefined)
    .map((source) => ({ citation: citationOf(source, undefined, source), ...placeOf(source) }));
}

function citationOf(source: JsonRecord, citedText: string | undefined, raw: JsonRecord): Citation {
  return compact({ url: some(source['uri']), title: some(source['title']), citedText, raw, origin: 'gemini' as const });
}

function some(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function placeOf(segment: JsonRecord): { readonly startByte?: number; readonly endByte?: number } {
  const endByte = asCount(segment['endIndex']);
  return endByte === undefined ? {} : { startByte: asCount(segment['startIndex']) ?? 0, endByte };
}

interface Placed {
  readonly citation: Citation;
  readonly start?: number;
  readonly end?: number;
}

function placed(found: readonly Found[], text: string | undefined): readonly Placed[] {
  if (text === undefined) return found.map(({ citation }) => ({ citation }));
  const units = unitsOf(
    text,
    found.flatMap(({ startByte, endByte }) =>
      startByte === undefined || endByte === undefined ? [] : [startByte, endByte],
    ),
  );
  return found.map(({ citation, startByte, endByte }) => {
    const start = startByte === undefined ? undefined : units.get(startByte);
    const end = endByte === undefined ? undefined : units.get(endByte);
    return start === undefined || end === undefined || end < start ? { citation } : { citation, start, end };
  });
}

/** Code units before each of the given byte offsets, in one walk; an offset beyond the text or inside a character has none. */
function unitsOf(text: string, bytes: readonly number[]): ReadonlyMap<number, number> {
  const wanted = new Set(bytes);
  const units = new Map<number, number>();
  let byte = 0;
  for (let unit = 0; unit <= text.length;) {
    if (wanted.has(byte)) units.set(byte, unit);
    if (unit === text.length || units.size === wanted.size) break;
    const code = text.codePointAt(unit) ?? 0;
    byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_00_00 ? 3 : 4;
    unit += code < 0x1_00_00 ? 1 : 2;
  }
  return units;
}

/** The loss of a citation that names nothing that Gemini could show (OpenAI's file ids); undefined for all others. */
export function citationLoss({ url, title, citedText }: Citation): Loss | undefined {
  if (url !== undefined || title !== undefined || citedText !== undefined) return undefined;
  const why = 'A source without address, title or words cannot be shown.';
  return { code: 'citations', field: 'citations', weight: 'hint', why };
}

/** A citation of another provider, and where its part begins in the candidate's visible text. */
export interface Cited {
  readonly citation: Citation;
  readonly partStart: number;
}

/** Grounding metadata that says what other providers' citations say. `text` is the candidate's visible text, if it is known. */
export function groundingOf(cited: readonly Cited[], text: string | undefined): JsonRecord {
  const sources = new Map<string, number>();
  const chunks: JsonRecord[] = [];
  const supports: JsonRecord[] = [];
  for (const { citation, partStart } of cited) {
    const { url, title, citedText } = citation;
    // Google shows sources without an address as what was retrieved, with their words.
    const key = url === undefined ? `${title ?? ''} ${citedText ?? ''}` : `${url} ${title ?? ''}`;
    const index = sources.get(key) ?? chunks.length;
    if (index === chunks.length) {
      sources.set(key, index);
      chunks.push(
        url === undefined
          ? { retrievedContext: compact({ title, text: citedText }) }
          : { web: compact({ uri: url, title }) },
      );
    }
    supports.push({ segment: segmentOf(citation, partStart, text), groundingChunkIndices: [index] });
  }
  return { groundingChunks: chunks, groundingSupports: supports };
}

function segmentOf(citation: Citation, partStart: number, text: string | undefined): JsonRecord {
  const { start, end } = citation;
  if (start === undefined || end === undefined || text === undefined) return compact({ text: citation.citedText });
  const from = partStart + start;
  const to = partStart + end;
  return {
    startIndex: Buffer.byteLength(text.slice(0, from)),
    endIndex: Buffer.byteLength(text.slice(0, to)),
    text: text.slice(from, to),
  };
}
