/**
 * What tokens cost, exactly. Token classes are disjoint when billed: input read from a cache or written to one is not
 * also plain input; reasoning and sound are part of output or input unless they are priced apart. The products are
 * summed as integers and rounded once, half up, to a nano-dollar an attempt.
 */
import type { Units, Usage } from '../chat/usage.ts';
import { asCount, compact } from '../lib/json.ts';
import type { NanoUsd, NanoUsdPerMillion, Price, Rates, UnitRates } from './price.ts';

const MILLION = 1_000_000n;
const HALF = MILLION / 2n;

export type CostClass =
  | 'input'
  | 'cache_read'
  | 'cache_write'
  | 'cache_write_1h'
  | 'input_audio'
  | 'output'
  | 'reasoning'
  | 'output_audio'
  | 'image'
  | 'second'
  | 'character'
  | 'search'
  | 'request';

export interface CostLine {
  readonly class: CostClass;
  /** Tokens or pieces of this class; for `request`, calls. */
  readonly count: number;
  /** Nano-dollars a million tokens; of what is sold by the piece, a piece; for `request`, a request. */
  readonly rate: bigint;
  /** The lines of a cost sum to its total exactly: a line is the total up to it, rounded, less the total before it. */
  readonly nanoUsd: NanoUsd;
}

export interface Cost {
  readonly totalNanoUsd: NanoUsd;
  readonly lines: readonly CostLine[];
}

/** Each unit with the field of its rate. */
const UNITS = [
  { unit: 'images', rate: 'image' },
  { unit: 'seconds', rate: 'second' },
  { unit: 'characters', rate: 'character' },
  { unit: 'searches', rate: 'search' },
] as const satisfies readonly { readonly unit: keyof Units; readonly rate: keyof UnitRates }[];

/** More pieces than this in one attempt are a defect of the meter: a day of sound has 86,400 seconds, a body some millions of characters. */
const UNITS_MAX = 100_000_000;

/** More tokens than this in one attempt are a defect of the provider's meter: forty times the largest context there is. */
const TOKENS_MAX = 400_000_000;

export interface UsageLimits {
  /** More input than this was not sent: no tokenizer makes more tokens than the request has bytes. */
  readonly inputTokensMax?: number;
  /** More output than this was not asked for, or could not have come through. */
  readonly outputTokensMax?: number;
}

interface Item {
  readonly class: CostClass;
  readonly count: number;
  readonly rate: NanoUsdPerMillion | undefined;
}

/**
 * The cost of one attempt. `undefined` where it is not known: a class that was used has no price (nor the one it falls
 * back to), nothing was counted and no fixed price is known, or a count or a price is not one at all (negative, NaN).
 */
export function costOf(price: Price, usage: Usage): Cost | undefined {
  if (!areCounts(usage) || !hasPrice(price)) return undefined;
  const { request } = price;
  const units = unitItems(price.units, usage.units);
  if (units.length === 0 && request === undefined && !hasTokens(usage)) return undefined;
  const rates = ratesFor(price, inputOfEach(usage));
  const items = [...inputItems(rates, usage), ...outputItems(rates, usage)];
  const tokens = summed(units.length === 0 ? items : items.filter((item) => item.rate !== undefined));
  const pieces =
    request === undefined ? units : [...units, { class: 'request', count: usage.calls ?? 1, rate: request } as const];
  if (tokens === undefined || pieces.length === 0) return tokens;
  if (pieces.some((piece) => piece.rate < 0n)) return undefined;
  const lines = pieces.map((piece): CostLine => ({ ...piece, nanoUsd: BigInt(piece.count) * piece.rate }));
  const total = lines.reduce((sum, line) => sum + line.nanoUsd, tokens.totalNanoUsd);
  return { totalNanoUsd: total, lines: [...tokens.lines, ...lines] };
}

function hasTokens({ inputTokens, outputTokens }: Usage): boolean {
  return inputTokens !== undefined || outputTokens !== undefined;
}

/** Whether the price says what such a piece costs, so that a count of tokens is not needed for a bill. */
export function isSoldByPiece(price: Price, units: Units | undefined): boolean {
  return unitItems(price.units, units).length > 0;
}

interface Piece {
  readonly class: CostClass;
  readonly count: number;
  readonly rate: NanoUsd;
}

