import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonRecord } from '../../lib/json.ts';
import { fitSchema, isStrictSchema, toolSchema } from './schema.ts';

describe('schemas for the Messages API', () => {
  it('closes every object and moves what is not compiled into descriptions', () => {
    const { schema, moved } = fitSchema({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        email: { type: 'string', format: 'email', maxLength: 9, description: 'an address' },
        list: { type: 'array', items: { type: 'object', properties: {} }, minItems: 1 },
        either: { oneOf: [{ type: 'string', pattern: 'a' }, { $ref: '#/$defs/d' }] },
      },
      $defs: { d: { type: ['object', 'null'], additionalProperties: { type: 'string' } } },
      required: ['email'],
    });
    assert.deepEqual(schema, {
      type: 'object',
      properties: {
        email: { type: 'string', format: 'email', description: 'an address\n\n{maxLength: 9}' },
        list: { type: 'array', items: { type: 'object', properties: {}, additionalProperties: false }, minItems: 1 },
        either: { anyOf: [{ type: 'string', description: '{pattern: "a"}' }, { $ref: '#/$defs/d' }] },
      },
      $defs: {
        d: {
          type: ['object', 'null'],
          additionalProperties: false,
          description: '{additionalProperties: {"type":"string"}}',
        },
      },
      required: ['email'],
      additionalProperties: false,
    });
    assert.deepEqual(moved, ['maxLength', 'pattern', 'additionalProperties']);
  });

  it('leaves a schema that compiles as it is', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'integer' } },
      required: ['a'],
      additionalProperties: false,
    };
    assert.deepEqual(fitSchema(schema), { schema, moved: [] });
    assert.equal(isStrictSchema(schema), true);
    assert.equal(isStrictSchema({ ...schema, properties: { a: { type: 'integer', minimum: 0 } } }), false);
    assert.equal(isStrictSchema({ type: 'object', properties: {} }), false);
  });

  it('gives tools an object at the top', () => {
    assert.deepEqual(toolSchema(undefined).schema, { type: 'object', properties: {} });
    assert.deepEqual(toolSchema({ properties: { a: {} } }), {
      schema: { type: 'object', properties: { a: {} } },
      moved: [],
    });
    assert.deepEqual(toolSchema({ anyOf: [{ required: ['a'] }], description: 'd' }), {
      schema: { type: 'object', description: 'd\n\n{anyOf: [{"required":["a"]}]}' },
      moved: ['anyOf'],
    });
    assert.deepEqual(toolSchema({ type: 'string' }), { schema: { type: 'object' }, moved: ['type'] });
  });

  it('does not follow a schema into the deep', () => {
    let deep: JsonRecord = { type: 'string' };
    for (let level = 0; level < 500; level += 1) deep = { type: 'array', items: deep };
    assert.doesNotThrow(() => fitSchema(deep));
  });
});
