/** A route in plain words: what a team reads before it agrees. Made of the configuration alone, so it cannot say what is not so. Pure. */
import { pathText } from '../config/path.ts';
import type { Config, RouteConfig, RouteTarget } from '../config/schema.ts';
import { tiersOf } from '../config/schema.ts';
import { compact } from '../lib/json.ts';
import { listed } from '../lib/words.ts';
import { formatUsd } from '../money/usd.ts';
import { lintRoutes } from './lint.ts';
import { itemsOf, type Policy } from './policy.ts';
import type { Snapshot } from './snapshot.ts';

type RequireConfig = Partial<NonNullable<RouteConfig['require']>>;
type RuleConfig = NonNullable<RouteConfig['rules']>[number];
type UseConfig = NonNullable<RuleConfig['use']>;
type SelectConfig = Extract<RouteTarget, { readonly select: unknown }>['select'];

export interface RouteDescription {
  readonly name: string;
  readonly description?: string;
  /** Sentences. */
  readonly summary: readonly string[];
  readonly rules: readonly { readonly name: string; readonly when: string; readonly does: string }[];
  /** All targets that its requests may go to, as they stand today. */
  readonly targets: readonly string[];
  readonly cases: readonly { readonly name: string; readonly expects: string }[];
}

/** A route, and what is told of it when the file is checked. */
export interface RoutePage extends RouteDescription {
  readonly warnings: readonly string[];
}

/** All routes of a configuration, in its order. */
export function pagesOf(config: Config, snapshot: Pick<Snapshot, 'resolve' | 'targets'>): readonly RoutePage[] {
  const findings = lintRoutes(config, snapshot);
  return Object.entries(config.routes).flatMap(([name, route]) => {
    const resolved = snapshot.resolve(name);
    if (resolved.kind === 'unknown') return [];
    const warnings = findings
      .filter(({ path }) => path[1] === name)
      .map(({ path, message }) => `\`${pathText(path.slice(2))}\` ${message}`);
    return [{ ...describeRoute(name, route, resolved.policy), warnings }];
  });
}

/** Describes a route of the file; `policy` is what it was compiled to. */
function describeRoute(name: string, route: RouteConfig, policy: Policy): RouteDescription {
  return compact({
    name,
    description: route.description,
    summary: [
      ...orderOf(tiersOf(route), route),
      ...requirementsOf(route.require),
      ...fallbackOf(route),
      ...extrasOf(route),
    ],
    rules: (route.rules ?? []).map((rule, index) => ({
      name: rule.name ?? `rule ${index + 1}`,
      when: rule.when,
      does: whatDoes(rule),
    })),
    targets: itemsOf(policy)
      .map(({ target }) => target.id)
      .toSorted(),
    cases: (route.expect ?? []).map((one, index) => ({
      name: one.name ?? `case ${index + 1}`,
      expects: expectationOf(one),
    })),
  });
}

type Ordering = Pick<RouteConfig, 'strategy' | 'weigh' | 'prefer'>;

function orderOf(tiers: readonly (readonly RouteTarget[])[], ordering: Ordering): readonly string[] {
  const groups = tiers.map((tier) => chosen(tier, ordering));
  const [first = '', ...later] = groups;
  const sentence = `Requests go to ${first}.`;
  const next = later.map(
    (group, index) => `${index === 0 ? 'When that fails, they go to' : 'After that, to'} ${group}.`,
  );
  const { prefer = [] } = ordering;
  return [sentence, ...next, ...(prefer.length === 0 ? [] : [`Models tagged ${listed(prefer, 'or')} come first.`])];
}

interface Choice {
  readonly tier: readonly RouteTarget[];
  readonly names: readonly string[];
  /** The names as a list. */
  readonly all: string;
  readonly weigh: Ordering['weigh'];
}

