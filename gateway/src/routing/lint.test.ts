import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseCatalog } from '../catalog/catalog.ts';
import { parseConfig } from '../config/load.ts';
import { pathText } from '../config/path.ts';
import { gateDialects } from '../dialects/index.ts';
import { compile } from './compile.ts';
import { lintRoutes } from './lint.ts';

const catalog = parseCatalog(
  JSON.parse(readFileSync(new URL('../catalog/catalog.generated.json', import.meta.url), 'utf8')),
);

/** Three models of our own: small in the US, large and pictured in the EU, and one of which little is known. */
const HOUSE = `
providers:
  us:
    dialect: openai-chat
    base_url: http://10.0.0.5/v1
    region: us-east-1
    models: {small: {abilities: [tools], limits: {context: 8000}, tags: [cheap], price: {input: 1, output: 2}}}
  eu:
    dialect: openai-chat
    base_url: http://10.0.0.6/v1
    region: eu-central-1
    compliance: [gdpr]
    retention_days: 0
    trains: false
    models: {large: {abilities: [image, tools], limits: {context: 200000}, price: {input: 3, output: 15}}}
  house: {dialect: openai-chat, base_url: http://10.0.0.7/v1, models: {plain: {}}}
`;

/** `path message` of everything that is found in a route. */
function found(route: string, more = ''): readonly string[] {
  const parsed = parseConfig(`${HOUSE}${more}routes: {r: ${route}}`, { file: 'f', env: {} });
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error.map(({ message }) => message).join('; '));
  const { config } = parsed.value;
  const { snapshot } = compile({ config, catalog, env: {}, dialects: gateDialects });
  return lintRoutes(config, snapshot).map(({ path, message }) => `${pathText(path.slice(2))} ${message}`);
}

