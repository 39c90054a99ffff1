/** Kysely over the SQLite that is built into Node. Kysely ships a dialect for better-sqlite3 only, and its `begin` is deferred. */
import { closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';

/** Statements kept ready. Our queries are a few dozen; texts that vary (migrations, filters) push the oldest out. */
const STATEMENTS_MAX = 200;

/** The write-ahead log is cut to this when it has been emptied. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** What keeps a store from working, besides bugs: waiting or an operator can cure it. */
export type Trouble = 'busy' | 'full' | 'away' | 'corrupt';

/** An error that is not SQLite's own: found by us, or brought over from the store's thread. */
export class StoreError extends Error {
  readonly trouble: Trouble | undefined;
  constructor(message: string, trouble: Trouble | undefined) {
    super(message);
    this.name = 'StoreError';
    this.trouble = trouble;
  }
}

/**
 * Opens a database file in WAL mode. `busyMs`: how long a query waits for another writer before it throws.
 * Integers come back as `bigint`: money does not fit a double.
 */
export function openSqlite(path: string, busyMs: number): Dialect {
  // SQLite gives its other files the rights of this one: made here, it is for its owner only.
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { readBigInts: true, timeout: busyMs });
  try {
    database.exec('pragma journal_mode = wal');
    // In WAL mode a commit survives the death of the process without a sync of its own. What must survive a power cut
    // too is synced by hand before its journal goes.
    database.exec('pragma synchronous = normal');
    // A long report keeps the log from being emptied; afterwards its file must not stay as large as it became.
    database.exec(`pragma journal_size_limit = ${LOG_BYTES_MAX}`);
  } catch (error) {
    database.close();
    throw error;
  }
  return sqliteDialect(database, fileGuard(path));
}

/** Throws while another file, or none, stands where the database was: what is written then would be lost with the old one. */
function fileGuard(path: string): () => void {
  const inode = statSync(path).ino;
  return () => {
    const now = statSync(path, { throwIfNoEntry: false })?.ino;
    if (now !== inode)
      throw new StoreError(`${path} is ${now === undefined ? 'gone' : 'another file now: restart Turnout'}`, 'away');
  };
}

/** What kind of trouble an error of the store is, or undefined where it is a bug. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof StoreError) return error.trouble;
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  // Extended codes carry the primary one in their low byte (sqlite.org/rescode.html).
  return TROUBLES[error.errcode & 0xff];
}

const TROUBLES: Readonly<Record<number, Trouble>> = {
  5: 'busy', // SQLITE_BUSY
  6: 'busy', // SQLITE_LOCKED
  8: 'away', // SQLITE_READONLY
  10: 'away', // SQLITE_IOERR
  11: 'corrupt', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'away', // SQLITE_CANTOPEN
  26: 'corrupt', // SQLITE_NOTADB
};

function sqliteDialect(database: DatabaseSync, guard: () => void): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver: () => driverOf(database, guard),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class Adapter extends SqliteAdapter {
  /** SQLite does roll DDL back, and `begin immediate` keeps other processes out meanwhile: migrations run as one. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function driverOf(database: DatabaseSync, guard: () => void): Driver {
  const connection = connectionOf(database, guard);
  return {
    init: async () => undefined,
    // Must not throw: Kysely would keep its lock on the only connection for ever.
    acquireConnection: async () => connection,
    // Immediate: a deferred transaction that reads first and writes later fails at once, whatever the busy timeout.
    beginTransaction: async () => {
      guard();
      database.exec('begin immediate');
    },
    commitTransaction: async () => database.exec('commit'),
    rollbackTransaction: async () => {
      // SQLite has already rolled back by itself after some errors (full disk).
      if (database.isTransaction) database.exec('rollback');
    },
    releaseConnection: async () => undefined,
    destroy: async () => database.close(),
  };
}

function connectionOf(database: DatabaseSync, guard: () => void): DatabaseConnection {
  const statements = new Map<string, Statement>();
  const statementOf = (sql: string): Statement => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = database.prepare(sql);
    const statement = { prepared, isReader: prepared.columns().length > 0 };
    if (statements.size >= STATEMENTS_MAX) statements.delete(statements.keys().next().value ?? '');
    statements.set(sql, statement);
    return statement;
  };
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      if (!database.isTransaction) guard();
      const { prepared, isReader } = statementOf(query.sql);
      const parameters = query.parameters.map(toSql);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of the rows is Kysely's to know: it wrote the query.
      if (isReader) return { rows: prepared.all(...parameters) as R[] };
      const { changes, lastInsertRowid } = prepared.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    },
    // oxlint-disable-next-line require-yield -- the interface wants a generator; no caller streams.
    async *streamQuery(): AsyncIterableIterator<never> {
      throw new Error('streaming queries are not used');
    },
  };
}

interface Statement {
  readonly prepared: StatementSync;
  readonly isReader: boolean;
}

function toSql(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  throw new TypeError(`not a value for SQL: ${typeof value}`);
}
