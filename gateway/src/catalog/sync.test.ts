import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { makeCatalog } from './catalog.ts';
import type { Catalog, CatalogModel } from './catalog.ts';
import { nanoUsdOf } from './cost-reading.ts';
import { diffCatalog, formatDiff, isEmptyDiff } from './diff.ts';
import { priceText } from './form.ts';
import { adoptCatalog, readModelsDev } from './sync.ts';

/** A file in the form of models.dev's api.json with one provider. */
function file(models: JsonRecord, provider: JsonRecord = {}): JsonRecord {
  const about = { id: 'acme', name: 'Acme', env: ['ACME_API_KEY', 'ACME_REGION'], npm: '@ai-sdk/openai-compatible' };
  return {
    acme: { ...about, api: 'https://api.acme.example/v1/', doc: 'https://acme.example/docs', models, ...provider },
  };
}

function read(json: unknown): Catalog {
  const reading = readModelsDev(json);
  return reading.ok ? reading.value.catalog : assert.fail(reading.error);
}

function model(about: JsonRecord, id = 'm'): CatalogModel {
  return read(file({ [id]: { id, name: 'M', ...about } })).modelOf('acme', id) ?? assert.fail('no such model');
}

describe('readModelsDev', () => {
  const row = { id: 'm', name: 'M', cost: { input: 0.15, output: 0.6 }, limit: { context: 1000, output: 10 } };

  it('reads the public form and the snapshot form alike', () => {
    const plain = read(file({ m: row }));
    const wrapped = read({
      source: 'x',
      commit: 'abc',
      commit_date: '2026-07-02T00:40:28+08:00',
      providers: file({ m: row }),
    });
    assert.deepEqual(wrapped.providers, plain.providers);
    assert.deepEqual(wrapped.source, { name: 'models.dev', asOf: '2026-07-02', commit: 'abc' });
    assert.equal(plain.modelCount, 1);
  });

  it('reads a provider: address without a slash at the end, keys apart from the rest', () => {
    const [provider] = read(file({ m: row })).providers;
    assert.equal(provider?.baseUrl, 'https://api.acme.example/v1');
    assert.deepEqual([provider.envKeys, provider.envOthers], [['ACME_API_KEY'], ['ACME_REGION']]);
    assert.equal(provider.dialect, 'openai-chat');
  });

  it('keeps an address that depends on the account apart', () => {
    const [provider] = read(file({ m: row }, { api: 'https://${ACME_REGION}.acme.example/v1' })).providers;
    assert.equal(provider?.baseUrl, undefined);
    assert.equal(provider?.baseUrlTemplate, 'https://${ACME_REGION}.acme.example/v1');
  });

  const addresses = [
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://key:secret@acme.example',
    'https://',
    'acme',
    7,
    'https://a.example/$x',
  ];
  for (const api of addresses) {
    it(`leaves out the address ${JSON.stringify(api)} and says so`, () => {
      const reading = readModelsDev(file({ m: row }, { api }));
      assert.ok(reading.ok);
      assert.equal(reading.value.catalog.provider('acme')?.baseUrl, undefined);
      assert.match(reading.value.problems[0] ?? '', /its address is not one/);
    });
  }

  it('does not let a file move the address of a provider that we know', () => {
    const json = {
      openai: {
        id: 'openai',
        name: 'OpenAI',
        env: [],
        npm: '@ai-sdk/openai',
        api: 'https://evil.example/v1',
        models: { m: row },
      },
    };
    assert.equal(read(json).provider('openai')?.baseUrl, 'https://api.openai.com/v1');
  });

  it('reads prices exactly, floats and all', () => {
    const cost = {
      input: 0.049999999999999996,
      output: 0.30000000000000004,
      cache_read: 0.025,
      cache_write: 0.0625,
      reasoning: 1,
      input_audio: 2,
      output_audio: 3,
    };
    assert.deepEqual(model({ cost }).price, {
      input: 50_000_000n,
      output: 300_000_000n,
      cacheRead: 25_000_000n,
      cacheWrite: 62_500_000n,
      reasoning: 1_000_000_000n,
      inputAudio: 2_000_000_000n,
      outputAudio: 3_000_000_000n,
    });
  });

  it('reads tiers in both of their forms', () => {
    const tier = { aboveContextTokens: 200_000, input: 2_000_000_000n, output: 3_000_000_000n };
    const plain = { input: 1, output: 2 };
    assert.deepEqual(model({ cost: { ...plain, context_over_200k: { input: 2, output: 3 } } }).price?.tiers, [tier]);
    const rows = [
      { tier: { type: 'context', size: 300_000 }, input: 4, output: 5 },
      { tier: { size: 200_000 }, input: 2, output: 3 },
    ];
    const tiers = model({ cost: { ...plain, tiers: rows } }).price?.tiers;
    assert.deepEqual(
      tiers?.map((one) => one.aboveContextTokens),
      [200_000, 300_000],
    );
    assert.deepEqual(tiers?.[0], tier);
  });

  it('has no price where there is none', () => {
    assert.equal(model({}).price, undefined);
    assert.equal(model({ cost: { input: 1 } }).price, undefined);
    assert.equal(model({ cost: { input: '1', output: '2' } }).price, undefined);
    assert.equal(model({ cost: { input: -1, output: 2 } }).price, undefined);
    assert.equal(model({ cost: { input: 1e9, output: 2 } }).price, undefined);
  });

  const zeros = [
    ['a paid model', 'gpt-oss-120b', 'zero-price'],
    ['a router that bills the rest elsewhere', 'model-router', 'zero-output'],
  ] as const;
  for (const [what, id, kind] of zeros) {
    it(`takes the zero of ${what} for unknown`, () => {
      const cost = kind === 'zero-price' ? { input: 0, output: 0 } : { input: 0.14, output: 0 };
      const reading = readModelsDev(file({ [id]: { id, cost } }));
      assert.ok(reading.ok);
      assert.equal(reading.value.catalog.modelOf('acme', id)?.price, undefined);
      assert.deepEqual(
        reading.value.oddities.map((oddity) => oddity.kind),
        [kind],
      );
    });
  }

  it('takes the zero of a free tier, a plan and a local server for a price', () => {
    const cost = { input: 0, output: 0 };
    assert.equal(model({ cost }, 'x/y:free').free, 'free-tier');
    for (const [id, free] of [
      ['lmstudio', 'local'],
      ['acme-coding-plan-cn', 'subscription'],
      ['github-models', 'free-tier'],
    ] as const) {
      const json = {
        [id]: {
          id,
          name: id,
          env: [],
          npm: '@ai-sdk/openai-compatible',
          api: 'http://127.0.0.1:1/v1',
          models: { m: { id: 'm', cost } },
        },
      };
      const found = read(json).modelOf(id, 'm');
      assert.deepEqual([found?.free, found?.price], [free, { input: 0n, output: 0n }]);
    }
  });

  it('keeps the free output of an embedding model', () => {
    assert.deepEqual(model({ cost: { input: 0.13, output: 0 } }, 'text-embedding-3-large').price, {
      input: 130_000_000n,
      output: 0n,
    });
  });

  it('leaves out cache prices that cannot be', () => {
    const price = model({ cost: { input: 1, output: 2, cache_read: 0, cache_write: 0.5 } }).price;
    assert.deepEqual(price, { input: 1_000_000_000n, output: 2_000_000_000n });
    assert.equal(model({ cost: { input: 1, output: 2, cache_read: 1.5 } }).price?.cacheRead, undefined);
  });

  it('marks models of another wire than their provider', () => {
    assert.equal(model({ provider: { npm: '@ai-sdk/anthropic' } }).dialect, 'anthropic-messages');
    assert.equal(model({ provider: { npm: '@ai-sdk/openai' } }).dialect, 'openai-responses');
    assert.equal(model({ provider: { shape: 'responses' } }).dialect, 'openai-responses');
    assert.equal(model({ provider: { npm: '@ai-sdk/unheard-of' } }).dialect, 'other');
    assert.equal(model({ provider: { npm: '@ai-sdk/openai-compatible' } }).dialect, undefined);
    assert.equal(
      model({ provider: { npm: '@ai-sdk/anthropic', api: 'https://b.example/v1/' } }).baseUrl,
      'https://b.example/v1',
    );
  });

  it('leaves out broken rows, names them, and goes on', () => {
    const json = { ...file({ ok: row, 'bad\u001b[31m': row, worse: 7 }), '../x': file({}), none: null };
    const reading = readModelsDev(json);
    assert.ok(reading.ok);
    assert.deepEqual(
      reading.value.catalog.models('acme').map((one) => one.id),
      ['ok'],
    );
    assert.equal(reading.value.problemCount, 4);
    assert.ok(reading.value.problems.every((problem) => !problem.includes('\u001b')));
  });

  it('takes nothing that could write on a terminal into a name', () => {
    assert.equal(model({ name: 'a\u001b[2Jb\u202ec\n' }).name, 'a[2Jbc');
  });

  it('reads keys that JavaScript has a meaning for as any other', () => {
    const json = parseJson(
      '{"constructor": {"name": "C", "env": [], "npm": "x", "models": {"__proto__": {"name": "P"}, "toString": {}}}}',
    );
    const catalog = read(json);
    assert.deepEqual(
      catalog.models('constructor').map((one) => one.id),
      ['__proto__', 'toString'],
    );
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });

  for (const [what, json] of [
    ['a list', []],
    ['nothing', null],
    ['another file', { hello: 'world' }],
    ['an empty one', {}],
    ['a page', '<html>'],
  ] as const) {
    it(`refuses ${what}`, () => {
      const reading = readModelsDev(json);
      assert.ok(!reading.ok);
      assert.match(reading.error, /not a models\.dev file/);
    });
  }

  it('refuses more providers than there can be', () => {
    const many = Object.fromEntries(Array.from({ length: 2001 }, (_, index) => [`p${index}`, { models: {} }]));
    const reading = readModelsDev(many);
    assert.ok(!reading.ok);
    assert.match(reading.error, /more than 2000 providers/);
  });

  it('never throws, whatever the JSON is', () => {
    const json = fc.jsonValue({ maxDepth: 6 });
    fc.assert(
      fc.property(json, json, json, (models, cost, provider) => {
        readModelsDev(models);
        readModelsDev({ acme: { models } });
        readModelsDev({
          acme: { models: { m: { cost, provider, limit: cost, modalities: provider } }, env: cost, api: provider },
        });
      }),
    );
  });
});

