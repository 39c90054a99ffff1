/** Thoughts of other providers in the history of a Gemini client that got them as a stream. */
import type { Part, ReasoningPart } from '../../chat/part.ts';

/**
 * A stream gives such thoughts piece by piece and their signature in an empty piece at the end, and clients keep the pieces
 * apart: here they are one part again, since the signature is of all its words.
 */
export function joinThoughts(parts: readonly Part[]): readonly Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const pieces = isLoneSignature(part) ? openThoughts(joined) : [];
    const [first] = pieces;
    if (first === undefined || part.kind !== 'reasoning') {
      joined.push(part);
      continue;
    }
    const { isSummary: _, ...rest } = first;
    const { signature } = part;
    const whole: ReasoningPart = { ...rest, text: pieces.map(({ text }) => text).join('') };
    joined.splice(-pieces.length, pieces.length, signature === undefined ? whole : { ...whole, signature });
  }
  return joined;
}

function isLoneSignature(part: Part): boolean {
  return part.kind === 'reasoning' && part.text === '' && (part.signature?.origin ?? 'gemini') !== 'gemini';
}

/** The thoughts at the end that nothing has signed or sealed yet. */
function openThoughts(parts: readonly Part[]): readonly ReasoningPart[] {
  const open = (part: Part): boolean =>
    part.kind === 'reasoning' && part.signature === undefined && part.encrypted === undefined;
  const from = parts.findLastIndex((part) => !open(part)) + 1;
  return parts.slice(from).filter((part) => part.kind === 'reasoning');
}
