/** Every provider that is odd in some way, and how a catalog row becomes a provider. */
import type { Dialect } from '../dialects/dialect.ts';
import { anthropic, anthropicUrl } from './anthropic.ts';
import { google } from './google.ts';
import { localServers } from './local.ts';
import type { Provider } from './provider.ts';
import { vertexAnthropic } from './vertex-anthropic.ts';
import { vertex } from './vertex.ts';

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
  anthropic,
  google,
  'google-vertex': vertex,
  'google-vertex-anthropic': vertexAnthropic,
} as const satisfies Readonly<Record<string, Provider>>;

/** The provider of a row over `dialect`. Its oddities hold only while it speaks the dialect they were seen in. */
export function makeProvider(row: ProviderRow, dialect: Dialect): Provider {
  const known: Provider | undefined = Object.hasOwn(odd, row.id) ? odd[row.id as keyof typeof odd] : undefined;
  const base: Provider = {
    id: row.id,
    name: row.name,
    dialect,
    envKeys: row.envKeys,
    ...(row.baseUrl === undefined ? {} : { baseUrl: row.baseUrl }),
    ...(row.doc === undefined ? {} : { doc: row.doc }),
    ...(dialect.id === 'anthropic-messages' ? { url: anthropicUrl } : {}),
  };
  if (known === undefined || known.dialect.id !== dialect.id) return base;
  return { ...base, ...known, name: row.name, envKeys: row.envKeys.length > 0 ? row.envKeys : known.envKeys };
}
