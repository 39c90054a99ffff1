/** The OpenAPI document (3.1) of the admin API, made of its table. */
import { z } from 'zod';
import { faults, type FaultCode } from '../chat/fault.ts';
import { asRecord, compact, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import type { Endpoint } from './endpoint.ts';

const BASE = '/admin/v1/';
const SCHEMAS = '#/components/schemas/';

/** What any endpoint may answer, and what some may. */
const ALWAYS: readonly FaultCode[] = ['field-invalid', 'key-unknown', 'not-permitted', 'store-unavailable'];

export function openapiOf(table: readonly Endpoint[]): JsonRecord {
  const schemas = schemasOf(table);
  const paths = new Map<string, Record<string, JsonRecord>>();
  for (const one of table) {
    const path = paths.get(one.path) ?? {};
    path[one.method.toLowerCase()] = operationOf(one);
    paths.set(one.path, path);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Turnout admin API',
      version: '1',
      description:
        'People, keys, money and what the gateway has done. Fields that are not known are refused by name. Lists come in pages; `ETag` and `If-Match` keep one admin from overwriting another; a POST with an `Idempotency-Key` may be sent again.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths: Object.fromEntries([...paths].map(([path, operations]) => [BASE + path, operations])),
    components: {
      schemas: { ...schemas, Error: ERROR },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A key `tk_…`, or the root key.' } },
    },
  };
}

/** As OpenAI's clients read it. */
const ERROR: JsonRecord = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string', description: 'what is wrong, and what to do next' },
        type: { type: 'string' },
        param: { type: ['string', 'null'], description: 'JSON path of the field at fault' },
        code: { type: ['string', 'null'] },
      },
      required: ['message', 'type', 'param', 'code'],
    },
  },
  required: ['error'],
};

/** Name of the schema of an endpoint's body or answer: `KeysCreateBody`. */
export function schemaName({ id }: Endpoint, part: 'Body' | 'Answer'): string {
  return id.split('.').map(capital).join('') + part;
}

function capital(word: string): string {
  return (
    word.charAt(0).toUpperCase() + word.slice(1).replaceAll(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase())
  );
}

/** What may stand in the query of an endpoint, as one object. */
export function querySchema({ query }: Endpoint): JsonRecord {
  return plain(asJson(z.toJSONSchema(query, { io: 'output' })));
}

/** Every schema by its name. Those with an id of their own (`Key`) stand once. */
export function schemasOf(table: readonly Endpoint[]): Readonly<Record<string, JsonRecord>> {
  const bodies = table.flatMap((one) => (one.body === undefined ? [] : [[schemaName(one, 'Body'), one.body] as const]));
  const answers = table.map((one) => [schemaName(one, 'Answer'), one.answer] as const);
  return { ...jsonSchemas(bodies, 'input'), ...jsonSchemas(answers, 'output') };
}

function jsonSchemas(
  named: readonly (readonly [name: string, schema: z.ZodType])[],
  io: 'input' | 'output',
): Readonly<Record<string, JsonRecord>> {
  const made: Record<string, JsonRecord> = {};
  for (const [name, schema] of named) {
    const { $defs, ...whole } = asJson(z.toJSONSchema(schema, { io, target: 'draft-2020-12' }));
    for (const [id, shared] of Object.entries(asRecord($defs) ?? {})) made[id] = plain(asRecord(shared) ?? {});
    // One that has an id is itself, and the endpoint's name only points to it.
    const id = whole['id'];
    if (typeof id === 'string') made[id] = plain(whole);
    made[name] = typeof id === 'string' ? { $ref: SCHEMAS + id } : plain(whole);
  }
  return made;
}

function asJson(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

/** Without what is zod's own, and with references into the document. */
function plain(schema: JsonRecord): JsonRecord {
  const { $schema: _, id: __, ...rest } = schema;
  return asRecord(withReferences(rest)) ?? {};
}

function withReferences(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(withReferences);
  if (!isRecord(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === '$ref' && typeof inner === 'string' ? inner.replace('#/$defs/', SCHEMAS) : withReferences(inner),
    ]),
  );
}

function operationOf(one: Endpoint): JsonRecord {
  const { id, body, status, summary, permissions, examples, isSingle } = one;
  const answer = { schema: { $ref: SCHEMAS + schemaName(one, 'Answer') }, example: examples.answer };
  const tag = id.split('.')[0] ?? id;
  return compact({
    operationId: id,
    tags: [tag],
    summary,
    description: `Permission: ${permissions.map((name) => `\`${name}\``).join(' or ')}.`,
    parameters: parametersOf(one),
    requestBody:
      body === undefined
        ? undefined
        : {
            required: true,
            content: {
              'application/json': compact({
                schema: { $ref: SCHEMAS + schemaName(one, 'Body') },
                example: examples.body,
              }),
            },
          },
    responses: {
      [status]: compact({
        description: summary,
        headers: isSingle && one.method !== 'DELETE' ? { etag: { schema: { type: 'string' } } } : undefined,
        content: { 'application/json': answer },
      }),
      ...(isSingle && one.method === 'GET' ? { 304: { description: 'It is what `If-None-Match` names.' } } : {}),
      ...refusalsOf(one),
    },
  });
}

function refusalsOf({ path, method, isSingle }: Endpoint): JsonRecord {
  const codes: readonly FaultCode[] = [
    ...ALWAYS,
    ...(path.includes('{') ? (['record-unknown'] as const) : []),
    ...(isSingle && method !== 'GET' ? (['revision-old'] as const) : []),
    ...(method === 'POST' ? (['idempotency-running', 'idempotency-other'] as const) : []),
  ];
  return Object.fromEntries(
    codes.map((code) => [
      faults[code].status,
      {
        description: faults[code].text,
        content: { 'application/json': { schema: { $ref: `${SCHEMAS}Error` } } },
      },
    ]),
  );
}

function parametersOf({ path, query, method, isSingle }: Endpoint): readonly JsonRecord[] {
  const text = { type: 'string' };
  const header = (name: string, description: string): JsonRecord => ({ name, in: 'header', description, schema: text });
  return [
    ...(path.includes('{id}') ? [{ name: 'id', in: 'path', required: true, schema: text }] : []),
    ...Object.entries(query.shape).map(([name, field]) => queryParameter(name, field)),
    ...(isSingle && method === 'GET' ? [header('If-None-Match', 'An `ETag`: 304 while it is that.')] : []),
    ...(isSingle && method !== 'GET' ? [header('If-Match', 'An `ETag`: 412 where it is another one by now.')] : []),
    ...(method === 'POST'
      ? [header('Idempotency-Key', 'Up to 255 characters: sent again, the same is answered for 24 hours.')]
      : []),
  ];
}

function queryParameter(name: string, field: unknown): JsonRecord {
  if (!(field instanceof z.ZodType)) throw new Error(`${name} is no schema`);
  const { description, ...schema } = plain(asJson(z.toJSONSchema(field, { io: 'output' })));
  return compact({ name, in: 'query', description, schema });
}
