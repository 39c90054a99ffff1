/** admit: puts money aside for the dearest thing the plan may do, so that a budget is a budget. */
import type { Fault } from '../chat/fault.ts';
import { worstCase, type WorstUsage } from '../money/cost.ts';
import type { NanoUsd } from '../money/price.ts';
import { callsFor } from '../output/way.ts';
import type { Facts } from '../understand/facts.ts';
import type { Plan } from '../routing/plan.ts';
import type { Target } from '../routing/target.ts';
import type { Length } from '../routing/observation.ts';
import type { Patience } from '../store/purse-ports.ts';
import { isHold, type Hold, type Payer, type Store } from '../store/ports.ts';

/** Output that a model may give where neither caller nor catalog sets a limit. */
const OUTPUT_TOKENS_MAX = 32_768;
/** One request may hold at most this share of what is left of a budget, as long as it leaves room for an answer. */
const SHARE_OF_BUDGET = 4n;
/** The same where it is known how long its answers are: many more fit beside each other. */
const SHARE_WHERE_LEARNED = 16n;
/** An answer shorter than this is of little use: below it, all that is left is held. */
const OUTPUT_TOKENS_USEFUL = 4096;
/** Of ten answers on its route nine are shorter than their 90th percentile; those beyond four times as much are cut. */
const USEFUL_FACTOR = 4;
/** Answers of a route that tell how long its next ones are. */
const ANSWERS_LEARNED = 20;
/** No budget is spent on an answer that is cut shorter than this. */
const OUTPUT_TOKENS_LEAST = 256;
/** Others hold more than they will need, and most of them for seconds: so long a request waits for it before it is refused. */
const PATIENCE_MS = 5000;

export interface Admission {
  readonly hold: Hold;
  /** The request as the hold covers it. */
  readonly facts: Facts;
  /** Set where the caller's own limit (or none) could cost more than is left: the request goes out with this one. */
  readonly outputTokensMax?: number;
}

export interface AdmitInput {
  readonly payer: Payer;
  readonly facts: Facts;
  readonly plan: Plan;
  readonly requestId: string;
  readonly store: Store;
  /** How long answers of a target have been on this route. */
  readonly lengthOf: (target: Target) => Length | undefined;
  /** Aborted when the caller goes. */
  readonly signal: AbortSignal;
}

/**
 * Holds the worst case; where that is a large share of the budget, a smaller one, kept true by a lower output limit. Where
 * not even that fits, the request may have all that is left, for itself alone: so a budget is used to its end, one by one.
 * Where others hold what is left, it waits for a while until they have cost less.
 */
export async function admit(input: AdmitInput): Promise<Admission | Fault> {
  const { payer, facts } = input;
  if (payer.hard.length === 0) return hold(input, { nanoUsd: 0n, facts });
  const worst = worstOf(input, facts);
  const admitted = await admitNow(input, worst);
  if (!isShort(admitted)) return admitted;
  const waited = await hold(input, small(input, worst), { waitMs: PATIENCE_MS, signal: input.signal });
  // Nobody holds anything any more, or what they hold is too little: the last of the budget may still be enough.
  return isShort(waited) && !input.signal.aborted ? admitNow(input, worst) : waited;
}

async function admitNow(input: AdmitInput, worst: NanoUsd): Promise<Admission | Fault> {
  const { payer, facts } = input;
  if (facts.isOutputFixed === true) return hold(input, { nanoUsd: worst, facts });
  if (payer.hard.every(({ limitNanoUsd }) => limitNanoUsd === undefined || worst * SHARE_OF_BUDGET <= limitNanoUsd)) {
    const admitted = await hold(input, { nanoUsd: worst, facts });
    if (!('code' in admitted)) return admitted;
  }
  const clamped = await admitClamped(input, worst);
  return isShort(clamped) ? admitLast(input, clamped) : clamped;
}

