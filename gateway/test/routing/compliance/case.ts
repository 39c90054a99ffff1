/**
 * Worlds of providers, routes with their requirements, and requests, by lot: the routes as an operator writes them, so that
 * all of the way from the file to the last fallback is under test. Nothing of the implementation is used here.
 */
import { pickOne, type Dice } from '../chance.ts';

export const REGIONS = [
  'eu',
  'eu-central-1',
  'eu-west-1',
  'eu-west-2',
  'eu-central-2',
  'europe-west3',
  'europe-west2',
  'uksouth',
  'germanywestcentral',
  'switzerlandnorth',
  'norwayeast',
  'us-east-1',
  'us-west-2',
  'ca-central-1',
  'ap-northeast-1',
  'moonbase-1',
] as const;
export type Region = (typeof REGIONS)[number];

export const ZONES = ['eu', 'eea', 'uk', 'us', 'de', 'ch', 'eu-central-1', 'us-east-1', 'moonbase-1'] as const;
const CERTIFICATES = ['gdpr', 'hipaa', 'soc2'] as const;
const TAGS = ['code', 'fast', 'vetted'] as const;
const TASKS = ['chat', 'code', 'translation', 'summary'] as const;
const SENSITIVE = ['email', 'card', 'health', 'secret'] as const;
const STRATEGIES = [
  'ordered',
  'cost',
  'latency',
  'throughput',
  'quality',
  'balanced',
  'weighted',
  'round-robin',
  'least-busy',
] as const;

export interface Model {
  readonly name: string;
  readonly price?: { readonly input: number; readonly output: number };
  readonly tags: readonly string[];
  /** For every task of the requests, or for none. */
  readonly quality?: Readonly<Record<string, number>>;
  readonly contextTokens?: number;
}

export interface Provider {
  readonly id: string;
  readonly keys: number;
  readonly region?: Region;
  readonly compliance: readonly string[];
  readonly retentionDays?: number;
  readonly trains?: boolean;
  readonly models: readonly Model[];
}

/** As in the file, field by field. */
export interface RequireText {
  readonly region?: readonly string[];
  readonly compliance?: readonly string[];
  readonly retention_days_max?: number;
  readonly training?: false;
  readonly quality?: { readonly min: number; readonly task?: string };
  readonly price?: { readonly input_max?: number; readonly output_max?: number };
  readonly tags?: readonly string[];
  readonly context_min?: number;
}

export type Condition =
  | { readonly is: 'task' | 'language' | 'region'; readonly value: string }
  | { readonly has: 'sensitive' | 'tags'; readonly value: string }
  | { readonly above: number }
  | { readonly not: Condition }
  | { readonly both: readonly [Condition, Condition] }
  | { readonly either: readonly [Condition, Condition] };

export interface RuleText {
  readonly when: Condition;
  readonly use?: {
    readonly strategy?: string;
    readonly prefer?: readonly string[];
    readonly targets?: readonly string[];
  };
  readonly require?: RequireText;
  readonly refuse?: string;
}

export interface RouteText {
  /** Models by `provider/model`, or the name of another route. */
  readonly tiers: readonly (readonly string[])[];
  readonly require?: RequireText;
  readonly rules: readonly RuleText[];
  readonly strategy: string;
  readonly prefer?: readonly string[];
  readonly sticky: boolean;
  readonly explore: number;
  readonly priceFactorMax?: number;
}

export interface World {
  readonly providers: readonly Provider[];
  readonly routes: Readonly<Record<string, RouteText>>;
}

/** A request, as far as requirements look at it. */
export interface Asking {
  readonly callerRegion?: string;
  readonly task: string;
  readonly difficulty: number;
  readonly language: string;
  readonly sensitive: readonly string[];
  readonly tags: readonly string[];
  /** What the request itself demands. */
  readonly require?: RequireText;
  /** Providers it names or refuses. */
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
  readonly order?: readonly string[];
}

