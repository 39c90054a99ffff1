import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { asArray, asRecord, asString, parseJson, type JsonRecord } from '../lib/json.ts';
import { TOOLS } from './launch-tools.ts';
import { launchCommand } from './launch.ts';

const KEY = 'tk_the-key-of-this-test';
const MAIN = join(import.meta.dirname, '..', 'main.ts');
/** Stands where the tool would: tells what it was given, and ends as it is told to. */
const FAKE = `#!${process.execPath}
const { readdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const dir = readdirSync(process.env.TMPDIR).map((name) => join(process.env.TMPDIR, name))[0];
const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const told = files.map((entry) => join(entry.parentPath, entry.name));
const { FAKE_REPORT, FAKE_EXIT, FAKE_WAITS, ...env } = process.env;
const modes = [dir, ...told].map((path) => statSync(path).mode & 0o077);
const texts = told.map((path) => readFileSync(path, 'utf8'));
writeFileSync(FAKE_REPORT, JSON.stringify({ args: process.argv.slice(2), env, cwd: process.cwd(), texts, modes }));
if (FAKE_WAITS === undefined) process.exit(Number(FAKE_EXIT ?? 0));
process.on('SIGTERM', () => process.exit(7));
setTimeout(() => process.exit(9), 10_000);
process.stdout.write('ready');
`;

let folder = '';
let env: Record<string, string> = {};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-launch-test-'));
  for (const name of ['bin', 'home', 'tmp', 'work']) mkdirSync(join(folder, name));
  const report = join(folder, 'report.json');
  env = { PATH: join(folder, 'bin'), HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp'), FAKE_REPORT: report };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(binary: string): void {
  writeFileSync(join(folder, 'bin', binary), FAKE, { mode: 0o755 });
}

