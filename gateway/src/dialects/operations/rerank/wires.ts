/**
 * The forms of reranking: Cohere's (docs.cohere.com/reference/rerank; v1 is read too), Jina's, which llama.cpp, vLLM and
 * OpenRouter have taken over (api.jina.ai/redoc), Voyage's (docs.voyageai.com/reference/reranker-api), and Bedrock's two.
 */
import type { Fault } from '../../../chat/fault.ts';
import type { Loss } from '../../../chat/request.ts';
import type { Usage } from '../../../chat/usage.ts';
import {
  asArray,
  asCount,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { AskedBody, AskedPath, EncodedAsk, Wire, WireTarget } from '../operation.ts';
import { fieldReader, firstOf, grave, hint, inside, lostFields } from '../reading.ts';
import type { Reranking, RerankRequest, RerankResult } from './request.ts';

const DOCUMENTS_MAX = 10_000;
const TEXT_MAX = 16 * 1024 * 1024;
const TOP_MAX = 1_000_000;

type RerankWire = Wire<RerankRequest, Reranking>;

export const cohereRerank: RerankWire = {
  id: 'cohere-rerank',
  modelField: 'model',
  decodeRequest: ({ record }) => decodeRequest(record),
  encodeRequest: encodeCohere,
  decodeReply,
  encodeReply: (reply, request, context) => ({
    body: encodeCohereReply(reply, request, context.requestId),
    losses: [],
  }),
};

export const jinaRerank: RerankWire = {
  id: 'jina-rerank',
  modelField: 'model',
  decodeRequest: ({ record }) => decodeRequest(record),
  encodeRequest: encodeJina,
  decodeReply,
  encodeReply: (reply, request, context) => ({ body: encodeJinaReply(reply, request, context.requestId), losses: [] }),
};

export const voyageRerank: RerankWire = {
  id: 'voyage-rerank',
  modelField: 'model',
  decodeRequest: ({ record }) => decodeRequest(record),
  encodeRequest: encodeVoyage,
  decodeReply,
  encodeReply: (reply, request) => ({ body: encodeVoyageReply(reply, request), losses: [] }),
};

/** Cohere's model on Bedrock, by InvokeModel. */
export const bedrockCohereRerank: RerankWire = {
  id: 'bedrock-cohere-rerank',
  decodeRequest: ({ record }, path) => decodeRequest({ ...record, model: path.model ?? record['model'] }),
  encodeRequest: encodeBedrockCohere,
  decodeReply,
  encodeReply: (reply, request) => ({ body: { results: resultsOf(reply, request) }, losses: [] }),
};

/** Bedrock's own Rerank of its agents' runtime (docs.aws.amazon.com/bedrock, API_agent-runtime_Rerank). */
export const bedrockRerank: RerankWire = {
  id: 'bedrock-rerank',
  decodeRequest: decodeBedrock,
  encodeRequest: encodeBedrock,
  decodeReply,
  encodeReply: (reply) => ({
    body: { results: reply.results.map(({ index, score }) => ({ index, relevanceScore: score })) },
    losses: [],
  }),
};

/** All names that callers use: `top_n` and `top_k`, v1's chunks and rank fields, Jina's default of returned documents. */
function decodeRequest(record: JsonRecord): Result<RerankRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model();
  const query = read.needed('query', TEXT_MAX);
  const documents = read.list('documents', DOCUMENTS_MAX) ?? [];
  if (documents.length === 0) read.refuse('documents', 'it is empty');
  for (const [index, document] of documents.entries())
    if (typeof document !== 'string' && !isRecord(document))
      read.refuse(`documents[${index}]`, 'it must be a text or an object');
  const topN = read.whole('top_n', { min: 1, max: TOP_MAX }) ?? read.whole('top_k', { min: 1, max: TOP_MAX });
  const returnsDocuments = read.flag('return_documents');
  const documentTokensMax = read.whole('max_tokens_per_doc', { min: 1, max: TOP_MAX });
  // Bedrock's form of Cohere says which API it means.
  const extras = read.rest('api_version');
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  return ok(compact({ model, query, documents, topN, returnsDocuments, documentTokensMax, extras }));
}

