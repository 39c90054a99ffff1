import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../lib/json.ts';
import { parseCatalog } from './catalog.ts';
import { indexNames, isMovingName, NAME_LENGTH_MAX, nameEntryOf } from './names.ts';
import type { NameEntry, NameIndex } from './names.ts';
import { editDistance, indexNear } from './nearest.ts';

const catalog = parseCatalog(parseJson(readFileSync(new URL('catalog.generated.json', import.meta.url), 'utf8')));
const everything = catalog.providers.flatMap((provider) => provider.models).map(nameEntryOf);
const aliases = new Map(
  catalog.providers.flatMap((provider) => provider.aliases.map((alias) => [alias, provider.id] as const)),
);
const CONFIGURED = new Set(['openai', 'anthropic', 'google', 'openrouter', 'mistral', 'deepseek']);
const names = indexNames(
  everything.filter((entry) => CONFIGURED.has(entry.provider)),
  { aliases },
);

/** What a name resolves to, as one line: `by: provider/model, …`. */
function told(index: NameIndex<NameEntry>, name: string): string {
  const found = index.resolve(name);
  if (found.kind === 'unknown') return `unknown: ${found.near.join(', ')}`;
  return `${found.by}: ${found.entries.map((entry) => `${entry.provider}/${entry.model}`).join(', ')}`;
}

function own(...entries: readonly string[]): NameIndex<NameEntry> {
  return indexNames(
    entries.map((entry) => ({
      provider: entry.slice(0, entry.indexOf('/')),
      model: entry.slice(entry.indexOf('/') + 1),
    })),
  );
}

/** Names as an attacker, a slip or a broken client would send them. */
const HOSTILE: readonly string[] = [
  '',
  '/',
  '//',
  'openai/',
  '/gpt',
  'openai//gpt-5',
  ' ',
  ':',
  '@',
  '@2025-08-07',
  ':nitro',
  'openai/:nitro',
  'constructor',
  '__proto__',
  'toString',
  'openai/__proto__',
  '__proto__/polluted',
  '../../etc/passwd',
  'openai/../../x',
  '\u0000',
  'gpt-5\n',
  '\ud800',
  '💥',
  'gpt-5@9999-99-99',
  'x'.repeat(NAME_LENGTH_MAX),
  'x'.repeat(100_000),
  '-'.repeat(256),
  '/'.repeat(256),
  'a@'.repeat(128),
];

describe('a name', () => {
  const table = [
    ['openai/gpt-5', 'exact: openai/gpt-5'],
    ['gpt-5', 'pool: openai/gpt-5, openrouter/openai/gpt-5'],
    ['openrouter/anthropic/claude-sonnet-4.5', 'exact: openrouter/anthropic/claude-sonnet-4.5'],
    ['anthropic/claude-sonnet-4.5', 'pool: openrouter/anthropic/claude-sonnet-4.5'],
    ['claude-sonnet-4-5', 'pool: anthropic/claude-sonnet-4-5, openrouter/anthropic/claude-sonnet-4.5'],
    ['gemini/gemini-2.5-flash', 'exact: google/gemini-2.5-flash'],
    ['gpt-5@2025-08-07', 'pin: openai/gpt-5-2025-08-07, openrouter/openai/gpt-5-2025-08-07'],
    ['openai/gpt-5@2025-08-07', 'pin: openai/gpt-5-2025-08-07'],
    ['openai/gpt-5@20250807', 'pin: openai/gpt-5-2025-08-07'],
    ['anthropic/claude-sonnet-4-5@2025-09-29', 'pin: anthropic/claude-sonnet-4-5-20250929'],
    ['mistral/mistral-medium@2025-08', 'pin: mistral/mistral-medium-2508'],
    ['mistral/mistral-large', 'latest: mistral/mistral-large-latest'],
    ['openai/gpt-oss-120b:free', 'pool: openrouter/openai/gpt-oss-120b:free'],
  ] as const;
  for (const [name, expected] of table) it(`${name} is ${expected}`, () => assert.equal(told(names, name), expected));

  it('finds only what is configured', () => {
    assert.equal(names.resolve('groq/llama-3.3-70b-versatile').kind, 'unknown');
    assert.equal(told(own('groq/m'), 'm'), 'pool: groq/m');
    assert.equal(told(own(), 'gpt-5'), 'unknown: ');
  });

  it('goes by aliases in both directions, and to the very provider first', () => {
    const options = { aliases: new Map([['gemini', 'google']]) };
    const entry = (provider: string): NameEntry => ({ provider, model: 'm' });
    assert.equal(told(indexNames([entry('gemini')], options), 'google/m'), 'exact: gemini/m');
    assert.equal(told(indexNames([entry('google')], options), 'gemini/m'), 'exact: google/m');
    assert.equal(told(indexNames([entry('google'), entry('gemini')], options), 'gemini/m'), 'exact: gemini/m');
  });

  it('pools the providers that serve a model in the order they were given, one entry each', () => {
    assert.equal(
      told(own('b/llama-70b', 'a/llama-70b', 'c/meta/Llama-70B', 'a/meta/llama-70b'), 'llama-70b'),
      'pool: b/llama-70b, a/llama-70b, c/meta/Llama-70B',
    );
  });

  it('does not look for a maker’s model under other makers', () => {
    assert.equal(told(own('azure/gpt-5', 'kilo/other/gpt-5'), 'openai/gpt-5').split(':')[0], 'unknown');
  });

  it('gives the suffix that chooses a target, and only where the name needs it gone', () => {
    const plain = names.resolve('openai/gpt-5:nitro');
    assert.deepEqual(plain.kind === 'found' && [plain.by, plain.suffix], ['exact', 'nitro']);
    const exact = own('a/m:floor', 'a/m').resolve('a/m:floor');
    assert.deepEqual(exact.kind === 'found' && [exact.entries[0]?.model, exact.suffix], ['m:floor', undefined]);
  });

  it('never takes a paid model for a free one that is not there', () => {
    for (const suffix of ['free', 'batch', 'thinking', 'beta'])
      assert.equal(names.resolve(`openai/gpt-5:${suffix}`).kind, 'unknown');
  });

  it('pins by month and day only a model that came out in that year', () => {
    const entries = [{ provider: 'd', model: 'r1-0528', releasedOn: '2025-05-28' }];
    assert.equal(told(indexNames(entries), 'r1@2025-05-28'), 'pin: d/r1-0528');
    assert.equal(indexNames(entries).resolve('r1@2024-05-28').kind, 'unknown');
  });

  it('answers a pin on another day with the versions that there are', () => {
    assert.equal(told(names, 'openai/gpt-5@2025-01-01'), 'unknown: openai/gpt-5-2025-08-07');
    assert.equal(
      told(own('a/m', 'a/m-20250101', 'a/m-20250301', 'a/m-mini-20250101'), 'm@2025-02-01'),
      'unknown: m-20250301, m-20250101',
    );
  });

  it('is moving where it means another model from time to time', () => {
    for (const name of [
      'mistral-large-latest',
      'latest',
      'x:latest',
      'gpt-5-chat-latest',
      '~anthropic/claude-opus-latest',
      'qwen-latest-instruct',
    ]) {
      assert.ok(isMovingName(name), name);
    }
    for (const name of ['gpt-5', 'latestish', 'translatest', 'gpt-5-2025-08-07']) assert.ok(!isMovingName(name), name);
    const latest = names.resolve('mistral/mistral-large');
    assert.ok(latest.kind === 'found' && latest.isMoving);
    const fixed = names.resolve('openai/gpt-5');
    assert.ok(fixed.kind === 'found' && !fixed.isMoving);
  });
});

