import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fault, type FaultCode } from '../chat/fault.ts';
import { REPLACEABLE } from '../dialects/dialect.ts';
import { next, plan, type Candidates, type Failure, type Plan, type PlanOptions } from './plan.ts';
import type { Facts } from './facts.ts';
import { testTarget } from './target.fixture.ts';
import type { Target } from './target.ts';

const FACTS: Facts = {
  model: 'm',
  isStreaming: false,
  needs: [],
  inputTokensEstimate: 100,
  inputTokensMax: 400,
  inputTokensUsualMax: 400,
  choices: 1,
};
const REST_FREE = { restMs: () => 0, isDoubted: () => false };

function options(over: Partial<PlanOptions> = {}): PlanOptions {
  const base = { attemptsMax: 3, health: REST_FREE, today: '2026-11-22', isAllowed: () => true, random: () => 0.5 };
  return { ...base, ...over };
}

function listed(...ids: readonly string[]): Candidates {
  return { groups: [ids.map((id) => ({ target: testTarget(id), weight: 1 }))], order: 'listed' };
}

function ids(of: Plan): readonly string[] {
  return of.targets.map((target) => target.id);
}

function failure(targetId: string, code: FaultCode, retryAfterMs?: number): Failure {
  return { targetId, fault: fault(code, { provider: 'p' }, retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

const NEXT = { leftMs: 20_000, health: REST_FREE, random: () => 0.5 };

describe('plan', () => {
  it('keeps the order that was listed, each target once', () => {
    assert.deepEqual(ids(plan(listed('a/m', 'b/m', 'a/m'), FACTS, options())), ['a/m', 'b/m']);
  });

  it('puts resting targets last', () => {
    const health = { ...REST_FREE, restMs: (id: string) => (id === 'a/m' ? 900 : 0) };
    assert.deepEqual(ids(plan(listed('a/m', 'b/m'), FACTS, options({ health }))), ['b/m', 'a/m']);
  });

  it('puts doubted targets after sound ones, and before those that must be waited for', () => {
    const health = {
      restMs: (id: string) => (id === 'a/m' ? 0.1 : 0),
      isDoubted: (target: Target) => target.id === 'b/m',
    };
    assert.deepEqual(ids(plan(listed('a/m', 'b/m', 'c/m'), FACTS, options({ health }))), ['c/m', 'b/m', 'a/m']);
  });

  it('leaves out a model from its last day on, but not where something else may stand at its address', () => {
    const gone = testTarget('a/m', { retiresOn: '2026-11-22' });
    const elsewhere = testTarget('b/m', { retiresOn: '2025-01-01', isElsewhere: true });
    const going = testTarget('c/m', { retiresOn: '2026-11-23' });
    const groups = [[gone, elsewhere, going].map((target) => ({ target, weight: 1 }))];
    const made = plan({ groups, order: 'listed' }, FACTS, options());
    assert.deepEqual(ids(made), ['b/m', 'c/m']);
    assert.deepEqual(made.rejected, [{ target: 'a/m', reason: 'it ended on 2026-11-22', retired: gone }]);
    assert.deepEqual(plan({ groups: [[{ target: gone, weight: 1 }]], order: 'listed' }, FACTS, options()).targets, []);
  });

  it('leaves out what cannot do it, and says why', () => {
    const blind = testTarget('a/m', { abilities: new Set(['tools']) });
    const made = plan(
      {
        groups: [
          [
            { target: blind, weight: 1 },
            { target: testTarget('b/m'), weight: 1 },
          ],
        ],
        order: 'listed',
      },
      { ...FACTS, needs: ['image'] },
      options(),
    );
    assert.deepEqual(ids(made), ['b/m']);
    assert.deepEqual(made.rejected, [{ target: 'a/m', reason: 'it has no ability `image`' }]);
  });

  it('leaves no target out for want of a schema, which is made good here', () => {
    const plain = testTarget('a/m', { abilities: new Set(['tools']) });
    const made = plan(
      {
        groups: [
          [
            { target: plain, weight: 1 },
            { target: testTarget('b/m'), weight: 1 },
          ],
        ],
        order: 'listed',
      },
      { ...FACTS, needs: ['json-schema'] },
      options(),
    );
    assert.deepEqual([ids(made), made.rejected], [['a/m', 'b/m'], []]);
  });

  it('lets the providers judge where the catalog speaks against all of them', () => {
    const small = testTarget('a/m', { limits: { contextTokens: 10 } });
    const made = plan({ groups: [[{ target: small, weight: 1 }]], order: 'listed' }, FACTS, options());
    assert.deepEqual([ids(made), made.rejected], [['a/m'], []]);
  });

  it('never overrules what the key may not use', () => {
    const made = plan(listed('a/m'), FACTS, options({ isAllowed: () => false }));
    assert.deepEqual([ids(made), made.rejected.length], [[], 1]);
  });

  it('follows order, only, ignore and allow_fallbacks of the request', () => {
    const of = (preferences: PlanOptions['preferences']): readonly string[] =>
      ids(plan(listed('a/m', 'b/m', 'c/m'), FACTS, options(preferences === undefined ? {} : { preferences })));
    assert.deepEqual(of({ order: ['c', 'b'] }), ['c/m', 'b/m', 'a/m']);
    assert.deepEqual(of({ only: ['b'] }), ['b/m']);
    assert.deepEqual(of({ ignore: ['b'] }), ['a/m', 'c/m']);
    assert.deepEqual(of({ only: ['b'], ignore: ['b'] }), []);
    assert.deepEqual(of({ order: ['b'], allowFallbacks: false }), ['b/m']);
  });

  it('keeps fallbacks within the price guard of the route', () => {
    const cheap = testTarget('a/m', { price: { input: 100n, output: 100n } });
    const dear = testTarget('b/m', { price: { input: 900n, output: 900n } });
    const fallback = { replaceable: REPLACEABLE, priceFactorMax: 3 };
    const made = plan(
      { groups: [[cheap, dear].map((target) => ({ target, weight: 1 }))], order: 'listed', fallback },
      FACTS,
      options(),
    );
    assert.deepEqual(ids(made), ['a/m']);
    assert.match(made.rejected[0]?.reason ?? '', /3 times/);
  });

  it('draws each target about as often as its weight says', () => {
    const group = [
      { target: testTarget('a/m'), weight: 3 },
      { target: testTarget('b/m'), weight: 1 },
    ];
    let state = 12345;
    const random = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state / 2 ** 31;
    };
    let first = 0;
    for (let round = 0; round < 4000; round += 1) {
      if (ids(plan({ groups: [group], order: 'weighted' }, FACTS, options({ random })))[0] === 'a/m') first += 1;
    }
    assert.ok(first > 2850 && first < 3150, `${first} of 4000`);
  });

  it('never invents, doubles or revives a target', () => {
    const names = fc.uniqueArray(fc.constantFrom<string>('a/m', 'b/m', 'c/m', 'd/m', 'e/m'));
    fc.assert(
      fc.property(
        fc.array(names, { maxLength: 3 }),
        names,
        fc.constantFrom<Candidates['order'][]>('listed', 'weighted'),
        (groups, banned, order) => {
          const candidates: Candidates = {
            groups: groups.map((group) => group.map((id) => ({ target: testTarget(id), weight: 1 }))),
            order,
          };
          const made = plan(candidates, FACTS, options({ isAllowed: (target) => !banned.includes(target.id) }));
          const all = new Set(groups.flat());
          assert.equal(new Set(ids(made)).size, made.targets.length);
          for (const id of ids(made)) assert.ok(all.has(id) && !banned.includes(id));
          assert.equal(made.targets.length + made.rejected.length, all.size);
        },
      ),
    );
  });
});

describe('next', () => {
  const two = plan(listed('a/m', 'b/m'), FACTS, options());
  const one = plan(listed('a/m'), FACTS, options());

  it('goes to the next target at once', () => {
    const step = next(two, [failure('a/m', 'upstream-unreachable')], NEXT);
    assert.deepEqual(step.do === 'try' ? [step.target.id, step.afterMs] : step, ['b/m', 0]);
  });

  it('leaves a target for the last that is doubted by now, though the plan had it first', () => {
    const health = { ...REST_FREE, isDoubted: (target: Target) => target.id === 'a/m' };
    const step = next(two, [], { ...NEXT, health });
    assert.deepEqual(step.do === 'try' ? [step.target.id, step.afterMs] : step, ['b/m', 0]);
    const last = next(two, [failure('b/m', 'upstream-error')], { ...NEXT, health });
    assert.deepEqual(last.do === 'try' ? [last.target.id, last.afterMs] : last, ['a/m', 0]);
  });

  it('stops where another target could not help', () => {
    assert.deepEqual(next(two, [failure('a/m', 'upstream-refused')], NEXT), { do: 'stop', why: 'not-replaceable' });
  });

  it('waits as long as the only target asks, and comes back', () => {
    const step = next(one, [failure('a/m', 'upstream-rate-limited', 1000)], NEXT);
    assert.deepEqual(step.do === 'try' ? [step.target.id, step.afterMs] : step, ['a/m', 1000]);
  });

  it('lets the caller wait instead where the provider asks for long', () => {
    const step = next(one, [failure('a/m', 'upstream-rate-limited', 60_000)], NEXT);
    assert.deepEqual(step, { do: 'stop', why: 'wait-too-long', retryAfterMs: 60_000 });
  });

  it('has an answer that was not valid mended once where it came from, then goes on', () => {
    const bad = (target: string): Failure => failure(target, 'output-invalid');
    const targetOf = (failures: readonly Failure[]): string => {
      const step = next(two, failures, NEXT);
      return step.do === 'try' ? `${step.target.id} after ${step.afterMs}` : step.why;
    };
    assert.equal(targetOf([bad('a/m')]), 'a/m after 0');
    assert.equal(targetOf([bad('a/m'), bad('a/m')]), 'b/m after 0');
    assert.equal(targetOf([failure('a/m', 'upstream-error'), bad('b/m')]), 'b/m after 0');
    const step = next({ ...two, attemptsMax: 1 }, [bad('a/m')], NEXT);
    assert.deepEqual(step, { do: 'stop', why: 'attempts-used' });
    // A route that names no such reason falls back to nobody, but the target itself may mend it.
    const strict = { ...two, replaceable: new Set<FaultCode>() };
    assert.equal(next(strict, [bad('a/m')], NEXT).do, 'try');
    assert.deepEqual(next(strict, [bad('a/m'), bad('a/m')], NEXT), { do: 'stop', why: 'not-replaceable' });
  });

  it('tries no target a third time, and nothing after the deadline', () => {
    const fails = [failure('a/m', 'upstream-error'), failure('a/m', 'upstream-error')];
    assert.deepEqual(next(one, fails, NEXT), { do: 'stop', why: 'no-target-left' });
    assert.deepEqual(next(two, [failure('a/m', 'upstream-error')], { ...NEXT, leftMs: 0 }), {
      do: 'stop',
      why: 'deadline',
    });
  });

  it('repeats no look-up of a name, which meets the same answer or the same silence', () => {
    assert.deepEqual(next(one, [failure('a/m', 'upstream-unresolved')], NEXT), { do: 'stop', why: 'no-target-left' });
    const step = next(two, [failure('a/m', 'upstream-unresolved')], NEXT);
    assert.deepEqual(step.do === 'try' ? [step.target.id, step.afterMs] : step, ['b/m', 0]);
  });

  it('says how long the wait would be where it is longer than the request may take', () => {
    const health = { ...REST_FREE, restMs: () => 4000 };
    assert.deepEqual(next(one, [], { ...NEXT, health, leftMs: 3000 }), {
      do: 'stop',
      why: 'deadline',
      retryAfterMs: 4000,
    });
  });

  it('makes at most so many attempts, whatever fails', () => {
    const codes = fc.constantFrom<FaultCode>(...REPLACEABLE);
    fc.assert(
      fc.property(
        fc.array(codes, { minLength: 10, maxLength: 10 }),
        fc.integer({ min: 1, max: 5 }),
        (faultCodes, attemptsMax) => {
          const made = plan(listed('a/m', 'b/m', 'c/m'), FACTS, options({ attemptsMax }));
          const failures: Failure[] = [];
          for (const code of faultCodes) {
            const step = next(made, failures, NEXT);
            if (step.do === 'stop') break;
            failures.push(failure(step.target.id, code));
          }
          assert.ok(failures.length <= attemptsMax);
        },
      ),
    );
  });
});
