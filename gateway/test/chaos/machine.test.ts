/** Rows F49, F50, F51 and F53 of the fault table: open files, memory and load come to their limits, and thousands of slow streams. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { ROOT_KEY, startGateway, testConfig, type GatewayOptions, type TestGateway } from '../harness.ts';
import { chatBody, rawCall, type RawCall } from './callers.ts';
import { assertQuiet, memoryOf, nextPoll, P_FINE, providerRow } from './rig.ts';

const MIB = 1024 * 1024;
const ENDLESS: Step = { times: 'forever', endless: { text: 'and on ' }, chunk_delay_ms: 200 };
const onLinux = process.platform === 'linux' ? false : 'only Linux tells of it';

interface Machine {
  readonly gateway: TestGateway;
  readonly p: Simulator;
  readonly ask: (isStreaming: boolean) => RawCall;
}

async function startMachine(test: TestContext, step: Step, options: GatewayOptions = {}): Promise<Machine> {
  const p = await startSimulator({ script: [step], logMax: 10 });
  const config = options.config ?? testConfig({ p: providerRow(`${p.url}/openai/v1`) });
  let gateway: TestGateway | undefined;
  // Also where it does not start.
  test.after(async () => {
    if (gateway?.child.exitCode === null && gateway.child.signalCode === null) await gateway.stop();
    await p.close();
  });
  gateway = await startGateway({ ...options, config: config.replace('P_URL', `${p.url}/openai/v1`) });
  const door = { port: gateway.port, key: ROOT_KEY };
  return { gateway, p, ask: (isStreaming) => rawCall(door, chatBody({ model: 'p/m' }, isStreaming)) };
}

/** How many files this process, and what it starts, may have open. */
function openFilesMax(): number {
  if (process.platform !== 'linux') return 0;
  const [, most = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return most === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(most);
}

async function statusesOf(calls: readonly RawCall[]): Promise<readonly number[]> {
  await Promise.all(calls.map(async (call) => call.until((text) => text.includes('\r\n\r\n')).catch(() => undefined)));
  return calls.map((call) => call.answer().status);
}

function countOf(statuses: readonly number[], status: number): number {
  return statuses.filter((one) => one === status).length;
}

async function metric(gateway: TestGateway, series: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('F49 the limit of open files', { skip: onLinux }, () => {
  it('gives 503 to the surplus, keeps what runs, and is over when streams end', async (test) => {
    const { gateway, ask } = await startMachine(test, ENDLESS, { filesMax: 256 });
    const streams = Array.from({ length: 120 }, () => ask(true));
    const statuses = await statusesOf(streams);
    const served = streams.filter((_, index) => statuses[index] === 200);
    test.diagnostic(`${served.length} of 120 streams with 256 files`);
    // 256, less what is kept for other files, at two a stream.
    assert.deepEqual([served.length, countOf(statuses, 503)], [80, 40]);
    for (let wave = 0; wave < 5; wave += 1)
      assert.deepEqual(new Set(await statusesOf(Array.from({ length: 40 }, () => ask(true)))), new Set([503]));
    const refused = ask(false);
    await refused.closed;
    const { headers, body } = refused.answer();
    assert.deepEqual([headers['retry-after'], headers['connection']], ['1', 'close']);
    assert.match(body, /no more connections can be opened/);
    assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);
    assert.ok(served.every(({ socket }) => !socket.destroyed));
    for (const { socket } of streams) socket.destroy();
    for (const limitMs = performance.now() + 5000; (await statusesOf([ask(true)]))[0] !== 200; await nextPoll())
      assert.ok(performance.now() < limitMs, 'it did not recover');
    assertQuiet(gateway);
    assert.equal(await gateway.stop(), 0, gateway.output());
  });
});

describe('F50 the limit of the heap', () => {
  /** Many small messages: parsed, such a body takes several times its size of the heap. */
  const messages = Array.from({ length: 10_000 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `what has been said, and what was answered then, ${index}`,
  }));

  it('of 256 MiB: 503 for what would need more, the rest is served, no outcome is lost', async (test) => {
    // Nobody is answered before all have been sent, however slow the machine is.
    const config = `providers: {p: ${providerRow('P_URL')}}\ntimeouts: {first_byte_ms: 60000}\n`;
    const nodeArgs = ['--max-old-space-size=256'];
    const { gateway, p } = await startMachine(test, { ...P_FINE, delay_ms: 9000 }, { config, nodeArgs });
    const door = { port: gateway.port, key: ROOT_KEY };
    const body = { model: 'p/m', max_tokens: 5, messages };
    const calls = Array.from({ length: 150 }, () => rawCall(door, body));
    await Promise.all(calls.map(async ({ closed }) => closed));
    const statuses = calls.map((call) => call.answer().status);
    const [served, refused] = [countOf(statuses, 200), countOf(statuses, 503)];
    const size = Math.round(JSON.stringify(body).length / 1024);
    test.diagnostic(`${served} of 150 bodies of ${size} KiB at once served, ${refused} refused`);
    assert.equal(served + refused, 150, JSON.stringify(statuses));
    assert.ok(served >= 10 && refused >= 10);
    assert.equal(await metric(gateway, 'turnout_requests_total{operation="chat",outcome="ok"}'), served);
    assert.equal(await metric(gateway, 'turnout_requests_total{operation="chat",outcome="overloaded"}'), refused);
    p.script([P_FINE]);
    for (let count = 0; count < 5; count += 1) {
      const later = rawCall(door, body);
      await later.closed;
      assert.equal(later.answer().status, 200, 'it goes on refusing');
    }
    assertQuiet(gateway);
    assert.equal(await gateway.stop(), 0, gateway.output());
  });
});

