/** All strategies by name. */
import type { StrategyName } from '../policy.ts';
import { balanced } from './balanced.ts';
import { cost } from './cost.ts';
import { latency } from './latency.ts';
import { leastBusy } from './least-busy.ts';
import { ordered } from './ordered.ts';
import { quality } from './quality.ts';
import { roundRobin } from './round-robin.ts';
import type { Strategy } from './strategy.ts';
import { throughput } from './throughput.ts';
import { weighted } from './weighted.ts';

export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  ordered,
  cost,
  latency,
  throughput,
  quality,
  balanced,
  weighted,
  'round-robin': roundRobin,
  'least-busy': leastBusy,
};
