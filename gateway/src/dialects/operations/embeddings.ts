/** Embeddings: inputs that stand apart, a vector for each. */
import { sumUsage } from '../../chat/usage.ts';
import { nonAsciiUnits } from '../text-size.ts';
import { novaEmbed, titanEmbed } from './embeddings/amazon.ts';
import { bedrockCohereEmbed, cohereEmbed } from './embeddings/cohere.ts';
import { geminiEmbed, vertexEmbedContent, vertexPredict } from './embeddings/google.ts';
import { ollamaEmbed } from './embeddings/ollama.ts';
import {
  mistralEmbeddings,
  openaiEmbeddings,
  perplexityEmbeddings,
  readEmbeddingUsage,
  voyageEmbeddings,
} from './embeddings/openai.ts';
import type { EmbeddingInput, Embeddings, EmbeddingsRequest } from './embeddings/request.ts';
import type { Operation, Size } from './operation.ts';

export const embeddings: Operation<EmbeddingsRequest, Embeddings> = {
  id: 'embeddings',
  wires: wiresById(
    openaiEmbeddings,
    mistralEmbeddings,
    voyageEmbeddings,
    perplexityEmbeddings,
    cohereEmbed,
    bedrockCohereEmbed,
    geminiEmbed,
    vertexEmbedContent,
    vertexPredict,
    ollamaEmbed,
    titanEmbed,
    novaEmbed,
  ),
  sizeOf,
  textsOf: ({ inputs }) => inputs.flatMap(textsOf),
  isUnread: ({ inputs }) => inputs.some(({ kind }) => kind === 'tokens'),
  answerOf: () => 'json',
  usageOf: (reply) => reply.usage,
  usageIn: (body) => readEmbeddingUsage(body['usage']),
  isAsAsked: (reply, { encoding, kinds }) => {
    // Some servers do not know `encoding_format` and answer in numbers, or the other way round.
    if (kinds.length > 1) return true;
    const isText = typeof reply.vectors[0]?.[0]?.numbers === 'string';
    return isText === (encoding === 'base64');
  },
  split: (request, max) => {
    const parts: EmbeddingsRequest[] = [];
    for (let from = 0; from < request.inputs.length; from += max)
      parts.push({ ...request, inputs: request.inputs.slice(from, from + max) });
    return parts;
  },
  join: (replies) => {
    const [first] = replies;
    const usage = sumUsage(replies.map((reply) => reply.usage));
    const { usage: _, ...rest } = first ?? { vectors: [] };
    const vectors = replies.flatMap((reply) => reply.vectors);
    return usage === undefined ? { ...rest, vectors } : { ...rest, vectors, usage };
  },
};

function wiresById<T extends { readonly id: string }>(...wires: readonly T[]): Readonly<Record<string, T>> {
  return Object.fromEntries(wires.map((wire) => [wire.id, wire]));
}

function sizeOf({ inputs }: EmbeddingsRequest): Size {
  let textLength = 0;
  let nonAsciiLength = 0;
  let longestLength = 0;
  let imageCount = 0;
  let tokens = 0;
  for (const input of inputs) {
    if (input.kind === 'tokens') tokens += input.tokens.length;
    let length = 0;
    for (const text of textsOf(input)) {
      length += text.length;
      nonAsciiLength += nonAsciiUnits(text);
    }
    if (input.kind === 'parts') imageCount += input.parts.filter((part) => part.kind === 'image').length;
    textLength += length;
    longestLength = Math.max(longestLength, length);
  }
  const counts = { tokensMax: tokens, tokensEstimate: tokens, outputTokensMax: 0, choices: 1 };
  return { textLength, nonAsciiLength, longestLength, imageCount, ...counts };
}

function textsOf(input: EmbeddingInput): readonly string[] {
  if (input.kind === 'text') return [input.text];
  return input.kind === 'parts' ? input.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])) : [];
}
