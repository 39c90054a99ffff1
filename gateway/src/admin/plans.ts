/** `plans`: what is added to a cost, or taken off it, before an organisation is charged. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { BASIS_POINTS_MAX, BASIS_POINTS_MIN, FIXED_NANO_USD_MAX, type Plan } from '../money/plan.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { AskBilling, StoredPlan } from '../store/billing-ports.ts';
import { endpoint, list, type Answer, type Asked, type Endpoint } from './endpoint.ts';
import { deleted, id, name, usd, usdText } from './fields.ts';
import { pageOf } from './lists.ts';
import { actOf } from './revisions.ts';

const RULES_MAX = 200;
const models = z.string().min(1).max(200).describe('a provider, or a pattern as in `openai/*`');
const basisPoints = z.number().int().min(BASIS_POINTS_MIN).max(BASIS_POINTS_MAX);

const plan = z
  .strictObject({
    id,
    name: z.string(),
    rules: z.array(z.strictObject({ models: z.string(), basis_points: z.number().int(), fixed_usd: usdText })),
  })
  .meta({ id: 'Plan', description: 'Rules in order: the first that fits a model holds.' });

const rules = z
  .array(
    z.strictObject({
      models,
      basis_points: basisPoints.optional().describe('hundredths of a per cent that are added; less than 0: taken off'),
      fixed_usd: usd
        .refine(
          (value) => (parseUsd(String(value)) ?? 0n) <= FIXED_NANO_USD_MAX,
          `it must be at most ${formatUsd(FIXED_NANO_USD_MAX)}`,
        )
        .optional()
        .describe('added once a request'),
    }),
  )
  .max(RULES_MAX);

const EXAMPLE = {
  id: 'plan_example',
  name: 'Standard',
  rules: [{ models: 'openai/*', basis_points: 2500, fixed_usd: '0' }],
};
const BODY = { name: 'Standard', rules: [{ models: 'openai/*', basis_points: 2500 }] };

export const planEndpoints: readonly Endpoint[] = [
  list({
    id: 'plans.list',
    path: 'plans',
    permissions: ['gateway.plans'],
    summary: 'Lists plans.',
    row: plan,
    filters: {},
    sorts: ['name', '-name'],
    searches: 'name or id',
    example: EXAMPLE,
    async answers({ page }, { store }) {
      const all = await plansOf(store.billing);
      if (!all.ok) return all.error;
      const { rows, ...more } = pageOf(all.value, page, {
        idOf: (row) => row.id,
        columns: { name: (row) => row.name },
        searched: (row) => [row.name, row.id],
      });
      return { rows: rows.map(recordOf), ...more };
    },
  }),
  endpoint({
    id: 'plans.create',
    method: 'POST',
    path: 'plans',
    permissions: ['gateway.plans'],
    summary: 'Makes a plan. `orgs.update` gives it to an organisation.',
    status: 201,
    body: z.strictObject({
      name: name.describe('say what it is called'),
      rules: rules.describe('the first that fits holds'),
    }),
    answer: plan,
    examples: { body: BODY, answer: EXAMPLE },
    async answers({ body, principal }, { store, now }) {
      const made = { id: `plan_${randomBytes(12).toString('hex')}`, name: body.name, rules: rulesOf(body.rules) };
      const deed = { atMs: now(), by: principal.id };
      const stored = await store.billing(async (books) => books.createPlan(made, deed));
      return stored.ok ? answerOf(stored.value) : stored.error;
    },
  }),
  endpoint({
    id: 'plans.get',
    method: 'GET',
    path: 'plans/{id}',
    permissions: ['gateway.plans'],
    summary: 'Shows a plan.',
    isSingle: true,
    answer: plan,
    examples: { answer: EXAMPLE },
    answers: async ({ id: planId }, { store }) => {
      const found = await planOf(planId, store.billing);
      return found.ok ? answerOf(found.value) : found.error;
    },
  }),
  endpoint({
    id: 'plans.update',
    method: 'PATCH',
    path: 'plans/{id}',
    permissions: ['gateway.plans'],
    summary: 'Changes what is given. Rules are replaced whole; what was charged stays.',
    isSingle: true,
    body: z.strictObject({
      name: name.optional().describe('for people'),
      rules: rules.optional().describe('the first that fits holds'),
    }),
    answer: plan,
    examples: { body: { name: 'Basic' }, answer: { ...EXAMPLE, name: 'Basic' } },
    async answers(asked, { store, now }) {
      const { id: planId, body } = asked;
      const act = await changing(asked, store.billing);
      if ('code' in act) return act;
      const patch = compact({ name: body.name, rules: body.rules === undefined ? undefined : rulesOf(body.rules) });
      const done = await store.billing(async (books) => books.changePlan(planId, patch, { ...act, atMs: now() }));
      if (!done.ok) return done.error;
      return 'row' in done.value ? answerOf(done.value.row) : refusedAs(done.value.refused, planId);
    },
  }),
  endpoint({
    id: 'plans.delete',
    method: 'DELETE',
    path: 'plans/{id}',
    permissions: ['gateway.plans'],
    summary: 'Takes a plan away that no organisation has.',
    isSingle: true,
    answer: deleted,
    examples: { answer: { id: EXAMPLE.id, deleted: true } },
    async answers(asked, { store, now }) {
      const { id: planId } = asked;
      const act = await changing(asked, store.billing);
      if ('code' in act) return act;
      const done = await store.billing(async (books) => books.removePlan(planId, { ...act, atMs: now() }));
      if (!done.ok) return done.error;
      return 'row' in done.value ? { body: { id: planId, deleted: true } } : refusedAs(done.value.refused, planId);
    },
  }),
];

/** Who changes a plan that is there. */
async function changing(
  { id: planId, principal, ifRevision }: Pick<Asked<unknown, unknown>, 'id' | 'principal' | 'ifRevision'>,
  ask: AskBilling,
): Promise<ReturnType<typeof actOf>> {
  const found = await planOf(planId, ask);
  return found.ok ? actOf(principal, ifRevision, found.value.revision.toString()) : found.error;
}

