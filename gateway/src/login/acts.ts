/** What people do before they are known, and with their own account: log in, arrive by a link, sign up, change a password, make a key. */
import { setTimeout as delay } from 'node:timers/promises';
import { fault, type Fault } from '../chat/fault.ts';
import { asString, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { foldEmail, isInDomains } from '../people/email.ts';
import { DEFAULT_ORG_ID, may } from '../people/permissions.ts';
import { ownKeyOf } from '../store/new-key.ts';
import type { InviteRow, UserRow } from '../store/people-ports.ts';
import { whyNotPassword } from './password.ts';
import { principalOfUser } from './principal.ts';
import type { Attempt } from './throttle.ts';
import type { LoginWorld, OpenLogin } from './world.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Shown in one's own list of sessions. */
const AGENT_LENGTH_MAX = 200;
/** Longer ones are not worked on: none of ours is (`password.ts`). */
const PASSWORD_LENGTH_MAX = 1024;

/** Of keys, as of people. */
const NAME_LENGTH_MAX = 200;

type Answer<T> = Promise<Result<T, Fault>>;

/** The user of an address and a password. One answer for all that can be wrong, and it takes as long. */
export async function logIn(world: LoginWorld, given: JsonRecord, address: string): Answer<UserRow> {
  const off = passwordsOff(world);
  if (off !== undefined) return err(off);
  const password = asString(given['password']) ?? '';
  const account = (asString(given['email']) ?? '').trim().normalize('NFKC').toLowerCase().slice(0, 254);
  const attempt = { account, address, nowMs: world.monotonicMs() };
  const slowed = await slow(world, attempt);
  if (slowed !== undefined) return err(slowed);
  const login = await world.people.access.loginOf({ email: account });
  if (!login.ok) return login;
  const isRight = await world.passwords.verify(password.slice(0, PASSWORD_LENGTH_MAX), login.value?.password);
  if (!isRight.ok) return isRight;
  const user = isRight.value ? login.value?.user : undefined;
  if (user === undefined || isOut(world, user)) return err(fault('login-wrong'));
  world.throttle.right(attempt);
  return ok(user);
}

export function isOut({ people }: Pick<LoginWorld, 'people'>, { isDisabled, orgId }: UserRow): boolean {
  return isDisabled || people.whyNot({ orgId }) !== undefined;
}

/** Waits as long as the account makes everyone wait, or says that it is too early. */
async function slow(world: LoginWorld, attempt: Attempt): Promise<Fault | undefined> {
  const verdict = world.throttle.begin(attempt);
  if (verdict.kind === 'go') {
    if (verdict.delayMs > 0) await delay(verdict.delayMs);
    return undefined;
  }
  if (verdict.by === 'account' && (await isKnownAddress(world, attempt))) return undefined;
  const { retryAfterMs } = verdict;
  return fault('login-slow', { seconds: Math.ceil(retryAfterMs / 1000) }, { retryAfterMs });
}

/** Whether the owner of an account has been logged in from there, lately. */
async function isKnownAddress({ people }: LoginWorld, { account, address }: Attempt): Promise<boolean> {
  const user = people.userByEmail(account);
  if (user === undefined) return false;
  const sessions = await people.access.sessionsOf(user.id);
  return sessions.ok && sessions.value.some((session) => session.address === address);
}

/** Who comes, from where. */
export interface From {
  readonly address: string;
  readonly agent: string | undefined;
}

/** Opens a session: the value of its cookie, and for how many seconds it is good. */
export async function open(
  world: LoginWorld,
  user: UserRow,
  { address, agent = '' }: From,
): Answer<{ readonly value: string; readonly maxAgeS: number }> {
  const createdAtMs = world.now();
  const lastsMs = world.config().session.days * DAY_MS;
  const shown = agent.replaceAll(/\p{C}/gu, ' ').slice(0, AGENT_LENGTH_MAX);
  const session = { userId: user.id, createdAtMs, expiresAtMs: createdAtMs + lastsMs, address, agent: shown };
  const value = await world.people.access.open(session);
  return value.ok ? ok({ value: value.value, maxAgeS: Math.floor(lastsMs / 1000) }) : value;
}

/** The session of a cookie; undefined where it is over. */
export async function see(world: LoginWorld, value: string | undefined): Answer<OpenLogin | undefined> {
  if (value === undefined) return ok(undefined);
  const seen = await world.people.access.see(value, world.config().session.idle_minutes * MINUTE_MS);
  if (!seen.ok || seen.value === undefined) return seen.ok ? ok(undefined) : seen;
  return ok({ value, ...seen.value });
}

/** Uses a link: makes its user, or sets its user's password. */
export async function arrive(
  world: LoginWorld,
  invite: InviteRow,
  given: JsonRecord & { readonly token: string },
): Answer<UserRow> {
  const own = world.people.user(invite.userId ?? '');
  const known = invite.kind === 'password' ? { name: own?.name ?? 'user', email: own?.email } : undefined;
  const person = await personOf(world, known ?? given, asString(given['password']));
  return person.ok ? world.people.accept(given.token, person.value) : person;
}

/** An account of one's own making, where that is allowed. */
export async function signUp(world: LoginWorld, given: JsonRecord, address: string): Answer<UserRow> {
  const { sign_up, domains, sign_up_role: role } = world.config();
  if (sign_up !== 'open') return err(fault('login-refused', { reason: 'accounts are made by invitation here' }));
  const email = foldEmail(asString(given['email']) ?? '') ?? '';
  // A stranger may ask whose address is taken only as often as he may guess.
  const slowed = await slow(world, { account: email, address, nowMs: world.monotonicMs() });
  if (slowed !== undefined) return err(slowed);
  if (email !== '' && !isInDomains(email, domains))
    return err(fault('login-refused', { reason: 'people of this e-mail domain cannot sign up here' }));
  const person = await personOf(world, given, asString(given['password']));
  if (!person.ok) return person;
  return world.people.createUser({ ...person.value, orgId: DEFAULT_ORG_ID, role }, 'sign-up');
}

interface Person {
  readonly name: string;
  readonly email: string;
  /** PHC string. */
  readonly password: string;
}

/** What someone says of himself, checked; the password hashed. */
async function personOf(world: LoginWorld, given: JsonRecord, password: string | undefined): Answer<Person> {
  const off = passwordsOff(world);
  if (off !== undefined) return err(off);
  const name = asString(given['name'])?.trim() ?? '';
  const email = foldEmail(asString(given['email']) ?? '');
  if (name === '') return err(fault('field-missing', { reason: 'say what you are called' }, { param: 'name' }));
  if (email === undefined)
    return err(fault('field-invalid', { reason: 'it must be an address such as ann@example.org' }, { param: 'email' }));
  const phc = await newPassword(world, password, email);
  return phc.ok ? ok({ name, email, password: phc.value }) : phc;
}

async function newPassword({ passwords }: LoginWorld, password: string | undefined, email: string): Answer<string> {
  const wrong = whyNotPassword(password ?? '', email);
  if (wrong !== undefined) return err(fault('field-invalid', { reason: wrong }, { param: 'password' }));
  return passwords.hash(password ?? '');
}

/** A new password for who knows the old one. All other sessions end. */
export async function changePassword(
  world: LoginWorld,
  login: OpenLogin,
  given: JsonRecord & { readonly address: string },
): Answer<UserRow | undefined> {
  const { user } = login;
  const proof = { email: user.email, password: given['current'] };
  const isSelf = await logIn(world, proof, given.address);
  if (!isSelf.ok) return isSelf;
  const phc = await newPassword(world, asString(given['password']), user.email ?? '');
  if (!phc.ok) return phc;
  return world.people.changeUser(
    user.id,
    { password: phc.value, keptSession: world.people.access.hashOf(login.value) },
    user.id,
  );
}

/** A key of one's own. */
export async function makeKey(
  { keys }: LoginWorld,
  user: UserRow,
  name: string = `${user.name}'s key`.slice(0, NAME_LENGTH_MAX),
): Answer<{ readonly id: string; readonly token: string }> {
  const principal = principalOfUser(user);
  if (!may(principal, 'keys.own')) return err(fault('not-permitted', { role: user.role, permission: 'keys.own' }));
  const owner = ownKeyOf(user, keys);
  if (!owner.ok) return owner;
  const made = await keys.create({ name, ...owner.value }, user.id);
  return made.ok ? ok({ id: made.value.row.id, token: made.value.token }) : made;
}

export function passwordsOff({ config, passwords }: LoginWorld): Fault | undefined {
  if (!config().passwords) return fault('login-refused', { reason: 'passwords are switched off here' });
  return passwords.isAvailable ? undefined : fault('passwords-off');
}
