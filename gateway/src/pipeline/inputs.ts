/**
 * What a plan was made of, in its record: all that is not in the snapshot, and of that only what is not as usual. A plan is a
 * function of it, so that `recordedInput` and `plan` make the same plan again.
 */
import { asArray, asCount, asRecord, asString, compact, isRecord } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { fromPlainJson, toPlainJson } from '../lib/plain-data.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { UNSEEN, type Sighting, type Sightings } from '../routing/observation.ts';
import type { PlanInput } from '../routing/plan.ts';
import { itemsOf, policyOver, type NamedPolicy, type Policy, type Rule, type Shut } from '../routing/policy.ts';
import { NOT_ALLOWED } from '../routing/requirements/barred.ts';
import { ruled, type Ruling } from '../routing/rules.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { factsOf } from './facts-record.ts';

/** `names`: the model that was asked for, and those that the caller named after it. */
export function inputsRecord(input: PlanInput, names: readonly string[]): JsonRecord {
  const { preferences, require, prefer, ruling, today, seed, turn } = input;
  return {
    names: names.length === 1 ? undefined : names,
    today,
    seed,
    turn: turn === 0 ? undefined : turn,
    ...barredRecord(input),
    shut: shutRecord(input),
    preferences: preferences === undefined ? undefined : toPlainJson(preferences),
    require: require === undefined ? undefined : toPlainJson(require),
    prefer,
    rule: ruling?.rule?.name,
    unsure: ruling?.unsure?.map(({ name }) => name),
    troubles: ruling === undefined || ruling.troubles.length === 0 ? undefined : ruling.troubles,
    seen: sightingsRecord(input),
  };
}

/** Of targets that the key must not learn of, their places among the candidates are kept, and not their names. */
function barredRecord({ barred, policy }: PlanInput): JsonRecord {
  if (barred.size === 0) return {};
  let reasons: Record<string, string> | undefined;
  const hidden: number[] = [];
  for (const [index, { target }] of itemsOf(policy).entries()) {
    const reason = barred.get(target.id);
    if (reason === NOT_ALLOWED) hidden.push(index);
    else if (reason !== undefined) (reasons ??= {})[target.id] = reason;
  }
  return { barred: reasons, hidden: hidden.length === 0 ? undefined : hidden };
}

/** By its place among the targets of the policy as the rule leaves it: such a place has no other name. */
function shutRecord({ policy, ruling, shut }: PlanInput): JsonRecord | undefined {
  if (shut === undefined || shut.size === 0) return undefined;
  const places = ruled(policy, ruling).tiers.flat();
  return Object.fromEntries(
    places.flatMap((place, index) => {
      const reason = shut.get(place);
      return reason === undefined ? [] : [[String(index), reason]];
    }),
  );
}

/** Whoever is barred is not looked at further. */
function sightingsRecord({ sightings, barred }: PlanInput): JsonRecord | undefined {
  let known: Record<string, Json> | undefined;
  for (const [target, sighting] of sightings) {
    const record = barred.has(target) ? undefined : sightingRecord(sighting);
    if (record !== undefined) (known ??= {})[target] = record;
  }
  return known;
}

/** What is known of a target, in the words of records. Every field must be here: a plan may look at any. */
const SIGHTING = {
  restMs: 'rest_ms',
  isDoubted: 'doubted',
  shutMs: 'shut_ms',
  errorRate: 'error_rate',
  ttftMs: 'ttft_ms',
  tokensPerS: 'tokens_per_s',
  inFlight: 'in_flight',
  inFlightMax: 'in_flight_max',
  headroom: 'headroom',
  length: 'length',
  rating: 'rating',
  cachedTokens: 'cached_tokens',
} as const satisfies Record<keyof Sighting, string>;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `keys` gives the object's own names.
const SIGHTING_NAMES = Object.keys(SIGHTING) as readonly (keyof Sighting)[];

/** `undefined`: as of a target of which nothing is known. */
function sightingRecord(sighting: Sighting): JsonRecord | undefined {
  let record: Record<string, Json> | undefined;
  for (const name of SIGHTING_NAMES) {
    const value = sighting[name];
    if (value === undefined || value === UNSEEN[name]) continue;
    (record ??= {})[SIGHTING[name]] = typeof value === 'object' ? { ...value } : value;
  }
  return record;
}

