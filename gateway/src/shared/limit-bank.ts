/**
 * Limits that several processes share. While Valkey answers, each limit is one count there; while it does not, each process
 * counts alone, its share of every limit being one part of as many as there were processes.
 */
import { isArray } from '../lib/json.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Answer, Order } from '../limits/meter.ts';
import { DRAW } from './limits-script.ts';
import { scriptOf, type Link } from './link.ts';

/** Who was not heard of for so long is no process. */
const ALIVE_MS = 5000;
/** Limits that are told of in one go. */
const NEWS_MAX = 100;
/** All keys lie together, so that one script may see them. */
const PREFIX = '{turnout}:limit:';
const PROCESSES = '{turnout}:processes';

const draw = scriptOf(DRAW);
/** KEYS: the set. ARGV: process. Gives how many there are. */
const beat = scriptOf(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${ALIVE_MS})
redis.call('PEXPIRE', KEYS[1], ${ALIVE_MS * 2})
return redis.call('ZCARD', KEYS[1])
`);

export interface BankOptions {
  readonly link: Link;
  readonly limiter: Limiter;
  readonly processId: string;
  readonly monotonicMs: () => number;
  /** Called when it begins to answer, and when it stops; with the reason. */
  readonly changed: (isShared: boolean, reason: string) => void;
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

export function createBank({ link, limiter, processId, monotonicMs, changed }: BankOptions): Bank {
  let processes = 1;
  let isShared = false;
  let epochs = 0;
  limiter.count({ kind: 'alone', share: 1 });

  function become(shared: boolean, reason: string): void {
    limiter.count(shared ? { kind: 'shared' } : { kind: 'alone', share: 1 / processes });
    if (shared !== isShared) changed(shared, reason);
    isShared = shared;
  }

  async function ask(orders: readonly Order[]): Promise<readonly Answer[]> {
    epochs += 1;
    const keys = orders.map(({ meter }) => PREFIX + meter.name);
    const args = [processId, `${processId}.${epochs}`, ...orders.flatMap(argsOf)];
    const answer = await link.run(draw, keys, args);
    if (!isArray(answer)) throw new Error('an answer that is none');
    return orders.map((_, index) => answerOf(answer[index]));
  }

  async function tell(orders: readonly Order[]): Promise<void> {
    const askedMs = monotonicMs();
    try {
      const answers = await ask(orders);
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
    const orders = limiter.news(monotonicMs());
    for (let at = 0; at < orders.length; at += NEWS_MAX) await tell(orders.slice(at, at + NEWS_MAX));
  }

  return {
    async draw(orders) {
      try {
        return await ask(orders);
      } catch (error) {
        become(false, reasonOf(error));
        return undefined;
      }
    },
    async tick() {
      try {
        processes = Math.max(1, Number(await link.run(beat, [PROCESSES], [processId])));
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

function argsOf({ meter, need, want, debt, own, unused }: Order): readonly string[] {
  const { windowMs, max } = meter.limit;
  const numbers = [windowMs, max, need, want, debt, own].map(String);
  return [...numbers, meter.epoch, String(unused.length), ...unused.flat().map(String)];
}

/** As the script gives it: kind, slot, extra, rest or wait, epoch. */
function answerOf(row: unknown): Answer {
  if (!isArray(row) || row.length < 5) throw new Error('an answer that is none');
  const [kind, slot, extra, rest, epoch] = row.map(String);
  if (kind === undefined || epoch === undefined) throw new Error('an answer that is none');
  if (kind === 'dry') return { kind, waitMs: Number(rest), epoch };
  if (kind === 'drawn') return { kind, slot: Number(slot), extra: Number(extra), rest: Number(rest), epoch };
  return { kind: 'not-needed', rest: Number(rest), epoch };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
