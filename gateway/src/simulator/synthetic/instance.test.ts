import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import type { Json } from '../../lib/json.ts';
import { diceOf } from './dice.ts';
import { instanceOf } from './instance.ts';
import { sampleOf } from './pattern.ts';

/** Judged by another's reading of JSON Schema, not by ours. */
function assertValid(schema: Json, value: Json): void {
  // Zod types its argument more narrowly than JSON: through text it is anything.
  const parsed = z.fromJSONSchema(JSON.parse(JSON.stringify(schema))).safeParse(value);
  assert.ok(
    parsed.success,
    `${JSON.stringify(value)} does not fit ${JSON.stringify(schema)}: ${parsed.error?.message ?? ''}`,
  );
}

const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: 'null' }),
  fc.constant({ type: ['string', 'null'] }),
  fc.record({ type: fc.constant('string'), minLength: fc.nat(20) }),
  fc.nat(20).map((n) => ({ type: 'string', minLength: n, maxLength: n + 3 })),
  fc.constantFrom('email', 'uuid', 'date-time', 'date', 'ipv4', 'uri').map((format) => ({ type: 'string', format })),
  fc.array(fc.string(), { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
  fc.integer({ min: -50, max: 50 }).map((value) => ({ const: value })),
  fc
    .tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(50))
    .map(([low, span]) => ({ type: 'integer', minimum: low, maximum: low + span })),
  fc
    .tuple(fc.integer({ min: -10, max: 10 }), fc.integer({ min: 2, max: 9 }))
    .map(([low, step]) => ({ type: 'integer', minimum: low, multipleOf: step })),
  fc.tuple(fc.integer({ min: -10, max: 10 }), fc.integer({ min: 1, max: 9 })).map(([low, span]) => ({
    type: 'number',
    exclusiveMinimum: low,
    exclusiveMaximum: low + span,
  })),
);

const schemas = fc.letrec<{ schema: Json }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc
      .tuple(fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie('schema'), { maxKeys: 4 }), fc.boolean())
      .map(([properties, isClosed]) => ({
        type: 'object',
        properties,
        required: Object.keys(properties),
        ...(isClosed ? { additionalProperties: false } : {}),
      })),
    fc
      .tuple(tie('schema'), fc.nat(3))
      .map(([items, least]) => ({ type: 'array', items, minItems: least, maxItems: least + 2 })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
})).schema;

describe('a value made for a schema', () => {
  it('fits it', () => {
    fc.assert(
      fc.property(schemas, fc.string(), (schema, seed) => assertValid(schema, instanceOf(schema, diceOf(seed)))),
      { numRuns: 300 },
    );
  });

  it('is the same for the same seed', () => {
    fc.assert(
      fc.property(schemas, fc.string(), (schema, seed) => {
        assert.deepEqual(instanceOf(schema, diceOf(seed)), instanceOf(schema, diceOf(seed)));
      }),
    );
  });

  const tree = {
    $defs: {
      node: {
        type: 'object',
        properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['name', 'children'],
        additionalProperties: false,
      },
    },
    $ref: '#/$defs/node',
  };
  const list = {
    type: 'object',
    properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
    required: ['value', 'next'],
  };
  for (const [name, schema] of Object.entries({ tree, list })) {
    it(`ends where the schema calls itself: ${name}`, () => {
      for (let seed = 0; seed < 50; seed += 1) assertValid(schema, instanceOf(schema, diceOf(String(seed))));
    });
  }

  it('goes into what it may leave out only a few levels deep', () => {
    const schema = { type: 'object', properties: { next: { $ref: '#' }, other: { $ref: '#' } } };
    const text = JSON.stringify(instanceOf(schema, diceOf('x')));
    assert.match(text, /"next":\{"next":/);
    assert.ok(text.length < 1_000, `${text.length} characters`);
  });

  it('takes allOf together', () => {
    const schema = {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
        { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] },
      ],
    };
    assertValid(schema, instanceOf(schema, diceOf('x')));
  });

  it('has distinct items where the schema wants them', () => {
    const schema = { type: 'array', items: { enum: ['a', 'b', 'c'] }, uniqueItems: true, minItems: 3 };
    const made = instanceOf(schema, diceOf('x'));
    assert.deepEqual(new Set(Array.isArray(made) ? made : []), new Set(['a', 'b', 'c']));
  });

  it("reads Gemini's form: capitals, nullable, counts as text", () => {
    const schema = {
      type: 'OBJECT',
      properties: {
        names: { type: 'ARRAY', items: { type: 'STRING' }, minItems: '4', maxItems: '4' },
        age: { type: 'INTEGER', nullable: true },
      },
      required: ['names', 'age'],
    };
    const made = instanceOf(schema, diceOf('x'));
    assert.deepEqual(
      JSON.stringify(made)
        .replaceAll(/"[a-z ]+"(?=[,\]])/g, '""')
        .replaceAll(/\d+/g, '1'),
      '{"names":["","","",""],"age":1}',
    );
  });

  it('stays bounded whatever the schema asks', () => {
    const greedy: Json[] = [
      { type: 'array', items: { type: 'array', items: { type: 'string' }, minItems: 1e9 }, minItems: 1e9 },
      { type: 'string', minLength: 1e9 },
      { type: 'object', minProperties: 1e9 },
      { $ref: '#' },
      { allOf: [{ $ref: '#' }] },
      { type: 'object', properties: { a: { $ref: '#' }, b: { $ref: '#' } }, required: ['a', 'b'] },
    ];
    for (const schema of greedy) assert.ok(JSON.stringify(instanceOf(schema, diceOf('x'))).length < 200_000);
  });

  it('treats __proto__ as a name like others', () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"const":1}},"required":["__proto__"]}');
    assert.equal(JSON.stringify(instanceOf(schema, diceOf('x'))), '{"__proto__":1}');
  });
});

describe('a text made for a pattern', () => {
  const patterns = [
    '^[a-z]{3}-\\d{4}$',
    '^\\+?[1-9]\\d{1,14}$',
    '^(red|green|blue)$',
    '^([0-9a-f]{8})-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$',
    '^[^\\s@]+@[^\\s@]+\\.[^\\s@]{2,}$',
    '^\\w+(\\.\\w+)*$',
    '^[A-Z][A-Za-z0-9_-]*?$',
    '^(?<year>\\d{4})/(0[1-9]|1[0-2])$',
    'a.c',
    '^\\$\\d+\\.\\d{2}$',
    '^[\\w.-]+$',
  ];
  for (const pattern of patterns) {
    it(`fits ${pattern}`, () => {
      for (let seed = 0; seed < 30; seed += 1) {
        const text = sampleOf(pattern, diceOf(String(seed)));
        assert.match(text ?? 'none made', new RegExp(pattern));
      }
    });
  }

  for (const pattern of [
    '(?=x)y',
    '(a)\\1',
    '\\p{L}+',
    '[z',
    '(a',
    'a)',
    '*a',
    `${'('.repeat(100)}${')'.repeat(100)}`,
  ]) {
    it(`is not made for ${pattern.slice(0, 12)}`, () => assert.equal(sampleOf(pattern, diceOf('x')), undefined));
  }

  it('stays short', () => {
    const text = sampleOf('^((((a{1000}){1000}){1000}){1000})$', diceOf('x')) ?? '';
    assert.ok(text.length <= 1_000 && text.length > 0);
  });

  it('never fails on any text', () => {
    fc.assert(fc.property(fc.string(), (pattern) => void sampleOf(pattern, diceOf('x'))));
  });
});
