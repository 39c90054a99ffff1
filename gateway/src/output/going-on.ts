/** How a model is asked to go on from a text that another attempt has begun. */
import type { ChatRequest, Message } from '../chat/request.ts';

/** By the last words of the conversation, which the model goes on from itself; or by telling it to. */
export type GoingOn = 'prefill' | 'instruction';

/** Told where a model takes the end of the conversation for something that has been said. */
const INSTRUCTION =
  'Your answer above was cut off in the middle. Go on with the very next characters, so that both parts read as one text: no greeting, no apology, no explanation, and nothing that stands there already.';

/** Shortest repetitions at the seam, in characters: who goes on from the very text repeats nothing but by intent. */
const OVERLAP_MIN: Readonly<Record<GoingOn, number>> = { prefill: 24, instruction: 3 };

/** Characters that it adds to the input beside the text itself. */
const ADDED_LENGTH = INSTRUCTION.length + 40;

/** The conversation with the text so far, to be gone on with. */
export function goneOn(request: ChatRequest, text: string, way: GoingOn): ChatRequest {
  // Claude refuses an end of space: platform.claude.com/docs/en/build-with-claude/prompt-engineering/prefill-claudes-response.
  const said = messageOf('assistant', way === 'prefill' ? text.trimEnd() : text);
  const told = way === 'prefill' ? [] : [messageOf('user', INSTRUCTION)];
  return { ...request, messages: [...request.messages, said, ...told] };
}

/** How the seam is joined (`lib/seam.ts`). */
export function seamOf(text: string, way: GoingOn): { said: string; overlapMin: number; isTrimmed: boolean } {
  return { said: text, overlapMin: OVERLAP_MIN[way], isTrimmed: way === 'prefill' };
}

/** Characters that going on adds to the input: what its hold must cover beside the request. */
export function addedLength(text: string): number {
  return text.length + ADDED_LENGTH;
}

function messageOf(role: 'assistant' | 'user', text: string): Message {
  return { role, parts: [{ kind: 'text', text }] };
}
