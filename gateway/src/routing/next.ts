/** After each attempt: what comes next. Pure: same input, same answer. */
import type { Fault } from '../chat/fault.ts';
import { answers, lagOf } from './fitness.ts';
import type { Observation } from './observation.ts';
import type { Plan } from './plan.ts';
import type { Target } from './target.ts';

/** What is known of the targets at this moment. */
export interface Health {
  observe(target: Target): Observation;
}

/** One attempt that did not answer, as far as the next step depends on it. */
export interface Failure {
  readonly targetId: string;
  readonly fault: Fault;
}

export type Step =
  /** `isRepeat`: it is taken from the budget of repeats. */
  | { readonly do: 'try'; readonly target: Target; readonly afterMs: number; readonly isRepeat?: boolean }
  | { readonly do: 'stop'; readonly why: StopReason; readonly retryAfterMs?: number };

/** `all-failing`: nobody is left whom it would help to ask; `repeats-used`: there is no budget for one more. */
export type StopReason =
  | 'attempts-used'
  | 'no-target-left'
  | 'not-replaceable'
  | 'deadline'
  | 'wait-too-long'
  | 'all-failing'
  | 'repeats-used';

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
/** Who fails more seldom is well: another try there is no burden on anybody who ails, and needs no budget. */
const WELL_MAX = 0.1;
/** A longer wait is better spent by the caller, who is told how long it would be. */
const WAIT_MAX_MS = 5000;

export interface NextOptions {
  /** Milliseconds until the request's deadline. */
  readonly leftMs: number;
  readonly health: Health;
  readonly random: () => number;
  /** Whether one more try may be made of somebody who may be failing as well. Absent: it may. */
  readonly mayRepeat?: boolean;
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
  const open = [...untried(of, failures, options.health), ...again(of, failures, options)];
  const some = open.filter(({ shutMs }) => shutMs === 0);
  if (some.length === 0 && open.length > 0)
    return { do: 'stop', why: 'all-failing', retryAfterMs: Math.min(...open.map(({ shutMs }) => shutMs)) };
  const isFree = last === undefined || options.mayRepeat !== false;
  const payable = some.filter(({ isWell }) => isFree || isWell);
  const best = bestOf(payable, options.leftMs);
  if (best === undefined) return { do: 'stop', why: some.length > 0 ? 'repeats-used' : 'no-target-left' };
  return taken(best, last === undefined, options);
}

/**
 * Of those that can be waited for the best hope, else the soonest. A sound target that failed once is the better hope a moment
 * later than one at once that mostly fails.
 */
function bestOf(candidates: readonly Candidate[], leftMs: number): Candidate | undefined {
  const inTime = candidates.filter(({ afterMs }) => afterMs <= WAIT_MAX_MS && afterMs < leftMs);
  return inTime.toSorted(compareHope)[0] ?? candidates.toSorted((a, b) => a.afterMs - b.afterMs)[0];
}

/** Who answers comes before who is doubted or rests, whether it was tried or not; of the doubted, who fails least. */
function compareHope(a: Candidate, b: Candidate): number {
  const [one, other] = [lagOf(a.seen), lagOf(b.seen)];
  if (answers(a.seen) && answers(b.seen)) return a.afterMs - b.afterMs;
  return one[0] - other[0] || one[1] - other[1] || a.afterMs - b.afterMs;
}

/** The candidate that is to be tried, where its wait is not too long. */
function taken({ target, afterMs, isWell }: Candidate, isFirst: boolean, { leftMs }: NextOptions): Step {
  if (afterMs > WAIT_MAX_MS) return { do: 'stop', why: 'wait-too-long', retryAfterMs: afterMs };
  if (afterMs < leftMs) return { do: 'try', target, afterMs, ...(isFirst || isWell ? {} : { isRepeat: true }) };
  // Where nothing was tried, the wait is a target's wish, and worth telling; else it is only our own backing off.
  return { do: 'stop', why: 'deadline', ...(isFirst ? { retryAfterMs: afterMs } : {}) };
}

interface Candidate {
  readonly target: Target;
  readonly afterMs: number;
  /** Until somebody finds out whether it is well; 0: it may be asked. */
  readonly shutMs: number;
  readonly isWell: boolean;
  readonly seen: Observation;
}

/**
 * Targets that were not tried, the fittest first, in the plan's order. Their health is asked again: since the plan was made,
 * others may have gone to find out about a target. After an input that was too long, only those that take more.
 */
function untried(of: Plan, failures: readonly Failure[], health: Health): readonly Candidate[] {
  const least = tooSmall(of, failures);
  return of.targets
    .filter(({ id, limits }) => {
      const most = limits.inputTokens ?? limits.contextTokens;
      return (
        !failures.some(({ targetId }) => targetId === id) && (least === undefined || most === undefined || most > least)
      );
    })
    .map((target) => {
      const seen = health.observe(target);
      return { target, afterMs: seen.restMs, shutMs: seen.shutMs ?? 0, isWell: isHale(seen), seen };
    })
    .toSorted((a, b) => lagOf(a.seen)[0] - lagOf(b.seen)[0] || a.afterMs - b.afterMs);
}

function isHale(seen: Observation): boolean {
  return answers(seen) && (seen.errorRate ?? 0) < WELL_MAX;
}

/** Targets that have failed in a way that a moment may mend. */
function again(of: Plan, failures: readonly Failure[], { health, random }: NextOptions): readonly Candidate[] {
  if (failures.length === 0) return [];
  return of.targets
    .map((target) => ({ target, past: failures.filter((failure) => failure.targetId === target.id) }))
    .filter(({ past }) => past.length > 0 && past.length < TRIES_PER_TARGET)
    .filter(({ past }) => past.every((failure) => REPEATABLE.has(failure.fault.code)))
    .map(({ target, past }) => {
      const seen = health.observe(target);
      return {
        target,
        afterMs: waitMs(past, failures.length, random),
        shutMs: seen.shutMs ?? 0,
        isWell: false,
        seen,
      };
    });
}

/** The largest window that has proved too small for this request. */
function tooSmall(of: Plan, failures: readonly Failure[]): number | undefined {
  const small = failures
    .filter(({ fault }) => fault.code === 'context-length')
    .flatMap(({ targetId }) => of.targets.find(({ id }) => id === targetId) ?? [])
    .flatMap(({ limits }) => limits.inputTokens ?? limits.contextTokens ?? []);
  return small.length === 0 ? undefined : Math.max(...small);
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
