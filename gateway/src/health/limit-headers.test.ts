import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allowancesIn, type Allowances } from './limit-headers.ts';

const NOW = Date.parse('2026-11-27T12:00:00Z');

const CASES: readonly (readonly [string, Record<string, string>, Allowances])[] = [
  [
    'OpenAI: spans, and the project’s own tokens where they are tighter',
    {
      'x-ratelimit-limit-requests': '5000',
      'x-ratelimit-remaining-requests': '4999',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-limit-tokens': '2000000',
      'x-ratelimit-remaining-tokens': '1999773',
      'x-ratelimit-reset-tokens': '6ms',
      'x-ratelimit-limit-project-tokens': '1000',
      'x-ratelimit-remaining-project-tokens': '500',
      'x-ratelimit-reset-project-tokens': '1m51.5s',
    },
    {
      requests: { limit: 5000, left: 4999, fullAfterMs: 12 },
      tokens: { limit: 1000, left: 500, fullAfterMs: 111_500 },
    },
  ],
  [
    'Anthropic: times of day, and the tightest of three kinds of tokens',
    {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '4',
      'anthropic-ratelimit-requests-reset': '2026-11-27T12:00:30Z',
      'anthropic-ratelimit-tokens-limit': '10000',
      'anthropic-ratelimit-tokens-remaining': '9000',
      'anthropic-ratelimit-tokens-reset': '2026-11-27T11:59:00Z',
      'anthropic-ratelimit-output-tokens-limit': '4000',
      'anthropic-ratelimit-output-tokens-remaining': '1000',
      'anthropic-ratelimit-output-tokens-reset': '2026-11-27T12:00:45Z',
    },
    {
      requests: { limit: 50, left: 4, fullAfterMs: 30_000 },
      tokens: { limit: 4000, left: 1000, fullAfterMs: 45_000 },
    },
  ],
  [
    'Azure: whole seconds',
    {
      'x-ratelimit-limit-requests': '50',
      'x-ratelimit-remaining-requests': '49',
      'x-ratelimit-reset-requests': '1',
    },
    { requests: { limit: 50, left: 49, fullAfterMs: 1000 } },
  ],
  [
    'Groq: requests of a day, tokens of a minute',
    {
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '983',
      'x-ratelimit-reset-requests': '24m28.8s',
      'x-ratelimit-limit-tokens': '12000',
      'x-ratelimit-remaining-tokens': '11866',
      'x-ratelimit-reset-tokens': '670ms',
    },
    {
      requests: { limit: 1000, left: 983, fullAfterMs: 1_468_800 },
      tokens: { limit: 12_000, left: 11_866, fullAfterMs: 670 },
    },
  ],
  [
    'Mistral: of a minute, without a time',
    {
      'x-ratelimit-limit-req-minute': '4',
      'x-ratelimit-remaining-req-minute': '3',
      'x-ratelimit-limit-tokens-minute': '100000',
      'x-ratelimit-remaining-tokens-minute': '94431',
    },
    {
      requests: { limit: 4, left: 3, fullAfterMs: 60_000 },
      tokens: { limit: 100_000, left: 94_431, fullAfterMs: 60_000 },
    },
  ],
  [
    'Together: more left than the limit is, which is all of it',
    { 'x-ratelimit-limit': '30', 'x-ratelimit-remaining': '59', 'x-ratelimit-reset': '2' },
    { requests: { limit: 30, left: 30, fullAfterMs: 2000 } },
  ],
  [
    'OpenRouter: milliseconds since 1970',
    { 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 5000) },
    { requests: { limit: 1, left: 0, fullAfterMs: 5000 } },
  ],
  [
    'Hugging Face: the names of the IETF’s draft',
    { 'ratelimit-limit': '400', 'ratelimit-remaining': '399', 'ratelimit-reset': '19' },
    { requests: { limit: 400, left: 399, fullAfterMs: 19_000 } },
  ],
];

describe('headers of rate limits', () => {
  for (const [name, headers, allowances] of CASES)
    it(`are read: ${name}`, () => assert.deepEqual(allowancesIn(headers, NOW), allowances));

  it('say nothing where they are masked, lists, zero, or have one half only', () => {
    for (const headers of [
      {},
      { 'x-ratelimit-limit-requests': 'X-RATELIMIT-LIMIT-REQUESTS-XXX', 'x-ratelimit-remaining-requests': '5' },
      { 'x-ratelimit-limit-requests': '10' },
      { 'x-ratelimit-remaining-requests': '10' },
      { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-remaining-requests': '0' },
      { 'x-ratelimit-limit-requests': '-5', 'x-ratelimit-remaining-requests': '1' },
      { 'x-ratelimit-limit-requests': ['5', '6'], 'x-ratelimit-remaining-requests': '1' },
      { 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '99' },
    ])
      assert.equal(allowancesIn(headers, NOW), undefined, JSON.stringify(headers));
  });

  it('are never more than the limit, nor full after more than a day, whatever stands there', () => {
    const word = fc.oneof(
      fc.string(),
      fc.nat().map(String),
      fc.constantFrom('1h2m3s', '9'.repeat(15), '2026-11-27', '-1', '1e9'),
    );
    fc.assert(
      fc.property(word, word, word, (limit, left, reset) => {
        const found = allowancesIn(
          {
            'x-ratelimit-limit-tokens': limit,
            'x-ratelimit-remaining-tokens': left,
            'x-ratelimit-reset-tokens': reset,
          },
          NOW,
        )?.tokens;
        if (found === undefined) return;
        assert.ok(found.limit > 0 && found.left >= 0 && found.left <= found.limit);
        assert.ok(found.fullAfterMs >= 0 && found.fullAfterMs <= 86_400_000, `${reset}: ${found.fullAfterMs}`);
      }),
    );
  });
});
