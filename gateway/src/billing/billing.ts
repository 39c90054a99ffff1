/** The front door of billing: credits, the webhook of payments, and the look at what expires and runs low. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Config } from '../config/schema.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { err, type Result } from '../lib/result.ts';
import type { AskBilling } from '../store/billing-ports.ts';
import { creditsOf, type Credits } from './credits.ts';
import { stripeWebhook, type WebhookRequest } from './webhook.ts';

/** What expires goes, and who runs low is told of, after so long; both are right after any pause. */
const TEND_MS = 10_000;
/** Bodies of events that are read at once, of up to 1 MiB each: anyone can send one, and only when it is whole its signature tells. Events are sent again. */
const READING_MAX = 64;

export interface BillingParts {
  readonly ask: AskBilling;
  /** In force now. */
  readonly config: () => Config['billing'];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: (text: string, details: Readonly<Record<string, string | undefined>>) => void;
}

export interface Billing {
  readonly credits: Credits;
  readonly webhook: (request: WebhookRequest) => Promise<Result<JsonRecord, Fault>>;
  close(): void;
}

export function createBilling({ ask, config, now, log }: BillingParts): Billing {
  let isTending = false;
  let reading = 0;
  const tend = async (): Promise<void> => {
    if (isTending) return;
    isTending = true;
    // A store that is away is told of elsewhere; the next look makes up for this one.
    await ask(async (books) => books.tendCredits({ atMs: now(), lowPercents: config().credits.alerts })).catch(
      (error: unknown) => log('credits could not be looked at', { error: String(error) }),
    );
    isTending = false;
  };
  void tend();
  const timer = setInterval(() => void tend(), TEND_MS).unref();
  return {
    credits: creditsOf(ask, now),
    webhook: async (request) => {
      const { stripe, credits } = config();
      const settings = compact({
        secrets: stripe.webhook_secret,
        toleranceS: stripe.tolerance_s,
        expireDays: credits.expire_days,
      });
      const body: WebhookRequest['body'] = async (maxBytes) => {
        if (reading >= READING_MAX)
          return err(fault('overloaded', { reason: 'too many payment events at once' }, { retryAfterMs: 1000 }));
        reading += 1;
        return request.body(maxBytes).finally(() => {
          reading -= 1;
        });
      };
      return stripeWebhook({ ...request, body }, { settings, ask, nowMs: now(), log });
    },
    close: () => clearInterval(timer),
  };
}
