import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { spoolIn, type Spool } from './spool.ts';

const HOUR_MS = 3_600_000;

describe('files on the disk', () => {
  let dir = '';
  let spool: Spool;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'turnout-spool-'));
    spool = spoolIn(join(dir, 'files'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const names = (): readonly string[] => readdirSync(join(dir, 'files')).toSorted();

  async function write(id: string, pieces: readonly Buffer[]): Promise<void> {
    const draft = await spool.draft(id);
    for (const piece of pieces) {
      await draft.write(piece);
      // Whoever gave it may use it again.
      piece.fill(0);
    }
    await draft.keep();
  }

  it('are there when they are whole, for their owner only', async () => {
    const draft = await spool.draft('file_a');
    await draft.write(Buffer.from('half'));
    await assert.rejects(spool.open('file_a'));
    assert.deepEqual(names(), ['file_a.part']);
    await draft.keep();
    assert.equal(draft.bytes, 4);
    assert.equal(statSync(join(dir, 'files', 'file_a')).mode & 0o077, 0);
    await spool.remove('file_a');
    await spool.remove('file_a');
    assert.deepEqual(names(), []);
  });

  it('hold what was written, in pieces of any size', async () => {
    const sizes = [1, 0, 70_000, 300_000, 5, 262_144, 9];
    const whole = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
    await write(
      'file_b',
      sizes.map((size, index) => Buffer.alloc(size, index + 1)),
    );
    const file = await spool.open('file_b');
    assert.ok((await file.readFile()).equals(whole));
    await file.close();
    await spool.remove('file_b');
  });

  it('go where nobody knows them, if they are old', async () => {
    for (const id of ['file_known', 'file_old', 'file_new']) await write(id, [Buffer.from(id)]);
    const cut = await spool.draft('file_cut');
    await cut.write(Buffer.from('x'));
    const nowMs = Date.now();
    for (const name of ['file_known', 'file_old', 'file_cut.part'])
      utimesSync(join(dir, 'files', name), new Date(), new Date(nowMs - 2 * HOUR_MS));
    const asked: string[] = [];
    await spool.sweep(nowMs, async (ids) => {
      asked.push(...ids);
      return ['file_known'];
    });
    assert.deepEqual(asked.toSorted(), ['file_cut.part', 'file_known', 'file_old']);
    assert.deepEqual(names(), ['file_known', 'file_new']);
    await cut.drop();
  });
});
