/**
 * Whether a request may go on now, by the limits of all whom it belongs to: all of them or none is counted. Input tokens are
 * put down by our estimate, output tokens by what such answers usually have or may have at most, and both are corrected at
 * the end. No clock: time is given with each call (`nowMs`, monotonic).
 */
import type { Counted, RateLimit } from '../config/rate-limits.ts';
import { Table } from '../health/table.ts';
import { Meter, type Taken } from './meter.ts';

/** Owners of a scope that are counted at the same time. Those that were not seen for the longest time go first, and begin anew. */
const OWNERS_MAX = 20_000;

export const SCOPES = ['org', 'team', 'user', 'key', 'end-user', 'route', 'provider', 'model'] as const;
export type Scope = (typeof SCOPES)[number];

/** Somebody, or something, whose requests are limited. */
export interface Subject {
  readonly scope: Scope;
  readonly id: string;
  /** For the one who is refused: `key "ci"`. */
  readonly name: string;
  /** The same list as long as nothing is changed. */
  readonly limits: readonly RateLimit[];
}

/** What a request will use, as far as can be known. */
export interface Need {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Refused {
  readonly kind: 'refused';
  readonly subject: Subject;
  readonly limit: RateLimit;
  /** What the request needs of it. */
  readonly count: number;
  /** Until it may come again. Infinite where it needs more than the limit ever allows. */
  readonly waitMs: number;
}

/** A request that may go on. To be settled once. */
export interface Passed {
  readonly kind: 'passed';
  readonly taken: readonly Taken[];
}

/** Nobody's limits: most gateways have none. */
export const UNLIMITED: Passed = { kind: 'passed', taken: [] };

/** One limit as it stands, for headers. */
export interface Figure {
  readonly limit: number;
  readonly left: number;
  /** Until all of it is free again, if nothing more comes. */
  readonly resetMs: number;
}

/** The tightest of each kind; absent where there is none. */
export type Figures = { readonly [Of in Exclude<Counted, 'concurrent'>]?: Figure };

interface Owner {
  limits: readonly RateLimit[];
  meters: readonly Meter[];
}

export class Limiter {
  readonly #owners: ReadonlyMap<Scope, Table<Owner>>;
  #share = 1;

  constructor() {
    this.#owners = new Map(
      SCOPES.map((scope) => [scope, new Table<Owner>(OWNERS_MAX, () => ({ limits: [], meters: [] }))]),
    );
  }

  /** Counts the request at all its limits, or at none. */
  pass(subjects: readonly Subject[], need: Need, nowMs: number): Passed | Refused {
    if (subjects.length === 0) return UNLIMITED;
    const refused = this.refusal(subjects, need, nowMs);
    if (refused !== undefined) return refused;
    const taken: Taken[] = [];
    for (const subject of subjects)
      for (const meter of this.#metersOf(subject)) taken.push(meter.take(countFor(meter.limit, need), nowMs));
    return { kind: 'passed', taken };
  }

  /** The limit that must be waited for longest; undefined where nothing is in the way. Counts nothing. */
  refusal(subjects: readonly Subject[], need: Need, nowMs: number): Refused | undefined {
    let worst: Refused | undefined;
    for (const subject of subjects)
      for (const meter of this.#metersOf(subject)) {
        const { limit } = meter;
        const count = countFor(limit, need);
        const waitMs = isBeyond(limit, need) ? Number.POSITIVE_INFINITY : meter.waitMs(count, nowMs, this.#share);
        if (waitMs > (worst?.waitMs ?? 0)) worst = { kind: 'refused', subject, limit, count, waitMs };
      }
    return worst;
  }

  /** The request has ended, and used so much. */
  settle({ taken }: Passed, used: Need, nowMs: number): void {
    for (const one of taken) one.meter.settle(one, usedOf(one.meter.limit.of, used), nowMs);
  }

  figures(subjects: readonly Subject[], nowMs: number): Figures {
    const figures: Partial<Record<Counted, Figure>> = {};
    for (const subject of subjects)
      for (const meter of this.#metersOf(subject)) {
        const { of, max, windowMs } = meter.limit;
        const left = Math.max(0, meter.left(nowMs, this.#share));
        const known = figures[of];
        if (known === undefined || left * known.limit < known.left * max)
          figures[of] = { limit: max, left, resetMs: windowMs };
      }
    return figures;
  }

  #metersOf({ scope, id, limits }: Subject): readonly Meter[] {
    const owner = this.#owners.get(scope)?.use(id);
    if (owner === undefined) return [];
    if (owner.limits !== limits) {
      // What was changed keeps its count where it counts the same.
      owner.meters = limits.map((limit) => metersLike(owner.meters, limit) ?? newMeter(scope, id, limit));
      owner.limits = limits;
    }
    return owner.meters;
  }
}

function metersLike(meters: readonly Meter[], limit: RateLimit): Meter | undefined {
  const known = meters.find((meter) => meter.limit.of === limit.of && meter.limit.windowMs === limit.windowMs);
  if (known !== undefined) known.limit = limit;
  return known;
}

function newMeter(scope: Scope, id: string, limit: RateLimit): Meter {
  return new Meter(`${scope}:${id}:${limit.of}:${limit.windowMs}`, limit);
}

/** The answer's length is a guess, which must not keep a request away for ever: it takes what the limit has. */
function countFor({ of, max }: RateLimit, { inputTokens, outputTokens }: Need): number {
  switch (of) {
    case 'requests':
    case 'concurrent':
      return 1;
    case 'input-tokens':
      return inputTokens;
    case 'output-tokens':
      return Math.min(max, outputTokens);
    case 'tokens':
      return Math.max(inputTokens, Math.min(max, inputTokens + outputTokens));
  }
}

/** Whether it could never pass. */
function isBeyond({ of, max }: RateLimit, { inputTokens }: Need): boolean {
  switch (of) {
    case 'requests':
    case 'concurrent':
    case 'output-tokens':
      return max === 0;
    case 'input-tokens':
    case 'tokens':
      return max === 0 || inputTokens > max;
  }
}

function usedOf(of: Counted, { inputTokens, outputTokens }: Need): number {
  switch (of) {
    case 'requests':
    case 'concurrent':
      return 1;
    case 'input-tokens':
      return inputTokens;
    case 'output-tokens':
      return outputTokens;
    case 'tokens':
      return inputTokens + outputTokens;
  }
}
