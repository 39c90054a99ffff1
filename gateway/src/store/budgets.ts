/** Budgets in memory: which purses a request counts in is told without the store, and kept up to date by asking it for what is newer. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { isTimeZone, periodAt, type Period, type Span } from '../money/period.ts';
import { isInWords, NOT_IN_WORDS } from '../people/names.ts';
import { deedOf, mindsRevision, type Act } from './act.ts';
import type { Books, KeyDeed, StoredBudget } from './books/form.ts';
import {
  EACH,
  type BudgetPatch,
  type BudgetRow,
  type Budgets,
  type BudgetScope,
  type BudgetState,
  type NewBudget,
  type Spender,
} from './budget-ports.ts';
import { patiently } from './patience.ts';
import type { PurseRef, PurseState, TargetPurses } from './purse-ports.ts';

const SUBJECT_LENGTH_MAX = 200;
const BUDGETS_MAX = 100_000;
const ALERTS_MAX = 10;
const ALERT_MAX = 1000;
/** Told at half, at four fifths, and when it is used up. */
const ALERTS = [50, 80, 100] as const;
/** A thousand million dollars, less one nano-dollar. */
const LIMIT_NANO_USD_MAX = 10n ** 18n - 1n;
const NONE: TargetPurses = { hard: [], booked: [] };

export interface BudgetPorts {
  readonly books: Books;
  readonly now: () => number;
  readonly newId: (prefix: string) => string;
  readonly patienceMs: number;
  /** What a purse may spend was changed. */
  readonly onChange: (purseId: string) => void;
  readonly stateOf: (purseId: string) => Promise<PurseState>;
}

export class BudgetBoard implements Budgets {
  readonly #ports: BudgetPorts;
  readonly #byId = new Map<string, Known>();
  /** By scope, then by subject (`*` among them). */
  readonly #bySubject = new Map<BudgetScope, Map<string, readonly BudgetRow[]>>();
  readonly #spans = new Map<string, Span>();
  #revision = 0n;

  constructor(ports: BudgetPorts) {
    this.#ports = ports;
  }

