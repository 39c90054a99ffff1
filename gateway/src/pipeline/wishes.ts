/** What the caller's names and wishes mean here: a policy, and what the request adds to it. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import {
  itemsOf,
  placesOf,
  policyOver,
  type NamedPolicy,
  type StrategyName,
  type WeightedTarget,
} from '../routing/policy.ts';
import { besideReaders, type Preferences } from '../routing/preferences.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Call } from './call.ts';
import { UNKEPT } from './extension.ts';
import { shown } from './no-plan.ts';

/** Who asks, and of what. */
interface Asker {
  readonly snapshot: Snapshot;
  readonly key: KeyRow;
}

export interface Wishes {
  readonly found: Found;
  readonly names: readonly string[];
  readonly preferences: Preferences | undefined;
  readonly followed: readonly string[];
  readonly ignored: readonly string[];
}

/** What the caller's names and wishes mean: for us, or, where its model stands there, for a provider that chooses itself. */
export function wishesOf(call: Call, { snapshot, key }: Asker): Result<Wishes, Fault> {
  const { facts } = call;
  const { models, preferences: wished, ignored } = call.extension;
  const primary = candidatesOf([facts.model], snapshot, key);
  if (!primary.ok) return primary;
  const all = models.length === 0 ? primary : candidatesOf([facts.model, ...models], snapshot, key);
  const isForProvider = readsPreferences(primary.value);
  if (!all.ok && !isForProvider) return all;
  const found = all.ok ? all.value : primary.value;
  const ours = isForProvider ? forOthers(wished, found, call) : wished;
  const wrong = whyNotFollowed(ours, call, { snapshot, key });
  if (wrong !== undefined) return err(wrong);
  return ok({
    found,
    names: all.ok ? [facts.model, ...models] : [facts.model],
    preferences: found.sort === undefined ? ours : { ...ours, sort: found.sort },
    followed: followedOf({ hasModels: all.ok, goesOn: isForProvider && wished !== undefined }),
    ignored: [...ignored, ...notFollowed(ours)],
  });
}

function followedOf({ hasModels, goesOn }: { hasModels: boolean; goesOn: boolean }): readonly string[] {
  return ['turnout', ...(hasModels ? ['models'] : []), ...(goesOn ? [] : ['route', 'provider'])];
}

/** What binds the targets that do not read the wishes themselves. Undefined where all do. */
function forOthers(wished: Preferences | undefined, { policy }: Found, call: Call): Preferences | undefined {
  if (wished === undefined || itemsOf(policy).every(({ target }) => isReader(target))) return undefined;
  return besideReaders(wished, call.extension.adapt);
}

function isReader({ provider }: Target): boolean {
  return provider.readsPreferences === true;
}

function notFollowed({ demands = [], hints = [] }: Preferences = {}): readonly string[] {
  return [...demands, ...hints];
}

/** A demand that cannot be kept, unless the caller agrees to go on without; or a provider that there is not. */
function whyNotFollowed(preferences: Preferences | undefined, call: Call, { snapshot, key }: Asker): Fault | undefined {
  // What is for a provider is said in its words.
  if (preferences === undefined || preferences.forReaders !== undefined) return undefined;
  const [unkept] = call.extension.adapt ? [] : (preferences.demands ?? []);
  if (unkept !== undefined) return fault('field-invalid', { reason: UNKEPT }, { param: unkept });
  return unknownProvider(preferences, snapshot, key);
}

interface Found extends NamedPolicy {
  readonly sort?: StrategyName;
}

/** The first name's policy over the tiers of all names: the targets of a fallback come after those of the model that was asked for. */
function candidatesOf(names: readonly string[], snapshot: Snapshot, key: KeyRow): Result<Found, Fault> {
  const others: Found[] = [];
  let first: Found | undefined;
  for (const [index, name] of names.entries()) {
    const resolved = snapshot.resolve(name);
    if (resolved.kind === 'unknown' || isHidden(resolved, key)) {
      const near = resolved.kind === 'unknown' && key.allowedModels === undefined ? resolved.near : [];
      const hint = near.length === 0 ? 'GET /v1/models lists what there is.' : `Did you mean ${near.join(', ')}?`;
      if (index === 0) return err(fault('model-unknown', { model: shown(name), hint }, { param: 'model' }));
      const reason = `no model ${shown(name)} can be used with this key. ${hint}`;
      return err(fault('field-invalid', { reason }, { param: `models[${index - 1}]` }));
    }
    if (first === undefined) first = resolved;
    else others.push(resolved);
  }
  if (first === undefined) return err(fault('field-missing', { reason: 'name a model' }, { param: 'model' }));
  return ok({ ...first, policy: policyOver(first.policy, others) });
}

/** All candidates stand at a provider that chooses among providers itself: then the request's wishes are for that one. */
function readsPreferences(found: Found): boolean {
  const targets = found.policy.tiers.flat();
  return targets.length > 0 && targets.every(({ target }) => isReader(target));
}

function unknownProvider(preferences: Preferences, snapshot: Snapshot, key: KeyRow): Fault | undefined {
  const known = [...snapshot.providerIds].slice(0, 20).join(', ');
  // Which providers there are is not for a key to know that may only use some models.
  const reason = `no such provider is configured${key.allowedModels === undefined ? `; there are ${known}` : ''}`;
  for (const field of ['order', 'only', 'ignore'] as const) {
    const index = (preferences[field] ?? []).findIndex((id) => !snapshot.providerIds.has(id));
    if (index === -1 || field === 'ignore') continue;
    return fault('field-invalid', { reason }, { param: `provider.${field}[${index}]` });
  }
  return undefined;
}

/** Whether a name stands for targets none of which the key may use. To that key it is unknown: in the same words, with no hint. */
function isHidden({ policy, route }: Found, key: KeyRow): boolean {
  if (key.allowedModels === undefined) return false;
  const targets = itemsOf(policy);
  return targets.length > 0 && !targets.some(({ target }) => mayUse(key, target, route));
}

/** What a key keeps a request from. */
export interface Kept {
  /** Targets that it may use by none of the names, by their ids. */
  readonly targets: ReadonlySet<string>;
  /** Places of the others, under names by which it may not use them: what binds such a target under its own name binds it. */
  readonly places: ReadonlySet<WeightedTarget>;
}

const NOTHING: Kept = { targets: new Set(), places: new Set() };

export function keptFrom(key: KeyRow, { policy, route }: NamedPolicy): Kept {
  if (key.allowedModels === undefined) return NOTHING;
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

/** A key that names a route may use the targets of the route; else the target's own name must be allowed. */
function mayUse(key: KeyRow, target: Target, route: string | undefined): boolean {
  if (key.allowedModels === undefined) return true;
  const names = [`${target.providerId}/${target.model}`, ...(route === undefined ? [] : [route])];
  return key.allowedModels.some((pattern) => pattern === target.model || names.some((name) => matches(pattern, name)));
}

/**
 * `openai/*` matches by prefix; anything else by equality. A prefix is one of full names: what `openai/*` names is OpenAI's,
 * and not a model that another provider calls `openai/gpt-5`.
 */
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
