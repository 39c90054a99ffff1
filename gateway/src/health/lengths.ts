/** How long answers are, learned by route and target: what a request will cost, and how long it will take, depends on it. */
import { DecayingQuantiles } from './quantiles.ts';
import { Table } from './table.ts';

/** Prompts of a route change in hours, not in minutes. */
const HALF_LIFE_MS = 3_600_000;
/** Pairs of route and target. */
const PAIRS_MAX = 5000;

export interface Length {
  readonly mean: number;
  readonly p90: number;
  /** What they rest on, faded. */
  readonly count: number;
}

/** `route` is empty where a model was named directly. */
export interface Pair {
  readonly route: string;
  readonly targetId: string;
}

export type SavedLength = readonly [name: string, mean: number, buckets: readonly number[]];

export class Lengths {
  readonly #pairs = new Table(PAIRS_MAX, () => ({ tokens: new DecayingQuantiles(HALF_LIFE_MS), mean: 0 }));

  /** An answer that came to its end had so many tokens. */
  add(pair: Pair, tokens: number, nowMs: number): void {
    const known = this.#pairs.use(nameOf(pair));
    known.mean += (tokens - known.mean) / (known.tokens.count(nowMs) + 1);
    known.tokens.add(tokens, nowMs);
  }

  of(pair: Pair, nowMs: number): Length | undefined {
    const known = this.#pairs.get(nameOf(pair));
    const found = known?.tokens.pair(0.5, 0.9);
    if (known === undefined || found === undefined) return undefined;
    return { mean: round(known.mean), p90: found[1], count: round(known.tokens.count(nowMs)) };
  }

  /** The last used, at most so many. */
  save(nowMs: number, most: number): readonly SavedLength[] {
    return this.#pairs
      .entries()
      .slice(-most)
      .map(([name, { mean, tokens }]) => [name, round(mean), tokens.save(nowMs)]);
  }

  load(saved: readonly SavedLength[], fromMs: number): void {
    for (const [name, mean, buckets] of saved) {
      const known = this.#pairs.use(name);
      known.mean = mean;
      known.tokens.load(buckets, fromMs);
    }
  }
}

/** No route and no target has a line break in its name. */
function nameOf({ route, targetId }: Pair): string {
  return `${route}\n${targetId}`;
}

function round(tokens: number): number {
  return Math.round(tokens * 10) / 10;
}
