/**
 * All that is learned of targets while serving, in one place: what every end of an attempt teaches, and what the next plan
 * may know of it. No clock, no dice, no file: time is given with each call (`nowMs`, monotonic).
 */
import type { Fault } from '../chat/fault.ts';
import type { Outcome } from '../chat/outcome.ts';
import { compact, type Json, type JsonRecord } from '../lib/json.ts';
import type { Observation } from '../routing/observation.ts';
import type { Target } from '../routing/target.ts';
import { Breaker, type BreakerState, type Ending, type Reason } from './breaker.ts';
import { Sent } from './headroom.ts';
import { KeyRest } from './key-rest.ts';
import { Learned } from './learned.ts';
import { Lengths } from './lengths.ts';
import { lessonOf, type Alert, type Lesson } from './lessons.ts';
import type { Allowances } from './limit-headers.ts';
import { outlierAmong } from './outliers.ts';
import { RetryBudget } from './retry-budget.ts';
import { readSaved, writeSaved } from './saved.ts';
import { SETTINGS, type Settings } from './settings.ts';
import { Speeds } from './speeds.ts';
import { Table } from './table.ts';

/** More targets and keys than any gateway serves at a time. */
const TARGETS_MAX = 5000;
/** Models that stand in no catalog or configuration: those of a server of one's own, and whatever callers make up. */
const UNLISTED_MAX = 500;
/** Of targets, and of lengths, the last used so many are written down: half a megabyte, and a few milliseconds. */
const SAVED_MAX = 2000;
/** Peers that are compared: of a thousand keys for one model, those last used. */
const PEERS_MAX = 50;
/** How often a target is held against the others of its model. */
const COMPARE_EVERY_MS = 1000;
/** The caller's own deadline, or our shutdown: nobody's fault, but for a target that was silent for too long. */
const OWN_TIME = 'total_timeout';
const CUT_SHORT: ReadonlySet<string> = new Set([OWN_TIME, 'shutdown']);
const SILENCE: Lesson = { of: 'target', how: 'error' };

/** As much of a target as health looks at. Targets of the same model are peers. */
export type Watched = Pick<Target, 'id' | 'keyId' | 'model' | 'isKnown' | 'allowed'>;

export interface ObservatoryOptions {
  /** In force now. */
  readonly settings?: () => Settings;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Called at each change of a breaker. */
  readonly changed?: (change: Change) => void;
}

export interface Change {
  /** Of the target or the key. */
  readonly id: string;
  readonly of: 'target' | 'key';
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: Reason | undefined;
  readonly nowMs: number;
}

/** How an attempt ended: as it went, or before anything could be sent. */
export type End = Outcome | { readonly kind: 'unsent'; readonly fault?: Fault };

export interface Ended {
  readonly end: End;
  /** Monotonic, as given to `begin`. */
  readonly startedMs: number;
  /** Empty where a model was named directly. */
  readonly route: string;
  /** Content was to come as soon as there was some; a whole answer is silent until its end. */
  readonly isStreaming?: boolean;
}

/** What an operator must hear of. */
export interface Heard extends Alert {
  /** It was not known before. */
  readonly isNews: boolean;
}

/** What an operator sees of a target. */
export interface HealthRow extends Observation {
  readonly target: string;
  readonly state: BreakerState;
  readonly reason?: Reason;
  /** Milliseconds since the last change of state; absent: there was none. */
  readonly forMs?: number;
  readonly key?: { readonly state: BreakerState; readonly reason?: Reason };
}

export class Observatory {
  readonly lengths = new Lengths();
  readonly retries: RetryBudget;
  readonly #options: ObservatoryOptions;
  readonly #settings: () => Settings;
  readonly #targets: Table<Learned>;
  /** Apart, so that names which callers make up push out nothing that others need; not written down. */
  readonly #unlisted: Table<Learned>;
  /** Only those that something was wrong with. */
  readonly #keys: Table<Breaker>;
  /** By key, where one of its models asked for a rest. */
  readonly #rests = new Table(TARGETS_MAX, () => new KeyRest());
  /** By key, where the configuration has limits for it. */
  readonly #sent = new Table(TARGETS_MAX, () => new Sent());
  /** Ids of targets by model. */
  readonly #peers = new Table<Set<string>>(TARGETS_MAX, () => new Set());
  readonly #all = new Speeds();

