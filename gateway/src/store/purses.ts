/**
 * Purses in memory: of each, what this process may spend of it, a lease drawn from the store in slices.
 * While it lasts, money is put aside by adding two numbers. When it runs out, those who need more wait together for one
 * draw. Money that the store has handed out is never counted twice: when the outcome of a draw is unknown, it is taken
 * as not given (the store takes it back when this process ends), and of a return, as given.
 */
import { fault, type Fault } from '../chat/fault.ts';
import type { NanoUsd } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import type { Books, Draw } from './books/form.ts';
import type { Patience, PurseRef } from './purse-ports.ts';
import { troubleOf } from './books/sqlite.ts';

/** How long a request may wait for its money while the store is busy or away. */
const WAIT_MS = 15_000;
/** Between two tries to draw while the store is in trouble. */
const RETRY_MS = 100;
/** After a draw came back short, requests that need as much are refused from memory for so long, not one draw each. */
const REST_MS = 250;
/** A purse that was not used for so long gives its money back. */
const IDLE_MS = 60_000;
/** Requests that wait for money; more are refused, so that a store in trouble does not fill the memory. */
const WAITERS_MAX = 10_000;
/** Of these, so many may wait for what others hold; each waiter is looked at whenever money comes free. */
const PATIENT_MAX = 1000;
/** Draws ahead when less than so many requests of the present size are left in the purse. */
const AHEAD_REQUESTS = 2n;

export interface PursePorts {
  readonly books: Pick<Books, 'draw' | 'giveBack'>;
  readonly processId: string;
  /** Milliseconds since 1970: for records. */
  readonly now: () => number;
  /** Monotonic milliseconds: for waits. */
  readonly monotonicMs: () => number;
  /** Told of each try that the store answered or failed. */
  readonly onStore: (error: unknown) => void;
}

interface Waiter {
  readonly needNanoUsd: NanoUsd;
  readonly untilMs: number;
  /** Set where it waits on after a short draw, for what others hold and may not need. */
  readonly patience: Patience | undefined;
  readonly done: (result: true | Fault) => void;
  /** Whether the draw under way was made for it too. */
  isCounted: boolean;
}

interface Purse {
  of: PurseRef;
  /** Drawn, less what was spent or given back. Below zero after an attempt that cost more than was held. */
  leased: NanoUsd;
  held: NanoUsd;
  usedAtMs: number;
  isDrawing: boolean;
  waiters: Waiter[];
  /** Asks anew for those who are patient. */
  timer: NodeJS.Timeout | undefined;
  lastGiven: NanoUsd;
  rest: { readonly untilMs: number; readonly needNanoUsd: NanoUsd } | undefined;
  /** Spent and held as far as this process knows, for the texts of faults. */
  known: { limit: NanoUsd; spent: NanoUsd; elsewhere: NanoUsd } | undefined;
}

/** The purses of this process. */
export class Purses {
  readonly #ports: PursePorts;
  readonly #purses = new Map<string, Purse>();

  constructor(ports: PursePorts) {
    this.#ports = ports;
  }

  /** Puts an amount aside: true at once, after a draw, or, with patience, as soon as others need less than they hold; or a fault. */
  reserve(of: PurseRef, nanoUsd: NanoUsd, patience?: Patience): true | Fault | Promise<true | Fault> {
    const nowMs = this.#ports.monotonicMs();
    const purse = this.#purses.get(of.id) ?? newPurse(of);
    this.#purses.set(of.id, purse);
    purse.of = of;
    purse.usedAtMs = nowMs;
    if (take(purse, nanoUsd)) {
      if (isLow(purse, nanoUsd)) this.#draw(purse);
      return true;
    }
    const isKnownShort = isResting(purse, nowMs) && nanoUsd >= (purse.rest?.needNanoUsd ?? 0n);
    if (isKnownShort && !mayWait(purse, nanoUsd, patience)) return exceeded(purse);
    return this.#wait(purse, { needNanoUsd: nanoUsd, patience, isCounted: isKnownShort });
  }

