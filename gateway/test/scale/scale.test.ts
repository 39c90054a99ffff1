/**
 * Lists and reports stay fast when there is very much to look through. `TURNOUT_SCALE_ROWS=1000000` is the size that is
 * promised; what it took is told. Without it a twentieth of that, held to the same bound.
 */
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBooks } from '../../src/store/books.ts';
import type { Books } from '../../src/store/books-form.ts';
import type { RequestQuery } from '../../src/store/ports.ts';
import type { UsageByQuery } from '../../src/store/report-ports.ts';
import { FIRST_MS, SPAN_MS, writeMany } from './many-rows.ts';

const ROWS = Number(process.env['TURNOUT_SCALE_ROWS'] ?? 50_000);
const PAGE_MS_MAX = 300;
const SEARCH_MS_MAX = 1000;
/** Each is asked so often. */
const RUNS = 7;

const DAY_MS = 86_400_000;
const END_MS = FIRST_MS + SPAN_MS;

function middleOf(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}

describe(`${ROWS} requests and receipts`, () => {
  let dataDir = '';
  let books: Books;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'turnout-scale-'));
    await (await openBooks({ dataDir, busyMs: 5000 })).close();
    writeMany(dataDir, ROWS);
    books = await openBooks({ dataDir, busyMs: 5000 });
    await books.rebuildUsage();
  });
  after(async () => {
    await books.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /**
   * Median and worst, in milliseconds of processor: SQLite works in this very process, and with its file in memory that is
   * what a page takes on a machine that does nothing else. The clock's is told beside it.
   */
  const timed = async (ask: () => Promise<unknown>): Promise<{ readonly median: number; readonly told: string }> => {
    const times: number[] = [];
    const clock: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const startedMs = performance.now();
      const before = process.cpuUsage();
      await ask();
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
      clock.push(performance.now() - startedMs);
    }
    const text = (all: readonly number[]): string =>
      `${middleOf(all).toFixed(1)} ms, worst ${Math.max(...all).toFixed(1)} ms`;
    return { median: middleOf(times), told: `${text(times)} (by the clock ${text(clock)})` };
  };

  const LISTS: readonly (readonly [name: string, query: Omit<RequestQuery, 'limitMax'>])[] = [
    ['newest', {}],
    ['deep page', { cursor: String(Math.floor(ROWS / 10)) }],
    ['key', { keyId: 'key_7' }],
    ['outcome', { outcome: 'upstream_error' }],
    ['rare outcome', { outcome: 'overloaded' }],
    ['outcome that is not there', { outcome: 'internal' }],
    ['rare route', { route: 'rare' }],
    ['model', { model: 'llama-70b' }],
    ['time', { sinceMs: FIRST_MS + 3 * DAY_MS, untilMs: FIRST_MS + 4 * DAY_MS }],
    ['first hour', { untilMs: FIRST_MS + 3_600_000 }],
    ['organisation', { orgId: 'default' }],
    ['small organisation', { orgId: 'org_small' }],
    ['small organisation, first hour', { orgId: 'org_small', untilMs: FIRST_MS + 3_600_000 }],
    ['tiny organisation and rare outcome', { orgId: 'org_tiny', outcome: 'overloaded' }],
    ['tiny organisation and usual outcome', { orgId: 'org_tiny', outcome: 'ok' }],
    ['organisation that is not there', { orgId: 'org_none', outcome: 'ok', model: 'gpt-5' }],
    ['key and rare outcome', { keyId: 'key_119', outcome: 'overloaded' }],
    [
      'all filters, nothing found',
      { keyId: 'key_7', outcome: 'ok', route: 'rare', model: 'gpt-5', sinceMs: FIRST_MS, untilMs: END_MS },
    ],
    ['model, route and outcome', { model: 'gpt-5', route: 'route-3', outcome: 'invalid' }],
  ];
  for (const [name, query] of LISTS)
    it(`lists by: ${name}`, async (test) => {
      const { median, told } = await timed(async () => books.listRequests({ limitMax: 50, ...query }));
      test.diagnostic(told);
      assert.ok(median < PAGE_MS_MAX, `${median} ms`);
    });

  const SEARCHES = [
    '%%%%%%%%',
    '_',
    '\\',
    "'",
    '"',
    'x'.repeat(10_240),
    'req_00000001',
    'RARE',
    'team 7',
    'nowhere',
    'at some length',
  ];
  for (const orgId of ['default', 'org_small', 'org_tiny'])
    it(`searches an organisation (${orgId})`, async (test) => {
      for (const search of ['nowhere', 'team 7', 'at some length']) {
        const { median, told } = await timed(async () => books.listRequests({ limitMax: 50, search, orgId }));
        test.diagnostic(`${search}: ${told}`);
        assert.ok(median < SEARCH_MS_MAX, `${median} ms`);
      }
    });
  for (const search of SEARCHES)
    it(`searches ${JSON.stringify(search.slice(0, 20))}`, async (test) => {
      const { median, told } = await timed(async () => books.listRequests({ limitMax: 50, search }));
      test.diagnostic(told);
      assert.ok(median < SEARCH_MS_MAX, `${median} ms`);
    });

  const REPORTS: readonly UsageByQuery[] = [
    { by: ['team', 'model'] },
    { by: ['day', 'provider', 'model'] },
    { by: ['key'] },
    { by: ['key', 'model'], orgId: 'org_small' },
    { by: ['end-user'], orgId: 'org_tiny', receiptsMax: 250_000 },
    { by: ['hour'], sinceMs: END_MS - 7 * DAY_MS, untilMs: END_MS },
    { by: ['tag'], sinceMs: END_MS - 7 * DAY_MS, receiptsMax: 250_000 },
    { by: ['end-user'], sinceMs: END_MS - 7 * DAY_MS, receiptsMax: 250_000 },
    { by: ['end-user'], receiptsMax: 250_000 },
  ];
  for (const query of REPORTS)
    it(`reports by ${query.by.join(', ')}${query.sinceMs === undefined ? '' : ' of a week'}`, async (test) => {
      const { median, told } = await timed(async () => books.usageBy({ ...query, groupsMax: 200 }));
      test.diagnostic(told);
      assert.ok(median < PAGE_MS_MAX, `${median} ms`);
    });

  for (const orgId of ['org_small', 'org_tiny', 'org_none'])
    it(`tells the usage of ${orgId}`, async (test) => {
      const { median, told } = await timed(async () => books.usage({ orgId, rowsMax: 200 }));
      test.diagnostic(told);
      assert.ok(median < PAGE_MS_MAX, `${median} ms`);
    });

  it('exports page by page', async (test) => {
    const last = (await books.receiptPage({ limitMax: 1, sinceMs: FIRST_MS + SPAN_MS / 2 })).at(-1);
    assert.ok(last !== undefined);
    const { median, told } = await timed(async () => books.receiptPage({ limitMax: 1000, after: last }));
    test.diagnostic(told);
    assert.ok(median < PAGE_MS_MAX, `${median} ms`);
  });
});
