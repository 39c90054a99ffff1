import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { explainCommand } from './explain.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-explain-'));
  const row = (id: string): string =>
    `  ${id}: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1", models: {m: {}}}\n`;
  writeFileSync(join(folder, 'turnout.yaml'), `providers:\n${row('one')}${row('two')}`);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function explained(
  args: readonly string[],
  body?: JsonRecord,
): Promise<{ readonly code: number; readonly out: JsonRecord; readonly errors: string }> {
  let out = '';
  let errors = '';
  const file = join(folder, 'body.json');
  if (body !== undefined) writeFileSync(file, JSON.stringify(body));
  const io = {
    stdout: (text: string) => void (out += text),
    stderr: (text: string) => void (errors += text),
    env: {},
    cwd: folder,
    isTerminal: false,
  };
  const code = await explainCommand([...args, '--json', ...(body === undefined ? [] : ['--body', file])], io);
  return { code, out: asRecord(parseJson(out)) ?? {}, errors };
}

describe('turnout explain', () => {
  const asked: readonly (readonly [operation: string, body: JsonRecord, wire: string])[] = [
    ['chat', { messages: [{ role: 'user', content: 'hi' }] }, 'openai-chat'],
    ['embeddings', { input: 'hi' }, 'openai-embeddings'],
    ['/v2/rerank', { query: 'q', documents: ['a'] }, 'jina-rerank'],
    ['images', { prompt: 'a cat' }, 'openai-images'],
    ['speech', { input: 'hi', voice: 'alloy' }, 'openai-speech'],
  ];
  for (const [operation, body, wire] of asked) {
    it(`plans ${operation} for a body`, async () => {
      const { code, out } = await explained(['--operation', operation], { model: 'm', ...body });
      assert.equal(code, 0, JSON.stringify(out));
      const steps = (asArray(out['plan']) ?? []).map(asRecord);
      const shown = steps.map((step) => `${String(step?.['target'])} in ${String(step?.['protocol'])}`);
      // Which of two alike is first, chance decides.
      assert.deepEqual(shown.toSorted(), [`one/m in ${wire}`, `two/m in ${wire}`]);
    });
  }

  it('says what is wrong with a body, as the request itself would be told', async () => {
    const { code, out } = await explained(['--operation', 'embeddings'], { model: 'm', input: [] });
    assert.equal(code, 1);
    assert.match(String(out['error']), /`input`/);
  });

  it('knows no other operation, and makes up no body of one', async () => {
    const unknown = await explained(['--operation', 'divination'], { model: 'm' });
    assert.equal(unknown.code, 2);
    assert.match(unknown.errors, /--operation must be chat, embeddings, rerank/);
    const bare = await explained(['m', '--operation', 'embeddings']);
    assert.equal(bare.code, 2);
    assert.match(bare.errors, /--body FILE/);
  });
});
