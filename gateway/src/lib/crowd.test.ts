import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createCrowd, OUTSIDE, type Member } from './crowd.ts';

interface Named extends Member {
  readonly name: number;
}

describe('a crowd', () => {
  it('holds whoever entered and has not left, like a Set', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(12)), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (moves) => {
        const people: readonly Named[] = Array.from({ length: 13 }, (_, name) => ({ name, place: OUTSIDE }));
        const crowd = createCrowd<Named>();
        const set = new Set<number>();
        for (const [isComing, name] of moves) {
          const person = people[name];
          if (person === undefined) continue;
          if (isComing) {
            crowd.enter(person);
            set.add(name);
          } else assert.equal(crowd.leave(person), set.delete(name));
          assert.equal(crowd.size, set.size);
        }
        assert.deepEqual(new Set([...crowd].map((person) => person.name)), set);
      }),
    );
  });

  it('does not let go of a member of another crowd', () => {
    const one = createCrowd<Member>();
    const other = createCrowd<Member>();
    const member = { place: OUTSIDE };
    one.enter(member);
    other.enter({ place: OUTSIDE });
    assert.equal(other.leave(member), false);
    assert.deepEqual([one.size, other.size], [1, 1]);
  });
});
