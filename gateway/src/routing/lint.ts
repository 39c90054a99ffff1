/**
 * What a route says that cannot come to pass: told when the file is read, with what to do about it. None of it is an error: what is
 * known of a model today may change. Pure.
 */
import type { Config, RouteConfig, RouteTarget } from '../config/schema.ts';
import type { PathFinding } from '../config/load.ts';
import { compileExpression } from '../policy/expression.ts';
import { implies } from '../policy/implied.ts';
import type { FactName } from '../policy/vocabulary.ts';
import { contentFactOf } from '../understand/view.ts';
import { itemsOf, type Policy, type Require, type Rule, type WeightedTarget } from './policy.ts';
import { requiredAbility } from './requirements/ability.ts';
import { compliance } from './requirements/compliance.ts';
import { price } from './requirements/price.ts';
import { region } from './requirements/region.ts';
import { retention } from './requirements/retention.ts';
import { tags } from './requirements/tags.ts';
import { training } from './requirements/training.ts';
import { requiredWindow } from './requirements/window.ts';
import { selected, UNASKED, type Select } from './select.ts';
import type { Snapshot } from './snapshot.ts';
import type { Target } from './target.ts';

/** Targets that are named in one message. */
const NAMED_MAX = 3;

/** Looks at every route of a configuration, as the snapshot compiled it. */
export function lintRoutes(config: Config, snapshot: Pick<Snapshot, 'resolve' | 'targets'>): readonly PathFinding[] {
  return Object.entries(config.routes).flatMap(([name, route]) => {
    const resolved = snapshot.resolve(name);
    if (resolved.kind === 'unknown') return [];
    const all = [...snapshot.targets.values()];
    const ofRoute = lintRoute(route, resolved.policy, all);
    const ofContent = config.understand.content === 'never' ? lintUnread(resolved.policy) : [];
    return [...ofRoute, ...ofContent].map((finding) => ({
      ...finding,
      path: ['routes', name, ...finding.path],
    }));
  });
}

/** The same for one route; paths begin at the route. */
export function lintRoute(route: RouteConfig, policy: Policy, all: readonly Target[]): readonly PathFinding[] {
  return [
    ...lintSelects(route, all),
    ...lintRequire(route, policy),
    ...lintTiers(policy, route.tiers?.length ?? 1),
    ...(policy.rules ?? []).flatMap((rule, index) => lintRule(rule, policy, index)),
    ...lintIdle(route, policy),
  ];
}

/** Rules by a text that nobody looks at. */
function lintUnread({ rules = [] }: Policy): readonly PathFinding[] {
  return rules.flatMap((rule, index) => {
    const reads = [...(rule.reads ?? [])].filter((name) => name === 'text' || contentFactOf(name) !== undefined);
    if (reads.length === 0) return [];
    const message = `reads ${reads.map((name) => `\`facts.${name}\``).join(', ')}, and \`understand.content\` is \`never\`: ${whatHappens(rule, reads)}. Leave \`understand.content\` out, or the rule`;
    return [{ path: ['rules', index, 'when'], message }];
  });
}

function whatHappens({ refuse, require }: Rule, reads: readonly FactName[]): string {
  if (reads.every((name) => name === 'sensitive')) return 'every request counts as holding all kinds';
  if (refuse !== undefined) return 'it cannot be told, so that it refuses every request it might be about';
  if (require !== undefined) return 'it cannot be told, so that what it requires is required of every request';
  return 'it cannot be told, and so chooses nothing';
}

/** Searches that find nothing, with the word that is to blame. */
function lintSelects({ targets = [], rules = [] }: RouteConfig, all: readonly Target[]): readonly PathFinding[] {
  const own = targets.map((entry, index) => ({ entry, path: ['targets', index] }));
  const ofRules = rules.flatMap(({ use }, rule) =>
    (use?.targets ?? []).map((entry, index) => ({ entry, path: ['rules', rule, 'use', 'targets', index] })),
  );
  return [...own, ...ofRules].flatMap(({ entry, path }) => {
    if (!('select' in entry) || selected(entry.select, all).length > 0) return [];
    const message = `finds none of the ${all.length} models that are configured${whatHelps(entry.select, all)}`;
    return [{ path: [...path, 'select'], message }];
  });
}

function whatHelps(search: Select, all: readonly Target[]): string {
  const words = Object.keys(search).filter((word) => word !== 'most');
  const helpful = words
    .map((word) => ({ word, count: selected(without(search, word), all).length }))
    .filter(({ count }) => count > 0)
    .map(({ word, count }) => `without \`${word}\` it would find ${count}`);
  return helpful.length === 0 ? '. Ask for less' : `; ${helpful.join(', ')}`;
}

function without(search: Select, word: string): Select {
  return { ...search, most: 64, ...(word in search ? { [word]: undefined } : {}) };
}

