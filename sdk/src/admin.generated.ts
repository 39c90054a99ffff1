/** The admin API of a Turnout gateway. Made by `npm run generate` from gateway/src/admin/table.ts; do not edit. */
import type { Call, CallOptions } from './client.ts';
import type { Pages } from './pages.ts';

export interface KeysCreateBody {
  /** give the key a name */
  readonly name: string;
  /** US dollars, as text or number; null: no budget */
  readonly budget_usd?: string | number | null;
  /** names or globs as in `openai/*`; null: all */
  readonly models?: readonly string[] | null;
  /** a time, ISO 8601; null: never */
  readonly expires_at?: string | null;
  /** true: refused until it is enabled again */
  readonly disabled?: boolean;
  /** for rules and reports */
  readonly tags?: readonly string[] | null;
  /** where its callers are, whatever their requests say */
  readonly region?: string | null;
  /** id of the team that it belongs to */
  readonly team?: string | null;
  /** id of the user that it belongs to */
  readonly user?: string | null;
  /** what it is for; null: inference */
  readonly scopes?: readonly ("inference" | "admin" | "read")[] | null;
  /** names of routes, or beginnings as in `fast-*`; null: all */
  readonly routes?: readonly string[] | null;
  /** ids of providers; null: all */
  readonly providers?: readonly string[] | null;
  /** where targets must compute, as in `eu`; null: anywhere */
  readonly regions?: readonly string[] | null;
  /** from where it may be used, as in `10.0.0.0/8`; null: anywhere */
  readonly addresses?: readonly string[] | null;
  /** rates, as in the configuration; null: those of its owners */
  readonly limits?: {
  readonly [field: string]: unknown;
} | null;
  /** id of the organisation that it belongs to; absent: your own */
  readonly org?: string | null;
}

export interface KeysUpdateBody {
  /** for people */
  readonly name?: string;
  /** US dollars, as text or number; null: no budget */
  readonly budget_usd?: string | number | null;
  /** names or globs as in `openai/*`; null: all */
  readonly models?: readonly string[] | null;
  /** a time, ISO 8601; null: never */
  readonly expires_at?: string | null;
  /** true: refused until it is enabled again */
  readonly disabled?: boolean;
  /** for rules and reports */
  readonly tags?: readonly string[] | null;
  /** where its callers are, whatever their requests say */
  readonly region?: string | null;
  /** id of the team that it belongs to */
  readonly team?: string | null;
  /** id of the user that it belongs to */
  readonly user?: string | null;
  /** what it is for; null: inference */
  readonly scopes?: readonly ("inference" | "admin" | "read")[] | null;
  /** names of routes, or beginnings as in `fast-*`; null: all */
  readonly routes?: readonly string[] | null;
  /** ids of providers; null: all */
  readonly providers?: readonly string[] | null;
  /** where targets must compute, as in `eu`; null: anywhere */
  readonly regions?: readonly string[] | null;
  /** from where it may be used, as in `10.0.0.0/8`; null: anywhere */
  readonly addresses?: readonly string[] | null;
  /** rates, as in the configuration; null: those of its owners */
  readonly limits?: {
  readonly [field: string]: unknown;
} | null;
}

export interface KeysRotateBody {
  /** for how many seconds the token before is taken; 0 where it is absent */
  readonly overlap_s?: number;
}

export interface OrgsCreateBody {
  /** say what it is called */
  readonly name: string;
  /** allowed models, routes, providers and regions, limits */
  readonly settings?: {
  readonly [field: string]: unknown;
};
  /** prepaid: it spends its credits only */
  readonly billing?: "postpaid" | "prepaid";
  /** id of its plan; null: none */
  readonly plan?: string | null;
}

export interface OrgsUpdateBody {
  /** for people */
  readonly name?: string;
  /** true: nothing of it may be used */
  readonly disabled?: boolean;
  /** allowed models, routes, providers and regions, limits */
  readonly settings?: {
  readonly [field: string]: unknown;
};
  /** prepaid: it spends its credits only */
  readonly billing?: "postpaid" | "prepaid";
  /** id of its plan; null: none */
  readonly plan?: string | null;
}

export interface TeamsCreateBody {
  /** say what it is called */
  readonly name: string;
  /** allowed models, routes, providers and regions, limits */
  readonly settings?: {
  readonly [field: string]: unknown;
};
  /** id of the organisation; absent: your own */
  readonly org?: string;
}

export interface TeamsUpdateBody {
  /** for people */
  readonly name?: string;
  /** true: nothing of it may be used */
  readonly disabled?: boolean;
  /** allowed models, routes, providers and regions, limits */
  readonly settings?: {
  readonly [field: string]: unknown;
};
}

export interface UsersCreateBody {
  /** say what he is called */
  readonly name: string;
  /** allowed models, routes, providers and regions, limits */
  readonly settings?: {
  readonly [field: string]: unknown;
};
  /** an address such as ann@example.org */
  readonly email: string;
  /** one of owner, admin, developer, analyst, viewer */
  readonly role: "owner" | "admin" | "developer" | "analyst" | "viewer";
  /** ids of the teams he is in from now on */
  readonly teams?: readonly string[];
  /** id of the organisation; absent: your own */
  readonly org?: string;
}

