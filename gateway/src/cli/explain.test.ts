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

interface Explained {
  readonly code: number;
  readonly out: JsonRecord;
  readonly text: string;
  readonly errors: string;
}

async function explained(
  args: readonly string[],
  body?: JsonRecord,
  form: readonly string[] = ['--json'],
): Promise<Explained> {
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
  const code = await explainCommand([...args, ...form, ...(body === undefined ? [] : ['--body', file])], io);
  return { code, out: asRecord(parseJson(out)) ?? {}, text: out, errors };
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

  it('shows people why, who was left out, what limits it, and the facts with their origins', async () => {
    const config = join(folder, 'routes.yaml');
    const row = (id: string, region: string): string =>
      `  ${id}: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1", region: ${region}, models: {m: {price: {input: 1, output: 2}}}}\n`;
    const rule = '{name: hard code, when: "facts.task == \'code\'", use: {strategy: cost}}';
    const route = `{targets: [a/m, b/m, c/m], require: {region: [eu]}, hedge: {after: 800, budget: 5%}, rules: [${rule}]}`;
    writeFileSync(
      config,
      `providers:\n${row('a', 'eu-central-1')}${row('b', 'eu-west-1')}${row('c', 'us-east-1')}routes: {support: ${route}}\n`,
    );
    const content = 'Fix this: function f(x) { return x + ; } it throws a SyntaxError in TypeScript';
    const { code, text } = await explained(
      ['--config', config],
      { model: 'support', messages: [{ role: 'user', content }] },
      [],
    );
    assert.equal(code, 0, text);
    assert.match(text, /^model support, route support, rule hard code, strategy cost, about \d+ input tokens/);
    assert.match(
      text,
      /\nby rule hard code: cheapest of 2 that meet region eu \(0\.\d+ USD expected\); c\/m left out: region us-east-1, required is eu\n/,
    );
    assert.match(text, /\n1\. +a\/m +cost_usd 0\.\d+ +bytes pass through; at most 0\.\d+ USD; eu-central-1\n/);
    assert.match(text, /\n- +c\/m +left out: region us-east-1, required is eu\n/);
    assert.match(text, /600 s for all; .* a second attempt beside it after 800 ms, for 5% of requests at most\n/);
    assert.match(text, /\ntask +code +words like/);
  });

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
