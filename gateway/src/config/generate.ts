/** The files that are made from the schema: the JSON Schema for editors, and the reference page. */
import type { Json, JsonRecord } from '../lib/json.ts';
import { asArray, asRecord, asString, isArray, isRecord } from '../lib/json.ts';
import { allowedText, knownKeys, laterNames, list, SCHEMA, schemaBelow } from './describe.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1000;

export interface GeneratedFile {
  /** Below the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** All generated files of the configuration; the same schema gives the same bytes. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { path: 'turnout.schema.json', text: `${JSON.stringify(editorSchema(), undefined, 2)}\n` },
    { path: 'docs/reference/config.md', text: referencePage() },
  ];
}

/** The example of the page; a test parses it. */
export const EXAMPLE = `server: {host: 127.0.0.1, port: 8787}
data: ./data

providers:
  openai: {api_key: "\${OPENAI_API_KEY}"}          # a catalog id: the rest comes from the catalog
  openai-eu:                                      # the same provider a second time, elsewhere
    like: openai
    base_url: https://eu.api.openai.com/v1
    api_key: "\${OPENAI_EU_KEY:-}"
    region: eu
    compliance: [gdpr]
  house:                                          # a server of your own
    dialect: openai-chat
    base_url: http://10.0.0.5:8000/v1
    models:
      llama-70b:
        price: {input: 0.2, output: 0.4}          # USD per million tokens
        limits: {context: 131072}

aliases: {fast: openai/gpt-5-mini}

routes:
  support:
    description: The house model first, then two providers by weight
    targets:
      - house/llama-70b
      - {target: openai/gpt-5-mini, weight: 3}
      - {target: openai-eu/gpt-5-mini, weight: 1}
    strategy: weighted
    tiers: [[house/llama-70b], [openai/gpt-5-mini, openai-eu/gpt-5-mini]]
    fallback: {on: [error, rate-limit, timeout], attempts: 3, price_factor_max: 3}
`;

const ENVIRONMENT_REFERENCE: JsonRecord = {
  type: 'string',
  pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}',
  description: 'A reference to the environment: ${NAME} or ${NAME:-default}.',
};
const REFERENCE_POINTER: JsonRecord = { $ref: '#/$defs/environment' };

/** The schema for editors: `${NAME}` may stand in the place of any value, and our own marks are left out. */
function editorSchema(): JsonRecord {
  const { $schema, ...rest } = forEditors(SCHEMA);
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: 'turnout.yaml',
    ...rest,
    $defs: { environment: ENVIRONMENT_REFERENCE },
  };
}

function forEditors(schema: JsonRecord): JsonRecord {
  const made: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key !== 'x-later' && value !== undefined) made[key] = partForEditors(key, value);
  }
  // An empty group (`routes:`) is null to YAML and to an editor.
  if (schema['type'] === 'object') return { ...made, type: ['object', 'null'] };
  if (!isChecked(schema)) return made;
  const { description, default: fallback, ...rules } = made;
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [rules, REFERENCE_POINTER],
  };
}

function partForEditors(key: string, value: Json): Json {
  if (key === 'anyOf' && isArray(value)) return value.filter(isRecord).map(forEditors);
  if (!isRecord(value)) return value;
  if (key === 'properties') return mapped(value);
  return key === 'additionalProperties' || key === 'items' ? forEditors(value) : value;
}

function mapped(properties: JsonRecord): JsonRecord {
  const entries = Object.entries(properties).map(([name, value]) => [
    name,
    isRecord(value) ? forEditors(value) : value,
  ]);
  return Object.fromEntries(entries);
}

/** Scalars with rules that a reference to the environment would break. */
function isChecked(schema: JsonRecord): boolean {
  const type = schema['type'];
  if (type === 'array' || type === undefined) return false;
  return type !== 'string' || schema['pattern'] !== undefined || schema['enum'] !== undefined;
}

const INTRODUCTION = `# turnout.yaml

<!-- Generated from gateway/src/config/schema.ts by \`npm run generate\`. Do not edit. -->

All settings of Turnout stand in one YAML file. \`turnout init\` writes a first one, \`turnout check\` says what is wrong with it,
with line and column. The file is watched: a change that is right takes effect at once, for new requests; a change that is
wrong changes nothing and is reported.

\`\`\`yaml
${EXAMPLE}\`\`\`

## How it is read

- **Every key may be left out**, except where the tables say "needed". An empty file is a valid one.
- **Unknown keys are refused**, and so are duplicate keys, tabs as indentation, tags (\`!…\`), merge keys (\`<<\`) and second documents.
- **The environment** is read inside any text: \`"\${NAME}"\`, or \`"\${NAME:-default}"\` where the variable may be missing or empty.
  Without a default, a missing or empty variable is an error. Write \`$\${\` for the characters \`\${\`. Inside \`{ }\` and \`[ ]\`, YAML needs the quotes.
- **Units** stand at the end of a name: \`_ms\` are milliseconds, \`_bytes\` bytes, \`_tokens\` tokens.
- **Prices** are USD per million tokens (\`request\`, \`image\`, \`second\`, \`character\`, \`search\`: USD apiece). They are read digit by digit, never rounded: plain decimals from 0 to 100000
  with at most 9 decimals; \`0.1\` and \`"0.1"\` are the same. A price that is not known is unknown, never zero.
- **Names**: \`provider/model\` means one provider's model, \`model\` any provider that serves it. Aliases and routes are used like models.
- **Limits**: 1 MiB, 64 levels, 100,000 values after YAML aliases are followed.
`;

