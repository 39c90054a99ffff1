/** What a request learns of its targets for those that come after it: who asked for a rest, whose key was refused, what is gone. */
import type { Fault, FaultCode } from '../chat/fault.ts';
import type { Health } from '../routing/next.ts';
import type { Target } from '../routing/target.ts';
import type { World } from './world.ts';

/** A wrong key is not right again in a moment, and a retired model does not come back. */
const LASTING_MS = 30_000;

interface Lesson {
  /** What is doubted: this model at this provider, or the provider's key with all of its models. */
  readonly of: 'target' | 'key';
  readonly leastMs?: number;
  /** What an operator must hear of: the log's words, and the kind in the metrics. */
  readonly alert?: { readonly kind: string; readonly text: string };
}

const LESSONS: Readonly<Partial<Record<FaultCode, Lesson>>> = {
  'upstream-overloaded': { of: 'target' },
  'upstream-rate-limited': { of: 'target' },
  'upstream-auth': {
    of: 'key',
    leastMs: LASTING_MS,
    alert: { kind: 'key_refused', text: 'a provider refuses our key' },
  },
  'upstream-credential': {
    of: 'key',
    alert: { kind: 'credential_missing', text: 'there is no credential for a provider' },
  },
  'upstream-quota': {
    of: 'key',
    leastMs: LASTING_MS,
    alert: { kind: 'quota_used_up', text: 'our credit at a provider is used up' },
  },
  'upstream-not-found': {
    of: 'target',
    leastMs: LASTING_MS,
    alert: { kind: 'model_gone', text: 'a provider does not know a model any more' },
  },
};

/** As much of the world as a lesson needs. */
export interface Lessons extends Pick<World, 'health' | 'doubts' | 'clock' | 'random' | 'log'> {
  readonly meters: Pick<World['meters'], 'warnings'>;
}

/** The health of targets at this moment. */
export function healthNow(world: Pick<World, 'health' | 'doubts' | 'clock'>): Health {
  const nowMs = world.clock.monotonicMs();
  const { health, doubts } = world;
  return {
    observe: (target) => ({
      restMs: health.restMs(target.id, nowMs),
      isDoubted: doubts.isDoubted(target.id, nowMs) || doubts.isDoubted(target.keyId, nowMs),
      inFlight: 0,
    }),
  };
}

/** An attempt at the target begins. */
export function noteBegun({ doubts, clock }: Pick<World, 'doubts' | 'clock'>, target: Target): void {
  const nowMs = clock.monotonicMs();
  doubts.begin(target.id, nowMs);
  doubts.begin(target.keyId, nowMs);
}

/** The target has answered. */
export function noteAnswered({ doubts }: Pick<World, 'doubts'>, target: Target): void {
  doubts.trust(target.id);
  doubts.trust(target.keyId);
}

/** The target has failed. What it asked for is honoured; what others should know is kept, and told to the operator once. */
export function noteFailed(world: Lessons, target: Target, of: Fault): void {
  const nowMs = world.clock.monotonicMs();
  if (of.retryAfterMs !== undefined) world.health.rest(target.id, of.retryAfterMs, nowMs);
  const lesson = LESSONS[of.code];
  if (lesson === undefined) return;
  // It said itself how long a moment is.
  if (of.retryAfterMs !== undefined && lesson.leastMs === undefined) return;
  // A name that stands in no catalog was the caller's idea: nothing is gone that was ever there.
  if (of.code === 'upstream-not-found' && !target.isKnown) return;
  const { leastMs, alert } = lesson;
  const failed = { nowMs, random: world.random, ...(leastMs === undefined ? {} : { leastMs }) };
  const isNews = world.doubts.doubt(lesson.of === 'key' ? target.keyId : target.id, failed);
  if (alert === undefined) return;
  world.meters.warnings.add({ provider: target.providerId, kind: alert.kind });
  if (isNews) world.log('warn', alert.text, { provider: target.providerId, target: target.id, fault: of.code });
}
