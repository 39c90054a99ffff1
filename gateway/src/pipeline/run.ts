/** What the steps of one request share. */
import type { Passed } from '../limits/limiter.ts';
import type { CallerRegion, Facts } from '../understand/facts.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Admission } from './admit.ts';
import type { Call } from './call.ts';
import type { SeamMark } from './unfinished.ts';
import type { Planning } from './planning.ts';
import type { AttemptRecord } from './record.ts';
import type { Headers, Reply } from './reply.ts';
import type { World } from './world.ts';

/** Who asks, and where the answer goes. */
export interface Caller {
  readonly key: KeyRow;
  readonly reply: Reply;
  /** Of the connection. Absent: nobody knows. */
  readonly address?: string | undefined;
  /** For a line of a batch: where the caller was when it handed it in. */
  readonly seen?: CallerRegion | undefined;
}

/** What the attempts of one request share. Only its lists grow. */
export interface Run {
  readonly call: Call;
  readonly key: KeyRow;
  readonly facts: Facts;
  readonly planning: Planning;
  readonly admission: Admission;
  /** What was counted at the caller's limits. */
  readonly passed: Passed;
  /** How these stand, for the reply. */
  readonly limitHeaders: Headers;
  readonly snapshot: Snapshot;
  readonly reply: Reply;
  readonly world: World;
  readonly attempts: AttemptRecord[];
  /** Where an attempt went on with the text of another. */
  readonly seams: SeamMark[];
  /** Ids of the conversation's turns that were kept. */
  readonly keptTurns: string[];
}
