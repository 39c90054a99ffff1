/** A push machine that takes one answer of a provider, and where it hands what came of it. Nothing in it is awaited. */
import type { Fault } from '../chat/fault.ts';
import type { Invalid, Spent } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import type { Unfinished } from './unfinished.ts';

export interface Receiver {
  /** Content type of what is handed on, where it is not the usual one of the call. */
  type?(): string | undefined;
  data(chunk: Buffer): void;
  /** A whole part of an answer that comes in several, in any order. Only of calls that were sent in parts. */
  part?(index: number, body: Buffer): void;
  /** A piece of one of several answers that come at once. Only of calls that were sent in parts and are streamed. */
  piece?(index: number, chunk: Buffer): void;
  /** The body is complete. */
  end(): void;
  /** What is known to have been used, at any moment. */
  spent(): Spent;
  hasContent(): boolean;
  /** Whether its content is kept back, so that the caller has seen none of it. Absent: it is not. */
  isHeld?(): boolean;
  /** What the caller has of an answer that broke off, where another attempt may go on with it. */
  unfinished?(): Unfinished | undefined;
}

/** Where a receiver hands its results. Exactly one of `whole`, `finish`, `fail` and `invalid` is called, once. */
export interface Receiving {
  /** Finished events, from the first content on. */
  send(bytes: string | Buffer): void;
  /** The stream is complete; `last` holds its ending. */
  finish(last: string | Buffer, finish: string | undefined, losses: readonly Loss[]): void;
  /** A whole reply is complete. */
  whole(body: string | Buffer, finish: string | undefined, losses: readonly Loss[]): void;
  fail(fault: Fault): void;
  /** The answer is complete, and not what was promised. */
  invalid(why: Invalid): void;
  /** Nothing more of the provider's answer is wanted; it is told so. What is known already is handed over as ever. */
  enough(): void;
}
