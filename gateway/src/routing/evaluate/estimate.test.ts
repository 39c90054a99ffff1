import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dice } from '../../lib/dice.ts';
import {
  clipFor,
  doublyRobust,
  EFFECTIVE_MIN,
  selfNormalised,
  type Estimate,
  type Logged,
  type Modelled,
} from './estimate.ts';
import { outcomeModel } from './outcome-model.ts';

/** A world whose truth is known: three kinds of requests, three targets, one policy that is logged and one that is asked about. */
interface Truth {
  /** Mean outcome by kind of request and target. */
  readonly means: readonly (readonly number[])[];
  /** Share of requests that the logged policy sends anywhere, evenly. */
  readonly explored: number;
  /** Of the logged policy, by kind; and of the other one. */
  readonly choices: readonly number[];
  readonly others: readonly number[];
  /** Draws an outcome around its mean. */
  readonly draw: (mean: number, random: () => number) => number;
}

/** Enough that 90 of 100 is three standard errors below the 95 that are meant. */
const LOGS = 200;

const chance: Truth['draw'] = (mean, random) => (random() < mean ? 1 : 0);
/** Like a time: never below nothing, with a long tail (lognormal). */
function longTail(mean: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return mean * Math.exp(0.6 * normal - 0.18);
}

const SHARES: Truth = {
  means: [
    [0.9, 0.7, 0.5],
    [0.6, 0.8, 0.4],
    [0.95, 0.97, 0.99],
  ],
  explored: 0.3,
  choices: [0, 0, 0],
  others: [1, 1, 2],
  draw: chance,
};
const TIMES: Truth = { ...SHARES, means: SHARES.means.map((row) => row.map((mean) => mean * 1000)), draw: longTail };
/** All go well: nothing varies, and yet nobody may be sure. */
const PERFECT: Truth = {
  ...SHARES,
  means: [
    [1, 0.99, 1],
    [1, 0.99, 1],
    [1, 0.99, 1],
  ],
};
/** The rare choice is the good one: weights and outcomes go together. */
const TILTED: Truth = {
  ...SHARES,
  means: [
    [0.1, 0.9, 0.5],
    [0.1, 0.9, 0.5],
    [0.5, 0.5, 0.5],
  ],
  explored: 0.2,
};

function valueOf({ means, others }: Truth): number {
  return means.reduce((sum, row, kind) => sum + (row[others[kind] ?? 0] ?? 0) / means.length, 0);
}

interface Row extends Logged {
  readonly kind: number;
  readonly target: number;
  readonly other: number;
}

function logged(truth: Truth, rows: number, random: () => number): readonly Row[] {
  return Array.from({ length: rows }, () => {
    const kind = Math.floor(random() * 3);
    const [usual = 0, other = 0] = [truth.choices[kind], truth.others[kind]];
    const target = random() < truth.explored ? Math.floor(random() * 3) : usual;
    const propensity = truth.explored / 3 + (target === usual ? 1 - truth.explored : 0);
    const outcome = truth.draw(truth.means[kind]?.[target] ?? 0, random);
    return { kind, target, other, propensity, probability: target === other ? 1 : 0, outcome };
  });
}

function outcomeOf(truth: Truth): 'share' | 'amount' {
  return truth.draw === chance ? 'share' : 'amount';
}

function bySnips(truth: Truth, rows: readonly Logged[]): Estimate {
  const estimator = selfNormalised({ outcome: outcomeOf(truth), clip: clipFor(rows.length) });
  for (const row of rows) estimator.add(row);
  return estimator.estimate();
}

/** With a model learned from the same log, crosswise. */
function byBoth(truth: Truth, rows: readonly Row[]): Estimate {
  const model = outcomeModel();
  const at = (index: number, kind: number, target: number) =>
    ({ fold: index % 2 === 0 ? 0 : 1, target: String(target), stratum: String(kind) }) as const;
  for (const [index, { kind, target, outcome }] of rows.entries()) model.learn({ ...at(index, kind, target), outcome });
  const estimator = doublyRobust({ outcome: outcomeOf(truth), clip: clipFor(rows.length) });
  for (const [index, row] of rows.entries()) {
    const expected = model.expect(at(index, row.kind, row.target)) ?? 0;
    const expectedOther = model.expect(at(index, row.kind, row.other)) ?? 0;
    estimator.add({ ...row, expected, expectedOther });
  }
  return estimator.estimate();
}

function numberOf(estimate: Estimate): number {
  assert.equal(estimate.kind, 'estimated', JSON.stringify(estimate));
  return estimate.kind === 'estimated' ? estimate.value : Number.NaN;
}

const ESTIMATORS = { 'self-normalised': bySnips, 'doubly robust': byBoth } as const;
const WORLDS = { shares: SHARES, times: TIMES, 'all well': PERFECT, tilted: TILTED } as const;

interface Tally {
  held: number;
  estimated: number;
  mean: number;
}

/** How often the intervals of each estimator hold the truth, over many logs of so many rows. */
function tallies(truth: Truth, rows: number): ReadonlyMap<string, Tally> {
  const random = dice(rows);
  const made = new Map<string, Tally>(
    Object.keys(ESTIMATORS).map((name) => [name, { held: 0, estimated: 0, mean: 0 }]),
  );
  for (let log = 0; log < LOGS; log++) {
    const written = logged(truth, rows, random);
    for (const [name, estimate] of Object.entries(ESTIMATORS)) {
      const [one, tally] = [estimate(truth, written), made.get(name)];
      if (one.kind === 'refused' || tally === undefined) continue;
      tally.estimated += 1;
      tally.mean += (one.value - tally.mean) / tally.estimated;
      if (one.low <= valueOf(truth) && valueOf(truth) <= one.high) tally.held += 1;
    }
  }
  return made;
}

