/** `alerts`: what an operator should know of, and what of it is dealt with. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Principal } from '../people/permissions.ts';
import type { Store } from '../store/ports.ts';
import { ALERT_STATES, type AlertRow } from '../store/report-ports.ts';
import { endpoint, list, type Answer, type Endpoint } from './endpoint.ts';
import { at, record } from './fields.ts';
import { seesAll, toldOf } from './scope.ts';

/** Of a note. */
const NOTE_MAX = 500;

const alert = z
  .strictObject({
    id: z.string(),
    kind: z.string().describe('as in `budget`, `credits-low`, `price-unknown` or `reconciliation`'),
    subject: z.string().describe('what it is about: the id of a purse, a model'),
    threshold: z.number().int().describe('per cent, where it is a threshold; else 0'),
    org: z.string().nullable().describe('whose it is; null: of the whole gateway'),
    state: z.enum(ALERT_STATES),
    at,
    body: record.describe('what is to be known of it'),
    told_at: at.nullable().describe('when somebody was told of it'),
    acked_at: at.nullable(),
    acked_by: z.string().nullable().describe('id of who said that it is dealt with, or `cli`'),
  })
  .meta({
    id: 'Alert',
    description: 'Something that an operator should know of. It is open until it is acknowledged.',
  });

const EXAMPLE = {
  id: '17',
  kind: 'budget',
  subject: 'bud_0mf3k2v9xexample0000000@2026-11-01T00:00:00.000Z',
  threshold: 80,
  org: 'default',
  state: 'open',
  at: '2026-11-27T08:00:00.000Z',
  body: { name: 'support', limit_usd: '100', spent_usd: '80.25', hard: true },
  told_at: null,
  acked_at: null,
  acked_by: null,
};

const alertList = list({
  id: 'alerts.list',
  path: 'alerts',
  permissions: ['alerts.read'],
  summary: 'Lists alerts.',
  row: alert,
  filters: {
    kind: z.string().optional().describe('as in `budget` or `price-unknown`'),
    state: z
      .enum(ALERT_STATES, { error: `it must be one of ${ALERT_STATES.join(', ')}` })
      .optional()
      .describe('`open`: nobody has acknowledged it'),
    org: z.string().optional().describe('id of the organisation whose they are; absent: all that you may see'),
  },
  sorts: ['-at'],
  example: EXAMPLE,
  async answers({ query, page, principal }, { store }) {
    const told = toldOf({ org: query.org }, { principal, permission: 'alerts.read', store });
    if ('code' in told) return told;
    const { kind, state } = query;
    const before = page.after === undefined ? undefined : Number(page.after[1]);
    const asked = compact({ ...told, kind, state, before, limitMax: page.limit });
    const found = await store.reports(async (books) => books.listAlerts(asked));
    if (!found.ok) return found.error;
    const { alerts, next } = found.value;
    const rows = alerts.map(recordOf);
    return next === undefined ? { rows } : { rows, next: ['', String(next)] };
  },
});

const get = endpoint({
  id: 'alerts.get',
  method: 'GET',
  path: 'alerts/{id}',
  permissions: ['alerts.read'],
  summary: 'Shows an alert.',
  isSingle: true,
  answer: alert,
  examples: { answer: EXAMPLE },
  answers: async ({ id, principal }, { store }) => {
    const found = await alertSeen(id, principal, store);
    return 'code' in found ? found : answerOf(found);
  },
});

const acknowledge = endpoint({
  id: 'alerts.acknowledge',
  method: 'POST',
  path: 'alerts/{id}/acknowledge',
  permissions: ['alerts.write'],
  summary: 'Says that an alert is dealt with. Whoever says it again changes nothing.',
  isSingle: true,
  body: z.strictObject({
    note: z.string().max(NOTE_MAX).optional().describe('what was done about it; for the audit log'),
  }),
  answer: alert,
  examples: {
    body: { note: 'raised to 200 USD' },
    answer: { ...EXAMPLE, state: 'acknowledged', acked_at: '2026-11-27T09:00:00.000Z', acked_by: 'root' },
  },
  answers: async ({ id, body, principal }, { store, now }) => {
    const seen = await alertSeen(id, principal, store);
    if ('code' in seen) return seen;
    const deed = { atMs: now(), by: principal.id, note: body.note };
    const acked = await store.reports(async (books) => books.ackAlert(seen.id, deed));
    if (!acked.ok) return acked.error;
    return acked.value === undefined ? unknown(id) : answerOf(acked.value);
  },
});

export const alertEndpoints: readonly Endpoint[] = [alertList, get, acknowledge];

/** Those of the whole gateway are for those who run it; those of another organisation are not there. */
async function alertSeen(id: string, principal: Principal, store: Store): Promise<AlertRow | Fault> {
  if (!/^[1-9]\d{0,14}$/.test(id)) return unknown(id);
  const found = await store.reports(async (books) => books.getAlert(Number(id)));
  if (!found.ok) return found.error;
  const isSeen = seesAll(principal, store) || found.value?.org === principal.orgId;
  return found.value !== undefined && isSeen ? found.value : unknown(id);
}

function answerOf(row: AlertRow): Answer {
  return { body: recordOf(row), revision: `${row.id}.${row.told_at ?? ''}.${row.acked_at ?? ''}` };
}

function recordOf({ id, kind, subject, threshold, org, at: putAt, body, ...rest }: AlertRow): JsonRecord {
  const state: (typeof ALERT_STATES)[number] = rest.acked_at === null ? 'open' : 'acknowledged';
  return { id: String(id), kind, subject, threshold, org, state, at: putAt, body, ...rest };
}

function unknown(id: string): Fault {
  return fault('record-unknown', { id: id.slice(0, 80) });
}
