/**
 * Real coding programs, started by `turnout launch`, run without a terminal against a real gateway: one answer in text, and one round
 * in which the model calls a tool and the program sends back its result. Behind the gateway is the simulator with a script, so that
 * both ends are known: what the program shows, and what reached the provider.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { TOOLS, type Spoken } from '../../src/cli/launch-tools.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asArray, asRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { startDeadEnd, type DeadEnd } from './dead-end.ts';
import { install, PINS } from './install.ts';

const SUITE = 'programs';
const SKIP =
  process.env['TURNOUT_PROGRAMS'] === '1'
    ? false
    : `suite "${SUITE}" could not run: it installs 2.3 GB of programs (\`npm run programs\`, or TURNOUT_PROGRAMS=1)`;
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
/** The slowest takes some 15 s on a machine with two busy cores. */
const RUN_MS = 120_000;
const RECORDS_MS = 10_000;

/** How a program is run without a terminal, and the tool of its own that reads a file. */
interface Program {
  readonly args: (prompt: string) => readonly string[];
  /** No updates, no reports, nothing that outlives the run. */
  readonly env?: Readonly<Record<string, string>>;
  readonly call: (file: string) => { readonly name: string; readonly arguments: JsonRecord };
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  claude: {
    args: (prompt) => ['-p', prompt, '--allowedTools', 'Read'],
    env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
    call: (file) => ({ name: 'Read', arguments: { file_path: file } }),
  },
  codex: {
    // Its own sandbox needs rights that a container seldom has; the command only reads.
    args: (prompt) => ['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access', prompt],
    call: (file) => ({ name: 'exec_command', arguments: { cmd: `cat ${file}` } }),
  },
  opencode: {
    args: (prompt) => ['run', prompt],
    env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' },
    call: (file) => ({ name: 'read', arguments: { filePath: file } }),
  },
  gemini: {
    args: (prompt) => ['--skip-trust', '-p', prompt],
    call: (file) => ({ name: 'read_file', arguments: { file_path: file } }),
  },
  qwen: {
    args: (prompt) => ['-p', prompt],
    call: (file) => ({ name: 'read_file', arguments: { file_path: file } }),
  },
  copilot: {
    args: (prompt) => ['-p', prompt, '--allow-all-tools'],
    env: { COPILOT_AUTO_UPDATE: 'false' },
    call: (file) => ({ name: 'view', arguments: { path: file } }),
  },
  cline: {
    args: (prompt) => [prompt],
    // Else it leaves a daemon behind.
    env: { CLINE_SESSION_BACKEND_MODE: 'local' },
    call: (file) => ({ name: 'read_files', arguments: { files: [{ path: file }] } }),
  },
  continue: {
    args: (prompt) => ['-p', prompt],
    env: { CONTINUE_TELEMETRY_ENABLED: '0' },
    call: (file) => ({ name: 'Read', arguments: { filepath: file } }),
  },
  pi: {
    args: (prompt) => ['-p', prompt],
    env: { PI_OFFLINE: '1' },
    call: (file) => ({ name: 'read', arguments: { path: file } }),
  },
};

/** Where each protocol is asked, what its requests end with there, and who is asked in another one. */
const WIRES = {
  'openai-chat': { provider: 'house-chat', path: '/chat/completions', base: '/openai/v1', other: 'anthropic-messages' },
  'openai-responses': { provider: 'house-responses', path: '/responses', base: '/openai/v1', other: 'openai-chat' },
  'anthropic-messages': { provider: 'house-anthropic', path: '/messages', base: '/anthropic', other: 'openai-chat' },
  gemini: {
    provider: 'house-gemini',
    path: '/m:streamGenerateContent',
    base: '/gemini/v1beta',
    other: 'anthropic-messages',
  },
} as const satisfies Record<Spoken, { provider: string; path: string; base: string; other: Spoken }>;
const SPOKEN_HERE: readonly Spoken[] = Object.values(gateDialects)
  .map((dialect) => dialect.id)
  .filter(isSpoken);

