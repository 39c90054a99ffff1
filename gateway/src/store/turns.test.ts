import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptTurns } from './turns.ts';

const MIB = 1024 * 1024;
const turn = (id: string, keyId = 'k', text = '{}') => ({ id, keyId, text });

describe('kept turns', () => {
  it('are read by their own key alone, and removed by it', () => {
    const turns = keptTurns(() => 0);
    turns.put(turn('resp_1', 'a'));
    assert.equal(turns.get('resp_1', 'b'), undefined);
    assert.equal(turns.remove('resp_1', 'b'), false);
    assert.equal(turns.get('resp_1', 'a')?.id, 'resp_1');
    assert.equal(turns.remove('resp_1', 'a'), true);
    assert.deepEqual(turns.size(), { turns: 0, bytes: 0 });
  });

  it('are gone after a day', () => {
    let now = 0;
    const turns = keptTurns(() => now);
    turns.put(turn('resp_1'));
    now = 24 * 60 * 60 * 1000;
    assert.ok(turns.get('resp_1', 'k') !== undefined);
    now += 1;
    assert.equal(turns.get('resp_1', 'k'), undefined);
    assert.equal(turns.size().turns, 0);
  });

  it('stay within their bytes: a key that fills its share loses its own oldest, and no one else anything', () => {
    const turns = keptTurns(() => 0);
    turns.put(turn('mine', 'quiet'));
    turns.put(turn('first', 'loud', 'x'.repeat(7 * MIB)));
    for (let index = 0; index < 20; index += 1) {
      turns.get('first', 'loud');
      turns.put(turn(`r${index}`, 'loud', 'x'.repeat(7 * MIB)));
    }
    assert.ok(turns.get('mine', 'quiet') !== undefined);
    assert.ok(turns.get('first', 'loud') !== undefined, 'what is used stays');
    assert.equal(turns.get('r0', 'loud'), undefined);
    assert.ok(turns.size().bytes <= 33 * MIB);
  });

  it('do not take in one that is larger than a turn may be, and hold one of each name', () => {
    const turns = keptTurns(() => 0);
    turns.put(turn('big', 'k', 'x'.repeat(9 * MIB)));
    turns.put(turn('twice'));
    turns.put(turn('twice', 'k', '{"a":1}'));
    assert.deepEqual([turns.size().turns, turns.get('twice', 'k')?.text], [1, '{"a":1}']);
  });

  it('stay within their number', () => {
    const turns = keptTurns(() => 0);
    for (let index = 0; index < 50_010; index += 1) turns.put(turn(`r${index}`, `k${index % 100}`));
    assert.equal(turns.size().turns, 50_000);
    assert.equal(turns.get('r0', 'k0'), undefined);
  });
});