describe('nanoUsdOf', () => {
  it('is the decimal that was written, to nine places', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 0, max: 6 }), (digits, places) => {
        const written = Number(`${digits}e-${places}`);
        return nanoUsdOf(written) === BigInt(digits) * 10n ** BigInt(9 - places);
      }),
    );
  });

  it('is nothing for what is no price', () => {
    for (const value of [-1, Number.NaN, Infinity, 1e12, '1', null, true])
      assert.equal(nanoUsdOf(value as Json), undefined);
  });
});

describe('diffCatalog', () => {
  const row = { name: 'M', cost: { input: 1, output: 2 }, limit: { context: 100, output: 10 } };
  const before = read(file({ stays: row, goes: row, changes: row }));

  it('finds nothing between a catalog and itself', () => {
    const diff = diffCatalog(before, before);
    assert.ok(isEmptyDiff(diff));
    assert.equal(formatDiff(diff, 10), 'nothing changes\n');
  });

  it('finds what is new, gone and changed, with both values', () => {
    const changed = { ...row, cost: { input: 1, output: 3, cache_read: 0.1 }, limit: { context: 200, output: 10 } };
    const after = read({
      ...file({ stays: row, comes: row, changes: changed }, { api: 'https://other.example/v1' }),
      next: file({ x: row })['acme'],
    });
    const diff = diffCatalog(before, after);
    assert.deepEqual(diff.providers, {
      added: ['next'],
      removed: [],
      changed: [
        {
          name: 'acme',
          fields: [{ field: 'baseUrl', before: 'https://api.acme.example/v1', after: 'https://other.example/v1' }],
        },
      ],
    });
    assert.deepEqual([diff.models.added, diff.models.removed], [['acme/comes', 'next/x'], ['acme/goes']]);
    assert.deepEqual(diff.models.changed, [
      { name: 'acme/changes', fields: [{ field: 'contextTokens', before: '100', after: '200' }] },
    ]);
    const fields = [
      { field: 'output', before: '2', after: '3' },
      { field: 'cacheRead', after: '0.1' },
    ];
    assert.deepEqual(diff.prices, [{ name: 'acme/changes', fields }]);
    const text = formatDiff(diff, 10);
    assert.match(text, /^providers that change: 1\n {2}acme: baseUrl https:\/\/api/);
    assert.match(text, /acme\/changes: output 2 -> 3; cacheRead unknown -> 0\.1\n/);
  });

  it('tells a price that is lost from one that is zero', () => {
    const after = read(file({ stays: row, goes: row, changes: { name: 'M', limit: row.limit } }));
    const [change] = diffCatalog(before, after).prices;
    assert.deepEqual(change?.fields, [
      { field: 'input', before: '1' },
      { field: 'output', before: '2' },
    ]);
  });

  it('shows so many rows and counts the rest', () => {
    const after = read(file(Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`m${index}`, row]))));
    assert.match(
      formatDiff(diffCatalog(makeCatalog({ name: 'x' }, []), after), 3),
      /new models: 9\n(?: {2}acme\/m\d\n){3} {2}… and 6 more\n/,
    );
  });
});

