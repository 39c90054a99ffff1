/** What columns hold, as Kysely sees it. */
import type { ColumnType } from 'kysely';

/** Integers are read as bigint and may be written as either. */
export type Integer = ColumnType<bigint, bigint | number, bigint | number>;
export type OptionalInteger = ColumnType<bigint | null, bigint | number | null, bigint | number | null>;
