/** Finds models among all that are configured, by what is known of them. Pure; done when the file is read, not for each request. */
import type { RouteTarget } from '../config/schema.ts';
import { compileRequire } from './compile-route.ts';
import { compareUnknownLast, listPrice } from './list-price.ts';
import { UNSEEN } from './observation.ts';
import type { WeightedTarget } from './policy.ts';
import { knownQualityAt } from './quality.ts';
import { requiredAbility } from './requirements/ability.ts';
import { price } from './requirements/price.ts';
import { quality } from './requirements/quality.ts';
import { region } from './requirements/region.ts';
import type { Asked } from './requirements/requirement.ts';
import { tags } from './requirements/tags.ts';
import { requiredWindow } from './requirements/window.ts';
import type { Target } from './target.ts';

export type Select = Extract<RouteTarget, { readonly select: unknown }>['select'];

/** The targets that meet all of it: the best first where a score is asked for, else the cheapest, `most` models of them. */
export function selected(search: Select, targets: readonly Target[]): readonly WeightedTarget[] {
  const floor = search.quality;
  const score = (target: Target): number => knownQualityAt(target, floor?.task) ?? -1;
  const found = targets
    .filter((target) => meets(target, search))
    .toSorted((a, b) => (floor === undefined ? compareUnknownLast(listPrice(a), listPrice(b)) : score(b) - score(a)));
  const models = new Set<string>();
  const kept = found.filter(({ providerId, model }) => {
    const name = `${providerId}/${model}`;
    if (models.size >= search.most && !models.has(name)) return false;
    models.add(name);
    return true;
  });
  return kept.map((target) => ({ target, weight: target.weight }));
}

function meets(target: Target, { providers, models, ...require }: Select): boolean {
  if (providers?.includes(target.providerId) === false) return false;
  if (models !== undefined && !isLike(target.model, models)) return false;
  const asked = { ...UNASKED, requires: [compileRequire(require)] };
  return STANDING.every((requirement) => requirement.whyNot(target, asked) === undefined);
}

/** What can be told of a target before any request is known. */
const STANDING = [region, tags, requiredAbility, requiredWindow, price, quality] as const;
export const UNASKED: Asked = {
  facts: {
    model: '',
    isStreaming: false,
    needs: [],
    inputTokensEstimate: 0,
    inputTokensMax: 0,
    inputTokensUsualMax: 0,
    choices: 1,
  },
  requires: [],
  today: '',
  barred: new Map(),
  seen: () => UNSEEN,
};

/** `*` stands for any characters. Linear: each piece is looked for behind the one before it. */
function isLike(name: string, pattern: string): boolean {
  const pieces = pattern.split('*');
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
