/** A gateway in this process before a simulator, real sockets on both sides, with routes that hedge, hurry and go on; and a look into its books. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalog } from '../../src/cli/catalog-file.ts';
import { parseConfig } from '../../src/config/load.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asArray, asRecord, compact, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { compile } from '../../src/routing/compile.ts';
import type { Plan } from '../../src/routing/plan.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import type { KeyRow, Ledger } from '../../src/store/ports.ts';
import type { UsageRow } from '../../src/store/report-ports.ts';
import { openStore } from '../../src/store/store.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createUpstream } from '../../src/upstream/http-upstream.ts';
import { wire } from '../../src/wire.ts';
import { nextPoll } from '../chaos/rig.ts';
import { ROOT_KEY, testConfig } from '../harness.ts';

/** Nano-dollars a token: 1 and 2 USD a million. */
const PRICE = 'price: {input: 1, output: 2}';
const RECORD_MAX_MS = 3000;

export type Ways = Pick<Plan, 'hedge' | 'firstTokenMs' | 'continues'> & { readonly attemptsMax?: number };

export interface AttemptsRig {
  readonly url: string;
  readonly key: string;
  readonly keyId: string;
  readonly simulator: Simulator;
  readonly ledger: Ledger;
  post(path: string, body: JsonRecord, options?: PostOptions): Promise<Posted>;
  /** Makes another key. */
  newKey(
    budgetUsd: string,
    allowedModels?: readonly string[],
  ): Promise<{ readonly id: string; readonly token: string }>;
  record(id: string): Promise<JsonRecord>;
  /** `p/m left hedged`, `s/m answered`: target, outcome and reason of each attempt. */
  attempts(id: string): Promise<readonly string[]>;
  rows(requestId: string): Promise<readonly UsageRow[]>;
  metrics(): Promise<string>;
  held(keyId: string): Promise<bigint>;
  /** Ends everything; fails where the ledger does not verify, or money is still held. */
  close(): Promise<void>;
}

interface PostOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly id: string;
}

export interface AttemptsOptions {
  /** Of the route `main`. */
  readonly ways: Ways;
  /** Of the route `main`. Default: p/m, s/m. */
  readonly targets?: readonly string[];
  /** More routes, a line each. */
  readonly routes?: readonly string[];
  /** More sections of the file. */
  readonly sections?: readonly string[];
}

/** Providers `p`, `s`, `t` (OpenAI's chat), `a` (Anthropic), `g` (Gemini): their base URLs name them at the simulator. */
function providersAt(url: string): Readonly<Record<string, string>> {
  const row = (dialect: string, path: string, price = PRICE): string =>
    `{dialect: ${dialect}, base_url: "${url}${path}", api_key: "sk-upstream-0123456789", models: {m: {${price}}}}`;
  return {
    p: row('openai-chat', '/p/p/v1'),
    s: row('openai-chat', '/p/s/v1'),
    t: row('openai-chat', '/p/t/v1'),
    a: row('anthropic-messages', '/p/a'),
    g: row('gemini', '/p/g/v1beta'),
    claude: `{dialect: anthropic-messages, base_url: "${url}/p/claude", api_key: "sk-upstream-0123456789", models: {claude-sonnet-4-5: {${PRICE}}}}`,
    eu: `{dialect: openai-chat, base_url: "${url}/p/eu/v1", api_key: "sk-upstream-0123456789", region: eu-central-1, compliance: [hipaa], models: {m: {${PRICE}}}}`,
    unpriced: row('openai-chat', '/p/s/v1', ''),
  };
}

