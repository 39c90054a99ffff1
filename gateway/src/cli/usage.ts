/** `turnout usage`: what was spent, from the database and from the journals of gateways that are running now. */
import { jsonText } from '../lib/json-text.ts';
import { sinceOf } from '../lib/since.ts';
import { formatUsd } from '../money/usd.ts';
import type { Desk } from '../store/desk.ts';
import type { UsageReport, UsageRow } from '../store/ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { dataDirOf, EXIT, inert, table, told, UsageError, valueOf, wordsOf } from './output.ts';

const HELP = `turnout usage [--since TIME] [--rows]

  --since TIME  2026-11-22, 2026-11-22T08:00:00Z, or back from now: 30m, 24h, 7d
  --rows        one row an attempt that cost or may have cost something (--json always has them)
  --data DIR    the data folder (else TURNOUT_DATA, else ./data)
  --json        for programs
`;

const OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  rows: { type: 'boolean' },
  since: { type: 'string' },
} as const;

/** Runs `turnout usage …`; gives the exit code. */
export async function usageCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return told(io, HELP, async () => {
    const words = wordsOf(args, OPTIONS);
    if (words.values['help'] === true) {
      io.stdout(HELP);
      return EXIT.ok;
    }
    if (words.positionals.length > 0) throw new UsageError(`unexpected ${inert(words.positionals[0] ?? '')}`);
    const since = textOf(words, 'since');
    const sinceMs = since === undefined ? 0 : sinceOf(since, Date.now());
    if (sinceMs === undefined)
      throw new UsageError(`"${inert(since ?? '')}" is not a time, like 2026-11-22T08:00:00Z or 24h`);
    return withDesk({ dataDir: dataDirOf(textOf(words, 'data'), io), env: io.env }, async (desk) => {
      const withRows = words.values['rows'] === true;
      const isJson = words.values['json'] === true;
      const report = valueOf(await desk.usage(withRows || isJson ? { sinceMs } : { sinceMs, rowsMax: 0 }));
      if (isJson) printJson(report, withRows, io);
      else printText(report, desk, { withRows, io });
      return EXIT.ok;
    });
  });
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