const CHOICES: Readonly<Record<Ordering['strategy'], (choice: Choice) => string>> = {
  ordered: ({ all }) => `the first that can of ${all}, in this order`,
  cost: ({ all }) => `the cheapest, by the expected price of the request, of ${all}`,
  latency: ({ all }) => `the soonest to answer of ${all}`,
  throughput: ({ all }) => `the one that writes most tokens a second of ${all}`,
  quality: ({ all }) => `the best at the request’s task of ${all}`,
  balanced: ({ all, weigh }) => `the best balance of ${weights(weigh)} among ${all}`,
  weighted: ({ tier, names }) =>
    `${listed(tier.map((each, at) => `${names[at] ?? ''} (${shareOf(each, tier)})`))}, by lot`,
  'round-robin': ({ all }) => `${all}, in turns`,
  'least-busy': ({ all }) => `the less busy of two drawn from ${all}`,
};

/** `the cheapest of a and b`. */
function chosen(tier: readonly RouteTarget[], { strategy, weigh }: Ordering): string {
  const names = tier.map(targetWords);
  const [only] = tier;
  if (tier.length === 1 && only !== undefined && 'target' in only) return names[0] ?? '';
  return CHOICES[strategy]({ tier, names, all: listed(names), weigh });
}

function weights({ quality, cost, latency } = { quality: 0.5, cost: 0.3, latency: 0.2 }): string {
  const parts = Object.entries({ quality, cost, latency }).filter(([, weight]) => weight > 0);
  return listed(parts.map(([name, weight]) => `${name} (${weight})`));
}

function shareOf({ weight }: RouteTarget, tier: readonly RouteTarget[]): string {
  const total = tier.reduce((sum, each) => sum + each.weight, 0);
  return total === 0 ? 'no share' : `${Math.round((100 * weight) / total)}%`;
}

function targetWords(entry: RouteTarget): string {
  return 'target' in entry ? entry.target : selectWords(entry.select);
}

/** `up to 5 models that are tagged code and have a quality of at least 0.7 at code`. */
function selectWords({ most, providers, models, ...require }: SelectConfig): string {
  const of = [
    ...(providers === undefined ? [] : [`of ${listed(providers, 'or')}`]),
    ...(models === undefined ? [] : [`named ${models}`]),
  ];
  const clauses = requireClauses(require);
  const that = clauses.length === 0 ? '' : ` that ${listed(clauses)}`;
  return `up to ${most} models${of.length === 0 ? '' : ` ${of.join(' ')}`}${that}`;
}

function requirementsOf(require: RequireConfig | undefined): readonly string[] {
  const clauses = require === undefined ? [] : requireClauses(require);
  return clauses.length === 0 ? [] : [`Only targets that ${listed(clauses)} are used, for fallbacks too.`];
}

/** What each word of `require` asks, as a clause behind “that”. */
function requireClauses(require: RequireConfig): readonly string[] {
  const { compliance, tags, abilities, retention_days_max: days, ttft_ms_p95: ttftMs, context_min: context } = require;
  const clauses: readonly (readonly [boolean, string])[] = [
    [require.region !== undefined, `are in ${regionWords(require.region)}`],
    [compliance !== undefined, `are certified for ${listed(compliance ?? [])}`],
    [
      days !== undefined,
      days === 0 ? 'keep nothing of what they are sent' : `keep what they are sent for at most ${days} days`,
    ],
    [require.training === false, 'do not train on it'],
    [require.quality !== undefined, qualityWords(require.quality)],
    [require.price !== undefined, priceWords(require.price)],
    [ttftMs !== undefined, `begin to answer within ${ttftMs} ms in 95 of 100 cases`],
    [tags !== undefined, `are tagged ${listed(tags ?? [])}`],
    [abilities !== undefined, `can do ${listed(abilities ?? [])}`],
    [context !== undefined, `take at least ${context} tokens`],
  ];
  return clauses.filter(([isAsked]) => isAsked).map(([, words]) => words);
}

function regionWords(region: readonly string[] | undefined = []): string {
  return listed(
    region.map((zone) => (zone === 'caller' ? 'the caller’s region' : zone)),
    'or',
  );
}

function qualityWords(quality: RequireConfig['quality']): string {
  const task = quality?.task === undefined ? 'the request’s task' : quality.task;
  return `have a quality of at least ${quality?.min ?? 0} at ${task}`;
}

