/** The conversation as turns that the API takes: system text at the top, results first, no empty turn, the user first. */
import type { Message } from '../../chat/request.ts';
import type { Part } from '../../chat/part.ts';
import { asString, type JsonRecord } from '../../lib/json.ts';
import {
  beginWithUser,
  endWithUser,
  isSystem,
  loseName,
  markedSystem,
  placeOf,
  resultsFirst,
  splitSystem,
  type Turn,
  type Wants,
} from '../turns.ts';
import { encodeAssistantPart, encodeUserPart, plainContent, type Encoding } from './encode-blocks.ts';
import type { ModelTraits } from './model.ts';

export interface EncodedMessages {
  /** Text blocks for the top-level `system`. */
  readonly system: readonly JsonRecord[];
  readonly messages: readonly JsonRecord[];
  /** True where the last turn answers tool calls that were made without signed thinking. */
  readonly isUnsignedToolLoop: boolean;
}

export function encodeMessages(messages: readonly Message[], traits: ModelTraits, into: Encoding): EncodedMessages {
  const [leading, rest] = splitSystem(messages);
  const system = leading.flatMap((message) => {
    loseName(message, into.losses);
    return message.parts.flatMap((part) => textOnly(part, message, into));
  });
  const start = messages[0]?.at ?? 'messages';
  const turns = encodeTurns(rest, traits, into);
  const wants = { who: 'API' as const, hasSystem: system.length > 0, start, losses: into.losses, block: textBlock };
  if (!into.isHome || turns.length === 0) beginWithUser(turns, wants);
  if (!into.isHome) repairEnd(turns, traits, wants);
  return { system, messages: turns.map(encodeTurn), isUnsignedToolLoop: isUnsignedLoop(turns) };
}

function encodeTurns(messages: readonly Message[], traits: ModelTraits, into: Encoding): Turn[] {
  const turns: Turn[] = [];
  for (const [index, message] of messages.entries()) {
    loseName(message, into.losses);
    if (!isSystem(message)) {
      pushTurn(turns, message, into);
      continue;
    }
    const next = messages.slice(index + 1).find((later) => !isSystem(later));
    const isPlace =
      (next === undefined || next.role === 'assistant') && (turns.at(-1)?.role ?? 'assistant') !== 'assistant';
    if (traits.takesLaterSystem && isPlace) pushSystemTurn(turns, message, into);
    else pushMarkedText(turns, message, into);
  }
  return turns;
}

function pushTurn(turns: Turn[], message: Message, into: Encoding): void {
  const role = message.role === 'assistant' ? 'assistant' : 'user';
  const encode = role === 'assistant' ? encodeAssistantPart : encodeUserPart;
  const blocks = message.parts.flatMap((part: Part) => encode(part, into));
  if (blocks.length === 0) return;
  const extra = ownExtra(message, into);
  const last = turns.at(-1);
  if (last?.role === role && Object.keys(extra).length === 0) last.blocks.push(...blocks);
  else turns.push({ role, blocks, extra, at: placeOf(message) });
}

function ownExtra(message: Message, into: Encoding): JsonRecord {
  return into.isHome ? (message.extra ?? {}) : {};
}

/** Instructions in the middle: models from Claude 4.8 on take them where a turn of the user is before and none after. */
function pushSystemTurn(turns: Turn[], message: Message, into: Encoding): void {
  const blocks = message.parts.flatMap((part) =>
    part.kind === 'opaque' ? encodeUserPart(part, into) : textOnly(part, message, into),
  );
  if (blocks.length > 0) turns.push({ role: 'system', blocks, extra: ownExtra(message, into), at: placeOf(message) });
}

/** Elsewhere they go into the user's turn, marked as what they are. */
function pushMarkedText(turns: Turn[], message: Message, into: Encoding): void {
  const blocks = message.parts.flatMap((part) => textOnly(part, message, into)).map(marked);
  if (blocks.length === 0) return;
  const at = placeOf(message);
  into.losses.hint(
    'system-position',
    at,
    'This model takes system messages only at the start; this one became marked text of the user.',
  );
  const last = turns.at(-1);
  if (last?.role === 'user') last.blocks.push(...blocks);
  else turns.push({ role: 'user', blocks, extra: {}, at });
}

/** Only text can stand in a system message. */
function textOnly(part: Part, message: Message, into: Encoding): readonly JsonRecord[] {
  if (part.kind === 'text') return encodeUserPart(part, into);
  into.losses.meaning('system-media', part.at ?? placeOf(message), 'Only text can stand in a system message.');
  return [];
}

function marked(block: JsonRecord): JsonRecord {
  return { ...block, text: markedSystem(asString(block['text']) ?? '') };
}

function textBlock(text: string): JsonRecord {
  return { type: 'text', text };
}

/** A last turn of the assistant is what the reply goes on from, where the model can. */
function repairEnd(turns: Turn[], traits: ModelTraits, wants: Wants): void {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return;
  if (traits.takesPrefill) trimEnd(last);
  else endWithUser(turns, wants);
}

/** A prefill that ends in white space is refused, and the reply begins with that space anyway. */
function trimEnd(turn: Turn): void {
  const block = turn.blocks.at(-1);
  if (block?.['type'] !== 'text' || typeof block['text'] !== 'string') return;
  const text = block['text'].trimEnd();
  if (text === '') turn.blocks.pop();
  else turn.blocks[turn.blocks.length - 1] = { ...block, text };
}

function encodeTurn(turn: Turn): JsonRecord {
  const blocks = turn.role === 'user' ? resultsFirst(turn.blocks, isResult) : turn.blocks;
  return { role: turn.role, content: plainContent(blocks) ?? [], ...turn.extra };
}

function isResult(block: JsonRecord): boolean {
  return block['type'] === 'tool_result';
}

function isUnsignedLoop(turns: readonly Turn[]): boolean {
  const last = turns.findLast((turn) => turn.role === 'assistant');
  const isLoop = turns.at(-1)?.blocks.some(isResult) === true;
  const first = last?.blocks[0]?.['type'];
  return (
    isLoop &&
    last?.blocks.some((block) => block['type'] === 'tool_use') === true &&
    first !== 'thinking' &&
    first !== 'redacted_thinking'
  );
}
