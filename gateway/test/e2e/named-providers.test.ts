/**
 * Providers by name, each configured as its user would: an id, a key, and the variables that its address needs. What goes out
 * is asked for by a client of OpenAI's wire, whole and streamed, and by one of Anthropic's; then embeddings and responses.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asArray, type JsonRecord } from '../../src/lib/json.ts';
import type { UpstreamCall } from '../../src/upstream/upstream.ts';
import { bodyOf, shortReply, startInside, type Inside, type Said } from './inside.ts';

interface Case {
  /** The provider's row in the file. */
  readonly row: string;
  readonly env: Readonly<Record<string, string>>;
  readonly model: string;
  readonly url: string;
  /** Where it is another. */
  readonly streamUrl?: string;
  readonly auth: readonly [header: string, value: string];
  /** What OpenAI's client asked for, without the model, as it goes out. */
  readonly chat: JsonRecord;
  /** Beside that, of a stream. */
  readonly stream: JsonRecord;
  /** What Anthropic's client asked for. */
  readonly messages: JsonRecord;
  /** Where Anthropic's client goes on in its own wire. */
  readonly messagesUrl?: string;
  /** Model and address; absent: the provider has none. */
  readonly embeddings?: readonly [model: string, url: string];
  /** Where the provider speaks the Responses API. */
  readonly responsesUrl?: string;
}

const DEVELOPER = { role: 'developer', content: 'Be short.' };
const SYSTEM = { role: 'system', content: 'Be short.' };
const HI = { role: 'user', content: 'hi' };
const AS_SENT = { messages: [DEVELOPER, HI], max_completion_tokens: 50, seed: 7 };
const OLDER = { messages: [SYSTEM, HI], max_tokens: 50, seed: 7 };
const TRANSLATED = { messages: [SYSTEM, HI], max_tokens: 50 };
const TRANSLATED_NEWER = { messages: [SYSTEM, HI], max_completion_tokens: 50 };
const ANTHROPIC = { max_tokens: 50, system: 'Be short.', messages: [HI] };
const ASKED = { stream: true, stream_options: { include_usage: true } };
/** Usage comes unasked, or asking for it is refused. */
const UNASKED = { stream: true };
const BEARER = ['authorization', 'Bearer k'] as const;
const VERTEX = 'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers';
const VERTEX_ENV = {
  GOOGLE_VERTEX_PROJECT: 'p',
  GOOGLE_VERTEX_LOCATION: 'europe-west4',
  GOOGLE_VERTEX_ACCESS_TOKEN: 'ya29.t',
};
const GEMINI = {
  contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
  systemInstruction: { parts: [{ text: 'Be short.' }] },
};

