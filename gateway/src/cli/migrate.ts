/** `turnout migrate`: brings the database up to date, or says what that would do. A start does it too; this is for whoever wants it seen. */
import { inspectStore, migrateStore, type StoreAt, type StoreState } from '../store/books/inspect.ts';
import { ensureDataDir } from '../store/secret.ts';
import type { Log } from '../telemetry/log.ts';
import { dataHere } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import { EXIT, inert, runCommand, UsageError } from './output.ts';
import { wantsJson } from './words.ts';

const HELP = `usage: turnout migrate [--dry-run] [--data DIR] [--json]

Brings the database up to date: forward only, all steps or none, and one process at a time. Make a backup first.

  --dry-run    say what would be done, and do nothing
  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json       for programs
`;

const OPTIONS = {
  data: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export async function migrateCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    if (words.positionals.length > 0) throw new UsageError('this command takes no names');
    const at = await dataHere(words, io);
    const isDry = words.values['dry-run'] === true;
    const before = await inspectStore(at);
    if (!isDry) {
      ensureDataDir(at.dataDir);
      await migrateStore(at);
    }
    if (wantsJson(words)) io.stdout(`${JSON.stringify({ applied: !isDry, ...asJson(before) })}\n`);
    else io.stdout(shown(before, isDry));
    return EXIT.ok;
  });
}

/** Tells, at a start, that tables will change, what that goes through, and how a copy is made first. What is wrong is told by the start itself. */
export async function tellPending(at: StoreAt, log: Log): Promise<void> {
  const state = await inspectStore(at).catch(() => undefined);
  if (state === undefined || state.done.length === 0 || state.pending.length === 0) return;
  const through = Object.entries(state.rows).map(([table, count]) => `${table}: ${count} rows`);
  log('warn', 'the database is brought up to date now; whoever wants a copy first stops this and makes one', {
    steps: state.pending.join(', '),
    through: through.join(', '),
    backup: BACKUP_HINT,
  });
}

function asJson(state: StoreState | undefined): object {
  return { done: state?.done ?? [], pending: state?.pending ?? 'all', rows: state?.rows ?? {} };
}

function shown(state: StoreState | undefined, isDry: boolean): string {
  if (state === undefined) return isDry ? 'There is no database yet: one would be made.\n' : 'A database was made.\n';
  const { pending } = state;
  if (pending.length === 0) return 'The database is up to date.\n';
  const steps = pending.map((name) => `  ${inert(name)}\n`).join('');
  return isDry ? `To be done:\n${steps}${costs(state)}Make a backup first: ${BACKUP_HINT}\n` : `Done:\n${steps}`;
}

/** What a person should do before tables change. */
export const BACKUP_HINT = 'turnout backup FILE (PostgreSQL: pg_dump --format=custom)';

function costs({ rows }: StoreState): string {
  return Object.entries(rows)
    .map(([table, count]) => `It goes through ${table} (${count} rows); gateways wait meanwhile.\n`)
    .join('');
}
