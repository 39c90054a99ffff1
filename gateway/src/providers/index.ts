/** Every provider that is odd in some way, and how a catalog row becomes a provider. */
import type { Dialect } from '../dialects/dialect.ts';
import { compact } from '../lib/json.ts';
import { unsealed } from './amend.ts';
import { amazonBedrock, claudeOnBedrock, textOnBedrock } from './amazon-bedrock.ts';
import { anthropic, anthropicSeams } from './anthropic.ts';
import { azure, azureCognitiveServices } from './azure.ts';
import { clouds, type CloudSeams } from './clouds.ts';
import { cerebras } from './cerebras.ts';
import { cloudflareGateway, cloudflareWorkers } from './cloudflare.ts';
import { cohere, cohereSeams } from './cohere.ts';
import { databricks } from './databricks.ts';
import { deepseek, deepseekText, zai } from './deepseek.ts';
import { google } from './google.ts';
import { groq } from './groq.ts';
import { localServers } from './local.ts';
import { mistral } from './mistral.ts';
import { openai } from './openai.ts';
import { openrouter, vercel } from './openrouter.ts';
import { perplexity } from './perplexity.ts';
import type { Provider } from './provider.ts';
import { responsesSeams } from './responses.ts';
import { snowflake } from './snowflake.ts';
import { fireworks, fireworksText, togetherText } from './text-hosts.ts';
import { together } from './together.ts';
import { urlWithoutV1 } from './url.ts';
import { vertexAnthropic } from './vertex-anthropic.ts';
import { vertex } from './vertex.ts';
import { writer } from './writer.ts';
import { xai } from './xai.ts';

export { wireChoice, type WireChoice } from './operations.ts';

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
  'cloudflare-ai-gateway': cloudflareGateway,
  'cloudflare-workers-ai': cloudflareWorkers,
  cohere,
  databricks,
  deepseek,
  'fireworks-ai': fireworks,
  google,
  'google-vertex': vertex,
  'google-vertex-anthropic': vertexAnthropic,
  groq,
  mistral,
  openai,
  openrouter,
  perplexity,
  'snowflake-cortex': snowflake,
  togetherai: together,
  vercel,
  writer,
  xai,
  zai,
} as const satisfies Readonly<Record<string, Provider>>;

/** The same where the configuration has them speak another of their wires. */
const alsoSpoken: readonly Provider[] = [claudeOnBedrock, textOnBedrock, deepseekText, fireworksText, togetherText];

/**
 * A server of OpenAI's wire of which nothing odd is known. Who speaks that wire speaks it to this server, so bytes stay as
 * they are; a translation keeps to what every such server takes.
 */
const plain: Pick<Provider, 'needsAmend' | 'amendRequest'> = { ...unsealed, needsAmend: () => false };

/** Models that a provider serves over another wire than the rest, where that wire is odd too. */
const OTHER_WIRES: ReadonlyMap<string, readonly Provider[]> = new Map([['google-vertex', [vertexAnthropic]]]);

/** The provider of a row over `dialect`. Its oddities hold only while it speaks the dialect they were seen in. */
export function makeProvider(row: ProviderRow, dialect: Dialect): Provider {
  const known = [...(OTHER_WIRES.get(row.id) ?? []), oddityOf(row.id)].find((one) => one?.dialect.id === dialect.id);
  const table: Readonly<Record<string, CloudSeams | undefined>> = clouds;
  const base: Provider = {
    id: row.id,
    name: row.name,
    dialect,
    envKeys: row.envKeys,
    ...(row.baseUrl === undefined ? {} : { baseUrl: row.baseUrl }),
    ...(row.doc === undefined ? {} : { doc: row.doc }),
    ...dialectSeams(row.id, dialect),
    ...(Object.hasOwn(table, row.id) ? table[row.id] : {}),
  };
  const seen = [known, ...alsoSpoken].find((one) => one?.id === row.id && one.dialect.id === dialect.id) ?? known;
  // A server of one's own is free of charge in any wire.
  const elsewhere = oddityOf(row.id);
  if (seen === undefined) {
    const door = elsewhere === undefined ? {} : doorOf(elsewhere, dialect);
    return { ...base, ...door, ...compact({ isKeyless: elsewhere?.isKeyless, isFree: elsewhere?.isFree }) };
  }
  return {
    ...base,
    ...seen,
    id: row.id,
    name: row.name,
    envKeys: [...new Set([...row.envKeys, ...seen.envKeys])],
  };
}

/** What a provider wants of every call, over whichever of its wires: how it is addressed, and what it reads itself. */
function doorOf(known: Provider, dialect: Dialect): Partial<Provider> {
  if (known.alsoSpeaks?.[dialect.id] === undefined) return {};
  const { headers, url, readsPreferences } = known;
  return compact({ headers, url, readsPreferences });
}

/** What holds for every provider of a wire. */
function dialectSeams(provider: string, { id }: Dialect): Partial<Provider> {
  switch (id) {
    case 'anthropic-messages':
      return anthropicSeams;
    case 'openai-chat':
      return plain;
    case 'openai-responses':
      return responsesSeams(provider);
    case 'cohere':
      return cohereSeams;
    case 'ollama':
      return { url: urlWithoutV1 };
    default:
      return {};
  }
}

function oddityOf(id: string): Provider | undefined {
  const table: Readonly<Record<string, Provider | undefined>> = odd;
  return Object.hasOwn(table, id) ? table[id] : undefined;
}
