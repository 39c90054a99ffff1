/** Builds the world out of its parts: a plain function, a plain object. Nothing here decides anything. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { createBatches, type Batches } from './batches/batches.ts';
import { spoolIn } from './batches/spool.ts';
import { createBilling, type Billing } from './billing/billing.ts';
import type { Config } from './config/schema.ts';
import { createCredentials } from './credentials/credentials.ts';
import { cloudSource } from './credentials/sources.ts';
import { surroundings } from './credentials/surroundings.ts';
import { gateDialects } from './dialects/index.ts';
import { Conversations } from './health/conversations.ts';
import { hedges } from './health/hedges.ts';
import type { Change } from './health/observatory.ts';
import { rota } from './health/rota.ts';
import { admin } from './admin/admin.ts';
import { cursorsWith } from './admin/cursors.ts';
import { ownHealth } from './admin/gateway.ts';
import { doorOf } from './http/door.ts';
import { createListener, type Listener } from './http/listener.ts';
import { homePage } from './http/home.ts';
import type { Rim } from './http/serve.ts';
import { asRecord, type JsonRecord } from './lib/json.ts';
import { createCohort } from './lib/cohort.ts';
import { createCrowd } from './lib/crowd.ts';
import { createLogin } from './login/login.ts';
import { oidc } from './login/oidc.ts';
import { passwords } from './login/password.ts';
import { throttle } from './login/throttle.ts';
import { throttleTogether } from './login/throttle-together.ts';
import { createWheel, timerLinks, type Timer } from './lib/wheel.ts';
import { meters } from './pipeline/meters.ts';
import { salesOf } from './pipeline/sale.ts';
import type { Gate, Owner } from './pipeline/gate.ts';
import { openHealth } from './pipeline/health-book.ts';
import { openLimits } from './pipeline/limit-books.ts';
import type { Clock, Timers, World } from './pipeline/world.ts';
import type { Snapshot } from './routing/snapshot.ts';
import { createSuspicions, type Suspicion } from './shared/breakers.ts';
import type { Together } from './shared/count.ts';
import { createNotices } from './shared/notices.ts';
import type { KeptTurns, Store } from './store/ports.ts';
import { frontOf, type Crew, type Readiness } from './telemetry/crew.ts';
import { keptTurns } from './store/turns.ts';
import { turnsTogether } from './store/turns-together.ts';
import type { Log } from './telemetry/log.ts';
import { verdictMemory } from './understand/verdict.ts';
import { metrics, type Metrics } from './telemetry/metrics.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Precision of every timeout: far below what a person or a provider notices. */
const TICK_MS = 10;
/** Ticks of one turn of the wheel: 20 s, so that most timeouts are looked at a few times at most. */
const SLOTS = 2048;

export interface Parts {
  readonly store: Store;
  readonly upstream: Upstream;
  /** For credentials that come from outside the configuration. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** The snapshot in force. */
  readonly snapshot: () => Snapshot;
  /** The configuration that it was made of. */
  readonly config: () => Config;
  /** What is wrong with the newest configuration file, which then is not in force. */
  readonly configProblem: () => string | undefined;
  /** Limits of the listener; they hold until the next start. */
  readonly limits: Config['server'];
  /** Files lie below it. */
  readonly dataDir: string;
  /** Where processes share what they count and learn. Absent: there is no other, or they do not. */
  readonly together?: Together | undefined;
  /** Shown on the page at `/`. */
  readonly version: string;
  /** The other workers behind the same port, and this one. Absent where it serves alone. */
  readonly crew?: Crew;
}

export interface Gateway {
  readonly world: World;
  readonly listener: Listener;
  readonly batches: Batches;
  /** From now on new requests are refused, and `/readyz` says so. */
  drain(): void;
  close(): Promise<void>;
}

