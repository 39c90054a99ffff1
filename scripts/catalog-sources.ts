/**
 * What generate-catalog.ts knows beside its two price lists: which provider is which, who is right where the lists
 * disagree and neither is dated, models younger than the models.dev snapshot, and announced last days.
 */

/** Ids of models.dev to ids of genai-prices, where both mean the same price list. */
export const GENAI_PROVIDERS: Readonly<Record<string, string>> = {
  'amazon-bedrock': 'aws',
  anthropic: 'anthropic',
  azure: 'azure',
  baseten: 'baseten',
  cerebras: 'cerebras',
  'cloudflare-workers-ai': 'cloudflare',
  cohere: 'cohere',
  deepseek: 'deepseek',
  'fireworks-ai': 'fireworks',
  'github-copilot': 'github-copilot',
  google: 'google',
  'google-vertex': 'google',
  groq: 'groq',
  minimax: 'minimax',
  mistral: 'mistral',
  moonshotai: 'moonshotai',
  'novita-ai': 'novita',
  openai: 'openai',
  openrouter: 'openrouter',
  ovhcloud: 'ovhcloud',
  perplexity: 'perplexity',
  togetherai: 'together',
  xai: 'x-ai',
  zai: 'zai',
  zhipuai: 'zhipuai',
};

export interface Ruling {
  readonly model: string;
  readonly take: 'models.dev' | 'genai-prices' | { readonly cacheRead: string };
  readonly why: string;
}

/** Decided by hand, because both prices are undated. Without a ruling the row of models.dev stays: it says when it was looked at. */
export const RULINGS: readonly Ruling[] = [
  {
    model: 'google-vertex/gemini-2.5-flash',
    take: 'genai-prices',
    why: 'two of three: LiteLLM (2026-07-24) also has 0.03, and so has models.dev for the same model at Google itself',
  },
  {
    model: 'google/gemini-flash-latest',
    take: { cacheRead: '0.03' },
    why: 'LiteLLM (2026-07-24) is newer, and a tenth of the input price is what Google takes for its other Flash models',
  },
  {
    model: 'google/gemini-flash-lite-latest',
    take: { cacheRead: '0.01' },
    why: 'LiteLLM (2026-07-24) is newer, and a tenth of the input price is what Google takes for its other Flash models',
  },
];

export interface NewerModel {
  readonly provider: string;
  readonly id: string;
  readonly name?: string;
  readonly family?: string;
  readonly releasedOn?: string;
}