function isSpoken(name: string): name is Spoken {
  return Object.hasOwn(WIRES, name);
}

let simulator: Simulator;
let gateway: TestGateway;
let deadEnd: DeadEnd;

describe('real programs', { skip: SKIP }, () => {
  before(async () => {
    simulator = await startSimulator();
    deadEnd = await startDeadEnd();
    const rows = SPOKEN_HERE.map((dialect) => {
      const { provider, base } = WIRES[dialect];
      const models = '{m: {price: {input: 1, output: 2}}}';
      return [provider, `{dialect: ${dialect}, base_url: "${simulator.url}${base}", models: ${models}}`];
    });
    gateway = await startGateway({ config: testConfig(Object.fromEntries(rows)) });
  });
  after(async () => {
    deadEnd.close();
    await gateway.stop();
    await simulator.close();
  });

  for (const [name, tool] of TOOLS) {
    for (const protocol of tool.speaks) {
      const own = { name, protocol, target: protocol };
      it(`${tool.title} gets text by ${protocol}`, (t) => checkText(own, t));
      it(`${tool.title} uses a tool by ${protocol}`, (t) => checkTool(own, t));
      const { other } = WIRES[protocol];
      it(`${tool.title} uses a tool by ${protocol} of ${other}`, (t) => checkTool({ ...own, target: other }, t));
    }
  }
});

interface Case {
  /** The tool's in `turnout launch`. */
  readonly name: string;
  readonly protocol: Spoken;
  /** Of the provider behind the gateway. */
  readonly target: Spoken;
}

async function checkText(one: Case, t: TestContext): Promise<void> {
  const answer = `answer-${randomUUID()}`;
  simulator.script([{ match: { contains: '"tools"' }, times: 'forever', reply: { text: answer } }]);
  const ran = await runProgram(one, 'Say hello.', t);
  assert.ok(ran.code === 0 && ran.out.includes(answer), ran.shown);
  await checkBooks(one);
}

async function checkTool(one: Case, t: TestContext): Promise<void> {
  const [answer, word] = [`answer-${randomUUID()}`, `word-${randomUUID()}`];
  const program = PROGRAMS[one.name];
  assert.ok(program !== undefined, `no row for ${one.name}`);
  const ran = await runProgram(one, 'Read hello.txt and tell me what it says.', t, (dir) => {
    const file = join(dir, 'hello.txt');
    writeFileSync(file, `It says ${word}.\n`);
    simulator.script([
      { match: { contains: word }, times: 'forever', reply: { text: answer } },
      { match: { contains: '"tools"' }, reply: { tool_calls: [program.call(file)] } },
    ]);
  });
  assert.ok(ran.code === 0 && ran.out.includes(answer), ran.shown);
  const asked = await checkBooks(one);
  const results = asked.filter((request) => request.bodyText?.includes(word) === true);
  assert.ok(
    results.length > 0 && results.length < asked.length,
    `${results.length} of ${asked.length} have the result`,
  );
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  /** All that it printed, for the failure. */
  readonly shown: string;
}

