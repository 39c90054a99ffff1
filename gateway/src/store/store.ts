/**
 * The front door of the store. In the data folder:
 *
 *     turnout.db              SQLite: keys, ledger, receipts, request records
 *     secret                  what the hashes of keys are made with
 *     journal-<process>-N.log receipts of a running process that the database does not have yet
 *     process-<process>.lock  held while that process lives
 *     files/                  bytes of uploaded files and of the output of batches
 *
 * Several processes of one machine may share a folder. The database is worked by a thread of its own.
 */
import { createHmac } from 'node:crypto';
import { compact } from '../lib/json.ts';
import { openBooksThread } from './books-client.ts';
import type { Books } from './books-form.ts';
import { BudgetBoard } from './budgets.ts';
import { FeedbackBook } from './feedback.ts';
import { idMaker } from './id.ts';
import { openJournal, type JournalDisk } from './journal.ts';
import { KeyRing } from './keys.ts';
import { LedgerBook } from './ledger.ts';
import { meet } from './meeting.ts';
import { PATIENCE_MS, patiently } from './patience.ts';
import { Directory } from './people.ts';
import { PlanBook } from './plan-book.ts';
import type { Store, StoreOptions } from './ports.ts';
import type { PurseState } from './purse-ports.ts';
import { takeLock, type ProcessLock } from './process-lock.ts';
import { keptReplies, type KeptReplies } from './replies.ts';
import { RequestQueue } from './requests.ts';
import { ensureDataDir, ensureSecret } from './secret.ts';
import { keptSnapshots } from './snapshots.ts';

/** How long one statement waits for another process's. More would keep the thread from reading meanwhile; callers try again. */
const BUSY_MS = 250;
/** A start waits so long for a database that another process has locked. */
const START_PATIENCE_MS = 20_000;
const GRACE_MS = 10 * 60_000;
/** Receipts and records reach the database, and the journal the disk, after so long. */
const PUMP_MS = 200;
/** Changes of keys by other processes are seen after so long; idle money and a full disk are looked at as often. */
const TEND_MS = 1000;
/** When keys were last used is written after so long. */
const USES_MS = 5000;
/** Processes that died beside us are cleaned up after so long. */
const RECOVER_MS = 5000;
const PRUNE_MS = 60_000;
/** What callers say to other processes is known here after so long. */
const FEEDBACK_MS = 60_000;
/** Rows of one usage report, unless more are asked for. */
const USAGE_ROWS_MAX = 100_000;

/** What tests replace. */
export interface StoreParts {
  readonly monotonicMs?: () => number;
  readonly patienceMs?: number;
  readonly books?: Books;
  readonly disk?: JournalDisk;
}

/** Opens the store, takes in what dead processes left, and learns the keys. Throws where the store cannot be used. */
export async function openStore(options: StoreOptions, parts: StoreParts = {}): Promise<Store> {
  const { dataDir, url, now } = options;
  ensureDataDir(dataDir);
  const secret = ensureSecret(dataDir, options.secretHex);
  const newId = idMaker(now);
  const lock = lockOf(dataDir, newId);
  const { processId } = lock;
  const books = parts.books ?? openBooksThread(compact({ dataDir, busyMs: BUSY_MS, url, processId }));
  try {
    const meeting = { ...options, secret, patienceMs: START_PATIENCE_MS };
    await meet(books, meeting, async () => books.recover(now()));
    const journal = openJournal(dataDir, lock.processId, parts.disk);
    const monotonicMs = parts.monotonicMs ?? (() => performance.now());
    const patienceMs = parts.patienceMs ?? PATIENCE_MS;
    const world = { ...options, monotonicMs, patienceMs, books, journal, lock, newId, secret };
    return await run(world);
  } catch (error) {
    lock.release();
    await books.close().catch(() => undefined);
    throw error;
  }
}

function lockOf(dataDir: string, newId: (prefix: string) => string): ProcessLock {
  // Another process that cleans up may hold a new lock for a moment, while it looks whether its owner lives.
  for (let attempt = 0; attempt < 5; attempt++) {
    const lock = takeLock(dataDir, newId('p').replace('_', ''));
    if (lock !== undefined) return lock;
  }
  throw new Error(`No lock can be taken in ${dataDir}. Is it on a local disk?`);
}

interface World extends StoreOptions {
  readonly books: Books;
  readonly journal: ReturnType<typeof openJournal>;
  readonly lock: ProcessLock;
  readonly newId: (prefix: string) => string;
  readonly secret: Buffer;
  readonly monotonicMs: () => number;
  readonly patienceMs: number;
}

