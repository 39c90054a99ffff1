/** Compiles the targets: every model of every configured provider, once for each of its keys. Pure. */
import type { Catalog, CatalogModel, CatalogProvider } from '../catalog/catalog.ts';
import { operationsOf } from '../catalog/operations.ts';
import { qualitiesOf } from '../catalog/quality.ts';
import { hasCredential, type Accounts } from '../config/accounts.ts';
import type { ApiKey } from '../config/provider-schema.ts';
import { timeoutsOf, type Config, type ModelConfig, type ProviderConfig } from '../config/schema.ts';
import type { Ability, Dialect } from '../dialects/dialect.ts';
import type { Origin } from '../chat/part.ts';
import { compact } from '../lib/json.ts';
import { originOf, urlPrefix } from '../lib/url.ts';
import type { Price } from '../money/price.ts';
import { makeProvider } from '../providers/index.ts';
import type { Provider } from '../providers/provider.ts';
import { identityOf, placeOf, type AccountInput, type Places } from './accounts.ts';
import type { Identity } from './identity.ts';
import type { ProviderSecret } from './provider-secret.ts';
import type { Allowed, Limits, Target, Timeouts } from './target.ts';
import { filledTemplate } from './template.ts';

const FREE: Price = { input: 0n, output: 0n };

export type Dialects = Readonly<Partial<Record<Origin, Dialect>>>;

export interface TargetsInput {
  readonly config: Config;
  readonly catalog: Catalog;
  /** For keys under their usual names, where the file gives none. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dialects: Dialects;
  /** Absent: nothing is known of this machine. */
  readonly places?: Places | undefined;
  /** Credentials that are kept in the store: each joins the keys of its provider, where the provider is where it was saved for. */
  readonly secrets?: readonly ProviderSecret[] | undefined;
  /** The key in a file, without the line end behind it; undefined where there is none. Absent: no file is read. */
  readonly keyFile?: ((path: string) => string | undefined) | undefined;
}

/** A configured provider, ready to make targets of any of its models. */
export interface Supplier {
  readonly id: string;
  readonly weight: number;
  readonly models: ReadonlyMap<string, ModelRow>;
  /** The targets of a model, one a key; also of a name that stands in no catalog. */
  targetsOf(model: string): readonly Target[];
  /** What an operator should know of it all the same. */
  readonly doubts: readonly string[];
}

/** A model as configuration and catalog together describe it. */
export interface ModelRow {
  readonly name: string;
  readonly catalog?: CatalogModel;
  readonly own?: ModelConfig;
}

export interface Suppliers {
  readonly suppliers: ReadonlyMap<string, Supplier>;
  /** What an operator should know: a provider without a key, or without an address. */
  readonly warnings: readonly string[];
}

/** One supplier a provider that is configured, complete and not disabled. */
export function suppliersOf(input: TargetsInput): Suppliers {
  const suppliers = new Map<string, Supplier>();
  const warnings: string[] = [];
  for (const [id, own] of Object.entries(input.config.providers)) {
    if (own.disabled) continue;
    const made = supplierOf(id, own, input);
    if (typeof made === 'string') warnings.push(made);
    else {
      suppliers.set(id, made);
      warnings.push(...made.doubts);
    }
  }
  return { suppliers, warnings };
}

/** The provider itself, or why it cannot be used. */
function supplierOf(id: string, own: ProviderConfig, input: TargetsInput): Supplier | string {
  const base = baseOf(id, own, input);
  if (typeof base === 'string') return base;
  const { models } = base;
  const made = new Map<string, readonly Target[]>();
  return {
    id,
    weight: own.weight,
    models,
    doubts: doubtsOf(base),
    targetsOf(model) {
      const known = made.get(model);
      if (known !== undefined) return known;
      const targets = makeTargets(base, models.get(model) ?? { name: model }, models.has(model));
      // Names of callers that no catalog knows are not kept: they could be any number.
      if (models.has(model)) made.set(model, targets);
      return targets;
    },
  };
}

/** A key of the file, of the environment, or of the store. */
interface ProviderKey extends ApiKey {
  /** Absent: it goes where the file says. */
  readonly bound?: ProviderSecret;
}

