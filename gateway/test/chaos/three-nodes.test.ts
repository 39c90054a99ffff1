/** Three gateways with folders of their own on one PostgreSQL: one budget (F48), and a database that goes away (F54, F55). */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { newToken } from '../../src/store/token.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { ownPostgres, type OwnPostgres } from '../services/postgres.ts';
import { look, POSTGRES } from '../stores.ts';
import { providerRow } from './rig.ts';

const NODES = 3;
const REQUESTS = 1000;
/** Sizes of replies in tokens. A token read costs 1,000 nano-dollars and one written 2,000: see `providerRow`. */
const SIZES = [1, 7, 40, 111, 300];
const INPUT_TOKENS = 5;
const SECRET = '5'.repeat(64);
/** F54 asks for a minute; what is served without the database is the same after some seconds. */
const AWAY_MS = process.env['TURNOUT_CHAOS'] === undefined ? 6000 : 60_000;
const UNTIL_MS = 30_000;

const JSON_TYPE = { 'content-type': 'application/json' };

interface Reply {
  readonly status: number;
  readonly code: string | undefined;
}

describe('three nodes on one PostgreSQL', { skip: POSTGRES.skip }, () => {
  let server: OwnPostgres;
  let provider: Simulator;
  let dir = '';
  let nodes: readonly TestGateway[] = [];
  let env: Readonly<Record<string, string>> = {};

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'turnout-nodes-'));
    server = await ownPostgres();
    provider = await startSimulator({
      logMax: 100_000,
      script: SIZES.map((size) => ({
        times: 'forever',
        match: { contains: `size ${size}.` },
        delay_ms: 5,
        reply: { text: 'yes', finish: 'stop', usage: { input_tokens: INPUT_TOKENS, output_tokens: size } },
      })),
    });
    env = { TURNOUT_STORE: server.url, TURNOUT_SECRET: SECRET };
    // The provider is this process, which also asks: 1,000 at once wait for a processor.
    const files = `batches: {folder: "${join(dir, 'files')}"}`;
    const config = testConfig({ p: providerRow(`${provider.url}/openai/v1`) }, files).replaceAll(
      /(_ms): \d+/g,
      '$1: 60000',
    );
    nodes = await Promise.all(Array.from({ length: NODES }, async () => startGateway({ config, env })));
  });
  after(async () => {
    for (const node of nodes) await node.stop();
    await provider.close();
    await server.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  async function admin(node: TestGateway | undefined, path: string, body?: JsonRecord): Promise<JsonRecord> {
    const reply = await fetch(`${node?.url}/admin/v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.ok(reply.ok, `${path}: ${reply.status}`);
    return asRecord(parseJson(await reply.text())) ?? {};
  }

  async function ask(node: TestGateway | undefined, key: string, size: number): Promise<Reply> {
    const reply = await fetch(`${node?.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'p/m',
        max_tokens: size,
        messages: [{ role: 'user', content: `size ${size}.` }],
      }),
    });
    const error = asRecord(asRecord(parseJson(await reply.text()))?.['error']);
    return { status: reply.status, code: asString(error?.['code']) };
  }

  /** A key that the first node has just made. */
  async function keyOf(name: string, budgetUsd: string): Promise<{ readonly id: string; readonly token: string }> {
    const made = await admin(nodes[0], 'keys', { name, budget_usd: budgetUsd });
    const token = asString(made['key']) ?? '';
    const id = asString(made['id']) ?? '';
    return { id, token };
  }

  async function verified(): Promise<void> {
    const { code, stdout, stderr } = await runCli(['ledger', 'verify', '--data', dir], { cwd: dir, env });
    assert.equal(code, 0, `${stdout}${stderr}`);
  }

  /** Nano-dollars that the ledger has of a key, once all journals are taken in. */
  async function spent(id: string, ought: bigint): Promise<bigint> {
    const endMs = performance.now() + UNTIL_MS;
    for (;;) {
      const sum = `select coalesce(sum(cost_nano_usd), 0)::text as spent from receipts where key_id = '${id}'`;
      const [row] = await look({ dataDir: dir, url: server.url }, sum);
      const total = BigInt(String(row?.['spent']));
      if (total === ought || performance.now() > endMs) return total;
      await delay(100);
    }
  }

  const sizeOf = (at: number): number => SIZES[(at * 7919) % SIZES.length] ?? 1;
  const costOf = (size: number): bigint => BigInt(INPUT_TOKENS * 1000 + size * 2000);

  async function burst(token: string): Promise<{ readonly replies: readonly Reply[]; readonly cost: bigint }> {
    const replies = await Promise.all(
      Array.from({ length: REQUESTS }, async (_, at) => ask(nodes[at % NODES], token, sizeOf(at))),
    );
    const cost = replies.reduce((sum, { status }, at) => sum + (status === 200 ? costOf(sizeOf(at)) : 0n), 0n);
    return { replies, cost };
  }

  it(`F48 ${REQUESTS} requests of random size at once on one small budget: never a nano-dollar over`, async (test) => {
    const { id, token } = await keyOf('small', '0.02');
    const { replies, cost } = await burst(token);
    const served = replies.filter(({ status }) => status === 200).length;
    const others = replies.filter(({ status }) => status !== 200 && status !== 402);
    test.diagnostic(`${served} served, ${REQUESTS - served} refused, ${cost} of 20000000 nano-dollars spent`);
    assert.deepEqual(others, []);
    assert.ok(served < REQUESTS && cost <= 20_000_000n);
    assert.ok(cost > 14_000_000n, 'who waits while others hold too much is served when they have ended');
    assert.equal(await spent(id, cost), cost);
    await verified();
  });

  it('refuses at most one in 1,000 where the budget is 20 times the need', async (test) => {
    const need = Array.from({ length: REQUESTS }, (_, at) => costOf(sizeOf(at))).reduce((sum, one) => sum + one, 0n);
    const { id, token } = await keyOf('ample', String(Number(need * 20n) / 1e9));
    const { replies, cost } = await burst(token);
    const refused = replies.filter(({ status }) => status !== 200);
    test.diagnostic(`${refused.length} of ${REQUESTS} refused`);
    assert.ok(refused.length <= REQUESTS / 1000, JSON.stringify(refused.slice(0, 5)));
    assert.equal(await spent(id, cost), cost);
    await verified();
  });

  it('runs a batch at one node whose file was given to another, and gives the output at the third', async () => {
    const { token } = await keyOf('batch', '1');
    const call = async (node: number, path: string, init: RequestInit = {}): Promise<string> => {
      const headers = { authorization: `Bearer ${token}`, ...(typeof init.body === 'string' ? JSON_TYPE : {}) };
      const reply = await fetch(`${nodes[node]?.url}/v1/${path}`, { ...init, headers });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      return text;
    };
    const lines = Array.from({ length: 5 }, (_, at) => {
      const body = { model: 'p/m', max_tokens: 1, messages: [{ role: 'user', content: 'size 1.' }] };
      return JSON.stringify({ custom_id: `line ${at}`, method: 'POST', url: '/v1/chat/completions', body });
    });
    const form = new FormData();
    form.set('purpose', 'batch');
    form.set('file', new Blob([lines.join('\n')]), 'lines.jsonl');
    const file = asString(asRecord(parseJson(await call(0, 'files', { method: 'POST', body: form })))?.['id']);
    const order = { input_file_id: file ?? '', endpoint: '/v1/chat/completions', completion_window: '24h' };
    const made = asRecord(parseJson(await call(1, 'batches', { method: 'POST', body: JSON.stringify(order) })));
    const endMs = performance.now() + UNTIL_MS;
    let batch: JsonRecord = {};
    while (batch['status'] !== 'completed') {
      assert.ok(performance.now() < endMs, JSON.stringify(batch));
      batch = asRecord(parseJson(await call(2, `batches/${asString(made?.['id'])}`))) ?? {};
      await delay(50);
    }
    const output = await call(2, `files/${asString(batch['output_file_id'])}/content`);
    assert.equal(output.trim().split('\n').length, 5, output);
    assert.equal(await call(2, `files/${file}/content`), lines.join('\n'));
  });

  it(`F54, F55 serves known keys while the database is away, and books all of it when it is back`, async (test) => {
    // What a process has in reserve, an eighth of what is left, must last for as long as nothing more can be drawn.
    const { id, token } = await keyOf('known', '100');
    let cost = 0n;
    let served = 0;
    const wave = async (): Promise<void> => {
      const replies = await Promise.all(
        Array.from({ length: 3 * NODES }, async (_, at) => ({
          at,
          reply: await ask(nodes[at % NODES], token, sizeOf(at)),
        })),
      );
      for (const { at, reply } of replies) {
        assert.equal(reply.status, 200, JSON.stringify(reply));
        cost += costOf(sizeOf(at));
        served += 1;
      }
    };
    await wave();
    await server.stop();
    const awayMs = performance.now() + AWAY_MS;
    while (performance.now() < awayMs) {
      await wave();
      // It may be a key that nobody could hear of any more: never 401.
      assert.equal((await ask(nodes[0], newToken(), 1)).status, 503);
      assert.equal((await ask(nodes[0], 'tk_noKeyAtAll', 1)).status, 401);
      await delay(50);
    }
    await server.start();
    const back = await Promise.all(Array.from({ length: 500 }, async (_, at) => ask(nodes[at % NODES], token, 1)));
    assert.deepEqual(
      back.filter(({ status }) => status !== 200),
      [],
    );
    cost += 500n * costOf(1);
    test.diagnostic(`${served} served with the database away for ${AWAY_MS / 1000} s, 500 as it came back`);
    assert.equal(await spent(id, cost), cost);
    await verified();
  });
});
