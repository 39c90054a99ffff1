/** A whole reply, both ways, and the pieces of one that streams share. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Part, TextPart } from '../../chat/part.ts';
import type { ChatResponse, Choice, Finish, FinishReason, TokenLogprob } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import {
  asCount,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { citationLoss, citeParts, groundingOf, type Cited } from './citations.ts';
import { errorWords, safeText } from '../error-text.ts';
import { faultInside } from './errors.ts';
import { extraLoss, readPart, writePart, type CallIds, type PartWriter } from './parts.ts';
import { decodeUsage, encodeUsage, lostUsage } from './usage.ts';
import { finishName, listOf, recordsOf } from './wire.ts';

/** Candidates read from one reply; Google gives at most eight. */
export const CANDIDATES_MAX = 128;

/** Google's words for the end of a reply, and ours. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  MALFORMED_FUNCTION_CALL: 'error',
  MALFORMED_RESPONSE: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  CONTINUATION: 'pause',
};
const WORDS: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
  refusal: 'SAFETY',
  pause: 'OTHER',
  error: 'OTHER',
  other: 'OTHER',
};

/** Reads a reply. A prompt that was blocked has no candidates and is a reply all the same: an empty one, filtered. */
export function decodeReply(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const inside = faultInside(body, provider);
  if (inside !== undefined) return err(inside);
  const id = asString(body['responseId']);
  const ids = replyIds(id);
  const choices = recordsOf(body['candidates'])
    .slice(0, CANDIDATES_MAX)
    .map((candidate, position) => readCandidate(candidate, position, ids));
  const blocked = choices.length === 0 ? blockOf(body) : undefined;
  if (choices.length === 0 && blocked === undefined) {
    const reason = safeText(errorWords(body).message ?? 'it holds no candidates');
    return err(fault('upstream-invalid', { provider, reason }));
  }
  return ok(
    compact({
      origin: 'gemini' as const,
      id,
      model: asString(body['modelVersion']),
      createdAt: secondsOf(body['createTime']),
      choices: blocked === undefined ? choices : [{ index: 0, parts: [], finish: blocked }],
      usage: decodeUsage(asRecord(body['usageMetadata'])),
      extra: topExtra(body),
    }),
  );
}

/** Usage and finish of a reply; one that does not say how it ended is read whole. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  const finish = finishName(recordsOf(body['candidates'])[0]?.['finishReason']);
  if (finish !== undefined && faultInside(body, provider) === undefined) {
    const usage = decodeUsage(asRecord(body['usageMetadata']));
    return ok(usage === undefined ? { finish } : { finish, usage });
  }
  const read = decodeReply(body, provider);
  return read.ok ? ok(glanceOf(read.value)) : read;
}

/** The finish of a reply to a prompt that was blocked, in place of candidates; undefined where it was not. */
export function blockOf(body: JsonRecord): Finish | undefined {
  const reason = asRecord(body['promptFeedback'])?.['blockReason'];
  if (reason === undefined || reason === null) return undefined;
  return {
    reason: 'content-filter',
    raw: typeof reason === 'number' ? String(reason) : (asString(reason) ?? 'BLOCKED'),
  };
}

/** Seconds since 1970 of an RFC 3339 time; the fraction is left out. */
export function secondsOf(time: Json | undefined): number | undefined {
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.floor(at / 1000);
}

/** Ids for calls that came without one: unique over a conversation, because the reply's own id is in them. */
export function replyIds(responseId: string | undefined): CallIds {
  let number = 0;
  const next = (given: string | undefined): string => {
    const id = given ?? madeReplyId(responseId, number);
    number += 1;
    return id;
  };
  return { call: (_name, given) => next(given), result: (_name, given) => next(given) };
}

/** The made-up id of the call with this number in a reply. OpenAI takes ids of 64 characters of this alphabet. */
export function madeReplyId(responseId: string | undefined, number: number): string {
  return responseId === undefined
    ? `call_${number}`
    : `call_${responseId.replace(/[^\w-]/g, '_').slice(0, 40)}_${number}`;
}

function readCandidate(candidate: JsonRecord, position: number, ids: CallIds): Choice {
  const read = partsOf(candidate).flatMap((raw): readonly Part[] => {
    const part = readPart(raw, undefined, ids);
    if (part === undefined) return [];
    // A reply does not answer its own calls: what looks so was run by the provider.
    return part.kind === 'tool-result'
      ? [{ kind: 'opaque', origin: 'gemini', name: 'functionResponse', value: raw }]
      : [part];
  });
  const parts = citeParts<Part>(read, candidate, isText);
  const hasCalls = parts.some((part) => part.kind === 'tool-call');
  return compact({
    index: asCount(candidate['index']) ?? position,
    parts,
    finish: finishOf(candidate, hasCalls) ?? { reason: 'other' as const },
    logprobs: logprobsOf(candidate),
    extra: candidateExtra(candidate),
  });
}

