/** `turnout ledger reconcile`: a provider's usage or cost report beside our receipts. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { compact } from '../lib/json.ts';
import { nearest } from '../lib/nearest.ts';
import { jsonText, type JsonWithBigint } from '../lib/json-text.ts';
import { reconcile, type Compared } from '../money/reconcile.ts';
import { isDay, readStatement, type StatementLine } from '../money/statement.ts';
import { formatUsd } from '../money/usd.ts';
import type { Desk } from '../store/desk.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, inert, table, UsageError, valueOf } from './output.ts';
import { wantsJson } from './words.ts';

const DAY_MS = 86_400_000;
/** A part of theirs, in per cent, where none is named. */
const TOLERANCE = '1';

/** Runs it; exit code 0 only where all is within the tolerance. */
export async function reconcileStatement(words: Words, io: CommandIo): Promise<number> {
  const provider = textOf(words, 'provider');
  const file = textOf(words, 'file');
  if (provider === undefined || file === undefined) throw new UsageError('name --provider and --file');
  const tolerance = Number(textOf(words, 'tolerance') ?? TOLERANCE);
  if (!(tolerance >= 0 && tolerance <= 100)) throw new UsageError('--tolerance is per cent, 0 to 100');
  const read = readStatement(readFileSync(resolve(io.cwd, file), 'utf8'));
  if (!read.ok) throw new Error(`${file} cannot be read: ${read.error}`);
  const lines = between(read.value.lines, dayOf(words, 'from'), dayOf(words, 'to'));
  if (lines.length === 0) throw new Error(`${file} has no line of those days`);
  if (read.value.isCut)
    io.stderr('turnout: the last page says that another one follows: put all pages into one file\n');
  return withDesk({ words, io }, async (desk) => {
    const providers = provider.split(',').map((name) => name.trim());
    await mustBeOurs(desk, providers);
    const days = lines.map((line) => Date.parse(line.day));
    const span = { sinceMs: Math.min(...days), untilMs: Math.max(...days) + DAY_MS };
    const own = valueOf(await desk.reports(async (books) => books.ownDays(providers, span)));
    const rows = reconcile(lines, own, tolerance / 100);
    const bad = rows.filter((row) => !row.isGood);
    await alert(desk, provider, bad);
    io.stdout(wantsJson(words) ? `${jsonText(recordOf(rows))}\n` : textFor(rows, tolerance));
    return bad.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** A name that was mistyped would have nothing, and all that they bill would be told as drift. */
async function mustBeOurs(desk: Desk, providers: readonly string[]): Promise<void> {
  const used = valueOf(await desk.reports(async (books) => books.usageBy({ by: ['provider'] })));
  const known = used?.groups.flatMap(({ values }) => values) ?? [];
  const stranger = providers.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const meant = nearest(stranger, known);
  const hint = meant === undefined ? `There are ${known.join(', ') || 'none yet'}` : `Do you mean ${inert(meant)}?`;
  throw new Error(`nothing was ever asked of a provider "${inert(stranger)}" here. ${hint}`);
}

function dayOf(words: Words, name: 'from' | 'to'): string | undefined {
  const text = textOf(words, name);
  if (text !== undefined && !isDay(text)) throw new UsageError(`--${name} is a day, like 2026-11-20`);
  return text;
}

function between(lines: readonly StatementLine[], from = '', to = '9999-12-31'): readonly StatementLine[] {
  return lines.filter(({ day }) => day >= from && day <= to);
}

/** One alert a day and model, however often the same statement is compared. */
async function alert(desk: Desk, provider: string, bad: readonly Compared[]): Promise<void> {
  for (const row of bad) {
    const subject = `${provider}/${row.model} ${row.day}`;
    const drift = row.driftNanoUsd === undefined ? {} : { drift_usd: formatUsd(row.driftNanoUsd) };
    const body = { provider, model: row.model, day: row.day, ...drift, reasons: [...row.reasons] };
    valueOf(
      await desk.reports(async (books) => books.putAlert({ kind: 'reconciliation', subject, atMs: Date.now(), body })),
    );
  }
}

function recordOf(rows: readonly Compared[]): JsonWithBigint {
  return {
    ok: rows.every((row) => row.isGood),
    rows: rows.map(({ day, model, theirs, ours, reasons, isGood, ...drift }) => ({
      day,
      model,
      ok: isGood,
      theirs: compact({
        requests: theirs.requests,
        input_tokens: theirs.inputTokens,
        output_tokens: theirs.outputTokens,
        cost_nano_usd: theirs.costNanoUsd,
      }),
      ours: {
        requests: ours.receipts,
        input_tokens: ours.inputTokens,
        output_tokens: ours.outputTokens,
        cost_nano_usd: ours.costNanoUsd,
        unpriced: ours.unpriced,
        estimated: ours.estimated,
        interrupted: ours.interrupted,
      },
      drift: compact({
        input_tokens: drift.driftInputTokens,
        output_tokens: drift.driftOutputTokens,
        cost_nano_usd: drift.driftNanoUsd,
      }),
      reasons,
    })),
  };
}

function textFor(rows: readonly Compared[], tolerance: number): string {
  const head = ['DAY', 'MODEL', 'THEIRS USD', 'OURS USD', 'DRIFT USD', 'DRIFT INPUT', 'DRIFT OUTPUT', '', 'WHY'];
  const cells = rows.map((row) => [
    row.day,
    row.model,
    row.theirs.costNanoUsd === undefined ? '-' : formatUsd(row.theirs.costNanoUsd),
    formatUsd(row.ours.costNanoUsd),
    row.driftNanoUsd === undefined ? '-' : formatUsd(row.driftNanoUsd),
    String(row.driftInputTokens ?? '-'),
    String(row.driftOutputTokens ?? '-'),
    row.isGood ? 'ok' : 'DRIFT',
    row.reasons.join(', '),
  ]);
  const bad = rows.filter((row) => !row.isGood).length;
  const sum = bad === 0 ? `all ${rows.length} agree` : `${bad} of ${rows.length} differ by more`;
  return `${table([head, ...cells])}\n${sum} (tolerance ${tolerance}%)\n`;
}
