/** Whether a model is still there. */
import type { Target } from '../target.ts';
import type { Requirement } from './requirement.ts';

/** Models that are gone at their provider. */
export const retired: Requirement = {
  name: 'retired',
  whyNot: (target, { today }) => (isGone(target, today) ? `it ended on ${target.retiresOn}` : undefined),
};

/** Elsewhere than at the provider's own address, the operator knows better than the catalog what is still served. */
function isGone({ retiresOn, isElsewhere }: Target, today: string): boolean {
  return retiresOn !== undefined && isElsewhere !== true && retiresOn <= today;
}
