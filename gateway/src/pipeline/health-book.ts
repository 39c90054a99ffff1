/** What is learned of targets in this process: under the configuration in force, begun where the last process ended, and kept. */
import type { Config } from '../config/schema.ts';
import { Observatory, type Change, type HealthRow } from '../health/observatory.ts';
import { SETTINGS, settingsOf, type Settings } from '../health/settings.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { healthFile } from '../store/health-file.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { healthMeters } from './health-meters.ts';
import { changeTeller, type Lessons } from './standing.ts';
import type { Clock } from './world.ts';

/** What a crash may lose of what was learned. */
const KEEP_EVERY_MS = 30_000;

interface Parts extends Pick<Lessons, 'meters'> {
  readonly config: () => Config;
  readonly snapshot: () => Snapshot;
  readonly dataDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly book: Metrics;
  /** Also called at each change of a breaker. */
  readonly changed: (change: Change) => void;
}

export interface HealthBook {
  readonly health: Observatory;
  /** Of the targets of the snapshot that anything is known of. */
  readonly rows: () => readonly HealthRow[];
  /** Writes down what was learned. */
  close(): void;
}

export function openHealth({ config, snapshot, dataDir, log, meters, clock, book, changed }: Parts): HealthBook {
  const tell = changeTeller({ log, meters });
  const health = new Observatory({
    settings: settingsInForce(config),
    random: Math.random,
    changed: (change) => {
      tell(change);
      changed(change);
    },
  });
  const file = healthFile(dataDir, (reason) =>
    log('warn', 'what was learned of targets cannot be written down', { reason }),
  );
  health.restore(file.read(), { nowMs: clock.monotonicMs(), unixMs: clock.unixMs() });
  const write = (): void => file.write(health.save(clock.monotonicMs(), clock.unixMs()));
  const interval = setInterval(write, KEEP_EVERY_MS);
  interval.unref();
  const rows = (): readonly HealthRow[] => health.rows(snapshot().targets.values(), clock.monotonicMs());
  healthMeters(book, rows);
  return {
    health,
    rows,
    close() {
      clearInterval(interval);
      write();
    },
  };
}

/** The configuration is swapped whole, so that it need only be read anew where it is another one. */
function settingsInForce(config: () => Config): () => Settings {
  let read: Config['health'] | undefined;
  let settings = SETTINGS;
  return () => {
    const { health } = config();
    if (health !== read) settings = settingsOf(health);
    read = health;
    return settings;
  };
}
