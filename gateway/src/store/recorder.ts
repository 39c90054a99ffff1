/** Writes entries into the journal, and keeps those that the disk refused until it takes them: no receipt is lost while we live. */
import type { Journal } from './journal.ts';

export class Recorder {
  readonly #journal: Journal;
  readonly #warn: (text: string) => void;
  #waiting: string[] = [];
  #isBroken = false;

  constructor(journal: Journal, warn: (text: string) => void) {
    this.#journal = journal;
    this.#warn = warn;
  }

  /** True from the first refused entry until the disk takes them again: then nothing new must be begun. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Entries that wait in memory. As many as attempts were under way when the disk filled up, at most. */
  get unwritten(): number {
    return this.#waiting.length;
  }

  /** Writes an entry now or later, but for certain while this process lives. */
  record(text: string): void {
    if (this.#waiting.length === 0 && this.#journal.append(text)) return;
    this.#waiting.push(text);
    this.#break();
  }

  /** Writes an entry now, or not at all. */
  tryRecord(text: string): boolean {
    if (this.#isBroken) return false;
    if (this.#journal.append(text)) return true;
    this.#break();
    return false;
  }

  /** Tries again what was refused. */
  retry(): void {
    if (!this.#isBroken) return;
    let written = 0;
    for (const text of this.#waiting) {
      if (!this.#journal.append(text)) break;
      written += 1;
    }
    this.#waiting = this.#waiting.slice(written);
    if (this.#waiting.length > 0 || !this.#journal.probe()) return;
    this.#isBroken = false;
    this.#warn('the journal can be written again');
  }

  #break(): void {
    if (!this.#isBroken)
      this.#warn('the journal cannot be written (is the disk full?): no requests are taken until it can');
    this.#isBroken = true;
  }
}
