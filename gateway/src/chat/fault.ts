/** Every error we have a code for. HTTP and docs/reference/faults.md both read this table. */

/** How a request ended, in one word: the same in reply, log, metrics and ledger. */
export type RequestOutcome =
  | 'ok'
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'rate_limited'
  | 'budget_exceeded'
  | 'overloaded'
  | 'upstream_error'
  | 'upstream_timeout'
  | 'client_closed'
  | 'internal';

export interface FaultSpec {
  readonly status: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
  readonly outcome: RequestOutcome;
  /** Whether the caller's own repeat can help; becomes `x-should-retry`. */
  readonly retry: boolean;
  /** What happened and what to do next. `{name}` is filled from the fault's values. */
  readonly text: string;
}

const INVALID = { type: 'invalid_request_error', outcome: 'invalid', retry: false } as const;
const UPSTREAM = { type: 'upstream_error', outcome: 'upstream_error' } as const;

export const faults = {
  'body-empty': { ...INVALID, status: 400, text: 'The request has no body. Send a JSON object.' },
  'body-not-object': { ...INVALID, status: 400, text: 'The body must be a JSON object, not {found}.' },
  'body-not-json': { ...INVALID, status: 400, text: 'The body is not valid JSON: {reason}.' },
  'body-not-utf8': { ...INVALID, status: 400, text: 'The body must be UTF-8 text: {reason}.' },
  too_deep: { ...INVALID, status: 400, text: 'The JSON is nested deeper than {max} levels. Flatten it.' },
  'too-many-keys': { ...INVALID, status: 400, text: 'The JSON has more than {max} keys. Send less in one request.' },
  'too-many-values': {
    ...INVALID,
    status: 400,
    text: 'The JSON has more than {max} values. Send less in one request.',
  },
  'key-too-long': {
    ...INVALID,
    status: 400,
    text: 'A key of the JSON is longer than {max} bytes. Put long text into values.',
  },
  'duplicate-key': { ...INVALID, status: 400, text: 'The key {key} stands twice at the same level. Send it once.' },
  'forbidden-key': { ...INVALID, status: 400, text: 'The key {key} is not allowed in a request.' },
  'form-invalid': { ...INVALID, status: 400, text: 'The body is not a valid multipart/form-data form: {reason}.' },
  'body-cut': { ...INVALID, status: 400, text: 'The connection ended before the whole body arrived. Send it again.' },
  'body-too-big': {
    ...INVALID,
    status: 413,
    text: 'The body is larger than {max} bytes. Send less, or raise `server.body_max_bytes`.',
  },
  'request-slow': {
    ...INVALID,
    status: 408,
    text: 'The request did not arrive in time (`server.header_timeout_ms`, `server.body_timeout_ms`). Send it again.',
  },
  'media-type': { ...INVALID, status: 415, text: 'The content type {found} is not understood here. Send {wanted}.' },
  'encoding-unknown': { ...INVALID, status: 415, text: 'The content encoding {found} is not understood.' },
  'field-missing': { ...INVALID, status: 400, text: '`{param}` is required: {reason}.' },
  'field-invalid': { ...INVALID, status: 400, text: '`{param}` is not valid: {reason}.' },
  'not-expressible': {
    ...INVALID,
    status: 400,
    text: '`{param}` cannot be expressed for {target}: {reason} Send `x-turnout-adapt: true` to go on without it.',
  },
  'not-for-target': { ...INVALID, status: 400, text: '`{param}` cannot be sent to {target}: {reason}' },
  'no-eligible': {
    ...INVALID,
    status: 400,
    text: 'No target of {model} can take this request: {reasons}. Change the request, or the route.',
  },
  'price-unknown': {
    ...INVALID,
    status: 400,
    text: 'No price is known for {model}, and this key has a budget. If the name is wrong, GET /v1/models lists what there is; if it is right, add `price` to the model in turnout.yaml.',
  },
  'route-unknown': {
    ...INVALID,
    status: 404,
    outcome: 'not_found',
    text: 'There is nothing at {method} {path}. {hint}',
  },
  'method-not-allowed': { ...INVALID, status: 405, text: '{path} takes {allow}, not {method}.' },
  'model-unknown': {
    ...INVALID,
    status: 404,
    outcome: 'not_found',
    text: 'No model {model} can be used with this key. {hint}',
  },
  'model-retired': {
    ...INVALID,
    status: 404,
    outcome: 'not_found',
    text: 'The model {model} ended on {on}. {hint}',
  },
  'record-unknown': { ...INVALID, status: 404, outcome: 'not_found', text: 'There is no record {id} for this key.' },
  'previous-response-not-found': {
    ...INVALID,
    status: 400,
    text: 'The previous response {id} is not known. Send the conversation itself in `input`.',
  },
  'response-unknown': {
    ...INVALID,
    status: 404,
    outcome: 'not_found',
    text: 'There is no response {id} for this key.',
  },
  'file-unknown': { ...INVALID, status: 404, outcome: 'not_found', text: 'There is no file {id} for this key.' },
  'file-too-big': {
    ...INVALID,
    status: 413,
    text: 'The file is larger than {max} bytes. Send less, or raise `batches.file_max_mb`.',
  },
  'files-full': {
    ...INVALID,
    status: 413,
    text: 'The files of this key would be more than {max} (`batches.key_max_mb`). Delete some.',
  },
  'file-in-use': {
    ...INVALID,
    status: 409,
    text: 'A batch still reads the file {id}. Cancel it, or wait for its end.',
  },
  'batch-unknown': { ...INVALID, status: 404, outcome: 'not_found', text: 'There is no batch {id} for this key.' },
  'batch-state': { ...INVALID, status: 409, text: 'The batch {id} is {status}: {reason}.' },
  'revision-old': {
    ...INVALID,
    status: 412,
    text: 'It was changed since you have seen it. Read it again, then change it.',
  },
  'plan-in-use': { ...INVALID, status: 409, text: 'An organisation has the plan {id}. Give it another one first.' },
  'idempotency-running': {
    ...INVALID,
    status: 409,
    retry: true,
    text: 'The first request with this `Idempotency-Key` is still under way. Send it again in a moment.',
  },
  'idempotency-other': {
    ...INVALID,
    status: 422,
    text: 'This `Idempotency-Key` was used for another request. Take a new one for each thing that you do.',
  },
  'upgrade-refused': { ...INVALID, status: 426, text: 'WebSocket is not spoken here. Use plain HTTP.' },
  'target-too-long': {
    ...INVALID,
    status: 400,
    text: 'The path or its query is too long. Send long data in the body.',
  },
  'header-too-long': { ...INVALID, status: 400, text: 'The header {name} is longer than {max} characters.' },
  'expectation-unknown': {
    ...INVALID,
    status: 417,
    text: 'No expectation but 100-continue is understood. Leave the header `expect` out.',
  },
  'http-malformed': { ...INVALID, status: 400, text: 'The request is not well-formed HTTP.' },
  'headers-too-big': { ...INVALID, status: 431, text: 'The request headers are too large.' },
  'loop-detected': {
    ...INVALID,
    status: 508,
    text: 'This request has already passed through this gateway. Check base URLs.',
  },
  'key-missing': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'No API key was sent. Send `Authorization: Bearer tk_…`.',
  },
  'key-unknown': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'This API key is not known. Make one with `turnout keys create`.',
  },
  'keys-disagree': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'Two different API keys were sent. Send one.',
  },
  'key-expired': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'This API key expired at {at}. Ask its owner for a new one.',
  },
  'key-disabled': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'This API key is disabled. Ask its owner to enable it.',
  },
  'address-refused': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'This API key may not be used from {address}. Use it from an address in its `addresses`, or ask its owner to add this one.',
  },
  'scope-missing': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'This needs an API key with the scope {scope}; this one has {has}. Use another key, or ask its owner to add the scope.',
  },
  'key-owner-disabled': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'The {owner} that this API key belongs to is disabled or removed. Ask an admin of the organisation.',
  },
  'login-wrong': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'E-mail and password do not match an account. Check both, or ask an admin for a new-password link.',
  },
  'login-needed': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'This needs a login. Log in at /login, or send a key with the scope `admin`.',
  },
  'login-refused': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'The login was refused: {reason}.',
  },
  'login-provider': {
    status: 502,
    type: 'upstream_error',
    outcome: 'upstream_error',
    retry: true,
    text: 'The login provider {provider} could not be reached. Try again shortly, or tell an operator: its `issuer` may be wrong.',
  },
  'login-slow': {
    status: 429,
    type: 'rate_limit_error',
    outcome: 'rate_limited',
    retry: true,
    text: 'Too many wrong logins. Try again in {seconds} seconds.',
  },
  'passwords-off': {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: false,
    text: 'This gateway runs on a Node.js without argon2 (24.7 or newer has it): log in by a provider instead.',
  },
  'not-same-origin': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'This request did not come from a page of this gateway, or without its token. Load the page again.',
  },
  'not-permitted': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'The role {role} may not do this: it takes {permission}. Ask an owner of your organisation.',
  },
  'role-too-high': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'Nobody can give a role above the own one: {role}.',
  },
  'not-ones-own': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'Nobody can set `{param}` of himself. Ask an owner or admin of the organisation.',
  },
  'keys-full': { ...INVALID, status: 409, text: 'You have {max} keys of your own already. Delete one first.' },
  'session-unknown': {
    ...INVALID,
    status: 404,
    outcome: 'not_found',
    text: 'You have no session of this id. It may have ended.',
  },
  'person-unknown': { ...INVALID, status: 404, outcome: 'not_found', text: 'There is nobody of this id.' },
  'last-owner': {
    ...INVALID,
    status: 409,
    text: 'This is the last owner of the organisation. Make another user an owner first.',
  },
  'email-taken': { ...INVALID, status: 409, text: 'There is already a user with this e-mail address.' },
  'subject-taken': { ...INVALID, status: 409, text: 'This account of the provider belongs to another user already.' },
  'default-org': {
    ...INVALID,
    status: 409,
    text: 'The organisation `default` cannot be disabled or removed: it runs the gateway.',
  },
  'owner-exists': {
    ...INVALID,
    status: 409,
    text: 'The gateway has its first owner already. Log in, or ask for an invitation.',
  },
  'link-used': {
    ...INVALID,
    status: 410,
    outcome: 'not_found',
    text: 'This link is used, over, or not one of this gateway. Ask for a new one.',
  },
  'webhook-unsigned': {
    status: 401,
    type: 'authentication_error',
    outcome: 'unauthorized',
    retry: false,
    text: 'The signature of this event is not good: {reason}. Check the secret of the webhook at its sender and here.',
  },
  'admin-only': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'This needs the root key of the gateway, a key with the scope `admin`, or a login.',
  },
  'policy-refused': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'The route refuses this request ({rule}): {reason}',
  },
  'model-not-allowed': {
    status: 403,
    type: 'permission_error',
    outcome: 'forbidden',
    retry: false,
    text: 'This key may not use {model}. Ask its owner to allow it.',
  },
  'budget-exceeded': {
    status: 402,
    type: 'insufficient_quota',
    outcome: 'budget_exceeded',
    retry: false,
    text: 'The budget of {owner} {state}: limit {limit} USD, spent {spent} USD, held {held} USD, reset {reset}. Raise it with {command}.',
  },
  'target-budget-exceeded': {
    status: 402,
    type: 'insufficient_quota',
    outcome: 'budget_exceeded',
    retry: false,
    text: 'The budget of {owner} {state}: limit {limit} USD, spent {spent} USD, held {held} USD, reset {reset}. Ask for another model, or raise it with `turnout budgets set`.',
  },
  'rate-limited': {
    status: 429,
    type: 'rate_limit_error',
    outcome: 'rate_limited',
    retry: true,
    text: 'Too many requests: {reason}.',
  },
  'limit-too-small': {
    status: 429,
    type: 'rate_limit_error',
    outcome: 'rate_limited',
    retry: false,
    text: 'This request alone needs {need}, and {owner} may have {limit}. Send less in one request, or ask for a higher limit.',
  },
  'no-target': {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: true,
    text: 'No target can take this request now: {reasons}',
  },
  'all-failing': {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: true,
    text: 'Every target of this request has failed all of its latest requests, and is left alone until one of them is found well.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: true,
    text: 'The gateway is at its limit ({reason}). Try again shortly.',
  },
  'shutting-down': {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: true,
    text: 'This gateway is shutting down. Send the request again.',
  },
  'store-unavailable': {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: true,
    text: 'The gateway cannot record money now and takes no requests until it can.',
  },
  'upstream-unreachable': { ...UPSTREAM, status: 502, retry: true, text: '{provider} could not be reached: {reason}.' },
  'upstream-unresolved': { ...UPSTREAM, status: 502, retry: true, text: '{provider} could not be reached: {reason}.' },
  'upstream-unsendable': {
    ...UPSTREAM,
    status: 502,
    retry: false,
    text: 'Nothing was sent to {provider}: {reason}. Check its base_url, api_key and headers in turnout.yaml.',
  },
  'upstream-certificate': {
    ...UPSTREAM,
    status: 502,
    retry: false,
    text: 'The certificate of {provider} was not accepted: {reason}.',
  },
  'upstream-redirect': {
    ...UPSTREAM,
    status: 502,
    retry: false,
    text: '{provider} answered with a redirect, which is not followed. Check its base_url.',
  },
  'upstream-invalid': {
    ...UPSTREAM,
    status: 502,
    retry: true,
    text: '{provider} sent an answer that cannot be read: {reason}.',
  },
  'upstream-too-big': {
    ...UPSTREAM,
    status: 502,
    retry: false,
    text: 'The answer of {provider} is larger than {max} bytes.',
  },
  'upstream-error': { ...UPSTREAM, status: 502, retry: true, text: '{provider} failed: {reason}' },
  'upstream-auth': {
    ...UPSTREAM,
    status: 502,
    retry: false,
    text: '{provider} refused our credentials. Check its api_key in turnout.yaml.',
  },
  'upstream-cut': {
    ...UPSTREAM,
    status: 502,
    retry: true,
    text: '{provider} ended the stream before it was complete.',
  },
  'output-invalid': {
    ...UPSTREAM,
    status: 502,
    retry: true,
    text: 'The answer of {provider} is not of the form that was asked for: {reason}. Ask again, or ask another model.',
  },
  'upstream-credential': {
    ...UPSTREAM,
    status: 502,
    retry: true,
    text: 'There is no credential for {provider}: {reason} `turnout check` says where it comes from.',
  },
  'upstream-not-found': {
    ...UPSTREAM,
    status: 502,
    retry: false,
    text: '{provider} does not know the model {model}: {reason}',
  },
  'upstream-refused': { ...INVALID, status: 400, text: '{provider} did not accept the request: {reason}' },
  'upstream-rate-limited': {
    status: 429,
    type: 'rate_limit_error',
    outcome: 'rate_limited',
    retry: true,
    text: '{provider} is limiting our rate: {reason}',
  },
  'upstream-overloaded': {
    status: 503,
    type: 'server_error',
    outcome: 'overloaded',
    retry: true,
    text: '{provider} is overloaded: {reason}',
  },
  'upstream-quota': { ...UPSTREAM, status: 502, retry: false, text: 'Our credit at {provider} is used up: {reason}' },
  'context-length': { ...INVALID, status: 400, text: 'The prompt is too long for {provider}: {reason}' },
  'content-filtered': { ...INVALID, status: 400, text: '{provider} refused the content: {reason}' },
  'upstream-timeout': {
    status: 504,
    type: 'timeout_error',
    outcome: 'upstream_timeout',
    retry: true,
    text: '{provider} did not {phase} within {ms} ms.',
  },
  'upstream-slow': {
    status: 504,
    type: 'timeout_error',
    outcome: 'upstream_timeout',
    retry: true,
    text: '{provider} sent no first token within {ms} ms, and was given up for another target.',
  },
  'client-closed': {
    status: 499,
    type: 'client_closed',
    outcome: 'client_closed',
    retry: false,
    text: 'The client closed the connection.',
  },
  internal: {
    status: 500,
    type: 'server_error',
    outcome: 'internal',
    retry: true,
    text: 'An error of the gateway itself. Tell its operator the request id.',
  },
} as const satisfies Record<string, FaultSpec>;

