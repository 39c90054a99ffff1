/** One try at one target, from the request for it to what others should know of how it went. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Invalid, Outcome } from '../chat/outcome.ts';
import type { Wishes } from '../output/way.ts';
import type { Target } from '../routing/target.ts';
import { attempt, type Slow } from './attempt.ts';
import { authorized } from './authorize.ts';
import { opened, settle } from './booking.ts';
import type { Outlet } from './outlet.ts';
import type { Race } from './race.ts';
import { streamHeaders } from './reply-headers.ts';
import type { Run } from './run.ts';
import { noteAnswered, noteFailed } from './standing.ts';

export interface Try {
  /** Of the plan. */
  readonly targetId: string;
  /** As it is asked. */
  readonly target: Target;
  readonly outlet: Outlet;
  /** Monotonic: the request's deadline. */
  readonly deadlineMs: number;
  readonly repair: Invalid | undefined;
  readonly slow?: Slow | undefined;
  /** Set where it may not be alone. */
  readonly race?: Race;
}

/** `called-off`: another try has answered first. */
export type Tried = 'answered' | 'called-off' | Failed;

export interface Failed {
  readonly targetId: string;
  readonly fault: Fault;
  /** Nothing may follow, because the caller has content already, or is gone. */
  readonly isFinal: boolean;
  readonly invalid?: Invalid | undefined;
  /** It ended before anything was sent. */
  readonly isUnsent?: boolean;
}

export async function tryOne(run: Run, of: Try): Promise<Tried> {
  const { call, world, reply, snapshot, admission } = run;
  const { target, targetId, outlet, deadlineMs, repair, race, slow } = of;
  const built = await call.outgoing(target, {
    instanceId: world.instanceId,
    followed: run.planning.followed,
    output: { ...wishesOf(run), repair },
    ...(admission.outputTokensMax === undefined ? {} : { outputTokensMax: admission.outputTokensMax }),
  });
  if (!built.ok) return { targetId, fault: built.error, isFinal: false, isUnsent: true };
  const { identity } = target;
  const proven = identity === undefined ? built : await authorized(built.value, identity, world);
  if (!proven.ok) {
    noteFailed(world, target, proven.error);
    return { targetId, fault: proven.error, isFinal: false, isUnsent: true };
  }
  if (race?.isTaken() === true) return 'called-off';
  const attemptId = world.newId('att');
  const refused = await opened(run, { target, attemptId, repair });
  if (refused !== undefined) return { targetId, fault: refused, isFinal: true, isUnsent: true };
  const startedMs = world.clock.monotonicMs();
  const book = { target, attemptId, startedMs, startedUnixMs: world.clock.unixMs(), outgoing: proven.value };
  if (run.attempts.length === 0 && (race?.running().length ?? 0) === 0)
    world.meters.overheadS.observe({}, (startedMs - call.startedMs) / 1000);
  const outcome = await attempt({
    call,
    target,
    outgoing: proven.value,
    reply,
    outlet,
    world,
    responseMaxBytes: snapshot.responseMaxBytes,
    deadlineMs,
    race,
    slow,
    settle: (ended, losses) => settle(run, book, { outcome: ended, losses }),
    streamHeaders: (losses, type) => streamHeaders(run, target, { losses, type }),
    keep: keeper(run, target),
  });
  return triedOf(run, of, outcome);
}

/** What came of it; health learns it in the same breath. */
function triedOf(run: Run, { target, targetId }: Try, outcome: Outcome): Tried {
  const { world } = run;
  switch (outcome.kind) {
    case 'answered':
      noteAnswered(world, target);
      return 'answered';
    case 'refused':
      noteFailed(world, target, outcome.fault);
      return { targetId, fault: outcome.fault, isFinal: false };
    case 'broke':
      noteFailed(world, target, outcome.fault);
      return { targetId, fault: outcome.fault, isFinal: isFinal(run, outcome), invalid: outcome.invalid };
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

/** Keeps the turn for those who go on from it, where the caller's protocol has that, and neither side has forbidden it. */
function keeper({ call, key, snapshot, world }: Run, target: Target): ((answer: string | Buffer) => void) | undefined {
  const { turnOf } = call;
  if (turnOf === undefined || !snapshot.keepsTurns) return undefined;
  return (answer) => {
    const turn = turnOf(target, answer.toString());
    if (turn !== undefined) world.turns.put({ ...turn, keyId: key.id });
  };
}
