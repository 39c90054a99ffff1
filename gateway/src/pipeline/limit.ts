/** limit: whether a request may go on now, by the limits of all whom it belongs to. Between the plan and the money. */
import { fault, type Fault } from '../chat/fault.ts';
import type { RateLimit } from '../config/rate-limits.ts';
import type { Config } from '../config/schema.ts';
import { UNLIMITED, type Need, type Passed, type Refused, type Subject } from '../limits/limiter.ts';
import { limitText, waitText } from '../limits/texts.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Facts } from '../understand/facts.ts';
import type { Gate, Owner } from './gate.ts';
import { limitHeaders } from './limit-headers.ts';
import type { AttemptRecord } from './record.ts';
import type { Headers } from './reply.ts';
import type { World } from './world.ts';

/** The length of an answer of which nothing is known: no limit is given, and none was seen yet. */
const OUTPUT_TOKENS_UNKNOWN = 1000;

type Rates = Config['limits'];

/** Who asks. */
export interface Asker {
  readonly key: KeyRow;
  /** As the caller names it; nobody checks it. */
  readonly endUser?: string | undefined;
  /** The route that was named, if one was. */
  readonly route?: string | undefined;
}

/** All whose limits bind a request, the target's aside. Those without limits are left out. */
export function subjectsOf({ key, endUser, route }: Asker, rates: Rates, gate: Gate): readonly Subject[] {
  const subjects: Subject[] = [];
  const add = (subject: Omit<Subject, 'limits'>, limits: readonly RateLimit[] | undefined): void => {
    if (limits !== undefined && limits.length > 0) subjects.push({ ...subject, limits });
  };
  const { defaults } = rates;
  for (const { scope, id, name, limits } of gate.ownersOf(key))
    add({ scope, id, name: `${SCOPE_WORDS[scope]} "${name}"` }, ownOr(limits, defaults[scope]));
  const ofKeys = key.isRoot ? undefined : defaults.key;
  add({ scope: 'key', id: key.id, name: `key "${key.name}"` }, ownOr(key.limits, ofKeys));
  if (endUser !== undefined)
    add({ scope: 'end-user', id: `${key.id}\n${endUser}`, name: `end user "${endUser}"` }, defaults.end_user);
  if (route !== undefined) add({ scope: 'route', id: route, name: `route "${route}"` }, rates.routes[route]);
  return subjects;
}

const SCOPE_WORDS = { org: 'organisation', team: 'team', user: 'user' } as const satisfies Record<
  Owner['scope'],
  string
>;

function ownOr(
  own: readonly RateLimit[] | undefined,
  ofAll: readonly RateLimit[] | undefined,
): readonly RateLimit[] | undefined {
  return own === undefined || own.length === 0 ? ofAll : own;
}

/** Those whose limits bind an attempt at the target. */
export function targetSubjects({ providerId, model }: Target, rates: Rates): readonly Subject[] {
  const name = `${providerId}/${model}`;
  const ofProvider = rates.providers[providerId];
  const ofModel = rates.models[name];
  if (ofProvider === undefined && ofModel === undefined) return [];
  return [
    { scope: 'provider' as const, id: providerId, name: `provider "${providerId}"`, limits: ofProvider ?? [] },
    { scope: 'model' as const, id: name, name: `model "${name}"`, limits: ofModel ?? [] },
  ].filter(({ limits }) => limits.length > 0);
}

/** What the request will use: its input by our count; its output by what the route's answers from there mostly have, and no more than is allowed. */
export function needOf(facts: Facts, learned: { readonly p90: number } | undefined): Need {
  const { inputTokensEstimate: inputTokens, outputTokensLimit: limit, choices, isOutputFixed } = facts;
  if (isOutputFixed === true) return { inputTokens, outputTokens: limit ?? 0 };
  const likely = learned?.p90 ?? limit ?? OUTPUT_TOKENS_UNKNOWN;
  return { inputTokens, outputTokens: Math.ceil(Math.min(likely, limit ?? likely) * choices) };
}

/** What its attempts have used, as providers counted it. */
export function usedBy(attempts: readonly Pick<AttemptRecord, 'bill'>[]): Need {
  let inputTokens = 0;
  let outputTokens = 0;
  for (const { bill } of attempts) {
    inputTokens += bill?.usage.inputTokens ?? 0;
    outputTokens += bill?.usage.outputTokens ?? 0;
  }
  return { inputTokens, outputTokens };
}

