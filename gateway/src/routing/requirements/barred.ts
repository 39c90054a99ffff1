/** What key and operation say of a target. */
import type { Requirement } from './requirement.ts';

/** Why a target is left out whose name its key must not learn. */
export const NOT_ALLOWED = 'the key may not use it';

/** What key and operation say: never overruled. */
export const barred: Requirement = {
  name: 'allowed',
  whyNot: (target, asked) => asked.barred.get(target.id),
};
