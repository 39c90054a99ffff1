/** What every database behind the store must do with credits, payments and plans. Each adapter runs this same suite. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { creditPurseOf, type CreditBalance, type PaymentDeed, type TopUp } from '../src/store/billing-ports.ts';
import type { Books } from '../src/store/books/form.ts';
import { openJournal } from '../src/store/journal.ts';
import { receiptText } from '../src/store/journal-entry.ts';
import { receipt } from './store-kit.ts';
import type { MadePlace, StorePlace, TestStore } from './stores.ts';

const AT = 1_795_000_000_000;
const ORG = 'default';
const PURSE = creditPurseOf(ORG);

const PAID = { do: 'top-up', orgId: ORG, payment: '', amountNanoUsd: 100n } as const;
const REFUNDED = { do: 'refund', payment: '', amountNanoUsd: 30n, isVoid: false } as const;
/** All that may be told of a payment of 100 of which 30 were refunded for good. */
const TOLD_OF_ONE = [
  PAID,
  { ...REFUNDED, refundId: 're_1' },
  REFUNDED,
  { ...REFUNDED, amountNanoUsd: 50n },
  { ...REFUNDED, refundId: 're_2', amountNanoUsd: 20n, isVoid: true },
] as const satisfies readonly PaidDeed[];
type PaidDeed = Extract<PaymentDeed, { readonly payment: string }>;

