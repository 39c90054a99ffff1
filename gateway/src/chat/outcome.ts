/** How one try at one target ended. */
import type { Fault } from './fault.ts';
import type { Usage } from './usage.ts';

export type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly finish?: string; readonly spent: Spent }
  /** The provider said no; nothing of its answer reached the caller, and it costs nothing. */
  | { readonly kind: 'refused'; readonly status: number; readonly fault: Fault }
  | {
      readonly kind: 'broke';
      /** `mid-stream`: content has reached the caller, so that no other attempt may follow. */
      readonly when: 'before-content' | 'mid-stream';
      readonly fault: Fault;
      /** `connect_refused`, `upstream_reset`, `first_byte_timeout`, … */
      readonly detail: string;
      readonly spent: Spent;
      /** Set where the answer was complete, and only not what was promised. */
      readonly invalid?: Invalid;
    }
  /** The caller went away; or, `hedged`, another attempt has answered first. */
  | { readonly kind: 'left'; readonly spent: Spent; readonly why?: 'hedged' };

/** An answer that is not of the form that was asked for. */
export interface Invalid {
  /** What the model wrote. For the model itself, and for nobody's record. */
  readonly answer: string;
  /** One clause: where it does not fit, and what it must be. Holds nothing of the answer itself. */
  readonly reason: string;
}

/** What an attempt is known to have used when it ended. */
export interface Spent {
  /** As the provider told it, complete or partial. */
  readonly usage?: Usage;
  /** True once the provider's final usage was read; else our own count fills what is missing. */
  readonly isFinal: boolean;
  /** Our count of the output received so far, in tokens. */
  readonly outputTokensSeen: number;
  /** Whether the provider took the request: it answered with 2xx, or may be working on it. */
  readonly wasAccepted: boolean;
  readonly ttftMs?: number;
}

export const NOTHING_SPENT: Spent = { isFinal: false, outputTokensSeen: 0, wasAccepted: false };
