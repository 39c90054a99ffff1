/**
 * Whether this process can take one more request: open files and memory come to an end without a word, the one by connections that
 * nobody accepts, the other by the end of the process. So the surplus is told so while there is enough left to tell it.
 */
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';

/** Open files that are no connections of requests: database, journals, log, name servers, and the surplus while it is told so. */
const FILES_KEPT = 96;
/** A request has two: its caller's connection, and the provider's. */
const FILES_A_REQUEST = 2;
/** Beyond this share of the heap no more is taken: the collector needs room too. */
const HEAP_SHARE_MAX = 0.85;
/** A heap is not filled in less; asking for each request would cost more than the answer is worth. */
const HEAP_EVERY_MS = 20;
/** Share of the heap that bodies may need. */
const BODIES_SHARE = 0.6;
/** A long body needs so many times its size while it is read, parsed and sent on. */
const BODY_FACTOR = 5;

export interface Limits {
  /** Absent: not known, or none. */
  readonly filesMax: number | undefined;
  readonly heapMaxBytes: number;
}

export interface Capacity {
  /** What one more request would find too little of; undefined where it may come. */
  shortOf(now: Load): 'connections' | 'memory' | undefined;
}

export interface Load {
  /** Of callers, this one's among them. */
  readonly connections: number;
  /** Announced lengths of the bodies of the others that are under way. */
  readonly otherBodiesBytes: number;
  /** Of this one. */
  readonly bodyBytes: number;
}

/** `heapUsedBytes` is asked only where something else is under way: a request alone is always taken. */
export function createCapacity({ filesMax, heapMaxBytes }: Limits, heapUsedBytes: () => number): Capacity {
  const connectionsMax =
    filesMax === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(1, Math.floor((filesMax - FILES_KEPT) / FILES_A_REQUEST));
  const bodiesMaxBytes = (heapMaxBytes * BODIES_SHARE) / BODY_FACTOR;
  return {
    shortOf({ connections, otherBodiesBytes, bodyBytes }) {
      if (connections > connectionsMax) return 'connections';
      if (otherBodiesBytes === 0) return undefined;
      if (otherBodiesBytes + bodyBytes > bodiesMaxBytes) return 'memory';
      return heapUsedBytes() > heapMaxBytes * HEAP_SHARE_MAX ? 'memory' : undefined;
    },
  };
}

export function capacityHere(): Capacity {
  const limits = { filesMax: filesMaxHere(), heapMaxBytes: getHeapStatistics().heap_size_limit };
  let usedBytes = 0;
  let askedMs = Number.NEGATIVE_INFINITY;
  return createCapacity(limits, () => {
    const nowMs = performance.now();
    if (nowMs - askedMs >= HEAP_EVERY_MS) {
      askedMs = nowMs;
      usedBytes = getHeapStatistics().used_heap_size;
    }
    return usedBytes;
  });
}

/** How many files this process may have open (proc_pid_limits(5)). Node has raised it as far as it may. */
function filesMaxHere(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
