/** `/admin/v1/*`: keys, usage, requests, batches, providers, routes, configuration, health and audit log, for who may. Secrets are in no answer, ever. */
import { batchRow } from '../batches/shapes.ts';
import { fault, type Fault } from '../chat/fault.ts';
import type { Config } from '../config/schema.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { sinceOf } from '../lib/since.ts';
import type { HealthRow } from '../health/observatory.ts';
import { withUsual } from '../pipeline/record.ts';
import { pagesOf } from '../routing/describe.ts';
import { DEFAULT_ORG_ID, may, type Permission, type Principal } from '../people/permissions.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Store } from '../store/ports.ts';
import { healthOfAll, type Crew } from '../telemetry/crew.ts';
import { configRecord } from './config-record.ts';
import { healthRows } from './health-rows.ts';
import { keys, oneKey, rotateKey } from './keys.ts';
import { spanOf, usageBy } from './usage-by.ts';

export interface AdminWorld {
  readonly store: Store;
  readonly snapshot: () => Snapshot;
  /** The configuration that `snapshot` was made of. */
  readonly config: () => Config;
  /** What the last load of the configuration said; undefined: all is well. */
  readonly configProblem: () => string | undefined;
  /** Of the targets that were asked, at this moment. */
  readonly health: () => readonly HealthRow[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The workers behind the same port, where there are several. */
  readonly crew?: Crew;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: JsonRecord | undefined;
  readonly principal: Principal;
}

export type AdminAnswer = { readonly status: number; readonly body: JsonRecord } | Fault;

/** `allow`: the methods that are taken, where another was tried. */
export type AdminResult = Exclude<AdminAnswer, Fault> | { readonly fault: Fault; readonly allow?: string };

interface Room {
  readonly methods: readonly string[];
  /** To look; and to change. */
  readonly permissions: readonly [Permission, Permission];
  readonly answer: (request: AdminRequest, world: AdminWorld) => AdminAnswer | Promise<AdminAnswer>;
}

/** The newest so many: more would be written in one turn for more than a few milliseconds. `since` finds the others. */
const USAGE_ROWS_MAX = 10_000;
const PAGE_MAX = 200;
const PAGE = 50;

/** A Map, since the name comes from the caller. */
const ROOMS = new Map<string, Room>([
  ['keys', { methods: ['GET', 'POST'], permissions: ['keys.read', 'keys.write'], answer: keys }],
  ['usage', { methods: ['GET'], permissions: ['usage.read', 'usage.read'], answer: usage }],
  ['requests', { methods: ['GET'], permissions: ['requests.read', 'requests.read'], answer: requests }],
  [
    'providers',
    {
      methods: ['GET'],
      permissions: ['gateway.read', 'gateway.read'],
      answer: (_, { snapshot }) => found({ data: providerRows(snapshot()) }),
    },
  ],
  [
    'routes',
    {
      methods: ['GET'],
      permissions: ['routes.read', 'routes.read'],
      answer: (_, world) => found({ data: routeRows(world) }),
    },
  ],
  [
    'config',
    { methods: ['GET'], permissions: ['gateway.config', 'gateway.config'], answer: (_, world) => found(config(world)) },
  ],
  [
    'health',
    {
      methods: ['GET'],
      permissions: ['gateway.read', 'gateway.read'],
      answer: async (_, world) => found(await health(world)),
    },
  ],
  ['batches', { methods: ['GET'], permissions: ['requests.read', 'requests.read'], answer: batches }],
  ['audit', { methods: ['GET'], permissions: ['audit.read', 'audit.read'], answer: audit }],
]);

/** Answers one admin request. */
export async function admin(request: AdminRequest, world: AdminWorld): Promise<AdminResult> {
  const [name = '', id, deed, ...rest] = request.path.split('/');
  const room = roomOf(name, id, deed);
  if (room === undefined || rest.length > 0) {
    const hint = `There are ${[...ROOMS.keys()].join(', ')}.`;
    return { fault: fault('route-unknown', { method: request.method, path: '/admin/v1/…', hint }) };
  }
  const { method } = request;
  if (!room.methods.includes(method)) {
    const allow = room.methods.join(', ');
    const path = `/admin/v1/${name}${id === undefined ? '' : '/{id}'}${deed === undefined ? '' : `/${deed}`}`;
    return { fault: fault('method-not-allowed', { path, allow, method }), allow };
  }
  const { principal } = request;
  const permission = room.permissions[method === 'GET' ? 0 : 1];
  if (!may(principal, permission)) return { fault: fault('not-permitted', { role: principal.role, permission }) };
  // What is shown here is everyone's: for the people who run the gateway.
  if (principal.kind !== 'root' && principal.orgId !== DEFAULT_ORG_ID) return { fault: fault('admin-only') };
  const answer = await room.answer(request, world);
  return 'code' in answer ? { fault: answer } : answer;
}

function roomOf(name: string, id: string | undefined, deed: string | undefined): Room | undefined {
  if (id === undefined) return ROOMS.get(name);
  if (name !== 'keys') return undefined;
  if (deed === 'rotate')
    return {
      methods: ['POST'],
      permissions: ['keys.write', 'keys.write'],
      answer: async (request, { store }) => rotateKey(request, id, store),
    };
  if (deed !== undefined) return undefined;
  return {
    methods: ['GET', 'PATCH', 'DELETE'],
    permissions: ['keys.read', 'keys.write'],
    answer: async (request, { store }) => oneKey(request, id, store),
  };
}

function found(body: JsonRecord): AdminAnswer {
  return { status: 200, body };
}

function config({ snapshot, configProblem, config: current }: AdminWorld): JsonRecord {
  return compact({ snapshot: snapshot().id, problem: configProblem(), config: configRecord(current()) });
}

async function usage(request: AdminRequest, { store, now }: AdminWorld): Promise<AdminAnswer> {
  if (request.query.has('by')) return usageBy(request.query, store, now());
  const since = request.query.get('since');
  const sinceMs = since === null ? undefined : sinceOf(since, now());
  if (since !== null && sinceMs === undefined)
    return fault(
      'field-invalid',
      { reason: 'it must be a time as in 2026-11-01T00:00:00Z or 24h' },
      { param: 'since' },
    );
  const keyId = request.query.get('key') ?? undefined;
  const report = await store.usage(compact({ sinceMs, keyId, rowsMax: USAGE_ROWS_MAX }));
  if (!report.ok) return report.error;
  const { rows, receipts, total_nano_usd } = report.value;
  const shown = rows.map((row): JsonRecord => ({
    ...row,
    cost_nano_usd: row.cost_nano_usd === null ? null : Number(row.cost_nano_usd),
    charge_nano_usd: row.charge_nano_usd === null ? null : Number(row.charge_nano_usd),
  }));
  return { status: 200, body: { rows: shown, rows_total: receipts, total_nano_usd: Number(total_nano_usd) } };
}

function providerRows(snapshot: Snapshot): readonly JsonRecord[] {
  const rows = new Map<
    string,
    { id: string; protocol: string; base_url: string; has_key: boolean; models: number; region: string | undefined }
  >();
  for (const target of snapshot.targets.values()) {
    const row = rows.get(target.providerId);
    if (row !== undefined) row.models += 1;
    else {
      rows.set(target.providerId, {
        id: target.providerId,
        protocol: target.provider.dialect.id,
        base_url: target.baseUrl,
        has_key: target.secret !== undefined || target.identity !== undefined,
        models: 1,
        region: target.region,
      });
    }
  }
  return [...rows.values()].map((row) => compact(row));
}

/** Each route in plain words, with what is told of it when the file is checked. */
function routeRows({ config: current, snapshot }: AdminWorld): readonly JsonRecord[] {
  const { routes } = current();
  return pagesOf(current(), snapshot()).map(({ name, ...page }) => ({
    id: name,
    strategy: routes[name]?.strategy,
    ...page,
  }));
}

async function health(world: AdminWorld): Promise<JsonRecord> {
  const own = ownHealth(world);
  return world.crew === undefined ? own : healthOfAll(own, await world.crew.ask('health'));
}

/** How this process is. */
export function ownHealth({ store, configProblem, health: rows, now }: AdminWorld): JsonRecord {
  const ledger = store.ledger.health();
  return compact({
    ok: ledger.isHealthy && configProblem() === undefined,
    ledger: compact({
      ok: ledger.isHealthy,
      reason: ledger.reason,
      journal_bytes: ledger.journalBytes,
      unwritten_receipts: ledger.unwrittenReceipts,
      store_away_ms: ledger.storeAwayMs,
      open_attempts: ledger.openAttempts,
    }),
    config_problem: configProblem(),
    request_records_dropped: store.requests.dropped(),
    targets: healthRows(rows(), now()),
  });
}

async function requests({ query }: AdminRequest, { store, now }: AdminWorld): Promise<AdminAnswer> {
  const limitMax = pageSize(query);
  if (typeof limitMax !== 'number') return limitMax;
  const times = spanOf(query, now());
  if ('code' in times) return times;
  const [keyId, outcome, cursor, route, model, search] = ['key', 'outcome', 'cursor', 'route', 'model', 'search'].map(
    (name) => query.get(name) ?? undefined,
  );
  const page = await store.requests.list(compact({ ...times, limitMax, keyId, outcome, cursor, route, model, search }));
  if (!page.ok) return page.error;
  return { status: 200, body: compact({ data: page.value.records.map(withUsual), next: page.value.next }) };
}

async function batches({ query }: AdminRequest, { store }: AdminWorld): Promise<AdminAnswer> {
  const limitMax = pageSize(query);
  if (typeof limitMax !== 'number') return limitMax;
  const [keyId, after] = ['key', 'after'].map((name) => query.get(name) ?? undefined);
  const page = await store.batches(async (books) => books.listBatches(compact({ limitMax, keyId, after })));
  if (!page.ok) return page.error;
  const { rows, hasMore } = page.value;
  return { status: 200, body: { data: rows.map(batchRow), has_more: hasMore } };
}

async function audit({ query }: AdminRequest, { store }: AdminWorld): Promise<AdminAnswer> {
  const limitMax = pageSize(query);
  if (typeof limitMax !== 'number') return limitMax;
  const cursor = query.get('cursor') ?? undefined;
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
    return fault('field-invalid', { reason: 'it must be the `next` of a page' }, { param: 'cursor' });
  const page = await store.audit(compact({ limitMax, cursor }));
  if (!page.ok) return page.error;
  const data = page.value.entries.map((entry): JsonRecord => ({ ...entry }));
  return { status: 200, body: compact({ data, next: page.value.next }) };
}

function pageSize(query: URLSearchParams): number | Fault {
  const limit = Number(query.get('limit') ?? PAGE);
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX) return limit;
  return fault('field-invalid', { reason: `it must be 1 to ${PAGE_MAX}` }, { param: 'limit' });
}
