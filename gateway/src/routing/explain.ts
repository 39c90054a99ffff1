/** A plan in a sentence: who comes first and why, and why others do not. For people; nothing is decided by it. */
import type { Fitness } from './fitness.ts';
import type { Placed, Plan, PlanInput } from './plan.ts';
import type { Require, StrategyName } from './policy.ts';
import { requiresOf } from './rules.ts';
import type { Scores } from './strategies/strategy.ts';

/** Of those left out, and of those put behind: the sentence is read, the record has them all. */
const NAMED_MAX = 3;

export const ONLY_TARGET = 'the only target there is';

/** One target, nothing required, and nothing known against it: whatever else is known of it, the plan is the same. */
export function isUndecided({ placed, rejected, strategy }: Plan, input: PlanInput): boolean {
  const [first] = placed;
  if (first === undefined || placed.length > 1 || rejected.length > 0 || strategy !== 'ordered') return false;
  return first.fitness === 'sound' && input.ruling === undefined && isPlain(input);
}

/** Nothing of the policy or the request reads what is known of targets, but for whether they are well. */
function isPlain({ policy, require, preferences }: PlanInput): boolean {
  const { hedge, isSticky, fallback, explore } = policy;
  const reads = hedge ?? fallback ?? policy.require ?? require ?? preferences?.require;
  return reads === undefined && isSticky !== true && (explore ?? 0) === 0 && policy.continues !== true;
}

/** `cheapest of 4 that meet quality 0.65 (0.0012 USD expected); claude/opus left out: region us, the caller requires eu` */
export function whyOf(plan: Plan, input: PlanInput): string {
  if (plan.refusal !== undefined) return `refused by rule ${plan.rule ?? ''}: ${plan.refusal}`;
  const [first] = plan.placed;
  if (first === undefined) return `nothing is left${clauses([...leftOut(plan), ...untold(input)])}`;
  if (isUndecided(plan, input)) return ONLY_TARGET;
  return `${choice(first, plan, input)}${clauses([...putBehind(plan), ...leftOut(plan), ...untold(input)])}`;
}

function choice(first: Placed, plan: Plan, input: PlanInput): string {
  const peers = plan.placed.filter(({ tier, fitness }) => tier === first.tier && fitness === first.fitness).length;
  const wanted = requiredOf(input);
  const field = peers === 1 ? 'the only one' : `${superlative(plan, input.facts.content?.task)} ${peers}`;
  const cached = input.sightings.get(first.target.id)?.cachedTokens ?? 0;
  return [
    plan.rule === undefined ? '' : `by rule ${plan.rule}: `,
    field,
    first.tier === 0 ? '' : ` of tier ${first.tier + 1}`,
    wanted.length === 0 ? '' : ` that ${peers === 1 ? 'meets' : 'meet'} ${wanted.join(', ')}`,
    peers === 1 ? '' : noteOf(plan.strategy, first.scores),
    cached === 0 ? '' : `, which has ${cached} tokens of this conversation in its cache`,
    first.fitness === 'sound' ? '' : `, although it ${UNFIT[first.fitness]}`,
  ].join('');
}

function superlative({ strategy, isExplored }: Plan, task: string | undefined): string {
  if (isExplored === true) return 'drawn by lot, to learn of it, from';
  switch (strategy) {
    case 'ordered':
      return 'first of';
    case 'cost':
      return 'cheapest of';
    case 'latency':
      return 'soonest of';
    case 'throughput':
      return 'fastest writer of';
    case 'quality':
      return task === undefined ? 'best of' : `best at ${task} of`;
    case 'balanced':
      return 'best by quality, cost and latency together of';
    case 'weighted':
      return 'drawn by weight from';
    case 'round-robin':
      return 'next in turn of';
    case 'least-busy':
      return 'less busy of two drawn from';
  }
}

/** The score that decided under a strategy, and how it is said. */
const NOTES: Readonly<Partial<Record<StrategyName, readonly [score: string, said: (value: number) => string]>>> = {
  cost: ['cost_usd', (usd) => `${amount(usd)} USD expected`],
  latency: ['first_ms', (ms) => `first content in about ${ms} ms`],
  throughput: ['tokens_per_s', (speed) => `${speed} tokens a second`],
  quality: ['quality', (score) => `quality ${score}`],
  balanced: ['utility', (utility) => `${Math.round(utility * 1000) / 1000} of 1`],
  'least-busy': ['load', (load) => `load ${load}`],
};

function noteOf(strategy: StrategyName, scores: Scores): string {
  const [score, said] = NOTES[strategy] ?? ['', String];
  const value = scores[score];
  return value === undefined ? '' : ` (${said(value)})`;
}

/** Three digits that count, and no exponent. */
function amount(usd: number): string {
  if (usd === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(usd)));
  return usd
    .toFixed(Math.min(12, digits))
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

/** What had to be met, each word once. */
function requiredOf({ policy, ruling, require, preferences, facts }: PlanInput): readonly string[] {
  const wished = preferences?.forReaders === undefined ? preferences?.require : undefined;
  const all = requiresOf(policy, ruling, [require, wished]);
  return [...new Set(all.flatMap((one) => requiredWords(one, facts.callerRegion)))];
}

function requiredWords(require: Require, callerRegion: string | undefined): readonly string[] {
  const { regions, compliance = [], retentionDaysMax, training, quality, price, ttftMsP95, tags = [] } = require;
  const zones = regions?.map((zone) => (zone === 'caller' ? (callerRegion ?? 'of the caller') : zone));
  const words = [
    quality === undefined ? undefined : `quality ${quality.min}`,
    zones === undefined ? undefined : `region ${zones.join(' or ')}`,
    ...compliance,
    retentionDaysMax === undefined ? undefined : `retention of at most ${retentionDaysMax} days`,
    training === undefined ? undefined : 'no training',
    price === undefined ? undefined : 'the price limit',
    ttftMsP95 === undefined ? undefined : `${ttftMsP95} ms to first content`,
    ...tags.map((tag) => `tag ${tag}`),
  ];
  return words.filter((word) => word !== undefined);
}

const UNFIT: Readonly<Record<Exclude<Fitness, 'sound'>, string>> = {
  full: 'is at its limit',
  doubted: 'has failed lately',
  resting: 'asked to be left alone',
};

/** Those that would stand better were they well. */
function putBehind({ placed }: Plan): readonly string[] {
  const [first] = placed;
  const behind = placed.flatMap(({ target, fitness }) =>
    fitness === 'sound' || first?.fitness !== 'sound' ? [] : [`${target.id} put behind: it ${UNFIT[fitness]}`],
  );
  return named(behind, 'put behind');
}

function leftOut({ rejected }: Plan): readonly string[] {
  return named(
    rejected.map(({ target, reason }) => `${target} left out: ${reason}`),
    'left out',
  );
}

function untold({ ruling }: PlanInput): readonly string[] {
  return (ruling?.troubles ?? []).map((trouble) => `rule ${trouble}`);
}

function named(all: readonly string[], what: string): readonly string[] {
  const more = all.length - NAMED_MAX;
  return more <= 0 ? all : [...all.slice(0, NAMED_MAX), `${more} more ${what}`];
}

function clauses(all: readonly string[]): string {
  return all.map((clause) => `; ${clause}`).join('');
}
