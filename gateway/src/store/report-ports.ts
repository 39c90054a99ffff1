/** What reports are asked for, and what they give. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { NanoUsd } from '../money/price.ts';
import type { OwnDay } from '../money/reconcile.ts';

/** What usage can be told apart by. `tag` and `end-user` are read from receipts, all others from the sums of hours. */
export const USAGE_DIMENSIONS = [
  'org',
  'team',
  'user',
  'key',
  'route',
  'provider',
  'model',
  'day',
  'hour',
  'tag',
  'end-user',
] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/** More at once are a list of receipts, which is there too. */
const DIMENSIONS_MAX = 5;

export interface UsageByQuery {
  /** One to five, each once. */
  readonly by: readonly UsageDimension[];
  /** Whole hours (UTC): a time within one stands for its beginning, and as an end for the end of it. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly orgId?: string;
  readonly keyId?: string;
  /** Groups told; the total is that of all. */
  readonly groupsMax?: number;
  /** Where receipts have to be read (`tag`, `end-user`), or the sums of hours: at most so many of them. */
  readonly rowsMax?: number;
}

export interface UsageSum {
  readonly receipts: number;
  /** Receipts whose price is not known: they are not in the cost. */
  readonly unpriced: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly cost_nano_usd: bigint;
  readonly charge_nano_usd: bigint;
}

export interface UsageByGroup extends UsageSum {
  /** A value for each dimension asked for, in its order; empty where it does not apply. Days and hours as ISO 8601, UTC. */
  readonly values: readonly string[];
  /** Names of those values that are ids of something with a name. */
  readonly names: readonly (string | undefined)[];
}

export interface UsageByReport {
  /** The hours that were looked at, ISO 8601, UTC; absent: from the first, to the last. */
  readonly since?: string;
  readonly until?: string;
  /** By time where time was asked for, then the dearest first. */
  readonly groups: readonly UsageByGroup[];
  /** Also of those beyond `groupsMax`. */
  readonly groups_total: number;
  /** Of every receipt once: one with two tags is in two groups. */
  readonly total: UsageSum;
}

/** One attempt that cost or may have cost something, as `turnout usage` and `GET /admin/v1/usage` print it. */
export interface UsageRow {
  readonly id: string;
  readonly request_id: string;
  readonly key: string;
  readonly model: string;
  readonly provider: string;
  readonly target: string;
  readonly outcome: string;
  readonly estimated: boolean;
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  /** null: no price was known. */
  readonly cost_nano_usd: bigint | null;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** What its owner is charged; null: no price was known. */
  readonly charge_nano_usd: bigint | null;
  /** Whose it is; null where nobody is named. */
  readonly org: string | null;
  readonly team: string | null;
  readonly user: string | null;
  readonly end_user: string | null;
  readonly route: string | null;
  readonly conversation: string | null;
  readonly experiment: string | null;
  readonly tags: readonly string[];
}

/** A stretch of receipts, oldest first. */
export interface ReceiptQuery {
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly orgId?: string;
  readonly limitMax: number;
  /** The last row of the page before. */
  readonly after?: Pick<UsageRow, 'id' | 'at'>;
}

/** A receipt whose price is not known, with what was counted. */
export interface UnpricedReceipt {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly target: string;
  readonly orgId?: string;
  /** As in the receipt. */
  readonly outcome: string;
  readonly atMs: number;
  readonly usage: Readonly<
    Record<
      'inputTokens' | 'cachedInputTokens' | 'cacheWriteTokens' | 'outputTokens' | 'reasoningTokens',
      number | undefined
    >
  >;
}

export interface UnpricedQuery {
  readonly sinceMs?: number;
  /** As receipts name it, without its provider. */
  readonly model?: string;
  /** Id of the last one of the page before. */
  readonly after?: string;
  readonly limitMax: number;
}

/** What a receipt costs after all. */
export interface Repricing {
  readonly receiptId: string;
  readonly costNanoUsd: NanoUsd;
  /** What is charged for it as the first attempt of its request that is charged anything. */
  readonly chargeNanoUsd: NanoUsd;
  /** The same after another one: what is fixed a request is not in it. */
  readonly laterChargeNanoUsd: NanoUsd;
}

export interface AlertRow {
  readonly id: number;
  /** `budget`, `price-unknown`, `reconciliation`, … */
  readonly kind: string;
  readonly subject: string;
  /** Per cent, where it is a threshold; else 0. */
  readonly threshold: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly body: JsonRecord;
  /** Whose organisation's it is; null: of the whole gateway. */
  readonly org: string | null;
  /** When somebody was told of it; null: not yet. */
  readonly told_at: string | null;
  /** When somebody said that it is dealt with, and who; null: it is open. */
  readonly acked_at: string | null;
  readonly acked_by: string | null;
}

