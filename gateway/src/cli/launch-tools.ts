/** The coding tools that `turnout launch` starts, and how each is pointed at a gateway: data and pure functions, no effects. */
import { join } from 'node:path';
import type { Origin } from '../chat/part.ts';

/** A protocol that a tool may speak to the gateway. */
export type Spoken = Extract<Origin, 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini'>;

/** Where a tool shall go, and as whom. */
export interface Pointing {
  /** Origin of the gateway, without a slash at the end. */
  readonly url: string;
  readonly key: string;
  /** Undefined: the model that the tool asks for by itself, or `auto` where it has none of its own. */
  readonly model: string | undefined;
  /** One of the tool's `speaks`. */
  readonly protocol: Spoken;
  /** A folder that only this user can read and that lives as long as the tool runs. */
  readonly dir: string;
}

export interface Setup {
  /** Set for the tool; undefined takes one away that would lead it elsewhere. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Before the user's own words. Never the key: other users of the machine can read them. */
  readonly args?: readonly string[];
  /** Files to write below `dir`, by their relative name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Tool {
  readonly title: string;
  readonly npm: string;
  readonly binary: string;
  /** The first is taken where none is asked for. */
  readonly speaks: readonly [Spoken, ...Spoken[]];
  readonly setup: (at: Pointing) => Setup;
}

/** Where the tools that know no variable for it read the key from. */
const KEY_VARIABLE = 'TURNOUT_KEY';
/** For tools that ask for no model by themselves. */
const MODEL_DEFAULT = 'auto';
/** Told to tools that would otherwise assume a window of their own. The gateway refuses what is too long for a target. */
const CONTEXT_TOKENS = 200_000;
const OUTPUT_TOKENS = 32_000;

// https://code.claude.com/docs/en/llm-gateway. An API key beside the token would be sent too, and the two would contradict each other.
const claude: Tool = {
  title: 'Claude Code',
  npm: '@anthropic-ai/claude-code',
  binary: 'claude',
  speaks: ['anthropic-messages'],
  setup: ({ url, key, model }) => ({
    env: {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_AUTH_TOKEN: key,
      ANTHROPIC_API_KEY: undefined,
      CLAUDE_CODE_USE_BEDROCK: undefined,
      CLAUDE_CODE_USE_VERTEX: undefined,
      CLAUDE_CODE_USE_FOUNDRY: undefined,
      // Both: titles and summaries go to a model of their own, which need not be served here.
      ...(model === undefined ? {} : { ANTHROPIC_MODEL: model, ANTHROPIC_DEFAULT_HAIKU_MODEL: model }),
    },
  }),
};

// https://developers.openai.com/codex/config-reference. Its search is run by OpenAI alone: any other provider would be asked in vain.
const codex: Tool = {
  title: 'Codex',
  npm: '@openai/codex',
  binary: 'codex',
  speaks: ['openai-responses'],
  setup: ({ url, key, model }) => ({
    env: { [KEY_VARIABLE]: key },
    args: [
      ...override('model_provider', '"turnout"'),
      ...override('model_providers.turnout.name', '"Turnout"'),
      ...override('model_providers.turnout.base_url', JSON.stringify(`${url}/v1`)),
      ...override('model_providers.turnout.env_key', JSON.stringify(KEY_VARIABLE)),
      ...override('model_providers.turnout.wire_api', '"responses"'),
      ...override('web_search', '"disabled"'),
      ...(model === undefined ? [] : override('model', JSON.stringify(model))),
    ],
  }),
};

function override(name: string, toml: string): readonly string[] {
  return ['-c', `${name}=${toml}`];
}

/** Packages that opencode carries inside itself. */
const OPENCODE_PACKAGES = {
  'openai-chat': '@ai-sdk/openai-compatible',
  'openai-responses': '@ai-sdk/openai',
  'anthropic-messages': '@ai-sdk/anthropic',
  gemini: '@ai-sdk/google',
} as const satisfies Record<Spoken, string>;

// https://opencode.ai/docs/config: this variable is merged over the user's own files.
const opencode: Tool = {
  title: 'opencode',
  npm: 'opencode-ai',
  binary: 'opencode',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'],
  setup: ({ url, key, model = MODEL_DEFAULT, protocol }) => ({
    env: {
      [KEY_VARIABLE]: key,
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        model: `turnout/${model}`,
        small_model: `turnout/${model}`,
        provider: {
          turnout: {
            name: 'Turnout',
            npm: OPENCODE_PACKAGES[protocol],
            options: { baseURL: sdkBase(url, protocol), apiKey: `{env:${KEY_VARIABLE}}` },
            models: { [model]: { limit: { context: CONTEXT_TOKENS, output: OUTPUT_TOKENS } } },
          },
        },
      }),
    },
  }),
};

/** The base URL as the AI SDK's packages take it: with the version, also for Anthropic. */
function sdkBase(url: string, protocol: Spoken): string {
  return protocol === 'gemini' ? `${url}/v1beta` : `${url}/v1`;
}

