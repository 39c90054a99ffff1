/** The conversation as turns that the service takes: system text apart, user and assistant in turns, the user first, no empty turn. */
import type { Message } from '../../chat/request.ts';
import type { Part } from '../../chat/part.ts';
import type { JsonRecord } from '../../lib/json.ts';
import {
  beginWithUser,
  endWithUser,
  FILLER,
  isSystem,
  loseName,
  markedSystem,
  placeOf,
  resultsFirst,
  splitSystem,
  type Turn,
  type Wants,
} from '../turns.ts';
import { encodeAssistantPart, encodeUserPart, type Encoding } from './encode-blocks.ts';

export interface EncodedMessages {
  readonly system: readonly JsonRecord[];
  readonly messages: readonly JsonRecord[];
  /** Whether calls or results stand in the conversation: then tools must be declared. */
  readonly hasCalls: boolean;
  /** True where the last turn answers calls that were made without signed reasoning. */
  readonly isUnsignedToolLoop: boolean;
}

export function encodeMessages(messages: readonly Message[], into: Encoding): EncodedMessages {
  const [leading, rest] = splitSystem(messages);
  const system = leading.flatMap((message) => systemBlocks(message, into));
  const turns: Turn[] = [];
  for (const message of rest) pushMessage(turns, message, into);
  const start = messages[0]?.at ?? 'messages';
  const wants = { who: 'service' as const, hasSystem: system.length > 0, start, losses: into.losses };
  if (!into.isHome) repair(turns, { ...wants, block: (text) => ({ text }) }, into);
  return {
    system,
    messages: turns.map(({ role, blocks, extra }) => ({ role, content: blocks, ...extra })),
    hasCalls: turns.some(({ blocks }) => blocks.some(isOfTool)),
    isUnsignedToolLoop: isUnsignedLoop(turns),
  };
}

function isOfTool(block: JsonRecord): boolean {
  return block['toolUse'] !== undefined || isResult(block);
}

function systemBlocks(message: Message, into: Encoding): readonly JsonRecord[] {
  loseName(message, into.losses);
  return message.parts.flatMap((part) => {
    if (part.kind === 'text' || part.kind === 'opaque') return encodeUserPart(part, into);
    into.losses.meaning('system-media', part.at ?? placeOf(message), 'Only text can stand in a system message.');
    return [];
  });
}

function pushMessage(turns: Turn[], message: Message, into: Encoding): void {
  if (isSystem(message)) {
    pushLaterSystem(turns, message, into);
    return;
  }
  loseName(message, into.losses);
  const role = message.role === 'assistant' ? 'assistant' : 'user';
  const encode = role === 'assistant' ? encodeAssistantPart : encodeUserPart;
  const blocks = message.parts.flatMap((part: Part) => encode(part, into));
  push(turns, { role, blocks, extra: into.isHome ? (message.extra ?? {}) : {}, at: placeOf(message) }, into);
}

/** At home the pieces of one message become one again; elsewhere all that follows each other under one role: the service wants them in turns. */
function push(turns: Turn[], turn: Turn, into: Encoding): void {
  const last = turns.at(-1);
  const isOne = last?.role === turn.role && (!into.isHome || last.at === turn.at);
  if (isOne) last.blocks.push(...turn.blocks);
  else if (turn.blocks.length > 0 || into.isHome) turns.push(turn);
}

/** Instructions in the middle: text of the user, marked as what it is. At home they are a turn of their own. */
function pushLaterSystem(turns: Turn[], message: Message, into: Encoding): void {
  const blocks = systemBlocks(message, into);
  const at = placeOf(message);
  if (into.isHome) {
    push(turns, { role: 'system', blocks: [...blocks], extra: message.extra ?? {}, at }, into);
    return;
  }
  if (blocks.length === 0) return;
  into.losses.hint(
    'system-position',
    at,
    'System messages stand at the start here; this one became marked text of the user.',
  );
  const marked = blocks.map((block) =>
    typeof block['text'] === 'string' ? { ...block, text: markedSystem(block['text']) } : block,
  );
  push(turns, { role: 'user', blocks: marked, extra: {}, at }, into);
}

/** What the service wants of the turns, where the caller's conversation is otherwise. */
function repair(turns: Turn[], wants: Wants, into: Encoding): void {
  for (const turn of turns) if (turn.role === 'user') fillTurn(turn);
  beginWithUser(turns, wants);
  repairEnd(turns, wants, into);
}

/** A document needs a text beside it. */
function fillTurn(turn: Turn): void {
  const rest = turn.blocks.filter((block) => !isResult(block));
  const needsText =
    rest.some((block) => block['document'] !== undefined) && rest.every((block) => block['text'] === undefined);
  const sorted = resultsFirst(turn.blocks, isResult);
  turn.blocks.splice(0, turn.blocks.length, ...sorted, ...(needsText ? [{ text: FILLER }] : []));
}

function isResult(block: JsonRecord): boolean {
  return block['toolResult'] !== undefined;
}

/** A last turn of the assistant is what the reply goes on from: not every Claude can, and none after white space. */
function repairEnd(turns: Turn[], wants: Wants, into: Encoding): void {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return;
  if (into.traits.claude?.takesPrefill === false) {
    endWithUser(turns, wants);
    return;
  }
  const block = last.blocks.at(-1);
  if (typeof block?.['text'] === 'string')
    last.blocks[last.blocks.length - 1] = { ...block, text: block['text'].trimEnd() };
}

function isUnsignedLoop(turns: readonly Turn[]): boolean {
  const last = turns.findLast((turn) => turn.role === 'assistant');
  const isLoop = turns.at(-1)?.blocks.some(isResult) === true;
  return isLoop && last?.blocks[0]?.['reasoningContent'] === undefined;
}
