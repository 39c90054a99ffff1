/** Embeddings, reranking, pictures, speech and transcripts through a real gateway: parts, breaks, forms, money, bad input. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type TestGateway } from '../harness.ts';

interface Asked {
  readonly provider: string;
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
  readonly json: JsonRecord;
}
type Script = (asked: Asked, response: ServerResponse, request: IncomingMessage) => void;

const JSON_TYPE = { 'content-type': 'application/json' };

function answer(response: ServerResponse, body: JsonRecord, status = 200): void {
  response.writeHead(status, JSON_TYPE).end(JSON.stringify(body));
}

/** Each input's embedding is its own number. */
function embed({ json }: Asked, response: ServerResponse): void {
  const inputs = asArray(json['input']) ?? [json['input'] ?? ''];
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: [Number(input) || 0, 0.5] }));
  answer(response, {
    object: 'list',
    data,
    model: 'm',
    usage: { prompt_tokens: inputs.length, total_tokens: inputs.length },
  });
}

describe('operations beside the chat', () => {
  let upstream: Server;
  let gateway: TestGateway;
  let script: Script = embed;
  const asked: Asked[] = [];

  before(async () => {
    upstream = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const [, provider = '', ...rest] = (request.url ?? '').split('/');
        const type = request.headers['content-type'] ?? '';
        const one = {
          provider,
          path: rest.join('/'),
          type,
          body,
          json: asRecord(parseJson(body.toString('utf8'))) ?? {},
        };
        asked.push(one);
        script(one, response, request);
      });
    });
    await new Promise<void>((resolve) => {
      upstream.listen(0, '127.0.0.1', resolve);
    });
    const { port } = upstream.address() as AddressInfo;
    const at = (id: string, more: string): string =>
      `{${more}, base_url: "http://127.0.0.1:${port}/${id}/v1", api_key: sk-x}`;
    const price =
      'models: {embed: {price: {input: 1, output: 0}}, draw: {price: {image: 0.04}}, say: {price: {character: 0.00001}}, hear: {price: {second: 0.0001}}, rank: {price: {search: 0.002}}, ink: {price: {input: 5, output: 40}}}';
    const config = testConfig(
      {
        openai: at('openai', 'weight: 1'),
        p: at('p', `dialect: openai-chat, ${price}`),
        s: at('s', `dialect: openai-chat, ${price}`),
        mistral: at('mistral', 'weight: 1'),
      },
      'routes:\n  embed-route: {targets: [openai/text-embedding-3-small, s/embed]}\n  say-route: {targets: [p/say, s/say]}\n',
    );
    gateway = await startGateway({ config });
  });

  beforeEach(() => {
    asked.length = 0;
    script = embed;
  });

  after(async () => {
    await gateway.stop();
    upstream.closeAllConnections();
    upstream.close();
  });

  function post(
    path: string,
    body: JsonRecord | FormData | string,
    more: Record<string, string> = {},
  ): Promise<Response> {
    const type: Record<string, string> = body instanceof FormData ? {} : JSON_TYPE;
    return fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, ...type, ...more },
      body: body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async function record(response: Response): Promise<JsonRecord> {
    const id = response.headers.get('x-turnout-decision') ?? '';
    const headers = { authorization: `Bearer ${ROOT_KEY}` };
    const found: unknown = await (await fetch(`${gateway.url}/v1/decisions/${id}`, { headers })).json();
    assert.ok(isRecord(found));
    return found;
  }

  async function usageRows(requestId: unknown): Promise<readonly JsonRecord[]> {
    const headers = { authorization: `Bearer ${ROOT_KEY}` };
    const found: unknown = await (await fetch(`${gateway.url}/admin/v1/usage?rows=true`, { headers })).json();
    const rows = asArray(isRecord(found) ? found['rows'] : undefined) ?? [];
    return rows.filter(isRecord).filter((row) => row['request_id'] === requestId);
  }

  function fileForm(fields: Readonly<Record<string, string>>, sound = Buffer.from('RIFF')): FormData {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([sound]), 'a.wav');
    return form;
  }

  it('sends a long list in parts of one attempt, and joins them in order', async () => {
    let together = 0;
    let most = 0;
    script = (one, response) => {
      together += 1;
      most = Math.max(most, together);
      // The later a part was sent, the sooner it answers.
      setTimeout(
        () => {
          together -= 1;
          embed(one, response);
        },
        60 - asked.length * 10,
      );
    };
    const input = Array.from({ length: 12_000 }, (_, index) => String(index));
    const response = await post('/v1/embeddings', { model: 'text-embedding-3-small', input });
    const body: unknown = await response.json();
    assert.ok(isRecord(body));
    const data = (asArray(body['data']) ?? []).map((row) => asRecord(row) ?? {});
    assert.deepEqual(
      data.map((row) => row['index']),
      input.map(Number),
    );
    assert.deepEqual(
      data.map((row) => asArray(row['embedding'])?.[0]),
      input.map(Number),
    );
    assert.deepEqual(body['usage'], { prompt_tokens: 12_000, total_tokens: 12_000 });
    assert.deepEqual(
      asked.map(({ json }) => asArray(json['input'])?.length),
      [2048, 2048, 2048, 2048, 2048, 1760],
    );
    assert.equal(most, 4);
    const kept = await record(response);
    assert.deepEqual([asArray(kept['attempts'])?.length, kept['operation']], [1, 'embeddings']);
    assert.equal((await usageRows(kept['id'])).length, 1);
  });

  it('bills the parts that were answered where a later one fails, and goes on to the next target', async () => {
    script = (one, response) => {
      const isLate = one.provider === 'openai' && String(asArray(one.json['input'])?.[0]) === '4096';
      if (isLate) setTimeout(() => answer(response, { error: { message: 'boom', type: 'server_error' } }, 500), 60);
      else embed(one, response);
    };
    const input = Array.from({ length: 5000 }, (_, index) => String(index));
    const response = await post('/v1/embeddings', { model: 'embed-route', input });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-turnout-provider'), 's');
    const kept = await record(response);
    const rows = await usageRows(kept['id']);
    const told = rows.map((row) => `${String(row['target'])} ${String(row['outcome'])} ${String(row['input_tokens'])}`);
    assert.deepEqual(told.toSorted(), ['openai/text-embedding-3-small broke 4096', 's/embed answered 5000']);
  });

  it('refuses as the provider does where the first part fails, and bills nothing', async () => {
    script = (_, response) =>
      answer(response, { error: { message: 'no', type: 'invalid_request_error', param: 'input' } }, 400);
    const response = await post('/v1/embeddings', {
      model: 'openai/text-embedding-3-small',
      input: Array.from({ length: 5000 }, () => '1'),
    });
    assert.equal(response.status, 400);
    const kept = await record(response);
    assert.deepEqual(await usageRows(kept['id']), []);
  });

  it('cancels all parts when the caller leaves', async () => {
    const closed: Promise<void>[] = [];
    let hasAll: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      hasAll = resolve;
    });
    script = (_, response) => {
      closed.push(new Promise<void>((resolve) => void response.once('close', resolve)));
      if (closed.length === 3) hasAll();
    };
    const gone = new AbortController();
    const waiting = fetch(`${gateway.url}/v1/embeddings`, {
      method: 'POST',
      signal: gone.signal,
      headers: { authorization: `Bearer ${ROOT_KEY}`, ...JSON_TYPE },
      body: JSON.stringify({ model: 'openai/text-embedding-3-small', input: Array.from({ length: 5000 }, () => '1') }),
    });
    await all;
    const leftMs = performance.now();
    gone.abort();
    await assert.rejects(waiting);
    await Promise.all(closed);
    assert.ok(performance.now() - leftMs < 250, `${performance.now() - leftMs} ms`);
  });

  it('gives vectors as they were asked for, whatever the server does', async () => {
    const plain = await post('/v1/embeddings', { model: 'p/embed', input: '7', encoding_format: 'base64' });
    const body: unknown = await plain.json();
    const [first] = asArray(isRecord(body) ? body['data'] : undefined) ?? [];
    const text = asString(asRecord(first)?.['embedding']);
    assert.deepEqual([...new Float32Array(new Uint8Array(Buffer.from(text ?? '', 'base64')).buffer)], [7, 0.5]);
  });

  it('relays sound as it comes, with its type, and counts its characters', async () => {
    const sound = Buffer.alloc(300_000, 7);
    script = (_, response) => void response.writeHead(200, { 'content-type': 'audio/flac' }).end(sound);
    const response = await post('/v1/audio/speech', { model: 'p/say', input: 'hé😀', voice: 'alloy' });
    assert.equal(response.headers.get('content-type'), 'audio/flac');
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), sound);
    const kept = await record(response);
    assert.deepEqual([kept['usage'], kept['cost_nano_usd']], [{ characters: 3 }, 30_000]);
  });

  it('breaks the connection where sound breaks off, and bills it', async () => {
    script = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write(Buffer.alloc(20_000, 1), () => setTimeout(() => response.destroy(), 30));
    };
    const response = await post('/v1/audio/speech', { model: 'say-route', input: 'hello', voice: 'alloy' });
    assert.equal(response.status, 200);
    await assert.rejects(response.arrayBuffer());
    const kept = await record(response);
    const [attempt] = asArray(kept['attempts']) ?? [];
    assert.deepEqual([asArray(kept['attempts'])?.length, asRecord(attempt)?.['outcome']], [1, 'broke']);
    assert.equal(kept['cost_nano_usd'], 50_000);
  });

  it('goes to the next target where an error or a page comes instead of sound', async () => {
    for (const type of ['text/html', 'application/json', 'audio/mpeg']) {
      script = (one, response) => {
        if (one.provider === 's') response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('sound');
        else if (type === 'text/html') response.writeHead(200, { 'content-type': type }).end('<html>');
        else response.writeHead(200, { 'content-type': type }).end('{"error":{"message":"busy"}}');
      };
      const response = await post('/v1/audio/speech', { model: 'say-route', input: 'hello', voice: 'alloy' });
      assert.equal(response.headers.get('x-turnout-provider'), 's', type);
      assert.equal(await response.text(), 'sound');
    }
  });

  it('hands on transcripts in every format, and takes the text where only JSON comes', async () => {
    script = (one, response) => {
      const isText = one.body.includes('name="response_format"');
      if (!isText) answer(response, { text: 'hi', usage: { type: 'duration', seconds: 4 } });
      else response.writeHead(200, { 'content-type': 'text/plain' }).end('1\n00:00 --> 00:04\nhi\n');
    };
    const json = await post('/v1/audio/transcriptions', fileForm({ model: 'p/hear' }));
    assert.deepEqual(await json.json(), { text: 'hi', usage: { type: 'duration', seconds: 4 } });
    assert.deepEqual((await record(json))['cost_nano_usd'], 400_000);
    const srt = await post('/v1/audio/transcriptions', fileForm({ model: 'p/hear', response_format: 'srt' }));
    assert.match(srt.headers.get('content-type') ?? '', /^text\/plain/);
    assert.equal(await srt.text(), '1\n00:00 --> 00:04\nhi\n');
    const text = await post(
      '/v1/audio/transcriptions',
      fileForm({ model: 'mistral/voxtral-mini-latest', response_format: 'text' }),
    );
    assert.equal(await text.text(), 'hi\n');
    assert.ok(!asked.at(-1)?.body.includes('response_format'));
    const times = await post(
      '/v1/audio/transcriptions',
      fileForm({ model: 'mistral/voxtral-mini-latest', response_format: 'srt' }),
    );
    assert.equal(times.status, 400);
    assert.match(await times.text(), /response_format/);
  });

  it('relays a transcript in events, and ends a broken one with an error event', async () => {
    const delta = 'data: {"type":"transcript.text.delta","delta":"hi"}\n\n';
    const done =
      'data: {"type":"transcript.text.done","text":"hi","usage":{"type":"tokens","input_tokens":9,"output_tokens":2}}\n\n';
    for (const isCut of [false, true]) {
      script = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta, () => setTimeout(() => response.end(isCut ? '' : done), 20));
      };
      const response = await post('/v1/audio/transcriptions', fileForm({ model: 'p/hear', stream: 'true' }));
      const text = await response.text();
      if (isCut)
        assert.match(
          text,
          /^data: \{"type":"transcript\.text\.delta"[^\n]*\n\ndata: \{"error":\{"message":"[^"]+","type":"upstream_error"/,
        );
      else assert.equal(text, delta + done);
      assert.equal((await record(response))['outcome'], isCut ? 'upstream_error' : 'ok');
    }
  });

  it('bills pictures and searches by the piece, and holds their worst case', async () => {
    script = ({ path }, response) => {
      if (path.includes('rerank'))
        answer(response, { results: [{ index: 0, relevance_score: 1 }], meta: { billed_units: { search_units: 2 } } });
      else answer(response, { created: 1, data: [{ b64_json: 'aGk=' }, { b64_json: 'aGk=' }] });
    };
    const drawn = await post('/v1/images/generations', { model: 'p/draw', prompt: 'a cat', n: 2 });
    assert.deepEqual(
      [(await record(drawn))['cost_nano_usd'], drawn.headers.get('x-turnout-cost-usd')],
      [80_000_000, '0.08'],
    );
    const ranked = await post('/v1/rerank', { model: 'p/rank', query: 'q', documents: ['a'] });
    assert.equal((await record(ranked))['cost_nano_usd'], 4_000_000);
    const made = await fetch(`${gateway.url}/admin/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, ...JSON_TYPE },
      body: JSON.stringify({ name: 'poor', budget_usd: '0.07' }),
    });
    const key: unknown = await made.json();
    const authorization = `Bearer ${String(isRecord(key) ? key['key'] : '')}`;
    const before = asked.length;
    const refused = await post('/v1/images/generations', { model: 'p/draw', prompt: 'a cat', n: 2 }, { authorization });
    assert.deepEqual([refused.status, asked.length], [402, before]);
    // Nothing in the request can make a picture cheaper: it is not let through with a lower limit.
    const ink = await post('/v1/images/generations', { model: 'p/ink', prompt: 'a cat' }, { authorization });
    assert.deepEqual([ink.status, asked.length], [402, before]);
    const unpriced = await post('/v1/images/generations', { model: 'p/embed', prompt: 'a cat' }, { authorization });
    assert.equal(unpriced.status, 200, 'a model that is priced by tokens has output that costs nothing');
  });

  it('says why a model cannot do what is asked', async () => {
    const rows: readonly (readonly [string, JsonRecord, RegExp])[] = [
      ['/v1/embeddings', { model: 'openai/gpt-5', input: 'x' }, /it is a model for chat, not for embeddings/],
      ['/v1/embeddings', { model: 'auto', input: 'x' }, /not for embeddings/],
      ['/v1/rerank', { model: 'openai/text-embedding-3-small', query: 'q', documents: ['a'] }, /OpenAI has no rerank/],
      ['/v1/images/generations', { model: 'mistral/mistral-embed', prompt: 'x' }, /Mistral has no images/],
    ];
    for (const [path, body, why] of rows) {
      const response = await post(path, body);
      const text = await response.text();
      assert.equal(response.status, 400, text);
      assert.match(text, why);
      assert.match(text, /"param":"model"/);
    }
    assert.equal(asked.length, 0);
  });

  it('explains a plan without asking anybody', async () => {
    const response = await post('/v1/explain?operation=embeddings', { model: 'embed-route', input: ['a'] });
    const body: unknown = await response.json();
    assert.ok(isRecord(body));
    const steps = (asArray(body['plan']) ?? []).map((step) => asRecord(step)?.['protocol']);
    assert.deepEqual([body['operation'], steps], ['embeddings', ['openai-embeddings', 'openai-embeddings']]);
    assert.equal(asked.length, 0);
  });

  const bad: readonly (readonly [
    path: string,
    body: JsonRecord | string,
    param: string | undefined,
    status?: number,
  ])[] = [
    ['/v1/embeddings', '', undefined],
    ['/v1/embeddings', '[]', undefined],
    ['/v1/embeddings', {}, 'model'],
    ['/v1/embeddings', { model: 'm\r\nx', input: 'x' }, 'model'],
    ['/v1/embeddings', { model: 'constructor', input: 'x' }, 'model', 404],
    ['/v1/embeddings', { model: 'p/embed' }, 'input'],
    ['/v1/embeddings', { model: 'p/embed', input: [] }, 'input'],
    ['/v1/embeddings', { model: 'p/embed', input: ['a', ''] }, 'input[1]'],
    ['/v1/embeddings', { model: 'p/embed', input: ['a', 5] }, 'input[1]'],
    ['/v1/embeddings', { model: 'p/embed', input: [1, -1] }, 'input'],
    ['/v1/embeddings', { model: 'p/embed', input: 'x', dimensions: 0 }, 'dimensions'],
    ['/v1/embeddings', { model: 'p/embed', input: 'x', encoding_format: 'hex' }, 'encoding_format'],
    ['/v1/embeddings', { model: 'p/embed', input: 'x', user: 5 }, 'user'],
    ['/v1/embeddings', { model: 'p/embed', input: 'x', base_url: 'http://10.0.0.1' }, 'base_url'],
    ['/v1/rerank', { model: 'p/rank', query: '', documents: ['a'] }, 'query'],
    ['/v1/rerank', { model: 'p/rank', query: 'q', documents: [5] }, 'documents[0]'],
    ['/v1/rerank', { model: 'p/rank', query: 'q', documents: ['a'], top_n: 0 }, 'top_n'],
    ['/v1/moderations', { model: 'p/m' }, 'input'],
    [
      '/v1/moderations',
      { model: 'p/m', input: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] },
      'input[0]',
    ],
    ['/v1/images/generations', { model: 'p/draw' }, 'prompt'],
    ['/v1/images/generations', { model: 'p/draw', prompt: 'x', n: 10_000 }, 'n'],
    ['/v1/images/generations', { model: 'p/draw', prompt: 'x', size: '0x5' }, 'size'],
    ['/v1/images/generations', { model: 'p/draw', prompt: 'x', stream: 'true' }, 'stream'],
    ['/v1/images/edits', { model: 'p/draw', prompt: 'x' }, 'image'],
    ['/v1/audio/speech', { model: 'p/say', voice: 'alloy' }, 'input'],
    ['/v1/audio/speech', { model: 'p/say', input: 'x', voice: 5 }, 'voice'],
    ['/v1/audio/speech', { model: 'p/say', input: 'x', voice: 'a', speed: 'fast' }, 'speed'],
    ['/v1/audio/transcriptions', { model: 'p/hear' }, undefined, 415],
  ];
  for (const [path, body, param, status = 400] of bad) {
    it(`refuses ${path} with ${typeof body === 'string' ? JSON.stringify(body) : JSON.stringify(body).slice(0, 80)}`, async () => {
      const response = await post(path, body);
      const text = await response.text();
      const error = asRecord(asRecord(parseJson(text))?.['error']);
      assert.equal(response.status, status, text);
      assert.ok(response.headers.get('x-request-id'));
      if (param !== undefined) assert.equal(error?.['param'], param, text);
      assert.equal(asked.length, 0);
    });
  }

  it('tells errors in the words of the caller’s wire', async () => {
    const cohere = await post('/v2/embed', { model: 'p/embed', texts: [] });
    assert.match(await cohere.text(), /^\{"id":"req_[^"]+","message":"`texts`/);
    const google = await post('/v1beta/models/p%2Fembed:embedContent', { content: {} });
    assert.match(await google.text(), /"status":"INVALID_ARGUMENT"/);
    for (const path of ['/v2/embed', '/v1/embeddings', '/v1beta/models/p%2Fembed:embedContent'])
      assert.equal((await fetch(`${gateway.url}${path}`, { method: 'POST', body: '{}' })).status, 401, path);
    assert.equal((await fetch(`${gateway.url}/v1/embeddings`)).status, 405);
  });

  it('refuses forms that are none, with the place', async () => {
    const part = (name: string, value: string, more = ''): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const file = part('file', 'RIFF', '; filename="a"');
    const rows: readonly (readonly [string, string, number, RegExp])[] = [
      ['multipart/form-data', `${file}--b--`, 400, /no boundary/],
      [`multipart/form-data; boundary=${'x'.repeat(71)}`, `${file}--b--`, 400, /longer than 70/],
      [`multipart/form-data; boundary=${'x'.repeat(5000)}`, `${file}--b--`, 400, /longer than 70/],
      ['multipart/form-data; boundary=b', '', 400, /ends before/],
      ['multipart/form-data; boundary=b', file, 400, /ends before/],
      ['multipart/form-data; boundary=b', `x${file}--b--`, 400, /does not begin/],
      ['multipart/form-data; boundary=b', `${file}--b--`, 400, /`model` is required/],
      ['multipart/form-data; boundary=b', `${part('model', 'p/hear')}--b--`, 400, /`file` is not valid/],
      ['multipart/form-data; boundary=b', `${part('model', 'p/hear')}${file}${file}--b--`, 400, /twice/],
      [
        'multipart/form-data; boundary=b',
        `${part('model', 'a')}${part('model', 'b')}${file}--b--`,
        400,
        /model\\" stands twice/,
      ],
      ['multipart/form-data; boundary=b', `${part('__proto__', 'a')}${file}--b--`, 400, /not allowed/],
      [
        'multipart/form-data; boundary=b',
        `${part('model', 'p/hear')}${part('base_url', 'http://x')}${file}--b--`,
        400,
        /base_url/,
      ],
      ['multipart/form-data; boundary=b', `${part('prompt', 'y'.repeat(300_000))}--b--`, 400, /longer than 262144/],
      ['multipart/form-data; boundary=b', `${part('model', 'p/hear').repeat(70)}--b--`, 400, /more than 64 parts/],
      [
        'multipart/form-data; boundary=b',
        `${part('model', 'p/hear')}${part('file', 'y'.repeat(33_600_000), '; filename="a"')}--b--`,
        413,
        /larger than/,
      ],
    ];
    for (const [type, body, status, why] of rows) {
      const response = await post('/v1/audio/transcriptions', body, { 'content-type': type });
      const text = await response.text();
      assert.equal(response.status, status, text);
      assert.match(text, why);
    }
    assert.equal(asked.length, 0);
  });

  it('forwards nothing of ours in a form, and the model by its own name', async () => {
    script = (_, response) => answer(response, { text: 'hi' });
    const response = await post(
      '/v1/audio/transcriptions',
      fileForm({ model: 'p/hear', turnout: '{"tags":["t"]}', language: 'en' }),
    );
    assert.equal(response.status, 200);
    const sent = asked[0]?.body.toString('latin1') ?? '';
    assert.ok(sent.includes('\r\n\r\nhear\r\n') && sent.includes('name="language"') && !sent.includes('turnout'));
    assert.deepEqual((await record(response))['tags'], ['t']);
  });

  it('leaves books that agree', async () => {
    const { stdout } = await runCli(['ledger', 'verify', '--json', '--data', join(gateway.dir, 'data')], {
      cwd: gateway.dir,
    });
    assert.equal(asRecord(parseJson(stdout))?.['ok'], true, stdout);
  });

  it('takes the recorded requests of real clients whole', { skip: corpusSkip('clients') }, async () => {
    const folder = join(corpusDir() ?? '', 'clients');
    const kinds = ['openai-embeddings', 'openai-audio-transcription', 'openai-images', 'openai-moderations'];
    const counts: Record<string, number> = {};
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    )) {
      const row = asRecord(parseJson(readFileSync(join(folder, file), 'utf8'))) ?? {};
      const wire = asString(row['wire']) ?? '';
      if (!kinds.includes(wire)) continue;
      const request = asRecord(row['request']) ?? {};
      const text = asString(asRecord(request['body'])?.['$text']);
      script =
        wire === 'openai-embeddings'
          ? embed
          : (_, response) => answer(response, { text: 'hi', results: [], data: [{ b64_json: 'aGk=' }] });
      const headers = Object.fromEntries(
        Object.entries(asRecord(request['headers']) ?? {})
          .filter(([name]) => !['connection', 'authorization', 'accept-encoding'].includes(name))
          .map(([name, value]) => [name, String(value)]),
      );
      asked.length = 0;
      const response = await post(asString(request['path']) ?? '', text ?? JSON.stringify(request['body']), headers);
      assert.equal(response.status, 200, `${file}: ${await response.text()}`);
      const sent = asked[0]?.body.toString('utf8');
      if (text === undefined) assert.deepEqual(parseJson(sent ?? ''), request['body'], file);
      else assert.equal(sent, text, file);
      counts[wire] = (counts[wire] ?? 0) + 1;
    }
    process.stdout.write(`clients of other operations: ${JSON.stringify(counts)}\n`);
    assert.deepEqual(Object.keys(counts).toSorted(), kinds.toSorted());
  });
});
