/** An answer that broke off in the middle of its text, and how another attempt goes on with it. */
import type { Usage } from '../chat/usage.ts';
import type { StreamEncoder } from '../dialects/dialect.ts';
import type { GoingOn } from '../output/going-on.ts';

/** What the caller has of an answer that broke off. */
export interface Unfinished {
  /** Writes the caller's stream, and knows what was written. */
  readonly encoder: StreamEncoder;
  readonly text: string;
}

/** Where one target's text ends and another's begins, for the record and the caller. */
export interface SeamMark {
  /** Of the text, in UTF-16 code units. */
  readonly offset: number;
  readonly from: string;
  readonly to: string;
}

/** How an answer that broke off is gone on with. */
export interface Resumed extends Unfinished {
  /** Of all attempts whose text it is. */
  readonly usage: Usage;
  readonly way: GoingOn;
  readonly mark: SeamMark;
}

/** Of an attempt whose answer may be gone on with. */
export interface Going {
  /** The answer that it goes on with itself. */
  readonly before?: Resumed;
  /** Set by the attempt where its answer broke off, and can be gone on with. */
  left?: Unfinished;
}
