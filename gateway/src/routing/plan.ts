/** Decides where a request may go, and in what order. Pure: the same input gives the same plan, byte for byte. */
import type { FaultCode } from '../chat/fault.ts';
import { REPLACEABLE } from '../dialects/dialect.ts';
import { compact } from '../lib/json.ts';
import type { Facts } from '../understand/facts.ts';
import { dice, type Dice } from '../lib/dice.ts';
import { expectedCost } from './expected.ts';
import { fitnessOf, lagOf, type Fitness } from './fitness.ts';
import { UNSEEN, type Sighting, type Sightings } from './observation.ts';
import type { Policy, Require, Shut, StrategyName, WeightedTarget } from './policy.ts';
import type { Preferences } from './preferences.ts';
import { barred as allowed } from './requirements/barred.ts';
import { REQUIREMENTS } from './requirements/index.ts';
import type { Asked, Requirement } from './requirements/requirement.ts';
import { retired } from './requirements/retired.ts';
import { requiresOf, ruled, type Ruling } from './rules.ts';
import { keptWhereCached } from './sticky.ts';
import { STRATEGIES } from './strategies/index.ts';
import type { Scores } from './strategies/strategy.ts';
import type { Target } from './target.ts';

export interface Rejection {
  readonly target: string;
  readonly reason: string;
  /** Set where the model is gone: no wish or key of the caller's is the reason. */
  readonly retired?: Target;
}

/** A target in its place, and what put it there. */
export interface Placed {
  readonly target: Target;
  /** From 0: its group in the policy. */
  readonly tier: number;
  readonly fitness: Fitness;
  readonly scores: Scores;
}

export interface Plan {
  /** In the order in which they are tried. */
  readonly targets: readonly Target[];
  /** The same targets, with the reasons for their order. */
  readonly placed: readonly Placed[];
  readonly rejected: readonly Rejection[];
  readonly strategy: StrategyName;
  /** Rule that decided, by its name. */
  readonly rule?: string;
  /** Text of the rule that refuses such requests: then there are no targets. */
  readonly refusal?: string;
  /** Of the dice. */
  readonly seed: number;
  /** Chance that the first target had to be the first, before anything was drawn; 0..1. */
  readonly propensity: number;
  /** The first target was drawn by lot, to learn of it. */
  readonly isExplored?: boolean;
  /** Most attempts over all targets, repeats included. */
  readonly attemptsMax: number;
  /** Faults after which another attempt may follow. */
  readonly replaceable: ReadonlySet<FaultCode>;
  /** A second attempt beside the first, once that has been silent for so long. */
  readonly hedge?: { readonly afterMs: number; readonly budget: number };
  readonly continues?: boolean;
  /** An attempt without content by then is given up where another target is left. */
  readonly firstTokenMs?: number;
}

/** All that a plan is a function of. All but policy and targets is plain data. */
export interface PlanInput {
  readonly policy: Policy;
  readonly facts: Facts;
  /** Targets that the key may not use, or that cannot do what is asked at all, with the reason. */
  readonly barred: ReadonlyMap<string, string>;
  /** Of those that are not, places at which they may not be taken. */
  readonly shut?: Shut;
  readonly preferences?: Preferences | undefined;
  /** What the request itself requires and prefers. */
  readonly require?: Require | undefined;
  readonly prefer?: readonly string[] | undefined;
  /** What the policy's rules say; absent where it has none. */
  readonly ruling?: Ruling | undefined;
  readonly sightings: Sightings;
  readonly attemptsMax: number;
  /** `2026-11-22` */
  readonly today: string;
  readonly seed: number;
  /** Counts the requests of this policy. */
  readonly turn: number;
  readonly gatewayRegion?: string | undefined;
}

