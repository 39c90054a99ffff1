/**
 * `turnout ledger`: recomputes the ledger from its single entries (`verify`), the sums that reports read (`rebuild`), prices that were not known
 * (`reprice`), what providers say of it (`reconcile`), and money that a lost machine cannot give back (`processes`, `release`).
 */
import { jsonText } from '../lib/json-text.ts';
import { STATEMENT_COLUMNS } from '../money/statement.ts';
import { formatUsd } from '../money/usd.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { actionOf, type Action, EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { reconcileStatement } from './reconcile.ts';
import { reprice } from './reprice.ts';
import { wantsJson } from './words.ts';

const HELP = `turnout ledger verify | rebuild | reprice | reconcile | processes | release

  verify       recomputes all balances from receipts and transfers, and the sums of usage from receipts; changes
               nothing, and may run beside gateways; exit code 0 only where all agree
  rebuild      makes the sums of usage by hour anew from the receipts
  reprice      books what receipts cost whose price was not known when they were written, by the prices of
               the configuration here; a gateway does the same by itself when a new configuration comes into force
                 [--model NAME] [--since TIME] [--dry-run] [--config FILE]
  reconcile    compares a usage or cost report of a provider with the receipts, by day (UTC) and model
                 --provider NAME[,NAME] --file FILE [--from DAY] [--to DAY] [--tolerance PER CENT]
               FILE: what OpenAI's or Anthropic's usage and cost API answered (several pages: one a line), or CSV with
               the columns ${STATEMENT_COLUMNS.join(', ')};
               exit code 0 only where all is within the tolerance (1 where none is named)
  processes    lists processes that money of budgets is handed out to: those that live, and those that are gone
  release      gives back what a machine that is lost for good held: what it had spent untold may be spent once more
                 --process ID

  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json       for programs
`;

const OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  model: { type: 'string' },
  since: { type: 'string' },
  'dry-run': { type: 'boolean' },
  config: { type: 'string' },
  provider: { type: 'string' },
  file: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  tolerance: { type: 'string' },
  process: { type: 'string' },
} as const;

const ACTIONS: Readonly<Record<string, Action<(words: Words, io: CommandIo) => Promise<number>>>> = {
  verify: { run: verify },
  rebuild: { run: rebuild },
  reprice: { options: ['model', 'since', 'dry-run', 'config'], run: reprice },
  reconcile: { options: ['provider', 'file', 'from', 'to', 'tolerance'], run: reconcileStatement },
  processes: { run: processes },
  release: { options: ['process'], run: release },
};

/** Runs `turnout ledger …`; gives the exit code. */
export async function ledgerCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    return actionOf(ACTIONS, words, 'ledger')(words, io);
  });
}

async function verify(words: Words, io: CommandIo): Promise<number> {
  const isJson = wantsJson(words);
  return withDesk({ words, io }, async (desk) => {
    const { ok, receipts, spent_nano_usd, problems } = valueOf(await desk.verify());
    if (isJson) io.stdout(`${jsonText({ ok, receipts, spent_nano_usd, problems })}\n`);
    else {
      for (const problem of problems) io.stdout(`${inert(problem)}\n`);
      io.stdout(
        `${receipts} receipts, ${formatUsd(spent_nano_usd)} USD spent: ${ok ? 'all balances agree' : 'NOT ALL AGREES'}\n`,
      );
    }
    return ok ? EXIT.ok : EXIT.failed;
  });
}

async function rebuild(words: Words, io: CommandIo): Promise<number> {
  const isJson = wantsJson(words);
  return withDesk({ words, io }, async (desk) => {
    const lines = valueOf(await desk.reports(async (books) => books.rebuildUsage()));
    io.stdout(isJson ? `${jsonText({ lines })}\n` : `the sums of usage were made anew: ${lines} lines\n`);
    return EXIT.ok;
  });
}

const STATES = {
  alive: 'lives',
  'journal-here': 'dead; its journal is here, a gateway that starts takes it in',
  gone: 'gone; its journal is not here',
} as const;

async function processes(words: Words, io: CommandIo): Promise<number> {
  const found = valueOf(await withDesk({ words, io }, async (desk) => desk.lessees()));
  const rows = found.map(({ processId, leasedNanoUsd, state }) => ({
    process: processId,
    held_usd: formatUsd(leasedNanoUsd),
    state,
  }));
  if (wantsJson(words)) io.stdout(`${JSON.stringify({ processes: rows })}\n`);
  else
    io.stdout(
      table([['PROCESS', 'HOLDS USD', 'STATE'], ...rows.map((row) => [row.process, row.held_usd, STATES[row.state]])]),
    );
  return EXIT.ok;
}

const REFUSALS = {
  alive: 'It lives, and gives its money back by itself.',
  'journal-here': 'Its journal is in this data folder: start a gateway in it, which books what it spent.',
  'no-lease': 'No such process holds money. See `turnout ledger processes`.',
} as const;

async function release(words: Words, io: CommandIo): Promise<number> {
  const processId = textOf(words, 'process');
  if (processId === undefined) throw new UsageError('say which: --process ID');
  const released = valueOf(await withDesk({ words, io }, async (desk) => desk.release(processId)));
  if ('refused' in released) throw new Error(REFUSALS[released.refused]);
  io.stdout(`${formatUsd(released.releasedNanoUsd)} USD of process ${inert(processId)} can be spent again\n`);
  return EXIT.ok;
}