/** Models that genai-prices (2026-09-23) prices and the snapshot of models.dev (2026-07-02) does not have. */
export const NEWER_MODELS: readonly NewerModel[] = [
  { provider: 'anthropic', id: 'claude-opus-5', family: 'claude-opus' },
  { provider: 'anthropic', id: 'claude-opus-5-5', family: 'claude-opus', releasedOn: '2026-09-22' },
  { provider: 'anthropic', id: 'claude-fable-5-1' },
  { provider: 'openai', id: 'gpt-5.6', name: 'GPT-5.6' },
  { provider: 'openai', id: 'gpt-5.6-sol' },
  { provider: 'openai', id: 'gpt-5.6-terra' },
  { provider: 'openai', id: 'gpt-5.6-luna' },
  { provider: 'openai', id: 'gpt-6-sol' },
  { provider: 'openai', id: 'gpt-6-luna' },
  { provider: 'openai', id: 'gpt-6-astra' },
  { provider: 'openai', id: 'gpt-3.5-turbo-instruct', name: 'GPT-3.5 Turbo Instruct' },
  { provider: 'openai', id: 'gpt-4o-search-preview' },
  { provider: 'openai', id: 'gpt-4o-audio-preview', name: 'GPT-4o Audio (Preview)' },
  { provider: 'openai', id: 'gpt-audio' },
  { provider: 'openai', id: 'gpt-audio-mini' },
  { provider: 'openai', id: 'gpt-realtime', name: 'GPT Realtime' },
  { provider: 'openai', id: 'gpt-realtime-2', name: 'GPT Realtime 2' },
  { provider: 'openai', id: 'gpt-realtime-mini', name: 'GPT Realtime Mini' },
  { provider: 'openai', id: 'gpt-4o-mini-tts', name: 'GPT-4o mini TTS' },
  { provider: 'openai', id: 'gpt-4o-transcribe', name: 'GPT-4o Transcribe' },
  { provider: 'openai', id: 'gpt-4o-mini-transcribe', name: 'GPT-4o mini Transcribe' },
  { provider: 'google', id: 'gemini-3.5-flash-lite', family: 'gemini-flash-lite', releasedOn: '2026-07-21' },
  { provider: 'google', id: 'gemini-3.6-flash', family: 'gemini-flash', releasedOn: '2026-07-21' },
  { provider: 'google', id: 'gemini-3.7-flash', family: 'gemini-flash', releasedOn: '2026-08-13' },
  { provider: 'google', id: 'gemini-3.8-flash', family: 'gemini-flash', releasedOn: '2026-09-02' },
  { provider: 'xai', id: 'grok-4.5' },
  { provider: 'xai', id: 'grok-4.6' },
  { provider: 'zai', id: 'glm-5.3' },
  { provider: 'zai', id: 'glm-5.3-flash' },
  { provider: 'zhipuai', id: 'glm-5.3' },
  { provider: 'zhipuai', id: 'glm-5.3-flash' },
  { provider: 'moonshotai', id: 'kimi-k3' },
  { provider: 'mistral', id: 'mistral-medium-3-5' },
  { provider: 'mistral', id: 'ministral-14b-2512' },
  { provider: 'mistral', id: 'ministral-8b-2512' },
  { provider: 'mistral', id: 'ministral-3b-2512' },
  { provider: 'mistral', id: 'codestral-2508' },
  { provider: 'cerebras', id: 'gemma-4-31b' },
  { provider: 'fireworks-ai', id: 'accounts/fireworks/models/kimi-k3' },
  { provider: 'fireworks-ai', id: 'accounts/fireworks/models/inkling' },
  { provider: 'baseten', id: 'moonshotai/Kimi-K3' },
  { provider: 'baseten', id: 'zai-org/GLM-5.3' },
  { provider: 'baseten', id: 'zai-org/GLM-5.3-Flash' },
  { provider: 'cloudflare-workers-ai', id: '@cf/zai-org/glm-5.3-flash' },
  { provider: 'cloudflare-workers-ai', id: '@cf/qwen/qwen3.8-27b' },
  { provider: 'amazon-bedrock', id: 'global.anthropic.claude-opus-5', name: 'Claude Opus 5 (global)' },
  { provider: 'amazon-bedrock', id: 'us.anthropic.claude-opus-5', name: 'Claude Opus 5 (US)' },
  { provider: 'amazon-bedrock', id: 'eu.anthropic.claude-opus-5', name: 'Claude Opus 5 (EU)' },
  { provider: 'amazon-bedrock', id: 'global.anthropic.claude-opus-5-5', name: 'Claude Opus 5.5 (global)' },
  { provider: 'amazon-bedrock', id: 'us.anthropic.claude-opus-5-5', name: 'Claude Opus 5.5 (US)' },
  { provider: 'amazon-bedrock', id: 'eu.anthropic.claude-opus-5-5', name: 'Claude Opus 5.5 (EU)' },
  { provider: 'amazon-bedrock', id: 'global.amazon.nova-2-lite-v1:0' },
  { provider: 'amazon-bedrock', id: 'us.amazon.nova-2-lite-v1:0' },
  { provider: 'github-copilot', id: 'claude-opus-5' },
  { provider: 'github-copilot', id: 'gpt-5.6-sol' },
  { provider: 'github-copilot', id: 'gpt-5.6-terra' },
  { provider: 'github-copilot', id: 'gpt-5.6-luna' },
  { provider: 'github-copilot', id: 'gemini-3.8-flash' },
];

/** Named by the providers' own SDKs (openai 7.57.0, @anthropic-ai/sdk 1.12.0) and by neither price list: known, not priced. */
export const SDK_MODELS: readonly NewerModel[] = [
  { provider: 'anthropic', id: 'claude-sonnet-5-5', name: 'Claude Sonnet 5.5', family: 'claude-sonnet' },
  { provider: 'anthropic', id: 'claude-haiku-5-5', name: 'Claude Haiku 5.5', family: 'claude-haiku' },
  { provider: 'anthropic', id: 'claude-fable-5-2', name: 'Claude Fable 5.2' },
  { provider: 'openai', id: 'gpt-6.1-sol', name: 'GPT-6.1 Sol' },
  { provider: 'openai', id: 'gpt-6.1-terra', name: 'GPT-6.1 Terra' },
];

export interface Retirement {
  readonly on: string;
  readonly successor?: string;
  readonly models: readonly string[];
}

/** Where the last days come from. They hold for these providers' own platforms; Bedrock, Vertex and Azure have their own. */
export const RETIREMENT_SOURCES: Readonly<Record<string, string>> = {
  anthropic:
    'platform.claude.com/docs/en/about-claude/model-deprecations; the list in @anthropic-ai/sdk 1.12.0 for claude-sonnet-4-5',
  google: 'ai.google.dev/gemini-api/docs/deprecations',
  openai: 'developers.openai.com/api/docs/deprecations',
};