describe('F51 three times the load that one process may take', () => {
  const UNDER_WAY_MAX = 20;
  const ANSWER_MS = 200;
  /** Requests a second. */
  const CAPACITY = (UNDER_WAY_MAX * 1000) / ANSWER_MS;
  const OVERLOAD_S = 30;
  /** Times are those of a machine that others use as well: one round of these must hold, and the counts in all. */
  const ROUNDS = 3;

  interface Told {
    readonly status: number;
    readonly ms: number;
  }

  /** So many a second, whether answers come or not. */
  async function paced(gateway: TestGateway, agent: Agent, of: { rate: number; seconds: number }): Promise<Told[]> {
    const { rate, seconds } = of;
    const bytes = JSON.stringify(chatBody({ model: 'p/m' }, false));
    const all: Promise<Told>[] = [];
    const startedMs = performance.now();
    while (all.length < rate * seconds) {
      const due = Math.min(rate * seconds, Math.ceil(((performance.now() - startedMs) / 1000) * rate));
      while (all.length < due) all.push(askOnce(gateway, agent, bytes));
      await delay(5);
    }
    return Promise.all(all);
  }

  function askOnce(gateway: TestGateway, agent: Agent, bytes: string): Promise<Told> {
    const startedMs = performance.now();
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };
      const asked = httpRequest(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers, agent }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, ms: performance.now() - startedMs }));
      });
      asked.once('error', reject);
      asked.end(bytes);
    });
  }

  function p99(all: readonly Told[], status: number): number {
    const times = all.filter((one) => one.status === status).map(({ ms }) => ms);
    return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.POSITIVE_INFINITY;
  }

  /** Requests that were refused for load within so many seconds. */
  async function refusals(gateway: TestGateway, le: string): Promise<number> {
    return metric(gateway, `turnout_request_duration_seconds_bucket{outcome="overloaded",le="${le}"}`);
  }

  it('serves what it may, refuses the rest at once, and is as before when it is over', async (test) => {
    const config = `${testConfig({ p: providerRow('P_URL') })}\nserver: {requests_max: ${UNDER_WAY_MAX}}\n`;
    const { gateway } = await startMachine(test, { ...P_FINE, delay_ms: ANSWER_MS }, { config });
    const agent = new Agent({ keepAlive: true });
    test.after(() => agent.destroy());
    const calm = { rate: CAPACITY / 4, seconds: 3 };
    await paced(gateway, agent, calm);
    let holds = false;
    for (let round = 0; round < ROUNDS && !holds; round += 1) {
      const before = await paced(gateway, agent, calm);
      const during = await paced(gateway, agent, { rate: 3 * CAPACITY, seconds: OVERLOAD_S });
      const after = await paced(gateway, agent, calm);
      const statuses = during.map(({ status }) => status);
      const served = countOf(statuses, 200);
      assert.equal(served + countOf(statuses, 503), during.length);
      const share = served / (CAPACITY * OVERLOAD_S);
      const [normalMs, busyMs, afterMs] = [p99(before, 200), p99(during, 200), p99(after, 200)];
      // By the gateway's own clock: this process is caller and provider in one, and late itself.
      const slow = (await refusals(gateway, '+Inf')) - (await refusals(gateway, '0.05'));
      const slowShare = slow / (await refusals(gateway, '+Inf'));
      test.diagnostic(
        `${Math.round(share * 100)}% of capacity served; p99 ${Math.round(normalMs)} ms before, ${Math.round(busyMs)} during, ${Math.round(afterMs)} after; refusals ${Math.round(p99(during, 503))} ms, ${(slowShare * 100).toFixed(2)}% of them longer than 50 ms in the gateway`,
      );
      const isCalm = [...before, ...after].every(({ status }) => status === 200);
      holds = isCalm && share >= 0.8 && busyMs <= 2 * normalMs && afterMs <= 2 * normalMs && slowShare <= 0.01;
    }
    assert.ok(holds, 'no round held');
    assertQuiet(gateway);
  });
});