export interface UsersUpdateBody {
  /** for people */
  readonly name?: string;
  /** true: nothing of it may be used */
  readonly disabled?: boolean;
  /** allowed models, routes, providers and regions, limits */
  readonly settings?: {
  readonly [field: string]: unknown;
};
  /** an address such as ann@example.org */
  readonly email?: string;
  /** what he may */
  readonly role?: "owner" | "admin" | "developer" | "analyst" | "viewer";
  /** ids of the teams he is in from now on */
  readonly teams?: readonly string[];
}

export interface InvitesCreateBody {
  /** `developer` where it is absent */
  readonly role?: "owner" | "admin" | "developer" | "analyst" | "viewer";
  /** for this address only */
  readonly email?: string;
  /** id of the organisation; absent: your own */
  readonly org?: string;
  /** id of the team he will be in */
  readonly team?: string;
  /** id of a user who sets a new password by it; nothing else but `expires_days` may stand beside it */
  readonly user?: string;
  /** 0.01 to 90; 7 where it is absent, 1 for a new password */
  readonly expires_days?: number;
}

export interface BudgetsCreateBody {
  /** for people */
  readonly name?: string;
  /** id of the organisation; absent: your own, or all for the root key */
  readonly org?: string;
  /** what it is for: all, org, team, user, key, end-user, tag, route, provider, model */
  readonly scope: "all" | "org" | "team" | "user" | "key" | "end-user" | "tag" | "route" | "provider" | "model";
  /** id or name of what it is for; `*`: one for each */
  readonly subject?: string;
  /** US dollars, as text or number */
  readonly limit_usd: string | number;
  /** `month` where it is absent */
  readonly period?: "hour" | "day" | "week" | "month" | "quarter" | "year" | "total";
  /** as in `Europe/Berlin`; UTC where it is absent */
  readonly time_zone?: string;
  /** false: it refuses nothing, and only counts */
  readonly hard?: boolean;
  /** thresholds, per cent; 50, 80, 100 where it is absent */
  readonly alerts?: readonly number[];
}

export interface BudgetsUpdateBody {
  /** for people */
  readonly name?: string;
  /** US dollars, as text or number */
  readonly limit_usd?: string | number;
  /** true: it neither refuses nor counts */
  readonly disabled?: boolean;
  /** false: it refuses nothing, and only counts */
  readonly hard?: boolean;
  /** thresholds, per cent; 50, 80, 100 where it is absent */
  readonly alerts?: readonly number[];
}

export interface CreditsCreateBody {
  /** say whose they are: the id of an organisation */
  readonly org: string;
  /** US dollars, more than 0 */
  readonly amount_usd: string | number;
  /** of the payment: what is sent twice is booked once */
  readonly reference: string;
  /** one line for people */
  readonly note?: string;
  /** `gift` where nobody has paid for it */
  readonly kind?: "top-up" | "gift";
  /** when what is left of it goes; absent: never */
  readonly expires_at?: string;
}

export interface RefundsCreateBody {
  /** say whose they are: the id of an organisation */
  readonly org: string;
  /** US dollars, more than 0 */
  readonly amount_usd: string | number;
  /** of the payment: what is sent twice is booked once */
  readonly reference: string;
  /** one line for people */
  readonly note?: string;
  /** reference of the top-up that is refunded */
  readonly payment?: string;
}

export interface PlansCreateBody {
  /** say what it is called */
  readonly name: string;
  /** the first that fits holds */
  readonly rules: readonly ({
  /** a provider, or a pattern as in `openai/*` */
  readonly models: string;
  /** hundredths of a per cent that are added; less than 0: taken off */
  readonly basis_points?: number;
  /** added once a request */
  readonly fixed_usd?: string | number;
})[];
}

export interface PlansUpdateBody {
  /** for people */
  readonly name?: string;
  /** the first that fits holds */
  readonly rules?: readonly ({
  /** a provider, or a pattern as in `openai/*` */
  readonly models: string;
  /** hundredths of a per cent that are added; less than 0: taken off */
  readonly basis_points?: number;
  /** added once a request */
  readonly fixed_usd?: string | number;
})[];
}

export interface SecretsCreateBody {
  /** say whose it is: the name of the provider in the configuration */
  readonly provider: string;
  /** say where it may go: an address of the provider, as in https://api.openai.com/v1 */
  readonly origin: string;
  /** the credential itself; it is never shown again */
  readonly secret: string;
  /** of several that a provider has; absent: `default` */
  readonly name?: string;
  /** where its account computes */
  readonly region?: string;
  /** share of the requests of its provider */
  readonly weight?: number;
  /** of its account */
  readonly requests_per_minute?: number;
  /** of its account */
  readonly tokens_per_minute?: number;
  /** requests under way at once */
  readonly concurrent?: number;
}

export interface SecretsUpdateBody {
  /** say whether it is off */
  readonly disabled: boolean;
}