/** Targets that no request of the route can ever go to. */
function lintRequire({ targets = [] }: RouteConfig, policy: Policy): readonly PathFinding[] {
  const items = eachOnce(policy.tiers.flat());
  const lost = lostOf(items, policy.require);
  if (items.length > 0 && lost.length === items.length) {
    const message = `is met by no target of the route: ${listed(lost)}. All its requests are refused; ask for less, or add a target`;
    return [{ path: ['require'], message }];
  }
  return lost.map(({ target, reason }) => {
    const at = targets.findIndex((entry) => isNamed(entry, target));
    const message = `is never used: ${reason}`;
    return at === -1
      ? { path: ['require'], message: `keeps out \`${target.id}\` for good: ${reason}` }
      : { path: ['targets', at], message };
  });
}

function eachOnce(items: readonly WeightedTarget[]): readonly WeightedTarget[] {
  return [...new Map(items.map((item) => [item.target.id, item])).values()];
}

function isNamed(entry: RouteTarget, { providerId, model }: Target): boolean {
  return 'target' in entry && (entry.target === model || entry.target === `${providerId}/${model}`);
}

interface Lost {
  readonly target: Target;
  readonly reason: string;
}

function lostOf(items: readonly WeightedTarget[], ...requires: readonly (Require | undefined)[]): readonly Lost[] {
  return items.flatMap(({ target, requires: own = [] }) => {
    const reason = whyNever(target, [...requires, ...own]);
    return reason === undefined ? [] : [{ target, reason }];
  });
}

function listed(lost: readonly Lost[]): string {
  const shown = lost.slice(0, NAMED_MAX).map(({ target, reason }) => `\`${target.id}\`: ${reason}`);
  const rest = lost.length - shown.length;
  return `${shown.join('; ')}${rest === 0 ? '' : `; and ${rest} more`}`;
}

/** What is told of a target before any request is known. */
const STANDING = [region, compliance, retention, training, tags, requiredAbility, requiredWindow, price] as const;

