/** What is learned of one target: its breaker, its speed, its load and its limits, side by side. */
import type { Outcome } from '../chat/outcome.ts';
import type { Breaker, Ending, Failed } from './breaker.ts';
import { Headroom, type Configured } from './headroom.ts';
import { InFlight } from './in-flight.ts';
import type { SavedTarget } from './saved.ts';
import { Speeds, type Quantiles } from './speeds.ts';

/** A provider's wish is honoured up to this long; a longer one is a mistake or an attack (faults.md F20). */
const REST_MAX_MS = 60_000;
/** Fewer requests than this have no share of failures. */
const COUNT_MIN = 1;
/** Content did not come in time: it would have taken longer than it was waited for. */
const TOO_LATE: ReadonlySet<string> = new Set(['first_byte_timeout', 'first_token_timeout']);

/** What is known of a target at a moment; plain data. */
export interface Observation {
  /** Milliseconds until the target may be used again, as it asked; 0 if now. */
  readonly restMs: number;
  /** It, or its key, has failed lately, or far worse than its peers: used where nothing better is left. */
  readonly isDoubted: boolean;
  /** Milliseconds until it is probed again, where all its latest attempts failed: one more would help nobody. */
  readonly shutMs?: number;
  /** Share of failures, lately counting more; 0..1. */
  readonly errorRate?: number;
  /** Time to first content; `count` is what the quantiles rest on, and decays. */
  readonly ttftMs?: Quantiles;
  readonly tokensPerS?: number;
  readonly inFlight: number;
  /** As many at the same time as it answers well. Absent: not known. */
  readonly inFlightMax?: number;
  /** What is left of its rate limits, the least of requests and tokens; 0..1. Absent: it has never said. */
  readonly headroom?: number;
}

/** What the configuration says of a target's limits. */
export interface Allowed extends Configured {
  readonly concurrent?: number;
}

export interface Look {
  readonly nowMs: number;
  readonly allowed: Allowed;
  readonly isKeyAway: boolean;
  /** All targets together. */
  readonly others: Speeds;
}

export class Learned {
  readonly breaker: Breaker;
  readonly speeds = new Speeds();
  readonly inFlight = new InFlight();
  readonly headroom = new Headroom();
  #restUntilMs = 0;
  /** When it was last held against its peers. */
  comparedMs = 0;

  constructor(breaker: Breaker) {
    this.breaker = breaker;
  }

  rest(forMs: number, nowMs: number): void {
    if (forMs > 0) this.#restUntilMs = nowMs + Math.min(forMs, REST_MAX_MS);
  }

  see({ nowMs, allowed, isKeyAway, others }: Look): Observation {
    const { breaker, inFlight, headroom } = this;
    const room = headroom.share(nowMs, allowed);
    const seen: { -readonly [K in keyof Observation]: Observation[K] } = {
      restMs: Math.max(0, this.#restUntilMs - nowMs, headroom.waitMs(nowMs, allowed)),
      isDoubted: breaker.isAway(nowMs) || isKeyAway || room === 0,
      inFlight: inFlight.count,
    };
    // Field by field: spreads would cost more than all the rest.
    const shutMs = breaker.shutMs(nowMs);
    if (shutMs > 0) seen.shutMs = shutMs;
    if (breaker.rate.count(nowMs) >= COUNT_MIN) seen.errorRate = breaker.rate.share();
    const ttftMs = this.speeds.ttft(nowMs, others);
    if (ttftMs !== undefined) seen.ttftMs = ttftMs;
    const tokensPerS = this.speeds.tokensPerS();
    if (tokensPerS !== undefined) seen.tokensPerS = tokensPerS;
    const inFlightMax = allowed.concurrent ?? inFlight.limit;
    if (inFlightMax !== undefined) seen.inFlightMax = inFlightMax;
    if (room !== undefined) seen.headroom = room;
    return seen;
  }

  /** Times and tokens of an attempt, however it ended. `all`: what is known of all targets together learns as well. */
  measure(end: Outcome, { durationMs, nowMs, all }: Measure): void {
    if (end.kind === 'refused') return;
    const { ttftMs, usage } = end.spent;
    const waitedMs = ttftMs ?? (end.kind === 'broke' && TOO_LATE.has(end.detail) ? durationMs : undefined);
    if (waitedMs !== undefined) this.inFlight.sample(waitedMs, nowMs);
    if (usage !== undefined) this.headroom.used((usage.inputTokens ?? 0) + (usage.outputTokens ?? 0), nowMs);
    // What was cut short tells when it began, and not how fast it went on.
    const outputTokens = end.kind === 'answered' ? usage?.outputTokens : undefined;
    const answer = { durationMs, ttftMs: waitedMs, outputTokens };
    this.speeds.add(answer, nowMs);
    all.add(answer, nowMs);
  }

  /** A failure of its own. `saysWhen`: it said itself how long it wants to be left alone. */
  failed(how: Failed, saysWhen: boolean, at: Ending): void {
    if (how === 'limit') this.headroom.limited(at.nowMs);
    if (how !== 'error') this.inFlight.dropped(at.startedMs, at.nowMs);
    if (how === 'limit' && saysWhen) this.breaker.untold(at);
    else this.breaker.failed(saysWhen ? 'error' : how, at);
  }

  save(id: string, nowMs: number): SavedTarget {
    return {
      id,
      breaker: this.breaker.save(nowMs),
      speeds: this.speeds.save(nowMs),
      inFlight: this.inFlight.save(),
      restMs: Math.max(0, this.#restUntilMs - nowMs),
    };
  }

  load({ breaker, speeds, inFlight, restMs }: SavedTarget, fromMs: number): void {
    this.breaker.load(breaker, fromMs);
    this.speeds.load(speeds, fromMs);
    this.inFlight.load(inFlight, fromMs);
    this.rest(restMs, fromMs);
  }
}

export interface Measure {
  readonly durationMs: number;
  readonly nowMs: number;
  readonly all: Speeds;
}
