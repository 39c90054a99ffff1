import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { scanJson } from './scan.ts';
import { editMembers, splice } from './splice.ts';

const LIMITS = { depthMax: 64, keysMax: 1000, valuesMax: 5000 };

function edited(text: string, changes: Readonly<Record<string, string | undefined>>): string {
  const bytes = Buffer.from(text);
  const scanned = scanJson(bytes, LIMITS);
  assert.ok(scanned.ok);
  return editMembers(bytes, scanned.value, new Map(Object.entries(changes))).toString();
}

describe('splice', () => {
  it('replaces ranges by text of other lengths and leaves the rest', () => {
    const out = splice(Buffer.from('0123456789'), [
      { start: 0, end: 0, text: '<' },
      { start: 2, end: 5, text: 'ü' },
      { start: 5, end: 6, text: '' },
      { start: 10, end: 10, text: '>' },
    ]);
    assert.equal(out.toString(), '<01ü6789>');
  });

  it('refuses edits that overlap', () => {
    const overlap = [
      { start: 2, end: 5, text: '' },
      { start: 4, end: 6, text: '' },
    ];
    assert.throws(() => splice(Buffer.from('0123456789'), overlap), RangeError);
  });
});

describe('editMembers', () => {
  it('keeps every byte that it was not asked to change', () => {
    const text = '{ "model" : "a",\n "n": 9007199254740993, "x": 1.10 , "turnout": {"tags":[]} }';
    assert.equal(
      edited(text, { model: '"provider/b"', turnout: undefined }),
      '{ "model" : "provider/b",\n "n": 9007199254740993, "x": 1.10 }',
    );
    assert.equal(edited(text, { stream: 'true' }), text.replace('{', '{"stream":true,'));
  });

  it('removes and adds where nothing else is left', () => {
    assert.equal(edited('{}', { a: '1', b: '2' }), '{"a":1,"b":2}');
    assert.equal(edited('{ "a": 1 }', { a: undefined }), '{  }');
    assert.equal(edited('{"a":1,"b":2}', { a: undefined, b: undefined, c: '3' }), '{"c":3}');
    assert.equal(edited('{"a":1}', { b: undefined }), '{"a":1}');
  });

  it('does to the text what the same change does to the object', () => {
    const harmless = (value: unknown): boolean => !/__proto__|constructor|prototype/.test(JSON.stringify(value));
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'é"', 'model');
    const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }).filter(harmless), {
      maxKeys: 6,
      noNullPrototype: true,
    });
    const changes = fc.dictionary(key, fc.option(fc.jsonValue({ maxDepth: 1 }).filter(harmless), { nil: undefined }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(object, changes, fc.constantFrom(0, 2), (before, change, indent) => {
        const texts = Object.entries(change).map(([name, value]) => [
          name,
          value === undefined ? undefined : JSON.stringify(value),
        ]);
        const after: Record<string, unknown> = { ...before };
        for (const [name, value] of Object.entries(change)) {
          if (value === undefined) delete after[name];
          else after[name] = value;
        }
        const out = edited(JSON.stringify(before, null, indent), Object.fromEntries(texts));
        assert.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify(after)));
      }),
      { numRuns: 500 },
    );
  });
});
