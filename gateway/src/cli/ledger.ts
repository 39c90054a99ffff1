/** `turnout ledger`: recomputes the ledger from its single entries (`verify`), and the sums that reports read (`rebuild`). */
import { jsonText } from '../lib/json-text.ts';
import { formatUsd } from '../money/usd.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { dataDirOf, EXIT, inert, told, UsageError, valueOf, wordsOf } from './output.ts';

const HELP = `turnout ledger verify | rebuild

  verify       recomputes all balances from receipts and transfers, and the sums of usage from receipts; changes
               nothing, and may run beside gateways; exit code 0 only where all agree
  rebuild      makes the sums of usage by hour anew from the receipts

  --data DIR   the data folder (else TURNOUT_DATA, else ./data)
  --json       for programs
`;

const OPTIONS = { data: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } } as const;

type Action = (dataDir: string, isJson: boolean, io: CommandIo) => Promise<number>;

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['verify', verify],
  ['rebuild', rebuild],
]);

/** Runs `turnout ledger …`; gives the exit code. */
export async function ledgerCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return told(io, HELP, async () => {
    const words = wordsOf(args, OPTIONS);
    if (words.values['help'] === true) {
      io.stdout(HELP);
      return EXIT.ok;
    }
    const run = ACTIONS.get(words.positionals.join(' '));
    if (run === undefined)
      throw new UsageError(`say "turnout ledger ${[...ACTIONS.keys()].join('" or "turnout ledger ')}"`);
    return run(dataDirOf(textOf(words, 'data'), io), words.values['json'] === true, io);
  });
}

async function verify(dataDir: string, isJson: boolean, io: CommandIo): Promise<number> {
  return withDesk({ dataDir }, async (desk) => {
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

async function rebuild(dataDir: string, isJson: boolean, io: CommandIo): Promise<number> {
  return withDesk({ dataDir }, async (desk) => {
    const lines = valueOf(await desk.reports(async (books) => books.rebuildUsage()));
    io.stdout(isJson ? `${jsonText({ lines })}\n` : `the sums of usage were made anew: ${lines} lines\n`);
    return EXIT.ok;
  });
}
