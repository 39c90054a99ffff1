/** One utility of quality, cost and time, against strategies that look at one of them. */
import {
  asFactor,
  asMs,
  asUsd,
  FAILED,
  mean,
  meanQuality,
  section,
  spend,
  type Column,
  type Section,
} from '../measures.ts';
import { priced } from '../prices.ts';
import type { TargetModel } from '../provider-model.ts';
import { ordered, random } from '../rivals.ts';
import { simulate, type Row, type RouterOf } from '../run.ts';
import { minutes, type Scale } from '../scale.ts';
import { traffic } from '../traffic.ts';

function target(id: string, over: Partial<TargetModel>): TargetModel {
  return {
    id,
    ttftMs: 500,
    ttftSigma: 0.3,
    prefillMs: 40,
    tokensPerS: 80,
    wordiness: 1,
    quality: {},
    distanceMs: 20,
    price: priced({ input: 1, output: 4 }),
    ...over,
  };
}

/** Made up: the best is dear and slow, the fastest and the cheapest are weak, two lie between. */
const MODELS: readonly TargetModel[] = [
  target('acme/best', {
    price: priced({ input: 3, output: 15 }),
    ttftMs: 1800,
    tokensPerS: 50,
    quality: { chat: 0.92, code: 0.9, summary: 0.92, extraction: 0.93 },
  }),
  target('acme/middle', {
    price: priced({ input: 0.8, output: 4 }),
    ttftMs: 600,
    quality: { chat: 0.84, code: 0.8, summary: 0.85, extraction: 0.88 },
  }),
  target('beta/coder', {
    price: priced({ input: 0.6, output: 2.4 }),
    ttftMs: 700,
    quality: { chat: 0.66, code: 0.85, summary: 0.68, extraction: 0.8 },
  }),
  target('gamma/quick', {
    price: priced({ input: 0.5, output: 2 }),
    ttftMs: 180,
    tokensPerS: 250,
    quality: { chat: 0.62, code: 0.5, summary: 0.66, extraction: 0.75 },
  }),
  target('delta/cheap', {
    price: priced({ input: 0.08, output: 0.3 }),
    ttftMs: 900,
    quality: { chat: 0.58, code: 0.42, summary: 0.64, extraction: 0.7 },
  }),
];

export interface Weights {
  readonly quality: number;
  readonly cost: number;
  readonly latency: number;
}

export const WEIGHTS: readonly Weights[] = [
  { quality: 0.5, cost: 0.3, latency: 0.2 },
  { quality: 0.2, cost: 0.6, latency: 0.2 },
  { quality: 0.2, cost: 0.2, latency: 0.6 },
];

/** Of a stream its beginning is waited for, and a part of the rest: it comes faster than most is read. */
const REST_SHARE = 0.25;

function waitMs({ request, ttftMs = 0, endedMs }: Row): number {
  return ttftMs + (endedMs - request.atMs - ttftMs) * REST_SHARE;
}

interface Worst {
  readonly nanoUsd: number;
  readonly waitMs: number;
}

/**
 * What an answer is worth: its chance to be good, and how much cheaper and sooner it was than the worst that any one model
 * would have made of the same request. It is measured after the fact: what was expected does not count.
 */
function utility(row: Row, worst: Worst, weights: Weights): number {
  const quality = MODELS.find(({ id }) => id === row.targetId)?.quality[row.request.task] ?? 0;
  const cost = 1 - Number(row.nanoUsd) / worst.nanoUsd;
  const latency = 1 - waitMs(row) / worst.waitMs;
  return weights.quality * quality + weights.cost * cost + weights.latency * latency;
}

export type Single = 'quality' | 'cost' | 'latency';
export interface Balancing {
  readonly balanced: (models: readonly TargetModel[], weights: Weights) => RouterOf;
  readonly single: (models: readonly TargetModel[], strategy: Single) => RouterOf;
}

export function balancedSections(scale: Scale, turnout: Balancing): readonly Section[] {
  const forMs = minutes(scale, { fast: 10, full: 60 });
  const requests = traffic({ seed: 71, forMs, perSecond: 3 });
  const run = (router: RouterOf) => simulate({ seed: 14, models: MODELS, requests, router });
  const ids = MODELS.map(({ id }) => id);
  // Each model alone, once: what every request would be at worst.
  const alone = ids.map((id) => run(ordered([id])));
  const worstOf = (index: number): Worst => ({
    nanoUsd: Math.max(...alone.map(({ rows }) => Number(rows[index]?.nanoUsd ?? 0n))),
    waitMs: Math.max(
      ...alone.flatMap(({ rows }) => {
        const row = rows[index];
        return row === undefined ? [] : [waitMs(row)];
      }),
    ),
  });
  const worst = requests.map((_, index) => worstOf(index));
  return WEIGHTS.map((weights) => {
    const words = `quality ${weights.quality}, cost ${weights.cost}, latency ${weights.latency}`;
    const routers: Readonly<Record<string, RouterOf>> = {
      'Turnout, `balanced`': turnout.balanced(MODELS, weights),
      'Turnout, `quality`': turnout.single(MODELS, 'quality'),
      'Turnout, `cost`': turnout.single(MODELS, 'cost'),
      'Turnout, `latency`': turnout.single(MODELS, 'latency'),
      random: random(ids),
    };
    const runs = new Map(Object.entries(routers).map(([name, router]) => [name, run(router)]));
    for (const [index, id] of ids.entries()) {
      const one = alone[index];
      if (one !== undefined) runs.set(`always ${id}`, one);
    }
    const columns: readonly Column[] = [
      {
        key: 'utility',
        title: 'utility',
        of: ({ rows }) =>
          mean(rows.map((row, index) => utility(row, worst[index] ?? { nanoUsd: 1, waitMs: 1 }, weights))),
        as: (value) => value.toFixed(3),
      },
      { key: 'quality', title: 'mean quality', of: ({ rows }) => meanQuality(rows, MODELS), as: asFactor },
      { key: 'spend', title: 'spend, USD', of: ({ rows }) => spend(rows), as: asUsd },
      { key: 'wait', title: 'mean wait, ms', of: ({ rows }) => mean(rows.map(waitMs)), as: asMs },
      FAILED,
    ];
    const about = `${requests.length} requests of four tasks to five models: the best is dear and slow, the fastest and the cheapest are weak. The utility weighs ${words}; cost and time (to the first token, and a quarter of the rest) count as shares of the worst that any one model would have made of the same request.`;
    return section({ title: `Balanced: ${words}`, about }, runs, columns);
  });
}
