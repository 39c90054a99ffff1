/** Row F52 of the fault table: one tenant floods, and the others do not notice. By the clock: `scripts/test.ts` runs it with nothing beside it. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { asRecord, asString, parseJson } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** Of the upstream: what a caller feels of a gateway beside it, on a machine that also runs the flood. */
const ANSWER_MS = 100;
const CALM = 40;
const FLOODING = 16;
/** A client that does not wait for `retry-after` has to turn around all the same. */
const TURN_MS = 40;
/** What else runs on the machine makes a round slower, and none faster. */
const ROUNDS = 4;

let upstream: Simulator;
let gateway: TestGateway;

before(async () => {
  const usage = { input_tokens: 10, output_tokens: 20 };
  upstream = await startSimulator({
    script: [{ times: 'forever', delay_ms: ANSWER_MS, reply: { text: 'fine', finish: 'stop', usage } }],
    logMax: 100,
  });
  const p = `{dialect: openai-chat, base_url: "${upstream.url}/openai/v1", api_key: sk-upstream, models: {m: {}}}`;
  gateway = await startGateway({ config: testConfig({ p }, 'limits: {defaults: {key: {concurrent: 2}}}') });
});

after(async () => {
  await gateway.stop();
  await upstream.close();
});

async function newKey(name: string): Promise<string> {
  const reply = await fetch(`${gateway.url}/admin/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  return asString(asRecord(parseJson(await reply.text()))?.['key']) ?? '';
}

async function chat(key: string): Promise<{ readonly status: number; readonly ms: number }> {
  const startedMs = performance.now();
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'p/m', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await reply.arrayBuffer();
  return { status: reply.status, ms: performance.now() - startedMs };
}

/** The 99th percentile of a calm tenant's requests, two at a time, each of which must be served. */
async function calmP99(key: string): Promise<number> {
  const times: number[] = [];
  const caller = async (): Promise<void> => {
    for (let count = 0; count < CALM / 2; count += 1) {
      const { status, ms } = await chat(key);
      assert.equal(status, 200);
      times.push(ms);
    }
  };
  await Promise.all([caller(), caller()]);
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;
}

/** Runs `run` while a tenant asks as fast as it can. Gives what the tenant was answered. */
async function whileFlooded(key: string, run: () => Promise<void>): Promise<ReadonlyMap<number, number>> {
  const statuses = new Map<number, number>();
  const over = new AbortController();
  const flood = Array.from({ length: FLOODING }, async () => {
    while (!over.signal.aborted) {
      const { status } = await chat(key);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      await delay(TURN_MS);
    }
  });
  await run();
  over.abort();
  await Promise.all(flood);
  return statuses;
}

it('F52 one tenant floods: its own 429s, and the p99 of the others stays within one and a half', async (test) => {
  const [calm, flooding] = [await newKey('calm'), await newKey('flooding')];
  await calmP99(calm);
  const alone: number[] = [];
  const beside: number[] = [];
  const ratio = (): number => Math.min(...beside) / Math.min(...alone);
  while (beside.length < ROUNDS && !(ratio() <= 1.5)) {
    alone.push(await calmP99(calm));
    const statuses = await whileFlooded(flooding, async () => {
      beside.push(await calmP99(calm));
    });
    const [served = 0, refused = 0] = [200, 429].map((status) => statuses.get(status) ?? 0);
    assert.deepEqual(new Set(statuses.keys()), new Set([200, 429]), 'it is refused, and nothing else happens to it');
    assert.ok(refused > 10 * served, `${served} served, ${refused} refused`);
    test.diagnostic(`${refused} of the flood refused; p99 alone ${inMs(alone)}, beside it ${inMs(beside)}`);
  }
  assert.ok(ratio() <= 1.5, `p99 alone ${inMs(alone)}, beside it ${inMs(beside)}`);
});

function inMs(times: readonly number[]): string {
  return `${times.map((ms) => ms.toFixed(0)).join(', ')} ms`;
}
