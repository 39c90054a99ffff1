/**
 * A Valkey (or Redis) for tests: the one that `TURNOUT_TEST_REDIS` names (`redis://…`), else a private one on a free port of
 * loopback that keeps nothing, where its program is on this machine.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS_MAX = 20_000;
/** Ends the server when its standard input closes: also when whoever started it was killed. */
const GUARDED = '"$0" "$@" & server=$!; read -r _; kill -KILL "$server"; wait "$server"';

/** A server of our own, which can be stopped and started again, and is empty then. */
export interface OwnValkey {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and takes all away. */
  remove(): Promise<void>;
}

/** The server's program, of Valkey or of Redis; undefined where there is none. */
export function valkeyProgram(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  const places = ['valkey-server', 'redis-server'].flatMap((name) => folders.map((folder) => join(folder, name)));
  return places.find((path) => existsSync(path));
}

/** Why there is none to be had; undefined where there is. */
export function whyNoValkey(): string | undefined {
  return valkeyProgram() === undefined ? 'neither valkey-server nor redis-server is installed' : undefined;
}

export async function ownValkey(): Promise<OwnValkey> {
  const program = valkeyProgram();
  if (program === undefined) throw new Error(whyNoValkey());
  const folder = mkdtempSync(join(tmpdir(), 'turnout-valkey-'));
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null) return;
    server.stdin?.end();
    await once(server, 'exit');
    server = undefined;
  };
  const start = async (): Promise<void> => {
    server = spawn('sh', ['-c', GUARDED, program, ...settings], { stdio: ['pipe', 'ignore', 'ignore'], cwd: folder });
    await answering(port);
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answering(port: number): Promise<void> {
  const untilMs = performance.now() + START_MS_MAX;
  while (performance.now() < untilMs) {
    if (await isOpen(port)) return;
    await delay(20);
  }
  throw new Error('the server did not start');
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const over = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => over(true));
    socket.once('error', () => over(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
