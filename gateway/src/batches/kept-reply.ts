/** A `Reply` that goes nowhere: it keeps the answer of a line until somebody takes it. */
import type { Headers, Reply } from '../pipeline/reply.ts';

/** The answer so far. `status` is 0 where none has come. */
export class KeptReply implements Reply {
  readonly signal: AbortSignal;
  status = 0;
  readonly #pieces: Buffer[] = [];
  readonly #gone = new AbortController();

  constructor() {
    this.signal = this.#gone.signal;
  }

  get hasStarted(): boolean {
    return this.status !== 0;
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }

  whole(status: number, _: Headers, body: string | Buffer): void {
    this.status = status;
    this.#keep(body);
  }

  start(status: number, _: Headers, first: string | Buffer): void {
    this.status = status;
    this.#keep(first);
  }

  write(chunk: string | Buffer): boolean {
    this.#keep(chunk);
    return true;
  }

  end(last?: string | Buffer): void {
    if (last !== undefined) this.#keep(last);
  }

  onDrain(): void {
    // It is never full: what it keeps is bounded as every reply of a provider is.
  }

  destroy(): void {
    this.#gone.abort();
  }

  #keep(piece: string | Buffer): void {
    this.#pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  }
}
