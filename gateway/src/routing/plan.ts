/** Decides where a request may go, and in what order; and after each attempt, what comes next. Pure: same input, same answer. */
import type { Fault, FaultCode } from '../chat/fault.ts';
import { REPLACEABLE } from '../dialects/dialect.ts';
import { compact } from '../lib/json.ts';
import type { Facts } from './facts.ts';
import type { Target } from './target.ts';

/** Why a target is left out whose name its key must not learn. */
export const NOT_ALLOWED = 'the key may not use it';

export interface Rejection {
  readonly target: string;
  readonly reason: string;
  /** Set where the model is gone: no wish or key of the caller's is the reason. */
  readonly retired?: Target;
}

export interface Plan {
  /** In the order in which they are tried. */
  readonly targets: readonly Target[];
  readonly rejected: readonly Rejection[];
  /** Most attempts over all targets, repeats included. */
  readonly attemptsMax: number;
  /** Faults after which another attempt may follow. */
  readonly replaceable: ReadonlySet<FaultCode>;
  /** Absent: no attempt is made beside another. */
  readonly hedge?: Hedge;
  /** An attempt without content by then is given up where another target is left. Absent: only the target's own limit holds. */
  readonly firstTokenMs?: number;
  /** Whether another target may go on where a stream broke in the middle of its text. */
  readonly continues?: boolean;
}

/** When a second attempt begins beside one that is slow. */
export interface Hedge {
  /** From the beginning of an attempt: if it has given no content by then, another one begins beside it. */
  readonly afterMs: number;
  /** Most of the route's requests, and of its spend, that hedges may add: 0..1. Absent: what is usual (`health/hedges.ts`). */
  readonly share?: number;
}

/** What a route says of the attempts after the first. */
export interface Fallback extends Pick<Plan, 'hedge' | 'firstTokenMs' | 'continues'> {
  readonly attemptsMax?: number;
  readonly replaceable: ReadonlySet<FaultCode>;
  /** No target whose list price is more than this many times the first choice's. */
  readonly priceFactorMax?: number;
}

/** How the candidates of one request were found, before anything is known of them. */
export interface Candidates {
  /** Groups in order: a later group is used only after the earlier ones. Inside a group, `weighted` draws the order. */
  readonly groups: readonly (readonly WeightedTarget[])[];
  readonly order: 'listed' | 'weighted';
  /** Absent: every replaceable fault is replaced, at any price. */
  readonly fallback?: Fallback;
}

export interface WeightedTarget {
  readonly target: Target;
  readonly weight: number;
}

/** What is known of a target's health when the plan is made. */
export interface Health {
  /** Milliseconds until the target may be used again; 0 if now. */
  restMs(targetId: string): number;
  /** It, or its key, has failed lately: used where nothing better is left. */
  isDoubted(target: Target): boolean;
}

export interface PlanOptions {
  readonly attemptsMax: number;
  readonly health: Health;
  /** `2026-11-22`: models that ended by then are not asked for at their provider's own address. */
  readonly today: string;
  /** Models that the key may use; absent means all. */
  readonly isAllowed: (target: Target) => boolean;
  /** Why a target cannot do what is asked at all; undefined where it can. Absent: all can. */
  readonly whyNot?: (target: Target) => string | undefined;
  /** Preferences of the request itself (`provider` of OpenRouter's body). */
  readonly preferences?: Preferences;
  /** 0 <= x < 1, a new one each call. */
  readonly random: () => number;
}

/** OpenRouter's `provider` object, as far as it names providers and prices. */
export interface Preferences {
  readonly order?: readonly string[];
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
  readonly allowFallbacks?: boolean;
  readonly sort?: 'price';
  /** USD per million tokens, as nano-dollars. */
  readonly inputPriceMax?: bigint;
  readonly outputPriceMax?: bigint;
  /** Fields that no target here can be held to, and those that would only be hints. */
  readonly demands?: readonly string[];
  readonly hints?: readonly string[];
}

