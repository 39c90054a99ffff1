/** Errors of the Messages API: read from a provider, and written to a caller. */
import { fault, specOf, type Fault, type FaultCode } from '../../chat/fault.ts';
import { asNumber, asRecord, asString, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { ErrorAnswer, FaultContext } from '../dialect.ts';
import { errorBody, errorWords, retryAfterMs, safeText } from '../error-text.ts';

/** What an error body says, whoever wrote it: Anthropic, Google (Vertex), or a proxy between. */
interface Told {
  /** `overloaded_error`, `RESOURCE_EXHAUSTED`; empty where there is none. */
  readonly type: string;
  /** `error.details.error_code`: `enforced_spend_limit_reached`. */
  readonly code: string;
  readonly message: string;
  /** The field at fault, as frameworks name it. */
  readonly param?: string;
  readonly status?: number;
}

/** What a type means where the HTTP status says nothing (an error inside a 200, or in a stream). */
const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  timeout_error: 504,
  api_error: 500,
  overloaded_error: 529,
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

const TOO_LONG =
  /prompt is too long|exceeds? (?:the )?(?:model's )?(?:maximum )?context|context (?:limit|window|length)|too many (?:input )?tokens|input is too long/i;
const NO_CREDIT = /credit balance is too low|purchase credits|billing (?:hard )?limit/i;
const SPEND = /spend_limit|billing|not_billable/;
/** The whole of Anthropic's own sentence: what it says of a field has a colon behind the field's name, which the caller may choose. */
const CREDIT_SENTENCE = /^your credit balance is too low[^:]*$/i;
/** Recorded: `model: claude-x`, and Vertex' "Publisher Model". */
const MODEL_SENTENCE = /^(?:(?:the|requested|publisher) )*model\b/i;
const FILTERED = /content filter|blocked by (?:our )?(?:content|safety)|usage polic/i;

/** Classifies an error answer. The provider's own words stay as far as they are safe; those about our key do not. */
export function decodeError(answer: ErrorAnswer): Fault {
  const words = readWords(answer.body);
  const wait = retryAfterMs(answer.headers, answer.nowMs);
  return classify(words, {
    provider: answer.provider,
    model: answer.model,
    status: answer.status,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  });
}

/** The fault of an error object that came with 200, whole or in a stream (faults.md F13, F34). */
export function faultOfBody(body: Json, provider: string): Fault {
  const words = wordsOf(body);
  return classify(words, { provider, model: '', status: words.status ?? STATUS_OF[words.type] ?? 500 });
}

function readWords(body: string): Told {
  return wordsOf(errorBody(body));
}

function wordsOf(body: Json): Told {
  // Google wraps the errors of a stream in a list.
  const record = isArray(body) ? asRecord(body[0]) : asRecord(body);
  const inner = asRecord(record?.['error']) ?? record ?? {};
  const { message = '', param } = errorWords(body);
  const details = asRecord(inner['details']);
  const status = asNumber(inner['code']);
  return {
    type: asString(inner['type']) ?? asString(inner['status']) ?? '',
    code: asString(details?.['error_code']) ?? '',
    message: safeText(message),
    ...(param === undefined ? {} : { param }),
    ...(status === undefined ? {} : { status }),
  };
}

interface ErrorPlace {
  readonly provider: string;
  readonly model: string;
  readonly status: number;
  readonly retryAfterMs?: number;
}

function classify(words: Told, place: ErrorPlace): Fault {
  const { provider, model, status } = place;
  const reason = words.message === '' ? `HTTP ${status}` : words.message;
  const upstreamCode = words.code === '' ? words.type : words.code;
  const code = codeOf(words, status);
  const mayWait = code === 'upstream-rate-limited' || code === 'upstream-overloaded' || code === 'upstream-error';
  return fault(
    code,
    { provider, model, reason },
    {
      ...(mayWait && place.retryAfterMs !== undefined ? { retryAfterMs: place.retryAfterMs } : {}),
      ...(code === 'upstream-refused' && words.param !== undefined ? { param: words.param } : {}),
      upstreamStatus: status,
      ...(upstreamCode === '' ? {} : { upstreamCode: upstreamCode.slice(0, 100) }),
      ...(isHearsay(words, status, code) ? { isHearsay: true } : {}),
    },
  );
}

/** Told by words in which the caller's own may stand, and not by type, code or status. */
function isHearsay({ type, code, message }: Told, status: number, meaning: FaultCode): boolean {
  if (meaning === 'upstream-not-found') return type !== '' && !MODEL_SENTENCE.test(message);
  if (meaning !== 'upstream-quota' || (status !== 400 && status !== 422)) return false;
  return type !== 'billing_error' && !SPEND.test(code) && !CREDIT_SENTENCE.test(message);
}

/** What a status alone says. */
const CODE_OF: ReadonlyMap<number, FaultCode> = new Map([
  [401, 'upstream-auth'],
  [403, 'upstream-auth'],
  [408, 'upstream-error'],
  [413, 'context-length'],
  [429, 'upstream-rate-limited'],
  [503, 'upstream-overloaded'],
  // Anthropic's "overloaded": no RFC names it.
  [529, 'upstream-overloaded'],
]);

function codeOf(words: Told, status: number): FaultCode {
  const { type, message } = words;
  if (isQuota(words, status)) return 'upstream-quota';
  if (type === 'overloaded_error') return 'upstream-overloaded';
  if (type === 'request_too_large') return 'context-length';
  // A 404 that is no error object of the API comes from a wrong base URL; one without a model in it means a file or a container.
  if (status === 404) return /model/i.test(message) || type === '' ? 'upstream-not-found' : 'upstream-refused';
  const known = CODE_OF.get(status);
  if (known !== undefined) return known;
  if (status >= 500) return 'upstream-error';
  return status < 400 ? 'upstream-invalid' : refusedCode(message);
}

function isQuota(words: Told, status: number): boolean {
  return status === 402 || words.type === 'billing_error' || SPEND.test(words.code) || NO_CREDIT.test(words.message);
}

function refusedCode(message: string): FaultCode {
  if (TOO_LONG.test(message)) return 'context-length';
  return FILTERED.test(message) ? 'content-filtered' : 'upstream-refused';
}

/** Anthropic's word for a status. SDKs choose the class of their exception by the status, people read this. */
function typeOf(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'overloaded_error';
    case 504:
      return 'timeout_error';
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error';
  }
}

/** The body of an error. `details.error_code` is our code, where the SDK looks for one; `param` names the caller's field. */
export function encodeFault(of: Fault, context: FaultContext): JsonRecord {
  return {
    type: 'error',
    error: {
      type: typeOf(specOf(of).status),
      message: of.message,
      details: { error_code: of.code, ...(of.param === undefined ? {} : { param: of.param }) },
    },
    request_id: context.requestId,
  };
}

/** The event that ends a stream which began with 200 (faults.md R2): the SDK raises on it. */
export function encodeStreamFault(of: Fault, context: FaultContext): string {
  return formatSse(JSON.stringify(encodeFault(of, context)), 'error');
}

/** Whether an event's data is an error object, whatever its name says. */
export function isErrorBody(data: Json | undefined): data is JsonRecord {
  if (!isRecord(data)) return false;
  const { type, error } = data;
  return type === 'error' || (type === undefined && (isRecord(error) || (typeof error === 'string' && error !== '')));
}