function isShort(admitted: Admission | Fault): admitted is Fault {
  return 'code' in admitted && admitted.code === 'budget-exceeded';
}

async function admitClamped(input: AdmitInput, worst: NanoUsd): Promise<Admission | Fault> {
  const { facts } = input;
  const left = await leftOf(input);
  if (typeof left !== 'bigint') return left;
  const useful = usefulTokens(input);
  const share = left / (useful === undefined ? SHARE_OF_BUDGET : SHARE_WHERE_LEARNED);
  const tokens = Math.max(
    affordable(input, facts, share),
    Math.min(useful ?? OUTPUT_TOKENS_USEFUL, affordable(input, facts, left)),
  );
  // Cut shorter it would be of no use: then it is all that was asked for, or all that is left.
  return hold(input, tokens < leastOf(input) ? { nanoUsd: worst, facts } : limitedTo(input, worst, tokens));
}

function leastOf({ facts, plan }: AdmitInput): number {
  return Math.min(outputLimit(facts, plan.targets), OUTPUT_TOKENS_LEAST);
}

/** The least that an answer of this route is likely to need, however much is left. */
function small(input: AdmitInput, worst: NanoUsd): Wanted {
  if (input.facts.isOutputFixed === true) return { nanoUsd: worst, facts: input.facts };
  return limitedTo(input, worst, usefulTokens(input) ?? OUTPUT_TOKENS_USEFUL);
}

/** Output tokens a choice that nearly every answer of the plan's targets has come out with; undefined where too few are known. */
function usefulTokens({ plan, lengthOf }: AdmitInput): number | undefined {
  let most = 0;
  for (const target of plan.targets) {
    const length = lengthOf(target);
    if (length === undefined || length.count < ANSWERS_LEARNED) return undefined;
    most = Math.max(most, length.p90);
  }
  return Math.min(OUTPUT_TOKENS_USEFUL, Math.max(OUTPUT_TOKENS_LEAST, Math.ceil(most * USEFUL_FACTOR)));
}

/** The request with so many output tokens a choice; as it is where it asks for no more. */
function limitedTo(input: AdmitInput, worst: NanoUsd, tokens: number): Wanted {
  const { facts, plan } = input;
  if (tokens >= outputLimit(facts, plan.targets)) return { nanoUsd: worst, facts };
  const limited = { ...facts, outputTokensLimit: tokens };
  return { nanoUsd: worstOf(input, limited), facts: limited, outputTokensMax: tokens };
}

/** The bound on hidden prompts is generous. All that is left is more than any real one needs, and nobody else counts on it meanwhile. */
async function admitLast(input: AdmitInput, refused: Fault): Promise<Admission | Fault> {
  const { facts, plan } = input;
  const left = await leftOf(input);
  if (typeof left !== 'bigint') return left;
  const usual = { ...facts, inputTokensMax: facts.inputTokensUsualMax };
  const asked = outputLimit(facts, plan.targets);
  const tokens = Math.min(asked, affordable(input, usual, left));
  // Who says how long an answer may be gets it so long, or not at all: the last of a budget is no place to find out.
  const least = facts.outputTokensLimit === undefined ? leastOf(input) : asked;
  if (tokens < least) return refused;
  if (tokens >= asked) return hold(input, { nanoUsd: left, facts: usual });
  return hold(input, { nanoUsd: left, facts: { ...usual, outputTokensLimit: tokens }, outputTokensMax: tokens });
}

/** What is neither spent nor held anywhere, in the purse that has least. */
async function leftOf({ payer, store }: AdmitInput): Promise<NanoUsd | Fault> {
  let least: NanoUsd | undefined;
  for (const { id, limitNanoUsd } of payer.hard) {
    const state = await store.purse(id, { isHeld: true });
    if (!state.ok) return state.error;
    const left = (limitNanoUsd ?? state.value.limitNanoUsd) - state.value.spentNanoUsd - state.value.heldNanoUsd;
    if (least === undefined || left < least) least = left;
  }
  return least ?? 0n;
}

