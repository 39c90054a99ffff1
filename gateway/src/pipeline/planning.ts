/** understand and plan: which targets the caller's words mean, and in what order they are tried. Pure. */
import type { Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { seedFrom } from '../lib/dice.ts';
import { UNSEEN, type Sighting } from '../routing/observation.ts';
import { plan, type Plan, type PlanInput } from '../routing/plan.ts';
import { itemsOf, type Policy } from '../routing/policy.ts';
import { GENERAL } from '../catalog/quality.ts';
import { NOT_ALLOWED } from '../routing/requirements/barred.ts';
import { judgedThrough, rulingOf, withTroubles } from '../routing/rules.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { Feedback, KeyRow, Payer } from '../store/ports.ts';
import type { SeenFacts } from '../policy/vocabulary.ts';
import { unreadContent, type ContentFact, type ContentFacts } from '../understand/content.ts';
import type { CallerRegion, Facts } from '../understand/facts.ts';
import { withVerdict } from '../understand/verdict.ts';
import { ruleFacts, type Around } from '../understand/view.ts';
import type { Call } from './call.ts';
import { callerRegion } from './caller-region.ts';
import type { Classified } from './classified.ts';
import { keptFrom, type Kept } from './key-reach.ts';
import { payerFor, type Paid, type PayWorld } from './payer.ts';
import { UNPRICED, whyNone, withoutHidden } from './no-plan.ts';
import { sightingsOf } from './sightings.ts';
import { healthNow } from './standing.ts';
import { wishesOf } from './wishes.ts';
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
  /** What a small model said of the text, where it was to be asked. */
  readonly classified?: Classified;
  /** Which conversation it belongs to, where that may decide something. */
  readonly conversation?: string;
  /** Fields of the body that were followed here, and must not be followed once more by a provider. */
  readonly followed: readonly string[];
  /** Wishes of the request that nobody follows: to be named to the caller. */
  readonly ignored: readonly string[];
  readonly payer: Payer;
}

/** As much of the world as a plan needs. */
export type PlanWorld = Pick<World, 'health' | 'rota' | 'conversations' | 'clock' | 'random'> & {
  readonly feedback: Pick<Feedback, 'about'>;
  readonly targetRestMs?: World['targetRestMs'];
  readonly budgets: PayWorld['budgets'];
  readonly saleTo: PayWorld['saleTo'];
};

export interface PlanningOptions {
  readonly snapshot: Snapshot;
  readonly key: KeyRow;
  readonly world: PlanWorld;
  /** The caller's address. Absent: nobody knows. */
  readonly address?: string | undefined;
  /** Where the caller was when it handed in the batch that this is a line of. */
  readonly seen?: CallerRegion | undefined;
  /** Nothing will be sent: nobody's turn is used up. */
  readonly isDry?: boolean;
  /** What a small model said of the text. */
  readonly classified?: Classified | undefined;
}

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
  const payer = payerFor(options.key, { ...paidBy(call), route, conversation }, world);
  const sightings = sightingsOf(items, knownFor({ policy, facts, conversation, route: route ?? '' }, world));
  const view = viewOf(call, policy, facts);
  const own = policy.rules === undefined ? undefined : rulingOf(policy.rules, view());
  const kept = keptFrom(options.key, found);
  const seen = ({ id }: Target): Sighting => sightings.get(id) ?? UNSEEN;
  const through = judgedThrough(policy, own, { view, facts, seen, today });
  const input: PlanInput = {
    policy,
    facts,
    barred: barredFrom(items, { call, snapshot, kept, isBudgeted: payer.hard.length > 0 }),
    shut: new Map([...through.shut, ...[...kept.places].map((place) => [place, NOT_ALLOWED] as const)]),
    preferences,
    ruling: withTroubles(own, through.troubles),
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
  const { classified } = options;
  return ok(compact({ plan: planned, input, facts, names, followed, ignored, route, conversation, classified, payer }));
}

function paidBy({ extension: { tags, endUser } }: Call): Pick<Paid, 'tags' | 'endUser'> {
  return { tags, endUser };
}

/** The request as rules see it, made when the first of them asks. */
export function viewOf(call: Call, { readsText }: Policy, facts: Facts): () => SeenFacts {
  let made: SeenFacts | undefined;
  return () => {
    made ??= ruleFacts(facts, {
      tags: call.extension.tags,
      ...textFor(call, readsText === true && facts.content?.unread === undefined),
    });
    return made;
  };
}

function textFor({ ruleText, ruleTextGap }: Call, isRead: boolean): Pick<Around, 'text' | 'textGap'> {
  return isRead ? { text: ruleText?.(), textGap: ruleTextGap?.() } : {};
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
export function factsOf(call: Call, policy: Policy, options: PlanningOptions): Facts {
  const { key, snapshot, address, seen, classified } = options;
  const read = contentOf(call, policy, snapshot);
  const content = read === undefined || classified === undefined ? read : filled(read, classified);
  const at = callerRegion({ key, claim: call.extension.region, address, seen }, snapshot);
  return content === undefined && at === undefined ? call.facts : compact({ ...call.facts, content, ...at });
}

function filled(content: ContentFacts, { verdict, open, target = '' }: Classified): ContentFacts {
  return withVerdict(content, verdict, { open, origin: `${target}, asked about the last user turn` });
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
  readonly snapshot: Snapshot;
  readonly kept: Kept;
  /** What it costs must be known before. */
  readonly isBudgeted: boolean;
}

/** What key and operation say of each target. */
function barredFrom(
  items: ReturnType<typeof itemsOf>,
  { call, snapshot, kept, isBudgeted }: Barring,
): ReadonlyMap<string, string> {
  const needsPrice = isBudgeted && !snapshot.allowsUnknownPrice;
  const barred = new Map<string, string>();
  for (const { target } of items) {
    const reason = kept.targets.has(target.id) ? NOT_ALLOWED : call.whyNot(target);
    if (reason !== undefined) barred.set(target.id, reason);
    else if (needsPrice && target.price === undefined) barred.set(target.id, UNPRICED);
  }
  return barred;
}

/** `2026-11-22`, UTC. */
export function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}
