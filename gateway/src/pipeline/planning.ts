/** understand and plan: which targets the caller's words mean, and in what order they are tried. Pure. */
import { fault, type Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { seedFrom } from '../routing/dice.ts';
import { UNSEEN, type Sighting } from '../routing/observation.ts';
import { plan, type Plan, type PlanInput, type Rejection } from '../routing/plan.ts';
import { itemsOf, policyOver, type Policy, type StrategyName } from '../routing/policy.ts';
import type { Preferences } from '../routing/preferences.ts';
import { GENERAL } from '../catalog/quality.ts';
import { NOT_ALLOWED } from '../routing/requirements/barred.ts';
import { barredThrough, rulingOf } from '../routing/rules.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { Feedback, KeyRow } from '../store/ports.ts';
import type { RuleFacts } from '../policy/vocabulary.ts';
import { unreadContent, type ContentFact, type ContentFacts } from '../understand/content.ts';
import type { Facts } from '../understand/facts.ts';
import { ruleFacts } from '../understand/view.ts';
import type { Call } from './call.ts';
import { callerRegion } from './caller-region.ts';
import { UNKEPT } from './extension.ts';
import { sightingsOf } from './sightings.ts';
import { healthNow } from './standing.ts';
import type { World } from './world.ts';

export interface Planning {
  readonly plan: Plan;
  /** What the plan was made of. */
  readonly input: PlanInput;
  /** What is known of the request, with what only the plan had to know. */
  readonly facts: Facts;
  /** The model that was asked for, and those named after it. */
  readonly names: readonly string[];
  /** The route that was named, if one was. */
  readonly route?: string;
  /** Which conversation it belongs to, where that may decide something. */
  readonly conversation?: string;
  /** Fields of the body that were followed here, and must not be followed once more by a provider. */
  readonly followed: readonly string[];
  /** Wishes of the request that nobody follows: to be named to the caller. */
  readonly ignored: readonly string[];
}

/** As much of the world as a plan needs. */
export type PlanWorld = Pick<World, 'health' | 'rota' | 'conversations' | 'clock' | 'random'> & {
  readonly feedback: Pick<Feedback, 'about'>;
};

export interface PlanningOptions {
  readonly snapshot: Snapshot;
  readonly key: KeyRow;
  readonly world: PlanWorld;
  /** The caller's address. Absent: nobody knows. */
  readonly address?: string | undefined;
  /** Nothing will be sent: nobody's turn is used up. */
  readonly isDry?: boolean;
}

/** Why a target is left out that a budget cannot hold money for. */
const UNPRICED = 'its price is not known, and the key has a budget';

/** The plan for a call, or the fault that says why there is none. */
export function planCall(call: Call, options: PlanningOptions): Result<Planning, Fault> {
  const { snapshot, world } = options;
  const today = dayOf(world.clock.unixMs());
  const understood = wishesOf(call, options);
  if (!understood.ok) return understood;
  const { found, names, preferences, followed, ignored } = understood.value;
  const { policy, route } = found;
  const items = itemsOf(policy);
  const facts = factsOf(call, policy, options);
  const name = route ?? facts.model;
  const conversation = policy.readsContent ? call.conversationOf?.(options.key.id) : undefined;
  const sightings = sightingsOf(items, knownFor({ policy, facts, conversation, route: route ?? '' }, world));
  const view = viewOf(call, policy, facts);
  const ruling = policy.rules === undefined ? undefined : rulingOf(policy.rules, view());
  const seen = ({ id }: Target): Sighting => sightings.get(id) ?? UNSEEN;
  const input: PlanInput = {
    policy,
    facts,
    barred: new Map([
      ...barredThrough(policy, ruling, { view, facts, seen, today }),
      ...barredFrom(items, { call, options, route }),
    ]),
    preferences,
    ruling,
    require: call.extension.require,
    prefer: call.extension.prefer,
    sightings,
    attemptsMax: snapshot.attemptsMax,
    today,
    seed: seedFrom(world.random),
    turn: options.isDry === true ? world.rota.peek(name) : world.rota.take(name),
    gatewayRegion: snapshot.region,
  };
  const planned = withoutHidden(plan(input));
  const why = whyNone(planned, { facts, today, snapshot, hasPreferences: preferences !== undefined });
  if (why !== undefined) return err(why);
  return ok(compact({ plan: planned, input, facts, names, followed, ignored, route, conversation }));
}

/** The request as rules see it, made when the first of them asks. */
function viewOf(call: Call, { readsText }: Policy, facts: Facts): () => RuleFacts {
  let made: RuleFacts | undefined;
  return () => {
    const text = readsText === true ? call.ruleText?.() : undefined;
    made ??= ruleFacts(facts, { tags: call.extension.tags, text });
    return made;
  };
}

const TASK_ALONE: ReadonlySet<ContentFact> = new Set(['task']);

/** What the text tells, as far as the policy reads it; text is looked at only where somebody decides by it. */
function contentOf(call: Call, { readsContent, wanted }: Policy, snapshot: Snapshot): ContentFacts | undefined {
  const { content, detectLanguage, intentOf, topics } = snapshot;
  if (!readsContent && content !== 'always') return undefined;
  if (content === 'never') return unreadContent('not looked at (`understand.content: never`)');
  return call.contentOf?.({
    detectLanguage,
    classify: intentOf,
    topics,
    wanted: content === 'always' ? undefined : (wanted ?? TASK_ALONE),
  });
}

/** What the policy may look at. */
function factsOf(call: Call, policy: Policy, { key, snapshot, address }: PlanningOptions): Facts {
  const content = contentOf(call, policy, snapshot);
  const at = callerRegion({ key, header: call.extension.region, address }, snapshot);
  return content === undefined && at === undefined ? call.facts : compact({ ...call.facts, content, ...at });
}

interface Wanting {
  readonly policy: Policy;
  readonly facts: Facts;
  readonly conversation: string | undefined;
  readonly route: string;
}

/** What is known of targets, as far as the policy can make use of it. */
function knownFor(
  { policy, facts, conversation, route }: Wanting,
  world: PlanWorld,
): Parameters<typeof sightingsOf>[1] {
  const nowMs = world.clock.monotonicMs();
  const { conversations, feedback, health } = world;
  // Who has no choice need not know what an answer will cost.
  const chooses = policy.tiers.length > 1 || (policy.tiers[0]?.length ?? 0) > 1;
  const task = facts.content?.task ?? GENERAL;
  return {
    health: healthNow(world),
    lengthOf: chooses ? ({ id }) => health.lengths.of({ route, targetId: id }, nowMs) : undefined,
    ratingOf: policy.readsContent ? ({ id }) => feedback.about(id, task) : undefined,
    cachedAt: conversation === undefined ? undefined : ({ id }) => conversations.cachedAt(conversation, id, nowMs),
  };
}

interface Barring {
  readonly call: Call;
  readonly options: PlanningOptions;
  readonly route: string | undefined;
}

/** What key and operation say of each target. */
function barredFrom(items: ReturnType<typeof itemsOf>, { call, options, route }: Barring): ReadonlyMap<string, string> {
  const { key, snapshot } = options;
  const needsPrice = key.budgetNanoUsd !== undefined && !snapshot.allowsUnknownPrice;
  const barred = new Map<string, string>();
  for (const { target } of items) {
    const reason = mayUse(key, target, route) ? call.whyNot(target) : NOT_ALLOWED;
    if (reason !== undefined) barred.set(target.id, reason);
    else if (needsPrice && target.price === undefined) barred.set(target.id, UNPRICED);
  }
  return barred;
}

interface Asking {
  readonly facts: Facts;
  readonly today: string;
  readonly snapshot: Snapshot;
  readonly hasPreferences: boolean;
}

/** Why a plan has no target; undefined where it has one. */
function whyNone(planned: Plan, { facts, today, snapshot, hasPreferences }: Asking): Fault | undefined {
  if (planned.targets.length > 0) return undefined;
  const { refusal, rule = '', rejected } = planned;
  if (refusal !== undefined) return fault('policy-refused', { rule, reason: refusal }, { param: 'model' });
  const isGone = rejected.every((one) => one.retired !== undefined);
  const [first] = isGone ? rejected : [];
  if (first?.retired !== undefined) return retired(facts.model, first.retired, { snapshot, today });
  const isUnpriced = rejected.some(({ reason }) => reason === UNPRICED);
  return isUnpriced
    ? fault('price-unknown', { model: facts.model }, { param: 'model' })
    : nothingLeft(facts.model, rejected, hasPreferences);
}

interface Wishes {
  readonly found: Found;
  readonly names: readonly string[];
  readonly preferences: Preferences | undefined;
  readonly followed: readonly string[];
  readonly ignored: readonly string[];
}

/** What the caller's names and wishes mean: for us, or, where all candidates stand there, for a provider that chooses itself. */
function wishesOf(call: Call, { snapshot, key }: PlanningOptions): Result<Wishes, Fault> {
  const { facts } = call;
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
    names: all.ok ? [facts.model, ...models] : [facts.model],
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
  readonly policy: Policy;
  readonly route?: string;
  readonly sort?: StrategyName;
}

/** The first name's policy over the tiers of all names: the targets of a fallback come after those of the model that was asked for. */
function candidatesOf(names: readonly string[], snapshot: Snapshot, key: KeyRow): Result<Found, Fault> {
  const others: Policy[] = [];
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
    else others.push(resolved.policy);
  }
  if (first === undefined) return err(fault('field-missing', { reason: 'name a model' }, { param: 'model' }));
  return ok({ ...first, policy: policyOver(first.policy, others) });
}

