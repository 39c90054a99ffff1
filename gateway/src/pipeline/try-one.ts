/** One try at one target, from the request for it to what others should know of how it went. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Invalid, Outcome } from '../chat/outcome.ts';
import type { Usage } from '../chat/usage.ts';
import type { End } from '../health/observatory.ts';
import { sumSoFar } from '../output/choices.ts';
import { addedLength } from '../output/going-on.ts';
import { repairLength, type Wishes } from '../output/way.ts';
import { mayKeepText } from '../routing/residency.ts';
import type { Target } from '../routing/target.ts';
import { attempt, type Slow } from './attempt.ts';
import { authorized } from './authorize.ts';
import { opened, settle } from './booking.ts';
import type { Outgoing, OutgoingOptions } from './call.ts';
import type { Going, SeamMark, Unfinished } from './unfinished.ts';
import { enterTarget, leave } from './limit.ts';
import type { Outlet } from './outlet.ts';
import type { Race } from './race.ts';
import { streamHeaders } from './reply-headers.ts';
import type { Run } from './run.ts';
import { noteEnded, noteHead, type Begun } from './standing.ts';

export interface Try {
  /** Of the plan. */
  readonly targetId: string;
  /** As it is asked. */
  readonly target: Target;
  readonly outlet: Outlet;
  /** Monotonic: the request's deadline. */
  readonly deadlineMs: number;
  readonly repair: Invalid | undefined;
  readonly begun: Begun;
  /** The answer that it is to go on with. */
  readonly unfinished?: LeftOff | undefined;
  readonly slow?: Slow | undefined;
  /** Set where it may not be alone. */
  readonly race?: Race;
}

/** `called-off`: another try has answered first. */
export type Tried = 'answered' | 'called-off' | Failed;

/** An answer that broke off, and can be gone on with. */
export interface LeftOff extends Unfinished {
  /** Of all attempts whose text it is. */
  readonly usage: Usage;
  /** The target that broke off. */
  readonly targetId: string;
}

export interface Failed {
  readonly targetId: string;
  readonly fault: Fault;
  /** Nothing may follow, because the caller has content already, or is gone. */
  readonly isFinal: boolean;
  readonly unfinished?: LeftOff | undefined;
  readonly invalid?: Invalid | undefined;
  /** It ended before anything was sent. */
  readonly isUnsent?: boolean;
}

/** Whatever becomes of it, what was noted as begun has ended. */
export async function tryOne(run: Run, of: Try): Promise<Tried> {
  let end: End = { kind: 'unsent' };
  try {
    const { ended, tried } = await endedTry(run, of);
    end = ended;
    return tried;
  } finally {
    noteEnded(run.world, { ...of.begun, isStreaming: run.call.delivery.isStreaming }, end);
  }
}

interface EndedTry {
  /** What others should know of it. */
  readonly ended: End;
  readonly tried: Tried;
}

async function endedTry(run: Run, of: Try): Promise<EndedTry> {
  const { call, world } = run;
  const { target, race } = of;
  const built = await call.outgoing(target, outgoingOptions(run, of));
  const proven =
    built.ok && target.identity !== undefined ? await authorized(built.value, target.identity, world) : built;
  if (!proven.ok) return unsent(of, proven.error);
  if (race?.isTaken() === true) return { ended: { kind: 'unsent' }, tried: 'called-off' };
  const passed = await enterTarget(run, target);
  if ('code' in passed) return unsent(of, passed);
  const attemptId = world.newId('att');
  try {
    return await sentTry(run, of, { attemptId, outgoing: proven.value });
  } finally {
    leave(
      passed,
      run.attempts.filter((record) => record.attemptId === attemptId),
      world,
    );
  }
}

interface Sending {
  readonly attemptId: string;
  readonly outgoing: Outgoing;
}

async function sentTry(run: Run, of: Try, { attemptId, outgoing }: Sending): Promise<EndedTry> {
  const { call, world, reply, snapshot } = run;
  const { target, targetId, outlet, deadlineMs, race, slow } = of;
  const added = addedBy(of);
  const refused = await opened(run, { target, attemptId, addedLength: added });
  // What is used up for one provider or model may be left for the next.
  if (refused !== undefined) return unsent(of, refused, refused.code !== 'target-budget-exceeded');
  const startedMs = world.clock.monotonicMs();
  const book = { target, attemptId, startedMs, startedUnixMs: world.clock.unixMs(), outgoing, addedLength: added };
  if (isFirst(run, race)) world.meters.overheadS.observe({}, (startedMs - call.startedMs) / 1000);
  const going = goingOf(run, of, outgoing);
  const outcome = await attempt({
    call,
    target,
    outgoing,
    reply,
    outlet,
    world,
    responseMaxBytes: snapshot.responseMaxBytes,
    deadlineMs,
    race,
    slow,
    going,
    settle: (ended, losses) => settle(run, book, { outcome: ended, losses }),
    streamHeaders: (losses, type) => streamHeaders(run, target, { losses, type }),
    keep: keeper(run, target),
    heard: (headers) => noteHead(world, target, headers),
  });
  if (of.unfinished !== undefined && hasSaid(outcome)) run.seams.push(markOf(of.unfinished, targetId));
  const unfinished = going?.left === undefined ? undefined : leftOff(run, of, { left: going.left, attemptId });
  return { ended: outcome, tried: triedOf(run, of, { outcome, unfinished }) };
}

