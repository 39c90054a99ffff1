/** What is spent where every answer must come from a model above the same floor of quality. */
import {
  asFactor,
  asPercent,
  asUsd,
  cachedShare,
  FAILED,
  meanQuality,
  section,
  share,
  spend,
  type Column,
  type Section,
} from '../measures.ts';
import { priced } from '../prices.ts';
import { outputOf, type Providers, type TargetModel } from '../provider-model.ts';
import { oracle, ordered, random } from '../rivals.ts';
import { simulate, type RouterOf } from '../run.ts';
import { minutes, type Scale } from '../scale.ts';
import { TASKS, traffic, type Request, type Task } from '../traffic.ts';
import { costOf } from '../../../src/money/cost.ts';

export const FLOOR = 0.65;

const CACHE = { keptMs: 300_000, tokensMin: 1024 };
const PLAIN = { ttftSigma: 0.3, prefillMs: 40, tokensPerS: 90, distanceMs: 30, ttftMs: 500 };

function scores(chat: number, code: number, summary: number, extraction: number): Readonly<Record<Task, number>> {
  return { chat, code, summary, extraction };
}

/** Made up, in the proportions of price lists: the cheapest per token writes the most, another is dear above 32,000 tokens. */
export const COST_MODELS: readonly TargetModel[] = [
  {
    ...PLAIN,
    id: 'acme/strong',
    price: priced({ input: 3, output: 15, cacheRead: 0.3 }),
    wordiness: 1,
    quality: scores(0.88, 0.86, 0.87, 0.9),
    cache: CACHE,
  },
  {
    ...PLAIN,
    id: 'beta/terse',
    price: priced({ input: 0.6, output: 2.4 }),
    wordiness: 0.7,
    quality: scores(0.76, 0.6, 0.78, 0.82),
  },
  {
    ...PLAIN,
    id: 'gamma/thinker',
    price: priced({ input: 0.15, output: 1.2 }),
    wordiness: 6,
    quality: scores(0.74, 0.78, 0.7, 0.7),
  },
  {
    ...PLAIN,
    id: 'delta/tiered',
    price: priced({ input: 0.3, output: 1.5 }, { above: 16_000, input: 1.2, output: 6 }),
    wordiness: 1,
    quality: scores(0.7, 0.66, 0.75, 0.72),
  },
  {
    ...PLAIN,
    id: 'epsilon/cached',
    price: priced({ input: 0.5, output: 2, cacheRead: 0.05 }),
    wordiness: 1,
    quality: scores(0.75, 0.7, 0.74, 0.76),
    cache: CACHE,
  },
  {
    ...PLAIN,
    id: 'zeta/weak',
    price: priced({ input: 0.05, output: 0.2 }),
    wordiness: 1,
    quality: scores(0.55, 0.35, 0.6, 0.64),
  },
];

function eligible(request: Request): readonly TargetModel[] {
  return COST_MODELS.filter(({ quality }) => (quality[request.task] ?? 0) >= FLOOR);
}

const listPrice = ({ price }: TargetModel): number => Number((price.input ?? 0n) + (price.output ?? 0n));
const idsOf = (models: readonly TargetModel[]): readonly string[] => models.map(({ id }) => id);

/** Who knows how long each answer will be and what each cache holds, yet not what a cache will save in later turns. */
function trueCost(request: Request, id: string, providers: Providers): number {
  const model = COST_MODELS.find((one) => one.id === id);
  if (model === undefined || !eligible(request).includes(model)) return Number.POSITIVE_INFINITY;
  const cachedInputTokens = providers.cachedTokens(request, id);
  const usage = { inputTokens: request.inputTokens, cachedInputTokens, outputTokens: outputOf(model, request) };
  return Number(costOf(model.price, usage)?.totalNanoUsd ?? 0n);
}

const COLUMNS: readonly Column[] = [
  { key: 'spend', title: 'spend, USD', of: ({ rows }) => spend(rows), as: asUsd },
  { key: 'quality', title: 'mean quality', of: ({ rows }) => meanQuality(rows, COST_MODELS), as: asFactor },
  {
    key: 'below',
    title: 'answers below the floor',
    of: ({ rows }) =>
      share(
        rows,
        ({ request, targetId }) => !eligible(request).some(({ id }) => id === targetId) && targetId !== undefined,
      ),
    as: asPercent,
  },
  { key: 'cached', title: 'input from caches', of: ({ rows }) => cachedShare(rows), as: asPercent },
  FAILED,
];

export function costSections(scale: Scale, turnout: RouterOf): readonly Section[] {
  const requests = traffic({
    seed: 11,
    forMs: minutes(scale, { fast: 20, full: 240 }),
    perSecond: 1,
    turnsMax: 6,
    tasks: TASKS,
  });
  const routers: Readonly<Record<string, RouterOf>> = {
    'Turnout, `cost`': turnout,
    'lowest list price': ordered((request) => idsOf(eligible(request).toSorted((a, b) => listPrice(a) - listPrice(b)))),
    'as listed': ordered((request) => idsOf(eligible(request))),
    random: random((request) => idsOf(eligible(request))),
    'always the strongest': ordered(['acme/strong']),
    'knows every length': oracle(idsOf(COST_MODELS), trueCost),
  };
  const runs = new Map(
    Object.entries(routers).map(([name, router]) => [
      name,
      simulate({ seed: 7, models: COST_MODELS, requests, router }),
    ]),
  );
  const about = `${requests.length} requests of four tasks in conversations of one to six turns; six models, one of them below the floor of ${FLOOR} at every task, others at some. The cheapest by its list writes six times as much as others, one is four times as dear above 16,000 tokens, two read a conversation's earlier part from a cache at a tenth of the price. All but the last know quality by task; the last knows the length of each answer beforehand, and takes the cheapest each time.`;
  return [section({ title: 'Cost: spend at an equal floor of quality', about }, runs, COLUMNS)];
}
