import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { asArray, asRecord, parseJson } from '../lib/json.ts';
import { routesCommand } from './routes.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnout-routes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(
  join(folder, 'turnout.yaml'),
  `
providers: {house: {dialect: openai-chat, base_url: http://10.0.0.5/v1, models: {a: {}, b: {}}}}
routes:
  plain: {description: 'for *all*', targets: [house/a]}
  ruled:
    targets: [house/a, house/b]
    strategy: quality
    rules: [{when: 'facts.tools || facts.image', use: {strategy: cost}}, {name: 'a | b', when: facts.audio, refuse: '<no>'}]
    expect: [{name: first, given: {prompt: hi}, expect: {target: house/a}}]
`,
);

async function routes(...args: readonly string[]): Promise<{ code: number; out: string; errors: string }> {
  let [out, errors] = ['', ''];
  const io = {
    stdout: (text: string) => void (out += text),
    stderr: (text: string) => void (errors += text),
    env: {},
    cwd: folder,
    isTerminal: false,
  };
  return { code: await routesCommand(args, io), out, errors };
}

describe('turnout routes', () => {
  it('tells each route in plain words', async () => {
    const { code, out } = await routes();
    assert.equal(code, 0);
    assert.match(out, /^plain: for \*all\*\n {2}Requests go to house\/a\.\n/);
    assert.match(out, /\n {2}rule 1, when facts\.tools \|\| facts\.image: ordered by cost\n {2}rule a \| b, when/);
    assert.match(out, /\n {2}case first: to house\/a\n$/);
  });

  it('makes a page of them on which words of the file stay words', async () => {
    const { out } = await routes('--markdown');
    assert.match(out, /^# Routes\n\nMade by .*\n\n## plain\n\n> for \\\*all\\\*\n\nRequests go to house\/a\./);
    assert.match(out, /\n\| rule 1 \| `facts\.tools \\\|\\\| facts\.image` \| ordered by cost \|\n/);
    assert.match(out, /\n\| a \\\| b \| `facts\.audio` \| the request is refused: “\\<no\\>” \|\n/);
    assert.match(out, /\n\| first \| to house\/a \|\n\nTargets today: `house\/a`, `house\/b`\.\n$/);
    assert.equal(out, (await routes('--markdown')).out);
  });

  it('gives one alone, rows for programs, and says what there is not', async () => {
    assert.doesNotMatch((await routes('plain')).out, /ruled/);
    const { out } = await routes('ruled', '--json');
    const [row] = asArray(asRecord(parseJson(out))?.['data']) ?? [];
    assert.deepEqual(asRecord(row)?.['cases'], [{ name: 'first', expects: 'to house/a' }]);
    assert.deepEqual((await routes('nix')).errors, 'turnout: there is no route nix\n');
    assert.equal((await routes('a', 'b')).code, 2);
  });
});
