/** Starts what is compared: nothing at all, nginx, Turnout, Portkey. Each in a folder of its own, on the gateway's core. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { casesFor, type Case } from './cases.ts';
import type { Aim } from './load.ts';
import { GATEWAY_CORE } from './machine.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
/** This checkout. */
export const ROOT = dirname(HERE);
export const PORTKEY_VERSION = '1.15.2';
/** A plain install brings a newer @hono/node-server, with which its streams fail (its issue 1389); this is the last that works. */
const PORTKEY_PACKAGE = {
  private: true,
  dependencies: { '@portkey-ai/gateway': PORTKEY_VERSION },
  overrides: { '@hono/node-server': '1.14.1' },
};
const START_MAX_MS = 60_000;
const STOP_MAX_MS = 10_000;
const ROOT_KEY = 'bench-root-key-0123456789abcdefghijklmnop';
/** A thousand dollars: never reached, but held and settled against with every request. */
const BUDGET_USD = '1000';

/** One of the compared. `pid` is absent for the direct way. */
export interface Gateway extends Aim {
  readonly version: string;
  readonly pid?: number;
  stop(): Promise<void>;
}

/** Turnout, with what is needed to look at its books afterwards. */
export interface Turnout extends Gateway {
  /** Attempts in its ledger, after the ledger was verified. */
  receipts(): number;
}

interface Folder {
  readonly dir: string;
  readonly upstreamPort: number;
}

/** The upstream that all of them stand before. */
export async function startUpstream(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(HERE, 'upstream.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = Number(await printed(child, /^(\d+)\n/));
  return { port, stop: () => stopped(child) };
}

/** No gateway: what the network and the load generator themselves take. */
export function direct(upstreamPort: number): Gateway {
  const nothing = Promise.resolve();
  return {
    name: 'direct',
    version: '',
    port: upstreamPort,
    headers: {},
    cases: casesFor('bench-1'),
    stop: () => nothing,
  };
}

/** nginx as a plain proxy, one worker; undefined where it is not installed. */
export async function startNginx({ dir, upstreamPort }: Folder): Promise<Gateway | undefined> {
  const version = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  if (version.error !== undefined) return undefined;
  const port = await freePort();
  writeFileSync(join(dir, 'nginx.conf'), nginxConfig(dir, port, upstreamPort));
  const child = pinned('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')]);
  await answering(port);
  return {
    name: 'nginx',
    version: version.stderr.trim().replace(/^.*nginx\//, ''),
    port,
    headers: {},
    cases: casesFor('bench-1'),
    pid: child.pid ?? 0,
    stop: () => stopped(child),
  };
}

