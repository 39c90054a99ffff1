/** A whole reply of `/v2/chat`, both ways; one of `/v1/chat`, read as far as it was recorded. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Citation, Part } from '../../chat/part.ts';
import type { ChatResponse, Choice, TokenLogprob } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import {
  asArray,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { extraNames } from '../../chat/losses.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { restOf } from '../openai-chat/assistant.ts';
import { faultIn } from './errors.ts';
import { CITATIONS_MAX, readAssistant, writeAssistant } from './message.ts';
import { lostUsage, readUsage, writeUsage } from './usage.ts';
import { extraLoss, HOME, readCitation, readFinish, writeFinish } from './wire.ts';

const REPLY_READ: ReadonlySet<string> = new Set(['id', 'message', 'finish_reason', 'usage', 'logprobs']);
/** `chat_history` repeats what was asked and answered; `documents` stand in the citations. */
const V1_READ: ReadonlySet<string> = new Set([
  'text',
  'generation_id',
  'response_id',
  'chat_history',
  'finish_reason',
  'meta',
  'citations',
  'documents',
]);

/** Reads a whole reply. A 200 that holds only words about an error is that error. */
export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  if (isV1(body)) return ok(readV1(body));
  const inside = faultIn(body, provider);
  if (inside !== undefined) return err(inside);
  const message = asRecord(body['message']);
  if (message === undefined) return err(fault('upstream-invalid', { provider, reason: 'it holds no message' }));
  const { parts, extra } = readAssistant(message);
  const logprobs = readLogprobs(body['logprobs']);
  const choice = compact({
    index: 0,
    parts,
    finish: readFinish(
      body['finish_reason'],
      parts.some((part) => part.kind === 'tool-call'),
    ),
    logprobs: logprobs.length === 0 ? undefined : logprobs,
    extra,
  });
  return ok(
    compact({
      origin: HOME,
      id: asString(body['id']),
      choices: [choice],
      usage: readUsage(asRecord(body['usage'])),
      extra: restOf(body, REPLY_READ),
    }),
  );
}

/** In v2 the text stands in the message. */
function isV1(body: JsonRecord): boolean {
  return typeof body['text'] === 'string';
}

/** A reply of v1: the whole body, or the `response` of a stream's last event. */
export function readV1(body: JsonRecord): ChatResponse {
  const text = asString(body['text']) ?? '';
  const parts: readonly Part[] =
    text === '' ? [] : [compact({ kind: 'text' as const, text, citations: citationsOfV1(body, text) })];
  return compact({
    origin: HOME,
    id: asString(body['response_id']) ?? asString(body['generation_id']),
    choices: [{ index: 0, parts, finish: readFinish(body['finish_reason'], false) }],
    usage: readUsage(asRecord(body['meta'])),
    extra: restOf(body, V1_READ),
  });
}

/** v1 names the documents that a citation points to; in v2 they stand in it. */
function citationsOfV1(body: JsonRecord, text: string): readonly Citation[] | undefined {
  const documents = (asArray(body['documents']) ?? []).filter(isRecord);
  const citations = (asArray(body['citations']) ?? []).filter(isRecord).slice(0, CITATIONS_MAX);
  if (citations.length === 0) return undefined;
  return citations.map((citation) => {
    const { document_ids: ids, ...rest } = citation;
    const sources = (asArray(ids) ?? []).flatMap((id) => {
      const document = documents.find((one) => one['id'] === id);
      return [compact({ type: 'document', id, document })];
    });
    return readCitation({ ...rest, sources }, text);
  });
}

/** Usage and finish of a reply. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  const read = decodeResponse(body, provider);
  if (!read.ok) return read;
  const seen = glanceOf(read.value);
  return ok(isV1(body) ? { ...seen, isOtherForm: true } : seen);
}

/** A chunk of text with the log probabilities of its tokens: with one token it is that token, else one for all. */
export function readLogprobs(list: Json | undefined): readonly TokenLogprob[] {
  const items = isRecord(list) ? [list] : (asArray(list) ?? []);
  return items.filter(isRecord).flatMap((item): readonly TokenLogprob[] => {
    const numbers = (asArray(item['logprobs']) ?? []).flatMap((value) => asNumber(value) ?? []);
    const token = asString(item['text']);
    if (token === undefined || numbers.length === 0) return [];
    return [{ token, logprob: numbers.reduce((sum, value) => sum + value, 0), top: [] }];
  });
}

export function writeLogprobs(tokens: readonly TokenLogprob[]): readonly JsonRecord[] {
  return tokens.map(({ token, logprob }) => ({ text: token, token_ids: [], logprobs: [logprob] }));
}

/** Writes a reply as `/v2/chat` does. */
export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const isHome = response.origin === HOME;
  const losses: Loss[] = [...lostUsage(response.usage)];
  const lose = (loss: Loss): void => void losses.push(loss);
  const [choice = { index: 0, parts: [], finish: { reason: 'other' as const } }, ...others] = response.choices;
  if (others.length > 0) lose(otherChoices());
  if (!isHome) losses.push(...extraLosses(response));
  const body = compact({
    ...(isHome ? response.extra : {}),
    id: response.id ?? context.requestId,
    message: writeMessage(choice, isHome, lose),
    finish_reason: writeFinish(choice.finish, isHome, lose),
    usage: response.usage === undefined ? undefined : writeUsage(response.usage),
    logprobs: choice.logprobs === undefined ? undefined : writeLogprobs(choice.logprobs),
  });
  return { body, losses };
}

function writeMessage(choice: Choice, isHome: boolean, lose: (loss: Loss) => void): JsonRecord {
  const written = writeAssistant(choice.parts, { isHome, isRequest: false, lose });
  const { citations, ...extra } = (isHome ? choice.extra : undefined) ?? {};
  const cited = [...(asArray(written['citations']) ?? []), ...(asArray(citations) ?? [])];
  return { role: 'assistant', ...written, ...extra, ...(cited.length === 0 ? {} : { citations: cited }) };
}

export function otherChoices(): Loss {
  return { code: 'choices', field: 'choices', weight: 'meaning', why: 'A reply of Cohere holds one choice.' };
}

function extraLosses(response: ChatResponse): readonly Loss[] {
  return extraNames(response).map(extraLoss);
}