interface Launched {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

async function launched(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Launched> {
  const texts = { out: '', errors: '' };
  const code = await launchCommand(args, {
    stdout: (text) => void (texts.out += text),
    stderr: (text) => void (texts.errors += text),
    env: { ...env, ...more },
    cwd: join(folder, 'work'),
    isTerminal: false,
  });
  return { code, ...texts };
}

function report(): JsonRecord {
  return asRecord(parseJson(readFileSync(join(folder, 'report.json'), 'utf8'))) ?? {};
}

describe('turnout launch', () => {
  for (const [name, tool] of TOOLS) {
    it(`starts ${name} with the key out of sight, and leaves nothing behind`, async () => {
      install(tool.binary);
      const more = { TURNOUT_KEY: KEY, TURNOUT_ADMIN_KEY: 'root-key', TURNOUT_URL: 'http://gate.test:99/v1/' };
      const { code, out, errors } = await launched([name, '--model', 'house/m', '--', '-p', '--model', 'x y'], more);
      assert.deepEqual({ code, out, errors }, { code: 0, out: '', errors: '' });
      const { args, env: got, texts, modes, cwd } = report();
      const words = asArray(args) ?? [];
      assert.deepEqual(words.slice(-3), ['-p', '--model', 'x y']);
      assert.ok(!JSON.stringify(words).includes(KEY), 'the key stands on the command line');
      const told = JSON.stringify([{ ...asRecord(got), TURNOUT_KEY: null, TURNOUT_URL: null }, texts, words]);
      assert.ok(told.includes('http://gate.test:99') && !told.includes('http://gate.test:99/v1/'), told);
      assert.ok(told.includes('house/m') && !told.includes('root-key'), told);
      // The name of the variable, or the key itself.
      assert.ok(told.includes(KEY) || /TURNOUT_KEY/.test(told.replace('"TURNOUT_KEY":null', '')), told);
      assert.ok(
        (asArray(modes) ?? []).every((mode) => mode === 0),
        'others can read its files',
      );
      assert.equal(cwd, join(folder, 'work'));
      assert.deepEqual([readdirSync(join(folder, 'home')), readdirSync(join(folder, 'tmp'))], [[], []]);
    });
  }

  it('takes away what would lead the tool elsewhere', async () => {
    install('claude');
    await launched(['claude', '--url', 'http://gate.test', '--key', KEY], { ANTHROPIC_API_KEY: 'another' });
    const got = asRecord(report()['env']) ?? {};
    assert.deepEqual(
      [got['ANTHROPIC_BASE_URL'], got['ANTHROPIC_AUTH_TOKEN'], got['ANTHROPIC_API_KEY'], got['ANTHROPIC_MODEL']],
      ['http://gate.test', KEY, undefined, undefined],
    );
  });

  it('finds the gateway of this folder', async () => {
    install('claude');
    const base = async (more: Readonly<Record<string, string>> = {}): Promise<string | undefined> => {
      assert.equal((await launched(['claude'], { TURNOUT_KEY: KEY, ...more })).code, 0);
      return asString(asRecord(report()['env'])?.['ANTHROPIC_BASE_URL']);
    };
    assert.equal(await base(), 'http://127.0.0.1:8787');
    writeFileSync(join(folder, 'work', 'turnout.yaml'), 'server: {host: 0.0.0.0, port: 4321}\n');
    assert.equal(await base(), 'http://127.0.0.1:4321');
    assert.equal(await base({ TURNOUT_PORT: '5432' }), 'http://127.0.0.1:5432');
    writeFileSync(join(folder, 'work', 'turnout.yaml'), 'server: {host: "::1", prt: 1}\n');
    const { code, errors } = await launched(['claude'], { TURNOUT_KEY: KEY });
    assert.equal(code, 1);
    assert.match(errors, /where the gateway listens is not known: .*`server\.prt`/);
  });

  it('speaks the protocol that is asked for', async () => {
    install('copilot');
    const args = ['copilot', '--protocol', 'anthropic-messages', '--url', 'http://gate.test', '--key', KEY];
    assert.equal((await launched(args)).code, 0);
    assert.equal(asRecord(report()['env'])?.['COPILOT_PROVIDER_TYPE'], 'anthropic');
    const { code, errors } = await launched(['claude', '--protocol', 'gemini', '--key', KEY]);
    assert.equal(code, 2);
    assert.match(errors, /Claude Code speaks anthropic-messages/);
  });

  it('ends as the tool ends', async () => {
    install('claude');
    const more = { TURNOUT_KEY: KEY, FAKE_EXIT: '42' };
    assert.equal((await launched(['claude'], more)).code, 42);
    writeFileSync(join(folder, 'bin', 'claude'), `#!${process.execPath}\nprocess.kill(process.pid, 'SIGKILL');\n`);
    assert.equal((await launched(['claude'], more)).code, 128 + 9);
  });

  it('passes a signal on and waits for the tool', async () => {
    install('claude');
    const node = ['--disable-warning=ExperimentalWarning', MAIN, 'launch', 'claude', '--key', KEY];
    const child = spawn(process.execPath, node, { cwd: folder, env: { ...env, FAKE_WAITS: '1' } });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [7, null]);
    assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  });

  it('says how a tool is installed that is not there', async () => {
    for (const [name, { npm, binary }] of TOOLS) {
      const { code, errors } = await launched([name, '--key', KEY]);
      const told = `turnout: ${binary} is not installed. Install it with: npm install --global ${npm}\n`;
      assert.deepEqual({ code, errors }, { code: 127, errors: told });
    }
  });

  it('says what is wrong with the words', async () => {
    for (const [args, code, pattern] of [
      [[], 2, /name a tool/],
      [['vim'], 2, /there is no tool vim/],
      [['claude', '-p'], 2, /-p/],
      [['claude', 'hello'], 2, /comes after --/],
      [['claude', '--key', KEY, '--url', 'ftp://x'], 2, /not an HTTP URL/],
      [['claude', '--key', KEY, '--url', 'x'], 2, /not a URL/],
      [['claude'], 1, /turnout keys create/],
      [['--help'], 0, /^$/],
    ] as const) {
      const got = await launched(args);
      assert.equal(got.code, code, args.join(' '));
      assert.match(got.errors, pattern);
    }
  });
});
