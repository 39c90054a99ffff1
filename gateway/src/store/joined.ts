/** Work that brings what is known up to date, for many who ask at once: each gets a run that begins after it has asked. */
import { setTimeout as delay } from 'node:timers/promises';

/** Gives the work joined: one run at a time, `everyMs` between two beginnings, and one for all who came before it begins. */
export function joined(work: () => Promise<void>, everyMs: number): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let begunMs = Number.NEGATIVE_INFINITY;

  async function run(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined);
    const pauseMs = begunMs + everyMs - performance.now();
    if (pauseMs > 0) await delay(Math.ceil(pauseMs));
    running = next;
    next = undefined;
    begunMs = performance.now();
    await work();
  }

  return async () => (next ??= run(running ?? Promise.resolve()));
}
