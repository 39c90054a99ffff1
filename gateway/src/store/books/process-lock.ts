/**
 * Tells whether a process of ours still lives, exactly: each holds a lock of the operating system on a file of its own,
 * and the kernel lets go of it when the process ends, however it ends. No clock, no process number that comes again, no
 * heartbeat that a stopped or swapped-out process misses. The lock is SQLite's own, because Node has none.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { troubleOf } from './sqlite.ts';

const NAME = /^process-([a-z0-9]+)\.lock$/;

export interface ProcessLock {
  readonly processId: string;
  /** Lets go and takes the file away. */
  release(): void;
  /** Lets go and leaves the file, as the kernel does for a process that died. For tests and for recovery that failed. */
  drop(): void;
}

/** Takes the lock of `processId`. `undefined` where somebody holds it. Never opens the file in any other way: see `isAlive`. */
export function takeLock(dataDir: string, processId: string): ProcessLock | undefined {
  const path = lockPath(dataDir, processId);
  const lock = takeFileLock(path);
  if (lock === undefined) return undefined;
  return {
    processId,
    drop: () => lock.drop(),
    release: () => {
      if (!lock.isHeld()) return;
      lock.drop();
      rmSync(path, { force: true });
    },
  };
}

export interface FileLock {
  isHeld(): boolean;
  /** Lets go and leaves the file. */
  drop(): void;
}

/** Takes the lock on a file, made where it is missing. `undefined` where somebody holds it, or has just cleaned it away. Never opens it in any other way. */
export function takeFileLock(path: string): FileLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Nothing is ever written: without this SQLite would keep a rollback journal beside the file.
    database.exec('pragma journal_mode = memory');
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (troubleOf(error) === 'busy') return undefined;
    throw error;
  }
  const drop = (): void => {
    if (database.isOpen) database.close();
  };
  if (existsSync(path)) return { drop, isHeld: () => database.isOpen };
  // Between open and lock another process has cleaned the file away: the lock is on a file that nobody sees.
  drop();
  return undefined;
}

/**
 * Whether that process lives. Asks by trying the lock, through SQLite: closing a plain file handle on it would drop our
 * own lock, were it ours (fcntl(2)).
 */
export function isAlive(dataDir: string, processId: string): boolean {
  if (!existsSync(lockPath(dataDir, processId))) return false;
  const lock = takeLock(dataDir, processId);
  lock?.drop();
  return lock === undefined && existsSync(lockPath(dataDir, processId));
}

/** Processes that have a lock file, dead or alive, and the time since the file was made. */
export function lockFiles(dataDir: string): readonly { readonly processId: string; readonly madeMs: number }[] {
  return readdirSync(dataDir).flatMap((name) => {
    const processId = NAME.exec(name)?.[1];
    const stats = statSync(join(dataDir, name), { throwIfNoEntry: false });
    return processId === undefined || stats === undefined ? [] : [{ processId, madeMs: stats.mtimeMs }];
  });
}

function lockPath(dataDir: string, processId: string): string {
  return join(dataDir, `process-${processId}.lock`);
}
