/** Limits of callers and of what they ask for, in this process: counted alone, or together with others. */
import { Limiter } from '../limits/limiter.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { createBank, type Bank } from '../shared/limit-bank.ts';
import type { Count } from '../shared/count.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Gate, Owner } from './gate.ts';
import { LimitLine } from './limit-line.ts';
import { targetRefusal } from './limit.ts';
import type { Meters } from './meters.ts';
import type { Clock, World } from './world.ts';

/** How often others hear that this process lives, and what it has not used. */
const TICK_MS = 1000;

export interface LimitParts extends Pick<World, 'clock' | 'timers' | 'underWay'> {
  readonly snapshot: () => Snapshot;
  readonly ownersOf: (key: Parameters<Gate['ownersOf']>[0]) => readonly Owner[];
  readonly meters: Pick<Meters, 'limitWaitS'>;
  readonly book: Metrics;
  readonly log: Log;
  /** Absent: nothing is shared. */
  readonly together?: { readonly count: Count } | undefined;
}

export interface LimitBooks extends Pick<World, 'gate' | 'targetRestMs'> {
  close(): Promise<void>;
}

export function openLimits(parts: LimitParts): LimitBooks {
  const { clock, snapshot, ownersOf, book, meters } = parts;
  const limiter = new Limiter();
  const nowMs = (): number => clock.monotonicMs();
  const bank =
    parts.together === undefined
      ? undefined
      : bankOf(parts, parts.together.count, { limiter, freed: () => line.moved() });
  const draw: Gate['draw'] = async (orders) => bank?.draw(orders);
  const line: LimitLine = new LimitLine({
    ...parts,
    limiter,
    draw,
    nowMs,
    queue: () => snapshot().rates.queue,
    waited: (seconds, result) => meters.limitWaitS.observe({ result }, seconds),
  });
  gauges(book, line, bank);
  const gate: Gate = { limiter, ownersOf, draw, line };
  const ticking = bank === undefined ? undefined : tickingOf(bank);
  return {
    gate,
    targetRestMs: (target) => targetRefusal(target, snapshot().rates, { gate, clock })?.waitMs ?? 0,
    async close() {
      clearInterval(ticking);
      await bank?.close();
    },
  };
}

function bankOf(
  { clock, log }: Pick<LimitParts, 'log'> & { readonly clock: Clock },
  count: Count,
  here: { readonly limiter: Limiter; readonly freed: () => void },
): Bank {
  return createBank({
    ...here,
    count,
    monotonicMs: () => clock.monotonicMs(),
    changed: (isShared, reason) => {
      if (isShared) log('info', 'limits are counted together with other processes');
      else log('warn', 'the shared count of limits does not answer: each process counts its part alone', { reason });
    },
  });
}

function tickingOf(bank: Bank): NodeJS.Timeout {
  let isTicking = false;
  const tick = (): void => {
    if (isTicking) return;
    isTicking = true;
    void bank.tick().finally(() => {
      isTicking = false;
    });
  };
  tick();
  return setInterval(tick, TICK_MS).unref();
}

function gauges(book: Metrics, line: LimitLine, bank: Bank | undefined): void {
  book.gauges('turnout_limit_waiting', 'Requests that wait for a limit, by organisation.', () =>
    line.waiting().map(([org, count]) => [{ org }, count]),
  );
  if (bank === undefined) return;
  book.gauge('turnout_limits_shared', '1 while limits are counted together with other processes.', () =>
    bank.isShared() ? 1 : 0,
  );
  book.gauge('turnout_processes', 'Processes that count limits together, as far as is known.', () => bank.processes());
}
