/** Everyone there is, in memory: looked at without the store, kept up to date by asking it for what is newer. Changes go through it. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { fault, type Fault } from '../chat/fault.ts';
import { isRecord, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { isInWords, NOT_IN_WORDS } from '../people/names.ts';
import type { Act } from './act.ts';
import { whyNotLimits } from './key-settings.ts';
import { patiently } from './patience.ts';
import type {
  Access,
  InviteRow,
  NewOrg,
  NewTeam,
  NewUser,
  OrgPatch,
  OrgRow,
  Owners,
  People,
  PeopleBooks,
  PeopleDeed,
  Refusal,
  RefusedChange,
  Stored,
  TeamPatch,
  TeamRow,
  UserPatch,
  UserRow,
  Written,
} from './people-ports.ts';

/** 256 bits, as RFC 4086 and OWASP (Session Management, 128 bits or more) want it for what must not be guessed. */
const TOKEN_BYTES = 32;
/** Lists of a few hundred names, and all limits: every process has those of everyone in memory, and the audit log each change. */
const SETTINGS_LENGTH_MAX = 16 * 1024;
const TOKEN = /^[\w-]{43}$/;

export interface DirectoryPorts {
  readonly books: PeopleBooks;
  readonly secret: Buffer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** For how long a call waits for a store that is busy. */
  readonly patienceMs: number;
  readonly newId: (prefix: string) => string;
}

type Answer<T> = Promise<Result<T, Fault>>;

export class Directory implements People {
  readonly access: Access;
  readonly #ports: DirectoryPorts;
  readonly #orgs = new Shelf<OrgRow>();
  readonly #teams = new Shelf<TeamRow>();
  readonly #users = new Shelf<UserRow>();
  readonly #byEmail = new Map<string, string>();
  #revision = 0n;

  constructor(ports: DirectoryPorts) {
    this.#ports = ports;
    this.access = accessOf(ports, this);
  }

  org(id: string): OrgRow | undefined {
    return this.#orgs.get(id);
  }

  team(id: string): TeamRow | undefined {
    return this.#teams.get(id);
  }

  user(id: string): UserRow | undefined {
    return this.#users.get(id);
  }

  userByEmail(email: string): UserRow | undefined {
    return this.#users.get(this.#byEmail.get(email) ?? '');
  }

  orgs(): readonly OrgRow[] {
    return this.#orgs.all();
  }

  teams(orgId?: string): readonly TeamRow[] {
    return this.#teams.all().filter((team) => orgId === undefined || team.orgId === orgId);
  }

  users(orgId?: string): readonly UserRow[] {
    return this.#users.all().filter((user) => orgId === undefined || user.orgId === orgId);
  }

