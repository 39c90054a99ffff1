/** Bedrock's exceptions: read from HTTP errors and from frames, and written. */
import { fault, specOf, type Fault, type FaultCode } from '../../chat/fault.ts';
import { asNumber, asRecord, asString, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { ErrorAnswer } from '../dialect.ts';
import { errorBody, errorWords, retryAfterMs, safeText } from '../error-text.ts';
import { encodeFrame } from './frames.ts';

/** What each exception means, and the status that its service model gives it (an exception in a frame has no other). */
const EXCEPTIONS: Readonly<Record<string, { readonly code: FaultCode; readonly status: number }>> = {
  AccessDeniedException: { code: 'upstream-auth', status: 403 },
  UnrecognizedClientException: { code: 'upstream-auth', status: 403 },
  InvalidSignatureException: { code: 'upstream-auth', status: 403 },
  IncompleteSignatureException: { code: 'upstream-auth', status: 403 },
  MissingAuthenticationTokenException: { code: 'upstream-auth', status: 403 },
  ExpiredTokenException: { code: 'upstream-auth', status: 403 },
  ResourceNotFoundException: { code: 'upstream-not-found', status: 404 },
  ThrottlingException: { code: 'upstream-rate-limited', status: 429 },
  ServiceQuotaExceededException: { code: 'upstream-quota', status: 400 },
  // The model is being loaded: other than a limit, it says nothing about how much we ask.
  ModelNotReadyException: { code: 'upstream-overloaded', status: 429 },
  ModelTimeoutException: { code: 'upstream-error', status: 408 },
  ModelErrorException: { code: 'upstream-error', status: 424 },
  ModelStreamErrorException: { code: 'upstream-error', status: 424 },
  InternalServerException: { code: 'upstream-error', status: 500 },
  ServiceUnavailableException: { code: 'upstream-overloaded', status: 503 },
  ValidationException: { code: 'upstream-refused', status: 400 },
};

const TOO_LONG =
  /input tokens? exceed|input is too long|too many input tokens|prompt is too long|exceeds? (?:the )?(?:model's )?(?:maximum )?context|maximum (?:context|input) length|expected maxLength/i;
/** A model that is not there for this account or region: another target may have it. */
const NO_MODEL =
  /model identifier is invalid|access to the model|on-demand throughput isn.t supported|model version has reached|is not supported in this region|model is not (?:supported|available)/i;
const MODEL_SENTENCE =
  /^(?:the provided model|invocation of model|(?:the |this |requested )*model\b|access to the model|you don.t have access)/i;
const FILTERED = /blocked by (?:our )?content|content filter|guardrail|usage polic/i;

interface Words {
  /** `ThrottlingException`; empty where none was told. */
  readonly name: string;
  readonly message: string;
  /** The field that was found wrong, where one was named. */
  readonly param?: string | undefined;
}

/** Classifies an error answer: by the header `x-amzn-errortype`, or `__type` in the body, or else the status. */
export function decodeError(answer: ErrorAnswer): Fault {
  const body = asRecord(parseJson(answer.body));
  const header = answer.headers['x-amzn-errortype'];
  const type =
    typeof header === 'string' ? header : (header?.[0] ?? asString(body?.['__type']) ?? asString(body?.['code']) ?? '');
  const { message = '', param } = errorWords(errorBody(answer.body));
  const words = { name: nameOf(type), message: safeText(message), param };
  const { status, provider, model } = answer;
  return faultOf(words, { status, provider, model, retryAfterMs: retryAfterMs(answer.headers, answer.nowMs) });
}

/** The fault of an exception inside a stream: `modelStreamErrorException` with its message and, from the model, a status. */
export function faultOfEvent(name: string, payload: JsonRecord, provider: string): Fault {
  const title = nameOf(name === 'error' ? (asString(payload['__type']) ?? '') : name);
  const status = asNumber(payload['originalStatusCode']) ?? EXCEPTIONS[title]?.status ?? 500;
  return faultOf(
    { name: title, message: messageOf(payload) },
    { status, provider, model: '', retryAfterMs: undefined },
  );
}

/** Whether an event of a stream is an exception. */
export function isException(name: string): boolean {
  return name === 'error' || name.endsWith('Exception');
}

/** `ValidationException:http://internal…`, `com.amazon.coral.service#ThrottlingException`, `throttlingException` of a frame. */
function nameOf(type: string): string {
  const name = (type.split(':', 1)[0] ?? '').replace(/^.*#/, '').trim();
  return name === '' ? '' : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

function messageOf(body: JsonRecord): string {
  return safeText(asString(body['message']) ?? asString(body['Message']) ?? '');
}

interface Place {
  readonly status: number;
  readonly provider: string;
  readonly model: string;
  readonly retryAfterMs: number | undefined;
}

function faultOf(words: Words, place: Place): Fault {
  const { provider, model, status } = place;
  const reason = words.message === '' ? (words.name === '' ? `HTTP ${status}` : words.name) : words.message;
  const code = codeOf(words, status);
  const mayWait = code === 'upstream-rate-limited' || code === 'upstream-overloaded' || code === 'upstream-error';
  return fault(
    code,
    { provider, model, reason },
    {
      ...(mayWait && place.retryAfterMs !== undefined ? { retryAfterMs: place.retryAfterMs } : {}),
      ...(words.param === undefined ? {} : { param: words.param }),
      upstreamStatus: status,
      ...(words.name === '' ? {} : { upstreamCode: words.name.slice(0, 100) }),
      ...(code === 'upstream-not-found' && isHearsay(words) ? { isHearsay: true } : {}),
    },
  );
}

/** What it says of a value begins otherwise and repeats the value; a guardrail or a prompt is the caller's own. */
function isHearsay({ name, message }: Words): boolean {
  if (name === 'ResourceNotFoundException') return /guardrail|prompt|session/i.test(message);
  return message !== '' && !MODEL_SENTENCE.test(message);
}

function codeOf({ name, message }: Words, status: number): FaultCode {
  const known = Object.hasOwn(EXCEPTIONS, name) ? EXCEPTIONS[name]?.code : undefined;
  const code = known ?? codeOfStatus(status);
  if (code === 'upstream-auth') return NO_MODEL.test(message) ? 'upstream-not-found' : code;
  if (code !== 'upstream-refused') return code;
  if (TOO_LONG.test(message)) return 'context-length';
  if (NO_MODEL.test(message)) return 'upstream-not-found';
  return FILTERED.test(message) ? 'content-filtered' : code;
}

/** What a status alone says. */
function codeOfStatus(status: number): FaultCode {
  switch (status) {
    case 401:
    case 403:
      return 'upstream-auth';
    case 402:
      return 'upstream-quota';
    case 404:
      return 'upstream-not-found';
    case 408:
    case 424:
      return 'upstream-error';
    case 413:
      return 'context-length';
    case 429:
      return 'upstream-rate-limited';
    case 503:
      return 'upstream-overloaded';
    default:
      return status >= 500 ? 'upstream-error' : status < 400 ? 'upstream-invalid' : 'upstream-refused';
  }
}

/** The exception for a status, for clients: their SDK chooses the class by its name. */
function exceptionOf(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return 'AccessDeniedException';
    case 404:
      return 'ResourceNotFoundException';
    case 408:
    case 504:
      return 'ModelTimeoutException';
    case 429:
      return 'ThrottlingException';
    case 503:
      return 'ServiceUnavailableException';
    default:
      return status >= 500 ? 'InternalServerException' : 'ValidationException';
  }
}

/** The body of an error. `__type` stands in for the header where there is none; `reason` is our code. */
export function encodeFault(of: Fault): JsonRecord {
  return { __type: exceptionOf(specOf(of).status), message: of.message, reason: of.code };
}

/** The exceptions that a stream can hold, by the service's model. */
const IN_STREAM: ReadonlySet<string> = new Set([
  'InternalServerException',
  'ValidationException',
  'ThrottlingException',
  'ServiceUnavailableException',
]);

/** The frame that ends a stream which began with 200 (faults.md R2): the SDK raises on it. */
export function encodeStreamFault(of: Fault): Buffer {
  const exception = exceptionOf(specOf(of).status);
  const name = IN_STREAM.has(exception) ? exception : 'ModelStreamErrorException';
  return encodeFrame('exception', `${name.charAt(0).toLowerCase()}${name.slice(1)}`, { message: of.message });
}
