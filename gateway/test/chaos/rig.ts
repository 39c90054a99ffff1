/** What the chaos suites share: a real gateway in front of two scripted upstreams P and S, and a look into all of its books. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  asArray,
  asNumber,
  asRecord,
  asString,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type GatewayOptions, type TestGateway } from '../harness.ts';
import { CALLERS, type Caller, type Door, type Seen } from './callers.ts';

/** A cancelled request lets go of its upstream within this time (rule R5). */
export const CANCEL_MAX_MS = 250;
/** Nano-dollars a token, as `providerRow` says them: 1 and 2 USD a million. */
const INPUT_NANO_USD = 1000;
const OUTPUT_NANO_USD = 2000;
/** What all requests of a suite together stay below, so that no row meets the budget. */
const BUDGET_USD = '1000';
/** A record is looked for until it is there; longer than this it is missing. */
const RECORD_MAX_MS = 3000;
const POLL_MS = 5;
const ODD = /failed inside the gateway|unhandled|uncaught|Warning:|MaxListeners|"level":"error"/i;

/** Answers of healthy upstreams: told apart by their text and by their counts. */
export const P_SAYS = 'this comes from P';
export const S_SAYS = 'this comes from S';
export const P_FINE: Step = {
  times: 'forever',
  reply: { text: P_SAYS, finish: 'stop', usage: { input_tokens: 5, output_tokens: 2 } },
};
export const S_FINE: Step = {
  times: 'forever',
  reply: { text: S_SAYS, finish: 'stop', usage: { input_tokens: 7, output_tokens: 3 } },
};
/** The rows of their answers, as `books` writes them. */
export const P_ROW = 'p/m answered 5+2';
export const S_ROW = 's/m answered 7+3';

export interface RigOptions extends Pick<GatewayOptions, 'env' | 'nodeArgs'> {
  /** Providers beside `p` and `s`, which there always are. */
  readonly providers?: Readonly<Record<string, string>>;
  /** More of the file: routes beside `main` (P, then S), as lines of the table, and whole sections. */
  readonly routes?: readonly string[];
  readonly sections?: readonly string[];
  /** More names for P, each a provider of its own to the gateway: `x`, and `to-x` for a route from it to S. */
  readonly faces?: Readonly<Record<string, ProviderMore>>;
}

export interface ProviderMore {
  readonly dialect?: string;
  readonly key?: string;
  /** Fields of the row, in YAML. */
  readonly fields?: string;
  /** Models beside `m`, in YAML. */
  readonly models?: string;
}

/** What the books must say of one request. */
export interface Expected {
  /** Of the request: in its record and in the metrics. */
  readonly outcome: string;
  /** `p/m broke connect_refused`, `p/m refused 429`, `s/m answered`, `p/m left`: in order. */
  readonly attempts: readonly (string | RegExp)[];
  /** `s/m answered 7+3`: target, outcome, tokens in and out; ` estimated` where they are our own. `E` stands for the estimate of the input. */
  readonly rows: readonly (string | RegExp)[];
}

interface Debt extends Expected {
  /** Our own count of the input, from the record. */
  readonly estimate: number;
}

export interface Rig extends Door {
  readonly gateway: TestGateway;
  readonly keyId: string;
  readonly p: Simulator;
  readonly s: Simulator;
  /** The request record, as soon as there is one. */
  record(id: string): Promise<JsonRecord>;
  /** Compares the books on a request with what they must say, now, and once more with all others at the end. */
  books(id: string, expected: Expected): Promise<JsonRecord>;
  /** The records of requests that were sent with this tag (`x-turnout-tags`), as soon as there are so many: whoever leaves learns no id. */
  tagged(tag: string, count?: number): Promise<readonly JsonRecord[]>;
  /** Notes what must stand in the books at the end. `books` does so by itself. */
  owe(record: JsonRecord, expected: Expected): string;
  /** Value of a series of `/metrics`; 0 where it is not there. */
  metric(series: string): Promise<number>;
  get(path: string): Promise<Json | undefined>;
  /**
   * Ends everything; fails where any book disagrees, money is still held, the ledger does not verify, or the gateway did
   * not end well, or has logged another error than `expectedError`.
   */
  close(expectedError?: RegExp): Promise<void>;
}

