/** What a key may reach: models and routes by their names, targets by their provider and region. To that key, all else is unknown. Pure. */
import { isWithin } from '../policy/regions.ts';
import { itemsOf, placesOf, type NamedPolicy, type WeightedTarget } from '../routing/policy.ts';
import type { ListedModel, Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';

type Reach = Pick<KeyRow, 'allowedModels' | 'allowedRoutes' | 'allowedProviders' | 'allowedRegions'>;

/** Whether there is anything that the key must not learn of. */
export function isLimited(key: Reach): boolean {
  return isByName(key) || isByPlace(key);
}

function isByName({ allowedModels, allowedRoutes }: Reach): boolean {
  return allowedModels !== undefined || allowedRoutes !== undefined;
}

function isByPlace({ allowedProviders, allowedRegions }: Reach): boolean {
  return allowedProviders !== undefined || allowedRegions !== undefined;
}

/** The same key for a question that the operator asks: by name it may ask any model, of nobody else than before. */
export function withoutNames(key: KeyRow): KeyRow {
  const { allowedModels: _, allowedRoutes: __, ...rest } = key;
  return rest;
}

/** Whether a name stands for targets none of which the key may use. To that key it is unknown: in the same words, with no hint. */
export function isHidden({ policy, route }: NamedPolicy, key: Reach): boolean {
  if (!isLimited(key)) return false;
  const targets = itemsOf(policy);
  return targets.length > 0 && !targets.some(({ target }) => mayUse(key, target, route));
}

/** Whether a list of models may show it: it can be called by that name, or by a name that the key may use. */
export function maySee(key: Reach, model: ListedModel, snapshot: Snapshot): boolean {
  const { allowedModels = [], allowedRoutes = [] } = key;
  const isOwn = model.ownedBy === 'turnout' && allowedRoutes.some((pattern) => matches(pattern, model.id));
  if (isByName(key) && !isOwn && !snapshot.isVisible(model.id, allowedModels)) return false;
  if (!isByPlace(key)) return true;
  const resolved = snapshot.resolve(model.id);
  return resolved.kind === 'found' && itemsOf(resolved.policy).some(({ target }) => isInPlace(key, target));
}

/** What a key keeps a request from. */
export interface Kept {
  /** Targets that it may use by none of the names, by their ids. */
  readonly targets: ReadonlySet<string>;
  /** Places of the others, under names by which it may not use them: what binds such a target under its own name binds it. */
  readonly places: ReadonlySet<WeightedTarget>;
}

const NOTHING: Kept = { targets: new Set(), places: new Set() };

export function keptFrom(key: Reach, { policy, route }: NamedPolicy): Kept {
  if (!isLimited(key)) return NOTHING;
  const places = placesOf(policy);
  const isOpen = ({ target, under }: WeightedTarget): boolean =>
    mayUse(key, target, under === undefined ? route : under.route);
  const open = new Set(places.filter(isOpen).map(({ target }) => target.id));
  const closed = places.filter((place) => !isOpen(place));
  return {
    targets: new Set(closed.map(({ target }) => target.id).filter((id) => !open.has(id))),
    places: new Set(closed.filter(({ target }) => open.has(target.id))),
  };
}

function mayUse(key: Reach, target: Target, route: string | undefined): boolean {
  return isInPlace(key, target) && (!isByName(key) || isNamed(key, target, route));
}

/** A region that is not known lies nowhere: it fails closed. */
function isInPlace({ allowedProviders, allowedRegions }: Reach, { providerId, region }: Target): boolean {
  if (allowedProviders?.includes(providerId) === false) return false;
  return (
    allowedRegions === undefined || (region !== undefined && allowedRegions.some((zone) => isWithin(region, zone)))
  );
}

/** A key that names a route may use the targets of the route; else the target's own name must be allowed. */
function isNamed(
  { allowedModels = [], allowedRoutes = [] }: Reach,
  target: Target,
  route: string | undefined,
): boolean {
  const names = [`${target.providerId}/${target.model}`, ...(route === undefined ? [] : [route])];
  const isModel = allowedModels.some(
    (pattern) => pattern === target.model || names.some((name) => matches(pattern, name)),
  );
  return isModel || (route !== undefined && allowedRoutes.some((pattern) => matches(pattern, route)));
}

/**
 * `openai/*` matches by prefix; anything else by equality. A prefix is one of full names: what `openai/*` names is OpenAI's,
 * and not a model that another provider calls `openai/gpt-5`.
 */
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
