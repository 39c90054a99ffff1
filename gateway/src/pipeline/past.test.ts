import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import type { JsonRecord } from '../lib/json.ts';
import { inputOf, listed, policyOf } from '../routing/plan.fixture.ts';
import { plan } from '../routing/plan.ts';
import { testTarget } from '../routing/target.fixture.ts';
import { comparedOf, lengthBook, pastOf } from './past.ts';
import type { Rerun } from './rerun.ts';

function body(more: JsonRecord = {}): JsonRecord {
  return {
    id: 'req_1',
    at: '2026-11-22T10:00:00.000Z',
    route: 'r',
    plan: ['a/m', 'b/m'],
    facts: { content: { task: 'code' } },
    outcome: 'ok',
    attempts: [
      { target: 'a/m', outcome: 'refused', started_at: '2026-11-22T10:00:00.010Z' },
      {
        target: 'b/m',
        outcome: 'answered',
        started_at: '2026-11-22T10:00:00.200Z',
        ttft_ms: 50.5,
        usage: { input_tokens: 1000, output_tokens: 100 },
        cost_nano_usd: 5000,
      },
    ],
    ...more,
  };
}

function rowOf(of: JsonRecord) {
  return { seq: 1n, keyId: 'key_a', body: of };
}

function rerunAt(id: string): Rerun {
  const target = testTarget(id, { price: { input: 1_000_000n, output: 10_000_000n } });
  const input = inputOf(id === '' ? listed() : policyOf([target]));
  const made = { plan: plan(input), input };
  return {
    facts: input.facts,
    made,
    missing: [],
    ...(id === '' ? { refused: 'about 17 tokens do not fit, region us-east-1, gpt-5.1' } : {}),
  };
}

describe('a row of the log', () => {
  it('says how it went for the first choice, with what was lost before the answer', () => {
    const feedback = { score: 0.5, task: 'code', target: 'b/m' };
    assert.deepEqual(pastOf({ ...rowOf(body()), feedback }), {
      id: 'req_1',
      target: 'a/m',
      stratum: 'r code',
      outcomes: { success: 1, quality: 0.5, ttft: 250.5 },
    });
  });

  it('says nothing of a target where the caller left or could not pay, and is none without a plan', () => {
    const outcomeOf = (outcome: string, attempts = body()['attempts']): number | undefined =>
      pastOf(rowOf(body({ outcome, attempts })))?.outcomes.success;
    assert.deepEqual(
      ['client_closed', 'budget_exceeded', 'internal'].map((one) => outcomeOf(one)),
      [undefined, undefined, undefined],
    );
    assert.deepEqual(
      ['upstream_error', 'upstream_timeout'].map((one) => outcomeOf(one)),
      [0, 0],
    );
    assert.equal(outcomeOf('overloaded', []), undefined);
    assert.equal(pastOf(rowOf(body({ plan: [] }))), undefined);
  });

  it('is priced elsewhere at the usage that was, as long as that target answers', () => {
    const lengths = lengthBook();
    const past = pastOf(rowOf(body()));
    assert.ok(past);
    const costAt = (id: string): bigint | undefined =>
      comparedOf(past, body(), { rerun: rerunAt(id), lengths }).otherCostNanoUsd;
    assert.equal(costAt('b/m'), 5000n);
    // 1,000 tokens at 1 nano-dollar and 100 at 10.
    assert.equal(costAt('c/m'), 2000n);
    const answer = (target: string, output_tokens: number): JsonRecord =>
      body({ attempts: [{ target, outcome: 'answered', usage: { output_tokens } }] });
    for (let times = 0; times < 20; times++) {
      lengths.learn(answer('b/m', 100));
      assert.equal(costAt('c/m'), 2000n);
      lengths.learn(answer('c/m', 300));
    }
    assert.equal(costAt('c/m'), 4000n);
  });

  it('is refused with the shape of the reason, so that alike reasons are counted together', () => {
    const past = pastOf(rowOf(body()));
    assert.ok(past);
    const compared = comparedOf(past, body({ strategy: 'weighted', propensity: 0.25 }), {
      rerun: rerunAt(''),
      lengths: lengthBook(),
    });
    assert.deepEqual(
      [compared.other, compared.refused, compared.propensity],
      [undefined, 'about N tokens do not fit, region us-east-1, gpt-5.1', 0.25],
    );
  });
});
