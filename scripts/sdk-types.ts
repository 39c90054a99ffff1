/** sdk/src/admin.generated.ts, written from the table of endpoints: its types from the schemas, a method an endpoint. */
import type { Endpoint } from '../gateway/src/admin/endpoint.ts';
import { querySchema, schemaName, schemasOf } from '../gateway/src/admin/openapi.ts';
import { TABLE } from '../gateway/src/admin/table.ts';
import { asArray, asRecord, asString, type Json, type JsonRecord } from '../gateway/src/lib/json.ts';

const HEAD = `/** The admin API of a Turnout gateway. Made by \`npm run generate\` from gateway/src/admin/table.ts; do not edit. */
import type { Call, CallOptions } from './client.ts';
import type { Pages } from './pages.ts';
`;

export function sdkText(): string {
  const schemas = schemasOf(TABLE);
  // Lists are pages here, and what only points to another type has that one's name.
  const lists = new Set(TABLE.filter(({ row }) => row !== undefined).map((one) => schemaName(one, 'Answer')));
  const types = Object.entries(schemas).flatMap(([name, schema]) =>
    lists.has(name) || schema['$ref'] !== undefined ? [] : [typeText(name, schema)],
  );
  const queries = TABLE.flatMap((one) => (hasQuery(one) ? [queryText(one)] : []));
  const resources = Map.groupBy(TABLE, ({ id }) => id.split('.')[0] ?? id);
  const shape = [...resources].map(([name, all]) => `  readonly ${name}: {\n${all.map(signature).join('\n')}\n  };`);
  const body = [...resources].map(([name, all]) => `    ${name}: {\n${all.map(method).join('\n')}\n    },`);
  return [
    HEAD,
    ...types,
    ...queries,
    `export interface Admin {\n${shape.join('\n')}\n}\n`,
    `const one = (id: string): string => encodeURIComponent(id);\n`,
    `export function adminOf(call: Call): Admin {\n  return {\n${body.join('\n')}\n  };\n}\n`,
  ].join('\n');

  function signature(one: Endpoint): string {
    const result = one.row === undefined ? `Promise<${answerOf(one)}>` : `Pages<${rowOf(one)}>`;
    return `    /** ${one.summary} */\n    ${actionOf(one)}(${parametersOf(one).join(', ')}): ${result};`;
  }

  function answerOf(one: Endpoint): string {
    const name = schemaName(one, 'Answer');
    return refName(schemas[name]?.['$ref']) ?? name;
  }

  function rowOf(one: Endpoint): string {
    const data = asRecord(asRecord(schemas[schemaName(one, 'Answer')]?.['properties'])?.['data']);
    return tsOf(data?.['items']);
  }
}

function actionOf({ id }: Endpoint): string {
  return id.split('.')[1] ?? id;
}

function hasQuery({ query }: Endpoint): boolean {
  return Object.keys(query.shape).length > 0;
}

function queryName(one: Endpoint): string {
  return schemaName(one, 'Body').replace(/Body$/, 'Query');
}

function parametersOf(one: Endpoint): readonly string[] {
  return [
    ...(one.path.includes('{id}') ? ['id: string'] : []),
    ...(one.body === undefined ? [] : [`body: ${schemaName(one, 'Body')}`]),
    ...(hasQuery(one) ? [`query?: ${queryName(one)}`] : []),
    'options?: CallOptions',
  ];
}

function method(one: Endpoint): string {
  const { method: verb, path, body, row } = one;
  const names = [
    ...(path.includes('{id}') ? ['id'] : []),
    ...(body === undefined ? [] : ['body']),
    ...(hasQuery(one) ? ['query = {}'] : []),
    'options = {}',
  ];
  const at = path.includes('{id}') ? `\`/admin/v1/${path.replace('{id}', '${one(id)}')}\`` : `'/admin/v1/${path}'`;
  if (row !== undefined)
    return `      ${actionOf(one)}: (${names.join(', ')}) => call.pages(${at}, { ...query }, options),`;
  const ask = [
    '...options',
    `method: '${verb}'`,
    `path: ${at}`,
    ...(hasQuery(one) ? ['query: { ...query }'] : []),
    ...(body === undefined ? [] : ['body']),
  ];
  return `      ${actionOf(one)}: async (${names.join(', ')}) => call.one({ ${ask.join(', ')} }),`;
}

function typeText(name: string, schema: JsonRecord): string {
  const doc = asString(schema['description']);
  const comment = doc === undefined ? '' : `/** ${doc} */\n`;
  const isPlain = schema['type'] === 'object' && schema['properties'] !== undefined;
  return isPlain
    ? `${comment}export interface ${name} ${tsOf(schema)}\n`
    : `${comment}export type ${name} = ${tsOf(schema)};\n`;
}

function queryText(one: Endpoint): string {
  return `export interface ${queryName(one)} ${tsOf(querySchema(one))}\n`;
}

function refName(ref: Json | undefined): string | undefined {
  return asString(ref)?.split('/').at(-1);
}

/** A JSON Schema as a type of TypeScript. */
function tsOf(given: Json | undefined): string {
  const schema = asRecord(given) ?? {};
  const name = refName(schema['$ref']);
  if (name !== undefined) return name;
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  const values = asArray(schema['enum']);
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' | ');
  const choices = asArray(schema['anyOf']) ?? asArray(schema['oneOf']);
  if (choices !== undefined) return [...new Set(choices.map(tsOf))].join(' | ');
  const types = asArray(schema['type']);
  if (types !== undefined) return types.map((type) => tsOf({ ...schema, type })).join(' | ');
  return tsOfType(schema);
}

function tsOfType(schema: JsonRecord): string {
  switch (schema['type']) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema['type'];
    case 'number':
    case 'integer':
      return 'number';
    case 'array': {
      const items = tsOf(schema['items']);
      return `readonly ${/[ |]/.test(items) ? `(${items})` : items}[]`;
    }
    case 'object':
      return objectText(schema);
    default:
      return 'unknown';
  }
}

function objectText(schema: JsonRecord): string {
  const needed = asArray(schema['required']) ?? [];
  const fields = Object.entries(asRecord(schema['properties']) ?? {}).map(([name, field]) => {
    const doc = asString(asRecord(field)?.['description']);
    const comment = doc === undefined ? '' : `  /** ${doc} */\n`;
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return `${comment}  readonly ${key}${needed.includes(name) ? '' : '?'}: ${tsOf(field)};`;
  });
  const rest = schema['additionalProperties'];
  // What else there is may be of any kind: it must not narrow the fields that have names.
  if (rest !== undefined && rest !== false) fields.push(`  readonly [field: string]: unknown;`);
  return `{\n${fields.join('\n')}\n}`;
}
