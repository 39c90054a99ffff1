/** Reranking: documents in the order of how well they answer a query. */
import { asString, isRecord } from '../../lib/json.ts';
import { nonAsciiUnits } from '../text-size.ts';
import type { Operation, Size } from './operation.ts';
import type { Reranking, RerankRequest } from './rerank/request.ts';
import {
  bedrockCohereRerank,
  bedrockRerank,
  cohereRerank,
  jinaRerank,
  rerankUsage,
  voyageRerank,
} from './rerank/wires.ts';

/** docs.cohere.com/docs/rerank: a search is a query with up to a hundred documents, each of up to 500 tokens with the query. */
const DOCUMENTS_PER_SEARCH = 100;
const CHUNK_TOKENS = 500;
/** No more than this is left of a piece beside a long query, or the pieces would be without number. */
const CHUNK_TOKENS_MIN = 100;

export const rerank: Operation<RerankRequest, Reranking> = {
  id: 'rerank',
  wires: {
    'cohere-rerank': cohereRerank,
    'jina-rerank': jinaRerank,
    'voyage-rerank': voyageRerank,
    'bedrock-cohere-rerank': bedrockCohereRerank,
    'bedrock-rerank': bedrockRerank,
  },
  sizeOf,
  textsOf: ({ query, documents }) => [query, ...documents.map(wholeText)],
  answerOf: () => 'json',
  usageOf: (reply) => reply.usage,
  usageIn: rerankUsage,
  isAsAsked: (reply, request) =>
    request.returnsDocuments !== true || reply.results.every(({ document }) => document !== undefined),
};

/** Token billers read the query with every document. */
function sizeOf({ query, documents }: RerankRequest): Size {
  const queryOdd = nonAsciiUnits(query);
  const chunkTokens = Math.max(CHUNK_TOKENS_MIN, CHUNK_TOKENS - query.length - 2 * queryOdd);
  let textLength = 0;
  let nonAsciiLength = 0;
  let longestLength = 0;
  let chunks = 0;
  for (const document of documents) {
    const text = textIn(document) ?? wholeText(document);
    const odd = nonAsciiUnits(text);
    textLength += text.length + query.length;
    nonAsciiLength += odd + queryOdd;
    longestLength = Math.max(longestLength, text.length + query.length);
    chunks += Math.max(1, Math.ceil((text.length + 2 * odd) / chunkTokens));
  }
  const unitsMax = { searches: Math.ceil(chunks / DOCUMENTS_PER_SEARCH) };
  const counts = { imageCount: 0, tokensMax: 0, tokensEstimate: 0, outputTokensMax: 0, choices: 1 };
  return { textLength, nonAsciiLength, longestLength, unitsMax, ...counts };
}

function wholeText(document: RerankRequest['documents'][number]): string {
  return typeof document === 'string' ? document : JSON.stringify(document);
}

function textIn(document: unknown): string | undefined {
  return isRecord(document) ? asString(document['text']) : undefined;
}
