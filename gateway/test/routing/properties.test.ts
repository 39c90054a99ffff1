/** What holds of every plan, whatever policy, request and health it was made of; and of every way through one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fault, type FaultCode } from '../../src/chat/fault.ts';
import { REPLACEABLE } from '../../src/dialects/dialect.ts';
import { next, type Failure } from '../../src/routing/next.ts';
import { UNSEEN, type Sighting } from '../../src/routing/observation.ts';
import { inputOf } from '../../src/routing/plan.fixture.ts';
import { plan, type Plan, type PlanInput } from '../../src/routing/plan.ts';
import type { Policy, Require, Tiers } from '../../src/routing/policy.ts';
import { ruled } from '../../src/routing/rules.ts';
import { STRATEGIES } from '../../src/routing/strategies/index.ts';
import { testTarget } from '../../src/routing/target.fixture.ts';
import type { Target } from '../../src/routing/target.ts';
import { diceFor } from './chance.ts';
import { priced } from './prices.ts';

const RUNS = 2000;
const TASKS = ['chat', 'code'] as const;
const TAGS = ['fast', 'vetted'] as const;

/** Fields that may be missing: each is there in so many of ten. */
function partly<T>(
  fields: { readonly [K in keyof T]?: fc.Arbitrary<Exclude<T[K], undefined>> },
  often = 5,
): fc.Arbitrary<Partial<T>> {
  const optional = Object.entries<fc.Arbitrary<unknown> | undefined>(fields).map(([name, value]) => [
    name,
    fc.oneof(
      { weight: often, arbitrary: value ?? fc.constant(undefined) },
      { weight: 10 - often, arbitrary: fc.constant(undefined) },
    ),
  ]);
  return fc
    .record(Object.fromEntries(optional))
    .map(
      (record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<T>,
    );
}

const usd = fc.integer({ min: 0, max: 2000 }).map((cents) => cents / 100);
const score = fc.integer({ min: 0, max: 20 }).map((part) => part / 20);

const targets: fc.Arbitrary<readonly Target[]> = fc
  .uniqueArray(
    fc.record({
      id: fc.constantFrom('a/m', 'a/n', 'b/m', 'b/m#2', 'c/m', 'd/m', 'd/n'),
      known: partly<Target>(
        {
          region: fc.constantFrom('eu-central-1', 'us-east-1'),
          compliance: fc.subarray(['gdpr', 'hipaa']),
          retentionDays: fc.constantFrom(0, 30),
          trains: fc.boolean(),
          tags: fc.subarray([...TAGS]),
          quality: fc.record({ chat: score, code: score }),
          price: fc.record({ input: usd, output: usd }).map((listed) => priced(listed)),
          limits: fc.record({ contextTokens: fc.constantFrom(100, 10_000) }),
          retiresOn: fc.constantFrom('2026-01-01', '2027-01-01', '2027-02-01', '2027-03-01'),
          abilities: fc.subarray(['tools', 'image'] as const).map((list) => new Set(list)),
        },
        7,
      ),
    }),
    { minLength: 1, maxLength: 6, selector: ({ id }) => id },
  )
  .map((rows) => rows.map(({ id, known }) => testTarget(id, known)));

const require: fc.Arbitrary<Require> = partly<Require>(
  {
    regions: fc.subarray(['eu-central-1', 'caller'], { minLength: 1 }),
    compliance: fc.subarray(['gdpr']),
    retentionDaysMax: fc.constantFrom(0, 30),
    training: fc.constant(false as const),
    quality: score.map((min) => ({ min: min / 2 })),
    tags: fc.subarray([...TAGS], { maxLength: 1 }),
    price: fc.record({ outputMax: fc.constantFrom(5_000_000_000n, 15_000_000_000n) }),
    ttftMsP95: fc.constantFrom(500, 5000),
    contextMin: fc.constantFrom(100, 5000),
    abilities: fc.subarray(['tools'] as const),
  },
  1,
);

const strategy = fc.constantFrom(...Object.values(STRATEGIES).map(({ name }) => name));

function tiersOf(list: readonly Target[]): fc.Arbitrary<Tiers> {
  const item = fc.record({ target: fc.constantFrom(...list), weight: fc.constantFrom(0, 1, 3) });
  // The same target may stand in several places.
  return fc.array(fc.array(item, { maxLength: 6 }), { minLength: 1, maxLength: 3 });
}

function policies(list: readonly Target[]): fc.Arbitrary<Policy> {
  const loose = partly<Policy>({
    require,
    prefer: fc.subarray([...TAGS]),
    weigh: fc.record({ quality: score, cost: score, latency: score.map((part) => part + 0.05) }),
    isSticky: fc.boolean(),
    explore: fc.constantFrom(0, 0.05, 0.5, 1),
    hedge: fc.record({ after: fc.constantFrom('p95' as const, 400), budget: fc.constant(0.05) }),
    fallback: partly({
      attemptsMax: fc.integer({ min: 1, max: 6 }),
      priceFactorMax: fc.constantFrom(1, 2, 10),
      firstTokenMs: fc.constant(900),
    }).map((some) => ({ replaceable: REPLACEABLE, ...some })),
  });
  return fc.record({ tiers: tiersOf(list), strategy, loose }).map(({ tiers, strategy: name, loose: more }) => ({
    tiers,
    strategy: name,
    readsContent: true,
    ...more,
  }));
}

const sighting: fc.Arbitrary<Sighting> = partly<Sighting>({
  restMs: fc.constantFrom(0, 0, 0, 300, 9000),
  isDoubted: fc.constantFrom(false, false, false, true),
  inFlight: fc.integer({ min: 0, max: 12 }),
  inFlightMax: fc.integer({ min: 1, max: 12 }),
  headroom: score,
  errorRate: score,
  ttftMs: fc.record({
    p50: fc.integer({ min: 50, max: 3000 }),
    p95: fc.integer({ min: 3000, max: 9000 }),
    count: fc.constantFrom(0, 5, 50),
  }),
  tokensPerS: fc.integer({ min: 5, max: 300 }),
  length: fc.record({
    mean: fc.integer({ min: 1, max: 3000 }),
    p90: fc.constant(4000),
    count: fc.constantFrom(1, 100),
  }),
  rating: fc.record({ mean: score, count: fc.constantFrom(0, 3, 40) }),
  cachedTokens: fc.constantFrom(0, 1000, 5000),
}).map((some) => ({ ...UNSEEN, ...some }));

function inputs(list: readonly Target[]): fc.Arbitrary<PlanInput> {
  const ids = list.map(({ id }) => id);
  const providers = [...new Set(list.map(({ providerId }) => providerId))];
  const more = partly<PlanInput>(
    {
      require,
      prefer: fc.subarray([...TAGS]),
      preferences: partly(
        {
          only: fc.subarray(providers, { minLength: 1 }),
          ignore: fc.subarray(providers, { maxLength: 1 }),
          order: fc.shuffledSubarray(providers),
          allowFallbacks: fc.boolean(),
          sort: strategy,
          outputPriceMax: fc.constant(15_000_000_000n),
        },
        3,
      ),
      ruling: fc
        .record({
          use: partly({ strategy, prefer: fc.subarray([...TAGS]), tiers: tiersOf(list) }),
          require,
          refuse: fc.constantFrom(undefined, undefined, undefined, 'not here'),
        })
        .map(({ refuse, ...words }) => ({
          rule: { name: 'r', source: 'true', holds: () => true, ...words, ...(refuse === undefined ? {} : { refuse }) },
          troubles: [],
        })),
      gatewayRegion: fc.constant('eu-central-1'),
    },
    3,
  );
  const facts = fc.record({
    isStreaming: fc.boolean(),
    needs: fc.subarray(['tools', 'image', 'json-schema'] as const),
    inputTokensEstimate: fc.constantFrom(50, 200, 20_000),
    task: fc.constantFrom(...TASKS),
    callerRegion: fc.constantFrom(undefined, 'eu-central-1', 'us-east-1'),
  });
  return fc
    .record({
      policy: policies(list),
      facts,
      more,
      barred: fc.dictionary(fc.constantFrom(...ids), fc.constantFrom('the key may not use it'), { maxKeys: 2 }),
      sightings: fc.dictionary(fc.constantFrom(...ids), sighting),
      seed: fc.nat(),
      turn: fc.nat(1000),
    })
    .map(({ policy, facts: some, more: rest, barred, sightings, seed, turn }) => {
      const { task, callerRegion, ...plain } = some;
      const input = inputOf(policy);
      const content = { task, difficulty: 0.5, topics: [], sensitive: [], origins: {} };
      const region = callerRegion === undefined ? {} : { callerRegion };
      return {
        ...input,
        facts: { ...input.facts, ...plain, content, ...region },
        barred: new Map(Object.entries(barred)),
        sightings: new Map(Object.entries(sightings)),
        seed,
        turn,
        ...rest,
      };
    });
}

const cases: fc.Arbitrary<PlanInput> = targets.chain(inputs);

/** Candidates of the policy as its rule leaves it, each once. */
function candidates({ policy, ruling }: PlanInput): readonly string[] {
  return [...new Set(ruled(policy, ruling).tiers.flatMap((tier) => tier.map(({ target }) => target.id)))];
}

const idsOf = (of: Plan): readonly string[] => of.targets.map(({ id }) => id);

/** Byte for byte, amounts included. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`;
    return inner instanceof Set || inner instanceof Map ? [...inner] : inner;
  });
}

describe('every plan', () => {
  it('has each candidate once, either in its order or left out with a reason', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const planned = plan(input);
        const rejected = planned.rejected.map(({ target }) => target);
        assert.deepEqual([...idsOf(planned), ...rejected].toSorted(), candidates(input).toSorted());
        for (const { reason } of planned.rejected) assert.match(reason, /\S/);
        assert.deepEqual(
          planned.placed.map(({ target }) => target.id),
          idsOf(planned),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('is the same again, byte for byte, and leaves its input as it was', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const before = text(input);
        const once = text(plan(input));
        assert.equal(text(plan(structuredCloneOf(input))), once);
        assert.equal(text(plan(input)), once);
        assert.equal(text(input), before);
      }),
      { numRuns: RUNS },
    );
  });

  it('puts the fitter before the less fit, the earlier tier before the later, of doubted ones who fails least', () => {
    const levels = ['sound', 'full', 'doubted', 'resting'];
    fc.assert(
      fc.property(cases, (input) => {
        // An order that the request itself names goes before.
        const planned = plan({ ...input, preferences: undefined });
        const ranks = planned.placed.map(({ target, fitness, tier }) => {
          const { restMs, errorRate = 0 } = input.sightings.get(target.id) ?? UNSEEN;
          const within = fitness === 'resting' ? restMs : fitness === 'doubted' ? Math.round(errorRate * 10) : 0;
          return (levels.indexOf(fitness) * 10_000 + within) * 10 + (fitness === 'resting' ? 0 : tier);
        });
        assert.deepEqual(
          ranks,
          ranks.toSorted((a, b) => a - b),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('has nothing that the key may not use, and nothing where a rule refuses', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const planned = plan(input);
        for (const id of idsOf(planned)) assert.ok(!input.barred.has(id));
        assert.ok(input.ruling?.rule?.refuse === undefined || planned.targets.length === 0);
      }),
      { numRuns: RUNS },
    );
  });

  it('tells how likely its first target was: as often as that, over many throws', () => {
    const throws = 1500;
    fc.assert(
      fc.property(cases, (input) => {
        const told = new Map<string, number>();
        const seen = new Map<string, number>();
        for (let index = 0; index < throws; index += 1) {
          const {
            targets: [first],
            propensity,
          } = plan({ ...input, seed: index * 7919, turn: index });
          if (first === undefined) return;
          assert.ok(propensity > 0 && propensity <= 1, `${first.id}: ${propensity}`);
          assert.equal(told.get(first.id) ?? propensity, propensity, `${first.id} was told otherwise before`);
          told.set(first.id, propensity);
          seen.set(first.id, (seen.get(first.id) ?? 0) + 1);
        }
        for (const [id, count] of seen) {
          const likely = told.get(id) ?? 0;
          const error = Math.sqrt((likely * (1 - likely)) / throws);
          assert.ok(
            Math.abs(count / throws - likely) <= 5 * error + 0.002,
            `${id}: told ${likely}, seen ${count / throws}`,
          );
        }
        const sum = [...told.values()].reduce((all, one) => all + one, 0);
        // What is rarer than one in the throws may not have been seen.
        assert.ok(Math.abs(sum - 1) < 0.01, `together ${sum}`);
      }),
      { numRuns: 150 },
    );
  });

  it('hedges only where there is a second target', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const { hedge, targets: list } = plan(input);
        assert.ok(hedge === undefined || (list.length > 1 && hedge.afterMs > 0));
      }),
      { numRuns: RUNS },
    );
  });
});

/** Another object of the same content; targets and rules are code and data of the snapshot, and stay. */
function structuredCloneOf(input: PlanInput): PlanInput {
  return { ...input, facts: structuredClone(input.facts), sightings: new Map(structuredClone([...input.sightings])) };
}

const CODES: readonly FaultCode[] = [...REPLACEABLE, 'upstream-refused', 'output-invalid'];

describe('every way through a plan', () => {
  it('keeps to its targets, its attempts and its deadline, whatever fails and whenever', () => {
    fc.assert(
      fc.property(cases, fc.nat(), fc.integer({ min: 0, max: 20_000 }), (input, luck, totalMs) => {
        const planned = plan(input);
        const random = diceFor(luck);
        const failures: Failure[] = [];
        let nowMs = 0;
        for (;;) {
          const health = { observe: ({ id }: Target) => changed(input.sightings.get(id) ?? UNSEEN, random) };
          const step = next(planned, failures, { leftMs: totalMs - nowMs, health, random });
          if (step.do === 'stop') break;
          nowMs += step.afterMs;
          assert.ok(nowMs < totalMs, `an attempt begins at ${nowMs} of ${totalMs} ms`);
          assert.ok(idsOf(planned).includes(step.target.id), `${step.target.id} is not in the plan`);
          const last = failures.at(-1)?.fault.code;
          assert.ok(last === undefined || last === 'output-invalid' || planned.replaceable.has(last), String(last));
          failures.push({ targetId: step.target.id, fault: failureBy(random) });
          assert.ok(failures.length <= planned.attemptsMax, `${failures.length} attempts`);
          nowMs += Math.floor(random() * 2000);
        }
        for (const id of idsOf(planned)) {
          const tries = failures.filter(({ targetId }) => targetId === id).length;
          // Twice, and once more to mend an answer.
          assert.ok(tries <= 3, `${id} was tried ${tries} times`);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

function failureBy(random: () => number): Failure['fault'] {
  const code = CODES[Math.floor(random() * CODES.length)] ?? 'upstream-error';
  return fault(code, {}, random() < 0.3 ? { retryAfterMs: Math.floor(random() * 8000) } : {});
}

/** Health changes while a request is under way. */
function changed(of: Sighting, random: () => number): Sighting {
  if (random() < 0.6) return of;
  return { ...of, isDoubted: random() < 0.3, restMs: random() < 0.3 ? Math.floor(random() * 3000) : 0 };
}
