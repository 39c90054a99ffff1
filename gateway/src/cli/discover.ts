/** What a first run finds by itself: provider keys in the environment, and model servers on this machine. */
import { request } from 'node:http';
import { localProviders, type LocalProvider } from '../catalog/known.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Findings } from './findings.ts';
import { configSchema, type ProviderConfig } from '../config/schema.ts';
import { placesOf } from '../credentials/places.ts';
import { gateDialects } from '../dialects/index.ts';
import { ACCOUNT_VARIABLES } from '../routing/accounts.ts';
import { suppliersOf } from '../routing/targets.ts';
import { asArray, asRecord, asString, parseJson } from '../lib/json.ts';

/** A server on this machine answers in a few milliseconds, or is not there. */
const PROBE_MS = 300;
const ANSWER_MAX_BYTES = 1024 * 1024;

/**
 * Providers whose key a first run takes from the environment. Not every provider of the catalog: names such as
 * `GITHUB_TOKEN` are set on most machines and were not meant for this.
 */
const WELL_KNOWN =
  'openai anthropic google mistral groq xai deepseek openrouter perplexity togetherai fireworks-ai cerebras deepinfra moonshotai zai nvidia huggingface alibaba nebius baseten'.split(
    ' ',
  );

/** Providers that are found by a cloud's account. Vertex has Claude too. */
const CLOUDS = { 'amazon-bedrock': 'aws', azure: 'azure', 'google-vertex': 'google' } as const;

export interface FoundKey {
  readonly provider: string;
  readonly env: string;
}

export interface FoundLocal {
  readonly provider: LocalProvider;
  readonly models: readonly string[];
}

export interface Found {
  readonly keys: readonly FoundKey[];
  /** Clouds of which the environment says both who we are and where. */
  readonly accounts: readonly FoundKey[];
  readonly locals: readonly FoundLocal[];
}

/** Looks at the environment and at the usual ports. `skipPort` is our own. */
export async function discover(
  catalog: Catalog,
  env: Readonly<Record<string, string | undefined>>,
  skipPort: number,
): Promise<Found> {
  const accounts = accountsInEnvironment(catalog, env);
  return { keys: keysInEnvironment(catalog, env), accounts, locals: await localServers(skipPort) };
}

/** The same in the form that a starting configuration is written from. */
export function findingsOf(found: Found): Findings {
  return {
    envKeys: found.keys,
    accounts: found.accounts,
    locals: found.locals.map(({ provider, models }) => ({
      provider: provider.id,
      url: provider.baseUrl,
      dialect: provider.dialect,
      models,
    })),
  };
}

/** Well-known providers whose usual variable is set, in the order of the list. */
export function keysInEnvironment(
  catalog: Catalog,
  env: Readonly<Record<string, string | undefined>>,
): readonly FoundKey[] {
  return WELL_KNOWN.flatMap((id) => {
    const provider = catalog.provider(id);
    if (provider?.dialect === undefined) return [];
    const name = provider.envKeys.find((candidate) => (env[candidate] ?? '').trim() !== '');
    return name === undefined ? [] : [{ provider: provider.id, env: name }];
  });
}

/** Clouds that an account of the environment can use, with the variable that says so. */
export function accountsInEnvironment(
  catalog: Catalog,
  env: Readonly<Record<string, string | undefined>>,
): readonly FoundKey[] {
  return Object.entries(CLOUDS).flatMap(([provider, cloud]) => {
    const names = [...(catalog.provider(provider)?.envKeys ?? []), ...ACCOUNT_VARIABLES[cloud]];
    const found = names.find((name) => (env[name] ?? '').trim() !== '');
    if (found === undefined) return [];
    const { config, places } = { config: configSchema.parse({ providers: { [provider]: {} } }), places: placesOf(env) };
    const { suppliers } = suppliersOf({ config, catalog, env, dialects: gateDialects, places });
    return suppliers.has(provider) ? [{ provider, env: found }] : [];
  });
}

/** Providers that can be used with what stands in the environment alone: for a file that names none. */
export function providersInEnvironment(
  catalog: Catalog,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, ProviderConfig>> {
  const usable = [...keysInEnvironment(catalog, env), ...accountsInEnvironment(catalog, env)];
  return configSchema.parse({ providers: Object.fromEntries(usable.map(({ provider }) => [provider, {}])) }).providers;
}

/** Local servers that answer on their usual port, with the models they serve. */
async function localServers(skipPort: number): Promise<readonly FoundLocal[]> {
  const probed = await Promise.all(
    localProviders().map(async (provider) => {
      if (new URL(provider.baseUrl).port === String(skipPort)) return undefined;
      const models = await modelsAt(provider.baseUrl);
      return models === undefined ? undefined : { provider, models };
    }),
  );
  return probed.filter((found) => found !== undefined);
}

/** Ids of `GET {baseUrl}/models`; undefined where nothing (or something else) answers. */
function modelsAt(baseUrl: string): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    const call = request(`${baseUrl}/models`, { timeout: PROBE_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX_BYTES) call.destroy();
      });
      response.on('end', () => resolve(response.statusCode === 200 ? modelIds(text) : undefined));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
    call.on('close', () => resolve(undefined));
    call.end();
  });
}

function modelIds(text: string): readonly string[] | undefined {
  const rows = asArray(asRecord(parseJson(text))?.['data']);
  return rows?.map((row) => asString(asRecord(row)?.['id'])).filter((id) => id !== undefined);
}