/** As a careful person would set it up; its log is written in batches, as ours is. */
function nginxConfig(dir: string, port: number, upstreamPort: number): string {
  return `daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log ${dir}/access.log combined buffer=64k flush=1s;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  client_body_buffer_size 256k;
  keepalive_requests 100000000;
  upstream bench {
    server 127.0.0.1:${upstreamPort};
    keepalive 256;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

export interface TurnoutOptions {
  /** Another checkout of the repository, to compare with. */
  readonly root?: string;
  readonly name?: string;
  readonly nodeArgs?: readonly string[];
  /** Instead of the usual ones. */
  readonly cases?: readonly Case[];
  /** Rows of the configuration beside the usual provider's. */
  readonly providers?: string;
  /** Processes behind its port; 1 where nothing is said. */
  readonly workers?: number;
  /** Its environment beside this process's. */
  readonly env?: Readonly<Record<string, string>>;
}

function mainOf(root: string): string {
  return join(root, 'gateway', 'src', 'main.ts');
}

/** Turnout as it comes: key check, limits, ledger, journal and request log are on, and the key has a budget. */
export async function startTurnout({ dir, upstreamPort }: Folder, options: TurnoutOptions = {}): Promise<Turnout> {
  const main = mainOf(options.root ?? ROOT);
  const { workers } = options;
  // Only where it is asked for: an earlier Turnout, measured beside this one, does not know the word.
  const config = `server: {host: 127.0.0.1${workers === undefined ? '' : `, workers: ${workers}`}}
providers:
  bench:
    dialect: openai-chat
    base_url: http://127.0.0.1:${upstreamPort}/v1
    api_key: sk-bench
    models: {bench-1: {price: {input: 0.1, output: 0.4}}}
${options.providers ?? ''}`;
  writeFileSync(join(dir, 'turnout.yaml'), config);
  const args = ['serve', '--config', join(dir, 'turnout.yaml'), '--port', '0', '--data', join(dir, 'data')];
  const child = pinned(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...(options.nodeArgs ?? []), main, ...args],
    {
      cwd: dir,
      env: { ...process.env, ...options.env, TURNOUT_ADMIN_KEY: ROOT_KEY },
    },
  );
  const port = Number(await printed(child, /listening on http:\/\/127\.0\.0\.1:(\d+)/));
  const made = await admin(port, 'keys', { name: 'bench', budget_usd: BUDGET_USD });
  return {
    name: options.name ?? 'Turnout',
    version: '',
    port,
    headers: { authorization: `Bearer ${String(made['key'])}` },
    cases: options.cases ?? casesFor('bench/bench-1'),
    pid: child.pid ?? 0,
    stop: () => stopped(child),
    receipts: () => verifiedReceipts(main, join(dir, 'data'), options.env),
  };
}

/** `turnout ledger verify`, which counts every receipt anew; throws where the ledger is not right. */
function verifiedReceipts(main: string, dataDir: string, env: TurnoutOptions['env']): number {
  const args = ['--disable-warning=ExperimentalWarning', main, 'ledger', 'verify', '--json', '--data', dataDir];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  const found = /"receipts": *(\d+)/.exec(done.stdout)?.[1];
  if (done.status !== 0 || found === undefined) throw new Error(`turnout ledger verify: ${done.stdout}${done.stderr}`);
  return Number(found);
}

async function admin(port: number, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/${path}`, {
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const read: unknown = await answer.json();
  if (!answer.ok || typeof read !== 'object' || read === null)
    throw new Error(`Turnout refused ${path}: ${JSON.stringify(read)}`);
  return { ...read };
}

/** Portkey's gateway from npm, installed once into the temporary folder; or why it cannot be had. */
export async function startPortkey({ dir, upstreamPort }: Folder): Promise<Gateway | string> {
  const home = join(tmpdir(), `turnout-bench-portkey-${PORTKEY_VERSION}`);
  const script = join(home, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  if (!existsSync(script)) {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'package.json'), JSON.stringify(PORTKEY_PACKAGE));
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const done = spawnSync('npm', args, { cwd: home, encoding: 'utf8' });
    if (done.status !== 0) return `npm cannot install it: ${done.stderr.trim().split('\n')[0] ?? 'no reason given'}`;
  }
  const port = await freePort();
  const child = pinned(process.execPath, [script, `--port=${port}`, '--headless'], { cwd: dir });
  await printed(child, /(Ready for connections)/);
  return {
    name: 'Portkey',
    version: PORTKEY_VERSION,
    port,
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1` },
    cases: casesFor('bench-1'),
    pid: child.pid ?? 0,
    stop: () => stopped(child),
  };
}

/** taskset replaces itself by the command, so the process id is the command's. */
function pinned(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): ChildProcess {
  return spawn('taskset', ['-c', String(GATEWAY_CORE), command, ...args], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits for a line on standard output and gives its first group. What is printed later is read and dropped. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error(`not started in time:\n${output}`)), START_MAX_MS);
    const take = (chunk: Buffer): void => {
      if (output.length < 100_000) output += chunk.toString('utf8');
      const found = pattern.exec(output)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${String(code)}:\n${output}`));
    });
  });
}

async function answering(port: number): Promise<void> {
  const endMs = performance.now() + START_MAX_MS;
  while (!(await accepts(port))) {
    if (performance.now() > endMs) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
