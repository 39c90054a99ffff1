/** A batch of 10,000 lines over upstreams that fail, through three `kill -9` of the gateway: each line has exactly one result. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { asNumber, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { diceOf } from '../../src/simulator/synthetic/dice.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type GatewayOptions, type TestGateway } from '../harness.ts';
import { nextPoll, providerRow } from './rig.ts';

const LINES = 10_000;
const KILLS = 3;
/** The whole of it, on a slow machine. */
const END_MAX_MS = 240_000;
/** Kinds of lines, by what befalls some of their requests. */
const KINDS = [
  'plain',
  'limited',
  'told to wait',
  'broken',
  'cut',
  'reset',
  'slow',
  'plain',
  'plain',
  'plain',
] as const;

const FAULTS: readonly Step[] = [
  { match: { contains: 'limited.' }, times: 300, status: 429 },
  { match: { contains: 'told to wait.' }, times: 3, status: 429, headers: { 'retry-after': '1' } },
  { match: { contains: 'broken.' }, times: 300, status: 500 },
  { match: { contains: 'cut.' }, times: 200, cut_at: 60 },
  { match: { contains: 'reset.' }, times: 200, reset_before_reply: true },
  { match: { contains: 'slow.' }, times: 'forever', delay_ms: 80 },
];

function inputText(count: number): string {
  const lines = Array.from({ length: count }, (_, index) => {
    const messages = [{ role: 'user', content: `line ${index}: ${KINDS[index % KINDS.length]}.` }];
    const body = { model: 'p/m', messages, max_tokens: 20 };
    return JSON.stringify({ custom_id: `line-${index}`, method: 'POST', url: '/v1/chat/completions', body });
  });
  return `${lines.join('\n')}\n`;
}

async function get(gateway: TestGateway, path: string): Promise<Response> {
  return fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
}

async function batchOf(gateway: TestGateway, id: string): Promise<JsonRecord> {
  return asRecord(parseJson(await (await get(gateway, `/v1/batches/${id}`)).text())) ?? {};
}

async function begin(gateway: TestGateway, count: number): Promise<string> {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob([inputText(count)]), 'input.jsonl');
  const headers = { authorization: `Bearer ${ROOT_KEY}` };
  const file = asRecord(await (await fetch(`${gateway.url}/v1/files`, { method: 'POST', headers, body: form })).json());
  const body = { input_file_id: file?.['id'], endpoint: '/v1/chat/completions', completion_window: '24h' };
  const made = await fetch(`${gateway.url}/v1/batches`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const id = asString(asRecord(await made.json())?.['id']);
  assert.ok(id !== undefined);
  return id;
}

function done(batch: JsonRecord): number {
  const counts = asRecord(batch['request_counts']);
  return (asNumber(counts?.['completed']) ?? 0) + (asNumber(counts?.['failed']) ?? 0);
}

/** All results, by id; fails where an id has two. */
async function resultsOf(gateway: TestGateway, batch: JsonRecord): Promise<ReadonlyMap<string, JsonRecord>> {
  const found = new Map<string, JsonRecord>();
  for (const field of ['output_file_id', 'error_file_id']) {
    const fileId = asString(batch[field]);
    if (fileId === undefined) continue;
    const text = await (await get(gateway, `/v1/files/${fileId}/content`)).text();
    for (const line of text.split('\n').slice(0, -1)) {
      const row = asRecord(parseJson(line)) ?? {};
      const id = asString(row['custom_id']) ?? '';
      assert.ok(!found.has(id), `${id} has two results`);
      found.set(id, row);
    }
  }
  return found;
}