export interface AlertsAcknowledgeBody {
  /** what was done about it; for the audit log */
  readonly note?: string;
}

/** A virtual key, without its token. */
export interface Key {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  /** may do everything */
  readonly root: boolean;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly expires_at?: string;
  /** US dollars, digit by digit */
  readonly budget_usd?: string;
  /** absent: the store does not answer now */
  readonly spent_usd?: string;
  /** put aside for requests under way */
  readonly held_usd?: string;
  /** names or globs; absent: all */
  readonly models?: readonly string[];
  readonly tags: readonly string[];
  readonly region?: string;
  readonly org?: string;
  readonly team?: string;
  readonly user?: string;
  /** of a user's key with the scope `admin`: the most that it may, his role as it was given to him */
  readonly role?: "owner" | "admin" | "developer" | "analyst" | "viewer";
  /** a minute late at most */
  readonly last_used_at?: string;
  /** until when the token before the last rotation is taken */
  readonly old_token_until?: string;
  /** absent: inference */
  readonly scopes?: readonly ("inference" | "admin" | "read")[];
  readonly routes?: readonly string[];
  readonly providers?: readonly string[];
  readonly regions?: readonly string[];
  readonly addresses?: readonly string[];
  readonly limits?: {
  readonly [field: string]: unknown;
};
}

/** A key and its token. */
export interface NewKey {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  /** may do everything */
  readonly root: boolean;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly expires_at?: string;
  /** US dollars, digit by digit */
  readonly budget_usd?: string;
  /** absent: the store does not answer now */
  readonly spent_usd?: string;
  /** put aside for requests under way */
  readonly held_usd?: string;
  /** names or globs; absent: all */
  readonly models?: readonly string[];
  readonly tags: readonly string[];
  readonly region?: string;
  readonly org?: string;
  readonly team?: string;
  readonly user?: string;
  /** of a user's key with the scope `admin`: the most that it may, his role as it was given to him */
  readonly role?: "owner" | "admin" | "developer" | "analyst" | "viewer";
  /** a minute late at most */
  readonly last_used_at?: string;
  /** until when the token before the last rotation is taken */
  readonly old_token_until?: string;
  /** absent: inference */
  readonly scopes?: readonly ("inference" | "admin" | "read")[];
  readonly routes?: readonly string[];
  readonly providers?: readonly string[];
  readonly regions?: readonly string[];
  readonly addresses?: readonly string[];
  readonly limits?: {
  readonly [field: string]: unknown;
};
  /** the token: shown here and never again */
  readonly key: string;
}

/** What was there and is not any more. */
export interface Deleted {
  /** an id of ours */
  readonly id: string;
  readonly deleted: true;
}

/** An organisation. */
export interface Org {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly settings: {
  readonly [field: string]: unknown;
};
  readonly billing: "postpaid" | "prepaid";
  readonly plan?: string;
}

/** A team. */
export interface Team {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly settings: {
  readonly [field: string]: unknown;
};
  readonly org: string;
}

/** Someone who can log in. */
export interface User {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly settings: {
  readonly [field: string]: unknown;
};
  readonly org: string;
  readonly email?: string;
  readonly role: "owner" | "admin" | "developer" | "analyst" | "viewer";
  /** ids */
  readonly teams: readonly string[];
  readonly has_password: boolean;
  readonly last_login_at?: string;
}

/** A link, without its token. */
export interface Invite {
  /** an id of ours */
  readonly id: string;
  readonly kind: "setup" | "invite" | "password";
  readonly org: string;
  readonly team?: string;
  readonly user?: string;
  /** for this address only */
  readonly email?: string;
  readonly role: "owner" | "admin" | "developer" | "analyst" | "viewer";
  readonly created_at: string;
  readonly expires_at: string;
  readonly used_at?: string;
  readonly by: string;
}

/** A link and its token. */
export interface NewInvite {
  /** an id of ours */
  readonly id: string;
  readonly kind: "setup" | "invite" | "password";
  readonly org: string;
  readonly team?: string;
  readonly user?: string;
  /** for this address only */
  readonly email?: string;
  readonly role: "owner" | "admin" | "developer" | "analyst" | "viewer";
  readonly created_at: string;
  readonly expires_at: string;
  readonly used_at?: string;
  readonly by: string;
  /** shown here and never again */
  readonly token: string;
  /** what stands behind the address of the gateway in the link */
  readonly path: string;
}

/** A budget, and what is gone of its present period. */
export interface Budget {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  /** counts its requests only; absent: those of all */
  readonly org?: string;
  readonly scope: "all" | "org" | "team" | "user" | "key" | "end-user" | "tag" | "route" | "provider" | "model";
  /** id or name of what it is for; `*`: one for each */
  readonly subject: string;
  /** US dollars, digit by digit */
  readonly limit_usd: string;
  readonly period: "hour" | "day" | "week" | "month" | "quarter" | "year" | "total";
  readonly time_zone: string;
  /** refuses what does not fit; else it only counts */
  readonly hard: boolean;
  /** per cent */
  readonly alerts: readonly number[];
  readonly disabled: boolean;
  readonly created_at: string;
  /** in the present period; absent: it is one for each */
  readonly spent_usd?: string;
  /** put aside for requests under way */
  readonly held_usd?: string;
  readonly resets_at?: string;
}

