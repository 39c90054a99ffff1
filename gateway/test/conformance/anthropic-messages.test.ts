/**
 * The dialect `anthropic-messages` against everything that was recorded of it: Anthropic's own API, Claude on Vertex, and
 * the requests of real clients. The official SDK reads what we write, over a real socket.
 */
import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import { specOf, type FaultCode } from '../../src/chat/fault.ts';
import type { ChatEvent } from '../../src/chat/reply.ts';
import { mergeUsage, type Usage } from '../../src/chat/usage.ts';
import { anthropicMessages, countTokensResponse } from '../../src/dialects/anthropic-messages.ts';
import { hasForeignThinking } from '../../src/dialects/anthropic-messages/foreign-thinking.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { asArray, asNumber, asRecord, asString, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { formatSse, sseSplitter } from '../../src/lib/sse.ts';
import { vertexAnthropic } from '../../src/providers/vertex-anthropic.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { dice } from '../dice.ts';
import { REQUEST_RULES, RESPONSE_RULES, RuleBook } from './anthropic-messages-differences.ts';

const WIRES: ReadonlySet<string> = new Set(['anthropic-messages', 'vertex-anthropic']);
/** Recordings whose request names no model: Vertex has it in the URL. */
const SOME_MODEL = 'claude-haiku-4-5';
const CONTEXT: EncodeContext = { requestId: 'req_test', model: SOME_MODEL, nowS: 0, wantsStreamUsage: true };
const SEED = 20261122;
const RANDOM_CUTS = 50;
/** The only recorded stream that is broken inside: two messages spliced into one (a test fixture of @ai-sdk/anthropic). */
const SPLICED = 'anthropic-5f301aab0471';

interface Exchange {
  readonly id: string;
  readonly wire: string;
  readonly operation: string;
  readonly url: string;
  readonly request?: JsonRecord;
  readonly status: number;
  readonly headers: JsonRecord;
  readonly response?: Json;
  readonly stream?: Buffer;
}

function readJson(...path: readonly string[]): JsonRecord {
  return asRecord(parseJson(readFileSync(join(corpusDir() ?? '', ...path), 'utf8'))) ?? {};
}

function readExchange(file: string): Exchange {
  const record = readJson('providers', file);
  const request = asRecord(record['request']);
  const response = asRecord(record['response']) ?? {};
  const body = asRecord(request?.['body']);
  const stream = asRecord(response['stream']);
  return {
    id: asString(record['id']) ?? '',
    wire: asString(record['wire']) ?? '',
    operation: asString(record['operation']) ?? '',
    url: asString(request?.['url']) ?? '',
    ...(body === undefined ? {} : { request: { model: SOME_MODEL, ...body } }),
    status: asNumber(response['status']) ?? 0,
    headers: asRecord(response['headers']) ?? {},
    ...(response['body'] === undefined ? {} : { response: response['body'] }),
    ...(stream === undefined ? {} : { stream: streamBytes(stream) }),
  };
}

/** Streams that were captured as parsed events are written as the API writes them. */
function streamBytes(stream: JsonRecord): Buffer {
  if (typeof stream['data'] === 'string') return Buffer.from(stream['data']);
  return Buffer.from(sseOf(asArray(stream['data']) ?? []));
}

function sseOf(events: readonly Json[]): string {
  return events.map((event) => formatSse(JSON.stringify(event), asString(asRecord(event)?.['type']) ?? '')).join('');
}

function readCorpus(wires: ReadonlySet<string>): readonly Exchange[] {
  const index = parseJson(readFileSync(join(corpusDir() ?? '', 'providers', 'index.json'), 'utf8'));
  return (asArray(index) ?? []).flatMap((entry) => {
    const row = asRecord(entry);
    const file = asString(row?.['file']);
    return file !== undefined && wires.has(asString(row?.['wire']) ?? '') ? [readExchange(file)] : [];
  });
}

/** Answers of the real provider to requests that others translated into this wire. */
function readTranslated(): readonly Exchange[] {
  const dir = join(corpusDir() ?? '', 'providers', 'translations');
  return readdirSync(dir)
    .filter((name) => name.includes('--anthropic--'))
    .flatMap((name) => {
      const record = readJson('providers', 'translations', name);
      const response = asRecord(record['target_response']);
      const events = asArray(record['target_stream_events']);
      const isGood = record['accepted_by_provider'] === true;
      const base = {
        id: asString(record['id']) ?? name,
        wire: 'anthropic-messages',
        operation: 'chat',
        url: '',
        status: 200,
        headers: {},
      };
      return isGood
        ? [
            {
              ...base,
              ...(response === undefined ? {} : { response }),
              ...(events === undefined ? {} : { stream: Buffer.from(sseOf(events)) }),
            },
          ]
        : [];
    });
}

