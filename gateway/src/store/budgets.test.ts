import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { opening, receipt, valueOf } from '../../test/store-kit.ts';
import { inStore, look, type StorePlace } from '../../test/stores.ts';
import type { NewBudget, Spender } from './budget-ports.ts';
import { isHold, type Hold, type Payer, type Store } from './ports.ts';
import { openStore } from './store.ts';

const NOVEMBER = Date.parse('2026-11-27T12:00:00Z');
const DECEMBER = Date.parse('2026-12-01T00:00:00Z');

interface Bench {
  readonly store: Store;
  readonly setNow: (atMs: number) => void;
  readonly place: StorePlace;
}

async function withStore(run: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    let nowMs = NOVEMBER;
    const store = await openStore({ ...place, now: () => nowMs });
    await run({
      store,
      place,
      setNow: (atMs) => {
        nowMs = atMs;
      },
    });
    assert.deepEqual(valueOf(await store.verify()).problems, []);
    await store.close();
  });
}

async function budget(store: Store, of: NewBudget): Promise<string> {
  return valueOf(await store.budgets.create(of)).id;
}

/** Who pays for a request of that spender, as the pipeline makes it. */
async function payer(store: Store, nowMs: number, spender: Partial<Spender> = {}): Promise<Payer> {
  const [known] = store.keys.list().filter(({ name }) => name === 'k');
  const key = known ?? valueOf(await store.keys.create({ name: 'k' })).row;
  const whole: Spender = { keyId: key.id, tags: [], ...spender };
  const { hard, booked } = store.budgets.purses(whole, nowMs);
  return {
    keyId: key.id,
    hard,
    booked,
    labels: {},
    pursesAt: (at) => store.budgets.pursesAt(at, whole, nowMs),
  };
}

async function holdOf(store: Store, of: Payer, nanoUsd: bigint): Promise<Hold | string> {
  const hold = await store.ledger.hold(of, nanoUsd, 'req');
  return isHold(hold) ? hold : `${hold.code}: ${hold.message}`;
}

let serial = 0;

async function spend(store: Store, of: Payer, nanoUsd: bigint): Promise<string | undefined> {
  const hold = await holdOf(store, of, nanoUsd);
  if (typeof hold === 'string') return hold;
  serial += 1;
  const attemptId = `att_${serial}`;
  const attempt = opening(attemptId, { worstNanoUsd: nanoUsd });
  const refused = store.ledger.open(hold, attempt);
  const again = refused?.code === 'budget-exceeded' ? await store.ledger.extend(hold, attempt) : refused;
  const opened = again === undefined && refused !== undefined ? store.ledger.open(hold, attempt) : again;
  if (opened === undefined) store.ledger.settle(hold, receipt(attemptId, { costNanoUsd: nanoUsd, keyId: of.keyId }));
  store.ledger.release(hold);
  return opened === undefined ? undefined : opened.code;
}

async function spent(store: Store, id: string, subject?: string): Promise<bigint | undefined> {
  return valueOf(await store.budgets.state(id, subject))?.spentNanoUsd;
}

