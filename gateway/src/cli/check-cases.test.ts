import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { makeCatalog } from '../catalog/catalog.ts';
import { asArray, asRecord, parseJson } from '../lib/json.ts';
import { checkCommand } from './check.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-cases-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function check(text: string, ...args: readonly string[]): Promise<{ code: number; out: string; errors: string }> {
  writeFileSync(join(folder, 'turnout.yaml'), text);
  let out = '';
  let errors = '';
  const io = {
    stdout: (shown: string) => void (out += shown),
    stderr: (shown: string) => void (errors += shown),
    env: {},
    cwd: folder,
    isTerminal: false,
  };
  const code = await checkCommand(args, io, { catalog: makeCatalog({ name: 'test' }, []), today: '2026-11-22' });
  return { code, out, errors };
}

const HOUSE = `
providers:
  us: {dialect: openai-chat, base_url: http://10.0.0.5/v1, region: us-east-1, models: {small: {price: {input: 1, output: 2}}}}
  eu: {dialect: openai-chat, base_url: http://10.0.0.6/v1, region: eu-central-1, models: {large: {price: {input: 3, output: 15}}}}
aliases: {strong: eu/large}
routes:
  support:
    targets: [us/small, eu/large]
    strategy: cost
    require: {region: caller}
    rules:
      - {name: tools, when: facts.tools, use: {targets: [eu/large]}}
      - {name: closed, when: '"closed" in facts.tags', refuse: we are closed}
      - {name: odd, when: '1 / (facts.turns - facts.turns) == 1', use: {targets: [eu/large]}}
    expect:
`;

describe('the cases of routes', () => {
  it('are run as tests are: each with where it goes, and all in order', async () => {
    const { code, out, errors } = await check(`${HOUSE}
      - {name: cheap in the US, given: {prompt: hi, region: us}, expect: {target: us/small, not: [eu/large]}}
      - {name: stays in Europe, given: {prompt: hi, region: eu}, expect: {target: strong, provider: eu}}
      - {given: {region: eu, body: {messages: [{role: user, content: hi}], tools: [{type: function, function: {name: f}}]}}, expect: {rule: tools, target: eu/large}}
      - {name: closed, given: {prompt: hi, region: us, tags: [closed]}, expect: {refused: true, rule: closed}}
      - {name: nothing in Asia, given: {prompt: hi, region: apac}, expect: {refused: true}}
      - {name: the US is down, given: {prompt: hi, region: eu, down: [us/small]}, expect: {target: large}}
`);
    assert.equal(errors, '');
    assert.equal(code, 0);
    assert.deepEqual(out.trimEnd().split('\n').slice(3), [
      'support:',
      '  ok    cheap in the US: us/small (the only one that meets region us; eu/large left out: region eu-central-1, the caller requires us; rule odd: divides by zero)',
      '  ok    stays in Europe: eu/large (the only one that meets region eu; us/small left out: region us-east-1, the caller requires eu; rule odd: divides by zero)',
      '  ok    case 3: eu/large (by rule tools: the only one that meets region eu)',
      '  ok    closed: refused (The route refuses this request (closed): we are closed)',
      `  ok    nothing in Asia: refused (No target of "support" can take this request: us/small: region us-east-1, the caller requires apac; eu/large: region eu-central-1, the caller requires apac. Change the request, or the route.)`,
      '  ok    the US is down: eu/large (the only one that meets region eu; us/small left out: region us-east-1, the caller requires eu; rule odd: divides by zero)',
      '6 cases: 6 as expected, 0 not',
    ]);
  });

  it('fail with what is not as expected, why, and where the case stands', async () => {
    const { code, out } = await check(`${HOUSE}
      - {name: wrong target, given: {prompt: hi, region: us}, expect: {target: eu/large}}
      - {name: wrong rule, given: {prompt: hi, region: us}, expect: {rule: odd}}
      - {name: not refused, given: {prompt: hi, region: us}, expect: {refused: true}}
      - {name: refused, given: {prompt: hi, region: apac}, expect: {refused: false, target: us/small}}
      - {name: must not stand there, given: {prompt: hi, region: eu}, expect: {not: [strong]}}
      - {name: no body, given: {body: {messages: 7}}, expect: {target: us/small}}
`);
    assert.equal(code, 1);
    const lines = out.trimEnd().split('\n').slice(4);
    const alone = 'the only one that meets region us; eu/large left out: region eu-central-1, the caller requires us';
    assert.deepEqual(lines.slice(0, 12), [
      '  FAIL  wrong target (turnout.yaml:17)',
      '        expected `eu/large`, got `us/small`',
      `        why us/small: ${alone}; rule odd: divides by zero`,
      '  FAIL  wrong rule (turnout.yaml:18)',
      '        expected the rule `odd`, none holds',
      `        why us/small: ${alone}; rule odd: divides by zero`,
      '  FAIL  not refused (turnout.yaml:19)',
      '        expected a refusal, got `us/small`',
      `        why us/small: ${alone}; rule odd: divides by zero`,
      '  FAIL  refused (turnout.yaml:20)',
      '        expected `us/small`, got a refusal',
      '        expected a plan, got a refusal',
    ]);
    assert.match(lines[12] ?? '', /^ {8}why refused: .*us\/small: region us-east-1, the caller requires apac/);
    assert.deepEqual(lines.slice(13, 15), [
      '  FAIL  must not stand there (turnout.yaml:21)',
      '        `eu/large` stands in the plan, and must not',
    ]);
    assert.match(lines.join('\n'), /no body \(turnout.yaml:22\)\n.* got a refusal\n {8}why refused: .*messages/);
    assert.equal(lines.at(-1), '6 cases: 0 as expected, 6 not');
  });

  it('hold for every draw of the lot, or say how often they do not', async () => {
    const { code, out } = await check(
      HOUSE.replace('strategy: cost', 'strategy: weighted').replace('require: {region: caller}', '') +
        '      - {given: {prompt: hi}, expect: {target: us/small}}\n',
    );
    assert.equal(code, 1);
    assert.match(out, /expected `us\/small`, got `eu\/large` in \d+ of 16 plans/);
  });

  it('are rows of the JSON, with line and path', async () => {
    const { code, out } = await check(
      `${HOUSE}      - {given: {prompt: hi, region: us}, expect: {target: eu/large}}\n`,
      '--json',
    );
    assert.equal(code, 1);
    const answer = asRecord(parseJson(out)) ?? {};
    assert.equal(answer['ok'], false);
    const [row] = asArray(answer['cases']) ?? [];
    assert.deepEqual(row, {
      route: 'support',
      name: 'case 1',
      ok: false,
      got: 'us/small',
      why: 'the only one that meets region us; eu/large left out: region eu-central-1, the caller requires us; rule odd: divides by zero',
      problems: ['expected `eu/large`, got `us/small`'],
      path: 'routes.support.expect[0]',
      line: 16,
    });
  });

  it('are told what no request can come to, as warnings', async () => {
    const { code, errors } = await check(HOUSE.replace('region: caller', 'region: eu').replace('    expect:\n', ''));
    assert.equal(code, 0);
    assert.match(
      errors,
      /turnout.yaml:8:15: warning: `routes.support.targets\[0\]` is never used: region us-east-1, required is eu/,
    );
  });
});
