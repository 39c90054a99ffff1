/** The operator’s words about a model. */
import { ofEach, type Requirement } from './requirement.ts';

/** Words of the operator's own that a target must bear. */
export const tags: Requirement = ofEach('tags', (target, { tags: wanted }) => {
  const missing = wanted?.filter((tag) => !target.tags.includes(tag)) ?? [];
  return missing.length === 0 ? undefined : `it is not tagged ${missing.join(' and ')}`;
});
