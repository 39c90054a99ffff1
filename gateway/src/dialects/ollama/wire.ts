/** What is peculiar to Ollama's JSON: times as text, pictures without a type, calls without ids. */
import type { MediaPart, Origin } from '../../chat/part.ts';
import { asString, type Json, type JsonRecord } from '../../lib/json.ts';
import { readDataUrl, sniff } from '../openai-chat/media.ts';

export const HOME = 'ollama' as const satisfies Origin;

/** Longest line of a stream; a picture that a model drew may stand in one (faults.md F39). */
export const LINE_MAX_BYTES = 8 * 1024 * 1024;

/** Seconds since 1970 of `created_at`; undefined where it is absent or a placeholder. */
export function createdAt(body: JsonRecord): number | undefined {
  const at = Date.parse(asString(body['created_at']) ?? '');
  return Number.isNaN(at) || at <= 0 ? undefined : Math.floor(at / 1000);
}

/** The time as Ollama writes it. */
export function timeText(seconds: number): string {
  // A larger number is no time that `Date` knows, and would throw.
  return new Date(Math.abs(seconds) > 8e12 ? 0 : seconds * 1000).toISOString();
}

/** An id that was made here, which Ollama never gave and does not get to see. */
const MADE_ID = /^call_(?:t\d{1,24}_)?\d{1,6}$/;

/**
 * The id of a call that came without one (older servers; recorded). In a reply the time of its line makes it unique in
 * the conversation; a conversation that comes without ids is numbered.
 */
export function madeId(number: number, time = ''): string {
  const digits = time.replace(/\D/g, '').slice(0, 24);
  return digits === '' ? `call_${number}` : `call_t${digits}_${number}`;
}

/** The id to send, if any. */
export function sentId(id: string): string | undefined {
  return MADE_ID.test(id) ? undefined : id;
}

/** A picture: bare base64, without a word about its type. Clients that know OpenAI's wire better send data URLs. */
export function readPicture(data: string, at?: string): MediaPart {
  const where = at === undefined ? {} : { at };
  const inline = readDataUrl(data);
  if (inline !== undefined) return { kind: 'image', source: inline, ...where };
  const guess = data.startsWith('UklGR') ? 'image/webp' : sniff(data, 'image/jpeg');
  const mediaType = guess.startsWith('image/') ? guess : 'image/jpeg';
  return { kind: 'image', source: { by: 'base64', data, mediaType }, ...where };
}

/** The strings of a list; a single one counts as a list. */
export function stringsOf(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
