/** `turnout backup FILE`: one consistent copy of the database, while gateways run. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DATABASE } from '../store/books/books.ts';
import { backupStore } from '../store/books/inspect.ts';
import { dataHere } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import { EXIT, inert, runCommand, UsageError } from './output.ts';

const HELP = `usage: turnout backup FILE [--data DIR]

Copies the SQLite database into FILE, which must not be there yet; gateways may run meanwhile.
Of PostgreSQL it says how its own tools make the copy.

  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
`;

/** What belongs to a database and is no part of it: without them its keys and secrets are of no use. */
const BESIDE = ['secret', 'master-key', 'files'];

const OPTIONS = { data: { type: 'string' }, help: { type: 'boolean' } } as const;

export async function backupCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const [name, stray] = words.positionals;
    if (name === undefined || stray !== undefined) throw new UsageError('name one file');
    const { dataDir, url } = await dataHere(words, io);
    if (url !== undefined) {
      io.stderr(`${pgDump(url, name)}\n`);
      return EXIT.failed;
    }
    if (!existsSync(join(dataDir, DATABASE)))
      throw new Error(`There is no Turnout data in ${dataDir}. Name the folder with --data or TURNOUT_DATA.`);
    const file = resolve(io.cwd, name);
    if (existsSync(file)) throw new Error(`${inert(file)} is there already. Name another file.`);
    backupStore(dataDir, file);
    const beside = BESIDE.filter((one) => existsSync(join(dataDir, one)));
    io.stdout(`${inert(file)}: the whole database. Keep with it, from ${inert(dataDir)}: ${beside.join(', ')}\n`);
    return EXIT.ok;
  });
}

/** Without the password, which `pg_dump` asks for or finds in PGPASSWORD or ~/.pgpass. */
function pgDump(url: string, name: string): string {
  const { hostname, port, username, pathname } = new URL(url);
  const words = [`--host=${hostname}`, ...(port === '' ? [] : [`--port=${port}`]), `--username=${username}`];
  return `The store is PostgreSQL, which makes its own copies:\n  pg_dump --format=custom ${words.join(' ')} --file=${inert(name)} ${pathname.slice(1)}`;
}
