/** One way to ask something of a login: a method, a path, and what is done. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import type { UserRow } from '../store/people-ports.ts';
import { open } from './acts.ts';
import { json, redirect, sessionCookie } from './answers.ts';
import { ownPath } from './origin.ts';
import { userRecord } from './shapes.ts';
import type { LoginAnswer, LoginWorld, OpenLogin, Visit } from './world.ts';

export type Answer = Promise<Result<LoginAnswer, Fault>>;

/** `page`: for people, errors too. `api`: JSON. */
type Form = 'page' | 'api';
type OpenAnswer = (world: LoginWorld, visit: Visit, step: string) => Answer;
type OwnAnswer = (world: LoginWorld, visit: Known, step: string) => Answer;

interface Ask {
  readonly method: string;
  /** `{x}` stands for one step of the path. */
  readonly path: string;
  readonly form: Form;
}

/** What is for everyone, and what is for who is logged in. */
export type Way = Ask &
  ({ readonly isOpen: true; readonly answer: OpenAnswer } | { readonly isOpen: false; readonly answer: OwnAnswer });

/** `ask`: method and path, as in `GET /login`. */
export function forAll(form: Form, ask: string, answer: OpenAnswer): Way {
  const [method = '', path = ''] = ask.split(' ');
  return { method, path, form, isOpen: true, answer };
}

export function forOwn(form: Form, ask: string, answer: OwnAnswer): Way {
  const [method = '', path = ''] = ask.split(' ');
  return { method, path, form, isOpen: false, answer };
}

/** A visit of someone who is logged in. */
export type Known = Visit & { readonly login: OpenLogin };

/** The token that a page of ours sends along with what it changes. Who has the cookie's value has it; nobody else can make it. */
export function csrfOf({ people }: LoginWorld, value: string): string {
  return people.access.sign('csrf', value);
}

/** Opens a session for someone who has just proved who he is: an answer in JSON, with its cookie. */
export async function welcomed(world: LoginWorld, visit: Visit, user: UserRow): Answer {
  const opened = await begin(world, visit, user);
  if (!opened.ok) return opened;
  const { value, maxAgeS } = opened.value;
  const body: JsonRecord = { user: userRecord(user, world.people), csrf: csrfOf(world, value) };
  return ok(json(body, { headers: sessionCookie(visit.place, { value, maxAgeS }) }));
}

/** The same for a page: on to where he wanted to go, or to the welcome page. */
export async function sentOn(
  world: LoginWorld,
  visit: Visit,
  { user, next }: { readonly user: UserRow; readonly next: string },
): Answer {
  const opened = await begin(world, visit, user);
  if (!opened.ok) return opened;
  const to = ownPath(next);
  return ok(redirect(to === '/' ? '/welcome' : to, sessionCookie(visit.place, opened.value)));
}

/** A new session each time; the one before it, of this browser, ends: nobody can have prepared it. */
async function begin(world: LoginWorld, { login, request }: Visit, user: UserRow): ReturnType<typeof open> {
  if (login !== undefined) await world.people.access.end({ userId: login.user.id, id: login.session.id });
  return open(world, user, { address: request.address, agent: request.headers['user-agent'] });
}
