/** Small things for tests of the store: folders that go away, receipts that look real. */
import { payerOf } from '../src/store/payer.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from '../src/chat/fault.ts';
import type { Result } from '../src/lib/result.ts';
import { openBooks } from '../src/store/books/books.ts';
import { isHold, type Hold, type KeyRow, type Ledger, type Opening, type Receipt } from '../src/store/ports.ts';

/** Runs a test in a new folder and takes it away afterwards. */
export async function inFolder(run: (dir: string) => Promise<void> | void): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-store-'));
  try {
    await run(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function receipt(attemptId: string, more: Partial<Receipt> = {}): Receipt {
  return {
    attemptId,
    requestId: `req_of_${attemptId}`,
    keyId: 'key_a',
    provider: 'openai',
    model: 'gpt-5-mini',
    target: 'openai/gpt-5-mini',
    outcome: 'answered',
    isEstimated: false,
    usage: { inputTokens: 100, outputTokens: 20 },
    costNanoUsd: 500n,
    atMs: 1_795_000_000_000,
    finish: 'stop',
    ...more,
  };
}

export function opening(attemptId: string, more: Partial<Opening> = {}): Opening {
  return {
    attemptId,
    provider: 'openai',
    model: 'gpt-5-mini',
    target: 'openai/gpt-5-mini',
    atMs: 1_795_000_000_000,
    inputTokensEstimate: 90,
    estimateNanoUsd: 90n,
    ...more,
  };
}

/** The value of a result that must be one. */
export function valueOf<T>(result: Result<T, Fault>): T {
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

/** A hold that must be given. */
export async function held(ledger: Ledger, key: KeyRow, worstNanoUsd: bigint): Promise<Hold> {
  const hold = await ledger.hold(payerOf(key), worstNanoUsd, 'req_1');
  assert.ok(isHold(hold), isHold(hold) ? '' : hold.message);
  return hold;
}

/** One whole request: hold, open, settle, release. Gives the fault where it is refused. */
export async function spendOnce(
  ledger: Ledger,
  key: KeyRow,
  { attemptId, worst, cost }: { readonly attemptId: string; readonly worst: bigint; readonly cost: bigint },
): Promise<Fault | undefined> {
  const hold = await ledger.hold(payerOf(key), worst, `req_of_${attemptId}`);
  if (!isHold(hold)) return hold;
  const refused = ledger.open(hold, opening(attemptId, { worstNanoUsd: worst }));
  if (refused === undefined) ledger.settle(hold, receipt(attemptId, { keyId: key.id, costNanoUsd: cost }));
  ledger.release(hold);
  return refused;
}

/** Puts an alert into the store of a folder, beside whoever has it open. Gives its id. */
export async function alertIn(dataDir: string, orgId?: string): Promise<string> {
  const books = await openBooks({ dataDir, busyMs: 5000 });
  try {
    await books.putAlert({ kind: 'test', subject: `of ${orgId ?? 'all'}`, orgId, atMs: 1, body: {} });
    return String((await books.listAlerts({ limitMax: 1 })).alerts[0]?.id);
  } finally {
    await books.close();
  }
}