/** Makes the plan: requirements, wishes, price, and health last. */
export function plan(candidates: Candidates, facts: Facts, options: PlanOptions): Plan {
  const sorted = sift(candidates, facts, options);
  const rejected = [...sorted.rejected];
  const preferred = byPreference(sorted.targets, options.preferences);
  const guarded = withinPrice(preferred, candidates.fallback?.priceFactorMax, rejected);
  return {
    targets: byHealth(guarded, options.health),
    rejected,
    attemptsMax: candidates.fallback?.attemptsMax ?? options.attemptsMax,
    replaceable: candidates.fallback?.replaceable ?? REPLACEABLE,
    ...(candidates.fallback === undefined ? {} : waysOf(candidates.fallback)),
  };
}

function waysOf({ hedge, firstTokenMs, continues }: Fallback): Pick<Plan, 'hedge' | 'firstTokenMs' | 'continues'> {
  return compact({ hedge, firstTokenMs, continues });
}

/** Doubted targets come after sound ones, resting ones last, longest rest last: a late answer is better than none. */
function byHealth(targets: readonly Target[], health: Health): readonly Target[] {
  const rank = (target: Target): number => {
    const restMs = health.restMs(target.id);
    if (restMs > 0) return 1 + restMs;
    return health.isDoubted(target) ? 1 : 0;
  };
  return targets.toSorted((a, b) => rank(a) - rank(b));
}

interface Sifted {
  readonly targets: readonly Target[];
  readonly rejected: readonly Rejection[];
}

/** Requirements first: who may take the request, and who can. Each target once, in the order of its first group. */
function sift(candidates: Candidates, facts: Facts, options: PlanOptions): Sifted {
  const targets: Target[] = [];
  const unfit: Rejection[] = [];
  const doubtful: Target[] = [];
  const forbidden: Rejection[] = [];
  for (const target of inOrder(candidates, options.random)) {
    const ban = whyForbidden(target, options);
    const doubt = ban === undefined ? whyUnfit(target, facts) : undefined;
    if (ban !== undefined) forbidden.push({ target: target.id, reason: ban });
    else if (isGone(target, options.today)) {
      forbidden.push({ target: target.id, reason: `it ended on ${target.retiresOn}`, retired: target });
    } else if (doubt === undefined) targets.push(target);
    else {
      doubtful.push(target);
      unfit.push({ target: target.id, reason: doubt });
    }
  }
  // A catalog can be wrong or old: where it speaks against every target, the providers decide themselves.
  return targets.length === 0
    ? { targets: doubtful, rejected: forbidden }
    : { targets, rejected: [...forbidden, ...unfit] };
}

function inOrder(candidates: Candidates, random: () => number): readonly Target[] {
  const seen = new Map<string, Target>();
  for (const group of candidates.groups) {
    const ordered = candidates.order === 'weighted' ? drawn(group, random) : group;
    for (const { target } of ordered) if (!seen.has(target.id)) seen.set(target.id, target);
  }
  return [...seen.values()];
}

/** The price guard (faults.md F65): a fallback may not cost a multiple of the first choice that nobody agreed to. */
function withinPrice(targets: readonly Target[], factor: number | undefined, rejected: Rejection[]): readonly Target[] {
  const first = targets[0] === undefined ? undefined : listPrice(targets[0]);
  if (factor === undefined || first === undefined) return targets;
  const most = (first * BigInt(Math.round(factor * 1000))) / 1000n;
  return targets.filter((target) => {
    const price = listPrice(target);
    if (price !== undefined && price <= most) return true;
    const reason =
      price === undefined
        ? 'its price is not known, and the route guards prices'
        : `it costs more than ${factor} times the first choice`;
    rejected.push({ target: target.id, reason });
    return false;
  });
}

