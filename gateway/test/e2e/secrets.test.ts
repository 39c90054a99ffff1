/** Credentials of providers that are sealed in the store, from outside: where they go, where they never are, and what becomes of them when the file changes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type TestGateway } from '../harness.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const MARK = 'sk-marked-4f1c9e7ab2d85360';
const WAIT_MS = 5000;

/** A provider that notes what it is sent as a key, and repeats it in what it says of errors. */
interface Provider {
  readonly url: string;
  readonly keys: (string | undefined)[];
  readonly server: Server;
}

const ANSWER = {
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

async function startProvider(): Promise<Provider> {
  const keys: (string | undefined)[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    keys.push(request.headers.authorization);
    request.resume().once('end', () => {
      const isWrong = request.url?.includes('wrong') === true;
      const error = { error: { message: `Incorrect API key provided: ${request.headers.authorization}`, code: 'x' } };
      response.writeHead(isWrong ? 401 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isWrong ? error : ANSWER));
    });
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, keys, server };
}

let dir: string;
let one: Provider;
let two: Provider;
let gateway: TestGateway;
/** All that anybody was told. */
let said = '';

const configAt = (url: string): string =>
  testConfig(
    {
      house: `{dialect: openai-chat, base_url: '${url}/v1', models: {m: {price: {input: 1, output: 1}}}}`,
      wrong: `{dialect: openai-chat, base_url: '${url}/wrong', models: {m: {}}}`,
    },
    'routes: {main: {targets: [house/m, wrong/m]}}',
  );

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'turnout-secrets-'));
  [one, two] = [await startProvider(), await startProvider()];
  gateway = await startGateway({ config: configAt(one.url), dir, env: { TURNOUT_LOG: 'debug' } });
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
  for (const { server } of [one, two]) server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function cli(words: readonly string[], input = ''): Promise<{ code: number | null; text: string }> {
  const args = ['--disable-warning=ExperimentalWarning', MAIN, ...words, '--data', join(dir, 'data')];
  const env = { PATH: process.env['PATH'] ?? '', HOME: dir, TURNOUT_CONFIG: join(dir, 'turnout.yaml') };
  const child = spawn(process.execPath, args, { cwd: dir, env, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  said += text;
  return { code, text };
}

async function get(path: string): Promise<string> {
  const response = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  const text = await response.text();
  said += `${text} ${JSON.stringify([...response.headers])}`;
  return text;
}

async function chat(model: string): Promise<{ status: number; body: JsonRecord }> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  });
  const text = await response.text();
  said += `${text} ${JSON.stringify([...response.headers])}`;
  return { status: response.status, body: asRecord(JSON.parse(text)) ?? {} };
}

/** Asks until the gateway has taken in what was changed. */
async function until(status: number, model: string): Promise<JsonRecord> {
  const startedMs = performance.now();
  for (;;) {
    const answer = await chat(model);
    if (answer.status === status) return answer.body;
    assert.ok(performance.now() - startedMs < WAIT_MS, `still ${answer.status}: ${JSON.stringify(answer.body)}`);
    await delay(50);
  }
}

describe('a secret that is set while the gateway runs', () => {
  it('is sent from then on, and to nobody else', async () => {
    const set = await cli(['secrets', 'set', 'house'], `${MARK}\n`);
    assert.equal(set.code, 0, set.text);
    assert.match(set.text, new RegExp(`is kept for ${one.url}\\.`));
    const again = await cli(['secrets', 'set', 'house'], `${MARK}\n`);
    assert.match(again.text, new RegExp(`is kept for ${one.url}, in the place of sec_`));
    const startedMs = performance.now();
    while (one.keys.at(-1) !== `Bearer ${MARK}`) {
      assert.ok(performance.now() - startedMs < WAIT_MS, 'the secret is not used');
      await chat('house/m');
      await delay(50);
    }
    await chat('wrong/m');
    assert.equal(one.keys.at(-1), undefined);
  });

  it('is never read from the words of the command, nor repeated', async () => {
    const wrong = await cli(['secrets', 'set', 'house', 'sk-on-the-command-line']);
    assert.equal(wrong.code, 2);
    assert.doesNotMatch(wrong.text, /sk-on-the/);
  });
});

