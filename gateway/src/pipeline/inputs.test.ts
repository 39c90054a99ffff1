import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { inputOf, TEST_FACTS } from '../routing/plan.fixture.ts';
import { plan, type Plan, type PlanInput } from '../routing/plan.ts';
import type { Policy, Rule } from '../routing/policy.ts';
import type { Ruling } from '../routing/rules.ts';
import { NOT_ALLOWED } from '../routing/requirements/barred.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { STRATEGIES } from '../routing/strategies/index.ts';
import { testTarget } from '../routing/target.fixture.ts';
import { recordedInput } from './inputs.ts';
import { requestRecord } from './record.ts';

const REGIONS = ['eu', 'us', undefined] as const;
const TARGETS = ['a/m', 'b/m', 'c/m', 'd/m', 'd/m#2', 'e/m'].map((id, at) => {
  const region = REGIONS[at % 3];
  const price = { input: BigInt(at + 1) * 100_000_000n, output: BigInt(6 - at) * 300_000_000n };
  const known = { quality: { general: 0.3 + at / 10, code: 0.9 - at / 10 }, tags: at % 2 === 0 ? ['code'] : [] };
  return testTarget(id, { ...known, ...(at === 5 ? {} : { price }), ...(region === undefined ? {} : { region }) });
});
const RULES: readonly Rule[] = [
  { name: 'cheap', source: '', holds: () => true, use: { strategy: 'cost' } },
  { name: 'strict', source: '', holds: () => true, require: { regions: ['eu'] } },
];

/** One that holds, and for every other also one that could not be told. */
function rulingWith(index: number): Ruling {
  const rule = RULES[index];
  const unsure = index === 1 ? [] : RULES.slice(1);
  const troubles = unsure.map(({ name }) => `${name}: cannot be told`);
  return { ...(rule === undefined ? {} : { rule }), ...(unsure.length === 0 ? {} : { unsure }), troubles };
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const ms = fc.double({ min: 0, max: 9000, noNaN: true });
const sighting = fc.record(
  {
    restMs: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, ms),
    isDoubted: fc.nat(5).map((at) => at === 0),
    inFlight: fc.nat(5),
    inFlightMax: fc.integer({ min: 1, max: 9 }),
    errorRate: share,
    shutMs: ms,
    ttftMs: fc.record({ p50: ms, p95: ms, count: ms }),
    tokensPerS: fc.double({ min: 1, max: 300, noNaN: true }),
    headroom: share,
    length: fc.record({ mean: ms, p90: ms, count: ms }),
    rating: fc.record({ mean: share, count: ms }),
    cachedTokens: fc.nat(100),
  },
  { requiredKeys: ['restMs', 'isDoubted', 'inFlight'] },
);
const demands = fc.record(
  {
    regions: fc.constantFrom(['eu'], ['caller'], ['us', 'eu']),
    quality: fc.constantFrom({ min: 0.4 }, { min: 0.5, task: 'code' }),
    price: fc.constant({ inputMax: 400_000_000n }),
    ttftMsP95: fc.constant(4000),
  },
  { requiredKeys: [] },
);
/** Seldom: where everything is required, nobody is left to choose among. */
const require = fc.oneof({ weight: 6, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: demands });
const policy: fc.Arbitrary<Policy> = fc
  .record(
    {
      order: fc.shuffledSubarray(TARGETS, { minLength: 1 }),
      cut: fc.nat(3),
      strategy: fc.constantFrom(...Object.values(STRATEGIES).map(({ name }) => name)),
      require,
      rules: fc.constant(RULES),
      hedge: fc.constantFrom({ after: 300, budget: 0.05 }, { after: 'p95' as const, budget: 0.05 }),
      isSticky: fc.boolean(),
      continues: fc.boolean(),
      explore: fc.constantFrom(0, 0.3),
      prefer: fc.constant(['code']),
    },
    { requiredKeys: ['order', 'cut', 'strategy'] },
  )
  .map(({ order, cut, ...rest }) => {
    const items = order.map((target, at) => ({ target, weight: at }));
    const tiers = cut === 0 || cut >= items.length ? [items] : [items.slice(0, cut), items.slice(cut)];
    return { ...rest, tiers, readsContent: true };
  });
