/**
 * A model of providers as a gateway meets them: how long they take, what they charge, when they refuse, fail and are
 * out. Trouble comes from the simulator's own weather. Where the model is simpler than the world:
 * - A target's time to first token is lognormal about its median; load found on arrival makes it longer, later arrivals do not.
 * - Rate limits are buckets that fill evenly to one minute's worth; input counts when a request is taken, output when it ends.
 * - A prompt cache holds conversations whole (no partial blocks), and is written by the turn whose answer has ended.
 * - An answer that has begun comes to its end; who cancels pays the input and what was written so far.
 */
import type { Fault, FaultCode } from '../../src/chat/fault.ts';
import { fault } from '../../src/chat/fault.ts';
import { costOf } from '../../src/money/cost.ts';
import type { Price } from '../../src/money/price.ts';
import { weatherOf, type WeatherOptions } from '../../src/simulator/weather.ts';
import { diceFor, lognormal, numberOf } from './chance.ts';
import type { Queue } from './queue.ts';
import type { Request, Task } from './traffic.ts';

export interface TargetModel {
  /** `provider/model`, with `#2` and so on for further keys. */
  readonly id: string;
  readonly region?: string;
  readonly price: Price;
  /** Median time to first token of a short prompt, without the way there. */
  readonly ttftMs: number;
  /** Deviation of its logarithm. */
  readonly ttftSigma: number;
  /** Longer by so much for a thousand tokens of input that are not cached. */
  readonly prefillMs: number;
  readonly tokensPerS: number;
  /** How many times as much it writes as the request's usual answer has. */
  readonly wordiness: number;
  /** Chance of a good answer, by task. */
  readonly quality: Readonly<Partial<Record<Task, number>>>;
  /** Round trip from the gateway. */
  readonly distanceMs: number;
  /** Factor on its times that changes by itself. */
  readonly drift?: (nowMs: number) => number;
  /** Answers that take so many times as long, at that share. */
  readonly slow?: { readonly share: number; readonly factor: number };
  /** What it can work on at once. Near it answers come late, above it they are refused (529). */
  readonly slots?: number;
  readonly limits?: { readonly requestsPerMinute: number; readonly tokensPerMinute: number };
  readonly weather?: WeatherOptions;
  readonly cache?: { readonly keptMs: number; readonly tokensMin: number };
}

/** What the provider tells of its limits with each answer (`x-ratelimit-*`). */
export interface LimitsTold {
  readonly requests: Bucket;
  readonly tokens: Bucket;
}

export interface Bucket {
  readonly limit: number;
  readonly remaining: number;
  /** Until it is full. */
  readonly resetMs: number;
}

export type Ended =
  | { readonly kind: 'answered'; readonly spent: Spent; readonly ttftMs: number; readonly told?: LimitsTold }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly told?: LimitsTold }
  /** Cancelled by us, because another was sooner. */
  | { readonly kind: 'left'; readonly spent: Spent };

export interface Spent {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly nanoUsd: bigint;
}

export interface Listener {
  content(): void;
  ended(end: Ended): void;
}

/** How much a target had to do. */
export interface Load {
  readonly requests: number;
  readonly refused: number;
  readonly overloaded: number;
  readonly inFlightMax: number;
  /** Requests under way, summed over time: divided by the time, how many there were on average. */
  readonly busyMs: number;
}

export interface Providers {
  /** Sends a request. Gives what cancels it, and says what that costs. */
  send(request: Request, targetId: string, listener: Listener): () => Spent;
  load(targetId: string): Load;
  /** Median time to first token of this request at this moment; undefined where the target is out. For oracles only. */
  peek(request: Request, targetId: string): number | undefined;
  /** Tokens of the request that stand in the target's prompt cache. For oracles only. */
  cachedTokens(request: Request, targetId: string): number;
  /** Requests under way, as a share of what it can work on. For oracles only. */
  busy(targetId: string): number;
  /** What is left of its limits, the least of requests and tokens. For oracles only. */
  quotaLeft(targetId: string): number;
}

interface State {
  readonly model: TargetModel;
  readonly number: number;
  inFlight: number;
  inFlightMax: number;
  requests: number;
  refused: number;
  overloaded: number;
  busyMs: number;
  requestsLeft: number;
  tokensLeft: number;
  filledMs: number;
  readonly cached: Map<number, { readonly tokens: number; readonly atMs: number }>;
}

/** A refusal, a 5xx and a reset come at once; a silence lasts until the caller gives up. */
const REFUSAL_MS = 20;
const MINUTE_MS = 60_000;
/** The share of its slots up to which load is not felt. */
const EASY_LOAD = 0.5;

