/** The bytes of files, on the disk: written under another name, renamed when whole, read from any place. */
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../store/secret.ts';

/** Written at once: many small pieces become one call of the system. */
const WRITE_BYTES = 256 * 1024;
const DRAFT = '.part';
/** What no row knows is taken for left over only after so long: its row comes after it. */
const ORPHAN_MS = 60 * 60_000;
/** Names that are asked about at once. */
const ASK_MAX = 500;

export interface Spool {
  /** Begins a file that is not there until it is kept. */
  draft(id: string): Promise<Draft>;
  open(id: string): Promise<FileHandle>;
  /** The same; undefined where there is none. Throws what else the file system throws. */
  find(id: string): Promise<FileHandle | undefined>;
  /** Nothing where there is none. */
  remove(id: string): Promise<void>;
  /** Takes away drafts and files that a process which died has left. `known`: those of the ids that have a row. */
  sweep(nowMs: number, known: (ids: readonly string[]) => Promise<readonly string[]>): Promise<void>;
}

export interface Draft {
  readonly bytes: number;
  write(piece: Buffer): Promise<void>;
  /** Whole: on the disk, and under its name. */
  keep(): Promise<void>;
  drop(): Promise<void>;
}

/** The files of a folder, which several processes may have in common. */
export function spoolIn(folder: string): Spool {
  return {
    draft: async (id) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, id);
      return new FileDraft(await open(`${path}${DRAFT}`, 'w', 0o600), path);
    },
    open: async (id) => open(join(folder, id), 'r'),
    find: async (id) =>
      open(join(folder, id), 'r').catch((error: unknown) => {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw error;
      }),
    remove: async (id) => rm(join(folder, id), { force: true }),
    sweep: async (nowMs, known) => {
      const old: string[] = [];
      for (const name of await names(folder)) {
        const stats = await stat(join(folder, name)).catch(() => undefined);
        if (stats !== undefined && nowMs - stats.mtimeMs > ORPHAN_MS) old.push(name);
      }
      for (let at = 0; at < old.length; at += ASK_MAX) {
        const some = old.slice(at, at + ASK_MAX);
        const rows = new Set(await known(some));
        for (const name of some) if (!rows.has(name)) await rm(join(folder, name), { force: true });
      }
    },
  };
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

class FileDraft implements Draft {
  bytes = 0;
  readonly #handle: FileHandle;
  readonly #path: string;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async write(piece: Buffer): Promise<void> {
    this.bytes += piece.length;
    this.#waitingBytes += piece.length;
    // A copy where it has to wait: whoever gave it may write to it again.
    this.#waiting.push(this.#waitingBytes >= WRITE_BYTES ? piece : Buffer.from(piece));
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
  }

  async keep(): Promise<void> {
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(`${this.#path}${DRAFT}`, this.#path);
  }

  async drop(): Promise<void> {
    await this.#handle.close();
    await rm(`${this.#path}${DRAFT}`, { force: true });
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at)).bytesWritten;
  }
}
