/** Compiles configuration and catalog into a frozen snapshot. Pure: the same input gives the same snapshot, and the same id. */
import { createHash } from 'node:crypto';
import { compact } from '../lib/json.ts';
import type { Catalog, CatalogModel } from '../catalog/catalog.ts';
import { indexNames, isMovingName, nameEntryOf, type NameEntry, type NameIndex } from '../catalog/names.ts';
import type { Config, RouteConfig } from '../config/schema.ts';
import { compileExpression } from '../policy/expression.ts';
import { compileRanges } from '../policy/ranges.ts';
import { compileRoute, type RouteWorld } from './compile-route.ts';
import { compareUnknownLast, listPrice } from './list-price.ts';
import { itemsThrough, type Policy, type Rule, type StrategyName, type WeightedTarget } from './policy.ts';
import { pathText } from '../config/path.ts';
import type { IntentModel } from '../understand/intents/intents.ts';
import type { IntentWarning } from '../understand/intents/warnings.ts';
import type { SeenFacts } from '../policy/vocabulary.ts';
import type { DetectLanguage } from '../understand/language.ts';
import { topicsOf } from '../understand/topics.ts';
import { SUFFIXES } from './preferences.ts';
import { selected } from './select.ts';
import type { ListedModel, Resolution, Snapshot } from './snapshot.ts';
import { suppliersOf, type ModelRow, type Supplier, type TargetsInput } from './targets.ts';
import type { Target } from './target.ts';

/** A route may name routes, an alias aliases; deeper is a mistake that the file's check has missed. */
const DEPTH_MAX = 8;
/** How many models `auto` chooses from, the cheapest: more would not be told apart in the time of a plan. */
const AUTO_MAX = 32;
/** `auto` takes models of about the last year: older ones are retired sooner than a catalog is refreshed. */
const AUTO_AGE_DAYS = 450;
const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const AUTO_CONTEXT_MIN = 64_000;

export interface CompileInput extends TargetsInput {
  /** What the operator's intents were trained to. Absent: there are none, or they are not asked. */
  readonly intents?: IntentModel | undefined;
  /** Tells languages. Absent: nobody asks for one. */
  readonly detectLanguage?: DetectLanguage | undefined;
}

export interface Compiled {
  readonly snapshot: Snapshot;
  readonly warnings: readonly string[];
}

interface Entry extends NameEntry {
  readonly supplier: Supplier;
}

export function compile(input: CompileInput): Compiled {
  const { config, catalog } = input;
  const { suppliers, warnings } = suppliersOf(input);
  const entries = [...suppliers.values()].flatMap((supplier) =>
    [...supplier.models.values()].map((row) => entryOf(supplier, row)),
  );
  const providerAliases = aliasMap(catalog);
  const names = indexNames(entries, { aliases: providerAliases });
  const resolver = makeResolver({ config, catalog, suppliers, names, entries, providerAliases });
  const targets = new Map<string, Target>();
  for (const entry of entries)
    for (const target of entry.supplier.targetsOf(entry.model)) targets.set(target.id, target);
  const snapshot = Object.freeze<Snapshot>({
    id: idOf(input, suppliers),
    timeouts: {
      connectMs: config.timeouts.connect_ms,
      firstByteMs: config.timeouts.first_byte_ms,
      firstTokenMs: config.timeouts.first_token_ms,
      idleMs: config.timeouts.idle_ms,
      totalMs: config.timeouts.total_ms,
    },
    region: config.server.region,
    content: config.understand.content,
    ...(input.detectLanguage === undefined ? {} : { detectLanguage: input.detectLanguage }),
    ...(Object.keys(config.topics).length === 0 ? {} : { topics: topicsOf(config.topics) }),
    attemptsMax: config.attempts,
    heartbeatMs: config.server.heartbeat_ms,
    writeIdleMs: config.server.write_idle_ms,
    bodyMaxBytes: config.server.body_max_bytes,
    responseMaxBytes: config.limits.response_max_bytes,
    concurrentMax: config.server.requests_max,
    logsRequests: config.log.requests !== 'none',
    output: config.output,
    keepsTurns: config.responses.store !== 'none',
    allowsUnknownPrice: config.price_unknown === 'allow',
    batches: {
      concurrency: config.batches.concurrency,
      fileMaxBytes: config.batches.file_max_mb * MIB,
      keyMaxBytes: config.batches.key_max_mb * MIB,
      keepMs: config.batches.keep_days * DAY_MS,
      mayUseNative: config.batches.native === 'auto',
    },
    rates: config.limits,
    providerIds: new Set(suppliers.keys()),
    targets,
    listed: [...autoListed(resolver, config), ...listedModels(config, entries)],
    ...(input.intents === undefined ? {} : { intentOf: input.intents.classify }),
    ...classifierOf(input),
    isProxy: proxiesOf(config),
    regionOf: regionsByAddress(config),
    resolve: resolver,
    successorOf: (target, today) => successorOf(names, target, today),
    isVisible: (name, allowed) => allowed === undefined || isNamed(name, allowed),
  });
  const doubts = (input.intents?.warnings ?? []).map(intentDoubt);
  return { snapshot, warnings: [...warnings, ...doubts] };
}

