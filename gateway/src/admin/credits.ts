/** `credits`, `refunds` and `balance`: what an organisation has paid in, was given back, and has left. */
import { z } from 'zod';
import { creditsOf, type BookedCredit } from '../billing/credits.ts';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { CreditRow } from '../store/billing-ports.ts';
import { endpoint, list, type Answer, type Endpoint } from './endpoint.ts';
import { at, id, momentOf, msOf, time, usd, usdText } from './fields.ts';
import { orgFor } from './scope.ts';

const credit = z
  .strictObject({
    id,
    org: z.string(),
    kind: z.enum(['top-up', 'gift', 'refund', 'expiry']),
    amount_usd: usdText.describe('US dollars; less than nothing for what was taken back'),
    left_usd: usdText.describe('of a top-up what is left; of a refund what could not be taken'),
    reference: z.string(),
    note: z.string(),
    by: z.string(),
    at,
    expires_at: at.optional(),
  })
  .meta({ id: 'Credit', description: 'Money paid in, or taken back.' });

const balance = z
  .strictObject({
    org: z.string(),
    granted_usd: usdText,
    spent_usd: usdText,
    held_usd: usdText.describe('put aside for requests under way, and in reserve for the next'),
    available_usd: usdText,
    lots: z.array(credit).describe('what has something left, in the order in which it is used'),
  })
  .meta({ id: 'Balance', description: 'What an organisation has left.' });

const ofOrg = z.string().optional().describe('id of the organisation; absent: your own');
const shared = {
  org: z.string().describe('say whose they are: the id of an organisation'),
  amount_usd: usd.describe('US dollars, more than 0'),
  reference: z.string().describe('of the payment: what is sent twice is booked once'),
  note: z.string().optional().describe('one line for people'),
};

const EXAMPLE = {
  id: 'crd_0mf3k2v9xexample0000000',
  org: 'default',
  kind: 'top-up',
  amount_usd: '100',
  left_usd: '87.5',
  reference: 'invoice 2026-117',
  note: '',
  by: 'root',
  at: '2026-11-27T08:00:00.000Z',
};

const history = list({
  id: 'credits.list',
  path: 'credits',
  permissions: ['credits.read'],
  summary: 'Lists what an organisation has paid in and was given back.',
  row: credit,
  filters: { org: ofOrg },
  sorts: ['-at'],
  example: EXAMPLE,
  async answers({ query, page, principal }, { store, now }) {
    const orgId = orgFor(query.org, principal);
    if (typeof orgId !== 'string') return orgId;
    const cursor = page.after?.[1];
    const found = await creditsOf(store.billing, now).history(compact({ orgId, limitMax: page.limit, cursor }));
    if (!found.ok) return found.error;
    const { rows, next } = found.value;
    return next === undefined ? { rows: rows.map(recordOf) } : { rows: rows.map(recordOf), next: ['', next] };
  },
});

const topUp = endpoint({
  id: 'credits.create',
  method: 'POST',
  path: 'credits',
  permissions: ['gateway.credits'],
  summary: 'Books money that was paid in, or a gift.',
  status: 201,
  body: z.strictObject({
    ...shared,
    kind: z.enum(['top-up', 'gift']).optional().describe('`gift` where nobody has paid for it'),
    expires_at: time.optional().describe('when what is left of it goes; absent: never'),
  }),
  answer: credit,
  examples: { body: { org: 'default', amount_usd: '100', reference: 'invoice 2026-117' }, answer: EXAMPLE },
  async answers({ body, principal }, { store, now }) {
    const { kind, note, org: orgId, reference } = body;
    const expiresAtMs = msOf(body.expires_at) ?? undefined;
    const order = compact({ orgId, reference, note, kind, expiresAtMs });
    const amountNanoUsd = parseUsd(String(body.amount_usd)) ?? 0n;
    return booked(await creditsOf(store.billing, now).topUp({ ...order, amountNanoUsd }, principal.id));
  },
});

const refund = endpoint({
  id: 'refunds.create',
  method: 'POST',
  path: 'refunds',
  permissions: ['gateway.credits'],
  summary: 'Takes credits back that are neither spent nor held.',
  status: 201,
  body: z.strictObject({
    ...shared,
    payment: z.string().optional().describe('reference of the top-up that is refunded'),
  }),
  answer: credit,
  examples: {
    body: { org: 'default', amount_usd: '10', reference: 'refund 2026-4', payment: 'invoice 2026-117' },
    answer: { ...EXAMPLE, kind: 'refund', amount_usd: '-10', left_usd: '0', reference: 'refund 2026-4' },
  },
  async answers({ body, principal }, { store, now }) {
    const { note, payment, org: orgId, reference } = body;
    const amountNanoUsd = parseUsd(String(body.amount_usd)) ?? 0n;
    const order = { ...compact({ orgId, reference, note, payment }), amountNanoUsd };
    return booked(await creditsOf(store.billing, now).refund(order, principal.id));
  },
});

const left = endpoint({
  id: 'balance.get',
  method: 'GET',
  path: 'balance',
  permissions: ['credits.read'],
  summary: 'Shows what an organisation has left.',
  query: z.strictObject({ org: ofOrg }),
  answer: balance,
  examples: {
    answer: {
      org: 'default',
      granted_usd: '100',
      spent_usd: '12.5',
      held_usd: '0',
      available_usd: '87.5',
      lots: [EXAMPLE],
    },
  },
  async answers({ query, principal }, { store, now }) {
    const orgId = orgFor(query.org, principal);
    if (typeof orgId !== 'string') return orgId;
    const found = await creditsOf(store.billing, now).balance(orgId);
    if (!found.ok) return found.error;
    if (found.value === undefined) return fault('record-unknown', { id: orgId.slice(0, 80) });
    const { grantedNanoUsd, spentNanoUsd, heldNanoUsd, availableNanoUsd, lots } = found.value;
    return {
      body: {
        org: orgId,
        granted_usd: formatUsd(grantedNanoUsd),
        spent_usd: formatUsd(spentNanoUsd),
        held_usd: formatUsd(heldNanoUsd),
        available_usd: formatUsd(availableNanoUsd),
        lots: lots.map(recordOf),
      },
    };
  },
});

export const creditEndpoints: readonly Endpoint[] = [history, topUp, refund, left];

function booked(result: Result<BookedCredit, Fault>): Answer | Fault {
  return result.ok ? { body: recordOf(result.value.row) } : result.error;
}

function recordOf(row: CreditRow): JsonRecord {
  return compact({
    id: row.id,
    org: row.orgId,
    kind: row.kind,
    amount_usd: formatUsd(row.amountNanoUsd),
    left_usd: formatUsd(row.leftNanoUsd),
    reference: row.reference,
    note: row.note,
    by: row.by,
    at: momentOf(row.atMs),
    expires_at: momentOf(row.expiresAtMs),
  });
}
