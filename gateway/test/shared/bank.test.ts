/** Limits counted by several processes over a real Valkey or Redis: each a limiter of its own, with connections of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@redis/client';
import type { RateLimit } from '../../src/config/rate-limits.ts';
import { Limiter, type Need, type Passed, type Refused, type Subject } from '../../src/limits/limiter.ts';
import { pass } from '../../src/pipeline/limit-pass.ts';
import type { Count } from '../../src/shared/count.ts';
import { createBank, type Bank } from '../../src/shared/limit-bank.ts';
import { openLink, type Link } from '../../src/shared/link.ts';
import { valkeyCount } from '../../src/shared/valkey-count.ts';
import { skipWithout } from '../services/missing.ts';
import { ownValkey, whyNoValkey, type OwnValkey } from '../services/valkey.ts';

const ONE: Need = { inputTokens: 0, outputTokens: 0 };
const skip = skipWithout(whyNoValkey());
const nowMs = (): number => performance.now();

type Tried = Passed | Refused;

interface Node {
  readonly limiter: Limiter;
  readonly bank: Bank;
  readonly link: Link;
  take(subject: Subject, need?: Need): Promise<Passed | Refused>;
}

let valkey: OwnValkey;
const nodes: Node[] = [];

async function node(id: string): Promise<Node> {
  const link = openLink({ url: valkey.url, trouble: () => undefined });
  const limiter = new Limiter();
  const bank = createBank({
    count: heardBy(id, valkeyCount(link, id)),
    limiter,
    monotonicMs: nowMs,
    changed: () => undefined,
    freed: () => undefined,
  });
  const made: Node = {
    limiter,
    bank,
    link,
    take: async (subject, need = ONE) =>
      pass({ subjects: [subject], need }, { limiter, draw: async (orders) => bank.draw(orders), nowMs }),
  };
  nodes.push(made);
  await shared(made);
  return made;
}

/** Nodes whose draws are answered when nobody waits any more. */
const late = new Set<string>();

function heardBy(id: string, count: Count): Count {
  const draw: Count['draw'] = async (orders) => {
    const answers = await count.draw(orders);
    if (late.has(id)) throw new Error('too late');
    return answers;
  };
  return { ...count, draw };
}

/** Ticks until it is counted together. */
async function shared(one: Node, is = true): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    await one.bank.tick();
    if (one.bank.isShared() === is) return;
    await delay(10);
  }
  assert.fail(`it did not become ${is ? 'shared' : 'alone'}`);
}

let names = 0;
function subject(limit: RateLimit): Subject {
  names += 1;
  return { scope: 'key', id: `k${names}`, name: 'key "k"', limits: [limit] };
}

function requests(max: number, windowMs = 60_000): RateLimit {
  return { of: 'requests', windowMs, max };
}

function passedOf(results: readonly (Passed | Refused)[]): readonly Passed[] {
  return results.flatMap((result) => (result.kind === 'passed' ? [result] : []));
}

