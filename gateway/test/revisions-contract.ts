/** What was seen must still be so when it is changed, whoever else changes it at the same moment. For every database behind the store. */
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import type { Books } from '../src/store/books/form.ts';
import type { PeopleDeed } from '../src/store/people-ports.ts';
import { DEFAULT_ORG_ID } from '../src/people/permissions.ts';
import type { MadePlace, StorePlace, TestStore } from './stores.ts';

const AT = 1_795_000_000_000;
const DEED = { atMs: AT, by: 'cli' };
const WRITERS = 8;

/** The revision that is there then; undefined: nothing was changed. */
type Change = (books: Books, deed: PeopleDeed) => Promise<bigint | undefined>;

/** Something with a tag. */
interface Kind {
  /** How its making is told of in the audit log. */
  readonly made: '.created' | '.saved';
  readonly make: (books: Books) => Promise<bigint>;
  readonly change: (books: Books, name: string, deed: PeopleDeed) => Promise<bigint | undefined>;
  readonly remove: Change;
}

/** Of a row that may be refused, or not be there. */
function revisionOf(
  written: { readonly row: { readonly revision: bigint } } | { readonly refused: string },
): bigint | undefined {
  return 'row' in written ? written.row.revision : undefined;
}

const ID = 'raced_1';

const KINDS: Readonly<Record<string, Kind>> = {
  key: {
    made: '.created',
    make: async (books) =>
      (await books.createKey({ id: ID, name: 'a', isRoot: false, createdAtMs: AT, tags: [], hash: 'h' })).revision,
    change: async (books, name, deed) => (await books.changeKey(ID, { name }, deed))?.revision,
    remove: async (books, deed) => (await books.removeKey(ID, deed))?.revision,
  },
  organisation: {
    made: '.created',
    make: async (books) => revisionOf(await books.createOrg(ID, { name: 'a' }, DEED)) ?? 0n,
    change: async (books, name, deed) => revisionOf(await books.changeOrg(ID, { name }, deed)),
    remove: async (books, deed) => revisionOf(await books.changeOrg(ID, { isRemoved: true }, deed)),
  },
  team: {
    made: '.created',
    make: async (books) => revisionOf(await books.createTeam(ID, { name: 'a', orgId: DEFAULT_ORG_ID }, DEED)) ?? 0n,
    change: async (books, name, deed) => revisionOf(await books.changeTeam(ID, { name }, deed)),
    remove: async (books, deed) => revisionOf(await books.changeTeam(ID, { isRemoved: true }, deed)),
  },
  user: {
    made: '.created',
    make: async (books) => {
      const user = { name: 'a', orgId: DEFAULT_ORG_ID, email: 'a@example.org', role: 'viewer' } as const;
      return revisionOf(await books.createUser(ID, user, DEED)) ?? 0n;
    },
    change: async (books, name, deed) => revisionOf(await books.changeUser(ID, { name }, deed)),
    remove: async (books, deed) => revisionOf(await books.changeUser(ID, { isRemoved: true }, deed)),
  },
  budget: {
    made: '.created',
    make: async (books) => {
      const span = { period: 'month', timeZone: 'UTC', alerts: [], createdAtMs: AT } as const;
      const wished = { ...span, id: ID, name: 'a', scope: 'all', subject: '', limitNanoUsd: 1n } as const;
      return (await books.createBudget({ ...wished, isHard: true, isDisabled: false }, DEED)).revision;
    },
    change: async (books, name, deed) => (await books.changeBudget(ID, { name }, deed))?.revision,
    remove: async (books, deed) => (await books.removeBudget(ID, deed))?.revision,
  },
  plan: {
    made: '.created',
    make: async (books) => (await books.createPlan({ id: ID, name: 'a', rules: [] }, DEED)).revision,
    change: async (books, name, deed) => revisionOf(await books.changePlan(ID, { name }, deed)),
    remove: async (books, deed) => revisionOf(await books.removePlan(ID, deed)),
  },
  secret: {
    made: '.saved',
    make: async (books) => {
      const where = { provider: 'openai', name: 'default', origin: 'https://api.openai.com' };
      const row = { ...where, id: ID, hint: '', sealed: 'x', settings: {}, createdAtMs: AT };
      return (await books.saveSecret(row, DEED)).revision;
    },
    change: async (books, name, deed) => (await books.disableSecret(ID, name !== '', deed))?.revision,
    remove: async (books, deed) => ((await books.removeSecret(ID, deed)) ? 0n : undefined),
  },
};

/** Registers the suite for one database. `open` is called once for each of two processes. */
export function revisionsContract(kind: TestStore, open: (place: StorePlace) => Promise<Books>): void {
  describe(`what two have seen: ${kind.name}`, { skip: kind.skip }, () => {
    let store: MadePlace;
    let processes: readonly Books[] = [];

    before(async () => {
      store = await kind.make();
      processes = [await open(store.place), await open(store.place)];
    });
    after(async () => {
      for (const books of processes) await books.close();
      await store.remove();
    });

    const booksOf = (at: number): Books => {
      const books = processes[at % processes.length];
      assert.ok(books !== undefined);
      return books;
    };
    const deedsOf = async (action: string): Promise<number> => {
      const { entries } = await booksOf(0).audit({ limitMax: 200, subject: ID });
      return entries.filter((entry) => entry.action.endsWith(action)).length;
    };

    for (const [name, of] of Object.entries(KINDS)) {
      it(`a ${name} is made once, also where the answer was lost and it is made again`, async () => {
        const before = await deedsOf(of.made);
        const made = await of.make(booksOf(0));
        assert.equal(await of.make(booksOf(1)), made);
        assert.equal((await deedsOf(of.made)) - before, 1);
      });

      it(`a ${name} is changed by one of them, and removed by whoever has seen the last change`, async () => {
        const seen = await of.make(booksOf(0));
        const changed = await deedsOf('.changed');
        const deed = { ...DEED, ifRevision: seen.toString() };
        const all = await Promise.all(
          Array.from({ length: WRITERS }, async (_, at) => of.change(booksOf(at), `writer ${at}`, deed)),
        );
        const [now, ...more] = all.filter((revision) => revision !== undefined);
        assert.ok(now !== undefined && now > seen, 'one of them has changed it');
        assert.deepEqual(more, []);
        assert.equal((await deedsOf('.changed')) - changed, 1, 'and nothing is told of the others');
        assert.equal(await of.remove(booksOf(1), deed), undefined, 'what was seen before is old');
        const last = await of.change(booksOf(1), 'by one who does not mind', DEED);
        assert.ok(last !== undefined && last > now);
        const removals = await Promise.all(
          Array.from({ length: WRITERS }, async (_, at) =>
            of.remove(booksOf(at), { ...DEED, ifRevision: last.toString() }),
          ),
        );
        assert.equal(removals.filter((revision) => revision !== undefined).length, 1);
        assert.equal(await of.change(booksOf(0), 'b', DEED), undefined, 'it is not there any more');
      });
    }
  });
}
