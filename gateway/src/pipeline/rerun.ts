/** Another policy over a logged request: what its plan would have been, from the facts of the log. Never a prompt. Pure. */
import { asArray, asNumber, asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import { UNSEEN, type Sighting, type Sightings } from '../routing/observation.ts';
import { plan, type Plan, type PlanInput } from '../routing/plan.ts';
import { itemsOf, type Policy, type Rule, type Shut } from '../routing/policy.ts';
import { NOT_ALLOWED } from '../routing/requirements/barred.ts';
import { REQUIREMENTS } from '../routing/requirements/index.ts';
import { rulingOf, shutThrough, type Ruling } from '../routing/rules.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Facts } from '../understand/facts.ts';
import type { RuleFacts } from '../policy/vocabulary.ts';
import { contentFactOf, ruleFacts } from '../understand/view.ts';
import { factsOf } from './facts-record.ts';
import { policyNamed, sightingsOf, wishesOf } from './inputs.ts';
import { keptFrom, type Kept } from './key-reach.ts';

/** What stands over all rows. */
export interface Rerunning {
  /** Of the policy that is tried. */
  readonly snapshot: Snapshot;
  /** What the log said last of each target, for those that a row says nothing of. */
  readonly latest: Map<string, Sighting>;
}

export interface Rerun {
  readonly facts: Facts;
  /** Absent: the names of the request stand for nothing under the other policy. */
  readonly made?: { readonly plan: Plan; readonly input: PlanInput };
  /** Why there is no target; absent where there is one. */
  readonly refused?: string;
  /** What the catalog holds against the first target, which is asked all the same where it holds it against all. */
  readonly doubt?: string;
  /** Facts that rules of the other policy read, and the log does not have: those rules were passed over. */
  readonly missing: readonly string[];
}

/** `undefined`: the request was refused before it was understood, whatever the policy. */
export function rerun(record: JsonRecord, key: KeyRow | undefined, { snapshot, latest }: Rerunning): Rerun | undefined {
  const facts = factsOf(record);
  if (facts === undefined) return undefined;
  const inputs = asRecord(record['inputs']) ?? {};
  const seen = sightingsOf(inputs);
  for (const [target, sighting] of seen) latest.set(target, sighting);
  const names = asArray(inputs['names'])?.flatMap((name) => asString(name) ?? []) ?? [facts.model];
  const policy = policyNamed(names, snapshot);
  if (typeof policy === 'string') return { facts, refused: policy, missing: [] };
  const { ruling, missing } = rulingFor(policy, facts, record);
  const items = itemsOf(policy);
  const sightings = sightingsFor(items, seen, latest);
  const today = (asString(record['at']) ?? '').slice(0, 10);
  const kept = key === undefined ? undefined : keptFrom(key, compact({ policy, route: asString(record['route']) }));
  const input: PlanInput = {
    policy,
    facts,
    barred: barredFor(items, { record, inputs, kept }),
    shut: shutFor(kept, { policy, ruling, record, facts, sightings, today }),
    ...wishesOf(inputs),
    ruling,
    sightings,
    attemptsMax: snapshot.attemptsMax,
    today,
    // Dice of its own: with the logged ones, what was drawn then would be drawn again, and say nothing.
    seed: hashOf(asString(record['id']) ?? ''),
    turn: asNumber(inputs['turn']) ?? 0,
    gatewayRegion: snapshot.region,
  };
  const made = plan(input);
  const [first] = made.targets;
  return {
    facts,
    made: { plan: made, input },
    missing,
    ...(first === undefined ? refusedBy(made) : doubtOf(first, input)),
  };
}

function refusedBy({ refusal, rejected }: Plan): Pick<Rerun, 'refused'> {
  return { refused: refusal ?? rejected[0]?.reason ?? 'nothing is configured for it' };
}

/** Opinions of the catalog, which do not hold where they would leave nobody. */
function doubtOf(target: Target, { facts, today, barred, sightings }: PlanInput): Pick<Rerun, 'doubt'> {
  const seen = (one: Target): Sighting => sightings.get(one.id) ?? UNSEEN;
  for (const requirement of REQUIREMENTS) {
    if (requirement.isOpinion !== true) continue;
    const doubt = requirement.whyNot(target, { facts, requires: [], today, barred, seen });
    if (doubt !== undefined) return { doubt };
  }
  return {};
}

interface Told {
  readonly ruling: Ruling | undefined;
  readonly missing: readonly string[];
}

function rulingFor(policy: Policy, facts: Facts, record: JsonRecord): Told {
  const { rules } = policy;
  if (rules === undefined) return { ruling: undefined, missing: [] };
  const missing = rules.flatMap((rule) => missingFor(rule, facts));
  const told = rules.filter((rule) => missingFor(rule, facts).length === 0);
  return { ruling: rulingOf(told, ruleFacts(facts, { tags: tagsOf(record) })), missing: [...new Set(missing)] };
}

function tagsOf(record: JsonRecord): readonly string[] {
  return asArray(record['tags'])?.flatMap((tag) => asString(tag) ?? []) ?? [];
}

/** The text is in no log; what it tells, only where the policy of that time wanted to know. */
function missingFor({ reads = new Set() }: Rule, { content }: Facts): readonly string[] {
  return [...reads].filter((name) => {
    const fact = contentFactOf(name);
    return name === 'text' || (fact !== undefined && content?.origins[fact] === undefined);
  });
}

interface Barring {
  readonly record: JsonRecord;
  readonly inputs: JsonRecord;
  readonly kept: Kept | undefined;
}

/** What the key may not use, and what could not do the operation then, as far as the log names it. */
function barredFor(items: ReturnType<typeof itemsOf>, { record, inputs, kept }: Barring): ReadonlyMap<string, string> {
  const reasons = asRecord(inputs['barred']) ?? {};
  const barred = new Map<string, string>();
  for (const { target } of items) {
    const reason = kept?.targets.has(target.id) === true ? NOT_ALLOWED : asString(reasons[target.id]);
    const operation = asString(record['operation']) ?? 'chat';
    if (reason !== undefined) barred.set(target.id, reason);
    else if (operation !== 'chat' && target.operations?.has(operation) === false)
      barred.set(target.id, `it is no model for ${operation}`);
  }
  return barred;
}

interface Shutting extends Pick<PlanInput, 'policy' | 'ruling' | 'facts' | 'sightings' | 'today'> {
  readonly record: JsonRecord;
}

/** Places that the rules of routes inside the policy shut, as far as the log has what they read, and those that are not for the key. */
function shutFor(kept: Kept | undefined, { policy, ruling, facts, sightings, today, record }: Shutting): Shut {
  const view = (): RuleFacts => ruleFacts(facts, { tags: tagsOf(record) });
  const seen = ({ id }: Target): Sighting => sightings.get(id) ?? UNSEEN;
  const closed = [...(kept?.places ?? [])].map((place) => [place, NOT_ALLOWED] as const);
  return new Map([...shutThrough(policy, ruling, { view, facts, seen, today }), ...closed]);
}

/** Of the moment where the log has it, else the last before it, without what was true of that moment only. */
function sightingsFor(
  items: ReturnType<typeof itemsOf>,
  seen: Sightings,
  latest: ReadonlyMap<string, Sighting>,
): Sightings {
  const known = new Map<string, Sighting>();
  for (const { target } of items) {
    const now = seen.get(target.id);
    const before = now === undefined ? latest.get(target.id) : undefined;
    if (now !== undefined) known.set(target.id, now);
    else if (before !== undefined) known.set(target.id, lasting(before));
  }
  return known;
}

function lasting({ errorRate, ttftMs, tokensPerS, length, rating }: Sighting): Sighting {
  return { ...UNSEEN, ...compact({ errorRate, ttftMs, tokensPerS, length, rating }) };
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
