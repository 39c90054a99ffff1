import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { openStore } from '../store/store.ts';
import type { Fields } from '../telemetry/log.ts';
import { backupCommand } from './backup.ts';
import { migrateCommand, tellPending } from './migrate.ts';

type Command = typeof migrateCommand;

interface Said {
  readonly code: number;
  readonly text: string;
}

function folder(test: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-migrate-'));
  test.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function run(
  command: Command,
  words: readonly string[],
  dir: string,
  env: Record<string, string> = {},
): Promise<Said> {
  let text = '';
  const take = (more: string): void => {
    text += more;
  };
  const code = await command([...words, '--data', dir], {
    stdout: take,
    stderr: take,
    env,
    cwd: dir,
    isTerminal: false,
  });
  return { code, text };
}

/** As an older Turnout left it: without a step and all after it, in name only. */
function forgetFrom(dir: string, name: string): void {
  const database = new DatabaseSync(join(dir, 'turnout.db'));
  database.prepare('delete from kysely_migration where name >= ?').run(name);
  database.close();
}

describe('turnout migrate', () => {
  it('says that there is nothing yet, makes it, and then that it is up to date', async (test) => {
    const dir = folder(test);
    assert.match((await run(migrateCommand, ['--dry-run'], dir)).text, /no database yet/);
    assert.equal(existsSync(join(dir, 'turnout.db')), false, 'a dry run made something');
    assert.equal((await run(migrateCommand, [], dir)).code, 0);
    assert.match((await run(migrateCommand, [], dir)).text, /up to date/);
  });

  it('tells what a step goes through, and how to make a backup, before it is done', async (test) => {
    const dir = folder(test);
    await run(migrateCommand, [], dir);
    forgetFrom(dir, '0006-people-and-money');
    const { code, text } = await run(migrateCommand, ['--dry-run'], dir);
    assert.equal(code, 0);
    assert.match(text, /0006-people-and-money\n(.*\n)*.*receipts \(0 rows\).*\n(.*\n)*.*turnout backup FILE.*pg_dump/);
  });

  it('is told of by a start, where an older Turnout has left something', async (test) => {
    const dir = folder(test);
    const told: Fields[] = [];
    const tell = async (): Promise<void> =>
      tellPending({ dataDir: dir }, (_, __, fields = {}) => void told.push(fields));
    await tell();
    await run(migrateCommand, [], dir);
    await tell();
    assert.deepEqual(told, [], 'a new database, and one that is up to date');
    forgetFrom(dir, '0006-people-and-money');
    await tell();
    assert.deepEqual(
      told.map(({ steps, through }) => [String(steps).split(', ')[0], through]),
      [['0006-people-and-money', 'receipts: 0 rows, accounts: 0 rows, requests: 0 rows']],
    );
  });

  it('refuses a database of a newer Turnout, and one that is half there', async (test) => {
    const dir = folder(test);
    await run(migrateCommand, [], dir);
    const whole = new DatabaseSync(join(dir, 'turnout.db'));
    whole.exec("delete from kysely_migration where name = '0003-batches'");
    whole.close();
    const half = await run(migrateCommand, [], dir);
    assert.deepEqual([half.code, /not as any Turnout leaves them.*0003-batches/.test(half.text)], [1, true], half.text);
    const database = new DatabaseSync(join(dir, 'turnout.db'));
    database.exec("insert into kysely_migration values ('0003-batches', ''), ('0999-later', '')");
    database.close();
    const newer = await run(migrateCommand, ['--dry-run'], dir);
    assert.deepEqual([newer.code, /newer Turnout \(0999-later\)/.test(newer.text)], [1, true], newer.text);
  });
});

describe('turnout backup', () => {
  it('copies the database under a running gateway, for its owner only, over nothing', async (test) => {
    const dir = folder(test);
    const store = await openStore({ dataDir: dir, now: Date.now });
    const made = await store.keys.create({ name: 'kept' });
    assert.ok(made.ok);
    const { code, text } = await run(backupCommand, ['copy.db'], dir);
    assert.equal(code, 0, text);
    assert.match(text, /Keep with it.*secret/);
    await store.close();
    const copy = new DatabaseSync(join(dir, 'copy.db'), { readOnly: true });
    assert.deepEqual({ ...copy.prepare('select name from keys').get() }, { name: 'kept' });
    copy.close();
    if (process.platform !== 'win32') assert.equal(statSync(join(dir, 'copy.db')).mode & 0o777, 0o600);
    assert.match((await run(backupCommand, ['copy.db'], dir)).text, /is there already/);
    writeFileSync(join(dir, 'empty'), '');
    assert.equal((await run(backupCommand, ['empty'], dir)).code, 1);
  });

  it('says what copies PostgreSQL, without its password', async (test) => {
    const env = { TURNOUT_STORE: 'postgres://turnout:word@db.example:5433/books' };
    const { code, text } = await run(backupCommand, ['copy.dump'], folder(test), env);
    assert.equal(code, 1);
    assert.match(
      text,
      /pg_dump --format=custom --host=db\.example --port=5433 --username=turnout --file=copy\.dump books/,
    );
    assert.doesNotMatch(text, /word/);
  });
});
