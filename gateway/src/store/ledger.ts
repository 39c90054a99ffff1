/**
 * The ledger on the request's way: holds and receipts. Nothing here waits for the database but a hold whose lease has run
 * out. A receipt is a line in the journal first; the store takes it in afterwards.
 *
 * What an attempt really cost is always recorded, also where it is more than was held (a provider that counts otherwise
 * than it said). The purse is then in debt, new requests wait for a draw that covers it, and where the budget cannot, the
 * key has spent more than its limit by exactly that much; the ledger shows it as `overspend`.
 */
import { fault, type Fault } from '../chat/fault.ts';
import { createCrowd, OUTSIDE, type Member } from '../lib/crowd.ts';
import type { NanoUsd } from '../money/price.ts';
import type { Books } from './books-form.ts';
import { Intake } from './intake.ts';
import type { Journal } from './journal.ts';
import { discardedText, interruptedReceipt, receiptText } from './journal-entry.ts';
import type { Hold, KeyRow, Ledger, LedgerHealth, Opening, Receipt } from './ports.ts';
import { Purses } from './purses.ts';
import { Recorder } from './recorder.ts';
import { StoreTrouble } from './trouble.ts';

/** Bytes that may wait in the journal while the store is away: some two million attempts. Then no more holds are given. */
const JOURNAL_BYTES_MAX = 1024 * 1024 * 1024;
/** One attempt that costs 100 million dollars is not a cost but a defect; its receipt says that the cost is not known. */
const COST_NANO_USD_MAX = 10n ** 17n;

export interface LedgerPorts {
  readonly books: Books;
  readonly journal: Journal;
  readonly processId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
  readonly warn: (text: string) => void;
}

/** A hold as the ledger sees it. */
class LiveHold implements Hold {
  readonly kind = 'hold';
  readonly keyId: string;
  readonly requestId: string;
  readonly isBudgeted: boolean;
  leftNanoUsd: NanoUsd;
  /** The worst of the attempts now open, so that two at once do not count on the same money. */
  promisedNanoUsd = 0n;
  isReleased = false;
  readonly key: KeyRow;
  /** Its attempts that are not settled yet; seldom more than one. */
  readonly open: OpenAttempt[] = [];

  constructor(key: KeyRow, requestId: string, heldNanoUsd: NanoUsd | undefined) {
    this.key = key;
    this.keyId = key.id;
    this.requestId = requestId;
    this.isBudgeted = heldNanoUsd !== undefined;
    this.leftNanoUsd = heldNanoUsd ?? 0n;
  }
}

interface OpenAttempt extends Member {
  readonly worstNanoUsd: NanoUsd;
  /** Its receipt, should nothing more be heard of it. */
  readonly receipt: Receipt;
}

/** The ledger of a process that has its journal open and its lock taken, with what its owner calls on timers and at the end. */
export class LedgerBook implements Ledger {
  readonly #ports: LedgerPorts;
  readonly #trouble: StoreTrouble;
  readonly #purses: Purses;
  readonly #recorder: Recorder;
  readonly #intake: Intake;
  readonly #open = createCrowd<OpenAttempt>();

  constructor(ports: LedgerPorts) {
    const { books, processId, now, monotonicMs, journal, warn } = ports;
    this.#ports = ports;
    this.#trouble = new StoreTrouble(monotonicMs, warn);
    const onStore = (error: unknown): void => this.#trouble.note(error);
    this.#purses = new Purses({ books, processId, now, monotonicMs, onStore });
    this.#recorder = new Recorder(journal, warn);
    this.#intake = new Intake({ books, journal, processId, now, onStore });
  }

