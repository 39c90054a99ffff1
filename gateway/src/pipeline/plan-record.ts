/** A plan as records and explanations have it: every candidate with its scores or its reason, the order, and what comes with it. */
import type { JsonRecord } from '../lib/json.ts';
import type { Placed, Plan, Rejection } from '../routing/plan.ts';

export interface PlanRecord {
  readonly candidates: readonly JsonRecord[];
  readonly plan: readonly string[];
  readonly strategy: string;
  readonly rule: string | undefined;
  readonly propensity: number;
  readonly explored: boolean | undefined;
  readonly attempts_max: number;
  readonly hedge: JsonRecord | undefined;
  readonly continues: boolean | undefined;
  readonly first_token_ms: number | undefined;
}

/** The same plan gives the same text. */
export function planRecord(plan: Plan): PlanRecord {
  const { hedge } = plan;
  return {
    candidates: candidateRecords(plan),
    plan: plan.targets.map((target) => target.id),
    strategy: plan.strategy,
    rule: plan.rule,
    propensity: plan.propensity,
    explored: plan.isExplored,
    attempts_max: plan.attemptsMax,
    hedge: hedge === undefined ? undefined : { after_ms: hedge.afterMs, budget: hedge.budget },
    continues: plan.continues,
    first_token_ms: plan.firstTokenMs,
  };
}

function candidateRecords({ placed, rejected }: Plan): readonly JsonRecord[] {
  const eligible = placed.map(placedRecord);
  return rejected.length === 0 ? eligible : [...eligible, ...rejected.map(rejectedRecord)];
}

function placedRecord({ target, tier, fitness, scores }: Placed): JsonRecord {
  return {
    target: target.id,
    eligible: true,
    tier: tier === 0 ? undefined : tier,
    fitness: fitness === 'sound' ? undefined : fitness,
    scores: isEmpty(scores) ? undefined : scores,
  };
}

function rejectedRecord({ target, reason }: Rejection): JsonRecord {
  return { target, eligible: false, reason };
}

function isEmpty(scores: Placed['scores']): boolean {
  for (const _ in scores) return false;
  return true;
}
