import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joined } from './joined.ts';

describe('joined work', () => {
  it('is done once for all who ask before it begins, and once more for all who ask while it runs', async () => {
    let runs = 0;
    let go = (): void => undefined;
    const ask = joined(async () => {
      runs += 1;
      await new Promise<void>((resolve) => {
        go = resolve;
      });
    }, 0);
    const early = [ask(), ask(), ask()];
    await new Promise(setImmediate);
    assert.equal(runs, 1);
    const late = [ask(), ask()];
    await new Promise(setImmediate);
    assert.equal(runs, 1, 'one at a time');
    go();
    await Promise.all(early);
    await new Promise(setImmediate);
    assert.equal(runs, 2);
    go();
    await Promise.all(late);
    assert.equal(runs, 2);
  });

  it('fails for those who asked for the run that failed, and for nobody after them', async () => {
    let isBroken = true;
    const ask = joined(async () => {
      await Promise.resolve();
      if (isBroken) throw new Error('away');
    }, 0);
    const [first] = await Promise.allSettled([ask()]);
    assert.equal(first.status, 'rejected');
    isBroken = false;
    await ask();
  });

  it('leaves time between two beginnings, however many ask', async () => {
    const beganMs: number[] = [];
    const ask = joined(async () => {
      beganMs.push(performance.now());
      await Promise.resolve();
    }, 20);
    const endMs = performance.now() + 150;
    while (performance.now() < endMs) await ask();
    for (const [at, ms] of beganMs.entries()) assert.ok(at === 0 || ms - (beganMs[at - 1] ?? 0) >= 15, beganMs.join());
    assert.ok(beganMs.length >= 2);
  });
});