/** What all targets of a provider share. */
interface Base {
  readonly id: string;
  readonly own: ProviderConfig;
  readonly provider: Provider;
  readonly baseUrl: string;
  /** Where it computes: the file's word, or where the account of the cloud is. */
  readonly region: string | undefined;
  readonly keys: readonly ProviderKey[];
  /** Where there is no key. */
  readonly identity: Identity | undefined;
  readonly apiVersion: string | undefined;
  readonly timeouts: Timeouts;
  /** Further wires may be spoken only where the file names none: who names one wants that one. */
  readonly isWireNamed: boolean;
  readonly dialects: Dialects;
  readonly row: CatalogProvider | undefined;
  readonly models: ReadonlyMap<string, ModelRow>;
  readonly isElsewhere: boolean;
}

function baseOf(id: string, own: ProviderConfig, input: TargetsInput): Base | string {
  const { config, catalog, env, dialects, places } = input;
  const chain = likeChain(id, config);
  const row = chain.map((name) => catalog.provider(name)).find((found) => found !== undefined);
  const inherited = chain.map((name) => config.providers[name]).filter((found) => found !== undefined);
  const dialect = dialectOf(inherited, row, dialects);
  if (typeof dialect === 'string') return `provider ${id}: ${dialect}`;
  const provider = providerOf(row, chain.at(-1) ?? id, dialect);
  const ownUrl = firstOf(inherited, (one) => one.base_url);
  const accounts = accountsOf(inherited);
  const isAuthorized = own.headers?.['authorization'] !== undefined;
  const region = firstOf(inherited, (one) => one.region);
  const account = { id, provider, accounts, region, env, places, ownUrl, isAuthorized };
  const baseUrl = ownUrl ?? accountUrl(account, row);
  if (baseUrl === undefined)
    return `provider ${id}: ${addressWanted(provider, row)}; its address depends on your account`;
  const proof = proofOf(account, inherited, { sealed: sealedFor(id, input), keyFile: input.keyFile });
  if (typeof proof === 'string') return proof;
  const timeouts = toTimeouts(config, id);
  const models = modelRows(row, inherited);
  return {
    id,
    own,
    provider,
    baseUrl,
    region: own.region ?? regionOf(account),
    ...proof,
    apiVersion: accounts.azure?.api_version,
    timeouts,
    dialects,
    row,
    models,
    isElsewhere: ownUrl !== undefined,
    isWireNamed: isWireNamed(row, inherited),
  };
}

/** Google's `global` is no region: nobody knows where it computes. */
function regionOf(account: AccountInput): string | undefined {
  const { region } = placeOf(account);
  return region === 'global' ? undefined : region;
}

/** What no catalog knows must name a wire, so that naming one is no choice there. */
function isWireNamed(row: CatalogProvider | undefined, inherited: readonly ProviderConfig[]): boolean {
  return row !== undefined && inherited.some((one) => one.dialect !== undefined);
}

/** The catalog's address, or the one that the account has. */
function accountUrl(account: AccountInput, row: CatalogProvider | undefined): string | undefined {
  const { provider, env } = account;
  const known = row?.baseUrl ?? provider.baseUrl ?? provider.baseUrlAt?.(placeOf(account));
  return known ?? filledTemplate(row?.baseUrlTemplate, env);
}

function addressWanted({ cloud }: Provider, row: CatalogProvider | undefined): string {
  if (cloud === 'aws') return 'give it a `region` such as eu-central-1, or a `base_url`';
  const variables = [...(row?.baseUrlTemplate ?? '').matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]);
  const set = variables.length === 0 ? '' : `set ${[...new Set(variables)].join(' and ')}, or `;
  return `${set}give it a \`base_url\``;
}

/** Keys that do not stand in the configuration itself. */
interface KeptKeys {
  readonly sealed: readonly ProviderKey[];
  readonly keyFile: TargetsInput['keyFile'];
}

/** Keys of file and store, else of the environment, else who we are; or what is missing. */
function proofOf(
  account: AccountInput,
  inherited: readonly ProviderConfig[],
  kept: KeptKeys,
): Pick<Base, 'keys' | 'identity'> | string {
  const { provider, ownUrl } = account;
  // The nearest word counts: a key of what this one is like does not come before an account of its own.
  const nearest = inherited.find((one) => (one.api_key ?? one.api_key_file) !== undefined || hasCredential(one));
  const keys = keysOf(account, nearest, kept);
  if (keys.length > 0) return { keys, identity: undefined };
  const identity = identityOf(account);
  if (typeof identity === 'string') return identity;
  // An address of the operator's own may need no key; the catalog's all do, save local servers.
  const isKeyless = nearest?.api_key_file === undefined && (provider.isKeyless === true || ownUrl !== undefined);
  return identity !== undefined || isKeyless ? { keys, identity } : keyWanted(account, nearest);
}