function isFirst({ attempts }: Run, race: Race | undefined): boolean {
  return attempts.length === 0 && (race === undefined || race.running().length === 0);
}

function outgoingOptions(run: Run, { repair, unfinished }: Try): OutgoingOptions {
  const outputTokensMax = outputMax(run, unfinished);
  return {
    instanceId: run.world.instanceId,
    followed: run.planning.followed,
    output: { ...wishesOf(run), repair },
    ...(outputTokensMax === undefined ? {} : { outputTokensMax }),
    ...(unfinished === undefined ? {} : { unfinished: unfinished.text }),
  };
}

/** It ends before anything was sent. That a credential is missing is for others to know; all else was of this request. */
function unsent({ targetId }: Try, of: Fault, isEnd = false): EndedTry {
  return {
    ended: of.code === 'upstream-credential' ? { kind: 'unsent', fault: of } : { kind: 'unsent' },
    tried: { targetId, fault: of, isFinal: isEnd, isUnsent: true },
  };
}

/** A lower limit on output than the caller's: what the budget covers, and what an answer that broke off has left of it. */
function outputMax({ admission, facts }: Run, unfinished: LeftOff | undefined): number | undefined {
  if (unfinished === undefined) return admission.outputTokensMax;
  const limit = admission.outputTokensMax ?? facts.outputTokensLimit;
  return limit === undefined ? undefined : Math.max(1, limit - (unfinished.usage.outputTokens ?? 0));
}

function addedBy({ repair, unfinished }: Try): number {
  if (repair !== undefined) return repairLength(repair);
  return unfinished === undefined ? 0 : addedLength(unfinished.text);
}

/** Undefined where the answer is not to be gone on with: the route does not say so, or it is more than a text. */
function goingOf(run: Run, { unfinished, targetId }: Try, outgoing: Outgoing): Going | undefined {
  const { call, planning } = run;
  const { goingOn: way, reshaping, choices } = outgoing;
  if (unfinished !== undefined && way !== undefined)
    return { before: { ...unfinished, way, mark: markOf(unfinished, targetId) } };
  if (planning.plan.continues !== true || reshaping !== undefined || choices !== undefined) return undefined;
  return call.mayGoOn?.() === true ? {} : undefined;
}

function markOf({ text, targetId }: LeftOff, to: string): SeamMark {
  return { offset: text.length, from: targetId, to };
}

interface Left {
  readonly left: Unfinished;
  readonly attemptId: string;
}

function leftOff({ attempts }: Run, { targetId, unfinished }: Try, { left, attemptId }: Left): LeftOff {
  const own = attempts.find((record) => record.attemptId === attemptId)?.bill?.usage;
  const usages = [unfinished?.usage, own].filter((usage) => usage !== undefined);
  return { ...left, targetId, usage: sumSoFar(usages) };
}

/** Whether the caller has seen anything of it. */
function hasSaid(outcome: Outcome): boolean {
  return outcome.kind === 'answered' || (outcome.kind === 'broke' && outcome.when === 'mid-stream');
}

interface Ended {
  readonly outcome: Outcome;
  readonly unfinished: LeftOff | undefined;
}

function triedOf(run: Run, { targetId }: Try, { outcome, unfinished }: Ended): Tried {
  switch (outcome.kind) {
    case 'answered':
      return 'answered';
    case 'refused':
      return { targetId, fault: outcome.fault, isFinal: false };
    case 'broke': {
      const isEnd = unfinished === undefined && isFinal(run, outcome);
      return { targetId, fault: outcome.fault, isFinal: isEnd, invalid: outcome.invalid, unfinished };
    }
    case 'left':
      return outcome.why === 'hedged' ? 'called-off' : { targetId, fault: fault('client-closed'), isFinal: true };
  }
}

/** What the caller wishes of answers in a form, where it says so, and else what the operator's file says. */
function wishesOf({ call, snapshot }: Run): Wishes {
  const { hold, validate } = call.extension.output ?? {};
  return { validate: validate ?? snapshot.output.validate, isHeld: hold === true };
}

/** Nothing may follow: content is out, or the answer is not valid and is to be refused. */
function isFinal({ call, snapshot }: Run, { when, invalid }: Extract<Outcome, { kind: 'broke' }>): boolean {
  const policy = call.extension.output?.invalid ?? snapshot.output.invalid;
  return when === 'mid-stream' || (invalid !== undefined && policy === 'refuse');
}

/** Keeps the turn for those who go on from it, where the caller's protocol has that, and nobody has forbidden it: what is required of providers binds us too. */
function keeper(run: Run, target: Target): ((answer: string | Buffer) => void) | undefined {
  const { call, key, snapshot, world, planning } = run;
  const { turnOf } = call;
  if (turnOf === undefined || !snapshot.keepsTurns || !mayKeepText(planning.input, target)) return undefined;
  return (answer) => {
    const turn = turnOf(target, answer.toString());
    if (turn === undefined) return;
    world.turns.put({ ...turn, keyId: key.id });
    run.keptTurns.push(turn.id);
  };
}
