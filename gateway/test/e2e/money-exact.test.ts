/**
 * What is booked, against a computation of its own: from what reached the simulator, what it said was used, and the prices
 * as they stand in the file, in exact fractions. Nothing of the code that bills is used here.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { asArray, asCount, asRecord, asString, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type TestGateway } from '../harness.ts';

const CASES = 240;
const BATCH_LINES = 8;
const END_MAX_MS = 20_000;

/** Exact: `n / d`. */
interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

const fraction = (decimal: string): Fraction => {
  const [whole = '0', digits = ''] = decimal.split('.');
  return { n: BigInt(whole + digits), d: 10n ** BigInt(digits.length) };
};
const ZERO: Fraction = { n: 0n, d: 1n };
const plus = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d });
const times = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.n, d: a.d * b.d });
const whole = (n: number | bigint): Fraction => ({ n: BigInt(n), d: 1n });
const halfUp = ({ n, d }: Fraction): bigint => (2n * n + d) / (2n * d);
const NANO = whole(1_000_000_000n);
const PER_MILLION: Fraction = { n: 1n, d: 1_000_000n };

type Prices = Readonly<Record<string, string>>;
interface Model {
  readonly prices: Prices;
  readonly tiers?: readonly { readonly above: number; readonly prices: Prices }[];
  readonly plan: { readonly basisPoints: number; readonly fixedUsd: string };
}

const NONE = { basisPoints: 0, fixedUsd: '0' };
/** By `provider/model`. */
const MODELS: Readonly<Record<string, Model>> = {
  'p/plain': { prices: { input: '0.15', output: '0.6' }, plan: NONE },
  'p/full': {
    prices: {
      input: '1.234567',
      output: '4.567891',
      cache_read: '0.123457',
      reasoning: '7.7',
      input_audio: '40.000003',
      output_audio: '80.1',
      request: '0.000000123',
    },
    plan: { basisPoints: 1234, fixedUsd: '0' },
  },
  'p/tiers': {
    prices: { input: '1.25', output: '10', cache_read: '0.31' },
    tiers: [
      { above: 1000, prices: { input: '2.5', output: '15.3' } },
      { above: 5000, prices: { input: '3.333333' } },
    ],
    plan: { basisPoints: -333, fixedUsd: '0.000000007' },
  },
  'p/draw': { prices: { image: '0.040000001' }, plan: { basisPoints: 777, fixedUsd: '0' } },
  'p/embed': { prices: { input: '0.020001' }, plan: { basisPoints: -10_000, fixedUsd: '0.000001' } },
  'a/claude': {
    prices: { input: '3.000001', output: '15', cache_read: '0.3', cache_write: '3.75', cache_write_1h: '6.000007' },
    plan: { basisPoints: 2500, fixedUsd: '0.0001' },
  },
  'g/gemini': {
    prices: { input: '0.3', output: '2.5', cache_read: '0.075', reasoning: '3.1', input_audio: '1.000003' },
    plan: { basisPoints: 1, fixedUsd: '0' },
  },
  'openai/gpt-x': { prices: { input: '1.000002', output: '2.000004' }, plan: { basisPoints: 5000, fixedUsd: '0' } },
};

/** What was used, each token in one class. */
type Used = Readonly<Record<string, number>>;

/** Exact cost in nano-dollars. `part`: of the price of tokens (batches). */
function costOf({ prices, tiers = [] }: Model, used: Used, part: Fraction = whole(1)): bigint {
  const inputs = ['input', 'cache_read', 'cache_write', 'cache_write_1h', 'input_audio'];
  const context = inputs.reduce((sum, name) => sum + (used[name] ?? 0), 0);
  const tier = tiers.findLast(({ above }) => context > above);
  const at: Prices = { ...prices, ...tier?.prices };
  const instead: Prices = {
    reasoning: 'output',
    cache_write_1h: 'cache_write',
    cache_write: 'input',
    cache_read: 'input',
  };
  const priceOf = (name: string): string => at[name] ?? at[instead[name] ?? ''] ?? assert.fail(`no price of ${name}`);
  let tokens = ZERO;
  let pieces = ZERO;
  for (const [name, count] of Object.entries(used)) {
    const amount = times(times(fraction(count === 0 ? '0' : priceOf(name)), whole(count)), NANO);
    if (name === 'image') pieces = plus(pieces, amount);
    else tokens = plus(tokens, times(times(amount, PER_MILLION), part));
  }
  const request = times(fraction(prices['request'] ?? '0'), NANO);
  return halfUp(plus(plus(tokens, pieces), request));
}

