/**
 * Whether a request may go on now, by the limits of all whom it belongs to: all of them or none is counted. Input tokens are
 * put down by our estimate, output tokens by what such answers usually have or may have at most, and both are corrected at
 * the end. No clock: time is given with each call (`nowMs`, monotonic).
 */
import type { Counted, RateLimit } from '../config/rate-limits.ts';
import { Table } from '../health/table.ts';
import { Meter, type Answer, type Counting, type Order, type Taken } from './meter.ts';

/** Owners of a scope that are counted at the same time. Those that were not seen for the longest time go first, and begin anew. */
const OWNERS_MAX = 20_000;
/** Meters of which a shared count may have to be told something, as many as a tally keeps: names are the callers' to choose. */
const TOLD_MAX = 40_000;

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

/** The shared count must be asked. What this process had in slices is counted already. */
export interface Asking {
  readonly kind: 'asking';
  readonly taken: readonly Taken[];
  readonly orders: readonly Order[];
  readonly subjects: readonly Subject[];
}

/** Another request has asked already: nothing is counted, and the request comes again when that is answered. */
export interface Busy {
  readonly kind: 'busy';
  readonly until: Promise<unknown>;
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
  #counting: Counting = { kind: 'alone', share: 1 };
  /** Those of which a shared count may have to be told something. Absent: there is none. */
  #told: Set<Meter> | undefined;
  /** Those of which the shared count had too little, by name. */
  readonly #dry = new Map<string, Meter>();
  /** Told of a meter of which a shared count that is near should hear at once. */
  #mistaken: (meter: Meter) => void = () => undefined;