describe('budgets', () => {
  it('hold together: what one of them lacks is refused, and nothing stays put aside in the others', async () => {
    await withStore(async ({ store }) => {
      const wide = await budget(store, { scope: 'all', limitNanoUsd: 1000n });
      await budget(store, { scope: 'tag', subject: 'ci', limitNanoUsd: 100n, name: 'ci' });
      const both = await payer(store, NOVEMBER, { tags: ['ci'] });
      assert.equal(await spend(store, both, 80n), undefined);
      const refused = await spend(store, both, 30n);
      assert.match(
        refused ?? '',
        /^budget-exceeded: The budget of budget "ci" of tag ci has too little left for this request: limit 0\.0000001 USD/,
      );
      assert.match(refused ?? '', /reset 2026-12-01T00:00:00\.000Z/);
      assert.equal(await spent(store, wide), 80n);
      assert.equal(valueOf(await store.budgets.state(wide))?.heldNanoUsd, 0n);
      assert.equal(await spend(store, await payer(store, NOVEMBER), 900n), undefined, 'without the tag there is room');
    });
  });

  it('begin anew with their period, and what was begun before stays in the one before', async () => {
    await withStore(async ({ store, setNow }) => {
      const id = await budget(store, { scope: 'all', limitNanoUsd: 100n, period: 'month' });
      const early = await payer(store, NOVEMBER);
      const late = await holdOf(store, early, 60n);
      assert.ok(typeof late !== 'string');
      setNow(DECEMBER);
      const next = await payer(store, DECEMBER);
      assert.equal(await spend(store, next, 100n), undefined, 'all of December is there');
      store.ledger.open(late, opening('late', { worstNanoUsd: 60n }));
      store.ledger.settle(late, receipt('late', { costNanoUsd: 60n, keyId: early.keyId }));
      store.ledger.release(late);
      assert.equal(await spent(store, id), 100n);
      setNow(NOVEMBER);
      assert.equal(await spent(store, id), 60n, 'a clock that steps back finds November as it was');
    });
  });

  it('of each one are one for each', async () => {
    await withStore(async ({ store }) => {
      const id = await budget(store, { scope: 'end-user', subject: '*', limitNanoUsd: 50n });
      const alice = await payer(store, NOVEMBER, { endUser: 'alice b@c' });
      assert.equal(await spend(store, alice, 50n), undefined);
      assert.match((await spend(store, alice, 1n)) ?? '', /end user alice b@c/);
      assert.equal(await spend(store, await payer(store, NOVEMBER, { endUser: 'bob' }), 50n), undefined);
      assert.deepEqual([await spent(store, id, 'alice b@c'), await spent(store, id, 'bob')], [50n, 50n]);
    });
  });

  it('of each one count once what comes from one who is called as all of them are', async () => {
    await withStore(async ({ store }) => {
      const id = await budget(store, { scope: 'end-user', subject: '*', limitNanoUsd: 100n });
      assert.equal(await spend(store, await payer(store, NOVEMBER, { endUser: '*' }), 60n), undefined);
      await store.ledger.flush();
      assert.equal(await spent(store, id, '*'), 60n);
    });
  });

  it('of each one are also for one whose name is cut inside a pictograph', async () => {
    await withStore(async ({ store }) => {
      const id = await budget(store, { scope: 'end-user', subject: '*', limitNanoUsd: 100n });
      assert.equal(await spend(store, await payer(store, NOVEMBER, { endUser: 'half \ud83d' }), 60n), undefined);
      await store.ledger.flush();
      assert.equal(await spent(store, id, 'half \ud83d'), 60n);
    });
  });

  it('of a model refuse there, and not elsewhere', async () => {
    await withStore(async ({ store }) => {
      const id = await budget(store, { scope: 'model', subject: 'openai/gpt-5-mini', limitNanoUsd: 100n });
      const of = await payer(store, NOVEMBER);
      assert.equal(await spend(store, of, 100n), undefined);
      assert.equal(await spend(store, of, 1n), 'target-budget-exceeded');
      assert.equal(await spent(store, id), 100n);
    });
  });

  it('that are soft refuse nobody, and tell each threshold once', async () => {
    await withStore(async ({ store, place }) => {
      const id = await budget(store, { scope: 'all', limitNanoUsd: 100n, isHard: false });
      const of = await payer(store, NOVEMBER);
      for (const cost of [40n, 20n, 100n]) assert.equal(await spend(store, of, cost), undefined);
      assert.equal(await spent(store, id), 160n);
      const alerts = await look(place, 'select threshold from alerts order by threshold');
      assert.deepEqual(
        alerts.map((row) => Number(row['threshold'])),
        [50, 80, 100],
      );
    });
  });

  it('that are raised, lowered, switched off or removed are so at once', async () => {
    await withStore(async ({ store }) => {
      const id = await budget(store, { scope: 'all', limitNanoUsd: 100n });
      assert.equal(await spend(store, await payer(store, NOVEMBER), 100n), undefined);
      valueOf(await store.budgets.change(id, { limitNanoUsd: 150n }));
      assert.equal(await spend(store, await payer(store, NOVEMBER), 50n), undefined);
      assert.match((await spend(store, await payer(store, NOVEMBER), 1n)) ?? '', /^budget-exceeded/);
      valueOf(await store.budgets.change(id, { isDisabled: true }));
      assert.equal(await spend(store, await payer(store, NOVEMBER), 1n), undefined);
      valueOf(await store.budgets.change(id, { isDisabled: false, limitNanoUsd: 10n }));
      assert.match((await spend(store, await payer(store, NOVEMBER), 1n)) ?? '', /^budget-exceeded/);
      assert.equal(valueOf(await store.budgets.remove(id)), true);
      assert.equal(await spend(store, await payer(store, NOVEMBER), 1n), undefined);
    });
  });

  it('count what is charged where they are an owner’s, and what it cost where they are a provider’s', async () => {
    await withStore(async ({ store }) => {
      const owners = await budget(store, { scope: 'all', limitNanoUsd: 1000n });
      const providers = await budget(store, { scope: 'provider', subject: 'openai', limitNanoUsd: 1000n });
      const of: Payer = { ...(await payer(store, NOVEMBER)), chargeOf: (cost) => cost + cost / 2n };
      const hold = await holdOf(store, of, 150n);
      assert.ok(typeof hold !== 'string');
      const attempt = opening('marked up', { worstNanoUsd: 100n });
      assert.equal(await store.ledger.extend(hold, attempt), undefined);
      assert.equal(store.ledger.open(hold, attempt), undefined);
      store.ledger.settle(hold, receipt('marked up', { costNanoUsd: 80n, keyId: of.keyId }));
      store.ledger.release(hold);
      assert.deepEqual([await spent(store, owners), await spent(store, providers)], [120n, 80n]);
    });
  });

  for (const [why, wrong, param] of [
    ['of a time zone that nobody knows', { scope: 'all', limitNanoUsd: 1n, timeZone: 'Mars/Olympus' }, 'time_zone'],
    ['below nothing', { scope: 'all', limitNanoUsd: -1n }, 'limit_usd'],
    ['of nobody', { scope: 'team', limitNanoUsd: 1n }, 'subject'],
    [
      'of a team by its name, or of one that is not there',
      { scope: 'team', subject: 'Tools', limitNanoUsd: 1n },
      'subject',
    ],
    ['of a key that is not there', { scope: 'key', subject: 'key_0', limitNanoUsd: 1n }, 'subject'],
    ['of an organisation that is not there', { scope: 'org', subject: 'Acme', limitNanoUsd: 1n }, 'subject'],
    ['in an organisation that is not there', { scope: 'all', orgId: 'org_0', limitNanoUsd: 1n }, 'org'],
    ['of a model without its provider', { scope: 'model', subject: 'gpt-5', limitNanoUsd: 1n }, 'subject'],
    ['of a provider with a model', { scope: 'provider', subject: 'openai/gpt-5', limitNanoUsd: 1n }, 'subject'],
    ['with a threshold of nothing', { scope: 'all', limitNanoUsd: 1n, alerts: [0] }, 'alerts'],
  ] satisfies readonly (readonly [string, NewBudget, string])[])
    it(`are refused ${why}`, async () => {
      await withStore(async ({ store }) => {
        const made = await store.budgets.create(wrong);
        assert.ok(!made.ok);
        assert.equal(made.error.param, param);
      });
    });

  it('are for whoever is there, in the organisation that they name', async () => {
    await withStore(async ({ store }) => {
      const { id: north } = valueOf(await store.people.createOrg({ name: 'North' }, 'test'));
      const { id: team } = valueOf(await store.people.createTeam({ name: 'Tools', orgId: north }, 'test'));
      const { id: key } = valueOf(await store.keys.create({ name: 'k' })).row;
      const paramOf = async (of: Partial<NewBudget> & Pick<NewBudget, 'scope'>): Promise<string | undefined> => {
        const made = await store.budgets.create({ limitNanoUsd: 1n, ...of });
        return made.ok ? undefined : made.error.param;
      };
      assert.equal(await paramOf({ scope: 'team', subject: team }), undefined);
      assert.equal(await paramOf({ scope: 'team', subject: team, orgId: north }), undefined);
      assert.equal(await paramOf({ scope: 'team', subject: team, orgId: 'default' }), 'subject');
      assert.equal(await paramOf({ scope: 'key', subject: key, orgId: north }), 'subject');
      assert.equal(await paramOf({ scope: 'key', subject: key }), undefined);
      assert.equal(await paramOf({ scope: 'org', subject: north }), undefined);
      assert.equal(await paramOf({ scope: 'org', subject: north, orgId: 'default' }), 'subject');
      for (const scope of ['org', 'team', 'user', 'key', 'model', 'provider'] as const)
        assert.equal(await paramOf({ scope, subject: '*' }), undefined, scope);
    });
  });

  it('never go over, with several at once, from two processes and a thousand requests of random size', async () => {
    await inStore(async (place) => {
      const stores = await Promise.all([1, 2].map(async () => openStore({ ...place, now: () => NOVEMBER })));
      const [first, second] = stores;
      assert.ok(first !== undefined && second !== undefined);
      const wide = await budget(first, { scope: 'all', limitNanoUsd: 100_000n });
      const narrow = await budget(first, { scope: 'tag', subject: 'ci', limitNanoUsd: 40_000n });
      for (const store of stores) await payer(store, NOVEMBER);
      const outcomes = await Promise.all(
        Array.from({ length: 1000 }, async (_, at) => {
          const store = at % 2 === 0 ? first : second;
          const of = await payer(store, NOVEMBER, at % 3 === 0 ? { tags: ['ci'] } : {});
          return spend(store, of, BigInt(1 + ((at * 7919) % 997)));
        }),
      );
      await Promise.all(stores.map(async (store) => store.ledger.flush()));
      const [all = 0n, ci = 0n] = [await spent(first, wide), await spent(first, narrow)];
      assert.ok(all <= 100_000n && ci <= 40_000n, `${all} and ${ci}`);
      assert.ok(all > 90_000n, `${all} of 100000 could be spent`);
      assert.ok(outcomes.some((outcome) => outcome !== undefined));
      assert.deepEqual(valueOf(await first.verify()).problems, []);
      await Promise.all(stores.map(async (store) => store.close()));
    });
  });
});
