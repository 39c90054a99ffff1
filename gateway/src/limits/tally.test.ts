import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RateLimit } from '../config/rate-limits.ts';
import { Limiter, type Asking, type Passed, type Subject } from './limiter.ts';
import type { Answer, Meter, Order } from './meter.ts';
import { Tally, type Ask } from './tally.ts';

const NONE = { inputTokens: 0, outputTokens: 0 };
const CONCURRENT: RateLimit = { of: 'concurrent', windowMs: 0, max: 2 };
const REQUESTS: RateLimit = { of: 'requests', windowMs: 60_000, max: 5 };
const TOKENS: RateLimit = { of: 'tokens', windowMs: 60_000, max: 1000 };

function subjectWith(...limits: readonly RateLimit[]): Subject {
  return { scope: 'key', id: 'k', name: 'key "k"', limits };
}

function askOf({ meter, need, debt, own, unused }: Order): Ask {
  const { windowMs, max } = meter.limit;
  return { name: meter.name, windowMs, max, need, debt, own, unused };
}

/** A worker whose words to the tally, and the answers, are under way for as long as one likes, and keep their order. */
class Worker {
  readonly id: number;
  readonly limiter = new Limiter();
  readonly running: Passed[] = [];
  refused = 0;
  readonly #tally: Tally;
  readonly #up: { readonly orders: readonly Order[]; readonly asking?: Asking }[] = [];
  readonly #down: {
    readonly orders: readonly Order[];
    readonly answers: readonly Answer[];
    readonly asking?: Asking;
  }[] = [];
  readonly #due = new Set<Meter>();

  constructor(id: number, tally: Tally) {
    this.id = id;
    this.#tally = tally;
    this.limiter.count({ kind: 'shared', isNear: true });
    this.limiter.whenMistaken((meter) => void this.#due.add(meter));
  }

  ask(subject: Subject, nowMs: number, need = NONE): void {
    const tried = this.limiter.pass([subject], need, nowMs);
    if (tried.kind === 'asking') this.#up.push({ orders: tried.orders, asking: tried });
    else if (tried.kind === 'refused') this.refused += 1;
    else assert.fail(tried.kind);
  }

  settle(nowMs: number, used = NONE): void {
    const one = this.running.shift();
    if (one !== undefined) this.limiter.settle(one, used, nowMs);
    this.#tell(nowMs);
  }

  /** The first of what is under way arrives there. */
  up(nowMs: number): void {
    const first = this.#up.shift();
    if (first === undefined) return;
    const { answers } = this.#tally.draw(this.id, first.orders.map(askOf), nowMs);
    this.#down.push({ ...first, answers });
  }

  /** The first answer arrives here. */
  down(nowMs: number): void {
    const first = this.#down.shift();
    if (first === undefined) return;
    if (first.asking === undefined) {
      for (const [index, order] of first.orders.entries()) {
        const answer = first.answers[index];
        if (answer !== undefined) order.meter.answered(order, answer, nowMs);
      }
    } else {
      const result = this.limiter.answered(first.asking, first.answers, nowMs);
      if (result.kind === 'passed') this.running.push(result);
      else this.refused += 1;
    }
    this.#tell(nowMs);
  }

  /** Until nothing is under way. */
  quiet(nowMs: number): void {
    while (this.#up.length + this.#down.length > 0) {
      this.up(nowMs);
      this.down(nowMs);
    }
  }

  /** Those that the tally counts as its own, or will. */
  get granted(): number {
    const under = this.#down.filter(({ asking, answers }) => asking !== undefined && answers[0]?.kind === 'drawn');
    return this.running.length + under.length;
  }

  #tell(nowMs: number): void {
    const orders = [...this.#due].flatMap((meter) => meter.news(nowMs, false) ?? []);
    this.#due.clear();
    if (orders.length > 0) this.#up.push({ orders });
  }
}

const ACTS = ['ask', 'up', 'down', 'settle', 'ask', 'up', 'down', 'settle', 'die'] as const;

