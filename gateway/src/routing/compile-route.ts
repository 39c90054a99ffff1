/** Compiles a route of the file into the policy that plans are made by. Pure. */
import type { FaultCode } from '../chat/fault.ts';
import { ruleName } from '../config/policy-checks.ts';
import { tiersOf, type RouteConfig, type RouteTarget } from '../config/schema.ts';
import { REPLACEABLE } from '../dialects/dialect.ts';
import { compact } from '../lib/json.ts';
import type { Fallback, Policy, Require, Rule, Tiers, Use, WeightedTarget } from './policy.ts';
import { contentFactOf } from '../understand/view.ts';

type RuleConfig = NonNullable<RouteConfig['rules']>[number];
type RequireConfig = NonNullable<RouteConfig['require']>;

/** What a route needs to know of everything else. */
export interface RouteWorld {
  /** Targets that a name stands for: a model, an alias, another route. Empty where it stands for nothing. */
  targetsOf(name: string): readonly WeightedTarget[];
  select(search: Extract<RouteTarget, { readonly select: unknown }>['select']): readonly WeightedTarget[];
  /** The expression of a rule, ready to be asked. */
  condition(source: string): Pick<Rule, 'holds' | 'reads'>;
}

export function compileRoute(route: RouteConfig, world: RouteWorld): Policy {
  const { weigh, prefer, rules, hedge, explore } = route;
  const compiled = rules?.map((rule, index) => compileRule(rule, { index, world }));
  const tiers = compileTiers(tiersOf(route), world);
  const items = [...tiers.flat(), ...(compiled ?? []).flatMap(({ use }) => use?.tiers?.flat() ?? [])];
  const passed = items.flatMap(({ passages = [] }) => passages.flatMap((passage) => passage.rules));
  return compact({
    tiers,
    strategy: route.strategy,
    weigh,
    prefer,
    require: route.require === undefined ? undefined : compileRequire(route.require),
    rules: compiled,
    fallback: fallbackOf(route),
    hedge,
    isSticky: route.sticky === 'conversation',
    continues: route.continue,
    explore,
    readsContent: true,
    ...readingsOf([...(compiled ?? []), ...passed]),
  });
}

/** What the rules make us look at. Which task it is, every strategy may ask: models are rated by it. */
function readingsOf(rules: readonly Rule[]): Pick<Policy, 'wanted' | 'readsText'> {
  const names = rules.flatMap(({ reads }) => [...(reads ?? [])]);
  const wanted = names.map(contentFactOf).filter((fact) => fact !== undefined);
  return { wanted: new Set(['task', ...wanted]), readsText: names.includes('text') };
}

function compileTiers(tiers: readonly (readonly RouteTarget[])[], world: RouteWorld): Tiers {
  return tiers.map((tier) =>
    tier.flatMap((one) => {
      const found = 'select' in one ? world.select(one.select) : world.targetsOf(one.target);
      return found.map((item) => ({ ...item, weight: item.weight * one.weight }));
    }),
  );
}

function compileRule(rule: RuleConfig, at: { readonly index: number; readonly world: RouteWorld }): Rule {
  const { when, use, require, refuse } = rule;
  return compact({
    name: rule.name ?? ruleName(at.index),
    source: when,
    ...at.world.condition(when),
    use: use === undefined ? undefined : compileUse(use, at.world),
    require: require === undefined ? undefined : compileRequire(require),
    refuse,
  });
}

function compileUse(use: NonNullable<RuleConfig['use']>, world: RouteWorld): Use {
  const { strategy, weigh, prefer } = use;
  const hasTargets = use.targets !== undefined || use.tiers !== undefined;
  return compact({ strategy, weigh, prefer, tiers: hasTargets ? compileTiers(tiersOf(use), world) : undefined });
}

export function compileRequire(require: Partial<RequireConfig>): Require {
  const { region, compliance, training, quality, price, tags, abilities } = require;
  return compact({
    regions: region,
    compliance,
    retentionDaysMax: require.retention_days_max,
    training,
    quality,
    price: price === undefined ? undefined : compact({ inputMax: price.input_max, outputMax: price.output_max }),
    ttftMsP95: require.ttft_ms_p95,
    tags,
    abilities,
    contextMin: require.context_min,
  });
}

const ALWAYS_REPLACED: readonly FaultCode[] = [
  'not-expressible',
  'not-for-target',
  'upstream-not-found',
  'upstream-quota',
  'upstream-auth',
  'upstream-credential',
];
const REASONS: Readonly<Record<RouteConfig['fallback']['on'][number], readonly FaultCode[]>> = {
  error: [
    ...(['upstream-unreachable', 'upstream-unresolved', 'upstream-unsendable'] as const),
    ...(['upstream-certificate', 'upstream-redirect', 'upstream-invalid', 'upstream-too-big'] as const),
    ...(['upstream-error', 'upstream-cut', 'upstream-overloaded', 'output-invalid'] as const),
    ...ALWAYS_REPLACED,
  ],
  'rate-limit': ['upstream-rate-limited', 'rate-limited', 'limit-too-small'],
  timeout: ['upstream-timeout', 'upstream-slow'],
  slow: ['upstream-slow'],
  'content-filter': ['content-filtered'],
  'context-length': ['context-length'],
};

function fallbackOf(route: RouteConfig): Fallback {
  const { on, attempts, price_factor_max: priceFactorMax, first_token_ms: firstTokenMs } = route.fallback;
  const replaceable = new Set(on.flatMap((reason) => REASONS[reason]).filter((code) => REPLACEABLE.has(code)));
  return compact({ replaceable, attemptsMax: attempts, priceFactorMax, firstTokenMs });
}