const facts = fc
  .record(
    {
      callerRegion: fc.constantFrom('eu', 'us'),
      outputTokensLimit: fc.nat(9000),
      needs: fc.constantFrom([], ['tools', 'image'] as const),
      isStreaming: fc.boolean(),
      inputTokensEstimate: fc.nat(9000),
      content: fc.constant({
        task: 'code' as const,
        difficulty: 0.25,
        topics: [],
        sensitive: ['card'],
        origins: { task: 'words' },
      }),
    },
    { requiredKeys: [] },
  )
  .map((known) => ({ ...TEST_FACTS, ...known }));
const made: fc.Arbitrary<PlanInput> = fc
  .record({
    policy,
    facts,
    sightings: fc.dictionary(fc.constantFrom(...TARGETS.map(({ id }) => id)), sighting),
    barred: fc.dictionary(fc.constantFrom('a/m', 'c/m', 'e/m'), fc.constantFrom(NOT_ALLOWED, 'it makes no pictures'), {
      maxKeys: 1,
    }),
    preferences: fc.option(
      fc.record(
        {
          order: fc.constant(['c', 'a']),
          ignore: fc.constant(['b']),
          inputPriceMax: fc.constant(500_000_000n),
          require,
        },
        { requiredKeys: [] },
      ),
      { nil: undefined },
    ),
    require: fc.option(require, { nil: undefined }),
    prefer: fc.constantFrom(undefined, ['code'], ['other']),
    seed: fc.nat(2 ** 31),
    turn: fc.nat(9),
    ruling: fc.constantFrom(undefined, 0, 1, 2),
  })
  .map(({ ruling, sightings, barred, ...rest }) =>
    inputOf(rest.policy, {
      ...rest,
      sightings: new Map(Object.entries(sightings)),
      barred: new Map(Object.entries(barred)),
      ...(rest.policy.rules === undefined || ruling === undefined ? {} : { ruling: rulingWith(ruling) }),
    }),
  );

/** Knows one name, which stands for the policy. */
function snapshotOf({ policy, attemptsMax }: PlanInput): Snapshot {
  const resolve: Snapshot['resolve'] = () => ({ kind: 'found', policy });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no more of it is read here.
  return { attemptsMax, resolve } as Snapshot;
}

function recordOf(input: PlanInput, of: Plan): JsonRecord {
  const payer = { keyId: 'k', hard: [], booked: [], labels: {} };
  const planning = { plan: of, input, facts: input.facts, names: ['m'], followed: [], ignored: [], payer };
  const ended = { outcome: 'ok', status: 200, fault: undefined, durationMs: 1, tags: [], attempts: [] } as const;
  const asked = { id: 'req_1', snapshotId: 's', operation: 'chat', protocol: 'openai-chat' };
  const atUnixMs = Date.parse(`${input.today}T10:00:00Z`);
  const text = JSON.stringify(
    requestRecord({ ...asked, ...ended, atUnixMs, facts: input.facts, planning, isTurnKept: false }),
  );
  return asRecord(parseJson(text)) ?? {};
}

describe('what a plan was made of', () => {
  it('makes the same plan again from its record, to the last byte', () => {
    fc.assert(
      fc.property(made, (input) => {
        const first = plan(input);
        const record = recordOf(input, first);
        const read = recordedInput(record, snapshotOf(input));
        assert.ok(read.ok, read.ok ? '' : read.error);
        const again = plan(read.value);
        assert.deepEqual(recordOf(read.value, again), record);
        assert.deepEqual(again.targets, first.targets);
        assert.deepEqual(again.rejected, first.rejected);
        assert.deepEqual(
          [again.hedge, again.propensity, again.isExplored, again.continues],
          [first.hedge, first.propensity, first.isExplored, first.continues],
        );
      }),
      { numRuns: 500 },
    );
  });

  it('names no target that the key must not learn of', () => {
    fc.assert(
      fc.property(made, (input) => {
        const { inputs } = recordOf(input, plan(input));
        const hidden = [...input.barred].filter(([, reason]) => reason === NOT_ALLOWED).map(([id]) => id);
        const named = Object.keys(asRecord(asRecord(inputs)?.['barred']) ?? {});
        assert.deepEqual(
          named.filter((id) => hidden.includes(id)),
          [],
        );
        assert.deepEqual(
          Object.keys(asRecord(asRecord(inputs)?.['seen']) ?? {}).filter((id) => hidden.includes(id)),
          [],
        );
      }),
    );
  });
});
