/**
 * Gemini signs calls and texts, which have no signature field in other protocols: theirs travels in a piece of reasoning, the
 * one right before the call or right after the text, so that a client that sends the reply back sends it too.
 */
import type { Part, ReasoningPart, Signature } from './part.ts';

export function isCarried(signature: Signature): boolean {
  return signature.origin === 'gemini';
}

/** Gives the signatures that travelled in reasoning back to the call or text they belong to (`isCarried`). */
export function joinCarried(parts: readonly Part[]): readonly Part[] {
  if (!parts.some(isCarrier)) return parts;
  const joined: Part[] = [];
  for (const [index, part] of parts.entries()) {
    const isBeforeCall = parts[index + 1]?.kind === 'tool-call';
    const before = parts[index - 1];
    if (part.kind === 'tool-call' && before !== undefined && isCarrier(before))
      joined.push({ ...part, signature: before.signature });
    else if (!isCarrier(part)) joined.push(part);
    else joined.push(...leftOver(part, joined, isBeforeCall));
  }
  return joined;
}

type Carrier = ReasoningPart & { readonly signature: Signature };

function isCarrier(part: Part): part is Carrier {
  return part.kind === 'reasoning' && part.signature !== undefined && isCarried(part.signature);
}

/** What remains of a carrier where it stands: its own words, if any; an empty one behind a text signs that text. */
function leftOver(part: Carrier, joined: Part[], isBeforeCall: boolean): readonly Part[] {
  const { signature, ...unsigned } = part;
  if (isBeforeCall) return part.text === '' ? [] : [unsigned];
  const last = joined.at(-1);
  if (part.text !== '' || last?.kind !== 'text') return [part];
  joined[joined.length - 1] = { ...last, signature };
  return [];
}
