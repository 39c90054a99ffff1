/**
 * What a provider says was used and what it costs: its usage and cost reports, or a plain CSV. Pure; days are UTC, as
 * providers cut them.
 *
 * OpenAI: `GET /v1/organization/usage/*` (grouped by model) and `/v1/organization/costs` (grouped by line item).
 * Anthropic: `GET /v1/organizations/usage_report/messages`, `/v1/organizations/cost_report` (grouped by description), and
 * the items of `/v1/organizations/analytics/usage` and `/cost`, grouped by model, in buckets of a day or less.
 */
import {
  asArray,
  asCount,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  parseJson,
  type JsonRecord,
} from '../lib/json.ts';
import { parseCsv } from '../lib/csv.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { NanoUsd } from './price.ts';

/** One line of a statement. What it does not say is absent: a cost report has no tokens. */
export interface StatementLine {
  /** `2026-11-27`. */
  readonly day: string;
  /** Absent: the line is that of all models together. */
  readonly model?: string;
  readonly requests?: number;
  /** Cached and written ones among them. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly costNanoUsd?: NanoUsd;
}

export interface Statement {
  readonly lines: readonly StatementLine[];
  /** A page says that another one follows: the file is not all of it. */
  readonly isCut: boolean;
}

/** Columns of the CSV. `day` must be there; an empty `model` means all models together. */
export const STATEMENT_COLUMNS = ['day', 'model', 'requests', 'input_tokens', 'output_tokens', 'cost_usd'] as const;

/** Reads a report as it was answered: one page, an array of pages, or a page a line; else CSV with a head. */
export function readStatement(text: string): Result<Statement, string> {
  const json = jsonOf(text.trim());
  return json === undefined ? readCsv(text) : readPages(json);
}

function jsonOf(text: string): readonly JsonRecord[] | undefined {
  if (!text.startsWith('{') && !text.startsWith('[')) return undefined;
  const whole = parseJson(text);
  const values = whole === undefined ? text.split('\n').map((line) => parseJson(line)) : (asArray(whole) ?? [whole]);
  const records = values.filter(isRecord);
  return records.length === values.length ? records : undefined;
}

function readPages(pages: readonly JsonRecord[]): Result<Statement, string> {
  const buckets = pages.flatMap((page) => asArray(page['data']) ?? [page]).filter(isRecord);
  const lines: StatementLine[] = [];
  for (const bucket of buckets) {
    const day = dayOf(bucket);
    const rows = asArray(bucket['results']) ?? (asRecord(bucket['group']) === undefined ? undefined : [flat(bucket)]);
    if (day === undefined || rows === undefined)
      return err('it is neither a usage or cost report of OpenAI or Anthropic, nor a CSV');
    for (const row of rows.filter(isRecord)) lines.push(lineOf(day, row));
  }
  return ok({ lines, isCut: pages.at(-1)?.['has_more'] === true });
}

/** An item of Anthropic's analytics as a row of its older reports. */
function flat(item: JsonRecord): JsonRecord {
  return { ...asRecord(item['group']), ...asRecord(item['usage']), amount: asRecord(item['cost'])?.['amount'] };
}

function dayOf(bucket: JsonRecord): string | undefined {
  const seconds = asNumber(bucket['start_time']);
  const timeMs = seconds === undefined ? Date.parse(asString(bucket['starting_at']) ?? '') : seconds * 1000;
  return Number.isNaN(timeMs) ? undefined : new Date(timeMs).toISOString().slice(0, 10);
}

function lineOf(day: string, row: JsonRecord): StatementLine {
  return compact({
    day,
    model: asString(row['model']) ?? modelOfItem(asString(row['line_item'])),
    requests: asCount(row['num_model_requests']) ?? asCount(row['requests']),
    inputTokens: asCount(row['input_tokens']) ?? anthropicInput(row),
    outputTokens: asCount(row['output_tokens']),
    costNanoUsd: costOf(row),
  });
}

