/** A price that becomes known late charges what the plan says, as if it had been known in time: on every store. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PlanRule } from '../../src/money/plan.ts';
import { DEFAULT_ORG_ID } from '../../src/people/permissions.ts';
import { salesOf } from '../../src/pipeline/sale.ts';
import { isHold, type KeyRow, type Store } from '../../src/store/ports.ts';
import { openBooks } from '../../src/store/books/books.ts';
import { openJournal } from '../../src/store/journal.ts';
import { receiptText } from '../../src/store/journal-entry.ts';
import { repriceAll } from '../../src/store/reprice.ts';
import { openStore } from '../../src/store/store.ts';
import { opening, receipt, valueOf } from '../store-kit.ts';
import { STORES } from '../stores.ts';

const AT = 1_795_000_000_000;
/** Nano-dollars a token, by target: of these none is known in time. */
const LATE = new Map([
  ['house/odd', 3n],
  ['house/even', 20n],
]);
/** Of these it is. */
const KNOWN = new Map([['openai/gpt-5-mini', 7n]]);

interface Try {
  readonly target: string;
  readonly tokens: number;
  readonly outcome?: string;
}

/** One request: its attempts, one after the other. */
type Asked = readonly Try[];

const PLANS: Readonly<Record<string, readonly PlanRule[]>> = {
  'a fifth more': [{ models: '*', basisPoints: 2000, fixedNanoUsd: 0n }],
  'a third off': [{ models: 'house', basisPoints: -3333, fixedNanoUsd: 0n }],
  'a fixed amount': [{ models: '*', basisPoints: 0, fixedNanoUsd: 1_000_001n }],
  'by model': [
    { models: 'house/odd', basisPoints: 1234, fixedNanoUsd: 17n },
    { models: 'house/*', basisPoints: -10_000, fixedNanoUsd: 0n },
  ],
};

const tries = fc.record({
  target: fc.constantFrom(...LATE.keys(), ...KNOWN.keys()),
  tokens: fc.integer({ min: 0, max: 1_000_000 }),
});
const requests = fc.array(fc.array(tries, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });

/** What a rule makes of a cost, worked out apart: in ten-thousandths, half up, the fixed amount once a request. */
function chargeOf(rule: PlanRule | undefined, cost: bigint, isFirst: boolean): bigint {
  if (rule === undefined) return cost;
  const parts = cost * BigInt(10_000 + rule.basisPoints);
  return parts / 10_000n + (parts % 10_000n >= 5000n ? 1n : 0n) + (isFirst ? rule.fixedNanoUsd : 0n);
}

function ruleOf(rules: readonly PlanRule[], target: string): PlanRule | undefined {
  return rules.find(
    ({ models }) => models === '*' || target === models || target.startsWith(models.replace(/\*?$/, '')),
  );
}

/** Charges of a request's attempts by their places, where `order` is the order in which they were priced. */
function chargesOf(rules: readonly PlanRule[], asked: Asked, order: readonly number[]): ReadonlyMap<number, bigint> {
  const charges = new Map<number, bigint>();
  let isFirst = true;
  for (const place of order) {
    const { target, tokens } = asked[place] ?? { target: '', tokens: 0 };
    const price = LATE.get(target) ?? KNOWN.get(target) ?? 0n;
    const charge = chargeOf(ruleOf(rules, target), price * BigInt(tokens), isFirst);
    isFirst &&= charge === 0n;
    charges.set(place, charge);
  }
  return charges;
}

/** First those whose price is known, then the others. */
function pricedOrder(asked: Asked): readonly number[] {
  const places = [...asked.keys()];
  const isLate = (place: number): boolean => LATE.has(asked[place]?.target ?? '');
  return [...places.filter((place) => !isLate(place)), ...places.filter(isLate)];
}

