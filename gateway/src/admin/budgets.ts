/** `budgets`: what may be spent, by whom and for what, in a period. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { PERIODS } from '../money/period.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import { isOfAll, may, type Principal } from '../people/permissions.ts';
import { BUDGET_SCOPES, EACH, type BudgetRow, type BudgetState } from '../store/budget-ports.ts';
import type { Store } from '../store/ports.ts';
import { endpoint, list, type Answer, type Asked, type Endpoint } from './endpoint.ts';
import { at, deleted, id, momentOf, name, usd, usdText } from './fields.ts';
import { pageOf } from './lists.ts';
import { invalid } from './read.ts';
import { actOf } from './revisions.ts';

const budget = z
  .strictObject({
    id,
    name: z.string(),
    org: z.string().optional().describe('counts its requests only; absent: those of all'),
    scope: z.enum(BUDGET_SCOPES),
    subject: z.string().describe('id or name of what it is for; `*`: one for each'),
    limit_usd: usdText,
    period: z.enum(PERIODS),
    time_zone: z.string(),
    hard: z.boolean().describe('refuses what does not fit; else it only counts'),
    alerts: z.array(z.number()).describe('per cent'),
    disabled: z.boolean(),
    created_at: at,
    spent_usd: usdText.optional().describe('in the present period; absent: it is one for each'),
    held_usd: usdText.optional().describe('put aside for requests under way'),
    resets_at: at.optional(),
  })
  .meta({ id: 'Budget', description: 'A budget, and what is gone of its present period.' });

const settings = {
  hard: z.boolean().optional().describe('false: it refuses nothing, and only counts'),
  alerts: z.array(z.number()).max(10).optional().describe('thresholds, per cent; 50, 80, 100 where it is absent'),
};

const creation = z.strictObject({
  name: name.optional().describe('for people'),
  org: z.string().optional().describe('id of the organisation; absent: your own, or all for the root key'),
  scope: z
    .enum(BUDGET_SCOPES, { error: `it must be one of ${BUDGET_SCOPES.join(', ')}` })
    .describe(`what it is for: ${BUDGET_SCOPES.join(', ')}`),
  subject: z.string().optional().describe('id or name of what it is for; `*`: one for each'),
  limit_usd: usd.describe('US dollars, as text or number'),
  period: z
    .enum(PERIODS, { error: `it must be one of ${PERIODS.join(', ')}` })
    .optional()
    .describe('`month` where it is absent'),
  time_zone: z.string().optional().describe('as in `Europe/Berlin`; UTC where it is absent'),
  ...settings,
});

const change = z.strictObject({
  name: name.optional().describe('for people'),
  limit_usd: usd.optional().describe('US dollars, as text or number'),
  disabled: z.boolean().optional().describe('true: it neither refuses nor counts'),
  ...settings,
});

const EXAMPLE = {
  id: 'bud_0mf3k2v9xexample0000000',
  name: 'support',
  scope: 'team',
  subject: 'team_0mf3k2v9xexample000000',
  limit_usd: '100',
  period: 'month',
  time_zone: 'UTC',
  hard: true,
  alerts: [50, 80, 100],
  disabled: false,
  created_at: '2026-11-27T08:00:00.000Z',
  spent_usd: '12.5',
  held_usd: '0',
  resets_at: '2026-12-01T00:00:00.000Z',
};

const budgetList = list({
  id: 'budgets.list',
  path: 'budgets',
  permissions: ['budgets.read'],
  summary: 'Lists budgets.',
  row: budget,
  filters: {
    scope: z.enum(BUDGET_SCOPES).optional().describe('only those of this scope'),
    subject: z.string().optional().describe('only those for this'),
  },
  sorts: ['-created_at', 'created_at', 'name', '-name'],
  searches: 'name, id or subject',
  example: EXAMPLE,
  async answers({ query, page, principal }, { store }) {
    const { scope, subject } = query;
    const rows = store.budgets
      .list()
      .filter(
        (row) =>
          isSeen(row, principal) &&
          (scope === undefined || row.scope === scope) &&
          (subject === undefined || row.subject === subject),
      );
    const { rows: shown, ...more } = pageOf(rows, page, {
      idOf: (row) => row.id,
      columns: { created_at: (row) => row.createdAtMs, name: (row) => row.name },
      searched: (row) => [row.name, row.id, row.subject],
    });
    return { rows: await Promise.all(shown.map(async (row) => recordOf(row, store))), ...more };
  },
});

const create = endpoint({
  id: 'budgets.create',
  method: 'POST',
  path: 'budgets',
  permissions: ['budgets.write'],
  summary: 'Makes a budget. It is in force everywhere within two seconds.',
  status: 201,
  body: creation,
  answer: budget,
  examples: { body: { scope: 'team', subject: EXAMPLE.subject, limit_usd: '100' }, answer: EXAMPLE },
  async answers({ body, principal }, { store }) {
    const { org = principal.orgId } = body;
    if (org !== principal.orgId && !isOfAll(principal)) return invalid('org', 'there is no such organisation');
    const made = await store.budgets.create(
      {
        name: body.name,
        orgId: org,
        scope: body.scope,
        subject: body.subject,
        limitNanoUsd: parseUsd(String(body.limit_usd)) ?? 0n,
        period: body.period,
        timeZone: body.time_zone,
        isHard: body.hard,
        alerts: body.alerts,
      },
      principal.id,
    );
    return made.ok ? answerOf(made.value, store) : made.error;
  },
});

const get = endpoint({
  id: 'budgets.get',
  method: 'GET',
  path: 'budgets/{id}',
  permissions: ['budgets.read'],
  summary: 'Shows a budget; of one for each, that of the `subject` that is named.',
  query: z.strictObject({ subject: z.string().max(300).optional().describe('of whom, where it is one for each') }),
  isSingle: true,
  answer: budget,
  examples: { answer: EXAMPLE },
  answers: async ({ id: budgetId, query, principal }, { store }) => {
    const row = store.budgets.get(budgetId);
    return row === undefined || !isSeen(row, principal) ? unknown(budgetId) : answerOf(row, store, query.subject);
  },
});

const update = endpoint({
  id: 'budgets.update',
  method: 'PATCH',
  path: 'budgets/{id}',
  permissions: ['budgets.write'],
  summary: 'Changes what is given. What it is for does not change: that would be another budget.',
  isSingle: true,
  body: change,
  answer: budget,
  examples: { body: { limit_usd: '200' }, answer: { ...EXAMPLE, limit_usd: '200' } },
  async answers(asked, { store }) {
    const { id: budgetId, body } = asked;
    const act = changing(asked, store);
    if ('code' in act) return act;
    const { name: called, hard: isHard, alerts, disabled: isDisabled, limit_usd: limit } = body;
    const limitNanoUsd = limit === undefined ? undefined : parseUsd(String(limit));
    const patch = compact({ name: called, limitNanoUsd, isHard, alerts, isDisabled });
    const changed = await store.budgets.change(budgetId, patch, act);
    if (!changed.ok) return changed.error;
    return changed.value === undefined ? unknown(budgetId) : answerOf(changed.value, store);
  },
});

const remove = endpoint({
  id: 'budgets.delete',
  method: 'DELETE',
  path: 'budgets/{id}',
  permissions: ['budgets.write'],
  summary: 'Takes a budget away. What it has counted stays in the ledger.',
  isSingle: true,
  answer: deleted,
  examples: { answer: { id: EXAMPLE.id, deleted: true } },
  async answers(asked, { store }) {
    const act = changing(asked, store);
    if ('code' in act) return act;
    const removed = await store.budgets.remove(asked.id, act);
    if (!removed.ok) return removed.error;
    return removed.value ? { body: { id: asked.id, deleted: true } } : unknown(asked.id);
  },
});

export const budgetEndpoints: readonly Endpoint[] = [budgetList, create, get, update, remove];

/** Those of the whole gateway are for those who run it. */
function isSeen({ orgId }: BudgetRow, principal: Principal): boolean {
  if (orgId === undefined) return may(principal, 'gateway.read');
  return isOfAll(principal) || orgId === principal.orgId;
}