/** A document as text: its own `text` where it has nothing else, else all of it as JSON. */
function textOf(document: Json): string {
  if (typeof document === 'string') return document;
  const text = asString(asRecord(document)?.['text']);
  return text !== undefined && Object.keys(asRecord(document) ?? {}).length === 1 ? text : JSON.stringify(document);
}

/** v1's limit of pieces a document is the only extra that callers of older clients send without a thought. */
function lossesOf(request: RerankRequest, id: string, known: readonly string[] = []): readonly Loss[] {
  const { rank_fields: ranked, ...extras } = request.extras;
  const others = Object.fromEntries(
    Object.entries(extras).filter(([name, value]) => value !== null && !known.includes(name)),
  );
  return [
    ...(ranked === undefined ? [] : [grave('rank_fields', `${id} ranks whole documents.`)]),
    ...(request.documentTokensMax === undefined || known.includes('max_tokens_per_doc')
      ? []
      : [hint('max_tokens_per_doc', `${id} has no such field.`)]),
    ...lostFields(others, id),
  ];
}

function encodeCohere(request: RerankRequest, target: WireTarget): EncodedAsk {
  const known = ['max_tokens_per_doc', 'priority'];
  const body = compact({
    model: target.model,
    query: request.query,
    documents: request.documents.map(textOf),
    top_n: request.topN,
    max_tokens_per_doc: request.documentTokensMax,
    priority: request.extras['priority'],
  });
  return { path: '/rerank', body, losses: lossesOf(request, cohereRerank.id, known) };
}

function encodeJina(request: RerankRequest, target: WireTarget): EncodedAsk {
  const body = compact({
    model: target.model,
    query: request.query,
    documents: request.documents.map(textOf),
    top_n: request.topN,
    // They come from the request, so that nobody need send them back.
    return_documents: false,
  });
  return { path: '/rerank', body, losses: lossesOf(request, jinaRerank.id) };
}

function encodeVoyage(request: RerankRequest, target: WireTarget): EncodedAsk {
  const known = ['truncation'];
  const body = compact({
    model: target.model,
    query: request.query,
    documents: request.documents.map(textOf),
    top_k: request.topN,
    truncation: request.extras['truncation'],
  });
  return { path: '/rerank', body, losses: lossesOf(request, voyageRerank.id, known) };
}

function encodeBedrockCohere(request: RerankRequest, target: WireTarget): EncodedAsk {
  const body = compact({
    query: request.query,
    documents: request.documents.map(textOf),
    api_version: 2,
    top_n: request.topN,
    max_tokens_per_doc: request.documentTokensMax,
  });
  const losses = lossesOf(request, bedrockCohereRerank.id, ['max_tokens_per_doc']);
  return { path: `/model/${encodeURIComponent(target.model)}/invoke`, body, losses };
}

function encodeBedrock(request: RerankRequest, target: WireTarget): EncodedAsk {
  const body = {
    queries: [{ type: 'TEXT', textQuery: { text: request.query } }],
    sources: request.documents.map((document) => ({
      type: 'INLINE',
      inlineDocumentSource:
        typeof document === 'string'
          ? { type: 'TEXT', textDocument: { text: document } }
          : { type: 'JSON', jsonDocument: document },
    })),
    rerankingConfiguration: {
      type: 'BEDROCK_RERANKING_MODEL',
      bedrockRerankingConfiguration: compact({
        modelConfiguration: { modelArn: target.model },
        numberOfResults: request.topN,
      }),
    },
  };
  return { path: '/rerank', body, losses: lossesOf(request, bedrockRerank.id) };
}

function decodeBedrock({ record }: AskedBody, path: AskedPath): Result<RerankRequest, Fault> {
  const read = fieldReader(record);
  const configuration = inside(record, 'rerankingConfiguration', 'bedrockRerankingConfiguration');
  const model = read.model(asString(inside(configuration, 'modelConfiguration', 'modelArn')) ?? path.model);
  const query = asString(inside(record, 'queries', 0, 'textQuery', 'text'));
  if (query === undefined) read.refuse('queries', 'it must hold one text');
  const documents = (read.list('sources', DOCUMENTS_MAX) ?? []).map((source): Json => {
    const inline = inside(source, 'inlineDocumentSource');
    return inside(inline, 'textDocument', 'text') ?? inside(inline, 'jsonDocument') ?? '';
  });
  const extras = read.rest('rerankingConfiguration', 'queries');
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const topN = asCount(inside(configuration, 'numberOfResults'));
  return ok(compact({ model, query: query ?? '', documents, topN, extras }));
}

