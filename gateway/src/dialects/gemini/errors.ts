/** Google's errors (google.rpc.Status) as faults, and faults as such errors. */
import { fault, specOf, type Fault, type FaultCode, type FaultDetail } from '../../chat/fault.ts';
import { asArray, asNumber, asRecord, asString, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import type { ErrorAnswer, FaultContext } from '../dialect.ts';
import { errorBody, errorWords, retryAfterMs, safeText } from '../error-text.ts';
import { recordsOf } from './wire.ts';

/** Longer waits are not believed (as in error-text.ts). */
const RETRY_AFTER_MAX_MS = 60_000;

/** What an error says, wherever it stood. */
interface Status {
  readonly http: number;
  readonly name: string;
  readonly message: string;
  readonly details: readonly JsonRecord[];
  readonly provider: string;
  readonly model: string;
  /** The field at fault, as frameworks name it. */
  readonly param?: string;
  /** From the headers, if they said it. */
  readonly retryAfterMs?: number;
}

/** Classifies an error answer. Its body is an object, or a list of one (streams without `alt=sse`), or no JSON at all. */
export function decodeErrorAnswer(answer: ErrorAnswer): Fault {
  const body = errorBody(answer.body);
  const error = errorOf(body);
  const { message = '', param } = errorWords(body);
  const retry = retryAfterMs(answer.headers, answer.nowMs);
  return classify({
    http: answer.status,
    name: typeof error === 'object' ? (asString(error['status']) ?? '') : '',
    message: safe(message),
    ...(param === undefined ? {} : { param }),
    details: typeof error === 'object' ? recordsOf(error['details']) : [],
    provider: answer.provider,
    model: answer.model,
    ...(retry === undefined ? {} : { retryAfterMs: retry }),
  });
}

/** The fault that a 200 holds instead of a reply; undefined where it holds none. */
export function faultInside(body: Json, provider: string): Fault | undefined {
  const error = errorOf(body);
  if (error === undefined) return undefined;
  if (typeof error === 'string') return fault('upstream-error', { provider, reason: safe(error) });
  return classify({
    http: asNumber(error['code']) ?? 500,
    name: asString(error['status']) ?? '',
    message: safe(errorWords(error).message ?? ''),
    details: recordsOf(error['details']),
    provider,
    model: '',
  });
}

function errorOf(body: Json | undefined): JsonRecord | string | undefined {
  const error = asRecord(asArray(body)?.[0] ?? body)?.['error'];
  return typeof error === 'string' ? error : asRecord(error);
}

/** Google's newer keys begin with `AQ.`; the common forms are known to `safeText`. */
function safe(text: string): string {
  return safeText(text.replace(/\bAQ\.[\w-]{16,}/g, '[redacted]'));
}

function classify(status: Status): Fault {
  const { provider, model, message } = status;
  const reason = message === '' ? `status ${status.http}` : message;
  const code = codeOf(status);
  const detail: FaultDetail = compact({
    upstreamStatus: status.http,
    upstreamCode: status.name === '' ? undefined : status.name,
    retryAfterMs: retryOf(status),
    isHearsay: isHearsay(status, code) ? (true as const) : undefined,
  });
  const param = code === 'upstream-refused' ? status.param : undefined;
  const of = fault(code, { provider, model, reason }, { ...detail, ...(param === undefined ? {} : { param }) });
  // The table's text names our own limits, which were not the ones that passed.
  return of.code === 'upstream-timeout' ? { ...of, message: `${provider} ran out of time: ${reason}` } : of;
}

function codeOf(status: Status): FaultCode {
  if (isAuth(status)) return 'upstream-auth';
  switch (status.http) {
    case 400:
    case 403:
      return codeOfRefusal(status);
    case 404:
      // A missing cache or file is the caller's own; the model may well exist.
      return /cache|files?\//i.test(status.message) ? 'upstream-refused' : 'upstream-not-found';
    case 429:
      return isQuota(status) ? 'upstream-quota' : 'upstream-rate-limited';
    case 503:
      return 'upstream-overloaded';
    case 504:
      return 'upstream-timeout';
    default:
      return status.http > 404 && status.http < 499 ? 'upstream-refused' : 'upstream-error';
  }
}

/** How Google begins where it is the key; what it says of a value begins otherwise, and repeats the value. */
const KEY_SENTENCE = /^(?:api key (?:not valid|not found|expired)|your api key was reported as leaked)/i;
const MODEL_SENTENCE = /^(?:tuned)?models\/|^(?:(?:the|requested|publisher) )*model\b/i;

/** Told by words in which the caller's own may stand, and not by status or reason. */
function isHearsay(status: Status, code: FaultCode): boolean {
  const { http, name, message } = status;
  if (code === 'upstream-not-found') return name !== '' && !MODEL_SENTENCE.test(message);
  if (http !== 400 || reasonsOf(status).some((reason) => AUTH_REASON.test(reason) || reason === 'BILLING_DISABLED'))
    return false;
  if (code === 'upstream-auth') return name !== 'UNAUTHENTICATED' && !KEY_SENTENCE.test(message);
  return code === 'upstream-quota' && (name === '' || name === 'INVALID_ARGUMENT');
}

const AUTH_REASON = /^(?:API_KEY_|ACCESS_TOKEN_|CONSUMER_INVALID|SERVICE_DISABLED)/;

function reasonsOf({ details }: Status): readonly string[] {
  return details.map((entry) => asString(entry['reason']) ?? '');
}

/** Our credentials: a bad key is a 400 at Google, an unknown caller a 403; a 403 about the caller's file is not ours. */
function isAuth(status: Status): boolean {
  if (status.http === 401 || status.name === 'UNAUTHENTICATED') return true;
  if (reasonsOf(status).some((reason) => AUTH_REASON.test(reason))) return true;
  if (/api key (?:not valid|not found|expired)|reported as leaked/i.test(status.message)) return true;
  const isOfCaller = /\b(?:files?|cached ?content)\b/i.test(status.message);
  return status.http === 403 && !isOfCaller && !isBilling(status);
}

function codeOfRefusal(status: Status): FaultCode {
  const { message } = status;
  if (isBilling(status)) return 'upstream-quota';
  // Our deployment stands where Google does not serve; the caller's request is fine, and another target may take it.
  if (/location is not supported/i.test(message)) return 'upstream-error';
  if (
    /token count.*exceeds|exceeds the maximum number of tokens|too many tokens|context (?:length|window)/is.test(
      message,
    )
  )
    return 'context-length';
  return /responsible ai|blocked (?:by|due to) safety|prohibited content/i.test(message)
    ? 'content-filtered'
    : 'upstream-refused';
}

function isBilling(status: Status): boolean {
  return /billing (?:account|to be|is|has)|BILLING_DISABLED|prepa(?:id|yment) credits|credits are depleted/i.test(
    `${status.message} ${reasonsOf(status).join(' ')}`,
  );
}

/** A limit a day, or credit that is gone, does not come back in a minute; "check your plan and billing" stands under every 429. */
function isQuota(status: Status): boolean {
  const quotas = status.details
    .flatMap((entry) => recordsOf(entry['violations']))
    .map((violation) => asString(violation['quotaId']) ?? '');
  if (quotas.length > 0) return quotas.some((id) => /PerDay|PerMonth/i.test(id));
  return /credits are depleted|prepa(?:id|yment) credits|per day/i.test(status.message);
}

/** From `RetryInfo`, else the text, else the headers. */
function retryOf(status: Status): number | undefined {
  const info = status.details.find((entry) => (asString(entry['@type']) ?? '').endsWith('google.rpc.RetryInfo'));
  const text = asString(info?.['retryDelay']) ?? /retry in (\d+(?:\.\d+)?s)/.exec(status.message)?.[1];
  const seconds = /^(\d{1,9}(?:\.\d+)?)s$/.exec(text ?? '')?.[1];
  return seconds === undefined ? status.retryAfterMs : Math.min(Math.ceil(Number(seconds) * 1000), RETRY_AFTER_MAX_MS);
}

/** Google's names of HTTP statuses (google.rpc.Code). */
const NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'RESOURCE_EXHAUSTED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** A fault as Google would write it, with our code as the reason and the field at fault where there is one. */
export function encodeFaultBody(of: Fault, context: FaultContext): JsonRecord {
  const { status } = specOf(of);
  const details: JsonRecord[] = [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: of.code,
      domain: 'turnout',
      metadata: compact({ requestId: context.requestId, param: of.param }),
    },
  ];
  if (of.param !== undefined) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: of.param, description: of.message }],
    });
  }
  if (of.retryAfterMs !== undefined) {
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${of.retryAfterMs / 1000}s` });
  }
  return {
    error: {
      code: status,
      message: of.message,
      status: NAMES[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'),
      details,
    },
  };
}
