/** Errors of this wire: what a provider's answer means, and how ours are written. */
import { fault, specOf, type Fault, type FaultCode } from '../../chat/fault.ts';
import {
  asArray,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { ErrorAnswer } from '../dialect.ts';
import { errorBody, errorWords, retryAfterMs, safeText, type ErrorWords } from '../error-text.ts';
import { saysSomething } from './assistant.ts';

/** An error in a provider's words. */
interface Told {
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  /** The status that the body itself names, for errors inside a 200. */
  readonly status?: number;
}

const CONTEXT =
  /context[ _-]?(?:length|window|size)|maximum context|too many (?:input )?tokens|prompt (?:is|too) ?(?:too )?long|input (?:is )?too long|reduce the length of the (?:messages|prompt)|string_above_max_length/i;
const QUOTA =
  /insufficient[_ ](?:quota|balance|credits?|funds)|exceeded your current quota|quota[_ ]exceeded|payment required|out of credits|credit balance|billing/i;
const CONTENT =
  /content[_ ](?:filter|management policy|policy)|ResponsibleAIPolicy|content_policy_violation|safety (?:system|filter)|flagged|moderation/i;
const MODEL =
  /model_not_found|invalid_model|DeploymentNotFound|model_decommissioned|\bmodel\b[^.]{0,120}?(?:not found|not exist|doesn't exist|is not (?:a )?valid|has been (?:deprecated|decommissioned))|invalid model\b|no endpoints found/i;
/** A key that is right, for a model that is not among its own: another model of it may answer (recorded: OpenAI's embeddings and completions). */
const NO_ACCESS = /not allowed to [^.]{1,60}\bmodel\b|(?:no|not have|n't have) access to (?:the |this )?model/i;
const KEY = /invalid_api_key|(?:incorrect|invalid) api key|api key (?:is )?(?:not valid|invalid)/i;
const OVERLOAD = /overloaded|over capacity|at capacity|engine_overloaded/i;
/** How a provider begins that misses the model; of what the caller named, others say what it is first (recorded: OpenAI, Venice, Cohere, Ollama). */
const MODEL_MISSING =
  /^(?:not found )?(?:(?:the|specified|requested|publisher|invalid) )*(?:model|(?:api )?deployment)\b|^no endpoints found for /i;
/** What a server says that has nothing at this address: our `base_url` is wrong (recorded: Azure's "Resource not found"). */
const ADDRESS_MISSING =
  /^\s*(?:$|<)|^(?:404\b.*|(?:the )?(?:requested )?(?:resource|page|path|route|url|endpoint)? ?(?:was |could )?not (?:be )?found\.?)$|^(?:invalid url|unknown request url|unexpected endpoint|cannot (?:post|get)\b)/i;
/** Ids of the operator's account, and addresses inside its network, which providers put into texts. */
const ACCOUNT = /\b(?:org|proj|user|acct)[-_][A-Za-z0-9]{6,}\b/g;
const ADDRESS = /\b(?:https?:\/\/)?(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b/g;

/** Classifies an error answer by its status, and where that says little, by its words. */
export function decodeError(answer: ErrorAnswer): Fault {
  const told = readError(errorBody(answer.body)) ?? { message: '' };
  return faultOf(told, {
    provider: answer.provider,
    model: answer.model,
    status: answer.status,
    retryAfterMs: retryAfterMs(answer.headers, answer.nowMs),
  });
}

/** The fault that an error inside a 200 stands for (faults.md F13, F34). `error` is the value that `errorIn` found. */
export function decodeInnerError(error: Json, provider: string, model = ''): Fault {
  const told = readError(error) ?? { message: '' };
  return faultOf(told, { provider, model, status: told.status ?? statusOfWords(told), retryAfterMs: undefined });
}

/** The error that a body or chunk holds instead of a reply, if any. */
export function errorIn(body: JsonRecord): Json | undefined {
  const { error } = body;
  if (error !== undefined && error !== null && error !== false && error !== '') return error;
  const choices = asArray(body['choices']);
  // OpenRouter puts an upstream's failure into the choice.
  const inner = choices?.map((choice) => (isRecord(choice) ? choice['error'] : undefined)).find(isRecord);
  if (inner !== undefined) return inner;
  if (choices !== undefined && choices.length > 0) return undefined;
  // vLLM and Mistral: `{object: 'error', message, type, code}`; FastAPI: `{detail}`.
  return isBareError(body) ? body : undefined;
}

function isBareError(body: JsonRecord): boolean {
  if (body['object'] === 'error' || BARE.some((field) => saysSomething(body[field]))) return true;
  // MiniMax: `{base_resp: {status_code, status_msg}}`, which is 0 in every good reply.
  if ((asRecord(body['base_resp'])?.['status_code'] ?? 0) !== 0) return true;
  const text = body['message'] ?? body['msg'];
  return typeof text === 'string' && KINDS.some((field) => body[field] !== undefined);
}

/** Fields that only an error has. */
const BARE = ['detail', 'errors', 'error_msg', 'error_code'] as const;
/** Fields of an error that a text alone does not make one. */
const KINDS = ['code', 'type', 'status', 'statusCode'] as const;

function readError(value: Json | undefined): Told | undefined {
  if (isArray(value)) return readError(value[0]);
  if (!isRecord(value)) return value === undefined ? undefined : readFields({}, errorWords(value));
  const error = asRecord(value['error']) ?? value;
  return readRaw(error) ?? readFields(error, errorWords(value));
}

function readFields(error: JsonRecord, { message = '', param }: ErrorWords): Told {
  const codes = [asRecord(error['innererror'])?.['code'], error['code'], error['type'], error['error_code']];
  const statuses = [error['status_code'], error['status'], error['statusCode'], error['code']];
  return compact({
    message,
    code: codes.map(codeText).find((code) => code !== undefined),
    param: asString(error['param']) ?? param,
    status: statuses.map(statusOf).find((status) => status !== undefined),
  });
}

/** OpenRouter says "Provider returned error" and keeps the provider's own words in `metadata.raw`. */
function readRaw(error: JsonRecord): Told | undefined {
  const raw = asString(asRecord(error['metadata'])?.['raw']);
  if (raw === undefined || raw === '') return undefined;
  const told = readError(parseJson(raw)) ?? { message: raw };
  const status = statusOf(error['code']);
  return { ...told, ...(status === undefined ? {} : { status }) };
}

/** A code made of letters; numbers repeat the status and say nothing more. */
function codeText(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /^[A-Za-z][\w.:-]{0,63}$/.test(value) ? value : undefined;
}

function statusOf(value: Json | undefined): number | undefined {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

/** The status that an error without one would have had. */
function statusOfWords(told: Told): number {
  const words = `${told.code ?? ''} ${told.message}`;
  if (/rate[_ ]limit|too many requests/i.test(words)) return 429;
  if (OVERLOAD.test(words)) return 503;
  if (/server_error|internal/i.test(words)) return 500;
  // A prompt that is too long, a model that is not there: what only a refusal says.
  if (meaningOfRefusal(told).code !== 'upstream-refused') return 400;
  return /invalid_request|bad_request|invalid_value/i.test(words) ? 400 : 500;
}

interface Circumstances {
  readonly provider: string;
  readonly model: string;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
}

function faultOf(told: Told, around: Circumstances): Fault {
  const { code, isHearsay } = meaningOf(around.status, told);
  const text = safeText(told.message).replace(ACCOUNT, '[redacted]').replace(ADDRESS, '[address]');
  const reason = text === '' ? `HTTP ${around.status}` : text;
  const detail = compact({
    // Where a field is at fault it is the caller's own only if the request was refused.
    param: code === 'upstream-refused' || code === 'context-length' ? told.param : undefined,
    retryAfterMs: around.retryAfterMs,
    upstreamStatus: around.status,
    upstreamCode: told.code,
    isHearsay,
  });
  return fault(code, { provider: around.provider, model: around.model, reason }, detail);
}

/** What a status means by itself. */
const BY_STATUS: Readonly<Record<number, FaultCode | undefined>> = {
  401: 'upstream-auth',
  402: 'upstream-quota',
  408: 'upstream-error',
  413: 'context-length',
  // Groq's "flex tier capacity exceeded".
  498: 'upstream-overloaded',
  503: 'upstream-overloaded',
  // Anthropic's overload, as proxies pass it on.
  529: 'upstream-overloaded',
};

/** `isHearsay`: the words alone say so, and providers repeat in them what the caller wrote. */
interface Meaning {
  readonly code: FaultCode;
  readonly isHearsay?: true | undefined;
}

function meaningOf(status: number, told: Told): Meaning {
  const known = BY_STATUS[status];
  if (known !== undefined) return { code: known };
  if (status === 404) return meaningOfMissing(told);
  const words = `${told.code ?? ''} ${told.message}`;
  if (status === 429) return { code: QUOTA.test(words) ? 'upstream-quota' : 'upstream-rate-limited' };
  if (status === 403) return meaningOfForbidden(told);
  if (status >= 400 && status < 500) return meaningOfRefusal(told);
  return { code: OVERLOAD.test(words) ? 'upstream-overloaded' : 'upstream-error' };
}

/** That a model is not for this is told of models that are there, too, asked in a way that is not theirs (recorded: OpenAI's embeddings). */
function meaningOfForbidden({ code = '', message }: Told): Meaning {
  const words = `${code} ${message}`;
  if (CONTENT.test(words)) return { code: 'content-filtered' };
  if (QUOTA.test(words)) return { code: 'upstream-quota' };
  if (MODEL.test(words) || NO_ACCESS.test(words))
    return { code: 'upstream-not-found', isHearsay: unless(MODEL.test(code)) };
  return { code: 'upstream-auth' };
}

/** A 400 or 422, whose words must tell what it is. */
function meaningOfRefusal(told: Told): Meaning {
  const { code = '', message } = told;
  const words = `${code} ${message}`;
  if (CONTEXT.test(words)) return { code: 'context-length' };
  const own = `${code} ${unquoted(message)}`;
  if (KEY.test(own)) return { code: 'upstream-auth', isHearsay: unless(KEY.test(code)) };
  if (CONTENT.test(words)) return { code: 'content-filtered' };
  if (mayBeOfModel(told) && MODEL.test(own))
    return { code: 'upstream-not-found', isHearsay: unless(MODEL.test(code) || told.param === 'model') };
  return QUOTA.test(own)
    ? { code: 'upstream-quota', isHearsay: unless(QUOTA.test(code)) }
    : { code: 'upstream-refused' };
}

/** A 404: the model, the address, or something of the caller's own (a file, an earlier response, a container). */
function meaningOfMissing(told: Told): Meaning {
  const { code = '', message } = told;
  const isOfModel = MODEL.test(code) || MODEL_MISSING.test(message);
  if (!mayBeOfModel(told)) return { code: 'upstream-refused' };
  if (isOfModel || ADDRESS_MISSING.test(message)) return { code: 'upstream-not-found' };
  const isSaid = /\b(?:model|deployment|endpoints)\b/i.test(unquoted(message));
  return isSaid ? { code: 'upstream-not-found', isHearsay: true } : { code: 'upstream-refused' };
}

/** Models are named in other fields, too (a tool's own one): those are not the target. */
function mayBeOfModel({ param }: Told): boolean {
  return param === undefined || param === 'model';
}

function unless(isSure: boolean): true | undefined {
  return isSure ? undefined : true;
}

/** Without what is quoted: most often the caller's own value. */
function unquoted(message: string): string {
  return message.replace(/(?<!\w)'[^']*'(?!\w)|"[^"]*"|`[^`]*`/g, "''");
}

/** Codes by which clients act: agents shorten the conversation at `context_length_exceeded`. */
const WELL_KNOWN: Readonly<Partial<Record<FaultCode, string>>> = {
  'context-length': 'context_length_exceeded',
  'upstream-quota': 'insufficient_quota',
  'content-filtered': 'content_filter',
};

/** OpenAI's error body. */
export function encodeFault(of: Fault): { readonly error: JsonRecord } {
  const own = of.code.replaceAll('-', '_');
  const code = WELL_KNOWN[of.code] ?? (of.code === 'upstream-refused' ? (of.upstreamCode ?? own) : own);
  return { error: { message: of.message, type: specOf(of).type, param: of.param ?? null, code } };
}

/** The event that ends a broken stream: official clients raise on `error`, plain ones see the finish reason (rule R2). */
export function encodeStreamFault(of: Fault): string {
  return formatSse(JSON.stringify({ ...encodeFault(of), choices: [{ index: 0, delta: {}, finish_reason: 'error' }] }));
}
