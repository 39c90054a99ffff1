import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCapacity, type Load } from './capacity.ts';

const MIB = 1024 * 1024;

describe('what a process can take', () => {
  const idle: Load = { connections: 1, otherBodiesBytes: 0, bodyBytes: 1000 };
  const capacity = (used: number): ReturnType<typeof createCapacity> =>
    createCapacity({ filesMax: 1024, heapMaxBytes: 256 * MIB }, () => used * MIB);

  it('is two files a request, beside those that are needed anyway', () => {
    assert.equal(capacity(50).shortOf({ ...idle, connections: 464 }), undefined);
    assert.equal(capacity(50).shortOf({ ...idle, connections: 465 }), 'connections');
    const free = createCapacity({ filesMax: undefined, heapMaxBytes: 256 * MIB }, () => 0);
    assert.equal(free.shortOf({ ...idle, connections: 1_000_000 }), undefined);
  });

  it('is bodies that fit into the heap several times, and one alone however large it is', () => {
    const full = { ...idle, otherBodiesBytes: 30 * MIB };
    assert.equal(capacity(50).shortOf({ ...full, bodyBytes: MIB / 2 }), undefined);
    assert.equal(capacity(50).shortOf({ ...full, bodyBytes: MIB }), 'memory');
    assert.equal(capacity(50).shortOf({ ...idle, bodyBytes: 200 * MIB }), undefined);
  });

  it('is nothing more while the heap is nearly full and others are under way', () => {
    const busy = { ...idle, otherBodiesBytes: 1 };
    assert.equal(capacity(217).shortOf(busy), undefined);
    assert.equal(capacity(218).shortOf(busy), 'memory');
    assert.equal(capacity(250).shortOf(idle), undefined, 'who comes alone is refused for ever');
  });
});
