/** Brings the journal of this process into the store, piece by piece, off the request's way. */
import type { Books } from './books/form.ts';
import type { Journal, JournalPosition } from './journal.ts';

export interface IntakePorts {
  readonly books: Pick<Books, 'takeIn' | 'dropJournal'>;
  readonly journal: Journal;
  readonly processId: string;
  readonly now: () => number;
  readonly onStore: (error: unknown) => void;
}

export class Intake {
  readonly #ports: IntakePorts;
  #taken: JournalPosition = { segment: 1, offset: 0 };
  #takenBytes = 0;
  #droppedBefore = 1;
  #running: Promise<void> | undefined;

  constructor(ports: IntakePorts) {
    this.#ports = ports;
  }

  /** Takes in what stands in the journal now, unless that is already being done. Throws where the store is in trouble. */
  async next(): Promise<void> {
    if (this.#running === undefined) await this.#start();
  }

  /** Until everything that stands in the journal now is in the store. Throws where the store is in trouble. */
  async all(): Promise<void> {
    // One under way may have begun before the last line was written.
    await this.settled();
    await this.#start();
  }

  /** Until nothing is being taken in, however it ended. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  isDone(): boolean {
    const { segment, offset } = this.#ports.journal.position();
    return this.#taken.segment === segment && this.#taken.offset === offset;
  }

  /** Bytes that the store has not taken in, give or take a line that was cut short. */
  waitingBytes(): number {
    return Math.max(0, this.#ports.journal.position().written - this.#takenBytes);
  }

  #start(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { books, processId, journal } = this.#ports;
    const goal = journal.position();
    while (this.#taken.segment < goal.segment || this.#taken.offset < goal.offset) if (!(await this.#step())) break;
    if (this.#taken.segment === this.#droppedBefore) return;
    await books.dropJournal(processId, this.#taken.segment);
    this.#droppedBefore = this.#taken.segment;
  }

  /** False where nothing more could be read: half a line stands at the end. */
  async #step(): Promise<boolean> {
    const { books, processId, now, onStore } = this.#ports;
    const from = this.#taken;
    const { to } = await books.takeIn(processId, from, now());
    onStore(undefined);
    this.#takenBytes += to.segment === from.segment ? to.offset - from.offset : to.offset;
    this.#taken = to;
    return to.segment !== from.segment || to.offset !== from.offset;
  }
}
