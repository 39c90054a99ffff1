/** The clock of a room: one interval behind all of its deadlines. */
import { createWheel, type Timer } from '../lib/wheel.ts';

export interface Deadlines {
  /** Monotonic, in ms. */
  readonly now: () => number;
  set(timer: Timer, deadlineMs: number): void;
  clear(timer: Timer): void;
  /** Stops the interval. Timers that are armed never expire then. */
  stop(): void;
}

/** Precision of the limits; fifty looks a second cost nothing that could be measured. */
const TICK_MS = 20;
const SLOT_COUNT = 512;
/** Ticks without any deadline after which the interval rests, so that an idle process can sleep. */
const REST_AFTER_TICKS = 50;

export function createDeadlines(): Deadlines {
  const wheel = createWheel({ tickMs: TICK_MS, slotCount: SLOT_COUNT, nowMs: performance.now() });
  let interval: NodeJS.Timeout | undefined;
  let emptyTicks = 0;

  // Sockets are read between timers and immediates. A process that was held up (a long collection, a stopped machine)
  // so reads what came in meanwhile before it judges anyone late.
  function advance(): void {
    wheel.advance(performance.now());
    emptyTicks = wheel.size() === 0 ? emptyTicks + 1 : 0;
    if (emptyTicks > REST_AFTER_TICKS) stop();
  }

  function stop(): void {
    clearInterval(interval);
    interval = undefined;
    emptyTicks = 0;
  }

  return {
    now: () => performance.now(),
    set(timer: Timer, deadlineMs: number): void {
      if (interval === undefined) {
        wheel.advance(performance.now());
        interval = setInterval(() => setImmediate(advance), TICK_MS);
      }
      wheel.set(timer, deadlineMs);
    },
    clear: (timer: Timer) => wheel.clear(timer),
    stop,
  };
}
