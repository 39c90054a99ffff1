/** What the suites of workers share: a supervisor with its workers in front of one scripted upstream P, and a look at them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { seenIn, type Door, type RawCall, type Seen } from './callers.ts';
import { nextPoll, P_FINE, providerRow } from './rig.ts';

/** How long anything may take that is waited for. */
const WAIT_MAX_MS = 30_000;
/** And one answer to a question of many. */
const ANSWER_MAX_MS = 5000;

export interface CrewRig extends Door {
  readonly gateway: TestGateway;
  readonly keyId: string;
  readonly p: Simulator;
}

export interface CrewOptions {
  readonly workers?: number;
  readonly server?: string;
  readonly budgetUsd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More lines of the configuration. */
  readonly rest?: string;
}

export async function startCrew(test: TestContext, options: CrewOptions = {}): Promise<CrewRig> {
  const p = await startSimulator({ script: [P_FINE], logMax: 100_000 });
  const server = `server: {workers: ${options.workers ?? 2}${options.server ?? ''}}`;
  const dir = mkdtempSync(join(tmpdir(), 'turnout-workers-'));
  let gateway: TestGateway | undefined;
  // Also where it does not start. The gateway first: the simulator waits for its connections.
  test.after(async () => {
    if (gateway?.child.exitCode === null && gateway.child.signalCode === null) await gateway.stop();
    await p.close();
    rmSync(dir, { recursive: true, force: true });
  });
  gateway = await startGateway({
    dir,
    config: testConfig({ p: providerRow(`${p.url}/openai/v1`) }, `${server}\n${options.rest ?? ''}`),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const made = await admin(gateway, 'keys', { name: 'crew', budget_usd: options.budgetUsd ?? '1000' });
  const [key, keyId] = [asString(made['key']) ?? '', asString(made['id']) ?? ''];
  return { gateway, port: gateway.port, key, keyId, p };
}

export async function admin(gateway: TestGateway, path: string, body?: JsonRecord): Promise<JsonRecord> {
  const answer = await fetch(`${gateway.url}/admin/v1/${path}`, {
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', connection: 'close' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    // A connection that was being handed to a worker as it died is answered by nobody: `fetch` would wait for five minutes.
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
  });
  return asRecord(parseJson(await answer.text())) ?? {};
}

export async function until(what: string, isThere: () => Promise<boolean>): Promise<void> {
  for (const limitMs = performance.now() + WAIT_MAX_MS; performance.now() < limitMs; await nextPoll(20))
    if (await isThere()) return;
  assert.fail(`${what} did not come`);
}

export interface Worker {
  readonly worker: number;
  readonly pid: number;
  readonly restarts: number;
  readonly state: string;
}

/** None where the answer was lost: a worker that is killed takes those with it whom it had accepted. */
export async function workersOf(gateway: TestGateway): Promise<readonly Worker[]> {
  const health = await admin(gateway, 'health').catch((): JsonRecord => ({}));
  const rows = (asArray(health['workers']) ?? []).filter(isRecord);
  return rows.map((row) => ({
    worker: asNumber(row['worker']) ?? 0,
    pid: asNumber(row['pid']) ?? 0,
    restarts: asNumber(row['restarts']) ?? 0,
    state: asString(row['state']) ?? '',
  }));
}

export async function serving(gateway: TestGateway, count: number): Promise<void> {
  await until(`${count} workers that serve`, async () => {
    const workers = await workersOf(gateway);
    return workers.filter(({ state }) => state === 'serving').length === count;
  });
}

/** Which workers answer on the port. */
export async function answering(gateway: TestGateway): Promise<ReadonlySet<string>> {
  const text = await (await fetch(`${gateway.url}/metrics`, { headers: { connection: 'close' } })).text();
  return new Set([...text.matchAll(/^turnout_worker_up\{worker="(\d+)"\} 1$/gm)].map(([, worker = '']) => worker));
}

export async function metricOf(gateway: TestGateway, series: string): Promise<readonly number[]> {
  const text = await (await fetch(`${gateway.url}/metrics`, { headers: { connection: 'close' } })).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${series}{`));
  return lines.map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}

export function seen(call: RawCall): Seen {
  return seenIn(call.answer(), 0);
}
