/**
 * Thinking that another provider left in a conversation of this wire: its signatures travel to the client in thinking blocks
 * and come back in them. The provider that made them gets them translated; a Claude, whose body goes on as bytes, would
 * refuse the request, so they are taken out.
 */
import { asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { unpackSignature } from '../../chat/signature.ts';
import { HOME } from './words.ts';

/** Whether blocks without a signature count too: Claude refuses them, other models of this wire may have made them. */
export interface ThinkingRule {
  readonly refusesUnsigned: boolean;
}

/** Cheap: looks at the thinking blocks only. */
export function hasForeignThinking(body: JsonRecord, rule: ThinkingRule): boolean {
  const { messages } = body;
  return isArray(messages) && messages.some((message) => blocksOf(message).some((block) => isForeign(block, rule)));
}

/**
 * The body without foreign thinking. A message of nothing else goes with it. Within a tool loop `thinking: enabled` wants
 * the turn to begin with thinking; where that was taken out, the loop goes on without.
 */
export function withoutForeignThinking(body: JsonRecord, rule: ThinkingRule): JsonRecord {
  const { messages } = body;
  if (!isArray(messages)) return body;
  const kept = messages.flatMap((message): readonly Json[] => {
    const blocks = blocksOf(message);
    const own = blocks.filter((block) => !isForeign(block, rule));
    if (own.length === blocks.length || !isRecord(message)) return [message];
    return own.length === 0 ? [] : [{ ...message, content: own }];
  });
  const { thinking, ...rest } = body;
  const isStuck = asRecord(thinking)?.['type'] === 'enabled' && isUnsignedLoop(kept);
  return { ...rest, ...(thinking === undefined || isStuck ? {} : { thinking }), messages: kept };
}

function blocksOf(message: Json): readonly Json[] {
  const content = isRecord(message) && message['role'] === 'assistant' ? message['content'] : undefined;
  return isArray(content) ? content : [];
}

function isForeign(block: Json, rule: ThinkingRule): boolean {
  if (!isRecord(block)) return false;
  const { type } = block;
  if (type !== 'thinking' && type !== 'redacted_thinking') return false;
  const signature = block[type === 'thinking' ? 'signature' : 'data'];
  if (typeof signature !== 'string' || signature === '') return rule.refusesUnsigned;
  return unpackSignature(signature, HOME).origin !== HOME;
}

function isUnsignedLoop(messages: readonly Json[]): boolean {
  const results = asRecord(messages.at(-1))?.['content'];
  const isLoop = isArray(results) && results.some((block) => asRecord(block)?.['type'] === 'tool_result');
  const last = messages.findLast((message) => asRecord(message)?.['role'] === 'assistant');
  const first = asRecord(blocksOf(last ?? null)[0])?.['type'];
  return isLoop && first !== 'thinking' && first !== 'redacted_thinking';
}
