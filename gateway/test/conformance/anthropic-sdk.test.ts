/** The official Anthropic SDK reads what we write, over a real socket. */
import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { specOf, type FaultCode } from '../../src/chat/fault.ts';
import { anthropicMessages } from '../../src/dialects/anthropic-messages.ts';
import { asArray, asRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { CONTEXT, decodeAll, encodeAll, replies, skip, SOME_MODEL, whole } from './anthropic-recordings.ts';

describe('anthropic-messages: read by @anthropic-ai/sdk over a socket', { skip }, () => {
  const answers = new Map<string, { readonly type: string; readonly status: number; readonly body: string | Buffer }>();
  let server: Server;
  let client: Anthropic;

  before(async () => {
    server = createServer((incoming, outgoing) => {
      incoming.resume();
      const answer = answers.get(String(incoming.headers['x-answer']));
      outgoing.writeHead(answer?.status ?? 500, {
        'content-type': answer?.type ?? 'text/plain',
        'request-id': 'req_test',
      });
      outgoing.end(answer?.body ?? '');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    client = new Anthropic({ apiKey: 'test', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function streamed(key: string): Promise<Anthropic.Message> {
    const params = { model: SOME_MODEL, max_tokens: 16, messages: [{ role: 'user' as const, content: 'hi' }] };
    return client.messages.stream(params, { headers: { 'x-answer': key } }).finalMessage();
  }

  async function created(key: string): Promise<Anthropic.Message> {
    const params = { model: SOME_MODEL, max_tokens: 16, messages: [{ role: 'user' as const, content: 'hi' }] };
    return client.messages.create(params, { headers: { 'x-answer': key } });
  }

  it('the SDK makes the same message of our stream as of the recorded one', async (test) => {
    const readable = whole.filter(({ stream }) => stream.includes('message_stop') && stream.includes('message_start'));
    let count = 0;
    for (const { id, stream } of readable) {
      const bytes = firstMessage(stream);
      answers.set('recorded', { type: 'text/event-stream', status: 200, body: bytes });
      answers.set('ours', { type: 'text/event-stream', status: 200, body: encodeAll(decodeAll([bytes])) });
      const [recorded, ours] = [await streamed('recorded'), await streamed('ours')];
      assert.deepEqual(shown(ours), shown(recorded), id);
      count += 1;
    }
    test.diagnostic(`${count} streams`);
    assert.ok(count >= 120);
  });

  it('the SDK reads our whole replies', async (test) => {
    for (const { id, response } of replies) {
      const decoded = anthropicMessages.decodeResponse(asRecord(response) ?? {}, 'anthropic');
      assert.ok(decoded.ok);
      const body = anthropicMessages.encodeResponse(decoded.value, CONTEXT).body;
      answers.set('whole', { type: 'application/json', status: 200, body: JSON.stringify(body) });
      const message = await created('whole');
      assert.equal(message.id, asRecord(response)?.['id'], id);
      assert.equal(message.content.length, asArray(asRecord(response)?.['content'])?.length, id);
    }
    test.diagnostic(`${replies.length} replies`);
  });

  it('the SDK raises its own exceptions on our errors', async () => {
    const table: readonly (readonly [FaultCode, new (...args: never[]) => Error])[] = [
      ['field-invalid', Anthropic.BadRequestError],
      ['key-unknown', Anthropic.AuthenticationError],
      ['model-not-allowed', Anthropic.PermissionDeniedError],
      ['model-unknown', Anthropic.NotFoundError],
      ['rate-limited', Anthropic.RateLimitError],
      ['no-target', Anthropic.InternalServerError],
    ];
    for (const [code, expected] of table) {
      const fault = { code, message: `it is ${code}` };
      const body = anthropicMessages.encodeFault(fault, { requestId: 'req_test' });
      answers.set('error', { type: 'application/json', status: specOf(fault).status, body: JSON.stringify(body) });
      await assert.rejects(created('error'), (error: unknown) => {
        assert.ok(error instanceof expected && error instanceof Anthropic.APIError, code);
        assert.equal(error.errorCode, code);
        assert.equal(error.apiMessage, fault.message);
        return true;
      });
    }
  });

  it('the SDK raises on our error event in the middle of a stream, and not on a ping', async () => {
    const events = decodeAll([whole.find(({ stream }) => stream.length > 2000)?.stream ?? Buffer.alloc(0)]);
    const half = events.slice(0, Math.floor(events.length / 2));
    const encoder = anthropicMessages.encoder(CONTEXT);
    const text = [...half, { type: 'ping' as const }].map((event) => encoder.push(event)).join('');
    const broken = encoder.push({ type: 'error', fault: { code: 'upstream-cut', message: 'it was cut' } });
    assert.equal(encoder.end(), '');
    answers.set('broken', { type: 'text/event-stream', status: 200, body: text + broken });
    await assert.rejects(streamed('broken'), (error: unknown) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.equal(error.type, 'api_error');
      assert.match(error.message, /it was cut/);
      return true;
    });
  });
});

/** One recording holds three messages in a row; a client reads the first. */
function firstMessage(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\n\n', bytes.indexOf('event: message_stop'));
  return end === -1 ? bytes : bytes.subarray(0, end + 2);
}

/** What a person sees of a message. Usage of the start is part of it, as the SDK adds it up. */
function shown(message: Anthropic.Message): JsonRecord {
  const record = asRecord(parseJson(JSON.stringify(message))) ?? {};
  const usage = asRecord(record['usage']) ?? {};
  const counts = [
    'input_tokens',
    'output_tokens',
    'cache_read_input_tokens',
    'cache_creation_input_tokens',
    'server_tool_use',
  ];
  return {
    id: record['id'],
    model: record['model'],
    content: (asArray(record['content']) ?? [])
      .map((block) => shownBlock(asRecord(block) ?? {}))
      .filter((block) => !isNothing(block)),
    stop_reason: record['stop_reason'],
    stop_sequence: record['stop_sequence'],
    stop_details: record['stop_details'] ?? null,
    container: record['container'] ?? null,
    usage: Object.fromEntries(counts.map((name) => [name, usage[name] ?? 0])),
  };
}

/** A block that began with an empty list of citations, or without a signature, says the same as one that did not. */
function shownBlock(block: JsonRecord): JsonRecord {
  if (block['type'] === 'text') {
    const { citations, ...rest } = block;
    return asArray(citations)?.length === 0 ? rest : { ...rest, ...(citations === undefined ? {} : { citations }) };
  }
  return block['type'] === 'thinking' ? { ...block, signature: block['signature'] ?? '' } : block;
}

function isNothing(block: JsonRecord): boolean {
  return (
    (block['type'] === 'text' && block['text'] === '') ||
    (block['type'] === 'thinking' && block['thinking'] === '' && block['signature'] === '')
  );
}