function classifierOf({ config, intents }: CompileInput): Pick<Snapshot, 'classifier'> {
  const { classifier } = config.understand;
  if (classifier === undefined) return {};
  return {
    classifier: { model: classifier.model, deadlineMs: classifier.deadline_ms, intents: intents?.names ?? [] },
  };
}

function intentDoubt({ intent, message }: IntentWarning): string {
  return `\`${pathText(intent === undefined ? ['intents'] : ['intents', intent])}\` ${message}`;
}

function proxiesOf({ server }: Config): Snapshot['isProxy'] {
  const ranges = compileRanges(server.trusted_proxies.map((range) => ({ range, region: 'proxy' })));
  return (address) => ranges.ok && ranges.value.regionOf(address) !== undefined;
}

/** Ranges that are wrong were refused when the file was read. */
function regionsByAddress({ callers }: Config): Snapshot['regionOf'] {
  const ranges = compileRanges(callers.regions);
  return (address) => (ranges.ok ? ranges.value.regionOf(address) : undefined);
}

function entryOf(supplier: Supplier, row: ModelRow): Entry {
  const base = row.catalog === undefined ? {} : nameEntryOf(row.catalog);
  return { ...base, provider: supplier.id, model: row.name, supplier };
}

function successorOf(names: NameIndex<Entry>, { providerId, model }: Target, today: string): string | undefined {
  const found = names.resolve(`${providerId}/${model}`);
  const [entry] = found.kind === 'found' ? found.entries : [];
  const successor = entry === undefined ? undefined : names.lifecycle(entry, today).successor;
  return successor === undefined ? undefined : `${providerId}/${successor}`;
}

function aliasMap(catalog: Catalog): ReadonlyMap<string, string> {
  return new Map(
    catalog.providers.flatMap((provider) => provider.aliases.map((alias) => [alias, provider.id] as const)),
  );
}

/** `openai/*` by prefix, anything else by equality, with or without the provider's name. */
function isNamed(name: string, allowed: readonly string[]): boolean {
  const bare = name.slice(name.indexOf('/') + 1);
  return allowed.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name || pattern === bare,
  );
}

/**
 * The id changes with anything that can change a decision: also with what stands in the environment and in the clouds' files, and
 * with what intents were trained to. Secrets of the file go in as a hash only, those of the environment not at all.
 */
