/**
 * What models.dev does not say about providers, and we know from their own documentation: addresses, other names, who
 * gives models away, and where local servers are found.
 */
import type { CatalogDialect, FreeReason } from './rows.ts';

/** Wire format by the AI SDK package that models.dev names for a provider. A package that is not here has another wire. */
const DIALECT_BY_PACKAGE: ReadonlyMap<string, CatalogDialect> = new Map([
  ['@ai-sdk/openai-compatible', 'openai-chat'],
  ['@ai-sdk/openai', 'openai-chat'],
  ['@ai-sdk/anthropic', 'anthropic-messages'],
  ['@ai-sdk/google', 'gemini'],
  // Vertex has Gemini's wire under another path and with another kind of key.
  ['@ai-sdk/google-vertex', 'gemini'],
  ['@ai-sdk/google-vertex/anthropic', 'anthropic-messages'],
  ['@ai-sdk/amazon-bedrock', 'bedrock-converse'],
  ['@ai-sdk/azure', 'openai-chat'],
  ['@ai-sdk/cerebras', 'openai-chat'],
  ['@ai-sdk/cohere', 'cohere'],
  ['@ai-sdk/deepinfra', 'openai-chat'],
  ['@ai-sdk/gateway', 'openai-chat'],
  ['@ai-sdk/groq', 'openai-chat'],
  ['@ai-sdk/mistral', 'openai-chat'],
  ['@ai-sdk/perplexity', 'openai-chat'],
  ['@ai-sdk/togetherai', 'openai-chat'],
  ['@ai-sdk/vercel', 'openai-chat'],
  ['@ai-sdk/xai', 'openai-chat'],
  ['@aihubmix/ai-sdk-provider', 'openai-chat'],
  ['@openrouter/ai-sdk-provider', 'openai-chat'],
  ['ai-gateway-provider', 'openai-chat'],
  ['merge-gateway-ai-sdk-provider', 'openai-chat'],
  ['venice-ai-sdk-provider', 'openai-chat'],
]);

/** Answers only on `/responses`, though its package is OpenAI's. */
const RESPONSES_ONLY: ReadonlySet<string> = new Set(['perplexity-agent']);

/** Serves every model also by chat completions, whatever wire models.dev prefers for some of them. */
const CHAT_FOR_ALL: ReadonlySet<string> = new Set(['zenmux']);

/**
 * OpenAI's models that its chat completions do not serve, by their own pages (platform.openai.com/docs/models: "Responses" alone
 * among the endpoints): those for code, for thinking long, for research, and for using a computer.
 */
const RESPONSES_MODEL =
  /^(?:gpt-5(?:\.\d+)?-(?:codex|pro)|o[13]-pro|o[34](?:-mini)?-deep-research|codex-mini|computer-use-preview)(?![a-z])/;
/** Those that take a text and no chat (developers.openai.com/api/docs/models: "v1/completions" alone among the endpoints). */
const TEXT_MODEL = /^(?:gpt-3\.5-turbo-instruct|davinci-002|babbage-002)(?![a-z])/;
/** Who serves them. */
const OPENAI_HOSTS: ReadonlySet<string> = new Set(['openai', 'azure', 'azure-cognitive-services']);

/**
 * Official addresses, everything before the operation. They win over what a synced file says: whoever can change that
 * file must not be able to send the keys of the large providers elsewhere.
 */
const BASE_URLS: ReadonlyMap<string, string> = new Map([
  ['aihubmix', 'https://aihubmix.com/v1'],
  ['anthropic', 'https://api.anthropic.com'],
  ['cerebras', 'https://api.cerebras.ai/v1'],
  ['cohere', 'https://api.cohere.com/v2'],
  ['deepinfra', 'https://api.deepinfra.com/v1/openai'],
  ['deepseek', 'https://api.deepseek.com'],
  ['fireworks-ai', 'https://api.fireworks.ai/inference/v1'],
  ['google', 'https://generativelanguage.googleapis.com/v1beta'],
  ['groq', 'https://api.groq.com/openai/v1'],
  ['merge-gateway', 'https://api-gateway.merge.dev/v1/openai'],
  ['mistral', 'https://api.mistral.ai/v1'],
  ['openai', 'https://api.openai.com/v1'],
  ['openrouter', 'https://openrouter.ai/api/v1'],
  ['perplexity', 'https://api.perplexity.ai'],
  ['togetherai', 'https://api.together.ai/v1'],
  ['v0', 'https://api.v0.dev/v1'],
  ['venice', 'https://api.venice.ai/api/v1'],
  ['vercel', 'https://ai-gateway.vercel.sh/v1'],
  ['xai', 'https://api.x.ai/v1'],
]);