/** A provider's line of the file, with a price that `books` can compute. */
export function providerRow(baseUrl: string, more: ProviderMore = {}): string {
  const { dialect = 'openai-chat', key = 'sk-upstream-0123456789', fields, models } = more;
  const priced = `m: {price: {input: 1, output: 2}}${models === undefined ? '' : `, ${models}`}`;
  return `{dialect: ${dialect}, base_url: "${baseUrl}", api_key: "${key}", models: {${priced}}${fields === undefined ? '' : `, ${fields}`}}`;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const p = await startSimulator({ script: [P_FINE] });
  const s = await startSimulator({ script: [S_FINE] });
  const faces = Object.entries(options.faces ?? {});
  const providers = {
    p: providerRow(`${p.url}/openai/v1`, { key: 'sk-upstream-p-0123456789' }),
    s: providerRow(`${s.url}/openai/v1`, { key: 'sk-upstream-s-0123456789' }),
    ...Object.fromEntries(
      faces.map(([name, more]) => [
        name,
        providerRow(`${p.url}${more.dialect === 'anthropic-messages' ? '/anthropic' : '/openai/v1'}`, more),
      ]),
    ),
    ...options.providers,
  };
  const toS = ['p', ...faces.map(([name]) => name)].map(
    (name) => `${name === 'p' ? 'main' : `to-${name}`}: {targets: [${name}/m, s/m]}`,
  );
  const routes = [...toS, ...(options.routes ?? [])].map((line) => `  ${line}`);
  const config = testConfig(providers, ['routes:', ...routes, ...(options.sections ?? [])].join('\n'));
  const gateway = await startGateway({
    config,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.nodeArgs === undefined ? {} : { nodeArgs: options.nodeArgs }),
  });
  return rigOf({ gateway, p, s });
}

export interface RigParts extends Pick<Rig, 'gateway' | 'p' | 's'> {
  /** The key of a rig before this one, on the same data: its requests are not in the metrics of this process. */
  readonly before?: Pick<Rig, 'key' | 'keyId'>;
}

/** A rig around a gateway that runs already. */
export async function rigOf({ gateway, p, s, before }: RigParts): Promise<Rig> {
  const { key, keyId } = before ?? (await makeKey(gateway));
  const debts = new Map<string, Debt>();
  const get = (path: string): Promise<Json | undefined> => getJson(gateway, path);

  async function record(id: string): Promise<JsonRecord> {
    const deadlineMs = performance.now() + RECORD_MAX_MS;
    for (;;) {
      const found = asRecord(await get(`/v1/decisions/${id}`));
      if (found?.['id'] === id) return found;
      if (performance.now() > deadlineMs) assert.fail(`there is no record of ${id}:\n${gateway.output()}`);
      await nextPoll();
    }
  }

  async function tagged(tag: string, count = 1): Promise<readonly JsonRecord[]> {
    const deadlineMs = performance.now() + RECORD_MAX_MS;
    for (;;) {
      const found = (await recentRecords(get)).filter((one) => asArray(one['tags'])?.includes(tag) === true);
      if (found.length >= count) return found;
      if (performance.now() > deadlineMs)
        assert.fail(`there are ${found.length} of ${count} records with the tag ${tag}`);
      await nextPoll();
    }
  }

  function owe(found: JsonRecord, expected: Expected): string {
    assertAttempts(found, expected.attempts);
    assert.equal(found['outcome'], expected.outcome, `the outcome of ${JSON.stringify(found)}`);
    const estimate = asNumber(asRecord(found['facts'])?.['input_tokens_estimate']) ?? -1;
    const id = asString(found['id']) ?? '';
    debts.set(id, { ...expected, estimate });
    return id;
  }

  async function books(id: string, expected: Expected): Promise<JsonRecord> {
    const found = await record(id);
    owe(found, expected);
    assertRows(await adminRows(get, keyId), new Map([...debts].filter(([one]) => one === id)));
    assert.equal(asRecord(await get(`/admin/v1/keys/${keyId}`))?.['held_usd'], '0', `money is still held after ${id}`);
    return found;
  }

  async function metric(series: string): Promise<number> {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }

  async function close(expectedError?: RegExp): Promise<void> {
    try {
      await finalBooks({ gateway, keyId, debts, get, ...(before === undefined ? { metric } : {}) });
    } finally {
      const code = await gateway.stop();
      await p.close();
      await s.close();
      assert.equal(code, 0, `the gateway did not end well:\n${gateway.output()}`);
    }
    assertQuiet(gateway, expectedError);
  }

  return { gateway, p, s, port: gateway.port, key, keyId, record, books, tagged, owe, metric, get, close };
}

/** The time between two looks at something that will be so in a moment. */
export function nextPoll(afterMs: number = POLL_MS): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, afterMs);
  });
}