/** Money paid in, or taken back. */
export interface Credit {
  /** an id of ours */
  readonly id: string;
  readonly org: string;
  readonly kind: "top-up" | "gift" | "refund" | "expiry";
  /** US dollars; less than nothing for what was taken back */
  readonly amount_usd: string;
  /** of a top-up what is left; of a refund what could not be taken */
  readonly left_usd: string;
  readonly reference: string;
  readonly note: string;
  readonly by: string;
  readonly at: string;
  readonly expires_at?: string;
}

/** What an organisation has left. */
export interface Balance {
  readonly org: string;
  /** US dollars, digit by digit */
  readonly granted_usd: string;
  /** US dollars, digit by digit */
  readonly spent_usd: string;
  /** put aside for requests under way, and in reserve for the next */
  readonly held_usd: string;
  /** US dollars, digit by digit */
  readonly available_usd: string;
  /** what has something left, in the order in which it is used */
  readonly lots: readonly Credit[];
}

/** Rules in order: the first that fits a model holds. */
export interface Plan {
  /** an id of ours */
  readonly id: string;
  readonly name: string;
  readonly rules: readonly ({
  readonly models: string;
  readonly basis_points: number;
  /** US dollars, digit by digit */
  readonly fixed_usd: string;
})[];
}

/** A month of an organisation. Its sums are those of the ledger. */
export interface Invoice {
  readonly number: string;
  readonly org: string;
  readonly name: string;
  readonly month: string;
  readonly time_zone: string;
  readonly from: string;
  /** the first moment after it */
  readonly to: string;
  readonly lines: readonly ({
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly attempts: number;
  /** attempts whose price is not known: they are not in the sums */
  readonly unpriced: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  /** US dollars, digit by digit */
  readonly cost_usd: string;
  /** what the plan adds; less than nothing where it takes off */
  readonly markup_usd: string;
  /** US dollars, digit by digit */
  readonly charge_usd: string;
  /** of the charge what credits have paid */
  readonly credits_usd: string;
})[];
  readonly total: {
  readonly requests: number;
  readonly attempts: number;
  /** attempts whose price is not known: they are not in the sums */
  readonly unpriced: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  /** US dollars, digit by digit */
  readonly cost_usd: string;
  /** what the plan adds; less than nothing where it takes off */
  readonly markup_usd: string;
  /** US dollars, digit by digit */
  readonly charge_usd: string;
  /** of the charge what credits have paid */
  readonly credits_usd: string;
};
  /** US dollars, digit by digit */
  readonly due_usd: string;
}

/** A credential of a provider, without itself. */
export interface ProviderSecret {
  /** an id of ours */
  readonly id: string;
  readonly provider: string;
  readonly name: string;
  /** scheme, host and port that it was saved for: it goes nowhere else */
  readonly origin: string;
  /** its last characters; empty where it is short */
  readonly hint: string;
  readonly disabled: boolean;
  readonly created_at: string;
  /** where its account computes */
  readonly region?: string;
  /** share of the requests of its provider */
  readonly weight?: number;
  /** of its account */
  readonly requests_per_minute?: number;
  /** of its account */
  readonly tokens_per_minute?: number;
  /** requests under way at once */
  readonly concurrent?: number;
}

/** One attempt that cost or may have cost something. `null`: not counted. */
export interface UsageRow {
  readonly id: string;
  readonly request_id: string;
  readonly key: string;
  readonly model: string;
  readonly provider: string;
  readonly target: string;
  readonly outcome: string;
  /** the tokens are our own count */
  readonly estimated: boolean;
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  /** null: no price was known */
  readonly cost_nano_usd: number | null;
  readonly at: string;
  /** what its owner is charged */
  readonly charge_nano_usd: number | null;
  readonly org: string | null;
  readonly team: string | null;
  readonly user: string | null;
  readonly end_user: string | null;
  readonly route: string | null;
  readonly conversation: string | null;
  readonly experiment: string | null;
  readonly tags: readonly string[];
}

export interface UsageGetAnswer {
  readonly rows?: readonly UsageRow[];
  readonly rows_total?: number;
  readonly total_nano_usd?: number;
  readonly groups?: readonly ({
  readonly [field: string]: unknown;
})[];
  readonly groups_total?: number;
  readonly total?: {
  readonly [field: string]: unknown;
};
  readonly since?: string;
  readonly until?: string;
}

/** Something that an operator should know of. It is open until it is acknowledged. */
export interface Alert {
  readonly id: string;
  /** as in `budget`, `credits-low`, `price-unknown` or `reconciliation` */
  readonly kind: string;
  /** what it is about: the id of a purse, a model */
  readonly subject: string;
  /** per cent, where it is a threshold; else 0 */
  readonly threshold: number;
  /** whose it is; null: of the whole gateway */
  readonly org: string | null;
  readonly state: "open" | "acknowledged";
  readonly at: string;
  /** what is to be known of it */
  readonly body: {
  readonly [field: string]: unknown;
};
  /** when somebody was told of it */
  readonly told_at: string | null;
  readonly acked_at: string | null;
  /** id of who said that it is dealt with, or `cli` */
  readonly acked_by: string | null;
}

