import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inFolder } from '../../test/store-kit.ts';
import { DATABASE } from '../store/books/books.ts';
import { auditCommand } from './audit.ts';
import type { CommandIo } from './io.ts';
import { keysCommand } from './keys.ts';

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

async function run(
  command: Command,
  words: readonly string[],
  dataDir: string,
): Promise<{ code: number; out: string }> {
  let out = '';
  const io: CommandIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      out += text;
    },
    env: { TURNOUT_DATA: dataDir },
    cwd: '/',
    isTerminal: false,
  };
  return { code: await command(words, io), out };
}

describe('turnout audit', () => {
  it('tells who changed what, and that all of it is as it was written', async () => {
    await inFolder(async (dir) => {
      await run(keysCommand, ['create', '--name', 'a'], dir);
      await run(keysCommand, ['create', '--name', 'b'], dir);
      const { out } = await run(auditCommand, ['list'], dir);
      assert.match(out, /cli +key\.created +key_\S+ +\{"name":"b"/);
      const proof = await run(auditCommand, ['verify'], dir);
      assert.equal(proof.code, 0);
      assert.match(proof.out, /2 entries: all are as they were written; the last hash is [\da-f]{64}/);
    });
  });

  it('tells of an entry that somebody changed', async () => {
    await inFolder(async (dir) => {
      await run(keysCommand, ['create', '--name', 'a'], dir);
      await run(keysCommand, ['create', '--name', 'b'], dir);
      const database = new DatabaseSync(join(dir, DATABASE));
      database.exec(`update audit set "by" = 'nobody' where seq = 1`);
      database.close();
      const { code, out } = await run(auditCommand, ['verify'], dir);
      assert.equal(code, 1);
      assert.match(out, /entry 1 is not what was written/);
    });
  });
});
