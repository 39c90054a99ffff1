/** remember: how a request ended, for whoever asks for its record afterwards. Every request of a known key ends here, once. */
import { specOf, type Fault } from '../chat/fault.ts';
import type { Facts } from '../understand/facts.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Classified } from './classified.ts';
import type { SeamMark } from './unfinished.ts';
import { requestRecord, type AttemptRecord, type HedgeNote } from './record.ts';
import type { Planning } from './planning.ts';
import type { Ending } from './reply.ts';
import type { World } from './world.ts';

export interface Remembered {
  readonly requestId: string;
  /** What was asked. */
  readonly operation: string;
  /** The caller's protocol. */
  readonly protocol: string;
  readonly keyId: string;
  /** Monotonic. */
  readonly startedMs: number;
  /** `undefined`: answered. */
  readonly fault: Fault | undefined;
  /** As far as the request was understood. */
  readonly facts?: Facts;
  readonly planning?: Planning;
  /** What a small model said of the text, where there is no plan that knows it. */
  readonly classified?: Classified | undefined;
  readonly tags?: readonly string[];
  readonly endUser?: string | undefined;
  readonly attempts?: readonly AttemptRecord[];
  readonly hedge?: HedgeNote | undefined;
  readonly seams?: readonly SeamMark[];
  /** The conversation's text was kept for whoever goes on from it. */
  readonly isTurnKept?: boolean;
}

/** Stores the record, where records are kept, and gives the request's ending. `snapshot`: the one that the request was served with. */
export function remember(of: Remembered, world: World, snapshot: Snapshot = world.snapshot()): Ending {
  const { requestId, keyId, startedMs, fault, facts, planning, tags = [], attempts = [] } = of;
  const { outcome, status } = fault === undefined ? ({ outcome: 'ok', status: 200 } as const) : specOf(fault);
  if (!snapshot.logsRequests) return { outcome, status };
  const durationMs = world.clock.monotonicMs() - startedMs;
  const atMs = world.clock.unixMs() - durationMs;
  const body = requestRecord({
    id: requestId,
    snapshotId: snapshot.id,
    operation: of.operation,
    protocol: of.protocol,
    facts,
    planning,
    classified: of.classified,
    attempts,
    hedge: of.hedge,
    seams: of.seams,
    outcome,
    status,
    fault,
    atUnixMs: atMs,
    durationMs,
    tags,
    endUser: of.endUser,
    isTurnKept: of.isTurnKept === true,
  });
  world.store.requests.put({
    id: requestId,
    keyId,
    atMs,
    outcome,
    ...(planning?.route === undefined ? {} : { route: planning.route }),
    ...(facts === undefined ? {} : { model: facts.model }),
    body,
  });
  return { outcome, status };
}
