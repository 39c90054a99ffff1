/** OpenRouter's `provider` object, as far as it is followed here: names, prices, and what a provider does with data. */
import { compact } from '../lib/json.ts';
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
  /** They go on to providers that read them themselves, and bind the others here: with their demands, or without. */
  readonly forReaders?: 'demanded' | 'adapted';
}

/**
 * The same for a request to a provider that chooses among providers itself: what says where it may go, and what may be done
 * with it, for the targets that do not. In which order such a provider asks its own is no order of ours.
 */
export function besideReaders(wished: Preferences, adapts: boolean): Preferences {
  const { order, only, allowFallbacks, sort: _, hints: __, ...rest } = wished;
  const named = allowFallbacks === false ? order : undefined;
  const both = named === undefined ? only : named.filter((id) => only?.includes(id) ?? true);
  return { ...rest, ...compact({ only: both }), forReaders: adapts ? 'adapted' : 'demanded' };
}

/** OpenRouter's words for an order, and ours. */
export const SORTS: Readonly<Record<string, StrategyName>> = {
  price: 'cost',
  throughput: 'throughput',
  latency: 'latency',
};

/** The same as suffixes of a model's name (openrouter.ai/docs/features/provider-routing). */
export const SUFFIXES: Readonly<Record<string, StrategyName>> = { floor: 'cost', nitro: 'throughput' };
