/** Where a request had to be answered and was, where its caller is and who says so, and where its record is kept. */
import type { JsonRecord } from '../lib/json.ts';
import type { PlanInput } from '../routing/plan.ts';
import type { Require } from '../routing/policy.ts';
import { bindingOn } from '../routing/residency.ts';
import type { Target } from '../routing/target.ts';

export interface Answered {
  readonly input: PlanInput;
  /** Who answered; absent where nobody did. */
  readonly target: Target | undefined;
  /** The conversation's text was kept for whoever goes on from it. */
  readonly isTurnKept: boolean;
}

/** `undefined` where nothing of it is required, known or kept. */
export function residencyRecord({ input, target, isTurnKept }: Answered): JsonRecord | undefined {
  const { facts, gatewayRegion } = input;
  const required =
    target === undefined
      ? []
      : bindingOn(input, target)
          .map(requiredRecord)
          .filter((one) => one !== undefined);
  const isKnown = target?.region !== undefined || facts.callerRegion !== undefined || gatewayRegion !== undefined;
  if (required.length === 0 && !isKnown && !isTurnKept) return undefined;
  return {
    required: required.length === 0 ? undefined : required,
    caller: facts.callerRegion === undefined ? undefined : { region: facts.callerRegion, from: facts.callerRegionFrom },
    answered: target === undefined ? undefined : answeredRecord(target),
    kept: { region: gatewayRegion, turn: isTurnKept },
  };
}

function requiredRecord({ regions, compliance, retentionDaysMax, training }: Require): JsonRecord | undefined {
  if ((regions ?? compliance ?? retentionDaysMax ?? training) === undefined) return undefined;
  return { regions, compliance, retention_days_max: retentionDaysMax, training };
}

function answeredRecord({ id, region, compliance, retentionDays, trains }: Target): JsonRecord {
  return {
    target: id,
    region,
    compliance: compliance.length === 0 ? undefined : compliance,
    retention_days: retentionDays,
    trains,
  };
}