function keysOf(
  { provider, env }: AccountInput,
  nearest: ProviderConfig | undefined,
  { sealed, keyFile }: KeptKeys,
): readonly ProviderKey[] {
  // One of the store that may not be sent is no reason to send another that nobody has named.
  if (nearest === undefined) return sealed.length > 0 ? sealed : keyFromEnvironment(provider, env);
  return [...(nearest.api_key ?? []), ...keysOfFiles(nearest.api_key_file ?? [], keyFile), ...sealed];
}

function keyWanted({ id, provider }: AccountInput, nearest: ProviderConfig | undefined): string {
  const [file] = nearest?.api_key_file ?? [];
  if (file !== undefined) return `provider ${id}: there is no key in the file ${file}`;
  return `provider ${id}: no key; set ${provider.envKeys[0] ?? 'api_key'} or \`providers.${id}.api_key\``;
}

/** Files that have no key yet are passed over, as long as there is another. */
function keysOfFiles(paths: readonly string[], keyFile: TargetsInput['keyFile']): readonly ProviderKey[] {
  return paths.flatMap((path) => {
    const key = keyFile?.(path) ?? '';
    return key === '' ? [] : [{ key, weight: 1 }];
  });
}

function sealedFor(id: string, { secrets = [] }: TargetsInput): readonly ProviderKey[] {
  return secrets
    .filter(({ provider }) => provider === id)
    .map((bound) => ({ key: bound.secret ?? '', weight: bound.settings.weight ?? 1, bound }));
}

/** Why a key must not be sent to an origin; undefined where it may. */
function whyWithheld({ bound }: ProviderKey, origin: string): string | undefined {
  if (bound === undefined) return undefined;
  const { name, provider } = bound;
  if (bound.problem !== undefined) return `the secret "${name}" cannot be opened: ${bound.problem}.`;
  return bound.origin === origin
    ? undefined
    : `the secret "${name}" was saved for ${bound.origin}, and the address is at ${origin} now. Enter it again: turnout secrets set ${provider} --name ${name}.`;
}

function doubtsOf({ id, keys, baseUrl }: Base): readonly string[] {
  const origin = originOf(baseUrl) ?? baseUrl;
  return keys.flatMap((key) => {
    const why = whyWithheld(key, origin);
    return why === undefined ? [] : [`provider ${id}: ${why}`];
  });
}

/** The account fields of the nearest that has any. */
function accountsOf(inherited: readonly ProviderConfig[]): Accounts {
  const nearest = inherited.find(({ aws, google, azure }) => (aws ?? google ?? azure) !== undefined);
  return compact({ aws: nearest?.aws, google: nearest?.google, azure: nearest?.azure });
}

/** The wire format, or why there is none. */
function dialectOf(
  inherited: readonly ProviderConfig[],
  row: CatalogProvider | undefined,
  dialects: Dialects,
): Dialect | string {
  const id = firstOf(inherited, (one) => one.dialect) ?? row?.dialect;
  if (id === undefined) return 'its wire format is not known; give it a `dialect` or `like`';
  return dialects[id] ?? `the dialect ${id} is not spoken by this release`;
}

/** The provider and those it is `like`, nearest first. Cycles were refused when the file was read. */
function likeChain(id: string, config: Config): readonly string[] {
  const chain: string[] = [];
  for (
    let name: string | undefined = id;
    name !== undefined && !chain.includes(name);
    name = config.providers[name]?.like
  )
    chain.push(name);
  return chain;
}

function firstOf<T>(configs: readonly ProviderConfig[], read: (one: ProviderConfig) => T | undefined): T | undefined {
  for (const one of configs) {
    const value = read(one);
    if (value !== undefined) return value;
  }
  return undefined;
}

function providerOf(row: CatalogProvider | undefined, id: string, dialect: Dialect): Provider {
  if (row === undefined) return makeProvider({ id, name: id, envKeys: [] }, dialect);
  const { name, envKeys, baseUrl, doc } = row;
  return makeProvider(compact({ id: row.id, name, envKeys, baseUrl, doc }), dialect);
}

