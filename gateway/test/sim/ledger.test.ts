/**
 * Several gateways on one set of books, by seeded dice: requests that hold, open, settle, discard and release in any
 * order, processes that die and come again, a store that is busy, a disk that is full, a clock that jumps. After every
 * step no key may have spent and held more than its budget; at the end the books must say what the dice said, exactly.
 */
import { payerOf } from '../../src/store/payer.ts';
import { describe, it, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { dice } from '../../src/lib/dice.ts';
import type { Books } from '../../src/store/books/form.ts';
import { DATABASE, openBooks } from '../../src/store/books/books.ts';
import { openJournal } from '../../src/store/journal.ts';
import { LedgerBook } from '../../src/store/ledger.ts';
import { isHold, type Hold, type KeyRow } from '../../src/store/ports.ts';
import { takeLock, type ProcessLock } from '../../src/store/books/process-lock.ts';
import { StoreError } from '../../src/store/books/sqlite.ts';
import { inFolder, opening, receipt } from '../store-kit.ts';

const SEEDS =
  process.env['TURNOUT_SIM_SEED'] === undefined
    ? [1, 42, 4711, 77_003, 900_001]
    : [Number(process.env['TURNOUT_SIM_SEED'])];
const STEPS = Number(process.env['TURNOUT_SIM_STEPS'] ?? 1500);
const PROCESSES = 3;
const AT = 1_795_000_000_000;

interface Dice {
  /** 0 to below `sides`. */
  below(sides: number): number;
  pick<T>(items: readonly T[]): T | undefined;
}

function diceOf(seed: number): Dice {
  const next = dice(seed);
  const below = (sides: number): number => Math.floor(next() * sides);
  return { below, pick: (items) => items[below(items.length)] };
}

interface Attempt {
  readonly id: string;
  readonly worst: bigint;
  readonly estimate: bigint;
}

interface Request {
  readonly key: Account;
  readonly hold: Hold;
  readonly attempts: Attempt[];
}

interface Process {
  readonly ledger: LedgerBook;
  readonly lock: ProcessLock;
  requests: Request[];
  /** Receipts that a full disk keeps in memory: killing us now would bill their estimates instead. */
  isFull: boolean;
}

interface Account {
  row: KeyRow;
  limit: bigint | undefined;
  spent: bigint;
}

class Simulation {
  readonly dice: Dice;
  readonly dir: string;
  readonly books: Books;
  readonly context: TestContext;
  readonly accounts: Account[] = [];
  readonly expected = new Map<string, bigint>();
  processes: Process[] = [];
  readonly callers: AbortController[] = [];
  inFlight = 0;
  isBusy = false;
  nowMs = 0;
  serial = 0;
  counts = { held: 0, refused: 0, settled: 0, crashes: 0, interrupted: 0 };

  constructor(seed: number, dir: string, real: Books, context: TestContext) {
    this.dice = diceOf(seed);
    this.dir = dir;
    this.context = context;
    this.books = {
      ...real,
      draw: async (order) => this.ask(async () => real.draw(order)),
      giveBack: async (order) => this.ask(async () => real.giveBack(order)),
      takeIn: async (...args) => this.ask(async () => real.takeIn(...args)),
      dropJournal: async (...args) => this.ask(async () => real.dropJournal(...args)),
    };
  }

  async ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.isBusy) throw new StoreError('busy', 'busy');
    this.inFlight += 1;
    try {
      return await work();
    } finally {
      this.inFlight -= 1;
    }
  }

  /** Lets what was begun come to its end. */
  async settle(): Promise<void> {
    do await new Promise(setImmediate);
    while (this.inFlight > 0);
  }

  start(): void {
    this.serial += 1;
    const lock = takeLock(this.dir, `sim${this.serial}`);
    assert.ok(lock !== undefined);
    const born: { isFull: boolean } = { isFull: false };
    const journal = openJournal(this.dir, lock.processId, {
      open: (path) => openSync(path, 'ax'),
      write: (fd, text) => writeSync(fd, born.isFull ? text.slice(0, this.dice.below(text.length)) : text),
    });
    const ledger = new LedgerBook({
      books: this.books,
      journal,
      processId: lock.processId,
      now: () => AT,
      monotonicMs: () => this.nowMs,
      warn: () => undefined,
    });
    this.processes.push(Object.assign(born, { ledger, lock, requests: [] }));
  }

  /** Dies as by `kill -9`: whatever was in memory is gone, the files stay. */
  async crash(dead: Process): Promise<void> {
    if (dead.ledger.health().unwrittenReceipts > 0) return;
    await this.settle();
    this.counts.crashes += 1;
    for (const { key, attempts } of dead.requests)
      for (const attempt of attempts) this.bill(key, attempt.id, attempt.estimate, 'interrupted');
    dead.lock.drop();
    this.processes = this.processes.filter((other) => other !== dead);
    await this.books.recover(AT);
    this.start();
  }

  bill(key: Account, id: string, cost: bigint, how: 'settled' | 'interrupted'): void {
    assert.ok(!this.expected.has(id));
    this.expected.set(id, cost);
    key.spent += cost;
    this.counts[how] += 1;
  }

  begin(at: Process): void {
    const key = this.dice.pick(this.accounts);
    assert.ok(key !== undefined);
    const worst = BigInt(this.dice.below(400));
    this.serial += 1;
    const keep = (hold: Awaited<ReturnType<LedgerBook['hold']>>): void => {
      if (!isHold(hold)) this.counts.refused += 1;
      // Given to a process that died meanwhile: nobody has it.
      else if (this.processes.includes(at)) {
        this.counts.held += 1;
        at.requests.push({ key, hold, attempts: [] });
      }
    };
    const result = this.hold(at, key, worst);
    if (result instanceof Promise) void result.then(keep);
    else keep(result);
  }

  /** Every other one waits for what others hold; some callers go meanwhile. */
  hold(at: Process, key: Account, worst: bigint): ReturnType<LedgerBook['hold']> {
    const [payer, requestId] = [payerOf(key.row), `req_${this.serial}`];
    if (this.dice.below(2) === 0) return at.ledger.hold(payer, worst, requestId);
    const caller = new AbortController();
    this.callers.push(caller);
    if (this.dice.below(4) === 0) this.dice.pick(this.callers)?.abort();
    return at.ledger.holdPatiently(payer, worst, { requestId, waitMs: this.dice.below(2000), signal: caller.signal });
  }

  async open(at: Process, request: Request): Promise<void> {
    this.serial += 1;
    const id = `att_${this.serial}`;
    const worst = BigInt(this.dice.below(300));
    const estimate = worst === 0n ? 0n : BigInt(this.dice.below(Number(worst)));
    const given = opening(id, { worstNanoUsd: worst, estimateNanoUsd: estimate });
    let refused = at.ledger.open(request.hold, given);
    if (refused?.code === 'budget-exceeded') {
      const extended = at.ledger.extend(request.hold, given);
      if (extended instanceof Promise) return;
      refused = extended ?? at.ledger.open(request.hold, given);
    }
    if (refused === undefined) request.attempts.push({ id, worst, estimate });
  }

  end(at: Process, request: Request): void {
    const attempt = request.attempts.shift();
    if (attempt === undefined) {
      this.release(at, request);
      return;
    }
    if (this.dice.below(5) === 0) assert.ok(at.ledger.discard(request.hold, attempt.id));
    else {
      const cost = BigInt(this.dice.below(Number(attempt.worst) + 1));
      const settled = receipt(attempt.id, { keyId: request.key.row.id, costNanoUsd: cost });
      assert.ok(at.ledger.settle(request.hold, settled));
      assert.ok(!at.ledger.settle(request.hold, settled));
      this.bill(request.key, attempt.id, cost, 'settled');
    }
  }

  release(at: Process, request: Request): void {
    for (const attempt of request.attempts) this.bill(request.key, attempt.id, attempt.estimate, 'interrupted');
    at.ledger.release(request.hold);
    at.requests = at.requests.filter((other) => other !== request);
  }

  async raise(): Promise<void> {
    const key = this.dice.pick(this.accounts);
    if (key?.limit === undefined || this.isBusy) return;
    const limit = key.limit + BigInt(this.dice.below(3000));
    const stored = await this.books.changeKey(key.row.id, { budgetNanoUsd: limit }, { atMs: AT });
    assert.ok(stored !== undefined);
    key.limit = limit;
    key.row = stored;
    for (const { ledger } of this.processes) ledger.recall(stored.id);
  }

  async tick(at: Process): Promise<void> {
    this.nowMs += this.dice.below(10) === 0 ? 61_000 : this.dice.below(300);
    this.context.mock.timers.tick(100);
    at.ledger.tend();
    if (this.dice.below(2) === 0) await at.ledger.pump();
    else void at.ledger.pump();
  }

  async step(): Promise<void> {
    const at = this.dice.pick(this.processes);
    assert.ok(at !== undefined);
    const request = this.dice.pick(at.requests);
    const roll = this.dice.below(100);
    if (roll < 20) for (let i = 1 + this.dice.below(6); i > 0; i--) this.begin(at);
    else if (roll < 50 && request !== undefined) await this.open(at, request);
    else if (roll < 80 && request !== undefined) this.end(at, request);
    else if (roll < 84 && request !== undefined) this.release(at, request);
    else if (roll < 93) await this.tick(at);
    else if (roll < 95) this.isBusy = !this.isBusy && this.dice.below(3) === 0;
    else if (roll < 97) at.isFull = !at.isFull && this.dice.below(2) === 0;
    else if (roll < 98) await this.raise();
    else if (roll < 99) for (const { row } of this.accounts) at.ledger.recall(row.id);
    else if (!this.isBusy) await this.crash(at);
    if (this.dice.below(3) === 0) await this.settle();
    this.check();
  }

  /** The promise itself, from the outside: what callers were charged and what their running requests may still cost. */
  check(): void {
    for (const key of this.accounts) {
      if (key.limit === undefined) continue;
      let held = 0n;
      for (const { requests } of this.processes)
        for (const request of requests) if (request.key === key) held += request.hold.leftNanoUsd;
      assert.ok(key.spent + held <= key.limit, `${key.row.name}: spent ${key.spent} and held ${held} of ${key.limit}`);
    }
  }

  /** One number from the database itself. */
  peek(sql: string): number {
    const database = new DatabaseSync(join(this.dir, DATABASE), { readOnly: true });
    const found = database.prepare(sql).get();
    database.close();
    return Number(found?.['n']);
  }

  async finish(): Promise<void> {
    this.isBusy = false;
    for (const caller of this.callers) caller.abort();
    // Those who wait are looked at once more, and see that nobody is there.
    this.context.mock.timers.tick(1000);
    await this.settle();
    for (const at of this.processes) {
      at.isFull = false;
      at.ledger.tend();
      for (const request of at.requests) this.end(at, request);
    }
    await this.settle();
    for (const { ledger } of this.processes) await ledger.flush();
    assert.equal(this.peek('select count(*) as n from receipts'), this.expected.size, 'not all is taken in');
    assert.equal(
      this.peek(`select count(*) as n from transfers where kind = 'overspend'`),
      0,
      'a lease was not where it should be',
    );
    for (const [index, at] of this.processes.entries()) {
      for (const { key, attempts } of at.requests)
        for (const attempt of attempts) this.bill(key, attempt.id, attempt.estimate, 'interrupted');
      if (index === 0) await at.ledger.stop();
      at.lock.drop();
    }
    await this.books.recover(AT);
    const { problems, ok } = await this.books.verify();
    assert.deepEqual([ok, problems], [true, []]);
    const { rows } = await this.books.usage({});
    const booked = new Map(rows.map((row) => [row.id, row.cost_nano_usd]));
    assert.equal(rows.length, booked.size, 'a receipt is there twice');
    assert.deepEqual(booked, this.expected);
    for (const { row, spent } of this.accounts) {
      const balances = await this.books.balances(row.id, 'none');
      assert.deepEqual([balances.spentNanoUsd, balances.leasedElsewhereNanoUsd], [spent, 0n], row.name);
    }
    assert.deepEqual(
      readdirSync(this.dir).filter((name) => /journal|lock/.test(name)),
      [],
    );
  }
}