/** Why a target may not take the request; undefined if it may. Never overruled. */
function whyForbidden(target: Target, options: PlanOptions): string | undefined {
  if (!options.isAllowed(target)) return NOT_ALLOWED;
  const wish = options.preferences === undefined ? undefined : whyNotPreferred(target, options.preferences);
  return wish ?? options.whyNot?.(target);
}

/** Elsewhere than at the provider's own address, the operator knows better than the catalog what is still served. */
function isGone({ retiresOn, isElsewhere }: Target, today: string): boolean {
  return retiresOn !== undefined && isElsewhere !== true && retiresOn <= today;
}

/** What is made good here where a target lacks it: an answer held to a schema (`output/way.ts`). */
const EMULATED: ReadonlySet<string> = new Set(['json-schema']);

/** Why a target is thought unable to take the request, by what the catalog says of it. */
function whyUnfit(target: Target, facts: Facts): string | undefined {
  const missing = facts.needs.find((need) => !EMULATED.has(need) && target.abilities?.has(need) === false);
  if (missing !== undefined) return `it has no ability \`${missing}\``;
  const input = target.limits.inputTokens ?? target.limits.contextTokens;
  // The estimate may be off by a quarter: only what is clearly too long is left out.
  const tokens = facts.longestTokensEstimate ?? facts.inputTokensEstimate;
  if (input !== undefined && tokens > input * 1.25) {
    return `about ${tokens} input tokens do not fit into ${input}`;
  }
  return undefined;
}

function whyNotPreferred(target: Target, preferences: Preferences): string | undefined {
  const id = target.providerId;
  if (preferences.only !== undefined && !preferences.only.includes(id)) return 'not in `provider.only`';
  if (preferences.ignore?.includes(id) === true) return 'in `provider.ignore`';
  if (preferences.allowFallbacks === false && preferences.order !== undefined && !preferences.order.includes(id)) {
    return 'not in `provider.order`, and `provider.allow_fallbacks` is false';
  }
  return isTooDear(target, preferences) ? 'dearer than `provider.max_price`, or its price is not known' : undefined;
}

function isTooDear(target: Target, preferences: Preferences): boolean {
  const { inputPriceMax, outputPriceMax } = preferences;
  const { input, output } = target.price ?? {};
  if (inputPriceMax !== undefined && (input === undefined || input > inputPriceMax)) return true;
  return outputPriceMax !== undefined && (output === undefined || output > outputPriceMax);
}

function byPreference(targets: readonly Target[], preferences: Preferences | undefined): readonly Target[] {
  if (preferences === undefined) return targets;
  const sorted =
    preferences.sort === 'price' ? targets.toSorted((a, b) => compare(listPrice(a), listPrice(b))) : targets;
  const order = preferences.order;
  if (order === undefined) return sorted;
  const rank = (target: Target): number => {
    const at = order.indexOf(target.providerId);
    return at === -1 ? order.length : at;
  };
  return sorted.toSorted((a, b) => rank(a) - rank(b));
}

/** Input and output price together; an unknown price sorts last. */
function listPrice(target: Target): bigint | undefined {
  const { input, output } = target.price ?? {};
  return input === undefined || output === undefined ? undefined : input + output;
}

function compare(a: bigint | undefined, b: bigint | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}

/** Draws without putting back, each by its share of the weight that is left (Efraimidis and Spirakis, 2006). */
function drawn(group: readonly WeightedTarget[], random: () => number): readonly WeightedTarget[] {
  const keyed = group.map((item) => ({ item, key: item.weight <= 0 ? -1 : random() ** (1 / item.weight) }));
  return keyed.toSorted((a, b) => b.key - a.key).map(({ item }) => item);
}

/** One attempt that did not answer, as far as the next step depends on it. */
export interface Failure {
  readonly targetId: string;
  readonly fault: Fault;
}

export type Step =
  | { readonly do: 'try'; readonly target: Target; readonly afterMs: number }
  | { readonly do: 'stop'; readonly why: StopReason; readonly retryAfterMs?: number };

