/** Log probabilities as this wire has them: lists side by side, where a chat has a list of tokens. */
import type { TokenLogprob } from '../../chat/reply.ts';
import { asArray, asRecord, asString, type Json, type JsonRecord } from '../../lib/json.ts';

/** Most alternatives of a token that OpenAI gives here. */
export const TOP_MAX = 5;

/** The same in a chat's form; what is in neither form stays as it came. */
export function chatLogprobs(logprobs: JsonRecord): JsonRecord {
  const { tokens, token_logprobs: values, top_logprobs: tops, text_offset: _, ...rest } = logprobs;
  const list = asArray(tokens);
  if (list === undefined) return logprobs;
  const at = (of: Json | undefined, index: number): Json => asArray(of)?.[index] ?? null;
  const content = list.map((token, index) => ({
    token: asString(token) ?? '',
    logprob: at(values, index),
    bytes: null,
    top_logprobs: Object.entries(asRecord(at(tops, index)) ?? {}).map(([name, value]) => ({
      token: name,
      logprob: value ?? null,
      bytes: null,
    })),
  }));
  return { ...rest, content };
}

/** Writes the probabilities of tokens that begin `offset` characters behind the beginning of the text. */
export function writeLogprobs(tokens: readonly TokenLogprob[], offset: number): JsonRecord {
  const offsets: number[] = [];
  let place = offset;
  for (const { token } of tokens) {
    offsets.push(place);
    place += token.length;
  }
  return {
    text_offset: offsets,
    token_logprobs: tokens.map(({ logprob }) => logprob),
    tokens: tokens.map(({ token }) => token),
    top_logprobs: tokens.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
  };
}