  /** Puts an amount aside if this can be done at once. Nothing can be, also of a purse that is not known here. */
  tryReserve(id: string, nanoUsd: NanoUsd): boolean {
    const purse = this.#purses.get(id);
    return purse === undefined ? nanoUsd <= 0n : take(purse, nanoUsd);
  }

  /** Of what was put aside, `heldNanoUsd` comes free and `costNanoUsd` is gone for good. */
  spend(id: string, heldNanoUsd: NanoUsd, costNanoUsd: NanoUsd): void {
    const purse = this.#purses.get(id);
    if (purse === undefined) return;
    purse.usedAtMs = this.#ports.monotonicMs();
    purse.held -= heldNanoUsd;
    purse.leased -= costNanoUsd;
    if (purse.known !== undefined) purse.known.spent += costNanoUsd;
    // An attempt cost more than was held, and the purse is in debt: it must be covered before others draw.
    if (purse.leased < purse.held && !isResting(purse, purse.usedAtMs)) this.#draw(purse);
    else admitFitting(purse);
  }

  /** What was put aside comes free. */
  free(id: string, heldNanoUsd: NanoUsd): void {
    const purse = this.#purses.get(id);
    if (purse === undefined) return;
    purse.usedAtMs = this.#ports.monotonicMs();
    purse.held -= heldNanoUsd;
    admitFitting(purse);
  }

  /** What it may spend was changed, or another process lacks money: what is in reserve goes back. */
  recall(id: string): void {
    const purse = this.#purses.get(id);
    if (purse === undefined) return;
    purse.rest = undefined;
    if (!purse.isDrawing) this.#giveBack(purse);
  }

  /** The fault of a purse that has not so much left, with the figures as this process knows them. */
  exceeded(of: PurseRef): Fault {
    return exceeded(this.#purses.get(of.id) ?? newPurse(of));
  }

  /** Gives back what lies idle. Only while the store knows everything that was spent here. */
  giveUpIdle(): void {
    const nowMs = this.#ports.monotonicMs();
    for (const purse of this.#purses.values()) {
      if (isQuiet(purse) && nowMs - purse.usedAtMs >= IDLE_MS) this.#giveUp(purse);
    }
  }

  /** Leased to this process and not spent; held of it. */
  figures(id: string): { readonly leasedNanoUsd: NanoUsd; readonly heldNanoUsd: NanoUsd } {
    const purse = this.#purses.get(id);
    return { leasedNanoUsd: purse?.leased ?? 0n, heldNanoUsd: purse?.held ?? 0n };
  }

  #wait(purse: Purse, of: Pick<Waiter, 'needNanoUsd' | 'patience' | 'isCounted'>): Fault | Promise<true | Fault> {
    if (purse.waiters.length >= WAITERS_MAX)
      return fault('overloaded', { reason: 'too many requests wait for the store' });
    const untilMs = this.#ports.monotonicMs() + (of.patience?.waitMs ?? WAIT_MS);
    return new Promise((done) => {
      purse.waiters.push({ ...of, untilMs, done });
      this.#askFor(purse);
    });
  }

  /** Draws for those for whom no draw was made yet; for the others, who are patient, once more after a while. */
  #askFor(purse: Purse): void {
    if (purse.waiters.some(({ isCounted }) => !isCounted)) {
      this.#draw(purse);
      return;
    }
    if (purse.waiters.length === 0) return;
    purse.timer ??= setTimeout(() => {
      purse.timer = undefined;
      impatient(purse, this.#ports.monotonicMs());
      if (purse.waiters.length > 0) this.#draw(purse);
    }, REST_MS);
  }

