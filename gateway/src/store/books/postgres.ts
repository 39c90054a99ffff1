/** Kysely over PostgreSQL, by `pg`. Its errors become `StoreError`s here, where it is known what they mean. */
import {
  PostgresDialect,
  PostgresQueryCompiler,
  type ColumnDefinitionNode,
  type DataTypeNode,
  type Dialect,
  type PostgresCursor,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  type QueryCompiler,
} from 'kysely';
import { DatabaseError, Pool, type ClientConfig, type CustomTypesConfig, type PoolClient } from 'pg';
import { StoreError, type Trouble } from './sqlite.ts';

/** Connections of one process, besides the one that proves its life. Queries take milliseconds; a report takes one for long. */
const CONNECTIONS_MAX = 5;
/** How long a query waits for a connection, and a connection for its server. */
const CONNECT_MS = 5000;
/** The longest report over millions of rows takes seconds. */
const STATEMENT_MS = 60_000;
/** A transaction of another process takes milliseconds; one that holds a lock for longer is stuck. */
const LOCK_MS = 2000;
/** Between two statements of a transaction nothing is waited for: a process that was stopped there lets go of its locks. */
const IDLE_MS = 15_000;
/** The server would have ended the statement by then: the connection is dead. */
const ANSWER_MS = STATEMENT_MS + 5000;
/** An idle connection is probed after this, so that one whose server has vanished is noticed. */
const PROBE_MS = 10_000;

/** Opens a pool of connections to `url` (`postgres://user:password@host:port/database?sslmode=verify-full`). Connects at the first query. */
export function openPostgres(url: string): Dialect {
  const pool = new Pool({ ...clientConfig(url), max: CONNECTIONS_MAX, idleTimeoutMillis: PROBE_MS });
  // A connection that breaks is taken out of the pool; the query that it was for, or the next one, tells.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return new Postgres({ pool: poolOf(pool) });
}

/** What all connections have in common. */
export function clientConfig(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: 'turnout',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: PROBE_MS,
    types: TYPES,
  };
}

/** Integers come as bigint, as they do from SQLite, and so do sums of them (`numeric`). Of our own connections only. */
const TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number) => {
    if (oid === BOOL) return (text: string) => text === 't';
    if (NUMBERS.has(oid)) return (text: string) => (/^-?\d+$/.test(text) ? BigInt(text) : Number(text));
    return FLOATS.has(oid) ? Number : (text: string) => text;
  },
};
/** By pg_type.dat: bool; int8, int2, int4, numeric; float4, float8. */
const BOOL = 16;
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 1700]);
const FLOATS: ReadonlySet<number> = new Set([700, 701]);

class Postgres extends PostgresDialect {
  override createQueryCompiler(): QueryCompiler {
    return new Compiler();
  }
}

/** Migrations are written once: an `integer` is SQLite's, of 64 bits, and as a primary key it numbers its rows by itself. */
class Compiler extends PostgresQueryCompiler {
  protected override visitColumnDefinition(node: ColumnDefinitionNode): void {
    const isNumber = node.primaryKey === true && isInteger(node.dataType);
    const generated = { kind: 'GeneratedNode', identity: true, byDefault: true } as const;
    super.visitColumnDefinition(isNumber ? { ...node, generated } : node);
  }

  protected override visitDataType(node: DataTypeNode): void {
    super.visitDataType(isInteger(node) ? { ...node, dataType: 'bigint' } : node);
  }
}

function isInteger(node: ColumnDefinitionNode['dataType']): boolean {
  return node.kind === 'DataTypeNode' && 'dataType' in node && node.dataType === 'integer';
}

function poolOf(pool: Pool): PostgresPool {
  return {
    options: {},
    connect: async () => clientOf(await asStoreError(pool.connect())),
    end: async () => pool.end(),
  };
}

function clientOf(client: PoolClient): PostgresPoolClient {
  let isBroken = false;
  const ask = async <R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> => {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of the rows is Kysely's to know: it wrote the query.
      return (await client.query(text, parameters.map(storable))) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      isBroken ||= !(error instanceof DatabaseError);
      throw storeError(error);
    }
  };
  function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  function query<R>(
    asked: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof asked !== 'string') throw new TypeError('cursors are not used');
    return ask<R>(asked, parameters);
  }
  return { query, release: (isSpoilt = false) => client.release(isSpoilt || isBroken) };
}

/** PostgreSQL's text cannot hold U+0000, which SQLite's can: U+FFFD stands for it. */
function storable(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

/** The error of a query or connection as the store tells it. */
export async function asStoreError<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw storeError(error);
  }
}

function storeError(error: unknown): unknown {
  // What is neither an answer of the server nor a mistake of ours is the connection: refused, lost, timed out.
  if (error instanceof TypeError || error instanceof RangeError || !(error instanceof Error)) return error;
  const { code = '' } = error instanceof DatabaseError ? error : { code: '08' };
  const trouble = TROUBLES[code] ?? TROUBLES[code.slice(0, 2)];
  return trouble === undefined ? error : new StoreError(error.message, trouble);
}

/** By error code or its class (postgresql.org/docs/current/errcodes-appendix.html). `busy`: certainly rolled back. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  '08': 'away', // connection exception
  '28': 'away', // invalid authorization
  '53': 'away', // insufficient resources
  '58': 'away', // system error
  '25006': 'away', // read_only_sql_transaction: a standby, after a change of the server
  '25P03': 'away', // idle_in_transaction_session_timeout
  '3D000': 'away', // no such database
  '40001': 'busy', // serialization_failure
  '40P01': 'busy', // deadlock_detected
  '53100': 'full', // disk_full
  '55P03': 'busy', // lock_not_available
  '57014': 'busy', // query_canceled, by a timeout
  '57P01': 'away', // admin_shutdown
  '57P02': 'away', // crash_shutdown
  '57P03': 'away', // cannot_connect_now
  '57P05': 'away', // idle_session_timeout
  XX001: 'corrupt', // data_corrupted
  XX002: 'corrupt', // index_corrupted
};
