/** OpenRouter's `provider` object, as far as it is followed here: names, prices, and what a provider does with data. */
import type { Require, StrategyName } from './policy.ts';

export interface Preferences {
  readonly order?: readonly string[];
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
  readonly allowFallbacks?: boolean;
  /** In the place of the route's own strategy: `sort`, or a suffix of the name (`:floor`, `:nitro`). */
  readonly sort?: StrategyName;
  /** Nano-dollars a million tokens. */
  readonly inputPriceMax?: bigint;
  readonly outputPriceMax?: bigint;
  /** What `data_collection` and `zdr` mean. */
  readonly require?: Require;
  /** Fields that no target here can be held to, and those that would only be hints. */
  readonly demands?: readonly string[];
  readonly hints?: readonly string[];
}

/** OpenRouter's words for an order, and ours. */
export const SORTS: Readonly<Record<string, StrategyName>> = {
  price: 'cost',
  throughput: 'throughput',
  latency: 'latency',
};

/** The same as suffixes of a model's name (openrouter.ai/docs/features/provider-routing). */
export const SUFFIXES: Readonly<Record<string, StrategyName>> = { floor: 'cost', nitro: 'throughput' };
