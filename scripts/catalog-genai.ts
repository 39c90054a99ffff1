/** Reads the prices of `@pydantic/genai-prices` into ours. Its list is asked through its public functions, name by name. */
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import type { MatchLogic, ModelInfo, ModelPrice } from '@pydantic/genai-prices';
import { nanoUsdOf } from '../gateway/src/catalog/cost-reading.ts';
import { compact } from '../gateway/src/lib/json.ts';
import type { Price, PriceTier, Rates } from '../gateway/src/money/price.ts';

/** Our class of a token to its key. Values are US dollars a million tokens. */
const KEYS = {
  input: 'input_mtok',
  output: 'output_mtok',
  cacheRead: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  reasoning: 'output_reasoning_mtok',
  inputAudio: 'input_audio_mtok',
  outputAudio: 'output_audio_mtok',
} as const satisfies Record<keyof Rates, string>;

const CLASSES = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const;

/** A day, a version or a moving end: what may follow a model's name without making it another model. */
const SAME_MODEL_ENDING = /^(?:[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{4}|\d{3}|latest))?$/;

export interface GenaiEntry {
  readonly info: ModelInfo;
  /** Undefined where it has no price a token. */
  readonly price: Price | undefined;
  /** Day from which the price holds, where it says so. */
  readonly since: string | undefined;
  /** Prices that depend on the hour: the dearest is taken, so that a budget ends early rather than late. */
  readonly isByHour: boolean;
}

/**
 * What genai-prices says about a model of a provider on a day. Only a sure match: the name itself is in its list, or it
 * differs by a date. Entries that it borrows from another provider's list are none.
 */
export function genaiEntry(genaiProvider: string, modelId: string, asOf: string): GenaiEntry | undefined {
  const provider = findProvider({ providerId: genaiProvider });
  if (provider?.id !== genaiProvider) return undefined;
  const found = calcPrice({}, modelId, { providerId: genaiProvider, timestamp: new Date(`${asOf}T00:00:00Z`) });
  if (found === null || !provider.models.includes(found.model)) return undefined;
  return isSure(genaiProvider, found.model, modelId)
    ? { info: found.model, ...currentPrice(found.model, asOf) }
    : undefined;
}

function isSure(genaiProvider: string, info: ModelInfo, modelId: string): boolean {
  const id = modelId.toLowerCase();
  if (info.id.toLowerCase() === id || equalNames(info.match).includes(id)) return true;
  if (genaiProvider === 'aws') return bedrockCore(info.id) === bedrockCore(id);
  const stem = info.id.toLowerCase().replace(/-latest$/, '');
  return id.startsWith(stem) && SAME_MODEL_ENDING.test(id.slice(stem.length));
}

/** All names that an entry lists word by word, in lower case. */
export function equalNames(match: MatchLogic): readonly string[] {
  if ('or' in match) return match.or.flatMap(equalNames);
  return 'equals' in match ? [match.equals.toLowerCase()] : [];
}

/** Bedrock's names without region, date and version: `us.anthropic.claude-haiku-4-5-20251001-v1:0` is `anthropic.claude-haiku-4-5`. */
function bedrockCore(id: string): string {
  return id
    .toLowerCase()
    .replace(/^(?:regional|global|us-gov|us|eu|apac|jp|au|ca|in)\./, '')
    .replace(/(?:-\d{8})?(?:-v\d+(?::\d+)?)?$/, '');
}

interface Current {
  readonly price: Price | undefined;
  readonly since: string | undefined;
  readonly isByHour: boolean;
}

function currentPrice(info: ModelInfo, asOf: string): Current {
  if (!Array.isArray(info.prices)) return { price: toPrice(info.prices), since: undefined, isByHour: false };
  const byHour = info.prices.filter((row) => row.constraint?.type === 'time_of_date');
  const begun = info.prices.findLast(
    ({ constraint }) => constraint === undefined || (constraint.type === 'start_date' && constraint.start_date <= asOf),
  );
  const rows = [...byHour, ...(begun === undefined ? [] : [begun])].map((row) => toPrice(row.prices));
  const since = begun?.constraint?.type === 'start_date' ? begun.constraint.start_date : undefined;
  return { price: rows.reduce(dearer, undefined), since, isByHour: byHour.length > 0 };
}

function dearer(a: Price | undefined, b: Price | undefined): Price | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return (b.input ?? 0n) > (a.input ?? 0n) ? b : a;
}

/** `undefined` where nothing is priced by the token. */
function toPrice(prices: ModelPrice): Price | undefined {
  const requests = prices['requests_kcount'];
  const request = typeof requests === 'number' ? nanoUsdOf(requests / 1000) : undefined;
  const rates = ratesAt(prices, 0);
  if (rates.input === undefined) return undefined;
  const starts = CLASSES.flatMap((name) => {
    const value = prices[KEYS[name]];
    return typeof value === 'object' ? value.tiers.map((tier) => tier.start) : [];
  });
  const tiers = [...new Set(starts)]
    .toSorted((a, b) => a - b)
    .map((start): PriceTier => ({ aboveContextTokens: start, ...ratesAt(prices, start + 1) }));
  return compact({ ...rates, request, tiers: tiers.length > 0 ? tiers : undefined });
}

function ratesAt(prices: ModelPrice, inputTokens: number): Rates {
  const rates: { -readonly [K in keyof Rates]: Rates[K] } = {};
  for (const name of CLASSES) {
    const value = prices[KEYS[name]];
    const usd =
      typeof value === 'object'
        ? (value.tiers.findLast((tier) => inputTokens > tier.start)?.price ?? value.base)
        : value;
    const nanoUsd = nanoUsdOf(usd ?? null);
    if (nanoUsd !== undefined) rates[name] = nanoUsd;
  }
  return rates;
}
