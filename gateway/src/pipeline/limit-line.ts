/** Requests that wait for a limit, as `limits.queue` allows: in turn, until it is theirs, their patience ends, or their caller is gone. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Config } from '../config/schema.ts';
import { OUTSIDE } from '../lib/crowd.ts';
import { FairQueue, type Waiter } from '../limits/fair-queue.ts';
import type { Passed, Refused, Subject } from '../limits/limiter.ts';
import type { Line, Standing, Turn } from './gate.ts';
import { pass, type PassPorts } from './limit-pass.ts';
import type { Clock, Timers, World } from './world.ts';

/** Beside its tokens, a request costs so much of a turn. */
const REQUEST_COST = 1000;
/** Looked again not sooner: the wheel's tick. */
const PAUSE_MIN_MS = 10;
/** And at the latest: a limit may have been raised, or what was put down come back. */
const PAUSE_MAX_MS = 1000;

export interface LinePorts extends PassPorts, Pick<World, 'underWay'> {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Absent: nobody waits. */
  readonly queue: () => Config['limits']['queue'];
  /** How long somebody has waited, and whether it was worth it. */
  readonly waited: (seconds: number, result: 'passed' | 'refused' | 'gone') => void;
}

interface Waiting extends Standing {
  refused: Refused | undefined;
  /** Whose limit it waits for. */
  blockedBy: string;
  isOver: boolean;
  /** The shared count is being asked for it. */
  isAsking: boolean;
  /** It may go when its turn comes: the shared count has counted it. */
  passed: Passed | undefined;
  /** When its patience ends, monotonic. */
  readonly untilMs: number;
  readonly end: (turn: Turn) => void;
}

export class LimitLine implements Line {
  readonly #ports: LinePorts;
  readonly #queue = new FairQueue<Waiting>();
  /** How many wait for a limit of each subject. */
  readonly #blocked = new Map<string, number>();
  #size = 0;
  #cancel = (): void => undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #isServing = false;

  constructor(ports: LinePorts) {
    this.#ports = ports;
  }

  isBefore(subjects: readonly Subject[]): boolean {
    return this.#size > 0 && subjects.some((subject) => this.#blocked.has(nameOf(subject)));
  }

  wait(standing: Standing, refused: Refused | undefined): Promise<Turn> | undefined {
    const settings = this.#ports.queue();
    if (settings === undefined || this.#size >= settings.size || standing.signal.aborted) return undefined;
    // Who would wait in vain is told so at once.
    if (refused !== undefined && refused.waitMs > settings.wait_ms) return undefined;
    return this.#enqueue(standing, refused, settings.wait_ms);
  }

  moved(): void {
    if (this.#size > 0) this.#serve();
  }

  /** How many wait, by organisation. */
  waiting(): readonly (readonly [org: string, count: number])[] {
    return this.#queue.waiting();
  }

  #enqueue(standing: Standing, refused: Refused | undefined, patienceMs: number): Promise<Turn> {
    const { clock, timers, underWay, waited } = this.#ports;
    return new Promise((resolve) => {
      const startedMs = clock.monotonicMs();
      const leave = (): void => waiting.end('gone');
      const member = { place: OUTSIDE, stop: (): void => waiting.end('shutting-down') };
      const cancel = timers.after(patienceMs, () => this.#outOfPatience(waiting));
      const blockedBy = refused === undefined ? '' : nameOf(refused.subject);
      const end = (turn: Turn): void => {
        if (waiting.isOver) return;
        waiting.isOver = true;
        this.#size -= 1;
        this.#note(waiting.blockedBy, -1);
        this.#queue.remove({ ...standing, item: waiting });
        cancel();
        standing.signal.removeEventListener('abort', leave);
        underWay.leave(member);
        if (waiting.passed !== undefined && turn !== waiting.passed) this.#giveBack(waiting.passed);
        waited((clock.monotonicMs() - startedMs) / 1000, typeof turn === 'string' ? 'gone' : turn.kind);
        resolve(turn);
      };
      const untilMs = startedMs + patienceMs;
      const waiting: Waiting = {
        ...standing,
        refused,
        blockedBy,
        isOver: false,
        isAsking: false,
        passed: undefined,
        untilMs,
        end,
      };
      this.#size += 1;
      this.#note(blockedBy, 1);
      standing.signal.addEventListener('abort', leave, { once: true });
      underWay.enter(member);
      this.#queue.push(waiterOf(waiting));
      this.#later(Math.min(patienceMs, refused?.waitMs ?? 0));
    });
  }

  #note(name: string, by: number): void {
    const count = (this.#blocked.get(name) ?? 0) + by;
    if (count <= 0) this.#blocked.delete(name);
    else this.#blocked.set(name, count);
  }

  #block(waiting: Waiting, refused: Refused): void {
    this.#note(waiting.blockedBy, -1);
    waiting.refused = refused;
    waiting.blockedBy = nameOf(refused.subject);
    this.#note(waiting.blockedBy, 1);
  }

  #outOfPatience(waiting: Waiting): void {
    const { limiter, clock } = this.#ports;
    const last = waiting.refused ?? limiter.refusal(waiting.subjects, waiting.need, clock.monotonicMs());
    if (last === undefined) this.#goes(waiting);
    else waiting.end(last);
  }

