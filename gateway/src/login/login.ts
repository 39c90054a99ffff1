/** The front door of this room: who logs in, and who a session belongs to. */
import { timingSafeEqual } from 'node:crypto';
import { fault, type Fault } from '../chat/fault.ts';
import { asString, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Principal } from '../people/permissions.ts';
import { see } from './acts.ts';
import { page, redirect, sessionCookieName } from './answers.ts';
import { API } from './api.ts';
import { cookieOf } from './cookies.ts';
import { FORMS } from './forms.ts';
import { isFromBrowser, isOwnPage, placeOf, type Place } from './origin.ts';
import { faultPage } from './pages.ts';
import { principalOfUser } from './principal.ts';
import { csrfOf, type Answer, type Known, type Way } from './ways.ts';
import type { LoginRequest, LoginResult, LoginWorld, OpenLogin, Visit } from './world.ts';

export interface Login {
  /** Answers what is asked of logins: pages, and `/auth/*`. */
  answer(request: LoginRequest): Promise<LoginResult>;
  /** Whether a request brings a cookie of a session. */
  hasCookie(request: Pick<LoginRequest, 'headers'>): boolean;
  /** Who asks by a cookie. What changes something must come from a page of ours, with its token. */
  principal(request: Pick<LoginRequest, 'headers' | 'method'>): Promise<Result<Principal, Fault>>;
}

const WAYS: readonly Way[] = [...FORMS, ...API];
/** Of what a page sends along with a request. */
const CSRF_HEADER = 'x-turnout-csrf';

export function createLogin(world: LoginWorld): Login {
  return {
    answer: async (request) => answer(world, request),
    hasCookie: ({ headers }) => cookieIn(world, headers) !== undefined,
    principal: async (request) => {
      const place = placeIn(world, request.headers);
      if (!isOwnPage(request.method, request.headers, place)) return err(fault('not-same-origin'));
      const login = await see(world, cookieIn(world, request.headers));
      if (!login.ok) return login;
      if (login.value === undefined) return err(fault('login-needed'));
      const isSafe = isLook(request.method) || hasToken(world, login.value, request.headers[CSRF_HEADER]);
      return isSafe ? ok(principalOfUser(login.value.user)) : err(fault('not-same-origin'));
    },
  };
}

function placeIn({ config }: LoginWorld, headers: LoginRequest['headers']): Place {
  return placeOf(config().url, headers);
}

function cookieIn(world: LoginWorld, headers: LoginRequest['headers']): string | undefined {
  return cookieOf(headers['cookie'], sessionCookieName(placeIn(world, headers)));
}

function isLook(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

async function answer(world: LoginWorld, request: LoginRequest): Promise<LoginResult> {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const fits = WAYS.flatMap((way) => {
    const step = stepIn(request.path, way.path);
    return step === undefined ? [] : [{ way, step }];
  });
  const found = fits.find(({ way }) => way.method === method);
  if (found === undefined) return unknown(request, [...new Set(fits.map(({ way }) => way.method))]);
  const { way, step } = found;
  const answered = await guarded(world, request, { way, step });
  if (answered.ok) return answered.value;
  if (way.form === 'api') return { fault: answered.error };
  if (answered.error.code === 'login-needed') return redirect(`/login?next=${encodeURIComponent(request.path)}`);
  return page(faultPage(answered.error), { fault: answered.error });
}

function unknown({ method, path }: LoginRequest, methods: readonly string[]): LoginResult {
  const allow = methods.join(', ');
  if (allow !== '') return { fault: fault('method-not-allowed', { method, path: path.slice(0, 120), allow }), allow };
  return {
    fault: fault('route-unknown', { method, path: '/auth/…', hint: 'docs/guide/people.md lists what there is.' }),
  };
}

/** The one step of the path that the pattern leaves open; empty where it leaves none. */
function stepIn(path: string, pattern: string): string | undefined {
  const [steps, wanted] = [path.split('/'), pattern.split('/')];
  if (steps.length !== wanted.length) return undefined;
  let open = '';
  for (const [index, word] of wanted.entries()) {
    const step = steps[index] ?? '';
    if (word.startsWith('{')) open = step;
    else if (word !== step) return undefined;
  }
  return pattern.includes('{') && !/^[\w.-]{1,128}$/.test(open) ? undefined : open;
}

interface Asked {
  readonly way: Way;
  readonly step: string;
}

/** Looks at where it comes from before a byte of its body is read, then at who it is, then does it. */
async function guarded(world: LoginWorld, request: LoginRequest, { way, step }: Asked): Answer {
  const { headers, method, isForm } = request;
  const place = placeIn(world, headers);
  const isForeign = !isOwnPage(method, headers, place) || (isForm && !isFromBrowser(headers));
  if (!isLook(method) && isForeign) return err(fault('not-same-origin'));
  const login = await see(world, cookieIn(world, headers));
  if (!login.ok) return login;
  if (way.isOpen) {
    const fields = await fieldsOf(request);
    if (!fields.ok) return fields;
    return way.answer(world, { request, place, fields: fields.value, login: login.value }, step);
  }
  if (login.value === undefined) return err(fault('login-needed'));
  const visit = await known(world, { request, place, login: login.value });
  return visit.ok ? way.answer(world, visit.value, step) : visit;
}

/** Someone who is logged in; what changes something carries the token, as a header or in its form. */
async function known(
  world: LoginWorld,
  { request, place, login }: Pick<Visit, 'request' | 'place'> & { readonly login: OpenLogin },
): Promise<Result<Known, Fault>> {
  const { headers, isForm, method } = request;
  const token = headers[CSRF_HEADER];
  // A form has its token in its body; all else is refused before its body is read.
  if (!isLook(method) && !isForm && !hasToken(world, login, token)) return err(fault('not-same-origin'));
  const fields = await fieldsOf(request);
  if (!fields.ok) return fields;
  if (!isLook(method) && isForm && !hasToken(world, login, asString(fields.value['csrf'])))
    return err(fault('not-same-origin'));
  return ok({ request, place, login, fields: fields.value });
}

async function fieldsOf({ method, body }: LoginRequest): Promise<Result<JsonRecord, Fault>> {
  return isLook(method) || method === 'DELETE' ? ok({}) : body();
}

function hasToken(world: LoginWorld, { value }: OpenLogin, token: string | undefined): boolean {
  const [given, right] = [Buffer.from(token ?? ''), Buffer.from(csrfOf(world, value))];
  return given.length === right.length && timingSafeEqual(given, right);
}
