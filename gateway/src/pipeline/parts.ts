/**
 * Sends the parts of one attempt: where a request holds more than a provider takes at once, its parts go out a few at a time
 * and end as one. The first that fails ends all; what the others have cost is for the books.
 */
import { fault, type Fault } from '../chat/fault.ts';
import type {
  Upstream,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamHandler,
  UpstreamLimits,
} from '../upstream/upstream.ts';
import type { Sending } from './call.ts';

/** Parts under way at the same time: enough to hide the way to the provider, too few to look like a flood. */
const TOGETHER_MAX = 4;

export interface PartsHandler extends UpstreamHandler {
  /** A piece of a part that is streamed. */
  piece(index: number, chunk: Buffer): void;
  /** A part is complete, in any order. All are once `end` is called. */
  part(index: number, body: Buffer): void;
}

export interface PartsInput {
  /** Pieces go on as they come, and a part's body is empty. */
  readonly isStreaming?: boolean;
  readonly upstream: Upstream;
  readonly calls: readonly Sending[];
  readonly limits: UpstreamLimits;
}

/** One exchange for all parts. Its head is the first good one, or that of the part that was refused. */
export function sendParts(input: PartsInput, handler: PartsHandler): UpstreamExchange {
  const exchange = new PartsExchange(input, handler);
  exchange.startMore();
  return exchange;
}

class PartsExchange implements UpstreamExchange {
  readonly #input: PartsInput;
  readonly #handler: PartsHandler;
  readonly #running = new Map<number, UpstreamExchange>();
  #next = 0;
  #done = 0;
  /** Of all parts together: the limit is the whole answer's. */
  #bytes = 0;
  #wasSent = false;
  #hasHead = false;
  #isOver = false;

  constructor(input: PartsInput, handler: PartsHandler) {
    this.#input = input;
    this.#handler = handler;
  }

  get wasSent(): boolean {
    return this.#wasSent || [...this.#running.values()].some((exchange) => exchange.wasSent);
  }

  startMore(): void {
    const { calls, limits, upstream } = this.#input;
    while (!this.#isOver && this.#running.size < TOGETHER_MAX) {
      const index = this.#next;
      const call = calls[index];
      if (call === undefined) return;
      this.#next += 1;
      this.#running.set(index, upstream.send({ ...call, limits }, this.#partHandler(index, call.provider)));
    }
  }

  abort(): void {
    this.#isOver = true;
    this.#wasSent = this.wasSent;
    for (const exchange of this.#running.values()) exchange.abort();
    this.#running.clear();
  }

  pause(): void {
    for (const exchange of this.#running.values()) exchange.pause();
  }

  resume(): void {
    for (const exchange of this.#running.values()) exchange.resume();
  }

  #partHandler(index: number, provider: string): UpstreamHandler {
    const chunks: Buffer[] = [];
    let isRefused = false;
    return {
      head: (status, headers) => {
        if (this.#isOver) return;
        isRefused = status < 200 || status >= 300;
        if (this.#hasHead && !isRefused) return;
        this.#hasHead = true;
        this.#handler.head(status, headers);
      },
      data: (chunk) => {
        if (this.#isOver) return;
        if (isRefused) this.#handler.data(chunk);
        else if (!this.#fits(chunk, provider)) return;
        else if (this.#input.isStreaming === true) this.#handler.piece(index, chunk);
        else chunks.push(chunk);
      },
      end: () => {
        if (this.#isOver) return;
        this.#running.delete(index);
        this.#wasSent = true;
        if (isRefused) this.#endRefused();
        else this.#take(index, Buffer.concat(chunks));
      },
      fail: (of, failure) => this.#stop(of, failure),
    };
  }

  #fits(chunk: Buffer, provider: string): boolean {
    this.#bytes += chunk.length;
    const max = this.#input.limits.bodyMaxBytes;
    if (this.#bytes <= max) return true;
    this.#stop(fault('upstream-too-big', { provider, max }), { outcome: 'too_big', wasSent: true });
    return false;
  }

  #endRefused(): void {
    this.abort();
    this.#handler.end();
  }

  #take(index: number, body: Buffer): void {
    this.#done += 1;
    this.#handler.part(index, body);
    if (this.#isOver) return;
    if (this.#done < this.#input.calls.length) {
      this.startMore();
      return;
    }
    this.#isOver = true;
    this.#handler.end();
  }

  #stop(of: Fault, failure: UpstreamFailure): void {
    if (this.#isOver) return;
    this.abort();
    this.#handler.fail(of, failure);
  }
}