/** One change by an admin. */
export interface AuditEntry {
  /** 1 for the first, without a gap */
  readonly seq: number;
  readonly at: string;
  /** id of who did it, `cli`, or `system` */
  readonly by: string;
  /** id of the organisation that it is of; absent: of the whole gateway */
  readonly org?: string;
  /** as in `key.created` */
  readonly action: string;
  /** id of what was changed */
  readonly subject: string;
  /** the new values, no secrets */
  readonly changes: {
  readonly [field: string]: unknown;
};
  /** SHA-256 over the entry and the hash before it */
  readonly hash: string;
}

/** What was decided about a request, and what became of it. No prompt, no reply. */
export interface RequestRecord {
  readonly id: string;
  readonly outcome?: string;
  readonly [field: string]: unknown;
}

/** A batch, whoever made it. */
export interface BatchRow {
  readonly id: string;
  readonly key: string;
  readonly form: "openai" | "anthropic";
  readonly endpoint: string;
  readonly status: string;
  readonly lines: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  /** the target, where its provider works on it as a batch of its own */
  readonly native?: string;
  readonly created_at: string | null;
  readonly expires_at: string | null;
  readonly ended_at?: string | null;
  readonly errors?: readonly unknown[];
}

/** A provider of the configuration. */
export interface Provider {
  readonly id: string;
  readonly protocol: string;
  readonly base_url: string;
  readonly has_key: boolean;
  readonly models: number;
  readonly region?: string;
}

/** A route in plain words. */
export interface Route {
  readonly id: string;
  readonly strategy?: string;
  readonly summary: readonly string[];
  readonly warnings: readonly string[];
  readonly [field: string]: unknown;
}

export interface ConfigGetAnswer {
  /** id of what is in force */
  readonly snapshot: string;
  /** why the newest file is not in force */
  readonly problem?: string;
  /** in the words of the file, without secrets */
  readonly config: {
  readonly [field: string]: unknown;
};
}

export interface HealthGetAnswer {
  readonly ok: boolean;
  readonly ledger: {
  readonly [field: string]: unknown;
};
  readonly config_problem?: string;
  readonly request_records_dropped: number;
  /** those that were asked, the ailing first */
  readonly targets: readonly ({
  readonly [field: string]: unknown;
})[];
  readonly [field: string]: unknown;
}

export interface OpenapiGetAnswer {
  readonly openapi: string;
  readonly [field: string]: unknown;
}

export interface KeysListQuery {
  /** only these */
  readonly disabled?: "true" | "false";
  /** only keys with this tag */
  readonly tag?: string;
  /** only keys of this team */
  readonly team?: string;
  /** only keys of this user */
  readonly user?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-created_at` where it is absent */
  readonly sort?: "-created_at" | "created_at" | "name" | "-name";
  /** plain text that must stand in name, id or tags */
  readonly q?: string;
}

export interface OrgsListQuery {
  /** only those of this organisation */
  readonly org?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `created_at` where it is absent */
  readonly sort?: "created_at" | "-created_at" | "name" | "-name";
  /** plain text that must stand in name, id or e-mail */
  readonly q?: string;
}

export interface TeamsListQuery {
  /** only those of this organisation */
  readonly org?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `created_at` where it is absent */
  readonly sort?: "created_at" | "-created_at" | "name" | "-name";
  /** plain text that must stand in name, id or e-mail */
  readonly q?: string;
}

export interface UsersListQuery {
  /** only those of this organisation */
  readonly org?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `created_at` where it is absent */
  readonly sort?: "created_at" | "-created_at" | "name" | "-name";
  /** plain text that must stand in name, id or e-mail */
  readonly q?: string;
}

export interface InvitesListQuery {
  /** id of the organisation; absent: your own */
  readonly org?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-created_at` where it is absent */
  readonly sort?: "-created_at" | "created_at";
  /** plain text that must stand in id, e-mail or role */
  readonly q?: string;
}

export interface InvitesDeleteQuery {
  /** id of the organisation; absent: your own */
  readonly org?: string;
}

export interface BudgetsListQuery {
  /** only those of this scope */
  readonly scope?: "all" | "org" | "team" | "user" | "key" | "end-user" | "tag" | "route" | "provider" | "model";
  /** only those for this */
  readonly subject?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-created_at` where it is absent */
  readonly sort?: "-created_at" | "created_at" | "name" | "-name";
  /** plain text that must stand in name, id or subject */
  readonly q?: string;
}

export interface BudgetsGetQuery {
  /** of whom, where it is one for each */
  readonly subject?: string;
}

export interface CreditsListQuery {
  /** id of the organisation; absent: your own */
  readonly org?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-at` where it is absent */
  readonly sort?: "-at";
}

export interface BalanceGetQuery {
  /** id of the organisation; absent: your own */
  readonly org?: string;
}

