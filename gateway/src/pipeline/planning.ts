/** understand and plan: which targets the caller's words mean, and in what order they are tried. Pure. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Facts } from '../routing/facts.ts';
import {
  NOT_ALLOWED,
  plan,
  type Candidates,
  type Health,
  type Plan,
  type Preferences,
  type Rejection,
} from '../routing/plan.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Call } from './call.ts';
import { UNKEPT } from './extension.ts';

export interface Planning {
  readonly plan: Plan;
  /** The route that was named, if one was. */
  readonly route?: string;
  /** Fields of the body that were followed here, and must not be followed once more by a provider. */
  readonly followed: readonly string[];
  /** Wishes of the request that nobody follows: to be named to the caller. */
  readonly ignored: readonly string[];
}

export interface PlanningOptions {
  readonly snapshot: Snapshot;
  readonly key: KeyRow;
  readonly facts: Facts;
  readonly health: Health;
  readonly random: () => number;
  /** Milliseconds since 1970. */
  readonly unixMs: number;
}

/** The plan for a call, or the fault that says why there is none. */
export function planCall(call: Call, options: PlanningOptions): Result<Planning, Fault> {
  const { snapshot, key, facts, health, random } = options;
  const today = dayOf(options.unixMs);
  const understood = wishesOf(call, options);
  if (!understood.ok) return understood;
  const { found, preferences, followed, ignored } = understood.value;
  const { candidates, route } = found;
  const isAllowed = (target: Target): boolean => mayUse(key, target, route);
  const whyNot = (target: Target): string | undefined => call.whyNot(target);
  const rules = { attemptsMax: snapshot.attemptsMax, health, isAllowed, whyNot, random, today };
  const planned = withoutHidden(plan(candidates, facts, preferences === undefined ? rules : { ...rules, preferences }));
  const gone = planned.targets.length === 0 && planned.rejected.every((one) => one.retired !== undefined);
  const [first] = gone ? planned.rejected : [];
  if (first?.retired !== undefined) return err(retired(facts.model, first.retired, { snapshot, today }));
  if (planned.targets.length === 0) return err(nothingLeft(facts.model, planned.rejected, preferences !== undefined));
  const priced = withKnownPrice(planned, snapshot, key);
  if (priced.targets.length === 0) return err(fault('price-unknown', { model: facts.model }, { param: 'model' }));
  return ok({ plan: priced, followed, ignored, ...(route === undefined ? {} : { route }) });
}

interface Wishes {
  readonly found: Found;
  readonly preferences: Preferences | undefined;
  readonly followed: readonly string[];
  readonly ignored: readonly string[];
}

/** What the caller's names and wishes mean: for us, or, where all candidates stand there, for a provider that chooses itself. */
function wishesOf(call: Call, { snapshot, key, facts }: PlanningOptions): Result<Wishes, Fault> {
  const { models, preferences: wished, ignored } = call.extension;
  const primary = candidatesOf([facts.model], snapshot, key);
  if (!primary.ok) return primary;
  const all = models.length === 0 ? primary : candidatesOf([facts.model, ...models], snapshot, key);
  const isForProvider = readsPreferences(primary.value);
  if (!all.ok && !isForProvider) return all;
  const found = all.ok ? all.value : primary.value;
  const ours = isForProvider ? undefined : wished;
  const isForUs = ours === wished;
  const wrong = whyNotFollowed(ours, call, { snapshot, key });
  if (wrong !== undefined) return err(wrong);
  return ok({
    found,
    preferences: found.sort === undefined ? ours : { ...ours, sort: found.sort },
    followed: ['turnout', ...(all.ok ? ['models'] : []), ...(isForUs ? ['route', 'provider'] : [])],
    ignored: [...ignored, ...notFollowed(ours)],
  });
}

function notFollowed({ demands = [], hints = [] }: Preferences = {}): readonly string[] {
  return [...demands, ...hints];
}

