/**
 * The front door of the store. In the data folder:
 *
 *     turnout.db              SQLite: keys, ledger, receipts, request records
 *     secret                  what the hashes of keys are made with
 *     master-key              what credentials of providers are sealed with, where TURNOUT_MASTER_KEY is not set
 *     journal-<process>-N.log receipts of a running process that the database does not have yet
 *     process-<process>.lock  held while that process lives
 *     files/                  bytes of uploaded files and of the output of batches
 *
 * Several processes of one machine may share a folder. The database is worked by a thread of its own.
 */
import { createHmac } from 'node:crypto';
import { compact } from '../lib/json.ts';
import { openBooksThread } from './books/client.ts';
import type { Books } from './books/form.ts';
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
import { takeLock, type ProcessLock } from './books/process-lock.ts';
import { keptReplies, type KeptReplies } from './replies.ts';
import { RequestQueue } from './requests.ts';
import { ensureDataDir, ensureSecret } from './secret.ts';
import { openSecrets, type SecretRing } from './secrets.ts';
import { keptSnapshots } from './snapshots.ts';

/** How long one statement waits for another process's. More would keep the thread from reading meanwhile; callers try again. */
const BUSY_MS = 250;
/** A start waits so long for a database that another process has locked. */
const START_PATIENCE_MS = 20_000;
/** A store that does not answer is waited for no longer at the end: who stops a process kills it soon after. */
const CLOSE_MS = 10_000;
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
  readonly closeMs?: number;
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
    const closeMs = parts.closeMs ?? CLOSE_MS;
    const world = { ...options, monotonicMs, patienceMs, closeMs, books, journal, lock, newId, secret };
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
  readonly closeMs: number;
}

async function run(world: World): Promise<Store> {
  const members = await membersOf(world);
  const { people, keys, budgets, plans, feedback } = members;
  for (const member of [people, keys, budgets, plans, feedback]) await member.refresh();
  const timers = startTimers(members, world);
  return {
    ...frontOf(members, world),
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await close(members, world);
    },
  };
}

/** What the store is made of. */
interface Members {
  readonly ledger: LedgerBook;
  readonly requests: RequestQueue;
  readonly people: Directory;
  readonly keys: KeyRing;
  readonly budgets: BudgetBoard;
  readonly plans: PlanBook;
  readonly secrets: SecretRing;
  readonly feedback: FeedbackBook;
  readonly replies: KeptReplies;
  /** `isTakenInFirst`: no lease tells what was spent here and is not in the database yet. */
  readonly purseOf: (id: string, isTakenInFirst: boolean) => Promise<PurseState>;
  readonly noteStore: (error: unknown) => void;
}

async function membersOf(world: World): Promise<Members> {
  const { books, lock, now, warn = () => undefined } = world;
  const ledger = new LedgerBook({ ...world, processId: lock.processId, warn });
  const noteStore = (error: unknown): void => ledger.noteStore(error);
  const purseOf = async (id: string, isTakenInFirst: boolean): Promise<PurseState> => {
    if (isTakenInFirst) await ledger.flush();
    return stateOf(id, { books, ledger, processId: lock.processId });
  };
  const people = new Directory(world);
  const keys = new KeyRing({
    ...world,
    whyNot: (owners) => people.whyNot(owners),
    roleOf: (userId) => people.user(userId)?.role,
    ownersFirst: async () => people.refresh(),
    adminKey: world.adminKey,
    graceMs: world.graceMs ?? GRACE_MS,
    onChange: (key) => ledger.recall(key.id),
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
  return {
    ledger,
    requests: new RequestQueue(books, noteStore),
    people,
    keys,
    budgets,
    plans: new PlanBook(books),
    secrets: await openSecrets(world),
    feedback: new FeedbackBook(books, now),
    replies: keptReplies({ books, secret: keyFor(world, 'replies'), now }),
    purseOf,
    noteStore,
  };
}

/** A key for one purpose: the same in all processes on this store, and of no use for any other. */
function keyFor({ secret }: World, purpose: string): Buffer {
  return createHmac('sha256', secret).update(`turnout ${purpose}`).digest();
}

/** What the rest of the gateway sees of them. */
function frontOf(members: Members, world: World): Omit<Store, 'close'> {
  const { purseOf, noteStore } = members;
  const { books, lock, warn = () => undefined } = world;
  return {
    ...members,
    purse: async (id, { isHeld } = { isHeld: false }) => patiently(async () => purseOf(id, !isHeld)),
    snapshots: keptSnapshots(books, warn),
    keyFor: (purpose) => keyFor(world, purpose),
    batches: async (ask) => patiently(async () => ask(books)),
    reports: async (ask) => patiently(async () => ask(books)),
    billing: async (ask) => patiently(async () => ask(books)),
    processId: lock.processId,
    usage: async (query) => patiently(async () => books.usage({ rowsMax: USAGE_ROWS_MAX, ...query })),
    audit: async (query) => patiently(async () => books.audit(query)),
    refresh: async () => {
      try {
        await refreshed(members);
      } catch (error) {
        noteStore(error);
      }
    },
    verify: async () => patiently(async () => books.verify()),
  };
}

/** Asks for what other processes have changed. People before keys: whoever a new key belongs to is known by then. */
async function refreshed({ people, keys, budgets, plans, secrets }: Members): Promise<void> {
  for (const member of [people, keys, budgets, plans, secrets]) await member.refresh();
}

async function close(
  { requests, keys, ledger, noteStore }: Members,
  { books, lock, now, patienceMs, closeMs }: World,
): Promise<void> {
  const untilMs = performance.now() + closeMs;
  const inTime = async <T>(ask: () => Promise<T>): ReturnType<typeof patiently<T>> =>
    patiently(ask, Math.min(patienceMs, untilMs - performance.now()));
  // What is under way fails with it, and what would follow.
  const limit = setTimeout(() => void books.close().catch(noteStore), closeMs);
  await inTime(async () => requests.flush());
  await inTime(async () => keys.noteUses());
  await ledger.stop();
  const ended = await inTime(async () => books.endProcess(lock.processId, now()));
  clearTimeout(limit);
  // Where the store is away nothing is lost: the journal stays, and the next process that starts takes it in.
  if (ended.ok) lock.release();
  else lock.drop();
  await books.close().catch(noteStore);
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

function startTimers(members: Members, { books, now }: World): readonly NodeJS.Timeout[] {
  const { keys, ledger, requests, feedback, replies, noteStore } = members;
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
      await refreshed(members);
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
