/** `turnout usage`: what was spent, from the database and from the journals of gateways that are running now. */
import { resolve } from 'node:path';
import { compact } from '../lib/json.ts';
import { jsonText } from '../lib/json-text.ts';
import { sinceOf } from '../lib/since.ts';
import { formatUsd } from '../money/usd.ts';
import type { Desk } from '../store/desk.ts';
import type { UsageReport } from '../store/ports.ts';
import {
  dimensionsOf,
  USAGE_DIMENSIONS,
  type ReceiptQuery,
  type UsageDimension,
  type UsageRow,
} from '../store/report-ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { openSheet, type SheetColumn, type SheetForm } from './sheet.ts';
import { printUsageBy } from './usage-by.ts';
import { noMore } from './words.ts';

const HELP = `turnout usage [--by LIST] [--since TIME] [--until TIME] [--org ID] [--rows]

  --by LIST     told apart by up to five of ${USAGE_DIMENSIONS.join(', ')};
                in whole hours (UTC), so that the first and the last hour count whole
  --since TIME  2026-11-22, 2026-11-22T08:00:00Z, or back from now: 30m, 24h, 7d
  --until TIME  the same; with --by, or with a form below
  --org ID      of one organisation only; with --by, or with a form below
  --rows        one row an attempt that cost or may have cost something (--json always has them)
  --data DIR    the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json        for programs
  --csv         as CSV          all three: the groups of --by; without it one row an attempt, as the
  --jsonl       as JSON lines   database has them (what was answered in the last second may be missing)
  --parquet F   as Parquet, into the file F
`;

const OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  rows: { type: 'boolean' },
  since: { type: 'string' },
  until: { type: 'string' },
  by: { type: 'string' },
  org: { type: 'string' },
  csv: { type: 'boolean' },
  jsonl: { type: 'boolean' },
  parquet: { type: 'string' },
} as const;

/** Rows of one page of an export: some hundred kilobytes. */
const PAGE_ROWS = 1000;

/** Runs `turnout usage …`; gives the exit code. */
export async function usageCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    noMore(words.positionals);
    const asked = askedOf(words, io);
    return withDesk({ words, io }, async (desk) => {
      const { form, by, ...span } = asked;
      if (by !== undefined) {
        const report = valueOf(await desk.reports(async (books) => books.usageBy({ ...span, by })));
        if (report !== undefined) printUsageBy({ by }, report, { form, io });
      } else if (typeof form === 'object') await exportReceipts(desk, span, form);
      else await printUsage(desk, { sinceMs: span.sinceMs ?? 0, withRows: words.values['rows'] === true, form, io });
      return EXIT.ok;
    });
  });
}

interface Asked {
  readonly form: SheetForm | 'json' | 'table';
  readonly by?: readonly UsageDimension[];
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly orgId?: string;
}

function askedOf(words: Words, io: CommandIo): Asked {
  const by = textOf(words, 'by');
  const dimensions = by === undefined ? undefined : dimensionsOf(by);
  if (dimensions !== undefined && !dimensions.ok) throw new UsageError(inert(dimensions.error));
  const form = formOf(words, io);
  const untilMs = timeOf(words, 'until');
  const orgId = textOf(words, 'org');
  if (dimensions === undefined && typeof form !== 'object' && (untilMs !== undefined || orgId !== undefined))
    throw new UsageError('--until and --org go with --by, --csv, --jsonl or --parquet');
  return compact({ form, by: dimensions?.value, sinceMs: timeOf(words, 'since'), untilMs, orgId });
}

function timeOf(words: Words, name: 'since' | 'until'): number | undefined {
  const text = textOf(words, name);
  if (text === undefined) return undefined;
  const timeMs = sinceOf(text, Date.now());
  if (timeMs === undefined) throw new UsageError(`"${inert(text)}" is not a time, like 2026-11-22T08:00:00Z or 24h`);
  return timeMs;
}

function formOf({ values }: Words, io: CommandIo): Asked['form'] {
  const named = ['json', 'csv', 'jsonl', 'parquet'].filter((name) => values[name] !== undefined);
  if (named.length > 1) throw new UsageError(`--${named.join(' and --')} are two forms: name one`);
  const { csv, jsonl, json, parquet } = values;
  if (typeof parquet === 'string') return { kind: 'parquet', file: resolve(io.cwd, parquet) };
  if (csv === true || jsonl === true) return { kind: csv === true ? 'csv' : 'jsonl', print: (text) => io.stdout(text) };
  return json === true ? 'json' : 'table';
}

