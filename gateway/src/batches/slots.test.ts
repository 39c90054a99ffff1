import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSlots } from './slots.ts';

async function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('slots', () => {
  it('let in as many as there is room for, in the order in which they came', async () => {
    const slots = createSlots({ most: () => 2, after: () => () => undefined });
    const seen: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) void slots.enter().then(() => seen.push(name));
    await turn();
    assert.deepEqual(seen, ['a', 'b']);
    slots.leave();
    await turn();
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(slots.underWay(), 2);
  });

  it('look again, with one timer for all, while live requests take the room', async () => {
    let room = 0;
    const timers: (() => void)[] = [];
    const slots = createSlots({ most: () => room, after: (_, fire) => (timers.push(fire), () => undefined) });
    const seen: string[] = [];
    for (const name of ['a', 'b']) void slots.enter().then(() => seen.push(name));
    await turn();
    assert.deepEqual([seen.length, timers.length], [0, 1]);
    timers.shift()?.();
    assert.equal(timers.length, 1);
    room = 5;
    timers.shift()?.();
    await turn();
    assert.deepEqual(seen, ['a', 'b']);
    assert.equal(timers.length, 0);
  });
});
