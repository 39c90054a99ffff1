/** The batches of this process: claimed, begun, told what the store says of them, ended with the process. */
import type { World } from '../pipeline/world.ts';
import type { StoredBatch } from '../store/batch-ports.ts';
import type { Door } from './ask.ts';
import { tendFiles } from './files.ts';
import { Job, type JobPorts } from './job.ts';
import { createSlots } from './slots.ts';
import type { Spool } from './spool.ts';

/** What was cancelled elsewhere, or left by the dead, is seen after so long. */
const LOOK_MS = 1000;
/** Files that have expired, and results that stand in files now, go after so long. */
const TEND_MS = 60_000;
/** Batches at the same time; each has a file open. The others wait their turn. */
const JOBS_MAX = 64;
/** Of one key, so that nobody's hundred batches keep another's from beginning. */
const JOBS_OF_KEY_MAX = 8;
/** After trouble with the disk or the store a batch is begun again. */
const AGAIN_MS = 5000;

export interface RunnerPorts {
  readonly world: World;
  readonly door: Door;
  readonly spool: Spool;
  /** Requests of callers under way. */
  readonly live: () => number;
}

export interface Runner {
  /** For metrics. */
  figures(): { readonly batches: number; readonly lines: number };
  start(): void;
  /** Looks at the store now: something was made, or cancelled. */
  wake(): void;
  /** Begins no more lines; resolves when those under way have ended. */
  stop(): Promise<void>;
}

interface Running {
  readonly keyId: string;
  readonly job: Job;
  readonly over: Promise<void>;
}

export function createRunner(ports: RunnerPorts): Runner {
  const runner = new BatchRunner(ports);
  return {
    figures: () => runner.figures(),
    start: () => runner.start(),
    wake: () => runner.look(),
    stop: async () => runner.stop(),
  };
}

class BatchRunner {
  readonly #ports: RunnerPorts;
  readonly #jobPorts: JobPorts;
  readonly #running = new Map<string, Running>();
  readonly #restUntilMs = new Map<string, number>();
  #timers: readonly NodeJS.Timeout[] = [];
  #isStopping = false;
  #looking: Promise<void> | undefined;
  #mustLook = false;

  constructor(ports: RunnerPorts) {
    const { timers } = ports.world;
    this.#ports = ports;
    const slots = createSlots({ most: () => this.#most(), after: (delayMs, fire) => timers.after(delayMs, fire) });
    this.#jobPorts = { ...ports, slots, isStopping: () => this.#isStopping };
  }

  start(): void {
    const tend = (): void =>
      void this.#tend().catch((error: unknown) => this.#log('warn', 'files cannot be tended', error));
    this.#timers = [setInterval(() => this.look(), LOOK_MS).unref(), setInterval(tend, TEND_MS).unref()];
    this.look();
    tend();
  }

  /** One look at a time, and one more where somebody has asked meanwhile. */
  look(): void {
    this.#mustLook = true;
    if (!this.#isStopping) this.#looking ??= this.#lookOften();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#looking;
    for (const { job } of this.#running.values()) job.wake();
    await Promise.all([...this.#running.values()].map(async ({ over }) => over));
  }

  figures(): { readonly batches: number; readonly lines: number } {
    return { batches: this.#running.size, lines: this.#jobPorts.slots.underWay() };
  }

  /** Live requests first: of what they leave, half. Whoever waits while the process ends is let in, and told so. */
  #most(): number {
    if (this.#isStopping) return Infinity;
    const { batches, concurrentMax } = this.#ports.world.snapshot();
    return Math.min(batches.concurrency, Math.max(0, Math.floor((concurrentMax - this.#ports.live()) / 2)));
  }

  async #lookOften(): Promise<void> {
    try {
      while (this.#mustLook && !this.#isStopping) {
        this.#mustLook = false;
        await this.#lookOnce();
      }
    } catch (error) {
      this.#log('error', 'batches cannot be looked at', error);
    } finally {
      this.#looking = undefined;
    }
  }

  async #lookOnce(): Promise<void> {
    const { store, clock } = this.#ports.world;
    const claimed = await store.batches(async (books) => books.claimBatches(store.processId));
    if (!claimed.ok || this.#isStopping) return;
    for (const batch of claimed.value) {
      const known = this.#running.get(batch.id);
      if (known !== undefined) known.job.update(batch);
      else if (this.#hasPlace(batch) && clock.monotonicMs() >= (this.#restUntilMs.get(batch.id) ?? 0))
        this.#begin(batch);
    }
  }

  #hasPlace({ keyId }: StoredBatch): boolean {
    if (this.#running.size >= JOBS_MAX) return false;
    return [...this.#running.values()].filter((one) => one.keyId === keyId).length < JOBS_OF_KEY_MAX;
  }

  #begin(batch: StoredBatch): void {
    const job = new Job(batch, this.#jobPorts);
    const over = job
      .run()
      .then(() => void this.#restUntilMs.delete(batch.id))
      .catch((error: unknown) => {
        this.#restUntilMs.set(batch.id, this.#ports.world.clock.monotonicMs() + AGAIN_MS);
        this.#log('error', `batch ${batch.id} cannot go on now and is begun again soon`, error);
      })
      .finally(() => {
        this.#running.delete(batch.id);
        this.look();
      });
    this.#running.set(batch.id, { keyId: batch.keyId, job, over });
  }

  async #tend(): Promise<void> {
    const { store, clock } = this.#ports.world;
    await tendFiles(this.#ports);
    await store.batches(async (books) => books.pruneBatches(clock.unixMs()));
    for (;;) {
      const dropped = await store.batches(async (books) => books.dropResults());
      if (this.#isStopping || !dropped.ok || !dropped.value) return;
    }
  }

  #log(level: 'warn' | 'error', text: string, error: unknown): void {
    this.#ports.world.log(level, text, { error: error instanceof Error ? error.message : String(error) });
  }
}
