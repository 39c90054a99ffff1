/** What the two wires whose messages are blocks (Messages, Converse) share in writing them. */
import type { MediaPart, OpaquePart, Origin, Part, TextPart, ToolCallPart } from '../chat/part.ts';
import { isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import type { LossList } from './loss-list.ts';
import { argumentsObject } from './messages.ts';

/** Claude and Nova take four marks; the last ones save most. */
const CACHE_MARKS_MAX = 4;
const TEXTUAL = /^(?:text\/|application\/(?:json|xml|yaml|x-yaml|javascript|x-ndjson)\b)/;

/** What encoding one request remembers, on either wire. */
export interface BlockEncoding {
  readonly losses: LossList;
  /** True where the request came in this very form: then its own fields go back as they were. */
  readonly isHome: boolean;
}

/** Says of one cache mark after the other, of `markCount` in all, whether it goes along: the first are left out where there are too many. */
export function markLimit({ losses, isHome }: BlockEncoding, markCount: number): (at: string) => boolean {
  let toSkip = isHome ? 0 : Math.max(0, markCount - CACHE_MARKS_MAX);
  return (at) => {
    if (toSkip === 0) return true;
    toSkip -= 1;
    losses.hint('cache-mark', at, `At most ${CACHE_MARKS_MAX} cache marks are taken; the first ones were left out.`);
    return false;
  };
}

/** Whether a file is text under whatever name. */
export function isTextual(mediaType: string): boolean {
  return TEXTUAL.test(mediaType);
}

/** A part's own fields, where they go back to the wire they came from. */
export function own(part: Part, into: BlockEncoding): JsonRecord {
  return into.isHome ? (part.extra ?? {}) : {};
}

/** The block that came in this very form. A foreign one is listed by `foreignLosses`. */
export function ownBlock(part: OpaquePart, home: Origin): readonly JsonRecord[] {
  return part.origin === home && isRecord(part.value) ? [part.value] : [];
}

/** The citations that `home` itself made: it takes no others back. */
export function ownCitations(part: TextPart, home: Origin, losses: LossList): readonly JsonRecord[] {
  const all = part.citations ?? [];
  const ours = all.filter(({ origin }) => origin === home).map(({ raw }) => raw);
  const why = 'Citations of another provider cannot be sent back to this one.';
  if (all.length > ours.length) losses.hint('citations', part.at ?? 'messages', why);
  return ours;
}

/** The arguments as the object that both want; a text that is none is put into one. */
export function argumentsOf(part: ToolCallPart, losses: LossList): JsonRecord {
  const value = argumentsObject(part.arguments);
  if (value !== undefined) return value;
  const why = 'Arguments that are not a JSON object were put into one, under `arguments`.';
  losses.hint('tool-arguments', part.at ?? part.name, why);
  return { arguments: parseJson(part.arguments) ?? part.arguments };
}

/** An assistant speaks text here: the transcript of a spoken answer, empty where there is none. */
export function spokenText(part: MediaPart, losses: LossList): string {
  const { transcript = '', at = 'messages' } = part;
  const why = `An earlier answer with ${part.kind} cannot be sent back`;
  if (transcript.trim() === '') {
    losses.meaning('media-kind', at, `${why}.`);
    return '';
  }
  losses.hint('media-kind', at, `${why}; its transcript was.`);
  return transcript;
}

export function loseSignature(part: Part, losses: LossList): void {
  losses.hint('signature', part.at ?? 'messages', 'The signature of another provider means nothing to this one.');
}

export function loseRefusal(part: Part, losses: LossList): void {
  losses.hint('refusal', part.at ?? 'messages', 'There are no refusals here; it is sent as plain text.');
}

export function loseReasoning(part: Part, losses: LossList): void {
  const why = 'Reasoning that this provider did not sign cannot be sent back to it.';
  losses.hint('reasoning-history', part.at ?? 'messages', why);
}

export function loseFile(part: MediaPart, losses: LossList): void {
  const why = 'A file that was uploaded to one provider is unknown to another.';
  losses.meaning('file-id', part.at ?? 'messages', why);
}

export function loseDetail({ detail, at = 'messages' }: MediaPart, losses: LossList): void {
  if (detail !== undefined && detail !== 'auto')
    losses.hint('image-detail', at, 'The detail of an image cannot be chosen.');
}

/** The block of a reply that came in this very form; another is listed. */
export function replyBlock(part: OpaquePart, home: Origin, losses: LossList): readonly JsonRecord[] {
  const blocks = ownBlock(part, home);
  if (blocks.length === 0)
    losses.meaning('opaque', part.name, `${part.name} can only be expressed in its own protocol.`);
  return blocks;
}

export function loseChoices(losses: LossList): void {
  losses.meaning('choices', 'choices', 'A message holds one reply; the first was kept.');
}

export function loseLogprobs(losses: LossList): void {
  losses.hint('logprobs', 'logprobs', 'A message has no place for log probabilities.');
}

/** The transcript of a piece of a spoken reply. */
export function heardText(event: { readonly data?: unknown; readonly transcript?: string }, losses: LossList): string {
  if (event.data !== undefined)
    losses.meaning('media-kind', 'audio', 'A message cannot hold audio; its transcript was kept.');
  return event.transcript ?? '';
}
