/** Long work in short turns: what one request asks for must not hold up all the others. */

/** Longest turn. Ten of them together are what a caller may notice. */
const TURN_MS = 10;

/** Runs steps to their end without a pause. */
export function atOnce<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Runs steps to their end, and lets everything else that waits go first after each turn. */
export async function inTurns<T>(steps: Generator<undefined, T>): Promise<T> {
  let startedMs = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - startedMs < TURN_MS) continue;
    await nextTurn();
    startedMs = performance.now();
  }
}

/** Resolves once the event loop has looked at all sockets and timers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
