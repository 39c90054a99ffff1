/** A real gateway as a child process, in a folder of its own, for tests that look at it from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts');
/** The root key of every test gateway. */
export const ROOT_KEY = 'test-root-key-0123456789abcdefghijklmnop';
const START_MS = 20_000;
/** Nothing else of this machine reaches a test gateway; what Node has compiled before need not be compiled again, and a run knows what it has started. */
const INHERITED: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'NODE_COMPILE_CACHE', 'TURNOUT_TEST_RUN'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

export interface GatewayOptions {
  /** Text of turnout.yaml. Absent: no file, as on a first run. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A folder that lives longer than the gateway (restarts). Absent: a new one, removed at `stop`. */
  readonly dir?: string;
  /** False: without TURNOUT_ADMIN_KEY, as a new user starts it. */
  readonly hasRootKey?: boolean;
  readonly nodeArgs?: readonly string[];
  /** So many open files, and no more. */
  readonly filesMax?: number;
  /** Told of the process as soon as there is one. */
  readonly begun?: (child: ChildProcess) => void;
}

export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  readonly child: ChildProcess;
  /** All it has printed so far. */
  output(): string;
  /** Ends it with a signal and waits for its exit. Gives the exit code. Removes its folder unless it was given. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a gateway on a free port and waits until it listens. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'turnout-test-'));
  const args = ['serve', '--port', '0', '--data', join(dir, 'data')];
  if (options.config !== undefined) {
    writeFileSync(join(dir, 'turnout.yaml'), options.config);
    args.push('--config', join(dir, 'turnout.yaml'));
  }
  const env: Record<string, string> = { ...INHERITED, HOME: dir, ...options.env };
  if (options.hasRootKey !== false) env['TURNOUT_ADMIN_KEY'] = ROOT_KEY;
  const words = ['--disable-warning=ExperimentalWarning', ...(options.nodeArgs ?? []), MAIN, ...args];
  const [command, ...rest] =
    options.filesMax === undefined
      ? [process.execPath, ...words]
      : ['/bin/sh', '-c', `ulimit -n ${options.filesMax} && exec "$@"`, 'sh', process.execPath, ...words];
  const child = spawn(command, rest, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  options.begun?.(child);
  let output = '';
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`the gateway did not start:\n${output}`));
      child.kill();
    }, START_MS);
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const match = /listening on (http:\/\/\S+)/.exec(output);
      if (match?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(match[1]);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the gateway ended with ${code}:\n${output}`));
    });
  });
  return {
    url,
    port: Number(new URL(url).port),
    dir,
    child,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const code = await exited;
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
      return code;
    },
  };
}

/** Runs a command of the CLI to its end. */
export async function runCli(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...INHERITED, HOME: options.cwd, ...options.env };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    cwd: options.cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/**
 * Suites that let a target fail again and again look at one request at a time: what health learns of it must not reach the
 * next. `chaos/health.test.ts` has it as it is without a word.
 */
export const TOLERANT = 'health: {requests_min: 10000, eject_max: 0, retry_budget: 10, in_flight: off}';

/** A configuration with short limits (those of the fault table) and one provider an entry. */
export function testConfig(providers: Readonly<Record<string, string>>, rest = ''): string {
  const rows = Object.entries(providers).map(([id, row]) => `  ${id}: ${row}`);
  const timeouts =
    'timeouts: {connect_ms: 2000, first_byte_ms: 5000, first_token_ms: 5000, idle_ms: 5000, total_ms: 20000}';
  const health = /^health:/m.test(rest) ? '' : TOLERANT;
  return `providers:\n${rows.join('\n')}\n${timeouts}\n${health}\n${rest}\n`;
}