  hold(key: KeyRow, worstNanoUsd: NanoUsd, requestId: string): Hold | Fault | Promise<Hold | Fault> {
    if (this.#whyNoMoney() !== undefined) return fault('store-unavailable');
    if (key.isRoot || key.budgetNanoUsd === undefined) return new LiveHold(key, requestId, undefined);
    const held = this.#purses.reserve(key, worstNanoUsd);
    if (held === true) return new LiveHold(key, requestId, worstNanoUsd);
    if (!(held instanceof Promise)) return held;
    return held.then((result) => (result === true ? new LiveHold(key, requestId, worstNanoUsd) : result));
  }

  extend(given: Hold, leftNanoUsd: NanoUsd): undefined | Fault | Promise<undefined | Fault> {
    const hold = live(given);
    const more = leftNanoUsd - (hold.leftNanoUsd - hold.promisedNanoUsd);
    if (!hold.isBudgeted || hold.isReleased || more <= 0n) return undefined;
    const add = (result: true | Fault): undefined | Fault => {
      if (result !== true) return result;
      // Released while it waited: nobody else would give this back.
      if (hold.isReleased) this.#purses.free(hold.keyId, more);
      else hold.leftNanoUsd += more;
      return undefined;
    };
    const held = this.#purses.reserve(hold.key, more);
    return held instanceof Promise ? held.then(add) : add(held);
  }

  open(given: Hold, attempt: Opening): Fault | undefined {
    const hold = live(given);
    if (hold.isReleased) throw new Error(`request ${hold.requestId} opens an attempt after its hold was released`);
    const worstNanoUsd = hold.isBudgeted ? (attempt.worstNanoUsd ?? 0n) : 0n;
    const missing = worstNanoUsd - (hold.leftNanoUsd - hold.promisedNanoUsd);
    if (missing > 0n) {
      if (!this.#purses.tryReserve(hold.keyId, missing)) return this.#purses.exceeded(hold.key);
      hold.leftNanoUsd += missing;
    }
    const receipt = plausible(interruptedReceipt(hold, attempt));
    if (!this.#recorder.tryRecord(receiptText('opened', receipt))) return fault('store-unavailable');
    hold.promisedNanoUsd += worstNanoUsd;
    const opened = { worstNanoUsd, receipt, place: OUTSIDE };
    hold.open.push(opened);
    this.#open.enter(opened);
    return undefined;
  }

  settle(given: Hold, receipt: Receipt): boolean {
    const hold = live(given);
    if (!this.#close(hold, receipt.attemptId)) return false;
    const honest = plausible(receipt);
    this.#recorder.record(receiptText('settled', honest));
    if (!hold.isBudgeted) return true;
    const costNanoUsd = honest.costNanoUsd ?? 0n;
    const covered = costNanoUsd < hold.leftNanoUsd ? costNanoUsd : hold.leftNanoUsd;
    hold.leftNanoUsd -= covered;
    this.#purses.spend(hold.keyId, covered, costNanoUsd);
    return true;
  }

  discard(given: Hold, attemptId: string): boolean {
    if (!this.#close(live(given), attemptId)) return false;
    this.#recorder.record(discardedText(attemptId));
    return true;
  }

  release(given: Hold): void {
    const hold = live(given);
    if (hold.isReleased) return;
    for (const { receipt } of hold.open.slice()) this.settle(hold, receipt);
    hold.isReleased = true;
    if (hold.leftNanoUsd > 0n) this.#purses.free(hold.keyId, hold.leftNanoUsd);
    hold.leftNanoUsd = 0n;
  }

  async flush(): Promise<void> {
    this.#recorder.retry();
    await this.#intake.all();
  }

  health(): LedgerHealth {
    const reason = this.#whyNoMoney();
    return {
      isHealthy: reason === undefined,
      ...(reason === undefined ? {} : { reason }),
      journalBytes: this.#intake.waitingBytes(),
      unwrittenReceipts: this.#recorder.unwritten,
      storeAwayMs: this.#trouble.awayMs(),
      openAttempts: this.#open.size,
    };
  }

  /** Brings new receipts into the store, and starts a new segment of the journal where the present one is full. */
  async pump(): Promise<void> {
    const { journal } = this.#ports;
    // Not while a receipt waits for the disk: its attempt is no longer open here, and only the old segment knows of it.
    if (this.#recorder.unwritten === 0) {
      journal.rotate(() => [...this.#open].map(({ receipt }) => receiptText('opened', receipt)));
    }
    journal.sync();
    await this.#intake.next().catch((error: unknown) => this.#trouble.note(error));
  }

  /** Tries the disk again after it refused a line, and gives idle money back. */
  tend(): void {
    this.#recorder.retry();
    if (this.#intake.isDone() && this.#recorder.unwritten === 0) this.#purses.giveUpIdle();
  }

  /** The key changed, or another process lacks money of its budget: what is in reserve goes back. */
  recall(key: KeyRow): void {
    this.#purses.recall(key);
  }

  /** Of this process: leased and not spent, and what is held of it. */
  figures(keyId: string): { readonly leasedNanoUsd: NanoUsd; readonly heldNanoUsd: NanoUsd } {
    return this.#purses.figures(keyId);
  }

  /** Told whenever the store was asked for something else: `undefined` where it answered. */
  noteStore(error: unknown): void {
    this.#trouble.note(error);
  }

  /** Writes no more. What stands in the journal is for `Books.endProcess` to take in, now or at the next start. */
  async stop(): Promise<void> {
    this.#recorder.retry();
    await this.#intake.settled();
    this.#ports.journal.close();
    const lost = this.#recorder.unwritten;
    if (lost > 0)
      this.#ports.warn(`the disk did not take ${lost} receipts: their attempts are billed by their estimate`);
  }

  #whyNoMoney(): string | undefined {
    if (this.#recorder.isBroken) return 'the journal cannot be written (is the disk full?)';
    if (this.#intake.waitingBytes() > JOURNAL_BYTES_MAX) return 'the journal is full: the store has been away too long';
    return undefined;
  }

  #close(hold: LiveHold, attemptId: string): boolean {
    const at = hold.open.findIndex((attempt) => attempt.receipt.attemptId === attemptId);
    const attempt = hold.open[at];
    if (attempt === undefined) return false;
    hold.open.splice(at, 1);
    this.#open.leave(attempt);
    hold.promisedNanoUsd -= attempt.worstNanoUsd;
    return true;
  }
}

function live(hold: Hold): LiveHold {
  if (!(hold instanceof LiveHold)) throw new TypeError('this hold was not given by the ledger');
  return hold;
}

/** A cost below zero or beyond reason is a defect of whoever computed it: it is recorded as unknown, never charged. */
function plausible(receipt: Receipt): Receipt {
  const { costNanoUsd: given } = receipt;
  if (given === undefined || (given >= 0n && given <= COST_NANO_USD_MAX)) return receipt;
  const { costNanoUsd: _, ...rest } = receipt;
  return { ...rest, isEstimated: true };
}
