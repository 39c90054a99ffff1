/** What a request learns of its targets for those that come after it, and what an operator must hear of. */
import type { Change, End } from '../health/observatory.ts';
import { allowancesIn, type ReplyHeaders } from '../health/limit-headers.ts';
import type { Health } from '../routing/next.ts';
import type { Target } from '../routing/target.ts';
import type { World } from './world.ts';

/** As much of the world as a lesson needs. */
export interface Lessons extends Pick<World, 'health' | 'clock' | 'log'> {
  readonly meters: Pick<World['meters'], 'warnings'>;
}

/** The health of targets at this moment. */
export function healthNow({ health, clock, targetRestMs }: HealthWorld): Health {
  const nowMs = clock.monotonicMs();
  if (targetRestMs === undefined) return { observe: (target) => health.observe(target, nowMs) };
  return {
    observe: (target) => {
      const seen = health.observe(target, nowMs);
      const restMs = targetRestMs(target);
      return restMs > seen.restMs ? { ...seen, restMs } : seen;
    },
  };
}

interface HealthWorld extends Pick<World, 'health' | 'clock'> {
  /** Until the operator's own limits let one more request through to the target. Absent: there are none. */
  readonly targetRestMs?: World['targetRestMs'];
}

/** An attempt that has begun, and must end. */
export interface Begun {
  readonly target: Target;
  /** Monotonic. */
  readonly begunMs: number;
  /** Empty where a model was named directly. */
  readonly route: string;
  readonly isStreaming?: boolean;
}

/** An attempt at the target begins. */
export function noteBegun({ health, clock }: Pick<World, 'health' | 'clock'>, target: Target, route = ''): Begun {
  const begunMs = clock.monotonicMs();
  health.begin(target, begunMs);
  return { target, begunMs, route };
}

/** The head of its reply is there. */
export function noteHead(
  { health, clock }: Pick<World, 'health' | 'clock'>,
  target: Target,
  headers: ReplyHeaders,
): void {
  const nowMs = clock.monotonicMs();
  if (!health.listensTo(target, nowMs)) return;
  const allowances = allowancesIn(headers, clock.unixMs());
  if (allowances !== undefined) health.told(target, allowances, nowMs);
}

/** It has ended: once for each that began. What an operator should know is counted, and told once. */
export function noteEnded(world: Lessons, { target, begunMs, route, isStreaming = false }: Begun, end: End): void {
  const { health, clock, meters, log } = world;
  const heard = health.ended(target, { end, startedMs: begunMs, route, isStreaming }, clock.monotonicMs());
  if (heard === undefined) return;
  const { kind, text, isNews } = heard;
  meters.warnings.add({ provider: target.providerId, kind });
  const code = 'fault' in end ? end.fault?.code : undefined;
  if (isNews) log('warn', text, { provider: target.providerId, target: target.id, fault: code });
}

/** Tells an operator of each change of a breaker. */
export function changeTeller({ log, meters }: Pick<Lessons, 'log' | 'meters'>): (change: Change) => void {
  return ({ id, of, from, to, reason }) => {
    const [provider = ''] = id.split(/[/#]/, 1);
    if (to === 'open') meters.warnings.add({ provider, kind: 'breaker_open' });
    const [level, text] = CHANGES[to];
    log(level, text, { provider, [of]: id, from, reason });
  };
}

const CHANGES = {
  open: ['warn', 'a provider is left alone for a while'],
  'half-open': ['info', 'a provider that was left alone is probed'],
  closed: ['info', 'a provider that was left alone is used again'],
} as const;