/** candidates → requirements → score → order → tiers → plan. */
export function plan(input: PlanInput): Plan {
  const { facts, barred, preferences, sightings, today, ruling } = input;
  const seen = (target: Target): Sighting => sightings.get(target.id) ?? UNSEEN;
  const policy = ruled(input.policy, ruling);
  const requires = requiresOf(input.policy, ruling, [input.require]);
  const sifted = sift(policy, { facts, requires, preferences, today, barred, seen }, input.shut);
  const strategy = preferences?.sort ?? policy.strategy;
  const throws = dice(input.seed);
  const order = arranged(sifted.tiers, { input, policy, strategy, seen, throws });
  const drawn = explored(order, policy.explore ?? 0, throws);
  const alone = atFirstProvider(drawn, preferences);
  const guarded = withinPrice(alone, { factor: policy.fallback?.priceFactorMax, facts, seen });
  const { places, rejected } = refused(guarded, ruling);
  return {
    ...placesOf(places),
    rejected: [...sifted.rejected, ...rejected],
    strategy,
    ...compact({
      rule: ruling?.rule?.name,
      refusal: ruling?.rule?.refuse,
      hedge: hedgeOf(policy, places, { facts, seen }),
    }),
    seed: input.seed,
    ...attemptsOf(policy, input.attemptsMax),
  };
}

/** What the order comes to. */
function placesOf(places: readonly Place[]): Pick<Plan, 'targets' | 'placed' | 'propensity' | 'isExplored'> {
  const [first] = places;
  return {
    targets: places.map(({ target }) => target),
    placed: places.map(({ target, tier, fitness, scores }) => ({ target, tier, fitness, scores })),
    propensity: first === undefined ? 0 : rounded(first.share),
    ...(first?.isExplored === true ? { isExplored: true } : {}),
  };
}

/** What the policy says of the attempts. */
function attemptsOf(
  { fallback, continues }: Policy,
  attemptsMax: number,
): Pick<Plan, 'attemptsMax' | 'replaceable' | 'continues' | 'firstTokenMs'> {
  return {
    attemptsMax: fallback?.attemptsMax ?? attemptsMax,
    replaceable: fallback?.replaceable ?? REPLACEABLE,
    ...compact({ continues: continues === true ? true : undefined, firstTokenMs: fallback?.firstTokenMs }),
  };
}

interface Sifted {
  readonly tiers: readonly (readonly WeightedTarget[])[];
  readonly rejected: readonly Rejection[];
}

/**
 * Requirements first: who may take the request, and who can. Each target once, in its first tier; where routes inside the
 * route name it too, one that takes it is enough.
 */
function sift({ tiers }: Policy, asked: Asked, shut: Shut | undefined): Sifted {
  const taken = new Set<string>();
  const unfit = new Map<string, Rejection>();
  const final = new Map<string, Rejection>();
  const open = tiers.map((tier) =>
    tier.filter((item) => {
      const { id } = item.target;
      if (taken.has(id)) return false;
      const closed = shut?.get(item);
      const unmet = closed === undefined ? unmetBy(item, asked) : { requirement: allowed, reason: closed };
      if (unmet !== undefined && unmet.requirement.isOpinion !== true) {
        const gone = unmet.requirement === retired ? { retired: item.target } : {};
        if (!final.has(id)) final.set(id, { target: id, reason: unmet.reason, ...gone });
        return false;
      }
      taken.add(id);
      final.delete(id);
      if (unmet !== undefined) unfit.set(id, { target: id, reason: unmet.reason });
      return true;
    }),
  );
  const fit = open.map((tier) => tier.filter(({ target }) => !unfit.has(target.id)));
  // A catalog can be wrong or old: where it speaks against every target, the providers decide themselves.
  return fit.some((tier) => tier.length > 0)
    ? { tiers: fit, rejected: [...final.values(), ...unfit.values()] }
    : { tiers: open, rejected: [...final.values()] };
}

interface Unmet {
  readonly requirement: Requirement;
  readonly reason: string;
}

