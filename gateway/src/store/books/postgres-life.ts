/**
 * Tells whether a process of any machine still lives: each holds an advisory lock of its session, and the server lets go of
 * it when the session ends. A session can be lost while its process lives on (the server was started anew), and is taken
 * again; so a process counts as dead only when it has been without for a while.
 */
import { Client, type ClientConfig } from 'pg';
import { sql, type Kysely } from 'kysely';
import { lockOf } from './differences.ts';
import { asStoreError, clientConfig } from './postgres.ts';
import type { Tables } from './schema.ts';

/** A session that was lost is taken again after so long, and again. */
const RETAKE_MS = 1000;
/** The session is asked so often whether it is still there, and has so long to answer. */
const BEAT_MS = 5000;
/** As long as a session may be without its process, or a process without a session, several times over. */
export const DEAD_AFTER_MS = 30_000;
/** The server asks a silent session after 10 s whether its machine is still there, and ends it after some 15 s more. */
const PROBES = 'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3';

export interface Life {
  /** Lets go of the lock. */
  end(): Promise<void>;
}

/** Takes the lock of `processId` on a connection of its own and keeps it. Throws where the first connection fails. */
export async function proveLife(url: string, processId: string): Promise<Life> {
  const life = new SessionLife(
    { ...clientConfig(url), query_timeout: BEAT_MS, application_name: `turnout ${processId}` },
    lockOf(nameOf(processId)),
  );
  try {
    await asStoreError(life.begin());
    return life;
  } catch (error) {
    // Else it would go on trying, for nobody.
    await life.end();
    throw error;
  }
}

/** Tells which of some processes are dead. Asks the server; what it sees is remembered, to know for how long it has been so. */
export function deathsIn(
  db: Kysely<Tables>,
  deadAfterMs: number = DEAD_AFTER_MS,
): (ids: readonly string[]) => Promise<readonly string[]> {
  const missedMs = new Map<string, number>();
  let lookedMs = Number.NEGATIVE_INFINITY;
  return async (ids) => {
    const { rows } = await heldLocks.execute(db);
    const held = new Set(rows.map(({ lock }) => lock));
    const nowMs = performance.now();
    // While nobody looked the server may have been away, and nobody could hold anything.
    if (nowMs - lookedMs > deadAfterMs / 2) missedMs.clear();
    lookedMs = nowMs;
    const missing = ids.filter((id) => !held.has(lockOf(nameOf(id))));
    for (const id of missedMs.keys()) if (!missing.includes(id)) missedMs.delete(id);
    for (const id of missing) if (!missedMs.has(id)) missedMs.set(id, nowMs);
    return missing.filter((id) => nowMs - (missedMs.get(id) ?? nowMs) >= deadAfterMs);
  };
}

/** A lock of 64 bits stands in two columns of 32 (postgresql.org/docs/current/view-pg-locks.html). */
const heldLocks = sql<{ lock: bigint }>`
  select (classid::bigint << 32) | objid::bigint as lock from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted
  and database = (select oid from pg_database where datname = current_database())`;

function nameOf(processId: string): string {
  return `process ${processId}`;
}

class SessionLife implements Life {
  readonly #config: ClientConfig;
  readonly #lock: bigint;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isHeld = false;
  #isOver = false;

  constructor(config: ClientConfig, lock: bigint) {
    this.#config = config;
    this.#lock = lock;
  }

  async begin(): Promise<void> {
    const client = new Client(this.#config);
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    this.#client = client;
    try {
      await client.connect();
      await client.query(PROBES);
      await this.#hold(client);
    } catch (error) {
      this.#client = undefined;
      void client.end().catch(() => undefined);
      throw error;
    }
    if (this.#isOver) await client.end();
    this.#next(BEAT_MS, async () => this.#beat(client));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }

  /** Not given while the session before is not known to be dead: until then its lock proves the same life. */
  async #hold(client: Client): Promise<void> {
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1::bigint) as held', [
      this.#lock,
    ]);
    this.#isHeld = rows[0]?.held === true;
  }

  async #beat(client: Client): Promise<void> {
    try {
      if (this.#isHeld) await client.query('select 1');
      else await this.#hold(client);
      this.#next(BEAT_MS, async () => this.#beat(client));
    } catch {
      this.#lost(client);
    }
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    void client.end().catch(() => undefined);
    this.#next(RETAKE_MS, async () => this.begin());
  }

  #next(inMs: number, work: () => Promise<void>): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    const again = (): void => this.#next(RETAKE_MS, async () => this.begin());
    this.#timer = setTimeout(() => void work().catch(again), inMs).unref();
  }
}
