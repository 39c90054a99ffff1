/** The world of a case as an operator writes it: one configuration file, with conditions in CEL. */
import type { Condition, Provider, RouteText, World } from './case.ts';

/** JSON, which is YAML too. */
export function configText({ providers, routes }: World): string {
  return JSON.stringify({
    providers: Object.fromEntries(providers.map((provider) => [provider.id, providerText(provider)])),
    routes: Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, routeText(route)])),
  });
}

function providerText({ keys, region, compliance, retentionDays, trains, models }: Provider): unknown {
  const named = models.map(({ name, price, tags, quality, contextTokens }) => [
    name,
    { price, tags, quality, ...(contextTokens === undefined ? {} : { limits: { context: contextTokens } }) },
  ]);
  return {
    dialect: 'openai-chat',
    base_url: 'http://127.0.0.1:9/v1',
    api_key: Array.from({ length: keys }, (_, index) => ({ key: `key-${index + 1}` })),
    region,
    compliance,
    retention_days: retentionDays,
    trains,
    models: Object.fromEntries(named),
  };
}

function routeText(route: RouteText): unknown {
  const { tiers, require, rules, strategy, prefer, sticky, explore, priceFactorMax } = route;
  return {
    tiers,
    require,
    rules: rules.map(({ when, ...words }) => ({ when: cel(when), ...words })),
    strategy,
    prefer,
    sticky: sticky ? 'conversation' : 'none',
    explore,
    hedge: { after: 500 },
    fallback: { attempts: 6, ...(priceFactorMax === undefined ? {} : { price_factor_max: priceFactorMax }) },
  };
}

export function cel(condition: Condition): string {
  if ('not' in condition) return `!(${cel(condition.not)})`;
  if ('both' in condition) return condition.both.map((one) => `(${cel(one)})`).join(' && ');
  if ('either' in condition) return condition.either.map((one) => `(${cel(one)})`).join(' || ');
  if ('above' in condition) return `facts.difficulty > ${condition.above}`;
  if ('has' in condition) return `${JSON.stringify(condition.value)} in facts.${condition.has}`;
  return `facts.${condition.is} == ${JSON.stringify(condition.value)}`;
}
