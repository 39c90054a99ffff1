/** What is told where a plan has no target, and what a key may learn of the targets that are not for it. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Plan, Rejection } from '../routing/plan.ts';
import { NOT_ALLOWED } from '../routing/requirements/barred.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { Facts } from '../understand/facts.ts';

/** Why a target is left out that a budget cannot hold money for. */
export const UNPRICED = 'its price is not known, and the key has a budget';

interface Asking {
  readonly facts: Facts;
  readonly today: string;
  readonly snapshot: Snapshot;
  readonly hasPreferences: boolean;
}

/** Why a plan has no target; undefined where it has one. */
export function whyNone(planned: Plan, { facts, today, snapshot, hasPreferences }: Asking): Fault | undefined {
  if (planned.targets.length > 0) return undefined;
  const { refusal, rule = '', rejected } = planned;
  if (refusal !== undefined) return fault('policy-refused', { rule, reason: refusal }, { param: 'model' });
  const isGone = rejected.every((one) => one.retired !== undefined);
  const [first] = isGone ? rejected : [];
  if (first?.retired !== undefined) return retired(facts.model, first.retired, { snapshot, today });
  const isUnpriced = rejected.some(({ reason }) => reason === UNPRICED);
  return isUnpriced
    ? fault('price-unknown', { model: facts.model }, { param: 'model' })
    : nothingLeft(facts.model, rejected, hasPreferences);
}

/** A key learns how many targets it may not use, and not their names: errors, explanations and records are read by its owner. */
export function withoutHidden(planned: Plan): Plan {
  const seen = planned.rejected.filter((rejection) => rejection.reason !== NOT_ALLOWED);
  const hidden = planned.rejected.length - seen.length;
  return hidden === 0
    ? planned
    : { ...planned, rejected: [...seen, { target: `${hidden} more`, reason: NOT_ALLOWED }] };
}

/** The fault of a model that is gone, with what takes its place. */
export function retired(
  model: string,
  target: Target,
  { snapshot, today }: { readonly snapshot: Snapshot; readonly today: string },
): Fault {
  const successor = snapshot.successorOf(target, today);
  const hint = successor === undefined ? 'GET /v1/models lists what there is.' : `Its successor is ${successor}.`;
  return fault('model-retired', { model: shown(model), on: target.retiresOn ?? '', hint }, { param: 'model' });
}

/** Why a route has no target at all. */
const NONE_READY = 'none of its models is configured and has a key here; `turnout check` says what is missing';

function nothingLeft(model: string, rejected: readonly Rejection[], hasPreferences: boolean): Fault {
  const reasons = rejected.slice(0, 5).map((rejection) => `${rejection.target}: ${rejection.reason}`);
  return fault(
    'no-eligible',
    { model: shown(model), reasons: reasons.length === 0 ? NONE_READY : reasons.join('; ') },
    { param: hasPreferences ? 'provider' : 'model' },
  );
}

/** A name of the caller's, short enough to be repeated. */
export function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