/** A demand that cannot be kept, unless the caller agrees to go on without; or a provider that there is not. */
function whyNotFollowed(
  preferences: Preferences | undefined,
  call: Call,
  { snapshot, key }: Pick<PlanningOptions, 'snapshot' | 'key'>,
): Fault | undefined {
  if (preferences === undefined) return undefined;
  const [unkept] = call.extension.adapt ? [] : (preferences.demands ?? []);
  if (unkept !== undefined) return fault('field-invalid', { reason: UNKEPT }, { param: unkept });
  return unknownProvider(preferences, snapshot, key);
}

interface Found {
  readonly candidates: Candidates;
  readonly route?: string;
  readonly sort?: 'price';
}

/** Groups of all names in order: the targets of a fallback come after those of the model that was asked for. */
function candidatesOf(names: readonly string[], snapshot: Snapshot, key: KeyRow): Result<Found, Fault> {
  const groups: Candidates['groups'][number][] = [];
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
    first ??= resolved;
    groups.push(...resolved.candidates.groups);
  }
  if (first === undefined) return err(fault('field-missing', { reason: 'name a model' }, { param: 'model' }));
  return ok({ ...first, candidates: { ...first.candidates, groups } });
}

/** All candidates stand at a provider that chooses among providers itself: then the request's wishes are for that one. */
function readsPreferences(found: Found): boolean {
  const targets = found.candidates.groups.flat();
  return targets.length > 0 && targets.every(({ target }) => target.provider.readsPreferences === true);
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
function isHidden({ candidates, route }: Found, key: KeyRow): boolean {
  const targets = candidates.groups.flat();
  return targets.length > 0 && !targets.some(({ target }) => mayUse(key, target, route));
}

/** A key that names a route may use the targets of the route; else the target's own name must be allowed. */
function mayUse(key: KeyRow, target: Target, route: string | undefined): boolean {
  if (key.allowedModels === undefined) return true;
  const names = [`${target.providerId}/${target.model}`, target.model, ...(route === undefined ? [] : [route])];
  return key.allowedModels.some((pattern) => names.some((name) => matches(pattern, name)));
}

/** `openai/*` matches by prefix; anything else by equality. */
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** A key learns how many targets it may not use, and not their names: errors, explanations and records are read by its owner. */
function withoutHidden(planned: Plan): Plan {
  const seen = planned.rejected.filter((rejection) => rejection.reason !== NOT_ALLOWED);
  const hidden = planned.rejected.length - seen.length;
  return hidden === 0
    ? planned
    : { ...planned, rejected: [...seen, { target: `${hidden} more`, reason: NOT_ALLOWED }] };
}

/** The fault of a model that is gone, with what takes its place. */
export function retired(
  model: string,
  target: Target,
  { snapshot, today }: { readonly snapshot: Snapshot; readonly today: string },
): Fault {
  const successor = snapshot.successorOf(target, today);
  const hint = successor === undefined ? 'GET /v1/models lists what there is.' : `Its successor is ${successor}.`;
  return fault('model-retired', { model: shown(model), on: target.retiresOn ?? '', hint }, { param: 'model' });
}

/** `2026-11-22`, UTC. */
export function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}

function nothingLeft(model: string, rejected: readonly Rejection[], hasPreferences: boolean): Fault {
  const reasons = rejected.slice(0, 5).map((rejection) => `${rejection.target}: ${rejection.reason}`);
  return fault(
    'no-eligible',
    { model: shown(model), reasons: reasons.join('; ') },
    { param: hasPreferences ? 'provider' : 'model' },
  );
}

/** A budget cannot hold money for a price that nobody knows; such targets are left out for keys with a budget. */
function withKnownPrice(planned: Plan, snapshot: Snapshot, key: KeyRow): Plan {
  if (key.budgetNanoUsd === undefined || snapshot.allowsUnknownPrice) return planned;
  const targets = planned.targets.filter((target) => target.price !== undefined);
  const rejected = planned.targets
    .filter((target) => target.price === undefined)
    .map((target) => ({ target: target.id, reason: 'its price is not known, and the key has a budget' }));
  return { ...planned, targets, rejected: [...planned.rejected, ...rejected] };
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
