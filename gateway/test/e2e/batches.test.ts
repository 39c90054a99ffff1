/** Official SDKs send files and batches to a real gateway; behind it the simulator, for which lines are requests like any others. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { asArray, asRecord, asString, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { memoryOf } from '../chaos/rig.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type GatewayOptions, type TestGateway } from '../harness.ts';

/** A batch that is to end ends within this time. */
const END_MAX_MS = 20_000;
const POLL_MS = 20;

let simulator: Simulator;
let gateway: TestGateway;
let openai: OpenAI;
let anthropic: Anthropic;

const PRICED = 'price: {input: 1, output: 2}';

function configOf(at: Simulator, more = ''): string {
  const key = 'api_key: sk-upstream-0123456789';
  return testConfig(
    {
      house: `{dialect: openai-chat, base_url: "${at.url}/openai/v1", models: {m: {${PRICED}}, m2: {${PRICED}}}}`,
      claude: `{dialect: anthropic-messages, base_url: "${at.url}/p/claude", ${key}, models: {c: {${PRICED}}}}`,
      openai: `{base_url: "${at.url}/openai/v1", ${key}, models: {gpt-x: {${PRICED}}}}`,
      anthropic: `{base_url: "${at.url}/anthropic", ${key}, models: {claude-x: {${PRICED}}}}`,
    },
    more,
  );
}

before(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({ config: configOf(simulator, 'batches: {file_max_mb: 1, key_max_mb: 3}') });
  openai = openaiAt(gateway);
  anthropic = anthropicAt(gateway);
});

/** A gateway that a failing test does not leave behind. */
async function start(options: GatewayOptions): Promise<TestGateway> {
  const one = await startGateway(options);
  started.push(one);
  return one;
}

const started: TestGateway[] = [];

after(async () => {
  for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
  await gateway.stop();
  await simulator.close();
});

function openaiAt({ url }: TestGateway, apiKey = ROOT_KEY): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
}

function anthropicAt({ url }: TestGateway, apiKey = ROOT_KEY): Anthropic {
  return new Anthropic({ apiKey, baseURL: url, maxRetries: 0 });
}

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
    if (performance.now() > untilMs) assert.fail(`it did not come so far: ${JSON.stringify(found)}`);
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

function endedMessages(client: Anthropic, id: string): Promise<Anthropic.Messages.MessageBatch> {
  return until(
    async () => client.messages.batches.retrieve(id),
    (one) => one.processing_status === 'ended',
  );
}

function chatLine(customId: string, model = 'house/m', more: JsonRecord = {}): JsonRecord {
  const body = { model, messages: [{ role: 'user', content: `say ${customId}` }], max_tokens: 30, ...more };
  return { custom_id: customId, method: 'POST', url: '/v1/chat/completions', body };
}

function chatLines(count: number, model?: string): readonly JsonRecord[] {
  return Array.from({ length: count }, (_, index) => chatLine(`r-${index}`, model));
}

type Text = readonly (JsonRecord | string)[];

function textOf(lines: Text): Buffer {
  return Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
}

async function upload(client: OpenAI, lines: Text): Promise<OpenAI.FileObject> {
  return client.files.create({ file: await toFile(textOf(lines), 'input.jsonl'), purpose: 'batch' });
}

async function batchOf(client: OpenAI, lines: Text): Promise<OpenAI.Batch> {
  const file = await upload(client, lines);
  return client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' });
}

async function rowsOf(client: OpenAI, fileId: string | null | undefined): Promise<readonly JsonRecord[]> {
  if (fileId === undefined || fileId === null) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => asRecord(parseJson(line)) ?? {});
}

function messagesOf(models: readonly string[]): Anthropic.Messages.BatchCreateParams {
  return {
    requests: models.map((model, index) => ({
      custom_id: `r${index}`,
      params: { model, max_tokens: 30, messages: [{ role: 'user', content: 'hi' }] },
    })),
  };
}