  #draw(purse: Purse): void {
    if (purse.isDrawing) return;
    purse.isDrawing = true;
    for (const waiter of purse.waiters) waiter.isCounted = true;
    const { books, processId, now, monotonicMs, onStore } = this.#ports;
    const order = { processId, purseId: purse.of.id, ...needOf(purse), atMs: now() };
    const answered = (drawn: Draw): void => {
      onStore(undefined);
      purse.isDrawing = false;
      receive(purse, drawn, monotonicMs());
      this.#serve(purse, drawn.givenNanoUsd < order.needNanoUsd);
    };
    const failed = (error: unknown): void => {
      onStore(error);
      setTimeout(() => {
        purse.isDrawing = false;
        expire(purse, monotonicMs());
        if (purse.waiters.length > 0) this.#draw(purse);
      }, RETRY_MS);
    };
    books.draw(order).then(answered, failed);
  }

  /** Those who fit go on. Those for whom a short draw was made and who still do not fit are refused. Others cause another. */
  #serve(purse: Purse, isShort: boolean): void {
    const nowMs = this.#ports.monotonicMs();
    // A debt that the store cannot cover: no use in asking again for every receipt.
    if (isShort && purse.waiters.length === 0) rest(purse, 1n, nowMs);
    const left: Waiter[] = [];
    for (const waiter of purse.waiters) {
      if (take(purse, waiter.needNanoUsd)) waiter.done(true);
      else if (isShort && waiter.isCounted) {
        rest(purse, waiter.needNanoUsd, nowMs);
        if (isHopeful(purse, waiter.needNanoUsd, waiter.patience)) left.push(waiter);
        else waiter.done(exceeded(purse));
      } else left.push(waiter);
    }
    purse.waiters = left;
    this.#askFor(purse);
  }

  #giveBack(purse: Purse): void {
    const nanoUsd = purse.leased - purse.held;
    if (nanoUsd <= 0n) return;
    purse.leased -= nanoUsd;
    const { books, processId, now, onStore } = this.#ports;
    books.giveBack({ processId, purseId: purse.of.id, amountNanoUsd: nanoUsd, atMs: now() }).then(
      () => onStore(undefined),
      (error: unknown) => {
        onStore(error);
        // Only "busy" says for certain that nothing was written.
        if (troubleOf(error) === 'busy') purse.leased += nanoUsd;
      },
    );
  }

  /**
   * Empties a purse that nobody uses, whatever the store still counts as leased: this also mends small differences. Nothing is
   * drawn until that is done: on another connection the draw could come first, and be given back with the rest.
   */
  #giveUp(purse: Purse): void {
    const { books, processId, now, monotonicMs, onStore } = this.#ports;
    purse.leased = 0n;
    purse.usedAtMs = monotonicMs();
    purse.isDrawing = true;
    const over = (error: unknown): void => {
      onStore(error);
      purse.isDrawing = false;
      this.#askFor(purse);
      if (error === undefined && purse.leased === 0n && isQuiet(purse)) this.#purses.delete(purse.of.id);
    };
    books
      .giveBack({ processId, purseId: purse.of.id, amountNanoUsd: 'all', atMs: now() })
      .then(() => over(undefined), over);
  }
}

function newPurse(of: PurseRef): Purse {
  return {
    of,
    leased: 0n,
    held: 0n,
    usedAtMs: 0,
    isDrawing: false,
    waiters: [],
    timer: undefined,
    lastGiven: 0n,
    rest: undefined,
    known: undefined,
  };
}

function take(purse: Purse, nanoUsd: NanoUsd): boolean {
  // What costs nothing is no business of a budget, not even of one in debt.
  if (nanoUsd > 0n && purse.leased - purse.held < nanoUsd) return false;
  purse.held += nanoUsd;
  return true;
}

/** What all that wait need beyond what is free, and the least that would help any of them. */
function needOf(purse: Purse): { readonly needNanoUsd: NanoUsd; readonly leastNanoUsd: NanoUsd } {
  const free = purse.leased - purse.held;
  let sum = 0n;
  let least: NanoUsd | undefined;
  for (const { needNanoUsd } of purse.waiters) {
    sum += needNanoUsd;
    if (least === undefined || needNanoUsd < least) least = needNanoUsd;
  }
  return { needNanoUsd: positive(sum - free), leastNanoUsd: positive((least ?? 0n) - free) };
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n;
}

function receive(purse: Purse, drawn: Draw, nowMs: number): void {
  purse.leased += drawn.givenNanoUsd;
  purse.lastGiven = drawn.givenNanoUsd;
  purse.usedAtMs = nowMs;
  // What the store counts as leased here and this process does not has been spent, and is not taken in yet.
  const spentHere = positive(drawn.leasedHereNanoUsd - purse.leased);
  purse.known = {
    limit: drawn.limitNanoUsd,
    spent: drawn.spentNanoUsd + spentHere,
    elsewhere: drawn.leasedElsewhereNanoUsd,
  };
}

