/** What a target is certified for. */
import { ofEach, type Requirement } from './requirement.ts';

/** Certificates that a target must have, by the operator's word. */
export const compliance: Requirement = ofEach('compliance', (target, { compliance: wanted }) => {
  const missing = wanted?.filter((name) => !target.compliance.includes(name)) ?? [];
  return missing.length === 0 ? undefined : `it is not certified for ${missing.join(' and ')}`;
});