/** What was counted and has a price of its own. The rest is paid with the tokens. */
function unitItems(rates: UnitRates | undefined, units: Units | undefined): readonly Piece[] {
  if (rates === undefined || units === undefined) return [];
  return UNITS.flatMap(({ unit, rate }) => {
    const count = units[unit];
    const price = rates[rate];
    return count === undefined || price === undefined ? [] : [{ class: rate, count, rate: price }];
  });
}

function summed(items: readonly Item[]): Cost | undefined {
  const lines: CostLine[] = [];
  let sum = 0n;
  let totalNanoUsd = 0n;
  for (const { class: kind, count, rate } of items) {
    if (count === 0) continue;
    if (rate === undefined || rate < 0n) return undefined;
    sum += BigInt(count) * rate;
    const before = totalNanoUsd;
    totalNanoUsd = (sum + HALF) / MILLION;
    lines.push({ class: kind, count, rate, nanoUsd: totalNanoUsd - before });
  }
  return { totalNanoUsd, lines };
}

/** The most that an attempt can use. */
export interface WorstUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly units?: Units;
  /** As in `Usage`. */
  readonly calls?: number;
}

/**
 * The most that an attempt with at most so many tokens can cost, rounded up: every token in its dearest class, in the
 * dearest tier that so much input can reach. `undefined` where a price is missing. This is what a hold puts aside.
 */
export function worstCase(price: Price, most: WorstUsage): NanoUsd | undefined {
  if (!areCounts(most) || !hasPrice(price)) return undefined;
  const { request = 0n } = price;
  const { units, calls = 1 } = most;
  const pieces = unitItems(price.units, units);
  if (request < 0n || pieces.some((piece) => piece.rate < 0n)) return undefined;
  let worst = 0n;
  for (const rates of reachable(price, inputOfEach(most))) {
    if (pieces.length === 0 && !coversTokens(rates, most)) return undefined;
    const product = worstProduct(rates, most);
    if (product === undefined) return undefined;
    if (product > worst) worst = product;
  }
  const fixed = pieces.reduce((sum, piece) => sum + BigInt(piece.count) * piece.rate, request * BigInt(calls));
  return (worst + MILLION - 1n) / MILLION + fixed;
}

function coversTokens({ input, output }: Rates, { inputTokens, outputTokens }: WorstUsage): boolean {
  return (inputTokens === 0 || input !== undefined) && (outputTokens === 0 || output !== undefined);
}

function worstProduct(rates: Rates, { inputTokens, outputTokens }: WorstUsage): bigint | undefined {
  const { input, output } = rates;
  const dearestInput = dearest([input, rates.cacheRead, rates.cacheWrite, rates.cacheWrite1h, rates.inputAudio]);
  const dearestOutput = dearest([output, rates.reasoning, rates.outputAudio]);
  if (dearestInput === undefined || dearestOutput === undefined) return undefined;
  return BigInt(inputTokens) * dearestInput + BigInt(outputTokens) * dearestOutput;
}

/**
 * Usage without the counts that cannot be true: not a safe whole number (strings, NaN, negatives), over the limit, or a
 * part larger than its whole. A whole that is dropped takes its parts with it; the tokens of a part that is dropped are
 * billed as plain ones. What is missing afterwards is for our own estimate to fill. `raw` stays as it came.
 */
export function saneUsage(usage: Usage, limits: UsageLimits = {}): Usage {
  const input = countUpTo(limits.inputTokensMax ?? TOKENS_MAX, usage.inputTokens);
  const output = countUpTo(limits.outputTokensMax ?? TOKENS_MAX, usage.outputTokens);
  const written = countUpTo(input, usage.cacheWriteTokens);
  return compact({
    inputTokens: input,
    cachedInputTokens: countUpTo(input, usage.cachedInputTokens),
    cacheWriteTokens: written,
    cacheWrite1hTokens: countUpTo(usage.cacheWriteTokens === undefined ? input : written, usage.cacheWrite1hTokens),
    inputAudioTokens: countUpTo(input, usage.inputAudioTokens),
    outputTokens: output,
    reasoningTokens: countUpTo(output, usage.reasoningTokens),
    outputAudioTokens: countUpTo(output, usage.outputAudioTokens),
    units: saneUnits(usage.units),
    calls: usage.calls,
    raw: usage.raw,
  });
}