export function createProviders(models: readonly TargetModel[], queue: Queue, seed: number): Providers {
  const states = new Map(models.map((model) => [model.id, stateOf(model)]));

  function state(id: string): State {
    const found = states.get(id);
    if (found === undefined) throw new Error(`there is no target ${id}`);
    return found;
  }

  /** Undefined: it does not answer at all. */
  function failure(of: State, request: Request): FaultCode | 'silence' | undefined {
    const { model } = of;
    const facts = {
      sequence: of.requests,
      elapsedMs: queue.nowMs(),
      provider: model.id.split('/')[0],
      model: () => model.id.split('/')[1],
    };
    const weather = weatherOf(model.weather ?? {}, seed + of.number, facts);
    if (weather !== undefined) return weather.kind === 'error' ? codeOf(weather.status) : CODES[weather.kind];
    const busy = of.inFlight / (model.slots ?? Number.POSITIVE_INFINITY);
    return busy >= 1 || isOverLimit(of, request)
      ? busy >= 1
        ? 'upstream-overloaded'
        : 'upstream-rate-limited'
      : undefined;
  }

  function isOverLimit(of: State, request: Request): boolean {
    if (of.model.limits === undefined) return false;
    return of.requestsLeft < 1 || of.tokensLeft < request.inputTokens;
  }

  function fill(of: State): void {
    const { limits } = of.model;
    if (limits === undefined) return;
    const share = (queue.nowMs() - of.filledMs) / MINUTE_MS;
    of.filledMs = queue.nowMs();
    of.requestsLeft = Math.min(limits.requestsPerMinute, of.requestsLeft + share * limits.requestsPerMinute);
    of.tokensLeft = Math.min(limits.tokensPerMinute, of.tokensLeft + share * limits.tokensPerMinute);
  }

  function told(of: State): { readonly told?: LimitsTold } {
    const { limits } = of.model;
    if (limits === undefined) return {};
    const bucket = (limit: number, left: number): Bucket => ({
      limit,
      remaining: Math.max(0, Math.floor(left)),
      resetMs: ((limit - left) / limit) * MINUTE_MS,
    });
    return {
      told: {
        requests: bucket(limits.requestsPerMinute, of.requestsLeft),
        tokens: bucket(limits.tokensPerMinute, of.tokensLeft),
      },
    };
  }

  function refusal(of: State, code: FaultCode, request: Request): Ended {
    if (code === 'upstream-overloaded') of.overloaded += 1;
    if (code !== 'upstream-rate-limited') return { kind: 'failed', fault: fault(code), ...told(of) };
    of.refused += 1;
    const { limits } = of.model;
    const waits =
      limits === undefined
        ? [1000]
        : [
            ((1 - of.requestsLeft) / limits.requestsPerMinute) * MINUTE_MS,
            ((request.inputTokens - of.tokensLeft) / limits.tokensPerMinute) * MINUTE_MS,
          ];
    // As a `retry-after` is written: whole seconds.
    const retryAfterMs = Math.ceil(Math.max(...waits) / 1000) * 1000;
    return { kind: 'failed', fault: fault(code, {}, { retryAfterMs, upstreamStatus: 429 }), ...told(of) };
  }

  function cachedTokens(of: State, request: Request): number {
    const { cache } = of.model;
    const held = cache === undefined ? undefined : of.cached.get(request.conversation);
    if (cache === undefined || held === undefined || queue.nowMs() - held.atMs > cache.keptMs) return 0;
    const shared = Math.min(held.tokens, request.sharedTokens);
    return shared >= cache.tokensMin ? shared : 0;
  }

  function medianTtftMs(of: State, request: Request): number {
    const { model } = of;
    const fresh = request.inputTokens - cachedTokens(of, request);
    const load = of.inFlight / (model.slots ?? Number.POSITIVE_INFINITY);
    const crowd = load <= EASY_LOAD ? 1 : 1 + 4 * ((load - EASY_LOAD) / (1 - EASY_LOAD)) ** 2;
    const work = model.ttftMs + (model.prefillMs * fresh) / 1000;
    return work * crowd * (model.drift?.(queue.nowMs()) ?? 1);
  }

  function send(request: Request, targetId: string, listener: Listener): () => Spent {
    const of = state(targetId);
    const { model } = of;
    fill(of);
    of.requests += 1;
    const failed = failure(of, request);
    const startedMs = queue.nowMs();
    of.inFlight += 1;
    of.inFlightMax = Math.max(of.inFlightMax, of.inFlight);
    const leave = (): void => {
      of.inFlight -= 1;
      of.busyMs += queue.nowMs() - startedMs;
    };
    const nothing: Spent = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, nanoUsd: 0n };
    if (failed !== undefined) {
      const end = failed === 'silence' ? undefined : refusal(of, failed, request);
      const stop =
        end === undefined
          ? () => undefined
          : queue.after(REFUSAL_MS + model.distanceMs, () => {
              leave();
              listener.ended(end);
            });
      return () => {
        stop();
        leave();
        return nothing;
      };
    }
    of.requestsLeft -= 1;
    of.tokensLeft -= request.inputTokens;
    const luck = diceFor(seed, request.id, of.number);
    const isSlow = model.slow !== undefined && luck() < model.slow.share;
    const median = medianTtftMs(of, request) * (isSlow ? (model.slow?.factor ?? 1) : 1);
    const ttftMs = model.distanceMs + lognormal(luck, median, model.ttftSigma);
    const outputTokens = outputOf(model, request);
    const speed = lognormal(luck, model.tokensPerS, 0.15) / (model.drift?.(startedMs) ?? 1);
    const cached = cachedTokens(of, request);
    const spentOn = (tokens: number): Spent => spent(model, request, { cached, tokens });
    const stopContent = queue.after(ttftMs, () => listener.content());
    const stopEnd = queue.after(ttftMs + (outputTokens / speed) * 1000, () => {
      leave();
      fill(of);
      of.tokensLeft -= outputTokens;
      const tokens = request.inputTokens + outputTokens;
      if (model.cache !== undefined) of.cached.set(request.conversation, { tokens, atMs: queue.nowMs() });
      listener.ended({ kind: 'answered', spent: spentOn(outputTokens), ttftMs, ...told(of) });
    });
    return () => {
      stopContent();
      stopEnd();
      leave();
      const writtenS = Math.max(0, queue.nowMs() - startedMs - ttftMs) / 1000;
      return spentOn(Math.min(outputTokens, Math.round(writtenS * speed)));
    };
  }

  return {
    send,
    load: (id) => state(id),
    cachedTokens: (request, id) => cachedTokens(state(id), request),
    quotaLeft(id) {
      const of = state(id);
      fill(of);
      const { requestsPerMinute = 1, tokensPerMinute = 1 } = of.model.limits ?? {};
      return Math.min(of.requestsLeft / requestsPerMinute, of.tokensLeft / tokensPerMinute);
    },
    busy: (id) => state(id).inFlight / (state(id).model.slots ?? 1),
    peek(request, id) {
      const of = state(id);
      fill(of);
      const { model } = of;
      const out = model.weather?.outages?.some(({ fromMs, toMs }) => queue.nowMs() >= fromMs && queue.nowMs() < toMs);
      if (out === true || of.inFlight >= (model.slots ?? Number.POSITIVE_INFINITY) || isOverLimit(of, request))
        return undefined;
      return model.distanceMs + medianTtftMs(of, request);
    },
  };
}

