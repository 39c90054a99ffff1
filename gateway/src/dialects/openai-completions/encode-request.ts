/** A request in the words of `chat` as a body of this wire: a conversation becomes the prompt that a text model goes on with. */
import { fieldName, type ChatField } from '../../chat/field-names.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { ChatRequest } from '../../chat/request.ts';
import { compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { bareText } from '../text-models/prompts.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { loseForms, turnsOf } from '../text-models/words.ts';
import { TOP_MAX } from './logprobs.ts';
import { HOME } from './wire.ts';

/** Said where neither caller nor catalog gives a limit: OpenAI's own default of 16 ends every answer in its first sentence. */
const MAX_TOKENS_DEFAULT = 2048;

/** Writes the body for `target`. Losses name the caller's own fields. */
export function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const losses = lossList();
  const isHome = request.origin === HOME;
  const extras = isHome ? ownExtras(request) : {};
  if (!isHome) loseAll(request, target, losses);
  const body = compact({
    ...extras,
    model: target.model,
    prompt: extras['prompt'] ?? writePrompt(request, losses),
    max_tokens: isHome ? request.maxOutputTokens : limitOf(request, target),
    ...writeSampling(request),
    stop: request.stop,
    n: request.n,
    logprobs: writeLogprobs(request),
    stream: request.isStreaming ? true : undefined,
    stream_options: writeStreamOptions(request, extras['stream_options']),
    user: request.user,
  });
  return { body, losses: [...(isHome ? [] : foreignLosses(request, HOME)), ...losses.all()] };
}

function ownExtras({ extras }: ChatRequest): JsonRecord {
  return Object.fromEntries(extras.map(({ field, value }) => [field, value]));
}

/** The caller's own prompt as it is; a conversation with the names of those who speak. */
function writePrompt(request: ChatRequest, losses: LossList): string {
  if (request.origin !== HOME) return bareText(turnsOf(request, losses));
  return request.messages.flatMap(({ parts }) => parts.map((part) => (part.kind === 'text' ? part.text : ''))).join('');
}

function limitOf({ maxOutputTokens }: ChatRequest, { maxOutputTokens: most }: EncodeTarget): number {
  const limit = maxOutputTokens ?? most ?? MAX_TOKENS_DEFAULT;
  return Math.min(limit, most ?? limit);
}

function writeSampling({ origin, sampling }: ChatRequest): JsonRecord {
  const { temperature, topP: top_p, frequencyPenalty, presencePenalty, seed, logitBias } = sampling;
  const shared = compact({
    temperature,
    top_p,
    frequency_penalty: frequencyPenalty,
    presence_penalty: presencePenalty,
    seed,
    logit_bias: logitBias,
  });
  const { topK: top_k, minP: min_p, repetitionPenalty: repetition_penalty } = sampling;
  return origin === HOME ? { ...shared, ...compact({ top_k, min_p, repetition_penalty }) } : shared;
}

function writeLogprobs({ origin, logprobs }: ChatRequest): number | undefined {
  const top = logprobs?.top ?? 0;
  if (logprobs === undefined) return undefined;
  return origin === HOME ? top : Math.min(top, TOP_MAX);
}

function writeStreamOptions(
  { isStreaming, wantsStreamUsage }: ChatRequest,
  own: Json | undefined,
): JsonRecord | undefined {
  const asked = isStreaming && wantsStreamUsage === true ? { include_usage: true } : {};
  const options = { ...(isRecord(own) ? own : {}), ...asked };
  return Object.keys(options).length === 0 ? undefined : options;
}

/** Sampling that OpenAI does not know, with the value that changes nothing. */
const NOT_OPENAI = [
  ['topK', undefined],
  ['minP', 0],
  ['repetitionPenalty', 1],
] as const;

function loseAll(request: ChatRequest, target: EncodeTarget, losses: LossList): void {
  const hint = (code: LossCode, field: ChatField, why: string): void =>
    losses.hint(code, fieldName(request, field), why);
  loseForms(request, losses);
  loseModalities(request, losses);
  for (const [field, neutral] of NOT_OPENAI) {
    const value = request.sampling[field];
    if (value !== undefined && value !== neutral) hint('sampling', field, 'OpenAI refuses it.');
  }
  if ((request.logprobs?.top ?? 0) > TOP_MAX)
    hint('logprobs', 'logprobs', `At most ${TOP_MAX} alternatives of a token are told here.`);
  if ((request.maxOutputTokens ?? 0) > limitOf(request, target))
    hint('max-tokens', 'maxOutputTokens', `This model gives at most ${limitOf(request, target)} tokens.`);
}

function loseModalities(request: ChatRequest, losses: LossList): void {
  const others = (request.modalities ?? []).filter((kind) => kind.toLowerCase() !== 'text');
  if (others.length > 0)
    losses.meaning(
      'modalities',
      fieldName(request, 'modalities'),
      `A text model does not answer with ${others.join(' or ')}.`,
    );
  else if (request.audio !== undefined)
    losses.hint('voice', fieldName(request, 'audio'), 'A text model does not speak.');
}
