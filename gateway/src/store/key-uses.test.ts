import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyUse } from './books/form.ts';
import { KeyUses } from './key-uses.ts';

describe('uses of keys', () => {
  it('stay noted where the store refuses them, and what is newer stays newer', async () => {
    const written: KeyUse[] = [];
    let isAway = true;
    const uses = new KeyUses({
      noteUses: async (rows) => {
        if (isAway) throw new Error('away');
        written.push(...rows);
      },
      keyUses: async () => [],
    });
    uses.note('a', 0);
    uses.note('b', 5);
    await assert.rejects(uses.flush());
    uses.note('a', 60_000);
    isAway = false;
    await uses.flush();
    await uses.flush();
    assert.deepEqual(written, [
      { keyId: 'a', atMs: 60_000 },
      { keyId: 'b', atMs: 5 },
    ]);
  });

  it('goes on where the clock was set back', async () => {
    const written: KeyUse[] = [];
    const uses = new KeyUses({ noteUses: async (rows) => void written.push(...rows), keyUses: async () => [] });
    uses.note('a', 1_000_000);
    uses.note('a', 10);
    await uses.flush();
    assert.deepEqual(written, [{ keyId: 'a', atMs: 10 }]);
  });
});