function isText(part: Part): part is TextPart {
  return part.kind === 'text';
}

export function partsOf(candidate: JsonRecord): readonly JsonRecord[] {
  return recordsOf(asRecord(candidate['content'])?.['parts']);
}

/** The finish of a candidate; undefined where it gives none. A word of tomorrow is kept as it is. */
export function finishOf(candidate: JsonRecord, hasCalls: boolean): Finish | undefined {
  const raw = finishName(candidate['finishReason']);
  if (raw === undefined) return undefined;
  const reason = REASONS[raw] ?? 'other';
  return { reason: reason === 'stop' && hasCalls ? 'tool-calls' : reason, raw };
}

/** Chosen tokens with their alternatives; token numbers have no word here. */
export function logprobsOf(candidate: JsonRecord): readonly TokenLogprob[] | undefined {
  const result = asRecord(candidate['logprobsResult']);
  if (result === undefined) return undefined;
  const tops = recordsOf(result['topCandidates']);
  return recordsOf(result['chosenCandidates']).map((chosen, at) => ({
    ...tokenOf(chosen),
    top: recordsOf(tops[at]?.['candidates']).map(tokenOf),
  }));
}

function tokenOf(raw: JsonRecord): { readonly token: string; readonly logprob: number } {
  return { token: asString(raw['token']) ?? '', logprob: asNumber(raw['logProbability']) ?? 0 };
}

const CANDIDATE: ReadonlySet<string> = new Set(['content', 'finishReason', 'index', 'logprobsResult']);
const TOP: ReadonlySet<string> = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId', 'createTime']);

export function candidateExtra(candidate: JsonRecord): JsonRecord | undefined {
  const own = rest(candidate, CANDIDATE);
  const inner = contentExtra(candidate['content'] ?? null);
  return inner === undefined ? own : { ...own, ...inner };
}

const CONTENT: ReadonlySet<string> = new Set(['role', 'parts']);

/** Fields of the content without a word; a content, or parts, of no known form stay as they came. */
function contentExtra(content: Json): JsonRecord | undefined {
  if (!isRecord(content)) return content === null ? undefined : { content };
  const odd = listOf(content['parts']).filter((part) => part !== null && !isRecord(part));
  const others = rest(content, CONTENT);
  if (others === undefined && odd.length === 0) return undefined;
  const unread = { ...others, ...(odd.length === 0 ? {} : { parts: odd }) };
  return Object.fromEntries(Object.entries(unread).map(([name, value]) => [`content.${name}`, value]));
}

export function topExtra(body: JsonRecord): JsonRecord | undefined {
  return rest(body, TOP);
}

/** The other fields; empty objects (`groundingMetadata: {}` in every piece of a stream) say nothing. */
function rest(record: JsonRecord, without: ReadonlySet<string>): JsonRecord | undefined {
  let kept: Record<string, Json> | undefined;
  // By key and not by entry: most pieces of a stream have nothing to keep, and need no lists of what they have.
  for (const key of Object.keys(record)) {
    if (without.has(key)) continue;
    const value = record[key];
    if (value === undefined || value === null || (isRecord(value) && Object.keys(value).length === 0)) continue;
    kept ??= {};
    kept[key] = value;
  }
  return kept;
}

/** Writes a reply. Fields of Gemini's own come back where the reply was Gemini's; those of others are named as lost. */
export function encodeReply(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses: Loss[] = [];
  const isHome = response.origin === 'gemini';
  const writer = replyWriter({ isHome, id: response.id, lose: (loss) => void losses.push(loss) });
  const candidates = response.choices.flatMap((choice) =>
    isBlocked(response, choice) ? [] : [writeCandidate(choice, writer)],
  );
  if (!isHome) losses.push(...extraLosses(response), ...lostUsage(response.usage));
  const body = compact({
    candidates: candidates.length === 0 ? undefined : candidates,
    ...(isHome ? response.extra : {}),
    usageMetadata: response.usage === undefined ? undefined : encodeUsage(response.usage),
    modelVersion: response.model ?? context.model,
    createTime: timeOf(response.createdAt),
    responseId: response.id ?? context.requestId,
  });
  return { body, losses };
}

function isBlocked(response: ChatResponse, choice: Choice): boolean {
  return (
    choice.parts.length === 0 &&
    choice.finish.reason === 'content-filter' &&
    asRecord(response.extra?.['promptFeedback'])?.['blockReason'] !== undefined
  );
}

