/** `turnout ledger …`: its proof, which changes nothing, and money that a lost machine cannot give back. Both may run beside gateways. */
import { jsonText } from '../lib/json-text.ts';
import { formatUsd } from '../money/usd.ts';
import type { Desk } from '../store/desk.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { dataDirOf, EXIT, inert, table, told, UsageError, valueOf, wordsOf } from './output.ts';

const HELP = `turnout ledger verify
       turnout ledger processes
       turnout ledger release --process ID

  verify     recomputes all balances from receipts and transfers; exit code 0 only where all agree
  processes  processes that hold money of budgets, and whether they live
  release    gives back what a process holds whose machine is lost, with its data folder. What it had spent and not
             yet told is then in no book: budgets may be spent twice by as much. Should the folder come back, start a
             gateway in it: all of it is booked, also beyond a budget.

  --data DIR   the data folder (else TURNOUT_DATA, else ./data)
  --json       for programs
`;

const OPTIONS = {
  data: { type: 'string' },
  process: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Runs `turnout ledger …`; gives the exit code. */
export async function ledgerCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return told(io, HELP, async () => {
    const words = wordsOf(args, OPTIONS);
    if (words.values['help'] === true) {
      io.stdout(HELP);
      return EXIT.ok;
    }
    const action = ACTIONS.get(words.positionals.join(' '));
    if (action === undefined) throw new UsageError('say "turnout ledger verify", "processes" or "release"');
    const dataDir = dataDirOf(textOf(words, 'data'), io);
    return withDesk({ dataDir, env: io.env }, async (desk) => action({ desk, io, words }));
  });
}

interface Asked {
  readonly desk: Desk;
  readonly io: CommandIo;
  readonly words: Words;
}

const ACTIONS: ReadonlyMap<string, (asked: Asked) => Promise<number>> = new Map([
  ['verify', verify],
  ['processes', processes],
  ['release', release],
]);

async function verify({ desk, io, words }: Asked): Promise<number> {
  const { ok, receipts, spent_nano_usd, problems } = valueOf(await desk.verify());
  if (words.values['json'] === true) io.stdout(`${jsonText({ ok, receipts, spent_nano_usd, problems })}\n`);
  else {
    for (const problem of problems) io.stdout(`${inert(problem)}\n`);
    io.stdout(
      `${receipts} receipts, ${formatUsd(spent_nano_usd)} USD spent: ${ok ? 'all balances agree' : 'NOT ALL AGREES'}\n`,
    );
  }
  return ok ? EXIT.ok : EXIT.failed;
}

const STATES = {
  alive: 'lives',
  'journal-here': 'dead; its journal is here, a gateway that starts takes it in',
  gone: 'gone; its journal is not here',
} as const;

async function processes({ desk, io, words }: Asked): Promise<number> {
  const found = valueOf(await desk.lessees());
  const rows = found.map(({ processId, leasedNanoUsd, state }) => ({
    process: processId,
    held_usd: formatUsd(leasedNanoUsd),
    state,
  }));
  if (words.values['json'] === true) io.stdout(`${JSON.stringify({ processes: rows })}\n`);
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

async function release({ desk, io, words }: Asked): Promise<number> {
  const processId = textOf(words, 'process');
  if (processId === undefined) throw new UsageError('say which: --process ID');
  const released = valueOf(await desk.release(processId));
  if ('refused' in released) throw new Error(REFUSALS[released.refused]);
  io.stdout(`${formatUsd(released.releasedNanoUsd)} USD of process ${inert(processId)} can be spent again\n`);
  return EXIT.ok;
}
