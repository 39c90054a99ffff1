/**
 * Models that embed, rerank, moderate, draw, speak or listen, which models.dev does not have or has without a price. Read on
 * 27 November 2026: Groq's own page (console.groq.com/docs/speech-text); Voyage's, Mistral's and Cohere's embeddings and
 * rerankers in the lists of those who resell them (vercel.com/ai-gateway/models, openrouter.ai). OpenAI's, Google's and
 * Cohere's older ones are as they were last known, their pages not at hand: a table's `source` is the page to check them
 * against. What was measured in a recorded exchange says so. Where a price depends on size or quality of what is made
 * (dall-e, Imagen), it is not here: unknown is not a guess.
 */
import type { CatalogProvider } from '../gateway/src/catalog/catalog.ts';
import type { FreeReason, Modality } from '../gateway/src/catalog/rows.ts';

/** US dollars as decimal text: `input` and `output` a million tokens, the rest apiece. */
export interface PieceRow {
  readonly id: string;
  readonly name?: string;
  readonly input?: string;
  readonly output?: string;
  readonly image?: string;
  readonly second?: string;
  readonly character?: string;
  readonly search?: string;
  readonly inputs?: readonly Modality[];
  readonly outputs?: readonly Modality[];
  readonly free?: FreeReason;
}

export interface PieceTable {
  readonly provider: string;
  readonly source: string;
  readonly rows: readonly PieceRow[];
}

const TEXT_IN: readonly Modality[] = ['text'];
const SOUND: readonly Modality[] = ['audio'];

