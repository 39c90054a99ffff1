/** A whole reply (`object: response`), read leniently and written as OpenAI writes it. */
import { fault, type Fault } from '../../chat/fault.ts';
import { joinCarried } from '../../chat/carried.ts';
import type { ChatResponse, Choice, Finish } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { asNumber, asRecord, asString, compact, isArray, isRecord, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { lossList } from '../loss-list.ts';
import { decodeInnerError, errorIn } from '../openai-chat/errors.ts';
import { nonEmpty } from '../openai-chat/response.ts';
import { HOME, readItem, typeOf } from './items.ts';
import { namesIn } from './namespaces.ts';
import { lostUsage, readUsage, writeUsage } from './usage.ts';
import { writeAssistant } from './write-items.ts';

/** Fields of a reply that become words. `output_text` repeats the text: OpenAI's SDK adds it, and some servers do. */
const REPLY_READ: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created_at',
  'model',
  'status',
  'error',
  'incomplete_details',
  'output',
  'output_text',
  'usage',
]);

/** Reads a whole reply. A 200 that holds an error is that error, and one without output cannot be read. */
export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const failed = failureIn(body, provider);
  if (failed !== undefined) return err(failed);
  const { output } = body;
  if (!isArray(output)) return err(fault('upstream-invalid', { provider, reason: 'it holds no output' }));
  const items = output.filter(isRecord).map((item) => readItem(item));
  const logprobs = items.flatMap((item) => item.logprobs);
  const choice: Choice = compact({
    index: 0,
    parts: joinCarried(items.flatMap((item) => item.parts)),
    finish: readFinish(body, output.some(isCall)),
    logprobs: logprobs.length === 0 ? undefined : logprobs,
  });
  return ok(compact({ origin: HOME, ...readHead(body), choices: [choice], usage: readUsage(body['usage']) }));
}

/** The error that stands in the place of a reply, if any. */
export function failureIn(body: JsonRecord, provider: string): Fault | undefined {
  const error = errorIn(body);
  if (error !== undefined) return decodeInnerError(error, provider, nonEmpty(body['model']));
  return body['status'] === 'failed'
    ? fault('upstream-error', { provider, reason: 'the response failed, and no reason was given' })
    : undefined;
}

/** What a reply says of itself. */
export function readHead(body: JsonRecord): Pick<ChatResponse, 'id' | 'model' | 'createdAt' | 'echo'> {
  const created = asNumber(body['created_at']);
  const echo = Object.entries(body).filter(([field]) => !REPLY_READ.has(field));
  return compact({
    id: nonEmpty(body['id']),
    model: nonEmpty(body['model']),
    createdAt: created === undefined || created <= 0 ? undefined : Math.floor(created),
    echo: echo.length === 0 ? undefined : Object.fromEntries(echo),
  });
}

/** A call that the caller has to answer. */
export function isCall(item: unknown): boolean {
  return isRecord(item) && (typeOf(item) === 'function_call' || typeOf(item) === 'custom_tool_call');
}

/** How a reply ended. Some servers leave the status out, or write `complete`. */
export function readFinish(body: JsonRecord, hasCalls: boolean): Finish {
  const raw = asString(body['status']) ?? 'completed';
  if (raw === 'completed' || raw === 'complete') return { reason: hasCalls ? 'tool-calls' : 'stop', raw };
  const why = asString(asRecord(body['incomplete_details'])?.['reason']);
  if (raw !== 'incomplete' || why === undefined) return { reason: 'other', raw };
  if (why === 'max_output_tokens') return { reason: 'length', raw: why };
  return { reason: why === 'content_filter' ? 'content-filter' : 'other', raw: why };
}

/** Usage and finish of a reply; one that does not say how it ended is read whole. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  if (body['status'] !== 'completed' || !isArray(body['output']) || errorIn(body) !== undefined) {
    const read = decodeResponse(body, provider);
    return read.ok ? ok(glanceOf(read.value)) : read;
  }
  const usage = readUsage(body['usage']);
  return ok(usage === undefined ? { finish: 'completed' } : { finish: 'completed', usage });
}

interface Status {
  readonly status: string;
  readonly incomplete_details: JsonRecord | null;
}

const UNFINISHED: ReadonlySet<string> = new Set(['queued', 'in_progress', 'cancelled']);

/** The status of a reply that ended so. A refusal that is marked as one is a complete answer. */
export function writeStatus(finish: Finish, hasRefusal: boolean): Status {
  const { reason, raw = '' } = finish;
  if (reason === 'length') return incomplete('max_output_tokens');
  if (reason === 'content-filter' || (reason === 'refusal' && !hasRefusal)) return incomplete('content_filter');
  // The words so far are there, and the provider's own reason says why there are no more.
  if (reason === 'error') return incomplete(raw === '' ? 'error' : raw.toLowerCase());
  if (reason === 'other' && UNFINISHED.has(raw)) return { status: raw, incomplete_details: null };
  return { status: 'completed', incomplete_details: null };
}

