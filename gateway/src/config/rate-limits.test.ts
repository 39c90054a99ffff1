import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLimits } from './rate-limits.ts';

describe('readLimits', () => {
  it('reads short forms and other windows', () => {
    const read = readLimits({ rpm: 60, concurrent: 4, more: [{ of: 'tokens', max: 1000, per: 'month' }] });
    assert.ok(read.ok);
    assert.deepEqual(read.value, [
      { of: 'tokens', windowMs: 2_592_000_000, max: 1000 },
      { of: 'requests', windowMs: 60_000, max: 60 },
      { of: 'concurrent', windowMs: 0, max: 4 },
    ]);
  });

  it('takes the lower one where the same is limited twice', () => {
    for (const max of [5, 60, 100]) {
      const read = readLimits({ rpm: 60, more: [{ of: 'requests', max, per: 60 }] });
      assert.ok(read.ok);
      assert.deepEqual(read.value, [{ of: 'requests', windowMs: 60_000, max: Math.min(60, max) }]);
    }
  });

  it('takes nothing for no limit, and names what is wrong', () => {
    for (const none of [undefined, null, {}]) assert.deepEqual(readLimits(none), { ok: true, value: [] });
    for (const [given, where] of [
      [{ rpm: -1 }, 'limits.rpm'],
      [{ rpm: 1.5 }, 'limits.rpm'],
      [{ rpx: 1 }, 'limits'],
      [{ more: [{ of: 'tokens', max: 1, per: 'year' }] }, 'limits.more.0.per'],
      ['60', 'limits'],
    ] as const) {
      const read = readLimits(given);
      assert.ok(!read.ok && read.error.startsWith(`${where}:`), JSON.stringify(read));
    }
  });
});