export type StopReason = 'attempts-used' | 'no-target-left' | 'not-replaceable' | 'deadline' | 'wait-too-long';

/** Faults after which the same target may do better a moment later. */
const REPEATABLE: ReadonlySet<Fault['code']> = new Set([
  'upstream-unreachable',
  'upstream-invalid',
  'upstream-error',
  'upstream-cut',
  'upstream-overloaded',
  'upstream-rate-limited',
]);

/** First wait before a target is tried again; doubles each time. Short: a caller waits for it. */
const BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 4000;
/** A target is tried at most twice for one request: a third time helped in few cases and costs the caller the wait. */
const TRIES_PER_TARGET = 2;
/** A longer wait is better spent by the caller, who is told how long it would be. */
const WAIT_MAX_MS = 5000;

export interface NextOptions {
  /** Milliseconds until the request's deadline. */
  readonly leftMs: number;
  readonly health: Health;
  readonly random: () => number;
}

/** What to do after `failures`: the next target that was not tried, then those that may do better in a moment, else stop. */
export function next(of: Plan, failures: readonly Failure[], options: NextOptions): Step {
  const last = failures.at(-1);
  const repairing = repairable(of, failures);
  if (last !== undefined && repairing === undefined && !of.replaceable.has(last.fault.code))
    return { do: 'stop', why: 'not-replaceable' };
  if (failures.length >= of.attemptsMax) return { do: 'stop', why: 'attempts-used' };
  if (options.leftMs <= 0) return { do: 'stop', why: 'deadline' };
  if (repairing !== undefined) return { do: 'try', target: repairing, afterMs: 0 };
  const untried = of.targets.filter((target) => !failures.some((failure) => failure.targetId === target.id));
  // Asked again: since the plan was made, others may have gone to find out about a target (`Doubts.begin`).
  const fresh = byHealth(untried, options.health).map((target) => ({
    target,
    afterMs: options.health.restMs(target.id),
  }));
  const again = of.targets
    .map((target) => ({ target, past: failures.filter((failure) => failure.targetId === target.id) }))
    .filter(({ past }) => past.length > 0 && past.length < TRIES_PER_TARGET)
    .filter(({ past }) => past.every((failure) => REPEATABLE.has(failure.fault.code)))
    .map(({ target, past }) => ({ target, afterMs: waitMs(past, failures.length, options.random) }));
  const soonest = [...fresh, ...again].toSorted((a, b) => a.afterMs - b.afterMs)[0];
  if (soonest === undefined) return { do: 'stop', why: 'no-target-left' };
  if (soonest.afterMs > WAIT_MAX_MS) return { do: 'stop', why: 'wait-too-long', retryAfterMs: soonest.afterMs };
  if (soonest.afterMs < options.leftMs) return { do: 'try', ...soonest };
  // Where nothing was tried, the wait is a target's wish, and worth telling; else it is only our own backing off.
  return { do: 'stop', why: 'deadline', ...(last === undefined ? { retryAfterMs: soonest.afterMs } : {}) };
}

/** The target whose answer was not of the form that was asked for, the first time: it is told so, and may mend it. */
function repairable(of: Plan, failures: readonly Failure[]): Target | undefined {
  const last = failures.at(-1);
  if (last?.fault.code !== 'output-invalid') return undefined;
  const past = failures.filter(({ targetId, fault }) => targetId === last.targetId && fault.code === last.fault.code);
  return past.length > 1 ? undefined : of.targets.find(({ id }) => id === last.targetId);
}

/** What the provider asked for, or a growing wait with half of it drawn by lot, so that callers do not come back together. */
function waitMs(past: readonly Failure[], attempts: number, random: () => number): number {
  const asked = past.at(-1)?.fault.retryAfterMs;
  if (asked !== undefined) return asked;
  const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** (attempts - 1));
  return most / 2 + (random() * most) / 2;
}
