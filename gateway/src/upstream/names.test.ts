import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNames, systemResolver, type Resolver } from './names.ts';

type Answer = Parameters<Resolver>[1];

function world() {
  const clock = { now: 0 };
  const asked: { readonly hostname: string; readonly answer: Answer }[] = [];
  const names = createNames(
    (hostname, answer) => asked.push({ hostname, answer }),
    () => clock.now,
  );
  const got: string[] = [];
  const find = (hostname: string): (() => void) =>
    names.find(hostname, (found) => got.push(found.ok ? found.value.map((one) => one.address).join() : found.error));
  return { clock, asked, names, got, find };
}

const ADDRESS = [{ address: '192.0.2.1', family: 4 }];

describe('names', () => {
  it('asks once for a name, however many wait for it', () => {
    const { asked, got, find, names } = world();
    for (let count = 0; count < 100; count += 1) find('a.test');
    find('b.test');
    assert.deepEqual(
      asked.map((one) => one.hostname),
      ['a.test', 'b.test'],
    );
    asked[0]?.answer(null, ADDRESS);
    assert.equal(got.length, 100);
    assert.equal(names.lookupCount(), 2);
  });

  it('keeps an answer for 30 s, and a failure for one', () => {
    const { clock, asked, got, find } = world();
    find('a.test');
    asked[0]?.answer(null, ADDRESS);
    clock.now = 29_999;
    find('a.test');
    assert.deepEqual(got, ['192.0.2.1', '192.0.2.1']);
    clock.now = 30_000;
    find('a.test');
    assert.equal(asked.length, 2);
    asked[1]?.answer(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    clock.now += 999;
    find('a.test');
    assert.equal(asked.length, 2);
    clock.now += 1;
    find('a.test');
    assert.equal(asked.length, 3);
    assert.deepEqual(got.slice(2), ['ENOTFOUND', 'ENOTFOUND']);
  });

  it('takes a name without addresses for one that does not exist', () => {
    const { asked, got, find } = world();
    find('a.test');
    asked[0]?.answer(null, []);
    assert.deepEqual(got, ['ENOTFOUND']);
  });

  it('says nothing to those who have left, and nothing twice', () => {
    const { asked, got, find } = world();
    const leave = find('a.test');
    find('a.test');
    leave();
    asked[0]?.answer(null, ADDRESS);
    asked[0]?.answer(null, ADDRESS);
    assert.equal(got.length, 1);
  });

  it('asks again after half a minute without an answer', () => {
    const { clock, asked, got, find } = world();
    find('a.test');
    clock.now = 29_999;
    find('a.test');
    assert.equal(asked.length, 1);
    clock.now = 30_000;
    find('a.test');
    assert.equal(asked.length, 2);
    asked[1]?.answer(null, ADDRESS);
    assert.equal(got.length, 1);
  });

  it('forgets the oldest of a thousand names', () => {
    const { asked, find } = world();
    for (let count = 0; count <= 1_000; count += 1) find(`n${count}.test`);
    find('n1000.test');
    assert.equal(asked.length, 1_001);
    find('n0.test');
    assert.equal(asked.length, 1_002);
  });

  it('finds localhost through the system', async () => {
    const addresses = await new Promise<readonly { address: string }[]>((resolve, reject) => {
      systemResolver('localhost', (error, found) => (error === null ? resolve(found) : reject(error)));
    });
    assert.ok(addresses.some((one) => one.address === '127.0.0.1' || one.address === '::1'));
  });
});
