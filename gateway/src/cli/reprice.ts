/** `turnout ledger reprice`: books what receipts cost whose price was not known when they were written. */
import { resolve } from 'node:path';
import { jsonText } from '../lib/json-text.ts';
import { sinceOf } from '../lib/since.ts';
import { compact } from '../lib/json.ts';
import { formatUsd } from '../money/usd.ts';
import { salesOf } from '../pipeline/sale.ts';
import { repriceAll, type RepricedModel, type RepriceReport } from '../store/reprice.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { dataDirOf, EXIT, inert, table, UsageError, valueOf } from './output.ts';
import { snapshotHere } from './snapshot-here.ts';
import { wantsJson } from './words.ts';

/** Runs it; prices are those of the configuration here, and of the catalog. */
export async function reprice(words: Words, io: CommandIo): Promise<number> {
  const dataDir = dataDirOf(textOf(words, 'data'), io);
  const since = textOf(words, 'since');
  const sinceMs = since === undefined ? undefined : sinceOf(since, Date.now());
  if (since !== undefined && sinceMs === undefined) throw new UsageError(`"${inert(since)}" is not a time`);
  const named = textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'];
  const file = named === undefined ? undefined : resolve(io.cwd, named);
  const here = await snapshotHere({ file, dataDir }, io);
  if (!here.ok) throw new Error(here.error);
  const { snapshot, config } = here.value;
  const isDryRun = words.values['dry-run'] === true;
  return withDesk({ words, io }, async (desk) => {
    const order = {
      ...compact({ sinceMs, model: textOf(words, 'model') }),
      isDryRun,
      reason: 'turnout ledger reprice',
      priceOf: ({ target }: { readonly target: string }) => snapshot.targets.get(target)?.price,
      saleTo: salesOf(desk, () => config.billing.plan),
      now: Date.now,
    };
    const report = valueOf(await repriceAll(desk.reports, order));
    io.stdout(wantsJson(words) ? `${jsonText(recordOf(report, isDryRun))}\n` : textFor(report, isDryRun));
    return EXIT.ok;
  });
}

function recordOf({ priced, unknown }: RepriceReport, isDryRun: boolean): Parameters<typeof jsonText>[0] {
  const rows = (models: readonly RepricedModel[]) =>
    models.map(({ costNanoUsd, ...model }) => ({ ...model, cost_nano_usd: costNanoUsd }));
  return { dry_run: isDryRun, priced: rows(priced), unknown: rows(unknown) };
}

function textFor({ priced, unknown }: RepriceReport, isDryRun: boolean): string {
  if (priced.length + unknown.length === 0) return 'every receipt has a price\n';
  const rows = [
    ...priced.map((one) => [one.provider, one.model, String(one.receipts), formatUsd(one.costNanoUsd)]),
    ...unknown.map((one) => [one.provider, one.model, String(one.receipts), 'still unknown']),
  ];
  const did = isDryRun ? '\nnothing was booked: this was a dry run\n' : '';
  return `${table([['PROVIDER', 'MODEL', 'ATTEMPTS', 'COST USD'], ...rows])}${did}`;
}