  /** Whether it goes now. While the shared count is asked for it, those behind it wait, so that it keeps its place. */
  #goes(waiting: Waiting): boolean {
    if (waiting.isOver) return true;
    if (waiting.isAsking) return false;
    const result = waiting.passed ?? pass(waiting, this.#ports);
    if (result instanceof Promise) {
      waiting.isAsking = true;
      void result.then((turn) => this.#told(waiting, turn));
      return false;
    }
    if (result.kind === 'passed') waiting.end(result);
    else this.#block(waiting, result);
    return result.kind === 'passed';
  }

  #told(waiting: Waiting, turn: Passed | Refused): void {
    const isLate = this.#ports.clock.monotonicMs() >= waiting.untilMs;
    waiting.isAsking = false;
    if (waiting.isOver) {
      if (turn.kind === 'passed') this.#giveBack(turn);
    } else if (isLate) {
      waiting.end(turn);
    } else if (turn.kind === 'refused') {
      this.#block(waiting, turn);
      this.#later(turn.waitMs);
    } else {
      waiting.passed = turn;
      this.#serve();
    }
  }

  #giveBack(passed: Passed): void {
    const { limiter, clock } = this.#ports;
    limiter.settle(passed, { inputTokens: 0, outputTokens: 0 }, clock.monotonicMs());
  }

  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    let nextMs = Number.POSITIVE_INFINITY;
    this.#queue.serve((waiting) => {
      const goes = this.#goes(waiting);
      if (!goes) nextMs = Math.min(nextMs, waiting.refused?.waitMs ?? nextMs);
      return goes;
    });
    this.#isServing = false;
    if (this.#size > 0) this.#later(nextMs);
  }

  #later(delayMs: number): void {
    const { clock, timers } = this.#ports;
    const waitMs = Math.max(PAUSE_MIN_MS, Math.min(delayMs, PAUSE_MAX_MS));
    const atMs = clock.monotonicMs() + waitMs;
    if (atMs >= this.#dueMs) return;
    this.#cancel();
    this.#dueMs = atMs;
    this.#cancel = timers.after(waitMs, () => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#serve();
    });
  }
}

function waiterOf(waiting: Waiting): Waiter<Waiting> {
  const { org, key, need } = waiting;
  return { org, key, cost: REQUEST_COST + need.inputTokens + need.outputTokens, item: waiting };
}

function nameOf({ scope, id }: Subject): string {
  return `${scope}:${id}`;
}

/** Whoever goes away, or is sent away by our own end, is no longer asked about limits. */
export function faultOfTurn(turn: 'gone' | 'shutting-down'): Fault {
  return turn === 'gone' ? fault('client-closed') : fault('shutting-down', {}, { retryAfterMs: 1000 });
}
