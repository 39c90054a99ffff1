/** Conversations that go on from an earlier reply by its id: what is kept of each, and how a body is made whole again. */
import { asArray, asString, isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../lib/json.ts';
import type { KeptTurn, Thread } from '../dialect.ts';
import { typeOf } from './items.ts';

const PREVIOUS = 'previous_response_id';

export const thread: Thread = {
  previousOf: (body) => asString(body[PREVIOUS]),
  // OpenAI keeps a response unless it is told not to, and clients that go on by its id rely on that.
  asksToKeep: (body) => body['store'] !== false,
  turnOf,
  withTurns,
};

/** The turn that a body and its finished answer make: a whole reply, or the end of a stream. */
function turnOf(body: JsonRecord, answer: string): KeptTurn | undefined {
  const reply = replyIn(answer);
  const id = asString(reply?.['id']);
  if (reply === undefined || id === undefined) return undefined;
  return { id, input: itemsOf(body['input']), reply };
}

/** A whole reply, or the one that the last event of a stream repeats. */
function replyIn(answer: string): JsonRecord | undefined {
  const whole = answer.startsWith('{') ? parseJson(answer) : undefined;
  if (isRecord(whole)) return whole;
  const at = answer.lastIndexOf('"type":"response.');
  const from = answer.lastIndexOf('data:', at === -1 ? undefined : at);
  const line = answer.slice(from + 'data:'.length, lineEnd(answer, from));
  const event = parseJson(line);
  const response = isRecord(event) ? event['response'] : undefined;
  return isRecord(response) ? response : undefined;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function itemsOf(input: Json | undefined): readonly Json[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }];
  return asArray(input) ?? [];
}

/** The body with the items of earlier turns before its own. */
function withTurns(body: JsonRecord, turns: readonly KeptTurn[]): JsonRecord {
  const { [PREVIOUS]: _, ...rest } = body;
  const before = turns.flatMap(({ input, reply }) => [...input, ...(asArray(reply['output']) ?? [])]);
  return { ...rest, input: [...before.flatMap(unbound), ...itemsOf(body['input'])] };
}

/** Items whose ids only mean something where they were made: of these the words are kept, and reasoning only if it is sealed. */
const BOUND: ReadonlySet<string> = new Set(['message', 'function_call', 'function_call_output', 'reasoning']);

function unbound(item: Json): readonly Json[] {
  if (!isRecord(item) || !BOUND.has(typeOf(item))) return [item];
  const { id: _, status: __, ...words } = item;
  if (words['type'] !== 'reasoning') return [words];
  return typeof words['encrypted_content'] === 'string' ? [words] : [];
}

/** The items that the last reply was asked with, earlier turns and all, newest first: as OpenAI lists them, each with an id. */
export function listedItems(turns: readonly KeptTurn[]): readonly JsonRecord[] {
  const items = turns.flatMap(({ id, input, reply }, turn) => {
    const said = turn === turns.length - 1 ? [] : (asArray(reply['output']) ?? []);
    return [...input, ...said]
      .filter(isRecord)
      .map((item, index): JsonRecord => ({ id: `item_${id}_${index}`, ...typed(item) }));
  });
  return items.toReversed();
}

function typed(item: JsonRecord): JsonRecord {
  const type = typeOf(item);
  const content = item['content'];
  if (type !== 'message' || isArray(content)) return { type, ...item };
  const part = item['role'] === 'assistant' ? 'output_text' : 'input_text';
  return { ...item, type, content: [{ type: part, text: content ?? '' }] };
}