const RECEIPT_COLUMNS: readonly SheetColumn[] = [
  { name: 'id', kind: 'text' },
  { name: 'at', kind: 'time' },
  { name: 'request_id', kind: 'text' },
  ...(['org', 'team', 'user', 'key', 'end_user', 'route'] as const).map((name) => ({ name, kind: 'text' }) as const),
  ...(['provider', 'model', 'target', 'outcome'] as const).map((name) => ({ name, kind: 'text' }) as const),
  { name: 'conversation', kind: 'text' },
  { name: 'experiment', kind: 'text' },
  { name: 'tags', kind: 'list' },
  { name: 'estimated', kind: 'flag' },
  { name: 'input_tokens', kind: 'count' },
  { name: 'cached_input_tokens', kind: 'count' },
  { name: 'cache_write_tokens', kind: 'count' },
  { name: 'output_tokens', kind: 'count' },
  { name: 'reasoning_tokens', kind: 'count' },
  { name: 'cost_nano_usd', kind: 'money' },
  { name: 'charge_nano_usd', kind: 'money' },
];

/** Page by page: a year of receipts is never in memory. */
async function exportReceipts(desk: Desk, span: Omit<ReceiptQuery, 'limitMax'>, form: SheetForm): Promise<void> {
  const sheet = openSheet(form, RECEIPT_COLUMNS);
  let after: UsageRow | undefined;
  do {
    const query = compact({ ...span, limitMax: PAGE_ROWS, after });
    const page: readonly UsageRow[] = valueOf(await desk.reports(async (books) => books.receiptPage(query)));
    for (const row of page) sheet.write({ ...row });
    after = page.length === PAGE_ROWS ? page.at(-1) : undefined;
  } while (after !== undefined);
  sheet.end();
}

interface Printing {
  readonly sinceMs: number;
  readonly withRows: boolean;
  readonly form: 'json' | 'table';
  readonly io: CommandIo;
}

async function printUsage(desk: Desk, { sinceMs, withRows, form, io }: Printing): Promise<void> {
  const report = valueOf(await desk.usage(withRows || form === 'json' ? { sinceMs } : { sinceMs, rowsMax: 0 }));
  if (form === 'json') printJson(report, withRows, io);
  else printText(report, desk, { withRows, io });
}

/** Row by row: a year of rows must not become one string. `--rows` is for those who want the rows and nothing else. */
function printJson(report: UsageReport, withRows: boolean, io: CommandIo): void {
  const { rows, groups, receipts, total_nano_usd } = report;
  io.stdout('{"rows":[');
  for (const [index, row] of rows.entries()) io.stdout(`${index === 0 ? '' : ','}${jsonText({ ...row })}`);
  const sums = withRows ? {} : { receipts, groups: groups.map((group) => ({ ...group })) };
  io.stdout(`],${jsonText({ ...sums, total_nano_usd }).slice(1)}\n`);
}

function printText(
  report: UsageReport,
  desk: Desk,
  { withRows, io }: { readonly withRows: boolean; readonly io: CommandIo },
): void {
  const nameOf = (keyId: string): string => desk.keys.get(keyId)?.name ?? keyId;
  if (withRows) {
    const head = ['AT', 'KEY', 'TARGET', 'OUTCOME', 'INPUT', 'OUTPUT', 'COST USD'];
    io.stdout(table([head, ...report.rows.map((row) => rowCells(row, nameOf(row.key)))]));
  } else {
    const head = ['KEY', 'PROVIDER', 'MODEL', 'ATTEMPTS', 'INPUT', 'OUTPUT', 'COST USD'];
    const cells = report.groups.map((group) => [
      nameOf(group.key),
      group.provider,
      group.model,
      String(group.receipts),
      String(group.input_tokens),
      String(group.output_tokens),
      `${formatUsd(group.cost_nano_usd)}${group.unpriced > 0 ? ` (${group.unpriced} without a known price)` : ''}`,
    ]);
    io.stdout(table([head, ...cells]));
  }
  io.stdout(`\n${report.receipts} attempts, ${formatUsd(report.total_nano_usd)} USD\n`);
}

function rowCells(row: UsageRow, name: string): readonly string[] {
  const cost = row.cost_nano_usd === null ? 'unknown' : formatUsd(row.cost_nano_usd);
  return [
    row.at,
    name,
    row.target,
    row.outcome,
    String(row.input_tokens ?? '-'),
    String(row.output_tokens ?? '-'),
    row.estimated ? `${cost} (estimated)` : cost,
  ];
}
