/** Organisations, teams, users, their sessions and invitations: as they are kept, and what the rest of the gateway asks of them. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { Role } from '../people/permissions.ts';
import type { Act } from './act.ts';

/** What organisation, team and user have in common. */
interface OwnerRow {
  readonly id: string;
  readonly name: string;
  readonly isDisabled: boolean;
  readonly createdAtMs: number;
  /** Allowed models, routes, providers and regions, limits. */
  readonly settings: JsonRecord;
  /** Grows with every change of anyone: what is newer has a higher one. */
  readonly revision: bigint;
}

export interface OrgRow extends OwnerRow {
  readonly billing: 'postpaid' | 'prepaid';
  readonly planId?: string;
}

export interface TeamRow extends OwnerRow {
  readonly orgId: string;
}

export interface UserRow extends OwnerRow {
  readonly orgId: string;
  /** Folded (`people/email.ts`). */
  readonly email?: string;
  readonly role: Role;
  /** Of the same organisation. */
  readonly teamIds: readonly string[];
  readonly hasPassword: boolean;
  /** `issuer subject` of an OpenID provider. */
  readonly oidcSubject?: string;
  readonly lastLoginAtMs?: number;
}

/** As they are stored: what was removed still tells the other processes so. */
export type Stored<T> = T & { readonly isRemoved: boolean };

export interface PeopleChanges {
  readonly orgs: readonly Stored<OrgRow>[];
  readonly teams: readonly Stored<TeamRow>[];
  readonly users: readonly Stored<UserRow>[];
}

export interface NewOrg {
  readonly name: string;
  readonly settings?: JsonRecord;
  readonly billing?: OrgRow['billing'];
  readonly planId?: string;
}

export interface NewTeam {
  readonly name: string;
  readonly orgId: string;
  readonly settings?: JsonRecord;
}

export interface NewUser {
  readonly name: string;
  readonly orgId: string;
  readonly email: string;
  readonly role: Role;
  readonly teamIds?: readonly string[];
  /** PHC string. Absent: no password. */
  readonly password?: string;
  readonly oidcSubject?: string;
  readonly settings?: JsonRecord;
}

/** What is absent stays. `isRemoved` cannot be taken back: its receipts stay, its name is free again. */
interface OwnerPatch {
  readonly name?: string;
  readonly isDisabled?: boolean;
  readonly isRemoved?: true;
  readonly settings?: JsonRecord;
}

export interface OrgPatch extends OwnerPatch {
  readonly billing?: OrgRow['billing'];
  readonly planId?: string | null;
}

export type TeamPatch = OwnerPatch;

export interface UserPatch extends OwnerPatch {
  readonly email?: string;
  readonly role?: Role;
  /** The teams he is in from now on, all of his organisation. */
  readonly teamIds?: readonly string[];
  /** PHC string; null: none any more. Ends all sessions but `keptSession`. */
  readonly password?: string | null;
  readonly keptSession?: string;
  readonly oidcSubject?: string | null;
}

/** When something is changed, and for whom: the id of a user or key, `cli`, or `system`. */
export interface PeopleDeed extends Act {
  readonly atMs: number;
}

/** Why something cannot be written. */
export type Refusal =
  | 'unknown'
  | 'org-unknown'
  | 'team-unknown'
  | 'last-owner'
  | 'email-taken'
  | 'subject-taken'
  | 'default-org'
  | 'plan-unknown'
  | 'revision-old'
  | 'owner-exists'
  | 'link-used'
  | 'other-email';

export type Written<T> = { readonly row: T } | { readonly refused: Refusal };

export interface SessionRow {
  /** For its owner's list: tells nothing of the cookie. */
  readonly id: string;
  readonly userId: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly seenAtMs: number;
  readonly address: string;
  readonly agent: string;
}

export interface NewSession extends Omit<SessionRow, 'id' | 'seenAtMs'> {
  /** SHA-256 of the cookie's value. */
  readonly hash: string;
}

/** Which sessions are meant: all of a user, one of them, or all but one. */
export interface SessionChoice {
  readonly userId: string;
  readonly id?: string;
  readonly butHash?: string;
}

export interface InviteRow {
  readonly id: string;
  /** `setup`: for the first owner. `password`: for a new password of `userId`. */
  readonly kind: 'setup' | 'invite' | 'password';
  readonly orgId: string;
  readonly teamId?: string;
  readonly userId?: string;
  /** Given: for this address only. */
  readonly email?: string;
  readonly role: Role;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly usedAtMs?: number;
  readonly by: string;
}

export interface NewInvite extends Omit<InviteRow, 'usedAtMs' | 'createdAtMs' | 'id' | 'by'> {
  /** SHA-256 of the link's token. */
  readonly hash: string;
}

/** Who comes by a link. The name and address count where it makes a user. */
export interface Arrival {
  readonly hash: string;
  readonly name: string;
  readonly email: string;
  /** PHC string. */
  readonly password?: string;
  readonly oidcSubject?: string;
}

/** How someone proves who he is. */
export interface LoginRow {
  readonly user: UserRow;
  readonly password?: string;
}

/** What someone tried to set, of an organisation or a user (`subject`) of an organisation. */
export interface RefusedChange {
  readonly subject: string;
  readonly orgId: string;
  readonly fields: readonly string[];
}

