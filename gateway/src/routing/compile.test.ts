import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseCatalog, type Catalog } from '../catalog/catalog.ts';
import { parseConfig, type LoadedConfig } from '../config/load.ts';
import { gateDialects } from '../dialects/index.ts';
import { trainIntents } from '../understand/intents/intents.ts';
import { NO_FACTS } from '../policy/expression.ts';
import type { RuleFacts } from '../policy/vocabulary.ts';
import type { Places } from './accounts.ts';
import { compile, type Compiled } from './compile.ts';
import { UNSEEN } from './observation.ts';
import { inputOf, TEST_FACTS } from './plan.fixture.ts';
import { plan } from './plan.ts';
import { policyOver } from './policy.ts';
import { judgedThrough, shutThrough } from './rules.ts';
import type { Resolution } from './snapshot.ts';
import { targetOver } from './target.ts';

const catalog: Catalog = parseCatalog(
  JSON.parse(readFileSync(new URL('../catalog/catalog.generated.json', import.meta.url), 'utf8')),
);

function parsedOf(yaml: string, env: Readonly<Record<string, string>> = {}): LoadedConfig {
  const parsed = parseConfig(yaml, { file: 'turnout.yaml', env });
  assert.ok(parsed.ok);
  return parsed.value;
}

function compiled(yaml: string, env: Readonly<Record<string, string>> = {}): Compiled {
  return compile({ config: parsedOf(yaml, env).config, catalog, env, dialects: gateDialects });
}

function ids(resolution: Resolution): readonly (readonly string[])[] {
  return resolution.kind === 'found'
    ? resolution.policy.tiers.map((group) => group.map(({ target }) => target.id))
    : [];
}

const TWO = `
providers:
  openai: {api_key: sk-one}
  eu: {like: openai, base_url: https://eu.api.openai.com/v1, api_key: sk-two, region: eu, weight: 3}
  house: {dialect: openai-chat, base_url: http://10.0.0.5:8000/v1, models: {llama: {price: {input: 0.2, output: 0.4}, upstream_name: meta/llama-70b}}}
aliases: {fast: openai/gpt-5-mini, faster: fast}
routes:
  support:
    targets: [fast, {target: house/llama, weight: 4}]
    strategy: weighted
    fallback: {on: [error], attempts: 2, price_factor_max: 3}
`;

