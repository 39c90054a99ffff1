import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RateLimit } from '../config/rate-limits.ts';
import { Limiter, type Need, type Passed, type Subject } from './limiter.ts';

const NEED: Need = { inputTokens: 0, outputTokens: 0 };

function subject(limits: readonly RateLimit[], id = 'a', scope: Subject['scope'] = 'key'): Subject {
  return { scope, id, name: `${scope} "${id}"`, limits };
}

function rpm(max: number): RateLimit {
  return { of: 'requests', windowMs: 60_000, max };
}

function passed(result: ReturnType<Limiter['pass']>): Passed {
  assert.equal(result.kind, 'passed');
  return result.kind === 'passed' ? result : { kind: 'passed', taken: [] };
}

describe('Limiter', () => {
  it('counts at all limits or at none', () => {
    const limiter = new Limiter();
    const team = subject([rpm(1)], 't', 'team');
    const one = subject([rpm(5)], 'one');
    const two = subject([rpm(5)], 'two');
    passed(limiter.pass([team, one], NEED, 0));
    const refused = limiter.pass([team, two], NEED, 1);
    assert.ok(refused.kind === 'refused' && refused.subject === team);
    assert.equal(limiter.figures([two], 1).requests?.left, 5);
  });

  it('names the limit that must be waited for longest', () => {
    const limiter = new Limiter();
    const limits: RateLimit[] = [rpm(1), { of: 'requests', windowMs: 86_400_000, max: 1 }];
    passed(limiter.pass([subject(limits)], NEED, 0));
    const refused = limiter.pass([subject(limits)], NEED, 10);
    assert.ok(refused.kind === 'refused' && refused.limit.windowMs === 86_400_000);
    assert.ok(refused.waitMs > 86_000_000 && refused.waitMs < 88_000_000);
  });

  it('never has more under way than a limit on them allows, whatever comes and goes', () => {
    const limits: RateLimit[] = [{ of: 'concurrent', windowMs: 0, max: 3 }];
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (comes) => {
        const limiter = new Limiter();
        const one = subject(limits);
        const underWay: Passed[] = [];
        for (const [nowMs, isComing] of comes.entries()) {
          if (isComing) {
            const result = limiter.pass([one], NEED, nowMs);
            assert.equal(result.kind === 'passed', underWay.length < 3);
            if (result.kind === 'passed') underWay.push(result);
          } else {
            const done = underWay.pop();
            if (done !== undefined) limiter.settle(done, NEED, nowMs);
          }
        }
      }),
    );
  });

  it('puts tokens down before and corrects them after, so that the window counts what was used', () => {
    const limits: RateLimit[] = [
      { of: 'tokens', windowMs: 60_000, max: 1000 },
      { of: 'input-tokens', windowMs: 60_000, max: 500 },
      { of: 'output-tokens', windowMs: 60_000, max: 800 },
    ];
    const one = subject(limits);
    const limiter = new Limiter();
    const first = passed(limiter.pass([one], { inputTokens: 100, outputTokens: 700 }, 0));
    assert.equal(limiter.figures([one], 0).tokens?.left, 200);
    assert.equal(limiter.pass([one], { inputTokens: 100, outputTokens: 700 }, 1).kind, 'refused');
    limiter.settle(first, { inputTokens: 120, outputTokens: 50 }, 2);
    const { tokens, 'input-tokens': input, 'output-tokens': output } = limiter.figures([one], 2);
    assert.deepEqual([tokens?.left, input?.left, output?.left], [830, 380, 750]);
    limiter.settle(passed(limiter.pass([one], { inputTokens: 10, outputTokens: 10 }, 3)), NEED, 4);
    assert.equal(limiter.figures([one], 4).tokens?.left, 830);
  });

  it('lets an answer that may be longer than the limit through when all of it is free, and an input that is longer never', () => {
    const one = subject([{ of: 'tokens', windowMs: 60_000, max: 1000 }]);
    const limiter = new Limiter();
    const tooLong = limiter.pass([one], { inputTokens: 1001, outputTokens: 0 }, 0);
    assert.ok(tooLong.kind === 'refused' && tooLong.waitMs === Number.POSITIVE_INFINITY);
    passed(limiter.pass([one], { inputTokens: 10, outputTokens: 32_000 }, 0));
    assert.equal(limiter.pass([one], { inputTokens: 1, outputTokens: 0 }, 1).kind, 'refused');
  });

  it('refuses everything where a limit is 0', () => {
    for (const counted of ['requests', 'tokens', 'concurrent'] as const) {
      const limit: RateLimit = { of: counted, windowMs: counted === 'concurrent' ? 0 : 1000, max: 0 };
      assert.equal(new Limiter().pass([subject([limit])], NEED, 0).kind, 'refused', counted);
    }
  });

  it('keeps the count where only the limit is changed', () => {
    const limiter = new Limiter();
    for (let at = 0; at < 3; at += 1) passed(limiter.pass([subject([rpm(3)])], NEED, at));
    assert.equal(limiter.pass([subject([rpm(3)])], NEED, 3).kind, 'refused');
    passed(limiter.pass([subject([rpm(4)])], NEED, 4));
    assert.equal(limiter.pass([subject([rpm(2)])], NEED, 5).kind, 'refused');
  });

  it('keeps owners apart: what one uses up is not missed by another', () => {
    const limiter = new Limiter();
    const limits = [rpm(1)];
    passed(limiter.pass([subject(limits, 'a')], NEED, 0));
    passed(limiter.pass([subject(limits, 'b')], NEED, 0));
    passed(limiter.pass([subject(limits, 'a', 'user')], NEED, 0));
    assert.equal(limiter.pass([subject(limits, 'a')], NEED, 0).kind, 'refused');
  });

  it('remembers no more for a shared count than that keeps, however many names callers think of', () => {
    const limiter = new Limiter();
    limiter.count({ kind: 'alone', share: 1 });
    const limits = [rpm(1)];
    const take = (name: number): unknown => limiter.pass([subject(limits, String(name), 'end-user')], NEED, 0);
    for (let name = 0; name < 45_000; name += 1) take(name);
    assert.equal(limiter.news(0, true).length, 40_000);
    const [first] = limiter.news(0, true);
    assert.equal(first?.meter.name, 'end-user:5000:requests:60000', 'who was seen last is remembered');
  });
});