export type FaultCode = keyof typeof faults;

/** One error, ready for any protocol. Texts hold no secret, no internal address, no other tenant's data. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
  /** The field of the caller's body at fault. */
  readonly param?: string;
  readonly retryAfterMs?: number;
  /** The status and code that the provider sent, for the record. */
  readonly upstreamStatus?: number;
  readonly upstreamCode?: string;
  /** What it is was read out of words that may repeat the caller's own: good enough for another try, not to judge a provider by. */
  readonly isHearsay?: true;
}

export interface FaultDetail {
  readonly param?: string;
  readonly retryAfterMs?: number;
  readonly upstreamStatus?: number;
  readonly upstreamCode?: string;
  readonly isHearsay?: true;
}

/** By these, text from outside could command a terminal or turn its direction; below U+0020 JSON escapes them itself. */
const UNSHOWN = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A fault with its text filled in. `values` fill the `{names}` of the table's text; `param` is filled from `detail.param`. */
export function fault(
  code: FaultCode,
  values: Readonly<Record<string, string | number>> = {},
  detail: FaultDetail = {},
): Fault {
  const named: Readonly<Record<string, string | number | undefined>> = { param: detail.param, ...values };
  const message = faults[code].text.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(named[name] ?? '').replace(UNSHOWN, ' '),
  );
  return { code, message: message.trim(), ...detail };
}

export function specOf(of: Fault): FaultSpec {
  return faults[of.code];
}
