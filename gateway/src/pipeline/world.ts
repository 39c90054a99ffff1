/** What the pipeline needs of the world: ports and books, built once in wire.ts. */
import type { Fault } from '../chat/fault.ts';
import type { Cohort } from '../lib/cohort.ts';
import type { Crowd, Member } from '../lib/crowd.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { Conversations } from '../health/conversations.ts';
import type { Hedges } from '../health/hedges.ts';
import type { Observatory } from '../health/observatory.ts';
import type { Rota } from '../health/rota.ts';
import type { Budgets } from '../store/budget-ports.ts';
import type { Feedback, KeptTurns, Store } from '../store/ports.ts';
import type { Log } from '../telemetry/log.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { VerdictMemory } from '../understand/verdict.ts';
import type { Gate } from './gate.ts';
import type { Meters } from './meters.ts';
import type { Sale } from './sale.ts';

export interface Clock {
  /** Monotonic milliseconds: for timeouts, waits and durations. Steps of the wall clock do not move it. */
  monotonicMs(): number;
  /** Milliseconds since 1970: for records. */
  unixMs(): number;
}

export interface Timers {
  /** Calls `fire` once after `delayMs`, give or take the tick of the wheel. The function it gives cancels. */
  after(delayMs: number, fire: () => void): () => void;
}

/** An attempt, or a wait between two, that can be ended from outside. */
export interface UnderWay extends Member {
  stop(why: Fault): void;
}

export interface World {
  /** The configuration in force now. A request takes it once and finishes on it. */
  readonly snapshot: () => Snapshot;
  readonly upstream: Upstream;
  readonly credentials: Credentials;
  readonly store: Store;
  readonly turns: KeptTurns;
  readonly health: Observatory;
  /** What a small model has said of texts. */
  readonly verdicts: VerdictMemory;
  /** What routes may spend on second tries beside the first. */
  readonly hedges: Hedges;
  readonly rota: Rota;
  readonly conversations: Conversations;
  readonly budgets: Pick<Budgets, 'purses' | 'pursesAt'>;
  /** How what an organisation uses is sold to it. From memory. */
  readonly saleTo: (orgId: string) => Sale;
  /** What users say of answers. */
  readonly feedback: Pick<Feedback, 'about'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  /** Requests that have come in and replies that are complete go on together (`lib/cohort.ts`). */
  readonly together: Cohort;
  /** A new id: unique for ever, sortable by time. */
  readonly newId: (prefix: string) => string;
  readonly meters: Meters;
  readonly log: Log;
  /** The attempts and waits under way, for a shutdown whose time is up. */
  readonly underWay: Crowd<UnderWay>;
  /** Whose limits there are, and how they stand. */
  readonly gate: Gate;
  /** Milliseconds until the limits of the target's model and provider let one more request through; 0 if now. */
  readonly targetRestMs: (target: Target) => number;
  /** Names this process to itself, so that a request that comes back to it is noticed. */
  readonly instanceId: string;
}