describe('a batch', () => {
  const started: TestGateway[] = [];
  /** A gateway that a failing test does not leave behind. */
  async function start(options: GatewayOptions): Promise<TestGateway> {
    const one = await startGateway(options);
    started.push(one);
    return one;
  }
  after(() => {
    for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
  });

  it(`of ${LINES} lines over faults, through ${KILLS} kill -9, has ${LINES} results, each line one`, async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-batch-kill-'));
    const p = await startSimulator({ script: FAULTS, logMax: 1000 });
    test.after(() => p.close());
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const seed = Number(process.env['TURNOUT_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const dice = diceOf(`batch ${seed}`);
    const config = testConfig({ p: providerRow(`${p.url}/openai/v1`) }, 'batches: {concurrency: 64}');
    const startedMs = performance.now();
    let gateway = await start({ config, dir });
    const id = await begin(gateway, LINES);
    const killedAt: number[] = [];
    let batch = await batchOf(gateway, id);
    while (!['completed', 'failed', 'expired', 'cancelled'].includes(String(batch['status']))) {
      assert.ok(performance.now() - startedMs < END_MAX_MS, `it does not end: ${JSON.stringify(batch)}`);
      await nextPoll(20);
      batch = await batchOf(gateway, id);
      const share = (killedAt.length + 0.2 + 0.6 * dice()) / KILLS;
      if (killedAt.length >= KILLS || done(batch) < share * LINES * 0.95) continue;
      await nextPoll(dice() * 30);
      gateway.child.kill('SIGKILL');
      await once(gateway.child, 'exit');
      killedAt.push(done(batch));
      gateway = await start({ config, dir });
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    test.diagnostic(`seed ${seed}: ${seconds} s, killed after ${killedAt.join(', ')} results`);
    assert.equal(killedAt.length, KILLS);
    assert.deepEqual(batch['request_counts'], { total: LINES, completed: LINES, failed: 0 }, JSON.stringify(batch));
    const results = await resultsOf(gateway, batch);
    assert.equal(results.size, LINES);
    for (let index = 0; index < LINES; index += 1) {
      const response = asRecord(results.get(`line-${index}`)?.['response']);
      assert.equal(response?.['status_code'], 200, `line-${index}: ${JSON.stringify(response)}`);
    }
    const received = p.log.requests.length;
    assert.ok(received > 0);
    assert.equal(await gateway.stop(), 0, gateway.output());
    const proof = await runCli(['ledger', 'verify', '--json', '--data', join(dir, 'data')], { cwd: dir });
    assert.equal(proof.code, 0, proof.stdout + proof.stderr);
    test.diagnostic(proof.stdout.trim());
    const receipts = asNumber(asRecord(parseJson(proof.stdout))?.['receipts']) ?? 0;
    // Each line was answered at least once; what was answered and not written down before a kill, and what was cut, more often.
    assert.ok(receipts >= LINES, `${receipts} receipts for ${LINES} answers`);
    assert.ok(receipts < LINES * 1.2, `${receipts} receipts for ${LINES} answers`);
  });

  it('of a process that was killed is ended by another one on the same data', async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-batch-take-'));
    const p = await startSimulator({ script: [{ match: { contains: 'line' }, times: 'forever', delay_ms: 20 }] });
    test.after(() => p.close());
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const config = testConfig({ p: providerRow(`${p.url}/openai/v1`) }, 'batches: {concurrency: 4}');
    const first = await start({ config, dir });
    const id = await begin(first, 300);
    const second = await start({ config, dir });
    while (done(await batchOf(second, id)) < 50) await nextPoll(20);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    let batch = await batchOf(second, id);
    const [asked, recorded] = [p.log.requests.length, done(batch)];
    const untilMs = performance.now() + 30_000;
    for (; batch['status'] !== 'completed' && performance.now() < untilMs; batch = await batchOf(second, id))
      await nextPoll(20);
    assert.deepEqual(batch['request_counts'], { total: 300, completed: 300, failed: 0 }, JSON.stringify(batch));
    assert.equal((await resultsOf(second, batch)).size, 300);
    // No line whose answer was written down is asked again; those under way, and those not written down yet, are.
    const most = asked + 300 - recorded;
    assert.ok(
      p.log.requests.length <= most,
      `${p.log.requests.length} requests, ${asked} of them for ${recorded} results`,
    );
    assert.ok(asked - recorded < 300 * 0.2, `${asked} requests for ${recorded} results`);
    assert.equal(await second.stop(), 0);
  });
});