/** The first requirement that a target does not meet. Wishes that go on to a provider are its own to follow. */
function unmetBy({ target, requires }: WeightedTarget, asked: Asked): Unmet | undefined {
  const isForIt = asked.preferences?.forReaders !== undefined && target.provider.readsPreferences === true;
  const preferences = isForIt ? undefined : asked.preferences;
  const wished = preferences?.require === undefined ? [] : [preferences.require];
  const own = { ...asked, preferences, requires: [...asked.requires, ...wished, ...(requires ?? [])] };
  for (const requirement of REQUIREMENTS) {
    const reason = requirement.whyNot(target, own);
    if (reason !== undefined) return { requirement, reason };
  }
  return undefined;
}

interface Place extends Placed {
  /** Chance of standing first before anything was drawn; all places together 1. */
  readonly share: number;
  /** Of its provider in the request's own order; 0 where there is none. */
  readonly wish: number;
  readonly isExplored?: boolean;
}

interface Arranging {
  readonly input: PlanInput;
  readonly policy: Policy;
  readonly strategy: StrategyName;
  readonly seen: (target: Target) => Sighting;
  readonly throws: Dice;
}

/** Cell by cell, each in the strategy's order. Behind the first cell nobody can stand first. */
function arranged(tiers: Sifted['tiers'], arranging: Arranging): readonly Place[] {
  const { input, policy, strategy, seen, throws } = arranging;
  const { facts, turn, gatewayRegion } = input;
  return cellsOf(tiers, arranging).flatMap((cell, index) => {
    const items = cell.map(({ item }) => item);
    const mayTry = policy.explore === undefined;
    const field = { items, facts, seen, dice: throws, turn, weigh: policy.weigh, gatewayRegion, mayTry };
    const order = STRATEGIES[strategy].rank(field);
    const kept = policy.isSticky === true ? keptWhereCached(order, { facts, seen, strategy }) : order;
    return kept.flatMap((one) => {
      const standing = cell.find(({ item }) => item.target === one.target);
      if (standing === undefined) return [];
      const { tier, fitness, wish } = standing;
      return [{ ...one, tier, fitness, wish, share: index === 0 ? one.share : 0 }];
    });
  });
}

/** A target, and what stands above the strategy's word. */
interface Standing extends Pick<Place, 'tier' | 'fitness' | 'wish'> {
  readonly item: WeightedTarget;
}

/**
 * Targets among which the strategy alone decides, in groups: by the request's own order of providers, then the sound before
 * the full, the doubted (who fails most, last) and the resting, then by tier and by preferred tags. Who must be waited for
 * anyway is taken by how long that is, whatever its tier: a late answer is better than none.
 */
function cellsOf(tiers: Sifted['tiers'], { input, policy, seen }: Arranging): readonly (readonly Standing[])[] {
  const order = input.preferences?.order ?? [];
  const wanted = input.prefer ?? policy.prefer ?? [];
  const cells = new Map<string, { readonly key: readonly number[]; readonly cell: Standing[] }>();
  for (const [tier, items] of tiers.entries()) {
    for (const item of items) {
      const { providerId, tags } = item.target;
      const sighting = seen(item.target);
      const at = order.indexOf(providerId);
      const wish = at === -1 ? order.length : at;
      const isWanted = wanted.some((tag) => tags.includes(tag));
      const key = [wish, ...lagOf(sighting), sighting.restMs > 0 ? 0 : tier, isWanted ? 0 : 1];
      const name = key.join(' ');
      const known = cells.get(name) ?? { key, cell: [] };
      known.cell.push({ item, tier, fitness: fitnessOf(sighting), wish });
      cells.set(name, known);
    }
  }
  return [...cells.values()].toSorted((a, b) => compareKeys(a.key, b.key)).map(({ cell }) => cell);
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((one, index) => one !== b[index]);
  return (a[at] ?? 0) - (b[at] ?? 0);
}

