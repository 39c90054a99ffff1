/** The tables of people and money: who there is, what they may spend, what is sold to them. */
import type { Generated } from 'kysely';
import type { Period } from '../../money/period.ts';
import type { BudgetScope } from '../budget-ports.ts';
import type { Integer, OptionalInteger } from './columns.ts';

export interface PeopleTables {
  readonly orgs: OrgsTable;
  readonly teams: TeamsTable;
  readonly users: UsersTable;
  readonly team_members: TeamMembersTable;
  readonly sessions: SessionsTable;
  readonly invites: InvitesTable;
  readonly budgets: BudgetsTable;
  readonly alerts: AlertsTable;
  readonly credit_grants: CreditGrantsTable;
  readonly plans: PlansTable;
  readonly webhook_events: WebhookEventsTable;
  readonly provider_secrets: ProviderSecretsTable;
  readonly key_uses: KeyUsesTable;
  readonly repricings: RepricingsTable;
  readonly receipt_sums: ReceiptSumsTable;
  readonly usage_hours: UsageHoursTable;
  /** The same by day: a day stands under its first hour. */
  readonly usage_days: UsageHoursTable;
  readonly replies: RepliesTable;
}

/** What organisation, team and user have in common. */
interface OwnerColumns {
  readonly id: string;
  readonly name: string;
  readonly is_disabled: Integer;
  readonly is_removed: Integer;
  readonly created_at: Integer;
  /** JSON: allowed models, routes, providers and regions, limits. */
  readonly settings: string;
  /** The counter `people` at the last change. */
  readonly revision: Integer;
}

export interface OrgsTable extends OwnerColumns {
  readonly billing: 'postpaid' | 'prepaid';
  readonly plan_id: string | null;
}

export interface TeamsTable extends OwnerColumns {
  readonly org_id: string;
}

export interface UsersTable extends OwnerColumns {
  readonly org_id: string;
  /** Lower case; null once the user is removed. */
  readonly email: string | null;
  readonly role: 'owner' | 'admin' | 'developer' | 'analyst' | 'viewer';
  /** PHC string (argon2id); null: no password. */
  readonly password: string | null;
  /** `issuer subject` of an OpenID provider. */
  readonly oidc_subject: string | null;
  readonly last_login_at: OptionalInteger;
}

export interface TeamMembersTable {
  readonly team_id: string;
  readonly user_id: string;
}

export interface SessionsTable {
  /** SHA-256 of the cookie's value. */
  readonly hash: string;
  readonly user_id: string;
  readonly created_at: Integer;
  readonly expires_at: Integer;
  readonly seen_at: Integer;
  readonly address: string;
  readonly agent: string;
}

/** Invitations, the one-time link of the first start, and links for a new password. */
export interface InvitesTable {
  /** SHA-256 of the link's token. */
  readonly hash: string;
  readonly id: string;
  readonly kind: 'setup' | 'invite' | 'password';
  readonly org_id: string;
  readonly team_id: string | null;
  readonly user_id: string | null;
  readonly email: string | null;
  readonly role: UsersTable['role'];
  readonly created_at: Integer;
  readonly expires_at: Integer;
  readonly used_at: OptionalInteger;
  readonly by: string;
}

export interface BudgetsTable {
  readonly id: string;
  readonly name: string;
  /** Whose it is; null: the whole gateway's. */
  readonly org_id: string | null;
  readonly scope: BudgetScope;
  /** Id or name of what it is for; `*`: for each one of its own. */
  readonly subject: string;
  readonly limit_nano_usd: Integer;
  readonly period: Period;
  /** IANA time zone, as in `Europe/Berlin`. */
  readonly time_zone: string;
  readonly is_hard: Integer;
  /** JSON array of per cent. */
  readonly alerts: string;
  readonly is_disabled: Integer;
  readonly is_removed: Integer;
  readonly created_at: Integer;
  /** The counter `people` at the last change. */
  readonly revision: Integer;
}

/** Something an operator should know of: a threshold of a budget that was passed, credits that run out. Each once. */
export interface AlertsTable {
  readonly id: Generated<bigint>;
  readonly kind: string;
  /** What it is about: the id of a purse, a model. */
  readonly subject: string;
  /** Per cent, where it is a threshold; else 0. */
  readonly threshold: Integer;
  readonly at: Integer;
  /** JSON. */
  readonly body: string;
  readonly told_at: OptionalInteger;
  /** null: it is of the whole gateway. */
  readonly org_id: string | null;
  readonly acked_at: OptionalInteger;
  readonly acked_by: string | null;
}

