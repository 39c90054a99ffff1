/** `orgs`, `teams` and `users`: who there is, and what they may. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { asString, compact, type JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import { foldEmail } from '../people/email.ts';
import { may, mayGive, ROLES, type Principal } from '../people/permissions.ts';
import type { Act } from '../store/act.ts';
import type { OrgRow, People, TeamRow, UserRow } from '../store/people-ports.ts';
import { endpoint, list, type Answer, type Asked, type Endpoint } from './endpoint.ts';
import { at, deleted, id, momentOf, name, names, record } from './fields.ts';
import { pageOf } from './lists.ts';
import { actOf } from './revisions.ts';
import { orgFor } from './scope.ts';

const role = z.enum(ROLES, { error: `it must be one of ${ROLES.join(', ')}` });

const shared = { id, name: z.string(), disabled: z.boolean(), created_at: at, settings: record };

const org = z
  .strictObject({ ...shared, billing: z.enum(['postpaid', 'prepaid']), plan: z.string().optional() })
  .meta({ id: 'Org', description: 'An organisation.' });
const team = z.strictObject({ ...shared, org: z.string() }).meta({ id: 'Team', description: 'A team.' });
const user = z
  .strictObject({
    ...shared,
    org: z.string(),
    email: z.string().optional(),
    role,
    teams: z.array(z.string()).describe('ids'),
    has_password: z.boolean(),
    last_login_at: at.optional(),
  })
  .meta({ id: 'User', description: 'Someone who can log in.' });

const changes = {
  name: name.optional().describe('for people'),
  disabled: z.boolean().optional().describe('true: nothing of it may be used'),
  settings: record.optional().describe('allowed models, routes, providers and regions, limits'),
};
const orgChange = z.strictObject({
  ...changes,
  billing: z.enum(['postpaid', 'prepaid']).optional().describe('prepaid: it spends its credits only'),
  plan: z.string().nullable().optional().describe('id of its plan; null: none'),
});
const teamChange = z.strictObject(changes);
const email = z
  .string()
  .refine((text) => foldEmail(text) !== undefined, 'it must be an address such as ann@example.org');
const userChange = z.strictObject({
  ...changes,
  email: email.optional().describe('an address such as ann@example.org'),
  role: role.optional().describe('what he may'),
  teams: names.optional().describe('ids of the teams he is in from now on'),
});

/** What is the same of the three, done by each in its own way. */
interface Kind<Row extends OrgRow | TeamRow | UserRow> {
  readonly name: 'orgs' | 'teams' | 'users';
  readonly one: string;
  readonly row: z.ZodType;
  readonly record: (row: Row) => JsonRecord;
  readonly get: (people: People, id: string) => Row | undefined;
  readonly orgOf: (row: Row) => string;
  readonly remove: (people: People, id: string, act: Act) => Promise<Result<Row | undefined, Fault>>;
  readonly write: 'gateway.orgs' | 'org.write' | 'people.write';
  readonly example: JsonRecord;
}

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
const teams: Kind<TeamRow> = {
  name: 'teams',
  one: 'a team',
  row: team,
  record: (row) => ({ ...sharedRecord(row), org: row.orgId }),
  get: (people, teamId) => people.team(teamId),
  orgOf: (row) => row.orgId,
  remove: async (people, teamId, act) => people.changeTeam(teamId, { isRemoved: true }, act),
  write: 'people.write',
  example: {
    id: 'team_0mf3k2v9xexample000000',
    name: 'Search',
    disabled: false,
    created_at: '2026-11-27T08:00:00.000Z',
    settings: {},
    org: 'default',
  },
};
const users: Kind<UserRow> = {
  name: 'users',
  one: 'a user',
  row: user,
  record: (row) =>
    compact({
      ...sharedRecord(row),
      org: row.orgId,
      email: row.email,
      role: row.role,
      teams: row.teamIds,
      has_password: row.hasPassword,
      last_login_at: momentOf(row.lastLoginAtMs),
    }),
  get: (people, userId) => people.user(userId),
  orgOf: (row) => row.orgId,
  remove: async (people, userId, act) => people.changeUser(userId, { isRemoved: true }, act),
  write: 'people.write',
  example: {
    id: 'user_0mf3k2v9xexample000000',
    name: 'Ann',
    disabled: false,
    created_at: '2026-11-27T08:00:00.000Z',
    settings: {},
    org: 'default',
    email: 'ann@example.org',
    role: 'developer',
    teams: [],
    has_password: true,
  },
};