export interface PlansListQuery {
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `name` where it is absent */
  readonly sort?: "name" | "-name";
  /** plain text that must stand in name or id */
  readonly q?: string;
}

export interface InvoicesGetQuery {
  /** as in 2026-10; absent: the one before this */
  readonly month?: string;
  /** id of the organisation; absent: your own */
  readonly org?: string;
}

export interface SecretsListQuery {
  /** name of the provider in the configuration */
  readonly provider?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `provider` where it is absent */
  readonly sort?: "provider" | "-provider";
  /** plain text that must stand in provider, name or id */
  readonly q?: string;
}

export interface UsageGetQuery {
  /** a time as in 2026-11-01T00:00:00Z, or 24h */
  readonly since?: string;
  /** id of the key that asked */
  readonly key?: string;
  /** false: the sums only */
  readonly rows?: "true" | "false";
  /** sums instead of rows, told apart by up to five of org, team, user, key, route, provider, model, day, hour, tag, end-user; in whole hours */
  readonly by?: string;
  /** with `by`: as `since` */
  readonly until?: string;
  /** id of the organisation; absent: your own, or all for those who run the gateway */
  readonly org?: string;
  /** with `by`: how many groups are told, 1 to 1000 (200) */
  readonly groups?: string;
}

export interface AlertsListQuery {
  /** as in `budget` or `price-unknown` */
  readonly kind?: string;
  /** `open`: nobody has acknowledged it */
  readonly state?: "open" | "acknowledged";
  /** id of the organisation whose they are; absent: all that you may see */
  readonly org?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-at` where it is absent */
  readonly sort?: "-at";
}

export interface AuditListQuery {
  /** as in `key.created` */
  readonly action?: string;
  /** id of who did it */
  readonly by?: string;
  /** id of what was changed */
  readonly subject?: string;
  /** id of the organisation; absent: your own, or all for those who run the gateway */
  readonly org?: string;
  /** from this time on */
  readonly since?: string;
  /** before this time */
  readonly until?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-seq` where it is absent */
  readonly sort?: "-seq" | "seq";
  /** plain text that must stand in action, subject, changes or who did it */
  readonly q?: string;
}

