/**
 * The local journal of a process: every attempt leaves a line here before its first byte goes out and before its reply's
 * last byte comes back. Append only, one write(2) a line, so that what was written survives `kill -9`; synced to the disk
 * on a timer, so that a power cut loses at most that time. It is cut into segments, which go once the store has them.
 */
import {
  close,
  closeSync,
  fdatasync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { lineOf, readEntries, type ReadEntries } from './journal-entry.ts';
import { hasCode } from './secret.ts';

/** A segment that has grown to this is closed and the next begun: some 15,000 attempts, read again in a moment after a crash. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/**
 * So is one that has stood for so long. What the store has taken in is read again after a crash, and at the end; receipts may be
 * gone from it after 31 days, and would be booked a second time.
 */
const SEGMENT_MS = 24 * 3_600_000;
/** After a segment could not be begun (disk full, folder away), as many bytes more before the next try. */
const RETRY_BYTES = 1024 * 1024;
/** Read at once; longer than any line. */
const READ_BYTES = 256 * 1024;
const NAME = /^journal-([a-z0-9]+)-(\d{1,9})\.log$/;

/** The calls that fail when a disk is full; others in tests. */
export interface JournalDisk {
  /** Gives the bytes written, which may be fewer. */
  readonly write: (fd: number, text: string) => number;
  readonly open: (path: string) => number;
}

const realDisk: JournalDisk = {
  write: (fd, text) => writeSync(fd, text),
  open: (path) => openSync(path, 'ax', 0o600),
};

/** A place in a journal: a segment, and a byte of it. */
export interface JournalPosition {
  readonly segment: number;
  readonly offset: number;
}

export interface Journal {
  /** Writes one entry as a line, whole or not at all: then false, and what stood before still stands. */
  append(text: string): boolean;
  /** Writes an empty line, which is read as nothing: shows whether the disk takes bytes. */
  probe(): boolean;
  /** Where the next line will stand, and how many bytes all segments ever had. */
  position(): JournalPosition & { readonly written: number };
  /**
   * Begins a new segment where the present one is full, or old. `carried`: entries of attempts still open, with which it begins.
   * `nowMs`: milliseconds since 1970.
   */
  rotate(carried: () => readonly string[], nowMs: number): void;
  /** Brings what was written to the disk, without waiting. An error shows in a later `append`. */
  sync(): void;
  close(): void;
}

/** Opens the journal of a process that has just been born. Throws what the file system throws. */
export function openJournal(dataDir: string, processId: string, disk: JournalDisk = realDisk): Journal {
  return new JournalFile({ dataDir, processId, disk });
}

interface JournalHome {
  readonly dataDir: string;
  readonly processId: string;
  readonly disk: JournalDisk;
}

class JournalFile implements Journal {
  readonly #home: JournalHome;
  readonly #folder: number;
  #fd: number;
  #segment = 1;
  #offset = 0;
  /** Bytes of the segments before this one. */
  #before = 0;
  #rotateAt = SEGMENT_BYTES;
  /** When the segment was first looked at, or its end last tried. */
  #sinceMs: number | undefined;
  #isTorn = false;
  #isSyncing = false;
  #syncedTo = 0;

  constructor(home: JournalHome) {
    this.#home = home;
    this.#folder = openSync(home.dataDir, 'r');
    this.#fd = home.disk.open(segmentPath(home.dataDir, home.processId, this.#segment));
    fsyncSync(this.#folder);
  }

  append(text: string): boolean {
    // A line of its own after half of one.
    if (this.#isTorn && !this.probe()) return false;
    return this.#write(lineOf(text));
  }

  probe(): boolean {
    return this.#write('\n');
  }

  position(): JournalPosition & { readonly written: number } {
    return { segment: this.#segment, offset: this.#offset, written: this.#before + this.#offset };
  }

  rotate(carried: () => readonly string[], nowMs: number): void {
    this.#sinceMs ??= nowMs;
    // Whichever way the clock was set.
    const isOld = Math.abs(nowMs - this.#sinceMs) >= SEGMENT_MS;
    if (this.#offset < this.#rotateAt && !isOld) return;
    this.#sinceMs = nowMs;
    if (this.#offset === 0) return;
    this.#rotateAt = this.#offset + RETRY_BYTES;
    try {
      this.#begin(carried().map(lineOf).join(''));
    } catch {
      // The present segment goes on, and the next try is some bytes away.
    }
  }

  sync(): void {
    if (this.#isSyncing || this.#syncedTo === this.#offset) return;
    const fd = this.#fd;
    const upTo = this.#offset;
    this.#isSyncing = true;
    fdatasync(fd, (error) => {
      this.#isSyncing = false;
      if (error === null && fd === this.#fd) this.#syncedTo = upTo;
    });
  }

  close(): void {
    closeSync(this.#fd);
    closeSync(this.#folder);
  }

  #write(line: string): boolean {
    const written = tryWrite(this.#home.disk, this.#fd, line);
    this.#offset += written;
    if (written === Buffer.byteLength(line)) {
      this.#isTorn = false;
      return true;
    }
    // Half a line may stand there now. Cut it off; where even that fails, the next line starts on a line of its own.
    if (written > 0 && tryTruncate(this.#fd, this.#offset - written)) this.#offset -= written;
    else if (written > 0) this.#isTorn = true;
    return false;
  }

  #begin(carried: string): void {
    const bytes = Buffer.byteLength(carried);
    const { dataDir, processId, disk } = this.#home;
    // Written under another name first: a reader that has seen a segment never goes back to the one before it.
    const draft = draftPath(dataDir, processId);
    const next = disk.open(draft);
    if (tryWrite(disk, next, carried) < bytes) {
      closeSync(next);
      rmSync(draft, { force: true });
      return;
    }
    renameSync(draft, segmentPath(dataDir, processId, this.#segment + 1));
    const last = this.#fd;
    fdatasync(last, () => close(last, () => undefined));
    fsync(this.#folder, () => undefined);
    this.#fd = next;
    this.#segment += 1;
    this.#before += this.#offset;
    this.#offset = bytes;
    this.#syncedTo = 0;
    this.#rotateAt = SEGMENT_BYTES + this.#offset;
    this.#isTorn = false;
  }
}

function tryWrite(disk: JournalDisk, fd: number, text: string): number {
  try {
    return text === '' ? 0 : disk.write(fd, text);
  } catch {
    return 0;
  }
}

function tryTruncate(fd: number, length: number): boolean {
  try {
    ftruncateSync(fd, length);
    return true;
  } catch {
    return false;
  }
}

export interface JournalPiece extends ReadEntries {
  readonly to: JournalPosition;
  /** Nothing more stands there now. */
  readonly isEnd: boolean;
}

export interface JournalPlace {
  readonly dataDir: string;
  readonly processId: string;
  readonly from: JournalPosition;
}

/** Reads a piece of the journal of any process, alive or dead, from a place on. */
export function readJournal(place: JournalPlace, which: 'all' | 'settled' = 'all'): JournalPiece {
  const { dataDir, processId, from } = place;
  const first = readSegment(place, which);
  if (first.to.offset > from.offset) return first;
  const next = segmentsOf(dataDir, processId).find((segment) => segment > from.segment);
  if (next === undefined) return { ...first, isEnd: true };
  // A last line may have come between the look at this segment and the birth of the next. None comes after it.
  const last = readSegment(place, which);
  return last.to.offset > from.offset ? last : { ...last, to: { segment: next, offset: 0 } };
}

function readSegment({ dataDir, processId, from }: JournalPlace, which: 'all' | 'settled'): JournalPiece {
  const bytes = readPiece(segmentPath(dataDir, processId, from.segment), from.offset);
  const piece = readEntries(bytes, which);
  // A line longer than what is read at once is none of ours: step over it rather than stand before it for ever.
  const isStuck = piece.readBytes === 0 && bytes.length === READ_BYTES;
  const offset = from.offset + (isStuck ? bytes.length : piece.readBytes);
  return { ...piece, to: { segment: from.segment, offset }, isEnd: false };
}

function readPiece(path: string, offset: number): Buffer {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    // Gone: its entries were in the store before that.
    if (hasCode(error, 'ENOENT')) return Buffer.alloc(0);
    throw error;
  }
  try {
    const bytes = Buffer.allocUnsafe(READ_BYTES);
    return bytes.subarray(0, readSync(fd, bytes, 0, READ_BYTES, offset));
  } finally {
    closeSync(fd);
  }
}

/** Ids of all processes that have left a journal in this folder. */
export function journalsIn(dataDir: string): readonly string[] {
  return [...new Set(readdirSync(dataDir).flatMap((name) => NAME.exec(name)?.[1] ?? []))].toSorted();
}

/** Numbers of the segments of a journal, first to last. */
export function segmentsOf(dataDir: string, processId: string): readonly number[] {
  const numbers = readdirSync(dataDir).flatMap((name) => {
    const match = NAME.exec(name);
    return match?.[1] === processId ? [Number(match[2])] : [];
  });
  return numbers.toSorted((a, b) => a - b);
}

/**
 * Takes away the segments before `segment`. Only once the store has them, on the disk: the lines that were carried over
 * into the segments that stay are brought there first.
 */
export function dropSegments(dataDir: string, processId: string, segment: number): void {
  const segments = segmentsOf(dataDir, processId);
  const old = segments.filter((number) => number < segment);
  if (segment === Infinity) rmSync(draftPath(dataDir, processId), { force: true });
  if (old.length === 0) return;
  for (const number of segments) if (number >= segment) syncFile(segmentPath(dataDir, processId, number));
  syncFile(dataDir);
  for (const number of old) rmSync(segmentPath(dataDir, processId, number), { force: true });
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function segmentPath(dataDir: string, processId: string, segment: number): string {
  return join(dataDir, `journal-${processId}-${segment}.log`);
}

function draftPath(dataDir: string, processId: string): string {
  return join(dataDir, `journal-${processId}.draft`);
}
