/** What a second attempt beside a slow first one cuts from the longest waits, and what it costs. */
import { asPercent, FAILED, section, share, spend, ttftColumn, asUsd, type Column, type Section } from '../measures.ts';
import { priced } from '../prices.ts';
import type { TargetModel } from '../provider-model.ts';
import { ordered } from '../rivals.ts';
import { simulate, type RouterOf } from '../run.ts';
import { minutes, MINUTE_MS, type Scale } from '../scale.ts';
import { traffic } from '../traffic.ts';

export const HEDGE_BUDGET = 0.05;

/** `slowShare` of the answers take ten times as long; `crisis`: the first target is eight times as slow for a third of the time. */
function models({
  crisis,
  slowShare = 0.05,
}: {
  readonly crisis?: number;
  readonly slowShare?: number;
}): readonly TargetModel[] {
  return ['first/model', 'second/model'].map((id, index) => ({
    id,
    ttftMs: 450,
    ttftSigma: 0.25,
    prefillMs: 30,
    tokensPerS: 80,
    wordiness: 1,
    quality: {},
    distanceMs: 20,
    price: priced({ input: 1, output: 4 }),
    slow: { share: slowShare, factor: 10 },
    ...(crisis === undefined
      ? {}
      : { drift: (nowMs: number) => (nowMs > crisis && nowMs < 2 * crisis ? (index === 0 ? 8 : 4) : 1) }),
  }));
}

const COLUMNS: readonly Column[] = [
  ttftColumn('p50', 0.5),
  ttftColumn('p95', 0.95),
  ttftColumn('p99', 0.99),
  { key: 'hedged', title: 'hedged', of: ({ rows }) => share(rows, ({ hedged }) => hedged), as: asPercent },
  { key: 'spend', title: 'spend, USD', of: ({ rows }) => spend(rows), as: asUsd },
  {
    key: 'lost',
    title: 'of it for cancelled attempts',
    of: ({ rows }) => rows.reduce((sum, { lostNanoUsd }) => sum + Number(lostNanoUsd), 0) / 1e9 / spend(rows),
    as: asPercent,
  },
  {
    key: 'second',
    title: 'answered by the second',
    of: ({ rows }) => share(rows, ({ targetId }) => targetId === 'second/model'),
    as: asPercent,
  },
  FAILED,
];

export function hedgingSections(
  scale: Scale,
  turnout: (models: readonly TargetModel[], hedges: boolean) => RouterOf,
): readonly Section[] {
  const forMs = minutes(scale, { fast: 15, full: 60 });
  const requests = traffic({ seed: 51, forMs, perSecond: 8, tasks: ['chat'] });
  const ids = ['first/model', 'second/model'];
  const cases = [
    {
      title: 'Hedging: one answer in twenty is slow',
      about: 'Ten times as slow as usual, at random, at both targets.',
      of: models({}),
    },
    {
      title: 'Hedging: everything is slow for a while',
      about: `For a third of the time the first target is eight times as slow as usual and the second four times: hedges cannot help then, and must not double the load. (The order is as listed: what goes to the second goes there because the first has too many under way.)`,
      of: models({ crisis: forMs / 3, slowShare: 0.02 }),
    },
  ];
  return cases.map(({ title, about, of }) => {
    const routers: Readonly<Record<string, RouterOf>> = {
      [`Turnout, hedge after p95 within ${asPercent(HEDGE_BUDGET)}`]: turnout(of, true),
      'Turnout, no hedge': turnout(of, false),
      'hedge after 600 ms, no budget': ordered(ids, { hedgeAfterMs: 600 }),
      'two at once, always': ordered(ids, { hedgeAfterMs: 0 }),
    };
    const runs = new Map(
      Object.entries(routers).map(([name, router]) => [name, simulate({ seed: 12, models: of, requests, router })]),
    );
    return section(
      {
        title,
        about: `${about} ${requests.length} requests in ${forMs / MINUTE_MS} minutes. A cancelled attempt pays for its input and for what was written by then.`,
      },
      runs,
      COLUMNS,
    );
  });
}
