/** `POST /v1/explain`: the plan for a body, with reasons; nothing is sent and nothing is held. */
import type { Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import { formatUsd } from '../money/usd.ts';
import { whyOf } from '../routing/explain.ts';
import { UNSEEN } from '../routing/observation.ts';
import type { Target } from '../routing/target.ts';
import { worstAt } from './admit.ts';
import type { Arrival, Outgoing } from './call.ts';
import { planCall, type PlanWorld } from './planning.ts';
import { factsRecord } from './facts-record.ts';
import { planRecord } from './plan-record.ts';
import type { Caller } from './run.ts';
import type { World } from './world.ts';

/** As much of the world as a plan needs. */
export type ExplainWorld = Pick<World, 'snapshot' | 'instanceId' | 'turns'> & PlanWorld;

/** Same rules, same faults as the real request up to its first byte out. */
export async function explain(
  arrival: Arrival,
  { key, address }: Pick<Caller, 'key' | 'address'>,
  world: ExplainWorld,
): Promise<Result<JsonRecord, Fault>> {
  const snapshot = world.snapshot();
  const accepted = arrival.accept({ keyId: key.id, turns: world.turns });
  if (!accepted.ok) return accepted;
  const call = accepted.value;
  const planning = planCall(call, { snapshot, key, world, address, isDry: true });
  if (!planning.ok) return planning;
  const { plan, route, facts, input } = planning.value;
  const steps = plan.targets.map(async (target): Promise<JsonRecord> => {
    const built = await call.outgoing(call.over(target), {
      instanceId: world.instanceId,
      followed: planning.value.followed,
      output: { validate: call.extension.output?.validate ?? snapshot.output.validate },
    });
    const worst = worstAt(target, facts);
    const { restMs, isDoubted } = input.sightings.get(target.id) ?? UNSEEN;
    return compact({
      target: target.id,
      provider: target.providerId,
      model: target.upstreamModel,
      protocol: call.wireAt(target),
      passthrough: call.wireAt(target) === call.protocol,
      region: target.region,
      rest_ms: restMs === 0 ? undefined : Math.round(restMs),
      doubted: isDoubted ? true : undefined,
      timeouts: timeoutsOf(target),
      worst_cost_usd: worst === undefined ? undefined : formatUsd(worst),
      price_known: target.price !== undefined,
      refused: built.ok ? undefined : built.error.message,
      output: built.ok ? outputOf(built.value) : undefined,
      calls: built.ok ? built.value.choices : undefined,
      adapted:
        built.ok && built.value.losses.length > 0
          ? built.value.losses.map((loss) => ({ field: loss.field, why: loss.why }))
          : undefined,
    });
  });
  return ok(
    compact({
      snapshot: snapshot.id,
      operation: call.operation,
      model: facts.model,
      route,
      facts: factsRecord(facts),
      why: whyOf(plan, input),
      ...planRecord(plan),
      plan: await Promise.all(steps),
      total_ms: snapshot.timeouts.totalMs,
      ignored: planning.value.ignored.length === 0 ? undefined : planning.value.ignored,
    }),
  );
}

function timeoutsOf({ timeouts }: Target): JsonRecord {
  const { connectMs, firstByteMs, firstTokenMs, idleMs } = timeouts;
  return { connect_ms: connectMs, first_byte_ms: firstByteMs, first_token_ms: firstTokenMs, idle_ms: idleMs };
}

/** How a wish for JSON is said to the target, where it is not by the target's own field. */
function outputOf({ reshaping }: Outgoing): string | undefined {
  const way = reshaping?.format?.way;
  return way === undefined || way === 'native' ? undefined : `by ${way}`;
}
