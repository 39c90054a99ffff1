/** `users`: people who can log in, and the role of each. */
import { z } from 'zod';
import { fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { foldEmail } from '../people/email.ts';
import { mayGive, ROLES } from '../people/permissions.ts';
import type { UserRow } from '../store/people-ports.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import { at, momentOf, name, names } from './fields.ts';
import { orgFor } from './scope.ts';
import {
  changes,
  changing,
  getOf,
  listOf,
  ofOrg,
  removeOf,
  settingsOf,
  shared,
  sharedRecord,
  written,
  type Kind,
} from './party.ts';

const role = z.enum(ROLES, { error: `it must be one of ${ROLES.join(', ')}` });

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

const email = z
  .string()
  .refine((text) => foldEmail(text) !== undefined, 'it must be an address such as ann@example.org');

const userChange = z.strictObject({
  ...changes,
  email: email.optional().describe('an address such as ann@example.org'),
  role: role.optional().describe('what he may'),
  teams: names.optional().describe('ids of the teams he is in from now on'),
});

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

export const userEndpoints: readonly Endpoint[] = [
  listOf(users, (people, orgId) => people.users(orgId)),
  createUser,
  getOf(users),
  updateUser,
  removeOf(users),
];
