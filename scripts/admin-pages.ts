/** docs/reference/admin-api.md and admin-openapi.json, written from the table of endpoints. */
import { openapiOf, schemaName, schemasOf } from '../gateway/src/admin/openapi.ts';
import type { Endpoint } from '../gateway/src/admin/endpoint.ts';
import { TABLE } from '../gateway/src/admin/table.ts';
import { asArray, asRecord, asString, type JsonRecord } from '../gateway/src/lib/json.ts';

const INTRO = `# The admin API

Made by \`npm run generate\` from \`gateway/src/admin/table.ts\`; do not edit. The same as OpenAPI 3.1: [admin-openapi.json](admin-openapi.json), and \`GET /admin/v1/openapi.json\` of a running gateway.
For TypeScript there is a client, made of the same table: \`sdk/\`.

Send \`Authorization: Bearer …\` with the root key, or with a key whose role has the permission that stands beside the endpoint.

- **Errors** are \`{"error": {"message", "type", "param", "code"}}\`; \`param\` is the JSON path of the field at fault. The codes are in [faults.md](faults.md).
- **Fields that are not known are refused by name**, in bodies and in queries.
- **What belongs to another organisation is not there**: 404.
- **Lists** take \`limit\` (1 to 200), \`sort\`, the filters that are named, and some \`q\`, a plain text. They answer \`{data, has_more, next}\`: \`cursor=<next>\` with the same query goes on. A cursor is good for the query that gave it, and for no other.
- **\`ETag\`** is the revision of a single object. \`If-None-Match\` answers 304 while nothing has changed; \`If-Match\` with PATCH and DELETE answers 412 where somebody else was faster.
- **\`Idempotency-Key\`** (up to 255 characters) with a POST: sent again within 24 hours, the same is answered and nothing is done twice. Another body under the same key is 422; while the first is under way it is 409.
`;

export function openapiText(): string {
  return `${JSON.stringify(openapiOf(TABLE), null, 2)}\n`;
}

export function apiPage(): string {
  const resources = Map.groupBy(TABLE, ({ id }) => id.split('.')[0] ?? id);
  const schemas = schemasOf(TABLE);
  const sections = [...resources].map(([name, endpoints]) =>
    [`## ${name}`, ...endpoints.map((one) => sectionOf(one, schemas))].join('\n\n'),
  );
  return [INTRO, ...sections].join('\n').replaceAll(/\n{3,}/g, '\n\n');
}

function sectionOf(one: Endpoint, schemas: Readonly<Record<string, JsonRecord>>): string {
  const { method, path, permissions, summary, query, examples, status } = one;
  const named = (schema: JsonRecord | undefined): string => {
    const name = asString(schema?.['$ref'])?.split('/').at(-1);
    return name === undefined ? '' : ` \`${name}\``;
  };
  return [
    `### ${method} /admin/v1/${path}`,
    `${summary} Permission: ${permissions.map((permission) => `\`${permission}\``).join(' or ')}.`,
    ...fieldsOf(
      'Query',
      Object.entries(query.shape).map(([name, field]) => [name, describedBy(field), false]),
    ),
    ...(one.body === undefined ? [] : fieldsOf('Body', bodyFields(schemas[schemaName(one, 'Body')] ?? {}))),
    ...(examples.body === undefined ? [] : [fence(examples.body)]),
    `Answers ${status}${named(schemas[schemaName(one, 'Answer')])}:`,
    fence(examples.answer),
  ].join('\n\n');
}

type Field = readonly [name: string, text: string, isNeeded: boolean];

function fieldsOf(title: string, fields: readonly Field[]): readonly string[] {
  if (fields.length === 0) return [];
  const rows = fields.map(([name, text, isNeeded]) => `| \`${name}\`${isNeeded ? ' (needed)' : ''} | ${text} |`);
  return [[`| ${title} | |`, '| --- | --- |', ...rows].join('\n')];
}

function bodyFields(schema: JsonRecord): readonly Field[] {
  const needed = asArray(schema['required']) ?? [];
  return Object.entries(asRecord(schema['properties']) ?? {}).map(([name, field]) => [
    name,
    asString(asRecord(field)?.['description']) ?? '',
    needed.includes(name),
  ]);
}

function describedBy(field: unknown): string {
  return typeof field === 'object' && field !== null && 'description' in field ? String(field.description) : '';
}

function fence(value: JsonRecord): string {
  return ['```json', JSON.stringify(value, null, 2), '```'].join('\n');
}