/** Wires a gateway that is ready to listen. */
export function wire(parts: Parts): Gateway {
  const { store, crew } = parts;
  const clock: Clock = { monotonicMs: () => performance.now(), unixMs: () => Date.now() };
  const { timers, stop } = wheelTimers(clock);
  const book = metrics();
  const metered = meters(book);
  const others = sharedWith(parts, (suspicion) => healthBook.health.suspect(suspicion, clock.monotonicMs()));
  const healthBook = openHealth({ ...parts, clock, book, meters: metered, changed: others.breakerChanged });
  const underWay: World['underWay'] = createCrowd();
  const ownersOf = ownersIn(store);
  const limits = openLimits({
    ...parts,
    clock,
    timers,
    underWay,
    book,
    meters: metered,
    ownersOf,
  });
  let isDraining = false;
  const cursors = cursorsWith(store.keyFor('admin cursors'));
  const adminWorld = { ...parts, cursors, health: healthBook.rows, now: Date.now };
  const own = { metrics: () => book.text(), ready: () => readiness(parts, isDraining) };
  const world = worldOf(parts, { clock, timers, underWay, meters: metered, health: healthBook.health, limits });
  const batches = createBatches({
    world,
    door: doorOf(gateDialects),
    spool: spoolIn(resolve(parts.dataDir, parts.config().batches.folder)),
    live: () => listener.inFlight(),
  });
  const billing = billingOf(parts);
  const listener: Listener = createListener({
    world,
    dialects: gateDialects,
    batches,
    login: loginOf(parts, clock),
    limits: limitsOf(parts.limits),
    rim: {
      ...frontOf(crew, { ...own, health: () => ownHealth(adminWorld) }),
      isDraining: () => isDraining,
      home: () => homePage(parts.version),
      admin: telling((request) => admin(request, adminWorld), others.tellChanged),
      webhook: billing.webhook,
    },
  });
  gauges(book, { parts, world, listener, batches });
  return {
    world,
    listener,
    batches,
    drain: () => {
      isDraining = true;
    },
    close: async () => {
      stop();
      billing.close();
      healthBook.close();
      await limits.close();
    },
  };
}

interface Built extends Pick<World, 'clock' | 'timers' | 'underWay' | 'meters' | 'health'> {
  readonly limits: Pick<World, 'gate' | 'targetRestMs'>;
}

function worldOf(parts: Parts, built: Built): World {
  const { store, upstream, log, snapshot, config } = parts;
  const { clock, timers, underWay, meters: metered, health, limits } = built;
  return {
    snapshot,
    upstream,
    credentials: credentialsOf(parts, clock),
    store,
    health,
    hedges: hedges(),
    verdicts: verdictMemory(),
    rota: rota(),
    conversations: new Conversations(),
    feedback: store.feedback,
    budgets: store.budgets,
    saleTo: salesOf(store, () => config().billing.plan),
    turns: turnsOf(parts, clock),
    clock,
    timers,
    random: Math.random,
    together: createCohort(setImmediate),
    newId: idMaker(clock),
    meters: metered,
    log,
    instanceId: randomBytes(9).toString('base64url'),
    underWay,
    gate: limits.gate,
    targetRestMs: limits.targetRestMs,
  };
}

/** Here, and where there are others in the same region, with them: a text that may not leave it is understood nowhere else. */
function turnsOf({ together, store, limits }: Parts, clock: Clock): KeptTurns {
  const own = keptTurns(() => clock.monotonicMs());
  if (together === undefined) return own;
  const key = store.keyFor(`turns of conversations in ${limits.region ?? 'no named region'}`);
  return turnsTogether(own, { voice: together.voice, processId: store.processId, key });
}

/** Whom a key belongs to, from memory. */
function ownersIn({ people }: Store): Gate['ownersOf'] {
  return ({ orgId = '', teamId = '', userId = '' }) => {
    const owners: Owner[] = [];
    const add = (scope: Owner['scope'], row: { id: string; name: string; settings: JsonRecord } | undefined): void => {
      if (row !== undefined)
        owners.push({ scope, id: row.id, name: row.name, limits: asRecord(row.settings['limits']) });
    };
    add('org', people.org(orgId));
    add('team', people.team(teamId));
    add('user', people.user(userId));
    return owners;
  };
}

/** What an admin changes here the other processes look for at once. */
function telling(ask: Rim['admin'], tellChanged: () => void): Rim['admin'] {
  return async (request) => {
    const answer = await ask(request);
    if (request.method !== 'GET' && !('fault' in answer)) tellChanged();
    return answer;
  };
}

/** What processes tell each other. */
interface Others {
  /** Something in the store was changed here. */
  readonly tellChanged: () => void;
  readonly breakerChanged: (change: Change) => void;
}

function sharedWith({ together, store, snapshot }: Parts, suspect: (suspicion: Suspicion) => void): Others {
  if (together === undefined) return { tellChanged: () => undefined, breakerChanged: () => undefined };
  const { processId } = store;
  const { voice } = together;
  const notices = createNotices({ voice, processId, heard: () => void store.refresh() });
  const heard = (suspicion: Suspicion): void => {
    if (suspicion.of === 'key' || snapshot().targets.has(suspicion.id)) suspect(suspicion);
  };
  const suspicions = createSuspicions({ voice, processId, heard });
  return {
    tellChanged: () => notices.tell(),
    breakerChanged: (change) => {
      if (change.to === 'open') suspicions.tell(change);
    },
  };
}

