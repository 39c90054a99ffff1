import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { asArray, asRecord, parseJson } from '../../lib/json.ts';
import { openStore } from '../../store/store.ts';
import { doctorCommand } from '../doctor.ts';
import type { CommandIo } from '../io.ts';
import type { Finding } from './check.ts';
import { disk, space } from './data.ts';
import { descriptors, nodeVersion, proxies, tls } from './machine.ts';
import { schema, skew } from './parts.ts';
import { adminKey, credentialsOf, masterKey, secret } from './settings.ts';
import { valkey, valkeyFinding } from './valkey.ts';

const MIB = 1024 * 1024;
const VALKEY = 'redis_version:7.2.4\r\nvalkey_version:8.1.3\r\nmaxmemory:268435456\r\nmaxmemory_policy:noeviction\r\n';

/** What is seen → what is said of it. */
const SEEN: Readonly<Record<string, readonly (readonly [Finding['level'] | undefined, Finding | undefined])[]>> = {
  node: [
    ['ok', nodeVersion('24.21.0')],
    ['problem', nodeVersion('22.9.0')],
  ],
  'file descriptors': [
    ['ok', descriptors(65_536, 10_000)],
    ['warning', descriptors(1024, 10_000)],
    [undefined, descriptors(undefined, 10_000)],
  ],
  proxies: [
    ['ok', proxies({ HTTPS_PROXY: '' })],
    ['warning', proxies({ https_proxy: 'http://user:word@proxy' })],
  ],
  tls: [
    ['ok', tls({}, '127.0.0.1')],
    ['warning', tls({}, '0.0.0.0')],
    ['problem', tls({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, '127.0.0.1')],
    ['problem', tls({ NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' }, '127.0.0.1')],
  ],
  'disk space': [
    ['ok', space({ bavail: 2000, bsize: MIB })],
    ['warning', space({ bavail: 500, bsize: MIB })],
    ['problem', space({ bavail: 50, bsize: MIB })],
  ],
  'local disk': [
    ['ok', disk(0xef53)],
    ['problem', disk(0x6969)],
  ],
  clock: [
    ['ok', skew(-300)],
    ['warning', skew(5000)],
    ['problem', skew(-90_000)],
  ],
  store: [
    ['ok', schema(undefined)],
    ['ok', schema({ done: ['0001'], pending: [], through: [], rows: {}, clockMs: 0, sealed: 0 })],
    ['warning', schema({ done: [], pending: ['0001'], through: [], rows: {}, clockMs: 0, sealed: 0 })],
  ],
  credentials: [
    ['ok', credentialsOf([{ provider: 'a', credential: 'key of the environment (A_KEY)' }])],
    ['ok', credentialsOf([{ provider: 'a', credential: 'none: it is disabled' }])],
    ['warning', credentialsOf([{ provider: 'a', credential: 'none: no key is set' }])],
    ['warning', credentialsOf([])],
  ],
  secrets: [
    ['ok', adminKey(undefined)],
    ['problem', adminKey('short')],
    ['ok', secret(undefined, false)],
    ['warning', secret(undefined, true)],
    ['ok', secret('0'.repeat(64), true)],
    ['problem', secret('word', true)],
    ['ok', masterKey(`${'A'.repeat(43)}=,${'B'.repeat(43)}`, true)],
    ['problem', masterKey('word', false)],
    ['ok', masterKey(undefined, false)],
    ['warning', masterKey(undefined, true)],
  ],
  valkey: [
    ['ok', valkey(VALKEY, 'here')],
    ['warning', valkey(VALKEY.replace('noeviction', 'allkeys-lru'), 'here')],
    ['ok', valkey(VALKEY.replace('noeviction', 'allkeys-lru').replace('268435456', '0'), 'here')],
    ['problem', valkey('redis_version:6.2.0\r\n', 'here')],
    ['problem', valkey('', 'here')],
  ],
};

describe('what the doctor says', () => {
  for (const [name, cases] of Object.entries(SEEN))
    it(`of ${name}`, () => {
      for (const [level, finding] of cases) {
        assert.equal(finding?.level, level, finding?.says);
        assert.equal(
          finding?.todo === undefined,
          level === 'ok' || level === undefined,
          'what is not well has a way out',
        );
      }
    });

  it('of a proxy is its variable and never its address', () => {
    assert.doesNotMatch(JSON.stringify(proxies({ https_proxy: 'http://user:word@proxy' })), /word|user/);
  });
});

describe('a Valkey', () => {
  async function serving(test: TestContext, answers: (asked: string) => string): Promise<string> {
    const server = createServer((socket) => {
      socket.on('data', (piece: Buffer) => {
        const answer = answers(piece.toString('utf8'));
        if (answer === '') socket.destroy();
        else socket.end(answer);
      });
    });
    test.after(() => server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  it('is asked with its password, and told of without', async (test) => {
    let asked = '';
    const at = await serving(test, (text) => {
      asked = text;
      return `+OK\r\n$${VALKEY.length}\r\n${VALKEY}\r\n+OK\r\n`;
    });
    const finding = await valkeyFinding(`redis://:p%40ss@${at}/0`);
    assert.match(asked, /^\*2\r\n\$4\r\nAUTH\r\n\$4\r\np@ss\r\n\*1\r\n\$4\r\nINFO\r\n/);
    assert.equal(finding?.level, 'ok');
    assert.match(finding?.says ?? '', /8\.1\.3/);
    assert.doesNotMatch(JSON.stringify(finding), /p@ss|p%40ss/);
  });

  it('that refuses, is away, or is not wanted', async (test) => {
    const refusing = await serving(test, () => '-NOAUTH Authentication required.\r\n');
    assert.match((await valkeyFinding(`redis://${refusing}`))?.says ?? '', /NOAUTH/);
    assert.equal((await valkeyFinding('redis://127.0.0.1:1'))?.level, 'problem');
    assert.equal(await valkeyFinding('memory'), undefined);
  });
});

describe('turnout doctor', () => {
  async function doctor(
    test: TestContext,
    prepare: (dir: string) => void = () => undefined,
  ): Promise<{ code: number; of: (name: string) => string }> {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-doctor-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(
      join(dir, 'turnout.yaml'),
      'server: {port: 0}\nproviders: {openai: {api_key: "${OPENAI_API_KEY}"}}\n',
    );
    mkdirSync(join(dir, 'data'), { mode: 0o700 });
    prepare(dir);
    let stdout = '';
    const io: CommandIo = {
      stdout: (text) => {
        stdout += text;
      },
      stderr: () => undefined,
      env: { OPENAI_API_KEY: 'sk-test-0123456789abcdef' },
      cwd: dir,
      isTerminal: false,
    };
    const code = await doctorCommand(['--json', '--data', 'data'], io);
    const checks = asArray(asRecord(parseJson(stdout))?.['checks']) ?? [];
    const of = (name: string): string => {
      const row = checks.map(asRecord).find((check) => check?.['name'] === name);
      return `${String(row?.['level'])}: ${String(row?.['says'])}`;
    };
    return { code, of };
  }

  it('is content with a new folder and a good file', async (test) => {
    const { code, of } = await doctor(test);
    assert.equal(code, 0);
    for (const name of ['configuration', 'credentials', 'data folder', 'store', 'port', 'time zones'])
      assert.match(of(name), /^ok: /, name);
  });

  it('finds a broken file, and says where', async (test) => {
    const { code, of } = await doctor(test, (dir) => writeFileSync(join(dir, 'turnout.yaml'), 'atempts: 3\n'));
    assert.equal(code, 1);
    assert.match(of('configuration'), /^problem: .*`atempts`/s);
  });

  it('finds what others may read, and the dead', { skip: process.platform === 'win32' }, async (test) => {
    const { of } = await doctor(test, (dir) => {
      chmodSync(join(dir, 'data'), 0o755);
      writeFileSync(join(dir, 'data', 'journal-p1x-1.log'), '');
    });
    assert.match(of('data folder'), /^warning: others may read/);
    assert.match(of('dead processes'), /^warning: 0 gateways .* 1 that died/);
  });

  it('leaves a store that serves alone, and sees it live', async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-doctor-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const store = await openStore({ dataDir: dir, now: Date.now });
    let text = '';
    const io: CommandIo = {
      stdout: (more) => void (text += more),
      stderr: () => undefined,
      env: {},
      cwd: dir,
      isTerminal: false,
    };
    await doctorCommand(['--data', '.'], io);
    assert.match(text, /ok +store +reachable, tables as of 00\d\d-/);
    assert.match(text, /ok +dead processes +1 gateway running on it/);
    const made = await store.keys.create({ name: 'after' });
    assert.equal(made.ok, true);
    await store.close();
  });

  it('finds a store whose keys were made with another secret', async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-doctor-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    await (await openStore({ dataDir: dir, now: Date.now })).close();
    const looked = async (env: CommandIo['env']): Promise<string> => {
      let text = '';
      const stdout = (more: string): void => void (text += more);
      await doctorCommand(['--data', '.'], { stdout, stderr: () => undefined, env, cwd: dir, isTerminal: false });
      return text;
    };
    const stranger = /PROBLEM secret +the keys in the store were made with another secret/;
    assert.match(await looked({}), /ok +secret +in the data folder/);
    assert.match(await looked({ TURNOUT_SECRET: 'a'.repeat(64) }), stranger);
    assert.match(
      await looked({ TURNOUT_SECRET: readFileSync(join(dir, 'secret'), 'utf8').trim() }),
      /ok +secret +TURNOUT/,
    );
    rmSync(join(dir, 'secret'));
    assert.match(await looked({}), stranger);
  });
});
