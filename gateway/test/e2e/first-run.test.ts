/** What a new user does, in order: start without anything, copy the curl line, make a key with a budget, look at usage. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli, startGateway, type TestGateway } from '../harness.ts';

const ASK = { messages: [{ role: 'user', content: 'hi' }] };

describe('a first run without any configuration', () => {
  let dir: string;
  let gateway: TestGateway;
  let key: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'turnout-first-'));
    gateway = await startGateway({ dir, hasRootKey: false });
    key = /key\s+(tk_\S+)/.exec(gateway.output())?.[1] ?? '';
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    rmSync(dir, { recursive: true, force: true });
  });

  async function call(
    path: string,
    body?: object,
    as = key,
  ): Promise<{ status: number; headers: Headers; json: Record<string, unknown> }> {
    const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' };
    const response = await fetch(
      `${gateway.url}${path}`,
      body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
    );
    return {
      status: response.status,
      headers: response.headers,
      json: (await response.json()) as Record<string, unknown>,
    };
  }

  it('prints base URL, key and a curl line that works as it stands', () => {
    const output = gateway.output();
    assert.match(output, /base URL\s+http:\/\/127\.0\.0\.1:\d+\/v1/);
    const line = output.slice(output.indexOf('  curl ')).trim();
    const answer = JSON.parse(execFileSync('sh', ['-c', `${line} -s`], { encoding: 'utf8', timeout: 30_000 })) as {
      choices: { message: { content: string } }[];
    };
    assert.match(answer.choices[0]?.message.content ?? '', /simulator/);
  });

  it('answers the first call of any user, and says that it is the simulator', async () => {
    const answer = await call('/openai/v1/chat/completions', { model: 'gpt-5', ...ASK });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('x-turnout-provider'), 'simulator');
    assert.equal(answer.headers.get('x-turnout-cost-usd'), '0');
    const decision = await call(`/v1/decisions/${answer.headers.get('x-turnout-decision') ?? ''}`);
    assert.deepEqual([decision.status, decision.json['outcome'], decision.json['model']], [200, 'ok', 'gpt-5']);
  });

  it('writes a file that checks', async () => {
    assert.match(readFileSync(join(dir, 'turnout.yaml'), 'utf8'), /providers: \{\}/);
    const checked = await runCli(['check'], { cwd: dir });
    assert.equal(checked.code, 0, checked.stderr);
  });

  it('tells how it is: healthz, readyz, metrics, models, explain', async () => {
    assert.equal((await call('/healthz')).status, 200);
    assert.equal((await call('/readyz')).json['status'], 'ready');
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    assert.match(metrics, /turnout_requests_total\{operation="chat",outcome="ok"\} \d/);
    assert.ok((await call('/v1/models')).json['data']);
    const plan = await call('/v1/explain', { model: 'gpt-5', ...ASK });
    assert.deepEqual(
      (plan.json['plan'] as { target: string }[]).map((step) => step.target),
      ['simulator/gpt-5'],
    );
    assert.match(await (await fetch(gateway.url)).text(), /<title>Turnout/);
  });

  it('takes a key made by the command line while it runs, and holds its budget', async () => {
    const data = ['--data', join(dir, 'data'), '--json'];
    const made = await runCli(
      ['keys', 'create', '--name', 'alice', '--budget-usd', '0.5', '--models', 'gpt-5', ...data],
      { cwd: dir },
    );
    assert.equal(made.code, 0, made.stderr);
    const { id, key: token } = JSON.parse(made.stdout) as { id: string; key: string };
    const deadline = Date.now() + 5000;
    let answer = await call('/v1/chat/completions', { model: 'gpt-5', ...ASK }, token);
    for (
      ;
      answer.status === 401 && Date.now() < deadline;
      answer = await call('/v1/chat/completions', { model: 'gpt-5', ...ASK }, token)
    )
      await sleep(50);
    assert.equal(answer.status, 200);
    const other = await call('/v1/chat/completions', { model: 'gpt-4', ...ASK }, token);
    assert.equal(other.status, 404);
    const usage = JSON.parse((await runCli(['usage', '--rows', ...data], { cwd: dir })).stdout) as {
      rows: { key: string; model: string }[];
    };
    assert.ok(usage.rows.some((row) => row.key === id && row.model === 'gpt-5'));
    const verified = await runCli(['ledger', 'verify', ...data], { cwd: dir });
    assert.deepEqual([verified.code, (JSON.parse(verified.stdout) as { ok: boolean }).ok], [0, true]);
  });

  it('shows its key once, and knows it after a restart', async () => {
    assert.equal(await gateway.stop(), 0);
    gateway = await startGateway({ dir, hasRootKey: false });
    assert.ok(!gateway.output().includes('tk_'));
    assert.equal((await call('/v1/chat/completions', { model: 'auto', ...ASK })).status, 200);
  });
});

describe('a start that cannot work', () => {
  it('ends with the place of each error in the file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-broken-'));
    writeFileSync(join(dir, 'turnout.yaml'), 'providers:\n  openai: {api_kee: x}\n');
    const started = await runCli(['serve', '--port', '0'], { cwd: dir });
    rmSync(dir, { recursive: true, force: true });
    assert.equal(started.code, 1);
    assert.match(started.stderr, /turnout\.yaml:2:12/);
    assert.match(started.stderr, /api_key/);
  });

  it('says why the database cannot be used, in words', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-database-'));
    writeFileSync(join(dir, 'turnout.db'), 'not a database at all, but long enough to look at it'.repeat(100));
    const started = await runCli(['serve', '--port', '0', '--data', dir], { cwd: dir });
    rmSync(dir, { recursive: true, force: true });
    assert.equal(started.code, 1);
    assert.match(
      started.stderr,
      /^turnout: Turnout cannot use the database in .*: file is not a database\. `turnout doctor` looks at it\n$/,
    );
  });

  it('says why the data folder cannot be used, in words', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-folder-'));
    const data = join(dir, 'data');
    writeFileSync(data, 'a file');
    const started = await runCli(['serve', '--port', '0', '--data', data], { cwd: dir });
    rmSync(dir, { recursive: true, force: true });
    assert.equal(started.code, 1);
    assert.match(
      started.stderr,
      /^turnout: the data folder .* cannot be used: EEXIST: .*Name another with --data DIR\n$/,
    );
  });

  it('says which command there is not', async () => {
    const ran = await runCli(['servee'], { cwd: tmpdir() });
    assert.deepEqual([ran.code, /there is no command "servee"/.test(ran.stderr)], [2, true]);
  });
});
