/** What the store keeps of what is sold: credits, payments as they were told, plans, and the sums of an invoice. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { Plan, PlanRule } from '../money/plan.ts';
import type { NanoUsd } from '../money/price.ts';
import type { PeopleDeed } from './people-ports.ts';

/** The purse of an organisation's credits: prepaid organisations are held against it, by what they are charged. */
export function creditPurseOf(orgId: string): string {
  return `crd_${orgId}`;
}

export interface CreditRow {
  readonly id: string;
  readonly orgId: string;
  readonly kind: 'top-up' | 'gift' | 'refund' | 'expiry';
  /** Less than nothing for what was taken back. */
  readonly amountNanoUsd: NanoUsd;
  /** What is left of a top-up or gift. Of a refund: what could not be taken, because it was spent or held. */
  readonly leftNanoUsd: NanoUsd;
  /** Of the payment, unique. */
  readonly reference: string;
  readonly note: string;
  readonly by: string;
  readonly atMs: number;
  readonly expiresAtMs?: number;
}

export interface TopUp {
  readonly orgId: string;
  readonly kind: 'top-up' | 'gift';
  /** More than nothing. */
  readonly amountNanoUsd: NanoUsd;
  readonly reference: string;
  readonly note: string;
  readonly expiresAtMs?: number;
  /** Id of the user or key, `cli`, or where the payment came from. */
  readonly by: string;
  readonly atMs: number;
}

/** `known`: the reference was there already, with the same amount. `conflict`: with another one, or for somebody else. */
export type TopUpAnswer =
  | { readonly kind: 'made' | 'known' | 'conflict'; readonly row: CreditRow }
  | { readonly kind: 'no-org' };

export interface TakeBack {
  readonly orgId: string;
  readonly amountNanoUsd: NanoUsd;
  /** Unique: what was asked twice is taken once. */
  readonly reference: string;
  /** Of the payment that is refunded: its credits go first. */
  readonly payment?: string;
  readonly note: string;
  readonly by: string;
  readonly atMs: number;
}

export interface CreditBalance {
  readonly orgId: string;
  /** All that was paid in, less what was taken back. */
  readonly grantedNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  /** Handed out to gateways for requests under way, and in reserve there. */
  readonly heldNanoUsd: NanoUsd;
  /** Neither spent nor held; never less than nothing. */
  readonly availableNanoUsd: NanoUsd;
  /** Top-ups with something left, in the order in which they are used. */
  readonly lots: readonly CreditRow[];
}

export interface CreditQuery {
  readonly orgId: string;
  /** At most 200. */
  readonly limitMax: number;
  /** Goes on after the last page: its `next`. */
  readonly cursor?: string;
}

export interface CreditPage {
  /** Newest first. */
  readonly rows: readonly CreditRow[];
  readonly next?: string;
}

/** What a payment provider has told, in our own words. */
export interface PaymentEvent {
  /** The provider's, unique. */
  readonly id: string;
  readonly source: string;
  readonly kind: string;
  readonly atMs: number;
  readonly deed: PaymentDeed;
}

export type PaymentDeed =
  | {
      readonly do: 'top-up';
      readonly orgId: string;
      readonly payment: string;
      readonly amountNanoUsd: NanoUsd;
      readonly expiresAtMs?: number;
    }
  | {
      readonly do: 'refund';
      readonly payment: string;
      /** Absent: the amount is that of all refunds of the payment so far. */
      readonly refundId?: string;
      readonly amountNanoUsd: NanoUsd;
      readonly isVoid: boolean;
    }
  | { readonly do: 'alert'; readonly alert: string; readonly body: JsonRecord }
  | { readonly do: 'nothing'; readonly why: string };

export interface PaymentOutcome {
  /** In a word or a few: `topped-up`, `known`, `refunded`, `repeated`, … */
  readonly outcome: string;
  readonly orgId?: string;
  /** What was added, or taken back. */
  readonly amountNanoUsd?: NanoUsd;
}

export interface TendOrder {
  readonly atMs: number;
  /** Per cent of the newest top-up at which to tell that credits run out. */
  readonly lowPercents: readonly number[];
}

export interface Tended {
  /** Lots that expired, wholly or in part. */
  readonly expired: number;
  readonly alerts: number;
}

export interface StoredPlan extends Plan {
  readonly isRemoved: boolean;
  readonly revision: bigint;
}

/** The plan as it is now, or why it was left as it was. `in-use`: an organisation has it. */
export type PlanWritten = { readonly row: StoredPlan } | { readonly refused: 'unknown' | 'in-use' | 'revision-old' };

/** Plans in memory. */
export interface Plans {
  /** The rules of a plan; undefined where there is none of that id. */
  rulesOf(planId: string | undefined): readonly PlanRule[] | undefined;
}

/** One organisation and stretch of time. */
export interface InvoiceQuery {
  readonly orgId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface InvoiceSum {
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly attempts: number;
  /** Attempts whose price was not known: they are in no sum of money. */
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: NanoUsd;
  readonly chargeNanoUsd: NanoUsd;
  /** The part of the charge that was paid with credits. */
  readonly creditsNanoUsd: NanoUsd;
}

export interface InvoiceSums {
  readonly orgName: string;
  readonly billing: 'postpaid' | 'prepaid';
  readonly lines: readonly InvoiceSum[];
}

/** An organisation, as far as an invoice needs it. */
export interface InvoicedOrg {
  readonly id: string;
  readonly name: string;
  /** IANA; undefined: UTC. */
  readonly timeZone?: string;
}

export interface BillingBooks {
  topUp(order: TopUp): Promise<TopUpAnswer>;
  takeBack(order: TakeBack): Promise<TopUpAnswer>;
  /** Undefined where there is no such organisation. */
  creditBalance(orgId: string): Promise<CreditBalance | undefined>;
  creditHistory(query: CreditQuery): Promise<CreditPage>;
  /** What has expired goes, and who runs low is told of. Right after any pause, and for any number of processes. */
  tendCredits(order: TendOrder): Promise<Tended>;
  takePayment(event: PaymentEvent): Promise<PaymentOutcome>;
  /** Changed after `revision`, removed ones among them. */
  planChanges(revision: bigint): Promise<readonly StoredPlan[]>;
  createPlan(plan: Plan, deed: PeopleDeed): Promise<StoredPlan>;
  /** What is absent stays. */
  changePlan(id: string, patch: Partial<Omit<Plan, 'id'>>, deed: PeopleDeed): Promise<PlanWritten>;
  removePlan(id: string, deed: PeopleDeed): Promise<PlanWritten>;
  /** All that are not removed, oldest first. */
  invoicedOrgs(): Promise<readonly InvoicedOrg[]>;
  /** Undefined where there is no such organisation. */
  invoiceSums(query: InvoiceQuery): Promise<InvoiceSums | undefined>;
}

/** Asks the books; waits as long as a person would while the store is in trouble. */
export type AskBilling = <T>(ask: (books: BillingBooks) => Promise<T>) => Promise<Result<T, Fault>>;
