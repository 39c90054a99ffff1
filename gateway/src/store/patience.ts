/** Asks the store again while it is busy or away, for as long as a person would wait. */
import { setTimeout as delay } from 'node:timers/promises';
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { troubleOf } from './books/sqlite.ts';

/** How long admin calls and reads wait. */
export const PATIENCE_MS = 5000;
const RETRY_MS = 50;

/** What `ask` gives, or `store-unavailable` where the store stays in trouble. Bugs are thrown on. */
export async function patiently<T>(ask: () => Promise<T>, patienceMs: number = PATIENCE_MS): Promise<Result<T, Fault>> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return ok(await ask());
    } catch (error) {
      if (troubleOf(error) === undefined) throw error;
      if (performance.now() >= untilMs) return err(fault('store-unavailable'));
      await delay(RETRY_MS);
    }
  }
}