/** Registers the suite for one adapter. `open` is called once, for a new store. */
export function billingContract(
  { name, kind }: { readonly name: string; readonly kind: TestStore },
  open: (place: StorePlace) => Promise<Books>,
): void {
  describe(`credits: ${name}`, { skip: kind.skip }, () => {
    let store: MadePlace;
    let dataDir = '';
    let books: Books;
    let made = 0;

    before(async () => {
      store = await kind.make();
      ({ dataDir } = store.place);
      books = await open(store.place);
    });
    after(async () => {
      await books.close();
      await store.remove();
    });
    // One organisation is there from the start: each test leaves it without credits.
    const emptied = async (): Promise<void> => {
      const { availableNanoUsd } = await balance();
      if (availableNanoUsd > 0n) await spend(availableNanoUsd);
    };
    const topUp = async (amountNanoUsd: bigint, more: Partial<TopUp> = {}): Promise<string> => {
      made += 1;
      const order = { orgId: ORG, kind: 'top-up', reference: `ref ${made}`, note: '', by: 'cli', atMs: AT } as const;
      const answer = await books.topUp({ ...order, amountNanoUsd, ...more });
      return answer.kind === 'no-org' ? answer.kind : answer.row.id;
    };
    const balance = async (): Promise<CreditBalance> => {
      const found = await books.creditBalance(ORG);
      assert.ok(found !== undefined);
      return found;
    };
    const hold = async (nanoUsd: bigint, processId = 'holder'): Promise<bigint> =>
      (await books.draw({ processId, purseId: PURSE, needNanoUsd: nanoUsd, leastNanoUsd: nanoUsd, atMs: AT }))
        .givenNanoUsd;
    const free = async (processId = 'holder'): Promise<void> =>
      books.giveBack({ processId, purseId: PURSE, amountNanoUsd: 'all', atMs: AT });
    const spend = async (nanoUsd: bigint): Promise<void> => {
      made += 1;
      const processId = `spender${made}`;
      await hold(nanoUsd, processId);
      const journal = openJournal(dataDir, processId);
      journal.append(receiptText('settled', receipt(`spent_${made}`, { costNanoUsd: nanoUsd, purses: [PURSE] })));
      await books.takeIn(processId, { segment: 1, offset: 0 }, AT);
      journal.close();
      await free(processId);
    };
    const lots = async (): Promise<readonly bigint[]> => (await balance()).lots.map((lot) => lot.leftNanoUsd);
    const tend = async (atMs: number, lowPercents: readonly number[] = []): Promise<number> =>
      (await books.tendCredits({ atMs, lowPercents })).expired;
    const told = async (id: string, deed: PaymentDeed): Promise<string> =>
      (await books.takePayment({ id, source: 'stripe', kind: 'test', atMs: AT, deed })).outcome;

    it('adds a top-up once, whoever tells it how often', async () => {
      const earlier = await balance();
      const order = { orgId: ORG, kind: 'top-up', amountNanoUsd: 70n, note: 'n', by: 'key_1', atMs: AT } as const;
      const answers = await Promise.all(
        Array.from({ length: 5 }, async () => books.topUp({ ...order, reference: 'once' })),
      );
      assert.deepEqual(answers.map(({ kind }) => kind).toSorted(), ['known', 'known', 'known', 'known', 'made']);
      assert.equal((await books.topUp({ ...order, reference: 'once', amountNanoUsd: 71n })).kind, 'conflict');
      assert.equal((await books.topUp({ ...order, reference: 'other', orgId: 'nobody' })).kind, 'no-org');
      const later = await balance();
      assert.equal(later.grantedNanoUsd - earlier.grantedNanoUsd, 70n);
      assert.equal(later.availableNanoUsd - earlier.availableNanoUsd, 70n);
      await emptied();
    });

    it('spends first what expires first, and what was spent before a top-up is not taken from it', async () => {
      await topUp(100n);
      await spend(30n);
      await topUp(50n, { expiresAtMs: AT + 1000 });
      assert.deepEqual(await lots(), [50n, 70n]);
      await spend(20n);
      assert.deepEqual(await lots(), [30n, 70n]);
      await topUp(5n, { expiresAtMs: AT + 500 });
      assert.deepEqual(await lots(), [5n, 30n, 70n]);
      await spend(40n);
      assert.deepEqual(await lots(), [65n]);
      await emptied();
    });

    it('expires what is left at its moment, once, after any pause', async () => {
      await topUp(100n, { expiresAtMs: AT + 1000 });
      await topUp(10n);
      await spend(40n);
      assert.equal(await tend(AT + 999), 0);
      assert.equal(await tend(AT + 1000), 1);
      assert.equal(await tend(AT + 1000), 0);
      assert.equal(await tend(AT + 9_000_000), 0);
      assert.deepEqual([await lots(), (await balance()).availableNanoUsd], [[10n], 10n]);
      const { rows } = await books.creditHistory({ orgId: ORG, limitMax: 1 });
      assert.deepEqual([rows[0]?.kind, rows[0]?.amountNanoUsd], ['expiry', -60n]);
      await emptied();
    });

    it('lets what is held be spent after its moment, and takes the rest when it comes free', async () => {
      await topUp(100n, { expiresAtMs: AT + 1000 });
      const given = await hold(60n);
      assert.ok(given >= 60n);
      await tend(AT + 1000);
      const during = await balance();
      assert.deepEqual([during.heldNanoUsd, during.availableNanoUsd], [given, 0n]);
      await free();
      await tend(AT + 1001);
      assert.deepEqual([await lots(), (await balance()).availableNanoUsd], [[], 0n]);
    });

    it('takes a refund of what is neither spent nor held, and says what it could not take', async () => {
      await topUp(100n, { reference: 'pay 1' });
      await topUp(20n, { reference: 'pay 2' });
      await spend(90n);
      const given = await hold(5n);
      const order = { orgId: ORG, payment: 'pay 1', note: '', by: 'cli', atMs: AT } as const;
      const first = await books.takeBack({ ...order, reference: 'back 1', amountNanoUsd: 100n });
      assert.ok(first.kind === 'made');
      assert.equal(first.row.amountNanoUsd, given - 30n);
      assert.equal(first.row.leftNanoUsd, 70n + given);
      assert.equal((await books.takeBack({ ...order, reference: 'back 1', amountNanoUsd: 100n })).kind, 'known');
      await free();
      assert.equal((await balance()).availableNanoUsd, given);
      await emptied();
    });

    it('takes an event in once, and a payment once', async () => {
      const deed = { do: 'top-up', orgId: ORG, payment: 'pi_1', amountNanoUsd: 40n } as const;
      const earlier = (await balance()).grantedNanoUsd;
      const outcomes = await Promise.all([1, 2, 3, 3, 3].map(async (n) => told(`evt_${n}`, deed)));
      assert.deepEqual(outcomes.toSorted(), ['known', 'known', 'repeated', 'repeated', 'topped-up']);
      assert.equal((await balance()).grantedNanoUsd - earlier, 40n);
      assert.equal(await told('evt_4', { ...deed, payment: 'pi_2', orgId: 'nobody' }), 'payment-for-nobody');
      await emptied();
    });

    it('comes to the same whatever the order in which a payment and its refunds are told', async () => {
      // Every seventh of the 120: each event is early in some and late in others.
      for (const order of permutations([0, 1, 2, 3, 4]).filter((_, index) => index % 7 === 0)) {
        await emptied();
        made += 1;
        const payment = `pi_any_${made}`;
        for (const index of order) {
          const deed = TOLD_OF_ONE[index];
          assert.ok(deed !== undefined);
          await told(`evt_${made}_${index}`, { ...deed, payment });
        }
        assert.equal((await balance()).availableNanoUsd, 70n, order.join());
      }
      await emptied();
    });

    it('comes to the same where they are told at the same moment', async () => {
      for (let round = 0; round < 10; round++) {
        await emptied();
        made += 1;
        const payment = `pi_at_once_${made}`;
        const toldAtOnce = async (deeds: readonly PaidDeed[]): Promise<unknown> =>
          Promise.all(deeds.map(async (deed, n) => told(`evt_${payment}_${deeds.length}_${n}`, { ...deed, payment })));
        await toldAtOnce(TOLD_OF_ONE);
        assert.equal((await balance()).availableNanoUsd, 70n, `round ${round}`);
        // Each is a refund of its own.
        await toldAtOnce(
          [5n, 6n, 7n].map((amountNanoUsd) => ({ ...REFUNDED, refundId: `${amountNanoUsd}`, amountNanoUsd })),
        );
        assert.equal((await balance()).availableNanoUsd, 52n, `round ${round}`);
      }
      await emptied();
    });

    it('never has less than nothing, whatever is added, spent, held and taken back at once', async () => {
      let spentNanoUsd = 0n;
      const round = async (n: number): Promise<void> => {
        const processId = `busy${n % 7}`;
        if (n % 5 === 0) await topUp(BigInt(n + 1), n % 10 === 0 ? { expiresAtMs: AT + n } : {});
        if (n % 11 === 0)
          await books.takeBack({
            orgId: ORG,
            amountNanoUsd: BigInt(n + 1),
            reference: `busy ${n}`,
            note: '',
            by: 'cli',
            atMs: AT,
          });
        if (n % 13 === 0) await tend(AT + n);
        const given = await hold(BigInt(n % 9) + 1n, processId);
        if (n % 3 === 0) await free(processId);
        else spentNanoUsd += given;
        const { availableNanoUsd, grantedNanoUsd, spentNanoUsd: spent, heldNanoUsd } = await balance();
        assert.ok(availableNanoUsd >= 0n && spent + heldNanoUsd <= grantedNanoUsd, `round ${n}`);
      };
      // Eight at a time: more would only wait for a connection.
      const workers = Array.from({ length: 8 }, async (_, worker) => {
        for (let n = worker; n < 200; n += 8) await round(n);
      });
      await Promise.all(workers);
      const { grantedNanoUsd, spentNanoUsd: spent, heldNanoUsd } = await balance();
      assert.ok(spentNanoUsd > 0n && spent + heldNanoUsd <= grantedNanoUsd);
      for (let process = 0; process < 7; process++) await free(`busy${process}`);
      const { lots: left, availableNanoUsd } = await balance();
      const sum = left.reduce((all, lot) => all + lot.leftNanoUsd, 0n);
      assert.equal(sum, availableNanoUsd, 'lots and purse agree');
      await emptied();
    });

    it('keeps plans, and tells those who ask of every change', async () => {
      const deed = { atMs: AT, by: 'cli' };
      const rules = [{ models: 'openai/*', basisPoints: -500, fixedNanoUsd: 1_000_000n }];
      const first = await books.createPlan({ id: 'plan_a', name: 'A', rules }, deed);
      assert.deepEqual(first.rules, rules);
      await books.changePlan('plan_a', { name: 'B' }, deed);
      await books.changePlan('plan_a', { rules: [] }, deed);
      const [changed] = await books.planChanges(first.revision);
      assert.deepEqual([changed?.name, changed?.rules, changed?.isRemoved], ['B', [], false]);
      await books.createOrg('org_planned', { name: 'planned', planId: 'plan_a' }, deed);
      assert.deepEqual(await books.removePlan('plan_a', deed), { refused: 'in-use' });
      await books.changeOrg('org_planned', { planId: null }, deed);
      assert.ok('row' in (await books.removePlan('plan_a', deed)));
      assert.deepEqual(await books.removePlan('plan_a', deed), { refused: 'unknown' });
      assert.deepEqual(await books.changePlan('plan_a', { name: 'C' }, deed), { refused: 'unknown' });
      assert.deepEqual(await books.changeOrg('org_planned', { planId: 'plan_a' }, deed), { refused: 'plan-unknown' });
      assert.equal((await books.planChanges(changed?.revision ?? 0n))[0]?.isRemoved, true);
    });

    it('writes every change by a person down in the audit log', async () => {
      const { entries } = await books.audit({ limitMax: 200 });
      const actions = new Set(entries.map(({ action }) => action));
      for (const action of ['credits.added', 'credits.taken', 'plan.created', 'plan.changed', 'plan.deleted'])
        assert.ok(actions.has(action), action);
    });

    it('lists what was paid in and taken back page by page, newest first', async () => {
      const all = (await books.creditHistory({ orgId: ORG, limitMax: 200 })).rows;
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await books.creditHistory({
          orgId: ORG,
          limitMax: 7,
          ...(cursor === undefined ? {} : { cursor }),
        });
        ids.push(...page.rows.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      assert.deepEqual(
        ids.slice(0, all.length),
        all.map(({ id }) => id),
      );
      assert.equal(new Set(ids).size, ids.length);
    });
  });
}

function permutations(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