function stateOf(model: TargetModel): State {
  return {
    model,
    number: numberOf(model.id),
    inFlight: 0,
    inFlightMax: 0,
    requests: 0,
    refused: 0,
    overloaded: 0,
    busyMs: 0,
    requestsLeft: model.limits?.requestsPerMinute ?? 0,
    tokensLeft: model.limits?.tokensPerMinute ?? 0,
    filledMs: 0,
    cached: new Map(),
  };
}

const CODES = { reset: 'upstream-cut', silence: 'silence' } as const;

/** As the gateway's dialects read a status. */
function codeOf(status: number): FaultCode {
  if (status === 429) return 'upstream-rate-limited';
  return status === 503 || status === 529 ? 'upstream-overloaded' : 'upstream-error';
}

/** What the model would write for the request: as much as usual, times its own manner, cut where the caller says. */
export function outputOf(model: TargetModel, request: Request): number {
  return Math.max(1, Math.min(request.outputTokensMax, Math.round(request.outputTokens * model.wordiness)));
}

interface Tokens {
  readonly cached: number;
  readonly tokens: number;
}

function spent({ price }: TargetModel, request: Request, { cached, tokens }: Tokens): Spent {
  const { inputTokens } = request;
  const written = price.cacheWrite === undefined ? {} : { cacheWriteTokens: inputTokens - cached };
  const usage = { inputTokens, cachedInputTokens: cached, outputTokens: tokens, ...written };
  const nanoUsd = costOf(price, usage)?.totalNanoUsd ?? 0n;
  return { inputTokens, cachedTokens: cached, outputTokens: tokens, nanoUsd };
}
