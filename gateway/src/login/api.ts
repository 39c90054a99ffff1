/** `/auth/*`: logging in and one's own account, in JSON. */
import { fault, type Fault } from '../chat/fault.ts';
import { asString, compact, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { isInWords, NOT_IN_WORDS } from '../people/names.ts';
import { arrive, changePassword, logIn, makeKey, passwordsOff, signUp } from './acts.ts';
import { GONE, json, sessionCookie } from './answers.ts';
import { inviteRecord, sessionRecord, userRecord } from './shapes.ts';
import { csrfOf, forAll, forOwn, welcomed, type Answer, type Known, type Way } from './ways.ts';
import type { LoginWorld, Visit } from './world.ts';

/** Fields of a user that others set: whoever sends them for himself is told, and it is written down. */
const NOT_ONES_OWN =
  /^(?:role|org|org_id|organisation|team|teams|team_ids|budget|budget_.*|spent|spent_.*|credits?|plan|plan_id|email|disabled|is_.*|id|settings|limits|scopes)$/;

const TOLD_MAX = 20;
const TOLD_LENGTH_MAX = 40;

export const API: readonly Way[] = [
  forAll('api', 'GET /auth/ways', async (world) => ok(json(waysOf(world)))),
  forAll('api', 'POST /auth/login', login),
  forAll('api', 'POST /auth/sign-up', newUser),
  forAll('api', 'GET /auth/invites/{token}', invitation),
  forAll('api', 'POST /auth/invites/{token}', accept),
  forOwn('api', 'POST /auth/logout', logout),
  forOwn('api', 'GET /auth/me', async (world, visit) => ok(json(meOf(world, visit)))),
  forOwn('api', 'PATCH /auth/me', changeMe),
  forOwn('api', 'GET /auth/sessions', sessions),
  forOwn('api', 'DELETE /auth/sessions', endOthers),
  forOwn('api', 'DELETE /auth/sessions/{id}', endOne),
  forOwn('api', 'POST /auth/password', password),
  forOwn('api', 'POST /auth/keys', key),
];

/** What a page needs to know before anyone is logged in. */
function waysOf(world: LoginWorld): JsonRecord {
  const { sign_up, oidc } = world.config();
  return {
    password: passwordsOff(world) === undefined,
    sign_up: sign_up === 'open',
    oidc: oidc.map(({ name, label }) => ({ name, label: label ?? name, start: `/auth/oidc/${name}/start` })),
  };
}

async function login(world: LoginWorld, visit: Visit): Answer {
  const user = await logIn(world, visit.fields, visit.request.address);
  return user.ok ? welcomed(world, visit, user.value) : user;
}

async function newUser(world: LoginWorld, visit: Visit): Answer {
  const user = await signUp(world, visit.fields, visit.request.address);
  return user.ok ? welcomed(world, visit, user.value) : user;
}

async function invitation(world: LoginWorld, _: Visit, token: string): Answer {
  const invite = await world.people.invitation(token);
  if (!invite.ok) return invite;
  return invite.value === undefined ? err(fault('link-used')) : ok(json(inviteRecord(invite.value, world.people)));
}

async function accept(world: LoginWorld, visit: Visit, token: string): Answer {
  const invite = await world.people.invitation(token);
  if (!invite.ok) return invite;
  if (invite.value === undefined) return err(fault('link-used'));
  const user = await arrive(world, invite.value, { ...visit.fields, token });
  return user.ok ? welcomed(world, visit, user.value) : user;
}

async function logout(world: LoginWorld, { place, login: { user, session } }: Known): Answer {
  const ended = await world.people.access.end({ userId: user.id, id: session.id });
  return ended.ok ? ok(json({ logged_out: true }, { headers: sessionCookie(place, GONE) })) : ended;
}

function meOf(world: LoginWorld, { login: { user, session, value } }: Known): JsonRecord {
  const { people, keys } = world;
  const hasKey = keys.list().some((row) => row.userId === user.id && !row.isDisabled);
  const expires_at = new Date(session.expiresAtMs).toISOString();
  return { user: userRecord(user, people), csrf: csrfOf(world, value), has_key: hasKey, expires_at };
}

async function changeMe(world: LoginWorld, visit: Known): Answer {
  const { people } = world;
  const { id, orgId } = visit.login.user;
  const forbidden = Object.keys(visit.fields).filter((field) => NOT_ONES_OWN.test(field));
  // Of who sends thousands some are enough to know what he was up to.
  const told = forbidden.slice(0, TOLD_MAX).map((field) => field.slice(0, TOLD_LENGTH_MAX));
  if (forbidden.length > 0) {
    const noted = await people.noteRefused({ subject: id, orgId, fields: told }, id);
    return noted.ok ? err(fault('not-ones-own', {}, { param: told[0] ?? '' })) : noted;
  }
  const patch = readName(visit.fields);
  if (!patch.ok) return patch;
  const changed = await people.changeUser(id, patch.value, id);
  if (!changed.ok) return changed;
  return changed.value === undefined
    ? err(fault('login-needed'))
    : ok(json({ user: userRecord(changed.value, people) }));
}

function readName(fields: JsonRecord): Result<{ readonly name?: string }, Fault> {
  const unknown = Object.keys(fields).find((field) => field !== 'name');
  if (unknown !== undefined)
    return err(fault('field-invalid', { reason: 'there is no such field' }, { param: unknown }));
  const name = asString(fields['name'])?.trim();
  const isWrong = fields['name'] !== undefined && (name === undefined || !isInWords(name));
  return isWrong ? err(fault('field-invalid', { reason: NOT_IN_WORDS }, { param: 'name' })) : ok(compact({ name }));
}

async function sessions({ people }: LoginWorld, { login: { user, session } }: Known): Answer {
  const rows = await people.access.sessionsOf(user.id);
  return rows.ok ? ok(json({ data: rows.value.map((row) => sessionRecord(row, session.id)) })) : rows;
}

async function endOthers({ people }: LoginWorld, { login: { user, value } }: Known): Answer {
  const ended = await people.access.end({ userId: user.id, butValue: value });
  return ended.ok ? ok(json({ ended: ended.value })) : ended;
}

async function endOne({ people }: LoginWorld, { login: { user } }: Known, id: string): Answer {
  const ended = await people.access.end({ userId: user.id, id });
  if (!ended.ok) return ended;
  return ended.value === 0 ? err(fault('session-unknown')) : ok(json({ id, ended: true }));
}

async function password(world: LoginWorld, { login: known, fields, request, place }: Known): Answer {
  const changed = await changePassword(world, known, { ...fields, address: request.address });
  if (!changed.ok) return changed;
  const { people } = world;
  if (changed.value === undefined) return ok(json({ logged_out: true }, { headers: sessionCookie(place, GONE) }));
  return ok(json({ user: userRecord(changed.value, people) }));
}

async function key(world: LoginWorld, { login: { user }, fields }: Known): Answer {
  const read = readName(fields);
  if (!read.ok) return read;
  const made = await makeKey(world, user, read.value.name);
  return made.ok ? ok(json({ id: made.value.id, key: made.value.token }, { status: 201 })) : made;
}
