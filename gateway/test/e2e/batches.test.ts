/** Official SDKs send files and batches to a real gateway; behind it the simulator, for which lines are requests like any others. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { asRecord, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** A batch that is to end ends within this time. */
const END_MAX_MS = 20_000;
const POLL_MS = 20;

let simulator: Simulator;
let gateway: TestGateway;
let openai: OpenAI;
let anthropic: Anthropic;

before(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({
    config: testConfig({
      house: `{dialect: openai-chat, base_url: "${simulator.url}/openai/v1", models: {m: {price: {input: 1, output: 2}}}}`,
      claude: `{dialect: anthropic-messages, base_url: "${simulator.url}/anthropic", api_key: k, models: {c: {price: {input: 1, output: 2}}}}`,
    }),
  });
  openai = new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: ROOT_KEY, baseURL: gateway.url, maxRetries: 0 });
});

after(async () => {
  await gateway.stop();
  await simulator.close();
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

async function until<T>(look: () => Promise<T>, isSo: (found: T) => boolean): Promise<T> {
  const untilMs = performance.now() + END_MAX_MS;
  for (;;) {
    const found = await look();
    if (isSo(found)) return found;
    if (performance.now() > untilMs)
      assert.fail(`it did not come so far: ${JSON.stringify(found)}\n${gateway.output()}`);
    await pause(POLL_MS);
  }
}

const ENDS = ['completed', 'failed', 'expired', 'cancelled'];

function ended(client: OpenAI, id: string): Promise<OpenAI.Batch> {
  return until(
    async () => client.batches.retrieve(id),
    ({ status }) => ENDS.includes(status),
  );
}

function chatLine(customId: string, model = 'house/m', more: JsonRecord = {}): JsonRecord {
  const body = { model, messages: [{ role: 'user', content: `say ${customId}` }], ...more };
  return { custom_id: customId, method: 'POST', url: '/v1/chat/completions', body };
}

function upload(client: OpenAI, lines: readonly (JsonRecord | string)[]): Promise<OpenAI.FileObject> {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return toFile(Buffer.from(text), 'input.jsonl').then((file) => client.files.create({ file, purpose: 'batch' }));
}

async function batchOf(client: OpenAI, lines: readonly (JsonRecord | string)[]): Promise<OpenAI.Batch> {
  const file = await upload(client, lines);
  return client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' });
}

async function rowsOf(client: OpenAI, fileId: string | undefined): Promise<readonly JsonRecord[]> {
  if (fileId === undefined || fileId === null) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => asRecord(parseJson(line)) ?? {});
}

describe('the OpenAI SDK', () => {
  it('sends a batch over two protocols and gets each answer under its id', async () => {
    const lines = Array.from({ length: 40 }, (_, index) =>
      chatLine(`r-${index}`, index % 2 === 0 ? 'house/m' : 'claude/c'),
    );
    const made = await batchOf(openai, lines);
    assert.equal(made.object, 'batch');
    assert.equal(made.status, 'validating');
    const done = await ended(openai, made.id);
    assert.equal(done.status, 'completed', JSON.stringify(done));
    assert.deepEqual(done.request_counts, { total: 40, completed: 40, failed: 0 });
    const rows = await rowsOf(openai, done.output_file_id);
    assert.deepEqual(
      rows.map((row) => row['custom_id']),
      lines.map((line) => line['custom_id']),
    );
    for (const row of rows) {
      const response = asRecord(row['response']);
      assert.equal(response?.['status_code'], 200);
      assert.equal(asRecord(response?.['body'])?.['object'], 'chat.completion');
      assert.equal(row['error'], null);
    }
  });
});

describe('the Anthropic SDK', () => {
  it('sends a batch and reads its results', async () => {
    const made = await anthropic.messages.batches.create({
      requests: ['claude/c', 'house/m', 'nobody/x'].map((model, index) => ({
        custom_id: `r${index}`,
        params: { model, max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] },
      })),
    });
    assert.equal(made.type, 'message_batch');
    const done = await until(
      async () => anthropic.messages.batches.retrieve(made.id),
      (one) => one.processing_status === 'ended',
    );
    assert.deepEqual(done.request_counts, { processing: 0, succeeded: 2, errored: 1, canceled: 0, expired: 0 });
    const results = await anthropic.messages.batches.results(made.id);
    const rows: Anthropic.Messages.MessageBatchIndividualResponse[] = [];
    for await (const row of results) rows.push(row);
    assert.deepEqual(
      rows.map((row) => [row.custom_id, row.result.type]),
      [
        ['r0', 'succeeded'],
        ['r1', 'succeeded'],
        ['r2', 'errored'],
      ],
    );
    const last = rows[2]?.result;
    assert.ok(last?.type === 'errored' && last.error.type === 'error' && last.error.error.type === 'not_found_error');
    assert.ok(isRecord(rows[0]?.result));
  });
});