describe('the ledger under dice', () => {
  for (const seed of SEEDS) {
    it(`never spends more than a budget and books each cost once (seed ${seed}, ${STEPS} steps)`, async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      await inFolder(async (dir) => {
        const real = await openBooks({ dataDir: dir, busyMs: 100 });
        const simulation = new Simulation(seed, dir, real, t);
        for (const [index, limit] of [undefined, 900n, 5000n, 60_000n].entries()) {
          const key = {
            id: `key_${index}`,
            name: `key ${index}`,
            isRoot: false,
            createdAtMs: AT,
            tags: [],
            hash: `h${index}`,
          };
          const row = await real.createKey({ ...key, ...(limit === undefined ? {} : { budgetNanoUsd: limit }) });
          simulation.accounts.push({ row, limit, spent: 0n });
        }
        for (let i = 0; i < PROCESSES; i++) simulation.start();
        for (let i = 0; i < STEPS; i++) await simulation.step();
        await simulation.finish();
        const { held, refused, settled, crashes, interrupted } = simulation.counts;
        t.diagnostic(
          `${held} held, ${refused} refused, ${settled} settled, ${interrupted} interrupted, ${crashes} crashes`,
        );
        assert.ok(settled > 50 && refused > 5 && crashes > 3 && interrupted > 3, 'the dice did too little');
        await real.close();
      });
    });
  }
});