const CASES: Readonly<Record<string, Case>> = {
  'Azure OpenAI by the name of its resource': {
    row: 'azure: {}',
    env: { AZURE_RESOURCE_NAME: 'house', AZURE_OPENAI_API_KEY: 'k' },
    model: 'azure/gpt-4o',
    url: 'https://house.openai.azure.com/openai/v1/chat/completions',
    auth: ['api-key', 'k'],
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED_NEWER,
    embeddings: ['azure/text-embedding-3-small', 'https://house.openai.azure.com/openai/v1/embeddings'],
    responsesUrl: 'https://house.openai.azure.com/openai/v1/responses',
  },
  'Azure OpenAI by deployments of a version': {
    row: 'azure: {base_url: "https://house.openai.azure.com", azure: {api_version: 2024-10-21}, api_key: k}',
    env: {},
    model: 'azure/gpt-4o',
    url: 'https://house.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
    auth: ['api-key', 'k'],
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED_NEWER,
    embeddings: [
      'azure/text-embedding-3-small',
      'https://house.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21',
    ],
    responsesUrl: 'https://house.openai.azure.com/openai/v1/responses',
  },
  'Azure OpenAI by an Entra token': {
    row: 'azure: {azure: {}}',
    env: {
      AZURE_RESOURCE_NAME: 'house',
      AZURE_TENANT_ID: 'tenant',
      AZURE_CLIENT_ID: 'client',
      AZURE_CLIENT_SECRET: 'client-secret',
    },
    model: 'azure/gpt-4o',
    url: 'https://house.openai.azure.com/openai/v1/chat/completions',
    auth: ['authorization', 'Bearer entra-token'],
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED_NEWER,
    embeddings: ['azure/text-embedding-3-small', 'https://house.openai.azure.com/openai/v1/embeddings'],
  },
  'Azure AI Foundry': {
    row: 'azure: {base_url: "https://house.services.ai.azure.com/models", api_key: k}',
    env: {},
    model: 'azure/grok-4-1-fast-non-reasoning',
    url: 'https://house.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview',
    auth: ['api-key', 'k'],
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED_NEWER,
    embeddings: [
      'azure/embed-v-4-0',
      'https://house.services.ai.azure.com/models/embeddings?api-version=2024-05-01-preview',
    ],
  },
  'Vertex, Gemini': {
    row: 'google-vertex: {}',
    env: VERTEX_ENV,
    model: 'google-vertex/gemini-2.5-flash',
    url: `${VERTEX}/google/models/gemini-2.5-flash:generateContent`,
    streamUrl: `${VERTEX}/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse`,
    auth: ['authorization', 'Bearer ya29.t'],
    chat: { ...GEMINI, generationConfig: { seed: 7, maxOutputTokens: 50 } },
    stream: {},
    messages: { ...GEMINI, generationConfig: { maxOutputTokens: 50 } },
    embeddings: ['google-vertex/text-embedding-005', `${VERTEX}/google/models/text-embedding-005:predict`],
  },
  'Vertex, Claude': {
    row: 'google-vertex: {}',
    env: VERTEX_ENV,
    model: 'google-vertex/claude-haiku-4-5@20251001',
    url: `${VERTEX}/anthropic/models/claude-haiku-4-5@20251001:rawPredict`,
    streamUrl: `${VERTEX}/anthropic/models/claude-haiku-4-5@20251001:streamRawPredict`,
    auth: ['authorization', 'Bearer ya29.t'],
    chat: { anthropic_version: 'vertex-2023-10-16', ...ANTHROPIC },
    stream: { stream: true },
    messages: { anthropic_version: 'vertex-2023-10-16', ...ANTHROPIC },
  },
  Mistral: {
    row: 'mistral: {}',
    env: { MISTRAL_API_KEY: 'k' },
    model: 'mistral/mistral-large-latest',
    url: 'https://api.mistral.ai/v1/chat/completions',
    auth: BEARER,
    chat: { messages: [SYSTEM, HI], max_tokens: 50, random_seed: 7 },
    stream: UNASKED,
    messages: TRANSLATED,
    embeddings: ['mistral/mistral-embed', 'https://api.mistral.ai/v1/embeddings'],
  },
  OpenRouter: {
    row: 'openrouter: {}',
    env: { OPENROUTER_API_KEY: 'k' },
    model: 'openrouter/ai21/jamba-large-1.7',
    url: 'https://openrouter.ai/api/v1/chat/completions',
    auth: BEARER,
    chat: AS_SENT,
    stream: UNASKED,
    messages: TRANSLATED_NEWER,
    embeddings: ['openrouter/openai/text-embedding-3-small', 'https://openrouter.ai/api/v1/embeddings'],
    responsesUrl: 'https://openrouter.ai/api/v1/responses',
  },
  Together: {
    row: 'togetherai: {}',
    env: { TOGETHER_API_KEY: 'k' },
    model: 'together/MiniMaxAI/MiniMax-M2.5',
    url: 'https://api.together.ai/v1/chat/completions',
    auth: BEARER,
    chat: OLDER,
    stream: ASKED,
    messages: TRANSLATED,
    embeddings: ['together/intfloat/multilingual-e5-large-instruct', 'https://api.together.ai/v1/embeddings'],
  },
  Fireworks: {
    row: 'fireworks-ai: {}',
    env: { FIREWORKS_API_KEY: 'k' },
    model: 'fireworks-ai/accounts/fireworks/models/glm-5p1',
    url: 'https://api.fireworks.ai/inference/v1/chat/completions',
    auth: BEARER,
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED,
    embeddings: ['fireworks-ai/nomic-ai/nomic-embed-text-v1.5', 'https://api.fireworks.ai/inference/v1/embeddings'],
  },
  Perplexity: {
    row: 'perplexity: {}',
    env: { PERPLEXITY_API_KEY: 'k' },
    model: 'perplexity/sonar-pro',
    url: 'https://api.perplexity.ai/chat/completions',
    auth: BEARER,
    chat: OLDER,
    stream: UNASKED,
    messages: TRANSLATED,
    embeddings: ['perplexity/pplx-embed-v1-0.6b', 'https://api.perplexity.ai/v1/embeddings'],
  },
  'Hugging Face': {
    row: 'huggingface: {}',
    env: { HF_TOKEN: 'k' },
    model: 'huggingface/MiniMaxAI/MiniMax-M2.5',
    url: 'https://router.huggingface.co/v1/chat/completions',
    auth: BEARER,
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED,
  },
  Databricks: {
    row: 'databricks: {}',
    env: { DATABRICKS_HOST: 'https://adb-1.2.azuredatabricks.net/', DATABRICKS_TOKEN: 'k' },
    model: 'databricks/databricks-claude-haiku-4-5',
    url: 'https://adb-1.2.azuredatabricks.net/ai-gateway/mlflow/v1/chat/completions',
    auth: BEARER,
    chat: OLDER,
    stream: UNASKED,
    messages: TRANSLATED,
    embeddings: [
      'databricks/databricks-gte-large-en',
      'https://adb-1.2.azuredatabricks.net/ai-gateway/mlflow/v1/embeddings',
    ],
  },
  'Databricks by its older address': {
    row: 'databricks: {base_url: "https://adb-1.2.azuredatabricks.net/serving-endpoints", api_key: k}',
    env: {},
    model: 'databricks/databricks-claude-3-7-sonnet',
    url: 'https://adb-1.2.azuredatabricks.net/serving-endpoints/chat/completions',
    auth: BEARER,
    chat: OLDER,
    stream: UNASKED,
    messages: TRANSLATED,
    embeddings: [
      'databricks/databricks-gte-large-en',
      'https://adb-1.2.azuredatabricks.net/serving-endpoints/embeddings',
    ],
  },
  Snowflake: {
    row: 'snowflake-cortex: {}',
    env: { SNOWFLAKE_ACCOUNT: 'org-account', SNOWFLAKE_CORTEX_PAT: 'k' },
    model: 'snowflake/claude-haiku-4-5',
    url: 'https://org-account.snowflakecomputing.com/api/v2/cortex/v1/chat/completions',
    auth: BEARER,
    chat: AS_SENT,
    stream: ASKED,
    messages: ANTHROPIC,
    messagesUrl: 'https://org-account.snowflakecomputing.com/api/v2/cortex/v1/messages',
  },
  "Snowflake, a model that is not Anthropic's": {
    row: 'snowflake-cortex: {}',
    env: { SNOWFLAKE_ACCOUNT: 'org-account', SNOWFLAKE_CORTEX_PAT: 'k' },
    model: 'snowflake/openai-gpt-4.1',
    url: 'https://org-account.snowflakecomputing.com/api/v2/cortex/v1/chat/completions',
    auth: BEARER,
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED_NEWER,
  },
  Replicate: {
    row: 'replicate: {}',
    env: { REPLICATE_API_TOKEN: 'k' },
    model: 'replicate/meta/meta-llama-3-70b-instruct',
    url: 'https://api.replicate.com/v1/models/meta/meta-llama-3-70b-instruct/predictions',
    auth: BEARER,
    chat: { input: { prompt: 'hi', system_prompt: 'Be short.', max_tokens: 50, seed: 7 } },
    stream: {},
    messages: { input: { prompt: 'hi', system_prompt: 'Be short.', max_tokens: 50 } },
  },
  'Cloudflare Workers AI': {
    row: 'cloudflare-workers-ai: {}',
    env: { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef', CLOUDFLARE_API_TOKEN: 'k' },
    model: 'cloudflare/@cf/google/gemma-4-26b-a4b-it',
    url: 'https://api.cloudflare.com/client/v4/accounts/0123456789abcdef/ai/v1/chat/completions',
    auth: BEARER,
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED,
    embeddings: [
      'cloudflare/@cf/baai/bge-m3',
      'https://api.cloudflare.com/client/v4/accounts/0123456789abcdef/ai/v1/embeddings',
    ],
  },
  'Cloudflare AI Gateway': {
    row: 'cloudflare-ai-gateway: {headers: {authorization: "Bearer ${ANTHROPIC_API_KEY}"}}',
    env: {
      CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef',
      CLOUDFLARE_GATEWAY_ID: 'house',
      CLOUDFLARE_API_TOKEN: 'k',
      ANTHROPIC_API_KEY: 'behind',
    },
    model: 'cloudflare-ai-gateway/anthropic/claude-3-5-haiku',
    url: 'https://gateway.ai.cloudflare.com/v1/0123456789abcdef/house/compat/chat/completions',
    auth: ['cf-aig-authorization', 'Bearer k'],
    chat: AS_SENT,
    stream: ASKED,
    messages: TRANSLATED,
    embeddings: [
      'cloudflare-ai-gateway/openai/text-embedding-3-small',
      'https://gateway.ai.cloudflare.com/v1/0123456789abcdef/house/compat/embeddings',
    ],
  },
};
/** Headers that can hold a secret: only the one that is named may be there. */
const SECRET_HEADERS = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key', 'cf-aig-authorization'];
const OPERATORS_OWN = 'Bearer behind';

describe('a provider by its name', () => {
  for (const [name, expected] of Object.entries(CASES))
    it(`is asked where, how and as whom it wants to be: ${name}`, async () => {
      const inside = await startInside({ config: `providers:\n  ${expected.row}\n`, env: expected.env, answer });
      try {
        assert.deepEqual(inside.warnings, []);
        await assertChats(inside, expected);
        await assertMessages(inside, expected);
        await assertEmbeddings(inside, expected);
        if (expected.responsesUrl !== undefined) {
          const call = await asked(inside, '/v1/responses', { model: expected.model, input: 'hi' });
          assert.equal(call.url, expected.responsesUrl);
        }
      } finally {
        await inside.close();
      }
    });

  it('whose address lacks a word says which', async () => {
    const config = 'providers: {databricks: {api_key: k}, cloudflare-ai-gateway: {api_key: k}}';
    const inside = await startInside({ config, env: { CLOUDFLARE_ACCOUNT_ID: '0' }, answer });
    await inside.close();
    assert.deepEqual(inside.warnings, [
      'provider databricks: set DATABRICKS_HOST, or give it a `base_url`; its address depends on your account',
      'provider cloudflare-ai-gateway: set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_GATEWAY_ID, or give it a `base_url`; its address depends on your account',
    ]);
  });
});

async function assertChats(inside: Inside, { model, url, streamUrl, auth, chat, stream }: Case): Promise<void> {
  const body = { model, ...AS_SENT };
  for (const isStream of [false, true]) {
    const call = await asked(inside, '/v1/chat/completions', isStream ? { ...body, stream: true } : body);
    assert.equal(call.url, isStream ? (streamUrl ?? url) : url);
    assert.deepEqual(withoutModel(call), isStream ? { ...chat, ...stream } : chat);
    const shown = SECRET_HEADERS.flatMap((header) => {
      const value = call.headers[header];
      return value === undefined || value === OPERATORS_OWN ? [] : [[header, value]];
    });
    assert.deepEqual(shown, [auth]);
  }
}

async function assertMessages(inside: Inside, { model, url, messages, messagesUrl, auth }: Case): Promise<void> {
  const call = await asked(inside, '/v1/messages', { model, ...ANTHROPIC });
  assert.equal(call.url, messagesUrl ?? url);
  assert.deepEqual(withoutModel(call), messages);
  assert.equal(call.headers[auth[0]], auth[1]);
}

async function assertEmbeddings(inside: Inside, { model, embeddings, auth }: Case): Promise<void> {
  const [name, url] = embeddings ?? [model];
  const before = inside.sent.length;
  const got = await inside.post('/v1/embeddings', { model: name, input: ['a', 'b'] });
  if (url === undefined) {
    assert.deepEqual([got.status, inside.sent.length], [400, before], got.text);
    return;
  }
  const call = inside.sent.at(-1);
  assert.deepEqual([got.status, call?.url, call?.headers[auth[0]]], [200, url, auth[1]], got.text);
}

/** The call that a request became; the last one, where a token was fetched before it. */
async function asked(inside: Inside, path: string, body: JsonRecord): Promise<UpstreamCall> {
  const got = await inside.post(path, body);
  assert.equal(got.status, 200, got.text);
  assert.match(got.text, /hello there/);
  const call = inside.sent.at(-1);
  assert.ok(call);
  return call;
}

function withoutModel(call: UpstreamCall): JsonRecord {
  const { model: _, ...rest } = bodyOf(call);
  return rest;
}

/** In the wire of the address. */
function answer(call: UpstreamCall): Said {
  const { hostname, pathname } = new URL(call.url);
  const body = bodyOf(call);
  if (hostname === 'login.microsoftonline.com')
    return { body: JSON.stringify({ access_token: 'entra-token', expires_in: 3600 }) };
  if (/\/embeddings$|:predict$/.test(pathname)) return { body: JSON.stringify(vectors(body)) };
  if (pathname.endsWith('enerateContent')) return shortReply('gemini', pathname.endsWith(':streamGenerateContent'));
  if (/awPredict$|\/messages$/.test(pathname)) return shortReply('anthropic-messages', body['stream'] === true);
  if (pathname.endsWith('/predictions')) return shortReply('replicate', false);
  if (pathname.endsWith('/responses')) return shortReply('openai-responses', body['stream'] === true);
  return shortReply('openai-chat', body['stream'] === true);
}

function vectors(body: JsonRecord): JsonRecord {
  const instances = asArray(body['instances']);
  if (instances !== undefined)
    return { predictions: instances.map(() => ({ embeddings: { values: [0.5], statistics: { token_count: 1 } } })) };
  const data = (asArray(body['input']) ?? []).map((_, index) => ({ object: 'embedding', index, embedding: [0.5] }));
  return { object: 'list', model: 'm', data, usage: { prompt_tokens: 2, total_tokens: 2 } };
}
