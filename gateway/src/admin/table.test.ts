import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { z } from 'zod';
import { asRecord } from '../lib/json.ts';
import { MAY } from '../people/permissions.ts';
import type { Endpoint } from './endpoint.ts';
import { openapiOf } from './openapi.ts';
import { readBody, readQuery } from './read.ts';
import { TABLE } from './table.ts';

function named(test: (endpoint: Endpoint) => void): void {
  for (const endpoint of TABLE) {
    try {
      test(endpoint);
    } catch (error) {
      throw new Error(`${endpoint.id}: ${String(error)}`, { cause: error });
    }
  }
}

describe('every endpoint of the admin API', () => {
  it('has an id and a place of its own', () => {
    assert.equal(new Set(TABLE.map(({ id }) => id)).size, TABLE.length);
    assert.equal(new Set(TABLE.map(({ method, path }) => `${method} ${path}`)).size, TABLE.length);
    named(({ id, path }) => assert.match(`${id} ${path}`, /^[a-z]+\.[a-z]+ [a-z.]+(\/\{id\}(\/[a-z]+)?)?$/));
  });

  it('names a permission that there is', () => {
    named(({ permissions }) => assert.ok(permissions.length > 0 && permissions.every((one) => one in MAY)));
  });

  it('has examples that its schemas take', () => {
    named(({ answer, body, query, examples }) => {
      const answered = answer.safeParse(examples.answer);
      assert.ok(answered.success, answered.error?.message);
      if (body !== undefined) assert.ok(readBody(body, examples.body ?? {}).ok);
      const asked = new URLSearchParams();
      for (const [name, value] of Object.entries(examples.query ?? {})) asked.set(name, String(value));
      assert.ok(readQuery(query, asked).ok);
    });
  });

  it('refuses a field, and a word of the query, that it does not know, by its name', () => {
    named(({ body, query, examples }) => {
      for (const name of ['spent', 'org_id2', '__proto__x', 'role2']) {
        const given = readBody(body ?? query, { ...examples.body, [name]: 1 });
        assert.deepEqual([given.ok, !given.ok && given.error.param], [false, name]);
        const asked = readQuery(query, new URLSearchParams({ [name]: '1' }));
        assert.deepEqual([asked.ok, !asked.ok && asked.error.param], [false, name]);
      }
    });
  });

  it('says what each of its fields is for', () => {
    named(({ body, query }) => {
      for (const [name, field] of Object.entries({ ...body?.shape, ...query.shape }))
        assert.ok(field instanceof z.ZodType && (field.description ?? '') !== '', name);
    });
  });

  it('is a list with pages, or has one answer', () => {
    named(({ row, query, path, method }) => {
      const words = ['limit', 'cursor', 'sort'].filter((name) => name in query.shape);
      assert.equal(words.length, row === undefined ? 0 : 3);
      if (method === 'GET' && row !== undefined) assert.ok(!path.includes('{id}') || path.split('/').length > 2);
    });
  });
});

describe('the OpenAPI document', () => {
  it('is one, by the schema of OpenAPI 3.1', async () => {
    const document = openapiOf(TABLE);
    const result = await new Validator().validate(structuredClone(document));
    assert.deepEqual([result.valid, result.errors], [true, undefined]);
  });

  it('has every endpoint, and no reference into nothing', () => {
    const document = openapiOf(TABLE);
    const operations = Object.values(asRecord(document['paths']) ?? {}).flatMap((path) =>
      Object.values(asRecord(path) ?? {}).map((one) => asRecord(one)?.['operationId']),
    );
    assert.equal(operations.length, TABLE.length);
    assert.deepEqual(new Set(operations), new Set(TABLE.map(({ id }) => id)));
    const schemas = asRecord(asRecord(document['components'])?.['schemas']) ?? {};
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
      assert.ok(name in schemas, name);
    assert.doesNotMatch(text, /#\/\$defs|"\$schema"/);
  });
});
