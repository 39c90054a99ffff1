/**
 * Prices as models.dev writes them (floats, US dollars a million tokens) into ours, with distrust: a zero may mean that
 * nobody filled the price in, and some cache prices cannot be. What is not believed is left out, and said.
 */
import type { Price, PriceTier, Rates } from '../money/price.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import { asArray, asCount, asRecord, compact } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import type { FreeReason } from './rows.ts';

/** Dollars a million tokens above this are a mistake of the file (the dearest real price is 600). */
const USD_PER_MILLION_MAX = 100_000;

/** models.dev's old word for the tier that most large models have. */
const OLD_TIER_TOKENS = 200_000;

/** Models that give numbers, a class or a transcript, and no billed output tokens: only for them is output really free. */
const WITHOUT_OUTPUT = /embed|rerank|whisper|distilbert|\b(?:bge|e5|gte)-|mini-?lm|mpnet/i;

/** Why a price was not taken as it stands. */
export type OddityKind =
  | 'zero-price'
  | 'zero-output'
  | 'zero-class'
  | 'cache-read-above-input'
  | 'cache-write-below-input'
  | 'not-a-price'
  | 'unknown-tier';

/** One price that was not taken as it stands. */
export interface PriceOddity {
  readonly provider: string;
  readonly model: string;
  readonly field: string;
  readonly value: string;
  readonly kind: OddityKind;
}

export interface CostReading {
  readonly price?: Price;
  readonly free?: FreeReason;
  readonly oddities: readonly PriceOddity[];
}

export interface CostOf {
  readonly provider: string;
  readonly model: string;
  readonly family: string | undefined;
  /** Why a zero would be a price here. */
  readonly free: FreeReason | undefined;
}

/** Reads the `cost` of a model. No price at all where input or output is missing or not believed. */
export function readCost(cost: JsonRecord | undefined, of: CostOf): CostReading {
  const oddities: PriceOddity[] = [];
  const note = (field: string, value: Json | undefined, kind: OddityKind): undefined => {
    oddities.push({ provider: of.provider, model: of.model, field, value: JSON.stringify(value) ?? '', kind });
  };
  if (cost === undefined) return { oddities };
  const input = readUsd(cost, 'input', note);
  const output = readUsd(cost, 'output', note);
  if (input === undefined || output === undefined) return { oddities };
  const zero = zeroOf(input, output, of);
  if (zero === 'free' && of.free !== undefined) return { price: { input, output }, free: of.free, oddities };
  if (zero !== undefined && zero !== 'free') {
    note(zero === 'zero-price' ? 'input, output' : input === 0n ? 'input' : 'output', 0, zero);
    return { oddities };
  }
  const tiers = readTiers(cost, note);
  const price = { input, output, ...readClasses(cost, input, note), tiers: tiers.length > 0 ? tiers : undefined };
  return { price: compact(price), oddities };
}

/** What zeros in input and output mean. `undefined`: nothing is wrong. */
function zeroOf(input: bigint, output: bigint, of: CostOf): 'free' | 'zero-price' | 'zero-output' | undefined {
  if (input === 0n && output === 0n) return of.free === undefined ? 'zero-price' : 'free';
  if (input === 0n) return 'zero-output';
  return output === 0n && !WITHOUT_OUTPUT.test(`${of.model} ${of.family ?? ''}`) ? 'zero-output' : undefined;
}

type Note = (field: string, value: Json | undefined, kind: OddityKind) => undefined;

/** The classes beside plain input and output. Absent ones fall back to those when billed. */
function readClasses(cost: JsonRecord, input: bigint, note: Note): Rates {
  const read = (field: string): bigint | undefined => {
    const usd = cost[field] === undefined ? undefined : readUsd(cost, field, note);
    // Free of charge beside paid input: cached tokens are never that, and a free write means "no more than its input".
    return usd === 0n ? note(field, 0, 'zero-class') : usd;
  };
  const cacheRead = read('cache_read') ?? read('cached_input') ?? read('cache_input');
  const cacheWrite = read('cache_write') ?? read('cached_write');
  return compact({
    cacheRead:
      cacheRead !== undefined && cacheRead > input
        ? note('cache_read', formatUsd(cacheRead), 'cache-read-above-input')
        : cacheRead,
    // Writing a token into a cache is reading it first: less than input is a storage price, or a slip.
    cacheWrite:
      cacheWrite !== undefined && cacheWrite < input
        ? note('cache_write', formatUsd(cacheWrite), 'cache-write-below-input')
        : cacheWrite,
    reasoning: read('reasoning'),
    inputAudio: read('input_audio'),
    outputAudio: read('output_audio'),
  });
}

function readTiers(cost: JsonRecord, note: Note): readonly PriceTier[] {
  const old = asRecord(cost['context_over_200k']);
  const rows = asArray(cost['tiers']) ?? (old === undefined ? [] : [{ ...old, tier: { size: OLD_TIER_TOKENS } }]);
  return rows
    .flatMap((row) => readTier(asRecord(row) ?? {}, note) ?? [])
    .toSorted((a, b) => a.aboveContextTokens - b.aboveContextTokens);
}

function readTier(row: JsonRecord, note: Note): PriceTier | undefined {
  const tier = asRecord(row['tier']) ?? {};
  const aboveContextTokens = asCount(tier['size']);
  const isByContext = tier['type'] === undefined || tier['type'] === 'context';
  if (!aboveContextTokens || !isByContext) return note('tiers', row['tier'], 'unknown-tier');
  const input = readUsd(row, 'input', note);
  const output = readUsd(row, 'output', note);
  if (!input || !output) return note('tiers', aboveContextTokens, 'unknown-tier');
  return { aboveContextTokens, input, output, ...readClasses(row, input, note) };
}

function readUsd(cost: JsonRecord, field: string, note: Note): bigint | undefined {
  const value = cost[field];
  return nanoUsdOf(value) ?? note(field, value, 'not-a-price');
}

/**
 * Nano-dollars of a float that was a decimal once. Nine decimals are kept: 0.049999999999999996 is 0.05 again.
 * `undefined` for what is no price: not a number, negative, absurd.
 */
export function nanoUsdOf(value: Json | undefined): bigint | undefined {
  if (typeof value !== 'number' || !(value >= 0 && value <= USD_PER_MILLION_MAX)) return undefined;
  return parseUsd(value.toFixed(9));
}