interface Section {
  readonly path: string;
  readonly schema: JsonRecord;
}

function referencePage(): string {
  const sections: Section[] = [];
  collect('', SCHEMA, sections);
  return `${INTRODUCTION}\n${sections.map(sectionText).join('\n')}`;
}

/** Each group of keys is a section, outer ones first. */
function collect(path: string, schema: JsonRecord, sections: Section[]): void {
  for (const group of groupsOf(schema)) {
    if (knownKeys(group).length > 0) sections.push({ path, schema: group });
    for (const name of knownKeys(group)) {
      const below = schemaBelow(group, name);
      if (below !== undefined) descend(path === '' ? name : `${path}.${name}`, below, sections);
    }
  }
}

function descend(path: string, schema: JsonRecord, sections: Section[]): void {
  const isTable = groupsOf(schema).some((group) => isRecord(group['additionalProperties']));
  const below = isTable ? schemaBelow(schema, 'any') : schemaBelow(schema, 0);
  if (below !== undefined) descend(isTable ? `${path}.NAME` : `${path}[]`, below, sections);
  if (!isTable) collect(path, schema, sections);
}

function groupsOf(schema: JsonRecord): readonly JsonRecord[] {
  const union = asArray(schema['anyOf'])?.filter(isRecord);
  return union === undefined ? (schema['type'] === 'object' ? [schema] : []) : union.flatMap(groupsOf);
}

function sectionText({ path, schema }: Section): string {
  const depth = path.split('.').length;
  const heading = path === '' ? '## Top level' : `${'#'.repeat(Math.min(2 + Math.floor(depth / 3), 4))} \`${path}\``;
  const required = (asArray(schema['required']) ?? []).map(String);
  const rows = knownKeys(schema).map((name) => {
    const field = schemaBelow(schema, name) ?? {};
    const description = asString(field['description']) ?? '';
    return `| \`${name}\` | ${valueText(field)} | ${defaultText(name, field, required.includes(name))} | ${cell(description)} |`;
  });
  const later = laterNames(schema);
  const lines = [heading, '', '| Key | Value | Default | Meaning |', '| --- | --- | --- | --- |', ...rows, ''];
  if (later.length > 0) lines.push(`Not in this release, and refused: ${list(later)}.`, '');
  return lines.join('\n');
}

function valueText(field: JsonRecord): string {
  const table = groupsOf(field).find((group) => isRecord(group['additionalProperties']));
  const rule = asString(asRecord(table?.['propertyNames'])?.['description']);
  const below = table === undefined ? undefined : schemaBelow(table, 'any');
  const isGroup = groupsOf(field).some((group) => knownKeys(group).length > 0) && asArray(field['anyOf']) === undefined;
  if (below !== undefined && rule !== undefined)
    return cell(`by name: ${knownKeys(below).length > 0 ? 'a group of keys, below' : allowedText(below)}`);
  if (isGroup) return 'a group of keys, below';
  const later = laterNames(field);
  const refused = later.length === 0 ? '' : `. Not in this release: ${list(later)}`;
  return cell(`${allowedText(field) ?? ''}${refused}`);
}

function defaultText(name: string, field: JsonRecord, isRequired: boolean): string {
  if (isRequired) return 'needed';
  const fallback = field['default'];
  if (typeof fallback === 'number') return `\`${fallback}\`${inLargerUnits(name, fallback)}`;
  if (Array.isArray(fallback)) return cell(list(fallback.map(String)));
  return typeof fallback === 'string' || typeof fallback === 'boolean' ? `\`${fallback}\`` : '';
}

/** 33554432 bytes mean nothing to a reader; 32 MiB do. */
function inLargerUnits(name: string, value: number): string {
  if (name.endsWith('_bytes')) return value >= MIB ? ` (${value / MIB} MiB)` : ` (${value / KIB} KiB)`;
  return name.endsWith('_ms') ? ` (${value / SECOND_MS} s)` : '';
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