function saneUnits(units: Units | undefined): Units | undefined {
  if (units === undefined) return undefined;
  const sane: Units = compact({
    images: countUpTo(UNITS_MAX, units.images),
    seconds: countUpTo(UNITS_MAX, units.seconds),
    characters: countUpTo(UNITS_MAX, units.characters),
    searches: countUpTo(UNITS_MAX, units.searches),
  });
  return Object.keys(sane).length === 0 ? undefined : sane;
}

function countUpTo(max: number | undefined, value: unknown): number | undefined {
  const count = asCount(value);
  return max !== undefined && count !== undefined && count <= Math.min(max, TOKENS_MAX) ? count : undefined;
}

/** Input by class. A part that is larger than what is left of the whole is cut to it, so that no token is billed twice. */
function inputItems(rates: Rates, usage: Usage): readonly Item[] {
  const {
    cachedInputTokens: cachedPart = 0,
    cacheWrite1hTokens: hourPart = 0,
    inputAudioTokens: audioPart = 0,
  } = usage;
  const writtenPart = usage.cacheWriteTokens ?? hourPart;
  const total = usage.inputTokens ?? 0;
  const cached = Math.min(cachedPart, total);
  const written = Math.min(writtenPart, total - cached);
  const hour = Math.min(hourPart, written);
  const audio = rates.inputAudio === undefined ? 0 : Math.min(audioPart, total - cached - written);
  const writeRate = rates.cacheWrite ?? rates.input;
  return [
    { class: 'input', count: total - cached - written - audio, rate: rates.input },
    { class: 'cache_read', count: cached, rate: rates.cacheRead ?? rates.input },
    { class: 'cache_write', count: written - hour, rate: writeRate },
    { class: 'cache_write_1h', count: hour, rate: rates.cacheWrite1h ?? writeRate },
    { class: 'input_audio', count: audio, rate: rates.inputAudio },
  ];
}

function outputItems(rates: Rates, usage: Usage): readonly Item[] {
  const total = usage.outputTokens ?? 0;
  const reasoning = rates.reasoning === undefined ? 0 : Math.min(usage.reasoningTokens ?? 0, total);
  const audio = rates.outputAudio === undefined ? 0 : Math.min(usage.outputAudioTokens ?? 0, total - reasoning);
  return [
    { class: 'output', count: total - reasoning - audio, rate: rates.output },
    { class: 'reasoning', count: reasoning, rate: rates.reasoning },
    { class: 'output_audio', count: audio, rate: rates.outputAudio },
  ];
}

/** A tier is reached by the input of one call. Those that are one attempt for several choices all have the same. */
function inputOfEach({ inputTokens = 0, calls = 1 }: Usage): number {
  return Math.ceil(inputTokens / calls);
}

/** The rates that hold for so much input: those of the highest tier below it, and the plain ones where it gives none. */
function ratesFor(price: Price, inputTokens: number): Rates {
  return price.tiers === undefined ? price : (reachable(price, inputTokens).at(-1) ?? price);
}

function reachable(price: Price, inputTokens: number): readonly Rates[] {
  const tiers = (price.tiers ?? []).filter((tier) => inputTokens > tier.aboveContextTokens);
  return [price, ...tiers.map((tier) => ({ ...price, ...tier }))];
}

/** False for a price that says nothing: unknown is not free. */
function hasPrice(price: Price): boolean {
  const { input, output, request, units } = price;
  return input !== undefined || output !== undefined || request !== undefined || units !== undefined;
}

function areCounts(usage: Usage): boolean {
  return (
    isCount(usage.calls) &&
    isCount(usage.inputTokens) &&
    isCount(usage.cachedInputTokens) &&
    isCount(usage.cacheWriteTokens) &&
    isCount(usage.cacheWrite1hTokens) &&
    isCount(usage.inputAudioTokens) &&
    isCount(usage.outputTokens) &&
    isCount(usage.reasoningTokens) &&
    isCount(usage.outputAudioTokens) &&
    UNITS.every(({ unit }) => isCount(usage.units?.[unit]))
  );
}

function isCount(value: number | undefined): boolean {
  return value === undefined || asCount(value) !== undefined;
}

/** Zero where none is given; `undefined` where one is negative. */
function dearest(rates: readonly (bigint | undefined)[]): bigint | undefined {
  let most = 0n;
  for (const rate of rates) {
    if (rate === undefined) continue;
    if (rate < 0n) return undefined;
    if (rate > most) most = rate;
  }
  return most;
}
