/** The world of a plan that nobody sends: nothing was learned yet, every target is well, and the operator asks. */
import { Conversations } from '../health/conversations.ts';
import { Observatory } from '../health/observatory.ts';
import { rota } from '../health/rota.ts';
import type { ExplainWorld } from '../pipeline/explain.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { KeyRow } from '../store/ports.ts';
import { keptTurns } from '../store/turns.ts';

/** May use every model. */
export const OPERATOR: KeyRow = {
  id: 'operator',
  name: 'operator',
  isRoot: true,
  isDisabled: false,
  createdAtMs: 0,
  tags: [],
};

const NO_PURSES = { hard: [], booked: [] };

export function dryWorld(snapshot: Snapshot, random: () => number): ExplainWorld {
  const clock = { monotonicMs: () => 0, unixMs: Date.now };
  return {
    snapshot: () => snapshot,
    clock,
    turns: keptTurns(clock.monotonicMs),
    health: new Observatory({ random }),
    rota: rota(),
    conversations: new Conversations(),
    feedback: { about: () => undefined },
    budgets: { purses: () => NO_PURSES, pursesAt: () => NO_PURSES },
    saleTo: () => ({}),
    random,
    instanceId: 'explain',
  };
}