export async function startAttemptsRig({
  ways,
  targets = ['p/m', 's/m'],
  routes = [],
  sections = [],
}: AttemptsOptions): Promise<AttemptsRig> {
  const simulator = await startSimulator();
  const dir = mkdtempSync(join(tmpdir(), 'turnout-attempts-'));
  const text = testConfig(
    providersAt(simulator.url),
    [routeLine(targets, ways), ...routes.map((line) => `  ${line}`), ...sections].join('\n'),
  );
  const read = parseConfig(text, { file: 'turnout.yaml', env: {} });
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const { config } = read.value;
  const catalog = loadCatalog(dir, () => undefined);
  const { snapshot } = compile({ config, catalog, env: {}, dialects: gateDialects });
  const store = await openStore({ dataDir: dir, now: Date.now, warn: () => undefined, adminKey: ROOT_KEY });
  const upstream = createUpstream();
  const gateway = wire({
    store,
    upstream,
    env: {},
    dataDir: dir,
    log: createLog({ write: () => undefined, now: Date.now, level: 'error' }),
    snapshot: () => snapshot,
    config: () => config,
    configProblem: () => undefined,
    limits: config.server,
    version: 'test',
  });
  const { server } = gateway.listener;
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const keys: string[] = [];

  async function newKey(
    budgetUsd: string,
    allowedModels?: readonly string[],
  ): Promise<{ readonly id: string; readonly token: string }> {
    const budgetNanoUsd = BigInt(Math.round(Number(budgetUsd) * 1e9));
    const made = await store.keys.create(compact({ name: 'test', budgetNanoUsd, allowedModels }));
    assert.ok(made.ok);
    keys.push(made.value.row.id);
    return { id: made.value.row.id, token: made.value.token };
  }

  const { id: keyId, token: key } = await newKey('1000');
  const root: Pick<KeyRow, 'id' | 'isRoot'> = { id: 'root', isRoot: true };

  async function record(id: string): Promise<JsonRecord> {
    const deadlineMs = performance.now() + RECORD_MAX_MS;
    for (;;) {
      const found = await store.requests.get(id, root);
      if (found.ok && found.value !== undefined) return found.value;
      if (performance.now() > deadlineMs) assert.fail(`there is no record of ${id}`);
      await nextPoll();
    }
  }

  async function held(id: string): Promise<bigint> {
    const spend = await store.keys.spend(id);
    return spend.ok ? (spend.value?.heldNanoUsd ?? 0n) : -1n;
  }

  return {
    url,
    key,
    keyId,
    simulator,
    ledger: store.ledger,
    newKey,
    record,
    held,
    post: (path, body, options = {}) => post(`${url}${path}`, body, { token: key, ...options }),
    async attempts(id) {
      const found = asArray((await record(id))['attempts']) ?? [];
      return found
        .filter(isRecord)
        .map(({ target, outcome, reason }) => [target, outcome, reason].filter((word) => word !== undefined).join(' '));
    },
    async rows(requestId) {
      const report = await store.usage({});
      assert.ok(report.ok);
      return report.value.rows.filter((row) => row.request_id === requestId);
    },
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => {
        server.close(done);
      });
      await gateway.close();
      await upstream.close();
      await simulator.close();
      await store.ledger.flush();
      const openHolds = await Promise.all(keys.map(held));
      const proof = await store.verify();
      const { openAttempts } = store.ledger.health();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
      assert.deepEqual(proof.ok ? proof.value.problems : [proof.error.message], []);
      assert.equal(openAttempts, 0, 'an attempt was never settled');
      assert.ok(
        openHolds.every((nanoUsd) => nanoUsd === 0n),
        'money is still held',
      );
    },
  };
}

/** The route `main`, as the file says it. */
function routeLine(targets: readonly string[], { hedge, firstTokenMs, continues, attemptsMax }: Ways): string {
  const fallback = compact({ first_token_ms: firstTokenMs, attempts: attemptsMax });
  const route = compact({
    targets,
    hedge: hedge === undefined ? undefined : { after: hedge.afterMs, budget: hedge.budget },
    continue: continues,
    fallback: Object.keys(fallback).length === 0 ? undefined : fallback,
  });
  return `routes:\n  main: ${JSON.stringify(route)}`;
}

async function post(url: string, body: JsonRecord, { token, headers = {}, signal }: PostOptions): Promise<Posted> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, id: response.headers.get('x-request-id') ?? '' };
}

/** What `/v1/chat/completions` streamed: its text, and whether it ended well. */
export function textOf(streamed: string): string {
  return streamed
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => {
      const [choice] = asArray(asRecord(JSON.parse(event.slice(6)))?.['choices']) ?? [];
      const content = asRecord(asRecord(choice)?.['delta'])?.['content'];
      return typeof content === 'string' ? content : '';
    })
    .join('');
}
