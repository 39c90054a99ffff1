import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cursorsWith } from './cursors.ts';
import { pageOf, type Mark } from './lists.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly age: number;
}

const LISTED = {
  idOf: (row: Row) => row.id,
  columns: { name: (row: Row) => row.name, age: (row: Row) => row.age },
  searched: (row: Row) => [row.name],
};

const rows = fc.uniqueArray(
  fc.record({ id: fc.uuid(), name: fc.constantFrom('a', 'B', 'b', 'c%', '_', '\\'), age: fc.nat(3) }),
  { selector: (row) => row.id, maxLength: 40 },
);

describe('pages of a list', () => {
  it('hold every row once, in order, whatever their length', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('name', 'age'),
        fc.boolean(),
        (all, limit, sort, isDescending) => {
          const seen: Row[] = [];
          let after: Mark | undefined;
          do {
            const page = pageOf(all, { limit, sort, isDescending, ...(after === undefined ? {} : { after }) }, LISTED);
            assert.ok(page.rows.length === limit || page.next === undefined);
            seen.push(...page.rows);
            after = page.next;
          } while (after !== undefined);
          assert.equal(seen.length, all.length);
          assert.equal(new Set(seen.map(({ id }) => id)).size, all.length);
          const values = seen.map((row) => (sort === 'age' ? row.age : (row.name.codePointAt(0) ?? 0)));
          assert.deepEqual(
            values,
            values.toSorted((a, b) => (isDescending ? b - a : a - b)),
          );
        },
      ),
    );
  });

  it('find plain text, and no sign of it means anything', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom('%', '_', '\\', "'", 'B', '%%%%%%%%'), (all, q) => {
        const page = pageOf(all, { limit: 200, sort: 'name', isDescending: false, q }, LISTED);
        const wanted = all.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
        assert.equal(page.rows.length, wanted.length);
      }),
    );
  });
});

describe('a cursor', () => {
  const cursors = cursorsWith(Buffer.from('secret'));
  const marks = fc.tuple(fc.oneof(fc.string(), fc.integer()), fc.string());

  it('gives back the place that it was made of, for the same list only', () => {
    fc.assert(
      fc.property(marks, fc.string(), fc.string(), (mark, scope, other) => {
        const cursor = cursors.seal(mark, scope);
        assert.deepEqual(cursors.open(cursor, scope), mark);
        if (other !== scope) assert.equal(cursors.open(cursor, other), undefined);
        assert.equal(cursorsWith(Buffer.from('another')).open(cursor, scope), undefined);
      }),
    );
  });

  it('is refused where any letter of it is another one', () => {
    fc.assert(
      fc.property(
        marks,
        fc.nat(),
        fc.constantFrom('A', 'Z', 'a', 'z', '0', '9', '-', '_', '.', '='),
        (mark, at, letter) => {
          const cursor = cursors.seal(mark, 'list');
          const place = at % cursor.length;
          const tampered = cursor.slice(0, place) + letter + cursor.slice(place + 1);
          if (tampered !== cursor) assert.equal(cursors.open(tampered, 'list'), undefined, tampered);
        },
      ),
    );
  });

  it('is refused where it is any text', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(cursors.open(text, 'list'), undefined)));
  });
});
