/**
 * One run: the traffic, through a router, to the providers, in virtual time. The loop is that of `pipeline/handle.ts` with
 * its waits, deadline, hedges and slow first tokens, without bodies, sockets and books.
 */
import { fault, type Fault } from '../../src/chat/fault.ts';
import {
  createProviders,
  type Ended,
  type Load,
  type Providers,
  type Spent,
  type TargetModel,
} from './provider-model.ts';
import { createQueue, type Queue } from './queue.ts';
import type { Request } from './traffic.ts';

export type Step =
  | { readonly do: 'try'; readonly targetId: string; readonly afterMs: number }
  | { readonly do: 'stop'; readonly fault?: Fault };

export interface Failed {
  readonly targetId: string;
  readonly fault: Fault;
}

/** What decides for one request: the real plan with `next`, or a rival's idea. */
export interface Course {
  /** The first step and each after a failure. */
  next(failures: readonly Failed[], leftMs: number): Step;
  /** After so long without content, another target is asked too, if `hedge` names one. */
  readonly hedgeAfterMs?: number;
  hedge?(tried: readonly string[]): string | undefined;
  /** An attempt without content by then is given up, where another target is left. */
  readonly firstTokenMs?: number;
}

export interface Router {
  course(request: Request, nowMs: number): Course;
  begun?(request: Request, targetId: string, nowMs: number): void;
  content?(request: Request, targetId: string, ttftMs: number): void;
  ended?(request: Request, targetId: string, end: Ended, nowMs: number): void;
}

/** Makes the router of a run. Rivals that know the truth may look at the providers. */
export type RouterOf = (world: {
  readonly queue: Queue;
  readonly providers: Providers;
  readonly seed: number;
}) => Router;

export interface Row {
  readonly request: Request;
  /** Absent: no answer. */
  readonly targetId?: string;
  readonly fault?: Fault;
  /** From the request's arrival to the first content, failed attempts before it included. */
  readonly ttftMs?: number;
  readonly endedMs: number;
  readonly attempts: readonly string[];
  readonly hedged: boolean;
  /** Of all attempts, cancelled ones too. */
  readonly nanoUsd: bigint;
  /** Of the attempts that were cancelled. */
  readonly lostNanoUsd: bigint;
  readonly answer?: Spent;
}

export interface Run {
  readonly rows: readonly Row[];
  readonly loads: ReadonlyMap<string, Load>;
  readonly forMs: number;
}

export interface RunOptions {
  readonly seed: number;
  readonly models: readonly TargetModel[];
  readonly requests: readonly Request[];
  readonly router: RouterOf;
  /** Longest wait for a first content. */
  readonly firstByteMs?: number;
  readonly totalMs?: number;
}

const FIRST_BYTE_MS = 10_000;
const TOTAL_MS = 120_000;

export function simulate(options: RunOptions): Run {
  const { seed, models, requests } = options;
  const queue = createQueue();
  const providers = createProviders(models, queue, seed);
  const router = options.router({ queue, providers, seed });
  const world: World = { ...options, queue, providers, router };
  const rows: Row[] = [];
  for (const request of requests) {
    queue.after(request.atMs, () => serve(request, world, (row) => rows.push(row)));
  }
  queue.run();
  const loads = new Map(models.map(({ id }) => [id, { ...providers.load(id) }]));
  return { rows: rows.toSorted((a, b) => a.request.id - b.request.id), loads, forMs: requests.at(-1)?.atMs ?? 0 };
}

interface World extends Omit<RunOptions, 'router'> {
  readonly queue: Queue;
  readonly providers: Providers;
  readonly router: Router;
}

interface Open {
  readonly targetId: string;
  readonly cancel: () => Spent;
}

function serve(request: Request, world: World, close: (row: Row) => void): void {
  const { queue, providers, router, firstByteMs = FIRST_BYTE_MS, totalMs = TOTAL_MS } = world;
  const startedMs = queue.nowMs();
  const course = router.course(request, startedMs);
  const failures: Failed[] = [];
  const attempts: string[] = [];
  const open = new Set<Open>();
  let winner: Open | undefined;
  let hedged = false;
  let nanoUsd = 0n;
  let lostNanoUsd = 0n;
  let ttftMs: number | undefined;

  const leftMs = (): number => startedMs + totalMs - queue.nowMs();

  function step(): void {
    const next = course.next(failures, leftMs());
    if (next.do === 'stop') finish({ fault: next.fault ?? failures.at(-1)?.fault ?? fault('no-target') });
    else if (next.afterMs > 0) queue.after(next.afterMs, () => begin(next.targetId));
    else begin(next.targetId);
  }

  function begin(targetId: string): void {
    const begunMs = queue.nowMs();
    attempts.push(targetId);
    router.begun?.(request, targetId, begunMs);
    const timers: (() => void)[] = [];
    const off = (): void => {
      for (const timer of timers) timer();
    };
    const cancelUpstream = providers.send(request, targetId, {
      content() {
        off();
        if (winner !== undefined) return;
        winner = one;
        ttftMs = queue.nowMs() - startedMs;
        router.content?.(request, targetId, queue.nowMs() - begunMs);
        for (const other of open) if (other !== one) leave(other);
      },
      ended(end) {
        off();
        open.delete(one);
        router.ended?.(request, targetId, end, queue.nowMs());
        if (end.kind === 'answered') {
          nanoUsd += end.spent.nanoUsd;
          finish({ targetId, answer: end.spent });
        } else if (end.kind === 'failed') failed(end.fault);
      },
    });
    const one: Open = {
      targetId,
      cancel() {
        off();
        return cancelUpstream();
      },
    };
    open.add(one);

    function failed(of: Fault): void {
      failures.push({ targetId, fault: of });
      // The other of two goes on alone, and nothing is asked in the place of this one.
      if (open.size === 0) step();
    }

    function giveUp(): void {
      leave(one, { kind: 'failed', fault: fault('upstream-timeout') });
      failed(fault('upstream-timeout'));
    }

    timers.push(queue.after(Math.min(firstByteMs, leftMs()), giveUp));
    if (course.firstTokenMs !== undefined && course.firstTokenMs < firstByteMs) {
      timers.push(
        queue.after(course.firstTokenMs, () => {
          const after = course.next([...failures, { targetId, fault: fault('upstream-timeout') }], leftMs());
          if (after.do === 'try' && !attempts.includes(after.targetId)) giveUp();
        }),
      );
    }
    if (course.hedgeAfterMs !== undefined && attempts.length === 1) {
      timers.push(
        queue.after(course.hedgeAfterMs, () => {
          const second = course.hedge?.(attempts);
          if (second === undefined) return;
          hedged = true;
          begin(second);
        }),
      );
    }
  }

  /** Cancels an attempt. What it has cost by then is paid. */
  function leave(one: Open, end?: Ended): void {
    open.delete(one);
    const spent = one.cancel();
    nanoUsd += spent.nanoUsd;
    lostNanoUsd += spent.nanoUsd;
    router.ended?.(request, one.targetId, end ?? { kind: 'left', spent }, queue.nowMs());
  }

  function finish(how: Pick<Row, 'targetId' | 'fault' | 'answer'>): void {
    const first = ttftMs === undefined ? {} : { ttftMs };
    close({ request, ...how, ...first, endedMs: queue.nowMs(), attempts, hedged, nanoUsd, lostNanoUsd });
  }

  step();
}
