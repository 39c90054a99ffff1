/** `audit`, `requests` and `batches`: what was done, newest first. Pages of the store, which has more than fits in memory. */
import { z } from 'zod';
import { batchRow } from '../batches/shapes.ts';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Principal } from '../people/permissions.ts';
import { withoutInputs } from '../pipeline/decision.ts';
import { withUsual } from '../pipeline/record.ts';
import { list, endpoint, type Endpoint, type Rows } from './endpoint.ts';
import { at, msOf, record, time } from './fields.ts';
import type { Mark } from './lists.ts';
import type { RequestReader, Store } from '../store/ports.ts';
import { seesAll, toldOf, type Told } from './scope.ts';
import { spanOf } from './usage-by.ts';

const ofKey = z.string().optional().describe('id of the key that asked');
const ofOrg = z
  .string()
  .optional()
  .describe('id of the organisation; absent: your own, or all for those who run the gateway');

const entry = z
  .strictObject({
    seq: z.number().int().describe('1 for the first, without a gap'),
    at,
    by: z.string().describe('id of who did it, `cli`, or `system`'),
    org: z.string().optional().describe('id of the organisation that it is of; absent: of the whole gateway'),
    action: z.string().describe('as in `key.created`'),
    subject: z.string().describe('id of what was changed'),
    changes: record.describe('the new values, no secrets'),
    hash: z.string().describe('SHA-256 over the entry and the hash before it'),
  })
  .meta({ id: 'AuditEntry', description: 'One change by an admin.' });

const requestRecord = z.looseObject({ id: z.string(), outcome: z.string().optional() }).meta({
  id: 'RequestRecord',
  description: 'What was decided about a request, and what became of it. No prompt, no reply.',
});

const batch = z
  .strictObject({
    id: z.string(),
    key: z.string(),
    form: z.enum(['openai', 'anthropic']),
    endpoint: z.string(),
    status: z.string(),
    lines: z.number().int(),
    succeeded: z.number().int(),
    errored: z.number().int(),
    canceled: z.number().int(),
    expired: z.number().int(),
    native: z.string().optional().describe('the target, where its provider works on it as a batch of its own'),
    created_at: at.nullable(),
    expires_at: at.nullable(),
    ended_at: at.nullable().optional(),
    errors: z.array(z.unknown()).optional(),
  })
  .meta({ id: 'BatchRow', description: 'A batch, whoever made it.' });

const audit = list({
  id: 'audit.list',
  path: 'audit',
  permissions: ['audit.read'],
  summary: 'Lists what admins have changed.',
  row: entry,
  filters: {
    action: z.string().optional().describe('as in `key.created`'),
    by: z.string().optional().describe('id of who did it'),
    subject: z.string().optional().describe('id of what was changed'),
    org: ofOrg,
    since: time.optional().describe('from this time on'),
    until: time.optional().describe('before this time'),
  },
  sorts: ['-seq', 'seq'],
  searches: 'action, subject, changes or who did it',
  example: {
    seq: 7,
    at: '2026-11-27T08:00:00.000Z',
    by: 'root',
    org: 'default',
    action: 'key.changed',
    subject: 'key_0mf3k2v9xexample0000000',
    changes: { budget_usd: '50' },
    hash: '5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9',
  },
  async answers({ query, page, principal }, { store }) {
    const { since, until, action, by, subject, org } = query;
    const told = toldOf({ org }, { principal, permission: 'audit.read', store });
    if ('code' in told) return told;
    const found = await store.audit(
      compact({
        ...told,
        action,
        by,
        subject,
        sinceMs: msOf(since) ?? undefined,
        untilMs: msOf(until) ?? undefined,
        text: page.q,
        isOldestFirst: !page.isDescending,
        limitMax: page.limit,
        cursor: placeOf(page.after),
      }),
    );
    if (!found.ok) return found.error;
    return rowsOf(
      found.value.entries.map((one): JsonRecord => ({ ...one })),
      found.value.next,
    );
  },
});

