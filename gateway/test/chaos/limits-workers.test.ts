/** Rows F46, F47 and F58 of the fault table for limits with several workers behind one port and no Valkey: one count for all, whoever answers, dies, or is held up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import { chatBody, rawCall, type RawCall, type Seen } from './callers.ts';
import { metricOf, seen, serving, startCrew, until, workersOf, type CrewRig } from './crew.ts';
import { nextPoll, P_FINE } from './rig.ts';

/** A route of which all callers together may have so much. */
function limited(limits: string, more = ''): string {
  return `routes: {all: {targets: [p/m]}}\nlimits: {routes: {all: {${limits}}}${more}}`;
}

function ask(rig: CrewRig, isStreaming = false): RawCall {
  return rawCall(rig, chatBody({ model: 'all' }, isStreaming));
}

async function askAll(rig: CrewRig, count: number): Promise<readonly Seen[]> {
  const calls = Array.from({ length: count }, () => ask(rig));
  await Promise.all(calls.map(async ({ closed }) => closed));
  return calls.map(seen);
}

function countOf(all: readonly Seen[], status: number): number {
  return all.filter((one) => one.status === status).length;
}

/** The most that P had under way at the same time. */
function peakOf(requests: readonly LoggedRequest[]): number {
  const moments = requests.flatMap(({ startedMs, endedMs = Number.POSITIVE_INFINITY }) => [
    [startedMs, 1] as const,
    [endedMs, -1] as const,
  ]);
  let now = 0;
  let most = 0;
  for (const [, by] of moments.toSorted(([a, one], [b, two]) => a - b || one - two)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

const remaining = (one: Seen): string | undefined => one.headers['x-ratelimit-remaining-requests'];

describe('limits of several workers without Valkey', () => {
  it('are exact: of 1,000 requests at once over as many connections, 300 of 300 a minute are served', async (test) => {
    const rig = await startCrew(test, { rest: limited('rpm: 300') });
    const all = await askAll(rig, 1000);
    assert.deepEqual([countOf(all, 200), countOf(all, 429)], [300, 700]);
    const perWorker = await metricOf(rig.gateway, 'turnout_requests_total');
    assert.ok(perWorker.length > 2, 'one worker answered all');
    assert.equal(rig.p.log.requests.length, 300);
    for (const one of all.filter(({ status }) => status === 429)) {
      assert.equal(remaining(one), '0');
      assert.ok(Number(one.headers['retry-after']) >= 50, one.headers['retry-after']);
    }
  });

  it('are told of alike by whichever worker answers', async (test) => {
    const rig = await startCrew(test, { rest: limited('rpm: 1000, tpm: 100000') });
    const [requests, tokens]: [string[], string[]] = [[], []];
    for (let count = 0; count < 40; count += 1) {
      const [one] = await askAll(rig, 1);
      requests.push(one?.headers['x-ratelimit-remaining-requests'] ?? '');
      tokens.push(one?.headers['x-ratelimit-remaining-tokens'] ?? '');
    }
    assert.deepEqual(
      requests,
      Array.from({ length: 40 }, (_, index) => String(999 - index)),
    );
    // Seven tokens of each of those before, and what this one has put down: what they had put down beyond it came back.
    for (const [index, left] of tokens.entries()) {
      const putDown = 100_000 - 7 * index - Number(left);
      assert.ok(putDown >= 7 && putDown <= 80, `${left} after ${index}`);
    }
    const workers = await metricOf(rig.gateway, 'turnout_requests_total');
    assert.ok(workers.length >= 2, 'one worker answered all');
  });

  it('on requests under way hold at the provider under load: of five never six, and a place that is free is used at once by any worker', async (test) => {
    const rig = await startCrew(test, {
      rest: limited('concurrent: 5', ', queue: {wait_ms: 20000, size: 1000}'),
    });
    rig.p.script([{ ...P_FINE, delay_ms: 20 }]);
    const startedMs = performance.now();
    const all = await askAll(rig, 400);
    const tookMs = performance.now() - startedMs;
    assert.equal(countOf(all, 200), 400);
    const peak = peakOf(rig.p.log.requests);
    test.diagnostic(`400 requests of 20 ms each in ${Math.round(tookMs)} ms; at most ${peak} at once`);
    assert.equal(peak, 5);
    // 1.6 s would be the least. Were places handed on by asking again and again only, it would be a minute.
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
  });

  it('F46 are free again where a worker is killed: its places at once, and not those of the other', async (test) => {
    const rig = await startCrew(test, { rest: limited('concurrent: 8') });
    rig.p.script([{ times: 'forever', endless: { text: 'and on ' }, chunk_delay_ms: 50 }]);
    const calls = Array.from({ length: 8 }, () => ask(rig, true));
    assert.ok((await Promise.all(calls.map(begun))).every(Boolean));
    assert.equal(seen(await closed(ask(rig))).status, 429);
    const [victim] = await workersOf(rig.gateway);
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await until('an end of the dead worker', async () => rig.gateway.output().includes('a worker ended'));
    const cut = calls.filter(({ socket }) => socket.destroyed).length;
    test.diagnostic(`${cut} of 8 streams were the dead worker's`);
    const again = Array.from({ length: 8 }, () => ask(rig, true));
    assert.equal((await Promise.all(again.map(begun))).filter(Boolean).length, cut);
    for (const call of [...calls, ...again]) call.socket.destroy();
    // And once all have gone, there is room for all.
    await until('eight places', async () => {
      const more = Array.from({ length: 8 }, () => ask(rig, true));
      const served = (await Promise.all(more.map(begun))).filter(Boolean).length;
      for (const call of more) call.socket.destroy();
      return served === 8;
    });
    await serving(rig.gateway, 2);
  });

  it('F58 are counted by each worker for its part where the supervisor is held up, and together again after it, which the log tells', async (test) => {
    const rig = await startCrew(test, { rest: limited('rpm: 40') });
    assert.equal(countOf(await askAll(rig, 10), 200), 10);
    rig.gateway.child.kill('SIGSTOP');
    const away = await askAll(rig, 200);
    assert.equal(countOf(away, 200) + countOf(away, 429), 200, 'somebody was neither served nor refused');
    // Twenty each, what each had served before among them.
    assert.equal(countOf(away, 200), 30);
    rig.gateway.child.kill('SIGCONT');
    const told = (text: string): number => rig.gateway.output().split(text).length - 1;
    await until('the word of both workers that they count alone', async () => told('does not answer') === 2);
    await until('the word of both workers that they count together', async () => told('are counted together') === 2);
    assert.equal(countOf(await askAll(rig, 50), 200), 0, 'what was served meanwhile was forgotten');
    assert.equal(await rig.gateway.stop(), 0);
  });

  it('F47 let nobody in any more where the supervisor is killed: the workers end what they have under way', async (test) => {
    const rig = await startCrew(test, { rest: limited('concurrent: 2'), server: ', drain_ms: 3000' });
    rig.p.script([{ ...P_FINE, chunk_delay_ms: 300 }]);
    const running = [ask(rig, true), ask(rig, true)];
    assert.ok((await Promise.all(running.map(begun))).every(Boolean));
    const exited = once(rig.gateway.child, 'exit');
    rig.gateway.child.kill('SIGKILL');
    await exited;
    const later: Seen[] = [];
    for (let tries = 0; tries < 20; tries += 1, await nextPoll(20)) later.push(...(await askAll(rig, 2)));
    assert.ok(
      later.every(({ status }) => status !== 200),
      'a limit of nobody was passed',
    );
    for (const call of running) assert.equal(seen(await closed(call)).error, undefined);
    assert.equal(peakOf(rig.p.log.requests), 2);
  });

  /** Whether its stream began; false where it ended before. */
  async function begun(call: RawCall): Promise<boolean> {
    return call
      .until((text) => text.includes('data: '))
      .then(
        () => true,
        () => false,
      );
  }

  async function closed(call: RawCall): Promise<RawCall> {
    await call.closed;
    return call;
  }
});
