/** What an embedding is for, in the words of each provider. */
import type { Purpose } from './request.ts';

/** All words that callers use, in lower case without separators. */
const WORDS: ReadonlyMap<string, Purpose> = new Map<string, Purpose>([
  ['query', 'query'],
  ['searchquery', 'query'],
  ['retrievalquery', 'query'],
  ['textretrieval', 'query'],
  ['genericretrieval', 'query'],
  ['document', 'document'],
  ['passage', 'document'],
  ['searchdocument', 'document'],
  ['retrievaldocument', 'document'],
  ['retrievalpassage', 'document'],
  ['genericindex', 'document'],
  ['classification', 'classification'],
  ['clustering', 'clustering'],
  ['separation', 'clustering'],
  ['semanticsimilarity', 'similarity'],
  ['textmatching', 'similarity'],
  ['questionanswering', 'question'],
  ['factverification', 'fact'],
  ['coderetrievalquery', 'code'],
  ['image', 'image'],
]);

/** The purpose that a word of any provider stands for; undefined for words that nobody has. */
export function purposeOf(word: string | undefined): Purpose | undefined {
  return word === undefined ? undefined : WORDS.get(word.toLowerCase().replaceAll(/[^a-z]/g, ''));
}

/** docs.cohere.com/reference/embed: `input_type`, which its models since v3 demand. */
export const COHERE_PURPOSES: Readonly<Record<Purpose, string>> = {
  query: 'search_query',
  document: 'search_document',
  classification: 'classification',
  clustering: 'clustering',
  similarity: 'clustering',
  question: 'search_query',
  fact: 'search_query',
  code: 'search_query',
  image: 'image',
};

/** ai.google.dev/api/embeddings#tasktype. */
export const GOOGLE_PURPOSES: Readonly<Record<Purpose, string>> = {
  query: 'RETRIEVAL_QUERY',
  document: 'RETRIEVAL_DOCUMENT',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
  similarity: 'SEMANTIC_SIMILARITY',
  question: 'QUESTION_ANSWERING',
  fact: 'FACT_VERIFICATION',
  code: 'CODE_RETRIEVAL_QUERY',
  image: 'RETRIEVAL_DOCUMENT',
};

/** docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html: `embeddingPurpose`. */
export const NOVA_PURPOSES: Readonly<Record<Purpose, string>> = {
  query: 'TEXT_RETRIEVAL',
  document: 'GENERIC_INDEX',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
  similarity: 'CLUSTERING',
  question: 'TEXT_RETRIEVAL',
  fact: 'TEXT_RETRIEVAL',
  code: 'TEXT_RETRIEVAL',
  image: 'IMAGE_RETRIEVAL',
};
