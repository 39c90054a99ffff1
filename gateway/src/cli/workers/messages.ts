/** What workers and their supervisor say to each other, over the channel that Node opens for a child. */
import { asNumber, asRecord, asString, isArray, type Json, type JsonRecord } from '../../lib/json.ts';
import type { Answer } from '../../limits/meter.ts';
import type { Ask } from '../../limits/tally.ts';
import type { CrewAnswer, Question } from '../../telemetry/crew.ts';

const QUESTIONS: ReadonlySet<string> = new Set<Question>(['metrics', 'ready', 'health']);

/** From a worker. */
export type Said =
  /** It listens; `greeting` is what a person should read of it. */
  | { readonly kind: 'listening'; readonly greeting: string }
  /** Everyone should be asked. */
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  /** Its own word on a question of the supervisor. */
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Json }
  /** Limits that its requests need something of, or what it has to tell of them. */
  | { readonly kind: 'draw'; readonly id: number; readonly asks: readonly Ask[] }
  /** To all others. */
  | Spoken<'say'>;

/** To a worker. */
export type Told =
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  /** The answer to its `ask`. */
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly CrewAnswer[] }
  /** The answer to its `draw`. */
  | { readonly kind: 'drawn'; readonly id: number; readonly answers: readonly Answer[] }
  /** There may be something again of limits that had too little for it. */
  | { readonly kind: 'freed'; readonly names: readonly string[] }
  /** From another worker. */
  | Spoken<'said'>;

interface Spoken<Kind extends string> {
  readonly kind: Kind;
  readonly channel: string;
  readonly text: string;
}

/** Reads what came over the channel; undefined for what is not ours. */
export function saidOf(message: unknown): Said | undefined {
  const record = asRecord(message);
  const id = asNumber(record?.['id']);
  switch (record?.['kind']) {
    case 'listening':
      return { kind: 'listening', greeting: asString(record['greeting']) ?? '' };
    case 'ask':
      return questioned('ask', record, id);
    case 'answer':
      return id === undefined ? undefined : { kind: 'answer', id, answer: record['answer'] ?? null };
    case 'draw':
      return id === undefined ? undefined : { kind: 'draw', id, asks: listOf(record['asks'], askOf) };
    case 'say':
      return spoken('say', record);
    default:
      return undefined;
  }
}

export function toldOf(message: unknown): Told | undefined {
  const record = asRecord(message);
  const id = asNumber(record?.['id']);
  switch (record?.['kind']) {
    case 'question':
      return questioned('question', record, id);
    case 'answers':
      return id === undefined ? undefined : { kind: 'answers', id, answers: listOf(record['answers'], crewAnswerOf) };
    case 'drawn':
      return id === undefined ? undefined : { kind: 'drawn', id, answers: listOf(record['answers'], answerOf) };
    case 'freed':
      return { kind: 'freed', names: listOf(record['names'], asString) };
    case 'said':
      return spoken('said', record);
    default:
      return undefined;
  }
}

function listOf<T>(value: Json | undefined, read: (one: Json) => T | undefined): readonly T[] {
  return (isArray(value) ? value : []).map(read).filter((one) => one !== undefined);
}

function spoken<Kind extends string>(kind: Kind, record: JsonRecord): Spoken<Kind> | undefined {
  const [channel, text] = [asString(record['channel']), asString(record['text'])];
  return channel === undefined || text === undefined ? undefined : { kind, channel, text };
}

function questioned<Kind extends string>(
  kind: Kind,
  record: JsonRecord,
  id: number | undefined,
): { readonly kind: Kind; readonly id: number; readonly question: Question } | undefined {
  const question = record['question'];
  return id === undefined || !isQuestion(question) ? undefined : { kind, id, question };
}

function isQuestion(value: unknown): value is Question {
  return typeof value === 'string' && QUESTIONS.has(value);
}

function crewAnswerOf(value: Json): CrewAnswer | undefined {
  const record = asRecord(value);
  const worker = asNumber(record?.['worker']);
  if (record === undefined || worker === undefined) return undefined;
  const pid = asNumber(record['pid']);
  const answer = record['answer'];
  return {
    worker,
    restarts: asNumber(record['restarts']) ?? 0,
    isListening: record['isListening'] === true,
    ...(pid === undefined ? {} : { pid }),
    ...(answer === undefined ? {} : { answer }),
  };
}

function askOf(value: Json): Ask | undefined {
  const record = asRecord(value);
  const name = asString(record?.['name']);
  if (record === undefined || name === undefined) return undefined;
  const count = (field: string): number => asNumber(record[field]) ?? 0;
  return {
    name,
    windowMs: count('windowMs'),
    max: count('max'),
    need: count('need'),
    debt: count('debt'),
    own: count('own'),
    unused: listOf(record['unused'], pairOf),
  };
}

function pairOf(value: Json): readonly [number, number] | undefined {
  const [slot, count] = (isArray(value) ? value : []).map(asNumber);
  return slot === undefined || count === undefined ? undefined : [slot, count];
}

function answerOf(value: Json): Answer | undefined {
  const record = asRecord(value);
  const rest = asNumber(record?.['rest']);
  if (record === undefined || rest === undefined) return undefined;
  const epoch = asString(record['epoch']) ?? '';
  switch (record['kind']) {
    case 'dry':
      return { kind: 'dry', waitMs: asNumber(record['waitMs']) ?? 0, rest, epoch };
    case 'drawn':
      return { kind: 'drawn', slot: asNumber(record['slot']) ?? 0, extra: 0, rest, epoch };
    default:
      return { kind: 'not-needed', rest, epoch };
  }
}
