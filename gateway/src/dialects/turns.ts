/** The order of turns that the two wires of blocks (Messages, Converse) want: system text apart, no empty turn, the user first. */
import type { Message } from '../chat/request.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { LossList } from './loss-list.ts';

/** Stands where a text of the user is wanted and the caller sent none. */
export const FILLER = '.';
const CONTINUE = 'Continue.';

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: JsonRecord[];
  readonly extra: JsonRecord;
  /** Where it stands in the caller's body. */
  readonly at: string;
}

export function isSystem(message: Message): boolean {
  return message.role === 'system' || message.role === 'developer';
}

/** The system messages at the start, and the conversation. */
export function splitSystem(
  messages: readonly Message[],
): readonly [system: readonly Message[], rest: readonly Message[]] {
  const leading = messages.findIndex((message) => !isSystem(message));
  const count = leading === -1 ? messages.length : leading;
  return [messages.slice(0, count), messages.slice(count)];
}

export function placeOf(message: Message): string {
  return message.at ?? 'messages';
}

export function loseName(message: Message, losses: LossList): void {
  if (message.name !== undefined) losses.hint('name', `${placeOf(message)}.name`, 'Participants have no names here.');
}

/** A text of the user's that is marked as the system text that it was. */
export function markedSystem(text: string): string {
  return `<system>\n${text}\n</system>`;
}

export interface Wants {
  /** What the wire's pages call it, for the texts of losses. */
  readonly who: 'API' | 'service';
  readonly hasSystem: boolean;
  /** Where the conversation begins in the caller's body. */
  readonly start: string;
  readonly losses: LossList;
  /** A text as a block. */
  readonly block: (text: string) => JsonRecord;
}

/** Puts the user first. */
export function beginWithUser(turns: Turn[], { who, hasSystem, start, losses, block }: Wants): void {
  const [first] = turns;
  if (first?.role !== 'assistant' && first !== undefined) return;
  if (first === undefined) {
    const why = `The ${who} wants a message of the user with text; it was given \`${FILLER}\`.`;
    losses.hint(hasSystem ? 'system-only' : 'first-turn', start, why);
  } else {
    const why = `The ${who} wants the user first; a message \`${FILLER}\` was put before the assistant's.`;
    losses.hint('first-turn', first.at, why);
  }
  turns.unshift(userTurn(block(FILLER)));
}

/** Puts the user behind a turn of the assistant's that a model cannot go on from. */
export function endWithUser(turns: Turn[], { losses, block }: Pick<Wants, 'losses' | 'block'>): void {
  const why = `This model cannot go on from a message of the assistant; the user's \`${CONTINUE}\` was put after it.`;
  losses.hint('prefill', turns.at(-1)?.at ?? 'messages', why);
  turns.push(userTurn(block(CONTINUE)));
}

function userTurn(block: JsonRecord): Turn {
  return { role: 'user', blocks: [block], extra: {}, at: 'messages' };
}

/** Blocks with the results first, or the request is refused: they stand before anything else in the turn that answers the calls. */
export function resultsFirst(
  blocks: readonly JsonRecord[],
  isResult: (block: JsonRecord) => boolean,
): readonly JsonRecord[] {
  return [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))];
}