function keyFromEnvironment(provider: Provider, env: TargetsInput['env']): readonly ApiKey[] {
  for (const name of provider.envKeys) {
    const key = env[name]?.trim();
    if (key !== undefined && key !== '') return [{ key, weight: 1 }];
  }
  return [];
}

function toTimeouts(config: Config, id: string): Timeouts {
  const found = timeoutsOf(config, id);
  return {
    connectMs: found.connect_ms,
    firstByteMs: found.first_byte_ms,
    firstTokenMs: found.first_token_ms,
    idleMs: found.idle_ms,
    totalMs: found.total_ms,
  };
}

/** Catalog rows first, the file's rows over them; the nearest of a `like` chain wins. */
function modelRows(
  row: CatalogProvider | undefined,
  inherited: readonly ProviderConfig[],
): ReadonlyMap<string, ModelRow> {
  const rows = new Map<string, ModelRow>();
  for (const model of row?.models ?? [])
    if (model.dialect !== 'other') rows.set(model.id, { name: model.id, catalog: model });
  for (const config of inherited.toReversed()) {
    for (const [name, own] of Object.entries(config.models)) {
      const before = rows.get(name) ?? rows.get(own.upstream_name ?? name);
      rows.set(name, {
        name,
        ...(before?.catalog === undefined ? {} : { catalog: before.catalog }),
        own: { ...before?.own, ...own },
      });
    }
  }
  return rows;
}

function makeTargets(base: Base, model: ModelRow, isKnown: boolean): readonly Target[] {
  const { id, own, keys } = base;
  const provider = providerOfModel(base, model);
  const baseUrl = addressOf(base, model, provider);
  const shared = compact({
    providerId: id,
    provider,
    baseUrl,
    urlPrefix: urlPrefix(baseUrl),
    // Whatever is no URL is no origin either: nothing is ever sent there.
    origin: originOf(baseUrl) ?? baseUrl,
    identity: base.identity,
    model: model.name,
    upstreamModel: model.own?.upstream_name ?? model.name,
    headers: own.headers ?? {},
    region: base.region,
    ...wordsOf(own, model),
    ...scoresOf(model),
    price: priceOf(model) ?? (base.provider.isFree === true ? FREE : undefined),
    limits: limitsOf(model),
    abilities: abilitiesOf(model),
    operations: operationsOf(model.catalog),
    ...endOf(model, base),
    timeouts: base.timeouts,
    isKnown,
  });
  const others = otherProviders(base, model, shared);
  const usable = keys.filter((key) => whyWithheld(key, shared.origin) === undefined);
  if (usable.length === 0) {
    const withheld = keys.map((key) => whyWithheld(key, shared.origin)).find((why) => why !== undefined);
    const none = compact({ ...shared, id: `${id}/${model.name}`, keyId: id, weight: own.weight, withheld });
    return [withWires(none, others)];
  }
  return usable.map((key, index) => {
    const mark = index === 0 ? '' : `#${index + 1}`;
    const made = {
      ...shared,
      id: `${id}/${model.name}${mark}`,
      keyId: `${id}${mark}`,
      secret: key.key,
      weight: own.weight * key.weight,
      ...ownWords(key, shared.allowed),
    };
    return withWires(made, others);
  });
}

/** What is said of a key alone comes before what is said of its provider. */
function ownWords({ bound }: ProviderKey, allowed: Allowed | undefined): Pick<Target, 'region' | 'allowed'> {
  if (bound === undefined) return {};
  const { region, requestsPerMinute, tokensPerMinute, concurrent } = bound.settings;
  const own = compact({ requestsPerMinute, tokensPerMinute, concurrent });
  return compact({ region, allowed: Object.keys(own).length === 0 ? undefined : { ...allowed, ...own } });
}

/** What the operator says of provider and model, which no wire tells. */
function wordsOf(
  own: ProviderConfig,
  model: ModelRow,
): Pick<Target, 'compliance' | 'retentionDays' | 'trains' | 'tags' | 'allowed'> {
  const { compliance = [], retention_days: retentionDays, trains } = own;
  const { tags = [] } = model.own ?? {};
  return compact({ compliance, retentionDays, trains, tags, allowed: allowedOf(own) });
}

function allowedOf({ limits }: ProviderConfig): Allowed | undefined {
  if (limits === undefined) return undefined;
  const { requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute, concurrent } = limits;
  return compact({ requestsPerMinute, tokensPerMinute, concurrent });
}