const requests = list({
  id: 'requests.list',
  path: 'requests',
  permissions: ['requests.read'],
  summary:
    'Lists the records of requests. A page that has looked far enough may be short, or empty, and have a next one.',
  row: requestRecord,
  filters: {
    key: ofKey,
    org: ofOrg,
    outcome: z.string().optional().describe('as in `ok` or `rate_limited`'),
    route: z.string().optional().describe('name of the route that it went by'),
    model: z.string().optional().describe('as it was asked for'),
    since: z.string().optional().describe('a time as in 2026-11-01T00:00:00Z, or 24h'),
    until: z.string().optional().describe('the same'),
    search: z.string().optional().describe('a part of id, model, route, outcome, error, or of the name of its key'),
  },
  sorts: ['-at'],
  example: { id: 'req_0mf3k2v9xexample0000000', outcome: 'ok' },
  async answers({ query, page, principal }, { store, now }) {
    const { outcome, route, model, search } = query;
    const times = spanOf(query, now());
    if ('code' in times) return times;
    const told = toldOf(query, { principal, permission: 'requests.read', store });
    if ('code' in told) return told;
    const found = await store.requests.list(
      compact({ ...times, ...told, limitMax: page.limit, outcome, route, model, search, cursor: placeOf(page.after) }),
    );
    if (!found.ok) return found.error;
    const rows = found.value.records.map((one) => shownTo(principal, store, one));
    return rowsOf(rows, found.value.next);
  },
});

const request = endpoint({
  id: 'requests.get',
  method: 'GET',
  path: 'requests/{id}',
  permissions: ['requests.read'],
  summary: 'Shows the record of a request.',
  answer: requestRecord,
  examples: { answer: { id: 'req_0mf3k2v9xexample0000000', outcome: 'ok' } },
  query: z.strictObject({ key: ofKey }),
  async answers({ id: requestId, query, principal }, { store }) {
    const told = toldOf(query, { principal, permission: 'requests.read', store });
    if ('code' in told) return told;
    const found = await store.requests.get(requestId, readerOf(told));
    if (!found.ok) return found.error;
    return found.value === undefined ? unknown(requestId) : { body: shownTo(principal, store, found.value) };
  },
});

const batches = list({
  id: 'batches.list',
  path: 'batches',
  permissions: ['requests.read'],
  summary: 'Lists batches, whichever key made them.',
  row: batch,
  filters: {
    key: z.string().optional().describe('id of the key that made them'),
    org: ofOrg,
    after: z.string().optional().describe('id of a batch: goes on after it'),
  },
  sorts: ['-created_at'],
  example: {
    id: 'batch_0mf3k2v9xexample0000000',
    key: 'key_0mf3k2v9xexample0000000',
    form: 'openai',
    endpoint: '/v1/chat/completions',
    status: 'completed',
    lines: 2,
    succeeded: 2,
    errored: 0,
    canceled: 0,
    expired: 0,
    created_at: '2026-11-27T08:00:00.000Z',
    expires_at: '2026-11-28T08:00:00.000Z',
    ended_at: '2026-11-27T08:01:00.000Z',
  },
  async answers({ query, page, principal }, { store }) {
    const told = toldOf(query, { principal, permission: 'requests.read', store });
    if ('code' in told) return told;
    const after = page.after?.[1] ?? query.after;
    const found = await store.batches(async (books) =>
      books.listBatches(compact({ ...told, limitMax: page.limit, after })),
    );
    if (!found.ok) return found.error;
    const { rows, hasMore } = found.value;
    const last = rows.at(-1);
    const shown = rows.map(batchRow);
    return hasMore && last !== undefined ? { rows: shown, next: ['', last.id] } : { rows: shown };
  },
});

export const historyEndpoints: readonly Endpoint[] = [audit, requests, request, batches];

/** Of a list that the store numbers: its pages go on after a number. */
function placeOf(mark: Mark | undefined): string | undefined {
  return mark?.[1];
}

function shownTo(principal: Principal, store: Store, stored: JsonRecord): JsonRecord {
  const shown = withUsual(stored);
  return seesAll(principal, store) ? shown : withoutInputs(shown);
}

/** A key's own, where one is named: it is one that may be asked for. */
function readerOf({ keyId, orgId }: Told): RequestReader {
  if (keyId !== undefined) return { id: keyId, isRoot: false };
  return orgId === undefined ? { id: '', isRoot: true } : { orgId };
}

function rowsOf(rows: readonly JsonRecord[], next: string | undefined): Rows {
  return next === undefined ? { rows } : { rows, next: ['', next] };
}

function unknown(id: string): Fault {
  return fault('record-unknown', { id: id.slice(0, 80) });
}