// https://geminicli.com/docs/get-started/configuration. A base URL alone makes it choose a way to sign in that it then refuses when it
// runs without a terminal (0.61.0), and there is no variable for the choice: so it gets a home of its own with the choice in it.
const gemini: Tool = {
  title: 'Gemini CLI',
  npm: '@google/gemini-cli',
  binary: 'gemini',
  speaks: ['gemini'],
  setup: ({ url, key, model, dir }) => ({
    env: {
      GOOGLE_GEMINI_BASE_URL: url,
      GEMINI_API_KEY: key,
      GEMINI_CLI_HOME: dir,
      GOOGLE_API_KEY: undefined,
      GOOGLE_GENAI_USE_VERTEXAI: undefined,
      GOOGLE_GENAI_USE_GCA: undefined,
      ...(model === undefined ? {} : { GEMINI_MODEL: model }),
    },
    files: { '.gemini/settings.json': JSON.stringify({ security: { auth: { selectedType: 'gemini-api-key' } } }) },
  }),
};

const qwen: Tool = {
  title: 'Qwen Code',
  npm: '@qwen-code/qwen-code',
  binary: 'qwen',
  speaks: ['openai-chat'],
  setup: ({ url, key, model = MODEL_DEFAULT }) => ({
    env: { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: model },
    args: ['--auth-type', 'openai'],
  }),
};

// `copilot help providers`: for Anthropic it adds the version to the base itself.
const copilot: Tool = {
  title: 'Copilot CLI',
  npm: '@github/copilot',
  binary: 'copilot',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  setup: ({ url, key, model = MODEL_DEFAULT, protocol }) => {
    const isAnthropic = protocol === 'anthropic-messages';
    return {
      env: {
        COPILOT_PROVIDER_BASE_URL: isAnthropic ? url : `${url}/v1`,
        COPILOT_PROVIDER_TYPE: isAnthropic ? 'anthropic' : 'openai',
        COPILOT_PROVIDER_WIRE_API: protocol === 'openai-responses' ? 'responses' : 'completions',
        COPILOT_PROVIDER_API_KEY: key,
        COPILOT_PROVIDER_API_KEY_COMMAND: undefined,
        COPILOT_PROVIDER_BEARER_TOKEN: undefined,
        COPILOT_MODEL: model,
      },
    };
  },
};

// Written as its `cline auth` writes it (3.0.65): it knows no variable for the base URL, and the key must stand in the file.
const cline: Tool = {
  title: 'Cline',
  npm: 'cline',
  binary: 'cline',
  speaks: ['openai-chat'],
  setup: ({ url, key, model = MODEL_DEFAULT, dir }) => {
    const provider = 'openai-compatible';
    const settings = { provider, apiKey: key, model, baseUrl: `${url}/v1` };
    const row = { settings, updatedAt: new Date(0).toISOString(), tokenSource: 'manual' };
    const file = { version: 1, lastUsedProvider: provider, modes: {}, providers: { [provider]: row } };
    return {
      env: { CLINE_PROVIDER_SETTINGS_PATH: join(dir, 'providers.json') },
      files: { 'providers.json': JSON.stringify(file) },
    };
  },
};

// https://docs.continue.dev/reference: `secrets` are read from the environment. JSON is YAML. It speaks Responses to api.openai.com
// alone, whatever `useResponsesApi` says (1.5.47).
const continueTool: Tool = {
  title: 'Continue',
  npm: '@continuedev/cli',
  binary: 'cn',
  speaks: ['openai-chat', 'anthropic-messages'],
  setup: ({ url, key, model = MODEL_DEFAULT, protocol, dir }) => {
    const row = {
      name: model,
      provider: protocol === 'anthropic-messages' ? 'anthropic' : 'openai',
      model,
      apiBase: `${url}/v1`,
      apiKey: `\${{ secrets.${KEY_VARIABLE} }}`,
      roles: ['chat'],
    };
    return {
      env: { [KEY_VARIABLE]: key },
      args: ['--config', join(dir, 'config.yaml')],
      files: { 'config.yaml': JSON.stringify({ name: 'Turnout', version: '1.0.0', schema: 'v1', models: [row] }) },
    };
  },
};

/** Names that pi has for the protocols. */
const PI_APIS = {
  'openai-chat': 'openai-completions',
  'openai-responses': 'openai-responses',
  'anthropic-messages': 'anthropic-messages',
  gemini: 'google-generative-ai',
} as const satisfies Record<Spoken, string>;

// Its docs/custom-provider.md: an extension registers a provider, so that the user's own settings stay in force.
const pi: Tool = {
  title: 'pi',
  npm: '@mariozechner/pi-coding-agent',
  binary: 'pi',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'],
  setup: ({ url, key, model = MODEL_DEFAULT, protocol, dir }) => {
    const row = {
      id: model,
      name: model,
      reasoning: false,
      input: ['text', 'image'],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      contextWindow: CONTEXT_TOKENS,
      maxTokens: OUTPUT_TOKENS,
    };
    const baseUrl = protocol === 'anthropic-messages' ? url : sdkBase(url, protocol);
    const provider = { name: 'Turnout', baseUrl, apiKey: KEY_VARIABLE, api: PI_APIS[protocol], models: [row] };
    return {
      env: { [KEY_VARIABLE]: key },
      args: ['--extension', join(dir, 'turnout.ts'), '--model', `turnout/${model}`],
      files: { 'turnout.ts': `export default (pi) => pi.registerProvider('turnout', ${JSON.stringify(provider)});\n` },
    };
  },
};

/** By the name that is typed. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map(
  Object.entries({ claude, codex, opencode, gemini, qwen, copilot, cline, continue: continueTool, pi }),
);
