/** When keys were last used: noted in memory at each use, written together, and no key's more often than once a minute. */
import type { Books } from './books/form.ts';

/** What is written is late by this at most; a busy key costs the store one row a minute. */
const NOTED_EACH_MS = 60_000;
/** Rows of one statement. */
const ROWS_MAX = 500;

export class KeyUses {
  readonly #books: Pick<Books, 'noteUses' | 'keyUses'>;
  /** What was noted last, also once it is written. As many as there are keys. */
  readonly #notedMs = new Map<string, number>();
  #pending = new Map<string, number>();

  constructor(books: Pick<Books, 'noteUses' | 'keyUses'>) {
    this.#books = books;
  }

  /** On every request's way: one look into a map. */
  note(keyId: string, nowMs: number): void {
    const notedMs = this.#notedMs.get(keyId) ?? -Infinity;
    // A clock that was set back begins anew.
    if (nowMs - notedMs < NOTED_EACH_MS && nowMs >= notedMs) return;
    this.#notedMs.set(keyId, nowMs);
    this.#pending.set(keyId, nowMs);
  }

  /** Writes what is noted. Where the store refuses, it stays noted. */
  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Map();
    const rows = [...pending].map(([keyId, atMs]) => ({ keyId, atMs }));
    try {
      for (let at = 0; at < rows.length; at += ROWS_MAX) await this.#books.noteUses(rows.slice(at, at + ROWS_MAX));
    } catch (error) {
      this.#pending = new Map([...pending, ...this.#pending]);
      throw error;
    }
  }

  /** What is written, and what is noted here. */
  async all(): Promise<ReadonlyMap<string, number>> {
    const uses = new Map((await this.#books.keyUses()).map(({ keyId, atMs }) => [keyId, atMs]));
    for (const [keyId, atMs] of this.#notedMs) uses.set(keyId, Math.max(atMs, uses.get(keyId) ?? 0));
    return uses;
  }
}
