/** Rows F46, F47, F48 and F61 of the fault table, with several workers behind one port: they die, are told to stop, share a budget, and meet a broken file. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { asArray, asRecord, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { runCli, type TestGateway } from '../harness.ts';
import { chatBody, rawCall, type RawCall } from './callers.ts';
import { answering, metricOf, seen, serving, startCrew, until, workersOf } from './crew.ts';
import { P_FINE } from './rig.ts';

/** What a request of `chatBody` costs with P's five and two tokens, in nano-dollars. */
const COST_NANO_USD = 9000;

async function verified(dir: string): Promise<JsonRecord> {
  const proof = await runCli(['ledger', 'verify', '--json', '--data', join(dir, 'data')], { cwd: dir });
  assert.equal(proof.code, 0, proof.stdout + proof.stderr);
  return asRecord(parseJson(proof.stdout)) ?? {};
}

async function rowsOf(dir: string): Promise<readonly JsonRecord[]> {
  const usage = await runCli(['usage', '--json', '--rows', '--data', join(dir, 'data')], { cwd: dir });
  assert.equal(usage.code, 0, usage.stderr);
  return (asArray(asRecord(parseJson(usage.stdout))?.['rows']) ?? []).filter(isRecord);
}

describe('workers behind one port', () => {
  // A connection that is being handed over when a worker dies is answered by nobody: a round costs its caller's patience.
  for (const { sharing, rounds } of [
    { sharing: 'kernel', rounds: 3 },
    { sharing: 'supervisor', rounds: 1 },
  ]) {
    it(`F46 kill -9 of one under load, port shared by the ${sharing}: the other serves, nothing is lost or doubled`, async (test) => {
      const rig = await startCrew(test, { env: { TURNOUT_PORT_SHARING: sharing } });
      rig.p.script([{ ...P_FINE, chunk_delay_ms: 20 }]);
      const { gateway } = rig;
      const whole: string[] = [];
      let asked = 0;
      let cut = 0;
      for (let round = 0; round < rounds; round += 1) {
        await serving(gateway, 2);
        const victim = (await workersOf(gateway))[round % 2];
        assert.ok(victim !== undefined);
        const calls = Array.from({ length: 150 }, (_, index) =>
          rawCall(rig, chatBody({ model: 'p/m', prompt: `${round} ${index}` }, index % 2 === 0)),
        );
        await Promise.all(
          calls.slice(0, 20).map(async (call) => call.until((text) => text.includes('data: ')).catch(() => undefined)),
        );
        process.kill(victim.pid, 'SIGKILL');
        // The one that lives takes whatever comes from now on: no pause in the service.
        await until('an end of the dead worker', async () =>
          (await workersOf(gateway)).some((one) => one.worker === victim.worker && one.pid !== victim.pid),
        );
        const later = Array.from({ length: 50 }, () => rawCall(rig, chatBody({ model: 'p/m' }, false)));
        await Promise.all([...calls, ...later].map(async ({ closed }) => closed));
        asked += calls.length + later.length;
        for (const call of later)
          assert.equal(seen(call).status, 200, 'a request that came after the death was not served');
        for (const call of [...calls, ...later]) {
          const one = seen(call);
          if (one.status === 200 && one.error === undefined) whole.push(one.id);
          else cut += 1;
        }
      }
      await serving(gateway, 2);
      assert.equal(
        (await workersOf(gateway)).reduce((sum, { restarts }) => sum + restarts, 0),
        rounds,
      );
      assert.equal(await gateway.stop(), 0, gateway.output());
      const { receipts } = await verified(gateway.dir);
      const rows = await rowsOf(gateway.dir);
      test.diagnostic(`${asked} requests, ${whole.length} read to their end, ${cut} cut; ${rows.length} rows`);
      assert.equal(receipts, rows.length);
      const answered = new Map(rows.map((row) => [row['request_id'], row['outcome']]));
      assert.equal(answered.size, rows.length, 'a request is booked twice');
      assert.deepEqual(
        whole.filter((id) => answered.get(id) !== 'answered'),
        [],
        'answered and not booked',
      );
      assert.ok(cut > 0, 'nobody was cut: the worker died idle');
      const received = rig.p.log.requests.filter((request) => request.receivedMs !== undefined).length;
      assert.ok(rows.length >= received, `P received ${received} requests, and ${rows.length} are booked`);
    });
  }

  it('F48 two workers, 1,000 requests at once on one small budget: some 200, the rest 402, never a nano-dollar over', async (test) => {
    const budgetNanoUsd = 500 * COST_NANO_USD;
    const rig = await startCrew(test, { budgetUsd: '0.0045' });
    const calls = Array.from({ length: 1000 }, () =>
      rawCall(rig, chatBody({ model: 'p/m' }, false, { max_tokens: 2 })),
    );
    await Promise.all(calls.map(async ({ closed }) => closed));
    const statuses = calls.map((call) => seen(call).status);
    const served = statuses.filter((status) => status === 200).length;
    assert.equal(statuses.filter((status) => status === 402).length, 1000 - served, JSON.stringify(countsOf(statuses)));
    // One request holds 1.02 m nano-dollars at first; what is less than that is left for those who come later.
    assert.ok(served >= 250, 'who waits while others hold too much is served when they have ended');
    const perWorker = await metricOf(rig.gateway, 'turnout_requests_total');
    assert.ok(perWorker.length > 1, 'one worker served all');
    assert.equal(await rig.gateway.stop(), 0, rig.gateway.output());
    const { spent_nano_usd: spent } = await verified(rig.gateway.dir);
    test.diagnostic(`${served} of 1,000 served: ${String(spent)} of ${budgetNanoUsd} nano-dollars spent`);
    assert.equal(spent, served * COST_NANO_USD);
    assert.ok(served * COST_NANO_USD <= budgetNanoUsd);
  });

  function countsOf(statuses: readonly number[]): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  it('F47 SIGTERM to the supervisor: all drain, streams finish up to the limit, new ones are refused, exit 0', async (test) => {
    const rig = await startCrew(test, { server: ', drain_ms: 2000' });
    const { gateway } = rig;
    rig.p.script([
      { match: { contains: 'short' }, times: 'forever', ...P_FINE, chunk_delay_ms: 100 },
      { match: { contains: 'long' }, times: 'forever', endless: { text: 'and on ' }, chunk_delay_ms: 100 },
    ]);
    const send = (prompt: string): readonly RawCall[] =>
      Array.from({ length: 20 }, () => rawCall(rig, chatBody({ model: 'p/m', prompt }, true)));
    const [short, long] = [send('short'), send('long')];
    await Promise.all([...short, ...long].map(async (call) => call.until((text) => text.includes('data: '))));
    const exited = once(gateway.child, 'exit');
    gateway.child.kill('SIGTERM');
    await until('a readiness of draining', async () => {
      const ready = await fetch(`${gateway.url}/readyz`, { headers: { connection: 'close' } });
      return ready.status === 503 && asRecord(parseJson(await ready.text()))?.['status'] === 'draining';
    });
    const late = Array.from({ length: 10 }, () => rawCall(rig, chatBody({ model: 'p/m' }, false)));
    await Promise.all([...short, ...long, ...late].map(async ({ closed }) => closed));
    assert.deepEqual((await exited)[0], 0, gateway.output());
    for (const call of late) assert.deepEqual([seen(call).status, seen(call).error?.code], [503, 'shutting_down']);
    for (const call of short) assert.deepEqual([seen(call).status, seen(call).error], [200, undefined]);
    for (const call of long) assert.deepEqual([seen(call).status, seen(call).error?.code], [200, 'shutting_down']);
    const drained = gateway.output().match(/"message":"draining","worker":\d/g) ?? [];
    assert.equal(new Set(drained).size, 2, gateway.output());
    await verified(gateway.dir);
  });

  it('F61 a broken file and SIGHUP: all serve on, who dies meanwhile is back with the mended file', async (test) => {
    const rig = await startCrew(test);
    const { gateway } = rig;
    const file = join(gateway.dir, 'turnout.yaml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, `${good}\natempts: 3\n`);
    gateway.child.kill('SIGHUP');
    await until(
      'the problem in every worker',
      async () => (await metricOf(gateway, 'turnout_config_ok')).join() === '0,0',
    );
    const calls = Array.from({ length: 40 }, () => rawCall(rig, chatBody({ model: 'p/m' }, false)));
    await Promise.all(calls.map(async ({ closed }) => closed));
    assert.deepEqual(new Set(calls.map((call) => seen(call).status)), new Set([200]));
    const [victim] = await workersOf(gateway);
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await until('a start in vain', async () => endsOf(gateway).length >= 2);
    const ready = await fetch(`${gateway.url}/readyz`, { headers: { connection: 'close' } });
    assert.equal(ready.status, 200, 'whoever still serves is not offered to a balancer');
    assert.deepEqual([...(await answering(gateway))], ['2']);
    writeFileSync(file, good);
    gateway.child.kill('SIGHUP');
    await serving(gateway, 2);
    await until(
      'a good file in every worker',
      async () => (await metricOf(gateway, 'turnout_config_ok')).join() === '1,1',
    );
    // As often as it ended, however many starts were in vain before the file was mended; and no other worker ever.
    const [back, other] = await workersOf(gateway);
    assert.deepEqual([back?.restarts, other?.restarts], [endsOf(gateway).length, 0]);
    assert.deepEqual(new Set(endsOf(gateway)), new Set(['1']));
    assert.equal(await gateway.stop(), 0, gateway.output());
  });

  /** The worker of each end after which one was started again. */
  function endsOf(gateway: TestGateway): readonly string[] {
    return [...gateway.output().matchAll(/a worker ended and is started again","worker":(\d)/g)].map(
      ([, of = '']) => of,
    );
  }

  it('end where their supervisor is killed, and leave the port free', async (test) => {
    const rig = await startCrew(test);
    const pids = (await workersOf(rig.gateway)).map(({ pid }) => pid);
    assert.equal(pids.length, 2);
    rig.gateway.child.kill('SIGKILL');
    await until('an end of the workers', async () => pids.every((pid) => !isRunning(pid)));
    await verified(rig.gateway.dir);
  });

  it('are not started on a port that others share, and say one line when all are ready', async (test) => {
    const rig = await startCrew(test, { workers: 3 });
    const words = ['serve', '--workers', '2', '--port', String(rig.port), '--data', join(rig.gateway.dir, 'other')];
    const second = await runCli(words, { cwd: rig.gateway.dir });
    assert.deepEqual([second.code, second.stdout], [1, ''], second.stderr);
    assert.match(second.stderr, /is taken/);
    assert.equal(rig.gateway.output().match(/listening on/g)?.length, 1);
    assert.deepEqual([...(await answering(rig.gateway))], ['1', '2', '3']);
    assert.equal(await rig.gateway.stop('SIGINT'), 0, rig.gateway.output());
  });

  it('are none where the first cannot start: its words, and exit 1', async (test) => {
    const rig = await startCrew(test);
    writeFileSync(join(rig.gateway.dir, 'bad.yaml'), 'server: {workers: 2}\natempts: 3\n');
    const bad = await runCli(['serve', '--config', 'bad.yaml', '--port', '0'], { cwd: rig.gateway.dir });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /`atempts` is not a known key/);
    assert.equal(await rig.gateway.stop(), 0);
  });

  function isRunning(pid: number): boolean {
    try {
      // Signal 0 asks whether it is there (kill(2)).
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
});