function incomplete(reason: string): Status {
  return { status: 'incomplete', incomplete_details: { reason } };
}

/** An end that has no word here looks like a normal one, so it is named. */
export function loseFinish(finish: Finish, lose: (loss: Loss) => void): void {
  const { reason, raw, stopSequence } = finish;
  const field = 'status';
  if (stopSequence !== undefined)
    lose({ code: 'finish', field, weight: 'hint', why: 'Which stop sequence ended the text is not told here.' });
  if (reason !== 'pause' && (reason !== 'other' || UNFINISHED.has(raw ?? ''))) return;
  lose({
    code: 'finish',
    field,
    weight: 'hint',
    why: `The reason ${raw ?? reason} has no word here; it became completed.`,
  });
}

/** Writes a reply as OpenAI does. What it repeats of the request is the provider's word, or else the caller's own body. */
export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses = lossList();
  const lose = losses.add;
  const isHome = response.origin === HOME;
  const [choice] = response.choices;
  if (response.choices.length > 1) loseChoices(lose);
  loseExtra({ ...response.extra, ...choice?.extra, ...(isHome ? {} : besideParts(choice)) }, lose);
  const finish = choice?.finish ?? { reason: 'other' };
  loseFinish(finish, lose);
  const parts = choice?.parts ?? [];
  const head = headOf(response, context);
  const output = writeAssistant(parts, {
    isHome,
    idBase: idBaseOf(head.id),
    names: namesIn(context.request),
    ...(choice?.logprobs === undefined ? {} : { logprobs: choice.logprobs }),
    lose,
  });
  const status = writeStatus(
    finish,
    parts.some((part) => part.kind === 'refusal'),
  );
  const body = {
    ...envelope(head, response.echo ?? echoOf(context)),
    ...status,
    output,
    usage: writeUsage(response.usage),
  };
  return { body, losses: [...losses.all(), ...lostUsage(response.usage)] };
}

/** Fields of another protocol beside the texts and calls of a choice. */
function besideParts(choice: Choice | undefined): JsonRecord {
  const parts = (choice?.parts ?? []).filter((part) => part.kind === 'text' || part.kind === 'tool-call');
  return Object.assign({}, ...parts.map(({ extra }) => extra));
}

export function loseChoices(lose: (loss: Loss) => void): void {
  const why = 'A response holds one reply; the first was kept.';
  lose({ code: 'choices', field: 'choices', weight: 'meaning', why });
}

export function loseExtra(extra: JsonRecord, lose: (loss: Loss) => void): void {
  for (const [field, value] of Object.entries(extra)) {
    if (value === undefined || value === null) continue;
    lose({ code: 'unknown-field', field, weight: 'hint', why: 'A response has no such field.' });
  }
}

export interface Head {
  readonly id: string;
  readonly model: string;
  readonly created_at: number;
}

/**
 * Id, model and time. An id of this wire is kept. Any other stands behind one of ours: callers name a response by it to go on
 * from it, and providers of other wires do not promise that theirs differ.
 */
export function headOf(of: Omit<ChatResponse, 'origin' | 'choices'>, context: EncodeContext): Head {
  const isHome = of.echo !== undefined || of.id?.startsWith('resp') === true;
  return {
    id: isHome && of.id !== undefined ? of.id : responseId(context.requestId, of.id),
    model: of.model ?? context.model,
    created_at: of.createdAt ?? context.nowS,
  };
}

/** As much of a provider's id as is shown: none is longer, save by mistake. */
const FOREIGN_ID_MAX = 64;

/** The id of a response of ours, and behind it the provider's. */
export function responseId(requestId: string, foreign = ''): string {
  const theirs = foreign.replaceAll(/[^\w-]/g, '_').slice(0, FOREIGN_ID_MAX);
  return `resp_${requestId.replace(/^req_/, '')}${theirs === '' ? '' : `_${theirs}`}`;
}

/** OpenAI refuses ids of items that are longer than 64 characters. */
const ID_BASE_MAX = 48;

/** What the ids of a response's items are made of. */
export function idBaseOf(id: string): string {
  return id.replace(/^resp_?/, '').slice(0, ID_BASE_MAX);
}

/** All fields that OpenAI's SDKs expect to be there, before what is repeated of the request. */
export function envelope(head: Head, echo: JsonRecord): JsonRecord {
  return {
    id: head.id,
    object: 'response',
    created_at: head.created_at,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model: head.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    metadata: {},
    ...echo,
  };
}

/** Fields of a request that a reply repeats. */
const ECHOED = [
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'parallel_tool_calls',
  'previous_response_id',
  'prompt_cache_key',
  'reasoning',
  'safety_identifier',
  'store',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
] as const;

export function echoOf({ request = {} }: EncodeContext): JsonRecord {
  const given = ECHOED.flatMap((field) => {
    const value = request[field];
    return value === undefined || value === null ? [] : [[field, value] as const];
  });
  return Object.fromEntries(given);
}
