/**
 * A PostgreSQL for tests: the one that `TURNOUT_TEST_POSTGRES` names (`postgres://…`, may create databases), else a private
 * one in a temporary folder on a free port of loopback, where its programs are on this machine.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

/** Debian's place, newest first, and whatever is in PATH. */
const PLACES = ['/usr/lib/postgresql'];
const START_MS_MAX = 30_000;
/** Fast and fit for nothing that must outlive a power cut. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '64MB',
};
/** Ends the server when its standard input closes: also when whoever started it was killed. */
const GUARDED = '"$0" "$@" & server=$!; read -r _; kill -INT "$server"; wait "$server"';

export interface TestPostgres {
  /** Of a database that is there, to make others from. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A server of our own, which can be stopped and started again with what it has. */
export interface OwnPostgres extends TestPostgres {
  start(): Promise<void>;
  /** Stops it and takes all away. */
  remove(): Promise<void>;
}

/** Folder of PostgreSQL's programs, or undefined where there are none. */
export function postgresPrograms(): string | undefined {
  const versions = PLACES.flatMap((place) =>
    existsSync(place) ? readdirSync(place).map((version) => join(place, version, 'bin')) : [],
  );
  const folders = [...versions.toReversed(), ...(process.env['PATH'] ?? '').split(':')];
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))));
}

/** Starts a private server. Throws where it does not start. */
export async function ownPostgres(): Promise<OwnPostgres> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is not installed');
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'turnout-postgres-'));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const init = ['-D', data, '-U', 'turnout', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(programs, 'initdb'), init, { ...user, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  const port = await freePort();
  const url = `postgres://turnout@127.0.0.1:${port}/postgres`;
  const settings = Object.entries({ ...SETTINGS, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (server?.exitCode !== null) return;
    server.stdin?.end();
    await once(server, 'exit');
  };
  const start = async (): Promise<void> => {
    const command = ['-c', GUARDED, join(programs, 'postgres'), '-D', data, ...settings];
    server = spawn('sh', command, { ...user, stdio: ['pipe', 'ignore', 'ignore'], cwd: folder });
    await answering(url, server);
  };
  const remove = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return { url, start, stop, remove };
}

/** PostgreSQL refuses to run as root. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string, name: string): number =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: idOf('-u', 'postgres'), gid: idOf('-g', 'postgres') };
  } catch {
    return { uid: idOf('-u', 'nobody'), gid: idOf('-g', 'nobody') };
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  const untilMs = performance.now() + START_MS_MAX;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}`);
    if (await canAsk(url)) return;
    if (performance.now() > untilMs) throw new Error('PostgreSQL does not answer');
    await delay(20);
  }
}

async function canAsk(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
