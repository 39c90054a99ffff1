/** Time to first token where speeds wander and a region goes out. */
import { wandering } from '../chance.ts';
import { FAILED, section, ttftColumn, upstreamFactor, asFactor, type Column, type Section } from '../measures.ts';
import { priced } from '../prices.ts';
import type { TargetModel } from '../provider-model.ts';
import { lastValue, oracleOfTime, ordered, random } from '../rivals.ts';
import { simulate, type RouterOf } from '../run.ts';
import { minutes, MINUTE_MS, type Scale } from '../scale.ts';
import { traffic } from '../traffic.ts';

/** Region, round trip from the gateway in Frankfurt, and targets with their median times to first token. */
const REGIONS = [
  { region: 'eu-central-1', distanceMs: 5, ttftsMs: [480, 620, 700] },
  { region: 'us-east-1', distanceMs: 90, ttftsMs: [380, 450, 650] },
  { region: 'ap-southeast-1', distanceMs: 170, ttftsMs: [350, 500] },
] as const;

export function latencyModels(forMs: number): readonly TargetModel[] {
  // The nearest region is out for a twelfth of the time, after the middle.
  const outages = [{ fromMs: forMs / 2, toMs: forMs / 2 + forMs / 12 }];
  return REGIONS.flatMap(({ region, distanceMs, ttftsMs }, at) =>
    ttftsMs.map((ttftMs, index) => ({
      id: `${region}/model-${index + 1}`,
      region,
      distanceMs,
      ttftMs,
      ttftSigma: 0.35,
      prefillMs: 30,
      tokensPerS: 80,
      wordiness: 1,
      quality: {},
      price: priced({ input: 1, output: 4 }),
      drift: wandering([5, at, index], { sigma: 0.5, memoryMs: 5 * MINUTE_MS, untilMs: forMs + 10 * MINUTE_MS }),
      weather: { errorRate: 0.002, ...(at === 0 ? { outages } : {}) },
    })),
  );
}

const COLUMNS: readonly Column[] = [
  ttftColumn('p50', 0.5),
  ttftColumn('p95', 0.95),
  ttftColumn('p99', 0.99),
  { key: 'upstream', title: 'attempts a request', of: upstreamFactor, as: asFactor },
  FAILED,
];

export function latencySections(
  scale: Scale,
  turnout: (models: readonly TargetModel[]) => RouterOf,
): readonly Section[] {
  const forMs = minutes(scale, { fast: 24, full: 120 });
  const models = latencyModels(forMs);
  const ids = models.map(({ id }) => id);
  const requests = traffic({ seed: 21, forMs, perSecond: 4, tasks: ['chat', 'code'] });
  const routers: Readonly<Record<string, RouterOf>> = {
    'Turnout, `latency`': turnout(models),
    'as listed': ordered(ids),
    random: random(ids),
    'last value': lastValue(ids),
    'knows each median': oracleOfTime(ids),
  };
  const runs = new Map(
    Object.entries(routers).map(([name, router]) => [name, simulate({ seed: 8, models, requests, router })]),
  );
  const about = `${requests.length} requests in ${forMs / MINUTE_MS} minutes to eight targets in three regions, 5, 90 and 170 ms away. The speed of each wanders by itself (a factor of 1.6 up or down, remembered for five minutes); the nearest region is out for ${forMs / 12 / MINUTE_MS} minutes. The last knows each target's median at each moment, though not the luck of a request.`;
  return [section({ title: 'Latency: first token under drifting speeds and a regional outage', about }, runs, COLUMNS)];
}
