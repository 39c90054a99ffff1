import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sinceOf } from './since.ts';

const NOW_MS = Date.parse('2026-11-28T00:00:00Z');

describe('a point in time', () => {
  it('is read as a date, as seconds or milliseconds, and as how far back', () => {
    for (const [text, wanted] of [
      ['2026-11-27T00:00:00Z', NOW_MS - 86_400_000],
      ['2026-11-28', NOW_MS],
      ['1795000000', 1_795_000_000_000],
      ['1795000000000', 1_795_000_000_000],
      ['24h', NOW_MS - 86_400_000],
      ['90s', NOW_MS - 90_000],
    ] as const)
      assert.equal(sinceOf(text, NOW_MS), wanted, text);
  });

  it('is none where no clock could show it', () => {
    for (const text of ['', 'soon', '9'.repeat(400), '9'.repeat(20), '999999999d', '+300000-01-01'])
      assert.equal(sinceOf(text, NOW_MS), undefined, text.slice(0, 30));
  });
});
