/** What had to hold for where a request was answered and kept, and what came of it. Pure. */
import { isWithin } from '../policy/regions.ts';
import type { PlanInput } from './plan.ts';
import type { Require, Tiers, WeightedTarget } from './policy.ts';
import { requiredBy } from './rules.ts';
import type { Target } from './target.ts';

/**
 * All that bound a target in a plan: by its route, the rule, the request, and the routes that the target was taken through. Of
 * their rules all count that may have held: what they asked is not known any more, and too much is bound rather than too little.
 */
export function bindingOn({ policy, ruling, require, preferences }: PlanInput, target: Target): readonly Require[] {
  const { requires = [], passages = [] } = itemIn(ruling?.rule?.use?.tiers ?? policy.tiers, target) ?? {};
  const passed = passages.flatMap(({ rules }) => rules.flatMap((rule) => rule.require ?? []));
  const others = [policy.require, ...requiredBy(ruling), require, preferences?.require];
  return [...requires, ...passed, ...others].filter((one) => one !== undefined);
}

function itemIn(tiers: Tiers, target: Target): WeightedTarget | undefined {
  for (const tier of tiers) for (const item of tier) if (item.target.id === target.id) return item;
  return undefined;
}

/**
 * Whether this gateway may keep the text of a conversation with a target. What is required binds it as it binds the target: it
 * must be in the regions required, and keep nothing where nothing may be kept. A region that is not known lies nowhere.
 */
export function mayKeepText(input: PlanInput, target: Target): boolean {
  const { gatewayRegion, facts } = input;
  return bindingOn(input, target).every(({ regions, retentionDaysMax }) => {
    if (retentionDaysMax === 0) return false;
    if (regions === undefined) return true;
    const zones = regions.map((zone) => (zone === 'caller' ? facts.callerRegion : zone));
    return gatewayRegion !== undefined && zones.some((zone) => zone !== undefined && isWithin(gatewayRegion, zone));
  });
}