function chargeOf({ plan }: Model, cost: bigint): bigint {
  const part: Fraction = { n: BigInt(10_000 + plan.basisPoints), d: 10_000n };
  return halfUp(times(whole(cost), part)) + halfUp(times(fraction(plan.fixedUsd), NANO));
}

/** Numbers that look random and are the same each time. */
function* dice(): Generator<number, never> {
  let state = 20_261_127;
  for (;;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    yield state / 0x80000000;
  }
}
const random = dice();
const upTo = (max: number): number => Math.floor(random.next().value * (max + 1));

interface Case {
  readonly name: string;
  readonly model: string;
  readonly path: string;
  readonly body: JsonRecord;
  /** What the provider answers, in its own words. */
  readonly reply: Pick<Step, 'json' | 'reply'>;
  /** The same in our classes, by the provider's own documentation. */
  readonly used: Used;
}

const chat = (model: string, name: string, isStreaming = false): JsonRecord => ({
  model,
  max_tokens: 100_000,
  messages: [{ role: 'user', content: `${name}. say something` }],
  ...(isStreaming ? { stream: true } : {}),
});

/** OpenAI: cached and audio tokens are part of the prompt, reasoning and audio of the completion. */
function openaiCase(name: string, model: string): Case {
  const [input, cached, inputAudio] = [upTo(3000), upTo(3000), model === 'p/full' ? upTo(500) : 0];
  const [output, reasoning, outputAudio] = [upTo(2000), upTo(700), model === 'p/full' ? upTo(300) : 0];
  const usage = {
    prompt_tokens: input + cached + inputAudio,
    completion_tokens: output + reasoning + outputAudio,
    total_tokens: input + cached + inputAudio + output + reasoning + outputAudio,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: inputAudio },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: outputAudio },
  };
  const message = { role: 'assistant', content: 'ok' };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  const json = { id: 'c', object: 'chat.completion', created: 1, model, choices, usage };
  const used = { input, cache_read: cached, input_audio: inputAudio, output, reasoning, output_audio: outputAudio };
  return { name, model, path: '/v1/chat/completions', body: chat(model, name), reply: { json }, used };
}

function streamCase(name: string, model: string): Case {
  const [input, cached, output, reasoning] = [upTo(9000), upTo(100), upTo(2000), upTo(700)];
  const usage = {
    input_tokens: input + cached,
    cached_input_tokens: cached,
    output_tokens: output + reasoning,
    reasoning_tokens: reasoning,
  };
  const used = { input, cache_read: cached, output, reasoning };
  const reply = { reply: { text: 'streamed', finish: 'stop', usage } } as const;
  return { name, model, path: '/v1/chat/completions', body: chat(model, name, true), reply, used };
}

/** Anthropic: `input_tokens` are those that were neither read from a cache nor written to one. */
function anthropicCase(name: string): Case {
  const model = 'a/claude';
  const [input, read, write, hour, output] = [upTo(900), upTo(5000), upTo(700), upTo(600), upTo(900)];
  const usage = {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: write + hour,
    cache_creation: { ephemeral_5m_input_tokens: write, ephemeral_1h_input_tokens: hour },
    output_tokens: output,
  };
  const content = [{ type: 'text', text: 'ok' }];
  const json = { id: 'm', type: 'message', role: 'assistant', model, content, stop_reason: 'end_turn', usage };
  const used = { input, cache_read: read, cache_write: write, cache_write_1h: hour, output };
  return { name, model, path: '/v1/messages', body: chat(model, name), reply: { json }, used };
}

/** Gemini: thoughts stand beside the candidates, cached and audio tokens are part of the prompt. */
function geminiCase(name: string): Case {
  const model = 'g/gemini';
  const [input, cached, audio, output, thoughts] = [upTo(3000), upTo(900), upTo(400), upTo(900), upTo(900)];
  const usageMetadata = {
    promptTokenCount: input + cached + audio,
    cachedContentTokenCount: cached,
    candidatesTokenCount: output,
    thoughtsTokenCount: thoughts,
    totalTokenCount: input + cached + audio + output + thoughts,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: input + cached },
      { modality: 'AUDIO', tokenCount: audio },
    ],
  };
  const content = { role: 'model', parts: [{ text: 'ok' }] };
  const json = { candidates: [{ content, finishReason: 'STOP', index: 0 }], usageMetadata, modelVersion: 'gemini' };
  const used = { input, cache_read: cached, input_audio: audio, output, reasoning: thoughts };
  return { name, model, path: '/v1/chat/completions', body: chat(model, name), reply: { json }, used };
}

