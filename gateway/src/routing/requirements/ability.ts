/** What a model can do. */
import { ofEach, type Requirement } from './requirement.ts';

/** What is made good here where a target lacks it: an answer held to a schema (`output/way.ts`). */
const EMULATED: ReadonlySet<string> = new Set(['json-schema']);

/** What the request needs, by what the catalog says of the target. */
export const ability: Requirement = {
  name: 'ability',
  isOpinion: true,
  whyNot({ abilities }, { facts }) {
    const missing = facts.needs.find((need) => !EMULATED.has(need) && abilities?.has(need) === false);
    return missing === undefined ? undefined : `it has no ability \`${missing}\``;
  },
};

/** What the policy demands whatever the request needs: the operator's word, so it is final. */
export const requiredAbility: Requirement = ofEach('required-ability', ({ abilities }, { abilities: wanted }) => {
  const missing = wanted?.find((name) => abilities?.has(name) !== true);
  return missing === undefined ? undefined : `it is not known to have the ability \`${missing}\``;
});
