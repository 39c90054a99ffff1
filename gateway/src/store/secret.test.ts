import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../../test/store-kit.ts';
import { ensureDataDir, ensureSecret } from './secret.ts';

const MAKING = `
  const { ensureDataDir } = await import(process.argv[1]);
  ensureDataDir('/proc/turnout-data');
`;

describe('the data folder', () => {
  it('is made with those above it, for its owner only, once', async () => {
    await inFolder((dir) => {
      const data = join(dir, 'a', 'b', 'data');
      for (const _ of [1, 2]) ensureDataDir(data);
      for (const path of [join(dir, 'a'), join(dir, 'a', 'b'), data]) assert.equal(statSync(path).mode & 0o777, 0o700);
      const link = join(dir, 'link');
      symlinkSync(data, link);
      ensureDataDir(link);
    });
  });

  it('is refused where a file stands in its place, or nothing can be made', { timeout: 10_000 }, async () => {
    await inFolder((dir) => {
      writeFileSync(join(dir, 'file'), '');
      assert.throws(() => ensureDataDir(join(dir, 'file')), /EEXIST/);
      assert.throws(() => ensureDataDir(join(dir, 'file', 'data')), /ENOTDIR|EEXIST/);
      // Where Node's own loop does not end, nothing in its process can end it.
      const asked = [...process.execArgv, '-e', MAKING, new URL('./secret.ts', import.meta.url).href];
      const { status, stderr } = spawnSync(process.execPath, asked, { encoding: 'utf8', timeout: 5000 });
      assert.equal(status, 1);
      assert.match(stderr, /ENOENT|ENOTDIR|EACCES|EROFS|EPERM/);
    });
  });
});

describe('the secret of the server', () => {
  it('is made once, for its owner only', async () => {
    await inFolder((dir) => {
      const data = join(dir, 'a', 'data');
      ensureDataDir(data);
      assert.equal(statSync(data).mode & 0o077, 0);
      const secret = ensureSecret(data);
      assert.equal(secret.length, 32);
      assert.deepEqual(ensureSecret(data), secret);
      assert.equal(statSync(join(data, 'secret')).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(data), ['secret']);
    });
  });

  it('is never replaced where its file is damaged', async () => {
    await inFolder((dir) => {
      writeFileSync(join(dir, 'secret'), 'oops');
      assert.throws(() => ensureSecret(dir), /does not hold a secret/);
      assert.equal(readFileSync(join(dir, 'secret'), 'utf8'), 'oops');
    });
  });
});
