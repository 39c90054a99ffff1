/** What an answer is received with: who asked in which protocol, who answers in which, and where it goes. */
import type { Usage } from '../chat/usage.ts';
import type { Dialect, EncodeContext } from '../dialects/dialect.ts';
import type { SseSplitter } from '../lib/sse.ts';
import type { Reshaping } from '../output/reshape.ts';
import type { Going } from './unfinished.ts';
import type { Receiving } from './receiver.ts';

export interface ReceiveOptions {
  /** The caller's protocol. */
  readonly inbound: Dialect;
  /** The provider's protocol. */
  readonly outbound: Dialect;
  readonly provider: string;
  readonly amendUsage?: (usage: Usage) => Usage;
  /** How the provider lays events into bytes, where it is not as its protocol does. */
  readonly splitter?: () => SseSplitter;
  readonly wantsStream: boolean;
  /** What is done to the reply beside its translation; absent: nothing. */
  readonly reshaping?: Reshaping;
  /** Set where the answer may be gone on with, should it break off: then its events are read, whatever their wire. */
  readonly going?: Going;
  readonly context: EncodeContext;
  readonly now: () => number;
  readonly startedMs: number;
  readonly to: Receiving;
}
