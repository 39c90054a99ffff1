/**
 * Plans: what is added to a cost, or taken off it, before an owner is charged. Pure, in integers. The first rule that fits
 * the target holds; where none does, the charge is the cost.
 */
import { glob } from '../lib/glob.ts';
import type { NanoUsd } from './price.ts';

/** All of a cost. */
const WHOLE = 10_000n;
const HALF = WHOLE / 2n;

/** A discount of all of it. */
export const BASIS_POINTS_MIN = -10_000;
/** A hundred times the cost: more is a slip of the pen. */
export const BASIS_POINTS_MAX = 990_000;
/** A thousand dollars a request. */
export const FIXED_NANO_USD_MAX = 1_000_000_000_000n;
/** No attempt costs a thousand million dollars; a store's integers (63 bits) end at nine times as much. */
const CHARGE_MAX: NanoUsd = 1_000_000_000_000_000_000n;

export interface PlanRule {
  /** A provider (`openai`), or a pattern of `provider/model` (`openai/*`, `*\/gpt-5*`, `*`). */
  readonly models: string;
  /** Hundredths of a per cent that are added: 2,500 is a quarter more, -1,000 a tenth less. */
  readonly basisPoints: number;
  /** Added once a request, whatever its tokens. */
  readonly fixedNanoUsd: NanoUsd;
}

export interface Plan {
  readonly id: string;
  readonly name: string;
  /** The first that fits holds. */
  readonly rules: readonly PlanRule[];
}

export interface ChargedModel {
  readonly provider: string;
  readonly model: string;
}

/** The rule for a model of a provider; undefined: it is charged what it costs. */
export function ruleFor(
  rules: readonly PlanRule[] | undefined,
  { provider, model }: ChargedModel,
): PlanRule | undefined {
  const name = `${provider}/${model}`;
  return rules?.find(({ models }) => models === provider || glob(models, name));
}

export interface Chargeable {
  /** False for the attempts of a request after the first that was charged: what is fixed is charged once. */
  readonly isFirst: boolean;
}

/**
 * What an attempt is charged: its cost with the rule's basis points, rounded half up to a nano-dollar, once an attempt; and
 * what is fixed, once a request. Never less than nothing, never more than a store can hold. It grows with the cost, so the
 * charge of the worst case is the worst case of the charge.
 */
export function chargeOf(
  costNanoUsd: NanoUsd,
  rule: PlanRule | undefined,
  { isFirst }: Chargeable = { isFirst: true },
): NanoUsd {
  if (rule === undefined) return within(costNanoUsd);
  const part = BigInt(rule.basisPoints) + WHOLE;
  const charge = (within(costNanoUsd) * (part < 0n ? 0n : part) + HALF) / WHOLE;
  return within(charge + (isFirst ? rule.fixedNanoUsd : 0n));
}

function within(amount: NanoUsd): NanoUsd {
  if (amount < 0n) return 0n;
  return amount > CHARGE_MAX ? CHARGE_MAX : amount;
}