/** Announced last days, by provider. Only days the provider has fixed; an "earliest possible" day is none. */
export const RETIREMENTS: Readonly<Record<string, readonly Retirement[]>> = {
  anthropic: [
    { on: '2025-10-28', models: ['claude-3-5-sonnet-20240620', 'claude-3-5-sonnet-20241022'] },
    { on: '2026-01-05', models: ['claude-3-opus-20240229'] },
    {
      on: '2026-02-19',
      models: ['claude-3-7-sonnet-20250219', 'claude-3-5-haiku-20241022', 'claude-3-5-haiku-latest'],
    },
    { on: '2026-06-15', successor: 'claude-sonnet-4-6', models: ['claude-sonnet-4-0', 'claude-sonnet-4-20250514'] },
    { on: '2026-06-15', successor: 'claude-opus-4-8', models: ['claude-opus-4-0', 'claude-opus-4-20250514'] },
    { on: '2026-08-05', models: ['claude-opus-4-1', 'claude-opus-4-1-20250805'] },
    { on: '2026-11-30', models: ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'] },
  ],
  google: [
    { on: '2026-03-09', successor: 'gemini-3.1-pro-preview', models: ['gemini-3-pro-preview'] },
    { on: '2026-05-25', successor: 'gemini-3.1-flash-lite', models: ['gemini-3.1-flash-lite-preview'] },
    {
      on: '2026-06-01',
      models: ['gemini-2.0-flash', 'gemini-2.0-flash-001', 'gemini-2.0-flash-lite', 'gemini-2.0-flash-lite-001'],
    },
    { on: '2026-06-25', successor: 'gemini-3.1-flash-image', models: ['gemini-3.1-flash-image-preview'] },
    { on: '2026-06-25', successor: 'gemini-3-pro-image', models: ['gemini-3-pro-image-preview'] },
    { on: '2026-12-01', successor: 'gemini-3.8-flash', models: ['gemini-2.5-pro'] },
    { on: '2026-12-01', successor: 'gemini-3.5-flash-lite', models: ['gemini-2.5-flash'] },
  ],
  openai: [
    {
      on: '2026-10-23',
      successor: 'gpt-5.6-terra',
      models: ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125', 'o4-mini', 'o4-mini-2025-04-16'],
    },
    {
      on: '2026-10-23',
      successor: 'gpt-5.6-sol',
      models: [
        'gpt-4',
        'gpt-4-0613',
        'gpt-4-1106-preview',
        'gpt-4-turbo',
        'gpt-4-turbo-2024-04-09',
        'gpt-4o-2024-05-13',
        'o1',
        'o1-2024-12-17',
        'o1-pro',
        'o1-pro-2025-03-19',
        'o3-mini',
        'o3-mini-2025-01-31',
      ],
    },
    { on: '2026-10-23', successor: 'gpt-5.6-luna', models: ['gpt-4.1-nano', 'gpt-4.1-nano-2025-04-14'] },
    { on: '2026-10-23', models: ['gpt-image-1'] },
    {
      on: '2026-12-01',
      models: ['gpt-image-1-mini', 'gpt-image-1.5', 'gpt-image-1.5-2025-12-16', 'chatgpt-image-latest'],
    },
    { on: '2026-12-11', successor: 'gpt-6.1-sol', models: ['gpt-5', 'gpt-5-2025-08-07'] },
    {
      on: '2026-12-11',
      successor: 'gpt-5.6-sol',
      models: ['gpt-5-pro', 'gpt-5-pro-2025-10-06', 'o3', 'o3-2025-04-16', 'o3-pro', 'o3-pro-2025-06-10'],
    },
    { on: '2026-12-11', successor: 'gpt-6.1-terra', models: ['gpt-5-mini', 'gpt-5-mini-2025-08-07'] },
    { on: '2026-12-11', successor: 'gpt-6-luna', models: ['gpt-5-nano', 'gpt-5-nano-2025-08-07'] },
    {
      on: '2027-01-14',
      successor: 'gpt-6-luna',
      models: [
        'gpt-4o',
        'gpt-4o-2024-08-06',
        'gpt-4o-2024-11-20',
        'gpt-4o-mini',
        'gpt-4o-mini-2024-07-18',
        'gpt-4.1',
        'gpt-4.1-2025-04-14',
        'gpt-4.1-mini',
        'gpt-4.1-mini-2025-04-14',
      ],
    },
    {
      on: '2027-04-01',
      models: ['gpt-5.1', 'gpt-5.1-2025-11-13', 'gpt-5.3-codex', 'gpt-5.4-nano', 'gpt-5.4-nano-2026-03-17'],
    },
  ],
};