/** The input of a recorded plan, over the snapshot that it was made with; a text says why there is none. */
export function recordedInput(record: JsonRecord, snapshot: Snapshot): Result<PlanInput, string> {
  const facts = factsOf(record);
  if (facts === undefined) return err('the request was refused before there was a plan');
  // Where nothing was to be decided, nothing more was written.
  const inputs = asRecord(record['inputs']) ?? {};
  const policy = policyNamed(asArray(inputs['names'])?.filter(isText) ?? [facts.model], snapshot);
  if (typeof policy === 'string') return err(policy);
  const ruling = rulingOf(inputs, policy);
  if (typeof ruling === 'string') return err(ruling);
  const { preferences, require, prefer } = wishesOf(inputs);
  return ok({
    policy,
    facts,
    barred: barredOf(inputs, policy),
    shut: shutOf(inputs, policy, ruling),
    preferences,
    require,
    prefer,
    ruling,
    sightings: sightingsOf(inputs),
    attemptsMax: snapshot.attemptsMax,
    today: asString(inputs['today']) ?? (asString(record['at']) ?? '').slice(0, 10),
    seed: asCount(inputs['seed']) ?? 0,
    turn: asCount(inputs['turn']) ?? 0,
    gatewayRegion: snapshot.region,
  });
}

/** The policy of the first name over the targets of all; a text where a name stands for nothing. */
export function policyNamed(names: readonly string[], snapshot: Snapshot): Policy | string {
  const policies: NamedPolicy[] = [];
  for (const name of names) {
    const found = snapshot.resolve(name);
    if (found.kind === 'unknown') return `no model or route is called ${JSON.stringify(name)}`;
    policies.push(found);
  }
  const [first, ...others] = policies;
  return first === undefined ? 'no model is named' : policyOver(first.policy, others);
}

function rulingOf(inputs: JsonRecord, policy: Policy): Ruling | undefined | string {
  const { rules } = policy;
  const textsIn = (field: string): readonly string[] => asArray(inputs[field])?.filter(isText) ?? [];
  const [troubles, unsureNames, name] = [textsIn('troubles'), textsIn('unsure'), asString(inputs['rule'])];
  const named = (of: string): Rule | undefined => rules?.find((one) => one.name === of);
  const lost = [...unsureNames, ...(name === undefined ? [] : [name])].find((of) => named(of) === undefined);
  if (lost !== undefined) return `its policy has no rule ${lost}`;
  if (rules === undefined && troubles.length === 0) return undefined;
  const unsure = unsureNames.flatMap((of) => named(of) ?? []);
  return compact({
    rule: name === undefined ? undefined : named(name),
    unsure: unsure.length === 0 ? undefined : unsure,
    troubles,
  });
}

/** What the request itself preferred and required. */
export function wishesOf(inputs: JsonRecord): Pick<PlanInput, 'preferences' | 'require' | 'prefer'> {
  const { preferences, require, prefer } = inputs;
  const read: unknown = {
    ...(preferences === undefined ? {} : { preferences: fromPlainJson(preferences) }),
    ...(require === undefined ? {} : { require: fromPlainJson(require) }),
    prefer: asArray(prefer)?.filter(isText),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `inputsRecord` wrote them of values of these types.
  return read as Pick<PlanInput, 'preferences' | 'require' | 'prefer'>;
}

function barredOf(inputs: JsonRecord, policy: Policy): ReadonlyMap<string, string> {
  const barred = new Map<string, string>();
  const hidden = new Set(asArray(inputs['hidden']) ?? []);
  const reasons = asRecord(inputs['barred']) ?? {};
  for (const [index, { target }] of itemsOf(policy).entries()) {
    const reason = hidden.has(index) ? NOT_ALLOWED : asString(reasons[target.id]);
    if (reason !== undefined) barred.set(target.id, reason);
  }
  return barred;
}

function shutOf(inputs: JsonRecord, policy: Policy, ruling: Ruling | undefined): Shut {
  const reasons = asRecord(inputs['shut']) ?? {};
  return new Map(
    ruled(policy, ruling)
      .tiers.flat()
      .flatMap((place, index) => {
        const reason = asString(reasons[String(index)]);
        return reason === undefined ? [] : [[place, reason] as const];
      }),
  );
}

/** What a record says was known of its candidates. */
export function sightingsOf(inputs: JsonRecord): Sightings {
  const known = Object.entries(asRecord(inputs['seen']) ?? {});
  return new Map(known.flatMap(([target, seen]) => (isRecord(seen) ? [[target, sightingOf(seen)] as const] : [])));
}

function sightingOf(record: JsonRecord): Sighting {
  const known = SIGHTING_NAMES.map((name) => [name, record[SIGHTING[name]]] as const).filter(
    ([, value]) => value !== undefined,
  );
  // `sightingRecord` wrote them of values of these types.
  return { ...UNSEEN, ...Object.fromEntries(known) };
}

function isText(value: Json): value is string {
  return typeof value === 'string';
}
