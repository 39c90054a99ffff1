/** What the endpoints of the admin API work with: ports, and what is in force. */
import type { Config } from '../config/schema.ts';
import type { HealthRow } from '../health/observatory.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Store } from '../store/ports.ts';
import type { Crew } from '../telemetry/crew.ts';
import type { Cursors } from './cursors.ts';

export interface AdminWorld {
  readonly store: Store;
  readonly snapshot: () => Snapshot;
  /** The configuration that `snapshot` was made of. */
  readonly config: () => Config;
  /** What the last load of the configuration said; undefined: all is well. */
  readonly configProblem: () => string | undefined;
  /** Of the targets that were asked, at this moment. */
  readonly health: () => readonly HealthRow[];
  readonly cursors: Cursors;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The workers behind the same port, where there are several. */
  readonly crew?: Crew;
}
