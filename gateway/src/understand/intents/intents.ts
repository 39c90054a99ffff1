/** An operator's own intents: a few examples of each, and a small classifier that says which one a text is, or that it is unsure. */
import { fitEncoder } from './encoder.ts';
import type { Encoder, Sparse } from './encoder.ts';
import { trainSoftmax } from './softmax.ts';
import type { Softmax } from './softmax.ts';
import { warningsOf } from './warnings.ts';
import type { IntentWarning, Trial } from './warnings.ts';
import type { WordVectors } from './word-vectors.ts';

/** More than that trains for longer than a start should take. What is left out is named in a warning. */
const INTENTS_MAX = 200;
const EXAMPLES_MAX = 200;
/**
 * Confidence compares the intents with each other and with "none of them", on the scale of the median score that a
 * held-out example has for its best intent. None stands at half of that; SHARPNESS makes the confidence the share of
 * answers that are right. With the threshold by cross-validation; the table is in docs/reference/intents.md.
 */
const NONE_AT = 0.5;
const SHARPNESS = 10;
/** Below that confidence the text counts as none of the intents. */
const THRESHOLD = 0.5;
/** In typical scores. Beyond it nothing is surer, and the exponential stays finite. */
const SCORE_MAX = 6;

export interface IntentOptions {
  /** Read by `parseWordVectors`. Without them only words that stand in the examples count. */
  readonly vectors?: WordVectors;
  /** Least confidence of an answer, 0 to 1. */
  readonly threshold?: number;
}

export interface Intent {
  readonly name: string;
  /** 0 to 1: how likely it is this intent, and not another or none. */
  readonly confidence: number;
}

export interface IntentModel {
  /** By name. */
  readonly names: readonly string[];
  readonly warnings: readonly IntentWarning[];
  /** Shares of the examples, each as if it had not been learned. What is neither was refused. */
  readonly heldOut: { readonly right: number; readonly wrong: number };
  /** The likeliest intent; undefined where none is likely enough. */
  readonly classify: (text: string) => Intent | undefined;
  /** All intents, likeliest first. What is missing to 1 is the likelihood of none. */
  readonly scores: (text: string) => readonly Intent[];
}

export type IntentExamples = Readonly<Record<string, readonly string[]>>;

/**
 * Learns intents from examples. Pure: the same examples give the same model, in whatever order the intents stand.
 * 77 intents with 20 examples each take about half a second. Never throws: what cannot be learned is in the warnings.
 */
export function trainIntents(examples: IntentExamples, options: IntentOptions = {}): IntentModel {
  const steps = trainingSteps(examples, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same with a pause after each example, for a server that has other things to do meanwhile. */
export function* trainingSteps(examples: IntentExamples, options: IntentOptions): Generator<undefined, IntentModel> {
  const names = Object.keys(examples).toSorted().slice(0, INTENTS_MAX);
  const rows = names.flatMap((name, intent) => distinct(examples[name] ?? []).map((text) => ({ text, intent })));
  const texts = rows.map((row) => row.text);
  const encoder = yield* fitEncoder(texts, options.vectors);
  const encoded: Sparse[] = [];
  for (const text of texts) {
    encoded.push(encoder.encode(text));
    yield;
  }
  const classes = Int32Array.from(rows, (row) => row.intent);
  const problem = { examples: encoded, classes, classCount: names.length, size: encoder.size };
  const { scores, heldOut } = yield* trainSoftmax(problem);
  const typical = typicalScore(heldOut);
  const threshold = options.threshold ?? THRESHOLD;
  const trials = rows.map(({ text, intent }, at): Trial => {
    const found = best(confidences(heldOut[at] ?? new Float32Array(), typical));
    return { text, intent, guess: found.at, isSure: found.confidence >= threshold };
  });
  return {
    names,
    warnings: [...leftOut(examples, names), ...warningsOf(names, trials)],
    heldOut: {
      right: share(trials, (trial) => trial.isSure && trial.guess === trial.intent),
      wrong: share(trials, (trial) => trial.isSure && trial.guess !== trial.intent),
    },
    ...askable({ names, encoder, scores, typical, threshold }),
  };
}

interface Learned {
  readonly names: readonly string[];
  readonly encoder: Encoder;
  readonly scores: Softmax['scores'];
  readonly typical: number;
  readonly threshold: number;
}

/** On its own, so that what only the training needed is not kept as long as the model. */
function askable({ names, encoder, scores, typical, threshold }: Learned): Pick<IntentModel, 'classify' | 'scores'> {
  const ask = (text: string): Float32Array => confidences(scores(encoder.encode(text)), typical);
  return {
    classify: (text) => classified(ask(text), names, threshold),
    scores: (text) => ranked(ask(text), names),
  };
}

function classified(all: Float32Array, names: readonly string[], threshold: number): Intent | undefined {
  const { at, confidence } = best(all);
  const name = names[at];
  return name === undefined || confidence < threshold ? undefined : { name, confidence };
}

function ranked(all: Float32Array, names: readonly string[]): readonly Intent[] {
  return names.map((name, at) => ({ name, confidence: all[at] ?? 0 })).toSorted((a, b) => b.confidence - a.confidence);
}

function leftOut(examples: IntentExamples, names: readonly string[]): readonly IntentWarning[] {
  const without = Object.keys(examples).length - names.length;
  const many = names.filter((name) => (examples[name] ?? []).length > EXAMPLES_MAX);
  return [
    ...(without === 0 ? [] : [{ message: `are more than are learned: the first ${INTENTS_MAX} by name` }]),
    ...many.map((intent) => ({ intent, message: `has more examples than are learned: the first ${EXAMPLES_MAX}` })),
  ];
}

/** In one order, whatever the file's, and each once: a text that stands twice would hold itself out in vain. */
function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.slice(0, EXAMPLES_MAX).map((text) => text.trim()))].filter((text) => text !== '').toSorted();
}

/** The median of what held-out examples score for their best intent: what a good score is here. */
function typicalScore(heldOut: readonly Float32Array[]): number {
  const tops = heldOut.map((scores) => scores.reduce((a, b) => Math.max(a, b), 0)).toSorted((a, b) => a - b);
  const median = tops[Math.floor(tops.length / 2)] ?? 0;
  return median > 0 ? median : 1;
}

/** Likelihood of each intent beside the others and none. An intent for which nothing speaks (score 0) has none. */
function confidences(scores: Float32Array, typical: number): Float32Array {
  const odds = scores.map((score) => Math.max(0, Math.expm1(SHARPNESS * Math.min(score / typical, SCORE_MAX))));
  const all = odds.reduce((a, b) => a + b, Math.expm1(SHARPNESS * NONE_AT));
  return odds.map((odd) => odd / all);
}

function best(all: Float32Array): { readonly at: number; readonly confidence: number } {
  const confidence = all.reduce((a, b) => Math.max(a, b), 0);
  return { at: all.indexOf(confidence), confidence };
}

function share(trials: readonly Trial[], is: (trial: Trial) => boolean): number {
  return trials.length === 0 ? 0 : trials.filter(is).length / trials.length;
}
