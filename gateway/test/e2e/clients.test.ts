/**
 * What real clients send, recorded, goes through a real gateway: to a provider of their own protocol whole, to providers of the
 * others translated. Who swaps a base URL expects nothing to break, so that the requests that are refused are listed here.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { WIRES as ALL, type Wire as AnyWire } from '../translation/wires.ts';

/** Those that recorded clients speak. */
type Wire = Exclude<AnyWire, 'cohere'>;
const WIRES = ALL.filter((wire) => wire !== 'cohere');

const SUITE = 'clients';
const SPOKEN: Readonly<Record<string, Wire>> = {
  'openai-chat': 'openai-chat',
  'openai-responses': 'openai-responses',
  'anthropic-messages': 'anthropic-messages',
  'gemini-generate': 'gemini',
};
/** A provider a protocol, with a model of the kind that is asked there. */
const TARGETS: Readonly<Record<Wire, { readonly provider: string; readonly model: string }>> = {
  'openai-chat': { provider: 'house-openai', model: 'gpt-5-nano' },
  'openai-responses': { provider: 'house-responses', model: 'gpt-5-nano' },
  'anthropic-messages': { provider: 'house-anthropic', model: 'claude-sonnet-4-5' },
  gemini: { provider: 'house-gemini', model: 'gemini-3.5-flash' },
};
/** Another model at each of them, to fall back to. */
const SPARE = 'spare';
/** Headers of a connection, not of a request. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);
const KEY_HEADERS = ['authorization', 'x-api-key', 'x-goog-api-key'];
/** Headers that the provider of the client's own protocol must see. */
const FORWARDED = ['anthropic-beta', 'anthropic-version'];
const WORD = 'pong';
const PRICE = '{price: {input: 1, output: 2}}';

/**
 * What is refused unless the client adapts, by client and field. All of it changes what the answer is: another search, a file
 * that only Google has, sound, several choices, weights of tokens, stop sequences where there are none, tools that only the
 * Responses API has.
 */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  '@ai-sdk/anthropic ai-anthropic.generateText': ['stop_sequences'],
  '@ai-sdk/google ai-google.generateText': ['generationConfig.stopSequences'],
  '@google/genai genai.google-search': ['tools[0].googleSearch'],
  '@google/genai genai.image': ['contents[0].parts[1]'],
  '@openai/codex codex-img.text': ['tools[4]'],
  '@openai/codex codex.err500': ['tools[4]'],
  '@openai/codex codex.tool': ['tools[4]'],
  '@openai/codex-sdk codexsdk.text': ['tools[4]'],
  'openai openai.chat.file+audio': ['modalities', 'messages[0].content[2]', 'audio'],
  'openai openai.chat.sampling': ['n', 'logit_bias'],
  'openai openai.chat.web-search-options': ['web_search_options'],
};

interface Recorded {
  readonly id: string;
  /** Client without its version, and what it was doing. */
  readonly title: string;
  readonly wire: Wire | 'models';
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonRecord | undefined;
}

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonRecord;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const recorded: readonly Recorded[] = readRecorded();

function readRecorded(): readonly Recorded[] {
  const corpus = corpusDir();
  if (corpus === undefined) return [];
  const dir = join(corpus, 'clients');
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .flatMap((file) => {
      const row = asRecord(parseJson(readFileSync(join(dir, file), 'utf8'))) ?? {};
      const name = asString(row['wire']) ?? '';
      const wire = name === 'models' ? 'models' : SPOKEN[name];
      return wire === undefined ? [] : [recordedOf(row, wire)];
    });
}

function recordedOf(row: JsonRecord, wire: Recorded['wire']): Recorded {
  const request = asRecord(row['request']) ?? {};
  const headers = Object.entries(asRecord(request['headers']) ?? {}).flatMap(
    ([name, value]): readonly (readonly [string, string])[] =>
      typeof value === 'string' && !OF_THE_CONNECTION.has(name) ? [[name, value]] : [],
  );
  const client = (asString(row['client']) ?? '').replace(/ [\d.]+$/, '');
  return {
    id: asString(row['id']) ?? '',
    title: `${client} ${asString(row['case']) ?? ''}`,
    wire,
    method: asString(request['method']) ?? '',
    path: asString(request['path']) ?? '',
    headers: Object.fromEntries(headers),
    body: asRecord(request['body']),
  };
}

