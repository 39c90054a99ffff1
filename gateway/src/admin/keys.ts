/** `/admin/v1/keys`: virtual keys, made, listed, changed and deleted. What may not be set is refused by name. */
import { fault, type Fault } from '../chat/fault.ts';
import { asArray, asBoolean, asString, compact, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { Principal } from '../people/permissions.ts';
import { readKeySettings, SETTING_WORDS, settingsRecord } from '../store/key-settings.ts';
import { newKeyOf } from '../store/new-key.ts';
import type { IssuedKey, KeyPatch, KeyRow, Store } from '../store/ports.ts';

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
    const uses = await store.keys.uses();
    const rows = await Promise.all(store.keys.list().map((row) => keyRecord(row, { store, uses })));
    return { status: 200, body: { data: rows } };
  }
  const { org, ...body } = request.body ?? {};
  const patch = readPatch(body);
  if (!patch.ok) return patch.error;
  const orgId = readId(org, 'org');
  if (!orgId.ok) return orgId.error;
  const { name, ...rest } = patch.value;
  if (name === undefined) return fault('field-missing', { reason: 'give the key a name' }, { param: 'name' });
  const key = compact({ ...newKeyOf(rest), name, orgId: orgId.value ?? undefined });
  const made = await store.keys.create(key, request.principal.id);
  return made.ok ? issued(made.value, { status: 201, store }) : made.error;
}

/** A key with its token: the only answer that has one. */
async function issued(
  { row, token }: IssuedKey,
  { status, store }: { readonly status: number; readonly store: Store },
): Promise<KeyAnswer> {
  return { status, body: { ...(await recordOf(row, store)), key: token } };
}

/** `POST …/{id}/rotate`: another token, shown once. `overlap_s`: for how long the one before is taken; 0 where it is absent. */
export async function rotateKey(request: KeyRequest, id: string, store: Store): Promise<KeyAnswer> {
  const { overlap_s: overlap = 0, ...rest } = request.body ?? {};
  const [stranger] = Object.keys(rest);
  if (stranger !== undefined)
    return fault('field-invalid', { reason: 'there is only overlap_s' }, { param: stranger.slice(0, 80) });
  if (typeof overlap !== 'number')
    return fault('field-invalid', { reason: 'it must be a number of seconds' }, { param: 'overlap_s' });
  const made = await store.keys.rotate(id, overlap * 1000, request.principal.id);
  if (!made.ok) return made.error;
  if (made.value === undefined) return fault('record-unknown', { id: id.slice(0, 80) });
  return issued(made.value, { status: 200, store });
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
    return changed.value === undefined ? missing : { status: 200, body: await recordOf(changed.value, store) };
  }
  const row = store.keys.get(id);
  return row === undefined ? missing : { status: 200, body: await recordOf(row, store) };
}

async function recordOf(row: KeyRow, store: Store): Promise<JsonRecord> {
  return keyRecord(row, { store, uses: await store.keys.uses() });
}

interface Known {
  readonly store: Store;
  readonly uses: Awaited<ReturnType<Store['keys']['uses']>>;
}

async function keyRecord(row: KeyRow, { store, uses }: Known): Promise<JsonRecord> {
  const spend = await store.keys.spend(row.id);
  const known = spend.ok ? spend.value : undefined;
  return compact({
    id: row.id,
    name: row.name,
    root: row.isRoot,
    disabled: row.isDisabled,
    created_at: new Date(row.createdAtMs).toISOString(),
    expires_at: momentOf(row.expiresAtMs),
    budget_usd: row.budgetNanoUsd === undefined ? undefined : formatUsd(row.budgetNanoUsd),
    spent_usd: known === undefined ? undefined : formatUsd(known.spentNanoUsd),
    held_usd: known === undefined ? undefined : formatUsd(known.heldNanoUsd),
    models: row.allowedModels,
    tags: row.tags,
    region: row.region,
    org: row.orgId,
    team: row.teamId,
    user: row.userId,
    last_used_at: momentOf(uses.ok ? uses.value.get(row.id) : undefined),
    old_token_until: momentOf(row.oldUntilMs),
    ...settingsRecord(row),
  });
}

function momentOf(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

const FIELDS: ReadonlySet<string> = new Set([
  'name',
  'budget_usd',
  'models',
  'expires_at',
  'disabled',
  'tags',
  'region',
  'team',
  'user',
  ...SETTING_WORDS,
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
  const owner = readOwner(body);
  if (!owner.ok) return owner;
  const settings = readKeySettings(body);
  if (!settings.ok) return invalid(settings.error.param, settings.error.reason);
  return ok(
    compact({
      ...settings.value,
      ...owner.value,
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

function readOwner(body: JsonRecord): Result<Pick<KeyPatch, 'teamId' | 'userId'>, Fault> {
  const teamId = readId(body['team'], 'team');
  if (!teamId.ok) return teamId;
  const userId = readId(body['user'], 'user');
  return userId.ok ? ok(compact({ teamId: teamId.value, userId: userId.value })) : userId;
}

function readId(value: Json | undefined, param: string): Result<string | null | undefined, Fault> {
  if (value === undefined || value === null) return ok(value);
  return typeof value === 'string' ? ok(value) : invalid(param, 'it must be an id');
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