for (const kind of STORES)
  describe(`prices that come late: ${kind.name}`, { skip: kind.skip }, () => {
    for (const [name, rules] of Object.entries(PLANS))
      it(`charges by the plan, to the nano-dollar: ${name}`, async () => {
        const { place, remove } = await kind.make();
        const store = await openStore({ ...place, now: () => AT });
        try {
          const { row } = valueOf(await store.keys.create({ name: 'k' }));
          await planned(store, rules);
          let round = 0;
          const run = async (all: readonly Asked[]): Promise<void> => {
            round += 1;
            const before = valueOf(await store.keys.spend(row.id))?.spentNanoUsd ?? 0n;
            for (const [index, asked] of all.entries()) await spend(store, row, { id: `r${round}_${index}`, asked });
            await store.ledger.flush();
            await repriced(store, AT);
            const expected = all.flatMap((asked, index) =>
              [...chargesOf(rules, asked, pricedOrder(asked))].map(([at, charge]) => [
                `r${round}_${index}_${at}`,
                charge,
              ]),
            );
            const rows = valueOf(await store.usage({})).rows.filter((one) => one.id.startsWith(`r${round}_`));
            assert.deepEqual(
              new Map(rows.map((one) => [one.id, one.charge_nano_usd])),
              new Map(expected.map(([id, charge]) => [String(id), BigInt(charge ?? 0)])),
            );
            const sum = expected.reduce((total, [, charge]) => total + BigInt(charge ?? 0), 0n);
            assert.equal(valueOf(await store.purse(row.id)).spentNanoUsd - before, sum);
            assert.deepEqual(valueOf(await store.verify()).problems, []);
          };
          await fc.assert(fc.asyncProperty(requests, run), { numRuns: 12 });
        } finally {
          await store.close();
          await remove();
        }
      });

    it('charges what is fixed once, also where another attempt of the request was under way as the price came', async () => {
      const { place, remove } = await kind.make();
      let nowMs = AT;
      const store = await openStore({ ...place, now: () => nowMs });
      const { row } = valueOf(await store.keys.create({ name: 'k' }));
      await planned(store, [{ models: '*', basisPoints: 0, fixedNanoUsd: 1000n }]);
      const broke = { target: 'house/odd', tokens: 100, outcome: 'broke' } as const;
      const answered = { target: 'openai/gpt-5-mini', tokens: 100 } as const;
      const between = async (): Promise<void> => {
        await store.ledger.flush();
        await repriced(store, nowMs);
      };
      await spend(store, row, { id: 'a', asked: [broke, answered], between });
      await between();
      assert.equal(valueOf(await store.purse(row.id)).spentNanoUsd, 300n + 700n + 1000n);
      // None can follow any more.
      await spend(store, row, { id: 'b', asked: [broke] });
      nowMs += 3_600_000;
      await between();
      assert.equal(valueOf(await store.purse(row.id)).spentNanoUsd, 2000n + 300n + 1000n);
      assert.deepEqual(valueOf(await store.verify()).problems, []);
      await store.close();
      await remove();
    });

    it('is in the sums that receipts leave behind, also where they go at that moment', async () => {
      const { place, remove } = await kind.make();
      const books = await openBooks({ ...place, busyMs: 5000 });
      const journal = openJournal(place.dataDir, 'p');
      const ids = Array.from({ length: 4500 }, (_, n) => `a${String(n).padStart(4, '0')}`);
      for (const id of ids) {
        const { costNanoUsd: _, ...unpriced } = receipt(id);
        journal.append(receiptText('settled', unpriced));
      }
      await books.endProcess('p', AT);
      const price = async (): Promise<void> => {
        // Those that go last first, a few at a time: some of them go meanwhile.
        for (let end = ids.length; end > 0; end -= 30) {
          const repricings = ids
            .slice(end - 30, end)
            .map((receiptId) => ({ receiptId, costNanoUsd: 7n, chargeNanoUsd: 9n, laterChargeNanoUsd: 9n }));
          await books.reprice(repricings, { reason: 'test', atMs: AT });
        }
      };
      const drop = async (): Promise<void> => {
        while (await books.dropReceipts(AT + 7_200_000));
      };
      await Promise.all([price(), drop()]);
      assert.deepEqual((await books.verify()).problems, []);
      await books.close();
      await remove();
    });
  });

/** The default organisation is charged by these rules. */
async function planned(store: Store, rules: readonly PlanRule[]): Promise<void> {
  const deed = { atMs: AT, by: 'cli' };
  valueOf(
    await store.billing(async (books) => {
      const changed = await books.changePlan('plan_x', { rules }, deed);
      return 'row' in changed ? changed.row : books.createPlan({ id: 'plan_x', name: 'x', rules }, deed);
    }),
  );
  valueOf(await store.people.changeOrg(DEFAULT_ORG_ID, { planId: 'plan_x' }, 'cli'));
  await store.refresh();
}

interface Spending {
  readonly id: string;
  readonly asked: Asked;
  /** Done after each attempt. */
  readonly between?: () => Promise<void>;
}

async function spend(store: Store, key: KeyRow, { id, asked, between }: Spending): Promise<void> {
  const { chargeOf: charged } = salesOf(store, () => [])(DEFAULT_ORG_ID);
  const payer = { keyId: key.id, hard: [], booked: [], labels: { orgId: DEFAULT_ORG_ID } };
  const hold = await store.ledger.hold(charged === undefined ? payer : { ...payer, chargeOf: charged }, 0n, id);
  assert.ok(isHold(hold));
  for (const [at, { target, tokens, outcome = 'answered' }] of asked.entries()) {
    const [provider = '', model = ''] = target.split('/');
    const attemptId = `${id}_${at}`;
    const price = KNOWN.get(target);
    const { costNanoUsd: _, ...unpriced } = receipt(attemptId, {
      keyId: key.id,
      requestId: id,
      provider,
      model,
      target,
      outcome,
      atMs: AT + at,
      usage: { inputTokens: tokens },
    });
    assert.equal(store.ledger.open(hold, opening(attemptId, { provider, model, target })), undefined);
    const cost = price === undefined ? {} : { costNanoUsd: price * BigInt(tokens) };
    store.ledger.settle(hold, { ...unpriced, ...cost });
    await between?.();
  }
  store.ledger.release(hold);
}

/** Twice at once, as two gateways do that learn of a price at the same time. */
async function repriced(store: Store, atMs: number): Promise<void> {
  const order = {
    isDryRun: false,
    reason: 'test',
    priceOf: ({ target }: { readonly target: string }) => {
      const input = LATE.get(target);
      return input === undefined ? undefined : { input: input * 1_000_000n };
    },
    saleTo: salesOf(store, () => []),
    now: () => atMs,
  };
  for (const done of await Promise.all([repriceAll(store.reports, order), repriceAll(store.reports, order)]))
    valueOf(done);
}