function sharedRecord({ id: rowId, name: called, isDisabled, createdAtMs, settings }: OrgRow | TeamRow | UserRow) {
  const created_at = new Date(createdAtMs).toISOString();
  return { id: rowId, name: called, disabled: isDisabled, created_at, settings };
}

function listOf<Row extends OrgRow | TeamRow | UserRow>(
  kind: Kind<Row>,
  rowsOf: (people: People, orgId: string | undefined) => readonly Row[],
): Endpoint {
  return list({
    id: `${kind.name}.list`,
    path: kind.name,
    permissions: [kind.name === 'orgs' ? 'org.read' : 'people.read'],
    summary: `Lists ${kind.name === 'orgs' ? 'organisations' : kind.name}.`,
    row: kind.row,
    filters: { org: z.string().optional().describe('only those of this organisation') },
    sorts: ['created_at', '-created_at', 'name', '-name'],
    searches: 'name, id or e-mail',
    example: kind.example,
    answers({ query, page, principal }, { store }) {
      const rows = rowsOf(store.people, query.org).filter((row) => isOfOrg(kind.orgOf(row), principal));
      const { rows: shown, ...more } = pageOf(rows, page, {
        idOf: (row) => row.id,
        columns: { created_at: (row) => row.createdAtMs, name: (row) => row.name },
        searched: (row) => ['email' in row ? (row.email ?? '') : '', row.name, row.id],
      });
      return { rows: shown.map((row) => kind.record(row)), ...more };
    },
  });
}

/** Root sees all of them; everyone else his own. */
function isOfOrg(orgId: string, principal: Principal): boolean {
  return principal.kind === 'root' || orgId === principal.orgId;
}

function getOf<Row extends OrgRow | TeamRow | UserRow>(kind: Kind<Row>): Endpoint {
  return endpoint({
    id: `${kind.name}.get`,
    method: 'GET',
    path: `${kind.name}/{id}`,
    permissions: [kind.name === 'orgs' ? 'org.read' : 'people.read'],
    summary: `Shows ${kind.one}.`,
    isSingle: true,
    answer: kind.row,
    examples: { answer: kind.example },
    answers: ({ id: rowId, principal }, { store }) => {
      const row = kind.get(store.people, rowId);
      return row === undefined || !isOfOrg(kind.orgOf(row), principal) ? unknown(rowId) : answerOf(kind, row);
    },
  });
}

function removeOf<Row extends OrgRow | TeamRow | UserRow>(kind: Kind<Row>): Endpoint {
  return endpoint({
    id: `${kind.name}.delete`,
    method: 'DELETE',
    path: `${kind.name}/{id}`,
    permissions: [kind.write],
    summary: `Takes ${kind.one} away, with all keys that belong to it. Receipts stay.`,
    isSingle: true,
    answer: deleted,
    examples: { answer: { id: asString(kind.example['id']) ?? '', deleted: true } },
    async answers(asked, { store }) {
      const act = changing(kind, asked, store.people);
      if ('code' in act) return act;
      const removed = await kind.remove(store.people, asked.id, act);
      return removed.ok ? { body: { id: asked.id, deleted: true } } : removed.error;
    },
  });
}

/** Who changes what is there and of the own organisation. */
function changing<Row extends OrgRow | TeamRow | UserRow>(
  kind: Kind<Row>,
  { id: rowId, principal, ifRevision }: Pick<Asked<unknown, unknown>, 'id' | 'principal' | 'ifRevision'>,
  people: People,
): Act | Fault {
  const row = kind.get(people, rowId);
  if (row === undefined || !isOfOrg(kind.orgOf(row), principal)) return unknown(rowId);
  if ('role' in row && !mayGive(principal, row.role)) return fault('role-too-high', { role: row.role });
  return actOf(principal, ifRevision, row.revision.toString());
}

async function written<Row extends OrgRow | TeamRow | UserRow>(
  kind: Kind<Row>,
  rowId: string,
  result: Promise<Result<Row | undefined, Fault>>,
): Promise<Answer | Fault> {
  const done = await result;
  if (!done.ok) return done.error;
  return done.value === undefined ? unknown(rowId) : answerOf(kind, done.value);
}

function answerOf<Row extends OrgRow | TeamRow | UserRow>(kind: Kind<Row>, row: Row): Answer {
  return { body: kind.record(row), revision: row.revision.toString() };
}

function unknown(rowId: string): Fault {
  return fault('record-unknown', { id: rowId.slice(0, 80) });
}

