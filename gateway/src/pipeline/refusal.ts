/** Answers that are faults: before any attempt, and after the last. */
import { fault, specOf, type Fault } from '../chat/fault.ts';
import type { Failure, Step } from '../routing/next.ts';
import type { Target } from '../routing/target.ts';
import type { Arrival, Voice } from './call.ts';
import { limitFault, targetRefusal } from './limit.ts';
import { retired } from './no-plan.ts';
import { dayOf } from './planning.ts';
import { remember, type Remembered } from './remember.ts';
import { baseHeaders, headerSafe, retryHeaders } from './reply-headers.ts';
import type { Ending, Headers, Reply } from './reply.ts';
import type { Caller, Run } from './run.ts';
import type { World } from './world.ts';

/** No connection came about. Where it is so with every target, waiting is all that is left. */
const UNREACHABLE: ReadonlySet<Fault['code']> = new Set(['upstream-unreachable', 'upstream-unresolved']);

/** Faults after which a repeat can help although we have tried already. */
const WORTH_REPEATING: ReadonlySet<Fault['code']> = new Set(['upstream-rate-limited', 'shutting-down']);

type Stop = Extract<Step, { readonly do: 'stop' }>;

/** The fault to answer with when no attempt is left. */
export function finalFault(run: Run, failures: readonly Failure[], stop: Stop): Fault {
  const last = failures.at(-1)?.fault;
  if (last === undefined) return limitedEverywhere(run) ?? untried(stop);
  const { retryAfterMs } = stop;
  const targets = new Set(failures.map((failure) => failure.targetId));
  if (targets.size > 1 && failures.every((failure) => UNREACHABLE.has(failure.fault.code))) {
    return fault(
      'no-target',
      { reasons: failures.map((failure) => failure.fault.message).join(' ') },
      { retryAfterMs: 1000 },
    );
  }
  const target = run.planning.plan.targets[0];
  const gone =
    last.code === 'upstream-not-found' && targets.size === 1 && target !== undefined
      ? goneFault(run, target, last)
      : undefined;
  if (gone !== undefined) return gone;
  return retryAfterMs === undefined ? last : { ...last, retryAfterMs };
}

/** Where it is the operator's own limits that keep the request from every target: the one that is over soonest. */
function limitedEverywhere({ planning, snapshot, world }: Run): Fault | undefined {
  const { targets } = planning.plan;
  const refusals = targets.flatMap((target) => targetRefusal(target, snapshot.rates, world) ?? []);
  const [soonest] = refusals.toSorted((a, b) => a.waitMs - b.waitMs);
  return soonest === undefined || refusals.length < targets.length ? undefined : limitFault(soonest);
}

/** Nothing was tried: everybody asked us to wait, or nobody is known to be well. */
function untried({ why, retryAfterMs = 1000 }: Stop): Fault {
  if (why === 'all-failing') return fault('all-failing', {}, { retryAfterMs });
  return fault('no-target', { reasons: 'every target asked us to wait' }, { retryAfterMs });
}

/** The provider does not know the model: what the caller should know of that, where the catalog has something to say. */
function goneFault({ facts, snapshot, world }: Run, target: Target, last: Fault): Fault | undefined {
  const today = dayOf(world.clock.unixMs());
  if (target.retiresOn !== undefined && target.retiresOn <= today)
    return retired(facts.model, target, { snapshot, today });
  if (target.isKnown) return undefined;
  return fault('model-unknown', { model: JSON.stringify(facts.model), hint: last.message }, { param: 'model' });
}

/** A fault after the attempts: as a reply where none has begun, as the protocol's error event where one has. */
export function answerFault(run: Run, of: Fault): void {
  const { call, reply, attempts } = run;
  if (of.code === 'client-closed' || reply.signal.aborted) return;
  if (reply.hasStarted) {
    const ending = call.brokenEnding(of);
    if (ending === undefined) reply.destroy();
    else reply.end(ending);
    return;
  }
  // Our attempts are used up: a repeat right now meets the same providers. Only a stated wait is worth it, or another process.
  const last = attempts.at(-1);
  const isWorthIt = attempts.length === 0 ? of.code !== 'all-failing' : WORTH_REPEATING.has(of.code);
  const canRepeat = specOf(of).retry && isWorthIt;
  sendFault({ voice: call, reply }, of, {
    ...run.limitHeaders,
    'x-should-retry': String(canRepeat),
    'x-turnout-attempts': String(attempts.length),
    ...(last === undefined
      ? {}
      : { 'x-turnout-provider': last.target.providerId, 'x-turnout-model': headerSafe(last.target.model) }),
  });
}

interface Refused extends Pick<Remembered, 'facts' | 'planning' | 'tags' | 'classified'> {
  readonly arrival: Arrival;
  readonly caller: Caller;
  readonly world: World;
  readonly headers?: Headers;
}

/** Answers before any attempt was made. */
export function refuse({ arrival, caller, world, headers = {}, ...known }: Refused, of: Fault): Ending {
  const { requestId, startedMs, operation, protocol } = arrival;
  sendFault({ voice: arrival, reply: caller.reply }, of, { ...headers, 'x-should-retry': String(specOf(of).retry) });
  const ended = { requestId, startedMs, operation, protocol, keyId: caller.key.id, fault: of };
  return remember({ ...ended, ...known }, world);
}

function sendFault(
  { voice, reply }: { readonly voice: Voice; readonly reply: Reply },
  of: Fault,
  headers: Headers,
): void {
  const body = JSON.stringify(voice.encodeFault(of));
  reply.whole(
    specOf(of).status,
    { ...baseHeaders(voice.requestId), 'content-type': 'application/json', ...retryHeaders(of), ...headers },
    body,
  );
}