function changing(
  { id: budgetId, principal, ifRevision }: Pick<Asked<unknown, unknown>, 'id' | 'principal' | 'ifRevision'>,
  store: Store,
): ReturnType<typeof actOf> {
  const row = store.budgets.get(budgetId);
  return row === undefined || !isSeen(row, principal)
    ? unknown(budgetId)
    : actOf(principal, ifRevision, store.budgets.revision(budgetId));
}

function unknown(budgetId: string): Fault {
  return fault('record-unknown', { id: budgetId.slice(0, 80) });
}

async function answerOf(row: BudgetRow, store: Store, subject?: string): Promise<Answer> {
  return compact({ body: await recordOf(row, store, subject), revision: store.budgets.revision(row.id) });
}

async function recordOf(row: BudgetRow, store: Store, subject?: string): Promise<JsonRecord> {
  const isOne = row.subject !== EACH || subject !== undefined;
  const state = isOne ? await store.budgets.state(row.id, subject) : undefined;
  return compact({
    id: row.id,
    name: row.name,
    org: row.orgId,
    scope: row.scope,
    subject: row.subject,
    limit_usd: formatUsd(row.limitNanoUsd),
    period: row.period,
    time_zone: row.timeZone,
    hard: row.isHard,
    alerts: row.alerts,
    disabled: row.isDisabled,
    created_at: new Date(row.createdAtMs).toISOString(),
    ...stateRecord(state?.ok === true ? state.value : undefined),
  });
}

function stateRecord(state: BudgetState | undefined): JsonRecord {
  if (state === undefined) return {};
  return compact({
    spent_usd: formatUsd(state.spentNanoUsd),
    held_usd: formatUsd(state.heldNanoUsd),
    resets_at: momentOf(state.purse.resetsAtMs),
  });
}