function imageCase(name: string): Case {
  const count = 1 + upTo(3);
  const json = { created: 1, data: Array.from({ length: count }, () => ({ b64_json: 'aGk=' })) };
  const body = { model: 'p/draw', prompt: `${name}. a cat`, n: count };
  return { name, model: 'p/draw', path: '/v1/images/generations', body, reply: { json }, used: { image: count } };
}

function embedCase(name: string): Case {
  const input = upTo(2000);
  const data = [{ object: 'embedding', index: 0, embedding: [0.5] }];
  const json = { object: 'list', data, model: 'embed', usage: { prompt_tokens: input, total_tokens: input } };
  const body = { model: 'p/embed', input: `${name}. text` };
  return { name, model: 'p/embed', path: '/v1/embeddings', body, reply: { json }, used: { input } };
}

const KINDS: readonly ((name: string) => Case)[] = [
  (name) => openaiCase(name, 'p/plain'),
  (name) => openaiCase(name, 'p/full'),
  (name) => openaiCase(name, 'p/tiers'),
  (name) => streamCase(name, 'p/tiers'),
  (name) => streamCase(name, 'p/full'),
  anthropicCase,
  geminiCase,
  imageCase,
  embedCase,
];
const cases = Array.from({ length: CASES }, (_, n) => {
  const made = KINDS[n % KINDS.length]?.(`case-${n}`);
  assert.ok(made !== undefined);
  return made;
});

function configOf(at: Simulator): string {
  const key = 'api_key: sk-upstream-0123456789';
  const models = (provider: string): string =>
    Object.entries(MODELS)
      .filter(([name]) => name.startsWith(`${provider}/`))
      .map(([name, { prices, tiers = [] }]) => {
        const rates = Object.entries(prices).map(([field, usd]) => `${field}: ${usd}`);
        const steps = tiers.map(
          (tier) =>
            `{above_context_tokens: ${tier.above}, ${Object.entries(tier.prices)
              .map(([field, usd]) => `${field}: ${usd}`)
              .join(', ')}}`,
        );
        const all = steps.length === 0 ? rates : [...rates, `tiers: [${steps.join(', ')}]`];
        return `${name.slice(provider.length + 1)}: {price: {${all.join(', ')}}}`;
      })
      .join(', ');
  const rules = Object.entries(MODELS).map(
    ([name, { plan }]) => `{models: ${name}, basis_points: ${plan.basisPoints}, fixed_usd: ${plan.fixedUsd}}`,
  );
  return testConfig(
    {
      p: `{dialect: openai-chat, base_url: "${at.url}/openai/v1", ${key}, models: {${models('p')}}}`,
      a: `{dialect: anthropic-messages, base_url: "${at.url}/anthropic", ${key}, models: {${models('a')}}}`,
      g: `{dialect: gemini, base_url: "${at.url}/gemini/v1beta", ${key}, models: {${models('g')}}}`,
      openai: `{base_url: "${at.url}/openai/v1", ${key}, models: {${models('openai')}}}`,
    },
    `billing: {plan: [${rules.join(', ')}]}`,
  );
}

let simulator: Simulator;
let gateway: TestGateway;

before(async () => {
  simulator = await startSimulator({
    script: cases.map(({ name, reply }): Step => ({ match: { contains: `${name}.` }, ...reply })),
  });
  gateway = await startGateway({ config: configOf(simulator) });
});
after(async () => {
  await gateway.stop();
  await simulator.close();
});

const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };

interface Receipt {
  readonly request: string;
  readonly model: string;
  readonly cost: bigint;
  readonly charge: bigint;
}

function receipts(): readonly Receipt[] {
  const database = new DatabaseSync(join(gateway.dir, 'data', 'turnout.db'), { readOnly: true, readBigInts: true });
  const rows = database
    .prepare('select request_id, provider, model, cost_nano_usd, charge_nano_usd from receipts')
    .all();
  database.close();
  return rows.map((row) => {
    const { request_id: request, provider, model, cost_nano_usd: cost, charge_nano_usd: charge } = row;
    assert.ok(typeof request === 'string' && typeof cost === 'bigint', 'every attempt has a cost');
    return {
      request,
      model: `${String(provider)}/${String(model)}`,
      cost,
      charge: typeof charge === 'bigint' ? charge : cost,
    };
  });
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const untilMs = performance.now() + END_MAX_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > untilMs) assert.fail('it did not come so far');
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

function caseOf({ bodyText = '' }: LoggedRequest): Case | undefined {
  const name = /case-\d+(?=\.)/.exec(bodyText)?.[0];
  return cases.find((one) => one.name === name);
}

