/** An answer that may break off in the middle of its text and be gone on with by another attempt: one stream to the caller, several from providers. */
import type { ChatEvent } from '../chat/reply.ts';
import { mergeUsage, type Usage } from '../chat/usage.ts';
import type { StreamEncoder } from '../dialects/dialect.ts';
import { createSeam, type Seam } from '../lib/seam.ts';
import { sumSoFar } from '../output/choices.ts';
import { seamOf } from '../output/going-on.ts';
import { CHARACTERS_PER_TOKEN } from './stream-books.ts';
import type { Resumed, SeamMark, Unfinished } from './unfinished.ts';

/** A longer text is not sent to be gone on with: it would cost as much again, and few models write so much. */
const TEXT_MAX = 256 * 1024;

export interface Strand {
  /** What of an event the caller is to see. */
  take(event: ChatEvent): readonly ChatEvent[];
  /** Nothing more comes: what is still to be said. */
  close(): readonly ChatEvent[];
  /** Undefined where it cannot be gone on with: more than text, or not in the middle of it. */
  unfinished(encoder: StreamEncoder): Unfinished | undefined;
}

/** Events between which a text can be gone on with. */
const BESIDE_TEXT: ReadonlySet<ChatEvent['type']> = new Set<ChatEvent['type']>([
  'start',
  'text-delta',
  'part-break',
  'signature',
  'citation',
  'logprobs',
  'usage',
  'extra',
  'ping',
]);
/** What a new attempt says before its text, and nobody wants in the middle of another. */
const OF_BEGINNINGS: ReadonlySet<ChatEvent['type']> = new Set<ChatEvent['type']>([
  'ping',
  'part-break',
  'extra',
  'logprobs',
  'citation',
  'reasoning-delta',
  'reasoning-encrypted',
  'signature',
]);

/** The text of one attempt. `before`: the answer that it goes on with. */
export function createStrand(before?: Resumed): Strand {
  const joint = before === undefined ? undefined : createJoint(before);
  let text = before?.text ?? '';
  let isPlain = true;
  let isFinished = false;

  function note(event: ChatEvent): ChatEvent {
    if (event.type === 'text-delta' && text.length <= TEXT_MAX) text += event.text;
    if (event.type === 'finish') isFinished = true;
    const isReasoning = event.type === 'reasoning-delta' || event.type === 'reasoning-encrypted';
    const isOther = 'choice' in event && event.choice !== undefined && event.choice > 0;
    if (isOther || !(BESIDE_TEXT.has(event.type) || (isReasoning && text === ''))) isPlain = false;
    return event;
  }

  return {
    take: (event) => (joint === undefined ? [note(event)] : joint.take(event).map(note)),
    close: () => joint?.close() ?? [],
    unfinished(encoder) {
      const canGoOn = isPlain && !isFinished && text !== '' && text.length <= TEXT_MAX;
      return canGoOn ? { encoder, text } : undefined;
    },
  };
}

/** Fits the events of a new attempt to those before it: its text without repetitions, its usage as a part of the sum. */
function createJoint(before: Resumed): Pick<Strand, 'take' | 'close'> {
  const seam: Seam = createSeam(seamOf(before.text, before.way));
  let hasBegun = false;
  let own: Usage | undefined;
  let length = 0;

  function textEvent(text: string, choice: number): readonly ChatEvent[] {
    if (text === '') return [];
    hasBegun = true;
    return [{ type: 'text-delta', choice, text }];
  }

  function sum(usage: Usage): ChatEvent {
    return { type: 'usage', usage: sumSoFar([before.usage, usage]) };
  }

  return {
    take(event) {
      if (event.type === 'text-delta') {
        length += event.text.length;
        return textEvent(seam.push(event.text), event.choice);
      }
      if (event.type === 'usage') {
        own = mergeUsage(own, event.usage);
        return [sum(own)];
      }
      if (event.type === 'start' || (!hasBegun && OF_BEGINNINGS.has(event.type))) return [];
      return [...('choice' in event ? textEvent(seam.end(), event.choice ?? 0) : []), event];
    },
    close: () => (own === undefined ? [sum({ outputTokens: Math.ceil(length / CHARACTERS_PER_TOKEN) })] : []),
  };
}

/** What tells the caller of a seam, where its stream has a place for comments; and the field of the next chunk, where chunks have. */
export function commentOf({ offset, from, to }: SeamMark): string {
  return `: x-turnout-continued ${JSON.stringify({ offset, from, to })}\n\n`;
}

export function fieldOf({ offset, from, to }: SeamMark): ChatEvent {
  return { type: 'extra', extra: { turnout: { continued: { offset, from, to } } } };
}
