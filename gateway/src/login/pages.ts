/** Pages that people log in by: plain forms that work without a script. Everything from outside is made inert. */
import type { Fault } from '../chat/fault.ts';

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;overflow-wrap:anywhere}h1{line-height:1.25}
form,.box{max-width:24rem}label{display:block;margin:1rem 0 .25rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #8888;border-radius:6px}input[readonly]{background:#8883}
button,.button{font:inherit;display:block;width:100%;box-sizing:border-box;margin:1.5rem 0 0;padding:.6rem;border:0;border-radius:6px;background:#1f5fbf;color:#fff;text-align:center;text-decoration:none;cursor:pointer}
button.plain,.button.plain{background:none;border:1px solid #8888;color:inherit}:focus-visible{outline:3px solid #5a9bff;outline-offset:2px}
.problem{border-left:4px solid #c62828;padding:.5rem 1rem;background:#c6282818}.hint{color:light-dark(#666,#aaa);font-size:.9rem;margin:.25rem 0 0}code,pre{font:14px/1.5 ui-monospace,monospace}pre{white-space:pre-wrap;padding:1rem;border:1px solid #8886;border-radius:6px}`;

/** For a page that has no script, is in no frame, and sends its forms to us only. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  // Not `no-referrer`: a browser would say `Origin: null` of our own forms (Fetch Standard, 3.2).
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

/** A whole page. `body` is markup: texts in it must have passed `inert`. */
export function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${inert(title)} · Turnout</title>
<style>${STYLE}</style>
<main>
<h1>${inert(title)}</h1>
${body}
</main>
</html>
`;
}

/** Text that stays text, in an element or a quoted attribute. */
export function inert(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

interface FieldSpec {
  readonly name: string;
  readonly label: string;
  readonly type: 'text' | 'email' | 'password';
  /** For password managers (HTML, section 4.10.18.7.1). */
  readonly autocomplete: string;
  readonly value?: string;
  readonly hint?: string;
  readonly isFixed?: boolean;
}

function field({ name, label, type, autocomplete, value, hint, isFixed }: FieldSpec): string {
  const given = value === undefined ? '' : ` value="${inert(value)}"`;
  const described = hint === undefined ? '' : ` aria-describedby="${name}-hint"`;
  const input = `<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required${given}${described}${isFixed === true ? ' readonly' : ''}>`;
  const below = hint === undefined ? '' : `<p class="hint" id="${name}-hint">${inert(hint)}</p>`;
  return `<label for="${name}">${inert(label)}</label>${input}${below}`;
}

function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${name}" value="${inert(value)}">`;
}

function problemOf(fault: Fault | undefined): string {
  return fault === undefined ? '' : `<p class="problem" role="alert">${inert(fault.message)}</p>`;
}

const EMAIL = { name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username' } as const;
const NAME = { name: 'name', label: 'Your name', type: 'text', autocomplete: 'name' } as const;
const NEW_PASSWORD = {
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'new-password',
  hint: '12 characters or more. A sentence is good.',
} as const;

export interface LoginPage {
  readonly hasPasswords: boolean;
  readonly hasSignUp: boolean;
  readonly providers: readonly { readonly name: string; readonly label: string }[];
  readonly next: string;
  readonly email?: string;
  readonly fault?: Fault;
}

export function loginPage({ hasPasswords, hasSignUp, providers, next, email, fault }: LoginPage): string {
  const form = `<form method="post" action="/login">${hidden('next', next)}${field({ ...EMAIL, ...(email === undefined ? {} : { value: email }) })}${field(
    { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
  )}<button>Log in</button></form>`;
  const ways = providers.map(
    ({ name, label }) =>
      `<a class="button plain" href="/auth/oidc/${encodeURIComponent(name)}/start?next=${encodeURIComponent(next)}">Log in with ${inert(label)}</a>`,
  );
  const none = '<p>Nobody can log in here by a password. Ask an operator for a key.</p>';
  const signUp = hasSignUp ? '<p>New here? <a href="/sign-up">Make an account</a>.</p>' : '';
  const middle = hasPasswords ? form : providers.length === 0 ? none : '';
  return pageOf('Log in', `${problemOf(fault)}${middle}<div class="box">${ways.join('')}</div>${signUp}`);
}

export interface ArrivalPage {
  readonly title: string;
  readonly lead: string;
  readonly action: string;
  readonly token?: string;
  readonly name?: string;
  readonly email?: string;
  /** The address is that of the invitation. */
  readonly isEmailFixed?: boolean;
  readonly hasPasswords: boolean;
  readonly fault?: Fault;
}

/** For whoever makes an account: by the set-up link, by an invitation, or by signing up. */
export function arrivalPage(page: ArrivalPage): string {
  const { title, lead, action, token, name, email, isEmailFixed = false, fault } = page;
  if (!page.hasPasswords)
    return pageOf(title, '<p>Passwords are switched off here. <a href="/login">Log in by a provider</a>.</p>');
  const fields = [
    token === undefined ? '' : hidden('token', token),
    field({ ...NAME, ...(name === undefined ? {} : { value: name }) }),
    field({ ...EMAIL, isFixed: isEmailFixed, ...(email === undefined ? {} : { value: email }) }),
    field(NEW_PASSWORD),
  ];
  const form = `<form method="post" action="${action}">${fields.join('')}<button>Make the account</button></form>`;
  return pageOf(title, `<p>${inert(lead)}</p>${problemOf(fault)}${form}`);
}

export function passwordPage(token: string, fault?: Fault): string {
  const form = `<form method="post" action="/password">${hidden('token', token)}${field(NEW_PASSWORD)}<button>Set the password</button></form>`;
  return pageOf('A new password', `<p>All your open logins end with it.</p>${problemOf(fault)}${form}`);
}

export interface WelcomePage {
  readonly name: string;
  readonly role: string;
  readonly csrf: string;
  /** Whether he may have keys of his own. */
  readonly mayHaveKeys: boolean;
  /** Just made, shown once. */
  readonly key?: string;
  readonly origin: string;
  readonly fault?: Fault;
}

/** After a login: one's own first key, ready to be used. */
export function welcomePage({ name, role, csrf, mayHaveKeys, key, origin, fault }: WelcomePage): string {
  const made =
    key === undefined
      ? ''
      : `<p>This is your key. It is shown now and never again.</p><pre>${inert(key)}</pre><p>Try it:</p><pre>curl ${inert(origin)}/v1/chat/completions \\
  -H "Authorization: Bearer ${inert(key)}" \\
  -H "Content-Type: application/json" \\
  -d '{"model":"auto","messages":[{"role":"user","content":"hi"}]}'</pre>`;
  const label = key === undefined ? 'Make a key' : 'Make another key';
  const form = `<form method="post" action="/welcome">${hidden('csrf', csrf)}<button>${label}</button></form>`;
  const out = `<form method="post" action="/logout">${hidden('csrf', csrf)}<button class="plain">Log out</button></form>`;
  const keys = mayHaveKeys
    ? `${made}${form}`
    : '<p>Your role has no keys of its own. Ask an admin of your organisation.</p>';
  return pageOf(`Hello, ${name}`, `<p>You are logged in (${inert(role)}).</p>${problemOf(fault)}${keys}${out}`);
}

/** Something went wrong, and what to do next. */
export function faultPage(fault: Fault): string {
  return pageOf('That did not work', `${problemOf(fault)}<p><a href="/login">To the login</a></p>`);
}
