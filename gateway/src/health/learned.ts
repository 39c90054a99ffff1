/** What is learned of one target: its breaker, its speed, its load and its limits, side by side. */
import type { Outcome } from '../chat/outcome.ts';
import type { Observation } from '../routing/observation.ts';
import type { Allowed } from '../routing/target.ts';
import type { Breaker, Ending, Failed } from './breaker.ts';
import { Headroom, type Sent } from './headroom.ts';
import { InFlight } from './in-flight.ts';
import type { SavedTarget } from './saved.ts';
import { Speeds } from './speeds.ts';

/** A provider's wish is honoured up to this long; a longer one is a mistake or an attack (faults.md F20). */
const REST_MAX_MS = 60_000;
/** Fewer requests than this have no share of failures. */
const COUNT_MIN = 1;
/** Whoever gave it up before then did so of his own accord, with any provider. */
const PATIENCE_MIN_MS = 2000;
const PATIENCE_MAX_MS = 60_000;
/** Of whom too little is known to say when he is late. */
const PATIENCE_UNKNOWN_MS = 20_000;
const KNOWN_MIN = 10;
/** So many times what all but one in twenty take is no long prompt any more. */
const PATIENCE_FACTOR = 3;
/** Content did not come in time: it would have taken longer than it was waited for. */
const TOO_LATE: ReadonlySet<string> = new Set(['first_byte_timeout', 'first_token_timeout', 'slow']);

export interface Look {
  readonly nowMs: number;
  /** What the configuration says, where it says something. */
  readonly allowed: Allowed | undefined;
  /** What was sent with the key. */
  readonly sent: Sent | undefined;
  /** Whether it is learned how many at the same time it answers well. */
  readonly adapts: boolean;
  readonly isKeyAway: boolean;
  /** Of the key: as it asked, or as the configuration says. */
  readonly restMs: number;
  /** All targets together. */
  readonly others: Speeds;
}

type Seen = { -readonly [K in keyof Observation]: Observation[K] };

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

  /** Gives the end of the rest. */
  rest(forMs: number, nowMs: number): number {
    if (forMs > 0) this.#restUntilMs = nowMs + Math.min(forMs, REST_MAX_MS);
    return this.#restUntilMs;
  }

  see(look: Look): Observation {
    const { nowMs, isKeyAway, restMs } = look;
    const { breaker } = this;
    const seen: Seen = {
      restMs: Math.max(restMs, this.#restUntilMs - nowMs),
      isDoubted: breaker.isAway(nowMs) || isKeyAway,
      inFlight: this.inFlight.count,
    };
    const shutMs = breaker.shutMs(nowMs);
    if (shutMs > 0) seen.shutMs = shutMs;
    if (breaker.rate.count(nowMs) >= COUNT_MIN) seen.errorRate = rounded(breaker.rate.share());
    this.#seeSpeed(seen, look);
    return seen;
  }

  /** Field by field: spreads would cost more than all the rest. */
  #seeSpeed(seen: Seen, { nowMs, allowed, sent, adapts, others }: Look): void {
    const ttftMs = this.speeds.ttft(nowMs, others);
    if (ttftMs !== undefined) seen.ttftMs = ttftMs;
    const tokensPerS = this.speeds.tokensPerS();
    if (tokensPerS !== undefined) seen.tokensPerS = rounded(tokensPerS);
    const inFlightMax = allowed?.concurrent ?? (adapts ? this.inFlight.limit : undefined);
    if (inFlightMax !== undefined) seen.inFlightMax = inFlightMax;
    const room = this.headroom.share(nowMs, allowed, sent);
    if (room !== undefined) seen.headroom = rounded(room);
  }

  /** Times and tokens of an attempt, however it ended. `all`: what is known of all targets together learns as well. */
  measure(end: Outcome, { durationMs, nowMs, all }: Measure): void {
    if (end.kind === 'refused') return;
    const { ttftMs, usage } = end.spent;
    const waitedMs = ttftMs ?? (wasTooLate(end) ? durationMs : undefined);
    if (waitedMs !== undefined) this.inFlight.sample(waitedMs, nowMs);
    // What was cut short tells when it began, and not how fast it went on.
    const outputTokens = end.kind === 'answered' ? usage?.outputTokens : undefined;
    const answer = { durationMs, ttftMs: waitedMs, outputTokens };
    this.speeds.add(answer, nowMs);
    all.add(answer, nowMs);
  }

  /**
   * Milliseconds of silence after which it is the target that fails, though it was the caller who gave up. What was given up
   * is no time of its own: counted among them, it would raise what it is held against.
   */
  patienceMs(nowMs: number): number {
    const own = this.speeds.ttft(nowMs);
    if (own === undefined || own.count < KNOWN_MIN) return PATIENCE_UNKNOWN_MS;
    return Math.min(PATIENCE_MAX_MS, Math.max(PATIENCE_MIN_MS, own.p95 * PATIENCE_FACTOR));
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

/** Observations are kept with each request: no more digits than they are good for. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export interface Measure {
  readonly durationMs: number;
  readonly nowMs: number;
  readonly all: Speeds;
}

/**
 * It had not begun when we gave it up: it would have taken at least so long. If that were not counted, whoever is slow would
 * look fast as soon as others are asked beside it.
 */
function wasTooLate(end: Outcome): boolean {
  return (end.kind === 'broke' && TOO_LATE.has(end.detail)) || (end.kind === 'left' && end.why === 'hedged');
}