describe('F53 slow streams', () => {
  /** Sent at a time, and then taken in first: connections that wait to be accepted are no streams. */
  const BATCH = 200;
  /** As many as the row says, or for as many as files may be open here: caller and provider are this process, two files a stream. */
  const STREAMS = Math.min(8000, BATCH * Math.floor((openFilesMax() - 1000) / 2 / BATCH));
  const WORDS = 'slowly it comes by words';
  /** Written to the log on demand: what is really in use, in bytes. */
  const TELL =
    'data:text/javascript,process.on("SIGUSR2",()=>{gc();const m=process.memoryUsage();console.error("in use "+(m.heapUsed+m.external))})';

  const asked = JSON.stringify(chatBody({ model: 'p/m' }, true));
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    'host: x',
    `authorization: Bearer ${ROOT_KEY}`,
    'content-type: application/json',
    `content-length: ${asked.length}`,
    'connection: close',
  ];
  const bytes = `${head.join('\r\n')}\r\n\r\n${asked}`;

  /** Whether it had its end. */
  function stream(port: number): Promise<boolean> {
    const socket = connect({ port, host: '127.0.0.1' });
    const pieces: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.on('data', (piece) => pieces.push(piece));
    socket.write(bytes);
    return new Promise((resolve) => {
      socket.once('close', () => {
        const text = Buffer.concat(pieces).toString('latin1');
        resolve(text.startsWith('HTTP/1.1 200') && text.includes('data: [DONE]'));
      });
    });
  }

  async function inUse(gateway: TestGateway): Promise<number> {
    const told = (): readonly string[] =>
      [...gateway.output().matchAll(/in use (\d+)/g)].map(([, count = '']) => count);
    const before = told().length;
    gateway.child.kill('SIGUSR2');
    for (const limitMs = performance.now() + 10_000; told().length === before; await nextPoll())
      assert.ok(performance.now() < limitMs, 'it does not tell');
    return Number(told().at(-1));
  }

  it(
    `complete, ${STREAMS} of them at once, in 700 MiB, of which nothing is left in use`,
    { skip: onLinux },
    async (test) => {
      // Long limits: all of them are to be under way at the same time, on a machine that is slow to begin so many.
      const config = `providers: {p: ${providerRow('P_URL')}}\ntimeouts: {first_token_ms: 300000, idle_ms: 120000, total_ms: 600000}\n`;
      const slow: Step = { ...P_FINE, reply: { text: WORDS, finish: 'stop' }, chunk_delay_ms: 9000 };
      const { gateway, ask } = await startMachine(test, slow, { config, nodeArgs: ['--expose-gc', '--import', TELL] });
      await statusesOf([ask(false)]);
      const before = await inUse(gateway);
      const memory = memoryOf(gateway);
      const all: Promise<boolean>[] = [];
      let atOnce = 0;
      while (all.length < STREAMS) {
        for (let count = 0; count < BATCH; count += 1) all.push(stream(gateway.port));
        for (const limitMs = performance.now() + 30_000; atOnce < all.length; await nextPoll()) {
          // The one that asks is counted too.
          atOnce = (await metric(gateway, 'turnout_requests_in_flight')) - 1;
          assert.ok(performance.now() < limitMs, `${atOnce} of ${all.length} under way`);
        }
      }
      const whole = (await Promise.all(all)).filter(Boolean).length;
      const growth = memory.growth() ?? 0;
      // Connections to P are kept for half a minute; what has been learned and booked is not much.
      let left = Number.POSITIVE_INFINITY;
      for (
        const limitMs = performance.now() + 60_000;
        left > 32 * MIB && performance.now() < limitMs;
        await delay(2000)
      )
        left = (await inUse(gateway)) - before;
      test.diagnostic(
        `${whole} whole, ${atOnce} under way at once; resident memory grew by ${Math.round(growth / MIB)} MiB; ${Math.round(left / MIB)} MiB left in use`,
      );
      assert.equal(whole, STREAMS);
      assert.equal(atOnce, STREAMS);
      assert.ok(growth <= 700 * MIB);
      assert.ok(left <= 32 * MIB, `${left} bytes`);
      assertQuiet(gateway);
      assert.equal(await gateway.stop(), 0, gateway.output().slice(-2000));
    },
  );
});
