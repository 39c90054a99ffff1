/** The conversation as turns that the service takes: system text apart, user and assistant in turns, the user first, no empty turn. */
import type { Message } from '../../chat/request.ts';
import type { Part } from '../../chat/part.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { encodeAssistantPart, encodeUserPart, type Encoding } from './encode-blocks.ts';

/** Stands where the service wants a text of the user and the caller sent none. */
const FILLER = '.';
const CONTINUE = 'Continue.';

interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: JsonRecord[];
  readonly extra: JsonRecord;
  readonly at: string;
}

export interface EncodedMessages {
  readonly system: readonly JsonRecord[];
  readonly messages: readonly JsonRecord[];
  /** Whether calls or results stand in the conversation: then tools must be declared. */
  readonly hasCalls: boolean;
  /** True where the last turn answers calls that were made without signed reasoning. */
  readonly isUnsignedToolLoop: boolean;
}

export function encodeMessages(messages: readonly Message[], into: Encoding): EncodedMessages {
  const leading = messages.findIndex((message) => !isSystem(message));
  const count = leading === -1 ? messages.length : leading;
  const system = messages.slice(0, count).flatMap((message) => systemBlocks(message, into));
  const turns: Turn[] = [];
  for (const message of messages.slice(count)) pushMessage(turns, message, into);
  if (!into.isHome) repair(turns, { system, start: messages[0]?.at ?? 'messages' }, into);
  return {
    system,
    messages: turns.map(({ role, blocks, extra }) => ({ role, content: blocks, ...extra })),
    hasCalls: turns.some(({ blocks }) => blocks.some(isOfTool)),
    isUnsignedToolLoop: isUnsignedLoop(turns),
  };
}

function isSystem(message: Message): boolean {
  return message.role === 'system' || message.role === 'developer';
}

function isOfTool(block: JsonRecord): boolean {
  return block['toolUse'] !== undefined || block['toolResult'] !== undefined;
}

function systemBlocks(message: Message, into: Encoding): readonly JsonRecord[] {
  loseName(message, into);
  return message.parts.flatMap((part) => {
    if (part.kind === 'text' || part.kind === 'opaque') return encodeUserPart(part, into);
    into.losses.meaning(
      'system-media',
      part.at ?? message.at ?? 'messages',
      'Only text can stand in a system message.',
    );
    return [];
  });
}

function loseName(message: Message, into: Encoding): void {
  if (message.name !== undefined)
    into.losses.hint('name', `${message.at ?? 'messages'}.name`, 'Participants have no names here.');
}

function pushMessage(turns: Turn[], message: Message, into: Encoding): void {
  if (isSystem(message)) {
    pushLaterSystem(turns, message, into);
    return;
  }
  loseName(message, into);
  const role = message.role === 'assistant' ? 'assistant' : 'user';
  const encode = role === 'assistant' ? encodeAssistantPart : encodeUserPart;
  const blocks = message.parts.flatMap((part: Part) => encode(part, into));
  push(turns, { role, blocks, extra: into.isHome ? (message.extra ?? {}) : {}, at: message.at ?? 'messages' }, into);
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
  const at = message.at ?? 'messages';
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
    typeof block['text'] === 'string' ? { ...block, text: `<system>\n${block['text']}\n</system>` } : block,
  );
  push(turns, { role: 'user', blocks: marked, extra: {}, at }, into);
}

interface Around {
  readonly system: readonly JsonRecord[];
  /** Where the conversation begins in the caller's body. */
  readonly start: string;
}

/** What the service wants of the turns, where the caller's conversation is otherwise. */
function repair(turns: Turn[], around: Around, into: Encoding): void {
  for (const turn of turns) if (turn.role === 'user') fillTurn(turn);
  const [first] = turns;
  if (first === undefined) {
    into.losses.hint(
      around.system.length === 0 ? 'first-turn' : 'system-only',
      around.start,
      `The service wants a message of the user with text; it was given \`${FILLER}\`.`,
    );
    turns.push(filler(FILLER));
  } else if (first.role === 'assistant') {
    into.losses.hint(
      'first-turn',
      first.at,
      `The service wants the user first; a message \`${FILLER}\` was put before the assistant's.`,
    );
    turns.unshift(filler(FILLER));
  }
  repairEnd(turns, into);
}

function filler(text: string): Turn {
  return { role: 'user', blocks: [{ text }], extra: {}, at: 'messages' };
}

/** Results stand before anything else in the turn that answers the calls, and a document needs a text beside it. */
function fillTurn(turn: Turn): void {
  const isResult = (block: JsonRecord): boolean => block['toolResult'] !== undefined;
  const rest = turn.blocks.filter((block) => !isResult(block));
  const sorted = [...turn.blocks.filter(isResult), ...rest];
  const needsText =
    rest.some((block) => block['document'] !== undefined) && rest.every((block) => block['text'] === undefined);
  turn.blocks.splice(0, turn.blocks.length, ...sorted, ...(needsText ? [{ text: FILLER }] : []));
}

/** A last turn of the assistant is what the reply goes on from: not every Claude can, and none after white space. */
function repairEnd(turns: Turn[], into: Encoding): void {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return;
  if (into.traits.claude?.takesPrefill === false) {
    into.losses.hint(
      'prefill',
      last.at,
      `This model cannot go on from a message of the assistant; the user's \`${CONTINUE}\` was put after it.`,
    );
    turns.push(filler(CONTINUE));
    return;
  }
  const block = last.blocks.at(-1);
  if (typeof block?.['text'] === 'string')
    last.blocks[last.blocks.length - 1] = { ...block, text: block['text'].trimEnd() };
}

function isUnsignedLoop(turns: readonly Turn[]): boolean {
  const last = turns.findLast((turn) => turn.role === 'assistant');
  const isLoop = turns.at(-1)?.blocks.some((block) => block['toolResult'] !== undefined) === true;
  return isLoop && last?.blocks[0]?.['reasoningContent'] === undefined;
}