/** Addresses that depend on the account; `${NAME}` is the environment variable that models.dev lists for it. */
const BASE_URL_TEMPLATES: ReadonlyMap<string, string> = new Map([
  ['amazon-bedrock', 'https://bedrock-runtime.${AWS_REGION}.amazonaws.com'],
  ['azure', 'https://${AZURE_RESOURCE_NAME}.openai.azure.com/openai/v1'],
  [
    'azure-cognitive-services',
    'https://${AZURE_COGNITIVE_SERVICES_RESOURCE_NAME}.cognitiveservices.azure.com/openai/v1',
  ],
  [
    'cloudflare-ai-gateway',
    'https://gateway.ai.cloudflare.com/v1/${CLOUDFLARE_ACCOUNT_ID}/${CLOUDFLARE_GATEWAY_ID}/compat',
  ],
  [
    'google-vertex',
    'https://${GOOGLE_VERTEX_LOCATION}-aiplatform.googleapis.com/v1/projects/${GOOGLE_VERTEX_PROJECT}/locations/${GOOGLE_VERTEX_LOCATION}/publishers/google',
  ],
  [
    'google-vertex-anthropic',
    'https://${GOOGLE_VERTEX_LOCATION}-aiplatform.googleapis.com/v1/projects/${GOOGLE_VERTEX_PROJECT}/locations/${GOOGLE_VERTEX_LOCATION}',
  ],
]);

const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['amazon-bedrock', ['bedrock']],
  ['cloudflare-workers-ai', ['cloudflare', 'workers-ai']],
  ['fireworks-ai', ['fireworks']],
  ['google', ['gemini']],
  ['google-vertex', ['vertex']],
  ['moonshotai', ['moonshot']],
  ['novita-ai', ['novita']],
  ['snowflake-cortex', ['snowflake']],
  ['togetherai', ['together']],
  ['vercel', ['vercel-gateway']],
  ['xai', ['x-ai']],
]);

/** Providers whose zero prices are prices. Anyone else's zero on a paid account means that nobody filled the price in. */
const FREE_PROVIDERS: ReadonlyMap<string, FreeReason> = new Map<string, FreeReason>([
  ['lmstudio', 'local'],
  ['atomic-chat', 'local'],
  // A seat of GitLab Duo pays for it.
  ['gitlab', 'subscription'],
  ['kimi-for-coding', 'subscription'],
  // Free within a rate limit, and not for sale per token under this key.
  ['github-models', 'free-tier'],
  ['iflowcn', 'free-tier'],
  ['llama', 'free-tier'],
  ['modelscope', 'free-tier'],
  ['nvidia', 'free-tier'],
]);

/** `alibaba-coding-plan-cn`, `xiaomi-token-plan-ams`: a flat fee, tokens cost nothing more. */
const PLAN_PROVIDER = /-(?:coding|token)-plan(?:-|$)/;

/** `openai/gpt-oss-20b:free`, `kimi-k2.5-free`, `openrouter/free`. */
const FREE_NAME = /(?:^|[:/-])free$/i;

/** Listed as free by their provider: docs.z.ai/guides/overview/pricing. */
const FREE_MODELS: ReadonlySet<string> = new Set([
  'zai/glm-4.5-flash',
  'zai/glm-4.7-flash',
  'zhipuai/glm-4.5-flash',
  'zhipuai/glm-4.7-flash',
]);