/** An admission, but for its money. */
interface Wanted extends Omit<Admission, 'hold'> {
  readonly nanoUsd: NanoUsd;
}

async function hold(
  { payer, requestId, store }: AdmitInput,
  { nanoUsd, ...covered }: Wanted,
  patience?: Patience,
): Promise<Admission | Fault> {
  const { ledger } = store;
  const held = await (patience === undefined
    ? ledger.hold(payer, nanoUsd, requestId)
    : ledger.holdPatiently(payer, nanoUsd, { ...patience, requestId }));
  return isHold(held) ? { hold: held, ...covered } : held;
}

/** Output tokens a choice for which `money` is enough at every target of the plan. */
function affordable({ plan, payer }: AdmitInput, facts: Facts, money: NanoUsd): number {
  const tokens = plan.targets.map((target) =>
    target.price === undefined
      ? Number.MAX_SAFE_INTEGER
      : outputAffordable((most) => chargeAt(payer, target, worstFor(target, facts, most)), money),
  );
  return Math.floor(Math.min(...tokens) / facts.choices);
}

/** The most output tokens for which `money` is enough beside the input; 0 where not even that is covered. */
function outputAffordable(chargeOf: (outputTokens: number) => NanoUsd | undefined, money: NanoUsd): number {
  let low = 0;
  let high = OUTPUT_TOKENS_MAX * 32;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const charge = chargeOf(middle);
    if (charge !== undefined && charge <= money) low = middle;
    else high = middle - 1;
  }
  return low;
}

function worstFor(target: Target, facts: Facts, outputTokens: number): NanoUsd | undefined {
  return target.price === undefined ? undefined : worstCase(target.price, { ...inputMax(target, facts), outputTokens });
}

/** What is charged for a cost at the target. */
export function chargeAt(
  payer: Payer,
  { providerId, model }: Target,
  costNanoUsd: NanoUsd | undefined,
): NanoUsd | undefined {
  if (costNanoUsd === undefined) return undefined;
  return payer.chargeOf?.(costNanoUsd, { provider: providerId, model }) ?? costNanoUsd;
}

/** The charge for the dearest target of the plan. */
function worstOf({ plan, payer }: AdmitInput, facts: Facts): NanoUsd {
  return plan.targets.reduce((most, target) => {
    const charge = chargeAt(payer, target, worstAt(target, facts)) ?? 0n;
    return charge > most ? charge : most;
  }, 0n);
}

/** The most that one attempt at `target` can cost; undefined where its price is not known. */
export function worstAt(target: Target, facts: Facts): NanoUsd | undefined {
  if (target.price === undefined) return undefined;
  return worstCase(target.price, {
    ...inputMax(target, facts),
    outputTokens: outputLimit(facts, [target]) * facts.choices,
    ...(facts.unitsMax === undefined ? {} : { units: facts.unitsMax }),
  });
}

/** What the input alone costs at `target`, by our own count; undefined where its price is not known. */
export function leastAt(target: Target, facts: Facts): NanoUsd | undefined {
  return worstAt(target, { ...facts, inputTokensMax: facts.inputTokensEstimate, outputTokensLimit: 0 });
}

/** Where each choice is a call of its own, the input is paid for with each. */
function inputMax(target: Target, facts: Facts): Pick<WorstUsage, 'inputTokens' | 'calls'> {
  const calls = facts.choices <= 1 ? 1 : callsFor(target.provider.dialect, facts.choices);
  return { inputTokens: facts.inputTokensMax * calls, calls };
}

function outputLimit(facts: Facts, targets: readonly Target[]): number {
  if (facts.outputTokensLimit !== undefined) return facts.outputTokensLimit;
  return Math.max(...targets.map((target) => target.limits.outputTokens ?? OUTPUT_TOKENS_MAX));
}