/** All candidates stand at a provider that chooses among providers itself: then the request's wishes are for that one. */
function readsPreferences(found: Found): boolean {
  const targets = found.policy.tiers.flat();
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
function isHidden({ policy, route }: Found, key: KeyRow): boolean {
  const targets = itemsOf(policy);
  return targets.length > 0 && !targets.some(({ target }) => mayUse(key, target, route));
}

/** A key that names a route may use the targets of the route; else the target's own name must be allowed. */
export function mayUse(key: KeyRow, target: Target, route: string | undefined): boolean {
  if (key.allowedModels === undefined) return true;
  const names = [`${target.providerId}/${target.model}`, target.model, ...(route === undefined ? [] : [route])];
  return key.allowedModels.some((pattern) => names.some((name) => matches(pattern, name)));
}

/** `openai/*` matches by prefix; anything else by equality. */
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** A key learns how many targets it may not use, and not their names: errors, explanations and records are read by its owner. */
export function withoutHidden(planned: Plan): Plan {
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

/** Why a route has no target at all. */
const NONE_READY = 'none of its models is configured and has a key here; `turnout check` says what is missing';

function nothingLeft(model: string, rejected: readonly Rejection[], hasPreferences: boolean): Fault {
  const reasons = rejected.slice(0, 5).map((rejection) => `${rejection.target}: ${rejection.reason}`);
  return fault(
    'no-eligible',
    { model: shown(model), reasons: reasons.length === 0 ? NONE_READY : reasons.join('; ') },
    { param: hasPreferences ? 'provider' : 'model' },
  );
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
