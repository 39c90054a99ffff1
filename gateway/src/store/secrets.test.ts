import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inFolder, valueOf } from '../../test/store-kit.ts';
import type { Books } from './books/form.ts';
import { openBooks } from './books/books.ts';
import { idMaker } from './id.ts';
import { keysOfEnvironment } from './master-key.ts';
import { SecretRing } from './secrets.ts';

const AT = 1_795_000_000_000;
const ORIGIN = 'https://api.openai.com';
const NEW = { provider: 'openai', origin: `${ORIGIN}/v1`, secret: 'sk-0123456789-0123456789' };

interface Bench {
  readonly dataDir: string;
  readonly books: Books;
  readonly ring: (masterKey?: string) => Promise<SecretRing>;
}

async function withSecrets(run: (bench: Bench) => Promise<void>): Promise<void> {
  await inFolder(async (dataDir) => {
    const books = await openBooks({ dataDir, busyMs: 1000 });
    let nowMs = AT;
    const now = (): number => nowMs++;
    const ring = async (masterKey?: string): Promise<SecretRing> => {
      const masterKeys = masterKey === undefined ? undefined : keysOfEnvironment(masterKey);
      const made = new SecretRing({
        books,
        dataDir,
        masterKeys,
        now,
        newId: idMaker(now),
        patienceMs: 500,
      });
      await made.refresh();
      return made;
    };
    await run({ dataDir, books, ring });
    await books.close();
  });
}

const textsOf = (ring: SecretRing): readonly (string | undefined)[] => ring.current().map(({ secret }) => secret);
const someKey = (): string => randomBytes(32).toString('base64');