describe('limits over Valkey', { skip }, () => {
  before(async () => {
    valkey = await ownValkey();
    for (const id of ['a', 'b', 'c']) await node(id);
  });

  after(async () => {
    for (const { link } of nodes) link.close();
    await valkey.remove();
  });

  it('lets exactly as many through as the limit, of 1,000 at once in three processes', async () => {
    const of = subject(requests(300));
    const results = await takeMany(of, 1000);
    assert.equal(passedOf(results).length, 300);
    const refused = results.find(({ kind }) => kind === 'refused');
    assert.ok(refused?.kind === 'refused' && refused.waitMs > 50_000 && refused.waitMs < 65_000);
  });

  it('never lets more through in any window than the limit, while it goes on', async () => {
    const of = subject(requests(20, 300));
    const passed: { readonly askedMs: number; readonly answeredMs: number }[] = [];
    const untilMs = nowMs() + 1500;
    while (nowMs() < untilMs) {
      const askedMs = nowMs();
      const results = await Promise.all(nodes.map(async (one) => one.take(of)));
      const answeredMs = nowMs();
      for (let count = passedOf(results).length; count > 0; count -= 1) passed.push({ askedMs, answeredMs });
      await delay(2);
    }
    // Each was counted at some moment between the two: those that lie in a window whole were all counted in it, however late an
    // answer came. Valkey's clock tells milliseconds.
    for (const { askedMs: fromMs } of passed) {
      const inside = passed.filter(({ askedMs, answeredMs }) => askedMs >= fromMs && answeredMs < fromMs + 299);
      assert.ok(inside.length <= 20, `${inside.length} within 299 ms, ${passed.length} in all`);
    }
    assert.ok(passed.length >= 60, String(passed.length));
  });

  it('asks once, and not again as long as a slice lasts', async () => {
    const [one] = nodes;
    assert.ok(one !== undefined);
    const of = subject(requests(100_000));
    assert.equal((await one.take(of)).kind, 'passed');
    for (let count = 0; count < 60; count += 1)
      assert.equal(one.limiter.pass([of], ONE, nowMs()).kind, 'passed', String(count));
  });

  it('counts requests under way together, and frees their places', async () => {
    const of = subject({ of: 'concurrent', windowMs: 0, max: 10 });
    const results = await takeMany(of, 90);
    const passed = passedOf(results);
    assert.equal(passed.length, 10);
    for (const one of passed)
      for (const { limiter } of nodes) if (isOf(limiter, one, of)) limiter.settle(one, ONE, nowMs());
    for (const { bank } of nodes) await bank.tick();
    await delay(1050);
    const again = await takeMany(of, 12, [2]);
    assert.equal(passedOf(again).length, 10);
  });

  it('gives back what was put down too much, for all to use', async () => {
    const [one, two] = nodes;
    assert.ok(one !== undefined && two !== undefined);
    const of = subject({ of: 'tokens', windowMs: 60_000, max: 1000 });
    const first = await one.take(of, { inputTokens: 10, outputTokens: 990 });
    assert.ok(first.kind === 'passed');
    assert.equal((await two.take(of, { inputTokens: 10, outputTokens: 90 })).kind, 'refused');
    one.limiter.settle(first, { inputTokens: 10, outputTokens: 40 }, nowMs());
    await one.bank.tick();
    await delay(1050);
    assert.equal((await two.take(of, { inputTokens: 10, outputTokens: 900 })).kind, 'passed');
  });

  it('gives nothing back twice where it was not told that it was heard', async () => {
    const [one] = nodes;
    assert.ok(one !== undefined);
    const of = subject(requests(1600, 6000));
    // It draws a slice of 63 beside, which nobody uses while the others take all that is left.
    let passed = passedOf([await one.take(of), ...(await takeMany(of, 2000, [1]))]).length;
    assert.ok(passed > 1500 && passed < 1600, String(passed));
    await delay(250);
    late.add('a');
    passed += passedOf([await one.take(of)]).length;
    late.delete('a');
    await shared(one);
    passed += passedOf(await takeMany(of, 400, [0, 1])).length;
    assert.ok(passed <= 1600, `${passed} within the window`);
  });

  it('counts what was counted before the clock of Valkey was set back as of now: no longer, and no less', async (test) => {
    const [one] = nodes;
    assert.ok(one !== undefined);
    const raw = createClient({ url: valkey.url });
    test.after(() => raw.destroy());
    await raw.connect();
    // As it stands after a day's step: a window's slots, places of a process that is dead, and that process itself.
    const tomorrow = Date.now() + 86_400_000;
    const of = subject(requests(10, 600));
    await raw.hSet(`{turnout}:limit:key:${of.id}:requests:600`, { [Math.floor(tomorrow / 10)]: '4', e: 'x' });
    assert.equal(passedOf(await takeMany(of, 30)).length, 6);
    await delay(700);
    assert.equal(passedOf(await takeMany(of, 30)).length, 10, 'a window later');
    const places = subject({ of: 'concurrent', windowMs: 0, max: 3 });
    const key = `{turnout}:limit:key:${places.id}:concurrent:0`;
    await raw.hSet(key, { dead: `2:${tomorrow}`, e: 'x' });
    assert.equal(passedOf(await takeMany(places, 6)).length, 1);
    const [, till = ''] = (await raw.hGet(key, 'dead'))?.split(':') ?? [];
    assert.ok(Number(till) < Date.now() + 60_000, 'its places are free soon');
    await raw.zAdd('{turnout}:processes', { score: tomorrow, value: 'dead' });
    await one.bank.tick();
    assert.equal(one.bank.processes(), nodes.length);
  });

  it('F58 goes on alone while it is away, with its part of the limit, and together again when it is back, empty', async () => {
    const of = subject(requests(30));
    const before = await takeMany(of, 12);
    assert.equal(passedOf(before).length, 12);
    await valkey.stop();
    const away = await takeMany(of, 90);
    // Ten for each, those before among them: never more than the limit, where all had used the same.
    assert.equal(passedOf(away).length, 18);
    for (const one of nodes) await shared(one, false);
    await valkey.start();
    for (const one of nodes) await shared(one);
    const back = await takeMany(of, 30);
    assert.equal(passedOf(back).length, 0);
    const fresh = subject(requests(5));
    const all = await takeMany(fresh, 30);
    assert.equal(passedOf(all).length, 5);
  });
});

/** So many at once, at these nodes in turn. */
async function takeMany(of: Subject, count: number, at: readonly number[] = [0, 1, 2]): Promise<readonly Tried[]> {
  const chosen = at.flatMap((index) => nodes[index] ?? []);
  const all = Array.from({ length: count }, async (_, index) => chosen[index % chosen.length]?.take(of));
  return (await Promise.all(all)).filter((result) => result !== undefined);
}

/** Whether it was taken there. */
function isOf(limiter: Limiter, { taken }: Passed, of: Subject): boolean {
  return taken.every(({ meter }) => limiter.metersOf(of).includes(meter));
}
