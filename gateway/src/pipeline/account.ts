/** account: what an attempt cost, by one rule for every way it can end. Pure. */
import type { Outcome, Spent } from '../chat/outcome.ts';
import type { Usage } from '../chat/usage.ts';
import { compact } from '../lib/json.ts';
import { costOf, isSoldByPiece, saneUsage } from '../money/cost.ts';
import type { NanoUsd, Price } from '../money/price.ts';
import type { Facts } from '../understand/facts.ts';
import type { Target } from '../routing/target.ts';

export interface Bill {
  readonly usage: Usage;
  /** True where any count in it is ours and not the provider's. */
  readonly isEstimated: boolean;
  /** Absent: no price is known. */
  readonly costNanoUsd?: NanoUsd;
}

/**
 * The bill of an attempt, or undefined where it cost nothing:
 * - refused, or broke before the provider answered with 2xx: nothing;
 * - broke before content: what the provider reported, if it did; all of it, where the answer was complete and only not valid;
 * - answered, broke after content, or left by the caller: the provider's usage, filled up with our own count.
 */
export function billOf(outcome: Outcome, facts: Facts, target: Target): Bill | undefined {
  if (outcome.kind === 'refused' || !outcome.spent.wasAccepted) return undefined;
  const { spent } = outcome;
  const reported = spent.usage === undefined ? undefined : saneUsage(spent.usage);
  if (isUnheard(outcome) && reported === undefined) return undefined;
  const isComplete = spent.isFinal && reported !== undefined && needsNoCount(reported, target.price);
  const usage = isComplete ? reported : filled(reported, spent, facts);
  const cost = target.price === undefined ? undefined : costOf(target.price, usage);
  return compact({ usage, isEstimated: !isComplete, costNanoUsd: cost?.totalNanoUsd });
}

/** It broke before anything of it was content: an answer that is only not valid was content all the same. */
function isUnheard(outcome: Outcome): boolean {
  return outcome.kind === 'broke' && outcome.when === 'before-content' && outcome.invalid === undefined;
}

/** Both counts of tokens are there; or none is needed, since what was counted is sold by the piece, or at a price that nobody knows. */
function needsNoCount(usage: Usage, price: Price | undefined): boolean {
  if (usage.inputTokens !== undefined && usage.outputTokens !== undefined) return true;
  return usage.units !== undefined && (price === undefined || isSoldByPiece(price, usage.units));
}

/** Provider's partial counts are kept where they are larger: Anthropic's first event says one output token, whatever follows. */
function filled(reported: Usage | undefined, spent: Spent, facts: Facts): Usage {
  return {
    ...reported,
    inputTokens: reported?.inputTokens ?? facts.inputTokensEstimate,
    outputTokens: Math.max(reported?.outputTokens ?? 0, spent.outputTokensSeen),
  };
}
