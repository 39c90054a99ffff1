/** `turnout usage --by …`: usage told apart by team, model, day and the like, with bars in a terminal. */
import { jsonText } from '../lib/json-text.ts';
import { formatUsd } from '../money/usd.ts';
import {
  wordsOf,
  type UsageByGroup,
  type UsageByQuery,
  type UsageByReport,
  type UsageDimension,
  type UsageSum,
} from '../store/report-ports.ts';
import type { CommandIo } from './io.ts';
import { table } from './output.ts';
import { openSheet, type SheetColumn, type SheetForm } from './sheet.ts';

const BAR_WIDTH = 20;
/** Eighths of a block. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

const SUMS = [
  { name: 'receipts', kind: 'count' },
  { name: 'unpriced', kind: 'count' },
  { name: 'input_tokens', kind: 'count' },
  { name: 'cached_input_tokens', kind: 'count' },
  { name: 'cache_write_tokens', kind: 'count' },
  { name: 'output_tokens', kind: 'count' },
  { name: 'reasoning_tokens', kind: 'count' },
  { name: 'cost_nano_usd', kind: 'money' },
  { name: 'charge_nano_usd', kind: 'money' },
] as const satisfies readonly (SheetColumn & { readonly name: keyof UsageSum })[];

const NAMED: readonly UsageDimension[] = ['org', 'team', 'user', 'key'];

/** Prints a report: as a sheet, as JSON, or for people. */
export function printUsageBy(
  { by }: Pick<UsageByQuery, 'by'>,
  report: UsageByReport,
  out: { readonly form: SheetForm | 'json' | 'table'; readonly io: CommandIo },
): void {
  if (out.form === 'json') printJson(by, report, out.io);
  else if (out.form === 'table') printTable(by, report, out.io);
  else {
    const sheet = openSheet(out.form, columnsOf(by));
    for (const group of report.groups) sheet.write({ ...wordsOf(by, group), ...sumsOf(group) });
    sheet.end();
  }
}

function columnsOf(by: readonly UsageDimension[]): readonly SheetColumn[] {
  const words = by.flatMap((dimension): readonly SheetColumn[] => {
    const name = dimension.replace('-', '_');
    const column: SheetColumn = { name, kind: dimension === 'day' || dimension === 'hour' ? 'time' : 'text' };
    return NAMED.includes(dimension) ? [column, { name: `${name}_name`, kind: 'text' }] : [column];
  });
  return [...words, ...SUMS];
}

function sumsOf(sum: UsageSum): Readonly<Record<string, number | bigint>> {
  return Object.fromEntries(SUMS.map(({ name }) => [name, sum[name]]));
}

/** Group by group: a year of hours must not become one string. */
function printJson(by: readonly UsageDimension[], report: UsageByReport, io: CommandIo): void {
  const { since, until, groups, groups_total, total } = report;
  io.stdout('{"groups":[');
  for (const [index, group] of groups.entries())
    io.stdout(`${index === 0 ? '' : ','}${jsonText({ ...wordsOf(by, group), ...sumsOf(group) })}`);
  io.stdout(`],${jsonText({ since, until, groups_total, total: sumsOf(total) }).slice(1)}\n`);
}

function printTable(by: readonly UsageDimension[], report: UsageByReport, io: CommandIo): void {
  const { groups, total, since, until } = report;
  const isCharged = groups.some((group) => group.charge_nano_usd !== group.cost_nano_usd);
  const most = groups.reduce((top, { cost_nano_usd: cost }) => (cost > top ? cost : top), 0n);
  const head = [...by.map((name) => name.toUpperCase()), 'ATTEMPTS', 'INPUT', 'OUTPUT', 'COST USD'];
  const rows = groups.map((group) => [
    ...group.values.map((value, place) => group.names[place] ?? (value === '' ? '-' : shortTime(by[place], value))),
    String(group.receipts),
    String(group.input_tokens),
    String(group.output_tokens),
    costText(group),
    ...(isCharged ? [formatUsd(group.charge_nano_usd)] : []),
    bar(group.cost_nano_usd, most),
  ]);
  io.stdout(table([[...head, ...(isCharged ? ['CHARGE USD'] : []), ''], ...rows]));
  const span = [since === undefined ? '' : ` since ${since}`, until === undefined ? '' : ` until ${until}`].join('');
  io.stdout(`\n${total.receipts} attempts, ${costText(total)} USD${span}\n`);
}

function shortTime(dimension: UsageDimension | undefined, value: string): string {
  return dimension === 'hour' ? `${value.slice(0, 16)}Z` : value;
}

function costText({ cost_nano_usd, unpriced }: Pick<UsageByGroup, 'cost_nano_usd' | 'unpriced'>): string {
  return `${formatUsd(cost_nano_usd)}${unpriced > 0 ? ` (${unpriced} without a known price)` : ''}`;
}

/** As long as its share of the dearest. */
function bar(nanoUsd: bigint, most: bigint): string {
  if (most === 0n) return '';
  const eighths = Number((nanoUsd * BigInt(BAR_WIDTH * 8)) / most);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}
