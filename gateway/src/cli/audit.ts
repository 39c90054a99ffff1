/** `turnout audit`: who changed what, newest first, and whether what stands there is what was written. Changes nothing; runs beside gateways. */
import { jsonText } from '../lib/json-text.ts';
import type { AuditEntry } from '../store/ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { wantsJson } from './words.ts';

const HELP = `turnout audit list [--limit N]
turnout audit verify

  list     the newest changes by admins: who, when, what (50; at most 200)
  verify   makes every entry's hash anew from the one before it; exit code 0 only where all agree.
           The newest entries could be cut off unseen: keep the last hash elsewhere, and compare it

  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json       for programs
`;

const OPTIONS = {
  data: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const LIST = 50;
const LIST_MAX = 200;
/** Of what was changed, on one line. */
const CHANGES_LENGTH_MAX = 80;

const ACTIONS: ReadonlyMap<string, (words: Words, io: CommandIo) => Promise<number>> = new Map([
  ['list', list],
  ['verify', verify],
]);

/** Runs `turnout audit …`; gives the exit code. */
export async function auditCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const action = ACTIONS.get(words.positionals.join(' '));
    if (action === undefined) throw new UsageError('say "turnout audit list" or "turnout audit verify"');
    return action(words, io);
  });
}

async function list(words: Words, io: CommandIo): Promise<number> {
  const limitMax = Number(textOf(words, 'limit') ?? LIST);
  if (!Number.isInteger(limitMax) || limitMax < 1 || limitMax > LIST_MAX)
    throw new UsageError(`--limit is 1 to ${LIST_MAX}`);
  const { entries } = await withDesk({ words, io }, async (desk) => valueOf(await desk.audit({ limitMax })));
  if (wantsJson(words)) io.stdout(`${JSON.stringify({ entries })}\n`);
  else io.stdout(table([['at', 'by', 'action', 'subject', 'changes'], ...entries.map(rowOf)]));
  return EXIT.ok;
}

function rowOf({ at, by, action, subject, changes }: AuditEntry): readonly string[] {
  const text = JSON.stringify(changes);
  return [at, by, action, subject, text.length > CHANGES_LENGTH_MAX ? `${text.slice(0, CHANGES_LENGTH_MAX)}…` : text];
}

async function verify(words: Words, io: CommandIo): Promise<number> {
  const proof = await withDesk({ words, io }, async (desk) => valueOf(await desk.verifyAudit()));
  const { entries, lastHash, problems } = proof;
  const ok = problems.length === 0;
  if (wantsJson(words)) io.stdout(`${jsonText({ ok, entries, last_hash: lastHash, problems })}\n`);
  else {
    for (const problem of problems) io.stdout(`${inert(problem)}\n`);
    io.stdout(
      `${entries} entries: ${ok ? `all are as they were written; the last hash is ${lastHash}` : 'NOT ALL AGREES'}\n`,
    );
  }
  return ok ? EXIT.ok : EXIT.failed;
}
