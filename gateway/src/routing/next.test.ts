import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fault, type FaultCode } from '../chat/fault.ts';
import { REPLACEABLE } from '../dialects/dialect.ts';
import { next, type Failure } from './next.ts';
import { UNSEEN, type Observation } from './observation.ts';
import { inputOf, listed, policyOf } from './plan.fixture.ts';
import { plan } from './plan.ts';
import { testTarget } from './target.fixture.ts';
import type { Target } from './target.ts';

function failure(targetId: string, code: FaultCode, retryAfterMs?: number): Failure {
  return { targetId, fault: fault(code, { provider: 'p' }, retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

const NEXT = { leftMs: 20_000, health: { observe: () => UNSEEN }, random: () => 0.5 };

describe('next', () => {
  const two = plan(inputOf(listed('a/m', 'b/m')));
  const one = plan(inputOf(listed('a/m')));

  it('goes to the next target at once', () => {
    const step = next(two, [failure('a/m', 'upstream-unreachable')], NEXT);
    assert.deepEqual(step.do === 'try' ? [step.target.id, step.afterMs] : step, ['b/m', 0]);
  });

  it('leaves a target for the last that is doubted by now, though the plan had it first', () => {
    const health = { observe: ({ id }: Target) => ({ ...UNSEEN, isDoubted: id === 'a/m' }) };
    const step = next(two, [], { ...NEXT, health });
    assert.deepEqual(step.do === 'try' ? [step.target.id, step.afterMs] : step, ['b/m', 0]);
    const stepAfter = (...failures: readonly Failure[]): unknown => {
      const last = next(two, failures, { ...NEXT, health });
      return last.do === 'try' ? [last.target.id, last.afterMs] : last;
    };
    // One that is sound and failed once is the better hope, a moment later.
    assert.deepEqual(stepAfter(failure('b/m', 'upstream-error')), ['b/m', 75]);
    assert.deepEqual(stepAfter(failure('b/m', 'upstream-error'), failure('b/m', 'upstream-error')), ['a/m', 0]);
    assert.deepEqual(stepAfter(failure('b/m', 'upstream-timeout')), ['a/m', 0]);
  });

  it('takes of the doubted the one that fails least, tried or not, and waits for nobody where there is no time', () => {
    const known: Readonly<Record<string, Partial<Observation>>> = {
      'a/m': { isDoubted: true, errorRate: 0.8 },
      'b/m': { isDoubted: true, errorRate: 0.1 },
    };
    const health = { observe: ({ id }: Target) => ({ ...UNSEEN, ...known[id] }) };
    const stepAfter = (failures: readonly Failure[], leftMs: number): unknown => {
      const step = next(two, failures, { ...NEXT, health, leftMs });
      return step.do === 'try' ? [step.target.id, step.afterMs] : step;
    };
    assert.deepEqual(stepAfter([], 20_000), ['b/m', 0]);
    assert.deepEqual(stepAfter([failure('b/m', 'upstream-overloaded')], 20_000), ['b/m', 75]);
    assert.deepEqual(stepAfter([failure('b/m', 'upstream-overloaded')], 50), ['a/m', 0]);
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
    const health = { observe: () => ({ ...UNSEEN, restMs: 4000 }) };
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
          const made = plan(inputOf(listed('a/m', 'b/m', 'c/m'), { attemptsMax }));
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

  it('goes on after too long an input only where more fits', () => {
    const [small, same, large] = [8000, 8000, 32_000].map((contextTokens, index) =>
      testTarget(`${'abc'[index]}/m`, { limits: { contextTokens } }),
    );
    assert.ok(small && same && large);
    const made = plan(inputOf(policyOf([small, same, large])));
    const step = next(made, [failure('a/m', 'context-length')], NEXT);
    assert.deepEqual(step.do === 'try' ? step.target.id : step, 'c/m');
    const none = next(plan(inputOf(policyOf([small, same]))), [failure('a/m', 'context-length')], NEXT);
    assert.deepEqual(none, { do: 'stop', why: 'no-target-left' });
  });

  it('asks nobody whose latest attempts have all failed: who has nobody else is told when somebody finds out', () => {
    const shut = (ids: readonly string[]) => ({
      observe: ({ id }: Target) => ({
        ...UNSEEN,
        ...(ids.includes(id) ? { isDoubted: true, shutMs: id === 'a/m' ? 900 : 400 } : {}),
      }),
    });
    assert.deepEqual(next(two, [], { ...NEXT, health: shut(['a/m', 'b/m']) }), {
      do: 'stop',
      why: 'all-failing',
      retryAfterMs: 400,
    });
    const step = next(two, [], { ...NEXT, health: shut(['a/m']) });
    assert.equal(step.do === 'try' ? step.target.id : step.why, 'b/m');
    const after = next(two, [failure('b/m', 'upstream-error')], { ...NEXT, health: shut(['a/m', 'b/m']) });
    assert.equal(after.do === 'stop' ? after.why : after.target.id, 'all-failing');
  });

  it('takes from the budget of repeats, except for a target that is well', () => {
    const ailing = { observe: ({ id }: Target) => ({ ...UNSEEN, ...(id === 'b/m' ? { errorRate: 0.3 } : {}) }) };
    const failures = [failure('a/m', 'upstream-error')];
    const tell = (over: object): string => {
      const step = next(two, failures, { ...NEXT, ...over });
      return step.do === 'try' ? `${step.target.id}${step.isRepeat === true ? ', a repeat' : ''}` : step.why;
    };
    assert.equal(tell({ mayRepeat: false }), 'b/m');
    assert.equal(tell({ health: ailing }), 'b/m, a repeat');
    assert.equal(tell({ health: ailing, mayRepeat: false }), 'repeats-used');
    const first = next(two, [], { ...NEXT, health: ailing, mayRepeat: false });
    assert.deepEqual(first.do === 'try' ? [first.target.id, first.isRepeat] : first, ['a/m', undefined]);
    const again = next(one, failures, { ...NEXT, mayRepeat: false });
    assert.equal(again.do === 'stop' ? again.why : again.target.id, 'repeats-used');
  });
});
