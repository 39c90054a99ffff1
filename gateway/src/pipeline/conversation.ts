/** Which conversation a request belongs to: as its caller says, or by how it began. */
import { createHash } from 'node:crypto';
import type { ChatRequest, Message } from '../chat/request.ts';

/** So much of the beginning is enough to tell conversations of one key apart. */
const BEGINNING_MAX = 16_384;

/**
 * An id that is the same for all turns of a conversation of one key, and tells nothing of its text. What stays the same through
 * all of its turns is what stands before the first answer: system prompt and first words. Undefined where there are none.
 */
export function conversationOf(keyId: string, request: ChatRequest, named: string | undefined): string | undefined {
  const beginning = named ?? beginningOf(request.messages);
  if (beginning === '') return undefined;
  return createHash('sha256')
    .update(`${keyId}\n${named === undefined ? 'begins' : 'named'}\n${beginning}`)
    .digest('base64url')
    .slice(0, 22);
}

function beginningOf(messages: readonly Message[]): string {
  let text = '';
  for (const { role, parts } of messages) {
    if (role === 'assistant' || role === 'tool') break;
    for (const part of parts) if (part.kind === 'text') text += `${role}:${part.text.slice(0, BEGINNING_MAX)}\n`;
    if (text.length > BEGINNING_MAX) break;
  }
  return text.slice(0, BEGINNING_MAX);
}