describe('compile', () => {
  const { snapshot } = compiled(TWO);

  it('finds a model by its full name, and by its bare name wherever it is served', () => {
    assert.deepEqual(ids(snapshot.resolve('openai/gpt-5')), [['openai/gpt-5']]);
    const pool = snapshot.resolve('gpt-5');
    assert.deepEqual(ids(pool), [['openai/gpt-5', 'eu/gpt-5']]);
    assert.ok(pool.kind === 'found');
    assert.deepEqual([pool.policy.strategy, pool.policy.tiers[0]?.map(({ weight }) => weight)], ['weighted', [1, 3]]);
  });

  it('knows where an address is, by the narrowest range', () => {
    const ranges = '{range: 10.0.0.0/8, region: eu}, {range: 10.1.0.0/16, region: us-east-1}';
    const { snapshot: placed } = compiled(`callers: {regions: [${ranges}]}`);
    const regions = ['10.2.0.1', '::ffff:10.1.0.1', '192.0.2.1'].map((address) => placed.regionOf(address));
    assert.deepEqual(regions, ['eu', 'us-east-1', undefined]);
  });

  it('takes over what the intents were trained to, with its doubts', () => {
    const examples = {
      refund: ['money back', 'refund me', 'pay back'],
      delivery: ['my parcel', 'the courier', 'track it'],
    };
    const intents = trainIntents(examples);
    const { config } = parsedOf(TWO);
    const { snapshot: own, warnings } = compile({ config, catalog, env: {}, dialects: gateDialects, intents });
    assert.equal(own.intentOf?.('track my parcel')?.name, 'delivery');
    assert.ok(warnings.includes('`intents.refund` has 3 different examples: 10 to 20 are needed'), warnings.join());
    assert.equal(snapshot.intentOf, undefined);
  });

  it('gives a provider of two wires to callers of either, in their own', () => {
    const target = snapshot.targets.get('eu/gpt-5');
    assert.ok(target);
    const responses = targetOver(target, 'openai-responses');
    assert.deepEqual(
      [target.provider.dialect.id, responses.provider.dialect.id, targetOver(target, 'gemini').provider.dialect.id],
      ['openai-chat', 'openai-responses', 'openai-chat'],
    );
    assert.deepEqual([responses.id, responses.secret, responses.baseUrl], [target.id, target.secret, target.baseUrl]);
    const house = snapshot.targets.get('house/llama');
    assert.ok(house !== undefined && targetOver(house, 'openai-responses') === house);
    const pinned = compiled('providers: {openai: {dialect: openai-chat, api_key: sk-one}}').snapshot.targets.get(
      'openai/gpt-5',
    );
    assert.ok(
      pinned !== undefined && targetOver(pinned, 'openai-responses') === pinned,
      'a wire that is named is the only one',
    );
  });

  it('gives each target the published scores of its model, and the operator’s own in their place', () => {
    const { snapshot: own } = compiled(`
providers:
  openai: {api_key: sk-one, models: {gpt-5: {quality: {code: 0.2}}, gpt-5-mini: {quality: {general: 0.9, chat: 0.5}}}}
  house: {dialect: openai-chat, base_url: http://10.0.0.5:8000/v1, models: {best: {upstream_name: Qwen/Qwen3-32B}, mine: {}}}
`);
    const scores = (id: string): Readonly<Record<string, number>> => own.targets.get(id)?.quality ?? {};
    const published = snapshot.targets.get('eu/gpt-5')?.quality ?? {};
    assert.ok((published['code'] ?? 0) > 0.6 && (published['math'] ?? 0) > 0.6);
    assert.deepEqual(scores('openai/gpt-5'), { ...published, code: 0.2 });
    assert.deepEqual([scores('openai/gpt-5-mini')['chat'], scores('openai/gpt-5-mini')['math']], [0.5, 0.9]);
    assert.ok((scores('house/best')['math'] ?? 0) > 0.4, 'found by what its server calls it');
    assert.deepEqual(scores('house/mine'), {});
    const counts = own.targets.get('openai/gpt-5')?.qualityCounts ?? {};
    assert.ok((counts['code'] ?? 0) > (counts['math'] ?? 0) && (counts['math'] ?? 0) > 1);
  });

  it('selects the best of its models where a score is asked for, else the cheapest', () => {
    const { snapshot: selecting } = compiled(`
providers: {openai: {api_key: sk-one}}
routes:
  best: {targets: [{select: {models: gpt-5*, quality: {task: code, min: 0.7}, most: 3}}]}
  cheap: {targets: [{select: {models: gpt-5*, most: 3}}]}
`);
    const [best] = ids(selecting.resolve('best'));
    const [cheap] = ids(selecting.resolve('cheap'));
    const scores = [...selecting.targets.values()]
      .filter(({ model }) => model.startsWith('gpt-5'))
      .map(({ quality }) => quality['code'] ?? 0)
      .toSorted((a, b) => b - a);
    assert.deepEqual(
      best?.map((id) => selecting.targets.get(id)?.quality['code']),
      scores.slice(0, 3),
    );
    assert.deepEqual(cheap?.slice(0, 1), ['openai/gpt-5-nano']);
  });

  it('has models that are served over one wire only over that one', () => {
    const target = snapshot.targets.get('openai/gpt-5-codex');
    assert.ok(target);
    for (const caller of ['openai-chat', 'openai-responses', 'gemini'] as const)
      assert.equal(targetOver(target, caller).provider.dialect.id, 'openai-responses');
  });

  it('takes over what a provider is like, under its own name, address and key', () => {
    const target = snapshot.targets.get('eu/gpt-5');
    assert.ok(target);
    assert.deepEqual(
      [target.baseUrl, target.secret, target.region, target.provider.id],
      ['https://eu.api.openai.com/v1', 'sk-two', 'eu', 'openai'],
    );
    assert.deepEqual(target.price, snapshot.targets.get('openai/gpt-5')?.price);
  });

  it('makes the address of a provider that has one in each region, from the config or the environment', () => {
    const { snapshot: regional, warnings } = compiled(
      'providers: {amazon-bedrock: {region: eu-central-1, api_key: k}, cn: {like: amazon-bedrock, region: cn-north-1, api_key: k}}',
    );
    const of = (id: string): string | undefined => {
      const found = regional.resolve(id);
      return found.kind === 'found' ? found.policy.tiers[0]?.[0]?.target.baseUrl : undefined;
    };
    assert.deepEqual(warnings, []);
    assert.equal(of('amazon-bedrock/eu.amazon.nova-lite-v1:0'), 'https://bedrock-runtime.eu-central-1.amazonaws.com');
    assert.equal(of('cn/amazon.nova-lite-v1:0'), 'https://bedrock-runtime.cn-north-1.amazonaws.com.cn');
    const { warnings: lacking } = compiled('providers: {amazon-bedrock: {api_key: k}}');
    assert.match(lacking.join(), /amazon-bedrock: give it a `region` such as eu-central-1/);
  });

  it('follows aliases and routes, and keeps what a route says of fallbacks', () => {
    assert.deepEqual(ids(snapshot.resolve('faster')), [['openai/gpt-5-mini']]);
    const route = snapshot.resolve('support');
    assert.ok(route.kind === 'found');
    assert.deepEqual(ids(route), [['openai/gpt-5-mini', 'house/llama']]);
    assert.deepEqual(
      route.policy.tiers[0]?.map(({ weight }) => weight),
      [1, 4],
    );
    const { fallback } = route.policy;
    assert.deepEqual(
      [
        fallback?.attemptsMax,
        fallback?.priceFactorMax,
        fallback?.replaceable.has('upstream-error'),
        fallback?.replaceable.has('upstream-timeout'),
      ],
      [2, 3, true, false],
    );
  });

  it('prices models of the file exactly, and calls them by their upstream name', () => {
    const target = snapshot.targets.get('house/llama');
    assert.deepEqual(
      [target?.price, target?.upstreamModel],
      [{ input: 200_000_000n, output: 400_000_000n }, 'meta/llama-70b'],
    );
  });

  it('sends them to the provider also by another of its names', () => {
    const { snapshot: other } = compiled('providers: {togetherai: {api_key: k}}');
    const found = other.resolve('together/some/new-model');
    assert.ok(found.kind === 'found');
    assert.equal(found.policy.tiers[0]?.[0]?.target.id, 'togetherai/some/new-model');
  });

  it('sends names that no catalog knows to the provider that was named, and to no other', () => {
    const fresh = snapshot.resolve('openai/gpt-99');
    assert.ok(fresh.kind === 'found');
    const target = fresh.policy.tiers[0]?.[0]?.target;
    assert.deepEqual([target?.id, target?.isKnown, target?.price], ['openai/gpt-99', false, undefined]);
    for (const name of [
      'gpt-99',
      'nobody/gpt-5',
      'openai/',
      '/gpt',
      '../../etc/passwd',
      'openai/../x',
      'constructor',
      '__proto__',
      '',
    ]) {
      assert.equal(snapshot.resolve(name).kind, 'unknown', name);
    }
  });

  it('hints at names that are near', () => {
    const unknown = snapshot.resolve('gpt-5-mimi');
    assert.ok(unknown.kind === 'unknown' && unknown.near.some((name) => name.includes('gpt-5-mini')));
  });

  it('makes a target of every key of a provider', () => {
    const many = compiled('providers: {openai: {api_key: [sk-a, {key: sk-b, weight: 5}]}}').snapshot;
    assert.deepEqual(ids(many.resolve('openai/gpt-5')), [['openai/gpt-5', 'openai/gpt-5#2']]);
    assert.equal(many.targets.get('openai/gpt-5#2')?.secret, 'sk-b');
  });

  it('reads a key under its usual name, and warns of a provider without one', () => {
    assert.equal(compiled('providers: {mistral: {}}', { MISTRAL_API_KEY: 'k' }).snapshot.targets.size > 10, true);
    const without = compiled('providers: {mistral: {}}');
    assert.equal(without.snapshot.targets.size, 0);
    assert.match(without.warnings[0] ?? '', /MISTRAL_API_KEY/);
  });

  it('lets auto mean current all-round models, balanced', () => {
    const auto = snapshot.resolve('auto');
    assert.ok(auto.kind === 'found');
    assert.equal(auto.policy.strategy, 'balanced');
    const targets = auto.policy.tiers.flat().map(({ target }) => target);
    assert.ok(
      targets.length > 1 && targets.every((target) => target.price !== undefined && target.abilities?.has('tools')),
    );
  });

  it('gives another id to another configuration, and the same to the same', () => {
    assert.equal(compiled(TWO).snapshot.id, snapshot.id);
    assert.notEqual(compiled(TWO.replace('weight: 3', 'weight: 2')).snapshot.id, snapshot.id);
  });

  it('has another id where the environment, the clouds’ files or the intents make it another', () => {
    const bare = 'providers: {anthropic: {}, openai: {api_key: sk-one}, amazon-bedrock: {aws: {profile: work}}}';
    const { config } = parsedOf(bare);
    const key = { ANTHROPIC_API_KEY: 'sk-ant-1' };
    const intents = trainIntents({ refund: ['money back', 'refund me'], delivery: ['my parcel', 'the courier'] });
    const at = (region: string): Places => ({ awsRegion: () => region, googleProject: () => undefined });
    const shared = { config, catalog, env: {}, dialects: gateDialects };
    const ids = [
      shared,
      { ...shared, env: key },
      { ...shared, env: { AWS_REGION: 'eu-central-1' } },
      { ...shared, places: at('eu-west-3') },
      { ...shared, places: at('us-east-1') },
      { ...shared, intents },
    ].map((input) => compile(input).snapshot.id);
    assert.equal(new Set(ids).size, ids.length, ids.join());
    const other = { ...shared, env: { ...key, ANTHROPIC_API_KEY: 'sk-ant-2', EDITOR: 'vi' } };
    assert.equal(compile(other).snapshot.id, ids[1], 'which key it is decides nothing');
  });

  it('makes usable targets of every provider of the catalog that speaks a dialect of ours', () => {
    const spoken = catalog.providers.filter((provider) => provider.dialect !== undefined);
    const rows = spoken.map(
      (provider) =>
        `  ${provider.id}: {api_key: k${provider.baseUrl === undefined ? ', base_url: "https://account.example/v1"' : ''}}`,
    );
    const { snapshot: all, warnings } = compiled(`providers:\n${rows.join('\n')}\n`);
    assert.deepEqual(warnings, []);
    assert.ok(all.providerIds.size >= 100, `${all.providerIds.size} providers`);
    assert.ok([...all.targets.values()].filter((target) => target.price !== undefined).length >= 4000);
    for (const target of all.targets.values()) {
      const shape = { model: target.upstreamModel, isStreaming: true, operation: 'chat' } as const;
      const path = target.provider.dialect.path(shape);
      const url =
        target.provider.url?.({ baseUrl: target.baseUrl, path, model: shape.model, isStreaming: true }) ??
        target.baseUrl + path;
      assert.equal(new URL(url).origin, new URL(target.baseUrl).origin, target.id);
    }
  });

  describe('a route that is reached through another', () => {
    const NESTED = `
providers:
  house: {dialect: openai-chat, base_url: http://10.0.0.5/v1, api_key: k, compliance: [gdpr], models: {a: {}, b: {}, c: {}}}
routes:
  inner:
    targets: [house/a, house/b]
    rules:
      - {name: health, when: '"health" in facts.sensitive', require: {compliance: [hipaa]}}
      - {name: cards, when: '"card" in facts.sensitive', refuse: not here}
      - {name: code, when: facts.task == "code", use: {targets: [house/b]}}
  outer: {targets: [inner, house/c]}
`;
    const { snapshot: nested } = compiled(NESTED);

    function planned(...names: readonly string[]): (view: Partial<RuleFacts>) => readonly string[] {
      const [first, ...others] = names.map((name) => {
        const resolved = nested.resolve(name);
        assert.ok(resolved.kind === 'found');
        return resolved;
      });
      assert.ok(first);
      const policy = policyOver(first.policy, others);
      return (view) => {
        const known = { facts: TEST_FACTS, seen: () => UNSEEN, today: '2026-11-27' };
        const shut = shutThrough(policy, undefined, { view: () => ({ ...NO_FACTS, ...view }), ...known });
        return plan(inputOf(policy, { shut })).targets.map(({ id }) => id);
      };
    }

    it('is bound there by its own rules', () => {
      const outer = planned('outer');
      assert.deepEqual(outer({}), ['house/a', 'house/b', 'house/c']);
      assert.deepEqual(outer({ sensitive: ['health'] }), ['house/c']);
      assert.deepEqual(outer({ sensitive: ['card'] }), ['house/c']);
      assert.deepEqual(outer({ task: 'code' }), ['house/b', 'house/c']);
    });

    it('is bound by those that cannot be told, and says so', () => {
      const { snapshot: odd } = compiled(`
providers:
  house: {dialect: openai-chat, base_url: http://10.0.0.5/v1, api_key: k, models: {a: {}, c: {}}}
routes:
  inner:
    targets: [house/a]
    rules: [{name: tagged, when: 'facts.tags[0] != "public"', refuse: not here}]
  outer: {targets: [inner, house/c]}
`);
      const resolved = odd.resolve('outer');
      assert.ok(resolved.kind === 'found');
      const { policy } = resolved;
      const judged = (tags: readonly string[]): ReturnType<typeof judgedThrough> =>
        judgedThrough(policy, undefined, {
          view: () => ({ ...NO_FACTS, tags }),
          facts: TEST_FACTS,
          seen: () => UNSEEN,
          today: '2026-11-27',
        });
      const ids = (shut: ReturnType<typeof judgedThrough>['shut']): readonly string[] =>
        [...shut.keys()].map(({ target }) => target.id);
      assert.deepEqual([ids(judged(['public']).shut), judged(['public']).troubles], [[], []]);
      assert.deepEqual(ids(judged([]).shut), ['house/a']);
      assert.match(judged([]).troubles.join(), /^tagged: takes an item that the list does not have; it refuses/);
    });

    it('is bound by them as a fallback of the request’s own, and the text is looked at for them', () => {
      const either = planned('house/c', 'inner');
      assert.deepEqual(either({ sensitive: ['health'] }), ['house/c']);
      const [first, second] = ['house/c', 'inner'].map((name) => nested.resolve(name));
      assert.ok(first?.kind === 'found' && second?.kind === 'found');
      const { readsContent, wanted } = policyOver(first.policy, [second]);
      assert.deepEqual([readsContent, wanted?.has('sensitive')], [true, true]);
    });
  });
});