/** Money paid in, and taken back. The balance is that of the purse. */
export interface CreditGrantsTable {
  readonly id: string;
  readonly org_id: string;
  readonly kind: 'top-up' | 'gift' | 'refund' | 'expiry';
  /** Less than nothing for what is taken back. */
  readonly amount_nano_usd: Integer;
  /** What is left of it, as of the last change of the organisation's credits. Of a refund: what could not be taken. */
  readonly left_nano_usd: Integer;
  /** Of the payment, unique: what was told twice counts once. */
  readonly reference: string;
  readonly note: string;
  readonly by: string;
  readonly at: Integer;
  readonly expires_at: OptionalInteger;
}

/** What is added to or taken off a cost. */
export interface PlansTable {
  readonly id: string;
  readonly name: string;
  /** JSON: rules in order, each with a glob of models and basis points. */
  readonly rules: string;
  readonly is_removed: Integer;
  readonly created_at: Integer;
  readonly revision: Integer;
}

export interface WebhookEventsTable {
  readonly id: string;
  readonly source: string;
  readonly kind: string;
  readonly at: Integer;
  readonly outcome: string;
  /** What it is about, where it is about one. */
  readonly payment: string | null;
  readonly is_refund: Integer;
  /** Null: all refunds of the payment so far, together. */
  readonly refund: string | null;
  readonly amount_nano_usd: OptionalInteger;
  /** 1 for a refund that did not go through. */
  readonly is_void: Integer;
}

/** Credentials of providers, sealed. */
export interface ProviderSecretsTable {
  readonly id: string;
  readonly provider: string;
  readonly name: string;
  /** Scheme, host and port that it was saved for. */
  readonly origin: string;
  /** Nothing of the secret but its last characters. */
  readonly hint: string;
  /** Version, wrapped key, nonce, ciphertext and tag. */
  readonly sealed: string;
  readonly is_disabled: Integer;
  readonly is_removed: Integer;
  readonly created_at: Integer;
  /** JSON: limits, regions. */
  readonly settings: string;
  readonly revision: Integer;
}

/** When a key was last used: apart, because it changes without being changed. */
export interface KeyUsesTable {
  readonly key_id: string;
  readonly at: Integer;
}

/** Receipts whose price became known later. The receipt stays as it was. */
export interface RepricingsTable {
  readonly receipt_id: string;
  readonly posting_id: Integer;
  readonly cost_nano_usd: Integer;
  readonly charge_nano_usd: Integer;
  readonly at: Integer;
  readonly reason: string;
}

/** What is left of receipts that are gone: of each posting, by key and purses. */
export interface ReceiptSumsTable {
  readonly posting_id: Integer;
  readonly key_id: string;
  readonly purses: string;
  readonly receipts: Integer;
  readonly cost_nano_usd: Integer;
  readonly charge_nano_usd: Integer;
}

/** Receipts summed by hour: what reports read. Empty text where a column does not apply. */
export interface UsageHoursTable {
  /** Hours since 1970. */
  readonly hour: Integer;
  readonly org_id: string;
  readonly team_id: string;
  readonly user_id: string;
  readonly key_id: string;
  readonly route: string;
  readonly provider: string;
  readonly model: string;
  readonly receipts: Integer;
  readonly unpriced: Integer;
  readonly input_tokens: Integer;
  readonly cached_input_tokens: Integer;
  readonly cache_write_tokens: Integer;
  readonly output_tokens: Integer;
  readonly reasoning_tokens: Integer;
  readonly cost_nano_usd: Integer;
  readonly charge_nano_usd: Integer;
  /** Requests, counted at each provider and model that they were tried at. */
  readonly requests: Integer;
  /** What of the charge credits have paid. */
  readonly credits_nano_usd: Integer;
}

/** What was answered to a POST with an `Idempotency-Key`. */
export interface RepliesTable {
  /** Made of who asked and of the key, which itself is kept nowhere. */
  readonly id: string;
  /** SHA-256 of what was asked. */
  readonly digest: string;
  readonly at: Integer;
  /** Sealed with the key: it may hold a token. Null while the first is under way. */
  readonly sealed: string | null;
}
