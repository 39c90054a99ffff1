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
import type { Books } from './books/form.ts';
import { Intake } from './intake.ts';
import type { Journal } from './journal.ts';
import { discardedText, interruptedReceipt, receiptText } from './journal-entry.ts';
import type { Held, Hold, Ledger, LedgerHealth, Opening, PaidPlace, Payer, Receipt } from './ports.ts';
import type { Patience, TargetPurses } from './purse-ports.ts';
import { Purses } from './purses.ts';
import { andThen, freeAll, refusing, reserveAll, tryReserveAll, type Wanted } from './reserve.ts';
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

/** A hold as the ledger sees it: the same amount in each of its purses. */
class LiveHold implements Hold {
  readonly kind = 'hold';
  readonly keyId: string;
  readonly requestId: string;
  readonly isBudgeted: boolean;
  leftNanoUsd: NanoUsd;
  /** The worst of the attempts now open, so that two at once do not count on the same money. */
  promisedNanoUsd = 0n;
  isReleased = false;
  /** An attempt of it was charged: what is fixed is not charged again. */
  isCharged = false;
  readonly payer: Payer;
  /** Its attempts that are not settled yet; seldom more than one. */
  readonly open: OpenAttempt[] = [];
  /** Where attempts of it were settled. */
  readonly settledAt: PaidPlace[] = [];
  /** Put aside in purses of targets for attempts that are about to open, by their ids. */
  readonly covered = new Map<string, Covered>();

  constructor(payer: Payer, requestId: string, heldNanoUsd: NanoUsd) {
    this.payer = payer;
    this.keyId = payer.keyId;
    this.requestId = requestId;
    this.isBudgeted = payer.hard.length > 0;
    this.leftNanoUsd = this.isBudgeted ? heldNanoUsd : 0n;
  }
}

interface OpenAttempt extends Member {
  /** Of charges. */
  readonly worstNanoUsd: NanoUsd;
  /** Its receipt, should nothing more be heard of it. */
  readonly receipt: Receipt;
  /** Purses of its target, and what is put aside in each. */
  readonly purses: TargetPurses;
  readonly heldNanoUsd: NanoUsd;
}

interface Covered {
  readonly purses: TargetPurses;
  readonly nanoUsd: NanoUsd;
}

/** In which purses of its target a receipt is booked, and whether it is the first of its hold that is charged. */
interface Booking {
  readonly purses: TargetPurses;
  readonly isFirst: boolean;
}