/** Runs a program to its end, in a new home and a new folder, with no way to other machines. */
async function runProgram(
  { name, protocol, target }: Case,
  prompt: string,
  t: TestContext,
  prepare: (dir: string) => void = () => {},
): Promise<Ran> {
  const [pin, tool, program] = [PINS.get(name), TOOLS.get(name), PROGRAMS[name]];
  assert.ok(pin !== undefined && tool !== undefined && program !== undefined, `no row for ${name}`);
  const bin = await install(pin, tool.binary);
  const root = mkdtempSync(join(tmpdir(), 'turnout-programs-'));
  const [home, work, tmp] = ['home', 'work', 'tmp'].map((part) => join(root, part));
  assert.ok(home !== undefined && work !== undefined && tmp !== undefined);
  for (const dir of [home, work, tmp]) mkdirSync(dir);
  prepare(work);
  await clearBooks();
  const own = ['--protocol', protocol, '--model', `${WIRES[target].provider}/m`];
  const node = ['--disable-warning=ExperimentalWarning', MAIN, 'launch', name, ...own, '--', ...program.args(prompt)];
  const PATH = [bin, join(process.execPath, '..'), process.env['PATH'] ?? ''].join(':');
  const gate = { TURNOUT_URL: gateway.url, TURNOUT_KEY: ROOT_KEY };
  const env = { PATH, HOME: home, TMPDIR: tmp, TERM: 'dumb', ...gate, ...deadEnd.env, ...program.env };
  const startedMs = performance.now();
  const ran = await ended(
    spawn(process.execPath, node, { cwd: work, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  const hosts = deadEnd.asked();
  t.diagnostic(
    `${pin.spec}: ${Math.round(performance.now() - startedMs)} ms; kept from ${hosts.join(' ') || 'nowhere'}`,
  );
  return ran;
}

function ended(child: ReturnType<typeof spawn>): Promise<Ran> {
  const texts = { out: '', errors: '' };
  child.stdout?.on('data', (chunk: Buffer) => void (texts.out += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => void (texts.errors += chunk.toString('utf8')));
  // Its whole group: a program that hangs has children.
  const endGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nobody is left in it.
    }
  };
  const timer = setTimeout(endGroup, RUN_MS);
  return new Promise((done) => {
    child.once('exit', (code) => {
      clearTimeout(timer);
      endGroup();
      child.once('close', () => {
        const reached = simulator.log.requests.map(({ path, status }) => `${path} ${status}`).join('\n');
        done({ code, out: texts.out, shown: `ended with ${code}\n${texts.out}\n${texts.errors}\n${reached}` });
      });
    });
  });
}

/** The newest of the gateway's records before the run. */
let knownId: unknown;

async function clearBooks(): Promise<void> {
  simulator.log.clear();
  knownId = (await records())[0]?.['id'];
}

/** What reached the provider, after both books were checked: its own and the gateway's. */
async function checkBooks({ protocol, target }: Case): Promise<readonly LoggedRequest[]> {
  const { provider, path } = WIRES[target];
  const asked = simulator.log.requests;
  assert.ok(asked.length > 0);
  for (const request of asked) {
    assert.deepEqual([request.model, request.dialect, request.status], ['m', target, 200]);
    assert.ok(request.path.endsWith(path), request.path);
  }
  const rows = await newRecords(asked.length);
  for (const { protocol: spoken, model, outcome } of rows) {
    assert.deepEqual({ spoken, model, outcome }, { spoken: protocol, model: `${provider}/m`, outcome: 'ok' });
  }
  return asked.filter((request) => asArray(asRecord(request.body)?.['tools']) !== undefined);
}

/** The gateway writes its records a moment after the reply: waits for as many as the provider was asked. */
async function newRecords(count: number): Promise<readonly JsonRecord[]> {
  const endMs = performance.now() + RECORDS_MS;
  let rows: readonly JsonRecord[] = [];
  while (rows.length < count && performance.now() < endMs) {
    const all = await records();
    const old = all.findIndex((row) => row['id'] === knownId);
    rows = old < 0 ? all : all.slice(0, old);
  }
  assert.equal(rows.length, count, 'a record a request');
  return rows;
}

/** A page of them, newest first. */
async function records(): Promise<readonly JsonRecord[]> {
  const headers = { authorization: `Bearer ${ROOT_KEY}` };
  const reply = await fetch(`${gateway.url}/admin/v1/requests`, { headers });
  const page = asRecord(parseJson(await reply.text())) ?? {};
  return (asArray(page['data']) ?? []).map((row) => asRecord(row) ?? {});
}
