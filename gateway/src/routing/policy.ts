/** A route as it was compiled: where its requests may go, what they require, and what decides among the rest. */
import type { FaultCode } from '../chat/fault.ts';
import type { Ability } from '../dialects/dialect.ts';
import type { NanoUsdPerMillion } from '../money/price.ts';
import type { FactName, SeenFacts } from '../policy/vocabulary.ts';
import type { ContentFact } from '../understand/content.ts';
import type { Target } from './target.ts';

export type StrategyName =
  | 'ordered'
  | 'cost'
  | 'latency'
  | 'throughput'
  | 'quality'
  | 'balanced'
  | 'weighted'
  | 'round-robin'
  | 'least-busy';

export interface WeightedTarget {
  readonly target: Target;
  readonly weight: number;
  /** What is required of it alone, by the route that it was taken from. */
  readonly requires?: readonly Require[];
  /** Rules of the routes that it was taken through: they bind it there as they would if their route had been asked. */
  readonly passages?: readonly Passage[];
  /** Of a name that the request gives after its first: the route that it is, if it is one. */
  readonly under?: { readonly route?: string };
}

/** Places of a policy that a request may not go to, with the reason. The same target may stand elsewhere, and be taken there. */
export type Shut = ReadonlyMap<WeightedTarget, string>;

/** How a target stands in a route that another route names. */
export interface Passage {
  readonly rules: readonly Rule[];
  /** It stands among the route's own targets. */
  readonly isListed: boolean;
  /** Rules in whose targets it stands. */
  readonly usedBy: readonly Rule[];
}

/** What `balanced` weighs; the shares need not sum to 1. */
export interface Weigh {
  readonly quality: number;
  readonly cost: number;
  readonly latency: number;
}

/** What a target must be. Every word is hard: a target of which it is not known does not meet it. */
export interface Require {
  /** Regions or zones, in one of which it must compute. `caller` stands for the caller's own. */
  readonly regions?: readonly string[];
  /** Certificates, all of them. */
  readonly compliance?: readonly string[];
  /** For how many days its provider may keep what it was sent; 0: not at all. */
  readonly retentionDaysMax?: number;
  /** False: its provider must not train on what it was sent. */
  readonly training?: false;
  /** Least score, at the task named or else at the request's own. */
  readonly quality?: { readonly min: number; readonly task?: string };
  readonly price?: { readonly inputMax?: NanoUsdPerMillion; readonly outputMax?: NanoUsdPerMillion };
  /** Time to first content that it must keep in 95 of 100 answers. What has not been measured yet may try. */
  readonly ttftMsP95?: number;
  readonly tags?: readonly string[];
  readonly abilities?: readonly Ability[];
  /** Least size of its context, in tokens. */
  readonly contextMin?: number;
}

export interface Rule {
  readonly name: string;
  /** The expression, as it was written. */
  readonly source: string;
  /** Whether it holds; a text where it cannot be told, which says why. */
  readonly holds: (facts: SeenFacts) => boolean | string;
  /** Facts that it asks for. Absent: none, it cannot be told. */
  readonly reads?: ReadonlySet<FactName>;
  readonly use?: Use;
  readonly require?: Require;
  /** Set where such requests are refused, with this text. */
  readonly refuse?: string;
}

/** What a rule puts in the place of the route's own words. */
export interface Use {
  readonly strategy?: StrategyName;
  readonly weigh?: Weigh;
  readonly prefer?: readonly string[];
  readonly tiers?: Tiers;
}

/** Groups in order: a later one is used only after the earlier ones. */
export type Tiers = readonly (readonly WeightedTarget[])[];

/** What is done after an attempt that did not answer. */
export interface Fallback {
  readonly attemptsMax?: number;
  readonly replaceable: ReadonlySet<FaultCode>;
  /** No target that is expected to cost more than this many times the first choice. */
  readonly priceFactorMax?: number;
  /** An attempt without content by then is given up where another target is left. */
  readonly firstTokenMs?: number;
}

