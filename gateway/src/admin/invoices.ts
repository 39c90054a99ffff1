/** `invoices`: what an organisation is charged for a month, line by line. */
import { z } from 'zod';
import { invoiceRecord } from '../billing/invoice.ts';
import { invoicesFor } from '../billing/invoices.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import { at, usdText } from './fields.ts';
import { orgFor } from './scope.ts';

const amounts = {
  requests: z.int(),
  attempts: z.int(),
  unpriced: z.int().describe('attempts whose price is not known: they are not in the sums'),
  input_tokens: z.int(),
  cached_input_tokens: z.int(),
  output_tokens: z.int(),
  cost_usd: usdText,
  markup_usd: usdText.describe('what the plan adds; less than nothing where it takes off'),
  charge_usd: usdText,
  credits_usd: usdText.describe('of the charge what credits have paid'),
};

const invoice = z
  .strictObject({
    number: z.string(),
    org: z.string(),
    name: z.string(),
    month: z.string(),
    time_zone: z.string(),
    from: at,
    to: at.describe('the first moment after it'),
    lines: z.array(z.strictObject({ provider: z.string(), model: z.string(), ...amounts })),
    total: z.strictObject(amounts),
    due_usd: usdText,
  })
  .meta({ id: 'Invoice', description: 'A month of an organisation. Its sums are those of the ledger.' });

const AMOUNTS = {
  requests: 12,
  attempts: 13,
  unpriced: 0,
  input_tokens: 4200,
  cached_input_tokens: 0,
  output_tokens: 900,
  cost_usd: '0.0141',
  markup_usd: '0.00141',
  charge_usd: '0.01551',
  credits_usd: '0',
};

export const invoiceEndpoints: readonly Endpoint[] = [
  endpoint({
    id: 'invoices.get',
    method: 'GET',
    path: 'invoices',
    permissions: ['invoices.read'],
    summary: 'Shows what an organisation is charged for a month.',
    query: z.strictObject({
      month: z.string().optional().describe('as in 2026-10; absent: the one before this'),
      org: z.string().optional().describe('id of the organisation; absent: your own'),
    }),
    answer: invoice,
    examples: {
      query: { month: '2026-10' },
      answer: {
        number: 'default-2026-10',
        org: 'default',
        name: 'Default',
        month: '2026-10',
        time_zone: 'UTC',
        from: '2026-10-01T00:00:00.000Z',
        to: '2026-11-01T00:00:00.000Z',
        lines: [{ provider: 'openai', model: 'gpt-5-mini', ...AMOUNTS }],
        total: AMOUNTS,
        due_usd: '0.01551',
      },
    },
    async answers({ query, principal }, { store, now }) {
      const orgId = orgFor(query.org, principal);
      if (typeof orgId !== 'string') return orgId;
      const found = await invoicesFor({ month: query.month ?? monthBefore(now()), orgId }, store.billing);
      if (!found.ok) return found.error;
      const [first] = found.value;
      return { body: first === undefined ? {} : invoiceRecord(first) };
    },
  }),
];

/** `2026-10`, UTC. */
function monthBefore(nowMs: number): string {
  const now = new Date(nowMs);
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1)).toISOString().slice(0, 7);
}
