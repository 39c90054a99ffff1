import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../../test/store-kit.ts';
import { ensureDataDir, ensureSecret } from './secret.ts';

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
