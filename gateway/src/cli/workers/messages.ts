/** What workers and their supervisor say to each other, over the channel that Node opens for a child. */
import { asNumber, asRecord, asString, isArray, type Json, type JsonRecord } from '../../lib/json.ts';
import type { CrewAnswer, Question } from '../../telemetry/crew.ts';

const QUESTIONS: ReadonlySet<string> = new Set<Question>(['metrics', 'ready', 'health']);

/** From a worker. */
export type Said =
  /** It listens; `greeting` is what a person should read of it. */
  | { readonly kind: 'listening'; readonly greeting: string }
  /** Everyone should be asked. */
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  /** Its own word on a question of the supervisor. */
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Json };

/** To a worker. */
export type Told =
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  /** The answer to its `ask`. */
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly CrewAnswer[] };

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
    default:
      return undefined;
  }
}

export function toldOf(message: unknown): Told | undefined {
  const record = asRecord(message);
  const id = asNumber(record?.['id']);
  if (record?.['kind'] === 'question') return questioned('question', record, id);
  const answers = record?.['answers'];
  if (record?.['kind'] !== 'answers' || id === undefined || !isArray(answers)) return undefined;
  return { kind: 'answers', id, answers: answers.flatMap((one) => answerOf(asRecord(one))) };
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

function answerOf(record: JsonRecord | undefined): readonly CrewAnswer[] {
  const worker = asNumber(record?.['worker']);
  if (record === undefined || worker === undefined) return [];
  const pid = asNumber(record['pid']);
  const answer = record['answer'];
  return [
    {
      worker,
      restarts: asNumber(record['restarts']) ?? 0,
      isListening: record['isListening'] === true,
      ...(pid === undefined ? {} : { pid }),
      ...(answer === undefined ? {} : { answer }),
    },
  ];
}
