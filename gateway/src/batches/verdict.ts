/** Whether a line that ended badly is tried again, and when. Pure. */
import { specOf, type Fault } from '../chat/fault.ts';

const FIRST_MS = 250;
const WAIT_MS_MAX = 60_000;
/** What may have cost money is not repeated for a day. */
const TRIES_MAX = 10;

/** Nothing was done for it, or nobody was there: worth a try until the window ends. */
const FREE: ReadonlySet<Fault['code']> = new Set([
  'upstream-rate-limited',
  'upstream-overloaded',
  'upstream-unreachable',
  'upstream-unresolved',
  'upstream-credential',
  'rate-limited',
  'no-target',
  'all-failing',
  'overloaded',
  'store-unavailable',
]);

export type Verdict =
  | { readonly do: 'end' }
  | { readonly do: 'again'; readonly afterMs: number }
  /** As soon as no other line of the batch holds money. */
  | { readonly do: 'alone' }
  /** The process ends: the line is left to whoever takes the batch over. */
  | { readonly do: 'leave' };

export interface Tried {
  /** Tries so far, this one included. */
  readonly tries: number;
  /** No other line of the batch was under way. */
  readonly wasAlone: boolean;
  readonly random: () => number;
}

/** What follows on a fault. Waits double, up to a minute, and never end before the provider's own `retry-after`. */
export function verdictOn(of: Fault, { tries, wasAlone, random }: Tried): Verdict {
  if (of.code === 'shutting-down') return { do: 'leave' };
  if (of.code === 'budget-exceeded') return wasAlone ? { do: 'end' } : { do: 'alone' };
  const isFree = FREE.has(of.code);
  if (!isFree && (!specOf(of).retry || tries >= TRIES_MAX)) return { do: 'end' };
  const waitMs = Math.min(WAIT_MS_MAX, FIRST_MS * 2 ** Math.min(tries - 1, 20));
  // Half of it by dice, so that a thousand lines do not come back as one.
  const ownMs = waitMs / 2 + (waitMs / 2) * random();
  return { do: 'again', afterMs: Math.max(ownMs, Math.min(of.retryAfterMs ?? 0, WAIT_MS_MAX * 10)) };
}
