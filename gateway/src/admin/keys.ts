/** `keys`: virtual keys, made, listed, changed, given another token, and deleted. A token is shown once. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { may, type Principal } from '../people/permissions.ts';
import { newKeyOf, ownKeyOf } from '../store/new-key.ts';
import type { IssuedKey, KeyOwner, KeyRow, Store } from '../store/ports.ts';
import { endpoint, list, type Answer, type Asked, type Endpoint } from './endpoint.ts';
import { deleted } from './fields.ts';
import { issuedKey, key, keyChange, keyCreation, keyRecord, patchOf, whyNotHeld, whyNotSet } from './key-fields.ts';
import { pageOf } from './lists.ts';
import { actOf } from './revisions.ts';
import { isMine } from './scope.ts';

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
const ISSUED = { ...EXAMPLE, key: 'tk_0000000000000000000000000000000EXAMPLE' };

const keyList = list({
  id: 'keys.list',
  path: 'keys',
  permissions: ['keys.read', 'keys.own'],
  summary: 'Lists virtual keys.',
  row: key,
  filters: {
    disabled: z.enum(['true', 'false'], { error: 'it must be true or false' }).optional().describe('only these'),
    tag: z.string().optional().describe('only keys with this tag'),
    team: z.string().optional().describe('only keys of this team'),
    user: z.string().optional().describe('only keys of this user'),
  },
  sorts: ['-created_at', 'created_at', 'name', '-name'],
  searches: 'name, id or tags',
  example: EXAMPLE,
  async answers({ query, page, principal }, { store }) {
    const { disabled, tag, team, user } = query;
    const rows = store.keys
      .list()
      .filter(
        (row) =>
          isMine(row, principal, 'keys.read') &&
          (disabled === undefined || row.isDisabled === (disabled === 'true')) &&
          (tag === undefined || row.tags.includes(tag)) &&
          (team === undefined || row.teamId === team) &&
          (user === undefined || row.userId === user),
      );
    const { rows: shown, ...more } = pageOf(rows, page, {
      idOf: (row) => row.id,
      columns: { created_at: (row) => row.createdAtMs, name: (row) => row.name },
      searched: (row) => [row.name, row.id, ...row.tags],
    });
    const uses = await store.keys.uses();
    return { rows: await Promise.all(shown.map(async (row) => keyRecord(row, { store, uses }))), ...more };
  },
});

const create = endpoint({
  id: 'keys.create',
  method: 'POST',
  path: 'keys',
  permissions: ['keys.write', 'keys.own'],
  summary: 'Makes a key. Its token is in this answer and nowhere else.',
  status: 201,
  body: keyCreation,
  answer: issuedKey,
  examples: {
    body: { name: 'web shop', budget_usd: '25', models: ['openai/*'], tags: ['shop'] },
    answer: ISSUED,
  },
  async answers({ body, principal }, { store }) {
    const refused = whyNotSet(body, { principal, people: store.people });
    if (refused !== undefined) return refused;
    const owner = ownerOf(body.org, principal, store);
    if (!owner.ok) return owner.error;
    const wished = { ...newKeyOf(patchOf(body)), ...owner.value, name: body.name };
    const made = await store.keys.create(wished, principal.id);
    return made.ok ? issued(made.value, store) : made.error;
  },
});

const get = endpoint({
  id: 'keys.get',
  method: 'GET',
  path: 'keys/{id}',
  permissions: ['keys.read', 'keys.own'],
  summary: 'Shows a key.',
  isSingle: true,
  answer: key,
  examples: { answer: EXAMPLE },
  answers: async ({ id, principal }, { store }) => {
    const row = store.keys.get(id);
    return row === undefined || !isMine(row, principal, 'keys.read') ? unknown(id) : keyAnswer(row, store);
  },
});

const update = endpoint({
  id: 'keys.update',
  method: 'PATCH',
  path: 'keys/{id}',
  permissions: ['keys.write', 'keys.own'],
  summary: 'Changes what is given; `null` takes a limit away.',
  isSingle: true,
  body: keyChange,
  answer: key,
  examples: { body: { budget_usd: '50', disabled: false }, answer: { ...EXAMPLE, budget_usd: '50' } },
  async answers(asked, { store }) {
    const { id, body, principal } = asked;
    const act = changing(asked, store);
    if ('code' in act) return act;
    const row = store.keys.get(id);
    const refused = whyNotSet(body, compact({ principal, people: store.people, row }));
    if (refused !== undefined) return refused;
    const changed = await store.keys.change(id, patchOf(body), act);
    if (!changed.ok) return changed.error;
    return changed.value === undefined ? unknown(id) : keyAnswer(changed.value, store);
  },
});

const remove = endpoint({
  id: 'keys.delete',
  method: 'DELETE',
  path: 'keys/{id}',
  permissions: ['keys.write', 'keys.own'],
  summary: 'Ends a key for good. Its receipts stay.',
  isSingle: true,
  answer: deleted,
  examples: { answer: { id: EXAMPLE.id, deleted: true } },
  async answers(asked, { store }) {
    const act = changing(asked, store);
    if ('code' in act) return act;
    const removed = await store.keys.remove(asked.id, act);
    if (!removed.ok) return removed.error;
    return removed.value ? { body: { id: asked.id, deleted: true } } : unknown(asked.id);
  },
});

const rotate = endpoint({
  id: 'keys.rotate',
  method: 'POST',
  path: 'keys/{id}/rotate',
  permissions: ['keys.write', 'keys.own'],
  summary: 'Gives a key another token, shown here and nowhere else.',
  body: z.strictObject({
    overlap_s: z.number().optional().describe('for how many seconds the token before is taken; 0 where it is absent'),
  }),
  answer: issuedKey,
  examples: { body: { overlap_s: 86_400 }, answer: { ...ISSUED, old_token_until: '2026-11-28T08:00:00.000Z' } },
  async answers(asked, { store }) {
    const act = changing(asked, store);
    if ('code' in act) return act;
    const made = await store.keys.rotate(asked.id, (asked.body.overlap_s ?? 0) * 1000, act);
    if (!made.ok) return made.error;
    return made.value === undefined ? unknown(asked.id) : issued(made.value, store);
  },
});

export const keyEndpoints: readonly Endpoint[] = [keyList, create, get, update, remove, rotate];

/** Who changes a key that is there and theirs. */
function changing(
  { id, principal, ifRevision }: Pick<Asked<unknown, unknown>, 'id' | 'principal' | 'ifRevision'>,
  store: Store,
): ReturnType<typeof actOf> {
  const row = store.keys.get(id);
  if (row === undefined || !isMine(row, principal, 'keys.write')) return unknown(id);
  return whyNotHeld(row, principal, store.people) ?? actOf(principal, ifRevision, store.keys.revision(id));
}

/** Whose a new key is: of the organisation that is said, or of the own; who may make none for others has one of his own. */
function ownerOf(org: string | null | undefined, principal: Principal, store: Store): Result<KeyOwner, Fault> {
  if (may(principal, 'keys.write')) return ok(compact({ orgId: org ?? principal.orgId }));
  const user = store.people.user(principal.userId ?? '');
  return user === undefined ? err(fault('key-owner-disabled', { owner: 'user' })) : ownKeyOf(user, store.keys);
}

function unknown(id: string): Fault {
  return fault('record-unknown', { id: id.slice(0, 80) });
}

async function keyAnswer(row: KeyRow, store: Store): Promise<Answer> {
  const body = await keyRecord(row, { store, uses: await store.keys.uses() });
  return compact({ body, revision: store.keys.revision(row.id) });
}

/** A key with its token: the only answer that has one. */
async function issued({ row, token }: IssuedKey, store: Store): Promise<Answer> {
  const { body } = await keyAnswer(row, store);
  return { body: { ...body, key: token } };
}
