/** Rows F46, F47, F61 and F62 of the fault table: the process is killed, told to stop, or given another configuration. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dice } from '../../src/lib/dice.ts';
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { ROOT_KEY, runCli, startGateway, testConfig } from '../harness.ts';
import { CALLERS, chatBody, rawCall, rawExchange, rawWhole, seenIn, type RawCall } from './callers.ts';
import {
  assertAnswered,
  assertFailed,
  nanoUsd,
  nextPoll,
  P_FINE,
  P_ROW,
  P_SAYS,
  providerRow,
  rigOf,
  S_FINE,
  S_ROW,
  S_SAYS,
  startRig,
  type Rig,
} from './rig.ts';

/** Service is there again within this time after a crash (row F46). */
const START_MAX_MS = 3000;
const REQUESTS_A_ROUND = 200;
const ROUNDS_ASKED = process.env['TURNOUT_CHAOS_ROUNDS'];
const ROUNDS = Number(ROUNDS_ASKED ?? 50);
/** Where no number was asked for, no round begins after this: the suite is to stay below 90 s on a slow machine too. */
const ROUNDS_MAX_MS = 75_000;

describe('a process that is killed', () => {
  it(`F46 kill -9 under ${REQUESTS_A_ROUND} mixed requests, round after round: nothing lost, nothing doubled, back in 3 s`, async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-kill-'));
    const p = await startSimulator({ script: killScript(), logMax: 100_000 });
    const s = await startSimulator({ script: [S_FINE] });
    test.after(() => p.close());
    test.after(() => s.close());
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const config = testConfig({ p: providerRow(`${p.url}/openai/v1`) });
    const seed = Number(process.env['TURNOUT_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const throws = dice(seed);
    const whole = new Set<string>();
    const starts: number[] = [];
    let key: Pick<Rig, 'key' | 'keyId'> | undefined;
    let asked = 0;
    let rounds = 0;
    const untilMs = ROUNDS_ASKED === undefined ? performance.now() + ROUNDS_MAX_MS : Infinity;
    while (rounds < ROUNDS && performance.now() < untilMs) {
      const startedMs = performance.now();
      const gateway = await startGateway({ config, dir });
      starts.push(performance.now() - startedMs - queuedMs(gateway.child.pid));
      const rig = await rigOf({ gateway, p, s, ...(key === undefined ? {} : { before: key }) });
      key = { key: rig.key, keyId: rig.keyId };
      assert.equal(
        asRecord(await rig.get(`/admin/v1/keys/${rig.keyId}`))?.['held_usd'],
        '0',
        `round ${rounds}: a dead process still holds money`,
      );
      const calls = Array.from({ length: REQUESTS_A_ROUND }, (_, index) =>
        rawCall(rig, chatBody({ model: 'p/m', prompt: `kind ${(throws() * 5) | 0}.` }, index % 2 === 0)),
      );
      asked += calls.length;
      // Into the thick of it: after some have ended and while others run, which P's five speeds see to.
      await someEnded(calls, Math.floor(throws() * REQUESTS_A_ROUND * 0.9));
      await nextPoll(throws() * 20);
      gateway.child.kill('SIGKILL');
      await once(gateway.child, 'exit');
      await Promise.all(calls.map(async ({ closed }) => closed));
      for (const id of calls.flatMap(wholeId)) whole.add(id);
      rounds += 1;
    }
    test.diagnostic(
      `seed ${seed}: ${rounds} of ${ROUNDS} rounds, ${asked} requests, ${whole.size} read to their end; a start took (queueing for a processor left out) ${Math.max(...starts).toFixed(0)} ms at most, ${median(starts.slice(0, 10)).toFixed(0)} ms in the middle of the first ten and ${median(starts.slice(-10)).toFixed(0)} ms of the last`,
    );
    assert.ok(
      Math.max(...starts) < START_MAX_MS,
      `a start took (queueing for a processor left out) ${Math.max(...starts).toFixed(0)} ms`,
    );
    assert.ok(rounds > 0 && key !== undefined);
    const rows = await rowsOf(dir);
    const received = p.log.requests.filter((request) => request.receivedMs !== undefined).length;
    const interrupted = rows.filter((row) => row['outcome'] === 'interrupted').length;
    test.diagnostic(`${rows.length} rows, ${interrupted} of them interrupted; P received ${received} requests`);
    assertNothingLost(rows, whole);
    assertNothingDoubled(rows, { received, asked });
    await assertMoney(dir, config, { rows, key });
  });

  async function someEnded(calls: readonly RawCall[], count: number): Promise<void> {
    for (;;) {
      if (calls.filter(({ socket }) => socket.closed).length >= count) return;
      await nextPoll();
    }
  }

  /** Replies of five speeds, so that every moment has some that begin, run and end. */
  function killScript(): readonly Step[] {
    const of = (kind: number): Step => ({
      ...P_FINE,
      match: { contains: `kind ${kind}.` },
      delay_ms: kind * 60,
      chunk_delay_ms: 4 * kind,
    });
    return [0, 1, 2, 3, 4].map(of);
  }

  /** The id of a request whose reply was read to its very end. */
  function wholeId(call: RawCall): readonly string[] {
    const seen = seenIn(call.answer(), 0);
    return seen.status === 200 && seen.error === undefined ? [seen.id] : [];
  }

  function assertNothingLost(rows: readonly JsonRecord[], whole: ReadonlySet<string>): void {
    const answered = new Map(rows.map((row) => [String(row['request_id']), row]));
    const lost = [...whole].filter((id) => answered.get(id)?.['outcome'] !== 'answered');
    assert.deepEqual(lost, [], 'replies that were read to their end and stand in no row');
    for (const id of whole) {
      const row = answered.get(id);
      assert.deepEqual(
        [row?.['input_tokens'], row?.['output_tokens'], row?.['estimated']],
        [5, 2, false],
        `the row of ${id}`,
      );
    }
  }

  /** P never fails here, so that a request has one attempt: one row at most, and one for each request that reached P. */
  function assertNothingDoubled(
    rows: readonly JsonRecord[],
    counts: { readonly received: number; readonly asked: number },
  ): void {
    assert.equal(new Set(rows.map((row) => row['request_id'])).size, rows.length, 'a request has two rows');
    assert.ok(rows.every((row) => ['answered', 'interrupted', 'left'].includes(String(row['outcome']))));
    assert.ok(rows.length >= counts.received, `P received ${counts.received} requests, and ${rows.length} are booked`);
    assert.ok(rows.length <= counts.asked);
  }

  async function assertMoney(
    dir: string,
    config: string,
    { rows, key }: { readonly rows: readonly JsonRecord[]; readonly key: Pick<Rig, 'key' | 'keyId'> },
  ): Promise<void> {
    const proof = await runCli(['ledger', 'verify', '--json', '--data', join(dir, 'data')], { cwd: dir });
    assert.equal(proof.code, 0, proof.stdout + proof.stderr);
    assert.equal(asRecord(parseJson(proof.stdout))?.['ok'], true, proof.stdout);
    const cost = rows.reduce((sum, row) => sum + (asNumber(row['cost_nano_usd']) ?? Number.NaN), 0);
    assert.equal(
      cost,
      rows.reduce((sum, row) => sum + Number(row['input_tokens']) * 1000 + Number(row['output_tokens'] ?? 0) * 2000, 0),
    );
    const gateway = await startGateway({ config, dir });
    try {
      const headers = { authorization: `Bearer ${ROOT_KEY}` };
      const answer = await fetch(`${gateway.url}/admin/v1/keys/${key.keyId}`, { headers });
      const spend = asRecord(parseJson(await answer.text()));
      assert.equal(spend?.['held_usd'], '0');
      assert.equal(nanoUsd(asString(spend?.['spent_usd']) ?? ''), BigInt(cost));
    } finally {
      assert.equal(await gateway.stop(), 0);
    }
  }
});

async function rowsOf(dir: string): Promise<readonly JsonRecord[]> {
  const usage = await runCli(['usage', '--json', '--rows', '--data', join(dir, 'data')], { cwd: dir });
  assert.equal(usage.code, 0, usage.stderr);
  return (asArray(asRecord(parseJson(usage.stdout))?.['rows']) ?? []).filter(isRecord);
}

/**
 * How long a process has stood in the queue for a processor so far, while others had it (proc_pid_schedstat(5), its main
 * thread): time that says something of the machine and nothing of the gateway. 0 where the platform does not tell.
 */
function queuedMs(pid: number | undefined): number {
  try {
    const [, queuedNs = '0'] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return Number(queuedNs) / 1e6;
  } catch {
    return 0;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

describe('a process that is told to stop', () => {
  const DRAIN_MS = 2000;
  /** How late the end of the drain may be noticed. */
  const LATE_MS = 1500;

  it('F47 SIGTERM under load: running streams finish up to the drain limit, later ones get an error event, new ones are refused, exit 0', async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-drain-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const p = await startSimulator();
    const s = await startSimulator();
    const config = testConfig({ p: providerRow(`${p.url}/openai/v1`) }, `server: {drain_ms: ${DRAIN_MS}}`);
    const first = await rigOf({ gateway: await startGateway({ config, dir }), p, s });
    p.script([
      { match: { contains: 'short' }, times: 'forever', ...P_FINE, chunk_delay_ms: 120 },
      { match: { contains: 'long' }, times: 'forever', endless: { text: 'and on ' }, chunk_delay_ms: 100 },
      { match: { contains: 'silent' }, times: 'forever', never_reply: true },
      {
        match: { contains: 'limited' },
        times: 'forever',
        status: 429,
        headers: { 'retry-after': '4' },
        error: { message: 'slow down' },
      },
    ]);
    const send = (prompt: string, isStreaming: boolean): RawCall =>
      rawCall(first, chatBody({ model: 'p/m', prompt }, isStreaming));
    const many = (prompt: string, isStreaming: boolean): readonly RawCall[] =>
      Array.from({ length: 5 }, () => send(prompt, isStreaming));
    const short = many('short', true);
    const long = many('long', true);
    const silent = [...many('silent', false), ...many('silent', true)];
    await Promise.all([...short, ...long].map(async (call) => call.until((received) => received.includes('data: '))));
    await p.log.waitFor(() => p.log.requests.filter((request) => request.receivedMs !== undefined).length === 20, 3000);
    const limited = send('limited', false);
    await p.log.waitFor((request) => request.status === 429 && request.ended === 'complete', 3000);
    const exited = once(first.gateway.child, 'exit');
    first.gateway.child.kill('SIGTERM');
    const stoppedMs = performance.now();
    await assertRefusesNew(first, stoppedMs);
    await Promise.all([...short, ...long, ...silent, limited].map(async ({ closed }) => closed));
    const tookMs = performance.now() - stoppedMs;
    const [code] = (await exited) as readonly unknown[];
    assert.equal(code, 0, first.gateway.output());
    assert.ok(
      tookMs > DRAIN_MS - 100 && tookMs < DRAIN_MS + LATE_MS,
      `the last reply ended after ${tookMs.toFixed(0)} ms`,
    );
    const second = await rigOf({ gateway: await startGateway({ config, dir }), p, s, before: first });
    await assertEndings(second, { short, long, silent, limited });
    await second.close();
  });

  /** On a new connection: not ready from now on, and no new work. */
  async function assertRefusesNew(rig: Rig, sinceMs: number): Promise<void> {
    for (;;) {
      const ready = await fetch(`${rig.gateway.url}/readyz`);
      const body = asRecord(parseJson(await ready.text()));
      if (ready.status === 503) {
        assert.equal(body?.['status'], 'draining');
        break;
      }
      assert.ok(performance.now() - sinceMs < 250, 'still ready after SIGTERM');
    }
    for (const caller of CALLERS) {
      const seen = await caller.ask(rig, { model: 'p/m', retries: 0 });
      assertFailed(seen, caller, {
        status: 503,
        code: 'shutting_down',
        message: /is shutting down/,
        shouldRetry: true,
      });
      assert.deepEqual([seen.headers['retry-after'], seen.headers['connection']], ['1', 'close']);
    }
  }

  interface Ended {
    readonly short: readonly RawCall[];
    readonly long: readonly RawCall[];
    readonly silent: readonly RawCall[];
    readonly limited: RawCall;
  }

  async function assertEndings(rig: Rig, { short, long, silent, limited }: Ended): Promise<void> {
    for (const call of short) {
      const seen = seenIn(call.answer(), 0);
      assertAnswered(seen, rawWhole, P_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
    }
    for (const call of long) {
      const seen = seenIn(call.answer(), 0);
      assert.match(seen.text, /^(and on )+$/);
      assert.deepEqual([seen.status, seen.error?.code, call.answer().isWhole], [200, 'shutting_down', true]);
      assert.doesNotMatch(call.answer().body, /\[DONE\]/);
      await rig.books(seen.id, {
        outcome: 'overloaded',
        attempts: ['p/m broke shutdown'],
        rows: [/^p\/m broke \d+\+[1-9]\d* estimated$/],
      });
    }
    for (const call of silent) {
      const seen = seenIn(call.answer(), 0);
      assertFailed(seen, rawWhole, { status: 503, code: 'shutting_down', shouldRetry: true });
      await rig.books(seen.id, { outcome: 'overloaded', attempts: ['p/m broke shutdown'], rows: [] });
    }
    const seen = seenIn(limited.answer(), 0);
    assertFailed(seen, rawWhole, { status: 503, code: 'shutting_down', shouldRetry: true });
    await rig.books(seen.id, { outcome: 'overloaded', attempts: ['p/m refused 429'], rows: [] });
  }

  it('F47 SIGTERM with nothing under way: gone at once, exit 0, although a client keeps its connection open', async () => {
    const rig = await startRig();
    const idle = rawExchange(rig.port, Buffer.from('GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n'));
    await idle.until((received) => received.includes('{"status":"ok"}'));
    const startedMs = performance.now();
    await rig.close();
    await idle.closed;
    assert.ok(performance.now() - startedMs < 5000);
  });
});

describe('a process whose configuration changes', () => {
  /** Whole, by another name first: what is half written is not there yet. */
  function writeConfig(rig: Rig, text: string): string {
    const file = join(rig.gateway.dir, 'turnout.yaml');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    return file;
  }

  async function snapshotOf(rig: Rig): Promise<string> {
    const ready = asRecord(parseJson(await (await fetch(`${rig.gateway.url}/readyz`)).text()));
    return asString(ready?.['snapshot']) ?? '';
  }

  async function problemOf(rig: Rig): Promise<string | undefined> {
    return asString(asRecord(await rig.get('/admin/v1/config'))?.['problem']);
  }

  async function until(what: string, isThere: () => Promise<boolean>): Promise<void> {
    for (const limitMs = performance.now() + 5000; performance.now() < limitMs; await nextPoll())
      if (await isThere()) return;
    assert.fail(`${what} did not come`);
  }

  const BROKEN: Readonly<Record<string, { readonly line: string; readonly says: RegExp }>> = {
    'is no YAML': { line: 'aliases: [unclosed', says: /turnout\.yaml:\d+:\d+: / },
    'has a wrong type': { line: 'attempts: "many"', says: /turnout\.yaml:\d+:\d+: `attempts` must be a number/ },
    'has an unknown field': { line: 'atempts: 3', says: /turnout\.yaml:\d+:\d+: `atempts` is not a known key/ },
    'holds secrets on the line of its error': {
      line: 'providers: {x: {api_key: plainword, headers: {x-any: hunter2}, wieght: 1}}',
      says: /turnout\.yaml:\d+:\d+: `providers` stands here a second time/,
    },
    'names a missing variable': {
      line: 'aliases: {x: "${NO_SUCH_VARIABLE}"}',
      says: /turnout\.yaml:\d+:\d+: `aliases\.x` needs the environment variable NO_SUCH_VARIABLE/,
    },
  };

  it('F61 the file is broken: the old configuration serves on, log, metric and admin say why; at the start the same file is refused with the same words', async () => {
    const rig = await startRig();
    const good = readFileSync(join(rig.gateway.dir, 'turnout.yaml'), 'utf8');
    const before = await snapshotOf(rig);
    for (const [what, { line, says }] of Object.entries(BROKEN)) {
      const file = writeConfig(rig, `${good}\n${line}\n`);
      await until(`the problem of a file that ${what}`, async () => says.test((await problemOf(rig)) ?? ''));
      const problem = (await problemOf(rig)) ?? '';
      assert.ok(rig.gateway.output().includes(JSON.stringify(problem)), 'the log does not say so');
      assert.equal(await rig.metric('turnout_config_ok'), 0);
      const ready = await fetch(`${rig.gateway.url}/readyz`);
      const readiness = await ready.text();
      assert.equal(ready.status, 200);
      assert.match(readiness, /is not in force/);
      assert.doesNotMatch(readiness + problem + rig.gateway.output(), /plainword|hunter2/);
      assert.equal(await snapshotOf(rig), before);
      for (const caller of CALLERS) {
        const seen = await caller.ask(rig, { model: 'main' });
        assertAnswered(seen, caller, P_SAYS);
        await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
      }
      const start = await runCli(['serve', '--config', file, '--port', '0', '--data', join(rig.gateway.dir, 'other')], {
        cwd: rig.gateway.dir,
      });
      assert.equal(start.code, 1);
      for (const line of problem.split('\n'))
        assert.ok(start.stderr.includes(line), `the start says ${start.stderr}, the reload ${problem}`);
    }
    writeConfig(rig, good);
    await until('the end of the problem', async () => (await problemOf(rig)) === undefined);
    assert.equal(await rig.metric('turnout_config_ok'), 1);
    await rig.close(/the configuration was not reloaded/);
  });

  it('F61 SIGHUP to one that still starts does not end it', async (test) => {
    // A database that lets nobody in: it asks again and again, for as long as a start has patience.
    let asked = 0;
    const database = createServer((socket) => {
      asked += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(database, 'listening');
    test.after(() => database.close());
    const address = database.address();
    assert.ok(address !== null && typeof address === 'object');
    const dir = mkdtempSync(join(tmpdir(), 'turnout-hangup-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    let child: ChildProcess | undefined;
    const starting = startGateway({
      dir,
      config: testConfig({ p: providerRow('http://127.0.0.1:9/v1') }),
      env: { TURNOUT_STORE: `postgres://turnout@127.0.0.1:${address.port}/none` },
      begun: (begun) => {
        child = begun;
      },
    });
    const ended = assert.rejects(starting);
    await until('a question to the database', async () => asked > 0);
    assert.ok(child?.kill('SIGHUP'));
    await nextPoll(100);
    const before = asked;
    await until('another question', async () => asked > before);
    child?.kill('SIGKILL');
    await ended;
  });

  it('F62 twenty reloads under load: no request is dropped, each ends on the configuration it began with', async (test) => {
    const rig = await startRig();
    // Slow enough for every reload to meet replies under way: twelve events, 25 ms apart.
    rig.p.script([{ ...P_FINE, chunk_delay_ms: 25 }]);
    rig.s.script([{ ...S_FINE, chunk_delay_ms: 25 }]);
    const both = readFileSync(join(rig.gateway.dir, 'turnout.yaml'), 'utf8');
    const lineOf = (id: string): string => both.split('\n').find((line) => line.startsWith(`  ${id}: {dialect`)) ?? '';
    const only = (id: string): string =>
      testConfig({ [id]: lineOf(id).slice(`  ${id}: `.length) }, `routes:\n  main: {targets: [${id}/m]}`);
    const servedBy = new Map([[await snapshotOf(rig), 'p']]);
    const load = startLoad(rig);
    for (let reload = 0; reload < 20; reload += 1) {
      const id = reload % 2 === 0 ? 's' : 'p';
      const before = await snapshotOf(rig);
      await load.grow(6);
      writeConfig(rig, only(id));
      await until(`reload ${reload}`, async () => (await snapshotOf(rig)) !== before);
      servedBy.set(await snapshotOf(rig), id);
    }
    const seen = await load.stop();
    let spanning = 0;
    for (const { caller, seen: one, snapshotAtEnd } of seen) {
      const record = await rig.record(one.id);
      const began = asString(record['snapshot']) ?? '';
      const id = servedBy.get(began);
      assert.ok(id !== undefined, `${began} was never in force`);
      if (began !== snapshotAtEnd) spanning += 1;
      assertAnswered(one, caller, id === 'p' ? P_SAYS : S_SAYS);
      rig.owe(record, { outcome: 'ok', attempts: [`${id}/m answered`], rows: [id === 'p' ? P_ROW : S_ROW] });
    }
    test.diagnostic(
      `${seen.length} requests over 20 reloads, ${spanning} of them ended under another configuration than they began with`,
    );
    assert.equal(servedBy.size, 3, 'the first configuration, and two in turns');
    assert.ok(spanning > 10);
    await rig.close();
  });

  interface Loaded {
    readonly caller: (typeof CALLERS)[number];
    readonly seen: Awaited<ReturnType<(typeof CALLERS)[number]['ask']>>;
    /** In force when the reply had ended. */
    readonly snapshotAtEnd: string;
  }

  /** Every kind of caller asks without a pause. */
  function startLoad(rig: Rig): { grow(by: number): Promise<void>; stop(): Promise<readonly Loaded[]> } {
    const seen: Loaded[] = [];
    const over = new AbortController();
    const workers = CALLERS.map(async (caller) => {
      while (!over.signal.aborted) {
        const one = await caller.ask(rig, { model: 'main' });
        seen.push({ caller, seen: one, snapshotAtEnd: await snapshotOf(rig) });
      }
    });
    return {
      async grow(by) {
        const goal = seen.length + by;
        while (seen.length < goal) await nextPoll();
      },
      async stop() {
        over.abort();
        await Promise.all(workers);
        return seen;
      },
    };
  }

  it('F62 a request that must fall back after a reload still finds the target that the new configuration has not', async () => {
    const rig = await startRig();
    const both = readFileSync(join(rig.gateway.dir, 'turnout.yaml'), 'utf8');
    rig.p.script([{ delay_ms: 1500, status: 500, error: { message: 'too late' } }]);
    const waiting = Promise.all(CALLERS.slice(0, 1).map(async (caller) => caller.ask(rig, { model: 'main' })));
    await rig.p.log.waitFor((request) => request.receivedMs !== undefined, 3000);
    const before = await snapshotOf(rig);
    writeConfig(
      rig,
      both.replace(/^ {2}s: .*\n/m, '').replace('main: {targets: [p/m, s/m]}', 'main: {targets: [p/m]}'),
    );
    await until('the reload', async () => (await snapshotOf(rig)) !== before);
    for (const seen of await waiting) {
      assertAnswered(seen, rawWhole, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m refused 500', 's/m answered'], rows: [S_ROW] });
    }
    rig.p.script([P_FINE]);
    const after = await rawWhole.ask(rig, { model: 'main' });
    assertAnswered(after, rawWhole, P_SAYS);
    await rig.books(after.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
    await rig.close();
  });
});
