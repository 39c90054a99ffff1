/** Requests as callers send them: single questions and conversations, of several tasks and lengths. The same seed, the same traffic. */
import type { Dice } from './chance.ts';
import { diceFor, exponentialMs, lognormal, pickOne } from './chance.ts';

export const TASKS = ['chat', 'code', 'summary', 'extraction'] as const;
export type Task = (typeof TASKS)[number];

export interface Request {
  readonly id: number;
  readonly atMs: number;
  readonly task: Task;
  readonly inputTokens: number;
  /** What the gateway thinks that it has: its estimate is off by some tenths. */
  readonly inputTokensEstimate: number;
  /** What a model of middling manner would write. */
  readonly outputTokens: number;
  readonly outputTokensMax: number;
  readonly conversation: number;
  /** Its first tokens are what was said and answered in the turn before. 0 in a first turn. */
  readonly sharedTokens: number;
}

export interface TrafficOptions {
  readonly seed: number;
  readonly forMs: number;
  /** Conversations (or single questions) that begin, a second. Where it changes with time, the most of it. */
  readonly perSecond: number;
  /** The share of `perSecond` at that moment. */
  readonly tide?: (atMs: number) => number;
  readonly tasks?: readonly Task[];
  /** Turns of a conversation: 1 to this. */
  readonly turnsMax?: number;
  /** Between an answer and the next question. */
  readonly thinkMs?: number;
  /** Medians of the first turn. Default: by task. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/** Input and output tokens by task, medians: a summary reads much and writes little, code writes much. */
const LENGTHS: Readonly<Record<Task, { readonly input: number; readonly output: number }>> = {
  chat: { input: 300, output: 180 },
  code: { input: 1200, output: 600 },
  summary: { input: 6000, output: 250 },
  extraction: { input: 1500, output: 60 },
};
const LENGTH_SIGMA = 0.7;
const OUTPUT_TOKENS_MAX = 4096;
const INPUT_TOKENS_MAX = 180_000;

/** All requests of a run, by time. Conversations go on whatever the answers were: each turn shares all that went before. */
export function traffic(options: TrafficOptions): readonly Request[] {
  const { seed, forMs, perSecond, tide, tasks = TASKS } = options;
  const throwDice = diceFor(seed, 1);
  const requests: Request[] = [];
  let conversation = 0;
  for (let atMs = exponentialMs(throwDice, perSecond); atMs < forMs; atMs += exponentialMs(throwDice, perSecond)) {
    if (tide !== undefined && throwDice() > tide(atMs)) continue;
    conversation += 1;
    const first = { atMs, conversation, task: pickOne(throwDice, tasks) };
    requests.push(...turns(first, options, diceFor(seed, 2, conversation)));
  }
  return requests
    .filter((request) => request.atMs < forMs)
    .toSorted((a, b) => a.atMs - b.atMs)
    .map((request, id) => ({ ...request, id }));
}

type First = Pick<Request, 'atMs' | 'conversation' | 'task'>;

function turns(first: First, options: TrafficOptions, throwDice: Dice): readonly Request[] {
  const { turnsMax = 1, thinkMs = 20_000 } = options;
  const usual = LENGTHS[first.task];
  const count = 1 + Math.floor(throwDice() * turnsMax);
  const done: Request[] = [];
  let { atMs } = first;
  let sharedTokens = 0;
  for (let turn = 0; turn < count; turn += 1) {
    const asked = lognormal(
      throwDice,
      turn === 0 ? (options.inputTokens ?? usual.input) : usual.input / 4,
      LENGTH_SIGMA,
    );
    const inputTokens = Math.min(INPUT_TOKENS_MAX, sharedTokens + Math.ceil(asked));
    const outputTokens = Math.ceil(lognormal(throwDice, options.outputTokens ?? usual.output, LENGTH_SIGMA));
    done.push({
      ...first,
      id: 0,
      atMs,
      inputTokens,
      inputTokensEstimate: Math.ceil(inputTokens * (0.85 + 0.3 * throwDice())),
      outputTokens,
      outputTokensMax: OUTPUT_TOKENS_MAX,
      sharedTokens,
    });
    sharedTokens = inputTokens + outputTokens;
    atMs += 5000 + lognormal(throwDice, thinkMs, 0.6);
  }
  return done;
}
