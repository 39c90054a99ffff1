/** Rows F56 and F57 of the fault table on real parts: a database that another locks, and a disk that is full, on both stores. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { loopWatch } from '../e2e/loop-watch.ts';
import { POSTGRES, STORES, type TestStore } from '../stores.ts';
import { P_FINE, providerRow } from './rig.ts';

const COST_NANO_USD = 9000n;
const SECRET = '5'.repeat(64);
const WAIT_MAX_MS = 30_000;
/** F56: for so long another transaction has all tables for itself. */
const LOCKED_MS = 10_000;
const BLOCKED_MAX_MS = 100;
/** Room for the database and a few megabytes of journal. */
const DISK_MIB = 48;
/** A line of the journal has some 600 bytes, and a file system gives room by pages. */
const SERVED_ON_FULL_MAX = 400;

interface Rig {
  readonly gateway: TestGateway;
  readonly key: string;
  readonly env: Readonly<Record<string, string>>;
  readonly dir: string;
}

async function startRig(test: TestContext, store: TestStore, dir: string): Promise<Rig> {
  const p = await startSimulator({ script: [P_FINE], logMax: 1000 });
  const { place, remove } = await store.make();
  const env: Readonly<Record<string, string>> =
    place.url === undefined ? {} : { TURNOUT_STORE: place.url, TURNOUT_SECRET: SECRET };
  const gateway = await startGateway({
    dir,
    config: testConfig({ p: providerRow(`${p.url}/openai/v1`) }),
    env,
  });
  test.after(async () => {
    if (gateway.child.exitCode === null) await gateway.stop();
    await p.close();
    await remove();
  });
  const made = await admin(gateway, 'keys', { name: 'crew', budget_usd: '1000' });
  return { gateway, key: asString(made.body['key']) ?? '', env, dir };
}

async function admin(
  gateway: TestGateway,
  path: string,
  body?: JsonRecord,
): Promise<{ readonly status: number; readonly body: JsonRecord }> {
  const reply = await fetch(`${gateway.url}/admin/v1/${path}`, {
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: asRecord(parseJson(await reply.text())) ?? {} };
}

async function ask({ gateway, key }: Rig): Promise<number> {
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'p/m', max_tokens: 2, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await reply.arrayBuffer();
  return reply.status;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, `${what} did not come to be`);
    await delay(50);
  }
}

/** Ends the gateway and counts all money anew. */
async function bookedExactly(rig: Rig, served: number): Promise<void> {
  assert.equal(await rig.gateway.stop(), 0, rig.gateway.output());
  const { env, dir } = rig;
  const proof = await runCli(['ledger', 'verify', '--json', '--data', join(dir, 'data')], { cwd: dir, env });
  assert.equal(proof.code, 0, `${proof.stdout}${proof.stderr}`);
  const found = asRecord(parseJson(proof.stdout)) ?? {};
  assert.deepEqual(
    [found['receipts'], BigInt(String(found['spent_nano_usd']))],
    [served, BigInt(served) * COST_NANO_USD],
  );
}

describe('a database that another has locked', { skip: POSTGRES.skip }, () => {
  it(`F56 serves for ${LOCKED_MS / 1000} s, refuses admin writes, and its loop never stands still`, async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-locked-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const rig = await startRig(test, POSTGRES, dir);
    let served = 0;
    for (; served < 20; served += 1) assert.equal(await ask(rig), 200);
    const other = new Client({ connectionString: rig.env['TURNOUT_STORE'] });
    await other.connect();
    await other.query('begin; lock table keys, accounts, receipts, requests, audit in access exclusive mode');
    const watch = loopWatch(rig.gateway.port, rig.gateway.child.pid);
    await watch.begin();
    const write = admin(rig.gateway, 'keys', { name: 'refused' });
    const endMs = performance.now() + LOCKED_MS;
    while (performance.now() < endMs) {
      assert.equal(await ask(rig), 200);
      served += 1;
    }
    const { blockedMs } = await watch.end();
    await watch.close();
    assert.ok(blockedMs < BLOCKED_MAX_MS, `the loop stood still for ${blockedMs} ms`);
    await other.query('rollback');
    await other.end();
    const { status } = await write;
    assert.ok([201, 503].includes(status), `an admin write while it was locked: ${status}`);
    test.diagnostic(
      `${served} served; the loop stood still for ${blockedMs.toFixed(0)} ms at most; admin write ${status}`,
    );
    await until('an admin write', async () => (await admin(rig.gateway, 'keys', { name: 'later' })).status === 201);
    await bookedExactly(rig, served);
  });
});

for (const store of STORES) {
  describe(`a disk that is full, the store on ${store.name}`, { skip: store.skip || whyNoDisk() }, () => {
    it('F57 refuses with 503 once money cannot be recorded, corrupts nothing, and goes on by itself', async (test) => {
      const dir = mkdtempSync(join(tmpdir(), 'turnout-disk-'));
      mount(dir);
      test.after(() => {
        spawnSync('umount', ['-l', dir]);
        rmSync(dir, { recursive: true, force: true });
      });
      const rig = await startRig(test, store, dir);
      let served = 0;
      for (; served < 20; served += 1) assert.equal(await ask(rig), 200);
      const filler = join(dir, 'filler');
      fill(filler);
      let onFull = 0;
      for (let status = await ask(rig); status !== 503; status = await ask(rig)) {
        assert.equal(status, 200);
        onFull += 1;
        assert.ok(onFull < SERVED_ON_FULL_MAX, 'it serves on although nothing can be written');
      }
      for (let count = 0; count < 20; count += 1) assert.equal(await ask(rig), 503);
      const ready = await fetch(`${rig.gateway.url}/readyz`);
      assert.equal(ready.status, 503, await ready.text());
      unlinkSync(filler);
      await until('service', async () => (await ask(rig)) === 200);
      served += onFull + 1;
      for (let count = 0; count < 20; count += 1) assert.equal(await ask(rig), 200);
      test.diagnostic(`${onFull} served from room in the last page, then 503 until there was room again`);
      await bookedExactly(rig, served + 20);
    });
  });
}

function mount(dir: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', dir]).status === 0;
}

/** Small disks are made of memory, which only root may do. */
function whyNoDisk(): string | false {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-mount-'));
  try {
    if (!mount(dir)) return 'no file system may be mounted here (mount -t tmpfs, as root)';
    spawnSync('umount', [dir]);
    return false;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Until not a byte more fits. */
function fill(path: string): void {
  for (let bytes = 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(bytes, 1), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}