describe('what another policy would have done', () => {
  for (const [world, truth] of Object.entries(WORLDS))
    it(`is within the interval in at least 90 of 100 logs, where 95 are meant, and without bias: ${world}`, () => {
      for (const rows of [1000, 2500])
        for (const [name, { held, estimated, mean }] of tallies(truth, rows)) {
          const value = valueOf(truth);
          assert.ok(estimated > 0.85 * LOGS, `${name}: ${estimated} of ${LOGS} logs of ${rows} rows were enough`);
          assert.ok(
            held / estimated >= 0.9,
            `${name}: ${held} of ${estimated} intervals over ${rows} rows hold ${value}`,
          );
          // Far within the chance of so many logs.
          assert.ok(Math.abs(mean - value) < 0.012 * Math.max(1, value), `${name}: on average ${mean}, not ${value}`);
        }
    });

  it('is right where the model is wrong, and where the propensities are', () => {
    const random = dice(7);
    const value = valueOf(SHARES);
    const wrongModel = doublyRobust({ outcome: 'share', clip: 1000 });
    const wrongPropensities = doublyRobust({ outcome: 'share', clip: 1000 });
    for (const row of logged(SHARES, 20_000, random)) {
      const wrong = (target: number): number => 0.9 - row.kind * 0.3 - target * 0.1;
      wrongModel.add({ ...row, expected: wrong(row.target), expectedOther: wrong(row.other) });
      const [expected = 0, expectedOther = 0] = [row.target, row.other].map((at) => SHARES.means[row.kind]?.[at]);
      const propensity = row.propensity * ([0.5, 2, 1][row.kind] ?? 1);
      wrongPropensities.add({ ...row, propensity, expected, expectedOther });
    }
    assert.ok(Math.abs(numberOf(wrongModel.estimate()) - value) < 0.02);
    assert.ok(Math.abs(numberOf(wrongPropensities.estimate()) - value) < 0.02);
  });

  it('varies less with a model that fits than by weights alone', () => {
    const random = dice(11);
    const spreadOf = (estimate: (truth: Truth, rows: readonly Row[]) => Estimate): number => {
      const values = Array.from({ length: 100 }, () => numberOf(estimate(TIMES, logged(TIMES, 2000, random))));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    };
    assert.ok(spreadOf(byBoth) < spreadOf(bySnips));
  });

  it('is the plain mean where the policy is the same, whatever it is', () => {
    const outcomes = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: EFFECTIVE_MIN, maxLength: 200 });
    fc.assert(
      fc.property(outcomes, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, propensity) => {
        const made = bySnips(
          SHARES,
          values.map((outcome) => ({ outcome, propensity, probability: propensity })),
        );
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        assert.ok(Math.abs(numberOf(made) - mean) < 1e-9);
        assert.ok(Math.abs(made.effective - values.length) < 1e-6 && made.coverage === 1);
      }),
    );
  });

  it('is never outside of what was seen, moves with it, and lies within its interval', () => {
    const row = fc.record({
      outcome: fc.double({ min: 0, max: 5000, noNaN: true }),
      propensity: fc.double({ min: 0.2, max: 1, noNaN: true }),
      probability: fc.constantFrom(1, 0.5),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 200, maxLength: 400 }), fc.nat(1000), (rows, shift) => {
        const made = bySnips(TIMES, rows);
        if (made.kind === 'refused') return;
        const seen = rows.map(({ outcome }) => outcome);
        assert.ok(made.value >= Math.min(...seen) - 1e-6 && made.value <= Math.max(...seen) + 1e-6);
        assert.ok(made.low <= made.value && made.value <= made.high);
        const moved = bySnips(
          TIMES,
          rows.map((one) => ({ ...one, outcome: one.outcome + shift })),
        );
        assert.ok(Math.abs(numberOf(moved) - made.value - shift) < 1e-6);
      }),
    );
  });
});

describe('a log that says too little', () => {
  const same: Logged = { propensity: 1, probability: 1, outcome: 1 };
  const never: Logged = { propensity: 1, probability: 0, outcome: 1 };
  const rare: Modelled = { propensity: 0.001, probability: 1, outcome: 1, expected: 0.5, expectedOther: 0.5 };

  it('is refused with the number that is too small', () => {
    const few = bySnips(
      SHARES,
      Array.from({ length: EFFECTIVE_MIN - 1 }, () => same),
    );
    assert.deepEqual(
      [few.kind, few.kind === 'refused' && few.reason, few.rows],
      ['refused', '49 effective outcomes, and at least 50 are needed', 49],
    );
    assert.equal(bySnips(SHARES, []).kind, 'refused');
  });

  it('is refused where it never makes most of the choices, however many rows there are', () => {
    const half = bySnips(
      SHARES,
      Array.from({ length: 4000 }, (_, at) => (at % 2 === 0 ? same : never)),
    );
    assert.deepEqual(
      [half.kind, half.kind === 'refused' && half.reason],
      ['refused', 'the log could show 50% of the choices, and at least 90% are needed'],
    );
  });

  it('is refused where a few rows would carry all the weight, which is clipped and counted', () => {
    const estimator = doublyRobust({ outcome: 'share', clip: 10 });
    for (let at = 0; at < 1000; at++) estimator.add(at % 100 === 0 ? rare : { ...rare, propensity: 1, probability: 0 });
    const made = estimator.estimate();
    assert.deepEqual([made.kind, made.clipped, Math.round(made.effective)], ['refused', 10, 10]);
  });
});
