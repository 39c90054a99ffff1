/** What operators do with credits and plans: checked, then booked. The admin API and commands ask here. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { NanoUsd } from '../money/price.ts';
import type {
  AskBilling,
  CreditBalance,
  CreditPage,
  CreditQuery,
  CreditRow,
  TopUpAnswer,
} from '../store/billing-ports.ts';

/** A thousand million dollars, as everywhere. */
const AMOUNT_MAX: NanoUsd = 1_000_000_000_000_000_000n;
const REFERENCE = /^[\x21-\x7e][\x20-\x7e]{0,199}$/;
const NOTE = /^\P{Cc}{0,500}$/u;

export interface CreditOrder {
  readonly orgId: string;
  /** More than nothing. */
  readonly amountNanoUsd: NanoUsd;
  /** Of the payment: the same one twice is booked once. */
  readonly reference: string;
  readonly note?: string;
}

export interface TopUpOrder extends CreditOrder {
  /** Absent: it does not expire. */
  readonly expiresAtMs?: number;
  /** `gift` where nobody has paid for it. */
  readonly kind?: 'top-up' | 'gift';
}

export interface RefundOrder extends CreditOrder {
  /** Reference of the top-up that is refunded. */
  readonly payment?: string;
}

export interface BookedCredit {
  readonly row: CreditRow;
  /** False where the reference was booked before. */
  readonly isNew: boolean;
}

export interface Credits {
  topUp(order: TopUpOrder, by: string): Promise<Result<BookedCredit, Fault>>;
  /** Takes back what is neither spent nor held; `row.leftNanoUsd` says what that was not. */
  refund(order: RefundOrder, by: string): Promise<Result<BookedCredit, Fault>>;
  /** Undefined where there is no such organisation. */
  balance(orgId: string): Promise<Result<CreditBalance | undefined, Fault>>;
  history(query: CreditQuery): Promise<Result<CreditPage, Fault>>;
}

export function creditsOf(ask: AskBilling, now: () => number): Credits {
  return {
    topUp: async ({ note = '', kind = 'top-up', ...order }, by) => {
      const atMs = now();
      const wrong = wrongIn({ ...order, note }) ?? wrongExpiry(order.expiresAtMs, atMs);
      if (wrong !== undefined) return err(wrong);
      return booked(await ask(async (books) => books.topUp({ ...order, note, kind, by, atMs })));
    },
    refund: async ({ note = '', ...order }, by) => {
      const wrong = wrongIn({ ...order, note });
      if (wrong !== undefined) return err(wrong);
      return booked(await ask(async (books) => books.takeBack({ ...order, note, by, atMs: now() })));
    },
    balance: async (orgId) => ask(async (books) => books.creditBalance(orgId)),
    history: async (query) => {
      if (query.cursor !== undefined && !/^\d{1,15}\.[\w-]{1,64}$/.test(query.cursor))
        return err(invalid('cursor', 'it must be the `next` of a page'));
      return ask(async (books) => books.creditHistory(query));
    },
  };
}

function wrongIn({ amountNanoUsd, reference, note }: Required<CreditOrder>): Fault | undefined {
  if (amountNanoUsd <= 0n || amountNanoUsd > AMOUNT_MAX)
    return invalid('amount_usd', 'it must be more than 0 and at most 1000000000');
  if (!REFERENCE.test(reference)) return invalid('reference', 'it must be printable ASCII, at most 200 characters');
  return NOTE.test(note) ? undefined : invalid('note', 'it must be one line of at most 500 characters');
}

function wrongExpiry(expiresAtMs: number | undefined, nowMs: number): Fault | undefined {
  if (expiresAtMs === undefined || (Number.isSafeInteger(expiresAtMs) && expiresAtMs > nowMs)) return undefined;
  return invalid('expires_at', 'it must be a time to come');
}

function booked(answer: Result<TopUpAnswer, Fault>): Result<BookedCredit, Fault> {
  if (!answer.ok) return answer;
  const { value } = answer;
  if (value.kind === 'no-org') return err(invalid('org', 'there is no such organisation'));
  if (value.kind === 'conflict') return err(invalid('reference', 'it was used for another amount or organisation'));
  return ok({ row: value.row, isNew: value.kind === 'made' });
}

function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}
