/** Results of lines on their way into the store: as soon as it has taken those before, together. */
import type { World } from '../pipeline/world.ts';
import type { LineResult, StoredBatch } from '../store/batch-ports.ts';

/** Handed over at once. */
const ROWS_MAX = 100;
/** Beyond this no new line is begun until the store has caught up. */
const WAITING_ROWS_MAX = 1000;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const RETRY_MS = 1000;

export interface Results {
  add(result: LineResult): void;
  isFull(): boolean;
  /** Until all that was added is in the store. */
  settled(): Promise<void>;
}

export interface ResultPorts {
  readonly world: Pick<World, 'store' | 'timers'>;
  /** The process ends: what the store does not take now is given up, and its lines run again elsewhere. */
  readonly isStopping: () => boolean;
  /** Told how the batch stands after each hand-over. */
  readonly onRow: (batch: StoredBatch) => void;
}

export function createResults(batchId: string, { world, isStopping, onRow }: ResultPorts): Results {
  const { store, timers } = world;
  const waiting: LineResult[] = [];
  let bytes = 0;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    await handOver();
    // At once, and not when the promise has told: what is added in between would wait for nobody.
    running = undefined;
  }

  async function handOver(): Promise<void> {
    while (waiting.length > 0) {
      const some = waiting.slice(0, ROWS_MAX);
      const stored = await store.batches(async (books) => books.putResults(batchId, some));
      if (!stored.ok) {
        if (isStopping()) return;
        await new Promise<void>((resolve) => {
          timers.after(RETRY_MS, resolve);
        });
        continue;
      }
      waiting.splice(0, some.length);
      for (const { text } of some) bytes -= text.length;
      if (stored.value !== undefined) onRow(stored.value);
    }
  }

  return {
    add(result) {
      waiting.push(result);
      bytes += result.text.length;
      running ??= run();
    },
    isFull: () => waiting.length >= WAITING_ROWS_MAX || bytes >= WAITING_BYTES_MAX,
    settled: async () => running,
  };
}