describe('an unknown name', () => {
  const table = [
    ['gtp-5', 'gpt-5'],
    ['openai/gtp-5', 'openai/gpt-5'],
    ['opnai/gpt-5', 'gpt-5'],
    ['claude-4.5-sonnet', 'claude-sonnet-4-5'],
    ['gemini-flash-2.5', 'gemini-2.5-flash'],
    ['calude-opus-4-1', 'claude-opus-4-1'],
    ['anthropic/claude-sonet-4-5', 'anthropic/claude-sonnet-4-5'],
    ['mistral-largest', 'mistral-large-latest'],
  ] as const;
  for (const [name, nearest] of table) {
    it(`${name} is near ${nearest}`, () => {
      const found = names.resolve(name);
      assert.ok(found.kind === 'unknown');
      assert.ok(found.near.length <= 3);
      assert.ok(found.near.includes(nearest), found.near.join(', '));
    });
  }

  it('has no near name where nothing is like it', () => {
    for (const name of ['constructor', '__proto__', '../../etc/passwd', 'openai/', 'zzzzzz']) {
      assert.deepEqual(names.resolve(name), { kind: 'unknown', near: [] }, name);
    }
  });

  it('gives near names that exist', () => {
    fc.assert(
      fc.property(fc.constantFrom(...everything), fc.nat(40), fc.string({ maxLength: 2 }), (entry, at, noise) => {
        const bare = entry.model;
        const found = names.resolve(`${bare.slice(0, at)}${noise}${bare.slice(at + 1)}`);
        if (found.kind === 'found') return true;
        return found.near.length <= 3 && found.near.every((near) => names.resolve(near).kind === 'found');
      }),
    );
  });

  it('is answered within 5 ms among five thousand', () => {
    const all = indexNames(everything, { aliases });
    const asked = [
      ...HOSTILE,
      'gtp-5',
      'meta-llama/Llama-3.3-70B-Instruct-Turbo-Free-Preview',
      'instruct-'.repeat(28),
      'claude-gpt-gemini-llama-qwen-mistral-instruct-preview',
    ];
    for (const name of asked) all.resolve(name);
    for (const name of asked) {
      // The best of ten: what counts is the work, not what else the machine does.
      const times = Array.from({ length: 10 }, () => {
        const startedMs = performance.now();
        all.resolve(name);
        return performance.now() - startedMs;
      });
      assert.ok(Math.min(...times) < 5, `${name.slice(0, 40)} took ${Math.min(...times)} ms`);
    }
  });
});

