/**
 * What money costs: microseconds of CPU for one hold, open, settle and release, on the thread that serves requests and in
 * all threads together (the store's intake included). `node bench/ledger.ts [REQUESTS]`; prints one line a case.
 */
import { payerOf } from '../gateway/src/store/payer.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { idMaker } from '../gateway/src/store/id.ts';
import { isHold, type KeyRow, type Store } from '../gateway/src/store/ports.ts';
import { openStore } from '../gateway/src/store/store.ts';
import { opening, receipt, valueOf } from '../gateway/test/store-kit.ts';

const REQUESTS = Number(process.argv[2] ?? 40_000);
/** Requests between two breaths of the event loop, so that timers run as in a gateway. */
const BURST = 20;
const WARM_UP = 5000;

interface Case {
  readonly name: string;
  readonly withRecord: boolean;
  readonly budgetNanoUsd?: bigint;
}

const cases: readonly Case[] = [
  { name: 'no budget', withRecord: false },
  { name: 'budget', withRecord: false, budgetNanoUsd: 10n ** 17n },
  { name: 'budget and request record of 1.5 kB', withRecord: true, budgetNanoUsd: 10n ** 17n },
];
const newId = idMaker(Date.now);
const record = {
  id: '',
  facts: { text: 'x'.repeat(1300) },
  attempts: [{ target: 'openai/gpt-5-mini', outcome: 'answered' }],
};

async function spend(store: Store, key: KeyRow, withRecord: boolean): Promise<void> {
  const { ledger, requests } = store;
  const requestId = newId('req');
  const attemptId = newId('att');
  const result = ledger.hold(payerOf(key), 2_000_000n, requestId);
  const hold = result instanceof Promise ? await result : result;
  assert.ok(isHold(hold));
  ledger.open(hold, opening(attemptId, { worstNanoUsd: 2_000_000n, atMs: Date.now() }));
  ledger.settle(hold, receipt(attemptId, { requestId, keyId: key.id, costNanoUsd: 500_000n, atMs: Date.now() }));
  ledger.release(hold);
  if (withRecord)
    requests.put({ id: requestId, keyId: key.id, atMs: Date.now(), outcome: 'ok', body: { ...record, id: requestId } });
}

async function burst(
  store: Store,
  key: KeyRow,
  { count, withRecord }: { count: number; withRecord: boolean },
): Promise<void> {
  for (let i = 0; i < count; i++) {
    await spend(store, key, withRecord);
    if (i % BURST === 0) await delay(1);
  }
  await store.ledger.flush();
  await store.requests.flush();
}

async function measure(of: Case): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'turnout-bench-'));
  const store = await openStore({ dataDir, now: Date.now });
  const { row } = valueOf(
    await store.keys.create({
      name: 'bench',
      ...(of.budgetNanoUsd === undefined ? {} : { budgetNanoUsd: of.budgetNanoUsd }),
    }),
  );
  await burst(store, row, { count: WARM_UP, withRecord: of.withRecord });
  const before = { all: process.cpuUsage(), own: process.threadCpuUsage() };
  await burst(store, row, { count: REQUESTS, withRecord: of.withRecord });
  const all = process.cpuUsage(before.all);
  const own = process.threadCpuUsage(before.own);
  const us = (usage: NodeJS.CpuUsage): string => ((usage.user + usage.system) / REQUESTS).toFixed(1);
  process.stdout.write(`${of.name}: ${us(own)} us a request on the serving thread, ${us(all)} us in all threads\n`);
  const report = valueOf(await store.verify());
  assert.deepEqual([report.problems, report.receipts], [[], WARM_UP + REQUESTS]);
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
}

for (const one of cases) await measure(one);