/** A request that may go on, and what its reply says of the caller's limits. */
export interface Entry {
  readonly passed: Passed;
  readonly headers: Headers;
}

/** A request that a limit is in the way of. */
export interface Limited {
  readonly fault: Fault;
  readonly headers: Headers;
}

/** As much of the world as limits need. */
export type LimitWorld = Pick<World, 'gate' | 'clock'>;

export interface Entering {
  readonly rates: Rates;
  readonly world: LimitWorld;
  /** The caller's, for the headers. */
  readonly protocol: string;
  /** Asked where a limit counts tokens. Absent: there are none. */
  readonly need?: () => Need;
}

const NOTHING: Need = { inputTokens: 0, outputTokens: 0 };
const FREE: Entry = { passed: UNLIMITED, headers: {} };

/** Counts the request at all limits of those whom it belongs to, or says which is in its way. What was counted must be settled (`leave`). */
export function enter(asker: Asker, { rates, world, protocol, need }: Entering): Entry | Limited {
  const { gate, clock } = world;
  const subjects = subjectsOf(asker, rates, gate);
  if (subjects.length === 0) return FREE;
  const nowMs = clock.monotonicMs();
  const result = gate.limiter.pass(subjects, need?.() ?? NOTHING, nowMs);
  const headers = limitHeaders(gate.limiter.figures(subjects, nowMs), protocol, clock.unixMs());
  return result.kind === 'passed' ? { passed: result, headers } : { fault: limitFault(result), headers };
}

/** The request has ended, after these attempts. */
export function leave(passed: Passed, attempts: readonly Pick<AttemptRecord, 'bill'>[], world: LimitWorld): void {
  if (passed.taken.length > 0) world.gate.limiter.settle(passed, usedBy(attempts), world.clock.monotonicMs());
}

/** Whether the caller's own limits are used up already, whatever it asks: then nothing more need be read of it. Counts nothing. */
export function limitedAtDoor(key: KeyRow, { rates, world, protocol }: Entering): Limited | undefined {
  const { gate, clock } = world;
  const subjects = subjectsOf({ key }, rates, gate);
  if (subjects.length === 0) return undefined;
  const nowMs = clock.monotonicMs();
  const refused = gate.limiter.refusal(subjects, NOTHING, nowMs);
  if (refused === undefined) return undefined;
  const headers = limitHeaders(gate.limiter.figures(subjects, nowMs), protocol, clock.unixMs());
  return { fault: limitFault(refused), headers };
}

export function limitFault({ subject, limit, count, waitMs }: Refused): Fault {
  const owner = subject.name;
  if (!Number.isFinite(waitMs))
    return fault('limit-too-small', { owner, limit: limitText(limit), need: count }, { retryAfterMs: limit.windowMs });
  const reason = `${owner} may have ${limitText(limit)}. Try again in ${waitText(waitMs)}`;
  return fault('rate-limited', { reason }, { retryAfterMs: waitMs });
}

/** Counts an attempt at the limits of its target. */
export function enterTarget({ facts, planning, snapshot, world }: Attempting, target: Target): Passed | Fault {
  const subjects = targetSubjects(target, snapshot.rates);
  if (subjects.length === 0) return UNLIMITED;
  const nowMs = world.clock.monotonicMs();
  const learned = world.health.lengths.of({ route: planning.route ?? '', targetId: target.id }, nowMs);
  const passed = world.gate.limiter.pass(subjects, needOf(facts, learned), nowMs);
  return passed.kind === 'passed' ? passed : limitFault(passed);
}

interface Attempting {
  readonly facts: Facts;
  readonly planning: { readonly route?: string };
  readonly snapshot: Pick<Snapshot, 'rates'>;
  readonly world: LimitWorld & Pick<World, 'health'>;
}

/** The limit of the target that must be waited for; undefined where it may be asked now. */
export function targetRefusal(target: Target, rates: Rates, { gate, clock }: LimitWorld): Refused | undefined {
  const subjects = targetSubjects(target, rates);
  return subjects.length === 0 ? undefined : gate.limiter.refusal(subjects, NOTHING, clock.monotonicMs());
}