/** A second attempt beside a slow first one. */
export interface Hedge {
  /** Milliseconds, or the first target's own 95th percentile. */
  readonly after: number | 'p95';
  /** Largest share of the route's requests, and of its spend, that hedges may take; 0..1. */
  readonly budget: number;
}

export interface Policy {
  readonly tiers: Tiers;
  readonly strategy: StrategyName;
  readonly weigh?: Weigh;
  /** Tags whose targets come first among equals. */
  readonly prefer?: readonly string[];
  readonly require?: Require;
  /** The first that holds decides. */
  readonly rules?: readonly Rule[];
  /** Absent: every replaceable fault is replaced, at any price. */
  readonly fallback?: Fallback;
  readonly hedge?: Hedge;
  /** Conversations are worth keeping where their prompt cache is. */
  readonly isSticky?: boolean;
  /** A stream that breaks after its first content may be gone on with elsewhere. */
  readonly continues?: boolean;
  /** Share of the requests whose first target is drawn by lot; 0..1. */
  readonly explore?: number;
  /** Whether facts about the content are wanted at all: not where a caller names a model. */
  readonly readsContent: boolean;
  /** Which of them. Absent: the task alone. */
  readonly wanted?: ReadonlySet<ContentFact>;
  /** Whether a rule matches on the text. */
  readonly readsText?: boolean;
}

/** What a name stands for, and the route that it is, if it is one. */
export interface NamedPolicy {
  readonly policy: Policy;
  readonly route?: string;
}

/** The first policy over the targets of all: those of the others come after its own. */
export function policyOver(first: Policy, others: readonly NamedPolicy[]): Policy {
  if (others.length === 0) return first;
  const all = [first, ...others.map(({ policy }) => policy)];
  const asked = all.flatMap(({ wanted }) => (wanted === undefined ? [] : [wanted]));
  return {
    ...first,
    tiers: [...first.tiers, ...others.map(itemsUnder)],
    readsContent: all.some(({ readsContent }) => readsContent),
    readsText: all.some(({ readsText }) => readsText === true),
    ...(asked.length === 0 ? {} : { wanted: new Set(asked.flatMap((wanted) => [...wanted])) }),
  };
}

function itemsUnder({ policy, route }: NamedPolicy): readonly WeightedTarget[] {
  const under = route === undefined ? {} : { route };
  return itemsThrough(policy).map((item) => ({ ...item, under }));
}

/** The same of a route that is reached through another: its rules come along. */
export function itemsThrough(policy: Policy): readonly WeightedTarget[] {
  const { tiers, rules = [] } = policy;
  if (rules.length === 0) return itemsOf(policy);
  const isIn = (groups: Tiers | undefined, { target }: WeightedTarget): boolean =>
    groups?.some((tier) => tier.some((one) => one.target.id === target.id)) === true;
  return itemsOf(policy).map((item) => {
    const usedBy = rules.filter(({ use }) => isIn(use?.tiers, item));
    return { ...item, passages: [...(item.passages ?? []), { rules, isListed: isIn(tiers, item), usedBy }] };
  });
}

/** All targets that requests may go to, those of rules too, each once with what the route it was taken from requires of it. */
export function itemsOf(policy: Policy): readonly WeightedTarget[] {
  const { require, rules, tiers } = policy;
  // A name that stands for one target: most requests.
  const [only, ...others] = tiers;
  if (only?.length === 1 && others.length === 0 && (rules ?? require) === undefined) return only;
  const listed = placesOf(policy);
  const items = [...new Map(listed.toReversed().map((item) => [item.target.id, item])).values()].toReversed();
  return require === undefined
    ? items
    : items.map((item) => ({ ...item, requires: [...(item.requires ?? []), require] }));
}

/** Every place at which a target stands, those of rules too: the same target more than once, where it stands more than once. */
export function placesOf({ tiers, rules = [] }: Policy): readonly WeightedTarget[] {
  return [...tiers.flat(), ...rules.flatMap(({ use }) => use?.tiers?.flat() ?? [])];
}
