/** `/login`, `/setup`, `/invite`, `/password`, `/sign-up`, `/welcome`, `/logout`, and the ways over a provider: pages for people, without a script. */
import { fault, type Fault } from '../chat/fault.ts';
import type { OidcConfig } from '../config/schema.ts';
import { asString, compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { may } from '../people/permissions.ts';
import type { InviteRow } from '../store/people-ports.ts';
import { arrive, logIn, makeKey, passwordsOff, signUp } from './acts.ts';
import { flowCookie, flowCookieName, GONE, page, redirect, sessionCookie } from './answers.ts';
import { cookieOf } from './cookies.ts';
import { userOfIdentity } from './oidc-user.ts';
import { ownPath } from './origin.ts';
import { arrivalPage, faultPage, loginPage, passwordPage, welcomePage, type ArrivalPage } from './pages.ts';
import { principalOfUser } from './principal.ts';
import { csrfOf, forAll, forOwn, sentOn, type Answer, type Known, type Way } from './ways.ts';
import type { LoginWorld, Visit } from './world.ts';

export const FORMS: readonly Way[] = [
  forAll('page', 'GET /login', async (world, visit) => ok(showLogin(world, visit))),
  forAll('page', 'POST /login', login),
  forAll('page', 'GET /setup', async (world, visit) => showArrival(world, visit, 'setup')),
  forAll('page', 'POST /setup', async (world, visit) => arriveBy(world, visit, 'setup')),
  forAll('page', 'GET /invite', async (world, visit) => showArrival(world, visit, 'invite')),
  forAll('page', 'POST /invite', async (world, visit) => arriveBy(world, visit, 'invite')),
  forAll('page', 'GET /password', async (world, visit) => showArrival(world, visit, 'password')),
  forAll('page', 'POST /password', async (world, visit) => arriveBy(world, visit, 'password')),
  forAll('page', 'GET /sign-up', async (world, visit) => ok(showSignUp(world, visit))),
  forAll('page', 'POST /sign-up', newUser),
  forOwn('page', 'GET /welcome', async (world, visit) => ok(showWelcome(world, visit))),
  forOwn('page', 'POST /welcome', key),
  forOwn('page', 'POST /logout', logout),
  forAll('page', 'GET /auth/oidc/{name}/start', startOidc),
  forAll('page', 'GET /auth/oidc/{name}/callback', finishOidc),
];

function showLogin(world: LoginWorld, { request, fields }: Visit, wrong?: Fault): ReturnType<typeof page> {
  const { sign_up, oidc } = world.config();
  const body = loginPage({
    hasPasswords: passwordsOff(world) === undefined,
    hasSignUp: sign_up === 'open',
    providers: oidc.map(({ name, label }) => ({ name, label: label ?? name })),
    next: ownPath(asString(fields['next']) ?? request.query.get('next')),
    ...compact({ email: asString(fields['email']), fault: wrong }),
  });
  return page(body, { fault: wrong });
}

async function login(world: LoginWorld, visit: Visit): Answer {
  const user = await logIn(world, visit.fields, visit.request.address);
  if (!user.ok) return ok(showLogin(world, visit, user.error));
  return sentOn(world, visit, { user: user.value, next: asString(visit.fields['next']) ?? '/' });
}

/** The invitation of a link, of the kind that its page is for. */
async function linkOf(
  { people }: LoginWorld,
  { request, fields }: Visit,
  kind: InviteRow['kind'],
): Promise<Result<{ readonly token: string; readonly invite: InviteRow }, Fault>> {
  const token = asString(fields['token']) ?? request.query.get('token') ?? '';
  const invite = await people.invitation(token);
  if (!invite.ok) return invite;
  return invite.value?.kind === kind ? ok({ token, invite: invite.value }) : err(fault('link-used'));
}

async function showArrival(world: LoginWorld, visit: Visit, kind: InviteRow['kind']): Answer {
  const link = await linkOf(world, visit, kind);
  return link.ok ? ok(arrivalOf(world, visit, link.value)) : link;
}

interface Link {
  readonly token: string;
  readonly invite: InviteRow;
  /** Why the last try went wrong. */
  readonly wrong?: Fault;
}

function arrivalOf(world: LoginWorld, visit: Visit, { token, invite, wrong }: Link): ReturnType<typeof page> {
  if (invite.kind === 'password') return page(passwordPage(token, wrong), { fault: wrong });
  const org = world.people.org(invite.orgId)?.name ?? 'this gateway';
  const words =
    invite.kind === 'setup'
      ? { title: 'Set up Turnout', lead: 'Make the account of the first owner, who may invite everyone else.' }
      : { title: 'You are invited', lead: `To ${org}, as ${invite.role}. Make your account.` };
  const action = invite.kind === 'setup' ? '/setup' : '/invite';
  return arrivalAnswer(world, visit, { ...words, action, token, ...emailOf(invite), ...compact({ fault: wrong }) });
}

function emailOf({ email }: InviteRow): Partial<ArrivalPage> {
  return email === undefined ? {} : { email, isEmailFixed: true };
}

function arrivalAnswer(
  world: LoginWorld,
  { fields }: Visit,
  words: Omit<ArrivalPage, 'hasPasswords'>,
): ReturnType<typeof page> {
  const given = compact({ name: asString(fields['name']), email: asString(fields['email']) });
  const hasPasswords = passwordsOff(world) === undefined;
  return page(arrivalPage({ ...given, ...words, hasPasswords }), { fault: words.fault });
}

async function arriveBy(world: LoginWorld, visit: Visit, kind: InviteRow['kind']): Answer {
  const link = await linkOf(world, visit, kind);
  if (!link.ok) return link;
  const { token, invite } = link.value;
  const user = await arrive(world, invite, { ...visit.fields, token });
  return user.ok
    ? sentOn(world, visit, { user: user.value, next: '/welcome' })
    : ok(arrivalOf(world, visit, { ...link.value, wrong: user.error }));
}

function showSignUp(world: LoginWorld, visit: Visit, wrong?: Fault): ReturnType<typeof page> {
  if (world.config().sign_up !== 'open') {
    const closed = fault('login-refused', { reason: 'accounts are made by invitation here' });
    return page(faultPage(closed), { fault: closed });
  }
  const words = { title: 'Make an account', lead: 'For yourself, in a minute.', action: '/sign-up' };
  return arrivalAnswer(world, visit, { ...words, ...compact({ fault: wrong }) });
}

async function newUser(world: LoginWorld, visit: Visit): Answer {
  const user = await signUp(world, visit.fields, visit.request.address);
  return user.ok
    ? sentOn(world, visit, { user: user.value, next: '/welcome' })
    : ok(showSignUp(world, visit, user.error));
}

function showWelcome(
  world: LoginWorld,
  { login: { user, value }, place }: Known,
  more: { readonly key?: string; readonly fault?: Fault } = {},
): ReturnType<typeof page> {
  const { name, role } = user;
  const mayHaveKeys = may(principalOfUser(user), 'keys.own');
  const body = welcomePage({ name, role, csrf: csrfOf(world, value), mayHaveKeys, origin: place.origin, ...more });
  return page(body, { fault: more.fault });
}

async function key(world: LoginWorld, visit: Known): Answer {
  const { user } = visit.login;
  const made = await makeKey(world, user);
  return ok(showWelcome(world, visit, made.ok ? { key: made.value.token } : { fault: made.error }));
}

async function logout(world: LoginWorld, { place, login: { user, session } }: Known): Answer {
  const ended = await world.people.access.end({ userId: user.id, id: session.id });
  return ended.ok ? ok(redirect('/login', sessionCookie(place, GONE))) : ended;
}

function providerOf(world: LoginWorld, name: string): Result<OidcConfig, Fault> {
  const provider = world.config().oidc.find((one) => one.name === name);
  return provider === undefined
    ? err(fault('login-refused', { reason: 'there is no such login provider' }))
    : ok(provider);
}

function redirectUriOf({ origin }: Visit['place'], name: string): string {
  return `${origin}/auth/oidc/${name}/callback`;
}

async function startOidc(world: LoginWorld, { request, place }: Visit, name: string): Answer {
  const provider = providerOf(world, name);
  if (!provider.ok) return provider;
  const ways = { redirectUri: redirectUriOf(place, name), next: request.query.get('next') ?? '/' };
  const start = await world.oidc.start(provider.value, ways);
  if (!start.ok) return start;
  const { location, cookie, maxAgeS } = start.value;
  return ok(redirect(location, flowCookie(place, { value: cookie, maxAgeS })));
}

async function finishOidc(world: LoginWorld, visit: Visit, name: string): Answer {
  const { request, place } = visit;
  const provider = providerOf(world, name);
  if (!provider.ok) return provider;
  const back = await world.oidc.finish(provider.value, {
    url: `${request.path}?${request.query.toString()}`,
    redirectUri: redirectUriOf(place, name),
    cookie: cookieOf(request.headers['cookie'], flowCookieName(place)),
  });
  if (!back.ok) return back;
  const user = await userOfIdentity(world, provider.value, back.value.identity);
  return user.ok ? sentOn(world, visit, { user: user.value, next: back.value.next }) : user;
}
