/** limit: whether a request may go on now, by the limits of all whom it belongs to. Between the plan and the money. */
import { fault, type Fault } from '../chat/fault.ts';
import { readLimits, type RateLimit } from '../config/rate-limits.ts';
import type { Config } from '../config/schema.ts';
import type { JsonRecord } from '../lib/json.ts';
import { UNLIMITED, type Need, type Passed, type Refused, type Subject } from '../limits/limiter.ts';
import { limitText, waitText } from '../limits/texts.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Facts } from '../understand/facts.ts';
import type { Gate, Owner, Turn } from './gate.ts';
import { faultOfTurn } from './limit-line.ts';
import { pass, type PassPorts } from './limit-pass.ts';
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

function ownOr(own: JsonRecord | undefined, ofAll: readonly RateLimit[] | undefined): readonly RateLimit[] | undefined {
  return own === undefined ? ofAll : limitsIn(own);
}

/** Read once: the same list for the same object, which is how it is known that nothing has changed. */
const READ = new WeakMap<JsonRecord, readonly RateLimit[]>();

/** What cannot be read was refused when it was written: it limits nothing. */
function limitsIn(json: JsonRecord): readonly RateLimit[] {
  const known = READ.get(json);
  if (known !== undefined) return known;
  const read = readLimits(json);
  const limits = read.ok ? read.value : [];
  READ.set(json, limits);
  return limits;
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
  /** Absent: it uses no tokens. */
  readonly need?: () => Need;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

const NOTHING: Need = { inputTokens: 0, outputTokens: 0 };
const FREE: Entry = { passed: UNLIMITED, headers: {} };

/** Counts the request at all limits of those whom it belongs to, or says which is in its way. What was counted must be settled (`leave`). */
export function enter(asker: Asker, at: Entering): Entry | Limited | Promise<Entry | Limited> {
  const { rates, world, need } = at;
  const { gate } = world;
  const subjects = subjectsOf(asker, rates, gate);
  if (subjects.length === 0) return FREE;
  const of = { subjects, need: need?.() ?? NOTHING };
  if (gate.line.isBefore(subjects)) return inLine(asker, at, { of, refused: undefined });
  const result = pass(of, passPorts(world));
  if (result instanceof Promise) return result.then(async (told) => entered(asker, at, { of, told }));
  return entered(asker, at, { of, told: result });
}

interface Passing {
  readonly subjects: readonly Subject[];
  readonly need: Need;
}

function entered(
  asker: Asker,
  at: Entering,
  { of, told }: { readonly of: Passing; readonly told: Passed | Refused },
): Entry | Limited | Promise<Entry | Limited> {
  return told.kind === 'passed' ? entryOf(of, told, at) : inLine(asker, at, { of, refused: told });
}

/** Waits for its turn, where there is a line and a place in it. */
function inLine(
  asker: Asker,
  at: Entering,
  { of, refused }: { readonly of: Passing; readonly refused: Refused | undefined },
): Limited | Promise<Entry | Limited> {
  const { gate, clock } = at.world;
  const org = gate.ownersOf(asker.key).find(({ scope }) => scope === 'org')?.id ?? '';
  const standing = { ...of, org, key: asker.key.id, signal: at.signal };
  const turn = gate.line.wait(standing, refused);
  if (turn !== undefined) return turn.then((told) => entryOf(of, told, at));
  const why = refused ?? gate.limiter.refusal(of.subjects, of.need, clock.monotonicMs());
  return limitedOf(of, why === undefined ? fault('rate-limited', { reason: FULL }) : limitFault(why), at);
}

const FULL = 'others wait for the same limit, and there is no place left behind them';

function entryOf(of: Passing, told: Passed | Turn, at: Entering): Entry | Limited {
  if (typeof told === 'string') return limitedOf(of, faultOfTurn(told), at);
  if (told.kind === 'refused') return limitedOf(of, limitFault(told), at);
  return { passed: told, headers: headersFor(of.subjects, at) };
}

function limitedOf({ subjects }: Passing, of: Fault, at: Entering): Limited {
  return { fault: of, headers: headersFor(subjects, at) };
}

function headersFor(subjects: readonly Subject[], { world, protocol }: Entering): Headers {
  const { gate, clock } = world;
  return limitHeaders(gate.limiter.figures(subjects, clock.monotonicMs()), protocol, clock.unixMs());
}

function passPorts({ gate, clock }: LimitWorld): PassPorts {
  return { limiter: gate.limiter, draw: gate.draw, nowMs: () => clock.monotonicMs() };
}

/** The request has ended, after these attempts. */
export function leave(passed: Passed, attempts: readonly Pick<AttemptRecord, 'bill'>[], world: LimitWorld): void {
  if (passed.taken.length === 0) return;
  world.gate.limiter.settle(passed, usedBy(attempts), world.clock.monotonicMs());
  world.gate.line.moved();
}

/** Whether the caller's own limits are used up already, whatever it asks: then nothing more need be read of it. Counts nothing. */
export function limitedAtDoor(key: KeyRow, at: Entering): Limited | undefined {
  const { gate, clock } = at.world;
  // Who may wait is heard first.
  if (at.rates.queue !== undefined) return undefined;
  const subjects = subjectsOf({ key }, at.rates, gate);
  if (subjects.length === 0) return undefined;
  const refused = gate.limiter.refusal(subjects, NOTHING, clock.monotonicMs());
  return refused === undefined ? undefined : limitedOf({ subjects, need: NOTHING }, limitFault(refused), at);
}

export function limitFault({ subject, limit, count, waitMs }: Refused): Fault {
  const owner = subject.name;
  if (!Number.isFinite(waitMs))
    return fault('limit-too-small', { owner, limit: limitText(limit), need: count }, { retryAfterMs: limit.windowMs });
  const reason = `${owner} may have ${limitText(limit)}. Try again in ${waitText(waitMs)}`;
  return fault('rate-limited', { reason }, { retryAfterMs: waitMs });
}

/** Counts an attempt at the limits of its target. */
export async function enterTarget(
  { facts, planning, snapshot, world }: Attempting,
  target: Target,
): Promise<Passed | Fault> {
  const subjects = targetSubjects(target, snapshot.rates);
  if (subjects.length === 0) return UNLIMITED;
  const learned = world.health.lengths.of(
    { route: planning.route ?? '', targetId: target.id },
    world.clock.monotonicMs(),
  );
  const passed = await pass({ subjects, need: needOf(facts, learned) }, passPorts(world));
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