describe('the lint of routes', () => {
  it('names rules by a text that nobody looks at', () => {
    const rules = `{targets: [us/small], rules: [
      {when: '"a" in facts.topics', refuse: 'no'},
      {when: facts.text.contains("a"), require: {region: us}},
      {when: facts.difficulty > 0.5, use: {strategy: cost}},
      {when: '"card" in facts.sensitive', require: {region: us}},
      {when: facts.tools, use: {strategy: cost}}]}`;
    const of = (content: string): readonly string[] =>
      found(rules, `topics: {a: [x]}\nunderstand: {content: ${content}}\n`).filter((one) => one.includes('never`'));
    assert.deepEqual(of('auto'), []);
    const told = of('never');
    assert.deepEqual(
      told.map((one) => one.slice(0, 'rules[0].when reads `facts.text`'.length)),
      [
        'rules[0].when reads `facts.topic',
        'rules[1].when reads `facts.text`',
        'rules[2].when reads `facts.diffi',
        'rules[3].when reads `facts.sensi',
      ],
    );
    const ends = [/refuses every request/, /required of every request/, /chooses nothing/, /holding all kinds/];
    for (const [index, end] of ends.entries()) assert.match(told[index] ?? '', end);
  });

  const cases: readonly (readonly [string, string, readonly RegExp[]])[] = [
    ['nothing', '{targets: [us/small, eu/large], strategy: cost}', []],
    [
      'nothing of a route that asks for the caller’s region',
      '{targets: [us/small, eu/large], require: {region: caller}}',
      [],
    ],
    [
      'a search that finds nothing',
      '{targets: [us/small, {select: {tags: [code]}}]}',
      [/^targets\[1\]\.select finds none of the 3 models that are configured; without `tags` it would find 3$/],
    ],
    [
      'a search of a rule',
      `{targets: [us/small], rules: [{when: facts.tools, use: {targets: [{select: {region: apac, most: 2}}]}}]}`,
      [/^rules\[0\]\.use\.targets\[0\]\.select finds none .* without `region` it would find 3$/],
    ],
    [
      'a requirement that nothing meets',
      '{targets: [us/small, eu/large], require: {compliance: [hipaa]}}',
      [
        /^require is met by no target of the route: `us\/small`: it is not certified for hipaa; `eu\/large`: .*All its requests are refused/,
      ],
    ],
    [
      'a target that can never be used',
      '{targets: [us/small, eu/large], require: {region: eu}}',
      [/^targets\[0\] is never used: region us-east-1, required is eu$/],
    ],
    [
      'a target of an alias’s pool that can never be used',
      '{targets: [{select: {providers: [us, eu]}}], require: {region: eu}}',
      [/^require keeps out `us\/small` for good: region us-east-1/],
    ],
    [
      'a floor that is known of nobody',
      '{targets: [us/small, eu/large], require: {quality: {min: 0.9}}}',
      [/^require is met by no target.*its quality is not known/],
    ],
    [
      'retention and training that nobody knows',
      '{targets: [house/plain, eu/large], require: {retention_days_max: 0, training: false}}',
      [/^targets\[0\] is never used: how long it keeps data is not known/],
    ],
    [
      'a tier that repeats',
      '{tiers: [[us/small, eu/large], [large]]}',
      [/^tiers\[1\] is never reached: all its targets stand in earlier tiers/],
    ],
    [
      'a tier that is kept out',
      '{tiers: [[eu/large], [us/small]], require: {region: eu}}',
      [/^require keeps out `us\/small`/, /^tiers\[1\] is never reached: `us\/small`: region us-east-1/],
    ],
    [
      'tiers without a second attempt',
      '{tiers: [[eu/large], [us/small]], fallback: {attempts: 1}}',
      [/^fallback\.attempts lets no attempt follow/],
    ],
    [
      'tiers without a reason for one',
      '{tiers: [[eu/large], [us/small]], fallback: {on: []}}',
      [/^fallback\.on lets no attempt follow/],
    ],
    [
      'a rule that leaves nothing',
      `{targets: [us/small], rules: [{when: '"health" in facts.sensitive', require: {region: eu}}]}`,
      [/^rules\[0\]\.require leaves no target: `us\/small`: region us-east-1.*name `targets` in `use`/],
    ],
    [
      'a rule for pictures over targets without eyes',
      `{targets: [us/small, eu/large], rules: [{when: 'facts.image && facts.turns > 1', use: {targets: [us/small]}}]}`,
      [/^rules\[0\]\.when is about requests with `image`, which none of its targets can take/],
    ],
    [
      'a rule for pictures over one that is blind',
      `{targets: [us/small, eu/large], rules: [{when: 'facts.image || facts.image && facts.tools', use: {strategy: cost}}]}`,
      [/^rules\[0\]\.when is about requests with `image`, which `us\/small` cannot take/],
    ],
    [
      'nothing of pictures that need not be there',
      `{targets: [us/small, eu/large], rules: [{when: 'facts.image || facts.tools', use: {strategy: cost}}]}`,
      [],
    ],
    [
      'a rule for long requests over a small window',
      `{targets: [us/small, eu/large], rules: [{when: 'facts.input_tokens >= 50000', use: {strategy: cost}}]}`,
      [/^rules\[0\]\.when is about requests that are longer than it takes, which `us\/small` cannot take/],
    ],
    [
      'nothing of requests that just fit',
      `{targets: [us/small, eu/large], rules: [{when: 'facts.input_tokens > 9000', use: {strategy: cost}}]}`,
      [],
    ],
    [
      'what needs a second target',
      '{targets: [eu/large], hedge: {}, continue: true, explore: 2%, sticky: conversation, fallback: {price_factor_max: 3}}',
      [
        /^hedge can do nothing: the route has one target/,
        /^continue /,
        /^explore /,
        /^sticky /,
        /^fallback\.price_factor_max /,
      ],
    ],
    [
      'weights that nobody reads',
      '{targets: [{target: us/small, weight: 3}, eu/large], strategy: cost, weigh: {cost: 1}}',
      [/^weigh can do nothing under `cost`/, /^targets\[0\]\.weight can do nothing under `cost`/],
    ],
    [
      'weights that a rule reads',
      `{targets: [{target: us/small, weight: 3}, eu/large], rules: [{when: facts.tools, use: {strategy: weighted}}]}`,
      [],
    ],
    [
      'tags that nobody bears',
      `{targets: [us/small, eu/large], prefer: [cheap, code], rules: [{when: facts.tools, use: {prefer: [math]}}]}`,
      [/^prefer prefers `code`, and no target bears that tag/, /^rules\[0\]\.use\.prefer prefers `math`/],
    ],
  ];
  for (const [name, route, expected] of cases) {
    it(`says ${name}`, () => {
      const findings = found(route);
      assert.equal(findings.length, expected.length, findings.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(findings[index] ?? '', pattern);
    });
  }
});