/** An alert is put once for its kind, subject and threshold. */
export interface NewAlert {
  readonly kind: string;
  readonly subject: string;
  readonly threshold?: number;
  /** Absent: it is of the whole gateway. */
  readonly orgId?: string | undefined;
  readonly atMs: number;
  readonly body: JsonRecord;
}

/** An alert is open until somebody acknowledges it. */
export const ALERT_STATES = ['open', 'acknowledged'] as const;

export interface AlertQuery {
  readonly kind?: string;
  readonly state?: (typeof ALERT_STATES)[number];
  /** Of this organisation only. */
  readonly orgId?: string;
  /** Only those that nobody was told of. */
  readonly isUntold?: boolean;
  /** Older than this one. */
  readonly before?: number;
  readonly limitMax: number;
}

export interface AlertPage {
  /** Newest first. */
  readonly alerts: readonly AlertRow[];
  /** `before` of the next page; absent: there is none. */
  readonly next?: number;
}

/** Who says that an alert is dealt with, and when. */
export interface AckDeed {
  readonly atMs: number;
  /** Id of a user or key, or `cli`. */
  readonly by: string;
  /** For the audit log. */
  readonly note?: string | undefined;
}

/** All of it throws `StoreError`s or the database's own errors. */
export interface AlertBooks {
  /** False where it is there already. */
  putAlert(alert: NewAlert): Promise<boolean>;
  listAlerts(query: AlertQuery): Promise<AlertPage>;
  getAlert(id: number): Promise<AlertRow | undefined>;
  /** Says that it is dealt with, once: who says it again changes nothing. Undefined where there is no such alert. */
  ackAlert(id: number, deed: AckDeed): Promise<AlertRow | undefined>;
  markTold(ids: readonly number[], atMs: number): Promise<void>;
}

/** All of it throws `StoreError`s or the database's own errors. */
export interface ReportBooks extends AlertBooks {
  /** Undefined: more rows would have to be read than `rowsMax`. */
  usageBy(query: UsageByQuery): Promise<UsageByReport | undefined>;
  /** Receipts as they are in the database: those of the last moment are not there yet. */
  receiptPage(query: ReceiptQuery): Promise<readonly UsageRow[]>;
  /** Our receipts of some providers, by day and model, days from `sinceMs` up to `untilMs`. */
  ownDays(
    providers: readonly string[],
    span: { readonly sinceMs: number; readonly untilMs: number },
  ): Promise<readonly OwnDay[]>;
  /** In the order of their ids, which is that in which they came. */
  unpriced(query: UnpricedQuery): Promise<readonly UnpricedReceipt[]>;
  /** Books what receipts without a price cost after all; those that have one by now are passed over. Gives how many were booked. */
  reprice(repricings: readonly Repricing[], why: { readonly reason: string; readonly atMs: number }): Promise<number>;
  /** Takes away some of the requests before a time; true where there may be more. */
  dropRequests(beforeMs: number): Promise<boolean>;
  /** The same for receipts, whole hours of them; their sums stay. */
  dropReceipts(beforeMs: number): Promise<boolean>;
  /** Makes the sums of hours anew from the receipts. Gives how many lines there are. */
  rebuildUsage(): Promise<number>;
}

/** The port: asks the books, again while the store is busy. */
export type AskReports = <T>(ask: (books: ReportBooks) => Promise<T>) => Promise<Result<T, Fault>>;

/** `team,model` as dimensions; an error for people where it is not. */
export function dimensionsOf(text: string): Result<readonly UsageDimension[], string> {
  const words = text.split(',').map((word) => word.trim());
  const known = words.flatMap((word) => USAGE_DIMENSIONS.find((name) => name === word) ?? []);
  const unknown = words.find((word) => !USAGE_DIMENSIONS.some((name) => name === word));
  if (unknown !== undefined)
    return err(`usage cannot be told by ${JSON.stringify(unknown)}; there are ${USAGE_DIMENSIONS.join(', ')}`);
  if (new Set(known).size < known.length) return err('each of them may be named once');
  if (known.length > DIMENSIONS_MAX) return err(`at most ${DIMENSIONS_MAX} of them at once`);
  return ok(known);
}

/** `{team: 'team_1', team_name: 'Research'}`: the values of a group by their names, as they are told to programs. */
export function wordsOf(
  by: readonly UsageDimension[],
  { values, names }: Pick<UsageByGroup, 'values' | 'names'>,
): Readonly<Record<string, string>> {
  const words: Record<string, string> = {};
  for (const [place, dimension] of by.entries()) {
    const field = dimension.replace('-', '_');
    words[field] = values[place] ?? '';
    const name = names[place];
    if (name !== undefined) words[`${field}_name`] = name;
  }
  return words;
}
