/** The request's way, top to bottom: accept, understand, plan, limit, admit, attempt … attempt, relay, account. */
import type { Length } from '../routing/observation.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import { admit } from './admit.ts';
import type { Arrival, Call } from './call.ts';
import { classified } from './classify.ts';
import { enter, leave, needOf, type Asker } from './limit.ts';
import { planCall, type Planning } from './planning.ts';
import { answerFault, refuse } from './refusal.ts';
import { remember } from './remember.ts';
import type { Ending } from './reply.ts';
import type { Caller, Run } from './run.ts';
import { tryTargets, type End } from './tries.ts';
import type { World } from './world.ts';

/** Handles one request from its parsed body to its booked end. Never throws for anything a caller or provider does. */
export async function handle(arrival: Arrival, caller: Caller, world: World): Promise<Ending> {
  const { key, reply } = caller;
  const snapshot = world.snapshot();
  if (arrival.goesOnFrom !== undefined) await world.turns.fetch?.(arrival.goesOnFrom, key.id);
  const accepted = arrival.accept({ keyId: key.id, turns: world.turns });
  if (!accepted.ok) return refuse({ arrival, caller, world }, accepted.error);
  const call = accepted.value;
  const options = { snapshot, key, world, address: caller.address, seen: caller.seen };
  const asked = snapshot.classifier === undefined ? undefined : await classified(call, { ...options, reply });
  const planned = planCall(call, asked === undefined ? options : { ...options, classified: asked });
  const known = {
    arrival,
    caller,
    world,
    facts: call.facts,
    tags: call.extension.tags,
    endUser: call.extension.endUser,
    classified: asked,
  };
  if (!planned.ok) return refuse(known, planned.error);
  const planning = planned.value;
  const { facts } = planning;
  const entry = await enter(askerOf(call, key, planning), {
    rates: snapshot.rates,
    world,
    protocol: call.protocol,
    signal: reply.signal,
    need: () => needOf(facts, learnedLength(planning, world)),
  });
  if ('fault' in entry) return refuse({ ...known, facts, planning, headers: entry.headers }, entry.fault);
  const { passed, headers: limitHeaders } = entry;
  const admission = await admit({
    facts,
    plan: planning.plan,
    payer: planning.payer,
    requestId: call.requestId,
    store: world.store,
    lengthOf: lengthsOn(planning, world),
    signal: reply.signal,
  });
  if ('code' in admission) {
    leave(passed, [], world);
    return refuse({ ...known, facts, planning, headers: limitHeaders }, admission);
  }
  const run: Run = {
    call,
    key,
    facts,
    planning,
    admission,
    passed,
    limitHeaders,
    snapshot,
    reply,
    world,
    attempts: [],
    seams: [],
    keptTurns: [],
  };
  return close(run, await tried(run));
}

async function tried(run: Run): Promise<End> {
  try {
    return await tryTargets(run);
  } finally {
    run.world.store.ledger.release(run.admission.hold);
    leave(run.passed, run.attempts, run.world);
  }
}

function askerOf({ extension }: Call, key: KeyRow, { route }: Planning): Asker {
  return { key, route, endUser: extension.endUser };
}

/** How long answers of a target are on this route. */
function lengthsOn({ route = '' }: Planning, { health, clock }: World): (target: Target) => Length | undefined {
  return ({ id }) => health.lengths.of({ route, targetId: id }, clock.monotonicMs());
}

function learnedLength(planning: Planning, world: World): Length | undefined {
  const [first] = planning.plan.targets;
  return first === undefined ? undefined : lengthsOn(planning, world)(first);
}

function close(run: Run, end: End): Ending {
  const { call, key, world, facts, planning, attempts, seams } = run;
  if (end.fault !== undefined) answerFault(run, end.fault);
  const { requestId, startedMs, operation, protocol, extension } = call;
  const { tags, endUser } = extension;
  const isTurnKept = run.keptTurns.length > 0;
  const ended = { requestId, startedMs, operation, protocol, keyId: key.id, fault: end.fault, isTurnKept };
  return remember({ ...ended, facts, planning, tags, endUser, attempts, hedge: end.hedge, seams }, world, run.snapshot);
}
