import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { asArray, asRecord, isRecord } from '../lib/json.ts';
import type { JsonRecord } from '../lib/json.ts';
import { SCHEMA } from './describe.ts';
import { EXAMPLE, generatedFiles } from './generate.ts';
import { parseConfig } from './load.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Every field of the schema with its path. */
function fields(schema: JsonRecord, path: string): readonly (readonly [string, JsonRecord])[] {
  const below = Object.entries(asRecord(schema['properties']) ?? {}).flatMap(([name, field]) => {
    if (!isRecord(field)) return [];
    const at = path === '' ? name : `${path}.${name}`;
    return [[at, field] as const, ...fields(field, at)];
  });
  const inner = [schema['additionalProperties'], schema['items'], ...(asArray(schema['anyOf']) ?? [])].filter(isRecord);
  return [...below, ...inner.flatMap((field) => fields(field, `${path}[]`))];
}

describe('the files made from the schema', () => {
  for (const { path, text } of generatedFiles()) {
    it(`${path} is fresh (npm run generate)`, () => {
      assert.equal(readFileSync(join(root, path), 'utf8'), text);
    });
  }

  it('are the same each time', () => {
    assert.deepEqual(generatedFiles(), generatedFiles());
  });

  it('tell something about every field', () => {
    const all = fields(SCHEMA, '');
    assert.ok(all.length > 80, `${all.length} fields`);
    const silent = all.filter(([, field]) => typeof field['description'] !== 'string').map(([path]) => path);
    assert.deepEqual(silent, []);
    const page = generatedFiles().find(({ path }) => path.endsWith('.md'))?.text ?? '';
    for (const [path] of all) assert.ok(page.includes(`| \`${path.split('.').at(-1)}\` |`), path);
  });

  it('tell the default of every number', () => {
    const page = generatedFiles().find(({ path }) => path.endsWith('.md'))?.text ?? '';
    assert.match(page, /\| `body_max_bytes` \| a whole number from 1024 to 1073741824 \| `33554432` \(32 MiB\) \|/);
    assert.match(page, /\| `total_ms` \| .* \| `600000` \(600 s\) \|/);
  });

  it('hold an example that is a right configuration, without warnings', () => {
    const known = { providers: ['openai'], doubtAbout: () => undefined };
    const result = parseConfig(EXAMPLE, { file: 'example', env: { OPENAI_API_KEY: 'x' }, known });
    assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.error));
    assert.deepEqual(result.value.warnings, []);
    assert.equal(result.value.config.routes['support']?.strategy, 'weighted');
  });

  it('let an editor accept references to the environment, and hold no marks of ours', () => {
    const text = generatedFiles().find(({ path }) => path.endsWith('.json'))?.text ?? '';
    assert.ok(!text.includes('x-later'));
    assert.match(
      text,
      /"port": \{[^}]*"anyOf": \[\s*\{\s*"type": "integer"[^}]*\},\s*\{\s*"\$ref": "#\/\$defs\/environment"/,
    );
  });
});
