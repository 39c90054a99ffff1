/** How evenly load is spread over instances, regions and keys that can take different amounts of it. */
import {
  asCount,
  asFactor,
  FAILED,
  loadSum,
  mean,
  section,
  ttftColumn,
  type Column,
  type Section,
} from '../measures.ts';
import { priced } from '../prices.ts';
import type { TargetModel } from '../provider-model.ts';
import { oracle, random, roundRobin } from '../rivals.ts';
import { simulate, type Run, type RouterOf } from '../run.ts';
import { minutes, MINUTE_MS, type Scale } from '../scale.ts';
import { traffic, type TrafficOptions } from '../traffic.ts';

const ALIKE = {
  ttftMs: 400,
  ttftSigma: 0.3,
  prefillMs: 30,
  tokensPerS: 60,
  wordiness: 1,
  quality: {},
  distanceMs: 20,
  price: priced({ input: 1, output: 4 }),
};

/** One model at four instances of unlike size. */
const INSTANCES: readonly TargetModel[] = [8, 16, 32, 64].map((slots, index) => ({
  ...ALIKE,
  id: `site-${index + 1}/model`,
  slots,
}));

/** Three keys of one provider: their limits a minute differ, their speed does not. */
const KEYS: readonly TargetModel[] = [
  { ...ALIKE, id: 'acme/model', limits: { requestsPerMinute: 60, tokensPerMinute: 60_000 } },
  { ...ALIKE, id: 'acme/model#2', limits: { requestsPerMinute: 300, tokensPerMinute: 300_000 } },
  { ...ALIKE, id: 'acme/model#3', limits: { requestsPerMinute: 600, tokensPerMinute: 600_000 } },
];

/** The busiest target's use of its slots, for one of the mean of all. */
function unevenness(models: readonly TargetModel[]): (run: Run) => number {
  return (run) => {
    const use = models.map(({ id, slots = 1 }) => (run.loads.get(id)?.busyMs ?? 0) / slots);
    return Math.max(...use) / mean(use);
  };
}

/** The busiest key's share of its limit, for one of the mean of all. */
function quotaUnevenness(models: readonly TargetModel[]): (run: Run) => number {
  return (run) => {
    const use = models.map(({ id, limits }) => (run.loads.get(id)?.requests ?? 0) / (limits?.requestsPerMinute ?? 1));
    return Math.max(...use) / mean(use);
  };
}

const per1000 = (of: 'refused' | 'overloaded') => (run: Run) => (loadSum(run, of) / run.rows.length) * 1000;

export type Balancers = Readonly<
  Record<'leastBusy' | 'weighted' | 'roundRobin', (models: readonly TargetModel[]) => RouterOf>
>;

interface Scenario {
  readonly models: readonly TargetModel[];
  readonly requests: TrafficOptions;
  readonly best: RouterOf;
  readonly uneven: (run: Run) => number;
}

function compared(
  { models, requests, best, uneven }: Scenario,
  turnout: Balancers,
): { readonly runs: ReadonlyMap<string, Run>; readonly columns: readonly Column[] } {
  const ids = models.map(({ id }) => id);
  const routers: Readonly<Record<string, RouterOf>> = {
    'Turnout, `least-busy`': turnout.leastBusy(models),
    'Turnout, `weighted`': turnout.weighted(models),
    'Turnout, `round-robin`': turnout.roundRobin(models),
    'plain round-robin': roundRobin(ids),
    random: random(ids),
    'knows each load': best,
  };
  const sent = traffic(requests);
  const runs = new Map(
    Object.entries(routers).map(([name, router]) => [name, simulate({ seed: 9, models, requests: sent, router })]),
  );
  const columns: readonly Column[] = [
    { key: 'uneven', title: 'max / mean load', of: uneven, as: asFactor },
    { key: 'refused', title: '429 met, of 1,000', of: per1000('refused'), as: asFactor },
    { key: 'overloaded', title: '529 met, of 1,000', of: per1000('overloaded'), as: asFactor },
    ttftColumn('p50', 0.5),
    ttftColumn('p95', 0.95),
    FAILED,
  ];
  return { runs, columns };
}

export function balancingSections(scale: Scale, turnout: Balancers): readonly Section[] {
  const forMs = minutes(scale, { fast: 10, full: 60 });
  const chat = { seed: 31, forMs, tasks: ['chat'] as const };
  const instances = compared(
    {
      models: INSTANCES,
      requests: { ...chat, perSecond: 15 },
      best: oracle(
        INSTANCES.map(({ id }) => id),
        (_, id, providers) => providers.busy(id),
      ),
      uneven: unevenness(INSTANCES),
    },
    turnout,
  );
  const keys = compared(
    {
      models: KEYS,
      requests: { ...chat, perSecond: 17.5, tide: (atMs) => 0.5 + 0.5 * Math.sin(atMs / MINUTE_MS) ** 2 },
      best: oracle(
        KEYS.map(({ id }) => id),
        (_, id, providers) => -providers.quotaLeft(id),
      ),
      uneven: quotaUnevenness(KEYS),
    },
    turnout,
  );
  return [
    section(
      {
        title: 'Balancing: instances of unlike size',
        about: `One model at four instances that work on 8, 16, 32 and 64 requests at once; ${asCount(forMs / MINUTE_MS)} minutes with so many requests that about ${asCount(usedShare(instances.runs) * 100)} of 100 places are taken. A full instance refuses (529), a nearly full one is slow. Nobody is told the sizes, except \`weighted\`, whose weights are in their proportion, and the last.`,
      },
      instances.runs,
      instances.columns,
    ),
    section(
      {
        title: 'Balancing: keys with rate limits',
        about: `Three keys of 60, 300 and 600 requests a minute and a thousand times as many tokens, under waves of load between half and the whole of what the keys allow together. Each answer tells what is left (\`x-ratelimit-*\`), a refusal when to come back (\`retry-after\`). Load is measured as a share of the limit; weights are in the proportion of the limits.`,
      },
      keys.runs,
      keys.columns,
    ),
  ];
}

function usedShare(runs: ReadonlyMap<string, Run>): number {
  const run = runs.get('knows each load');
  if (run === undefined) return Number.NaN;
  const slots = INSTANCES.reduce((sum, one) => sum + (one.slots ?? 0), 0);
  return loadSum(run, 'busyMs') / run.forMs / slots;
}
