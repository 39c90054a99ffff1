import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeCatalog } from '../catalog/catalog.ts';
import { parseConfig } from '../config/load.ts';
import { STRATEGIES } from '../config/route-schema.ts';
import { gateDialects } from '../dialects/index.ts';
import { compile } from './compile.ts';
import { pagesOf, type RoutePage } from './describe.ts';

const HOUSE = `
providers:
  us: {dialect: openai-chat, base_url: http://10.0.0.5/v1, region: us-east-1, models: {small: {}}}
  eu: {dialect: openai-chat, base_url: http://10.0.0.6/v1, region: eu-central-1, models: {large: {tags: [code]}}}
`;

function page(route: string): RoutePage {
  const parsed = parseConfig(`${HOUSE}routes: {r: ${route}}`, { file: 'f', env: {} });
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error.map(({ message }) => message).join('; '));
  const { config } = parsed.value;
  const { snapshot } = compile({ config, catalog: makeCatalog({ name: 'test' }, []), env: {}, dialects: gateDialects });
  const [first] = pagesOf(config, snapshot);
  assert.ok(first !== undefined);
  return first;
}

const FALLBACK =
  'Another is tried after errors, rate limits, timeouts, slow first tokens, a provider’s content filter or a context that is too small.';

describe('a route in plain words', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{targets: [us/small]}', 'Requests go to us/small.'],
    ['{targets: [us/small, eu/large]}', 'Requests go to the first that can of us/small and eu/large, in this order.'],
    [
      '{targets: [us/small, eu/large], strategy: cost}',
      'Requests go to the cheapest, by the expected price of the request, of us/small and eu/large.',
    ],
    [
      '{targets: [{target: us/small, weight: 3}, eu/large], strategy: weighted}',
      'Requests go to us/small (75%) and eu/large (25%), by lot.',
    ],
    [
      '{targets: [us/small, eu/large], strategy: balanced, weigh: {cost: 2, quality: 1}}',
      'Requests go to the best balance of quality (1) and cost (2) among us/small and eu/large.',
    ],
    [
      '{tiers: [[us/small], [eu/large]], strategy: latency}',
      'Requests go to us/small. When that fails, they go to eu/large.',
    ],
    [
      '{targets: [{select: {tags: [code], region: [eu, us], quality: {min: 0.7, task: code}, most: 2}}], strategy: quality}',
      'Requests go to the best at the request’s task of up to 2 models that are in eu or us, have a quality of at least 0.7 at code and are tagged code.',
    ],
    [
      '{targets: [us/small, eu/large], prefer: [code]}',
      'Requests go to the first that can of us/small and eu/large, in this order. Models tagged code come first.',
    ],
  ];
  for (const [route, words] of cases) {
    it(`says of ${route}: ${words}`, () => assert.equal(page(route).summary.join(' '), `${words} ${FALLBACK}`));
  }

  it('has a sentence for each strategy, and no two the same', () => {
    const sentences = STRATEGIES.map(
      (strategy) => page(`{targets: [us/small, eu/large], strategy: ${strategy}}`).summary[0],
    );
    assert.equal(new Set(sentences).size, STRATEGIES.length);
  });

  it('tells requirements, fallbacks and what else is asked for', () => {
    const { summary } = page(
      '{targets: [us/small, eu/large], require: {region: caller, compliance: [gdpr, hipaa], retention_days_max: 30, training: false, price: {input_max: 3, output_max: 15}, context_min: 1000, abilities: [tools]}, fallback: {on: [error], attempts: 2, price_factor_max: 3, first_token_ms: 3000}, hedge: {after: 800, budget: 5%}, sticky: conversation, continue: true, explore: 2%}',
    );
    assert.deepEqual(summary.slice(1), [
      'Only targets that are in the caller’s region, are certified for gdpr and hipaa, keep what they are sent for at most 30 days, do not train on it, cost at most 3 USD a million input tokens and 15 USD a million output tokens, can do tools and take at least 1000 tokens are used, for fallbacks too.',
      'Another is tried after errors, 2 attempts at most.',
      'None is tried that would cost more than 3 times the first choice.',
      'An answer that has not begun after 3000 ms is given up while another target is left.',
      'A second attempt starts beside one that is silent for 800 ms, for 5% of requests and spend at most.',
      'A conversation stays where its prompt cache is, as long as that pays.',
      'A stream of text that breaks is gone on with elsewhere.',
      '2% of requests go to a target drawn by lot, to learn how it does.',
    ]);
    assert.equal(page('{targets: [us/small], fallback: {on: []}}').summary[1], 'Nothing is tried a second time.');
  });

  it('tells what each rule does, where requests may go, and to what the route is held', () => {
    const {
      rules,
      targets,
      cases: held,
      warnings,
    } = page(
      `{targets: [us/small], rules: [{name: hard, when: facts.tools, use: {targets: [eu/large, us/small], strategy: cost, prefer: [code]}}, {when: facts.image, use: {strategy: quality}, require: {region: eu}}, {when: facts.audio, refuse: no sound}], expect: [{given: {}, expect: {target: us/small, not: [eu/large], rule: hard}}, {name: closed, given: {}, expect: {refused: true}}]}`,
    );
    assert.deepEqual(
      rules.map(({ name, does }) => `${name}: ${does}`),
      [
        'hard: to the cheapest, by the expected price of the request, of eu/large and us/small; models tagged code first',
        'rule 2: ordered by quality; only targets that are in eu',
        'rule 3: the request is refused: “no sound”',
      ],
    );
    assert.deepEqual(targets, ['eu/large', 'us/small']);
    assert.deepEqual(held, [
      { name: 'case 1', expects: 'to us/small, never to eu/large and by the rule hard' },
      { name: 'closed', expects: 'refused' },
    ]);
    assert.match(warnings.join('\n'), /^`rules\[1\]\.require` leaves no target/);
  });
});
