/** What processes share, wherever it is kept: one count of limits, and words that all of them hear. */
import type { Answer, Order } from '../limits/meter.ts';

export interface Count {
  /** Asking costs so little that each request does. */
  readonly isNear: boolean;
  /** Processes that count together, before any was asked. */
  readonly processes: number;
  /** For each order its answer: all that is needed, or nothing. Rejects where nobody answers in time. */
  draw(orders: readonly Order[]): Promise<readonly Answer[]>;
  /** Says that this process lives; gives how many there are. Rejects where nobody answers in time. */
  beat(): Promise<number>;
  /** Told when there may be something again of limits that had too little, by the names of their meters. */
  whenFreed(heard: (names: readonly string[]) => void): void;
}

export interface Voice {
  /** To all who listen, wherever they are; this process may hear it too. What cannot be said is lost. */
  say(channel: string, text: string): void;
  listen(channel: string, heard: (text: string) => void): void;
}

export interface Together {
  readonly count: Count;
  readonly voice: Voice;
}
