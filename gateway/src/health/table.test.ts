import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Table } from './table.ts';

describe('a table', () => {
  it('forgets what was not used for the longest time', () => {
    const table = new Table(2, (name) => ({ name }));
    const first = table.use('a');
    table.use('b');
    assert.equal(table.use('a'), first);
    table.get('b');
    table.use('c');
    assert.deepEqual(
      table.entries().map(([name]) => name),
      ['a', 'c'],
    );
    assert.equal(table.get('b'), undefined);
    assert.equal(table.use('c'), table.get('c'));
  });

  it('never holds more than it may', () => {
    const table = new Table(100, (name) => name);
    for (let count = 0; count < 1000; count += 1) {
      table.use(`n${count}`);
      table.use('often');
      assert.ok(table.entries().length <= 100);
      assert.equal(table.get('often'), 'often');
    }
  });
});