  list(): readonly BudgetRow[] {
    return [...this.#byId.values()].map(({ row }) => row).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  get(id: string): BudgetRow | undefined {
    return this.#byId.get(id)?.row;
  }

  revision(id: string): string | undefined {
    return this.#byId.get(id)?.revision.toString();
  }

  async create(budget: NewBudget, by?: string): Promise<Result<BudgetRow, Fault>> {
    const { newId, now, books } = this.#ports;
    const row = rowOf(budget, { id: newId('bud'), createdAtMs: now() });
    const wrong = this.#byId.size >= BUDGETS_MAX ? tooMany() : (whyNotValid(row) ?? (await this.#whyNotThere(row)));
    if (wrong !== undefined) return err(wrong);
    const stored = await patiently(async () => books.createBudget(row, this.#deed(by)), this.#ports.patienceMs);
    return stored.ok ? ok(this.#apply(stored.value) ?? row) : stored;
  }

  /** A budget of a team's name, in the place of its id, would be in force and bind nobody. Those that are there may still be changed. */
  async #whyNotThere(budget: BudgetRow): Promise<Fault | undefined> {
    const { books, patienceMs } = this.#ports;
    const shape = whyNotNamed(budget);
    if (shape !== undefined) return fault('field-invalid', { reason: shape }, { param: 'subject' });
    const missing = await patiently(async () => books.missingOfBudget(budget), patienceMs);
    if (!missing.ok) return missing.error;
    if (missing.value === undefined) return undefined;
    const reason = missing.value === 'org' ? 'there is no such organisation' : `there is no ${budget.scope} of this id`;
    return fault('field-invalid', { reason }, { param: missing.value });
  }

  async change(id: string, patch: BudgetPatch, by?: string | Act): Promise<Result<BudgetRow | undefined, Fault>> {
    const known = this.get(id);
    const wrong = known === undefined ? undefined : whyNotValid({ ...known, ...patch });
    if (wrong !== undefined) return err(wrong);
    const { books, patienceMs } = this.#ports;
    const stored = await patiently(async () => books.changeBudget(id, patch, this.#deed(by)), patienceMs);
    if (!stored.ok) return stored;
    if (stored.value === undefined) return this.#isStale(id, by) ? err(fault('revision-old')) : ok(undefined);
    return ok(this.#apply(stored.value));
  }

  async remove(id: string, by?: string | Act): Promise<Result<boolean, Fault>> {
    const { books, patienceMs } = this.#ports;
    const stored = await patiently(async () => books.removeBudget(id, this.#deed(by)), patienceMs);
    if (!stored.ok) return stored;
    if (stored.value === undefined) return this.#isStale(id, by) ? err(fault('revision-old')) : ok(false);
    this.#apply(stored.value);
    return ok(true);
  }

  /** Why a budget that is there was left as it is. */
  #isStale(id: string, by: string | Act | undefined): boolean {
    return mindsRevision(by) && this.#byId.has(id);
  }

  #deed(by: string | Act | undefined): KeyDeed {
    return deedOf(by, this.#ports.now());
  }

  async state(id: string, subject?: string): Promise<Result<BudgetState | undefined, Fault>> {
    const budget = this.get(id);
    if (budget === undefined) return ok(undefined);
    if (budget.subject === EACH && subject === undefined)
      return err(
        fault('field-missing', { reason: 'it is a budget for each of many: say of whom' }, { param: 'subject' }),
      );
    const purse = this.#purseOf(budget, subject ?? budget.subject, this.#ports.now());
    const state = await patiently(async () => this.#ports.stateOf(purse.id), this.#ports.patienceMs);
    // Nobody has drawn from it yet in this period, or it never refuses anybody.
    return state.ok ? ok({ ...state.value, purse, limitNanoUsd: budget.limitNanoUsd }) : state;
  }

  purses(spender: Spender, nowMs: number): TargetPurses {
    if (this.#byId.size === 0) return NONE;
    const { orgId, teamId, userId, keyId, endUser, route, tags } = spender;
    const found = new Found(spender, nowMs);
    this.#find('all', '', found);
    this.#find('org', orgId, found);
    this.#find('team', teamId, found);
    this.#find('user', userId, found);
    this.#find('key', keyId, found);
    this.#find('end-user', endUser, found);
    this.#find('route', route, found);
    for (const tag of tags) this.#find('tag', tag, found);
    return found;
  }

  pursesAt(
    target: { readonly provider: string; readonly model: string },
    spender: Spender,
    nowMs: number,
  ): TargetPurses {
    if (this.#byId.size === 0) return NONE;
    const found = new Found(spender, nowMs, '~');
    this.#find('provider', target.provider, found);
    this.#find('model', `${target.provider}/${target.model}`, found);
    return found;
  }

  /** Learns what other processes have changed. Throws where the store is in trouble; what is known so far stays. */
  async refresh(): Promise<void> {
    for (const stored of await this.#ports.books.budgetChanges(this.#revision)) {
      this.#apply(stored);
      this.#revision = stored.revision;
    }
  }

  #find(scope: BudgetScope, subject: string | undefined, found: Found): void {
    const bySubject = this.#bySubject.get(scope);
    if (bySubject === undefined || subject === undefined) return;
    for (const name of subject === '' || subject === EACH ? [subject] : [subject, EACH])
      for (const budget of bySubject.get(name) ?? [])
        if (budget.orgId === undefined || budget.orgId === found.spender.orgId)
          found.add(budget, this.#purseOf(budget, subject, found.nowMs));
  }

  #purseOf(budget: BudgetRow, subject: string, nowMs: number): PurseRef {
    const { id, name, scope, period, timeZone, limitNanoUsd } = budget;
    const span = this.#spanOf(period, timeZone, nowMs);
    // Half of a surrogate pair is in no URI, and JSON lets it through.
    const each = budget.subject === EACH ? `:${encodeURIComponent(subject.toWellFormed())}` : '';
    const since = span === undefined ? '' : `@${new Date(span.startMs).toISOString()}`;
    const of = scope === 'all' ? '' : ` of ${scope.replace('-', ' ')} ${subject}`;
    const owner = `budget "${name}"${of}`;
    return {
      id: `${id}${each}${since}`,
      owner,
      limitNanoUsd,
      ...(span === undefined ? {} : { resetsAtMs: span.endMs }),
    };
  }

  /** Found once a period: the calendar is slow. */
  #spanOf(period: Period, timeZone: string, nowMs: number): Span | undefined {
    const key = `${period} ${timeZone}`;
    const known = this.#spans.get(key);
    if (known !== undefined && known.startMs <= nowMs && nowMs < known.endMs) return known;
    const span = periodAt(period, timeZone, nowMs);
    if (span !== undefined) this.#spans.set(key, span);
    return span;
  }

  #apply(stored: StoredBudget): BudgetRow | undefined {
    const { isRemoved, revision, ...row } = stored;
    const before = this.#byId.get(row.id);
    if (before !== undefined && before.revision >= revision) return before.row;
    if (isRemoved) this.#byId.delete(row.id);
    else this.#byId.set(row.id, { row, revision });
    this.#index(row.scope);
    if (before !== undefined && !isRemoved && row.subject !== EACH)
      this.#ports.onChange(this.#purseOf(row, row.subject, this.#ports.now()).id);
    return row;
  }

  #index(scope: BudgetScope): void {
    const rows = this.list().filter((row) => row.scope === scope && !row.isDisabled);
    this.#bySubject.set(
      scope,
      Map.groupBy(rows, ({ subject }) => subject),
    );
  }
}

interface Known {
  readonly row: BudgetRow;
  readonly revision: bigint;
}

/** Purses as they are found. */
class Found implements TargetPurses {
  readonly hard: PurseRef[] = [];
  readonly booked: string[] = [];
  readonly spender: Spender;
  readonly nowMs: number;
  readonly #mark: string;

  /** `mark`: `~` where they count the cost. */
  constructor(spender: Spender, nowMs: number, mark = '') {
    this.spender = spender;
    this.nowMs = nowMs;
    this.#mark = mark;
  }

  add({ isHard }: BudgetRow, purse: PurseRef): void {
    if (isHard) this.hard.push(purse);
    this.booked.push(`${this.#mark}${purse.id}`);
  }
}

function rowOf(budget: NewBudget, made: Pick<BudgetRow, 'id' | 'createdAtMs'>): BudgetRow {
  const { name, orgId, scope, subject = '', limitNanoUsd, period = 'month', timeZone = 'UTC', isHard = true } = budget;
  return {
    ...made,
    name: name ?? (scope === 'all' ? 'all' : `${scope} ${subject}`),
    ...(orgId === undefined ? {} : { orgId }),
    scope,
    subject,
    limitNanoUsd,
    period,
    timeZone,
    isHard,
    alerts: [...(budget.alerts ?? ALERTS)].toSorted((a, b) => a - b),
    isDisabled: false,
  };
}

/** What can be the name of no provider, or of no model at one. */
function whyNotNamed({ scope, subject }: BudgetRow): string | undefined {
  const hasSlash = subject.includes('/');
  if (scope === 'provider' && hasSlash) return 'it must be the name of a provider, as in openai';
  if (scope === 'model' && subject !== EACH && !hasSlash)
    return 'it must be a provider and its model, as in openai/gpt-5';
  return undefined;
}

function tooMany(): Fault {
  return fault('field-invalid', { reason: `there are ${BUDGETS_MAX} budgets already` }, { param: 'scope' });
}

function whyNotValid({ name, scope, subject, limitNanoUsd, timeZone, alerts }: BudgetRow): Fault | undefined {
  const wrong = (param: string, reason: string): Fault => fault('field-invalid', { reason }, { param });
  if (!isInWords(name)) return wrong('name', NOT_IN_WORDS);
  if (limitNanoUsd < 0n || limitNanoUsd > LIMIT_NANO_USD_MAX)
    return wrong('limit_usd', 'it must be from 0 to 999999999.999999999');
  if (scope === 'all' ? subject !== '' : subject === '' || subject.length > SUBJECT_LENGTH_MAX)
    return wrong('subject', scope === 'all' ? 'a budget for all has none' : `say whose it is, or ${EACH} for each one`);
  if (!isTimeZone(timeZone)) return wrong('time_zone', 'it must be one of the IANA database, as in Europe/Berlin');
  const isOdd = alerts.some((alert) => !Number.isInteger(alert) || alert < 1 || alert > ALERT_MAX);
  return isOdd || alerts.length > ALERTS_MAX
    ? wrong('alerts', `it may have ${ALERTS_MAX} whole numbers from 1 to ${ALERT_MAX}, per cent`)
    : undefined;
}
