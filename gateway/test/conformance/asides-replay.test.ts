/**
 * Recorded counts of tokens, replies that a provider keeps, and a prediction, through a real gateway over real sockets: each count asked for in
 * every protocol that has one. Prints the counts.
 */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { asCount, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { ROOT_KEY, startGateway, type TestGateway, TOLERANT } from '../harness.ts';
import { isAside, isPrediction } from './asides.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

interface Got {
  readonly status: number;
  readonly text: string;
}

/** Where tokens are counted: how a client asks, and where the number stands in its answer. */
interface Door {
  readonly protocol: string;
  readonly path: (model: string) => string;
  /** A request that the protocol's own counts may be asked with. */
  readonly plain: (model: string) => JsonRecord;
  readonly countIn: (body: JsonRecord) => number | undefined;
}

const HI = [{ role: 'user', content: 'hi' }];
const DOORS: readonly Door[] = [
  {
    protocol: 'anthropic-messages',
    path: () => '/v1/messages/count_tokens',
    plain: (model) => ({ model, messages: HI }),
    countIn: (body) => asCount(body['input_tokens']),
  },
  {
    protocol: 'openai-responses',
    path: () => '/v1/responses/input_tokens',
    plain: (model) => ({ model, input: HI }),
    countIn: (body) => asCount(body['input_tokens']),
  },
  {
    protocol: 'gemini',
    path: (model) => `/v1beta/models/${encodeURIComponent(model)}:countTokens`,
    plain: () => ({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }),
    countIn: (body) => asCount(body['totalTokens']),
  },
];
/** The provider of a recording, and the protocol in which it was asked. */
const PROVIDERS: Readonly<Record<string, { readonly row: string; readonly base: string; readonly protocol: string }>> =
  {
    anthropic: { row: 'like: anthropic', base: '', protocol: 'anthropic-messages' },
    openai: { row: 'like: openai, dialect: openai-responses', base: '/v1', protocol: 'openai-responses' },
    gemini: { row: 'like: google', base: '/v1beta', protocol: 'gemini' },
    vertex: { row: 'like: google-vertex', base: '/v1/projects/p/locations/l', protocol: 'gemini' },
    bedrock: { row: 'like: amazon-bedrock', base: '', protocol: 'bedrock-converse' },
    replicate: { row: 'like: replicate', base: '/v1', protocol: 'replicate' },
  };

const corpus = corpusDir();

describe('replay of what is beside chats and operations', { skip: corpusSkip('replay') }, () => {
  const recordings =
    corpus === undefined
      ? []
      : readIndex(corpus)
          .filter(isAside)
          .map((row) => readRecording(corpus, row));
  let stub: Server;
  let gateway: TestGateway;
  let current: Recording | undefined;
  let seen: { readonly url: string; readonly body: JsonRecord } | undefined;

  before(async () => {
    stub = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = parseJson(Buffer.concat(chunks).toString('utf8'));
        seen = { url: request.url ?? '', body: isRecord(body) ? body : {} };
        response.writeHead(current?.status ?? 500, { 'content-type': current?.contentType ?? 'text/plain' });
        response.end(current?.bytes);
      });
    });
    await new Promise<void>((resolve) => {
      stub.listen(0, '127.0.0.1', resolve);
    });
    const { port } = stub.address() as AddressInfo;
    const rows = Object.entries(PROVIDERS).map(
      ([id, { row, base }]) =>
        `  r-${id}: {${row}, base_url: "http://127.0.0.1:${port}/${id}${base}", api_key: sk-recorded-0000}`,
    );
    gateway = await startGateway({ config: `attempts: 1\n${TOLERANT}\nproviders:\n${rows.join('\n')}\n` });
  });

  after(async () => {
    await gateway.stop();
    stub.closeAllConnections();
    stub.close();
  });

  for (const door of DOORS) {
    it(`tells the provider's own counts to a client of ${door.protocol}`, async () => {
      const counts: Record<string, number> = {};
      for (const recording of recordings.filter(({ operation }) => operation === 'count-tokens')) {
        const word = await counted(recording, door);
        counts[word] = (counts[word] ?? 0) + 1;
      }
      console.log(`counts as ${door.protocol}: ${JSON.stringify(counts)}`);
    });
  }

  it('shows a kept reply to who comes back for it', async () => {
    const counts: Record<string, number> = {};
    for (const recording of recordings.filter(({ operation }) => operation === 'responses-get')) {
      const word = await kept(recording);
      counts[word] = (counts[word] ?? 0) + 1;
    }
    console.log(`kept replies: ${JSON.stringify(counts)}`);
  });

  it('says that a prediction has not ended, where it has only begun', async () => {
    const [recording] = recordings.filter(isPrediction);
    assert.ok(recording);
    current = recording;
    for (const isStream of [false, true]) {
      seen = undefined;
      const body = { model: `r-replicate/${modelOf(recording)}`, messages: HI, stream: isStream };
      const got = await post(`${gateway.url}/v1/chat/completions`, body);
      const heard = seenNow();
      assert.equal(heard?.url, '/replicate/v1/models/meta/llama-2-70b-chat/predictions');
      assert.deepEqual(heard.body, { input: { prompt: 'hi', max_tokens: 2048 } });
      assert.equal(got.status, 504, got.text);
      assert.match(got.text, /finish its prediction/);
    }
  });

  /** One recorded count, asked for in the protocol of the door: in its own, with the recorded body. */
  async function counted(recording: Recording, door: Door): Promise<string> {
    current = recording;
    seen = undefined;
    const provider = PROVIDERS[recording.provider];
    assert.ok(provider);
    const isOwn = provider.protocol === door.protocol;
    const name = modelOf(recording);
    const model = `r-${recording.provider}/${name}`;
    const own = isOwn && recording.requestBody !== undefined ? recording.requestBody : undefined;
    const body = own === undefined ? door.plain(model) : 'model' in own ? { ...own, model } : own;
    const got = await post(gateway.url + door.path(model), body);
    const heard = seenNow();
    assert.ok(heard !== undefined, `${recording.id}: the provider was not asked`);
    if (recording.status >= 400) return `error ${recording.status}: ${got.status}`;
    assert.equal(got.status, 200, `${recording.id}: ${got.text}`);
    const answer = parseJson(got.text);
    assert.ok(isRecord(answer), recording.id);
    assert.equal(door.countIn(answer), countIn(recording), recording.id);
    if (own === undefined) return 'counted by the provider';
    assert.deepEqual(answer, recording.json, recording.id);
    assert.deepEqual(heard.body, 'model' in own ? { ...own, model: name } : own, recording.id);
    return 'request and answer whole';
  }

  /** Apart, since it is set from elsewhere. */
  function seenNow(): typeof seen {
    return seen;
  }

  /** A kept reply was once given: its provider gives it, and the gateway shows it again. */
  async function kept(recording: Recording): Promise<string> {
    current = recording;
    const got = await post(`${gateway.url}/v1/responses`, { model: 'r-openai/recorded-model', input: 'hi' });
    if (recording.status >= 400) {
      assert.ok(got.status >= 400, `${recording.id}: ${got.status}`);
      return `error ${recording.status}: ${got.status}`;
    }
    const id = isRecord(recording.json) ? (asString(recording.json['id']) ?? '') : '';
    const shown = await ask('GET', `${gateway.url}/v1/responses/${id}`);
    assert.deepEqual([got.status, shown.status], [200, 200], `${recording.id}: ${got.text} ${shown.text}`);
    assert.deepEqual([parseJson(got.text), parseJson(shown.text)], [recording.json, recording.json], recording.id);
    return 'given and shown';
  }
});

function modelOf({ requestBody, requestUrl, model }: Recording): string {
  const prediction = /\/models\/([^/]+\/[^/]+)\/predictions$/.exec(requestUrl)?.[1];
  if (prediction !== undefined) return prediction;
  const inUrl = /\/models?\/([^/:]+(?::\d+)?)[:/]/.exec(decodeURIComponent(requestUrl))?.[1];
  const named = [requestBody?.['model'], inUrl, model].find((name) => typeof name === 'string' && name !== '');
  return typeof named === 'string' ? named : 'recorded-model';
}

function countIn({ json }: Recording): number | undefined {
  const body = isRecord(json) ? json : {};
  return asCount(body['input_tokens'] ?? body['totalTokens'] ?? body['inputTokens']);
}

function post(url: string, body: JsonRecord): Promise<Got> {
  return ask('POST', url, body);
}

function ask(method: string, url: string, body?: JsonRecord): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };
    const call = httpRequest(url, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
