import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readConfigFile, watchConfigFile } from './config-file.ts';
import type { ConfigWatch, WatchOptions } from './config-file.ts';

/** A change that was not seen after this long is a failure. */
const PATIENCE_MS = 5000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Watched {
  readonly watch: ConfigWatch;
  readonly count: () => number;
  /** Waits for the next change that was not waited for yet. */
  readonly next: () => Promise<void>;
}

function watched(path: string, options: WatchOptions = {}): Watched {
  let seen = 0;
  let taken = 0;
  let wake: (() => void) | undefined;
  const watch = watchConfigFile(
    path,
    () => {
      seen += 1;
      wake?.();
    },
    options,
  );
  return {
    watch,
    count: () => seen,
    async next() {
      taken += 1;
      if (seen >= taken) return;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`change ${taken} was not seen`)), PATIENCE_MS);
        wake = () => {
          if (seen < taken) return;
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}

/** Long enough for a change that must not be reported to be reported wrongly. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('watchConfigFile', () => {
  const ways: readonly { name: string; options: WatchOptions }[] = [
    { name: 'events', options: { settleMs: 30 } },
    { name: 'looking alone', options: { settleMs: 30, pollMs: 50, usesEvents: false } },
  ];
  for (const { name, options } of ways) {
    it(`sees writes in place, replacement by rename, deletion and return, once each (${name})`, async () => {
      const path = join(folder, 'turnout.yaml');
      writeFileSync(path, 'attempts: 1\n');
      const { watch, next, count } = watched(path, options);
      writeFileSync(path, 'attempts: 2\n');
      await next();
      writeFileSync(join(folder, '.turnout.yaml.swp'), 'attempts: 3\n');
      renameSync(join(folder, '.turnout.yaml.swp'), path);
      await next();
      unlinkSync(path);
      await next();
      writeFileSync(path, 'attempts: 4\n');
      await next();
      await pause(150);
      assert.equal(count(), 4);
      watch.close();
    });
  }

  it('sees a link that is turned to another folder, as Kubernetes does', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'turnout.yaml'), `data: ${version}\n`);
    }
    symlinkSync('v1', join(folder, '..data'));
    const path = join(folder, 'turnout.yaml');
    symlinkSync(join('..data', 'turnout.yaml'), path);
    const { watch, next } = watched(path, { settleMs: 30 });
    symlinkSync('v2', join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    await next();
    watch.close();
  });

  it('makes one change of many small writes', async () => {
    const path = join(folder, 'turnout.yaml');
    writeFileSync(path, '');
    const { watch, next, count } = watched(path, { settleMs: 400 });
    for (let part = 0; part < 10; part++) {
      writeFileSync(path, 'x'.repeat(part + 1));
      await pause(10);
    }
    await next();
    await pause(900);
    assert.equal(count(), 1);
    watch.close();
  });

  it('stays quiet while other files of the folder change, and after close', async () => {
    const path = join(folder, 'turnout.yaml');
    writeFileSync(path, 'attempts: 1\n');
    const { watch, count } = watched(path, { settleMs: 20, pollMs: 30 });
    for (let index = 0; index < 5; index++) {
      writeFileSync(join(folder, `other-${index}`), 'x');
      await pause(20);
    }
    assert.equal(count(), 0);
    watch.close();
    writeFileSync(path, 'attempts: 2\n');
    await pause(150);
    assert.equal(count(), 0);
  });

  it('waits for a file, and for a folder, that are not there yet', async () => {
    const path = join(folder, 'later', 'turnout.yaml');
    const { watch, next } = watched(path, { settleMs: 20, pollMs: 30 });
    mkdirSync(join(folder, 'later'));
    writeFileSync(path, 'attempts: 1\n');
    await next();
    watch.close();
  });
});

describe('readConfigFile', () => {
  const cases: readonly { name: string; bytes: Uint8Array; message: RegExp; line: number }[] = [
    {
      name: 'bytes that are not UTF-8',
      bytes: Buffer.from('a: 1\nb: \xff\n', 'latin1'),
      message: /not valid UTF-8/,
      line: 2,
    },
    {
      name: 'fifty megabytes',
      bytes: Buffer.alloc(50 * 1024 * 1024, 0x23),
      message: /larger than 1048576 bytes/,
      line: 1,
    },
  ];
  for (const { name, bytes, message, line } of cases) {
    it(`refuses ${name} with its line`, async () => {
      const path = join(folder, 'turnout.yaml');
      writeFileSync(path, bytes);
      const { result } = await readConfigFile(path, { file: 'turnout.yaml', env: {} });
      assert.ok(!result.ok);
      assert.match(result.error[0]?.message ?? '', message);
      assert.equal(result.error[0]?.line, line);
    });
  }

  it('says how to make a file that is missing, and why a folder cannot be read', async () => {
    const missing = await readConfigFile(join(folder, 'none.yaml'), { file: 'none.yaml', env: {} });
    assert.ok(!missing.result.ok);
    assert.match(missing.result.error[0]?.message ?? '', /turnout init/);
    const directory = await readConfigFile(folder, { file: 'x', env: {} });
    assert.ok(!directory.result.ok);
    assert.match(directory.result.error[0]?.message ?? '', /cannot be read: EISDIR/);
  });

  it('takes a replacement character that stands in the file itself', async () => {
    const path = join(folder, 'turnout.yaml');
    writeFileSync(path, 'routes: {r: {description: "\ufffd", targets: [openai/x]}}\n');
    const { result } = await readConfigFile(path, { file: 'turnout.yaml', env: {} });
    assert.ok(result.ok);
  });
});
