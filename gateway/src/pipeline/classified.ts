/** What a small model has said of a request's text. */
import type { OpenFact, Verdict } from '../understand/verdict.ts';
import type { Bill } from './account.ts';

/** What the model said, or why it said nothing; for the plan and the record. */
export interface Classified {
  /** Absent where none may be asked. */
  readonly target?: string;
  readonly open: readonly OpenFact[];
  readonly verdict: Verdict;
  readonly result: 'told' | 'remembered' | 'silent' | 'withheld';
  /** Of what it did not say. */
  readonly why?: string;
  /** The one try, where one was made. */
  readonly attempts: readonly ClassifierAttempt[];
}

export interface ClassifierAttempt {
  readonly bill: Bill | undefined;
  readonly durationMs: number;
}