describe('Tally', () => {
  it('never has more under way than the limit over all workers, however their words cross and whoever dies, and finds every place again', () => {
    const acts = fc.array(fc.tuple(fc.constantFrom(...ACTS), fc.nat(2)), { maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(acts, (steps) => {
        const tally = new Tally();
        const subject = subjectWith(CONCURRENT);
        const workers = [0, 1, 2].map((id) => new Worker(id, tally));
        let nowMs = 0;
        for (const [act, index] of steps) {
          nowMs += 1001;
          const worker = workers[index] ?? assert.fail();
          if (act === 'ask') worker.ask(subject, nowMs);
          else if (act === 'die') {
            tally.gone(index);
            workers[index] = new Worker(index, tally);
          } else worker[act](nowMs);
          const granted = workers.reduce((sum, one) => sum + one.granted, 0);
          assert.ok(granted <= CONCURRENT.max, `${granted} under way`);
        }
        for (const worker of workers) {
          worker.quiet(nowMs);
          while (worker.running.length > 0) worker.settle(nowMs);
          worker.quiet(nowMs);
        }
        const [first] = workers;
        assert.ok(first !== undefined);
        for (let count = 0; count < 4; count += 1) {
          first.ask(subject, nowMs + 1001);
          first.quiet(nowMs + 1001);
        }
        assert.equal(first.running.length, CONCURRENT.max, 'places were lost');
      }),
      { numRuns: 500 },
    );
  });

  it('does not take what was told before a draw was answered for what is so after it', () => {
    const tally = new Tally();
    const subject = subjectWith(CONCURRENT);
    const [one, two] = [new Worker(1, tally), new Worker(2, tally)];
    one.ask(subject, 0);
    one.quiet(0);
    one.ask(subject, 0);
    one.settle(0);
    one.up(0);
    one.up(0);
    for (let count = 0; count < 3; count += 1) {
      two.ask(subject, 0);
      two.quiet(0);
    }
    // The place that has ended is told of with the answer to the draw, and not before.
    assert.deepEqual([one.granted, two.granted], [1, 0]);
    one.quiet(0);
    two.ask(subject, 1001);
    two.quiet(1001);
    assert.deepEqual([one.granted, two.granted], [1, 1]);
  });

  it('serves exactly the limit, whoever asks, and tells each who is left how much there is', () => {
    const tally = new Tally();
    const workers = [0, 1].map((id) => new Worker(id, tally));
    const subject = subjectWith(REQUESTS);
    const left: (number | undefined)[] = [];
    for (let count = 0; count < 8; count += 1) {
      const worker = workers[count % 2] ?? assert.fail();
      worker.ask(subject, 0);
      worker.quiet(0);
      left.push(worker.limiter.figures([subject], 0).requests?.left);
    }
    assert.deepEqual(left, [4, 3, 2, 1, 0, 0, 0, 0]);
    assert.deepEqual(
      workers.map(({ running, refused }) => [running.length, refused]),
      [
        [3, 1],
        [2, 2],
      ],
    );
    // The slot of the first is whole, and then over.
    const later = workers[0] ?? assert.fail();
    later.ask(subject, 60_999);
    later.quiet(60_999);
    assert.equal(later.running.length, 3);
    later.ask(subject, 61_000);
    later.quiet(61_000);
    assert.equal(later.running.length, 4);
  });

  it('counts at all limits or at none, and gives tokens back that were not used to whoever asks next', () => {
    const tally = new Tally();
    const [one, two] = [new Worker(1, tally), new Worker(2, tally)];
    const subject = subjectWith(REQUESTS, TOKENS);
    one.ask(subject, 0, { inputTokens: 10, outputTokens: 900 });
    one.quiet(0);
    const wanting = { inputTokens: 10, outputTokens: 200 };
    two.ask(subject, 0, wanting);
    two.quiet(0);
    assert.deepEqual([one.running.length, two.running.length], [1, 0]);
    assert.equal(two.limiter.figures([subject], 0).requests?.left, 4, 'what was refused was counted');
    assert.equal(two.limiter.figures([subject], 0).tokens?.left, 90);
    one.settle(0, { inputTokens: 10, outputTokens: 40 });
    one.quiet(0);
    two.limiter.freed(['key:k:tokens:60000']);
    two.ask(subject, 0, wanting);
    two.quiet(0);
    assert.equal(two.running.length, 1);
    assert.equal(two.limiter.figures([subject], 0).tokens?.left, 1000 - 50 - 210);
  });

  it('tells those who were refused when a place is free again, and forgets what a dead worker had', () => {
    const tally = new Tally();
    const ask = (process: number, more: Partial<Ask> = {}): ReturnType<Tally['draw']> =>
      tally.draw(process, [{ name: 'c', windowMs: 0, max: 1, need: 1, debt: 0, own: 0, unused: [], ...more }], 0);
    assert.equal(ask(1).answers[0]?.kind, 'drawn');
    assert.equal(ask(2).answers[0]?.kind, 'dry');
    assert.deepEqual([...ask(1, { need: 0, own: 0 }).freed], [[2, ['c']]]);
    assert.equal(ask(1).answers[0]?.kind, 'drawn');
    assert.equal(ask(2).answers[0]?.kind, 'dry');
    assert.deepEqual([...tally.gone(1)], [[2, ['c']]]);
    assert.equal(ask(2).answers[0]?.kind, 'drawn');
    assert.deepEqual([...tally.gone(1)], [], 'told twice');
  });

  it('draws all or nothing, and takes places back that come with a draw', () => {
    const tally = new Tally();
    const nothing = { debt: 0, own: 0, unused: [] };
    const place = { name: 'c', windowMs: 0, max: 2, need: 1, ...nothing };
    const request = { name: 'r', windowMs: 60_000, max: 9, need: 1, ...nothing };
    const kinds = (more: Partial<Ask> = {}): readonly string[] =>
      tally.draw(1, [request, { ...place, ...more }], 0).answers.map(({ kind }) => kind);
    assert.deepEqual([kinds(), kinds(), kinds()].flat(), ['drawn', 'drawn', 'drawn', 'drawn', 'not-needed', 'dry']);
    assert.equal(tally.draw(2, [{ ...request, need: 0 }], 0).answers[0]?.rest, 7, 'what was not needed was counted');
    assert.deepEqual(kinds({ unused: [[0, 1]] }), ['drawn', 'drawn']);
    assert.deepEqual(kinds(), ['not-needed', 'dry']);
  });

  it('takes in once what a worker had used before it was asked, and then only what that has used alone', () => {
    const tally = new Tally();
    const left = (process: number, more: Partial<Ask>): number | undefined =>
      tally.draw(process, [{ name: 'r', windowMs: 60_000, max: 100, need: 0, debt: 0, own: 0, unused: [], ...more }], 0)
        .answers[0]?.rest;
    assert.equal(left(1, { own: 30, debt: 30 }), 70);
    assert.equal(left(1, { own: 30, debt: 0 }), 70);
    assert.equal(left(1, { own: 40, debt: 10 }), 60);
    assert.equal(left(2, { own: 5 }), 55);
  });
});
