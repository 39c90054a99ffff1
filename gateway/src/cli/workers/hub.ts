/** What the supervisor keeps and passes on for its workers: the count of limits, and words from one to all others. */
import { Tally, type Freed } from '../../limits/tally.ts';
import type { Said, Told } from './messages.ts';

export interface HubPorts {
  readonly workers: readonly number[];
  readonly tell: (worker: number, message: Told) => void;
  readonly monotonicMs: () => number;
}

export class Hub {
  readonly #ports: HubPorts;
  readonly #tally = new Tally();

  constructor(ports: HubPorts) {
    this.#ports = ports;
  }

  hear(worker: number, said: Extract<Said, { readonly kind: 'draw' | 'say' }>): void {
    const { tell, workers, monotonicMs } = this.#ports;
    if (said.kind === 'draw') {
      const { answers, freed } = this.#tally.draw(worker, said.asks, monotonicMs());
      tell(worker, { kind: 'drawn', id: said.id, answers });
      this.#tellFreed(freed);
      return;
    }
    const { channel, text } = said;
    for (const other of workers) if (other !== worker) tell(other, { kind: 'said', channel, text });
  }

  /** The worker has ended: what it had under way is under way no more. */
  gone(worker: number): void {
    this.#tellFreed(this.#tally.gone(worker));
  }

  #tellFreed(freed: Freed): void {
    for (const [worker, names] of freed) this.#ports.tell(worker, { kind: 'freed', names });
  }
}
