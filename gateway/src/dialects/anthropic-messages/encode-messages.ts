/** The conversation as turns that the API takes: system text at the top, results first, no empty turn, the user first. */
import type { Message } from '../../chat/request.ts';
import type { Part } from '../../chat/part.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { encodeAssistantPart, encodeUserPart, plainContent, type Encoding } from './encode-blocks.ts';
import type { ModelTraits } from './model.ts';

/** Stands where the API wants a turn of the user and the caller sent none. */
const FILLER = '.';
const CONTINUE = 'Continue.';

interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: JsonRecord[];
  readonly extra: JsonRecord;
  readonly at: string;
}

export interface EncodedMessages {
  /** Text blocks for the top-level `system`. */
  readonly system: readonly JsonRecord[];
  readonly messages: readonly JsonRecord[];
  /** True where the last turn answers tool calls that were made without signed thinking. */
  readonly isUnsignedToolLoop: boolean;
}

export function encodeMessages(messages: readonly Message[], traits: ModelTraits, into: Encoding): EncodedMessages {
  const leading = messages.findIndex((message) => !isSystem(message));
  const systemCount = leading === -1 ? messages.length : leading;
  const system = messages.slice(0, systemCount).flatMap((message) => systemBlocks(message, into));
  const turns = repaired(encodeTurns(messages.slice(systemCount), traits, into), system, { traits, into });
  return { system, messages: turns.map(encodeTurn), isUnsignedToolLoop: isUnsignedLoop(turns) };
}

function isSystem(message: Message | undefined): boolean {
  return message?.role === 'system' || message?.role === 'developer';
}

/** Only text can stand in a system prompt. */
function systemBlocks(message: Message, into: Encoding): readonly JsonRecord[] {
  loseName(message, into);
  return message.parts.flatMap((part) => {
    if (part.kind === 'text') return encodeUserPart(part, into);
    into.losses.add('system-media', part.at ?? message.at ?? 'messages', 'meaning', 'Only text can stand in a system message.');
    return [];
  });
}

function loseName(message: Message, into: Encoding): void {
  if (message.name === undefined) return;
  into.losses.add('name', `${message.at ?? 'messages'}.name`, 'hint', 'Participants have no names here.');
}

function encodeTurns(messages: readonly Message[], traits: ModelTraits, into: Encoding): Turn[] {
  const turns: Turn[] = [];
  for (const [index, message] of messages.entries()) {
    const at = message.at ?? 'messages';
    if (isSystem(message)) {
      const next = messages.slice(index + 1).find((later) => !isSystem(later));
      pushLaterSystem(turns, message, { isNative: traits.takesLaterSystem && (next === undefined || next.role === 'assistant'), into });
      continue;
    }
    loseName(message, into);
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const encode = role === 'assistant' ? encodeAssistantPart : encodeUserPart;
    const blocks = message.parts.flatMap((part: Part) => encode(part, into));
    if (blocks.length === 0) continue;
    const extra = into.isHome ? (message.extra ?? {}) : {};
    const last = turns.at(-1);
    if (last?.role === role && Object.keys(extra).length === 0) last.blocks.push(...blocks);
    else turns.push({ role, blocks, extra, at });
  }
  return turns;
}

/**
 * Instructions in the middle. Models from Claude 4.8 on take them where a turn of the user is before and none after;
 * elsewhere they go into the user's turn, marked as what they are.
 */
function pushLaterSystem(turns: Turn[], message: Message, how: { readonly isNative: boolean; readonly into: Encoding }): void {
  const { into } = how;
  const at = message.at ?? 'messages';
  const last = turns.at(-1);
  loseName(message, into);
  if (how.isNative && (last?.role === 'user' || last?.role === 'system')) {
    const blocks = message.parts.flatMap((part) => (part.kind === 'opaque' ? encodeUserPart(part, into) : textOnly(part, at, into)));
    if (blocks.length > 0) turns.push({ role: 'system', blocks, extra: into.isHome ? (message.extra ?? {}) : {}, at });
    return;
  }
  const blocks = message.parts.flatMap((part) => textOnly(part, at, into)).map(wrapped);
  if (blocks.length === 0) return;
  into.losses.add('system-position', at, 'hint', 'This model takes system messages only at the start; this one became marked text of the user.');
  if (last?.role === 'user') last.blocks.push(...blocks);
  else turns.push({ role: 'user', blocks, extra: {}, at });
}

function textOnly(part: Part, at: string, into: Encoding): readonly JsonRecord[] {
  if (part.kind === 'text') return encodeUserPart(part, into);
  into.losses.add('system-media', part.at ?? at, 'meaning', 'Only text can stand in a system message.');
  return [];
}

function wrapped(block: JsonRecord): JsonRecord {
  return { ...block, text: `<system>\n${String(block['text'])}\n</system>` };
}

/** What the API wants of the order of turns, where the caller's conversation is otherwise. */
function repaired(turns: Turn[], system: readonly JsonRecord[], how: { readonly traits: ModelTraits; readonly into: Encoding }): readonly Turn[] {
  const { traits, into } = how;
  if (turns.length === 0) {
    const why = system.length === 0 ? 'The API wants a message of the user with text.' : 'The API wants a message of the user beside the system text.';
    into.losses.add('first-turn', 'messages', 'hint', `${why} It was given \`${FILLER}\`.`);
    return [filler(FILLER)];
  }
  if (turns[0]?.role === 'assistant' && !into.isHome) {
    into.losses.add('first-turn', 'messages', 'hint', `The API wants the user first; a message \`${FILLER}\` was put before the assistant's.`);
    turns.unshift(filler(FILLER));
  }
  const last = turns.at(-1);
  if (last?.role !== 'assistant' || into.isHome) return turns;
  if (!traits.takesPrefill) {
    into.losses.add('prefill', last.at, 'hint', `This model cannot go on from a message of the assistant; the user's \`${CONTINUE}\` was put after it.`);
    turns.push(filler(CONTINUE));
  } else trimEnd(last);
  return turns;
}

function filler(text: string): Turn {
  return { role: 'user', blocks: [{ type: 'text', text }], extra: {}, at: 'messages' };
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
  const blocks = turn.role === 'user' ? resultsFirst(turn.blocks) : turn.blocks;
  return { role: turn.role, content: plainContent(blocks) ?? [], ...turn.extra };
}

/** Results stand before anything else in the turn that answers the calls, or the request is refused. */
function resultsFirst(blocks: readonly JsonRecord[]): readonly JsonRecord[] {
  const isResult = (block: JsonRecord): boolean => block['type'] === 'tool_result';
  return [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))];
}

function isUnsignedLoop(turns: readonly Turn[]): boolean {
  const last = turns.findLast((turn) => turn.role === 'assistant');
  const isLoop = turns.at(-1)?.blocks.some((block) => block['type'] === 'tool_result') === true;
  const first = last?.blocks[0]?.['type'];
  return isLoop && last?.blocks.some((block) => block['type'] === 'tool_use') === true && first !== 'thinking' && first !== 'redacted_thinking';
}