/** Why a target can meet the requirements for no request at all; undefined where for some it can. */
function whyNever(target: Target, requires: readonly (Require | undefined)[]): string | undefined {
  for (const require of requires) {
    if (require === undefined) continue;
    const asked = { ...UNASKED, requires: [standing(require)] };
    const reason = STANDING.map((requirement) => requirement.whyNot(target, asked)).find((each) => each !== undefined);
    const why = reason ?? whyNeverGoodEnough(target, require);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** A requirement without what depends on the caller. */
function standing({ regions, ...require }: Require): Require {
  return regions === undefined || regions.includes('caller') ? require : { ...require, regions };
}

/** The floor holds at the task of each request, so the best score counts here. */
function whyNeverGoodEnough({ quality: scores }: Target, { quality }: Require): string | undefined {
  if (quality === undefined) return undefined;
  const known = quality.task === undefined ? undefined : (scores[quality.task] ?? scores['general']);
  const all = known === undefined ? Object.values(scores) : [known];
  if (all.length === 0) return `its quality is not known, at least ${quality.min} is required`;
  const best = Math.max(...all);
  return best >= quality.min ? undefined : `its best quality is ${best}, at least ${quality.min} is required`;
}

/** Tiers whose targets all stand before them already, or can never be used. */
function lintTiers({ tiers, require }: Policy, written: number): readonly PathFinding[] {
  const before = new Set<string>();
  return tiers.flatMap((tier, index) => {
    const fresh = tier.filter(({ target }) => !before.has(target.id));
    for (const { target } of tier) before.add(target.id);
    if (index === 0 || tier.length === 0) return [];
    // What no tier names makes one more tier.
    const path = index < written ? ['tiers', index] : ['targets'];
    if (fresh.length === 0 && index >= written)
      return [{ path, message: 'finds nothing beyond what the tiers name already' }];
    if (fresh.length === 0) return [{ path, message: 'is never reached: all its targets stand in earlier tiers' }];
    const lost = lostOf(fresh, require);
    if (lost.length < fresh.length || lostOf(tiers.flat(), require).length === tiers.flat().length) return [];
    return [{ path, message: `is never reached: ${listed(lost)}` }];
  });
}

/** What each fact about a request asks of a model. */
const ABILITY_FACTS = ['tools', 'image', 'audio', 'document', 'reasoning'] as const;
/** As in `requirements/window.ts`: only what is clearly too long is left out. */
const DOUBT = 1.25;

function lintRule(rule: Rule, policy: Policy, index: number): readonly PathFinding[] {
  if (rule.refuse !== undefined) return [];
  const items = eachOnce((rule.use?.tiers ?? policy.tiers).flat());
  const lost = lostOf(items, policy.require, rule.require);
  const isRoutes = lostOf(items, policy.require).length === items.length;
  if (items.length > 0 && lost.length === items.length && !isRoutes) {
    const message = `leaves no target: ${listed(lost)}. Such requests are refused; ask for less, or name \`targets\` in \`use\``;
    return [{ path: ['rules', index, 'require'], message }];
  }
  const open = items.filter(({ target }) => !lost.some((each) => each.target === target));
  return lintTraffic(rule, open).map((message) => ({ path: ['rules', index, 'when'], message }));
}

/** Whether the targets can do what all requests of a rule need. */
function lintTraffic({ source }: Rule, items: readonly WeightedTarget[]): readonly string[] {
  const compiled = compileExpression(source);
  if (!compiled.ok || items.length === 0) return [];
  const when = compiled.value;
  const needs = ABILITY_FACTS.filter((fact) => when.reads.has(fact) && implies(when, `facts.${fact}`)).map((fact) => ({
    what: `requests with \`${fact}\``,
    unfit: items.filter(({ target }) => target.abilities?.has(fact) === false),
  }));
  const long = {
    what: 'requests that are longer than it takes',
    unfit: when.reads.has('input_tokens') ? items.filter(({ target }) => isTooLong(target, when)) : [],
  };
  return [...needs, long].flatMap(({ what, unfit }) => {
    if (unfit.length === 0) return [];
    const names = unfit.slice(0, NAMED_MAX).map(({ target }) => `\`${target.id}\``);
    const who = unfit.length === items.length ? 'none of its targets can take' : `${names.join(', ')} cannot take`;
    return [`is about ${what}, which ${who}. Name other \`targets\` in \`use\``];
  });
}

function isTooLong({ limits }: Target, when: Parameters<typeof implies>[0]): boolean {
  const most = limits.inputTokens ?? limits.contextTokens;
  return most !== undefined && implies(when, `facts.input_tokens > ${Math.floor(most * DOUBT)}`);
}

/** Words that can do nothing in this route. */
function lintIdle(route: RouteConfig, policy: Policy): readonly PathFinding[] {
  const items = itemsOf(policy);
  return [...idleAlone(route, items), ...idleWeights(route, policy), ...idleTags(policy, items), ...idleTiers(route)];
}

function idleAlone(
  { hedge, continue: continues, explore, sticky, fallback }: RouteConfig,
  items: readonly WeightedTarget[],
): readonly PathFinding[] {
  if (items.length !== 1) return [];
  const given: Readonly<Record<string, boolean>> = {
    hedge: hedge !== undefined,
    continue: continues,
    explore: (explore ?? 0) > 0,
    sticky: sticky === 'conversation',
    'fallback.price_factor_max': fallback.price_factor_max !== undefined,
    'fallback.first_token_ms': fallback.first_token_ms !== undefined,
  };
  const words = Object.keys(given).filter((word) => given[word] === true);
  const message = 'can do nothing: the route has one target. Add another, or leave this out';
  return words.map((word) => ({ path: word.split('.'), message }));
}

function idleWeights(route: RouteConfig, policy: Policy): readonly PathFinding[] {
  const strategies = new Set([policy.strategy, ...(policy.rules ?? []).map(({ use }) => use?.strategy)]);
  const found: PathFinding[] = [];
  if (route.weigh !== undefined && !strategies.has('balanced'))
    found.push({ path: ['weigh'], message: `can do nothing under \`${policy.strategy}\`: only \`balanced\` weighs` });
  const weighted = (route.targets ?? []).findIndex(({ weight }) => weight !== 1);
  if (weighted === -1 || strategies.has('weighted') || strategies.has('least-busy')) return found;
  const message = `can do nothing under \`${policy.strategy}\`: weights are shares under \`weighted\` and \`least-busy\``;
  return [...found, { path: ['targets', weighted, 'weight'], message }];
}

function idleTags(policy: Policy, items: readonly WeightedTarget[]): readonly PathFinding[] {
  const isBorne = (tag: string): boolean => items.some(({ target }) => target.tags.includes(tag));
  const message = (tag: string): string =>
    `prefers \`${tag}\`, and no target bears that tag. Put it into \`tags\` of a model under \`providers\``;
  const own = (policy.prefer ?? []).filter((tag) => !isBorne(tag));
  const ofRules = (policy.rules ?? []).flatMap(({ use }, rule) =>
    (use?.prefer ?? []).filter((tag) => !isBorne(tag)).map((tag) => ({ tag, path: ['rules', rule, 'use', 'prefer'] })),
  );
  return [...own.map((tag) => ({ tag, path: ['prefer'] })), ...ofRules].map(({ tag, path }) => ({
    path,
    message: message(tag),
  }));
}

/** One attempt, or no reason for a second, where several tiers were written down. */
function idleTiers({ tiers = [], fallback }: RouteConfig): readonly PathFinding[] {
  if (tiers.length < 2) return [];
  const message =
    'lets no attempt follow the first: later tiers are used only while all before them rest or are doubted';
  if (fallback.attempts === 1) return [{ path: ['fallback', 'attempts'], message }];
  return fallback.on.length === 0 ? [{ path: ['fallback', 'on'], message }] : [];
}
