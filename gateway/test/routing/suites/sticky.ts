/** What keeping a conversation where its prompt cache is saves, and when it would be wrong to keep it there. */
import {
  asCount,
  asPercent,
  asUsd,
  cachedShare,
  FAILED,
  section,
  share,
  spend,
  ttftColumn,
  type Column,
  type Section,
} from '../measures.ts';
import { priced } from '../prices.ts';
import type { TargetModel } from '../provider-model.ts';
import { random, roundRobin } from '../rivals.ts';
import { simulate, type Row, type RouterOf } from '../run.ts';
import { minutes, MINUTE_MS, type Scale } from '../scale.ts';
import { traffic } from '../traffic.ts';

/** Two keys each at two providers of one model; the second provider is a little dearer. Caches are a key's own. */
const MODELS: readonly TargetModel[] = [
  ['acme/model', 1, 4],
  ['acme/model#2', 1, 4],
  ['beta/model', 1.05, 4.2],
  ['beta/model#2', 1.05, 4.2],
].map(([id, input, output]) => ({
  id: String(id),
  ttftMs: 350,
  ttftSigma: 0.3,
  prefillMs: 120,
  tokensPerS: 80,
  wordiness: 1,
  quality: {},
  distanceMs: 20,
  price: priced({ input: Number(input), output: Number(output), cacheRead: Number(input) / 10 }),
  cache: { keptMs: 300_000, tokensMin: 1024 },
  slots: 36,
}));

const COLUMNS: readonly Column[] = [
  { key: 'cached', title: 'input from caches', of: ({ rows }) => cachedShare(rows), as: asPercent },
  { key: 'spend', title: 'spend, USD', of: ({ rows }) => spend(rows), as: asUsd },
  { key: 'moved', title: 'turns that changed target', of: ({ rows }) => movedShare(rows), as: asPercent },
  ttftColumn('p50', 0.5),
  ttftColumn('p95', 0.95),
  FAILED,
];

function movedShare(rows: readonly Row[]): number {
  const last = new Map<number, string>();
  const later = rows.filter(({ request }) => request.sharedTokens > 0);
  return (
    share(rows, ({ request, targetId }) => {
      const before = last.get(request.conversation);
      if (targetId !== undefined) last.set(request.conversation, targetId);
      return before !== undefined && before !== targetId;
    }) *
    (rows.length / later.length)
  );
}

export type Stickiness = (
  strategy: 'cost' | 'least-busy',
  isSticky: boolean,
) => (models: readonly TargetModel[]) => RouterOf;

export function stickySections(scale: Scale, turnout: Stickiness): readonly Section[] {
  const forMs = minutes(scale, { fast: 20, full: 120 });
  const requests = traffic({ seed: 61, forMs, perSecond: 0.8, tasks: ['code'], turnsMax: 12, thinkMs: 25_000 });
  const ids = MODELS.map(({ id }) => id);
  const routers: Readonly<Record<string, RouterOf>> = {
    'Turnout, `cost`, sticky': turnout('cost', true)(MODELS),
    'Turnout, `cost`': turnout('cost', false)(MODELS),
    'Turnout, `least-busy`, sticky': turnout('least-busy', true)(MODELS),
    'Turnout, `least-busy`': turnout('least-busy', false)(MODELS),
    'round-robin': roundRobin(ids),
    random: random(ids),
  };
  const runs = new Map(
    Object.entries(routers).map(([name, router]) => [name, simulate({ seed: 13, models: MODELS, requests, router })]),
  );
  const about = `${requests.length} requests in ${asCount(forMs / MINUTE_MS)} minutes, in conversations of one to twelve turns of code; one model at two providers with two keys each. Each key has its own prompt cache, kept for five minutes and read at a tenth of the price; each works on 36 requests at once.`;
  return [section({ title: 'Sticky: conversations and their prompt cache', about }, runs, COLUMNS)];
}