/** The requests of real clients on this wire. Claude Code under another model's name means a Claude behind it here. */
function readClients(): readonly { readonly id: string; readonly body: JsonRecord }[] {
  const dir = join(corpusDir() ?? '', 'clients');
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const record = readJson('clients', name);
      const body = asRecord(asRecord(record['request'])?.['body']);
      const model = asString(body?.['model'])?.startsWith('claude') === true ? body?.['model'] : 'claude-opus-4-8';
      return record['wire'] === 'anthropic-messages' && body !== undefined
        ? [{ id: name, body: { ...body, model } }]
        : [];
    });
}

function decodeAll(chunks: Iterable<Uint8Array>): readonly ChatEvent[] {
  const decoder = anthropicMessages.decoder('anthropic');
  const events: ChatEvent[] = [];
  for (const chunk of chunks) events.push(...decoder.push(chunk));
  return [...events, ...decoder.end()];
}

function encodeAll(events: readonly ChatEvent[]): string {
  const encoder = anthropicMessages.encoder(CONTEXT);
  const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
  assert.deepEqual(encoder.losses(), []);
  return text;
}

function* cutRandomly(bytes: Buffer, random: () => number, sizeMax: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(random() * sizeMax);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** A round trip of a request through the one language. */
function rewritten(body: JsonRecord): JsonRecord {
  const decoded = anthropicMessages.decodeRequest(body, {});
  assert.ok(decoded.ok);
  const encoded = anthropicMessages.encodeRequest(decoded.value, { model: asString(body['model']) ?? '' });
  assert.deepEqual(encoded.losses, []);
  return encoded.body;
}

const suite = 'anthropic-messages conformance';

describe(suite, { skip: corpusSkip(suite) }, () => {
  const isThere = corpusDir() !== undefined;
  const exchanges = isThere ? readCorpus(WIRES) : [];
  const translated = isThere ? readTranslated() : [];
  const clients = isThere ? readClients() : [];
  const accepted = exchanges.filter((exchange) => exchange.request !== undefined && exchange.status < 300);
  const replies = [...exchanges, ...translated].filter(
    (exchange) => exchange.response !== undefined && exchange.status === 200,
  );
  const streams = [...exchanges, ...translated].filter((exchange) => exchange.stream !== undefined);
  const whole = streams.filter((exchange) =>
    decodeAll([exchange.stream ?? Buffer.alloc(0)]).every((event) => event.type !== 'error'),
  );

  it('accepts every request that the provider accepted, and every one of a real client', (test) => {
    for (const { id, request } of accepted) {
      const inspected = anthropicMessages.inspect(request ?? {}, {});
      assert.ok(inspected.ok, `${id}: ${inspected.ok ? '' : inspected.error.message}`);
      assert.ok(inspected.value.textLength > 0, id);
      assert.equal(hasForeignThinking(request ?? {}, { refusesUnsigned: true }), false, id);
    }
    for (const { id, body } of clients) {
      const inspected = anthropicMessages.inspect(body, {});
      assert.ok(inspected.ok, `${id}: ${inspected.ok ? '' : inspected.error.message}`);
    }
    test.diagnostic(`${accepted.length} accepted requests, ${clients.length} of clients`);
    assert.ok(accepted.length >= 300 && clients.length >= 20);
  });

  it('accepts a request to count tokens, which names no limit', (test) => {
    const counts = readCorpus(new Set(['count-tokens'])).filter(({ url }) => url.includes('/v1/messages/count_tokens'));
    for (const { id, request, response } of counts) {
      assert.ok(anthropicMessages.inspect(request ?? {}, { operation: 'count-tokens' }).ok, id);
      assert.deepEqual(Object.keys(asRecord(response) ?? {}), Object.keys(countTokensResponse(1)), id);
    }
    test.diagnostic(`${counts.length} requests`);
    assert.ok(counts.length >= 10);
  });

  it('writes a request as it was read, but for the listed differences', (test) => {
    const book = new RuleBook(REQUEST_RULES);
    const all = [...accepted.map(({ id, request }) => ({ id, body: request ?? {} })), ...clients];
    for (const { id, body } of all) assert.deepEqual(rewritten(body), book.expected(body), id);
    test.diagnostic(`${all.length} requests; differences:\n${book.lines().join('\n')}`);
    for (const [name, count] of book.counts) assert.ok(count > 0, `no body needs the rule: ${name}`);
  });

  it('writes a reply as it was read, but for the listed differences', (test) => {
    const book = new RuleBook(RESPONSE_RULES);
    for (const { id, response } of replies) {
      const body = asRecord(response) ?? {};
      const decoded = anthropicMessages.decodeResponse(body, 'anthropic');
      assert.ok(decoded.ok, id);
      const encoded = anthropicMessages.encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(encoded.losses, [], id);
      assert.deepEqual(encoded.body, book.expected(body), id);
    }
    test.diagnostic(`${replies.length} replies; differences:\n${book.lines().join('\n')}`);
    assert.ok(replies.length >= 200);
  });

  it('reads the same events wherever the network cuts the bytes', (test) => {
    const random = dice(SEED);
    let bytesRead = 0;
    for (const { id, stream } of streams) {
      const bytes = stream ?? Buffer.alloc(0);
      const expected = decodeAll([bytes]);
      assert.deepEqual(decodeAll(cutRandomly(bytes, random, 7)), expected, id);
      assert.deepEqual(decodeAll(cutRandomly(bytes, random, 1500)), expected, id);
      bytesRead += bytes.length;
    }
    test.diagnostic(`${streams.length} streams of ${bytesRead} bytes, seed ${SEED}`);
    assert.ok(streams.length >= 120);
  });

  it('reads the same events with CRLF, CR, comments and no space after the colon', () => {
    for (const { id, stream } of streams) {
      const text = (stream ?? Buffer.alloc(0)).toString('utf8');
      const expected = decodeAll([Buffer.from(text)]);
      assert.deepEqual(decodeAll([Buffer.from(text.replaceAll('\n', '\r\n'))]), expected, id);
      assert.deepEqual(decodeAll([Buffer.from(text.replaceAll('\n', '\r'))]), expected, id);
      assert.deepEqual(
        decodeAll([Buffer.from(`\ufeff: hello\n\n${text.replaceAll(/^(data|event): /gm, '$1:')}`)]),
        expected,
        id,
      );
    }
  });

  it('gives the events so far and then an honest error, wherever the stream ends too early', (test) => {
    const random = dice(SEED);
    let cuts = 0;
    for (const { id, stream } of whole) {
      const bytes = stream ?? Buffer.alloc(0);
      const full = decodeAll([bytes]);
      for (const cut of [
        ...eventEnds(bytes),
        ...Array.from({ length: RANDOM_CUTS }, () => Math.floor(random() * bytes.length)),
      ]) {
        const events = decodeAll([bytes.subarray(0, cut)]);
        const last = events.at(-1);
        const isBroken = last?.type === 'error';
        const seen = isBroken ? events.slice(0, -1) : events;
        assert.deepEqual(seen, full.slice(0, seen.length), `${id} cut at ${cut}`);
        assert.equal(isBroken, !seen.some((event) => event.type === 'finish'), `${id} cut at ${cut}`);
        if (isBroken) assert.equal(last.fault.code, 'upstream-cut', `${id} cut at ${cut}`);
        cuts += 1;
      }
    }
    test.diagnostic(`${cuts} cuts of ${whole.length} streams, seed ${SEED}`);
    assert.deepEqual(
      streams.filter((exchange) => !whole.includes(exchange)).map((exchange) => exchange.id),
      [SPLICED, 'anthropic-constructed-cut'],
    );
  });

  it('writes a stream that reads the same again', (test) => {
    for (const { id, stream } of whole) {
      const events = decodeAll([stream ?? Buffer.alloc(0)]);
      const again = decodeAll([Buffer.from(encodeAll(events))]);
      assert.deepEqual(collect(again, 'anthropic-messages'), collect(events, 'anthropic-messages'), id);
    }
    test.diagnostic(`${whole.length} streams`);
  });

  it('taps what the decoder reads: first content, finish, usage, fault, pings', (test) => {
    let seen = 0;
    for (const { id, stream } of streams) seen += assertTapAgrees(id, stream ?? Buffer.alloc(0));
    test.diagnostic(`${seen} events of ${streams.length} streams`);
    assert.ok(seen >= 2800);
  });

  it('classifies every recorded refusal, and shows no secret', (test) => {
    const refused = exchanges.filter((exchange) => exchange.status >= 400);
    const codes = new Map<string, number>();
    for (const { id, status, headers, response } of refused) {
      const fault = anthropicMessages.decodeError({
        status,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, asString(value)])),
        body: JSON.stringify(response),
        provider: 'anthropic',
        model: SOME_MODEL,
        nowMs: 0,
      });
      assert.equal(fault.code, expectedCode(status, JSON.stringify(response)), id);
      assert.doesNotMatch(fault.message, /x-api-key|sk-ant/, id);
      assert.equal(fault.upstreamStatus, status, id);
      codes.set(fault.code, (codes.get(fault.code) ?? 0) + 1);
    }
    test.diagnostic(`${refused.length} refusals: ${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')}`);
    assert.ok(refused.length >= 20);
  });

  it('sends to Vertex what Vertex was recorded to take', (test) => {
    const vertex = accepted.filter(({ wire, request }) => wire === 'vertex-anthropic' && request !== undefined);
    let urls = 0;
    for (const { id, url, operation, request } of vertex) {
      const [, base = '', model = ''] = /^(.*)\/publishers\/anthropic\/models\/(.*):/.exec(url) ?? [];
      const recorded = Object.fromEntries(Object.entries(request ?? {}).filter(([name]) => name !== 'model'));
      const { anthropic_version: _, ...plain } = recorded;
      const body = { model: 'claude-of-the-caller', ...plain };
      assert.equal(vertexAnthropic.needsAmend?.(body), true, id);
      assert.deepEqual(vertexAnthropic.amendRequest?.(body), recorded, id);
      assert.equal(vertexAnthropic.needsAmend?.(recorded), false, id);
      // Some captures lost the model from the address.
      if (model === '') continue;
      assert.equal(
        vertexAnthropic.url?.({ baseUrl: base, path: '/v1/messages', model, isStreaming: operation === 'chat-stream' }),
        url,
        id,
      );
      urls += 1;
    }
    test.diagnostic(`${vertex.length} bodies, ${urls} addresses`);
    assert.ok(vertex.length >= 13 && urls >= 8);
  });

  describe('read by @anthropic-ai/sdk over a socket', () => {
    const answers = new Map<
      string,
      { readonly type: string; readonly status: number; readonly body: string | Buffer }
    >();
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
      const readable = whole.filter(
        ({ stream }) => stream?.includes('message_stop') === true && stream.includes('message_start'),
      );
      let count = 0;
      for (const { id, stream } of readable) {
        const bytes = firstMessage(stream ?? Buffer.alloc(0));
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
      const events = decodeAll([whole.find(({ stream }) => (stream?.length ?? 0) > 2000)?.stream ?? Buffer.alloc(0)]);
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
});

/** Byte positions behind each event. */
function eventEnds(bytes: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf('\n\n'); at !== -1; at = bytes.indexOf('\n\n', at + 2)) ends.push(at + 2);
  return ends.slice(0, -1);
}

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

