/**
 * Which targets may see a request, by the words of the requirement alone: every demand of the route, of the first rule
 * that holds, and of the request itself must be met; what is not known of a target it does not meet; a route that is
 * reached through another brings its own demands along. Written without a look at the planner, and with none of its parts.
 */
import type { Asking, Condition, Model, Provider, Region, RequireText, RouteText, World } from './case.ts';

/**
 * Where each region lies, by its provider's page of regions. London left the EU, Zürich and Oslo were never in it; Norway
 * is in the European Economic Area. `eu` as a target's own region is all that is known of it. Nobody knows the moon.
 */
const PLACES: Readonly<Record<Region, readonly string[]>> = {
  eu: ['eu', 'eea'],
  'eu-central-1': ['de', 'eu', 'eea'],
  'eu-west-1': ['ie', 'eu', 'eea'],
  'eu-west-2': ['gb', 'uk'],
  'eu-central-2': ['ch'],
  'europe-west3': ['de', 'eu', 'eea'],
  'europe-west2': ['gb', 'uk'],
  uksouth: ['gb', 'uk'],
  germanywestcentral: ['de', 'eu', 'eea'],
  switzerlandnorth: ['ch'],
  norwayeast: ['no', 'eea'],
  'us-east-1': ['us'],
  'us-west-2': ['us'],
  'ca-central-1': ['ca'],
  'ap-northeast-1': ['jp', 'apac'],
  'moonbase-1': [],
};

/** Names `provider/model` that may see the request. Empty also where a rule refuses it. */
export function allowed(world: World, route: string, asking: Asking): ReadonlySet<string> {
  const own = asking.require === undefined ? [] : [asking.require];
  const found = within(world, route, asking, own);
  return new Set([...found].filter((name) => isWished(name.split('/')[0] ?? '', asking)));
}

/** In how many routes a target is named. */
export function ways({ routes }: World, name: string): number {
  const named = Object.values(routes).filter(({ tiers, rules }) =>
    [...tiers.flat(), ...rules.flatMap(({ use }) => use?.targets ?? [])].includes(name),
  );
  return named.length;
}

function within(world: World, name: string, asking: Asking, demands: readonly RequireText[]): readonly string[] {
  const route = world.routes[name];
  if (route === undefined) return [name].filter((one) => isFit(world, one, demands, asking));
  const rule = route.rules.find(({ when }) => holds(when, asking));
  if (rule?.refuse !== undefined) return [];
  const all = [...demands, route.require, rule?.require].filter((one) => one !== undefined);
  return targetsOf(route, rule?.use?.targets).flatMap((target) => within(world, target, asking, all));
}

function targetsOf({ tiers }: RouteText, instead: readonly string[] | undefined): readonly string[] {
  return instead ?? tiers.flat();
}

function isWished(provider: string, { only, ignore }: Asking): boolean {
  return (only === undefined || only.includes(provider)) && ignore?.includes(provider) !== true;
}

function isFit(world: World, name: string, demands: readonly RequireText[], asking: Asking): boolean {
  const [id, modelName] = name.split('/');
  const provider = world.providers.find((one) => one.id === id);
  const model = provider?.models.find((one) => one.name === modelName);
  if (provider === undefined || model === undefined) return false;
  return demands.every(
    (demand) =>
      isWhereDemanded(provider, demand, asking) && isAsDemanded(provider, demand) && isGood(model, demand, asking),
  );
}

function isWhereDemanded({ region }: Provider, demand: RequireText, { callerRegion }: Asking): boolean {
  if (demand.region === undefined) return true;
  if (region === undefined) return false;
  return demand.region.some((zone) => {
    const wanted = zone === 'caller' ? callerRegion : zone;
    return wanted !== undefined && (wanted === region || PLACES[region].includes(wanted));
  });
}

function isAsDemanded({ compliance, retentionDays, trains }: Provider, demand: RequireText): boolean {
  if (demand.compliance?.every((one) => compliance.includes(one)) === false) return false;
  if (demand.training === false && trains !== false) return false;
  const most = demand.retention_days_max;
  return most === undefined || (retentionDays !== undefined && retentionDays <= most);
}

function isGood({ price, tags, quality, contextTokens }: Model, demand: RequireText, { task }: Asking): boolean {
  if (demand.tags?.every((one) => tags.includes(one)) === false) return false;
  if (demand.context_min !== undefined && (contextTokens ?? 0) < demand.context_min) return false;
  const { input_max: inputMax, output_max: outputMax } = demand.price ?? {};
  if (inputMax !== undefined && (price === undefined || price.input > inputMax)) return false;
  if (outputMax !== undefined && (price === undefined || price.output > outputMax)) return false;
  if (demand.quality === undefined) return true;
  const at = quality?.[demand.quality.task ?? task];
  return at !== undefined && at >= demand.quality.min;
}

export function holds(condition: Condition, asking: Asking): boolean {
  if ('not' in condition) return !holds(condition.not, asking);
  if ('both' in condition) return condition.both.every((one) => holds(one, asking));
  if ('either' in condition) return condition.either.some((one) => holds(one, asking));
  if ('above' in condition) return asking.difficulty > condition.above;
  if ('has' in condition) return asking[condition.has].includes(condition.value);
  const { task, language, callerRegion = '' } = asking;
  return { task, language, region: callerRegion }[condition.is] === condition.value;
}
