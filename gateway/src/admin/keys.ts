/** `keys`: virtual keys, made, listed, changed and deleted. A token is shown once, when its key is made. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { formatUsd } from '../money/usd.ts';
import type { KeyRow, Store } from '../store/ports.ts';
import { endpoint, list, type Answer, type Endpoint } from './endpoint.ts';
import { at, deleted, id, msOf, name, names, nanoOf, time, usd, usdText } from './fields.ts';
import { pageOf } from './lists.ts';
import { staleFault } from './revisions.ts';
import { isSeen } from './scope.ts';

const key = z
  .strictObject({
    id,
    name: z.string(),
    root: z.boolean().describe('may do everything'),
    disabled: z.boolean(),
    created_at: at,
    expires_at: at.optional(),
    budget_usd: usdText.optional(),
    spent_usd: usdText.optional().describe('absent: the store does not answer now'),
    held_usd: usdText.optional().describe('put aside for requests under way'),
    models: z.array(z.string()).optional().describe('names or globs; absent: all'),
    tags: z.array(z.string()),
    region: z.string().optional(),
  })
  .meta({ id: 'Key', description: 'A virtual key, without its token.' });

const made = key
  .extend({ key: z.string().describe('the token: shown here and never again') })
  .meta({ id: 'NewKey', description: 'A key and its token.' });

const settings = {
  budget_usd: usd.nullable().optional().describe('US dollars, as text or number; null: no budget'),
  models: names.nullable().optional().describe('names or globs as in `openai/*`; null: all'),
  expires_at: time.nullable().optional().describe('a time, ISO 8601; null: never'),
  disabled: z.boolean().optional().describe('true: refused until it is enabled again'),
  tags: names.nullable().optional().describe('for rules and reports'),
  region: z
    .string({ error: 'it must be a region such as eu or us-east-1' })
    .nullable()
    .optional()
    .describe('where its callers are, whatever their requests say'),
};

const creation = z.strictObject({ name: name.describe('give the key a name'), ...settings });
const change = z.strictObject({ name: name.optional().describe('for people'), ...settings });

const EXAMPLE = {
  id: 'key_0mf3k2v9xexample0000000',
  name: 'web shop',
  root: false,
  disabled: false,
  created_at: '2026-11-27T08:00:00.000Z',
  budget_usd: '25',
  spent_usd: '1.2503',
  held_usd: '0',
  models: ['openai/*'],
  tags: ['shop'],
};

export const keyEndpoints: readonly Endpoint[] = [
  list({
    id: 'keys.list',
    path: 'keys',
    permissions: ['keys.read', 'keys.own'],
    summary: 'Lists virtual keys.',
    row: key,
    filters: {
      disabled: z.enum(['true', 'false'], { error: 'it must be true or false' }).optional().describe('only these'),
      tag: z.string().optional().describe('only keys with this tag'),
    },
    sorts: ['-created_at', 'created_at', 'name', '-name'],
    searches: 'name, id or tags',
    example: EXAMPLE,
    async answers({ query, page, principal }, { store }) {
      const { disabled, tag } = query;
      const rows = store.keys
        .list()
        .filter(
          (row) =>
            isSeen(row, principal, 'keys.read') &&
            (disabled === undefined || row.isDisabled === (disabled === 'true')) &&
            (tag === undefined || row.tags.includes(tag)),
        );
      const { rows: shown, ...more } = pageOf(rows, page, {
        idOf: (row) => row.id,
        columns: { created_at: (row) => row.createdAtMs, name: (row) => row.name },
        searched: (row) => [row.name, row.id, ...row.tags],
      });
      return { rows: await Promise.all(shown.map((row) => keyRecord(row, store))), ...more };
    },
  }),
  endpoint({
    id: 'keys.create',
    method: 'POST',
    path: 'keys',
    permissions: ['keys.write', 'keys.own'],
    summary: 'Makes a key. Its token is in this answer and nowhere else.',
    status: 201,
    body: creation,
    answer: made,
    examples: {
      body: { name: 'web shop', budget_usd: '25', models: ['openai/*'], tags: ['shop'] },
      answer: { ...EXAMPLE, key: 'tk_0000000000000000000000000000000EXAMPLE' },
    },
    async answers({ body, principal }, { store }) {
      const { name: called, tags, region, models: allowedModels } = body;
      const wished = {
        name: called,
        budgetNanoUsd: nanoOf(body.budget_usd) ?? undefined,
        allowedModels: allowedModels ?? undefined,
        expiresAtMs: msOf(body.expires_at) ?? undefined,
        tags: tags ?? undefined,
        region: region ?? undefined,
      };
      const result = await store.keys.create(compact(wished), principal.id);
      if (!result.ok) return result.error;
      const { row, token } = result.value;
      const isOff = body.disabled === true;
      const off = isOff ? await store.keys.change(row.id, { isDisabled: true }, principal.id) : undefined;
      if (off !== undefined && !off.ok) return off.error;
      return { body: { ...(await keyRecord(off?.value ?? row, store)), key: token } };
    },
  }),
  endpoint({
    id: 'keys.get',
    method: 'GET',
    path: 'keys/{id}',
    permissions: ['keys.read', 'keys.own'],
    summary: 'Shows a key.',
    isSingle: true,
    answer: key,
    examples: { answer: EXAMPLE },
    answers: async ({ id: keyId, principal }, { store }) => {
      const row = store.keys.get(keyId);
      return row === undefined || !isSeen(row, principal, 'keys.read') ? unknown(keyId) : keyAnswer(row, store);
    },
  }),
  endpoint({
    id: 'keys.update',
    method: 'PATCH',
    path: 'keys/{id}',
    permissions: ['keys.write', 'keys.own'],
    summary: 'Changes what is given; `null` takes a limit away.',
    isSingle: true,
    body: change,
    answer: key,
    examples: { body: { budget_usd: '50', disabled: false }, answer: { ...EXAMPLE, budget_usd: '50' } },
    async answers({ id: keyId, body, principal, ifRevision }, { store }) {
      const row = store.keys.get(keyId);
      if (row === undefined || !isSeen(row, principal, 'keys.write')) return unknown(keyId);
      const stale = staleFault(ifRevision, store.keys.revision(keyId));
      if (stale !== undefined) return stale;
      const patch = {
        name: body.name,
        budgetNanoUsd: nanoOf(body.budget_usd),
        allowedModels: body.models,
        expiresAtMs: msOf(body.expires_at),
        isDisabled: body.disabled,
        tags: body.tags ?? undefined,
        region: body.region,
      };
      const changed = await store.keys.change(keyId, compact(patch), principal.id);
      if (!changed.ok) return changed.error;
      return changed.value === undefined ? unknown(keyId) : keyAnswer(changed.value, store);
    },
  }),
  endpoint({
    id: 'keys.delete',
    method: 'DELETE',
    path: 'keys/{id}',
    permissions: ['keys.write', 'keys.own'],
    summary: 'Ends a key for good. Its receipts stay.',
    isSingle: true,
    answer: deleted,
    examples: { answer: { id: EXAMPLE.id, deleted: true } },
    async answers({ id: keyId, principal, ifRevision }, { store }) {
      const row = store.keys.get(keyId);
      if (row === undefined || !isSeen(row, principal, 'keys.write')) return unknown(keyId);
      const stale = staleFault(ifRevision, store.keys.revision(keyId));
      if (stale !== undefined) return stale;
      const removed = await store.keys.remove(keyId, principal.id);
      if (!removed.ok) return removed.error;
      return removed.value ? { body: { id: keyId, deleted: true } } : unknown(keyId);
    },
  }),
];

function unknown(keyId: string): Fault {
  return fault('record-unknown', { id: keyId.slice(0, 80) });
}

async function keyAnswer(row: KeyRow, store: Store): Promise<Answer> {
  return compact({ body: await keyRecord(row, store), revision: store.keys.revision(row.id) });
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
