/** Virtual time: what is due next happens next, and the clock stands where it is due. No real time passes. */

export interface Queue {
  /** Milliseconds since the run began: monotonic, as the gateway's own clock. */
  nowMs(): number;
  /** Has `what` happen after so long; two at the same moment in the order in which they were put in. Gives what calls it off. */
  after(delayMs: number, what: () => void): () => void;
  /** Until nothing is left. Throws where that does not come. */
  run(): void;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was called off. */
  what: (() => void) | undefined;
}

/** More events than any run here has: a run that goes round in a circle ends with an error, not with a full memory. */
const EVENTS_MAX = 50_000_000;

export function createQueue(): Queue {
  const heap: Entry[] = [];
  let nowMs = 0;
  let order = 0;
  return {
    nowMs: () => nowMs,
    after(delayMs, what) {
      const entry: Entry = { atMs: nowMs + Math.max(0, delayMs), order, what };
      order += 1;
      push(heap, entry);
      return () => {
        entry.what = undefined;
      };
    },
    run() {
      for (let count = 0; count < EVENTS_MAX; count += 1) {
        const entry = pop(heap);
        if (entry === undefined) return;
        if (entry.what === undefined) continue;
        nowMs = entry.atMs;
        entry.what();
      }
      throw new Error(`the run did not end within ${EVENTS_MAX} events`);
    },
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** A binary heap: the parent of `i` is at `(i - 1) >> 1`. */
function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(entry, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (last === undefined || last === first) return first;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    const child = a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
    const below = heap[child];
    if (below === undefined || !isBefore(below, last)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
  return first;
}
