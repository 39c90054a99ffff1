/** `invites`: links by which someone makes an account, or sets a new password. A link is shown once. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { foldEmail } from '../people/email.ts';
import { isOfAll, mayGive, ROLES, type Principal } from '../people/permissions.ts';
import type { InviteRow, NewInvite, People } from '../store/people-ports.ts';
import { endpoint, list, type Endpoint } from './endpoint.ts';
import { at, deleted, id, momentOf } from './fields.ts';
import { pageOf } from './lists.ts';
import { invalid } from './read.ts';
import { orgFor } from './scope.ts';

const DAY_MS = 86_400_000;
const DAYS = 7;
const DAYS_MAX = 90;

const invite = z
  .strictObject({
    id,
    kind: z.enum(['setup', 'invite', 'password']),
    org: z.string(),
    team: z.string().optional(),
    user: z.string().optional(),
    email: z.string().optional().describe('for this address only'),
    role: z.enum(ROLES),
    created_at: at,
    expires_at: at,
    used_at: at.optional(),
    by: z.string(),
  })
  .meta({ id: 'Invite', description: 'A link, without its token.' });

const made = invite
  .extend({
    token: z.string().describe('shown here and never again'),
    path: z.string().describe('what stands behind the address of the gateway in the link'),
  })
  .meta({ id: 'NewInvite', description: 'A link and its token.' });

const creation = z.strictObject({
  role: z
    .enum(ROLES, { error: `it must be one of ${ROLES.join(', ')}` })
    .optional()
    .describe('`developer` where it is absent'),
  email: z.string().optional().describe('for this address only'),
  org: z.string().optional().describe('id of the organisation; absent: your own'),
  team: z.string().optional().describe('id of the team he will be in'),
  user: z
    .string()
    .optional()
    .describe('id of a user who sets a new password by it; nothing else but `expires_days` may stand beside it'),
  expires_days: z
    .number()
    .min(0.01)
    .max(DAYS_MAX)
    .optional()
    .describe(`0.01 to ${DAYS_MAX}; ${DAYS} where it is absent, 1 for a new password`),
});

const EXAMPLE = {
  id: 'inv_0mf3k2v9xexample0000000',
  kind: 'invite',
  org: 'default',
  role: 'developer',
  created_at: '2026-11-27T08:00:00.000Z',
  expires_at: '2026-12-04T08:00:00.000Z',
  by: 'root',
};

export const inviteEndpoints: readonly Endpoint[] = [
  list({
    id: 'invites.list',
    path: 'invites',
    permissions: ['people.write'],
    summary: 'Lists links, used ones too.',
    row: invite,
    filters: { org: z.string().optional().describe('id of the organisation; absent: your own') },
    sorts: ['-created_at', 'created_at'],
    searches: 'id, e-mail or role',
    example: EXAMPLE,
    async answers({ query, page, principal }, { store }) {
      const orgId = orgFor(query.org, principal);
      if (typeof orgId !== 'string') return orgId;
      const found = await store.people.invites(orgId);
      if (!found.ok) return found.error;
      const { rows, ...more } = pageOf(found.value, page, {
        idOf: (row) => row.id,
        columns: { created_at: (row) => row.createdAtMs },
        searched: (row) => [row.id, row.email ?? '', row.role],
      });
      return { rows: rows.map(recordOf), ...more };
    },
  }),
  endpoint({
    id: 'invites.create',
    method: 'POST',
    path: 'invites',
    permissions: ['people.write'],
    summary: 'Makes a link, good for once. Its token is in this answer and nowhere else.',
    status: 201,
    body: creation,
    answer: made,
    examples: {
      body: { role: 'developer', email: 'ann@example.org' },
      answer: { ...EXAMPLE, email: 'ann@example.org', token: 'example', path: '/invite?token=example' },
    },
    async answers({ body, principal }, { store, now }) {
      const wished = body.user === undefined ? invitation(body, principal) : newPassword(body, principal, store.people);
      if ('code' in wished) return wished;
      if (!mayGive(principal, wished.role)) return fault('role-too-high', { role: wished.role }, { param: 'role' });
      const days = body.expires_days ?? (wished.kind === 'password' ? 1 : DAYS);
      const done = await store.people.invite(
        { ...wished, expiresAtMs: Math.ceil(now() + days * DAY_MS) },
        principal.id,
      );
      if (!done.ok) return done.error;
      const { row, token } = done.value;
      const path = `/${row.kind === 'password' ? 'password' : 'invite'}?token=${token}`;
      return { body: { ...recordOf(row), token, path } };
    },
  }),
  endpoint({
    id: 'invites.delete',
    method: 'DELETE',
    path: 'invites/{id}',
    permissions: ['people.write'],
    summary: 'Ends a link.',
    query: z.strictObject({ org: z.string().optional().describe('id of the organisation; absent: your own') }),
    answer: deleted,
    examples: { answer: { id: EXAMPLE.id, deleted: true } },
    async answers({ id: inviteId, query, principal }, { store }) {
      const orgId = orgFor(query.org, principal);
      if (typeof orgId !== 'string') return orgId;
      const all = await store.people.invites(orgId);
      if (!all.ok) return all.error;
      const missing = fault('record-unknown', { id: inviteId.slice(0, 80) });
      if (!all.value.some((row) => row.id === inviteId)) return missing;
      const removed = await store.people.removeInvite(inviteId, principal.id);
      if (!removed.ok) return removed.error;
      return removed.value ? { body: { id: inviteId, deleted: true } } : missing;
    },
  }),
];

type Wished = Omit<NewInvite, 'hash' | 'expiresAtMs'>;

function invitation(body: z.output<typeof creation>, principal: Principal): Wished | Fault {
  const orgId = orgFor(body.org, principal);
  if (typeof orgId !== 'string') return orgId;
  const email = body.email === undefined ? undefined : foldEmail(body.email);
  if (body.email !== undefined && email === undefined)
    return invalid('email', 'it must be an address such as ann@example.org');
  return { kind: 'invite', orgId, role: body.role ?? 'developer', ...compact({ email, teamId: body.team }) };
}

/** Whoever sets someone's password is that one: only for roles that one may give. */
function newPassword(body: z.output<typeof creation>, principal: Principal, people: People): Wished | Fault {
  const beside = (['role', 'email', 'org', 'team'] as const).find((field) => body[field] !== undefined);
  if (beside !== undefined) return invalid(beside, 'it does not stand beside `user`');
  const user = people.user(body.user ?? '');
  if (user === undefined || (user.orgId !== principal.orgId && !isOfAll(principal)))
    return invalid('user', 'there is no such user');
  return { kind: 'password', userId: user.id, orgId: user.orgId, role: user.role };
}

function recordOf(row: InviteRow): JsonRecord {
  return compact({
    id: row.id,
    kind: row.kind,
    org: row.orgId,
    team: row.teamId,
    user: row.userId,
    email: row.email,
    role: row.role,
    created_at: momentOf(row.createdAtMs),
    expires_at: momentOf(row.expiresAtMs),
    used_at: momentOf(row.usedAtMs),
    by: row.by,
  });
}