function loginOf({ store, config, log, together }: Parts, clock: Clock): Parameters<typeof createListener>[0]['login'] {
  const { people, keys } = store;
  const now = (): number => clock.unixMs();
  const monotonicMs = (): number => clock.monotonicMs();
  const own = throttle();
  return createLogin({
    people,
    keys,
    config: () => config().people,
    passwords: passwords(),
    throttle:
      together === undefined
        ? own
        : throttleTogether(own, { voice: together.voice, processId: store.processId, monotonicMs }),
    oidc: oidc({ sign: (...of) => people.access.sign(...of), now, warn: (text, of) => log('warn', text, of) }),
    now,
    monotonicMs,
  });
}

function credentialsOf({ env, upstream, log }: Parts, clock: Clock): World['credentials'] {
  return createCredentials({
    source: cloudSource(surroundings(env, upstream)),
    clock,
    warn: (provider, reason) => log('warn', 'the credential of a provider could not be fetched', { provider, reason }),
  });
}

function billingOf({ store, config, log }: Parts): Billing {
  return createBilling({
    ask: store.billing,
    config: () => config().billing,
    now: Date.now,
    log: (text, details) => log('info', text, details),
  });
}

function limitsOf(server: Config['server']): Parameters<typeof createListener>[0]['limits'] {
  return {
    headerMaxBytes: server.header_max_bytes,
    headerTimeoutMs: server.header_timeout_ms,
    bodyTimeoutMs: server.body_timeout_ms,
    keepAliveMs: server.keep_alive_ms,
  };
}

interface Gauged {
  readonly parts: Parts;
  readonly world: World;
  readonly listener: Listener;
  readonly batches: Batches;
}

/** What is read at scrape time. */
function gauges(book: Metrics, { parts, world, listener, batches }: Gauged): void {
  const { store } = parts;
  book.gauge('turnout_requests_in_flight', 'Requests being worked on.', () => listener.inFlight());
  book.gauge('turnout_config_ok', '1 while the newest configuration is in force.', () =>
    parts.configProblem() === undefined ? 1 : 0,
  );
  book.gauge(
    'turnout_journal_bytes',
    'Receipts that the store has not taken in yet.',
    () => store.ledger.health().journalBytes,
  );
  book.gauge('turnout_request_records_dropped', 'Request records dropped because the queue was full.', () =>
    store.requests.dropped(),
  );
  book.gauge(
    'turnout_kept_turns',
    'Turns of conversations kept for those who go on from them by an id.',
    () => world.turns.size().turns,
  );
  book.gauge('turnout_batches_running', 'Batches that this process works on.', () => batches.figures().batches);
  book.gauge('turnout_batch_lines_in_flight', 'Lines of batches being worked on.', () => batches.figures().lines);
  book.gauge('turnout_kept_turns_bytes', 'How much they hold.', () => world.turns.size().bytes);
}

function readiness(parts: Parts, isDraining: boolean): Readiness {
  const ledger = parts.store.ledger.health();
  const problem = parts.configProblem();
  const ok = !isDraining && ledger.isHealthy;
  return {
    ok,
    body: {
      status: isDraining ? 'draining' : ok ? 'ready' : 'not ready',
      snapshot: parts.snapshot().id,
      ledger: ledger.isHealthy ? 'ok' : (ledger.reason ?? 'not ok'),
      // A broken file does not stop the service: the last good one serves on, and says so here.
      config: problem === undefined ? 'ok' : `the newest file is not in force: ${problem}`,
    },
  };
}

/** One interval for all timeouts of the process. */
function wheelTimers(clock: Clock): { readonly timers: Timers; readonly stop: () => void } {
  const wheel = createWheel({ tickMs: TICK_MS, slotCount: SLOTS, nowMs: clock.monotonicMs() });
  const interval = setInterval(() => wheel.advance(clock.monotonicMs()), TICK_MS);
  interval.unref();
  return {
    stop: () => clearInterval(interval),
    timers: {
      after(delayMs, fire) {
        if (!Number.isFinite(delayMs)) return () => undefined;
        const timer: Timer = { expire: fire, links: timerLinks() };
        wheel.set(timer, clock.monotonicMs() + Math.max(0, delayMs));
        return () => wheel.clear(timer);
      },
    },
  };
}

/** `req_` and the like, then time and 96 random bits: sortable, unguessable, and no lock between processes. */
function idMaker(clock: Clock): (prefix: string) => string {
  let pool = Buffer.alloc(0);
  let at = 0;
  return (prefix) => {
    if (at + 12 > pool.length) {
      // Random bytes cost a system call; a pool makes it one in many ids.
      pool = randomBytes(12 * 256);
      at = 0;
    }
    const random = pool.toString('base64url', at, at + 12);
    at += 12;
    return `${prefix}_${clock.unixMs().toString(36)}${random}`;
  };
}
