/** What callers say of answers, summed in memory by target and task: a plan asks for it, and must not wait for the store. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { dayOf } from './books/feedback.ts';
import type { Books } from './books/form.ts';
import { patiently } from './patience.ts';
import type { Feedback, FeedbackRow, Opinion } from './ports.ts';

/** A provider changes what stands behind a name every few months: a word of a month ago counts half. */
const HALF_LIFE_DAYS = 30;
/** Then it counts less than a thousandth, and is not read any more. */
const HORIZON_DAYS = 10 * HALF_LIFE_DAYS;
/** Words kept; summing them takes the store's thread a tenth of a second. */
const ROWS_MAX = 200_000;

/** A key may say so many words at once, and so many a second after that: as fast as people are, and whole batches of them. */
const BURST = 200;
const WORDS_PER_S = 20;
/** Keys whose pace is known; one that is forgotten begins anew. */
const PACES_MAX = 10_000;

interface Pace {
  readonly left: number;
  readonly atMs: number;
}

interface Sum {
  /** As of `day`. */
  readonly sum: number;
  readonly weight: number;
  readonly day: number;
}

export class FeedbackBook implements Feedback {
  readonly #books: Books;
  /** Milliseconds since 1970. */
  readonly #now: () => number;
  #sums = new Map<string, Sum>();
  readonly #paces = new Map<string, Pace>();

  constructor(books: Books, now: () => number) {
    this.#books = books;
    this.#now = now;
  }

  async give(row: FeedbackRow): Promise<Result<undefined, Fault>> {
    const tooFast = this.#pace(row.keyId);
    if (tooFast !== undefined) return err(tooFast);
    const before = await patiently(async () => this.#books.putFeedback(row));
    if (!before.ok) return before;
    if (before.value !== undefined) add(this.#sums, { ...before.value, day: dayOf(before.value.atMs), times: -1 });
    add(this.#sums, { ...row, day: dayOf(row.atMs), times: 1 });
    return ok(undefined);
  }

  async of(requestId: string): Promise<Result<FeedbackRow | undefined, Fault>> {
    return patiently(async () => this.#books.getFeedback(requestId));
  }

  about(targetId: string, task: string): Opinion | undefined {
    const known = this.#sums.get(nameOf(targetId, task));
    if (known === undefined) return undefined;
    const count = known.weight * faded(dayOf(this.#now()) - known.day);
    // What is left of words that were taken back is rounding.
    if (count < 1e-6) return undefined;
    return { mean: Math.min(1, Math.max(0, known.sum / known.weight)), count };
  }

  /** Learns what was said before this process, and to others. Throws where the store is in trouble. */
  async refresh(): Promise<void> {
    const today = dayOf(this.#now());
    const sums = new Map<string, Sum>();
    for (const { day, target, task, sum, count } of await this.#books.feedbackSums(today - HORIZON_DAYS))
      add(sums, { day, target, task, score: sum / count, times: count });
    this.#sums = sums;
  }

  /** Takes the oldest words away where there are too many. */
  async prune(): Promise<void> {
    await this.#books.pruneFeedback(ROWS_MAX);
  }

  #pace(keyId: string): Fault | undefined {
    const atMs = this.#now();
    const before = this.#paces.get(keyId) ?? { left: BURST, atMs };
    const left = Math.min(BURST, before.left + (Math.max(0, atMs - before.atMs) / 1000) * WORDS_PER_S);
    if (left < 1)
      return fault(
        'rate-limited',
        { reason: `${WORDS_PER_S} feedbacks a second` },
        { retryAfterMs: 1000 / WORDS_PER_S },
      );
    if (this.#paces.size >= PACES_MAX) this.#paces.clear();
    this.#paces.set(keyId, { left: left - 1, atMs });
    return undefined;
  }
}

interface Said {
  readonly target: string;
  readonly task: string;
  readonly day: number;
  readonly score: number;
  /** So many words; minus one: one is taken back. */
  readonly times: number;
}

function add(sums: Map<string, Sum>, { target, task, day, score, times }: Said): void {
  const name = nameOf(target, task);
  const before = sums.get(name) ?? { sum: 0, weight: 0, day };
  const latest = Math.max(day, before.day);
  const old = faded(latest - before.day);
  const weight = times * faded(latest - day);
  sums.set(name, { sum: before.sum * old + score * weight, weight: before.weight * old + weight, day: latest });
}

function faded(days: number): number {
  return 2 ** (-Math.max(0, days) / HALF_LIFE_DAYS);
}

/** `openai/gpt-5#2` is the same model behind another key: what is said of one is said of all. */
function nameOf(targetId: string, task: string): string {
  const mark = targetId.lastIndexOf('#');
  return `${mark === -1 ? targetId : targetId.slice(0, mark)}\n${task}`;
}
