import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { misfitOf } from './schema.ts';

function said(value: Json, schema: JsonRecord): string | undefined {
  const found = misfitOf(value, schema);
  return found === undefined ? undefined : `${found.path} ${found.must}`;
}

/** Whether a list in it holds an empty list and an empty object. */
function hasBothEmpty(value: Json): boolean {
  if (isArray(value)) {
    const isBoth = value.some((item) => isArray(item) && item.length === 0) && value.some(isEmptyRecord);
    return isBoth || value.some(hasBothEmpty);
  }
  return isRecord(value) && Object.values(value).some((item) => item !== undefined && hasBothEmpty(item));
}

function isEmptyRecord(value: Json): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

describe('a value under a schema', () => {
  it('is told where it does not fit, and what it must be', () => {
    const person: JsonRecord = {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1 },
        age: { type: 'integer', minimum: 0 },
        tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2, uniqueItems: true },
        home: { $ref: '#/$defs/place' },
        'odd name': { const: 1 },
      },
      required: ['name', 'age'],
      additionalProperties: false,
      $defs: { place: { type: ['object', 'null'], properties: { zip: { pattern: '^\\d{5}$' } } } },
    };
    const good = { name: 'Ada', age: 36 };
    const cases: readonly (readonly [Json, string | undefined])[] = [
      [good, undefined],
      [{ ...good, home: null, tags: ['a'] }, undefined],
      [[], '$ be of type object'],
      [{ name: 'Ada' }, '$.age be there'],
      [{ ...good, age: 1.5 }, '$.age be of type integer'],
      [{ ...good, age: -1 }, '$.age be at least 0'],
      [{ ...good, name: '' }, '$.name have a length of at least 1'],
      [{ ...good, tags: ['a', 'c'] }, '$.tags[1] be one of its `enum`'],
      [{ ...good, tags: ['a', 'a'] }, '$.tags hold no item twice'],
      [{ ...good, home: { zip: '1234' } }, '$.home.zip match its `pattern`'],
      [{ ...good, 'odd name': 2 }, '$["odd name"] be its `const`'],
      [{ ...good, secret: 1 }, '$ have no property but those of its schema'],
    ];
    for (const [value, expected] of cases) assert.equal(said(value, person), expected);
  });

  it('says which branch it misses where only one can be meant', () => {
    const either = {
      anyOf: [{ type: 'null' }, { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }],
    };
    assert.equal(said({ n: 'x' }, either), '$.n be of type number');
    assert.equal(said(1, either), '$ fit one of its `anyOf`');
  });

  it('tells no name that is the value’s own', () => {
    const schema = { additionalProperties: { type: 'number' }, patternProperties: { '^x': { type: 'string' } } };
    assert.equal(said({ secret: 'a' }, schema), '$.* be of type number');
    assert.equal(said({ xsecret: 1 }, schema), '$.* be of type string');
    assert.equal(said({ secret: 1 }, { propertyNames: { maxLength: 1 } }), '$.* have a length of at most 1');
  });

  it('ends where a reference leads to itself, and takes nothing for wrong that was not looked at', () => {
    const circle = { $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } } };
    assert.equal(said(1, circle), undefined);
    assert.equal(said(1, { not: { $ref: '#' } }), undefined);
    assert.equal(said(1, { $ref: 'https://elsewhere.example/schema' }), undefined);
  });

  it('follows a schema that holds itself as deep as the value goes', () => {
    const tree = { type: 'object', properties: { next: { $ref: '#' }, n: { type: 'number' } } };
    assert.equal(said({ next: { next: { n: 'x' } } }, tree), '$.next.next.n be of type number');
  });

  it('is bounded in time, whatever the schema', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}` };
        return [`d${index}`, { allOf: [next, next] }];
      }),
    );
    const hostile: readonly (readonly [Json, JsonRecord])[] = [
      [1, { $ref: '#/$defs/d0', $defs: { ...doubling, d60: { type: 'number' } } }],
      [`${'a'.repeat(5000)}!`, { pattern: '^(a+)+$' }],
      [`${'a'.repeat(5000)}!`, { pattern: '(a|a)*b' }],
      ['a'.repeat(5000), { pattern: 'a?'.repeat(60) + 'a'.repeat(60) + '$' }],
      [`${'a'.repeat(50_000)}!`, { pattern: '.*.*.*=.*' }],
      [`${'a'.repeat(50_000)}!`, { pattern: '(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b' }],
      [Array.from({ length: 20_000 }, (_, index) => ({ index })), { uniqueItems: true }],
      [Array.from({ length: 2000 }, () => 'x'.repeat(200)), { items: { pattern: '[a-z]*[a-z]*!' } }],
    ];
    for (const [value, schema] of hostile) {
      const before = performance.now();
      misfitOf(value, schema);
      const tookMs = performance.now() - before;
      // Without a bound each takes minutes, or for ever; a busy machine takes its time for the steps that there are.
      assert.ok(tookMs < 3000, `${JSON.stringify(schema).slice(0, 60)} took ${tookMs} ms`);
    }
  });

  it('is judged as another validator judges it', () => {
    const leaf = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom('', 'a', 'ab', '1'),
      fc.boolean(),
      fc.constant(null),
    );
    const value = fc.letrec<{ node: Json }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const schema = fc.letrec<{ node: JsonRecord | boolean; list: readonly (JsonRecord | boolean)[] }>((tie) => ({
      list: fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
      node: fc.oneof(
        { maxDepth: 3 },
        fc.boolean(),
        fc.record(
          {
            type: fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'boolean', 'null'),
            minimum: fc.integer({ min: -2, max: 2 }),
            maxLength: fc.nat(2),
            minItems: fc.nat(2),
            pattern: fc.constantFrom('^a', 'b$', '[a-z]+', '\\d'),
            required: fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }),
            enum: fc.array(leaf, { minLength: 1, maxLength: 3 }),
            uniqueItems: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
        fc.record(
          {
            properties: fc.dictionary(fc.constantFrom('a', 'b'), tie('node'), { maxKeys: 2 }),
            patternProperties: fc.dictionary(fc.constantFrom('^b', 'c'), tie('node'), { maxKeys: 1 }),
            additionalProperties: tie('node'),
            propertyNames: tie('node'),
            items: tie('node'),
            prefixItems: tie('list'),
            contains: tie('node'),
            allOf: tie('list'),
            anyOf: tie('list'),
            oneOf: tie('list'),
            not: tie('node'),
            if: tie('node'),
            // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema.
            then: tie('node'),
            else: tie('node'),
          },
          { requiredKeys: [] },
        ),
      ),
    })).node;
    fc.assert(
      fc.property(value, schema, (given, judged) => {
        // To it an empty list and an empty object are the same item twice, and to the standard they are not (section 4.2.2).
        fc.pre(!hasBothEmpty(given));
        const expected = new Validator(judged, '2020-12').validate(given).valid;
        assert.equal(misfitOf(given, { allOf: [judged] }) === undefined, expected);
      }),
      { numRuns: 3000 },
    );
  });
});
