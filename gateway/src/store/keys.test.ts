import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { valueOf } from '../../test/store-kit.ts';
import { inStore } from '../../test/stores.ts';
import type { Books } from './books/form.ts';
import { openBooks } from './books/books.ts';
import { idMaker } from './id.ts';
import { KeyRing } from './keys.ts';
import type { KeyRow } from './ports.ts';
import { StoreError } from './books/sqlite.ts';
import { newToken } from './token.ts';

const AT = 1_795_000_000_000;
const ADMIN_KEY = 'the root key of this test, 32 or longer';
const GRACE_MS = 60_000;

interface Bench {
  readonly keys: KeyRing;
  /** Keys of another process over the same books. */
  readonly other: KeyRing;
  readonly changed: readonly KeyRow[];
  readonly passMs: (ms: number) => void;
  readonly setAway: (isAway: boolean) => void;
  /** How often the store was asked. */
  readonly asked: () => number;
}

async function withKeys(run: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    const real = await openBooks({ ...place, busyMs: 100 });
    const changed: KeyRow[] = [];
    let passedMs = 0;
    let isAway = false;
    let asked = 0;
    const books: Books = {
      ...real,
      keyChanges: async (revision) => {
        asked += 1;
        if (isAway) throw new StoreError('gone', 'away');
        return real.keyChanges(revision);
      },
    };
    const ring = (): KeyRing =>
      new KeyRing({
        books,
        secret: Buffer.alloc(32, 7),
        adminKey: ADMIN_KEY,
        now: () => AT + passedMs,
        monotonicMs: () => passedMs,
        graceMs: GRACE_MS,
        patienceMs: 100,
        newId: idMaker(() => AT),
        whyNot: () => undefined,
        roleOf: () => undefined,
        onChange: (key) => changed.push(key),
        spend: async () => ({ spentNanoUsd: 1n, heldNanoUsd: 2n }),
      });
    const bench = {
      keys: ring(),
      other: ring(),
      changed,
      asked: () => asked,
      passMs: (ms: number) => {
        passedMs += ms;
      },
      setAway: (away: boolean) => {
        isAway = away;
      },
    };
    await run(bench);
    await real.close();
  });
}

function codeOf(keys: KeyRing, token: string): string {
  const found = keys.find(token);
  return found.ok ? `key ${found.value.name}` : found.error.code;
}

