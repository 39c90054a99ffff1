/** `orgs`: organisations, how each pays, and by which plan. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { may } from '../people/permissions.ts';
import type { OrgRow, People } from '../store/people-ports.ts';
import { endpoint, type Asked, type Endpoint } from './endpoint.ts';
import { name } from './fields.ts';
import {
  changes,
  changing,
  getOf,
  listOf,
  removeOf,
  settingsOf,
  shared,
  sharedRecord,
  written,
  type Kind,
} from './party.ts';

const org = z
  .strictObject({ ...shared, billing: z.enum(['postpaid', 'prepaid']), plan: z.string().optional() })
  .meta({ id: 'Org', description: 'An organisation.' });

const orgChange = z.strictObject({
  ...changes,
  billing: z.enum(['postpaid', 'prepaid']).optional().describe('prepaid: it spends its credits only'),
  plan: z.string().nullable().optional().describe('id of its plan; null: none'),
});

const orgs: Kind<OrgRow> = {
  name: 'orgs',
  one: 'an organisation',
  row: org,
  record: (row) => compact({ ...sharedRecord(row), billing: row.billing, plan: row.planId }),
  get: (people, orgId) => people.org(orgId),
  orgOf: (row) => row.id,
  remove: async (people, orgId, act) => people.changeOrg(orgId, { isRemoved: true }, act),
  write: 'gateway.orgs',
  example: {
    id: 'default',
    name: 'Default',
    disabled: false,
    created_at: '2026-11-27T08:00:00.000Z',
    settings: {},
    billing: 'postpaid',
  },
};

const createOrg = endpoint({
  id: 'orgs.create',
  method: 'POST',
  path: 'orgs',
  permissions: ['gateway.orgs'],
  summary: 'Makes an organisation.',
  status: 201,
  body: orgChange.omit({ disabled: true }).extend({ name: name.describe('say what it is called') }),
  answer: org,
  examples: { body: { name: 'Example Ltd' }, answer: { ...orgs.example, name: 'Example Ltd' } },
  async answers({ body, principal }, { store }) {
    const { plan, ...rest } = body;
    const made = compact({ name: rest.name, billing: rest.billing, planId: plan ?? undefined });
    const settings = settingsOf(rest.settings);
    return written(orgs, '', store.people.createOrg({ ...made, ...settings }, principal.id));
  },
});

const updateOrg = endpoint({
  id: 'orgs.update',
  method: 'PATCH',
  path: 'orgs/{id}',
  permissions: ['gateway.orgs', 'org.write'],
  summary: 'Changes what is given. How it pays, and by which plan, is for those who run the gateway.',
  isSingle: true,
  body: orgChange,
  answer: org,
  examples: { body: { name: 'Example' }, answer: { ...orgs.example, name: 'Example' } },
  async answers(asked, { store }) {
    const { body, principal, id: rowId } = asked;
    const act = changing(orgs, asked, store.people);
    if ('code' in act) return act;
    // An organisation does not say itself what it pays, nor does it switch itself on again.
    const taken = (['billing', 'plan', 'disabled', 'settings'] as const).find((field) => body[field] !== undefined);
    if (taken !== undefined && !may(principal, 'gateway.orgs')) return notOwn(taken, asked, store.people);
    const patch = compact({ name: body.name, isDisabled: body.disabled, billing: body.billing, planId: body.plan });
    return written(orgs, rowId, store.people.changeOrg(rowId, { ...patch, ...settingsOf(body.settings) }, act));
  },
});

/** Refused, and written down. */
async function notOwn(
  field: string,
  { id: rowId, principal }: Pick<Asked<unknown, unknown>, 'id' | 'principal'>,
  people: People,
): Promise<Fault> {
  const noted = await people.noteRefused({ subject: rowId, orgId: rowId, fields: [field] }, principal.id);
  return noted.ok
    ? fault('not-permitted', { role: principal.role, permission: 'gateway.orgs' }, { param: field })
    : noted.error;
}

export const orgEndpoints: readonly Endpoint[] = [
  listOf(orgs, (people, orgId) => people.orgs().filter((row) => orgId === undefined || row.id === orgId)),
  createOrg,
  getOf(orgs),
  updateOrg,
  removeOf(orgs),
];
