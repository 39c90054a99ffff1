/** Every scenario with the real router in it. */
import type { Change } from '../../src/health/observatory.ts';
import type { Section } from './measures.ts';
import type { TargetModel } from './provider-model.ts';
import type { RouterOf } from './run.ts';
import type { Scale } from './scale.ts';
import { balancedSections } from './suites/balanced.ts';
import { balancingSections } from './suites/balancing.ts';
import { COST_MODELS, costSections, FLOOR } from './suites/cost.ts';
import { fallbackSections } from './suites/fallback.ts';
import { HEDGE_BUDGET, hedgingSections } from './suites/hedging.ts';
import { latencySections } from './suites/latency.ts';
import { stickySections } from './suites/sticky.ts';
import { turnout } from './turnout.ts';

/** By name, so that a test can run one alone. */
export const SCENARIOS = {
  cost: (scale: Scale) =>
    costSections(
      scale,
      turnout({ models: COST_MODELS, policy: { strategy: 'cost', require: { quality: { min: FLOOR } } } }),
    ),
  latency: (scale: Scale) =>
    latencySections(scale, (models) => turnout({ models, policy: { strategy: 'latency' }, region: 'eu-central-1' })),
  balancing: (scale: Scale) =>
    balancingSections(scale, {
      leastBusy: (models) => turnout({ models, policy: { strategy: 'least-busy' } }),
      weighted: (models) => turnout({ models, policy: { strategy: 'weighted' }, weights: bySize(models) }),
      roundRobin: (models) => turnout({ models, policy: { strategy: 'round-robin' } }),
    }),
  fallback: (scale: Scale) => fallbackSections(scale, ordered),
  hedging: (scale: Scale) =>
    hedgingSections(scale, (models, hedges) => {
      const hedge = hedges ? { hedge: { after: 'p95', budget: HEDGE_BUDGET } as const } : {};
      return turnout({ models, policy: { strategy: 'ordered', ...hedge } });
    }),
  sticky: (scale: Scale) =>
    stickySections(scale, (strategy, isSticky) => (models) => turnout({ models, policy: { strategy, isSticky } })),
  balanced: (scale: Scale) =>
    balancedSections(scale, {
      balanced: (models, weigh) => turnout({ models, policy: { strategy: 'balanced', weigh } }),
      single: (models, strategy) => turnout({ models, policy: { strategy } }),
    }),
} as const satisfies Record<string, (scale: Scale) => readonly Section[]>;

function ordered(models: readonly TargetModel[], changed: (change: Change) => void): RouterOf {
  return turnout({ models, policy: { strategy: 'ordered' }, changed });
}

/** Weights in proportion to what each can take. */
function bySize(models: readonly TargetModel[]): Readonly<Record<string, number>> {
  return Object.fromEntries(models.map(({ id, slots, limits }) => [id, slots ?? limits?.requestsPerMinute ?? 1]));
}