/** `results`, or Voyage's `data`. */
function decodeReply(body: JsonRecord, request: RerankRequest): Result<Reranking, string> {
  const rows = asArray(body['results']) ?? asArray(body['data']);
  if (rows === undefined) return err('it has no results');
  const results = rows.flatMap((row) => resultOf(row, request.documents.length) ?? []);
  if (results.length < rows.length) return err('one of its results names no document, or has no score');
  return ok(compact({ id: asString(body['id']), model: asString(body['model']), results, usage: rerankUsage(body) }));
}

/** `relevance_score`, `relevanceScore`, or the `score` of older servers. */
function resultOf(row: Json, documentCount: number): RerankResult | undefined {
  const index = asCount(inside(row, 'index'));
  const score = asNumber(firstOf(row, 'relevance_score', 'relevanceScore', 'score'));
  if (index === undefined || index >= documentCount || score === undefined) return undefined;
  return compact({ index, score, document: firstOf(row, 'document') });
}

/** Cohere bills searches; the others tokens, of which a reranker has no output. */
export function rerankUsage(body: JsonRecord): Usage | undefined {
  const billed = asRecord(inside(body, 'meta', 'billed_units'));
  const usage = asRecord(body['usage']);
  const searches = asCount(billed?.['search_units'] ?? usage?.['search_units']);
  const inputTokens = asCount(firstOf(usage, 'prompt_tokens', 'total_tokens') ?? billed?.['input_tokens']);
  if (searches === undefined && inputTokens === undefined) return undefined;
  return compact({
    inputTokens,
    outputTokens: inputTokens === undefined ? undefined : 0,
    units: searches === undefined ? undefined : { searches },
    raw: billed ?? usage,
  });
}

/** Results in the form that all but Bedrock share. Documents that are wanted and did not come back are the caller's own. */
function resultsOf(reply: Reranking, request: RerankRequest): readonly JsonRecord[] {
  return reply.results.map(({ index, score, document }) => {
    const own = request.returnsDocuments === true ? documentOf(document ?? request.documents[index] ?? '') : undefined;
    return compact({ index, relevance_score: score, document: own });
  });
}

function documentOf(document: Json): Json {
  return typeof document === 'string' ? { text: document } : document;
}

function encodeCohereReply(reply: Reranking, request: RerankRequest, requestId: string): JsonRecord {
  return {
    id: reply.id ?? requestId,
    results: resultsOf(reply, request),
    meta: compact({ api_version: { version: '2' }, billed_units: billedUnits(reply.usage) }),
  };
}

function billedUnits(usage: Usage | undefined): JsonRecord | undefined {
  const units = compact({ search_units: usage?.units?.searches, input_tokens: usage?.inputTokens });
  return Object.keys(units).length === 0 ? undefined : units;
}

/** With Cohere's `meta` beside it: clients of either read it. */
function encodeJinaReply(reply: Reranking, request: RerankRequest, requestId: string): JsonRecord {
  const tokens = reply.usage?.inputTokens;
  const units = billedUnits(reply.usage);
  return compact({
    id: reply.id ?? requestId,
    model: reply.model ?? request.model,
    object: 'list',
    results: resultsOf(reply, request),
    usage: tokens === undefined ? undefined : { prompt_tokens: tokens, total_tokens: tokens },
    meta: units === undefined ? undefined : { billed_units: units },
  });
}

function encodeVoyageReply(reply: Reranking, request: RerankRequest): JsonRecord {
  const tokens = reply.usage?.inputTokens;
  return compact({
    object: 'list',
    data: resultsOf(reply, request),
    model: reply.model ?? request.model,
    usage: tokens === undefined ? undefined : { total_tokens: tokens },
  });
}
