/** Organisations, teams and users in the database. Every change has a revision, so that processes learn of it by asking for what is newer. */
import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { asRecord, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import { DEFAULT_ORG_ID, may, mayGive, ROLES, type Role } from '../../people/permissions.ts';
import { noteDeed } from './audit.ts';
import { endLinks, type LinkChoice } from './links.ts';
import type {
  NewUser,
  OrgPatch,
  OrgRow,
  PeopleBooks,
  PeopleDeed,
  Refusal,
  Stored,
  TeamPatch,
  TeamRow,
  UserPatch,
  UserRow,
  Written,
} from '../people-ports.ts';
import type { OrgsTable, TeamsTable, UsersTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

type Trx = Transaction<Tables>;
type OwnerBooks = Pick<
  PeopleBooks,
  'peopleChanges' | 'createOrg' | 'changeOrg' | 'createTeam' | 'changeTeam' | 'createUser' | 'changeUser'
>;

export function peopleBooks(db: Kysely<Tables>): OwnerBooks {
  return {
    peopleChanges: async (revision) => changesAfter(db, revision),
    ...orgBooks(db),
    ...teamBooks(db),
    ...userBooks(db),
  };
}

async function changesAfter(db: Kysely<Tables>, revision: bigint): ReturnType<PeopleBooks['peopleChanges']> {
  const orgs = await db.selectFrom('orgs').selectAll().where('revision', '>', revision).execute();
  const teams = await db.selectFrom('teams').selectAll().where('revision', '>', revision).execute();
  const users = await db.selectFrom('users').selectAll().where('revision', '>', revision).execute();
  const teamsOf = await membersOf(
    db,
    users.map((user) => user.id),
  );
  return {
    orgs: orgs.map(orgOf),
    teams: teams.map(teamOf),
    users: users.map((user) => userOf(user, teamsOf(user.id))),
  };
}

function orgBooks(db: Kysely<Tables>): Pick<OwnerBooks, 'createOrg' | 'changeOrg'> {
  return {
    createOrg: async (id, org, deed) =>
      db.transaction().execute(async (trx) => {
        const row = {
          ...(await newOwner(trx, { id, name: org.name, settings: org.settings }, deed)),
          billing: org.billing ?? 'postpaid',
          plan_id: org.planId ?? null,
        };
        const made = await trx.selectFrom('orgs').selectAll().where('id', '=', id).executeTakeFirst();
        if (made !== undefined) return { row: orgOf(made) };
        const refused = await whyNoPlan(trx, org.planId);
        if (refused !== undefined) return { refused };
        const stored = await trx.insertInto('orgs').values(row).returningAll().executeTakeFirstOrThrow();
        await note(trx, deed, { action: 'org.created', subject: id, orgId: id, changes: orgChanges(org) });
        return { row: orgOf(stored) };
      }),
    changeOrg: async (id, patch, deed) =>
      db.transaction().execute(async (trx) => {
        // Everyone would be locked out, and what belongs to nobody is there.
        if (id === DEFAULT_ORG_ID && (patch.isRemoved === true || patch.isDisabled === true))
          return { refused: 'default-org' };
        const { billing, planId } = patch;
        const set = { ...(await ownerSet(trx, patch)), ...compact({ billing, plan_id: planId }) };
        const refused = (await whyNotSeen(trx, ['orgs', id], deed)) ?? (await whyNoPlan(trx, planId));
        if (refused !== undefined) return { refused };
        const stored = await trx
          .updateTable('orgs')
          .set(set)
          .where('id', '=', id)
          .where('is_removed', '=', 0n)
          .returningAll()
          .executeTakeFirst();
        if (stored === undefined) return { refused: 'unknown' };
        if (patch.isRemoved === true) await emptyOrg(trx, id, stored.revision);
        await note(trx, deed, { action: changed('org', patch), subject: id, orgId: id, changes: orgChanges(patch) });
        return { row: orgOf(stored) };
      }),
  };
}

/** Once the revision is drawn nobody else writes until the end of the transaction: what is seen here holds. */
async function whyNotSeen(
  trx: Trx,
  [table, id]: readonly ['orgs' | 'teams' | 'users', string],
  { ifRevision }: PeopleDeed,
): Promise<Refusal | undefined> {
  if (ifRevision === undefined) return undefined;
  const row = await trx
    .selectFrom(table)
    .select('revision')
    .where('id', '=', id)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  if (row === undefined) return 'unknown';
  return row.revision.toString() === ifRevision ? undefined : 'revision-old';
}

async function whyNoPlan(trx: Trx, planId: string | null | undefined): Promise<Refusal | undefined> {
  if (planId === null || planId === undefined) return undefined;
  const plan = trx.selectFrom('plans').select('id').where('id', '=', planId).where('is_removed', '=', 0n);
  return (await plan.executeTakeFirst()) === undefined ? 'plan-unknown' : undefined;
}

/** With an organisation its teams and users go; their addresses are free again. */
async function emptyOrg(trx: Trx, orgId: string, revision: bigint): Promise<void> {
  const users = trx.selectFrom('users').select('id').where('org_id', '=', orgId);
  await trx.deleteFrom('sessions').where('user_id', 'in', users).execute();
  await trx.deleteFrom('team_members').where('user_id', 'in', users).execute();
  const gone = { is_removed: 1, revision };
  await trx.updateTable('teams').set(gone).where('org_id', '=', orgId).where('is_removed', '=', 0n).execute();
  await trx
    .updateTable('users')
    .set({ ...gone, ...NOBODY })
    .where('org_id', '=', orgId)
    .where('is_removed', '=', 0n)
    .execute();
}

function teamBooks(db: Kysely<Tables>): Pick<OwnerBooks, 'createTeam' | 'changeTeam'> {
  return {
    createTeam: async (id, team, deed) =>
      db.transaction().execute(async (trx) => {
        const owner = await newOwner(trx, { id, name: team.name, settings: team.settings }, deed);
        const made = await trx.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst();
        if (made !== undefined) return { row: teamOf(made) };
        if (!(await hasOrg(trx, team.orgId))) return { refused: 'org-unknown' };
        const row = { ...owner, org_id: team.orgId };
        const stored = await trx.insertInto('teams').values(row).returningAll().executeTakeFirstOrThrow();
        const { name, settings, orgId } = team;
        const changes = compact({ name, settings, org_id: orgId });
        await note(trx, deed, { action: 'team.created', subject: id, orgId, changes });
        return { row: teamOf(stored) };
      }),
    changeTeam: async (id, patch, deed) =>
      db.transaction().execute(async (trx) => {
        const set = await ownerSet(trx, patch);
        const refused = await whyNotSeen(trx, ['teams', id], deed);
        if (refused !== undefined) return { refused };
        const stored = await trx
          .updateTable('teams')
          .set(set)
          .where('id', '=', id)
          .where('is_removed', '=', 0n)
          .returningAll()
          .executeTakeFirst();
        if (stored === undefined) return { refused: 'unknown' };
        if (patch.isRemoved === true) await emptyTeam(trx, id, stored.revision);
        const noted = { subject: id, orgId: stored.org_id, changes: ownerChanges(patch) };
        await note(trx, deed, { action: changed('team', patch), ...noted });
        return { row: teamOf(stored) };
      }),
  };
}

/** Nobody is in a team that is gone. Its members are changed by that. */
async function emptyTeam(trx: Trx, teamId: string, revision: bigint): Promise<void> {
  const members = trx.selectFrom('team_members').select('user_id').where('team_id', '=', teamId);
  await trx.updateTable('users').set({ revision }).where('id', 'in', members).execute();
  await trx.deleteFrom('team_members').where('team_id', '=', teamId).execute();
}

function userBooks(db: Kysely<Tables>): Pick<OwnerBooks, 'createUser' | 'changeUser'> {
  return {
    createUser: async (id, user, deed) => db.transaction().execute(async (trx) => addUser(trx, { ...user, id }, deed)),
    changeUser: async (id, patch, deed) =>
      db.transaction().execute(async (trx) => {
        // First: on PostgreSQL its lock lets one transaction after the other look at who is the last owner.
        const set = await ownerSet(trx, patch);
        const known = await trx
          .selectFrom('users')
          .selectAll()
          .where('id', '=', id)
          .where('is_removed', '=', 0n)
          .executeTakeFirst();
        if (known === undefined) return { refused: 'unknown' };
        const refused = (await whyNotSeen(trx, ['users', id], deed)) ?? (await whyNotChange(trx, known, patch));
        if (refused !== undefined) return { refused };
        const stored = await trx
          .updateTable('users')
          .set({ ...set, ...userSet(patch) })
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow();
        await followUser(trx, id, patch);
        await endLinks(trx, await linksThatEnd(trx, id, patch), deed);
        const noted = { subject: id, orgId: stored.org_id, changes: userChanges(patch) };
        await note(trx, deed, { action: changed('user', patch), ...noted });
        const teamsOf = await membersOf(trx, [id]);
        return { row: userOf(stored, teamsOf(id)) };
      }),
  };
}

/** Makes a user, inside a transaction that has counted the revision up (or does so here). */
export async function addUser(
  trx: Trx,
  user: NewUser & { readonly id: string },
  deed: PeopleDeed,
): Promise<Written<UserRow>> {
  const { id, name, email, role, orgId, oidcSubject, teamIds = [] } = user;
  const owner = await newOwner(trx, { id, name, settings: user.settings }, deed);
  const made = await trx.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  if (made !== undefined) return { row: userOf(made, teamIds) };
  if (!(await hasOrg(trx, orgId))) return { refused: 'org-unknown' };
  const refused = await whyTaken(trx, { id, orgId }, { email, oidcSubject, teamIds });
  if (refused !== undefined) return { refused };
  const row = {
    ...owner,
    org_id: orgId,
    email,
    role,
    password: user.password ?? null,
    oidc_subject: oidcSubject ?? null,
    last_login_at: null,
  };
  const stored = await trx.insertInto('users').values(row).returningAll().executeTakeFirstOrThrow();
  await setTeams(trx, id, teamIds);
  const changes = compact({ name, email, role, org_id: orgId, teams: teamIds, oidc: oidcSubject });
  await note(trx, deed, { action: 'user.created', subject: id, orgId, changes });
  return { row: userOf(stored, teamIds) };
}

interface Claimed {
  readonly email?: string | undefined;
  readonly oidcSubject?: string | null | undefined;
  readonly teamIds?: readonly string[] | undefined;
}

/** Who else has the address or the account already; teams of another organisation. */
async function whyTaken(
  trx: Trx,
  { id, orgId }: { readonly id: string; readonly orgId: string },
  { email, oidcSubject, teamIds = [] }: Claimed,
): Promise<Refusal | undefined> {
  const others = trx.selectFrom('users').select('id').where('id', '!=', id);
  if (email !== undefined && (await others.where('email', '=', email).executeTakeFirst()) !== undefined)
    return 'email-taken';
  if (typeof oidcSubject === 'string') {
    const other = await others.where('oidc_subject', '=', oidcSubject).executeTakeFirst();
    if (other !== undefined) return 'subject-taken';
  }
  if (teamIds.length === 0) return undefined;
  const found = await trx
    .selectFrom('teams')
    .select('id')
    .where('id', 'in', [...teamIds])
    .where('org_id', '=', orgId)
    .where('is_removed', '=', 0n)
    .execute();
  return found.length === new Set(teamIds).size ? undefined : 'team-unknown';
}

async function whyNotChange(trx: Trx, known: Selectable<UsersTable>, patch: UserPatch): Promise<Refusal | undefined> {
  const { id, org_id: orgId } = known;
  const isLess = patch.isRemoved === true || patch.isDisabled === true || (patch.role ?? 'owner') !== 'owner';
  if (isLess && known.role === 'owner' && known.is_disabled === 0n) {
    const other = await trx
      .selectFrom('users')
      .select('id')
      .where('org_id', '=', orgId)
      .where('role', '=', 'owner')
      .where('is_disabled', '=', 0n)
      .where('is_removed', '=', 0n)
      .where('id', '!=', id)
      .executeTakeFirst();
    if (other === undefined) return 'last-owner';
  }
  return whyTaken(trx, { id, orgId }, patch);
}

/** Of a user who is removed: his address is free again, and nothing is left to log in by. */
const NOBODY = { email: null, password: null, oidc_subject: null } as const;

function userSet({ email, role, password, oidcSubject, isRemoved }: UserPatch): Updateable<UsersTable> {
  if (isRemoved === true) return NOBODY;
  return compact({ email, role, password, oidc_subject: oidcSubject });
}

/** What goes with a change of a user: his teams, his sessions. */
async function followUser(trx: Trx, id: string, patch: UserPatch): Promise<void> {
  const { isRemoved, teamIds, password, keptSession = '' } = patch;
  if (isRemoved === true || teamIds !== undefined) await setTeams(trx, id, isRemoved === true ? [] : (teamIds ?? []));
  const isOut = isGone(patch);
  if (!isOut && password === undefined) return;
  const kept = isOut ? '' : keptSession;
  await trx.deleteFrom('sessions').where('user_id', '=', id).where('hash', '!=', kept).execute();
}

/** Links that he made end where he goes, or could not make them any more; and those for a password of his, which were made for who he was. */
async function linksThatEnd(trx: Trx, id: string, patch: UserPatch): Promise<LinkChoice> {
  if (!isGone(patch) && patch.role === undefined) return patch.password === undefined ? {} : { passwordOf: id };
  const keys = await trx.selectFrom('keys').select('id').where('user_id', '=', id).execute();
  const ended = { madeBy: [id, ...keys.map((key) => key.id)], passwordOf: id };
  return isGone(patch) || patch.role === undefined ? ended : { ...ended, roles: rolesBeyond(patch.role) };
}

/** Whom someone of the role cannot invite. */
function rolesBeyond(role: Role): readonly Role[] {
  const own = { kind: 'user', role, orgId: DEFAULT_ORG_ID } as const;
  return may(own, 'people.write') ? ROLES.filter((other) => !mayGive(own, other)) : ROLES;
}

function isGone({ isRemoved, isDisabled }: UserPatch): boolean {
  return isRemoved === true || isDisabled === true;
}

async function setTeams(trx: Trx, userId: string, teamIds: readonly string[]): Promise<void> {
  await trx.deleteFrom('team_members').where('user_id', '=', userId).execute();
  const rows = [...new Set(teamIds)].map((team_id) => ({ team_id, user_id: userId }));
  if (rows.length > 0) await trx.insertInto('team_members').values(rows).execute();
}

/** The teams of each of these users, in the order of their ids. */
export async function membersOf(
  db: Kysely<Tables>,
  userIds: readonly string[],
): Promise<(userId: string) => readonly string[]> {
  const teams = new Map<string, string[]>();
  // A list in a query may not be endless; the first look at everyone asks for all at once instead.
  const few = userIds.length <= 500;
  let select = db.selectFrom('team_members').selectAll().orderBy('team_id');
  if (few) select = select.where('user_id', 'in', [...userIds]);
  for (const { user_id, team_id } of few && userIds.length === 0 ? [] : await select.execute()) {
    const own = teams.get(user_id);
    if (own === undefined) teams.set(user_id, [team_id]);
    else own.push(team_id);
  }
  return (userId) => teams.get(userId) ?? [];
}

async function hasOrg(trx: Trx, id: string): Promise<boolean> {
  const org = await trx
    .selectFrom('orgs')
    .select('id')
    .where('id', '=', id)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  return org !== undefined;
}

interface OwnerStart {
  readonly id: string;
  readonly name: string;
  readonly settings: JsonRecord | undefined;
}

/** Draws the revision first: who makes the same once more, because the answer was lost, comes after the first call and finds what it made. */
async function newOwner(trx: Trx, { id, name, settings = {} }: OwnerStart, { atMs }: PeopleDeed) {
  const revision = await nextPeopleRevision(trx);
  const created_at = Math.floor(atMs);
  return { id, name, is_disabled: 0, is_removed: 0, created_at, settings: JSON.stringify(settings), revision };
}

async function ownerSet(trx: Trx, { name, isDisabled, isRemoved, settings }: TeamPatch) {
  return {
    ...compact({
      name,
      is_disabled: isDisabled === undefined ? undefined : Number(isDisabled),
      is_removed: isRemoved === true ? 1 : undefined,
      settings: settings === undefined ? undefined : JSON.stringify(settings),
    }),
    revision: await nextPeopleRevision(trx),
  };
}

/** Counts the revision of the people up, inside a transaction that changes one. */
export async function nextPeopleRevision(trx: Trx): Promise<bigint> {
  const row = await trx
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', 1n) }))
    .where('name', '=', 'people')
    .returning('value')
    .executeTakeFirstOrThrow();
  return row.value;
}

type Noted = Omit<Parameters<typeof noteDeed>[1], 'atMs' | 'by'>;

export async function note(trx: Trx, { atMs, by }: PeopleDeed, noted: Noted): Promise<void> {
  await noteDeed(trx, { atMs: Math.floor(atMs), by, ...noted });
}

function changed<K extends string>(kind: K, { isRemoved }: TeamPatch): `${K}.${'changed' | 'deleted'}` {
  return `${kind}.${isRemoved === true ? 'deleted' : 'changed'}`;
}

function ownerChanges({ name, isDisabled, settings }: TeamPatch): JsonRecord {
  return compact({ name, disabled: isDisabled, settings });
}

function orgChanges(patch: OrgPatch): JsonRecord {
  return { ...ownerChanges(patch), ...compact({ billing: patch.billing, plan_id: patch.planId }) };
}

/** That a password was set is told, nothing of it is. */
function userChanges(patch: UserPatch): JsonRecord {
  const { email, role, teamIds, password, oidcSubject } = patch;
  const how = password === undefined ? undefined : password === null ? 'taken away' : 'set';
  return { ...ownerChanges(patch), ...compact({ email, role, teams: teamIds, password: how, oidc: oidcSubject }) };
}

function ownerOf(row: Selectable<OrgsTable | TeamsTable | UsersTable>) {
  return {
    id: row.id,
    name: row.name,
    isDisabled: row.is_disabled === 1n,
    isRemoved: row.is_removed === 1n,
    createdAtMs: Number(row.created_at),
    settings: asRecord(parseJson(row.settings)) ?? {},
    revision: row.revision,
  };
}

function orgOf(row: Selectable<OrgsTable>): Stored<OrgRow> {
  return { ...ownerOf(row), billing: row.billing, ...(row.plan_id === null ? {} : { planId: row.plan_id }) };
}

function teamOf(row: Selectable<TeamsTable>): Stored<TeamRow> {
  return { ...ownerOf(row), orgId: row.org_id };
}

export function userOf(row: Selectable<UsersTable>, teamIds: readonly string[]): Stored<UserRow> {
  return compact({
    ...ownerOf(row),
    orgId: row.org_id,
    email: row.email ?? undefined,
    role: row.role,
    teamIds,
    hasPassword: row.password !== null,
    oidcSubject: row.oidc_subject ?? undefined,
    lastLoginAtMs: row.last_login_at === null ? undefined : Number(row.last_login_at),
  });
}
