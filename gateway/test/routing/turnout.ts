/** The real thing as a router of the simulation: `plan`, `next` and the observatory, on virtual time and seeded dice. */
import type { Outcome } from '../../src/chat/outcome.ts';
import type { Usage } from '../../src/chat/usage.ts';
import { Conversations } from '../../src/health/conversations.ts';
import { hedges } from '../../src/health/hedges.ts';
import type { Allowances } from '../../src/health/limit-headers.ts';
import { Observatory, type Change } from '../../src/health/observatory.ts';
import { leastAt } from '../../src/pipeline/admit.ts';
import { secondTarget } from '../../src/routing/hedge.ts';
import { next, type Health } from '../../src/routing/next.ts';
import type { Sighting } from '../../src/routing/observation.ts';
import { plan, type Plan } from '../../src/routing/plan.ts';
import type { Policy, WeightedTarget } from '../../src/routing/policy.ts';
import { testTarget } from '../../src/routing/target.fixture.ts';
import type { Target } from '../../src/routing/target.ts';
import type { ContentFacts } from '../../src/understand/content.ts';
import type { Facts } from '../../src/understand/facts.ts';
import { fault } from '../../src/chat/fault.ts';
import { diceFor } from './chance.ts';
import type { Ended, LimitsTold, Spent, TargetModel } from './provider-model.ts';
import type { Course, Router, RouterOf } from './run.ts';
import type { Request } from './traffic.ts';

export interface TurnoutOptions {
  readonly models: readonly TargetModel[];
  readonly policy: Omit<Policy, 'tiers' | 'readsContent'>;
  readonly weights?: Readonly<Record<string, number>>;
  readonly attemptsMax?: number;
  /** Where the gateway is. */
  readonly region?: string;
  readonly changed?: (change: Change) => void;
}

const ROUTE = 'simulated';
const ATTEMPTS_MAX = 3;
const TODAY = '2026-11-27';

export function targetOf({ id, region, price, quality }: TargetModel): Target {
  const [providerId = '', name = ''] = id.split('/');
  const key = name.split('#')[1];
  const model = name.split('#')[0] ?? name;
  return testTarget(id, {
    providerId,
    model,
    keyId: key === undefined ? providerId : `${providerId}#${key}`,
    price,
    quality: Object.fromEntries(Object.entries(quality)),
    ...(region === undefined ? {} : { region }),
  });
}

export function turnout(options: TurnoutOptions): RouterOf {
  const { models, weights = {}, attemptsMax = ATTEMPTS_MAX } = options;
  const tier: readonly WeightedTarget[] = models.map((model) => ({
    target: targetOf(model),
    weight: weights[model.id] ?? 1,
  }));
  const policy: Policy = { ...options.policy, tiers: [tier], readsContent: true };
  const byId = new Map(tier.map(({ target }) => [target.id, target]));
  return ({ queue, seed }) => {
    const random = diceFor(seed, 5);
    const observatory = new Observatory({
      random,
      ...(options.changed === undefined ? {} : { changed: options.changed }),
    });
    const health: Health = { observe: (target) => observatory.observe(target, queue.nowMs()) };
    const conversations = new Conversations();
    const means = hedgingMeans();
    let turn = 0;

    function seen(target: Target, request: Request): Sighting {
      const nowMs = queue.nowMs();
      const length = observatory.lengths.of({ route: ROUTE, targetId: target.id }, nowMs);
      const id = String(request.conversation);
      const cachedTokens = policy.isSticky === true ? conversations.cachedAt(id, target.id, nowMs) : 0;
      return {
        ...health.observe(target),
        ...(length === undefined ? {} : { length }),
        ...(cachedTokens === 0 ? {} : { cachedTokens }),
      };
    }

    function course(request: Request): Course {
      turn += 1;
      observatory.retries.request(ROUTE, queue.nowMs());
      const planned = plan({
        policy,
        facts: factsOf(request),
        barred: new Map(),
        sightings: new Map(tier.map(({ target }) => [target.id, seen(target, request)])),
        attemptsMax,
        today: TODAY,
        seed: Math.floor(random() * 2 ** 32),
        turn,
        gatewayRegion: options.region,
      });
      means.asked(planned);
      return courseOf(planned, request);
    }

    function courseOf(planned: Plan, request: Request): Course {
      return {
        next(failures, leftMs) {
          const mayRepeat = observatory.retries.has(ROUTE, queue.nowMs());
          const step = next(planned, failures, { leftMs, health, random, mayRepeat });
          if (step.do === 'try' && step.isRepeat === true) observatory.retries.spend(ROUTE, queue.nowMs());
          if (step.do === 'try') return { do: 'try', targetId: step.target.id, afterMs: step.afterMs };
          const { retryAfterMs } = step;
          return retryAfterMs === undefined
            ? { do: 'stop' }
            : { do: 'stop', fault: fault('upstream-rate-limited', {}, { retryAfterMs }) };
        },
        ...(planned.hedge === undefined ? {} : { hedgeAfterMs: planned.hedge.afterMs }),
        hedge([firstId = '']) {
          const second = secondTarget(planned, { first: found(byId, firstId), failures: [], health });
          if (typeof second === 'string' || !observatory.retries.has(ROUTE, queue.nowMs())) return undefined;
          if (!means.take(request, second)) return undefined;
          observatory.retries.spend(ROUTE, queue.nowMs());
          return second.id;
        },
        ...(planned.firstTokenMs === undefined ? {} : { firstTokenMs: planned.firstTokenMs }),
      };
    }

    const started = new Map<string, number>();
    const router: Router = {
      course,
      begun({ id }, targetId, nowMs) {
        started.set(`${id} ${targetId}`, nowMs);
        observatory.begin(found(byId, targetId), nowMs);
      },
      ended(request, targetId, end, nowMs) {
        const startedMs = started.get(`${request.id} ${targetId}`) ?? nowMs;
        const target = found(byId, targetId);
        if (end.kind !== 'left' && end.told !== undefined) observatory.told(target, allowancesOf(end.told), nowMs);
        observatory.ended(target, { end: outcomeOf(end), startedMs, route: ROUTE }, nowMs);
        means.ended(request, end);
        if (end.kind !== 'answered') return;
        const answer = { targetId, price: target.price, usage: usageOf(end.spent) };
        conversations.answered(String(request.conversation), answer, nowMs);
      },
    };
    return router;
  };
}