/** OpenAI's line items are `gpt-5-2025-08-07, cached input`. */
function modelOfItem(item: string | undefined): string | undefined {
  return item?.replace(/,[^,]*$/, '');
}

/** Anthropic counts what was read from a cache and written to one apart from the rest of the input. */
function anthropicInput(row: JsonRecord): number | undefined {
  const plain = asCount(row['uncached_input_tokens']);
  if (plain === undefined) return undefined;
  const written = asRecord(row['cache_creation']) ?? {};
  const parts = [row['cache_read_input_tokens'], ...Object.values(written)];
  return parts.reduce<number>((sum, part) => sum + (asCount(part) ?? 0), plain);
}

/** OpenAI: `{value: 0.06, currency: 'usd'}`, dollars. Anthropic: `'123.45'`, cents. */
function costOf(row: JsonRecord): NanoUsd | undefined {
  const dollars = asRecord(row['amount'])?.['value'];
  if (dollars !== undefined) return nanoOf(dollars, NANO_PER_USD);
  return row['amount'] === undefined ? undefined : nanoOf(row['amount'], NANO_PER_CENT);
}

const NANO_PER_USD = 1_000_000_000n;
const NANO_PER_CENT = 10_000_000n;
const DECIMAL = /^(-?)(\d{1,15})(?:\.(\d{0,30}))?$/;
/** Decimals that a number is written with: more than a double has at a dollar. */
const NUMBER_DECIMALS = 15;

/** An amount in nano-dollars, rounded half up; undefined where it is none. Numbers come as doubles, and not exactly. */
function nanoOf(amount: unknown, unit: bigint): NanoUsd | undefined {
  const text = typeof amount === 'number' ? amount.toFixed(NUMBER_DECIMALS) : amount;
  const [, sign = '', whole = '', fraction = ''] = typeof text === 'string' ? (DECIMAL.exec(text) ?? []) : [];
  if (whole === '') return undefined;
  const scale = 10n ** BigInt(fraction.length);
  const size = (BigInt(whole + fraction) * unit * 2n + scale) / (scale * 2n);
  return sign === '' ? size : -size;
}

function readCsv(text: string): Result<Statement, string> {
  const [head = [], ...rows] = parseCsv(text);
  const names = head.map((name) => name.trim().toLowerCase());
  if (!names.includes('day')) return err(`its first line must name the columns ${STATEMENT_COLUMNS.join(', ')}`);
  const lines: StatementLine[] = [];
  for (const [index, row] of rows.entries()) {
    const cell = (name: (typeof STATEMENT_COLUMNS)[number]): string | undefined => {
      const found = row[names.indexOf(name)]?.trim();
      return found === '' ? undefined : found;
    };
    const line = csvRow(cell);
    if (line === undefined) return err(`line ${index + 2} is not one: ${row.join(',').slice(0, 100)}`);
    lines.push(line);
  }
  return ok({ lines, isCut: false });
}

function csvRow(cell: (name: (typeof STATEMENT_COLUMNS)[number]) => string | undefined): StatementLine | undefined {
  const day = cell('day') ?? '';
  const [requests, inputTokens, outputTokens] = [cell('requests'), cell('input_tokens'), cell('output_tokens')].map(
    wholeOf,
  );
  const cost = cell('cost_usd');
  const costNanoUsd = cost === undefined ? undefined : nanoOf(cost, NANO_PER_USD);
  const isWrong = requests === 'no' || inputTokens === 'no' || outputTokens === 'no';
  if (!isDay(day) || isWrong || (cost !== undefined && costNanoUsd === undefined)) return undefined;
  return compact({ day, model: cell('model'), requests, inputTokens, outputTokens, costNanoUsd });
}

/** A day that is in the calendar: the 31st of November would be compared with the 1st of December, and a 13th month with nothing. */
export function isDay(text: string): boolean {
  const timeMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(text);
}

function wholeOf(text: string | undefined): number | undefined | 'no' {
  return text === undefined ? undefined : (asCount(/^\d+$/.test(text) ? Number(text) : undefined) ?? 'no');
}
