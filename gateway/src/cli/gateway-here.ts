/** The gateway on this machine, as turnout.yaml tells of it: where it keeps its data, where it listens, where people reach it. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseWhereabouts, type Whereabouts } from '../config/load.ts';
import { summary } from '../config/render.ts';
import { err, ok } from '../lib/result.ts';
import { storePlace, type StorePlace } from '../store/place.ts';
import { readConfigText } from './config-file.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** What is looked for in the file, and what else one can do where it cannot be used. */
interface Wanted {
  readonly what: string;
  readonly todo: string;
}

const DATA: Wanted = {
  what: 'where the data is',
  todo: 'name it by --data or TURNOUT_DATA, and the store by TURNOUT_STORE',
};
const LISTENS: Wanted = { what: 'where the gateway listens', todo: 'name it: --url URL' };

export interface DataHere extends StorePlace {
  readonly dataDir: string;
}

/**
 * The data folder and the store: by `--data`, else the environment, else the file (that of `--config`, where the command has it). They must be those of
 * the gateway: a key that is made in another database is known to nobody. Throws an error for people.
 */
export async function dataHere(words: Words, io: CommandIo): Promise<DataHere> {
  const data = textOf(words, 'data') ?? io.env['TURNOUT_DATA'];
  if (data !== undefined && io.env['TURNOUT_STORE'] !== undefined)
    return { dataDir: resolve(io.cwd, data), ...storePlace(io.env) };
  const file = fileHere(textOf(words, 'config'), io);
  const where = await whereHere(file, io, DATA);
  const dataDir = data === undefined ? resolve(dirname(file.path), where.data) : resolve(io.cwd, data);
  return { dataDir, ...storePlace(io.env, where.store) };
}

/** `http://127.0.0.1:8787`; `named`: the file, where another than turnout.yaml. Throws an error for people. */
export async function urlHere(named: string | undefined, io: CommandIo): Promise<string> {
  return listening(await whereHere(fileHere(named, io), io, LISTENS), io);
}

/** Where people open its pages: `people.url`, else where it listens. Throws an error for people. */
export async function urlForPeople(io: CommandIo): Promise<string> {
  const where = await whereHere(fileHere(undefined, io), io, LISTENS);
  return where.people.url ?? listening(where, io);
}

function listening({ server }: Whereabouts, io: CommandIo): string {
  const host = ANY_ADDRESS.has(server.host) ? '127.0.0.1' : server.host;
  const port = io.env['TURNOUT_PORT'] ?? String(server.port);
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface FileHere {
  readonly path: string;
  /** One that nobody named need not be there. */
  readonly isNamed: boolean;
}

function fileHere(named: string | undefined, { cwd, env }: CommandIo): FileHere {
  const name = named ?? env['TURNOUT_CONFIG'];
  return { path: resolve(cwd, name ?? 'turnout.yaml'), isNamed: name !== undefined };
}

async function whereHere(
  { path, isNamed }: FileHere,
  { env }: CommandIo,
  { what, todo }: Wanted,
): Promise<Whereabouts> {
  const text = isNamed || existsSync(path) ? await readConfigText(path, path) : ok('');
  const read = text.ok ? parseWhereabouts(text.value, { file: path, env }) : err([text.error]);
  if (!read.ok) throw new Error(`${what} is not known: ${summary(read.error)}\nMend that, or ${todo}.`);
  return read.value;
}
