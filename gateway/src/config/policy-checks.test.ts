import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from './load.ts';
import { sentence } from './render.ts';

/** `error 4:20 …` for everything that is found, in the order of the text. */
function found(text: string): readonly string[] {
  const result = parseConfig(text, { file: 'f', env: {} });
  const level = result.ok ? 'warning' : 'error';
  const all = result.ok ? result.value.warnings : result.error;
  return all.map((each) => `${level} ${each.line}:${each.column} ${sentence(each)}`);
}

/** A route with these rules, each on a line of its own, the first on line 6. */
function rules(...lines: readonly string[]): string {
  return ['providers: {}', 'routes:', '  r:', '    targets: [a/b]', '    rules:', ...lines].join('\n');
}

describe('rules in a file', () => {
  it('are refused at the very place that is wrong', () => {
    assert.deepEqual(found(rules(`      - {when: 'facts.taks == "code"', refuse: no}`)), [
      'error 6:23 `routes.r.rules[0].when` reads `facts.taks`, which is no fact. Did you mean `facts.task`?',
    ]);
    assert.deepEqual(found(rules('      - when: facts.tools and facts.image', '        refuse: no')), [
      'error 6:27 `routes.r.rules[0].when` is no CEL at `and`. Write `&&` for “and”',
    ]);
    const folded = rules('      - when: >', '          facts.taks == "code"', '        refuse: no');
    assert.match(found(folded)[0] ?? '', /^error 6:15 .*facts\.taks/);
    const escaped = rules(`      - {when: "facts.taks == \\"code\\"", refuse: no}`);
    assert.match(found(escaped)[0] ?? '', /^error 6:16 .*facts\.taks/);
  });

  it('are refused beside other errors of the file', () => {
    const text = `atempts: 3\n${rules(`      - {when: 'task == "code"', refuse: no}`)}`;
    assert.equal(found(text).length, 2);
  });

  it('that no request reaches are warned of, with the one that stands before', () => {
    const text = rules(
      `      - {name: hard, when: 'facts.difficulty > 0.5', use: {strategy: quality}}`,
      `      - {name: harder, when: 'facts.difficulty > 0.6', use: {strategy: cost}}`,
      `      - {when: 'facts.turns < 0', refuse: no}`,
    );
    assert.deepEqual(found(text), [
      'warning 7:31 `routes.r.rules[1].when` is never reached: whatever meets it meets rule 1 (`hard`) before it. Put it first',
      'warning 8:17 `routes.r.rules[2].when` can never be true: no request has such facts',
    ]);
  });

  it('are held to the intents and topics of the file', () => {
    const text = `intents: {refund: {examples: [a, b]}}\ntopics: {legal: [law]}\n${rules(
      `      - {when: 'facts.intent == "refnd"', refuse: no}`,
      `      - {when: '"legl" in facts.topics || facts.topics.exists(t, t == "legal")', refuse: no}`,
    )}`;
    assert.deepEqual(found(text), [
      'warning 8:33 `routes.r.rules[0].when` compares with `refnd`, which this fact never is: it is one of refund; did you mean `refund`?',
      'warning 9:17 `routes.r.rules[1].when` compares with `legl`, which this fact never is: it is one of legal; did you mean `legal`?',
    ]);
  });

  it('have names that no other rule of their route has, be it one of its own or its number', () => {
    const text = rules(
      `      - {name: a, when: facts.tools, use: {strategy: cost}}`,
      `      - {when: facts.image, use: {strategy: quality}}`,
      `      - {name: a, when: facts.stream, refuse: no}`,
      `      - {name: rule 2, when: facts.audio, refuse: no}`,
      `      - {name: rule 5, when: facts.turns > 9, refuse: no}`,
    );
    assert.deepEqual(found(`${text}\n  s: {targets: [a/b], rules: [{name: a, when: facts.tools, refuse: no}]}`), [
      'error 8:16 `routes.r.rules[2].name` `a` is what rule 1 is called: records could not tell them apart',
      'error 9:16 `routes.r.rules[3].name` `rule 2` is what rule 2 is called: records could not tell them apart',
    ]);
    assert.match(
      found(
        rules('      - {name: rule 2, when: facts.tools, refuse: no}', '      - {when: facts.image, refuse: no}'),
      )[0] ?? '',
      /^error 6:16 .*`rule 2` is what rule 2 is called/,
    );
  });

  it('may not lead a route back to itself', () => {
    const text = rules(`      - {when: facts.tools, use: {targets: [other]}}`);
    assert.deepEqual(found(`${text}\n  other: {targets: [r]}`), [
      'error 6:45 `routes.r.rules[0].use.targets[0]` leads back to itself: `r` → `other` → `r`',
    ]);
  });
});

describe('regions in a file', () => {
  it('that are not known are warned of wherever they stand', () => {
    const text = [
      'server: {region: eu-centrl-1}',
      'providers: {openai: {region: basement}}',
      'callers: {regions: [{range: 10.0.0.0/8, region: EU}]}',
      'routes: {r: {targets: [{select: {region: [eu, eruope]}}], require: {region: [caller, us]}}}',
    ].join('\n');
    const warnings = found(text.replace('region: EU', 'region: west-europe'));
    assert.deepEqual(
      warnings.map((each) => each.replace(/, which is no known.*itself/, '')),
      [
        'warning 1:18 `server.region` names `eu-centrl-1`; did you mean `eu-central-1`?',
        'warning 2:30 `providers.openai.region` names `basement`',
        'warning 3:49 `callers.regions[0].region` names `west-europe`; did you mean `westeurope`?',
        'warning 4:47 `routes.r.targets[0].select.region[1]` names `eruope`; did you mean `europe`?',
      ],
    );
  });

  it('of one’s own are taken where a place and a requirement both name them', () => {
    const text = 'providers: {openai: {region: basement}}\nroutes: {r: {targets: [a], require: {region: basement}}}';
    assert.deepEqual(found(text), []);
  });

  it('refuses a proxy that is no range of addresses, at its place', () => {
    const text = 'server:\n  trusted_proxies: [10.0.0.0/8, proxy.example]';
    assert.deepEqual(found(text), [
      'error 2:33 `server.trusted_proxies[1]` `proxy.example` is no range of addresses. Write `10.1.0.0/16` or `2001:db8::/32`',
    ]);
    assert.deepEqual(found('server: {trusted_proxies: ["::1", 10.0.0.0/8]}'), []);
  });

  it('have ranges of addresses that are read when the file is', () => {
    const text = 'callers:\n  regions:\n    - {range: 10.0.0.0/8, region: eu}\n    - {range: 10.1.2.3/16, region: us}';
    assert.deepEqual(found(text), [
      'error 4:15 `callers.regions[1].range` `10.1.2.3/16` names one address in a range. Write `10.1.0.0/16`',
    ]);
  });
});