/** What hedges may take, booked as `pipeline/hedging.ts` books it. */
function hedgingMeans() {
  const book = hedges();
  const taken = new Map<number, bigint>();
  let share = 0;
  return {
    asked({ hedge }: Plan): void {
      share = hedge?.budget ?? 0;
      if (hedge !== undefined) book.asked(ROUTE, share);
    },
    take(request: Request, target: Target): boolean {
      const estimateNanoUsd = leastAt(target, factsOf(request)) ?? 0n;
      if (book.take(ROUTE, estimateNanoUsd) !== undefined) return false;
      taken.set(request.id, estimateNanoUsd);
      return true;
    },
    ended({ id }: Request, end: Ended): void {
      if (end.kind === 'answered') book.paid(ROUTE, share, end.spent.nanoUsd);
      const estimateNanoUsd = taken.get(id);
      if (end.kind !== 'left' || estimateNanoUsd === undefined) return;
      taken.delete(id);
      book.settle(ROUTE, { estimateNanoUsd, costNanoUsd: end.spent.nanoUsd });
    },
  };
}

function found(byId: ReadonlyMap<string, Target>, id: string): Target {
  const target = byId.get(id);
  if (target === undefined) throw new Error(`there is no target ${id}`);
  return target;
}

function factsOf(request: Request): Facts {
  const { inputTokensEstimate, outputTokensMax, task } = request;
  const content: ContentFacts = { task, difficulty: 0.5, topics: [], sensitive: [], origins: {} };
  return {
    model: ROUTE,
    isStreaming: true,
    needs: [],
    inputTokensEstimate,
    inputTokensMax: inputTokensEstimate * 4,
    inputTokensUsualMax: inputTokensEstimate * 4,
    outputTokensLimit: outputTokensMax,
    choices: 1,
    content,
  };
}

function outcomeOf(end: Ended): Outcome {
  if (end.kind === 'left') {
    return { kind: 'left', why: 'hedged', spent: { isFinal: false, outputTokensSeen: 0, wasAccepted: true } };
  }
  if (end.kind === 'failed') return { kind: 'refused', status: end.fault.upstreamStatus ?? 503, fault: end.fault };
  const { outputTokens } = end.spent;
  const usage = usageOf(end.spent);
  const spent = { usage, isFinal: true, outputTokensSeen: outputTokens, wasAccepted: true, ttftMs: end.ttftMs };
  return { kind: 'answered', status: 200, finish: 'stop', spent };
}

function usageOf({ inputTokens, cachedTokens, outputTokens }: Spent): Usage {
  return { inputTokens, cachedInputTokens: cachedTokens, outputTokens };
}

function allowancesOf(told: LimitsTold): Allowances {
  const of = ({ limit, remaining, resetMs }: LimitsTold['requests']) => ({
    limit,
    left: remaining,
    fullAfterMs: resetMs,
  });
  return { requests: of(told.requests), tokens: of(told.tokens) };
}