/** Scores by task: the operator's, and published ones where there is none of theirs. */
function scoresOf({ name, catalog, own }: ModelRow): Pick<Target, 'quality' | 'qualityCounts'> {
  const ratings = own?.quality ?? {};
  const known = qualitiesOf({ ...catalog, id: own?.upstream_name ?? name }, ratings);
  return {
    quality: { ...Object.fromEntries(known.map(([task, { score }]) => [task, score])), ...ratings },
    qualityCounts: Object.fromEntries(known.map(([task, { count }]) => [task, count])),
  };
}

/** When the model ends, by the catalog; the file's own row for it says that it does not. */
function endOf(model: ModelRow, { isElsewhere }: Base): Pick<Target, 'retiresOn' | 'isElsewhere'> {
  const retiresOn = model.own === undefined ? model.catalog?.retiresOn : undefined;
  return retiresOn === undefined ? {} : { retiresOn, isElsewhere };
}

/** The base URL, with the version of the API where the provider finds it there. */
function addressOf({ own, baseUrl, apiVersion }: Base, model: ModelRow, provider: Provider): string {
  const address = own.base_url ?? usableUrl(model.catalog?.baseUrl) ?? baseUrl;
  const isVersioned = apiVersion !== undefined && provider.readsApiVersion === true;
  return isVersioned ? `${address}?api-version=${apiVersion}` : address;
}

/** The provider over each further wire that it speaks for this model. A model that the catalog gives a wire of its own has that alone. */
function otherProviders(
  base: Base,
  model: ModelRow,
  { provider, baseUrl }: { readonly provider: Provider; readonly baseUrl: string },
): readonly Provider[] {
  if (provider !== base.provider || base.isWireNamed) return [];
  return Object.values(base.dialects).flatMap((dialect) => {
    const isSpoken = provider.alsoSpeaks?.[dialect.id]?.(model.name, baseUrl) === true;
    return isSpoken ? [providerOf(base.row, provider.id, dialect)] : [];
  });
}

function withWires(target: Target, others: readonly Provider[]): Target {
  if (others.length === 0) return target;
  const wires = others.map((provider) => [provider.dialect.id, { ...target, provider }] as const);
  return { ...target, otherWires: Object.fromEntries(wires) };
}

/** A catalog address that depends on the account (`${NAME}`) is of no use as it stands. */
function usableUrl(url: string | undefined): string | undefined {
  return url === undefined || url.includes('${') ? undefined : url;
}

/** Some providers serve some models over another wire than the rest. */
function providerOfModel(base: Base, model: ModelRow): Provider {
  const other = model.catalog?.dialect;
  if (other === undefined || other === 'other' || other === base.provider.dialect.id) return base.provider;
  const dialect = base.dialects[other];
  return dialect === undefined ? base.provider : providerOf(base.row, base.provider.id, dialect);
}

function limitsOf(model: ModelRow): Limits {
  const { context, input, output } = model.own?.limits ?? {};
  const catalog = model.catalog?.limits;
  return compact({
    contextTokens: context ?? catalog?.contextTokens,
    inputTokens: input ?? catalog?.inputTokens,
    outputTokens: output ?? catalog?.outputTokens,
  });
}

/** What the model can do. An ability of which nothing is known counts as there: the provider knows better. */
function abilitiesOf(model: ModelRow): ReadonlySet<Ability> | undefined {
  if (model.own?.abilities !== undefined) return new Set(model.own.abilities);
  const row = model.catalog;
  if (row === undefined) return undefined;
  const inputs = row.inputs;
  const outputs = row.outputs;
  const known: readonly (readonly [Ability, boolean | undefined])[] = [
    ['tools', row.abilities.tools],
    ['reasoning', row.abilities.reasoning],
    ['json-schema', row.abilities.structuredOutput],
    ['image', inputs?.includes('image')],
    ['document', inputs === undefined ? undefined : inputs.includes('pdf') || row.abilities.attachment],
    ['audio', inputs?.includes('audio')],
    ['video', inputs?.includes('video')],
    ['image-out', outputs?.includes('image')],
    ['audio-out', outputs?.includes('audio')],
  ];
  return new Set(known.filter(([, can]) => can !== false).map(([ability]) => ability));
}

function priceOf(row: ModelRow): Price | undefined {
  return row.own?.price ?? row.catalog?.price;
}
