/** `turnout ledger verify`: recomputes the ledger from its single entries. Changes nothing, and may run beside gateways. */
import { jsonText } from '../lib/json-text.ts';
import { formatUsd } from '../money/usd.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { dataDirOf, EXIT, inert, told, UsageError, valueOf, wordsOf } from './output.ts';

const HELP = `turnout ledger verify

  Recomputes all balances from receipts and transfers. Exit code 0 only where all agree.

  --data DIR   the data folder (else TURNOUT_DATA, else ./data)
  --json       for programs
`;

const OPTIONS = { data: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } } as const;

/** Runs `turnout ledger …`; gives the exit code. */
export async function ledgerCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return told(io, HELP, async () => {
    const words = wordsOf(args, OPTIONS);
    if (words.values['help'] === true) {
      io.stdout(HELP);
      return EXIT.ok;
    }
    if (words.positionals.join(' ') !== 'verify') throw new UsageError('say "turnout ledger verify"');
    return verify(dataDirOf(textOf(words, 'data'), io), words.values['json'] === true, io);
  });
}

async function verify(dataDir: string, isJson: boolean, io: CommandIo): Promise<number> {
  return withDesk({ dataDir, env: io.env }, async (desk) => {
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