/** What can be asked of the database. Every change is noted in the audit log in its own transaction. */
export interface PeopleBooks {
  /** Who was changed after `revision`, removed ones among them. */
  peopleChanges(revision: bigint): Promise<PeopleChanges>;
  createOrg(id: string, org: NewOrg, deed: PeopleDeed): Promise<Written<OrgRow>>;
  changeOrg(id: string, patch: OrgPatch, deed: PeopleDeed): Promise<Written<Stored<OrgRow>>>;
  createTeam(id: string, team: NewTeam, deed: PeopleDeed): Promise<Written<TeamRow>>;
  changeTeam(id: string, patch: TeamPatch, deed: PeopleDeed): Promise<Written<Stored<TeamRow>>>;
  createUser(id: string, user: NewUser, deed: PeopleDeed): Promise<Written<UserRow>>;
  changeUser(id: string, patch: UserPatch, deed: PeopleDeed): Promise<Written<Stored<UserRow>>>;

  /** By e-mail, or by `issuer subject`. */
  loginOf(by: { readonly email: string } | { readonly oidcSubject: string }): Promise<LoginRow | undefined>;
  /** Opens a session; beyond a bound the user's oldest ends. */
  openSession(session: NewSession): Promise<void>;
  /** The session of a hash, seen now; undefined where it is over. */
  seeSession(hash: string, atMs: number, idleMs: number): Promise<SessionRow | undefined>;
  sessionsOf(userId: string): Promise<readonly SessionRow[]>;
  /** Gives how many were ended. */
  endSessions(choice: SessionChoice): Promise<number>;
  /** Takes away what is over: sessions, and links a month after their end. */
  pruneAccess(atMs: number): Promise<void>;

  createInvite(id: string, invite: NewInvite, deed: PeopleDeed): Promise<Written<InviteRow>>;
  /** By the hash of its token, used or not, over or not. */
  inviteOf(hash: string): Promise<InviteRow | undefined>;
  /** Newest first; those of the first start and of passwords too. */
  listInvites(orgId: string): Promise<readonly InviteRow[]>;
  removeInvite(id: string, deed: PeopleDeed): Promise<boolean>;
  /** Writes down that someone tried to change what he may not. */
  noteRefused(refused: RefusedChange, deed: PeopleDeed): Promise<void>;
  /** Uses a link, once: makes its user, or sets its user's password. */
  acceptInvite(id: string, arrival: Arrival, deed: PeopleDeed): Promise<Written<UserRow>>;
}

/** To whom something belongs. */
export interface Owners {
  readonly orgId?: string;
  readonly teamId?: string;
  readonly userId?: string;
}

type Answer<T> = Promise<Result<T, Fault>>;

/**
 * Everyone there is, in memory, and the ways to change it. Reading waits for nothing; what another process has changed is
 * known here within two seconds. `by`: the id of a user or key, `cli`, or `system`.
 */
export interface People {
  org(id: string): OrgRow | undefined;
  team(id: string): TeamRow | undefined;
  user(id: string): UserRow | undefined;
  userByEmail(email: string): UserRow | undefined;
  /** Oldest first. */
  orgs(): readonly OrgRow[];
  teams(orgId?: string): readonly TeamRow[];
  users(orgId?: string): readonly UserRow[];
  /** Why nothing that belongs to these may be used now: one of them is disabled, removed, or was never there. */
  whyNot(owners: Owners): Fault | undefined;

  createOrg(org: NewOrg, by: string): Answer<OrgRow>;
  createTeam(team: NewTeam, by: string): Answer<TeamRow>;
  createUser(user: NewUser, by: string): Answer<UserRow>;
  /** `undefined` where there is none, or where it was removed by this. */
  changeOrg(id: string, patch: OrgPatch, by: string | Act): Answer<OrgRow | undefined>;
  changeTeam(id: string, patch: TeamPatch, by: string | Act): Answer<TeamRow | undefined>;
  changeUser(id: string, patch: UserPatch, by: string | Act): Answer<UserRow | undefined>;

  /** Makes a link; `token` is seen here and never again. */
  invite(invite: Omit<NewInvite, 'hash'>, by: string): Answer<{ readonly row: InviteRow; readonly token: string }>;
  /** The invitation of a token while it can be used. */
  invitation(token: string): Answer<InviteRow | undefined>;
  invites(orgId: string): Answer<readonly InviteRow[]>;
  removeInvite(id: string, by: string): Answer<boolean>;
  accept(token: string, arrival: Omit<Arrival, 'hash'>): Answer<UserRow>;
  /** For the audit log: someone tried to set what he may not, of himself or another. */
  noteRefused(refused: RefusedChange, by: string): Answer<void>;

  readonly access: Access;
}

/** Sessions and proofs of who someone is. */
export interface Access {
  loginOf(by: { readonly email: string } | { readonly oidcSubject: string }): Answer<LoginRow | undefined>;
  /** Opens a session; the value of its cookie is seen here and never again. */
  open(session: Omit<NewSession, 'hash'>): Answer<string>;
  /** The session of a cookie's value, seen now, with its user; undefined where it is over, or its user may not log in. */
  see(value: string, idleMs: number): Answer<{ readonly session: SessionRow; readonly user: UserRow } | undefined>;
  sessionsOf(userId: string): Answer<readonly SessionRow[]>;
  /** `butValue`: the cookie's value of the one that stays. */
  end(choice: { readonly userId: string; readonly id?: string; readonly butValue?: string }): Answer<number>;
  /** How a cookie's value is stored: by which a session is told from others. */
  hashOf(value: string): string;
  /** 256 bits for what must not be forged, by the secret of this gateway; another purpose gives another. Base64url. */
  sign(purpose: string, text: string): string;
}
