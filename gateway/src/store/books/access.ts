/** Sessions, invitations and logins in the database. Of a cookie or a link only the hash is there: a stolen database opens nothing. */
import type { Kysely, Selectable, Transaction } from 'kysely';
import { compact } from '../../lib/json.ts';
import { DEFAULT_ORG_ID } from '../../people/permissions.ts';
import { endLinks } from './links.ts';
import { addUser, membersOf, nextPeopleRevision, note, userOf } from './people.ts';
import type {
  Arrival,
  InviteRow,
  LoginRow,
  NewInvite,
  PeopleBooks,
  PeopleDeed,
  SessionChoice,
  SessionRow,
  UserRow,
  Written,
} from '../people-ports.ts';
import type { InvitesTable, SessionsTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

/** Devices of one person. */
const SESSIONS_MAX = 50;
/** A session is written down as seen once in so long: nobody needs to know it better. */
const SEEN_EVERY_MS = 60_000;
/** Of the hash, as the name of a session: tells nothing of the cookie, and no two are the same. */
const ID_DIGITS = 16;
const KEPT_INVITES_MS = 30 * 24 * 3_600_000;
const INVITES_LISTED_MAX = 1000;

type Trx = Transaction<Tables>;
type Db = Kysely<Tables>;
type AccessBooks = Omit<
  PeopleBooks,
  'peopleChanges' | 'createOrg' | 'changeOrg' | 'createTeam' | 'changeTeam' | 'createUser' | 'changeUser'
>;

export function accessBooks(db: Db): AccessBooks {
  return {
    loginOf: async (by) => loginOf(db, by),
    ...sessionBooks(db),
    ...inviteBooks(db),
    noteRefused: async ({ subject, orgId, fields }, deed) =>
      db
        .transaction()
        .execute(async (trx) => note(trx, deed, { action: 'user.refused', subject, orgId, changes: { fields } })),
    pruneAccess: async (atMs) => {
      const at = BigInt(Math.floor(atMs));
      await db.deleteFrom('sessions').where('expires_at', '<=', at).execute();
      await db
        .deleteFrom('invites')
        .where('expires_at', '<=', at - BigInt(KEPT_INVITES_MS))
        .execute();
    },
  };
}

async function loginOf(db: Db, by: Parameters<PeopleBooks['loginOf']>[0]): Promise<LoginRow | undefined> {
  const select = db.selectFrom('users').selectAll().where('is_removed', '=', 0n);
  const row = await (
    'email' in by ? select.where('email', '=', by.email) : select.where('oidc_subject', '=', by.oidcSubject)
  ).executeTakeFirst();
  if (row === undefined) return undefined;
  const teamsOf = await membersOf(db, [row.id]);
  return { user: userOf(row, teamsOf(row.id)), ...(row.password === null ? {} : { password: row.password }) };
}

type SessionBooks = Pick<PeopleBooks, 'openSession' | 'seeSession' | 'sessionsOf' | 'endSessions'>;

function sessionBooks(db: Db): SessionBooks {
  return {
    openSession: async ({ hash, userId, createdAtMs, expiresAtMs, address, agent }) =>
      db.transaction().execute(async (trx) => {
        const at = Math.floor(createdAtMs);
        const expires_at = Math.floor(expiresAtMs);
        const revision = await nextPeopleRevision(trx);
        const row = { hash, user_id: userId, created_at: at, expires_at, seen_at: at, address, agent };
        // A repeated call of the store's thread must find it as it is.
        await trx
          .insertInto('sessions')
          .values(row)
          .onConflict((conflict) => conflict.column('hash').doNothing())
          .execute();
        const newest = trx
          .selectFrom('sessions')
          .select('hash')
          .where('user_id', '=', userId)
          .orderBy('created_at', 'desc')
          .orderBy('hash')
          .limit(SESSIONS_MAX);
        await trx.deleteFrom('sessions').where('user_id', '=', userId).where('hash', 'not in', newest).execute();
        await trx.updateTable('users').set({ last_login_at: at, revision }).where('id', '=', userId).execute();
      }),
    seeSession: async (hash, atMs, idleMs) => {
      const at = Math.floor(atMs);
      const row = await db.selectFrom('sessions').selectAll().where('hash', '=', hash).executeTakeFirst();
      if (row === undefined) return undefined;
      const seenAgoMs = at - Number(row.seen_at);
      if (Number(row.expires_at) <= at || seenAgoMs > idleMs) {
        await db.deleteFrom('sessions').where('hash', '=', hash).execute();
        return undefined;
      }
      if (seenAgoMs < SEEN_EVERY_MS) return sessionOf(row);
      await db.updateTable('sessions').set({ seen_at: at }).where('hash', '=', hash).execute();
      return { ...sessionOf(row), seenAtMs: at };
    },
    sessionsOf: async (userId) => {
      const rows = await db
        .selectFrom('sessions')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('seen_at', 'desc')
        .execute();
      return rows.map(sessionOf);
    },
    endSessions: async (choice) => endSessions(db, choice),
  };
}

async function endSessions(db: Db, { userId, id, butHash }: SessionChoice): Promise<number> {
  const rows = await db.selectFrom('sessions').select('hash').where('user_id', '=', userId).execute();
  const hashes = rows
    .map((row) => row.hash)
    .filter((hash) => hash !== butHash && (id === undefined || hash.slice(0, ID_DIGITS) === id));
  if (hashes.length > 0) await db.deleteFrom('sessions').where('hash', 'in', hashes).execute();
  return hashes.length;
}

type InviteBooks = Pick<PeopleBooks, 'createInvite' | 'inviteOf' | 'listInvites' | 'removeInvite' | 'acceptInvite'>;

function inviteBooks(db: Db): InviteBooks {
  return {
    createInvite: async (id, invite, deed) =>
      db.transaction().execute(async (trx) => createInvite(trx, { ...invite, id }, deed)),
    inviteOf: async (hash) => {
      const row = await db.selectFrom('invites').selectAll().where('hash', '=', hash).executeTakeFirst();
      return row === undefined ? undefined : inviteOf(row);
    },
    listInvites: async (orgId) => {
      const rows = await db
        .selectFrom('invites')
        .selectAll()
        .where('org_id', '=', orgId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(INVITES_LISTED_MAX)
        .execute();
      return rows.map(inviteOf);
    },
    removeInvite: async (id, deed) =>
      db.transaction().execute(async (trx) => {
        const removed = await trx
          .deleteFrom('invites')
          .where('id', '=', id)
          .where('used_at', 'is', null)
          .returning('org_id')
          .executeTakeFirst();
        if (removed === undefined) return false;
        await note(trx, deed, { action: 'invite.deleted', subject: id, orgId: removed.org_id, changes: {} });
        return true;
      }),
    acceptInvite: async (id, arrival, deed) =>
      db.transaction().execute(async (trx) => accept(trx, { ...arrival, id }, deed)),
  };
}

async function createInvite(
  trx: Trx,
  invite: NewInvite & { readonly id: string },
  deed: PeopleDeed,
): Promise<Written<InviteRow>> {
  const { id, kind, orgId, teamId, userId, email, role } = invite;
  if (kind === 'setup' && (await hasOwner(trx))) return { refused: 'owner-exists' };
  const org = trx.selectFrom('orgs').select('id').where('id', '=', orgId).where('is_removed', '=', 0n);
  if ((await org.executeTakeFirst()) === undefined) return { refused: 'org-unknown' };
  if (teamId !== undefined) {
    const team = trx.selectFrom('teams').select('id').where('id', '=', teamId).where('org_id', '=', orgId);
    if ((await team.where('is_removed', '=', 0n).executeTakeFirst()) === undefined) return { refused: 'team-unknown' };
  }
  const row = {
    hash: invite.hash,
    id,
    kind,
    org_id: orgId,
    team_id: teamId ?? null,
    user_id: userId ?? null,
    email: email ?? null,
    role,
    created_at: Math.floor(deed.atMs),
    expires_at: Math.floor(invite.expiresAtMs),
    used_at: null,
    by: deed.by,
  };
  const stored = await trx
    .insertInto('invites')
    .values(row)
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (stored === undefined) {
    // An earlier call has made it whose answer was lost.
    const made = trx.selectFrom('invites').selectAll().where('hash', '=', invite.hash);
    return { row: inviteOf(await made.executeTakeFirstOrThrow()) };
  }
  const changes = compact({ kind, org_id: orgId, team_id: teamId, user_id: userId, email, role });
  await note(trx, deed, { action: 'invite.created', subject: id, orgId, changes });
  return { row: inviteOf(stored) };
}

async function hasOwner(trx: Trx): Promise<boolean> {
  const owner = await trx
    .selectFrom('users')
    .select('id')
    .where('org_id', '=', DEFAULT_ORG_ID)
    .where('role', '=', 'owner')
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  return owner !== undefined;
}

/**
 * `id`: of the user that it makes. Counts the revision up first, as every change of people does: so nobody else changes one
 * meanwhile, nor comes by the same link; and who comes again, because the answer was lost, finds what came of it.
 */
async function accept(
  trx: Trx,
  arrival: Arrival & { readonly id: string },
  deed: PeopleDeed,
): Promise<Written<UserRow>> {
  const at = Math.floor(deed.atMs);
  const revision = await nextPeopleRevision(trx);
  const used = await trx
    .updateTable('invites')
    .set({ used_at: at })
    .where('hash', '=', arrival.hash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', BigInt(at))
    .returningAll()
    .executeTakeFirst();
  if (used === undefined) {
    const user = await arrived(trx, arrival);
    return user === undefined ? { refused: 'link-used' } : { row: user };
  }
  const made = await arrive(trx, { invite: inviteOf(used), arrival, revision }, deed);
  // What is refused has not been used; Kysely takes back what its callback has thrown at, and nothing else.
  if ('refused' in made)
    await trx.updateTable('invites').set({ used_at: null }).where('hash', '=', arrival.hash).execute();
  return made;
}

/** The user that this very arrival has made, or given its password (salted: nobody else's is the same). */
async function arrived(
  trx: Trx,
  { id, hash, password }: Arrival & { readonly id: string },
): Promise<UserRow | undefined> {
  const invite = await trx.selectFrom('invites').select('user_id').where('hash', '=', hash).executeTakeFirst();
  const user = trx
    .selectFrom('users')
    .selectAll()
    .where('id', '=', invite?.user_id ?? id);
  const row = await user.executeTakeFirst();
  if (row === undefined || (row.id !== id && (password === undefined || row.password !== password))) return undefined;
  const teamsOf = await membersOf(trx, [row.id]);
  return userOf(row, teamsOf(row.id));
}

interface Arriving {
  readonly invite: InviteRow;
  readonly arrival: Arrival & { readonly id: string };
  readonly revision: bigint;
}

async function arrive(trx: Trx, arriving: Arriving, deed: PeopleDeed): Promise<Written<UserRow>> {
  const { invite, arrival } = arriving;
  const { kind, orgId, teamId, role } = invite;
  const by = `invite:${invite.id}`;
  if (kind === 'password') return renew(trx, arriving, { ...deed, by });
  if (kind === 'setup' && (await hasOwner(trx))) return { refused: 'owner-exists' };
  if (invite.email !== undefined && invite.email !== arrival.email) return { refused: 'other-email' };
  const { id, name, email, password, oidcSubject } = arrival;
  const teamIds = teamId === undefined ? [] : [teamId];
  const user = compact({ id, name, email, password, oidcSubject, orgId, role, teamIds });
  const made = await addUser(trx, user, { ...deed, by });
  // The first owner is there: no other link may make one.
  if (kind === 'setup' && 'row' in made) await trx.deleteFrom('invites').where('kind', '=', 'setup').execute();
  return made;
}

/** Sets the password that a link was made for, and ends what was open under the old one. Of who has another role by now it is none. */
async function renew(trx: Trx, { invite, arrival, revision }: Arriving, deed: PeopleDeed): Promise<Written<UserRow>> {
  const { userId = '', role } = invite;
  const stored = await trx
    .updateTable('users')
    .set({ password: arrival.password ?? null, revision })
    .where('id', '=', userId)
    .where('role', '=', role)
    .where('is_removed', '=', 0n)
    .returningAll()
    .executeTakeFirst();
  if (stored === undefined) return { refused: 'link-used' };
  await trx.deleteFrom('sessions').where('user_id', '=', userId).execute();
  await endLinks(trx, { passwordOf: userId }, deed);
  const noted = { subject: userId, orgId: stored.org_id, changes: { password: 'set' } };
  await note(trx, deed, { action: 'user.changed', ...noted });
  const teamsOf = await membersOf(trx, [userId]);
  return { row: userOf(stored, teamsOf(userId)) };
}

function sessionOf(row: Selectable<SessionsTable>): SessionRow {
  return {
    id: row.hash.slice(0, ID_DIGITS),
    userId: row.user_id,
    createdAtMs: Number(row.created_at),
    expiresAtMs: Number(row.expires_at),
    seenAtMs: Number(row.seen_at),
    address: row.address,
    agent: row.agent,
  };
}

function inviteOf(row: Selectable<InvitesTable>): InviteRow {
  return compact({
    id: row.id,
    kind: row.kind,
    orgId: row.org_id,
    teamId: row.team_id ?? undefined,
    userId: row.user_id ?? undefined,
    email: row.email ?? undefined,
    role: row.role,
    createdAtMs: Number(row.created_at),
    expiresAtMs: Number(row.expires_at),
    usedAtMs: row.used_at === null ? undefined : Number(row.used_at),
    by: row.by,
  });
}
