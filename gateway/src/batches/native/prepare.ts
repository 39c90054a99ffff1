/** A line as it would go to the one target that all lines of its batch have, or why it has no such target. */
import type { Call, Outgoing } from '../../pipeline/call.ts';
import { planCall, type Planning } from '../../pipeline/planning.ts';
import { chargeAt, worstAt } from '../../pipeline/admit.ts';
import type { World } from '../../pipeline/world.ts';
import { discounted } from '../../money/discount.ts';
import type { BatchApi } from '../../providers/provider.ts';
import { bindingOn } from '../../routing/residency.ts';
import type { Target } from '../../routing/target.ts';
import type { KeyRow } from '../../store/ports.ts';
import type { CallerRegion } from '../../understand/facts.ts';
import { arrivalOf, type Doorway } from '../ask.ts';
import type { Asked } from '../lines.ts';

export interface Preparing {
  readonly world: World;
  readonly doorway: Doorway;
  readonly key: KeyRow;
  readonly batchId: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Where the caller was when it handed the batch in. */
  readonly seen: CallerRegion | undefined;
}

/** A line that was understood, and where it goes. */
export interface Prepared {
  readonly call: Call;
  /** With the price of its provider's batches. */
  readonly target: Target;
}

export interface Planned extends Prepared {
  readonly planning: Planning;
  readonly api: BatchApi;
}

/** Undefined where the line cannot be understood. */
export async function understood(asked: Asked, requestId: string, at: Preparing): Promise<Call | undefined> {
  const arrival = await arrivalOf(asked, at, requestId);
  if ('code' in arrival) return undefined;
  const accepted = arrival.accept({ keyId: at.key.id, turns: at.world.turns });
  return accepted.ok ? accepted.value : undefined;
}

/** Undefined where the line cannot be understood, has another number of targets than one, or a provider without batches. */
export async function prepared(asked: Asked, requestId: string, at: Preparing): Promise<Planned | undefined> {
  const { world, key, seen } = at;
  const call = await understood(asked, requestId, at);
  if (call === undefined) return undefined;
  const planned = planCall(call, { snapshot: world.snapshot(), key, world, seen });
  const [target, ...others] = planned.ok ? planned.value.plan.targets : [];
  const api = target?.provider.batches;
  if (!planned.ok || target === undefined || others.length > 0 || api === undefined) return undefined;
  // What is known by an identity gets a proof for each call, which a batch outlives.
  if (target.identity !== undefined || target.withheld !== undefined) return undefined;
  return { call, planning: planned.value, target: atBatchPrice(target, api), api };
}

/** The plan of a line that was sent to the target. Undefined where it would not lead there any more: the configuration is another now. */
export function planningOf(call: Call, target: Target, { world, key, seen }: Preparing): Planning | undefined {
  const planned = planCall(call, { snapshot: world.snapshot(), key, world, seen, isDry: true });
  return planned.ok && planned.value.plan.targets.some(({ id }) => id === target.id) ? planned.value : undefined;
}

export function atBatchPrice(target: Target, { pricePercent }: BatchApi): Target {
  return target.price === undefined ? target : { ...target, price: discounted(target.price, pricePercent) };
}

export interface Packed {
  /** As the provider's dialect gives it. */
  readonly path: string;
  readonly body: Buffer;
  /** The most that can be charged for it; 0 where no price is known. */
  readonly worstNanoUsd: bigint;
}

/** The body that goes out for it; undefined where the provider would not take it in a batch, or must not keep it. */
export async function packed({ call, planning, target, api }: Planned, world: World): Promise<Packed | undefined> {
  // Providers keep the files of batches for weeks, whatever they keep of other requests.
  if (bindingOn(planning.input, target).some(({ retentionDaysMax }) => retentionDaysMax !== undefined))
    return undefined;
  const built = await call.outgoing(call.over(target), {
    instanceId: world.instanceId,
    followed: planning.followed,
  });
  if (!built.ok || built.value.more !== undefined || built.value.reshaping !== undefined) return undefined;
  const path = pathOf(built.value, api);
  const { body } = built.value.call;
  if (path === undefined || body === undefined) return undefined;
  const worstNanoUsd = chargeAt(planning.payer, target, worstAt(target, call.facts)) ?? 0n;
  return { path, body: onOneLine(body), worstNanoUsd };
}

function pathOf({ call }: Outgoing, { paths }: BatchApi): string | undefined {
  return paths.find((path) => call.url.endsWith(path));
}

/** Bodies that went through as they came have no line ends: they were a line. */
function onOneLine(body: Buffer): Buffer {
  return body.includes('\n') ? Buffer.from(body.toString('utf8').replaceAll(/[\r\n]+/g, ' ')) : body;
}