const ofOrg = z.string().optional().describe('id of the organisation; absent: your own');

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

function settingsOf(settings: Readonly<Record<string, unknown>> | undefined): { readonly settings?: JsonRecord } {
  // It came as JSON.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what was parsed as JSON is JSON.
  return settings === undefined ? {} : { settings: settings as JsonRecord };
}

const createTeam = endpoint({
  id: 'teams.create',
  method: 'POST',
  path: 'teams',
  permissions: ['people.write'],
  summary: 'Makes a team.',
  status: 201,
  body: teamChange.omit({ disabled: true }).extend({ name: name.describe('say what it is called'), org: ofOrg }),
  answer: team,
  examples: { body: { name: 'Search' }, answer: teams.example },
  async answers({ body, principal }, { store }) {
    const orgId = orgFor(body.org, principal);
    if (typeof orgId !== 'string') return orgId;
    const made = { name: body.name, orgId, ...settingsOf(body.settings) };
    return written(teams, '', store.people.createTeam(made, principal.id));
  },
});

const updateTeam = endpoint({
  id: 'teams.update',
  method: 'PATCH',
  path: 'teams/{id}',
  permissions: ['people.write'],
  summary: 'Changes what is given.',
  isSingle: true,
  body: teamChange,
  answer: team,
  examples: { body: { name: 'Find' }, answer: { ...teams.example, name: 'Find' } },
  async answers(asked, { store }) {
    const { body, id: rowId } = asked;
    const act = changing(teams, asked, store.people);
    if ('code' in act) return act;
    const patch = { ...compact({ name: body.name, isDisabled: body.disabled }), ...settingsOf(body.settings) };
    return written(teams, rowId, store.people.changeTeam(rowId, patch, act));
  },
});

const createUser = endpoint({
  id: 'users.create',
  method: 'POST',
  path: 'users',
  permissions: ['people.write'],
  summary: 'Makes a user without a password: send an invitation to have one set.',
  status: 201,
  body: userChange.omit({ disabled: true }).extend({
    name: name.describe('say what he is called'),
    email: email.describe('an address such as ann@example.org'),
    role: role.describe(`one of ${ROLES.join(', ')}`),
    org: ofOrg,
  }),
  answer: user,
  examples: { body: { name: 'Ann', email: 'ann@example.org', role: 'developer' }, answer: users.example },
  async answers({ body, principal }, { store }) {
    const orgId = orgFor(body.org, principal);
    if (typeof orgId !== 'string') return orgId;
    if (!mayGive(principal, body.role)) return fault('role-too-high', { role: body.role }, { param: 'role' });
    const folded = foldEmail(body.email) ?? '';
    const made = compact({ name: body.name, orgId, email: folded, role: body.role, teamIds: body.teams });
    return written(users, '', store.people.createUser({ ...made, ...settingsOf(body.settings) }, principal.id));
  },
});

const updateUser = endpoint({
  id: 'users.update',
  method: 'PATCH',
  path: 'users/{id}',
  permissions: ['people.write'],
  summary: 'Changes what is given. Nobody gives or takes a role above his own.',
  isSingle: true,
  body: userChange,
  answer: user,
  examples: { body: { role: 'analyst' }, answer: { ...users.example, role: 'analyst' } },
  async answers(asked, { store }) {
    const { body, principal, id: rowId } = asked;
    const act = changing(users, asked, store.people);
    if ('code' in act) return act;
    if (body.role !== undefined && !mayGive(principal, body.role))
      return fault('role-too-high', { role: body.role }, { param: 'role' });
    const patch = compact({
      name: body.name,
      isDisabled: body.disabled,
      email: foldEmail(body.email ?? ''),
      role: body.role,
      teamIds: body.teams,
    });
    return written(users, rowId, store.people.changeUser(rowId, { ...patch, ...settingsOf(body.settings) }, act));
  },
});

export const peopleEndpoints: readonly Endpoint[] = [
  listOf(orgs, (people, orgId) => people.orgs().filter((row) => orgId === undefined || row.id === orgId)),
  createOrg,
  getOf(orgs),
  updateOrg,
  removeOf(orgs),
  listOf(teams, (people, orgId) => people.teams(orgId)),
  createTeam,
  getOf(teams),
  updateTeam,
  removeOf(teams),
  listOf(users, (people, orgId) => people.users(orgId)),
  createUser,
  getOf(users),
  updateUser,
  removeOf(users),
];
