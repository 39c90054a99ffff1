/** `usage`: what was spent, an attempt a row. */
import { z } from 'zod';
import { compact, type JsonRecord } from '../lib/json.ts';
import { sinceOf } from '../lib/since.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import { at } from './fields.ts';
import { invalid } from './read.ts';
import { USAGE_DIMENSIONS } from '../store/report-ports.ts';
import { toldOf } from './scope.ts';
import { usageBy } from './usage-by.ts';

/** The newest so many: more would be written in one turn for more than a few milliseconds. `since` finds the others. */
const ROWS_MAX = 5000;

const count = z.number().int().nullable();

const word = z.string().nullable();

const row = z
  .strictObject({
    id: z.string(),
    request_id: z.string(),
    key: z.string(),
    model: z.string(),
    provider: z.string(),
    target: z.string(),
    outcome: z.string(),
    estimated: z.boolean().describe('the tokens are our own count'),
    input_tokens: count,
    cached_input_tokens: count,
    cache_write_tokens: count,
    output_tokens: count,
    reasoning_tokens: count,
    cost_nano_usd: count.describe('null: no price was known'),
    at,
    charge_nano_usd: count.describe('what its owner is charged'),
    org: word,
    team: word,
    user: word,
    end_user: word,
    route: word,
    conversation: word,
    experiment: word,
    tags: z.array(z.string()),
  })
  .meta({ id: 'UsageRow', description: 'One attempt that cost or may have cost something. `null`: not counted.' });

export const usageEndpoints: readonly Endpoint[] = [
  endpoint({
    id: 'usage.get',
    method: 'GET',
    path: 'usage',
    permissions: ['usage.read'],
    summary: `Shows what was spent, oldest first; of the rows the newest ${ROWS_MAX}.`,
    query: z.strictObject({
      since: z.string().optional().describe('a time as in 2026-11-01T00:00:00Z, or 24h'),
      key: z.string().optional().describe('id of the key that asked'),
      rows: z.enum(['true', 'false']).optional().describe('false: the sums only'),
      by: z
        .string()
        .optional()
        .describe(`sums instead of rows, told apart by up to five of ${USAGE_DIMENSIONS.join(', ')}; in whole hours`),
      until: z.string().optional().describe('with `by`: as `since`'),
      org: z
        .string()
        .optional()
        .describe('id of the organisation; absent: your own, or all for those who run the gateway'),
      groups: z.string().optional().describe('with `by`: how many groups are told, 1 to 1000 (200)'),
    }),
    answer: z.strictObject({
      rows: z.array(row).optional(),
      rows_total: z.number().int().optional(),
      total_nano_usd: z.number().int().optional(),
      groups: z.array(z.record(z.string(), z.union([z.string(), z.number()]))).optional(),
      groups_total: z.number().int().optional(),
      total: z.record(z.string(), z.number()).optional(),
      since: z.string().optional(),
      until: z.string().optional(),
    }),
    examples: { query: { since: '24h' }, answer: { rows: [], rows_total: 0, total_nano_usd: 0 } },
    async answers({ query, principal }, { store, now }) {
      const { since } = query;
      const told = toldOf(query, { principal, permission: 'usage.read', store });
      if ('code' in told) return told;
      if (query.by !== undefined) return usageBy(compact({ ...query, ...told, by: query.by }), store, now());
      const sinceMs = since === undefined ? undefined : sinceOf(since, now());
      if (since !== undefined && sinceMs === undefined)
        return invalid('since', 'it must be a time as in 2026-11-01T00:00:00Z or 24h');
      const rowsMax = query.rows === 'false' ? 0 : ROWS_MAX;
      const report = await store.usage(compact({ ...told, sinceMs, rowsMax }));
      if (!report.ok) return report.error;
      const { rows, receipts, total_nano_usd } = report.value;
      return {
        body: {
          rows: rows.map((one): JsonRecord => ({
            ...one,
            cost_nano_usd: one.cost_nano_usd === null ? null : Number(one.cost_nano_usd),
            charge_nano_usd: one.charge_nano_usd === null ? null : Number(one.charge_nano_usd),
          })),
          rows_total: receipts,
          total_nano_usd: Number(total_nano_usd),
        },
      };
    },
  }),
];
