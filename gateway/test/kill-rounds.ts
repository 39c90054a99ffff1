/** Rounds of `kill -9` on processes that spend, and the comparison of what they said with what the books say. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keysCommand } from '../src/cli/keys.ts';
import { ledgerCommand } from '../src/cli/ledger.ts';
import { usageCommand } from '../src/cli/usage.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../src/lib/json.ts';
import { openStore } from '../src/store/store.ts';
import type { StorePlace } from './stores.ts';

const CHILD = join(dirname(fileURLToPath(import.meta.url)), 'ledger-child.ts');
const PROCESSES = 2;
const LIMIT_NANO_USD = 3_000_000n;
/** F46: service again within this time. */
const START_MS_MAX = 3000;
/** A process that is not ready then never will be. */
const READY_MS_MAX = 60_000;

interface Child {
  readonly process: ChildProcess;
  /** Where it says what it did: a file, because what is written there outlives it. */
  readonly log: string;
}

function envOf(url: string | undefined): Readonly<Record<string, string>> {
  return url === undefined ? {} : { TURNOUT_STORE: url };
}

/** Runs a command of the command line in this process; gives its JSON. */
async function json(
  command: typeof usageCommand,
  words: readonly string[],
  { dataDir, url }: StorePlace,
): Promise<JsonRecord> {
  let text = '';
  let errors = '';
  const code = await command([...words, '--json', '--data', dataDir], {
    stdout: (more) => {
      text += more;
    },
    stderr: (more) => {
      errors += more;
    },
    env: envOf(url),
    cwd: dataDir,
    isTerminal: false,
  });
  assert.equal(code, 0, `${words.join(' ')}: ${errors}${text}`);
  return asRecord(parseJson(text)) ?? {};
}

function start({ dataDir, url }: StorePlace, tokens: readonly string[], log: string): Child {
  const fd = openSync(log, 'w');
  const child = spawn(process.execPath, [CHILD, dataDir, ...tokens], {
    stdio: ['ignore', fd, 'inherit'],
    env: { ...process.env, ...envOf(url) },
  });
  closeSync(fd);
  return { process: child, log };
}

async function ready(child: Child): Promise<void> {
  for (const untilMs = performance.now() + READY_MS_MAX; !linesOf(child).includes('ready'); await delay(5)) {
    assert.equal(child.process.exitCode, null, 'the child ended by itself');
    assert.ok(performance.now() < untilMs, 'the child did not become ready');
  }
}

async function kill({ process: child }: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** What it has said so far, in whole lines. */
function linesOf({ log }: Child): readonly string[] {
  return readFileSync(log, 'utf8').split('\n').slice(0, -1);
}

/** What the processes said, by id: the costs that are possible. */
interface Said {
  /** Opened: must be booked. */
  readonly must: Map<string, readonly bigint[]>;
  /** About to be opened: may be booked. */
  readonly may: Map<string, readonly bigint[]>;
  /** The reply was given. */
  readonly settled: Set<string>;
}

function said(lines: readonly string[]): Said {
  const must = new Map<string, readonly bigint[]>();
  const may = new Map<string, readonly bigint[]>();
  const settled = new Set<string>();
  for (const line of lines) {
    const [word, id = '', amount = '0'] = line.split(' ');
    const cost = BigInt(/^\d+$/.test(amount) ? amount : 0);
    // From "settling" to "settled" it is not known whether the line was written: by its estimate, or by its cost.
    if (word === 'opening') may.set(id, [cost]);
    if (word === 'opened') must.set(id, [cost]);
    if (word === 'settling') must.set(id, [...(must.get(id) ?? []), cost]);
    if (word === 'settled') {
      must.set(id, [cost]);
      settled.add(id);
    }
  }
  return { must, may, settled };
}

function compare(rows: readonly JsonRecord[], { must, may }: Said): void {
  const booked = new Map<string, bigint>();
  for (const row of rows) {
    const id = asString(row['id']) ?? '';
    assert.ok(!booked.has(id), `${id} is booked twice`);
    booked.set(id, BigInt(Number(row['cost_nano_usd'])));
  }
  for (const [id, costs] of must) {
    const cost = booked.get(id);
    assert.ok(cost !== undefined, `${id} is lost`);
    assert.ok(costs.includes(cost), `${id} costs ${cost}, not ${costs.join(' or ')}`);
  }
  for (const id of booked.keys()) assert.ok(must.has(id) || may.has(id), `${id} was booked and never made`);
}

async function usageRows(place: StorePlace, since: string): Promise<readonly JsonRecord[]> {
  const usage = await json(usageCommand, ['--rows', '--since', since], place);
  return (asArray(usage['rows']) ?? []).filter(isRecord);
}

async function newToken(place: StorePlace, words: readonly string[]): Promise<string> {
  return asString((await json(keysCommand, ['create', ...words], place))['key']) ?? '';
}

export interface KillReport {
  readonly receipts: number;
  readonly interrupted: number;
  readonly startMsMax: number;
}

/** Kills two spending processes, over and over, while the command line looks on; throws where anything is lost, doubled or overspent. */
export async function killRounds(place: StorePlace, rounds: number): Promise<KillReport> {
  let lines: readonly string[] = [];
  const tokens = [
    await newToken(place, ['--name', 'free']),
    await newToken(place, ['--name', 'tight', '--budget-usd', '0.003']),
  ];
  for (let round = 0; round < rounds; round++) {
    const since = new Date().toISOString();
    const logs = Array.from({ length: PROCESSES }, (_, index) => join(place.dataDir, `said-${index}.txt`));
    const children = logs.map((log) => start(place, tokens, log));
    try {
      await Promise.all(children.map(ready));
      await delay(20 + Math.random() * 150);
      // A reply that was given is counted, also while its process lives and the database has not heard of it.
      const { settled } = said(children.flatMap(linesOf));
      const counted = new Set((await usageRows(place, since)).map((row) => row['id']));
      for (const id of settled) assert.ok(counted.has(id), `${id} was answered and is not counted`);
      for (const child of children) assert.equal(child.process.exitCode, null, 'the child ended by itself');
    } finally {
      // Whatever failed: a process that spends for ever would outlive its test, and hold it open.
      await Promise.all(children.map(kill));
    }
    const latest = children.flatMap(linesOf);
    compare(await usageRows(place, since), said(latest));
    await json(ledgerCommand, ['verify'], place);
    lines = [...lines, ...latest];
  }
  const startedMs = performance.now();
  const store = await openStore({ ...place, now: Date.now });
  const startMsMax = performance.now() - startedMs;
  assert.ok(startMsMax < START_MS_MAX, `the start took ${startMsMax} ms`);
  await store.close();
  assert.deepEqual(
    readdirSync(place.dataDir).filter((name) => /journal|process/.test(name)),
    [],
  );
  const rows = await usageRows(place, '1970-01-01');
  compare(rows, said(lines));
  await json(ledgerCommand, ['verify'], place);
  const tight = await json(keysCommand, ['list'], place);
  const spent = (asArray(tight['keys']) ?? []).map((key) => asRecord(key)).find((key) => key?.['name'] === 'tight');
  assert.ok(BigInt(Number(spent?.['spent_nano_usd'])) <= LIMIT_NANO_USD, 'the budget is overspent');
  return {
    receipts: rows.length,
    interrupted: rows.filter((row) => row['outcome'] === 'interrupted').length,
    startMsMax,
  };
}
