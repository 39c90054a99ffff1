/** Rows written out as they come: CSV or JSON lines to the terminal or a pipe, Parquet into a file. */
import { fileWriter, ParquetWriter, schemaFromColumnData, type BasicType } from 'hyparquet-writer';
import { csvLine } from '../lib/csv.ts';
import { jsonText } from '../lib/json-text.ts';
import { formatUsd } from '../money/usd.ts';

/** Rows of one group of a Parquet file: what is kept in memory, and what a reader can leave out at once. */
const GROUP_ROWS = 20_000;

export type Cell = string | number | bigint | boolean | null | readonly string[];
export type SheetRow = Readonly<Record<string, Cell | undefined>>;

/** `money`: nano-dollars. CSV has it in dollars, as `cost_usd`, with every digit; the others as it is, as `cost_nano_usd`. */
export interface SheetColumn {
  readonly name: string;
  readonly kind: 'text' | 'list' | 'count' | 'money' | 'time' | 'flag';
}

export type SheetForm =
  | { readonly kind: 'csv' | 'jsonl'; readonly print: (text: string) => void }
  | { readonly kind: 'parquet'; readonly file: string };

export interface Sheet {
  write(row: SheetRow): void;
  /** Writes what is left. Without it a Parquet file cannot be read. */
  end(): void;
}

/** Begins a sheet. Every row has the columns named here and no others; what it lacks is empty. */
export function openSheet(form: SheetForm, columns: readonly SheetColumn[]): Sheet {
  if (form.kind === 'parquet') return parquetSheet(form.file, columns);
  const { print } = form;
  if (form.kind === 'jsonl') {
    const named = (row: SheetRow): SheetRow => Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]));
    return { write: (row) => print(`${jsonText(named(row))}\n`), end: () => undefined };
  }
  print(csvLine(columns.map(({ name, kind }) => (kind === 'money' ? name.replace('_nano_usd', '_usd') : name))));
  return {
    write: (row) => print(csvLine(columns.map((column) => csvCell(column, row[column.name] ?? null)))),
    end: () => undefined,
  };
}

function csvCell({ kind }: SheetColumn, cell: Cell): Exclude<Cell, readonly string[]> {
  if (typeof cell === 'object' && cell !== null) return cell.join(' ');
  return kind === 'money' && typeof cell === 'bigint' ? formatUsd(cell) : cell;
}

const PARQUET_TYPES = {
  text: 'STRING',
  list: 'JSON',
  count: 'INT64',
  money: 'INT64',
  time: 'TIMESTAMP',
  flag: 'BOOLEAN',
} as const satisfies Record<SheetColumn['kind'], BasicType>;

function parquetSheet(file: string, columns: readonly SheetColumn[]): Sheet {
  const described = columns.map(({ name, kind }) => ({ name, type: PARQUET_TYPES[kind], nullable: true }));
  const schema = schemaFromColumnData({ columnData: described.map((column) => ({ ...column, data: [] })) });
  const writer = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: 'turnout' });
  const waiting: SheetRow[] = [];
  const flush = (): void => {
    const rows = waiting.splice(0);
    if (rows.length === 0) return;
    const columnData = columns.map((column) => ({
      name: column.name,
      data: rows.map((row) => parquetCell(column, row[column.name] ?? null)),
    }));
    void writer.write({ columnData, rowGroupSize: GROUP_ROWS });
  };
  return {
    write: (row) => {
      waiting.push(row);
      if (waiting.length >= GROUP_ROWS) flush();
    },
    end: () => {
      flush();
      void writer.finish();
    },
  };
}

function parquetCell({ kind }: SheetColumn, cell: Cell): Cell | Date {
  if (kind === 'time' && typeof cell === 'string') return new Date(cell);
  return typeof cell === 'number' ? BigInt(cell) : cell;
}
