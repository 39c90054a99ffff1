/** Every provider that is odd in some way, and how a catalog row becomes a provider. */
import type { Dialect } from '../dialects/dialect.ts';
import { compact } from '../lib/json.ts';
import { developerAsSystem, olderTokenLimit, seams, withoutDetails } from './amend.ts';
import { amazonBedrock, claudeOnBedrock, textOnBedrock } from './amazon-bedrock.ts';
import { anthropic, anthropicSeams } from './anthropic.ts';
import { azure, azureCognitiveServices } from './azure.ts';
import { cerebras } from './cerebras.ts';
import { databricks } from './databricks.ts';
import { deepseek, zai } from './deepseek.ts';
import { google } from './google.ts';
import { groq } from './groq.ts';
import { localServers } from './local.ts';
import { mistral } from './mistral.ts';
import { openai } from './openai.ts';
import { openrouter, vercel } from './openrouter.ts';
import { perplexity } from './perplexity.ts';
import type { Provider } from './provider.ts';
import { responsesSeams } from './responses.ts';
import { vertexAnthropic } from './vertex-anthropic.ts';
import { vertex } from './vertex.ts';
import { writer } from './writer.ts';
import { xai } from './xai.ts';

/** What the catalog, or the configuration, says of a provider. */
export interface ProviderRow {
  readonly id: string;
  readonly name: string;
  readonly baseUrl?: string;
  readonly envKeys: readonly string[];
  readonly doc?: string;
}

/** By catalog id. A provider that is not here is its dialect and nothing else. */
export const odd = {
  ...localServers,
  'amazon-bedrock': amazonBedrock,
  anthropic,
  azure,
  'azure-cognitive-services': azureCognitiveServices,
  cerebras,
  databricks,
  deepseek,
  google,
  'google-vertex': vertex,
  'google-vertex-anthropic': vertexAnthropic,
  groq,
  mistral,
  openai,
  openrouter,
  perplexity,
  vercel,
  writer,
  xai,
  zai,
} as const satisfies Readonly<Record<string, Provider>>;

/** The same where the configuration has them speak another of their wires. */
const alsoSpoken: readonly Provider[] = [claudeOnBedrock, textOnBedrock];

/**
 * A server of OpenAI's wire of which nothing odd is known. Who speaks that wire speaks it to this server, so bytes stay as
 * they are; a translation keeps to what every such server takes.
 */
const plain: Pick<Provider, 'needsAmend' | 'amendRequest'> = {
  ...seams(developerAsSystem, olderTokenLimit, withoutDetails),
  needsAmend: () => false,
};

/** The provider of a row over `dialect`. Its oddities hold only while it speaks the dialect they were seen in. */
export function makeProvider(row: ProviderRow, dialect: Dialect): Provider {
  const table: Readonly<Record<string, Provider | undefined>> = odd;
  const known = Object.hasOwn(table, row.id) ? table[row.id] : undefined;
  const base: Provider = {
    id: row.id,
    name: row.name,
    dialect,
    envKeys: row.envKeys,
    ...(row.baseUrl === undefined ? {} : { baseUrl: row.baseUrl }),
    ...(row.doc === undefined ? {} : { doc: row.doc }),
    ...(dialect.id === 'anthropic-messages' ? anthropicSeams : {}),
    ...(dialect.id === 'openai-chat' ? plain : {}),
    ...(dialect.id === 'openai-responses' ? responsesSeams : {}),
  };
  const seen = [known, ...alsoSpoken].find((one) => one?.id === row.id && one.dialect.id === dialect.id);
  if (seen !== undefined)
    return { ...base, ...seen, name: row.name, envKeys: row.envKeys.length > 0 ? row.envKeys : seen.envKeys };
  return known === undefined ? base : { ...base, ...doorOf(known, dialect) };
}

/** What a provider wants of every call, over whichever of its wires: how it is addressed, and what it reads itself. */
function doorOf(known: Provider, dialect: Dialect): Partial<Provider> {
  if (known.alsoSpeaks?.[dialect.id] === undefined) return {};
  const { headers, url, readsPreferences } = known;
  return compact({ headers, url, readsPreferences });
}