const NO_PURSES: TargetPurses = { hard: [], booked: [] };

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

  hold(payer: Payer, worstNanoUsd: NanoUsd, requestId: string): Held | Promise<Held> {
    return this.#held(payer, requestId, { nanoUsd: worstNanoUsd });
  }

  holdPatiently(
    payer: Payer,
    worstNanoUsd: NanoUsd,
    of: Patience & { readonly requestId: string },
  ): Held | Promise<Held> {
    return this.#held(payer, of.requestId, { nanoUsd: worstNanoUsd, patience: of });
  }

  #held(payer: Payer, requestId: string, wanted: Wanted): Held | Promise<Held> {
    if (this.#whyNoMoney() !== undefined) return fault('store-unavailable');
    const done = (result: true | Fault): Held =>
      result === true ? new LiveHold(payer, requestId, wanted.nanoUsd) : result;
    const held = reserveAll(this.#purses, payer.hard, wanted);
    return held instanceof Promise ? held.then(done) : done(held);
  }

  extend(given: Hold, attempt: Opening): undefined | Fault | Promise<undefined | Fault> {
    const hold = live(given);
    if (hold.isReleased) return undefined;
    const { attemptId, worstNanoUsd = 0n } = attempt;
    const more = hold.isBudgeted ? positive(worstOf(hold, attempt) - unpromised(hold)) : 0n;
    const purses = hold.covered.has(attemptId) ? NO_PURSES : pursesAt(hold, attempt);
    const add = (result: true | Fault): undefined | Fault => {
      if (result !== true) return result;
      if (hold.isReleased) {
        // Released while it waited: nobody else would give this back.
        freeAll(this.#purses, hold.payer.hard, more);
        freeAll(this.#purses, purses.hard, worstNanoUsd);
      } else {
        hold.leftNanoUsd += more;
        if (purses.hard.length > 0) hold.covered.set(attemptId, { purses, nanoUsd: worstNanoUsd });
      }
      return undefined;
    };
    const reserved = this.#reserveBoth(hold, { more, purses, worstNanoUsd });
    return reserved instanceof Promise ? reserved.then(add) : add(reserved);
  }

  /** More for the request, and all of it for the attempt's target: both or neither. */
  #reserveBoth(hold: LiveHold, { more, purses, worstNanoUsd }: Both): true | Fault | Promise<true | Fault> {
    const { hard } = hold.payer;
    return andThen(more === 0n ? true : reserveAll(this.#purses, hard, { nanoUsd: more }), () =>
      refusing(elsewhere(reserveAll(this.#purses, purses.hard, { nanoUsd: worstNanoUsd })), () =>
        freeAll(this.#purses, hard, more),
      ),
    );
  }

  open(given: Hold, attempt: Opening): Fault | undefined {
    const hold = live(given);
    if (hold.isReleased) throw new Error(`request ${hold.requestId} opens an attempt after its hold was released`);
    const { worstNanoUsd: costNanoUsd = 0n, requestId = hold.requestId } = attempt;
    const worstNanoUsd = hold.isBudgeted ? worstOf(hold, attempt) : 0n;
    const missing = worstNanoUsd - unpromised(hold);
    if (missing > 0n) {
      const short = tryReserveAll(this.#purses, hold.payer.hard, missing);
      if (short !== undefined) return this.#purses.exceeded(short);
      hold.leftNanoUsd += missing;
    }
    const covered = hold.covered.get(attempt.attemptId);
    const { purses, nanoUsd: heldNanoUsd } = covered ?? { purses: pursesAt(hold, attempt), nanoUsd: costNanoUsd };
    const short = covered === undefined ? tryReserveAll(this.#purses, purses.hard, costNanoUsd) : undefined;
    if (short !== undefined) return this.#purses.exceeded(short);
    hold.covered.delete(attempt.attemptId);
    const trace = plausible(interruptedReceipt(requestId, hold.payer, attempt));
    // After a crash nobody knows which of two at once was charged first: what is fixed goes with the one opened first.
    const receipt = whole(hold, trace, { purses, isFirst: !hold.isCharged && hold.open.length === 0 });
    if (!this.#recorder.tryRecord(receiptText('opened', receipt))) {
      freeAll(this.#purses, purses.hard, heldNanoUsd);
      return fault('store-unavailable');
    }
    hold.promisedNanoUsd += worstNanoUsd;
    const opened = { worstNanoUsd, receipt, purses, heldNanoUsd, place: OUTSIDE };
    hold.open.push(opened);
    this.#open.enter(opened);
    return undefined;
  }

  settle(given: Hold, receipt: Receipt): boolean {
    const hold = live(given);
    const attempt = this.#close(hold, receipt.attemptId);
    if (attempt === undefined) return false;
    const { purses } = attempt;
    const honest = whole(hold, plausible(receipt), { purses, isFirst: !hold.isCharged });
    this.#recorder.record(receiptText('settled', honest));
    const costNanoUsd = honest.costNanoUsd ?? 0n;
    const chargeNanoUsd = honest.chargeNanoUsd ?? costNanoUsd;
    if (isOfItself(hold, receipt)) {
      hold.settledAt.push(receipt);
      hold.isCharged ||= chargeNanoUsd > 0n;
    }
    for (const { id } of purses.hard) this.#purses.spend(id, attempt.heldNanoUsd, costNanoUsd);
    if (!hold.isBudgeted) return true;
    const covered = chargeNanoUsd < hold.leftNanoUsd ? chargeNanoUsd : hold.leftNanoUsd;
    hold.leftNanoUsd -= covered;
    for (const { id } of hold.payer.hard) this.#purses.spend(id, covered, chargeNanoUsd);
    return true;
  }

  discard(given: Hold, attemptId: string): boolean {
    const attempt = this.#close(live(given), attemptId);
    if (attempt === undefined) return false;
    this.#recorder.record(discardedText(attemptId));
    freeAll(this.#purses, attempt.purses.hard, attempt.heldNanoUsd);
    return true;
  }

  release(given: Hold): void {
    const hold = live(given);
    if (hold.isReleased) return;
    for (const { receipt } of hold.open.slice()) this.settle(hold, receipt);
    hold.isReleased = true;
    for (const { purses, nanoUsd } of hold.covered.values()) freeAll(this.#purses, purses.hard, nanoUsd);
    hold.covered.clear();
    if (hold.leftNanoUsd > 0n) freeAll(this.#purses, hold.payer.hard, hold.leftNanoUsd);
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
    const { journal, now } = this.#ports;
    // Not while a receipt waits for the disk: its attempt is no longer open here, and only the old segment knows of it.
    if (this.#recorder.unwritten === 0) {
      journal.rotate(() => [...this.#open].map(({ receipt }) => receiptText('opened', receipt)), now());
    }
    journal.sync();
    await this.#intake.next().catch((error: unknown) => this.#trouble.note(error));
  }

  /** Tries the disk again after it refused a line, and gives idle money back. */
  tend(): void {
    this.#recorder.retry();
    if (this.#intake.isDone() && this.#recorder.unwritten === 0) this.#purses.giveUpIdle();
  }

  /** What it may spend has changed, or another process lacks money of it: what is in reserve goes back. */
  recall(purseId: string): void {
    this.#purses.recall(purseId);
  }

  /** Of this process: leased and not spent, and what is held of it. */
  figures(purseId: string): { readonly leasedNanoUsd: NanoUsd; readonly heldNanoUsd: NanoUsd } {
    return this.#purses.figures(purseId);
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

  #close(hold: LiveHold, attemptId: string): OpenAttempt | undefined {
    const at = hold.open.findIndex((attempt) => attempt.receipt.attemptId === attemptId);
    const attempt = hold.open[at];
    if (attempt === undefined) return undefined;
    hold.open.splice(at, 1);
    this.#open.leave(attempt);
    hold.promisedNanoUsd -= attempt.worstNanoUsd;
    return attempt;
  }
}

interface Both {
  readonly more: NanoUsd;
  readonly purses: TargetPurses;
  readonly worstNanoUsd: NanoUsd;
}

/** Of what is put aside, what no open attempt counts on. */
function unpromised(hold: LiveHold): NanoUsd {
  return hold.leftNanoUsd - hold.promisedNanoUsd;
}

function pursesAt(hold: LiveHold, at: PaidPlace): TargetPurses {
  return hold.payer.pursesAt?.(at) ?? NO_PURSES;
}

/** What one target has used up, another may have left. */
function elsewhere(reserved: true | Fault | Promise<true | Fault>): true | Fault | Promise<true | Fault> {
  if (reserved instanceof Promise) return reserved.then((result) => (result === true ? true : elsewhereFault(result)));
  return reserved === true ? true : elsewhereFault(reserved);
}

function elsewhereFault(of: Fault): Fault {
  return of.code === 'budget-exceeded' ? { ...of, code: 'target-budget-exceeded' } : of;
}

/** The most that can be charged for an attempt. Nothing where nobody says what it can cost: it is booked, covered or not. */
function worstOf(hold: LiveHold, attempt: Opening): NanoUsd {
  const { worstNanoUsd } = attempt;
  return worstNanoUsd === undefined ? 0n : chargeOf(hold, attempt, worstNanoUsd);
}

/** What is charged for a cost; the cost itself where no plan says otherwise. */
function chargeOf(hold: LiveHold, at: PaidPlace & { readonly isFirst?: boolean }, costNanoUsd: NanoUsd): NanoUsd {
  const { provider, model, isFirst = !hold.isCharged } = at;
  return hold.payer.chargeOf?.(costNanoUsd, { provider, model, isFirst }) ?? costNanoUsd;
}

/** The receipt with all that the ledger knows: what is charged, in which purses it is booked, under which labels. */
function whole(hold: LiveHold, receipt: Receipt, { purses, isFirst }: Booking): Receipt {
  const { costNanoUsd, provider, model, labels = hold.payer.labels } = receipt;
  const isOwn = isOfItself(hold, receipt);
  const at = { provider, model, isFirst: isFirst || !isOwn };
  const charge = costNanoUsd === undefined ? undefined : chargeOf(hold, at, costNanoUsd);
  const isAtCost = charge === undefined || charge === costNanoUsd;
  const isRepeat = isOwn && hold.settledAt.some((place) => place.provider === provider && place.model === model);
  const paid = { ...receipt, purses: allOf(hold.payer.booked, purses.booked), labels };
  if (isAtCost && !isRepeat) return paid;
  return { ...paid, ...(isAtCost ? {} : { chargeNanoUsd: charge }), isRepeat };
}

function allOf(own: readonly string[], targets: readonly string[]): readonly string[] {
  return targets.length === 0 ? own : [...own, ...targets];
}

/** False for a request that shares the hold with others: it has one attempt, the first one that is charged for it. */
function isOfItself({ requestId }: Hold, receipt: Receipt): boolean {
  return receipt.requestId === requestId;
}

function positive(amount: NanoUsd): NanoUsd {
  return amount > 0n ? amount : 0n;
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