function refusedAs(refused: 'unknown' | 'in-use' | 'revision-old', planId: string): Fault {
  if (refused === 'revision-old') return fault(refused);
  return fault(refused === 'in-use' ? 'plan-in-use' : 'record-unknown', { id: planId.slice(0, 80) });
}

/** They are few, and made by hand. */
async function plansOf(ask: AskBilling): Promise<Result<readonly StoredPlan[], Fault>> {
  const all = await ask(async (books) => books.planChanges(0n));
  return all.ok ? ok(all.value.filter(({ isRemoved }) => !isRemoved)) : all;
}

async function planOf(planId: string, ask: AskBilling): Promise<Result<StoredPlan, Fault>> {
  const all = await plansOf(ask);
  if (!all.ok) return all;
  const found = all.value.find((one) => one.id === planId);
  return found === undefined ? err(fault('record-unknown', { id: planId.slice(0, 80) })) : ok(found);
}

function rulesOf(given: z.output<typeof rules>): Plan['rules'] {
  return given.map((rule) => ({
    models: rule.models,
    basisPoints: rule.basis_points ?? 0,
    fixedNanoUsd: parseUsd(String(rule.fixed_usd ?? 0)) ?? 0n,
  }));
}

function answerOf(row: StoredPlan): Answer {
  return { body: recordOf(row), revision: row.revision.toString() };
}

function recordOf(row: Plan): JsonRecord {
  return {
    id: row.id,
    name: row.name,
    rules: row.rules.map((rule) => ({
      models: rule.models,
      basis_points: rule.basisPoints,
      fixed_usd: formatUsd(rule.fixedNanoUsd),
    })),
  };
}
