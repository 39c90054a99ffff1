/** `/admin/v1/keys`: virtual keys, made, listed, changed and deleted. What may not be set is refused by name. */
import { fault, type Fault } from '../chat/fault.ts';
import { asArray, asBoolean, asString, compact, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { Principal } from '../people/permissions.ts';
import type { KeyPatch, KeyRow, Store } from '../store/ports.ts';

const NAME_MAX = 200;
const MODELS_MAX = 200;

interface KeyRequest {
  readonly method: string;
  readonly body: JsonRecord | undefined;
  readonly principal: Principal;
}

type KeyAnswer = { readonly status: number; readonly body: JsonRecord } | Fault;

/** `GET` lists, `POST` makes one and shows its token, once. */
export async function keys(request: KeyRequest, { store }: { readonly store: Store }): Promise<KeyAnswer> {
  if (request.method === 'GET') {
    const rows = await Promise.all(store.keys.list().map((row) => keyRecord(row, store)));
    return { status: 200, body: { data: rows } };
  }
  const patch = readPatch(request.body ?? {});
  if (!patch.ok) return patch.error;
  const { name, budgetNanoUsd, allowedModels, expiresAtMs, tags, region } = patch.value;
  if (name === undefined) return fault('field-missing', { reason: 'give the key a name' }, { param: 'name' });
  const made = await store.keys.create(
    {
      name,
      ...(typeof budgetNanoUsd === 'bigint' ? { budgetNanoUsd } : {}),
      ...(Array.isArray(allowedModels) ? { allowedModels } : {}),
      ...(typeof expiresAtMs === 'number' ? { expiresAtMs } : {}),
      ...(tags === undefined ? {} : { tags }),
      ...(typeof region === 'string' ? { region } : {}),
    },
    request.principal.id,
  );
  if (!made.ok) return made.error;
  return { status: 201, body: { ...(await keyRecord(made.value.row, store)), key: made.value.token } };
}

/** `GET`, `PATCH` or `DELETE` of one key. */
export async function oneKey(request: KeyRequest, id: string, store: Store): Promise<KeyAnswer> {
  const missing = fault('record-unknown', { id: id.slice(0, 80) });
  if (request.method === 'DELETE') {
    const removed = await store.keys.remove(id, request.principal.id);
    if (!removed.ok) return removed.error;
    return removed.value ? { status: 200, body: { id, deleted: true } } : missing;
  }
  if (request.method === 'PATCH') {
    const patch = readPatch(request.body ?? {});
    if (!patch.ok) return patch.error;
    const changed = await store.keys.change(id, patch.value, request.principal.id);
    if (!changed.ok) return changed.error;
    return changed.value === undefined ? missing : { status: 200, body: await keyRecord(changed.value, store) };
  }
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
    region: row.region,
  });
}

const FIELDS: ReadonlySet<string> = new Set([
  'name',
  'budget_usd',
  'models',
  'expires_at',
  'disabled',
  'tags',
  'region',
]);

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
  const region = readRegion(body['region']);
  if (!region.ok) return region;
  const disabled = readFlag(body['disabled'], 'disabled');
  if (!disabled.ok) return disabled;
  return ok(
    compact({
      name: name.value,
      budgetNanoUsd: budget.value,
      allowedModels: models.value,
      tags: tags.value ?? undefined,
      region: region.value,
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

/** Of what form it is, the store says. */
function readRegion(value: Json | undefined): Result<string | null | undefined, Fault> {
  if (value === undefined || value === null) return ok(value);
  return typeof value === 'string' ? ok(value) : invalid('region', 'it must be a region such as eu or us-east-1');
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