const chance = (throwDice: Dice, of: number): boolean => throwDice() < of;
const some = <T>(throwDice: Dice, items: readonly T[], of: number): readonly T[] =>
  items.filter(() => chance(throwDice, of));
const maybe = <T>(throwDice: Dice, of: number, value: () => T): T | undefined =>
  chance(throwDice, of) ? value() : undefined;

/** Without the fields that are undefined. */
function defined<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function score(throwDice: Dice): number {
  return Math.round(throwDice() * 100) / 100;
}

export function worldBy(throwDice: Dice): World {
  const providers = Array.from({ length: 3 + Math.floor(throwDice() * 4) }, (_, index) => providerBy(throwDice, index));
  const names = providers.flatMap(({ id, models }) => models.map(({ name }) => `${id}/${name}`));
  const inner = routeBy(throwDice, some(throwDice, names, 0.5), undefined);
  // Most targets of the inner route are reached through it alone.
  const own = some(throwDice, names, 0.6);
  const outer = routeBy(throwDice, own.length === 0 ? names : own, inner === undefined ? undefined : 'inner');
  return { providers, routes: defined<Record<string, RouteText>>({ main: outer, inner }) };
}

function providerBy(throwDice: Dice, index: number): Provider {
  return defined<Provider>({
    id: `p${index + 1}`,
    keys: chance(throwDice, 0.3) ? 2 : 1,
    region: maybe(throwDice, 0.85, () => pickOne(throwDice, REGIONS)),
    compliance: some(throwDice, CERTIFICATES, 0.6),
    retentionDays: maybe(throwDice, 0.8, () => pickOne(throwDice, [0, 0, 7, 30])),
    trains: maybe(throwDice, 0.8, () => chance(throwDice, 0.3)),
    models: Array.from({ length: 1 + Math.floor(throwDice() * 2) }, (__, at) =>
      defined<Model>({
        name: `m${at + 1}`,
        price: maybe(throwDice, 0.85, () => ({
          input: Math.round(throwDice() * 400) / 100,
          output: Math.round(throwDice() * 1600) / 100,
        })),
        tags: some(throwDice, TAGS, 0.5),
        quality: maybe(throwDice, 0.8, () => Object.fromEntries(TASKS.map((task) => [task, score(throwDice)]))),
        contextTokens: maybe(throwDice, 0.8, () => pickOne(throwDice, [8192, 32_768, 131_072])),
      }),
    ),
  });
}

/** Undefined: no targets were given. */
function routeBy(throwDice: Dice, names: readonly string[], inner: string | undefined): RouteText | undefined {
  const targets = [...names];
  if (inner !== undefined && chance(throwDice, 0.5)) targets.splice(Math.floor(throwDice() * targets.length), 0, inner);
  const cut = chance(throwDice, 0.5) ? targets.length : 1 + Math.floor(throwDice() * targets.length);
  const tiers = [targets.slice(0, cut), targets.slice(cut)].filter((tier) => tier.length > 0);
  if (tiers.length === 0) return undefined;
  return defined<RouteText>({
    tiers,
    require: maybe(throwDice, 0.8, () => requireBy(throwDice)),
    rules: Array.from({ length: Math.floor(throwDice() * 4) }, () => ruleBy(throwDice, names)),
    strategy: pickOne(throwDice, STRATEGIES),
    prefer: maybe(throwDice, 0.3, () => [pickOne(throwDice, TAGS)]),
    sticky: chance(throwDice, 0.3),
    explore: chance(throwDice, 0.3) ? 0.2 : 0,
    priceFactorMax: maybe(throwDice, 0.2, () => pickOne(throwDice, [1, 2, 5])),
  });
}

