/** `turnout invoices`: what each organisation is charged for a month. Changes nothing, and may run beside gateways. */
import { invoicesCsv, invoiceRecord, type Invoice } from '../billing/invoice.ts';
import { invoicePage } from '../billing/invoice-page.ts';
import { invoicesFor } from '../billing/invoices.ts';
import { formatUsd } from '../money/usd.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, runCommand, table, UsageError, valueOf } from './output.ts';

const HELP = `turnout invoices --month 2026-10 [--org ID] [--csv | --html | --json]

  --month M    the month, in the time zone of each organisation
  --org ID     one organisation (else all that used anything)
  --csv        a line a model, for a spreadsheet
  --html       a page to print; needs --org
  --json       for programs
  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
`;

const OPTIONS = {
  month: { type: 'string' },
  org: { type: 'string' },
  csv: { type: 'boolean' },
  html: { type: 'boolean' },
  json: { type: 'boolean' },
  data: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** Runs `turnout invoices …`; gives the exit code. */
export async function invoicesCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const month = textOf(words, 'month');
    const orgId = textOf(words, 'org');
    if (month === undefined || words.positionals.length > 0) throw new UsageError('say which month: --month 2026-10');
    if (words.values['html'] === true && orgId === undefined) throw new UsageError('--html needs --org');
    return withDesk({ words, io }, async (desk) => {
      const order = orgId === undefined ? { month } : { month, orgId };
      io.stdout(printed(valueOf(await invoicesFor(order, desk.billing)), words));
      return EXIT.ok;
    });
  });
}

function printed(invoices: readonly Invoice[], { values }: Words): string {
  if (values['csv'] === true) return invoicesCsv(invoices);
  if (values['json'] === true) return `${JSON.stringify({ invoices: invoices.map(invoiceRecord) })}\n`;
  if (values['html'] === true) return invoices.map(invoicePage).join('');
  return invoices.length === 0 ? 'nothing was used\n' : invoices.map(shown).join('\n');
}

function shown({ number, orgName, lines, total, dueNanoUsd }: Invoice): string {
  const head = ['MODEL', 'REQUESTS', 'INPUT', 'OUTPUT', 'COST USD', 'CHARGE USD', 'CREDITS USD'];
  const rows = [
    ...lines.map((line) => ({ ...line, name: `${line.provider}/${line.model}` })),
    { ...total, name: 'total' },
  ].map((line) => [
    line.name,
    String(line.requests),
    String(line.inputTokens),
    String(line.outputTokens),
    formatUsd(line.costNanoUsd),
    formatUsd(line.chargeNanoUsd),
    formatUsd(line.creditsNanoUsd),
  ]);
  return `${table([[`${number} ${orgName}`]])}${table([head, ...rows])}to pay: ${formatUsd(dueNanoUsd)} USD\n`;
}