function priceWords({ input_max: input, output_max: output }: NonNullable<RequireConfig['price']> = {}): string {
  const limits = [
    ...(input === undefined ? [] : [`${formatUsd(input)} USD a million input tokens`]),
    ...(output === undefined ? [] : [`${formatUsd(output)} USD a million output tokens`]),
  ];
  return `cost at most ${listed(limits)}`;
}

/** What ended an attempt, as a reason for the next one. */
const REASONS: Readonly<Record<RouteConfig['fallback']['on'][number], string>> = {
  error: 'errors',
  'rate-limit': 'rate limits',
  timeout: 'timeouts',
  slow: 'slow first tokens',
  'content-filter': 'a provider’s content filter',
  'context-length': 'a context that is too small',
};

function fallbackOf({ fallback }: RouteConfig): readonly string[] {
  const { on, attempts, price_factor_max: factor, first_token_ms: firstTokenMs } = fallback;
  if (on.length === 0) return ['Nothing is tried a second time.'];
  const most = attempts === undefined ? '' : `, ${attempts} attempts at most`;
  return [
    `Another is tried after ${listed(
      on.map((reason) => REASONS[reason]),
      'or',
    )}${most}.`,
    ...(factor === undefined ? [] : [`None is tried that would cost more than ${factor} times the first choice.`]),
    ...(firstTokenMs === undefined
      ? []
      : [`An answer that has not begun after ${firstTokenMs} ms is given up while another target is left.`]),
  ];
}

function extrasOf({ hedge, sticky, continue: continues, explore }: RouteConfig): readonly string[] {
  const after = hedge?.after === 'p95' ? 'longer than in 95 of 100 answers before' : `for ${hedge?.after ?? 0} ms`;
  return [
    ...(hedge === undefined
      ? []
      : [
          `A second attempt starts beside one that is silent ${after}, for ${percent(hedge.budget)} of requests and spend at most.`,
        ]),
    ...(sticky === 'conversation' ? ['A conversation stays where its prompt cache is, as long as that pays.'] : []),
    ...(continues ? ['A stream of text that breaks is gone on with elsewhere.'] : []),
    ...(explore === undefined || explore === 0
      ? []
      : [`${percent(explore)} of requests go to a target drawn by lot, to learn how it does.`]),
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}

/** What a rule does, as a clause. */
function whatDoes({ use, require, refuse }: RuleConfig): string {
  if (refuse !== undefined) return `the request is refused: “${refuse}”`;
  const clauses = require === undefined ? [] : requireClauses(require);
  return [
    ...(use === undefined ? [] : useWords(use)),
    ...(clauses.length === 0 ? [] : [`only targets that ${listed(clauses)}`]),
  ].join('; ');
}

function useWords(use: UseConfig): readonly string[] {
  const { strategy, weigh, prefer, targets, tiers } = use;
  const ordering = { strategy: strategy ?? 'ordered', ...compact({ weigh }) };
  const hasTargets = targets !== undefined || tiers !== undefined;
  const groups = hasTargets ? tiersOf(use).map((tier) => chosen(tier, ordering)) : [];
  const own = strategy === undefined ? tiersOf(use).map((tier) => listed(tier.map(targetWords))) : groups;
  return [
    ...(hasTargets ? [`to ${own.join(', then ')}`] : []),
    ...(hasTargets || strategy === undefined ? [] : [`ordered by ${strategy}`]),
    ...(prefer === undefined ? [] : [`models tagged ${listed(prefer, 'or')} first`]),
  ];
}

function expectationOf({ expect }: NonNullable<RouteConfig['expect']>[number]): string {
  const parts = [
    ...(expect.refused === true ? ['refused'] : []),
    ...(expect.target === undefined ? [] : [`to ${expect.target}`]),
    ...(expect.provider === undefined ? [] : [`to a model of ${expect.provider}`]),
    ...(expect.not === undefined ? [] : [`never to ${listed(expect.not, 'or')}`]),
    ...(expect.rule === undefined ? [] : [`by the rule ${expect.rule}`]),
  ];
  return parts.length === 0 ? 'taken' : listed(parts);
}
