/** The port through which requests leave. Push style: no promise per chunk, so that a relayed event costs microseconds. */
import type { Fault } from '../chat/fault.ts';

export interface UpstreamCall {
  readonly url: string;
  readonly method: 'POST' | 'GET' | 'PUT';
  /** Lower-case names. `host`, `content-length` and hop-by-hop headers are the client's business. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** For texts; never an address. */
  readonly provider: string;
  /** False refuses private, loopback and link-local addresses, checked on the address that is connected to. */
  readonly allowPrivate: boolean;
  /** Origin that the secret among `headers` was saved for (`originOf(baseUrl)`): a URL of another one is refused, and nothing sent. */
  readonly secretOrigin?: string;
  readonly limits: UpstreamLimits;
}

export interface UpstreamLimits {
  readonly connectMs: number;
  /** From the request's last byte to the reply's head. */
  readonly firstByteMs: number;
  /** Longest silence inside the body. */
  readonly idleMs: number;
  /** Decoded size of the reply; more is `upstream-too-big`. */
  readonly bodyMaxBytes: number;
}

export interface UpstreamHandler {
  /** The reply's head; informational (1xx) heads and redirects never come here. Names in lower case. */
  head(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void;
  /** A piece of the body, content encoding already undone. */
  data(chunk: Buffer): void;
  /** The body is complete. */
  end(): void;
  /** Exactly one of `end` and `fail` is called, once, and nothing after it. Never called after `abort`. */
  fail(fault: Fault, detail: UpstreamFailure): void;
}

/** Why a call failed, in words that stay the same: they stand in records, metrics and documents. */
export type UpstreamOutcome =
  | 'connect_refused'
  | 'connect_timeout'
  | 'connect_failed'
  | 'dns_failed'
  | 'egress_refused'
  | 'tls_failed'
  | 'no_connection'
  | 'upstream_reset'
  | 'first_byte_timeout'
  | 'idle_timeout'
  | 'not_http'
  | 'redirect'
  | 'too_big'
  | 'truncated'
  | 'decode_failed'
  | 'request_invalid'
  | 'closing'
  | 'internal';

export interface UpstreamFailure {
  /** For the record. */
  readonly outcome: UpstreamOutcome;
  /** Whether any byte of the request may have reached the provider: then it may have cost something. */
  readonly wasSent: boolean;
}

/** Handle of a call under way. */
export interface UpstreamExchange {
  /** Whether any byte of the request may have reached the provider so far (`UpstreamFailure.wasSent`). Stays true after the end. */
  readonly wasSent: boolean;
  /** Closes the socket now; neither `end` nor `fail` follows. Safe to call twice and after the end. */
  abort(): void;
  /** Backpressure: no `data` until `resume` (save what is already on its way). */
  pause(): void;
  resume(): void;
}

export interface Upstream {
  /** Begins a call. The handler is never called before this has returned, and never throws on purpose: what it throws is a bug. */
  send(call: UpstreamCall, handler: UpstreamHandler): UpstreamExchange;
  /** Waits for calls under way, then closes all connections. */
  close(): Promise<void>;
}
