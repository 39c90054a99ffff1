/** Budgets, as the rest of the gateway sees them. */
import type { Fault } from '../chat/fault.ts';
import type { Result } from '../lib/result.ts';
import type { Period } from '../money/period.ts';
import type { NanoUsd } from '../money/price.ts';
import type { Act } from './act.ts';
import type { PurseRef, PurseState, TargetPurses } from './purse-ports.ts';

/** What a budget can be for. `all`: everything that its organisation, or the whole gateway, spends. */
export const BUDGET_SCOPES = [
  'all',
  'org',
  'team',
  'user',
  'key',
  'end-user',
  'tag',
  'route',
  'provider',
  'model',
] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** For each of them, a budget of its own. */
export const EACH = '*';

export interface BudgetRow {
  readonly id: string;
  readonly name: string;
  /** Counts requests of this organisation only. Absent: of all. */
  readonly orgId?: string;
  readonly scope: BudgetScope;
  /** Id of organisation, team, user or key; name of end user, tag, route, provider or model (`openai/gpt-5`); `*`. Empty for `all`. */
  readonly subject: string;
  readonly limitNanoUsd: NanoUsd;
  readonly period: Period;
  /** IANA. */
  readonly timeZone: string;
  /** Refuses what does not fit. Else it only counts, and tells of its thresholds. */
  readonly isHard: boolean;
  /** Thresholds, per cent. */
  readonly alerts: readonly number[];
  readonly isDisabled: boolean;
  readonly createdAtMs: number;
}

export interface NewBudget {
  readonly name?: string | undefined;
  readonly orgId?: string | undefined;
  readonly scope: BudgetScope;
  readonly subject?: string | undefined;
  readonly limitNanoUsd: NanoUsd;
  /** `month` where it is absent. */
  readonly period?: Period | undefined;
  /** `UTC` where it is absent. */
  readonly timeZone?: string | undefined;
  readonly isHard?: boolean | undefined;
  readonly alerts?: readonly number[] | undefined;
}

/** What it is for does not change: that would be another budget. */
export interface BudgetPatch {
  readonly name?: string;
  readonly limitNanoUsd?: NanoUsd;
  readonly isHard?: boolean;
  readonly alerts?: readonly number[];
  readonly isDisabled?: boolean;
}

/** Whose request it is. */
export interface Spender {
  readonly keyId: string;
  readonly orgId?: string | undefined;
  readonly teamId?: string | undefined;
  readonly userId?: string | undefined;
  readonly endUser?: string | undefined;
  readonly route?: string | undefined;
  readonly tags: readonly string[];
}

/** The period of a budget that is now, and what is gone of it. */
export interface BudgetState extends PurseState {
  readonly purse: PurseRef;
}

export interface Budgets {
  /** Every budget in force or switched off, oldest first, from memory. */
  list(): readonly BudgetRow[];
  get(id: string): BudgetRow | undefined;
  /** Changes with everything that can be set of a budget. `undefined` where there is no such budget. */
  revision(id: string): string | undefined;
  create(budget: NewBudget, by?: string): Promise<Result<BudgetRow, Fault>>;
  /** `undefined` where there is no such budget. */
  change(id: string, patch: BudgetPatch, by?: string | Act): Promise<Result<BudgetRow | undefined, Fault>>;
  /** False where there is no such budget. What it has counted stays. */
  remove(id: string, by?: string | Act): Promise<Result<boolean, Fault>>;
  /** What is gone of its present period. For a budget of each of many, of the one that is named. */
  state(id: string, subject?: string): Promise<Result<BudgetState | undefined, Fault>>;
  /** The purses in which a request counts now, without those of its target. From memory. */
  purses(spender: Spender, nowMs: number): TargetPurses;
  /** Those of a target. */
  pursesAt(
    target: { readonly provider: string; readonly model: string },
    spender: Spender,
    nowMs: number,
  ): TargetPurses;
}