describe('B58: the base URL of a provider whose secret is stored', () => {
  it('changes, and the secret goes nowhere until it is entered again', async () => {
    assert.equal((await cli(['secrets', 'check'])).code, 0);
    writeFileSync(join(dir, 'turnout.yaml'), configAt(two.url));
    const body = await until(502, 'house/m');
    const message = asString(asRecord(body['error'])?.['message']) ?? '';
    assert.match(message, new RegExp(`saved for ${one.url}, and the address is at ${two.url} now`));
    assert.match(message, /turnout secrets set house/);
    const check = await cli(['secrets', 'check']);
    assert.equal(check.code, 1);
    assert.match(check.text, /set it again/);
    assert.ok(!two.keys.some((key) => key !== undefined), 'nothing was sent there as a key');
    await cli(['secrets', 'set', 'house'], `${MARK}\n`);
    await until(200, 'house/m');
    assert.equal(two.keys.at(-1), `Bearer ${MARK}`);
  });

  it('and the port, or the scheme alone, are another origin', async () => {
    const listed = await cli(['secrets', 'list', '--json']);
    assert.ok(listed.text.includes(two.url));
    const moved = two.url.replace('127.0.0.1', 'localhost');
    writeFileSync(join(dir, 'turnout.yaml'), configAt(moved));
    await until(502, 'house/m');
    writeFileSync(join(dir, 'turnout.yaml'), configAt(two.url));
    await until(200, 'house/m');
  });
});

describe('a master key that is changed while the gateway runs', () => {
  it('leaves all secrets in use, and those that are set afterwards', async () => {
    assert.equal((await cli(['secrets', 'rotate'])).code, 0);
    assert.equal((await chat('house/m')).status, 200);
    assert.equal((await cli(['secrets', 'set', 'wrong'], `${MARK}-2\n`)).code, 0);
    const startedMs = performance.now();
    while (two.keys.at(-1) !== `Bearer ${MARK}-2`) {
      assert.ok(performance.now() - startedMs < WAIT_MS, 'the second secret is not used');
      await chat('wrong/m');
      await delay(50);
    }
    await gateway.stop();
    said += gateway.output();
    gateway = await startGateway({ config: configAt(two.url), dir, env: { TURNOUT_LOG: 'debug' } });
    assert.equal((await chat('house/m')).status, 200);
    assert.equal(two.keys.at(-1), `Bearer ${MARK}`);
  });
});

describe('B59: a secret of a provider', () => {
  it('is in no answer, list, export, log, error, page or file', async () => {
    // The provider repeats its key in what it says.
    assert.equal((await chat('wrong/m')).status, 502);
    await chat('main');
    for (const path of ['', 'healthz', 'readyz', 'metrics', 'v1/models', 'v1/models/house%2Fm']) await get(`/${path}`);
    const rooms = 'keys usage requests providers routes config health batches audit secrets'.split(' ');
    for (const room of rooms) await get(`/admin/v1/${room}`);
    const ids = [...(await get('/admin/v1/requests')).matchAll(/"id":"(req_[^"]+)"/g)].map((match) => match[1]);
    assert.ok(ids.length > 3);
    for (const id of ids) await get(`/v1/decisions/${id}`);
    for (const words of [
      ['secrets', 'list'],
      ['secrets', 'list', '--json'],
      ['secrets', 'check', '--json'],
      ['usage', '--json'],
      ['keys', 'list', '--json'],
      ['ledger', 'verify'],
      ['residency', '--json'],
    ])
      await cli(words);
    said += gateway.output();
    assert.ok(two.keys.includes(`Bearer ${MARK}`), 'it was sent, or this test says nothing');
    assert.ok(said.length > 10_000 && !said.includes(MARK), 'it was told to somebody');
    // Whatever looks like it in another form.
    for (const form of [Buffer.from(MARK).toString('base64'), Buffer.from(MARK).toString('hex'), MARK.slice(3, -4)])
      assert.ok(!said.includes(form), form);
    for (const file of readdirSync(dir, { recursive: true, withFileTypes: true }).filter((of) => of.isFile()))
      assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(MARK), file.name);
  });

  it('is in no text of a crash', async () => {
    const broken = await runCli(['secrets', 'list', '--data', join(dir, 'data')], {
      cwd: dir,
      env: { TURNOUT_MASTER_KEY: 'not-a-key-but-secret-0815' },
    });
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /TURNOUT_MASTER_KEY must be 32 bytes/);
    assert.doesNotMatch(broken.stderr, /secret-0815/);
    gateway.child.kill('SIGABRT');
    await delay(300);
    assert.ok(!gateway.output().includes(MARK));
    gateway = await startGateway({ config: configAt(two.url), dir });
    assert.equal((await chat('house/m')).status, 200);
  });
});
