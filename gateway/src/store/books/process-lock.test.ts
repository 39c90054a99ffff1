import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inFolder } from '../../../test/store-kit.ts';
import { isAlive, lockFiles, takeLock } from './process-lock.ts';

const HOLDER = `
  const { takeLock } = await import(process.argv[1]);
  takeLock(process.argv[2], 'child');
  process.stdout.write('locked');
  setInterval(() => undefined, 1000);
`;

/** Cleans up what it finds, as does whoever runs it. */
const CLEANER = `
  const { takeLock } = await import(process.argv[1]);
  process.stdout.write('cleans');
  for (let left = 4000; left > 0; left -= 1) takeLock(process.argv[2], 'd' + (Date.now() >> 2))?.release();
`;

function started(program: string, dir: string): ChildProcessByStdio<null, Readable, null> {
  const module = new URL('./process-lock.ts', import.meta.url).href;
  return spawn(process.execPath, ['--input-type=module', '-e', program, module, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('the lock of a process', () => {
  it('is held by one, and tells others that its owner lives', async () => {
    await inFolder((dir) => {
      const lock = takeLock(dir, 'p1');
      assert.ok(lock !== undefined);
      assert.equal(takeLock(dir, 'p1'), undefined);
      assert.ok(isAlive(dir, 'p1'));
      assert.ok(isAlive(dir, 'p1'), 'asking did not break it');
      assert.deepEqual(
        lockFiles(dir).map((file) => file.processId),
        ['p1'],
      );
      lock.release();
      lock.release();
      assert.ok(!isAlive(dir, 'p1'));
      assert.deepEqual(readdirSync(dir), []);
    });
  });

  it('may be taken over from one that dropped it', async () => {
    await inFolder((dir) => {
      takeLock(dir, 'p1')?.drop();
      assert.ok(!isAlive(dir, 'p1'));
      const mine = takeLock(dir, 'p1');
      assert.ok(mine !== undefined);
      mine.release();
    });
  });

  it('is let go of by the kernel when its owner is killed', async () => {
    await inFolder(async (dir) => {
      const child = started(HOLDER, dir);
      await once(child.stdout, 'data');
      assert.ok(isAlive(dir, 'child'));
      child.kill('SIGSTOP');
      assert.ok(isAlive(dir, 'child'), 'stopped is not dead');
      child.kill('SIGKILL');
      await once(child, 'exit');
      assert.ok(!isAlive(dir, 'child'));
    });
  });

  it('is held by one or by nobody where several clean up the same dead process at once', async () => {
    await inFolder(async (dir) => {
      const child = started(CLEANER, dir);
      const exited = once(child, 'exit');
      await once(child.stdout, 'data');
      while (child.exitCode === null) {
        for (let left = 100; left > 0; left -= 1) takeLock(dir, `d${Date.now() >> 2}`)?.release();
        await nextTurn();
      }
      assert.deepEqual(await exited, [0, null]);
    });
  });

  it('says that nobody lives where there is no lock', async () => {
    await inFolder((dir) => {
      assert.ok(!isAlive(dir, 'ghost'));
      assert.deepEqual(readdirSync(dir), [], 'asking makes no file');
    });
  });
});