  constructor(options: ObservatoryOptions) {
    this.#options = options;
    this.#settings = options.settings ?? (() => SETTINGS);
    this.retries = new RetryBudget(() => this.#settings().retryShare);
    const learned = (id: string): Learned => new Learned(this.#breaker('target', id));
    this.#targets = new Table(TARGETS_MAX, learned);
    this.#unlisted = new Table(UNLISTED_MAX, learned);
    this.#keys = new Table(TARGETS_MAX, (id) => this.#breaker('key', id));
  }

  /** What a plan may know. O(1); changes nothing. */
  observe(target: Watched, nowMs: number): Observation {
    const { keyId, allowed } = target;
    const learned = this.#tableOf(target).get(target.id);
    const isKeyAway = this.#keys.get(keyId)?.isAway(nowMs) === true;
    const sent = allowed === undefined ? undefined : this.#sent.get(keyId);
    const waitMs = allowed === undefined ? 0 : (sent?.waitMs(allowed, nowMs) ?? 0);
    const restMs = Math.max(waitMs, this.#rests.get(keyId)?.restMs(nowMs) ?? 0);
    const { adapts } = this.#settings();
    if (learned !== undefined)
      return learned.see({ nowMs, isKeyAway, restMs, allowed, sent, adapts, others: this.#all });
    const ttftMs = this.#all.ttft(nowMs);
    const unseen = { restMs, isDoubted: isKeyAway, inFlight: 0 };
    return ttftMs === undefined ? unseen : { ...unseen, ttftMs: { ...ttftMs, count: 0 } };
  }

  /** An attempt begins: in the same breath as the choice, so that of all that choose at once one probes. */
  begin(target: Watched, nowMs: number): void {
    const { keyId, allowed } = target;
    const learned = this.#tableOf(target).use(target.id);
    learned.breaker.begin(nowMs);
    this.#keys.get(keyId)?.begin(nowMs);
    learned.inFlight.begin();
    learned.headroom.begin(nowMs);
    if (allowed !== undefined) this.#sent.use(keyId).requests.add(1, nowMs);
  }

  /** Whether the head of a reply is worth looking at for rate limits. */
  listensTo(target: Watched, nowMs: number): boolean {
    return this.#tableOf(target).get(target.id)?.headroom.isStale(nowMs) !== false;
  }

  /** The head of a reply has told of rate limits. */
  told(target: Watched, allowances: Allowances, nowMs: number): void {
    this.#tableOf(target).use(target.id).headroom.told(allowances, nowMs);
  }

  /** Each attempt that began ends here, once. */
  ended(target: Watched, ended: Ended, nowMs: number): Heard | undefined {
    const learned = this.#tableOf(target).use(target.id);
    const at: Ending = { nowMs, startedMs: ended.startedMs, random: this.#options.random };
    this.#measure(learned, target, { ended, at });
    const heard =
      ended.end.kind === 'answered'
        ? this.#answered(learned, target, at)
        : this.#taught(learned, target, { ended, at });
    learned.inFlight.end();
    if (nowMs - learned.comparedMs >= COMPARE_EVERY_MS) this.#compare(learned, target, at);
    return heard;
  }

  /** Another process has opened the breaker of a target or key. */
  suspect({ of, id }: Pick<Change, 'of' | 'id'>, nowMs: number): void {
    const breaker = of === 'key' ? this.#keys.use(id) : this.#targets.use(id).breaker;
    breaker.suspect({ nowMs, random: this.#options.random });
  }

  /**
   * Everything that was learned and outlasts a minute, but for keys: who starts us anew has often done so because of one.
   * `unixMs`: milliseconds since 1970.
   */
  save(nowMs: number, unixMs: number): JsonRecord {
    return writeSaved({
      savedAtMs: unixMs,
      targets: this.#targets
        .entries()
        .slice(-SAVED_MAX)
        .map(([id, learned]) => learned.save(id, nowMs)),
      lengths: this.lengths.save(nowMs, SAVED_MAX),
      all: this.#all.save(nowMs),
    });
  }

  /**
   * Takes over what `save` gave, as old as the wall clock says; before any request. A clock that went back makes it new, and
   * one that went ahead makes it fade sooner: neither keeps anyone away for longer. Says whether it could be read.
   */
  restore(saved: Json | undefined, { nowMs, unixMs }: { readonly nowMs: number; readonly unixMs: number }): boolean {
    const file = readSaved(saved);
    if (file === undefined) return false;
    const fromMs = nowMs - Math.max(0, unixMs - file.savedAtMs);
    for (const target of file.targets) this.#targets.use(target.id).load(target, fromMs);
    this.lengths.load(file.lengths, fromMs);
    this.#all.load(file.all, fromMs);
    return true;
  }

  /** Those of `targets` of which anything is known. */
  rows(targets: Iterable<Watched>, nowMs: number): readonly HealthRow[] {
    const rows: HealthRow[] = [];
    for (const target of targets) {
      const learned = this.#tableOf(target).get(target.id);
      const key = this.#keys.get(target.keyId);
      if (learned === undefined && key === undefined) continue;
      const row = learned?.breaker.row(nowMs);
      const isChanged = row !== undefined && Number.isFinite(row.sinceMs);
      rows.push(
        compact({
          target: target.id,
          state: row?.state ?? 'closed',
          reason: row?.reason,
          forMs: isChanged ? nowMs - row.sinceMs : undefined,
          key: key === undefined ? undefined : compact({ state: key.state, reason: key.reason }),
          ...this.observe(target, nowMs),
        }),
      );
    }
    return rows;
  }

  #tableOf({ isKnown }: Watched): Table<Learned> {
    return isKnown ? this.#targets : this.#unlisted;
  }

  #breaker(of: Change['of'], id: string): Breaker {
    const { changed } = this.#options;
    return new Breaker(
      () => this.#settings().breaker,
      (one, from, nowMs) => changed?.({ id, of, from, to: one.state, reason: one.reason, nowMs }),
    );
  }

  /** Times and tokens, however it ended. */
  #measure(learned: Learned, { id, keyId, allowed }: Watched, { ended, at }: Taught): void {
    const { end, route, startedMs } = ended;
    if (end.kind === 'unsent') return;
    const { nowMs } = at;
    learned.measure(end, { durationMs: nowMs - startedMs, nowMs, all: this.#all });
    const usage = end.kind === 'refused' ? undefined : end.spent.usage;
    if (usage === undefined) return;
    const { inputTokens = 0, outputTokens } = usage;
    if (allowed !== undefined) this.#sent.use(keyId).tokens.add(inputTokens + (outputTokens ?? 0), nowMs);
    if (outputTokens !== undefined && end.kind === 'answered')
      this.lengths.add({ route, targetId: id }, outputTokens, nowMs);
  }

  #answered({ breaker }: Learned, { keyId }: Watched, at: Ending): undefined {
    breaker.answered(at);
    this.#keys.get(keyId)?.answered(at);
  }

  #taught(learned: Learned, target: Watched, { ended, at }: Taught): Heard | undefined {
    const { end } = ended;
    const of = 'fault' in end ? end.fault : undefined;
    if (of?.retryAfterMs !== undefined) {
      const untilMs = learned.rest(of.retryAfterMs, at.nowMs);
      this.#rests.use(target.keyId).asked(target.id, untilMs, at.nowMs);
    }
    const lesson = isGivenUp(ended)
      ? silenceOf(ended, at.nowMs - at.startedMs - learned.patienceMs(at.nowMs))
      : lessonFor(of, target);
    if (lesson !== undefined && 'reason' in lesson) return this.#lasting(learned, target, { lesson, at });
    // Whether the key is good, it did not tell.
    this.#keys.get(target.keyId)?.untold(at);
    if (lesson === undefined) learned.breaker.untold(at);
    else learned.failed(lesson.how, of?.retryAfterMs !== undefined, at);
    return undefined;
  }

  #lasting(
    learned: Learned,
    target: Watched,
    { lesson, at }: { readonly lesson: Lasting; readonly at: Ending },
  ): Heard {
    const breaker = lesson.of === 'key' ? this.#keys.use(target.keyId) : learned.breaker;
    const isNews = breaker.state === 'closed' || breaker.reason !== lesson.reason;
    breaker.failedFor(lesson.reason, at);
    if (lesson.of === 'key') learned.breaker.untold(at);
    return { ...lesson.alert, isNews };
  }

  /** Opens the worst of the model's targets, where it is far worse than the others. */
  #compare(learned: Learned, { id, model, isKnown }: Watched, at: Ending): void {
    learned.comparedMs = at.nowMs;
    // Of what was made up, nothing is ever counted.
    if (!isKnown && learned.breaker.rate.count(at.nowMs) === 0) return;
    const ids = this.#peers.use(model);
    ids.delete(id);
    ids.add(id);
    if (ids.size < 2) return;
    if (ids.size > PEERS_MAX) for (const oldest of [...ids].slice(0, ids.size - PEERS_MAX)) ids.delete(oldest);
    const peers = [...ids].flatMap((peer) => this.#targets.get(peer) ?? this.#unlisted.get(peer) ?? []);
    const found = outlierAmong(
      peers.map((peer) => peerOf(peer, at.nowMs)),
      this.#settings().ejectMax,
    );
    const worst = found === undefined ? undefined : peers[found.index];
    if (found === undefined || worst === undefined) return;
    worst.breaker.open(found.reason, at);
    // It is to be judged by what it does from now on.
    if (found.reason === 'outlier-slow') worst.speeds.forget();
  }
}

interface Taught {
  readonly ended: Ended;
  readonly at: Ending;
}

type Lasting = Extract<Lesson, { readonly reason: Reason }>;

function lessonFor(of: Fault | undefined, { isKnown }: Watched): Lesson | undefined {
  if (of === undefined || of.isHearsay === true) return undefined;
  // A name that stands in no catalog was the caller's idea: nothing is gone that was ever there.
  return of.code === 'upstream-not-found' && !isKnown ? undefined : lessonOf(of.code);
}

/** It was not the target that ended it: the caller left, or ran out of his own time, or we are shutting down. */
function isGivenUp({ end }: Ended): boolean {
  return end.kind === 'left' || (end.kind === 'broke' && CUT_SHORT.has(end.detail));
}

/** What was given up without any content teaches of who should have sent some long ago. `overMs`: beyond all patience. */
function silenceOf({ end, isStreaming }: Ended, overMs: number): Lesson | undefined {
  if (isStreaming !== true || overMs <= 0) return undefined;
  const isOfCaller =
    (end.kind === 'left' && end.why === undefined) || (end.kind === 'broke' && end.detail === OWN_TIME);
  return isOfCaller && end.spent.ttftMs === undefined ? SILENCE : undefined;
}

function peerOf({ breaker, speeds }: Learned, nowMs: number): Parameters<typeof outlierAmong>[0][number] {
  const ttft = speeds.ttft(nowMs);
  return {
    errorRate: breaker.rate.share(),
    count: breaker.rate.count(nowMs),
    ttftMs: ttft?.p50,
    ttftCount: ttft?.count ?? 0,
    isOut: breaker.state !== 'closed',
  };
}
