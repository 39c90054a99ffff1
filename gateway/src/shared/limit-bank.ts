/**
 * Limits that several processes share. While the shared count answers, each limit is one count there; while it does not, each
 * process counts alone, its share of every limit being one part of as many as there are processes.
 */
import type { Limiter } from '../limits/limiter.ts';
import type { Answer, Meter, Order } from '../limits/meter.ts';
import type { Count } from './count.ts';
import { reasonOf } from './in-time.ts';

/** Limits that are told of in one go. */
const NEWS_MAX = 100;

export interface BankOptions {
  readonly count: Count;
  readonly limiter: Limiter;
  readonly monotonicMs: () => number;
  /** Called when it begins to answer, and when it stops; with the reason. */
  readonly changed: (isShared: boolean, reason: string) => void;
  /** Something may be free again of a limit that was in the way. */
  readonly freed: () => void;
}

export interface Bank {
  /** Undefined where nobody answers: from then on limits are counted alone. */
  draw(orders: readonly Order[]): Promise<readonly Answer[] | undefined>;
  /** To be called every second: says that this process lives, and tells what is new. */
  tick(): Promise<void>;
  /** What this process had of slices goes back. */
  close(): Promise<void>;
  readonly isShared: () => boolean;
  readonly processes: () => number;
}

export function createBank({ count, limiter, monotonicMs, changed, freed }: BankOptions): Bank {
  let { processes } = count;
  // Whoever is near is there from the beginning; of the other that must be seen first.
  let isShared = count.isNear;
  const due = new Set<Meter>();
  countAs(isShared);

  function countAs(shared: boolean): void {
    limiter.count(shared ? { kind: 'shared', isNear: count.isNear } : { kind: 'alone', share: 1 / processes });
  }

  function become(shared: boolean, reason: string): void {
    countAs(shared);
    if (shared !== isShared) changed(shared, reason);
    isShared = shared;
  }

  async function tell(orders: readonly Order[]): Promise<void> {
    const askedMs = monotonicMs();
    try {
      const answers = await count.draw(orders);
      for (const [index, order] of orders.entries()) {
        const answer = answers[index];
        if (answer !== undefined) order.meter.answered(order, answer, askedMs);
      }
    } catch (error) {
      for (const order of orders) order.meter.unanswered(order);
      throw error;
    }
  }

  async function tellAll(): Promise<void> {
    const orders = limiter.news(monotonicMs(), !isShared);
    for (let at = 0; at < orders.length; at += NEWS_MAX) await tell(orders.slice(at, at + NEWS_MAX));
  }

  /** What cannot be told now, since more is being asked, goes along with that, or is told when it is answered. */
  async function tellDue(): Promise<void> {
    const orders = Array.from(due).flatMap((meter) => meter.news(monotonicMs(), false) ?? []);
    due.clear();
    if (orders.length > 0) await tell(orders).catch((error: unknown) => become(false, reasonOf(error)));
  }

  limiter.whenMistaken((meter) => {
    if (due.size === 0) queueMicrotask(() => void tellDue());
    due.add(meter);
  });
  count.whenFreed((names) => {
    limiter.freed(names);
    freed();
  });
  return {
    async draw(orders) {
      try {
        return await count.draw(orders);
      } catch (error) {
        become(false, reasonOf(error));
        return undefined;
      }
    },
    async tick() {
      try {
        processes = Math.max(1, await count.beat());
        await tellAll();
        become(true, '');
      } catch (error) {
        become(false, reasonOf(error));
      }
    },
    close: async () => tellAll().catch(() => undefined),
    isShared: () => isShared,
    processes: () => processes,
  };
}