export function requireBy(throwDice: Dice): RequireText {
  return defined<RequireText>({
    region: maybe(throwDice, 0.5, () =>
      chance(throwDice, 0.4)
        ? ['caller', ...some(throwDice, ZONES, 0.1)]
        : [pickOne(throwDice, ZONES), ...some(throwDice, ZONES, 0.1)],
    ),
    compliance: maybe(throwDice, 0.3, () => [pickOne(throwDice, CERTIFICATES)]),
    retention_days_max: maybe(throwDice, 0.25, () => pickOne(throwDice, [0, 7, 30])),
    training: maybe(throwDice, 0.25, () => false as const),
    quality: maybe(throwDice, 0.2, () =>
      defined<NonNullable<RequireText['quality']>>({
        min: 0.4,
        task: maybe(throwDice, 0.5, () => pickOne(throwDice, TASKS)),
      }),
    ),
    price: maybe(throwDice, 0.2, () =>
      defined<NonNullable<RequireText['price']>>({
        input_max: maybe(throwDice, 0.5, () => 2),
        output_max: maybe(throwDice, 0.7, () => 10),
      }),
    ),
    tags: maybe(throwDice, 0.15, () => [pickOne(throwDice, TAGS)]),
    context_min: maybe(throwDice, 0.15, () => 32_000),
  });
}

function ruleBy(throwDice: Dice, names: readonly string[]): RuleText {
  const kind = throwDice();
  const when = conditionBy(throwDice, 0);
  if (kind < 0.12) return { when, refuse: 'this is not done here' };
  const use = defined<NonNullable<RuleText['use']>>({
    strategy: maybe(throwDice, 0.5, () => pickOne(throwDice, STRATEGIES)),
    prefer: maybe(throwDice, 0.3, () => [pickOne(throwDice, TAGS)]),
    targets: maybe(throwDice, 0.4, () => [pickOne(throwDice, names), ...some(throwDice, names, 0.3)]),
  });
  const hasUse = Object.keys(use).length > 0 && chance(throwDice, 0.6);
  return defined<RuleText>({
    when,
    use: hasUse ? use : undefined,
    require: hasUse && chance(throwDice, 0.4) ? undefined : requireBy(throwDice),
  });
}

function conditionBy(throwDice: Dice, depth: number): Condition {
  const kind = throwDice();
  const inner = (): Condition => conditionBy(throwDice, depth + 1);
  if (depth < 2 && kind < 0.12) return { not: inner() };
  if (depth < 2 && kind < 0.25) return { both: [inner(), inner()] };
  if (depth < 2 && kind < 0.35) return { either: [inner(), inner()] };
  if (kind < 0.6) return { has: 'sensitive', value: pickOne(throwDice, SENSITIVE) };
  if (kind < 0.7) return { has: 'tags', value: 'vip' };
  if (kind < 0.8) return { is: 'task', value: pickOne(throwDice, TASKS) };
  if (kind < 0.86) return { is: 'language', value: pickOne(throwDice, ['de', 'en']) };
  if (kind < 0.93) return { is: 'region', value: pickOne(throwDice, ['eu', 'us-east-1', '']) };
  return { above: pickOne(throwDice, [0.3, 0.6]) };
}

export function askingBy(throwDice: Dice, { providers }: World): Asking {
  const ids = providers.map(({ id }) => id);
  return defined<Asking>({
    callerRegion: maybe(throwDice, 0.75, () => pickOne(throwDice, [...REGIONS, 'de', 'uk', 'us'])),
    task: pickOne(throwDice, TASKS),
    difficulty: score(throwDice),
    language: pickOne(throwDice, ['de', 'en', '']),
    sensitive: some(throwDice, SENSITIVE, 0.25),
    tags: some(throwDice, ['vip', 'batch'], 0.3),
    require: maybe(throwDice, 0.2, () => requireBy(throwDice)),
    only: maybe(throwDice, 0.08, () => [pickOne(throwDice, ids), ...some(throwDice, ids, 0.4)]),
    ignore: maybe(throwDice, 0.08, () => [pickOne(throwDice, ids)]),
    order: maybe(throwDice, 0.08, () => some(throwDice, ids, 0.5)),
  });
}