function isContent(event: ChatEvent): boolean {
  const { type } = event;
  if (type === 'text-delta' || type === 'reasoning-delta') return event.text !== '';
  return (
    type === 'tool-call-start' ||
    type === 'tool-call-delta' ||
    type === 'opaque' ||
    type === 'reasoning-encrypted' ||
    type === 'citation'
  );
}

/** Event by event: what the tap marks is what the decoder says, and no content comes before the tap's first mark. */
function assertTapAgrees(id: string, bytes: Buffer): number {
  const tap = anthropicMessages.tap('anthropic');
  const decoder = anthropicMessages.decoder('anthropic');
  let usage: Usage | undefined;
  let tapped: Usage | undefined;
  let hasContent = false;
  let count = 0;
  for (const event of sseSplitter().push(bytes)) {
    const mark = tap.see(event.name, event.data);
    const events = decoder.push(event.raw);
    const place = `${id}, event ${count}`;
    hasContent ||= mark.hasContent === true;
    if (events.some(isContent)) assert.ok(hasContent, place);
    if (mark.usage !== undefined) tapped = mergeUsage(tapped, mark.usage);
    for (const one of events) if (one.type === 'usage') usage = mergeUsage(usage, one.usage);
    assert.deepEqual(tapped, usage, place);
    assert.equal(
      mark.isFinished === true && mark.isLast !== true,
      events.some((one) => one.type === 'finish') && mark.isLast !== true,
      place,
    );
    const failure = events.find((one) => one.type === 'error');
    assert.deepEqual(mark.fault, failure?.type === 'error' ? failure.fault : undefined, place);
    if (events.length === 1 && events[0]?.type === 'ping') assert.equal(mark.isPing, true, place);
    count += 1;
    if (mark.isLast === true || mark.fault !== undefined) break;
  }
  const decoded = decodeAll([bytes]);
  assert.equal(hasContent, decoded.some(isContent), id);
  return count;
}

/** By hand, from what the bodies say. */
function expectedCode(status: number, body: string): FaultCode {
  if (status === 401) return 'upstream-auth';
  if (status === 402 || body.includes('spend_limit')) return 'upstream-quota';
  if (status === 404) return 'upstream-not-found';
  if (status === 529) return 'upstream-overloaded';
  if (status === 500) return 'upstream-error';
  return body.includes('prompt is too long') ? 'context-length' : 'upstream-refused';
}
