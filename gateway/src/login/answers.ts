/** Answers of a login: JSON for programs, pages and redirects for people, and the cookies that go with them. */
import { specOf, type Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { cookieName, setCookie } from './cookies.ts';
import type { Place } from './origin.ts';
import { PAGE_HEADERS } from './pages.ts';
import type { LoginAnswer } from './world.ts';

const SESSION = 'turnout_session';
const FLOW = 'turnout_oidc';

type Headers = Readonly<Record<string, string>>;

export function json(
  body: JsonRecord,
  more: { readonly status?: number; readonly headers?: Headers } = {},
): LoginAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', ...more.headers };
  return { status: more.status ?? 200, headers, body: JSON.stringify(body) };
}

export function page(
  body: string,
  more: { readonly fault?: Fault | undefined; readonly headers?: Headers } = {},
): LoginAnswer {
  const { fault } = more;
  const wait = fault?.retryAfterMs;
  const retry: Headers = wait === undefined ? {} : { 'retry-after': String(Math.ceil(wait / 1000)) };
  const status = fault === undefined ? 200 : specOf(fault).status;
  return { status, headers: { ...PAGE_HEADERS, ...retry, ...more.headers }, body };
}

/** 303: whatever was sent, the next page is only looked at (RFC 9110, section 15.4.4). */
export function redirect(location: string, headers: Headers = {}): LoginAnswer {
  return { status: 303, headers: { location, 'cache-control': 'no-store', ...headers }, body: '' };
}

export function sessionCookieName({ isSecure }: Place): string {
  return cookieName(SESSION, isSecure);
}

export function flowCookieName({ isSecure }: Place): string {
  return cookieName(FLOW, isSecure);
}

interface Kept {
  readonly value: string;
  readonly maxAgeS: number;
}

export function sessionCookie({ isSecure }: Place, { value, maxAgeS }: Kept): Headers {
  return { 'set-cookie': setCookie({ name: cookieName(SESSION, isSecure), value, maxAgeS, isSecure }) };
}

export function flowCookie({ isSecure }: Place, { value, maxAgeS }: Kept): Headers {
  return { 'set-cookie': setCookie({ name: cookieName(FLOW, isSecure), value, maxAgeS, isSecure }) };
}

/** What is not kept any more. */
export const GONE: Kept = { value: '', maxAgeS: 0 };
