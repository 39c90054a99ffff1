/**
 * What a snapshot is compiled of, as it is kept: the configuration, and what was read of the environment and of the clouds'
 * files beside it. A mask stands for every secret, one for each: as many keys and targets come of it, and nothing can be sent.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/schema.ts';
import { looksLikeSecret } from '../config/secrets.ts';
import { gateDialects } from '../dialects/index.ts';
import { asRecord, asString, isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { fromPlainJson, toPlainJson } from '../lib/plain-data.ts';
import type { Places } from '../routing/accounts.ts';
import { compile, type CompileInput } from '../routing/compile.ts';
import type { Snapshot } from '../routing/snapshot.ts';

type Environment = CompileInput['env'];

const MASK = '***';
/** Fields of a provider whose texts are secrets, however deep: its keys, and those of its accounts. */
const SECRET_FIELD = /^(key|api_key|access_key_id|secret_access_key|session_token|client_secret)$/;
const SECRET_VARIABLE = /KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL/;
export interface Surroundings {
  readonly env: Environment;
  readonly places: Places;
}

/** The surroundings, and a list of what was read of them. */
export function watched({ env, places }: Surroundings): Surroundings & { readonly seen: () => JsonRecord } {
  const variables: Record<string, Json> = {};
  const regions: Record<string, Json> = {};
  const projects: Record<string, Json> = {};
  const read = new Proxy(env, {
    get(_, name) {
      const value = typeof name === 'string' ? env[name] : undefined;
      if (typeof name === 'string' && value !== undefined) variables[name] = unsecret(name, value);
      return value;
    },
  });
  return {
    env: read,
    places: {
      awsRegion: (profile) => noted(regions, profile, places.awsRegion(profile)),
      googleProject: (file) => noted(projects, file, places.googleProject(file)),
    },
    seen: () => ({ variables, regions, projects }),
  };
}

function noted(list: Record<string, Json>, asked: string | undefined, found: string | undefined): string | undefined {
  if (found !== undefined) list[asked ?? ''] = found;
  return found;
}

function unsecret(name: string, value: string): string {
  return value.trim() !== '' && (SECRET_VARIABLE.test(name) || looksLikeSecret(value)) ? MASK : value;
}

/** Where the store is decides nothing, and may hold a password. */
export function settingsOf(config: Config, seen: JsonRecord): JsonRecord {
  return { config: masked(toPlainJson({ ...config, store: 'sqlite' }), []), seen };
}

/** The snapshot of kept settings; `undefined` where they are none. Its id is that of a configuration without secrets and intents. */
export function recompiled(settings: JsonRecord, catalog: Catalog): Snapshot | undefined {
  const config = asRecord(settings['config']);
  const seen = asRecord(settings['seen']);
  if (config === undefined || seen === undefined) return undefined;
  const [variables = {}, regions, projects] = ['variables', 'regions', 'projects'].map((name) => asRecord(seen[name]));
  const input: CompileInput = {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `settingsOf` wrote it from a `Config`; only one of the same release is read.
    config: fromPlainJson(config) as Config,
    catalog,
    env: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, asString(value)])),
    dialects: gateDialects,
    places: {
      awsRegion: (profile) => asString(regions?.[profile ?? '']),
      googleProject: (file) => asString(projects?.[file ?? '']),
    },
  };
  return compile(input).snapshot;
}

/** For people and for comparing: a catalog by its source, day, commit and size. */
export function catalogName({ source, modelCount }: Catalog): string {
  const { name, asOf, commit } = source;
  return [name, asOf, commit?.slice(0, 12), `${modelCount} models`].filter((word) => word !== undefined).join(', ');
}

/** Of a path such as `providers.openai.api_key.key`: tables of names and models hold no secrets, whatever the names are. */
function isSecret([table, , ...fields]: readonly string[], text: string): boolean {
  // An address may hold a password.
  if (table === 'shared') return text.includes('@');
  if (table === 'people') return fields.some((name) => SECRET_FIELD.test(name));
  if (table === 'billing') return fields.at(-1) === 'webhook_secret';
  if (table !== 'providers' || fields[0] === 'models') return false;
  return fields[0] === 'headers' || fields.some((name) => SECRET_FIELD.test(name));
}

/** The same JSON with a mask for each secret. */
function masked(json: Json | undefined, path: readonly string[]): Json | undefined {
  if (typeof json === 'string') return isSecret(path, json) ? MASK : json;
  if (isArray(json)) return json.map((item) => masked(item, path) ?? null);
  if (!isRecord(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, masked(item, [...path, name])]));
}
