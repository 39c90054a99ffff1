/** The store for a command that runs beside a gateway, or without one: keys, usage, proof. It has no journal and takes no lock. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { AskBatches } from './batch-ports.ts';
import type { AskBilling, Plans } from './billing-ports.ts';
import type { AuditProof, Books, Lessee, Released } from './books/form.ts';
import { DATABASE, openBooks } from './books/books.ts';
import type { Budgets } from './budget-ports.ts';
import { BudgetBoard } from './budgets.ts';
import { idMaker } from './id.ts';
import { KeyRing } from './keys.ts';
import { meet } from './meeting.ts';
import { PATIENCE_MS, patiently } from './patience.ts';
import type { People } from './people-ports.ts';
import { Directory } from './people.ts';
import { PlanBook } from './plan-book.ts';
import { placeText, type StorePlace } from './place.ts';
import type {
  AuditPage,
  AuditQuery,
  Keys,
  RequestLog,
  StoredSnapshot,
  UsageQuery,
  UsageReport,
  VerifyReport,
} from './ports.ts';
import type { AskReports } from './report-ports.ts';
import { ensureDataDir, ensureSecret } from './secret.ts';
import type { Secrets } from './secret-ports.ts';
import { openSecrets } from './secrets.ts';

/** A command has nothing else to do than to wait for a gateway's write. */
const BUSY_MS = 5000;

export interface DeskOptions extends StorePlace {
  readonly dataDir: string;
  readonly now: () => number;
  /** False: a folder without a database is an error, as a mistyped one would look like an empty one. */
  readonly mayCreate: boolean;
}

export interface Desk {
  readonly keys: Keys;
  readonly budgets: Budgets;
  readonly people: People;
  readonly plans: Plans;
  /** Credentials of providers. Read when they are asked for: few commands need a master key. */
  readonly secrets: () => Promise<Secrets>;
  readonly batches: AskBatches;
  readonly reports: AskReports;
  readonly billing: AskBilling;
  readonly log: RequestLog;
  /** The record of a request. */
  request(id: string): Promise<Result<JsonRecord | undefined, Fault>>;
  snapshot(id: string): Promise<Result<StoredSnapshot | undefined, Fault>>;
  usage(query: UsageQuery): Promise<Result<UsageReport, Fault>>;
  verify(): Promise<Result<VerifyReport, Fault>>;
  audit(query: AuditQuery): Promise<Result<AuditPage, Fault>>;
  verifyAudit(): Promise<Result<AuditProof, Fault>>;
  /** Processes that money is handed out to. */
  lessees(): Promise<Result<readonly Lessee[], Fault>>;
  /** Takes back what is handed out to a process that is gone for good. */
  release(processId: string): Promise<Result<Released, Fault>>;
  close(): Promise<void>;
}

/** Opens the books of a data folder. Throws an error for people where that cannot be done. */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { dataDir, now } = options;
  const books = await booksOf(options);
  try {
    const secret = ensureSecret(dataDir, options.secretHex);
    await meet(books, { ...options, secret, patienceMs: PATIENCE_MS }, async () => undefined);
    const newId = idMaker(now);
    const people = new Directory({ books, secret, now, newId, patienceMs: PATIENCE_MS });
    await people.refresh();
    const keys = new KeyRing({
      books,
      secret,
      whyNot: (owners) => people.whyNot(owners),
      roleOf: (userId) => people.user(userId)?.role,
      adminKey: undefined,
      now,
      monotonicMs: () => 0,
      graceMs: Infinity,
      patienceMs: PATIENCE_MS,
      newId,
      onChange: () => undefined,
      spend: async (keyId) => {
        // What running gateways have settled counts as spent, also before the database has it.
        const { total_nano_usd: spentNanoUsd } = await books.usage({ keyId, rowsMax: 0 });
        const balances = await books.balances(keyId, '');
        const waiting = spentNanoUsd - balances.spentNanoUsd;
        const reserved = balances.leasedElsewhereNanoUsd - (waiting > 0n ? waiting : 0n);
        return { spentNanoUsd, heldNanoUsd: reserved > 0n ? reserved : 0n };
      },
    });
    const budgets = new BudgetBoard({
      books,
      now,
      newId,
      patienceMs: PATIENCE_MS,
      onChange: () => undefined,
      // What running gateways have settled and the database does not have yet is not in it: two tenths of a second at most.
      stateOf: async (purseId) => {
        const { limitNanoUsd, spentNanoUsd, leasedElsewhereNanoUsd } = await books.balances(purseId, '');
        return { limitNanoUsd, spentNanoUsd, heldNanoUsd: leasedElsewhereNanoUsd };
      },
    });
    await keys.refresh();
    await budgets.refresh();
    const plans = new PlanBook(books);
    await plans.refresh();
    return {
      keys,
      budgets,
      people,
      plans,
      secrets: async () => openSecrets({ ...options, books, newId, patienceMs: PATIENCE_MS }),
      ...askersOf(books),
      log: {
        extent: async (query) => books.logExtent(query),
        page: async (query) => books.readLog(query),
      },
      request: async (id) => patiently(async () => (await books.getRequest(id))?.body),
      snapshot: async (id) => patiently(async () => books.getSnapshot(id)),
      usage: async (query) => patiently(async () => books.usage(query)),
      verify: async () => patiently(async () => books.verify()),
      audit: async (query) => patiently(async () => books.audit(query)),
      verifyAudit: async () => patiently(async () => books.verifyAudit()),
      lessees: async () => patiently(async () => books.lessees()),
      release: async (processId) => patiently(async () => books.release(processId, { atMs: now(), by: 'cli' })),
      close: async () => books.close(),
    };
  } catch (error) {
    await books.close();
    throw error;
  }
}

async function booksOf(options: DeskOptions): Promise<Books> {
  const { dataDir, url, mayCreate } = options;
  if (url === undefined && !mayCreate && !existsSync(join(dataDir, DATABASE))) {
    throw new Error(
      `There is no Turnout data in ${dataDir}. Name the folder with --data or TURNOUT_DATA, or a PostgreSQL database with TURNOUT_STORE.`,
    );
  }
  ensureDataDir(dataDir);
  const opened = await patiently(async () => openBooks(compact({ dataDir, busyMs: BUSY_MS, url, deadAfterMs: 0 })), 0);
  if (!opened.ok) throw new Error(`Turnout cannot use ${placeText(options)}. Is it locked, or its server away?`);
  return opened.value;
}

/** The ports that ask the books, each for its own kind of question. */
function askersOf(books: Books): Pick<Desk, 'batches' | 'reports' | 'billing'> {
  const ask = async <T>(question: (of: Books) => Promise<T>): Promise<Result<T, Fault>> =>
    patiently(async () => question(books));
  return { batches: ask, reports: ask, billing: ask };
}