/** Refuses from memory for a while whoever needs as much. */
function rest(purse: Purse, needNanoUsd: NanoUsd, nowMs: number): void {
  const known = isResting(purse, nowMs) ? purse.rest?.needNanoUsd : undefined;
  purse.rest = {
    untilMs: nowMs + REST_MS,
    needNanoUsd: known === undefined || needNanoUsd < known ? needNanoUsd : known,
  };
}

function isResting(purse: Purse, nowMs: number): boolean {
  return purse.rest !== undefined && nowMs < purse.rest.untilMs;
}

function isQuiet(purse: Purse): boolean {
  return purse.held === 0n && purse.waiters.length === 0 && !purse.isDrawing;
}

/** Little is left, and the last draw was large: another one ahead keeps requests from waiting. Small ones mean the end is near. */
function isLow(purse: Purse, needNanoUsd: NanoUsd): boolean {
  const ahead = needNanoUsd * AHEAD_REQUESTS;
  return purse.leased - purse.held < ahead && purse.lastGiven > ahead * 2n && !purse.isDrawing;
}

function admitFitting(purse: Purse): void {
  if (purse.waiters.length === 0) return;
  const left: Waiter[] = [];
  for (const waiter of purse.waiters) {
    if (purse.leased > purse.held && take(purse, waiter.needNanoUsd)) waiter.done(true);
    else left.push(waiter);
  }
  purse.waiters = left;
}

/** Whether it would fit if others gave back all that they hold, and somebody holds something. */
function isHopeful({ known, held }: Purse, needNanoUsd: NanoUsd, patience: Patience | undefined): boolean {
  if (patience === undefined || patience.signal.aborted) return false;
  if (known === undefined) return held > 0n;
  return held + known.elsewhere > 0n && known.limit - known.spent >= needNanoUsd;
}

function mayWait(purse: Purse, needNanoUsd: NanoUsd, patience: Patience | undefined): boolean {
  return purse.waiters.length < PATIENT_MAX && isHopeful(purse, needNanoUsd, patience);
}

/** Refuses those whose patience is over, who have gone, and for whom there is no hope any more. */
function impatient(purse: Purse, nowMs: number): void {
  const left: Waiter[] = [];
  for (const waiter of purse.waiters) {
    const { needNanoUsd, patience, untilMs } = waiter;
    if (patience === undefined || (untilMs > nowMs && isHopeful(purse, needNanoUsd, patience))) left.push(waiter);
    else waiter.done(exceeded(purse));
  }
  purse.waiters = left;
}

function expire(purse: Purse, nowMs: number): void {
  const left: Waiter[] = [];
  for (const waiter of purse.waiters) {
    if (waiter.untilMs > nowMs) left.push(waiter);
    else waiter.done(fault('store-unavailable'));
  }
  purse.waiters = left;
}

function exceeded(purse: Purse): Fault {
  const { of, known } = purse;
  const [limit, spent] = [known?.limit ?? of.limitNanoUsd ?? 0n, known?.spent ?? 0n];
  const held = (known?.elsewhere ?? 0n) + purse.held;
  return fault('budget-exceeded', {
    owner: of.owner,
    state: spent + held < limit ? 'has too little left for this request' : 'is used up',
    limit: formatUsd(limit),
    spent: formatUsd(spent),
    held: formatUsd(held),
    reset: of.resetsAtMs === undefined ? 'never (it has no period)' : new Date(of.resetsAtMs).toISOString(),
    command: commandFor(of.id),
  });
}

/** What gives the purse more: budgets, credits and keys are raised in different ways. */
function commandFor(purseId: string): string {
  if (purseId.startsWith('bud_')) return '`turnout budgets set`';
  return purseId.startsWith('crd_') ? 'a top-up (`POST /admin/v1/credits`)' : '`turnout keys set`';
}
