/**
 * Whether a target (or a key) is asked at all. One machine: `closed` → `open` → `half-open` → `closed`.
 *
 * It opens when the requests of late fail in a row or at a rate, and at once where a failure says that it will last (a
 * refused key, a model that is gone). From then on single requests probe it, one at a time, after pauses that grow; the
 * first makes it half-open, and enough good answers in a row close it. Whoever says "I am overloaded" without saying for how
 * long is given pauses of the same kind, shorter ones, without being opened.
 *
 * It never flaps: it closes only when it became half-open the time before more than a minute ago. Any seven changes of state
 * in a row hold two closings between two openings, so that there are at most six a minute (faults.md F24).
 */
import { DecayingRate } from './rates.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** What it was opened for. */
export type Reason =
  | 'errors'
  | 'outlier-errors'
  | 'outlier-slow'
  | 'key-refused'
  | 'credential-missing'
  | 'quota-used-up'
  | 'model-gone';

/** A failure of the target's own: it broke or erred; it said that it has too much to do; it limits our rate. */
export type Failed = 'error' | 'overload' | 'limit';

export interface BreakerOptions {
  /** Share of failures from which on it opens. */
  readonly errorRate: number;
  /** So many requests must be known before a share counts; as many failures in a row open it whatever the share. */
  readonly requestsMin: number;
  /** The first pause; each failed probe doubles it. */
  readonly openMs: number;
  readonly openMaxMs: number;
}

export const BREAKER: BreakerOptions = { errorRate: 0.5, requestsMin: 10, openMs: 2000, openMaxMs: 60_000 };

export interface At {
  /** Monotonic. */
  readonly nowMs: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
}

/** An attempt that has ended. */
export interface Ending extends At {
  /** When it began: what began before the breaker opened says nothing new. */
  readonly startedMs: number;
}

/** First pause of an overloaded target: enough for a burst. */
const STEP_BACK_MS = 500;
const STEP_BACK_MAX_MS = 30_000;
/** A wrong key is not right again in a moment, nor does a retired model come back, nor a slow machine become fast. */
const LASTING_MS = 30_000;
/** No second probe while the first is under way, but for no longer than this: nothing may ever be heard of it. */
const PROBE_MS = 10_000;
/** Where all are down, a pause of a minute would keep everybody waiting that long for one who is well again. */
const LAST_RESORT_MS = 10_000;
/** Good answers in a row that close it: at one failure in two, seven of eight tries find out. */
const GOOD_MIN = 3;
const MINUTE_MS = 60_000;
/** Who has been well for so long begins with small pauses again. */
const FORGET_MS = 10 * MINUTE_MS;
/** Doublings beyond this are longer than any pause. */
const DOUBLINGS_MAX = 16;
const NEVER = Number.NEGATIVE_INFINITY;

/** Reasons that one good answer refutes. */
const REFUTABLE: ReadonlySet<Reason> = new Set(['key-refused', 'credential-missing', 'quota-used-up', 'model-gone']);
const REASONS: readonly Reason[] = ['errors', 'outlier-errors', 'outlier-slow', ...REFUTABLE];
const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open'];

export interface BreakerRow {
  readonly state: BreakerState;
  /** Absent: it was never opened. */
  readonly reason?: Reason;
  /** Monotonic: of the last change. */
  readonly sinceMs: number;
  /** Milliseconds until the next probe may go. */
  readonly pauseMs: number;
}

export class Breaker {
  readonly rate = new DecayingRate();
  readonly #options: () => BreakerOptions;
  readonly #changed: (breaker: Breaker, from: BreakerState, nowMs: number) => void;
  #state: BreakerState = 'closed';
  #reason: Reason | undefined;
  #sinceMs = NEVER;
  /** Until then others stay away. */
  #untilMs = NEVER;
  #pauseMs = 0;
  /** Pauses in a row, without an answer between them. */
  #pauses = 0;
  /** Openings that followed soon upon each other. */
  #openings = 0;
  #good = 0;
  #bad = 0;
  #isProbed = false;
  #probedMs = NEVER;
  #triedMs = NEVER;
  #openedMs = NEVER;
  #halfOpenMs = NEVER;
  #closedMs = NEVER;
  /** Closing earlier would be flapping. */
  #closesFromMs = NEVER;

  constructor(
    options: () => BreakerOptions,
    changed: (breaker: Breaker, from: BreakerState, nowMs: number) => void = () => undefined,
  ) {
    this.#options = options;
    this.#changed = changed;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get reason(): Reason | undefined {
    return this.#reason;
  }

