/**
 * In which wire a provider is asked for what is not a chat. By its dialect, as most providers of a dialect have its other
 * operations too; a provider that is odd has its row here. What stands in no row is left out of the plan.
 */
import type { Origin } from '../chat/part.ts';
import type { OperationId } from '../dialects/operations/operation.ts';
import type { Provider } from './provider.ts';

export interface WireChoice {
  readonly wire: string;
  /** Below the base URL, where it is not the wire's own path. */
  readonly path?: string;
  /** Most inputs that are taken at once. Absent: no limit is known. */
  readonly inputsMax?: number;
}

/** By a pattern of the model's name; the first that matches. */
interface ModelRow extends WireChoice {
  readonly model?: RegExp;
}

type Rows = Readonly<Partial<Record<OperationId, readonly ModelRow[]>>>;

/** developers.openai.com/api/reference/resources/embeddings: 2,048 inputs. */
const OPENAI_INPUTS_MAX = 2048;

const OPENAI: Rows = {
  embeddings: [{ wire: 'openai-embeddings', inputsMax: OPENAI_INPUTS_MAX }],
  rerank: [{ wire: 'jina-rerank' }],
  moderations: [{ wire: 'openai-moderations' }],
  images: [{ wire: 'openai-images' }],
  'image-edits': [{ wire: 'openai-image-edits' }],
  speech: [{ wire: 'openai-speech' }],
  transcriptions: [{ wire: 'openai-transcription' }],
  translations: [{ wire: 'openai-translation' }],
};

const BEDROCK: Rows = {
  embeddings: [
    // docs.aws.amazon.com/bedrock, "Cohere Embed models": 96 texts.
    { model: /cohere\.embed/, wire: 'bedrock-cohere-embed', inputsMax: 96 },
    { model: /titan-embed/, wire: 'titan-embed', inputsMax: 1 },
    { model: /nova-.*embed/, wire: 'nova-embed', inputsMax: 1 },
  ],
  rerank: [
    // docs.aws.amazon.com/bedrock, "Rerank": models by their ARN, at `bedrock-agent-runtime`.
    { model: /^arn:.*rerank/, wire: 'bedrock-rerank' },
    { model: /cohere\.rerank/, wire: 'bedrock-cohere-rerank' },
  ],
};

/** Nothing but chats. */
const NOTHING: Rows = {
  embeddings: [],
  rerank: [],
  moderations: [],
  images: [],
  'image-edits': [],
  speech: [],
  transcriptions: [],
  translations: [],
};

const BY_DIALECT: Readonly<Partial<Record<Origin, Rows>>> = {
  'openai-chat': OPENAI,
  'openai-responses': OPENAI,
  gemini: {
    // ai.google.dev/gemini-api/docs/embeddings: 100 requests a batch.
    embeddings: [{ wire: 'gemini-embed', inputsMax: 100 }],
    images: [{ model: /imagen/, wire: 'vertex-images' }],
  },
  'bedrock-converse': BEDROCK,
  cohere: {
    // docs.cohere.com/reference/embed: 96 texts.
    embeddings: [{ wire: 'cohere-embed', inputsMax: 96 }],
    rerank: [{ wire: 'cohere-rerank' }],
    transcriptions: [{ wire: 'json-transcription' }],
  },
  ollama: { embeddings: [{ wire: 'ollama-embed' }] },
};

/** Over what the dialect has, by catalog id; an empty list: the provider does not have it. */
const BY_PROVIDER: Readonly<Record<string, Rows>> = {
  openai: { rerank: [] },
  azure: { rerank: [], moderations: [] },
  'azure-cognitive-services': { rerank: [], moderations: [] },
  'google-vertex': {
    embeddings: [
      // cloud.google.com, "Text embeddings API": one input for Gemini's models, 250 for the older ones.
      { model: /^gemini-embedding-2/, wire: 'vertex-embed-content', inputsMax: 1 },
      { model: /^gemini-embedding/, wire: 'vertex-predict', inputsMax: 1 },
      { wire: 'vertex-predict', inputsMax: 250 },
    ],
    images: [{ model: /imagen/, wire: 'vertex-images' }],
  },
  cohere: BY_DIALECT.cohere ?? {},
  'amazon-bedrock': BEDROCK,
  mistral: {
    embeddings: [{ wire: 'mistral-embeddings' }],
    rerank: [],
    images: [],
    'image-edits': [],
    transcriptions: [{ wire: 'json-transcription' }],
    translations: [],
  },
  // docs.voyageai.com/reference/embeddings-api: 1,000 texts.
  voyage: {
    ...NOTHING,
    embeddings: [{ wire: 'voyage-embeddings', inputsMax: 1000 }],
    rerank: [{ wire: 'voyage-rerank' }],
  },
  perplexity: {
    ...NOTHING,
    // docs.perplexity.ai/api-reference/embeddings-post: 512 inputs, under /v1 where the chat has none.
    embeddings: [{ wire: 'perplexity-embeddings', path: '/v1/embeddings', inputsMax: 512 }],
  },
  groq: { embeddings: [], rerank: [], moderations: [], images: [], 'image-edits': [] },
  venice: { images: [{ wire: 'venice-images' }], rerank: [], moderations: [], translations: [] },
  xai: { embeddings: [], rerank: [], moderations: [], speech: [], transcriptions: [], translations: [] },
  deepseek: NOTHING,
  // huggingface.co/docs/inference-providers: the router has OpenAI's form for chats alone.
  huggingface: NOTHING,
  // docs.snowflake.com, "Cortex REST API": embeddings are asked for in a form of its own.
  'snowflake-cortex': NOTHING,
};

/** How `provider` is asked for `operation` with that model (the provider's own name of it); undefined where it does not have it. */
export function wireChoice(
  { id, dialect }: Pick<Provider, 'id' | 'dialect'>,
  operation: OperationId,
  model: string,
): WireChoice | undefined {
  const own = Object.hasOwn(BY_PROVIDER, id) ? BY_PROVIDER[id]?.[operation] : undefined;
  const rows = own ?? BY_DIALECT[dialect.id]?.[operation] ?? [];
  return rows.find((row) => row.model === undefined || row.model.test(model));
}
