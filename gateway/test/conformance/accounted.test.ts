/** Every recorded exchange is either replayed through a real gateway, or left out for a reason with a name. Prints the table. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { sharesOf } from './accounted.ts';
import { readIndex } from './recordings.ts';

/** Of the corpus, as its own page says. */
const EXCHANGES = 2663;

describe('every recorded exchange', { skip: corpusSkip('accounted') }, () => {
  const corpus = corpusDir();
  const rows = corpus === undefined ? [] : readIndex(corpus);
  const shares = corpus === undefined ? { suites: [], leftOut: [] } : sharesOf(corpus);
  const accounts = rows.map((row) => ({
    row,
    suites: shares.suites.filter(({ takes }) => takes(row)).map(({ name }) => name),
    reasons: shares.leftOut.filter(({ takes }) => takes(row)).map(({ name }) => name),
  }));

  it('is taken by one suite, or left out for one reason', () => {
    assert.equal(rows.length, EXCHANGES);
    for (const { row, suites, reasons } of accounts)
      assert.equal(
        suites.length + reasons.length,
        1,
        `${row.id} (${row.wire} ${row.operation}): ${[...suites, ...reasons].join('; ') || 'nobody'}`,
      );
  });

  it('has no suite and no reason that nothing needs', () => {
    const needed = new Set(accounts.flatMap(({ suites, reasons }) => [...suites, ...reasons]));
    const names = [...shares.suites, ...shares.leftOut].map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => !needed.has(name)),
      [],
    );
  });

  it('stands in the table', () => {
    const counts = new Map<string, { replayed: number; leftOut: number }>();
    for (const { row, suites } of accounts) {
      const key = `${row.wire.padEnd(28)} ${row.operation}`;
      const count = counts.get(key) ?? { replayed: 0, leftOut: 0 };
      if (suites.length > 0) count.replayed += 1;
      else count.leftOut += 1;
      counts.set(key, count);
    }
    const line = (name: string, replayed: number | string, leftOut: number | string): string =>
      `  ${name.padEnd(50)} ${String(replayed).padStart(8)} ${String(leftOut).padStart(8)}`;
    console.log(line('wire and operation', 'replayed', 'left out'));
    for (const [name, { replayed, leftOut }] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      console.log(line(name, replayed, leftOut));
    const all = accounts.filter(({ suites }) => suites.length > 0).length;
    console.log(line('all', all, rows.length - all));
    for (const { name } of shares.leftOut)
      console.log(`  ${String(accounts.filter(({ reasons }) => reasons.includes(name)).length).padStart(4)} ${name}`);
    assert.equal(
      [...counts.values()].reduce((sum, { replayed, leftOut }) => sum + replayed + leftOut, 0),
      EXCHANGES,
    );
  });
});
