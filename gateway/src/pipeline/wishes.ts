/** What the caller's names and wishes mean here: a policy, and what the request adds to it. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { itemsOf, policyOver, type NamedPolicy, type StrategyName } from '../routing/policy.ts';
import { besideReaders, type Preferences } from '../routing/preferences.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Call } from './call.ts';
import { UNKEPT } from './extension.ts';
import { isHidden, isLimited } from './key-reach.ts';
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
      const near = resolved.kind === 'unknown' && !isLimited(key) ? resolved.near : [];
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
  // Which providers there are is not for a key to know that may only use some.
  const reason = `no such provider is configured${isLimited(key) ? '' : `; there are ${known}`}`;
  for (const field of ['order', 'only', 'ignore'] as const) {
    const index = (preferences[field] ?? []).findIndex((id) => !snapshot.providerIds.has(id));
    if (index === -1 || field === 'ignore') continue;
    return fault('field-invalid', { reason }, { param: `provider.${field}[${index}]` });
  }
  return undefined;
}
