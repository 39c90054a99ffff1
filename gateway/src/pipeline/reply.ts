/** The port through which answers leave: one reply a request. The pipeline knows no socket. */
import type { RequestOutcome } from '../chat/fault.ts';

export type Headers = Readonly<Record<string, string>>;

export interface Reply {
  /** A whole answer: head and body in one write. */
  whole(status: number, headers: Headers, body: string | Buffer): void;
  /** Begins a streamed answer: head and first bytes in one write. */
  start(status: number, headers: Headers, first: string | Buffer): void;
  /** The next bytes of a streamed answer. False: the client reads too slowly; wait for `onDrain`. */
  write(chunk: string | Buffer): boolean;
  /** Ends a streamed answer. */
  end(last?: string | Buffer): void;
  /** Calls once, when the client can take more. */
  onDrain(listener: () => void): void;
  /** Aborted when the client is gone before the answer was complete. */
  readonly signal: AbortSignal;
  /** True once a head was sent: the status can no longer change. */
  readonly hasStarted: boolean;
  /** Closes the connection without an ending (a client that stopped reading). */
  destroy(): void;
}

/** How an answered request is told to metrics and logs. */
export interface Ending {
  readonly outcome: RequestOutcome;
  readonly status: number;
}