async function run(world: World): Promise<Store> {
  const { books, lock, now, patienceMs, warn = () => undefined } = world;
  const ledger = new LedgerBook({ ...world, processId: lock.processId, warn });
  const noteStore = (error: unknown): void => ledger.noteStore(error);
  const requests = new RequestQueue(books, noteStore);
  const purseOf = async (id: string, isTakenInFirst: boolean): Promise<PurseState> => {
    if (isTakenInFirst) await ledger.flush();
    return stateOf(id, { books, ledger, processId: lock.processId });
  };
  const people = new Directory(world);
  const keys = new KeyRing({
    ...world,
    whyNot: (owners) => people.whyNot(owners),
    adminKey: world.adminKey,
    graceMs: world.graceMs ?? GRACE_MS,
    onChange: (key) => ledger.recall(key.id),
    // Without a budget there is no lease that would tell what was spent and is not taken in yet.
    spend: async (keyId) => {
      const { spentNanoUsd, heldNanoUsd } = await purseOf(keyId, keys.get(keyId)?.budgetNanoUsd === undefined);
      return { spentNanoUsd, heldNanoUsd };
    },
  });
  const budgets = new BudgetBoard({
    ...world,
    onChange: (purseId) => ledger.recall(purseId),
    stateOf: async (purseId) => purseOf(purseId, true),
  });
  const plans = new PlanBook(books);
  const feedback = new FeedbackBook(books, now);
  const keyFor = (purpose: string): Buffer => createHmac('sha256', world.secret).update(`turnout ${purpose}`).digest();
  const replies = keptReplies({ books, secret: keyFor('replies'), now });
  await people.refresh();
  await keys.refresh();
  await budgets.refresh();
  await plans.refresh();
  await feedback.refresh();
  const timers = startTimers({
    books,
    people,
    keys,
    budgets,
    plans,
    ledger,
    requests,
    feedback,
    replies,
    now,
    noteStore,
  });
  return {
    keys,
    budgets,
    purse: async (id, { isHeld } = { isHeld: false }) => patiently(async () => purseOf(id, !isHeld)),
    ledger,
    requests,
    snapshots: keptSnapshots(books, warn),
    feedback,
    replies,
    keyFor,
    batches: async (ask) => patiently(async () => ask(books)),
    reports: async (ask) => patiently(async () => ask(books)),
    billing: async (ask) => patiently(async () => ask(books)),
    plans,
    people,
    processId: lock.processId,
    usage: async (query) => patiently(async () => books.usage({ rowsMax: USAGE_ROWS_MAX, ...query })),
    audit: async (query) => patiently(async () => books.audit(query)),
    refresh: async () => {
      try {
        await people.refresh();
        await keys.refresh();
        await budgets.refresh();
      } catch (error) {
        noteStore(error);
      }
    },
    verify: async () => patiently(async () => books.verify()),
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await patiently(async () => requests.flush(), patienceMs);
      await patiently(async () => keys.noteUses(), patienceMs);
      await ledger.stop();
      const ended = await patiently(async () => books.endProcess(lock.processId, now()), patienceMs);
      // Where the store is away nothing is lost: the journal stays, and the next process that starts takes it in.
      if (ended.ok) lock.release();
      else lock.drop();
      await books.close().catch(noteStore);
    },
  };
}

interface Spending {
  readonly books: Books;
  readonly ledger: LedgerBook;
  readonly processId: string;
}

async function stateOf(purseId: string, { books, ledger, processId }: Spending): Promise<PurseState> {
  const balances = await books.balances(purseId, processId);
  const { leasedNanoUsd, heldNanoUsd } = ledger.figures(purseId);
  const spentHere = balances.leasedHereNanoUsd - leasedNanoUsd;
  return {
    limitNanoUsd: balances.limitNanoUsd,
    spentNanoUsd: balances.spentNanoUsd + (spentHere > 0n ? spentHere : 0n),
    heldNanoUsd: balances.leasedElsewhereNanoUsd + heldNanoUsd,
  };
}

/** Gives the reserve of purses back that other processes lack, as they ask for it. */
function recalls(books: Books, ledger: LedgerBook): () => Promise<void> {
  let revision = 0n;
  return async () => {
    const called = await books.recalls(revision);
    revision = called.revision;
    for (const purseId of called.purseIds) ledger.recall(purseId);
  };
}

interface Timed {
  readonly books: Books;
  readonly people: Directory;
  readonly keys: KeyRing;
  readonly budgets: BudgetBoard;
  readonly plans: PlanBook;
  readonly ledger: LedgerBook;
  readonly requests: RequestQueue;
  readonly feedback: FeedbackBook;
  readonly replies: KeptReplies;
  readonly now: () => number;
  readonly noteStore: (error: unknown) => void;
}

function startTimers({
  books,
  people,
  keys,
  budgets,
  plans,
  ledger,
  requests,
  feedback,
  replies,
  now,
  noteStore,
}: Timed): readonly NodeJS.Timeout[] {
  const every = (intervalMs: number, work: () => Promise<void>): NodeJS.Timeout => {
    let isRunning = false;
    const timer = setInterval(() => {
      if (isRunning) return;
      isRunning = true;
      void work()
        .catch(noteStore)
        .finally(() => {
          isRunning = false;
        });
    }, intervalMs);
    return timer.unref();
  };
  const recall = recalls(books, ledger);
  return [
    every(PUMP_MS, async () => {
      await ledger.pump();
      await requests.pump();
    }),
    every(TEND_MS, async () => {
      ledger.tend();
      await recall();
      // Before the keys: whoever a new key belongs to is known by then.
      await people.refresh();
      await keys.refresh();
      await budgets.refresh();
      await plans.refresh();
    }),
    every(USES_MS, async () => keys.noteUses()),
    every(RECOVER_MS, async () => {
      await books.recover(now());
    }),
    every(PRUNE_MS, async () => requests.prune()),
    every(PRUNE_MS, async () => books.pruneAccess(now())),
    every(PRUNE_MS, async () => replies.prune()),
    every(FEEDBACK_MS, async () => {
      await feedback.prune();
      await feedback.refresh();
    }),
  ];
}