/** With a small chance the first place goes to any target that stands as well as the first, so that it can be learned how they do. */
function explored(places: readonly Place[], explore: number, throws: Dice): readonly Place[] {
  const [first] = places;
  if (explore <= 0 || first === undefined || first.fitness !== 'sound') return places;
  const peers = places.filter(
    ({ tier, fitness, wish }) => tier === first.tier && fitness === first.fitness && wish === first.wish,
  );
  const known = places.map((place) =>
    peers.includes(place) ? { ...place, share: (1 - explore) * place.share + explore / peers.length } : place,
  );
  if (throws() >= explore) return known;
  const chosen = known[Math.floor(throws() * peers.length)];
  if (chosen === undefined) return known;
  return [{ ...chosen, isExplored: true }, ...known.filter((place) => place !== chosen)];
}

interface Guarded {
  readonly places: readonly Place[];
  readonly rejected: readonly Rejection[];
}

/** Nothing is left of the order where the rule refuses the request, whoever could have taken it. */
function refused({ places, rejected }: Guarded, ruling: Ruling | undefined): Guarded {
  const { rule } = ruling ?? {};
  if (rule?.refuse === undefined) return { places, rejected };
  const reason = `the rule \`${rule.name}\` refuses such requests`;
  return { places: [], rejected: [...places.map(({ target }) => ({ target: target.id, reason })), ...rejected] };
}

interface Guard {
  readonly factor: number | undefined;
  readonly facts: Facts;
  readonly seen: (target: Target) => Sighting;
}

/** Where the request wants no fallbacks and names no providers, who comes first is the one provider that it is for. */
function atFirstProvider(places: readonly Place[], { order, allowFallbacks }: Preferences = {}): Guarded {
  const [first] = places;
  if (allowFallbacks !== false || order !== undefined || first === undefined) return { places, rejected: [] };
  const isThere = ({ target }: Place): boolean => target.providerId === first.target.providerId;
  const reason = `${first.target.providerId} comes first, and \`provider.allow_fallbacks\` is false`;
  const others = places.filter((place) => !isThere(place));
  return {
    places: places.filter(isThere),
    rejected: others.map(({ target }) => ({ target: target.id, reason })),
  };
}

/** The price guard (faults.md F65): a fallback may not cost a multiple of the first choice that nobody agreed to. */
function withinPrice({ places, rejected: before }: Guarded, { factor, facts, seen }: Guard): Guarded {
  const costOf = ({ target }: Place): number | undefined => {
    const nanoUsd = expectedCost(target, facts, seen(target));
    return nanoUsd === undefined ? undefined : Number(nanoUsd);
  };
  const first = places[0] === undefined ? undefined : costOf(places[0]);
  if (factor === undefined || first === undefined) return { places, rejected: before };
  const rejected = [...before];
  const within = places.filter((place) => {
    const cost = costOf(place);
    if (cost !== undefined && cost <= first * factor) return true;
    const reason =
      cost === undefined
        ? 'its price is not known, and the route guards prices'
        : `it costs more than ${factor} times the first choice`;
    rejected.push({ target: place.target.id, reason });
    return false;
  });
  return { places: within, rejected };
}

/** Fewer answers than this do not tell the slowest twentieth. */
const HEDGE_COUNT_MIN = 20;

function hedgeOf(
  { hedge }: Policy,
  places: readonly Place[],
  { facts, seen }: Pick<Guard, 'facts' | 'seen'>,
): Plan['hedge'] | undefined {
  const [first, second] = places;
  if (hedge === undefined || first === undefined || second === undefined) return undefined;
  const afterMs = hedge.after === 'p95' ? slowestMs(seen(first.target), facts) : hedge.after;
  return afterMs === undefined ? undefined : { afterMs: Math.ceil(afterMs), budget: hedge.budget };
}

/** When all but the slowest twentieth have begun; of an answer that comes whole, when a long one would be complete. */
function slowestMs({ ttftMs, tokensPerS, length }: Sighting, { isStreaming }: Facts): number | undefined {
  if (ttftMs === undefined || ttftMs.count < HEDGE_COUNT_MIN) return undefined;
  if (isStreaming) return ttftMs.p95;
  return length === undefined || tokensPerS === undefined ? undefined : ttftMs.p95 + (length.p90 / tokensPerS) * 1000;
}

function rounded(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}