/** Bedrock's key is a bearer token; the pair of access keys signs requests and is no key to send. */
const NO_KEYS: ReadonlySet<string> = new Set(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']);
const KEY_NAME = /(?:_KEY|_TOKEN|_PAT|_BEARER_TOKEN_BEDROCK)$/;

/** Wire of a provider, from its id and its package. */
export function dialectOfProvider(id: string, packageName: string): CatalogDialect | undefined {
  return RESPONSES_ONLY.has(id) ? 'openai-responses' : DIALECT_BY_PACKAGE.get(packageName);
}

/** What models.dev says of a model's wire: the AI SDK package, and what it calls the shape of the API. */
export interface ModelWire {
  readonly id: string;
  readonly packageName: string | undefined;
  readonly shape: string | undefined;
}

/**
 * Wire of a model that has another than its provider. `undefined`: the same as its provider's. A model that models.dev lists
 * with OpenAI's package at another provider is served by `/responses`.
 */
export function dialectOfModel(
  provider: { readonly id: string; readonly dialect: CatalogDialect | undefined },
  { id, packageName, shape }: ModelWire,
): CatalogDialect | 'other' | undefined {
  const own = OPENAI_HOSTS.has(provider.id) ? wireOfOpenai(id) : undefined;
  if (own !== undefined) return own;
  if (CHAT_FOR_ALL.has(provider.id) || (packageName === undefined && shape === undefined)) return undefined;
  const isResponses = shape === 'responses' || packageName === '@ai-sdk/openai';
  const dialect = isResponses
    ? 'openai-responses'
    : packageName === undefined
      ? provider.dialect
      : DIALECT_BY_PACKAGE.get(packageName);
  return dialect === provider.dialect ? undefined : (dialect ?? 'other');
}

/** The one wire of a model of OpenAI's that its chat completions do not serve. */
function wireOfOpenai(model: string): CatalogDialect | undefined {
  if (RESPONSES_MODEL.test(model)) return 'openai-responses';
  return TEXT_MODEL.test(model) ? 'openai-completions' : undefined;
}

/** The official address of a provider, if it has one for all accounts. */
export function officialBaseUrl(id: string): string | undefined {
  return BASE_URLS.get(id);
}

/** The official address of a provider that depends on the account. */
export function officialBaseUrlTemplate(id: string): string | undefined {
  return BASE_URL_TEMPLATES.get(id);
}

/** Other ids of a provider. */
export function aliasesOf(id: string): readonly string[] {
  return ALIASES.get(id) ?? [];
}

/** Whether, and why, a price of zero is one. */
export function freeReason(providerId: string, modelId: string): FreeReason | undefined {
  const known = FREE_PROVIDERS.get(providerId);
  if (known !== undefined) return known;
  if (PLAN_PROVIDER.test(providerId)) return 'subscription';
  return FREE_NAME.test(modelId) || FREE_MODELS.has(`${providerId}/${modelId}`) ? 'free-tier' : undefined;
}

/** Splits the environment variables of a provider into those that hold a key and the rest (account, region). */
export function splitEnvironment(names: readonly string[]): {
  readonly keys: readonly string[];
  readonly others: readonly string[];
} {
  const isKey = (name: string): boolean => KEY_NAME.test(name) && !NO_KEYS.has(name);
  return { keys: names.filter(isKey), others: names.filter((name) => !isKey(name)) };
}

/** A server on this machine that serves models without a key. */
export interface LocalProvider {
  readonly id: string;
  readonly name: string;
  readonly dialect: CatalogDialect;
  /** Where it listens when nobody has changed it. */
  readonly baseUrl: string;
  readonly doc: string;
}

const LOCAL_PROVIDERS: readonly LocalProvider[] = [
  {
    id: 'ollama',
    name: 'Ollama',
    dialect: 'openai-chat',
    baseUrl: 'http://127.0.0.1:11434/v1',
    doc: 'https://docs.ollama.com/api/openai-compatibility',
  },
  {
    id: 'lmstudio',
    name: 'LM Studio',
    dialect: 'openai-chat',
    baseUrl: 'http://127.0.0.1:1234/v1',
    doc: 'https://lmstudio.ai/docs/developer/openai-compat',
  },
  {
    id: 'vllm',
    name: 'vLLM',
    dialect: 'openai-chat',
    baseUrl: 'http://127.0.0.1:8000/v1',
    doc: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
  },
  {
    id: 'llamacpp',
    name: 'llama.cpp',
    dialect: 'openai-chat',
    baseUrl: 'http://127.0.0.1:8080/v1',
    doc: 'https://github.com/ggml-org/llama.cpp/tree/master/tools/server',
  },
];

/** The local servers that the gateway looks for on a first run. What they serve costs nothing and is asked of them. */
export function localProviders(): readonly LocalProvider[] {
  return LOCAL_PROVIDERS;
}