  whyNot({ orgId, teamId, userId }: Owners): Fault | undefined {
    if (userId !== undefined && isOff(this.#users.get(userId))) return off('user');
    if (teamId !== undefined && isOff(this.#teams.get(teamId))) return off('team');
    return orgId !== undefined && isOff(this.#orgs.get(orgId)) ? off('organisation') : undefined;
  }

  async createOrg(org: NewOrg, by: string): Answer<OrgRow> {
    const id = this.#ports.newId('org');
    return this.#make(org, async (books) => books.createOrg(id, org, this.#deed(by)));
  }

  async createTeam(team: NewTeam, by: string): Answer<TeamRow> {
    const id = this.#ports.newId('team');
    return this.#make(team, async (books) => books.createTeam(id, team, this.#deed(by)));
  }

  async createUser(user: NewUser, by: string): Answer<UserRow> {
    const id = this.#ports.newId('user');
    return this.#make(user, async (books) => books.createUser(id, user, this.#deed(by)));
  }

  async changeOrg(id: string, patch: OrgPatch, by: string | Act): Answer<OrgRow | undefined> {
    return this.#change(patch, async (books) => books.changeOrg(id, patch, this.#deed(by)));
  }

  async changeTeam(id: string, patch: TeamPatch, by: string | Act): Answer<TeamRow | undefined> {
    return this.#change(patch, async (books) => books.changeTeam(id, patch, this.#deed(by)));
  }

  async changeUser(id: string, patch: UserPatch, by: string | Act): Answer<UserRow | undefined> {
    return this.#change(patch, async (books) => books.changeUser(id, patch, this.#deed(by)));
  }

  async invite(...[invite, by]: Parameters<People['invite']>): ReturnType<People['invite']> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const id = this.#ports.newId('inv');
    const written = await this.#ask(async (books) =>
      books.createInvite(id, { ...invite, hash: hashOf(token) }, this.#deed(by)),
    );
    return written.ok ? ok({ row: written.value, token }) : written;
  }

  async invitation(token: string): Answer<InviteRow | undefined> {
    if (!TOKEN.test(token)) return ok(undefined);
    const found = await this.#patiently(async (books) => books.inviteOf(hashOf(token)));
    if (!found.ok || found.value === undefined) return found;
    const { usedAtMs, expiresAtMs, teamId } = found.value;
    // A team that another process has made a moment ago is asked for now, and not at the next second.
    if (teamId !== undefined && this.team(teamId) === undefined) await this.#patiently(async () => this.refresh());
    const isOpen = usedAtMs === undefined && expiresAtMs > this.#ports.now();
    return ok(isOpen ? found.value : undefined);
  }

  async invites(orgId: string): Answer<readonly InviteRow[]> {
    return this.#patiently(async (books) => books.listInvites(orgId));
  }

  async removeInvite(id: string, by: string): Answer<boolean> {
    return this.#patiently(async (books) => books.removeInvite(id, this.#deed(by)));
  }

  async accept(...[token, arrival]: Parameters<People['accept']>): Answer<UserRow> {
    const user = { ...arrival, hash: hashOf(token) };
    const id = this.#ports.newId('user');
    return this.#make(arrival, async (books) => books.acceptInvite(id, user, this.#deed('system')));
  }

  async noteRefused(refused: RefusedChange, by: string): Answer<void> {
    return this.#patiently(async (books) => books.noteRefused(refused, this.#deed(by)));
  }

  /** Learns what other processes have changed. Throws where the store is in trouble; who is known so far stays. */
  async refresh(): Promise<void> {
    const { orgs, teams, users } = await this.#ports.books.peopleChanges(this.#revision);
    for (const row of [...orgs, ...teams, ...users]) {
      this.#apply(row);
      if (row.revision > this.#revision) this.#revision = row.revision;
    }
  }

  async #make<T extends OrgRow | TeamRow | UserRow>(
    named: Checked,
    write: (books: PeopleBooks) => Promise<Written<T>>,
  ): Answer<T> {
    const wrong = whyNotValid(named);
    if (wrong !== undefined) return err(wrong);
    const written = await this.#ask(write);
    if (written.ok) this.#apply({ isRemoved: false, ...written.value });
    return written;
  }

  async #change<T extends OrgRow | TeamRow | UserRow>(
    patch: Checked,
    write: (books: PeopleBooks) => Promise<Written<Stored<T>>>,
  ): Answer<T | undefined> {
    const wrong = whyNotValid(patch);
    if (wrong !== undefined) return err(wrong);
    const written = await this.#patiently(write);
    if (!written.ok) return written;
    if ('refused' in written.value)
      return written.value.refused === 'unknown' ? ok(undefined) : err(faultOf(written.value.refused));
    const { row } = written.value;
    this.#apply(row);
    return ok(row.isRemoved ? undefined : row);
  }

  /** Takes in a row as it is stored, unless something newer is known. */
  #apply(row: Stored<OrgRow | TeamRow | UserRow>): void {
    if ('billing' in row) this.#orgs.put(row);
    else if (!('role' in row)) this.#teams.put(row);
    else this.#putUser(row);
  }

  #putUser(user: Stored<UserRow>): void {
    const before = this.#users.get(user.id);
    if (!this.#users.put(user)) return;
    if (before?.email !== undefined && this.#byEmail.get(before.email) === user.id) this.#byEmail.delete(before.email);
    if (user.email !== undefined && !user.isRemoved) this.#byEmail.set(user.email, user.id);
  }

  async #ask<T>(write: (books: PeopleBooks) => Promise<Written<T>>): Answer<T> {
    const written = await this.#patiently(write);
    if (!written.ok) return written;
    return 'refused' in written.value ? err(faultOf(written.value.refused)) : ok(written.value.row);
  }

  #patiently<T>(ask: (books: PeopleBooks) => Promise<T>): Answer<T> {
    return patiently(async () => ask(this.#ports.books), this.#ports.patienceMs);
  }

  #deed(by: string | Act): PeopleDeed {
    const act = typeof by === 'string' ? { by } : by;
    return { ...act, atMs: this.#ports.now() };
  }
}

/** Rows by id; what is older than what is known is not taken in. */
class Shelf<T extends { readonly id: string; readonly revision: bigint; readonly createdAtMs: number }> {
  readonly #rows = new Map<string, Stored<T>>();

  get(id: string): T | undefined {
    const row = this.#rows.get(id);
    return row === undefined || row.isRemoved ? undefined : row;
  }

  all(): readonly T[] {
    return [...this.#rows.values()].filter((row) => !row.isRemoved).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  put(row: Stored<T>): boolean {
    const before = this.#rows.get(row.id);
    if (before !== undefined && before.revision >= row.revision) return false;
    this.#rows.set(row.id, row);
    return true;
  }
}

function accessOf(ports: DirectoryPorts, directory: Directory): Access {
  const { books, secret, now, patienceMs } = ports;
  const ask = async <T>(work: () => Promise<T>): Answer<T> => patiently(work, patienceMs);
  return {
    loginOf: async (by) => ask(async () => books.loginOf(by)),
    open: async (session) => {
      const value = randomBytes(TOKEN_BYTES).toString('base64url');
      const opened = await ask(async () => books.openSession({ ...session, hash: hashOf(value) }));
      return opened.ok ? ok(value) : opened;
    },
    see: async (value, idleMs) => {
      if (!TOKEN.test(value)) return ok(undefined);
      const seen = await ask(async () => books.seeSession(hashOf(value), now(), idleMs));
      if (!seen.ok || seen.value === undefined) return seen.ok ? ok(undefined) : seen;
      // Another process may have made him a moment ago.
      if (directory.user(seen.value.userId) === undefined) await ask(async () => directory.refresh());
      const user = directory.user(seen.value.userId);
      const isOut = user === undefined || directory.whyNot({ userId: user.id, orgId: user.orgId }) !== undefined;
      return ok(isOut ? undefined : { session: seen.value, user });
    },
    sessionsOf: async (userId) => ask(async () => books.sessionsOf(userId)),
    end: async ({ butValue, ...choice }) =>
      ask(async () =>
        books.endSessions({ ...choice, ...(butValue === undefined ? {} : { butHash: hashOf(butValue) }) }),
      ),
    hashOf,
    sign: (purpose, text) => createHmac('sha256', secret).update(`${purpose}\0${text}`).digest('base64url'),
  };
}

/** What is stored of a cookie or a link. It is 256 bits of chance: no salt, no slow hash could make it harder to guess. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function isOff(row: OrgRow | TeamRow | UserRow | undefined): boolean {
  return row === undefined || row.isDisabled;
}

function off(owner: string): Fault {
  return fault('key-owner-disabled', { owner });
}

interface Checked {
  readonly name?: string;
  readonly settings?: JsonRecord;
}

function whyNotValid({ name, settings }: Checked): Fault | undefined {
  if (name !== undefined && !isInWords(name))
    return fault('field-invalid', { reason: NOT_IN_WORDS }, { param: 'name' });
  if (settings !== undefined && JSON.stringify(settings).length > SETTINGS_LENGTH_MAX)
    return fault('field-invalid', { reason: `it may have ${SETTINGS_LENGTH_MAX} characters` }, { param: 'settings' });
  const { limits } = settings ?? {};
  if (limits !== undefined && !isRecord(limits))
    return fault('field-invalid', { reason: 'it must be an object' }, { param: 'settings.limits' });
  const reason = whyNotLimits(limits);
  return reason === undefined ? undefined : fault('field-invalid', { reason }, { param: 'settings.limits' });
}

/** What is wrong with a field, in the words of the API. */
const WRONG = {
  'org-unknown': ['org_id', 'there is no such organisation'],
  'team-unknown': ['team_id', 'there is no such team in this organisation'],
  'plan-unknown': ['plan', 'there is no such plan'],
  'other-email': ['email', 'this invitation is for another address'],
} as const;

function faultOf(refused: Refusal): Fault {
  switch (refused) {
    case 'unknown':
      return fault('person-unknown');
    case 'org-unknown':
    case 'team-unknown':
    case 'plan-unknown':
    case 'other-email': {
      const [param, reason] = WRONG[refused];
      return fault('field-invalid', { reason }, { param });
    }
    default:
      return fault(refused);
  }
}
