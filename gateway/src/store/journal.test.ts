import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { openSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder, receipt } from '../../test/store-kit.ts';
import {
  dropSegments,
  journalsIn,
  openJournal,
  readJournal,
  segmentsOf,
  type JournalDisk,
  type JournalPosition,
} from './journal.ts';
import { lineOf, receiptText } from './journal-entry.ts';

const START: JournalPosition = { segment: 0, offset: 0 };

/** Ids of all receipts of a journal, read to its end. */
function idsOf(dataDir: string, processId: string, start: JournalPosition = START): readonly string[] {
  const ids: string[] = [];
  let from = start;
  for (;;) {
    const piece = readJournal({ dataDir, processId, from });
    ids.push(...piece.entries.map((entry) => entry.id));
    if (piece.isEnd) return ids;
    from = piece.to;
  }
}

/** A disk of so many bytes. */
function smallDisk(bytesMax: number): { readonly disk: JournalDisk; readonly grow: (bytes: number) => void } {
  let left = bytesMax;
  const disk: JournalDisk = {
    open: (path) => openSync(path, 'ax', 0o600),
    write: (fd, given) => {
      if (left === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      const written = writeSync(fd, Buffer.from(given).subarray(0, left));
      left -= written;
      return written;
    },
  };
  return {
    disk,
    grow: (bytes) => {
      left += bytes;
    },
  };
}

const text = (id: string): string => receiptText('settled', receipt(id));
const line = (id: string): string => lineOf(text(id));

describe('the journal', () => {
  it('is for its owner only', async () => {
    await inFolder((dir) => {
      openJournal(dir, 'p1').close();
      assert.equal(statSync(join(dir, 'journal-p1-1.log')).mode & 0o077, 0);
    });
  });

  it('is read from any place on, by anyone, while it is written', async () => {
    await inFolder((dir) => {
      const journal = openJournal(dir, 'p1');
      journal.append(text('a'));
      const first = readJournal({ dataDir: dir, processId: 'p1', from: { segment: 1, offset: 0 } });
      assert.deepEqual(first.to, { segment: 1, offset: journal.position().offset });
      journal.append(text('b'));
      assert.deepEqual(idsOf(dir, 'p1', first.to), ['b']);
      assert.deepEqual(idsOf(dir, 'p1'), ['a', 'b']);
      journal.close();
      assert.deepEqual(journalsIn(dir), ['p1']);
    });
  });

  it('is empty where there is none', async () => {
    await inFolder((dir) => assert.deepEqual(idsOf(dir, 'nobody'), []));
  });

  it('has no half line after the disk was full in the middle of one', async () => {
    await inFolder((dir) => {
      for (let room = 0; room < line('b').length; room += 7) {
        const { disk, grow } = smallDisk(line('a').length + room);
        const processId = `p${room}`;
        const journal = openJournal(dir, processId, disk);
        assert.ok(journal.append(text('a')));
        assert.ok(!journal.append(text('b')));
        assert.ok(!journal.append(text('b')));
        grow(10_000);
        assert.ok(journal.append(text('c')));
        assert.deepEqual(idsOf(dir, processId), ['a', 'c'], `room ${room}`);
        assert.doesNotMatch(readFileSync(join(dir, `journal-${processId}-1.log`), 'utf8'), /"b"/);
        journal.close();
      }
    });
  });

  it('begins a new segment when one is full, with the lines of what is still open', async () => {
    await inFolder((dir) => {
      const journal = openJournal(dir, 'p1');
      const long = receiptText('settled', receipt('long', { model: 'm'.repeat(100_000) }));
      journal.rotate(() => assert.fail('not full yet'), 0);
      for (let i = 0; i < 90; i++) journal.append(long);
      journal.rotate(() => [text('carried')], 0);
      assert.equal(journal.position().segment, 2);
      assert.equal(journal.position().written, 90 * lineOf(long).length + line('carried').length);
      journal.append(text('after'));
      journal.close();
      assert.deepEqual(idsOf(dir, 'p1').slice(88), ['long', 'long', 'carried', 'after']);
      dropSegments(dir, 'p1', 2);
      assert.deepEqual(idsOf(dir, 'p1'), ['carried', 'after']);
      assert.deepEqual(segmentsOf(dir, 'p1'), [2]);
      dropSegments(dir, 'p1', Infinity);
      assert.deepEqual(readdirSync(dir), []);
    });
  });

  it('begins a new segment after a day, whichever way its clock was set, where there is a line in the old one', async () => {
    await inFolder((dir) => {
      const day = 86_400_000;
      const journal = openJournal(dir, 'p1');
      const segmentAt = (nowMs: number): number => {
        journal.rotate(() => [], nowMs);
        return journal.position().segment;
      };
      assert.deepEqual([segmentAt(day), segmentAt(3 * day)], [1, 1], 'nothing stands in it');
      journal.append(text('a'));
      assert.deepEqual([segmentAt(4 * day - 1), segmentAt(4 * day)], [1, 2]);
      journal.append(text('b'));
      assert.deepEqual([segmentAt(0), segmentAt(9 * day)], [3, 3]);
      journal.close();
      assert.deepEqual(idsOf(dir, 'p1'), ['a', 'b']);
    });
  });

  it('goes on in the old segment where a new one cannot be begun', async () => {
    await inFolder((dir) => {
      const long = receiptText('settled', receipt('long', { model: 'm'.repeat(100_000) }));
      const { disk, grow } = smallDisk(90 * lineOf(long).length + 5);
      const journal = openJournal(dir, 'p1', disk);
      for (let i = 0; i < 90; i++) assert.ok(journal.append(long));
      journal.rotate(() => [text('carried')], 0);
      assert.equal(journal.position().segment, 1);
      grow(3 * lineOf(long).length);
      assert.ok(journal.append(text('next')));
      assert.deepEqual(idsOf(dir, 'p1').slice(89), ['long', 'next']);
      assert.deepEqual(readdirSync(dir), ['journal-p1-1.log'], 'the draft is gone');
      journal.close();
    });
  });

  it('misses nothing that was written between a look and a new segment', async () => {
    await inFolder((dir) => {
      // The reader has seen all of segment 1; then a line is added to it, and segment 2 is born.
      writeFileSync(join(dir, 'journal-p1-1.log'), line('a'));
      const { to } = readJournal({ dataDir: dir, processId: 'p1', from: { segment: 1, offset: 0 } });
      writeFileSync(join(dir, 'journal-p1-1.log'), line('b'), { flag: 'a' });
      writeFileSync(join(dir, 'journal-p1-2.log'), line('c'));
      assert.deepEqual(idsOf(dir, 'p1', to), ['b', 'c']);
    });
  });

  it('is not confused by other files, or by a line that never ends', async () => {
    await inFolder((dir) => {
      for (const name of ['journal-p1.log', 'journal--1.log', 'journal-p1-x.log', 'journal-P1-1.log', 'other.txt']) {
        writeFileSync(join(dir, name), line('no'));
      }
      assert.deepEqual(journalsIn(dir), []);
      writeFileSync(join(dir, 'journal-p2-1.log'), `${'x'.repeat(600_000)}\n${line('yes')}`);
      assert.deepEqual(idsOf(dir, 'p2'), ['yes']);
    });
  });
});