/** Up to ten pages, newest first. */
async function recentRecords(get: Rig['get']): Promise<readonly JsonRecord[]> {
  const records: JsonRecord[] = [];
  let cursor = '';
  for (let page = 0; page < 10; page += 1) {
    const answer = asRecord(
      await get(`/admin/v1/requests?limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`),
    );
    records.push(...(asArray(answer?.['data']) ?? []).filter(isRecord));
    cursor = asString(answer?.['next']) ?? '';
    if (cursor === '') break;
  }
  return records;
}

/** Asks the same of every kind of caller, one after the other. */
export async function eachCaller(
  rig: Rig,
  asking: { readonly model: string; readonly retries?: number },
  check: (seen: Seen, caller: Caller) => Promise<void>,
): Promise<void> {
  for (const caller of CALLERS) {
    const before = await requestsSeen(rig);
    const seen = await caller.ask(rig, asking);
    assert.equal(
      (await requestsSeen(rig)) - before,
      1,
      `${caller.name} repeated by itself (${seen.status}, x-should-retry: ${seen.headers['x-should-retry'] ?? 'absent'})`,
    );
    assert.doesNotMatch(
      JSON.stringify(seen),
      /sk-upstream|127\.0\.0\.1|HPE_|ECONN|\.ts:\d/,
      `${caller.name} sees too much`,
    );
    await check(seen, caller);
  }
}

/** That a caller got the whole answer of `text`. */
export function assertAnswered(seen: Seen, caller: Caller, text: string): void {
  const shown = `${caller.name}: ${JSON.stringify(seen)}`;
  assert.equal(seen.error, undefined, shown);
  assert.equal(seen.status, 200, shown);
  assert.equal(seen.text, text, shown);
}

/** That a caller got an error as a status, in words for people, and was told not to repeat (or to). */
export function assertFailed(
  seen: Seen,
  caller: Caller,
  expected: {
    readonly status: number;
    readonly code: string | RegExp;
    readonly message?: RegExp;
    readonly shouldRetry?: boolean;
  },
): void {
  const shown = `${caller.name}: ${JSON.stringify(seen)}`;
  assert.equal(seen.status, expected.status, shown);
  if (typeof expected.code === 'string') assert.equal(seen.error?.code, expected.code, shown);
  else assert.match(seen.error?.code ?? '', expected.code, shown);
  assert.equal(seen.text, '', shown);
  assert.equal(seen.headers['x-should-retry'], String(expected.shouldRetry ?? false), shown);
  if (expected.message !== undefined) assert.match(seen.error?.message ?? '', expected.message, shown);
}