describe('adoptCatalog', () => {
  const row = { name: 'M', cost: { input: 1, output: 2 } };

  /** The catalog before, with one model amended by what models.dev does not know. */
  function amended(amend: Partial<CatalogModel>, more: readonly CatalogModel[] = []): Catalog {
    const [provider] = read(file({ m: row })).providers;
    assert.ok(provider !== undefined);
    return makeCatalog({ name: 'before' }, [
      { ...provider, models: [...provider.models.map((one) => ({ ...one, ...amend })), ...more] },
    ]);
  }

  it('keeps what models.dev does not know', () => {
    const version: CatalogModel = {
      ...model(row),
      id: 'm-2026-01-02',
      name: 'm-2026-01-02',
      versionOf: 'm',
      releasedOn: '2026-01-02',
    };
    const other: CatalogModel = { ...model(row), id: 'other', source: 'genai-prices' };
    const before = amended(
      {
        retiresOn: '2027-01-01',
        successor: 'n',
        price: { input: 1_000_000_000n, output: 2_000_000_000n, cacheWrite1h: 5n },
      },
      [version, other],
    );
    const fresh = read(file({ m: { ...row, cost: { input: 1, output: 9 } } }));
    const { catalog } = adoptCatalog(before, fresh, false);
    const found = catalog.model('acme/m');
    assert.deepEqual([found?.retiresOn, found?.successor], ['2027-01-01', 'n']);
    assert.deepEqual(found?.price, { input: 1_000_000_000n, output: 9_000_000_000n, cacheWrite1h: 5n });
    assert.equal(catalog.model('acme/m-2026-01-02')?.price?.output, 9_000_000_000n);
    assert.equal(catalog.model('acme/other')?.source, 'genai-prices');
  });

  it('keeps a corrected price while the row is as it was, and takes the new one when it changes', () => {
    const right = { input: 7n, output: 8n };
    const before = amended({ price: right, listedPrice: priceText(model(row).price) });
    assert.deepEqual(adoptCatalog(before, read(file({ m: row })), false).catalog.model('acme/m')?.price, right);
    const fresh = read(file({ m: { ...row, cost: { input: 3, output: 4 } } }));
    assert.deepEqual(adoptCatalog(before, fresh, false).catalog.model('acme/m')?.price, {
      input: 3_000_000_000n,
      output: 4_000_000_000n,
    });
  });

  it('lets go of models that are gone', () => {
    assert.equal(adoptCatalog(amended({}), read(file({ n: row })), false).catalog.model('acme/m'), undefined);
  });

  it('takes an address with another host only when told to', () => {
    const fresh = read(file({ m: row }, { api: 'https://evil.example/v1' }));
    const careful = adoptCatalog(amended({}), fresh, false);
    assert.equal(careful.catalog.provider('acme')?.baseUrl, 'https://api.acme.example/v1');
    assert.deepEqual(careful.keptUrls, [
      { provider: 'acme', kept: 'https://api.acme.example/v1', refused: 'https://evil.example/v1' },
    ]);
    const told = adoptCatalog(amended({}), fresh, true);
    assert.equal(told.catalog.provider('acme')?.baseUrl, 'https://evil.example/v1');
  });

  it('takes another path on the same host', () => {
    const fresh = read(file({ m: row }, { api: 'https://api.acme.example/v2' }));
    const { catalog, keptUrls } = adoptCatalog(amended({}), fresh, false);
    assert.equal(catalog.provider('acme')?.baseUrl, 'https://api.acme.example/v2');
    assert.deepEqual(keptUrls, []);
  });
});
