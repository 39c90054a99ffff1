import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { isRecord, parseJson } from '../lib/json.ts';
import { parseUsd } from '../money/usd.ts';
import { makeCatalog, parseCatalog, tryParseCatalog } from './catalog.ts';
import type { CatalogModel } from './catalog.ts';
import { encodeCatalog, formatCatalog } from './form.ts';
import { localProviders } from './known.ts';

const TEXT = readFileSync(new URL('catalog.generated.json', import.meta.url), 'utf8');
const catalog = parseCatalog(parseJson(TEXT));
const models = catalog.providers.flatMap((provider) => provider.models);

function usd(text: string): bigint {
  return parseUsd(text) ?? assert.fail(`not a price: ${text}`);
}

describe('the shipped catalog', () => {
  it('has more than 100 providers and 4,000 models with a price that is not zero', () => {
    assert.ok(catalog.providers.length >= 100, `${catalog.providers.length} providers`);
    const priced = models.filter((model) => (model.price?.input ?? 0n) > 0n);
    assert.ok(priced.length >= 4000, `${priced.length} priced models`);
  });

  it('stays below 1.2 MB', () => {
    assert.ok(Buffer.byteLength(TEXT) < 1_200_000, `${Buffer.byteLength(TEXT)} bytes`);
  });

  it('knows how many models it has before it reads them', () => {
    assert.equal(catalog.modelCount, models.length);
  });

  // Prices by hand from the providers' own pages: openai.com/api/pricing, claude.com/pricing, ai.google.dev/pricing.
  const prices = [
    ['openai/gpt-5', { input: usd('1.25'), output: usd('10'), cacheRead: usd('0.125') }],
    [
      'anthropic/claude-sonnet-4-5',
      { input: usd('3'), output: usd('15'), cacheRead: usd('0.3'), cacheWrite: usd('3.75'), cacheWrite1h: usd('6') },
    ],
    [
      'google/gemini-2.5-flash',
      { input: usd('0.3'), output: usd('2.5'), cacheRead: usd('0.03'), inputAudio: usd('1') },
    ],
    [
      'google/gemini-2.5-pro',
      {
        input: usd('1.25'),
        output: usd('10'),
        cacheRead: usd('0.125'),
        tiers: [{ aboveContextTokens: 200_000, input: usd('2.5'), output: usd('15'), cacheRead: usd('0.25') }],
      },
    ],
  ] as const;
  for (const [name, price] of prices) {
    it(`has the right prices of ${name}`, () => assert.deepEqual(catalog.model(name)?.price, price));
  }

  it('says of gpt-5 what it can do, takes and gives', () => {
    const model = catalog.model('openai/gpt-5');
    assert.deepEqual(model?.abilities, {
      tools: true,
      reasoning: true,
      structuredOutput: true,
      attachment: true,
      temperature: false,
    });
    assert.deepEqual(model.limits, { contextTokens: 400_000, inputTokens: 272_000, outputTokens: 128_000 });
    assert.deepEqual([model.inputs, model.outputs], [['text', 'image'], ['text']]);
    assert.equal(model.releasedOn, '2025-08-07');
  });

  it('never has a price of zero without saying why', () => {
    const free = models.filter((model) => model.price?.input === 0n);
    assert.ok(free.length > 0);
    assert.deepEqual(
      free.filter((model) => model.free === undefined).map((model) => model.id),
      [],
    );
    // And nothing that is called free costs.
    assert.deepEqual(
      models.filter((model) => model.free !== undefined && model.price?.output !== 0n),
      [],
    );
  });

  it('has no cache price that could not be: zero, a dear read, a cheap write of Claude', () => {
    for (const model of models) {
      const { input, cacheRead, cacheWrite } = model.price ?? {};
      if (input === undefined || input === 0n) continue;
      assert.ok(cacheRead === undefined || (cacheRead > 0n && cacheRead <= input), `${model.provider}/${model.id}`);
      assert.ok(cacheWrite === undefined || cacheWrite > 0n, `${model.provider}/${model.id}`);
      if (model.id.includes('claude'))
        assert.ok(cacheWrite === undefined || cacheWrite > input, `${model.provider}/${model.id}`);
    }
  });

  it('finds a provider by its alias, and no alias is another provider', () => {
    assert.equal(catalog.provider('gemini')?.id, 'google');
    assert.equal(catalog.model('gemini/gemini-2.5-flash'), catalog.model('google/gemini-2.5-flash'));
    const ids = new Set(catalog.providers.map((provider) => provider.id));
    const aliases = catalog.providers.flatMap((provider) => provider.aliases);
    assert.deepEqual(
      aliases.filter((alias) => ids.has(alias)),
      [],
    );
    assert.equal(new Set(aliases).size, aliases.length);
  });

  it('finds models whose names hold slashes', () => {
    assert.equal(catalog.model('openrouter/anthropic/claude-sonnet-4.5')?.provider, 'openrouter');
  });

  it('has the official addresses and wires of the large providers', () => {
    const rows = [
      ['openai', 'https://api.openai.com/v1', 'openai-chat'],
      ['anthropic', 'https://api.anthropic.com', 'anthropic-messages'],
      ['google', 'https://generativelanguage.googleapis.com/v1beta', 'gemini'],
      ['mistral', 'https://api.mistral.ai/v1', 'openai-chat'],
      ['groq', 'https://api.groq.com/openai/v1', 'openai-chat'],
      ['xai', 'https://api.x.ai/v1', 'openai-chat'],
      ['openrouter', 'https://openrouter.ai/api/v1', 'openai-chat'],
      ['cohere', 'https://api.cohere.com/v2', 'cohere'],
      ['amazon-bedrock', undefined, 'bedrock-converse'],
    ] as const;
    for (const [id, baseUrl, dialect] of rows) {
      const provider = catalog.provider(id);
      assert.deepEqual([provider?.baseUrl, provider?.dialect], [baseUrl, dialect], id);
    }
  });

  it('has an address, whole or with names in it, for every provider whose wire we speak', () => {
    for (const provider of catalog.providers) {
      if (provider.dialect === undefined) continue;
      const address = provider.baseUrl ?? provider.baseUrlTemplate;
      assert.match(address ?? provider.id, /^(?:https?:\/\/|\$\{)[^\s]*[^/]$/, provider.id);
      assert.equal(provider.baseUrl?.includes('$') ?? false, false, provider.id);
    }
  });

  it('tells keys from the other variables', () => {
    assert.deepEqual(catalog.provider('openai')?.envKeys, ['OPENAI_API_KEY']);
    assert.deepEqual(catalog.provider('azure')?.envKeys, ['AZURE_API_KEY']);
    assert.deepEqual(catalog.provider('azure')?.envOthers, ['AZURE_RESOURCE_NAME']);
    assert.deepEqual(catalog.provider('amazon-bedrock')?.envKeys, ['AWS_BEARER_TOKEN_BEDROCK']);
  });

  it('gives a dated version all data of its model', () => {
    const version = catalog.model('openai/gpt-5-2025-08-07');
    assert.equal(version?.versionOf, 'gpt-5');
    assert.deepEqual(version.price, catalog.model('openai/gpt-5')?.price);
  });

  it('knows the announced end of models, and who follows', () => {
    assert.equal(catalog.model('anthropic/claude-sonnet-4-5')?.retiresOn, '2026-11-30');
    const { retiresOn, successor } = catalog.model('google/gemini-2.5-flash') ?? {};
    assert.deepEqual([retiresOn, successor], ['2026-12-01', 'gemini-3.5-flash-lite']);
  });

  it('is parsed well within the start of a process', () => {
    const json = parseJson(TEXT);
    parseCatalog(json);
    const tookMs = Array.from({ length: 5 }, () => {
      const startedMs = performance.now();
      parseCatalog(json).model('openai/gpt-5');
      return performance.now() - startedMs;
    });
    // Warm it takes 2 to 4 ms; on a machine that does other things too, the fastest of five tells.
    assert.ok(Math.min(...tookMs) < 60, `${tookMs.join(', ')} ms`);
  });
});

describe('the compact form', () => {
  it('gives back every model and provider as it was', () => {
    const again = parseCatalog(parseJson(formatCatalog(catalog)));
    assert.deepEqual(
      again.providers.map((provider) => ({ ...provider })),
      catalog.providers.map((provider) => ({ ...provider })),
    );
    assert.deepEqual(again.source, catalog.source);
  });

  it('keeps prices, tiers and requests to the nano-dollar', () => {
    const model: CatalogModel = {
      provider: 'p',
      id: 'm:1/x@2',
      name: 'M',
      abilities: { tools: false },
      limits: { outputTokens: 5 },
      price: {
        input: 1n,
        output: 123_456_789_012_345_678n,
        reasoning: 7n,
        request: 5_000_000n,
        tiers: [{ aboveContextTokens: 1, cacheRead: 3n }],
      },
    };
    const row = { id: 'p', name: 'P', aliases: ['q'], envKeys: [], envOthers: [], models: [model] };
    const form = encodeCatalog(makeCatalog({ name: 'test' }, [row]));
    const parsed = parseCatalog(parseJson(JSON.stringify(form)));
    assert.deepEqual(parsed.model('q/m:1/x@2'), model);
  });

  const broken = [
    ['not an object', [], /not a JSON object/],
    ['of a later form', { form: 2, providers: [] }, /form is 2/],
    ['without providers', { form: 1 }, /no list of providers/],
    ['with a provider that is none', { form: 1, providers: [['x', {}]] }, /providers\[0\] is not/],
    [
      'with a price that is none',
      { form: 1, providers: [['x', {}, [['m', '', 0, '', '', 0, 0, 0, [], ['-1']]]]] },
      /no decimal: "-1"/,
    ],
    [
      'with a price that is a number',
      { form: 1, providers: [['x', {}, [['m', '', 0, '', '', 0, 0, 0, [], [1]]]]] },
      /no decimal: 1/,
    ],
    ['with a model without a name', { form: 1, providers: [['x', {}, [[7]]]] }, /model without a name/],
    ['with a version of nothing', { form: 1, providers: [['x', {}, [['m-1', { v: 'm' }]]]] }, /version of a model/],
    [
      'with a tier without a size',
      { form: 1, providers: [['x', {}, [['m', '', 0, '', '', 0, 0, 0, [], ['1'], { t: [['1']] }]]]] },
      /tier without a size/,
    ],
  ] as const;
  for (const [what, json, message] of broken) {
    it(`refuses a file ${what}`, () => {
      const parsed = tryParseCatalog(json);
      assert.ok(!parsed.ok);
      assert.match(parsed.error, message);
    });
  }

  it('does not take the names of JavaScript for providers or models', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      assert.equal(catalog.provider(name), undefined);
      assert.equal(catalog.modelOf('openai', name), undefined);
      assert.deepEqual(catalog.models(name), []);
    }
    for (const name of ['', '/', 'openai', 'openai/', '/gpt-5']) assert.equal(catalog.model(name), undefined);
  });
});

describe('local servers', () => {
  it('are on this machine, on the ports their makers chose', () => {
    const ports = localProviders().map(({ id, baseUrl }) => [id, new URL(baseUrl).hostname, new URL(baseUrl).port]);
    assert.deepEqual(ports, [
      ['ollama', '127.0.0.1', '11434'],
      ['lmstudio', '127.0.0.1', '1234'],
      ['vllm', '127.0.0.1', '8000'],
      ['llamacpp', '127.0.0.1', '8080'],
    ]);
    assert.ok(localProviders().every((provider) => isRecord({ ...provider }) && provider.baseUrl.endsWith('/v1')));
  });
});