describe('credentials in the store', () => {
  it('are known to every process, and show their origin and their end alone', async () => {
    await withSecrets(async ({ ring, books, dataDir }) => {
      const [one, other] = [await ring(), await ring()];
      let heard = 0;
      other.watch(() => (heard += 1));
      const row = valueOf(await one.save({ ...NEW, settings: { region: 'eu', tokensPerMinute: 5 } }, 'key_boss'));
      assert.deepEqual([row.origin, row.hint, row.name], [ORIGIN, '6789', 'default']);
      await other.refresh();
      await other.refresh();
      assert.equal(heard, 1);
      assert.deepEqual(textsOf(other), [NEW.secret]);
      assert.deepEqual(other.current()[0]?.settings, { region: 'eu', tokensPerMinute: 5 });
      const shown = JSON.stringify([other.list(), await books.audit({ limitMax: 10 })], (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      assert.ok(!shown.includes(NEW.secret) && !shown.includes('sealed'));
      for (const file of readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((of) => of.isFile()))
        assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(NEW.secret), file.name);
      assert.equal(statSync(join(dataDir, 'master-key')).mode & 0o777, 0o600);
    });
  });

  it('take the place of one of the same name, stay away while disabled, and are gone once removed', async () => {
    await withSecrets(async ({ ring, books }) => {
      const one = await ring();
      await one.save(NEW);
      const second = valueOf(await one.save({ ...NEW, secret: 'sk-second' }));
      assert.equal(second.hint, '');
      const named = valueOf(await one.save({ ...NEW, name: 'eu', secret: 'sk-third' }));
      assert.deepEqual(textsOf(one), ['sk-second', 'sk-third']);
      await one.disable(second.id, true);
      assert.deepEqual([textsOf(one), one.list().length], [['sk-third'], 2]);
      await one.disable(second.id, false);
      assert.equal(valueOf(await one.remove(named.id)), true);
      assert.equal(valueOf(await one.remove(named.id)), false);
      assert.equal(valueOf(await one.disable(named.id, true)), undefined);
      assert.deepEqual(textsOf(one), ['sk-second']);
      const actions = (await books.audit({ limitMax: 10 })).entries.map(({ action }) => action);
      assert.deepEqual(actions.toReversed(), [
        'secret.saved',
        'secret.saved',
        'secret.saved',
        'secret.changed',
        'secret.changed',
        'secret.removed',
      ]);
      assert.deepEqual((await books.verify()).problems, []);
    });
  });

  it('are refused by name where they cannot be', async () => {
    await withSecrets(async ({ ring, dataDir }) => {
      const one = await ring();
      for (const [more, param] of [
        [{ secret: '' }, 'secret'],
        [{ secret: 'two\nlines' }, 'secret'],
        [{ secret: ' around ' }, 'secret'],
        [{ secret: 'x'.repeat(16_385) }, 'secret'],
        [{ origin: 'api.openai.com' }, 'origin'],
        [{ origin: 'file:///etc/passwd' }, 'origin'],
        [{ name: 'a b' }, 'name'],
        [{ settings: { region: 'EU' } }, 'region'],
        [{ settings: { weight: -1 } }, 'weight'],
        [{ settings: { concurrent: 0.5 } }, 'limits'],
      ] as const) {
        const saved = await one.save({ ...NEW, ...more });
        assert.deepEqual(saved.ok ? undefined : saved.error.param, param);
      }
      assert.equal(existsSync(join(dataDir, 'master-key')), false);
    });
  });

  it('go on under a new key of the file, in processes that run and in those that start', async () => {
    await withSecrets(async ({ ring, dataDir, books }) => {
      const running = await ring();
      await running.save(NEW);
      await running.save({ ...NEW, name: 'b', secret: 'sk-second' });
      const before = readFileSync(join(dataDir, 'master-key'), 'utf8');
      const sealed = (await books.secretChanges(0n))?.secrets.map((row) => row.sealed);
      assert.equal(valueOf(await (await ring()).rotate()), 2);
      assert.notEqual(readFileSync(join(dataDir, 'master-key'), 'utf8'), before);
      assert.equal(existsSync(join(dataDir, 'master-key.next')), false);
      assert.notDeepEqual(
        (await books.secretChanges(0n))?.secrets.map((row) => row.sealed),
        sealed,
      );
      await running.refresh();
      for (const one of [running, await ring()]) assert.deepEqual(textsOf(one), [NEW.secret, 'sk-second']);
      await running.save({ ...NEW, name: 'c', secret: 'sk-third' });
      assert.deepEqual(textsOf(await ring()), [NEW.secret, 'sk-second', 'sk-third']);
    });
  });

  it('go on under a new key of the environment, while the one before it is named too', async () => {
    await withSecrets(async ({ ring }) => {
      const [old, next] = [someKey(), someKey()];
      const running = await ring(old);
      await running.save(NEW);
      assert.match((await ring(next)).current()[0]?.problem ?? '', /another master key/);
      assert.equal(valueOf(await (await ring(`${next},${old}`)).rotate()), 1);
      assert.deepEqual(textsOf(await ring(next)), [NEW.secret]);
      assert.match((await ring(old)).current()[0]?.problem ?? '', /another master key/);
      // What runs has opened it already, and what is in it has not changed.
      await running.save({ ...NEW, name: 'b', secret: 'sk-second' });
      assert.deepEqual(textsOf(running), [NEW.secret, 'sk-second']);
    });
  });

  it('move from the file into the environment', async () => {
    await withSecrets(async ({ ring }) => {
      await (await ring()).save(NEW);
      const key = someKey();
      const moving = await ring(key);
      assert.deepEqual(textsOf(moving), [NEW.secret]);
      await moving.rotate();
      assert.deepEqual(textsOf(await ring(key)), [NEW.secret]);
    });
  });

  it('are not sealed anew where one of them cannot be opened', async () => {
    await withSecrets(async ({ ring, dataDir, books }) => {
      await (await ring()).save(NEW);
      const before = (await books.secretChanges(0n))?.secrets;
      const key = someKey();
      writeFileSync(join(dataDir, 'master-key'), `${Buffer.from(key, 'base64').toString('hex')}\n`);
      const one = await ring();
      await assert.rejects(one.rotate(), /"default" of openai cannot be opened/);
      assert.deepEqual((await books.secretChanges(0n))?.secrets, before);
    });
  });

  it('can be opened whichever moment a rotation ended at, and the next one takes it up', async () => {
    await withSecrets(async ({ ring, dataDir, books }) => {
      await (await ring()).save(NEW);
      const cut = async (work: Partial<Books>): Promise<void> => {
        const ports = { dataDir, masterKeys: undefined, now: () => AT, newId: idMaker(() => AT), patienceMs: 500 };
        await assert.rejects(new SecretRing({ ...ports, books: { ...books, ...work } }).rotate(), /killed/);
        assert.equal(existsSync(join(dataDir, 'master-key.next')), true);
        assert.deepEqual(textsOf(await ring()), [NEW.secret]);
      };
      await cut({
        resealSecrets: async () => {
          throw new Error('killed');
        },
      });
      await cut({
        resealSecrets: async (...args) => {
          await books.resealSecrets(...args);
          throw new Error('killed');
        },
      });
      // Sealed with the key that is on its way out.
      await (await ring()).save({ ...NEW, name: 'b', secret: 'sk-second' });
      assert.equal(valueOf(await (await ring()).rotate()), 2);
      assert.equal(existsSync(join(dataDir, 'master-key.next')), false);
      assert.deepEqual(textsOf(await ring()), [NEW.secret, 'sk-second']);
    });
  });

  it('refuse a master key that is none', () => {
    for (const text of ['', 'x', someKey().slice(2), `${someKey()},`, `${someKey()} ${someKey()}`])
      assert.throws(() => keysOfEnvironment(text), /32 bytes in base64/);
    assert.equal(keysOfEnvironment(` ${someKey()} , ${someKey()} `).length, 2);
  });
});
