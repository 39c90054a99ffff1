/** What the files of this dialect share: names, citations, finish reasons, signatures. */
import type { Citation, Origin, Signature } from '../../chat/part.ts';
import type { Finish, FinishReason } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { packSignature, unpackSignature } from '../../chat/signature.ts';
import { asArray, asCount, asString, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';

export const HOME = 'cohere' as const satisfies Origin;

const REASONS: Readonly<Record<string, FinishReason | undefined>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
  ERROR: 'error',
  TIMEOUT: 'error',
  // Words of v1.
  ERROR_LIMIT: 'length',
  ERROR_TOXIC: 'content-filter',
};

/** Reads a finish reason; a reply of v1 without one has ended as it should (recorded). */
export function readFinish(raw: Json | undefined, hasCalls: boolean): Finish {
  if (typeof raw !== 'string' || raw === '') return { reason: hasCalls ? 'tool-calls' : 'stop' };
  return { reason: REASONS[raw] ?? 'other', raw };
}

/** Cohere's word for a finish: its own again where it gave one, else the nearest. An end that has none is named. */
export function writeFinish(finish: Finish, isHome: boolean, lose: (loss: Loss) => void): string {
  const { reason, raw, stopSequence } = finish;
  if (isHome && raw !== undefined) return raw;
  const field = 'finish_reason';
  if (stopSequence !== undefined) {
    lose({ code: 'finish', field, weight: 'hint', why: 'Which stop sequence ended the text is not told here.' });
    return 'STOP_SEQUENCE';
  }
  if (reason === 'length') return 'MAX_TOKENS';
  if (reason === 'tool-calls') return 'TOOL_CALL';
  if (reason === 'error') return 'ERROR';
  if (reason !== 'stop') {
    const why = `The reason ${raw ?? reason} has no word here; it became COMPLETE.`;
    lose({ code: 'finish', field, weight: 'hint', why });
  }
  return 'COMPLETE';
}

/** Whether a citation is one of the text; others point into a plan or thoughts. */
export function isTextCitation(raw: JsonRecord): boolean {
  return raw['type'] === undefined || raw['type'] === 'TEXT_CONTENT';
}

/**
 * A citation of `text`. Its places are characters (all recorded ones are of ASCII text, where every way of counting agrees);
 * the cited words beside them tell which, and where no way fits it has no place.
 */
export function readCitation(raw: JsonRecord, text: string): Citation {
  const sources = (asArray(raw['sources']) ?? [])
    .filter(isRecord)
    .map((source) => source['document'] ?? source['tool_output'])
    .filter(isRecord);
  const first = (name: string): string | undefined =>
    sources.map((source) => asString(source[name])).find((value) => value !== undefined && value !== '');
  return compact({
    url: first('url'),
    title: first('title'),
    citedText: first('text') ?? first('snippet') ?? first('content'),
    ...placeOf(raw, text),
    raw,
    origin: HOME,
  });
}

function placeOf(raw: JsonRecord, text: string): { readonly start?: number; readonly end?: number } {
  const start = asCount(raw['start']);
  const end = asCount(raw['end']);
  const words = asString(raw['text']);
  if (start === undefined || end === undefined || words === undefined) return {};
  if (text.slice(start, end) === words) return { start, end };
  const points = Array.from(text);
  const at = points.slice(0, start).join('').length;
  return points.slice(start, end).join('') === words ? { start: at, end: at + words.length } : {};
}

/** The loss of a citation that names nothing that Cohere's clients could show; undefined for all others. */
export function citationLoss({ url, title, citedText, origin }: Citation): Loss | undefined {
  if (origin === HOME || url !== undefined || title !== undefined || citedText !== undefined) return undefined;
  const why = 'A source without address, title or words cannot be shown.';
  return { code: 'citations', field: 'citations', weight: 'hint', why };
}

/** A citation as Cohere writes it; its own is written as it came. `text` is that of the part, `block` its place in the content. */
export function writeCitation(citation: Citation, text: string, block: number): JsonRecord {
  if (citation.origin === HOME) return citation.raw;
  const { start = 0, end = start, url, title, citedText } = citation;
  const id = url ?? title ?? 'source';
  const document = compact({ id, title, url, snippet: citedText });
  return {
    start,
    end,
    text: text.slice(start, end),
    sources: [{ type: 'document', id, document }],
    type: 'TEXT_CONTENT',
    ...(block === 0 ? {} : { content_index: block }),
  };
}

/**
 * Cohere signs nothing. What others signed or sealed travels in fields of these names beside its clients' thoughts and
 * calls, packed, so that it comes back; `withoutSignatures` takes it off before a request reaches Cohere.
 */
export function signatureFields(signature: Signature | undefined, name: 'signature' | 'encrypted'): JsonRecord {
  return signature === undefined ? {} : { [name]: packSignature(signature, HOME) };
}

/** Reads what `signatureFields` wrote; anything else is none. */
export function readSignature(of: JsonRecord, name: 'signature' | 'encrypted'): Signature | undefined {
  const text = asString(of[name]);
  const signature = text === undefined ? undefined : unpackSignature(text, HOME);
  return signature === undefined || signature.origin === HOME ? undefined : signature;
}

/** A field of another protocol beside a reply. */
export function extraLoss(name: string): Loss {
  return { code: 'unknown-field', field: name, weight: 'hint', why: `${HOME} has no such field.` };
}
