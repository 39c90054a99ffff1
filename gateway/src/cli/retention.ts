/** Takes away what is older than the configuration wants it kept, off everybody's way. */
import type { Config } from '../config/schema.ts';
import type { AskReports } from '../store/report-ports.ts';
import type { Log } from '../telemetry/log.ts';

/** It may be a minute older. */
const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** Steps of one round: some hundred thousand rows. What is left waits for the next. */
const STEPS_MAX = 2000;

export interface RetentionWorld {
  readonly reports: AskReports;
  /** As it is now. */
  readonly retention: () => Config['retention'];
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Starts it; gives what stops it. */
export function startRetention(world: RetentionWorld): () => void {
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    void retain(world).finally(() => {
      isRunning = false;
    });
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** One round. Never rejects. */
export async function retain({ reports, retention, log, now }: RetentionWorld): Promise<void> {
  const { requests_days: requests, receipts_days: receipts } = retention();
  try {
    if (requests !== undefined) await inSteps(reports, async (books) => books.dropRequests(now() - requests * DAY_MS));
    if (receipts !== undefined) await inSteps(reports, async (books) => books.dropReceipts(now() - receipts * DAY_MS));
  } catch (error) {
    log('warn', 'old requests and receipts could not be taken away', { problem: String(error) });
  }
}

/** Each step is a question of its own: what others ask meanwhile comes between. */
async function inSteps(reports: AskReports, step: Parameters<typeof reports<boolean>>[0]): Promise<void> {
  for (let count = 0; count < STEPS_MAX; count++) {
    const done = await reports(step);
    if (!done.ok) throw new Error(done.error.message);
    if (!done.value) return;
  }
}
