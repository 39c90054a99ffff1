/** The webhook of a payment provider: who sends it has no key, only a signature. Nothing is done before that is checked. */
import { fault, type Fault } from '../chat/fault.ts';
import { asRecord, compact, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { formatUsd } from '../money/usd.ts';
import type { AskBilling } from '../store/billing-ports.ts';
import { paymentEventOf } from './stripe-event.ts';
import { whyUnsigned } from './stripe-signature.ts';

/** Stripe's largest events have some tens of kilobytes. */
export const EVENT_MAX_BYTES = 1024 * 1024;

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Reads the body, up to so many bytes. */
  readonly body: (maxBytes: number) => Promise<Result<Uint8Array, Fault>>;
}

export interface WebhookSettings {
  readonly secrets: readonly string[];
  readonly toleranceS: number;
  readonly expireDays?: number;
}

export interface WebhookWorld {
  readonly settings: WebhookSettings;
  readonly ask: AskBilling;
  readonly nowMs: number;
  readonly log: (text: string, details: Readonly<Record<string, string | undefined>>) => void;
}

/** Takes an event in. Faults: 401 for its signature, 413, 400 for what is no event, 503 while the store is away (it is sent again). */
export async function stripeWebhook(
  { headers, body }: WebhookRequest,
  { settings, ask, nowMs, log }: WebhookWorld,
): Promise<Result<JsonRecord, Fault>> {
  const { secrets, toleranceS, expireDays } = settings;
  const header = headers['stripe-signature'];
  if (secrets.length === 0) return unsigned('`billing.stripe.webhook_secret` is not set here');
  if (header === undefined) return unsigned('there is no `stripe-signature`');
  const bytes = await body(EVENT_MAX_BYTES);
  if (!bytes.ok) return bytes;
  const why = whyUnsigned({ header, body: bytes.value, secrets, nowMs, toleranceS });
  if (why !== undefined) return unsigned(why);
  const record = asRecord(parseJson(Buffer.from(bytes.value).toString('utf8')));
  const event = record === undefined ? undefined : paymentEventOf(record, compact({ nowMs, expireDays }));
  if (event === undefined) return err(fault('body-not-json', { reason: 'it is not an event' }));
  const taken = await ask(async (books) => books.takePayment(event));
  if (!taken.ok) return taken;
  const { outcome, orgId, amountNanoUsd } = taken.value;
  const amount = amountNanoUsd === undefined ? undefined : formatUsd(amountNanoUsd);
  log('a payment event', compact({ event: event.id, kind: event.kind, outcome, org: orgId, amount_usd: amount }));
  return ok({ received: true, outcome });
}

function unsigned(reason: string): Result<never, Fault> {
  return err(fault('webhook-unsigned', { reason }));
}
