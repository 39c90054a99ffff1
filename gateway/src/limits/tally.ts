/**
 * The count that the processes of one machine share, where one of them keeps it for all: every draw is decided here, one after
 * another, all of its limits or none. No clock: time is given with each call (`nowMs`, monotonic, the keeper's own).
 */
import { Table } from '../health/table.ts';
import type { Answer, Order } from './meter.ts';
import { SlidingWindow } from './window.ts';

/** Limits that are counted at the same time. What was not asked for the longest time goes first; each process then tells once what it has used. */
const COUNTS_MAX = 40_000;
/** Requests under way end when they end: who is refused is told when one has. */
const CONCURRENT_WAIT_MS = 1000;

/** An order as it is sent: its meter by name. */
export interface Ask extends Omit<Order, 'meter' | 'want'> {
  readonly name: string;
  readonly windowMs: number;
  readonly max: number;
}

/** Processes that were refused, and the limits that have something again. */
export type Freed = ReadonlyMap<number, readonly string[]>;

interface Drawn {
  readonly answers: readonly Answer[];
  /** To be told after it. */
  readonly freed: Freed;
}

interface Count {
  /** Absent where requests under way are counted. */
  window: SlidingWindow | undefined;
  windowMs: number;
  /** Requests under way of each process. */
  readonly places: Map<number, number>;
  /** Processes that have told what they had used before this count began. */
  readonly told: Set<number>;
  /** Processes that were refused since something was free. */
  readonly refused: Set<number>;
}

/** One limit of a draw. */
interface Row {
  readonly ask: Ask;
  readonly count: Count;
  readonly used: number;
  /** Until it may have what it needs; 0: now. */
  readonly waitMs: number;
}

export class Tally {
  readonly #counts = new Table<Count>(COUNTS_MAX, () => ({
    window: undefined,
    windowMs: 0,
    places: new Map(),
    told: new Set(),
    refused: new Set(),
  }));

  /** Takes what is told in, and counts what is needed: all of it or, where one limit has too little, nothing. */
  draw(process: number, asks: readonly Ask[], nowMs: number): Drawn {
    const freed = new Map<number, string[]>();
    const rows = asks.map((ask): Row => {
      const count = this.#countOf(ask);
      const isLess = toldTo(count, { process, ask, nowMs });
      const used = usedOf(count, nowMs);
      if (isLess && used < ask.max) noteFreed(count, ask.name, freed);
      return { ask, count, used, waitMs: waitOf(count, { ask, used, nowMs }) };
    });
    const isDry = rows.some(({ waitMs }) => waitMs > 0);
    return { answers: rows.map((row) => answerOf(row, { process, isDry, nowMs })), freed };
  }

  /** The process has ended, and what it had under way with it. */
  gone(process: number): Freed {
    const freed = new Map<number, string[]>();
    for (const [name, count] of this.#counts.entries()) {
      count.told.delete(process);
      count.refused.delete(process);
      if (count.places.delete(process)) noteFreed(count, name, freed);
    }
    return freed;
  }

  #countOf({ name, windowMs }: Ask): Count {
    const count = this.#counts.use(name);
    if (count.windowMs !== windowMs) {
      count.windowMs = windowMs;
      count.window = new SlidingWindow(windowMs);
    }
    return count;
  }
}

interface Telling {
  readonly process: number;
  readonly ask: Ask;
  readonly nowMs: number;
}

/** Takes in what the process has used untold, or did not use; whether less is used than before. */
function toldTo({ window, told, places }: Count, { process, ask, nowMs }: Telling): boolean {
  const { need, debt, own, unused } = ask;
  const isNew = !told.has(process);
  told.add(process);
  if (window === undefined) {
    const before = places.get(process) ?? 0;
    const ended = unused.reduce((sum, [, count]) => sum + count, 0);
    // What is under way is told whole where nothing is asked for, so that no mistake outlives it.
    const now = isNew || need === 0 ? own : Math.max(0, before - ended);
    places.set(process, now);
    return now < before;
  }
  // Of a count that has begun anew, nothing can be given back.
  if (!isNew) for (const [slot, count] of unused) window.takeBack(count, slot);
  const more = isNew ? own : debt;
  if (more > 0) window.add(more, nowMs);
  return unused.length > 0;
}

function usedOf({ window, places }: Count, nowMs: number): number {
  return window?.used(nowMs) ?? placesOf(places);
}

function placesOf(places: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const count of places.values()) sum += count;
  return sum;
}

interface Wanting {
  readonly ask: Ask;
  readonly used: number;
  readonly nowMs: number;
}

function waitOf({ window }: Count, { ask, used, nowMs }: Wanting): number {
  const { need, max } = ask;
  if (need === 0 || used + need <= max) return 0;
  return window === undefined ? CONCURRENT_WAIT_MS : window.waitMs(max - need, nowMs);
}

interface Answering {
  readonly process: number;
  /** Of one limit of the draw, at least. */
  readonly isDry: boolean;
  readonly nowMs: number;
}

function answerOf({ ask, count, used, waitMs }: Row, { process, isDry, nowMs }: Answering): Answer {
  const { need, max } = ask;
  const rest = Math.max(0, max - used);
  if (waitMs > 0) {
    count.refused.add(process);
    return { kind: 'dry', waitMs, rest, epoch: '' };
  }
  if (isDry) return { kind: 'not-needed', rest, epoch: '' };
  return { kind: 'drawn', slot: taken(count, { process, need, nowMs }), extra: 0, rest: rest - need, epoch: '' };
}

/** Gives the slot in which it is counted. */
function taken(
  { window, places }: Count,
  { process, need, nowMs }: { readonly process: number; readonly need: number; readonly nowMs: number },
): number {
  if (window !== undefined) return window.add(need, nowMs);
  places.set(process, (places.get(process) ?? 0) + need);
  return 0;
}

function noteFreed({ refused }: Count, name: string, freed: Map<number, string[]>): void {
  for (const process of refused) {
    const names = freed.get(process);
    if (names === undefined) freed.set(process, [name]);
    else names.push(name);
  }
  refused.clear();
}