describe('keys', () => {
  it('are found by their token, and tell nothing of it', async () => {
    await withKeys(async ({ keys }) => {
      const { row, token } = valueOf(
        await keys.create({ name: 'a', budgetNanoUsd: 5n, allowedModels: ['openai/*'], tags: ['x'] }),
      );
      for (let i = 0; i < 3; i++) assert.equal(codeOf(keys, token), 'key a');
      assert.deepEqual(keys.get(row.id), row);
      assert.deepEqual(Object.keys(row).toSorted(), [
        'allowedModels',
        'budgetNanoUsd',
        'createdAtMs',
        'id',
        'isDisabled',
        'isRoot',
        'name',
        'orgId',
        'tags',
      ]);
      const seen = JSON.stringify([keys.list(), keys.find(token), row], (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      assert.doesNotMatch(seen, /hash|tk_/);
    });
  });

  it('are not found by anything else, and the store is not asked', async () => {
    await withKeys(async ({ keys, asked }) => {
      await keys.create({ name: 'a' });
      for (const token of [
        '',
        'Bearer',
        "' OR 1=1--",
        '%',
        'tk_\0',
        newToken(),
        `${newToken()}x`,
        'x'.repeat(1_000_000),
        ADMIN_KEY.slice(1),
        `${ADMIN_KEY} `,
      ]) {
        assert.equal(codeOf(keys, token), 'key-unknown');
      }
      assert.equal(asked(), 0);
    });
  });

  it('with a wrong checksum cost next to nothing', async () => {
    await withKeys(async ({ keys }) => {
      const wrong = `${newToken().slice(0, -1)}!`;
      const startedMs = performance.now();
      for (let i = 0; i < 10_000; i++) keys.find(wrong);
      assert.ok(performance.now() - startedMs < 500, '10,000 of them take far less than a second');
    });
  });

  it('include the root key of the environment, which has no row', async () => {
    await withKeys(async ({ keys }) => {
      const root = valueOf(keys.find(ADMIN_KEY));
      assert.deepEqual([root.isRoot, root.budgetNanoUsd], [true, undefined]);
      assert.deepEqual(keys.list(), []);
    });
  });

  it('are refused where the root key could be guessed', async () => {
    await withKeys(async () => {
      const make = () =>
        new KeyRing({
          books: Object.create(null),
          secret: Buffer.alloc(32),
          adminKey: 'short',
          now: Date.now,
          monotonicMs: () => 0,
          graceMs: 1,
          patienceMs: 1,
          newId: () => 'x',
          whyNot: () => undefined,
          roleOf: () => undefined,
          onChange: () => undefined,
          spend: async () => ({ spentNanoUsd: 0n, heldNanoUsd: 0n }),
        });
      assert.throws(make, /32 characters or more/);
    });
  });

  it('that are disabled, expired or removed open nothing, here at once and elsewhere after a look', async () => {
    await withKeys(async ({ keys, other, passMs }) => {
      const { row, token } = valueOf(await keys.create({ name: 'a' }));
      assert.equal(codeOf(other, token), 'key-unknown');
      await other.refresh();
      assert.equal(codeOf(other, token), 'key a');
      await keys.change(row.id, { isDisabled: true });
      assert.deepEqual([codeOf(keys, token), codeOf(other, token)], ['key-disabled', 'key a']);
      await other.refresh();
      assert.equal(codeOf(other, token), 'key-disabled');
      await other.change(row.id, { isDisabled: false, expiresAtMs: AT + 1000 });
      await keys.refresh();
      assert.deepEqual([codeOf(keys, token), codeOf(other, token)], ['key a', 'key a']);
      passMs(1000);
      assert.deepEqual([codeOf(keys, token), codeOf(other, token)], ['key-expired', 'key-expired']);
      await keys.change(row.id, { expiresAtMs: null });
      assert.equal(codeOf(keys, token), 'key a');
      assert.equal(valueOf(await keys.remove(row.id)), true);
      await other.refresh();
      assert.deepEqual([codeOf(keys, token), codeOf(other, token)], ['key-unknown', 'key-unknown']);
      assert.equal(keys.get(row.id), undefined);
      assert.equal(valueOf(await keys.remove(row.id)), false);
      assert.equal(valueOf(await keys.change(row.id, { name: 'b' })), undefined);
    });
  });

  it('that another process made a moment ago are found after one question for all who ask, and forgeries after none', async () => {
    await withKeys(async ({ keys, other, asked, setAway }) => {
      const made = valueOf(await keys.create({ name: 'new' }));
      const before = asked();
      const found = await Promise.all(
        Array.from({ length: 500 }, async (_, at) => other.findAnew(at === 0 ? made.token : newToken())),
      );
      assert.equal(asked() - before, 1);
      assert.deepEqual(
        found.map((one) => (one?.ok === true ? one.value.name : one?.error.code)),
        ['new', ...Array<string>(499).fill('key-unknown')],
      );
      assert.equal(other.findAnew(`${made.token.slice(0, -1)}-`), undefined);
      assert.equal(asked() - before, 1);
      setAway(true);
      const unknown = await other.findAnew(newToken());
      assert.ok(unknown?.ok === false && unknown.error.code === 'store-unavailable');
    });
  });

  it('have their money called back when their budget changes, in every process', async () => {
    await withKeys(async ({ keys, other, changed }) => {
      const { row } = valueOf(await keys.create({ name: 'a', budgetNanoUsd: 100n }));
      await other.refresh();
      assert.equal(changed.length, 0);
      await keys.change(row.id, { name: 'b' });
      await other.refresh();
      assert.equal(changed.length, 0, 'a new name moves no money');
      await keys.change(row.id, { budgetNanoUsd: 50n });
      await other.refresh();
      assert.deepEqual(
        changed.map((key) => key.budgetNanoUsd),
        [50n, 50n],
      );
    });
  });

  it('go on while the store is away, for the time of grace; unknown ones are our trouble then', async () => {
    await withKeys(async ({ keys, passMs, setAway }) => {
      const { token } = valueOf(await keys.create({ name: 'a' }));
      const stranger = newToken();
      setAway(true);
      await assert.rejects(keys.refresh());
      assert.deepEqual([codeOf(keys, token), codeOf(keys, stranger)], ['key a', 'key-unknown']);
      passMs(GRACE_MS - 1);
      assert.deepEqual(
        [codeOf(keys, token), codeOf(keys, stranger), codeOf(keys, 'tk_x')],
        ['key a', 'store-unavailable', 'key-unknown'],
      );
      passMs(2);
      assert.equal(codeOf(keys, token), 'store-unavailable');
      assert.equal(codeOf(keys, ADMIN_KEY), 'key root', 'the root key of the environment needs no store');
      setAway(false);
      await keys.refresh();
      assert.deepEqual([codeOf(keys, token), codeOf(keys, stranger)], ['key a', 'key-unknown']);
    });
  });

  it('are refused with the field that is wrong', async () => {
    await withKeys(async ({ keys }) => {
      const cases = [
        [{ name: ' ' }, 'name'],
        [{ name: 'x'.repeat(201) }, 'name'],
        [{ name: 'a', budgetNanoUsd: -1n }, 'budget_usd'],
        [{ name: 'a', budgetNanoUsd: 10n ** 18n }, 'budget_usd'],
        [{ name: 'a', allowedModels: Array.from({ length: 1001 }, () => 'm') }, 'models'],
        [{ name: 'a', tags: Array.from({ length: 1001 }, () => 't') }, 'tags'],
      ] as const;
      for (const [key, param] of cases) {
        const made = await keys.create(key);
        assert.ok(!made.ok);
        assert.deepEqual([made.error.code, made.error.param], ['field-invalid', param]);
      }
      assert.deepEqual(keys.list(), []);
    });
  });

  it('tell what they have spent, where they are known', async () => {
    await withKeys(async ({ keys }) => {
      const { row } = valueOf(await keys.create({ name: 'a' }));
      assert.deepEqual(valueOf(await keys.spend(row.id)), { spentNanoUsd: 1n, heldNanoUsd: 2n });
      assert.deepEqual(valueOf(await keys.spend('root')), { spentNanoUsd: 1n, heldNanoUsd: 2n });
      assert.equal(valueOf(await keys.spend('nobody')), undefined);
    });
  });

  it('take the token before a rotation for as long as was said, and no other', async () => {
    await withKeys(async ({ keys, other, passMs }) => {
      const { row, token } = valueOf(await keys.create({ name: 'a' }));
      // Part of a millisecond is one: PostgreSQL has no place for it.
      const next = valueOf(await keys.rotate(row.id, 999.5, 'key_boss'));
      assert.equal(next?.row.oldUntilMs, AT + 1000);
      assert.ok(next !== undefined && next.token !== token);
      await other.refresh();
      for (const ring of [keys, other])
        assert.deepEqual([codeOf(ring, token), codeOf(ring, next.token)], ['key a', 'key a']);
      passMs(1000);
      for (const ring of [keys, other])
        assert.deepEqual([codeOf(ring, token), codeOf(ring, next.token)], ['key-expired', 'key a']);
      const last = valueOf(await keys.rotate(row.id, 0));
      assert.equal(codeOf(keys, next.token), 'key-expired');
      assert.equal(codeOf(keys, token), 'key-unknown');
      assert.equal(codeOf(keys, last?.token ?? ''), 'key a');
      assert.equal(valueOf(await keys.rotate('nobody', 0)), undefined);
      for (const overlap of [-1, Number.NaN, Infinity, 93 * 86_400_000])
        assert.equal((await keys.rotate(row.id, overlap)).ok, false);
      await keys.remove(row.id);
      assert.equal(codeOf(keys, last?.token ?? ''), 'key-unknown');
    });
  });

  it('are taken from their addresses only, by either token, and from nowhere where the address is not known', async () => {
    await withKeys(async ({ keys }) => {
      const { row, token } = valueOf(await keys.create({ name: 'a', addresses: ['10.1.0.0/16', '2001:db8::/32'] }));
      const rotated = valueOf(await keys.rotate(row.id, 1000))?.token ?? '';
      const at = (text: string, address?: string): string => {
        const found = keys.find(text, address);
        return found.ok ? 'ok' : found.error.code;
      };
      for (const text of [token, rotated]) {
        for (const address of ['10.1.255.1', '::ffff:10.1.0.9', '2001:db8:1::1']) assert.equal(at(text, address), 'ok');
        for (const address of ['10.2.0.1', '127.0.0.1', '::1', 'unknown', undefined])
          assert.equal(at(text, address), 'address-refused');
      }
      const refused = keys.find(token, '10.2.0.1');
      assert.match(refused.ok ? '' : refused.error.message, /10\.2\.0\.1/);
      await keys.change(row.id, { addresses: null });
      assert.equal(at(token), 'ok');
      assert.equal(keys.standing(row.id).ok, true);
    });
  });

  it('keep their settings apart: what is not named in a change stays', async () => {
    await withKeys(async ({ keys, other }) => {
      const { row } = valueOf(
        await keys.create({ name: 'a', scopes: ['read'], allowedRoutes: ['fast'], limits: { rpm: 3 } }),
      );
      await keys.change(row.id, { allowedProviders: ['openai'], allowedRoutes: null });
      await keys.change(row.id, { name: 'b' });
      await other.refresh();
      const { scopes, allowedRoutes, allowedProviders, limits, orgId } = other.get(row.id) ?? {};
      assert.deepEqual(
        { scopes, allowedRoutes, allowedProviders, limits, orgId },
        {
          scopes: ['read'],
          allowedRoutes: undefined,
          allowedProviders: ['openai'],
          limits: { rpm: 3 },
          orgId: 'default',
        },
      );
    });
  });

  it('belong to owners that there are', async () => {
    await withKeys(async ({ keys }) => {
      for (const [owner, param] of [
        [{ orgId: 'org_none' }, 'org'],
        [{ teamId: 'team_none' }, 'team'],
        [{ userId: 'user_none' }, 'user'],
      ] as const) {
        const made = await keys.create({ name: 'a', ...owner });
        assert.deepEqual(made.ok ? undefined : [made.error.code, made.error.param], ['field-invalid', param]);
      }
      const { row } = valueOf(await keys.create({ name: 'a', orgId: 'default' }));
      assert.equal((await keys.change(row.id, { teamId: 'team_none' })).ok, false);
      assert.equal((await keys.change(row.id, { teamId: null })).ok, true);
    });
  });

  it('know when they were last used, written once a minute, and again after trouble', async () => {
    await withKeys(async ({ keys, other, passMs }) => {
      const { row, token } = valueOf(await keys.create({ name: 'a' }));
      const usedAt = async (ring: KeyRing): Promise<number | undefined> => valueOf(await ring.uses()).get(row.id);
      assert.equal(await usedAt(keys), undefined);
      codeOf(keys, token);
      assert.equal(await usedAt(other), undefined);
      await keys.noteUses();
      assert.equal(await usedAt(other), AT);
      passMs(59_000);
      codeOf(keys, token);
      await keys.noteUses();
      assert.equal(await usedAt(other), AT);
      passMs(1000);
      codeOf(keys, token);
      await keys.noteUses();
      assert.equal(await usedAt(other), AT + 60_000);
    });
  });
});
