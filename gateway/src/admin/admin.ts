/** `/admin/v1/*`: keys, usage, providers, health, for the root key. Secrets are in no answer, ever. */
import { fault, type Fault } from '../chat/fault.ts';
import { asArray, asBoolean, asString, compact, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { sinceOf } from '../lib/since.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { KeyPatch, KeyRow, Store } from '../store/ports.ts';

export interface AdminWorld {
  readonly store: Store;
  readonly snapshot: () => Snapshot;
  /** What the last load of the configuration said; undefined: all is well. */
  readonly configProblem: () => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: JsonRecord | undefined;
}

export type AdminAnswer = { readonly status: number; readonly body: JsonRecord } | Fault;

const NAME_MAX = 200;
const MODELS_MAX = 200;
/** The newest so many: more would be written in one turn for more than a few milliseconds. `since` finds the others. */
const USAGE_ROWS_MAX = 10_000;

/** Answers one admin request. The listener has checked that it comes with the root key. */
export async function admin(request: AdminRequest, world: AdminWorld): Promise<AdminAnswer> {
  const [room = '', id, ...rest] = request.path.split('/');
  if (rest.length > 0) return unknownRoute(request);
  if (room === 'keys') return id === undefined ? keys(request, world) : oneKey(request, id, world);
  if (request.method !== 'GET' || id !== undefined) return unknownRoute(request);
  switch (room) {
    case 'usage':
      return usage(request, world);
    case 'providers':
      return { status: 200, body: { data: providerRows(world.snapshot()) } };
    case 'config':
      return { status: 200, body: compact({ snapshot: world.snapshot().id, problem: world.configProblem() }) };
    case 'health':
      return { status: 200, body: health(world) };
    case 'requests':
      return requests(request, world);
    default:
      return unknownRoute(request);
  }
}

function unknownRoute(request: AdminRequest): Fault {
  const hint = 'There are keys, usage, requests, providers, config and health.';
  return fault('route-unknown', { method: request.method, path: '/admin/v1/…', hint });
}

async function keys(request: AdminRequest, { store }: AdminWorld): Promise<AdminAnswer> {
  if (request.method === 'GET') {
    const rows = await Promise.all(store.keys.list().map((row) => keyRecord(row, store)));
    return { status: 200, body: { data: rows } };
  }
  if (request.method !== 'POST')
    return fault('method-not-allowed', { path: '/admin/v1/keys', allow: 'GET, POST', method: request.method });
  const patch = readPatch(request.body ?? {});
  if (!patch.ok) return patch.error;
  const { name, budgetNanoUsd, allowedModels, expiresAtMs, tags } = patch.value;
  if (name === undefined) return fault('field-missing', { reason: 'give the key a name' }, { param: 'name' });
  const made = await store.keys.create({
    name,
    ...(typeof budgetNanoUsd === 'bigint' ? { budgetNanoUsd } : {}),
    ...(Array.isArray(allowedModels) ? { allowedModels } : {}),
    ...(typeof expiresAtMs === 'number' ? { expiresAtMs } : {}),
    ...(tags === undefined ? {} : { tags }),
  });
  if (!made.ok) return made.error;
  return { status: 201, body: { ...(await keyRecord(made.value.row, store)), key: made.value.token } };
}

async function oneKey(request: AdminRequest, id: string, { store }: AdminWorld): Promise<AdminAnswer> {
  const missing = fault('record-unknown', { id: id.slice(0, 80) });
  if (request.method === 'DELETE') {
    const removed = await store.keys.remove(id);
    if (!removed.ok) return removed.error;
    return removed.value ? { status: 200, body: { id, deleted: true } } : missing;
  }
  if (request.method === 'PATCH') {
    const patch = readPatch(request.body ?? {});
    if (!patch.ok) return patch.error;
    const changed = await store.keys.change(id, patch.value);
    if (!changed.ok) return changed.error;
    return changed.value === undefined ? missing : { status: 200, body: await keyRecord(changed.value, store) };
  }
  if (request.method !== 'GET')
    return fault('method-not-allowed', {
      path: '/admin/v1/keys/{id}',
      allow: 'GET, PATCH, DELETE',
      method: request.method,
    });
  const row = store.keys.get(id);
  return row === undefined ? missing : { status: 200, body: await keyRecord(row, store) };
}

async function keyRecord(row: KeyRow, store: Store): Promise<JsonRecord> {
  const spend = await store.keys.spend(row.id);
  const known = spend.ok ? spend.value : undefined;
  return compact({
    id: row.id,
    name: row.name,
    root: row.isRoot,
    disabled: row.isDisabled,
    created_at: new Date(row.createdAtMs).toISOString(),
    expires_at: row.expiresAtMs === undefined ? undefined : new Date(row.expiresAtMs).toISOString(),
    budget_usd: row.budgetNanoUsd === undefined ? undefined : formatUsd(row.budgetNanoUsd),
    spent_usd: known === undefined ? undefined : formatUsd(known.spentNanoUsd),
    held_usd: known === undefined ? undefined : formatUsd(known.heldNanoUsd),
    models: row.allowedModels,
    tags: row.tags,
  });
}

const FIELDS: ReadonlySet<string> = new Set(['name', 'budget_usd', 'models', 'expires_at', 'disabled', 'tags']);

/** Reads what may be set; anything else (`spent`, `root`, `id`) is refused by name rather than ignored. */
function readPatch(body: JsonRecord): Result<KeyPatch, Fault> {
  const stranger = Object.keys(body).find((field) => !FIELDS.has(field));
  if (stranger !== undefined)
    return invalid(stranger.slice(0, 80), `it cannot be set; there are ${[...FIELDS].join(', ')}`);
  const name = readName(body['name']);
  if (!name.ok) return name;
  const budget = readBudget(body['budget_usd']);
  if (!budget.ok) return budget;
  const models = readList(body['models'], 'models');
  if (!models.ok) return models;
  const tags = readList(body['tags'], 'tags');
  if (!tags.ok) return tags;
  const expires = readTime(body['expires_at']);
  if (!expires.ok) return expires;
  const disabled = readFlag(body['disabled'], 'disabled');
  if (!disabled.ok) return disabled;
  return ok(
    compact({
      name: name.value,
      budgetNanoUsd: budget.value,
      allowedModels: models.value,
      tags: tags.value ?? undefined,
      expiresAtMs: expires.value,
      isDisabled: disabled.value,
    }),
  );
}

function invalid(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-invalid', { reason }, { param }));
}

function readName(value: Json | undefined): Result<string | undefined, Fault> {
  if (value === undefined) return ok(undefined);
  const name = asString(value)?.trim();
  if (name === undefined || name === '' || name.length > NAME_MAX)
    return invalid('name', `it must be 1 to ${NAME_MAX} characters`);
  return ok(name);
}

function readBudget(value: Json | undefined): Result<bigint | null | undefined, Fault> {
  if (value === undefined || value === null) return ok(value);
  const usd = typeof value === 'string' || typeof value === 'number' ? parseUsd(String(value)) : undefined;
  return usd === undefined
    ? invalid('budget_usd', 'it must be US dollars, 0 or more, with at most 9 decimals')
    : ok(usd);
}

function readList(value: Json | undefined, param: string): Result<readonly string[] | null | undefined, Fault> {
  if (value === undefined || value === null) return ok(value);
  const items = asArray(value);
  const names = items?.filter(
    (item): item is string => typeof item === 'string' && item !== '' && item.length <= NAME_MAX,
  );
  if (items === undefined || names === undefined || names.length !== items.length || names.length > MODELS_MAX) {
    return invalid(param, `it must be a list of at most ${MODELS_MAX} names`);
  }
  return ok(names);
}

function readTime(value: Json | undefined): Result<number | null | undefined, Fault> {
  if (value === undefined || value === null) return ok(value);
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? invalid('expires_at', 'it must be a time as in 2027-01-31T00:00:00Z') : ok(time);
}

function readFlag(value: Json | undefined, param: string): Result<boolean | undefined, Fault> {
  const flag = asBoolean(value);
  return value === undefined || flag !== undefined ? ok(flag) : invalid(param, 'it must be true or false');
}

async function usage(request: AdminRequest, { store, now }: AdminWorld): Promise<AdminAnswer> {
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
        has_key: target.secret !== undefined,
        models: 1,
        region: target.region,
      });
    }
  }
  return [...rows.values()].map((row) => compact(row));
}

function health({ store, configProblem }: AdminWorld): JsonRecord {
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
  });
}

async function requests(request: AdminRequest, { store }: AdminWorld): Promise<AdminAnswer> {
  const limit = Number(request.query.get('limit') ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 200)
    return fault('field-invalid', { reason: 'it must be 1 to 200' }, { param: 'limit' });
  const filters = ['key', 'outcome', 'cursor'].map((name) => request.query.get(name) ?? undefined);
  const [keyId, outcome, cursor] = filters;
  const page = await store.requests.list(compact({ limitMax: limit, keyId, outcome, cursor }));
  if (!page.ok) return page.error;
  return { status: 200, body: compact({ data: page.value.records, next: page.value.next }) };
}