function idOf(input: CompileInput, suppliers: ReadonlyMap<string, Supplier>): string {
  const { config, catalog, intents } = input;
  // Where the store is decides nothing, and may hold a password.
  const decisive = { ...config, store: 'sqlite' };
  const text = JSON.stringify(decisive, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  const { name, asOf, commit = '' } = catalog.source;
  const trained = intents === undefined ? [] : [intents.names, intents.heldOut];
  const around = [[...suppliers.values()].map(placesOf), trained, ...keptElsewhere(input)];
  const about = `${name} ${asOf} ${commit} ${catalog.modelCount} ${JSON.stringify(around)}`;
  return createHash('sha256').update(text).update(about).digest('hex').slice(0, 16);
}

/** What changes with the secrets of the store, and with those in files. Nothing where there are none. */
function keptElsewhere({ config, secrets = [], keyFile }: CompileInput): readonly unknown[] {
  const sealed = secrets.map(({ id, revision }) => `${id} ${revision}`);
  const files = Object.values(config.providers).flatMap(({ api_key_file: paths = [] }) => paths);
  const filed = files.map((path) => fingerprint(keyFile?.(path)));
  return [sealed, filed].filter((list) => list.length > 0);
}

function fingerprint(text: string | undefined): string | undefined {
  return text === undefined ? undefined : createHash('sha256').update(text).digest('hex');
}

/** How many keys a provider has, and where each leads: the same for a model of any name. */
function placesOf(supplier: Supplier): readonly unknown[] {
  const places = supplier.targetsOf('').map(({ baseUrl, region, identity, secret }) => {
    const proof = secret === undefined ? identity?.kind : 'key';
    return [baseUrl, region, proof, identity?.kind === 'aws' ? identity.region : undefined];
  });
  return [supplier.id, places];
}

interface ResolverInput {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly suppliers: ReadonlyMap<string, Supplier>;
  readonly names: NameIndex<Entry>;
  readonly entries: readonly Entry[];
  /** Other names of providers (`together`), by which they are called too. */
  readonly providerAliases: ReadonlyMap<string, string>;
}

type Resolver = (name: string) => Resolution;

function makeResolver(input: ResolverInput): Resolver {
  const { config, suppliers, names, providerAliases, entries } = input;
  const routes = new Map(Object.entries(config.routes));
  const aliases = new Map(Object.entries(config.aliases));
  const ownNames = [...routes.keys(), ...aliases.keys()];
  const auto = autoPolicy(input);
  const compiled = new Map<string, Policy>();
  const all = (): readonly Target[] => entries.flatMap((entry) => entry.supplier.targetsOf(entry.model));

  function resolve(name: string, depth = 0): Resolution {
    const route = routes.get(name);
    if (route !== undefined && depth < DEPTH_MAX)
      return { kind: 'found', policy: policyOf(name, route, depth), route: name };
    const alias = aliases.get(name);
    if (alias !== undefined && depth < DEPTH_MAX) return resolve(alias, depth + 1);
    if (name === 'auto' && auto !== undefined) return { kind: 'found', policy: auto, route: name };
    const found = names.resolve(name);
    if (found.kind === 'found') {
      const tier = found.entries.flatMap((entry) => weighted(entry.supplier.targetsOf(entry.model), 1));
      const sort = SUFFIXES[found.suffix ?? ''];
      return { kind: 'found', policy: plainPolicy(tier), ...(sort === undefined ? {} : { sort }) };
    }
    return unlisted(name) ?? { kind: 'unknown', near: [...near(name, ownNames), ...found.near].slice(0, 3) };
  }

  /** A name that no catalog knows: `provider/model` goes to that provider, which may know it; the simulator takes all. */
  function unlisted(name: string): Resolution | undefined {
    const slash = name.indexOf('/');
    const provider = name.slice(0, Math.max(0, slash));
    const supplier = suppliers.get(provider) ?? suppliers.get(providerAliases.get(provider) ?? '');
    const model = name.slice(slash + 1);
    const simulator = suppliers.get('simulator');
    const targets =
      supplier !== undefined && isPlainName(model)
        ? supplier.targetsOf(model)
        : isPlainName(name)
          ? (simulator?.targetsOf(name) ?? [])
          : [];
    if (targets.length === 0) return undefined;
    return { kind: 'found', policy: plainPolicy(weighted(targets, 1)) };
  }

  function policyOf(name: string, route: RouteConfig, depth: number): Policy {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const world: RouteWorld = {
      targetsOf: (target) => {
        const resolved = resolve(target, depth + 1);
        return resolved.kind === 'unknown' ? [] : itemsThrough(resolved.policy);
      },
      select: (search) => selected(search, all()),
      condition: conditionOf,
    };
    const policy = compileRoute(route, world);
    compiled.set(name, policy);
    return policy;
  }

  return (name) => resolve(name.trim());
}

/** A rule's expression, ready to be asked. One that is wrong was refused when the file was read; here it never holds. */
function conditionOf(source: string): Pick<Rule, 'holds' | 'reads'> {
  const compiled = compileExpression(source);
  if (!compiled.ok) return { holds: () => compiled.error.message };
  const { reads } = compiled.value;
  const holds = (facts: SeenFacts): boolean | string => {
    const answer = compiled.value.evaluate(facts);
    if (!answer.ok) return answer.error;
    const [untold, ...more] = [...(facts.untold ?? [])].filter(
      ([name, { isPart }]) => reads.has(name) && !(answer.value && isPart === true),
    );
    if (untold === undefined) return answer.value;
    // As if they were not given: where the answer is still one, it did not depend on them.
    const given = { ...facts, ...Object.fromEntries([untold, ...more].map(([name]) => [name, undefined])) };
    const sure = compiled.value.evaluate(given);
    return sure.ok ? sure.value : untold[1].why;
  };
  return { holds, reads };
}

/** The policy of a name that stands for a model: what serves it shares the load. */
function plainPolicy(tier: readonly WeightedTarget[]): Policy {
  const strategy: StrategyName = tier.length > 1 ? 'weighted' : 'ordered';
  return { tiers: [tier], strategy, readsContent: false };
}

/** What may stand in a URL path and a header without a second thought. */
function isPlainName(model: string): boolean {
  return (
    /^[\w@~][\w.:@/+-]{0,199}$/.test(model) && !model.includes('..') && !model.includes('//') && !model.endsWith('/')
  );
}

function weighted(targets: readonly Target[], factor: number): readonly WeightedTarget[] {
  return targets.map((target) => ({ target, weight: target.weight * factor }));
}

/** Names that begin alike: routes and aliases are few, and written by people. */
function near(name: string, known: readonly string[]): readonly string[] {
  const start = name.slice(0, 3).toLowerCase();
  return start.length < 3 ? [] : known.filter((other) => other.toLowerCase().startsWith(start));
}

/** What `auto` means without a route of that name: current all-round models, balanced between quality, cost and latency. */
function autoPolicy({ entries, catalog, suppliers }: ResolverInput): Policy | undefined {
  const simulator = suppliers.get('simulator')?.targetsOf('auto');
  if (simulator !== undefined && suppliers.size === 1)
    return { ...plainPolicy(weighted(simulator, 1)), readsContent: true };
  const since = new Date(Date.parse(catalog.source.asOf ?? '2026-07-01') - AUTO_AGE_DAYS * DAY_MS)
    .toISOString()
    .slice(0, 10);
  const targets = entries
    .filter((entry) => isAllRound(entry, since))
    .flatMap((entry) => entry.supplier.targetsOf(entry.model).slice(0, 1))
    .toSorted((a, b) => compareUnknownLast(listPrice(a), listPrice(b)))
    .slice(0, AUTO_MAX);
  const fallback =
    targets.length > 0 ? targets : entries.flatMap((entry) => entry.supplier.targetsOf(entry.model)).slice(0, AUTO_MAX);
  return fallback.length === 0
    ? undefined
    : { tiers: [weighted(fallback, 1)], strategy: 'balanced', readsContent: true };
}

function isAllRound(entry: Entry, since: string): boolean {
  const row = entry.supplier.models.get(entry.model)?.catalog;
  return (
    row !== undefined && isCurrent(row, since) && isCapable(row) && row.price !== undefined && row.free === undefined
  );
}

function isCurrent(row: CatalogModel, since: string): boolean {
  if (row.status !== undefined || row.versionOf !== undefined || isMovingName(row.id)) return false;
  return row.releasedOn !== undefined && row.releasedOn >= since;
}

/** Text in, text out and nothing else, tools, schemas, room for a conversation. */
function isCapable(row: CatalogModel): boolean {
  const { inputs, outputs, abilities, limits } = row;
  if (inputs?.includes('text') !== true || outputs?.join() !== 'text') return false;
  if (abilities.tools !== true || abilities.structuredOutput === false) return false;
  return limits.contextTokens !== undefined && limits.contextTokens >= AUTO_CONTEXT_MIN;
}

/** `auto` is a name that callers choose like any other. */
function autoListed(resolve: Resolver, { routes, aliases }: Config): readonly ListedModel[] {
  const isOwn = Object.hasOwn(routes, 'auto') || Object.hasOwn(aliases, 'auto');
  return isOwn || resolve('auto').kind === 'unknown'
    ? []
    : [listedName('auto', 'current all-round models, balanced between quality, cost and latency')];
}

function listedModels(config: Config, entries: readonly Entry[]): readonly ListedModel[] {
  const routes = Object.entries(config.routes).map(([id, route]) => listedName(id, route.description ?? 'route'));
  const aliases = Object.entries(config.aliases).map(([id, target]) => listedName(id, `alias of ${target}`));
  return [...routes, ...aliases, ...entries.map(listedEntry)];
}

function listedName(id: string, title: string): ListedModel {
  return {
    id,
    bareName: id,
    title,
    ownedBy: 'turnout',
    createdS: 0,
    limits: {},
    inputs: ['text'],
    outputs: ['text'],
    abilities: [],
  };
}

function listedEntry(entry: Entry): ListedModel {
  const [target] = entry.supplier.targetsOf(entry.model);
  const catalog: Partial<CatalogModel> = entry.supplier.models.get(entry.model)?.catalog ?? {};
  const { name = entry.model, inputs = ['text'], outputs = ['text'], status, releasedOn } = catalog;
  return compact({
    id: `${entry.provider}/${entry.model}`,
    bareName: entry.model,
    title: name,
    ownedBy: entry.provider,
    createdS: secondsOf(releasedOn),
    price: target?.price,
    limits: target?.limits ?? {},
    inputs,
    outputs,
    abilities: [...(target?.abilities ?? [])],
    operations: target?.operations,
    status,
  });
}

/** Seconds since 1970 of `2025-08-07` or `2025-08`; 0 where no day is known. */
function secondsOf(day: string | undefined): number {
  if (day === undefined) return 0;
  const time = Date.parse(`${day.length === 7 ? `${day}-01` : day}T00:00:00Z`);
  return Number.isNaN(time) ? 0 : time / 1000;
}