export const PIECE_TABLES: readonly PieceTable[] = [
  {
    provider: 'openai',
    source: 'developers.openai.com/api/docs/pricing',
    rows: [
      // 0.006 dollars a minute.
      { id: 'whisper-1', name: 'Whisper', second: '0.0001', inputs: SOUND, outputs: TEXT_IN },
      { id: 'tts-1', name: 'TTS', character: '0.000015', inputs: TEXT_IN, outputs: SOUND },
      { id: 'tts-1-hd', name: 'TTS HD', character: '0.00003', inputs: TEXT_IN, outputs: SOUND },
      {
        id: 'omni-moderation-latest',
        name: 'Omni Moderation',
        input: '0',
        output: '0',
        free: 'free-tier',
        inputs: ['text', 'image'],
      },
      { id: 'omni-moderation-2024-09-26', input: '0', output: '0', free: 'free-tier', inputs: ['text', 'image'] },
    ],
  },
  {
    provider: 'groq',
    source: 'groq.com/pricing',
    rows: [
      // 0.111 and 0.04 dollars an hour.
      { id: 'whisper-large-v3', second: '0.000030833', inputs: SOUND },
      { id: 'whisper-large-v3-turbo', second: '0.000011111', inputs: SOUND },
    ],
  },
  {
    provider: 'mistral',
    source: 'mistral.ai/pricing',
    rows: [{ id: 'codestral-embed', name: 'Codestral Embed', input: '0.15', output: '0', inputs: TEXT_IN }],
  },
  {
    provider: 'google',
    source: 'ai.google.dev/gemini-api/docs/pricing',
    rows: [{ id: 'gemini-embedding-2', name: 'Gemini Embedding 2', input: '0.2', output: '0' }],
  },
  {
    provider: 'cohere',
    source: 'cohere.com/pricing',
    rows: [
      { id: 'embed-v4.0', name: 'Embed 4', input: '0.12', output: '0', inputs: ['text', 'image'] },
      { id: 'embed-english-v3.0', input: '0.1', output: '0', inputs: ['text', 'image'] },
      { id: 'embed-english-light-v3.0', input: '0.1', output: '0', inputs: ['text', 'image'] },
      { id: 'embed-multilingual-v3.0', input: '0.1', output: '0', inputs: ['text', 'image'] },
      { id: 'embed-multilingual-light-v3.0', input: '0.1', output: '0', inputs: ['text', 'image'] },
      // 2 dollars a thousand searches.
      { id: 'rerank-v3.5', name: 'Rerank 3.5', search: '0.002', inputs: TEXT_IN },
      { id: 'rerank-english-v3.0', search: '0.002', inputs: TEXT_IN },
      { id: 'rerank-multilingual-v3.0', search: '0.002', inputs: TEXT_IN },
      { id: 'cohere-transcribe-03-2026', name: 'Cohere Transcribe', inputs: SOUND, outputs: TEXT_IN },
    ],
  },
  {
    provider: 'voyage',
    source: 'docs.voyageai.com/docs/pricing',
    rows: [
      { id: 'voyage-4-large', input: '0.12', output: '0', inputs: TEXT_IN },
      { id: 'voyage-4', input: '0.06', output: '0', inputs: TEXT_IN },
      { id: 'voyage-4-lite', input: '0.02', output: '0', inputs: TEXT_IN },
      { id: 'voyage-3-large', input: '0.18', output: '0', inputs: TEXT_IN },
      { id: 'voyage-3.5', input: '0.06', output: '0', inputs: TEXT_IN },
      { id: 'voyage-3.5-lite', input: '0.02', output: '0', inputs: TEXT_IN },
      { id: 'voyage-code-3', input: '0.18', output: '0', inputs: TEXT_IN },
      { id: 'rerank-2.5', input: '0.05', output: '0', inputs: TEXT_IN },
      { id: 'rerank-2.5-lite', input: '0.02', output: '0', inputs: TEXT_IN },
      { id: 'rerank-2', input: '0.05', output: '0', inputs: TEXT_IN },
      { id: 'rerank-2-lite', input: '0.02', output: '0', inputs: TEXT_IN },
    ],
  },
  {
    provider: 'jina',
    source: 'jina.ai/embeddings: tokens are sold in packages, so that no price a token is theirs',
    rows: [
      { id: 'jina-embeddings-v4', inputs: ['text', 'image'] },
      { id: 'jina-embeddings-v3', inputs: TEXT_IN },
      { id: 'jina-reranker-v3', inputs: TEXT_IN },
      { id: 'jina-reranker-v2-base-multilingual', inputs: TEXT_IN },
    ],
  },
  {
    provider: 'perplexity',
    source: 'docs.perplexity.ai/getting-started/pricing, and usage.cost of a recorded reply',
    rows: [
      { id: 'pplx-embed-v1-0.6b', input: '0.004', output: '0', inputs: TEXT_IN },
      { id: 'pplx-embed-v1-4b', input: '0.03', output: '0', inputs: TEXT_IN },
    ],
  },
  {
    provider: 'xai',
    source: 'docs.x.ai/docs/models, and usage.cost_in_usd_ticks of a recorded reply (200,000,000 of 10^-10 dollars)',
    rows: [{ id: 'grok-imagine-image', image: '0.02' }],
  },
];

/** Providers that do not chat, and so are not in models.dev. Their embeddings have OpenAI's wire, or nearly. */
export const PIECE_PROVIDERS: readonly CatalogProvider[] = [
  {
    id: 'voyage',
    aliases: ['voyageai'],
    name: 'Voyage AI',
    envKeys: ['VOYAGE_API_KEY'],
    envOthers: [],
    baseUrl: 'https://api.voyageai.com/v1',
    doc: 'https://docs.voyageai.com',
    dialect: 'openai-chat',
    models: [],
  },
  {
    id: 'jina',
    aliases: ['jina-ai'],
    name: 'Jina AI',
    envKeys: ['JINA_API_KEY'],
    envOthers: [],
    baseUrl: 'https://api.jina.ai/v1',
    doc: 'https://api.jina.ai/docs',
    dialect: 'openai-chat',
    models: [],
  },
  // Sold by the second of a machine or by the token, each model otherwise, and its API has no prices: they stay unknown.
  {
    id: 'replicate',
    aliases: [],
    name: 'Replicate',
    envKeys: ['REPLICATE_API_TOKEN'],
    envOthers: [],
    baseUrl: 'https://api.replicate.com/v1',
    doc: 'https://replicate.com/docs/reference/http',
    dialect: 'replicate',
    models: [],
  },
];