  constructor() {
    this.#owners = new Map(
      SCOPES.map((scope) => [scope, new Table<Owner>(OWNERS_MAX, () => ({ limits: [], meters: [] }))]),
    );
  }

  /** From now on limits are counted so; there is a shared count, whether it answers or not. */
  count(counting: Counting): void {
    this.#told ??= new Set();
    this.#counting = counting;
  }

  /** Who tells a shared count that is near what it must know, as soon as that is so. */
  whenMistaken(told: (meter: Meter) => void): void {
    this.#mistaken = told;
  }

  /** The shared count may have something again of these limits, by the names of their meters. */
  freed(names: readonly string[]): void {
    for (const name of names) {
      this.#dry.get(name)?.freed();
      this.#dry.delete(name);
    }
  }

  get counting(): Counting {
    return this.#counting;
  }

  /** Counts the request at all its limits, or at none. */
  pass(subjects: readonly Subject[], need: Need, nowMs: number): Passed | Refused | Asking | Busy {
    if (subjects.length === 0) return UNLIMITED;
    const refused = this.refusal(subjects, need, nowMs);
    if (refused !== undefined) return refused;
    const until = this.#counting.kind === 'shared' ? this.#fetching(subjects, need, nowMs) : undefined;
    if (until !== undefined) return { kind: 'busy', until };
    const taken: Taken[] = [];
    const orders: Order[] = [];
    for (const subject of subjects)
      for (const meter of this.metersOf(subject)) {
        const count = countFor(meter.limit, need);
        this.#noteTold(meter);
        if (meter.mustDraw(count, nowMs, this.#counting)) orders.push(meter.order(count, nowMs, this.#counting));
        else taken.push(meter.take(count, nowMs, this.#counting));
      }
    return orders.length === 0 ? { kind: 'passed', taken } : { kind: 'asking', taken, orders, subjects };
  }

  /** The one that was used last is last: where there are too many, the first is forgotten, as its owner is. */
  #noteTold(meter: Meter): void {
    const told = this.#told;
    if (told === undefined) return;
    told.delete(meter);
    told.add(meter);
    forgetFirst(told);
  }

  /** A draw under way that brings what the request lacks. */
  #fetching(subjects: readonly Subject[], need: Need, nowMs: number): Promise<unknown> | undefined {
    for (const subject of subjects)
      for (const meter of this.metersOf(subject))
        if (meter.fetching !== undefined && meter.mustDraw(countFor(meter.limit, need), nowMs, this.#counting))
          return meter.fetching;
    return undefined;
  }

  /** The shared count has answered, order by order: with all or with nothing. `askedMs`: when it was asked. */
  answered({ taken, orders, subjects }: Asking, answers: readonly Answer[], askedMs: number): Passed | Refused {
    const drawn: Taken[] = [...taken];
    let dry: { readonly meter: Meter; readonly count: number; readonly waitMs: number } | undefined;
    for (const [index, order] of orders.entries()) {
      const answer = answers[index];
      if (answer === undefined) continue;
      const one = this.#taken(order, answer, askedMs);
      if (one !== undefined) drawn.push(one);
      if (answer.kind === 'dry' && answer.waitMs > (dry?.waitMs ?? -1))
        dry = { meter: order.meter, count: order.need, waitMs: answer.waitMs };
    }
    if (dry === undefined) return { kind: 'passed', taken: drawn };
    for (const one of drawn) this.#settleOne(one, 0, askedMs);
    const { meter, count, waitMs } = dry;
    const subject = subjects.find((of) => this.metersOf(of).includes(meter)) ?? subjects[0];
    if (subject === undefined) return UNLIMITED;
    return { kind: 'refused', subject, limit: meter.limit, count, waitMs: Math.max(1, waitMs) };
  }

  #taken(order: Order, answer: Answer, askedMs: number): Taken | undefined {
    const { meter } = order;
    const taken = meter.answered(order, answer, askedMs);
    if (answer.kind === 'dry') this.#dry.set(meter.name, meter);
    forgetFirst(this.#dry);
    this.#check(meter);
    return taken;
  }

  /** Nobody has answered: nothing is counted, and the request may come again. */
  unanswered({ taken, orders }: Asking, nowMs: number): void {
    for (const order of orders) order.meter.unanswered(order);
    for (const one of taken) this.#settleOne(one, 0, nowMs);
  }

  /** What the shared count should be told by and by. `isAll`: it may have lost all it knew. */
  news(nowMs: number, isAll: boolean): readonly Order[] {
    const orders: Order[] = [];
    for (const meter of this.#told ?? []) {
      const order = meter.news(nowMs, isAll);
      if (order !== undefined) orders.push(order);
      else if (meter.isQuiet(nowMs)) this.#told?.delete(meter);
    }
    for (const [name, meter] of this.#dry) if (!meter.isDry(nowMs)) this.#dry.delete(name);
    return orders;
  }

  /** The limit that must be waited for longest; undefined where nothing is in the way. Counts nothing. */
  refusal(subjects: readonly Subject[], need: Need, nowMs: number): Refused | undefined {
    let worst: Refused | undefined;
    for (const subject of subjects)
      for (const meter of this.metersOf(subject)) {
        const { limit } = meter;
        const count = countFor(limit, need);
        const waitMs = isBeyond(limit, need) ? Number.POSITIVE_INFINITY : meter.waitMs(count, nowMs, this.#counting);
        if (waitMs > (worst?.waitMs ?? 0)) worst = { kind: 'refused', subject, limit, count, waitMs };
      }
    return worst;
  }

  /** The request has ended, and used so much. */
  settle({ taken }: Passed, used: Need, nowMs: number): void {
    for (const one of taken) this.#settleOne(one, usedOf(one.meter.limit.of, used), nowMs);
  }

  #settleOne(one: Taken, used: number, nowMs: number): void {
    one.meter.settle(one, used, nowMs);
    this.#check(one.meter);
  }

  #check(meter: Meter): void {
    if (this.#counting.kind === 'shared' && this.#counting.isNear && meter.isMistaken) this.#mistaken(meter);
  }

  figures(subjects: readonly Subject[], nowMs: number): Figures {
    const figures: Partial<Record<Counted, Figure>> = {};
    for (const subject of subjects)
      for (const meter of this.metersOf(subject)) {
        const { of, max, windowMs } = meter.limit;
        const left = Math.max(0, meter.left(nowMs, this.#counting));
        const known = figures[of];
        if (known === undefined || left * known.limit < known.left * max)
          figures[of] = { limit: max, left, resetMs: windowMs };
      }
    return figures;
  }

  /** The meters of its limits, in their order. */
  metersOf({ scope, id, limits }: Subject): readonly Meter[] {
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

function forgetFirst<Key>(of: Pick<Map<Key, unknown>, 'size' | 'delete'> & { keys(): Iterable<Key> }): void {
  if (of.size <= TOLD_MAX) return;
  for (const first of of.keys()) {
    of.delete(first);
    return;
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