/** Sends the lines as OpenAI's batch, and gives what the provider's own batch says of each line. */
async function batch(): Promise<readonly Used[]> {
  const lines = Array.from({ length: BATCH_LINES }, (_, n) => ({
    custom_id: `line ${n}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: chat('openai/gpt-x', `batch line ${n}`),
  }));
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob([lines.map((line) => JSON.stringify(line)).join('\n')]), 'lines.jsonl');
  const authorization = headers.authorization;
  const ask = async (path: string, body?: Json): Promise<JsonRecord> => {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${gateway.url}${path}`, { headers, ...sent });
    return asRecord(parseJson(await response.text())) ?? {};
  };
  const upload = await fetch(`${gateway.url}/v1/files`, { method: 'POST', headers: { authorization }, body: form });
  const file = asRecord(parseJson(await upload.text()));
  const made = await ask('/v1/batches', {
    input_file_id: asString(file?.['id']) ?? '',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  const output = await until(async () => {
    const now = await ask(`/v1/batches/${asString(made['id'])}`);
    return now['status'] === 'completed' ? asString(now['output_file_id']) : undefined;
  });
  const text = await (await fetch(`${gateway.url}/v1/files/${output}/content`, { headers })).text();
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const usage = asRecord(asRecord(asRecord(asRecord(parseJson(line))?.['response'])?.['body'])?.['usage']);
      return { input: asCount(usage?.['prompt_tokens']) ?? NaN, output: asCount(usage?.['completion_tokens']) ?? NaN };
    });
}

describe('what is booked', () => {
  it('is exact to the nano-dollar for every kind of price, with every markup', async () => {
    const requestOf = new Map<string, string>();
    for (const { name, path, body } of cases) {
      const response = await fetch(`${gateway.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await response.text();
      assert.equal(response.status, 200, `${name}: ${text}`);
      requestOf.set(name, response.headers.get('x-request-id') ?? '');
    }
    const byRequest = await until(async () => {
      const found = receipts();
      return found.length < CASES ? undefined : new Map(found.map((one) => [one.request, one]));
    });
    const asked = simulator.log.requests.flatMap((request) => caseOf(request) ?? []);
    assert.equal(asked.length, CASES, 'each was sent once');
    for (const { name, model, used } of asked) {
      const of = MODELS[model];
      assert.ok(of !== undefined);
      const cost = costOf(of, used);
      const booked = byRequest.get(requestOf.get(name) ?? '');
      const shown = `${name} ${model} ${JSON.stringify(used)}`;
      assert.deepEqual([booked?.model, booked?.cost, booked?.charge], [model, cost, chargeOf(of, cost)], shown);
    }
  });

  it('is half the price in a batch of a provider', async () => {
    const model = MODELS['openai/gpt-x'];
    assert.ok(model !== undefined);
    const used = await batch();
    assert.equal(used.length, BATCH_LINES);
    const booked = await until(async () => {
      const found = receipts().filter((one) => one.model === 'openai/gpt-x');
      return found.length < BATCH_LINES ? undefined : found;
    });
    const costs = used.map((one) => costOf(model, one, { n: 1n, d: 2n }));
    const order = (a: bigint, b: bigint): number => Number(a - b);
    assert.deepEqual(booked.map((one) => one.cost).toSorted(order), costs.toSorted(order));
    assert.deepEqual(
      booked.map((one) => one.charge).toSorted(order),
      costs.map((cost) => chargeOf(model, cost)).toSorted(order),
    );
  });

  it('is what the invoice of the month says, and what the ledger has', async () => {
    const booked = receipts();
    const data = join(gateway.dir, 'data');
    const month = new Date().toISOString().slice(0, 7);
    const { stdout } = await runCli(['invoices', '--month', month, '--json', '--data', data], { cwd: gateway.dir });
    const [invoice] = asArray(asRecord(parseJson(stdout))?.['invoices']) ?? [];
    const lines = asArray(asRecord(invoice)?.['lines']) ?? [];
    const nano = (usd: Json | undefined): bigint => halfUp(times(fraction(asString(usd) ?? ''), NANO));
    const sums = new Map<string, readonly [bigint, bigint]>();
    for (const { model, cost, charge } of booked) {
      const [costs, charges] = sums.get(model) ?? [0n, 0n];
      sums.set(model, [costs + cost, charges + charge]);
    }
    const told = lines.map((line) => {
      const row = asRecord(line);
      return [
        `${asString(row?.['provider'])}/${asString(row?.['model'])}`,
        [nano(row?.['cost_usd']), nano(row?.['charge_usd'])],
      ] as const;
    });
    assert.deepEqual(Object.fromEntries(told), Object.fromEntries(sums));
    const verified = await runCli(['ledger', 'verify', '--data', data], { cwd: gateway.dir });
    assert.equal(verified.code, 0, verified.stdout);
  });
});