describe('any name', () => {
  it('is answered, hostile or not, and never with what was not given', () => {
    const given = new Set<NameEntry>(everything);
    const check = (name: string): boolean => {
      const found = names.resolve(name);
      if (found.kind === 'unknown') return found.near.length <= 3;
      const providers = found.entries.map((entry) => entry.provider);
      return (
        found.entries.length > 0 &&
        found.entries.every((entry) => given.has(entry)) &&
        new Set(providers).size === providers.length
      );
    };
    for (const name of HOSTILE) assert.ok(check(name), name.slice(0, 40));
    fc.assert(fc.property(fc.string({ maxLength: 300 }), check));
    fc.assert(fc.property(fc.stringMatching(/^[a-z0-9/@:._-]{0,60}$/), check));
  });

  it('that is full and known is that very model', () => {
    const all = indexNames(everything, { aliases });
    fc.assert(
      fc.property(fc.constantFrom(...everything), (entry) => {
        const found = all.resolve(`${entry.provider}/${entry.model}`);
        return found.kind === 'found' && found.by === 'exact' && found.entries[0] === entry;
      }),
    );
  });

  it('that is bare and known has its own provider in the pool', () => {
    const all = indexNames(everything, { aliases });
    const bare = everything.filter((entry) => !entry.model.includes('/'));
    fc.assert(
      fc.property(fc.constantFrom(...bare), (entry) => {
        const found = all.resolve(entry.model);
        return found.kind === 'found' && found.by === 'pool' && found.entries.includes(entry);
      }),
    );
  });
});

describe('the life of a model', () => {
  const entries: readonly NameEntry[] = [
    { provider: 'a', model: 'm-1', family: 'm', releasedOn: '2025-01-01', retiresOn: '2026-12-11' },
    { provider: 'a', model: 'm-0', family: 'm', releasedOn: '2024-01-01', status: 'deprecated' },
    { provider: 'a', model: 'm-2', family: 'm', releasedOn: '2026-01-01' },
    { provider: 'a', model: 'm-2-2026-01-02', family: 'm', releasedOn: '2026-01-02' },
    { provider: 'a', model: 'm-latest', family: 'm', releasedOn: '2026-02-01' },
    { provider: 'a', model: 'm-3-beta', family: 'm', releasedOn: '2026-03-01', status: 'beta' },
    { provider: 'b', model: 'm-9', family: 'm', releasedOn: '2026-09-01' },
    { provider: 'a', model: 'n', family: 'n', releasedOn: '2025-01-01', status: 'deprecated' },
    { provider: 'a', model: 'told', family: 'm', releasedOn: '2025-01-01', retiresOn: '2026-01-01', successor: 'said' },
  ];
  const index = indexNames(entries);
  const life = (model: string, today: string): unknown => {
    const found = index.resolve(`a/${model}`);
    return found.kind === 'found' && found.entries[0] !== undefined
      ? index.lifecycle(found.entries[0], today)
      : undefined;
  };

  it('is current, then retiring, then retired on its day', () => {
    assert.deepEqual(life('m-2', '2026-11-22'), { state: 'current' });
    assert.deepEqual(life('m-1', '2026-12-10'), { state: 'retiring', on: '2026-12-11', successor: 'm-2' });
    assert.deepEqual(life('m-1', '2026-12-11'), { state: 'retired', on: '2026-12-11', successor: 'm-2' });
  });

  it('names the newest stable one of the family at the same provider, not a version, not what moves', () => {
    assert.deepEqual(life('m-0', '2026-11-22'), { state: 'deprecated', successor: 'm-2' });
  });

  it('names nobody where nobody follows, and whom the provider named before all', () => {
    assert.deepEqual(life('n', '2026-11-22'), { state: 'deprecated' });
    assert.deepEqual(life('told', '2026-11-22'), { state: 'retired', on: '2026-01-01', successor: 'said' });
  });

  it('is known of the shipped models', () => {
    const gpt5 =
      everything.find((entry) => entry.provider === 'openai' && entry.model === 'gpt-5') ?? assert.fail('no gpt-5');
    assert.deepEqual(names.lifecycle(gpt5, '2026-11-22'), {
      state: 'retiring',
      on: '2026-12-11',
      successor: 'gpt-6.1-sol',
    });
  });
});

describe('the distance of two words', () => {
  it('counts inserted, deleted, changed and swapped characters', () => {
    const table = [
      ['', '', 0],
      ['abc', 'abc', 0],
      ['abc', '', 3],
      ['gtp', 'gpt', 1],
      ['sonet', 'sonnet', 1],
      ['kitten', 'sitting', 3],
    ] as const;
    for (const [a, b, distance] of table) assert.equal(editDistance(a, b), distance, `${a} ${b}`);
  });

  it('is the same both ways, zero only for equals, and at most the longer word', () => {
    const word = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        return (
          distance === editDistance(b, a) && (distance === 0) === (a === b) && distance <= Math.max(a.length, b.length)
        );
      }),
    );
  });

  it('finds a word by itself first', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { minLength: 1, maxLength: 50 }), (words) => {
        const index = indexNear(words);
        return words.every((word, position) => index.near(word, 1, () => true)[0] === position);
      }),
    );
  });
});
