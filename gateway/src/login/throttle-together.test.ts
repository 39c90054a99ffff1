import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Voice } from '../shared/count.ts';
import { throttle, type Throttle } from './throttle.ts';
import { throttleTogether } from './throttle-together.ts';

/** Whatever one says all hear, itself too. */
function room(): { readonly voice: Voice; readonly said: string[] } {
  const listeners: ((text: string) => void)[] = [];
  const said: string[] = [];
  return {
    said,
    voice: {
      say(channel, text) {
        said.push(`${channel} ${text}`);
        for (const listener of listeners) listener(text);
      },
      listen: (_, heard) => void listeners.push(heard),
    },
  };
}

describe('guessing passwords at several processes', () => {
  const guess = { account: 'owner@example.org', address: '10.0.0.1', nowMs: 0 };
  const processes = (voice: Voice): readonly Throttle[] =>
    ['a', 'b', 'c'].map((processId) => throttleTogether(throttle(), { voice, processId, monotonicMs: () => 0 }));

  it('is refused to an address after ten wrong ones at all of them together', () => {
    const all = processes(room().voice);
    const kinds = Array.from({ length: 60 }, (_, index) => all[index % 3]?.begin(guess).kind);
    assert.equal(kinds.filter((kind) => kind === 'go').length, 10);
  });

  it('slows its account in all of them, and one that was right is not counted', () => {
    const { voice, said } = room();
    const [one, two] = processes(voice);
    for (let count = 0; count < 5; count += 1) one?.begin({ ...guess, address: `10.0.1.${count}` });
    assert.deepEqual(two?.begin({ ...guess, address: '10.0.2.1' }), { kind: 'go', delayMs: 50 });
    two?.right({ ...guess, address: '10.0.2.1' });
    assert.deepEqual(one?.begin({ ...guess, address: '10.0.2.1' }), { kind: 'go', delayMs: 50 });
    assert.doesNotMatch(said.join('\n'), /owner/, 'who logs in is nobody’s business');
  });
});