/** The request as this test's user would send it: with our key where the client puts its own, to the model of `to`. */
function pointedAt(
  one: Recorded,
  to: Wire,
  more: Readonly<Record<string, string>> = {},
): { readonly path: string; readonly headers: Record<string, string>; readonly body: JsonRecord } {
  const { provider, model } = TARGETS[to];
  const name = `${provider}/${model}`;
  const headers: Record<string, string> = { ...one.headers, ...more };
  for (const key of KEY_HEADERS) {
    const value = headers[key];
    if (value !== undefined) headers[key] = value.replace('redacted', ROOT_KEY);
  }
  if (one.wire === 'gemini')
    return {
      path: one.path.replace(/models\/[^:]+:/, `models/${encodeURIComponent(name)}:`),
      headers,
      body: one.body ?? {},
    };
  const wishes = asRecord(one.body?.['provider']);
  return {
    path: one.path,
    headers,
    body: {
      ...one.body,
      model: name,
      // One client names fallbacks and providers of OpenRouter's, which are ours here.
      ...(one.body?.['models'] === undefined ? {} : { models: [`${provider}/${SPARE}`] }),
      ...(wishes === undefined ? {} : { provider: { ...wishes, order: [provider] } }),
    },
  };
}

function send(
  url: string,
  method: string,
  of: { readonly path: string; readonly headers: Record<string, string>; readonly body?: JsonRecord },
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${url}${of.path}`, { method, headers: of.headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(of.body === undefined ? undefined : JSON.stringify(of.body));
  });
}

function wireOfUrl(url: string): Wire {
  if (url.includes('/chat/completions')) return 'openai-chat';
  if (url.includes('/responses')) return 'openai-responses';
  return url.includes('/v1/messages') ? 'anthropic-messages' : 'gemini';
}

/** The least reply of each protocol, in the form that was asked for. */
function replyTo({ url, body }: Seen): { readonly type: string; readonly text: string } {
  const wire = wireOfUrl(url);
  const isStream = wire === 'gemini' ? url.includes('streamGenerateContent') : body['stream'] === true;
  const whole = WHOLE[wire];
  if (!isStream) return { type: 'application/json', text: JSON.stringify(whole) };
  return { type: 'text/event-stream', text: STREAMS[wire] };
}

const WHOLE: Readonly<Record<Wire, JsonRecord>> = {
  'openai-chat': {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: WORD }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  },
  'openai-responses': {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'm',
    output: [
      {
        id: 'msg_1',
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: WORD, annotations: [] }],
      },
    ],
    usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 },
  },
  'anthropic-messages': {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: WORD }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 1 },
  },
  gemini: {
    candidates: [{ content: { role: 'model', parts: [{ text: WORD }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4 },
  },
};

const CHUNK = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
const STREAMS: Readonly<Record<Wire, string>> = {
  'openai-chat': [
    { ...CHUNK, choices: [{ index: 0, delta: { role: 'assistant', content: WORD }, finish_reason: null }] },
    { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { ...CHUNK, choices: [], usage: WHOLE['openai-chat']['usage'] },
  ]
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .concat('data: [DONE]\n\n')
    .join(''),
  'openai-responses': [
    { type: 'response.created', response: { ...WHOLE['openai-responses'], status: 'in_progress', output: [] } },
    { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: WORD },
    { type: 'response.completed', response: WHOLE['openai-responses'] },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join(''),
  'anthropic-messages': [
    { type: 'message_start', message: { ...WHOLE['anthropic-messages'], content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: WORD } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join(''),
  gemini: `data: ${JSON.stringify(WHOLE.gemini)}\r\n\r\n`,
};

/** The reply as its client reads it; a text where it cannot. */
function readReply(wire: Wire, got: Got): ChatResponse | string {
  const dialect = gateDialects[wire];
  if (got.headers['content-type']?.startsWith('text/event-stream') === true) {
    const decoder = dialect.decoder('turnout');
    const events = [...decoder.push(got.body), ...decoder.end()];
    const broken = events.find((event) => event.type === 'error');
    return broken === undefined ? collect(events, wire) : broken.fault.message;
  }
  const body = parseJson(got.body.toString('utf8'));
  const response = isRecord(body) ? dialect.decodeResponse(body, 'turnout') : undefined;
  return response?.ok === true ? response.value : `not a reply: ${got.body.toString('utf8').slice(0, 200)}`;
}

function saysWord(reply: ChatResponse | string): boolean {
  return (
    typeof reply !== 'string' &&
    reply.choices[0]?.parts.some((part) => part.kind === 'text' && part.text === WORD) === true
  );
}

/** The field that a 400 names, in the form of each protocol. */
function fieldOf(wire: Wire, got: Got): string | undefined {
  const error = asRecord(asRecord(parseJson(got.body.toString('utf8')))?.['error']);
  if (wire === 'openai-chat' || wire === 'openai-responses') return asString(error?.['param']);
  const details: Json | undefined = error?.['details'];
  if (wire === 'anthropic-messages') return asString(asRecord(details)?.['param']);
  return (asArray(details) ?? [])
    .map((detail) => asString(asRecord(asRecord(detail)?.['metadata'])?.['param']))
    .find((param) => param !== undefined);
}

describe('requests of real clients', { skip: corpusSkip(SUITE) }, () => {
  let stub: Server;
  let gateway: TestGateway;
  let seen: Seen | undefined;
  // Codex asks for a WebSocket first, and takes 426 for an answer.
  const chats = recorded.flatMap((one) =>
    one.wire === 'models' || one.method !== 'POST' ? [] : [{ one, wire: one.wire }],
  );

  before(async () => {
    stub = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = asRecord(parseJson(Buffer.concat(chunks).toString('utf8'))) ?? {};
        seen = { url: request.url ?? '', headers: request.headers, body };
        const { type, text } = replyTo(seen);
        response.writeHead(200, { 'content-type': type });
        response.end(text);
      });
    });
    await new Promise<void>((resolve) => {
      stub.listen(0, '127.0.0.1', resolve);
    });
    const { port } = stub.address() as AddressInfo;
    const base = { 'openai-chat': '/v1', 'openai-responses': '/v1', 'anthropic-messages': '', gemini: '/v1beta' };
    const providers = WIRES.map((wire) => {
      const { provider, model } = TARGETS[wire];
      return [
        provider,
        `{dialect: ${wire}, base_url: "http://127.0.0.1:${port}${base[wire]}", api_key: sk-house-0000, models: {${model}: ${PRICE}, ${SPARE}: ${PRICE}}}`,
      ] as const;
    });
    gateway = await startGateway({ config: testConfig(Object.fromEntries(providers)) });
  });

  after(async () => {
    await gateway.stop();
    stub.closeAllConnections();
    stub.close();
  });

  async function exchange(
    one: Recorded,
    to: Wire,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly got: Got; readonly seen: Seen | undefined; readonly sent: JsonRecord }> {
    seen = undefined;
    const request = pointedAt(one, to, headers);
    const got = await send(gateway.url, one.method, request);
    return { got, seen, sent: request.body };
  }

  it('reach a provider of their own protocol whole', async () => {
    const counts: Record<string, number> = {};
    for (const { one, wire } of chats) {
      const { got, seen: upstream, sent } = await exchange(one, wire);
      assert.equal(got.status, 200, `${one.id} ${one.title}: ${got.body.toString('utf8').slice(0, 300)}`);
      assert.ok(upstream !== undefined, one.id);
      assert.deepEqual(upstream.body, expectedBody(wire, sent), `${one.id} ${one.title}`);
      for (const name of FORWARDED) assert.equal(upstream.headers[name], one.headers[name], `${one.id} ${name}`);
      assert.equal(upstream.url.includes('beta=true'), one.path.includes('beta=true'), one.id);
      assert.ok(!JSON.stringify(upstream.headers).includes(ROOT_KEY), `${one.id}: our key left the house`);
      assert.ok(saysWord(readReply(wire, got)), `${one.id} ${one.title}: ${String(readReply(wire, got))}`);
      counts[wire] = (counts[wire] ?? 0) + 1;
    }
    const versions = chats.filter(({ one }) => one.headers['anthropic-beta'] !== undefined).length;
    console.log(
      `clients: ${chats.length} requests reached their own protocol whole ${JSON.stringify(counts)}, ${versions} with anthropic-beta`,
    );
    assert.ok(chats.length >= 98 && versions >= 10);
  });

  it('are answered by providers of the other protocols where they adapt', async () => {
    let answered = 0;
    let adapted = 0;
    for (const { one, wire } of chats) {
      for (const to of WIRES.filter((other) => other !== wire)) {
        const { got, seen: upstream } = await exchange(one, to, { 'x-turnout-adapt': 'true' });
        assert.equal(got.status, 200, `${one.id} ${one.title} to ${to}: ${got.body.toString('utf8').slice(0, 300)}`);
        assert.ok(upstream !== undefined && wireOfUrl(upstream.url) === to, `${one.id} to ${to}`);
        const taken = gateDialects[to].inspect(upstream.body, { model: TARGETS[to].model, isStreaming: false });
        assert.ok(taken.ok, `${one.id} ${one.title} to ${to}: ${taken.ok ? '' : taken.error.message}`);
        assert.ok(saysWord(readReply(wire, got)), `${one.id} ${one.title} to ${to}: ${String(readReply(wire, got))}`);
        answered += 1;
        adapted += got.headers['x-turnout-adapted'] === undefined ? 0 : 1;
      }
    }
    console.log(`clients: ${answered} translated where they adapt, ${adapted} with losses named`);
  });

  it('are refused by no other protocol but for what would change the answer', async () => {
    const refused = new Map<string, Set<string>>();
    let answered = 0;
    let refusals = 0;
    for (const { one, wire } of chats) {
      for (const to of WIRES.filter((other) => other !== wire)) {
        const { got, seen: upstream } = await exchange(one, to);
        if (got.status === 200) {
          assert.ok(saysWord(readReply(wire, got)), `${one.id} ${one.title} to ${to}`);
          answered += 1;
          continue;
        }
        assert.equal(got.status, 400, `${one.id} ${one.title} to ${to}: ${got.body.toString('utf8').slice(0, 300)}`);
        assert.equal(upstream, undefined, `${one.id} ${one.title}: it was refused, and sent all the same`);
        const field = fieldOf(wire, got);
        assert.ok(field !== undefined, `${one.id} ${one.title} to ${to} names no field: ${got.body.toString('utf8')}`);
        refused.set(one.title, (refused.get(one.title) ?? new Set()).add(field));
        refusals += 1;
      }
    }
    const list = [...refused].map(([title, fields]) => `\n  ${title}: ${[...fields].join(', ')}`);
    console.log(
      `clients: ${answered} translated without adapting, ${refusals} refused of ${refused.size} kinds:${list.join('')}`,
    );
    assert.deepEqual(Object.fromEntries([...refused].map(([title, fields]) => [title, [...fields]])), REFUSED);
  });

  it('are told which models there are', async () => {
    const asks = recorded.filter((one) => one.wire === 'models');
    for (const one of asks) {
      const got = await send(gateway.url, one.method, {
        path: one.path,
        headers: pointedAt(one, 'openai-chat').headers,
      });
      assert.equal(got.status, 200, one.id);
      const names = (asArray(asRecord(parseJson(got.body.toString('utf8')))?.['data']) ?? []).map(
        (model) => asRecord(model)?.['id'],
      );
      for (const { provider, model } of Object.values(TARGETS))
        assert.ok(names.includes(`${provider}/${model}`), `${one.id} ${one.title}: ${names.join()}`);
    }
    console.log(`clients: ${asks.length} lists of models`);
    assert.ok(asks.length >= 3);
  });
});

/** What the provider of the same protocol must get: the caller's body, its model's own name, and the wish for usage. */
function expectedBody(wire: Wire, sent: JsonRecord): JsonRecord {
  if (wire === 'gemini') return sent;
  // Fields that this gateway has followed itself.
  const { models: _, provider: __, route: ___, turnout: ____, ...rest } = sent;
  const options = asRecord(rest['stream_options']) ?? {};
  const asks =
    wire === 'openai-chat' && rest['stream'] === true ? { stream_options: { ...options, include_usage: true } } : {};
  return { ...rest, model: TARGETS[wire].model, ...asks };
}