export interface RequestsListQuery {
  /** id of the key that asked */
  readonly key?: string;
  /** id of the organisation; absent: your own, or all for those who run the gateway */
  readonly org?: string;
  /** as in `ok` or `rate_limited` */
  readonly outcome?: string;
  /** name of the route that it went by */
  readonly route?: string;
  /** as it was asked for */
  readonly model?: string;
  /** a time as in 2026-11-01T00:00:00Z, or 24h */
  readonly since?: string;
  /** the same */
  readonly until?: string;
  /** a part of id, model, route, outcome, error, or of the name of its key */
  readonly search?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-at` where it is absent */
  readonly sort?: "-at";
}

export interface RequestsGetQuery {
  /** id of the key that asked */
  readonly key?: string;
}

export interface BatchesListQuery {
  /** id of the key that made them */
  readonly key?: string;
  /** id of the organisation; absent: your own, or all for those who run the gateway */
  readonly org?: string;
  /** id of a batch: goes on after it */
  readonly after?: string;
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `-created_at` where it is absent */
  readonly sort?: "-created_at";
}

export interface ProvidersListQuery {
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `order` where it is absent */
  readonly sort?: "order" | "id" | "-id" | "models" | "-models";
  /** plain text that must stand in id, protocol, base URL or region */
  readonly q?: string;
}

export interface RoutesListQuery {
  /** rows of a page, 1 to 200; 50 where it is absent */
  readonly limit?: number;
  /** `next` of the page before */
  readonly cursor?: string;
  /** by what, with a minus from its end; `order` where it is absent */
  readonly sort?: "order" | "id" | "-id";
  /** plain text that must stand in id or description */
  readonly q?: string;
}

export interface Admin {
  readonly keys: {
    /** Lists virtual keys. */
    list(query?: KeysListQuery, options?: CallOptions): Pages<Key>;
    /** Makes a key. Its token is in this answer and nowhere else. */
    create(body: KeysCreateBody, options?: CallOptions): Promise<NewKey>;
    /** Shows a key. */
    get(id: string, options?: CallOptions): Promise<Key>;
    /** Changes what is given; `null` takes a limit away. */
    update(id: string, body: KeysUpdateBody, options?: CallOptions): Promise<Key>;
    /** Ends a key for good. Its receipts stay. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
    /** Gives a key another token, shown here and nowhere else. */
    rotate(id: string, body: KeysRotateBody, options?: CallOptions): Promise<NewKey>;
  };
  readonly orgs: {
    /** Lists organisations. */
    list(query?: OrgsListQuery, options?: CallOptions): Pages<Org>;
    /** Makes an organisation. */
    create(body: OrgsCreateBody, options?: CallOptions): Promise<Org>;
    /** Shows an organisation. */
    get(id: string, options?: CallOptions): Promise<Org>;
    /** Changes what is given. How it pays, and by which plan, is for those who run the gateway. */
    update(id: string, body: OrgsUpdateBody, options?: CallOptions): Promise<Org>;
    /** Takes an organisation away, with all keys that belong to it. Receipts stay. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
  };
  readonly teams: {
    /** Lists teams. */
    list(query?: TeamsListQuery, options?: CallOptions): Pages<Team>;
    /** Makes a team. */
    create(body: TeamsCreateBody, options?: CallOptions): Promise<Team>;
    /** Shows a team. */
    get(id: string, options?: CallOptions): Promise<Team>;
    /** Changes what is given. */
    update(id: string, body: TeamsUpdateBody, options?: CallOptions): Promise<Team>;
    /** Takes a team away, with all keys that belong to it. Receipts stay. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
  };
  readonly users: {
    /** Lists users. */
    list(query?: UsersListQuery, options?: CallOptions): Pages<User>;
    /** Makes a user without a password: send an invitation to have one set. */
    create(body: UsersCreateBody, options?: CallOptions): Promise<User>;
    /** Shows a user. */
    get(id: string, options?: CallOptions): Promise<User>;
    /** Changes what is given. Nobody gives or takes a role above his own. */
    update(id: string, body: UsersUpdateBody, options?: CallOptions): Promise<User>;
    /** Takes a user away, with all keys that belong to it. Receipts stay. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
  };
  readonly invites: {
    /** Lists links, used ones too. */
    list(query?: InvitesListQuery, options?: CallOptions): Pages<Invite>;
    /** Makes a link, good for once. Its token is in this answer and nowhere else. */
    create(body: InvitesCreateBody, options?: CallOptions): Promise<NewInvite>;
    /** Ends a link. */
    delete(id: string, query?: InvitesDeleteQuery, options?: CallOptions): Promise<Deleted>;
  };
  readonly budgets: {
    /** Lists budgets. */
    list(query?: BudgetsListQuery, options?: CallOptions): Pages<Budget>;
    /** Makes a budget. It is in force everywhere within two seconds. */
    create(body: BudgetsCreateBody, options?: CallOptions): Promise<Budget>;
    /** Shows a budget; of one for each, that of the `subject` that is named. */
    get(id: string, query?: BudgetsGetQuery, options?: CallOptions): Promise<Budget>;
    /** Changes what is given. What it is for does not change: that would be another budget. */
    update(id: string, body: BudgetsUpdateBody, options?: CallOptions): Promise<Budget>;
    /** Takes a budget away. What it has counted stays in the ledger. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
  };
  readonly credits: {
    /** Lists what an organisation has paid in and was given back. */
    list(query?: CreditsListQuery, options?: CallOptions): Pages<Credit>;
    /** Books money that was paid in, or a gift. */
    create(body: CreditsCreateBody, options?: CallOptions): Promise<Credit>;
  };
  readonly refunds: {
    /** Takes credits back that are neither spent nor held. */
    create(body: RefundsCreateBody, options?: CallOptions): Promise<Credit>;
  };
  readonly balance: {
    /** Shows what an organisation has left. */
    get(query?: BalanceGetQuery, options?: CallOptions): Promise<Balance>;
  };
  readonly plans: {
    /** Lists plans. */
    list(query?: PlansListQuery, options?: CallOptions): Pages<Plan>;
    /** Makes a plan. `orgs.update` gives it to an organisation. */
    create(body: PlansCreateBody, options?: CallOptions): Promise<Plan>;
    /** Shows a plan. */
    get(id: string, options?: CallOptions): Promise<Plan>;
    /** Changes what is given. Rules are replaced whole; what was charged stays. */
    update(id: string, body: PlansUpdateBody, options?: CallOptions): Promise<Plan>;
    /** Takes a plan away that no organisation has. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
  };
  readonly invoices: {
    /** Shows what an organisation is charged for a month. */
    get(query?: InvoicesGetQuery, options?: CallOptions): Promise<Invoice>;
  };
  readonly secrets: {
    /** Lists credentials of providers, without themselves. */
    list(query?: SecretsListQuery, options?: CallOptions): Pages<ProviderSecret>;
    /** Seals a credential. One of the same provider and name is replaced. */
    create(body: SecretsCreateBody, options?: CallOptions): Promise<ProviderSecret>;
    /** Switches a credential off, or on again. */
    update(id: string, body: SecretsUpdateBody, options?: CallOptions): Promise<ProviderSecret>;
    /** Takes a credential away. What was sealed is gone. */
    delete(id: string, options?: CallOptions): Promise<Deleted>;
  };
  readonly usage: {
    /** Shows what was spent, oldest first; of the rows the newest 5000. */
    get(query?: UsageGetQuery, options?: CallOptions): Promise<UsageGetAnswer>;
  };
  readonly alerts: {
    /** Lists alerts. */
    list(query?: AlertsListQuery, options?: CallOptions): Pages<Alert>;
    /** Shows an alert. */
    get(id: string, options?: CallOptions): Promise<Alert>;
    /** Says that an alert is dealt with. Whoever says it again changes nothing. */
    acknowledge(id: string, body: AlertsAcknowledgeBody, options?: CallOptions): Promise<Alert>;
  };
  readonly audit: {
    /** Lists what admins have changed. */
    list(query?: AuditListQuery, options?: CallOptions): Pages<AuditEntry>;
  };
  readonly requests: {
    /** Lists the records of requests. A page that has looked far enough may be short, or empty, and have a next one. */
    list(query?: RequestsListQuery, options?: CallOptions): Pages<RequestRecord>;
    /** Shows the record of a request. */
    get(id: string, query?: RequestsGetQuery, options?: CallOptions): Promise<RequestRecord>;
  };
  readonly batches: {
    /** Lists batches, whichever key made them. */
    list(query?: BatchesListQuery, options?: CallOptions): Pages<BatchRow>;
  };
  readonly providers: {
    /** Lists the providers in force. */
    list(query?: ProvidersListQuery, options?: CallOptions): Pages<Provider>;
  };
  readonly routes: {
    /** Lists the routes in force, each in plain words. */
    list(query?: RoutesListQuery, options?: CallOptions): Pages<Route>;
  };
  readonly config: {
    /** Shows the configuration in force. */
    get(options?: CallOptions): Promise<ConfigGetAnswer>;
  };
  readonly health: {
    /** Shows how the gateway and its targets do. */
    get(options?: CallOptions): Promise<HealthGetAnswer>;
  };
  readonly openapi: {
    /** Shows this document. */
    get(options?: CallOptions): Promise<OpenapiGetAnswer>;
  };
}

const one = (id: string): string => encodeURIComponent(id);

export function adminOf(call: Call): Admin {
  return {
    keys: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/keys', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/keys', body }),
      get: async (id, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/keys/${one(id)}` }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/keys/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/keys/${one(id)}` }),
      rotate: async (id, body, options = {}) => call.one({ ...options, method: 'POST', path: `/admin/v1/keys/${one(id)}/rotate`, body }),
    },
    orgs: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/orgs', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/orgs', body }),
      get: async (id, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/orgs/${one(id)}` }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/orgs/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/orgs/${one(id)}` }),
    },
    teams: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/teams', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/teams', body }),
      get: async (id, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/teams/${one(id)}` }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/teams/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/teams/${one(id)}` }),
    },
    users: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/users', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/users', body }),
      get: async (id, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/users/${one(id)}` }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/users/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/users/${one(id)}` }),
    },
    invites: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/invites', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/invites', body }),
      delete: async (id, query = {}, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/invites/${one(id)}`, query: { ...query } }),
    },
    budgets: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/budgets', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/budgets', body }),
      get: async (id, query = {}, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/budgets/${one(id)}`, query: { ...query } }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/budgets/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/budgets/${one(id)}` }),
    },
    credits: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/credits', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/credits', body }),
    },
    refunds: {
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/refunds', body }),
    },
    balance: {
      get: async (query = {}, options = {}) => call.one({ ...options, method: 'GET', path: '/admin/v1/balance', query: { ...query } }),
    },
    plans: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/plans', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/plans', body }),
      get: async (id, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/plans/${one(id)}` }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/plans/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/plans/${one(id)}` }),
    },
    invoices: {
      get: async (query = {}, options = {}) => call.one({ ...options, method: 'GET', path: '/admin/v1/invoices', query: { ...query } }),
    },
    secrets: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/secrets', { ...query }, options),
      create: async (body, options = {}) => call.one({ ...options, method: 'POST', path: '/admin/v1/secrets', body }),
      update: async (id, body, options = {}) => call.one({ ...options, method: 'PATCH', path: `/admin/v1/secrets/${one(id)}`, body }),
      delete: async (id, options = {}) => call.one({ ...options, method: 'DELETE', path: `/admin/v1/secrets/${one(id)}` }),
    },
    usage: {
      get: async (query = {}, options = {}) => call.one({ ...options, method: 'GET', path: '/admin/v1/usage', query: { ...query } }),
    },
    alerts: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/alerts', { ...query }, options),
      get: async (id, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/alerts/${one(id)}` }),
      acknowledge: async (id, body, options = {}) => call.one({ ...options, method: 'POST', path: `/admin/v1/alerts/${one(id)}/acknowledge`, body }),
    },
    audit: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/audit', { ...query }, options),
    },
    requests: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/requests', { ...query }, options),
      get: async (id, query = {}, options = {}) => call.one({ ...options, method: 'GET', path: `/admin/v1/requests/${one(id)}`, query: { ...query } }),
    },
    batches: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/batches', { ...query }, options),
    },
    providers: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/providers', { ...query }, options),
    },
    routes: {
      list: (query = {}, options = {}) => call.pages('/admin/v1/routes', { ...query }, options),
    },
    config: {
      get: async (options = {}) => call.one({ ...options, method: 'GET', path: '/admin/v1/config' }),
    },
    health: {
      get: async (options = {}) => call.one({ ...options, method: 'GET', path: '/admin/v1/health' }),
    },
    openapi: {
      get: async (options = {}) => call.one({ ...options, method: 'GET', path: '/admin/v1/openapi.json' }),
    },
  };
}