async function get(at: TestGateway, path: string): Promise<Json | undefined> {
  const reply = await fetch(`${at.url}${path}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  return parseJson(await reply.text());
}

async function newKey(at: TestGateway, body: JsonRecord = {}): Promise<{ readonly id: string; readonly key: string }> {
  const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };
  const reply = await fetch(`${at.url}/admin/v1/keys`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ name: 'k', ...body }),
  });
  const made = asRecord(parseJson(await reply.text()));
  return { id: asString(made?.['id']) ?? '', key: asString(made?.['key']) ?? '' };
}

async function usageOf(at: TestGateway, keyId: string): Promise<readonly JsonRecord[]> {
  return (asArray(asRecord(await get(at, `/admin/v1/usage?key=${keyId}`))?.['rows']) ?? []).filter(isRecord);
}

/** A gateway and a simulator of their own, for what changes them. */
async function withOwn(
  options: { readonly more?: string; readonly script?: Parameters<Simulator['script']>[0] } & GatewayOptions,
  run: (own: { readonly gateway: TestGateway; readonly simulator: Simulator }) => Promise<void>,
): Promise<void> {
  const ownSimulator = await startSimulator({ script: options.script ?? [] });
  const { more, script: _, ...rest } = options;
  const own = await start({ config: configOf(ownSimulator, more), ...rest });
  try {
    await run({ gateway: own, simulator: ownSimulator });
  } finally {
    await own.stop();
    await ownSimulator.close();
  }
}

describe('the OpenAI SDK', () => {
  it('sends a batch over two protocols and gets each answer under its id', async () => {
    const lines = Array.from({ length: 40 }, (_, index) =>
      chatLine(`r-${index}`, index % 2 === 0 ? 'house/m' : 'claude/c'),
    );
    const file = await upload(openai, lines);
    const made = await openai.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { of: 'test' },
    });
    assert.equal(made.object, 'batch');
    assert.equal(made.status, 'validating');
    assert.deepEqual(made.metadata, { of: 'test' });
    assert.equal(made.output_file_id, null);
    const done = await ended(openai, made.id);
    assert.equal(done.status, 'completed', JSON.stringify(done));
    assert.deepEqual(done.request_counts, { total: 40, completed: 40, failed: 0 });
    assert.ok((done.completed_at ?? 0) >= (done.in_progress_at ?? Infinity));
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
    const [first] = rows;
    const record = asRecord(
      await get(gateway, `/v1/decisions/${String(asRecord(first?.['response'])?.['request_id'])}`),
    );
    assert.deepEqual(record?.['tags'], [made.id]);
    assert.deepEqual(record?.['plan'], ['house/m']);
  });

  it('sends batches of other operations', async () => {
    for (const [url, body] of [
      ['/v1/completions', { model: 'house/m', prompt: 'Once upon a time' }],
      ['/v1/embeddings', { model: 'house/m', input: ['a', 'b'] }],
      ['/v1/responses', { model: 'house/m', input: 'hi' }],
      ['/v1/moderations', { model: 'house/m', input: 'hi' }],
    ] as const) {
      const file = await upload(openai, [{ custom_id: 'a', method: 'POST', url, body }]);
      const made = await openai.batches.create({ input_file_id: file.id, endpoint: url, completion_window: '24h' });
      const done = await ended(openai, made.id);
      assert.deepEqual(done.request_counts, { total: 1, completed: 1, failed: 0 }, `${url} ${JSON.stringify(done)}`);
    }
  });

  it('finds what failed in the error file, and the rest in the output file', async () => {
    const streamed = chatLine('streamed', 'house/m', { stream: true });
    const lines = [
      chatLine('good'),
      chatLine('no-model', 'nobody/x'),
      chatLine('bad', 'house/m', { messages: [] }),
      streamed,
    ];
    const done = await ended(openai, (await batchOf(openai, lines)).id);
    assert.equal(done.status, 'completed');
    assert.deepEqual(done.request_counts, { total: 4, completed: 1, failed: 3 });
    assert.deepEqual(
      (await rowsOf(openai, done.output_file_id)).map((row) => row['custom_id']),
      ['good'],
    );
    const errors = await rowsOf(openai, done.error_file_id);
    const told = errors.map((row) => {
      const response = asRecord(row['response']);
      const error = asRecord(asRecord(response?.['body'])?.['error']);
      return [row['custom_id'], response?.['status_code'], error?.['param']];
    });
    assert.deepEqual(told, [
      ['no-model', 404, 'model'],
      ['bad', 400, 'messages'],
      ['streamed', 400, 'stream'],
    ]);
  });

  it('keeps files: lists, shows, reads and removes them', async () => {
    const { key } = await newKey(gateway);
    const client = openaiAt(gateway, key);
    const made = [];
    for (const name of ['a', 'b', 'c']) {
      const file = await toFile(Buffer.from(`${name}\n`), `${name}.jsonl`);
      made.push(
        await client.files.create({ file, purpose: 'batch', expires_after: { anchor: 'created_at', seconds: 3600 } }),
      );
    }
    const [first] = made;
    assert.ok(first !== undefined);
    assert.deepEqual(await client.files.retrieve(first.id), first);
    assert.equal(first.bytes, 2);
    assert.equal((first.expires_at ?? 0) - first.created_at, 3600);
    assert.equal(await (await client.files.content(first.id)).text(), 'a\n');
    assert.deepEqual((await client.files.list({ purpose: 'vision' })).data, []);
    assert.equal((await client.files.list({ purpose: 'batch' })).data.length, 3);
    const names: string[] = [];
    for await (const file of client.files.list({ limit: 2, order: 'asc' })) names.push(file.filename);
    assert.deepEqual(names, ['a.jsonl', 'b.jsonl', 'c.jsonl']);
    assert.deepEqual(
      (await client.files.list({ limit: 1 })).data.map((file) => file.filename),
      ['c.jsonl'],
    );
    assert.deepEqual(await client.files.delete(first.id), { id: first.id, object: 'file', deleted: true });
    await assert.rejects(client.files.retrieve(first.id), { status: 404 });
    await assert.rejects(client.files.content(first.id), { status: 404 });
  });

  it('lists batches page by page, its own only', async () => {
    const { key } = await newKey(gateway);
    const client = openaiAt(gateway, key);
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.unshift((await batchOf(client, chatLines(1))).id);
    const seen: string[] = [];
    for await (const batch of client.batches.list({ limit: 2 })) seen.push(batch.id);
    assert.deepEqual(seen, ids);
  });
});

describe('the Anthropic SDK', () => {
  it('sends a batch and reads its results', async () => {
    const made = await anthropic.messages.batches.create(messagesOf(['claude/c', 'house/m', 'nobody/x']));
    assert.equal(made.type, 'message_batch');
    assert.equal(made.processing_status, 'in_progress');
    assert.equal(made.results_url, null);
    const done = await endedMessages(anthropic, made.id);
    assert.deepEqual(done.request_counts, { processing: 0, succeeded: 2, errored: 1, canceled: 0, expired: 0 });
    const rows: Anthropic.Messages.MessageBatchIndividualResponse[] = [];
    for await (const row of await anthropic.messages.batches.results(made.id)) rows.push(row);
    assert.deepEqual(
      rows.map((row) => [row.custom_id, row.result.type]),
      [
        ['r0', 'succeeded'],
        ['r1', 'succeeded'],
        ['r2', 'errored'],
      ],
    );
    const [first, , last] = rows.map((row) => row.result);
    assert.ok(first?.type === 'succeeded' && first.message.type === 'message' && first.message.role === 'assistant');
    assert.ok(last?.type === 'errored' && last.error.type === 'error' && last.error.error.type === 'not_found_error');
  });

  it('lists, and removes what has ended', async () => {
    const { key } = await newKey(gateway);
    const client = anthropicAt(gateway, key);
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1)
      ids.unshift((await client.messages.batches.create(messagesOf(['house/m', 'claude/c']))).id);
    const seen: string[] = [];
    for await (const batch of client.messages.batches.list({ limit: 2 })) seen.push(batch.id);
    assert.deepEqual(seen, ids);
    const earlier = await client.messages.batches.list({ limit: 1, before_id: ids[2] ?? '' });
    assert.deepEqual(
      earlier.data.map((batch) => batch.id),
      [ids[1]],
    );
    const [id = ''] = ids;
    await endedMessages(client, id);
    assert.deepEqual(await client.messages.batches.delete(id), { id, type: 'message_batch_deleted' });
    await assert.rejects(client.messages.batches.retrieve(id), { status: 404 });
  });
});

describe('a batch of somebody else', () => {
  it('is not there, and neither are its files', async () => {
    const batch = await batchOf(openai, chatLines(1));
    const messages = await anthropic.messages.batches.create(messagesOf(['house/m']));
    const { output_file_id: output, input_file_id: input } = await ended(openai, batch.id);
    const { key } = await newKey(gateway);
    const [stranger, other] = [openaiAt(gateway, key), anthropicAt(gateway, key)];
    for (const ask of [
      () => stranger.batches.retrieve(batch.id),
      () => stranger.batches.cancel(batch.id),
      () => stranger.files.retrieve(input),
      () => stranger.files.content(output ?? ''),
      () => stranger.files.delete(input),
      () => other.messages.batches.retrieve(messages.id),
      () => other.messages.batches.cancel(messages.id),
      () => other.messages.batches.delete(messages.id),
      // The right key, and the other protocol.
      () => openai.batches.retrieve(messages.id),
      () => anthropic.messages.batches.retrieve(batch.id),
    ])
      await assert.rejects(async () => ask(), { status: 404 });
    const using = stranger.batches.create({
      input_file_id: input,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    await assert.rejects(using, { status: 400, param: 'input_file_id' });
    assert.deepEqual((await stranger.batches.list()).data, []);
    assert.deepEqual((await stranger.files.list()).data, []);
  });
});

describe('bad input', () => {
  const good = chatLine('a');
  const rows: readonly (readonly [name: string, lines: Text, line: number | null, code: string, told: RegExp])[] = [
    ['no line', [''], null, 'empty_file', /no lines/],
    ['a cut object', [good, '{"custom_id":"b"'], 2, 'invalid_json_line', /line 1, column/],
    ['a list', ['[1]'], 1, 'invalid_json_line', /not an array/],
    ['text that is no JSON', ['', good, 'hello'], 3, 'invalid_json_line', /unexpected/],
    ['a key twice', ['{"custom_id":"a","custom_id":"b"}'], 1, 'invalid_json_line', /twice/],
    ['a number that is none', [`${JSON.stringify(good).slice(0, -1)},"x":1e400}`], 1, 'invalid_json_line', /too large/],
    ['a forbidden key', ['{"custom_id":"a","__proto__":{}}'], 1, 'invalid_json_line', /__proto__/],
    ['depth', [`{"custom_id":"a","x":${'['.repeat(10_000)}`], 1, 'invalid_json_line', /deeper/],
    ['no custom_id', [{ ...good, custom_id: undefined }], 1, 'missing_required_parameter', /custom_id/],
    ['an empty custom_id', [{ ...good, custom_id: '' }], 1, 'invalid_value', /custom_id/],
    ['a long custom_id', [{ ...good, custom_id: 'x'.repeat(600) }], 1, 'invalid_value', /512/],
    ['a custom_id twice', [good, chatLine('b'), good], 3, 'duplicate_custom_id', /line 1/],
    ['no method', [{ ...good, method: undefined }], 1, 'missing_required_parameter', /method/],
    ['another method', [{ ...good, method: 'GET' }], 1, 'invalid_method', /POST/],
    ['another url', [{ ...good, url: '/v1/embeddings' }], 1, 'invalid_url', /chat\/completions/],
    ['no body', [{ ...good, body: undefined }], 1, 'missing_required_parameter', /body/],
    ['a body that is a text', [{ ...good, body: 'hi' }], 1, 'invalid_value', /body/],
  ];
  for (const [name, lines, line, code, told] of rows) {
    it(`in a line, ${name}: the batch fails and says which line`, async () => {
      const done = await ended(openai, (await batchOf(openai, lines)).id);
      assert.equal(done.status, 'failed', JSON.stringify(done));
      const [error] = done.errors?.data ?? [];
      assert.equal(error?.code, code, JSON.stringify(error));
      assert.equal(error?.line, line);
      assert.match(error?.message ?? '', told);
      assert.equal(done.output_file_id, null);
    });
  }

  it('in the request for a batch is refused by field', async () => {
    const file = await upload(openai, [good]);
    const fine: JsonRecord = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' };
    for (const [change, param] of [
      [{ input_file_id: undefined }, 'input_file_id'],
      [{ input_file_id: 7 }, 'input_file_id'],
      [{ input_file_id: '../secret' }, 'input_file_id'],
      [{ endpoint: undefined }, 'endpoint'],
      [{ endpoint: '/v1/audio/speech' }, 'endpoint'],
      [{ endpoint: '/admin/v1/keys' }, 'endpoint'],
      [{ completion_window: '1h' }, 'completion_window'],
      [{ metadata: 'x' }, 'metadata'],
      [{ metadata: { a: 1 } }, 'metadata.a'],
      [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'v'])) }, 'metadata'],
      [{ output_expires_after: { anchor: 'now', seconds: 3600 } }, 'output_expires_after.anchor'],
      [{ output_expires_after: { anchor: 'created_at', seconds: 1 } }, 'output_expires_after.seconds'],
    ] as const)
      await assert.rejects(openai.post('/batches', { body: { ...fine, ...change } }), { status: 400, param });
    for (const query of ['limit=0', 'limit=1000', 'limit=x'])
      await assert.rejects(openai.get(`/batches?${query}`), { status: 400, param: 'limit' });
  });

  it('in the form of a file is refused by field, and leaves nothing', async () => {
    const before = readdirSync(join(gateway.dir, 'data', 'files')).length;
    const send = async (parts: readonly string[], type = 'multipart/form-data; boundary=b'): Promise<JsonRecord> => {
      const body = `${parts.map((part) => `--b\r\ncontent-disposition: form-data; ${part}\r\n`).join('')}--b--\r\n`;
      const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': type };
      const reply = await fetch(`${gateway.url}/v1/files`, { method: 'POST', headers, body });
      const error = asRecord(asRecord(parseJson(await reply.text()))?.['error']);
      return { status: reply.status, param: error?.['param'], code: error?.['code'] };
    };
    const file = 'name="file"; filename="a"\r\n\r\nx';
    const purpose = 'name="purpose"\r\n\r\nbatch';
    const invalid = (param: string): JsonRecord => ({ status: 400, param, code: 'field_invalid' });
    assert.deepEqual(await send([purpose]), { status: 400, param: 'file', code: 'field_missing' });
    assert.deepEqual(await send([file]), { status: 400, param: 'purpose', code: 'field_missing' });
    assert.deepEqual(await send([file, 'name="purpose"\r\n\r\nvision']), invalid('purpose'));
    assert.deepEqual(await send([purpose, 'name="other"; filename="a"\r\n\r\nx']), invalid('other'));
    assert.deepEqual(await send([purpose, file, file]), { status: 400, param: null, code: 'duplicate_key' });
    const expiry = 'name="expires_after[seconds]"\r\n\r\n5';
    assert.deepEqual(await send([purpose, file, expiry]), invalid('expires_after[seconds]'));
    for (const [type, status] of [
      ['application/json', 415],
      ['multipart/form-data', 400],
      ['multipart/form-data; boundary=other', 400],
    ] as const)
      assert.equal((await send([purpose, file], type))['status'], status, type);
    assert.equal(readdirSync(join(gateway.dir, 'data', 'files')).length, before);
  });

  it('of size is refused with 413, by file and by key, and leaves nothing', async () => {
    const { key } = await newKey(gateway);
    const client = openaiAt(gateway, key);
    const big = async (mib: number): Promise<OpenAI.FileObject> =>
      client.files.create({ file: await toFile(Buffer.alloc(mib * 1024 * 1024, 0x20), 'big'), purpose: 'batch' });
    await assert.rejects(big(1.1), { status: 413, code: 'file_too_big' });
    for (let index = 0; index < 3; index += 1) await big(1);
    await assert.rejects(big(0.1), { status: 413, code: 'files_full' });
    await assert.rejects(anthropicAt(gateway, key).messages.batches.create(messagesOf(['house/m'])), { status: 413 });
    const files = await client.files.list();
    for (const file of files.data) await client.files.delete(file.id);
    await big(0.1);
    const large = messagesOf(['house/m']);
    const content = 'x'.repeat(1_200_000);
    for (const request of large.requests) Object.assign(request.params, { messages: [{ role: 'user', content }] });
    await assert.rejects(anthropic.messages.batches.create(large), { status: 413 });
  });

  it('that many take slowly at once keeps nobody out: they have sent no body that would need memory', async () => {
    const small = await start({ config: configOf(simulator), nodeArgs: ['--max-old-space-size=256'] });
    const client = openaiAt(small);
    // More than the sockets on both sides keep.
    const bytes = Buffer.alloc(16 * 1024 * 1024, 0x20);
    const { id } = await client.files.create({ file: await toFile(bytes, 'big'), purpose: 'batch' });
    const downloads = await Promise.all(Array.from({ length: 60 }, async () => client.files.content(id)));
    assert.ok((await client.models.list()).data.length > 0);
    for (const { body } of downloads) await body?.cancel();
    assert.equal(await small.stop(), 0);
  });

  it('that is compressed is refused, as nobody could tell its size before', async () => {
    const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-encoding': 'gzip' };
    const body = gzipSync(JSON.stringify(messagesOf(['house/m'])));
    for (const [path, type] of [
      ['/v1/messages/batches', 'application/json'],
      ['/v1/files', 'multipart/form-data; boundary=b'],
    ] as const) {
      const reply = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body,
      });
      assert.equal(reply.status, 415, path);
    }
  });

  it('in the messages of an Anthropic batch is refused by its place', async () => {
    const fine = { custom_id: 'a', params: { model: 'house/m', max_tokens: 5, messages: [] } };
    const of = (...requests: Json[]): string => JSON.stringify({ requests });
    for (const [body, told] of [
      ['', /no body/],
      ['{}', /`requests` is required/],
      ['{"requests":[]}', /`requests`/],
      ['{"requests":7}', /`requests`/],
      ['[]', /not an array/],
      [of(fine).slice(0, -1), /ends too early/],
      [`${of(fine)} x`, /unexpected/],
      ['{"requests":[{"custom_id":"a"]}', /requests.0|unexpected|ends too early/],
      [of(fine, 7), /`requests.1`/],
      [of(fine, { params: {} }), /`requests.1.custom_id`/],
      [of(fine, { ...fine, custom_id: 'no spaces' }), /`requests.1.custom_id`/],
      [of(fine, { ...fine, custom_id: 'x'.repeat(65) }), /`requests.1.custom_id`/],
      [of(fine, { ...fine, custom_id: 'b' }, fine), /`requests.2.custom_id`.*requests.0/],
      [of(fine, { custom_id: 'b' }), /`requests.1.params`/],
      [of(fine, { custom_id: 'b', params: [] }), /`requests.1.params`/],
      ['{"requests":[{"custom_id":"a","params":{},"params":{}}]}', /`requests.0`.*twice/],
      ['{"r\\u0065quests":[{"custom_id":"a","params":{}}]}', /without escapes/],
    ] as const) {
      const headers = { 'x-api-key': ROOT_KEY, 'content-type': 'application/json' };
      const reply = await fetch(`${gateway.url}/v1/messages/batches`, { method: 'POST', headers, body });
      const answer = asRecord(parseJson(await reply.text()));
      assert.equal(reply.status, 400, body);
      assert.equal(answer?.['type'], 'error', body);
      assert.match(String(asRecord(answer?.['error'])?.['message']), told, body);
    }
  });
});

describe('a large body', () => {
  /** `count` lines of `bytes`, made while they are sent. */
  function* linesOf(count: number, bytes: number): Generator<Buffer> {
    const filler = 'x'.repeat(bytes - 100);
    for (let index = 0; index < count; index += 1) {
      const body = { model: 'house/m', messages: [{ role: 'user', content: filler }] };
      yield Buffer.from(
        `{"custom_id":"l${index}","method":"POST","url":"/v1/embeddings","body":${JSON.stringify(body)}}\n`,
      );
    }
  }

  it('is never held whole: files in and out, and messages', async () => {
    await withOwn({ more: 'batches: {file_max_mb: 120, native: never}' }, async (own) => {
      const memory = memoryOf(own.gateway);
      const hash = createHash('sha256');
      async function* form(): AsyncGenerator<Buffer> {
        yield Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n');
        for (const line of linesOf(1000, 100_000)) {
          hash.update(line);
          yield line;
        }
        yield Buffer.from('\r\n--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n');
      }
      const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
      const sent = {
        method: 'POST',
        headers,
        body: Readable.toWeb(Readable.from(form())),
        duplex: 'half',
      } as RequestInit;
      const file = asRecord(parseJson(await (await fetch(`${own.gateway.url}/v1/files`, sent)).text()));
      assert.ok(Number(file?.['bytes']) > 99_000_000, JSON.stringify(file));
      const got = createHash('sha256');
      const content = await fetch(`${own.gateway.url}/v1/files/${String(file?.['id'])}/content`, { headers });
      assert.equal(content.headers.get('content-length'), String(file?.['bytes']));
      for await (const piece of content.body ?? []) got.update(piece);
      assert.equal(got.digest('hex'), hash.digest('hex'));
      async function* messages(): AsyncGenerator<Buffer> {
        yield Buffer.from('{"requests": [\n');
        for (let index = 0; index < 300; index += 1) {
          const params = { model: 'nobody/x', messages: [{ role: 'user', content: 'x'.repeat(100_000) }] };
          yield Buffer.from(
            `${index === 0 ? '' : ',\n'}${JSON.stringify({ custom_id: `m${index}`, params }, undefined, 1)}`,
          );
        }
        yield Buffer.from(']}');
      }
      const json = { 'x-api-key': ROOT_KEY, 'content-type': 'application/json' };
      const posted = {
        method: 'POST',
        headers: json,
        body: Readable.toWeb(Readable.from(messages())),
        duplex: 'half',
      } as RequestInit;
      const made = asRecord(parseJson(await (await fetch(`${own.gateway.url}/v1/messages/batches`, posted)).text()));
      const done = await endedMessages(anthropicAt(own.gateway), String(made?.['id']));
      assert.equal(done.request_counts.errored, 300, JSON.stringify(made));
      const growth = memory.growth();
      if (growth !== undefined) assert.ok(growth < 150 * 1024 * 1024, `${Math.round(growth / 1024 / 1024)} MiB more`);
    });
  });

  it('is invited where its sender asks first', async () => {
    const headers = { 'x-api-key': ROOT_KEY, 'content-type': 'application/json', expect: '100-continue' };
    const sent = request(`${gateway.url}/v1/messages/batches`, { method: 'POST', headers });
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end(JSON.stringify(messagesOf(['house/m'])));
    const [reply] = await once(sent, 'response');
    assert.equal(reply.statusCode, 200);
    reply.resume();
  });

  it('that is cut leaves nothing', async () => {
    const drafts = async (): Promise<number> =>
      readdirSync(join(gateway.dir, 'data', 'files')).filter((name) => name.endsWith('.part')).length;
    await until(drafts, (count) => count === 0);
    for (const [path, type, text] of [
      [
        '/v1/files',
        'multipart/form-data; boundary=b',
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nx',
      ],
      ['/v1/messages/batches', 'application/json', '{"requests":[{"custom_id":"a","params":{}},'],
    ] as const) {
      const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': type, 'content-length': '100000' };
      const sent = request(`${gateway.url}${path}`, { method: 'POST', headers });
      sent.on('error', () => undefined);
      sent.write(text);
      await until(drafts, (count) => count === 1);
      sent.destroy();
      await until(drafts, (count) => count === 0);
    }
  });
});

describe('a batch that is cancelled', () => {
  it('ends with what is done, and says of every other line that it was cancelled', async () => {
    const script = [{ match: { contains: 'say' }, times: 'forever', delay_ms: 100 }] as const;
    await withOwn({ script, more: 'batches: {concurrency: 4}' }, async (own) => {
      const client = openaiAt(own.gateway);
      const lines = chatLines(200);
      const made = await batchOf(client, lines);
      await assert.rejects(client.files.delete(made.input_file_id), { status: 409 });
      await until(
        async () => client.batches.retrieve(made.id),
        (one) => (one.request_counts?.completed ?? 0) >= 8,
      );
      const cancelling = await client.batches.cancel(made.id);
      assert.equal(cancelling.status, 'cancelling');
      const done = await ended(client, made.id);
      assert.equal(done.status, 'cancelled');
      assert.ok((done.cancelled_at ?? 0) >= (done.cancelling_at ?? Infinity));
      const good = await rowsOf(client, done.output_file_id);
      const rest = await rowsOf(client, done.error_file_id);
      assert.ok(good.length >= 8 && rest.length > 0);
      const ids = [...good, ...rest].map((row) => String(row['custom_id']));
      assert.deepEqual(new Set(ids).size, lines.length);
      assert.equal(ids.length, lines.length);
      for (const row of rest) assert.equal(asRecord(row['error'])?.['code'], 'batch_cancelled');
      const asked = own.simulator.log.requests.length;
      assert.equal(asked, good.length);
      await assert.rejects(client.batches.cancel(made.id), { status: 409 });
      const cli = await runCli(['batches', 'show', made.id, '--json', '--data', join(own.gateway.dir, 'data')], {
        cwd: own.gateway.dir,
      });
      assert.equal(asRecord(parseJson(cli.stdout))?.['status'], 'cancelled', cli.stderr);
      const table = await runCli(['batches', '--data', join(own.gateway.dir, 'data')], { cwd: own.gateway.dir });
      assert.match(table.stdout, /cancelled +200 \(100%\)/);
      const listed = asRecord(await get(own.gateway, '/admin/v1/batches'));
      assert.equal(asRecord(asArray(listed?.['data'])?.[0])?.['id'], made.id);
    });
  });

  it('is one whose key was disabled', async () => {
    const script = [{ match: { contains: 'say' }, times: 'forever', delay_ms: 50 }] as const;
    await withOwn({ script, more: 'batches: {concurrency: 2}' }, async (own) => {
      const { id, key } = await newKey(own.gateway);
      const made = await batchOf(openaiAt(own.gateway, key), chatLines(300));
      await until(
        async () => usageOf(own.gateway, id),
        (rows) => rows.length >= 2,
      );
      const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };
      const patched = await fetch(`${own.gateway.url}/admin/v1/keys/${id}`, {
        method: 'PATCH',
        headers,
        body: '{"disabled":true}',
      });
      assert.equal(patched.status, 200, await patched.text());
      const found = await until(
        async () => asRecord(asArray(asRecord(await get(own.gateway, '/admin/v1/batches'))?.['data'])?.[0]),
        (one) => one?.['status'] === 'cancelled',
      );
      assert.equal(found?.['id'], made.id);
      assert.equal(asRecord(asArray(found?.['errors'])?.[0])?.['code'], 'key_disabled');
    });
  });
});

describe('a gateway that is told to stop', () => {
  it('begins no line any more, ends those under way, and the next one goes on: nothing is asked twice', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-stop-'));
    const slow = await startSimulator({ script: [{ match: { contains: 'say' }, times: 'forever', delay_ms: 100 }] });
    try {
      const config = configOf(slow, 'batches: {concurrency: 8}');
      const first = await start({ config, dir });
      const made = await batchOf(openaiAt(first), chatLines(200));
      const isOnItsWay = ({ request_counts: counts }: OpenAI.Batch): boolean => (counts?.completed ?? 0) >= 8;
      await until(async () => openaiAt(first).batches.retrieve(made.id), isOnItsWay);
      assert.equal(await first.stop(), 0);
      assert.ok(slow.log.requests.length < 190, `${slow.log.requests.length} lines were asked before the end`);
      const second = await start({ config, dir });
      const done = await ended(openaiAt(second), made.id);
      assert.deepEqual(done.request_counts, { total: 200, completed: 200, failed: 0 });
      assert.equal(slow.log.requests.length, 200);
      assert.equal(await second.stop(), 0);
    } finally {
      await slow.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('live requests', () => {
  it('have half of the room for themselves, whatever a batch could use', async () => {
    const script = [{ match: { contains: 'say' }, times: 'forever', delay_ms: 30 }] as const;
    await withOwn({ script, more: 'server: {requests_max: 7}' }, async (own) => {
      const client = openaiAt(own.gateway);
      const made = await batchOf(client, chatLines(60));
      let most = 0;
      await until(
        async () => {
          const text = await (await fetch(`${own.gateway.url}/metrics`)).text();
          most = Math.max(most, Number(/^turnout_batch_lines_in_flight (\d+)$/m.exec(text)?.[1]));
          return client.batches.retrieve(made.id);
        },
        ({ status }) => status === 'completed',
      );
      assert.ok(most >= 1 && most <= 3, `${most} lines at once`);
    });
  });
});

describe('a batch whose window ends', () => {
  it('has what is done, and says of every other line that its time was over', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-window-'));
    const script = [{ match: { contains: 'say' }, times: 'forever', delay_ms: 100 }] as const;
    const slow = await startSimulator({ script });
    try {
      const config = configOf(slow, 'batches: {concurrency: 2}');
      const early = await start({ config, dir });
      const client = openaiAt(early);
      const made = await batchOf(client, chatLines(100));
      await until(
        async () => client.batches.retrieve(made.id),
        (one) => (one.request_counts?.completed ?? 0) >= 4,
      );
      early.child.kill('SIGKILL');
      await once(early.child, 'exit');
      const ahead = { TURNOUT_TEST_AHEAD_MS: String(25 * 3_600_000) };
      const clock = fileURLToPath(new URL('moved-clock.ts', import.meta.url));
      const late = await start({ config, dir, env: ahead, nodeArgs: ['--import', clock] });
      const done = await ended(openaiAt(late), made.id);
      assert.equal(done.status, 'expired');
      const good = await rowsOf(openaiAt(late), done.output_file_id);
      const rest = await rowsOf(openaiAt(late), done.error_file_id);
      assert.ok(good.length >= 4);
      assert.equal(good.length + rest.length, 100);
      for (const row of rest) assert.equal(asRecord(row['error'])?.['code'], 'batch_expired');
      assert.equal(await late.stop(), 0);
    } finally {
      await slow.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('a budget', () => {
  it('is used to its end and never beyond; the lines after it get 402', async () => {
    // About 30 tokens out at 2 USD a million, and a few in: some 70,000 nano-dollars a line.
    const { id, key } = await newKey(gateway, { budget_usd: '0.001' });
    const client = openaiAt(gateway, key);
    const done = await ended(client, (await batchOf(client, chatLines(40))).id);
    assert.equal(done.status, 'completed');
    const { completed = 0, failed = 0 } = done.request_counts ?? {};
    assert.ok(completed > 5 && failed > 5, JSON.stringify(done.request_counts));
    for (const row of await rowsOf(client, done.error_file_id))
      assert.equal(asRecord(row['response'])?.['status_code'], 402);
    const rows = await usageOf(gateway, id);
    const spent = rows.reduce((sum, row) => sum + Number(row['cost_nano_usd']), 0);
    assert.ok(spent <= 1_000_000, `${spent}`);
    assert.equal(rows.length, completed);
  });
});

describe('where the caller is', () => {
  const placed = (like: string, region: string): string =>
    `{${like}, base_url: "${simulator.url}/openai/v1", api_key: sk-upstream-0123456789, region: ${region}, models: {gpt-x: {${PRICED}}}}`;

  /** Where lines of a batch went, and from where: as their records have it. */
  async function wentTo(at: TestGateway, batchId: string, count: number): Promise<readonly string[]> {
    const own = await until(
      async () => {
        const { data } = asRecord(await get(at, '/admin/v1/requests?limit=100')) ?? {};
        const records = (asArray(data) ?? []).filter(isRecord);
        return records.filter(({ tags }) => (asArray(tags) ?? []).includes(batchId));
      },
      ({ length }) => length >= count,
    );
    return own.map(({ residency, route }) => {
      const { caller, answered } = asRecord(residency) ?? {};
      return [route, asRecord(answered)?.['target'], asRecord(caller)?.['region'], asRecord(caller)?.['from']].join(
        ' ',
      );
    });
  }

  it('binds the lines of a batch as it binds a request, whoever is asked and by whichever way', async () => {
    const at = await start({
      config: testConfig(
        {
          'house-us': placed('dialect: openai-chat', 'us-east-1'),
          'house-de': placed('dialect: openai-chat', 'eu-central-1'),
          'openai-us': placed('like: openai', 'us-east-1'),
          'openai-de': placed('like: openai', 'eu-central-1'),
        },
        `callers: {regions: [{range: 127.0.0.0/8, region: de}]}
routes:
  lines: {targets: [house-us/gpt-x, house-de/gpt-x], require: {region: caller}}
  whole: {targets: [openai-us/gpt-x, openai-de/gpt-x], require: {region: caller}}`,
      ),
    });
    const client = openaiAt(at);
    const before = simulator.log.requests.length;
    const claims = [{}, { turnout: { region: 'us' } }];
    for (const [route, provider] of [
      ['lines', 'house-de'],
      ['whole', 'openai-de'],
    ] as const) {
      const lines = claims.map((more, index) => chatLine(`r-${index}`, route, more));
      const done = await ended(client, (await batchOf(client, lines)).id);
      assert.equal(done.request_counts?.completed, 2, JSON.stringify(done));
      const went = `${route} ${provider}/gpt-x de address`;
      assert.deepEqual(await wentTo(at, done.id, 2), [went, went]);
    }
    assert.ok(simulator.log.requests.slice(before).some(({ path }) => path.endsWith('/batches')));
    const messages = await anthropicAt(at).messages.batches.create(messagesOf(['lines']));
    assert.equal((await endedMessages(anthropicAt(at), messages.id)).request_counts.succeeded, 1);
    assert.deepEqual(await wentTo(at, messages.id, 1), ['lines house-de/gpt-x de address']);
    await at.stop();
  });
});

describe("a provider's own batches", () => {
  for (const { model, path, provider } of [
    { model: 'openai/gpt-x', path: '/openai/v1/batches', provider: 'openai' },
    { model: 'anthropic/claude-x', path: '/anthropic/v1/messages/batches', provider: 'anthropic' },
  ]) {
    it(`are used for ${model}, at half its price, from both protocols`, async () => {
      const { id: keyId, key } = await newKey(gateway, { budget_usd: '1' });
      const [client, other] = [openaiAt(gateway, key), anthropicAt(gateway, key)];
      const before = simulator.log.requests.length;
      const done = await ended(client, (await batchOf(client, chatLines(5, model))).id);
      assert.deepEqual(done.request_counts, { total: 5, completed: 5, failed: 0 }, JSON.stringify(done));
      for (const row of await rowsOf(client, done.output_file_id))
        assert.equal(asRecord(asRecord(row['response'])?.['body'])?.['object'], 'chat.completion');
      const messages = await endedMessages(other, (await other.messages.batches.create(messagesOf([model, model]))).id);
      assert.equal(messages.request_counts.succeeded, 2);
      for await (const row of await other.messages.batches.results(messages.id))
        assert.ok(row.result.type === 'succeeded' && row.result.message.type === 'message');
      const seen = simulator.log.requests.slice(before).map((request) => request.path);
      assert.equal(seen.filter((one) => one === path).length, 2, seen.join());
      assert.ok(!seen.some((one) => /\/(chat\/completions|messages)$/.test(one)), seen.join());
      const rows = await usageOf(gateway, keyId);
      assert.equal(rows.length, 7);
      for (const row of rows) {
        const whole = Number(row['input_tokens']) * 1000 + Number(row['output_tokens']) * 2000;
        assert.equal(row['cost_nano_usd'], whole / 2, JSON.stringify(row));
        assert.equal(row['provider'], provider);
      }
      assert.equal(asRecord(await get(gateway, `/admin/v1/keys/${keyId}`))?.['held_usd'], '0');
      const record = asRecord(await get(gateway, `/v1/decisions/${String(rows[0]?.['request_id'])}`));
      assert.equal(record?.['outcome'], 'ok');
    });
  }

  it('are not used where lines go to several targets, or where the file says never', async () => {
    const before = simulator.log.requests.length;
    const lines = [chatLine('a', 'openai/gpt-x'), chatLine('b', 'house/m')];
    assert.equal((await ended(openai, (await batchOf(openai, lines)).id)).request_counts?.completed, 2);
    assert.ok(!simulator.log.requests.slice(before).some(({ path }) => path.endsWith('/batches')));
    await withOwn({ more: 'batches: {native: never}' }, async (own) => {
      const client = openaiAt(own.gateway);
      assert.equal((await ended(client, (await batchOf(client, chatLines(3, 'openai/gpt-x'))).id)).status, 'completed');
      assert.ok(own.simulator.log.requests.every(({ path }) => path.endsWith('/chat/completions')));
    });
  });

  it('are not used for what no provider may keep: they keep the files of batches', async () => {
    const { url } = simulator;
    const openaiLike = `{like: openai, base_url: "${url}/openai/v1", api_key: sk-upstream-0123456789, retention_days: 0, models: {gpt-x: {${PRICED}}}}`;
    const unkept = 'require: {retention_days_max: 0}';
    const routes = `routes:
  bound: {targets: [o/gpt-x], ${unkept}}
  outer: {targets: [bound]}
  ruled: {targets: [o/gpt-x], rules: [{when: '"private" in facts.tags', ${unkept}}]}
  free: {targets: [o/gpt-x]}`;
    const at = await start({ config: testConfig({ o: openaiLike }, routes) });
    const client = openaiAt(at);
    const hidden = { turnout: { tags: ['private'] } };
    const asked = { turnout: { require: { retention_days_max: 7 } } };
    const bound = [chatLine('a', 'bound'), chatLine('b', 'outer'), chatLine('c', 'ruled', hidden)];
    for (const line of [...bound, chatLine('d', 'free', asked), chatLine('e', 'ruled'), chatLine('f', 'free')]) {
      const before = simulator.log.requests.length;
      assert.equal((await ended(client, (await batchOf(client, [line])).id)).request_counts?.completed, 1);
      const isNative = simulator.log.requests.slice(before).some(({ path }) => path.endsWith('/batches'));
      assert.equal(isNative, ['e', 'f'].includes(String(line['custom_id'])), JSON.stringify(line));
    }
    await at.stop();
  });

  it('fail whole where the budget cannot hold them, and nothing is sent', async () => {
    const { key } = await newKey(gateway, { budget_usd: '0.0001' });
    const client = openaiAt(gateway, key);
    const before = simulator.log.requests.length;
    const done = await ended(client, (await batchOf(client, chatLines(20, 'openai/gpt-x'))).id);
    assert.equal(done.status, 'failed');
    assert.equal(done.errors?.data?.[0]?.code, 'budget_exceeded');
    assert.equal(simulator.log.requests.length, before);
  });

  it('hold what the plan charges, and charge each line as a request of its own', async () => {
    const plan = 'billing: {plan: [{models: openai, basis_points: 10000, fixed_usd: "0.001"}]}';
    await withOwn({ more: plan }, async (own) => {
      const before = own.simulator.log.requests.length;
      // Each line costs less than 0.0001 USD, twice that is charged, and the fixed amount: 20 of them are above 0.02.
      const poor = await newKey(own.gateway, { budget_usd: '0.015' });
      const refused = await ended(
        openaiAt(own.gateway, poor.key),
        (await batchOf(openaiAt(own.gateway, poor.key), chatLines(20, 'openai/gpt-x'))).id,
      );
      assert.deepEqual([refused.status, refused.errors?.data?.[0]?.code], ['failed', 'budget_exceeded']);
      assert.equal(own.simulator.log.requests.length, before);
      const { id: keyId, key } = await newKey(own.gateway, { budget_usd: '1' });
      const client = openaiAt(own.gateway, key);
      const done = await ended(client, (await batchOf(client, chatLines(3, 'openai/gpt-x'))).id);
      assert.equal(done.request_counts?.completed, 3);
      assert.ok(own.simulator.log.requests.some(({ path }) => path.endsWith('/batches')));
      const rows = await usageOf(own.gateway, keyId);
      assert.equal(rows.length, 3);
      for (const row of rows)
        assert.equal(row['charge_nano_usd'], Number(row['cost_nano_usd']) * 2 + 1_000_000, JSON.stringify(row));
      const month = new Date().toISOString().slice(0, 7);
      const requests = async (): Promise<unknown> => {
        const invoice = asRecord(await get(own.gateway, `/admin/v1/invoices?month=${month}`));
        return asRecord(invoice?.['total'])?.['requests'];
      };
      assert.equal(await until(requests, (count) => count !== 0), 3);
    });
  });

  it('are counted for whom each line was asked, and under its tags', async () => {
    const { id: keyId, key } = await newKey(gateway);
    const before = simulator.log.requests.length;
    const lines = chatLines(2, 'openai/gpt-x').map((line, index) => {
      const of = { user: `user ${index}`, turnout: { tags: [`tag ${index}`] } };
      return { ...line, body: { ...asRecord(line['body']), ...of } };
    });
    await ended(openaiAt(gateway, key), (await batchOf(openaiAt(gateway, key), lines)).id);
    assert.ok(simulator.log.requests.slice(before).some(({ path }) => path.endsWith('/batches')));
    const rows = await usageOf(gateway, keyId);
    assert.deepEqual(
      new Map(rows.map((row) => [row['end_user'], row['tags']])),
      new Map([0, 1].map((index) => [`user ${index}`, [`tag ${index}`]])),
    );
  });

  it('are given up for our own queue where the provider has none after all', async () => {
    await withOwn({ script: [{ match: { path: '/v1/files' }, times: 'forever', status: 404 }] }, async (own) => {
      const client = openaiAt(own.gateway);
      const done = await ended(client, (await batchOf(client, chatLines(3, 'openai/gpt-x'))).id);
      assert.deepEqual(done.request_counts, { total: 3, completed: 3, failed: 0 });
      assert.equal(own.simulator.log.requests.filter(({ path }) => path.endsWith('/chat/completions')).length, 3);
    });
  });

  it('tell what failed of each line, and cost nothing for it', async () => {
    const { id: keyId, key } = await newKey(gateway);
    const client = openaiAt(gateway, key);
    const lines = [chatLine('good', 'openai/gpt-x'), chatLine('bad', 'openai/gpt-x', { n: 129 })];
    const done = await ended(client, (await batchOf(client, lines)).id);
    assert.deepEqual(done.request_counts, { total: 2, completed: 1, failed: 1 }, JSON.stringify(done));
    const [error] = await rowsOf(client, done.error_file_id);
    assert.equal(error?.['custom_id'], 'bad');
    assert.equal(asRecord(error?.['response'])?.['status_code'], 400);
    assert.equal((await usageOf(gateway, keyId)).length, 1);
  });

  it('have an error for an answer that nobody can read', async () => {
    const answer = { custom_id: 'l1', response: { status_code: 200, request_id: 'x', body: null }, error: null };
    const script = [{ match: { path: '/content' }, body: `${JSON.stringify(answer)}\n{"custom_id":"l9"}\nnothing\n` }];
    await withOwn({ script }, async (own) => {
      const client = openaiAt(own.gateway);
      const done = await ended(client, (await batchOf(client, chatLines(1, 'openai/gpt-x'))).id);
      assert.deepEqual(done.request_counts, { total: 1, completed: 0, failed: 1 });
      const [row] = await rowsOf(client, done.error_file_id);
      assert.equal(asRecord(row?.['response'])?.['status_code'], 502);
    });
  });

  it('are cancelled at the provider', async () => {
    for (const model of ['openai/gpt-x', 'anthropic/claude-x']) {
      const never = await startSimulator({ batchLooks: 1_000_000 });
      const own = await start({ config: configOf(never) });
      try {
        const client = openaiAt(own);
        const made = await batchOf(client, chatLines(3, model));
        await never.log.waitFor((one) => /batches\/[^/]+$/.test(one.path), END_MAX_MS);
        await client.batches.cancel(made.id);
        const done = await ended(client, made.id);
        assert.equal(done.status, 'cancelled');
        assert.equal((await rowsOf(client, done.error_file_id)).length, 3);
        assert.ok(
          never.log.requests.some(({ path }) => path.endsWith('/cancel')),
          model,
        );
      } finally {
        await own.stop();
        await never.close();
      }
    }
  });

  it('are found again where the process died before it heard that OpenAI had one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-native-'));
    const late = await startSimulator({
      script: [{ match: { method: 'POST', path: '/v1/batches' }, delay_ms: 10_000 }],
    });
    try {
      const config = configOf(late);
      const first = await start({ config, dir });
      const made = await batchOf(openaiAt(first), chatLines(3, 'openai/gpt-x'));
      const isSent = (one: { method: string; path: string }): boolean =>
        one.method === 'POST' && one.path.endsWith('/batches');
      await late.log.waitFor((one) => isSent(one) && one.receivedMs !== undefined, END_MAX_MS);
      first.child.kill('SIGKILL');
      await once(first.child, 'exit');
      const second = await start({ config, dir });
      const done = await ended(openaiAt(second), made.id);
      assert.deepEqual(done.request_counts, { total: 3, completed: 3, failed: 0 });
      assert.equal(late.log.requests.filter(isSent).length, 1);
      assert.equal(await second.stop(), 0);
    } finally {
      await late.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('are paid by whom their key belonged to, also where it was disabled before they ended', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-native-'));
    const patient = await startSimulator({ batchLooks: 3 });
    try {
      const config = configOf(patient);
      const first = await start({ config, dir });
      const { id: keyId, key } = await newKey(first, { tags: ['blue'] });
      await batchOf(openaiAt(first, key), chatLines(3, 'openai/gpt-x'));
      await patient.log.waitFor((one) => /batches\/[^/]+$/.test(one.path), END_MAX_MS);
      first.child.kill('SIGKILL');
      await once(first.child, 'exit');
      const data = join(dir, 'data');
      // What the provider has done by then is done, whoever asks.
      for (const { path } of patient.log.requests.filter((one) => /batches\/[^/]+$/.test(one.path)))
        for (let look = 0; look < 3; look++) await fetch(`${patient.url}${path}`);
      const disabled = await runCli(['keys', 'disable', keyId, '--data', data], { cwd: dir });
      assert.equal(disabled.code, 0, disabled.stderr);
      const second = await start({ config, dir });
      const rows = await until(
        async () => usageOf(second, keyId),
        (found) => found.length === 3,
      );
      for (const row of rows) assert.deepEqual(row['tags'], ['blue']);
      assert.equal(await second.stop(), 0);
    } finally {
      await patient.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('survive kill -9 while the provider works: nothing is sent twice, each line is booked once', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-native-'));
    const patient = await startSimulator({ batchLooks: 5 });
    try {
      const config = configOf(patient);
      const first = await start({ config, dir });
      const { id: keyId, key } = await newKey(first, { budget_usd: '1' });
      const made = await batchOf(openaiAt(first, key), chatLines(20, 'openai/gpt-x'));
      await patient.log.waitFor((one) => /batches\/[^/]+$/.test(one.path), END_MAX_MS);
      first.child.kill('SIGKILL');
      await once(first.child, 'exit');
      const second = await start({ config, dir });
      const done = await ended(openaiAt(second, key), made.id);
      assert.deepEqual(done.request_counts, { total: 20, completed: 20, failed: 0 });
      assert.equal(
        patient.log.requests.filter(({ path, method }) => method === 'POST' && path.endsWith('/batches')).length,
        1,
      );
      assert.equal((await usageOf(second, keyId)).length, 20);
      assert.equal(await second.stop(), 0);
      const proof = await runCli(['ledger', 'verify', '--json', '--data', join(dir, 'data')], { cwd: dir });
      assert.equal(proof.code, 0, proof.stdout);
    } finally {
      await patient.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
