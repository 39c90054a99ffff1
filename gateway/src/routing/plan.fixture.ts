/** Policies and inputs for tests of plans. */
import type { Facts } from '../understand/facts.ts';
import { UNSEEN, type Sighting } from './observation.ts';
import type { PlanInput } from './plan.ts';
import type { Policy } from './policy.ts';
import { testTarget } from './target.fixture.ts';
import type { Target } from './target.ts';

export const TEST_FACTS: Facts = {
  model: 'm',
  isStreaming: false,
  needs: [],
  inputTokensEstimate: 100,
  inputTokensMax: 400,
  inputTokensUsualMax: 400,
  choices: 1,
};

/** One tier of the targets, each with weight 1. */
export function policyOf(targets: readonly Target[], over: Partial<Policy> = {}): Policy {
  return {
    tiers: [targets.map((target) => ({ target, weight: 1 }))],
    strategy: 'ordered',
    readsContent: false,
    ...over,
  };
}

/** The same of targets of which only the name matters. */
export function listed(...ids: readonly string[]): Policy {
  return policyOf(ids.map((id) => testTarget(id)));
}

export function inputOf(policy: Policy, over: Partial<PlanInput> = {}): PlanInput {
  return {
    policy,
    facts: TEST_FACTS,
    barred: new Map(),
    sightings: new Map(),
    attemptsMax: 3,
    today: '2026-11-22',
    seed: 7,
    turn: 0,
    ...over,
  };
}

/** Sightings of some targets; of the others nothing is known. */
export function seen(known: Readonly<Record<string, Partial<Sighting>>>): PlanInput['sightings'] {
  return new Map(Object.entries(known).map(([id, sighting]) => [id, { ...UNSEEN, ...sighting }]));
}
