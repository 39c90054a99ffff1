import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Findings } from './findings.ts';
import { initCommand, starterConfig } from './init.ts';
import type { CommandIo } from './io.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'sk-this-must-not-be-written-1234567890';
const FOUND: Findings = {
  envKeys: [
    { provider: 'openai', env: 'OPENAI_API_KEY' },
    { provider: 'anthropic', env: 'ANTHROPIC_API_KEY' },
  ],
  locals: [
    { provider: 'ollama', url: 'http://127.0.0.1:11434/v1', models: ['llama3.2:3b', '__proto__', 'with space'] },
  ],
};

function parsed(text: string, env: Readonly<Record<string, string>> = {}): Config {
  const result = parseConfig(text, { file: 'turnout.yaml', env });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.error));
  assert.deepEqual(result.value.warnings, []);
  return result.value.config;
}

async function init(
  args: readonly string[],
  found: Findings = FOUND,
  rest: Partial<CommandIo> = {},
): Promise<{ code: number; out: string; errors: string }> {
  let out = '';
  let errors = '';
  const io: CommandIo = {
    stdout: (text) => void (out += text),
    stderr: (text) => void (errors += text),
    env: { OPENAI_API_KEY: SECRET, ANTHROPIC_API_KEY: SECRET },
    cwd: folder,
    isTerminal: false,
    ...rest,
  };
  const code = await initCommand(args, io, found);
  return { code, out, errors };
}

describe('starterConfig', () => {
  it('is a right configuration, without warnings, with what was found', () => {
    const config = parsed(starterConfig(FOUND), { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b' });
    assert.deepEqual(Object.keys(config.providers), ['openai', 'anthropic', 'ollama']);
    assert.deepEqual(config.providers['openai']?.api_key, [{ key: 'a', weight: 1 }]);
    assert.equal(config.providers['ollama']?.base_url, 'http://127.0.0.1:11434/v1');
    assert.equal(config.providers['ollama']?.dialect, 'openai-chat');
    assert.deepEqual(Object.keys(config.providers['ollama']?.models ?? {}), ['llama3.2:3b']);
  });

  it('sets nothing but defaults where nothing was found', () => {
    assert.deepEqual(parsed(starterConfig({ envKeys: [], locals: [] })), parsed(''));
  });

  it('is right also with its examples taken out of the comments', () => {
    const text = starterConfig({ envKeys: [], locals: [] })
      .replaceAll(/: \{\}$/gm, ':')
      .replaceAll(/^# {2,}/gm, (indent) => indent.slice(1));
    const config = parsed(text, { OPENAI_API_KEY: 'x' });
    assert.deepEqual(Object.keys(config.providers), ['openai', 'house']);
    assert.deepEqual(Object.keys(config.aliases), ['fast']);
    assert.equal(config.routes['support']?.targets?.length, 2);
  });

  it('names a schema only where there is one', () => {
    assert.match(
      starterConfig({ ...FOUND, schemaPath: './turnout.schema.json' }),
      /^# yaml-language-server: \$schema=\.\/turnout\.schema\.json\n/,
    );
    assert.ok(!starterConfig(FOUND).includes('$schema'));
  });

  it('stays right whatever a local server calls its models', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 })), (models) => {
        parsed(starterConfig({ envKeys: [], locals: [{ provider: 'ollama', url: 'http://127.0.0.1:1/v1', models }] }));
      }),
      { numRuns: 30 },
    );
  });
});

describe('turnout init', () => {
  it('writes the file, and no secret into it or onto the screen', async () => {
    const { code, out, errors } = await init([]);
    assert.equal(code, 0, errors);
    const text = readFileSync(join(folder, 'turnout.yaml'), 'utf8');
    assert.equal(text, starterConfig(FOUND));
    assert.ok(!`${text}${out}${errors}`.includes(SECRET));
    assert.match(out, /providers openai, anthropic, ollama/);
    assert.deepEqual(readdirSync(folder), ['turnout.yaml']);
  });

  it('leaves an existing file alone', async () => {
    writeFileSync(join(folder, 'turnout.yaml'), 'attempts: 7\n');
    const { code, errors } = await init([]);
    assert.equal(code, 1);
    assert.match(errors, /is there already.*--force/);
    assert.equal(readFileSync(join(folder, 'turnout.yaml'), 'utf8'), 'attempts: 7\n');
  });

  it('replaces it with --force, or when a person says yes', async () => {
    writeFileSync(join(folder, 'turnout.yaml'), 'attempts: 7\n');
    assert.equal((await init(['--force'])).code, 0);
    assert.equal(readFileSync(join(folder, 'turnout.yaml'), 'utf8'), starterConfig(FOUND));
    writeFileSync(join(folder, 'turnout.yaml'), 'attempts: 7\n');
    assert.equal((await init([], FOUND, { confirm: () => Promise.resolve(false) })).code, 1);
    assert.equal((await init([], FOUND, { confirm: () => Promise.resolve(true) })).code, 0);
    assert.equal(readFileSync(join(folder, 'turnout.yaml'), 'utf8'), starterConfig(FOUND));
  });

  it('points an editor at the schema that lies beside the file', async () => {
    writeFileSync(join(folder, 'turnout.schema.json'), '{}');
    await init(['mine.yaml']);
    assert.match(
      readFileSync(join(folder, 'mine.yaml'), 'utf8'),
      /^# yaml-language-server: \$schema=\.\/turnout\.schema\.json\n/,
    );
  });

  it('says why it cannot write', async () => {
    const { code, errors } = await init(['no/such/folder/turnout.yaml']);
    assert.equal(code, 1);
    assert.match(errors, /cannot be written: ENOENT/);
  });

  it('does not guess at options that it does not have', async () => {
    assert.equal((await init(['--overwrite'])).code, 2);
    assert.deepEqual(readdirSync(folder), []);
  });
});