function timeOf(seconds: number | undefined): string | undefined {
  // A larger number is no time that `Date` knows, and would throw.
  return seconds === undefined || Math.abs(seconds) > 8e12 ? undefined : new Date(seconds * 1000).toISOString();
}

export interface ReplyFacts {
  readonly isHome: boolean;
  readonly id: string | undefined;
  lose(loss: Loss): void;
}

/** A writer of the parts of one reply; ids that we made up for Gemini's own calls are not shown to its clients. */
export function replyWriter(facts: ReplyFacts): PartWriter {
  let number = 0;
  return {
    isForGoogle: false,
    nestsMedia: true,
    isHome: facts.isHome,
    idOf: (id) => {
      const made = madeReplyId(facts.id, number);
      number += 1;
      return id === made ? undefined : id;
    },
    nameOf: () => undefined,
    lose: (loss) => facts.lose(loss),
  };
}

function writeCandidate(choice: Choice, writer: PartWriter): JsonRecord {
  const parts = choice.parts.flatMap((part) => {
    if (part.kind === 'opaque' && part.origin !== 'gemini') writer.lose(opaqueLoss(part.name));
    return writePart(part, writer);
  });
  const extra = writer.isHome ? choice.extra : undefined;
  const isRefusal = choice.parts.some((part) => part.kind === 'refusal');
  loseFinish(choice.finish, writer);
  return compact({
    content: parts.length === 0 ? { role: 'model' } : { parts, role: 'model' },
    finishReason: finishWord(refusedFinish(choice.finish, isRefusal), writer.isHome),
    index: choice.index,
    logprobsResult: choice.logprobs === undefined ? undefined : writeLogprobs(choice.logprobs),
    groundingMetadata: groundingOfParts(choice.parts, writer),
    ...extra,
  });
}

export function opaqueLoss(name: string): Loss {
  return {
    code: 'opaque',
    field: name,
    weight: 'meaning',
    why: `${name} can only be expressed in its own protocol, not in gemini.`,
  };
}

/** Words of Google's that have no reason of their own here. */
const OTHERS: ReadonlySet<string> = new Set([
  'OTHER',
  'LANGUAGE',
  'NO_IMAGE',
  'IMAGE_OTHER',
  'FINISH_REASON_UNSPECIFIED',
]);

/** Others mark a refusal and let it end like any reply; Google has only the word for the end to say it with. */
export function refusedFinish(finish: Finish, isRefusal: boolean): Finish {
  return isRefusal && finish.reason === 'stop' ? { reason: 'refusal' } : finish;
}

/** Google's word for a finish: its own again where it gave one (a word of tomorrow is one in capitals), else the nearest. */
export function finishWord(finish: Finish, isHome: boolean): string | undefined {
  const { raw, reason } = finish;
  if (isHome) return raw;
  const isOwn = raw !== undefined && (REASONS[raw] !== undefined || OTHERS.has(raw));
  const isUnknown = raw !== undefined && reason === 'other' && /^[A-Z][A-Z_]+$/.test(raw);
  return isOwn || isUnknown ? raw : WORDS[reason];
}

/** A stop sequence is Google's STOP as any other end. */
export function loseFinish(finish: Finish, writer: PartWriter): void {
  if (finish.stopSequence === undefined) return;
  const why = 'Which stop sequence ended the text is not told here.';
  writer.lose({ code: 'finish', field: 'finishReason', weight: 'hint', why });
}

export function writeLogprobs(tokens: readonly TokenLogprob[]): JsonRecord {
  return {
    chosenCandidates: tokens.map(({ token, logprob }) => ({ token, logProbability: logprob })),
    topCandidates: tokens.map(({ top }) => ({
      candidates: top.map(({ token, logprob }) => ({ token, logProbability: logprob })),
    })),
  };
}

/** Citations of other providers; Gemini's own stand in the extra fields. */
function groundingOfParts(parts: readonly Part[], writer: PartWriter): JsonRecord | undefined {
  const cited: Cited[] = [];
  let text = '';
  for (const part of parts) {
    if (part.kind !== 'text') continue;
    for (const citation of part.citations ?? []) {
      if (citation.origin === 'gemini') continue;
      const loss = citationLoss(citation);
      if (loss === undefined) cited.push({ citation, partStart: text.length });
      else writer.lose(loss);
    }
    text += part.text;
  }
  return cited.length === 0 ? undefined : groundingOf(cited, text);
}

function extraLosses(response: ChatResponse): readonly Loss[] {
  const names = [
    ...Object.keys(response.extra ?? {}),
    ...response.choices.flatMap((choice) => Object.keys(choice.extra ?? {})),
  ];
  return [...new Set(names)].map(extraLoss);
}
