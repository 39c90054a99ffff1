/**
 * `node bench/hedging.ts`: what hedging takes from the slowest requests, and what it costs, through real sockets: one answer in
 * twenty of each target begins a second late. Prints a table; the one in docs/decisions/2026-11-27-attempts.md was made by it.
 */
import { dice } from '../gateway/src/lib/dice.ts';
import { ROOT_KEY, startGateway, testConfig } from '../gateway/test/harness.ts';
import { asArray, asNumber, asRecord, isRecord, parseJson } from '../gateway/src/lib/json.ts';
import { startSimulator } from '../gateway/src/simulator/simulator.ts';
import type { Step } from '../gateway/src/simulator/step.ts';

const REQUESTS = 1500;
const CONCURRENCY = 10;
const SLOW_SHARE = 0.05;
const USUAL_MS = 30;
const SLOW_MS = 1000;
const AFTER_MS = 120;
/** Some 500 tokens. */
const PROMPT = 'lorem ipsum '.repeat(160);

interface Outcome {
  /** To the first content, in ms. */
  readonly ttftMs: readonly number[];
  /** Of the attempts that nobody wanted, beside all others. */
  readonly extraSpend: number;
  readonly hedges: number;
}

function says(provider: string, delayMs: number, contains?: string): Step {
  return {
    match: { provider, ...(contains === undefined ? {} : { contains }) },
    times: 'forever',
    delay_ms: delayMs,
    reply: { text: 'this is an answer of some words', usage: { input_tokens: 500, output_tokens: 200 } },
  };
}

async function measured(hedge: string, isStreaming: boolean): Promise<Outcome> {
  const simulator = await startSimulator({
    script: [
      says('p', SLOW_MS, 'slow at p'),
      says('s', SLOW_MS, 'slow at s'),
      says('p', USUAL_MS),
      says('s', USUAL_MS),
    ],
  });
  const row = (id: string): string =>
    `{dialect: openai-chat, base_url: "${simulator.url}/p/${id}/v1", api_key: k, models: {m: {price: {input: 1, output: 2}}}}`;
  const routes = `routes: {main: {targets: [p/m, s/m]${hedge === '' ? '' : `, hedge: ${hedge}`}}}`;
  const gateway = await startGateway({ config: testConfig({ p: row('p'), s: row('s') }, routes) });
  const throws = dice(7);
  const ttftMs: number[] = [];
  let left = REQUESTS;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const marks = ['p', 's'].filter(() => throws() < SLOW_SHARE).map((id) => `slow at ${id}`);
      ttftMs.push(await ask(gateway.url, `${PROMPT} ${marks.join(' ')}`, isStreaming));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const spend = await spendOf(gateway.url);
  await gateway.stop();
  await simulator.close();
  return { ttftMs: ttftMs.toSorted((a, b) => a - b), ...spend };
}

async function ask(url: string, content: string, stream: boolean): Promise<number> {
  const startedMs = performance.now();
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'main', stream, max_tokens: 300, messages: [{ role: 'user', content }] }),
  });
  let firstMs: number | undefined;
  for await (const chunk of reply.body ?? []) {
    if (firstMs === undefined && Buffer.from(chunk).length > 0) firstMs = performance.now() - startedMs;
  }
  if (reply.status !== 200 || firstMs === undefined) throw new Error(`a request ended with ${reply.status}`);
  return firstMs;
}

async function spendOf(url: string): Promise<Pick<Outcome, 'extraSpend' | 'hedges'>> {
  const reply = await fetch(`${url}/admin/v1/usage`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  const rows = (asArray(asRecord(parseJson(await reply.text()))?.['rows']) ?? []).filter(isRecord);
  const cost = (outcome: string): number =>
    rows
      .filter((row) => row['outcome'] === outcome)
      .reduce((sum, row) => sum + (asNumber(row['cost_nano_usd']) ?? 0), 0);
  const hedges = rows.filter((row) => row['outcome'] === 'left').length;
  return { extraSpend: cost('left') / cost('answered'), hedges };
}

function quantile(sorted: readonly number[], at: number): string {
  return (sorted[Math.floor(sorted.length * at)] ?? Number.NaN).toFixed(0);
}

const CASES: readonly (readonly [name: string, hedge: string])[] = [
  ['no hedge', ''],
  ['2% of requests and spend', `{after: ${AFTER_MS}, budget: 0.02}`],
  ['5%', `{after: ${AFTER_MS}, budget: 0.05}`],
  ['10%', `{after: ${AFTER_MS}, budget: 0.1}`],
];

process.stdout.write(
  '| answers | hedges | p50 ms | p95 ms | p99 ms | p99.9 ms | hedged | extra spend |\n|---|---|---|---|---|---|---|---|\n',
);
for (const isStreaming of [true, false]) {
  for (const [name, hedge] of CASES) {
    const { ttftMs, extraSpend, hedges } = await measured(hedge, isStreaming);
    const cells = [
      isStreaming ? 'streamed' : 'whole',
      name,
      ...[0.5, 0.95, 0.99, 0.999].map((at) => quantile(ttftMs, at)),
    ];
    const share = `${((hedges / REQUESTS) * 100).toFixed(1)}%`;
    process.stdout.write(`| ${[...cells, share, `${(extraSpend * 100).toFixed(1)}%`].join(' | ')} |\n`);
  }
}
