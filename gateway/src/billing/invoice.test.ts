import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCsv } from '../lib/csv.ts';
import type { InvoiceSum } from '../store/billing-ports.ts';
import { invoiceOf, invoiceRecord, invoicesCsv, monthSpan, type Invoice } from './invoice.ts';
import { invoicePage } from './invoice-page.ts';

const line = (more: Partial<InvoiceSum>): InvoiceSum => ({
  provider: 'openai',
  model: 'gpt-5',
  requests: 1,
  attempts: 2,
  unpriced: 0,
  inputTokens: 10,
  cachedInputTokens: 4,
  outputTokens: 3,
  costNanoUsd: 100n,
  chargeNanoUsd: 130n,
  creditsNanoUsd: 30n,
  ...more,
});
const invoice = (lines: readonly InvoiceSum[], orgName = 'ACME'): Invoice =>
  invoiceOf({
    orgId: 'org_1',
    orgName,
    month: '2026-10',
    timeZone: 'UTC',
    span: { startMs: Date.UTC(2026, 9), endMs: Date.UTC(2026, 10) },
    lines,
  });

describe('a month of an invoice', () => {
  it('begins and ends at the midnights of its time zone', () => {
    const iso = (month: string, zone: string): readonly string[] => {
      const span = monthSpan(month, zone);
      return span === undefined ? [] : [span.startMs, span.endMs].map((atMs) => new Date(atMs).toISOString());
    };
    assert.deepEqual(iso('2026-10', 'UTC'), ['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z']);
    assert.deepEqual(iso('2026-10', 'Europe/Berlin'), ['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z']);
    assert.deepEqual(iso('2028-02', 'Asia/Kolkata'), ['2028-01-31T18:30:00.000Z', '2028-02-29T18:30:00.000Z']);
    assert.deepEqual(iso('2026-12', 'Pacific/Kiritimati'), ['2026-11-30T10:00:00.000Z', '2026-12-31T10:00:00.000Z']);
  });

  it('meets the one after it in every zone, for every month', () => {
    for (const zone of ['America/St_Johns', 'America/Havana', 'Australia/Lord_Howe', 'Africa/Cairo'])
      for (let month = 1; month < 12; month++) {
        const [one, next] = [month, month + 1].map((of) => monthSpan(`2026-${String(of).padStart(2, '0')}`, zone));
        assert.equal(one?.endMs, next?.startMs, `${zone} ${month}`);
      }
  });

  it('is nothing where the text is none', () => {
    for (const text of ['2026', '2026-13', '2026-00', '26-10', '2026-1', '2026-10-01', '0000-01', '9999-12', ''])
      assert.equal(monthSpan(text, 'UTC'), undefined, text);
  });
});

describe('an invoice', () => {
  it('has totals that are the sums of its lines, and leaves to pay what credits have not', () => {
    const { total, dueNanoUsd, number } = invoice([
      line({}),
      line({ costNanoUsd: 3n, chargeNanoUsd: 2n, creditsNanoUsd: 0n, unpriced: 1 }),
    ]);
    assert.deepEqual(
      [total.costNanoUsd, total.chargeNanoUsd, total.creditsNanoUsd, dueNanoUsd],
      [103n, 132n, 30n, 102n],
    );
    assert.deepEqual([total.requests, total.attempts, total.unpriced, number], [2, 4, 1, '2026-10-org_1']);
  });

  it('keeps every nano-dollar in its record', () => {
    const record = invoiceRecord(invoice([line({ costNanoUsd: 123_456_789_012_345_678n, chargeNanoUsd: 1n })]));
    const text = JSON.stringify(record);
    assert.ok(text.includes('"cost_usd":"123456789.012345678"') && text.includes('"charge_usd":"0.000000001"'));
  });

  it('B56 is a table in which no cell is a formula', () => {
    const names = ['=cmd()', '+1', '-1', '@x', '"q",\n'];
    const rows = parseCsv(invoicesCsv(names.map((name) => invoice([line({ model: name, costNanoUsd: 500n })], name))));
    const [head = [], ...cells] = rows;
    assert.equal(cells.length, names.length);
    for (const row of cells) {
      assert.equal(row.length, head.length);
      for (const cell of row) assert.doesNotMatch(cell, /^[=+\-@]/);
    }
    assert.equal(cells[0]?.[head.indexOf('discount_usd')], '0.00000037');
  });

  it('B55 is a page without script, in which names are inert', () => {
    const evil = '<img src=x onerror=alert(1)>"\'&';
    const page = invoicePage(invoice([line({ model: evil })], evil));
    assert.ok(!page.includes('<img') && !/<script|https?:\/\//.test(page));
    assert.ok(page.includes('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;'));
    assert.match(page, /@media print/);
  });
});