  /** Others are waiting for a pause or a probe to end: it is asked where nothing better is left. */
  isAway(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /**
   * Milliseconds until it may be asked where nobody else is left, all its latest attempts having failed: until the next probe,
   * or for a few seconds after the last attempt. Else 0.
   */
  shutMs(nowMs: number): number {
    const isHopeless = this.#state !== 'closed' && this.#bad >= this.#options().requestsMin;
    return isHopeless ? Math.max(0, Math.min(this.#untilMs, this.#triedMs + LAST_RESORT_MS) - nowMs) : 0;
  }

  /** An attempt begins. Where a pause is over it is the probe, and the others stay away until it is known how it went. */
  begin(nowMs: number): void {
    if (this.#pauses === 0 && this.#state === 'closed') return;
    this.#triedMs = nowMs;
    if (nowMs < this.#untilMs) return;
    this.#isProbed = true;
    this.#probedMs = nowMs;
    this.#untilMs = nowMs + (this.#state === 'closed' ? this.#pauseMs : Math.max(this.#pauseMs, PROBE_MS));
    this.#halfOpen(nowMs);
  }

  answered({ nowMs, startedMs }: Ending): void {
    if (this.#state === 'closed') {
      this.rate.add(false, nowMs);
      this.#bad = 0;
      if (this.#pauses > 0) this.#clear();
      return;
    }
    if (startedMs < this.#openedMs) return;
    this.#halfOpen(nowMs);
    this.#bad = 0;
    this.#good += 1;
    this.#isProbed = false;
    const isEnough = this.#good >= (this.#isRefutable() ? 1 : GOOD_MIN);
    if (isEnough && nowMs >= this.#closesFromMs) this.#close(nowMs);
    else this.#untilMs = isEnough ? nowMs + this.#options().openMs : nowMs;
  }

  failed(how: Failed, ending: Ending): void {
    const { nowMs, startedMs } = ending;
    if (this.#state !== 'closed') {
      if (startedMs >= this.#openedMs) this.#failedOnceMore(how, ending);
      return;
    }
    if (how !== 'limit') {
      this.rate.add(true, nowMs);
      this.#bad += 1;
    }
    if (this.#isBad(nowMs)) this.open('errors', ending);
    else if (how !== 'error') this.#stepBack(ending);
  }

  /** It has failed in a way that lasts. */
  failedFor(reason: Reason, ending: Ending): void {
    if (this.#state === 'closed') {
      this.open(reason, ending);
      return;
    }
    if (ending.startedMs < this.#openedMs) return;
    this.#reason = reason;
    this.#failedOnceMore('limit', ending);
  }

  /** It ended in a way that tells nothing: the next request may probe. */
  untold({ nowMs, startedMs }: Ending): void {
    if (!this.#isProbed || startedMs < this.#probedMs) return;
    this.#isProbed = false;
    this.#untilMs = nowMs;
  }

  /** Another process has found it to fail: it rests here once, and then one failure opens it, as one good answer clears it. */
  suspect(at: At): void {
    if (this.#state !== 'closed') return;
    this.#bad = Math.max(this.#bad, this.#options().requestsMin - 1);
    this.#stepBack(at);
  }

  open(reason: Reason, at: At): void {
    if (this.#state !== 'closed') return;
    const { nowMs } = at;
    this.#openings = nowMs - this.#closedMs > FORGET_MS ? 1 : this.#openings + 1;
    this.#closesFromMs = this.#halfOpenMs + MINUTE_MS;
    this.#openedMs = nowMs;
    this.#triedMs = nowMs;
    this.#halfOpenMs = NEVER;
    this.#reason = reason;
    this.#good = 0;
    this.#pauses = 0;
    this.#pause(at);
    this.#become('open', nowMs);
  }

  row(nowMs: number): BreakerRow {
    const row = { state: this.#state, sinceMs: this.#sinceMs, pauseMs: Math.max(0, this.#untilMs - nowMs) };
    return this.#reason === undefined ? row : { ...row, reason: this.#reason };
  }

  /** Numbers only; times as milliseconds ago. */
  save(nowMs: number): readonly (number | null)[] {
    const ago = (atMs: number): number | null => (atMs === NEVER ? null : nowMs - atMs);
    return [
      STATES.indexOf(this.#state),
      this.#reason === undefined ? -1 : REASONS.indexOf(this.#reason),
      this.#pauseMs,
      this.#pauses,
      this.#openings,
      this.#good,
      this.#bad,
      ...[this.#sinceMs, this.#untilMs, this.#openedMs, this.#halfOpenMs, this.#closedMs, this.#closesFromMs].map(ago),
      ...this.rate.save(nowMs),
    ];
  }

  /** `fromMs`: when it was saved, on today's monotonic clock. A probe that was under way is not waited for. */
  load(saved: readonly (number | null)[], fromMs: number): void {
    const count = (index: number): number => Math.min(1e9, Math.max(0, saved[index] ?? 0));
    const time = (index: number): number => {
      const ago = saved[index];
      return ago === null || ago === undefined ? NEVER : fromMs - ago;
    };
    this.#state = STATES[count(0)] ?? 'closed';
    this.#reason = REASONS[saved[1] ?? -1];
    [this.#pauseMs, this.#pauses, this.#openings] = [count(2), count(3), count(4)];
    [this.#good, this.#bad] = [count(5), count(6)];
    [this.#sinceMs, this.#openedMs, this.#halfOpenMs] = [time(7), time(9), time(10)];
    [this.#closedMs, this.#closesFromMs] = [time(11), time(12)];
    // However far the clocks have gone apart, nobody stays away for longer than the longest pause.
    this.#untilMs = Math.min(time(8), fromMs + Math.max(this.#options().openMaxMs, LASTING_MS));
    this.rate.load(
      saved.slice(13).map((value) => value ?? 0),
      fromMs,
    );
  }

  #isBad(nowMs: number): boolean {
    const { requestsMin, errorRate } = this.#options();
    if (this.#bad >= requestsMin) return true;
    // Half a request of grace: what is counted fades while it is counted.
    return this.rate.count(nowMs) > requestsMin - 0.5 && this.rate.share() >= errorRate;
  }

  #isRefutable(): boolean {
    return this.#reason !== undefined && REFUTABLE.has(this.#reason);
  }

  #failedOnceMore(how: Failed, at: At): void {
    this.#good = 0;
    if (how !== 'limit') {
      this.#bad += 1;
      this.rate.add(true, at.nowMs);
    }
    // Of all that were under way, the first failure lengthens the pause; the others say the same again.
    if (!this.#isProbed && this.isAway(at.nowMs)) return;
    this.#pause(at);
  }

  /** The next pause of an open breaker. Half of it by lot, so that the probes of several processes do not come together. */
  #pause({ nowMs, random }: At): void {
    const { openMs, openMaxMs } = this.#options();
    const doublings = Math.min(DOUBLINGS_MAX, this.#pauses + this.#openings - 1);
    const most = Math.min(openMaxMs, openMs * 2 ** doublings);
    this.#pauses += 1;
    this.#isProbed = false;
    this.#pauseMs = Math.max(this.#reason === 'errors' ? 0 : LASTING_MS, most / 2 + (random() * most) / 2);
    this.#untilMs = nowMs + this.#pauseMs;
  }

  /** The next pause of one who has too much to do. */
  #stepBack({ nowMs, random }: At): void {
    if (!this.#isProbed && this.isAway(nowMs)) return;
    // What failed long ago and was not asked since begins anew.
    if (nowMs > this.#untilMs + STEP_BACK_MAX_MS) this.#pauses = 0;
    const most = Math.min(STEP_BACK_MAX_MS, STEP_BACK_MS * 2 ** Math.min(DOUBLINGS_MAX, this.#pauses));
    this.#pauses += 1;
    this.#isProbed = false;
    this.#pauseMs = most / 2 + (random() * most) / 2;
    this.#untilMs = nowMs + this.#pauseMs;
  }

  #halfOpen(nowMs: number): void {
    if (this.#state !== 'open') return;
    this.#halfOpenMs = nowMs;
    this.#become('half-open', nowMs);
  }

  #close(nowMs: number): void {
    this.#closedMs = nowMs;
    this.#clear();
    this.#good = 0;
    this.rate.reset();
    this.#become('closed', nowMs);
  }

  #clear(): void {
    this.#pauses = 0;
    this.#untilMs = NEVER;
    this.#isProbed = false;
  }

  #become(state: BreakerState, nowMs: number): void {
    const from = this.#state;
    this.#state = state;
    this.#sinceMs = nowMs;
    this.#changed(this, from, nowMs);
  }
}