/** Requests that the gateway has ended, by its own count. */
async function requestsSeen(rig: Rig): Promise<number> {
  const text = await (await fetch(`${rig.gateway.url}/metrics`)).text();
  const values = [...text.matchAll(/^turnout_requests_total\{operation="chat",.*\} (\d+)$/gm)].map((match) =>
    Number(match[1]),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

async function makeKey(gateway: TestGateway): Promise<{ readonly key: string; readonly keyId: string }> {
  const reply = await fetch(`${gateway.url}/admin/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'chaos', budget_usd: BUDGET_USD }),
  });
  const made = asRecord(parseJson(await reply.text()));
  const key = asString(made?.['key']);
  const keyId = asString(made?.['id']);
  if (key === undefined || keyId === undefined) throw new Error(`no key was made: ${JSON.stringify(made)}`);
  return { key, keyId };
}

async function getJson(gateway: TestGateway, path: string): Promise<Json | undefined> {
  const reply = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  return parseJson(await reply.text());
}

function assertAttempts(record: JsonRecord, expected: Expected['attempts']): void {
  const lines = (asArray(record['attempts']) ?? []).filter(isRecord).map((attempt) => {
    const words = [
      attempt['target'],
      attempt['outcome'],
      attempt['outcome'] === 'refused' ? attempt['status'] : attempt['reason'],
    ];
    return words.filter((word) => word !== undefined).join(' ');
  });
  const isSame =
    lines.length === expected.length &&
    expected.every((one, index) => (typeof one === 'string' ? one === lines[index] : one.test(lines[index] ?? '')));
  if (!isSame)
    assert.fail(
      `the attempts were ${JSON.stringify(lines)}, not ${expected.map(String).join(', ')}: ${JSON.stringify(record)}`,
    );
}

interface BilledRow {
  readonly requestId: string;
  readonly line: string;
  readonly costNanoUsd: number;
}

async function adminRows(get: Rig['get'], keyId: string): Promise<readonly BilledRow[]> {
  return readRows(asRecord(await get(`/admin/v1/usage?key=${keyId}`))?.['rows']);
}

/** Every row must cost what its tokens cost, to the nano-dollar. */
function readRows(rows: Json | undefined): readonly BilledRow[] {
  return (asArray(rows) ?? []).filter(isRecord).map((row) => {
    const input = asNumber(row['input_tokens']) ?? 0;
    const output = asNumber(row['output_tokens']) ?? 0;
    const costNanoUsd = asNumber(row['cost_nano_usd']) ?? -1;
    assert.equal(costNanoUsd, input * INPUT_NANO_USD + output * OUTPUT_NANO_USD, `the cost of ${JSON.stringify(row)}`);
    const isEstimated = row['estimated'] === true;
    const line = `${String(row['target'])} ${String(row['outcome'])} ${input}+${output}${isEstimated ? ' estimated' : ''}`;
    return { requestId: String(row['request_id']), line, costNanoUsd };
  });
}

function assertRows(rows: readonly BilledRow[], debts: ReadonlyMap<string, Debt>): void {
  for (const [id, { estimate, rows: expected }] of debts) {
    const billed = rows.filter((row) => row.requestId === id).map((row) => row.line);
    const isPaid =
      billed.length === expected.length &&
      expected.every((one, index) => {
        const line = billed[index] ?? '';
        return typeof one === 'string' ? line === one.replace(' E+', ` ${estimate}+`) : one.test(line);
      });
    if (!isPaid)
      assert.fail(
        `${id} was billed ${JSON.stringify(billed)}, not ${expected.map(String).join(', ')} (E: ${estimate})`,
      );
  }
}

interface LastLook extends Pick<Rig, 'gateway' | 'get' | 'keyId'> {
  /** Absent: the requests were those of another process. */
  readonly metric?: Rig['metric'];
  readonly debts: ReadonlyMap<string, Debt>;
}

/** The end of a suite: the command line's view of the money, the metrics' view of the outcomes, the proof of the ledger. */
async function finalBooks({ gateway, keyId, debts, get, metric }: LastLook): Promise<void> {
  const env = { TURNOUT_DATA: `${gateway.dir}/data` };
  const usage = await runCli(['usage', '--json', '--rows'], { cwd: gateway.dir, env });
  assert.equal(usage.code, 0, usage.stderr);
  const rows = readRows(asRecord(parseJson(usage.stdout))?.['rows']);
  assertRows(rows, debts);
  const strangers = rows.filter((row) => !debts.has(row.requestId));
  assert.deepEqual(strangers, [], 'rows of requests that no test has looked at');
  const outcomes = metric === undefined ? [] : [...debts.values()].map((debt) => debt.outcome);
  for (const outcome of new Set(outcomes)) {
    const expected = [...debts.values()].filter((debt) => debt.outcome === outcome).length;
    assert.equal(
      await metric?.(`turnout_requests_total{operation="chat",outcome="${outcome}"}`),
      expected,
      `requests that ended ${outcome}, by the metrics`,
    );
  }
  const key = asRecord(await get(`/admin/v1/keys/${keyId}`));
  assert.equal(key?.['held_usd'], '0', 'money is still held');
  const spent = rows.reduce((sum, row) => sum + BigInt(row.costNanoUsd), 0n);
  assert.equal(nanoUsd(asString(key?.['spent_usd']) ?? ''), spent, 'the key has spent another sum than its rows');
  const proof = await runCli(['ledger', 'verify', '--json'], { cwd: gateway.dir, env });
  assert.equal(proof.code, 0, proof.stdout + proof.stderr);
  assert.equal(asRecord(parseJson(proof.stdout))?.['ok'], true, proof.stdout);
}

/** Nano-dollars of a decimal text of dollars. */
export function nanoUsd(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** How much the resident memory of a gateway grows from now on; `undefined` where the platform does not tell. */
export function memoryOf({ child }: TestGateway): { growth(): number | undefined } {
  const read = (field: string): number | undefined => {
    try {
      const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(
        readFileSync(`/proc/${child.pid}/status`, 'utf8'),
      )?.[1];
      return kib === undefined ? undefined : Number(kib) * 1024;
    } catch {
      return undefined;
    }
  };
  try {
    // Begins the peak anew (proc_pid_clear_refs(5)).
    writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
  } catch {
    // Then there is no peak to read either.
  }
  const before = read('VmRSS');
  return {
    growth() {
      const peak = read('VmHWM');
      return before === undefined || peak === undefined ? undefined : peak - before;
    },
  };
}

/** No bug of ours, no unhandled error, no warning of the runtime in what the gateway printed. */
export function assertQuiet(gateway: TestGateway, expectedError?: RegExp): void {
  const lines = gateway.output().split('\n');
  const odd = lines.filter((line) => ODD.test(line) && expectedError?.test(line) !== true);
  assert.deepEqual(odd, [], 'the log tells of a bug');
}
