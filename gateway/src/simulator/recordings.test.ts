import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Simulator } from './simulator.ts';
import { startSimulator } from './simulator.ts';

const ASK = { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] };

interface Exchange {
  readonly id: string;
  readonly provider?: string;
  readonly wire?: string;
  readonly operation?: string;
  readonly model?: string;
  readonly url?: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly response: object;
}

function exchange(given: Exchange): object {
  const {
    url = 'https://api.openai.com/v1/chat/completions?x=1',
    method = 'POST',
    body = ASK,
    response,
    ...rest
  } = given;
  const request = body === null ? null : { method, url, headers: {}, body };
  return {
    provider: 'openai',
    wire: 'openai-chat',
    operation: 'chat',
    model: 'gpt-4o',
    kind: 'recorded',
    ...rest,
    request,
    response,
  };
}

const EXCHANGES: readonly Exchange[] = [
  {
    id: 'plain',
    response: {
      status: 200,
      headers: { 'content-type': 'application/json', 'x-ratelimit-limit': '5', 'transfer-encoding': 'chunked' },
      body: { n: 1 },
    },
  },
  { id: 'plain-groq', provider: 'groq', response: { status: 200, headers: {}, body: { n: 2 } } },
  {
    id: 'streamed',
    body: { ...ASK, stream: true, stream_options: { include_usage: true } },
    response: {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      stream: { encoding: 'utf8', data: 'data: {"é":1}\r\n\r\ndata: [DONE]\r\n\r\n' },
    },
  },
  {
    id: 'events',
    body: { ...ASK, n: 2, stream: true },
    response: { status: 200, headers: {}, stream: { encoding: 'events', data: [{ a: 1 }, { b: 2 }] } },
  },
  {
    id: 'a-limited',
    body: { ...ASK, seed: 3 },
    response: { status: 429, headers: { 'retry-after': '7' }, body: { error: {} } },
  },
  {
    id: 'text',
    body: { ...ASK, seed: 4 },
    response: { status: 502, headers: { 'content-type': 'text/html' }, body: { $text: '<html>' } },
  },
  { id: 'binary', body: { ...ASK, seed: 5 }, response: { status: 200, headers: {}, body: { $base64: 'AP8=' } } },
  { id: 'orphan', body: null, model: 'lonely', response: { status: 200, headers: {}, body: { n: 9 } } },
  {
    id: 'thought',
    provider: 'gemini',
    wire: 'gemini-generate',
    url: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse',
    body: { contents: [{ parts: [{ text: 'hi' }] }] },
    response: { status: 200, headers: {}, stream: { encoding: 'events', data: [{ c: 1 }] } },
  },
  {
    id: 'frames',
    provider: 'bedrock',
    wire: 'bedrock-converse',
    url: 'https://bedrock-runtime.us-east-1.amazonaws.com/model/us.amazon.nova%3A0/converse-stream',
    body: { messages: [] },
    response: {
      status: 200,
      headers: { 'content-type': 'application/vnd.amazon.eventstream' },
      stream: { encoding: 'base64', data: Buffer.from('not really frames').toString('base64') },
    },
  },
];

let dir = '';
let simulator: Simulator;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-recordings-'));
  await mkdir(join(dir, 'some'));
  for (const one of EXCHANGES) await writeFile(join(dir, 'some', `${one.id}.json`), JSON.stringify(exchange(one)));
  await writeFile(join(dir, 'some', 'other.json'), '{"not": "an exchange"}');
  simulator = await startSimulator({ recordings: { dir } });
});
after(async () => {
  await simulator.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => simulator.script([]));

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<readonly [number, string | null, string]> {
  const reply = await fetch(simulator.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return [reply.status, reply.headers.get('x-simulator-recording'), await reply.text()];
}

describe('a recording', () => {
  it('answers the request it was made of, whatever the base URL', async () => {
    for (const path of [
      '/v1/chat/completions',
      '/openai/v1/chat/completions',
      '/p/openai/v1/chat/completions',
      '/chat/completions',
    ]) {
      assert.deepEqual(await post(path, ASK), [200, 'plain', '{"n":1}']);
    }
  });

  it('keeps its headers, but for those of its transport', async () => {
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(ASK) });
    assert.equal(reply.headers.get('x-ratelimit-limit'), '5');
    assert.deepEqual([reply.headers.get('transfer-encoding'), reply.headers.get('content-length')], [null, '7']);
    assert.equal(reply.headers.get('x-simulator-match'), 'equal');
  });

  it('of another provider is found under the name of that provider, and only there', async () => {
    assert.deepEqual(await post('/p/groq/openai/v1/chat/completions', ASK), [200, 'plain-groq', '{"n":2}']);
    assert.equal((await post('/p/xai/v1/chat/completions', ASK))[0], 404);
  });

  it('is found whatever the order of the keys, the prefix of the model, stream_options, and stream: false', async () => {
    const same = [
      { messages: ASK.messages, model: 'gpt-4o' },
      { ...ASK, model: 'openai/gpt-4o' },
      { ...ASK, stream: false },
    ];
    for (const body of same) assert.equal((await post('/v1/chat/completions', body))[1], 'plain');
    assert.equal((await post('/v1/chat/completions', { ...ASK, stream: true }))[1], 'streamed');
  });

  it('gives its bytes again', async () => {
    assert.equal(
      (await post('/v1/chat/completions', { ...ASK, stream: true }))[2],
      'data: {"é":1}\r\n\r\ndata: [DONE]\r\n\r\n',
    );
    assert.deepEqual((await post('/v1/chat/completions', { ...ASK, seed: 4 })).slice(0, 3), [502, 'text', '<html>']);
    const binary = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...ASK, seed: 5 }),
    });
    assert.deepEqual(Buffer.from(await binary.arrayBuffer()), Buffer.from([0, 255]));
    const frames = await post('/p/bedrock/model/us.amazon.nova%3A0/converse-stream', { messages: [] });
    assert.deepEqual(frames, [200, 'frames', 'not really frames']);
  });

  it('of events is written as its wire writes them', async () => {
    assert.equal(
      (await post('/v1/chat/completions', { ...ASK, n: 2, stream: true }))[2],
      'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
    );
    const gemini = await post('/gemini/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse', {
      contents: [{ parts: [{ text: 'hi' }] }],
    });
    assert.deepEqual(gemini, [200, 'thought', 'data: {"c":1}\n\n']);
  });

  it('of an error is an error', async () => {
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...ASK, seed: 3 }),
    });
    assert.deepEqual([reply.status, reply.headers.get('retry-after'), await reply.text()], [429, '7', '{"error":{}}']);
  });

  it('of the same model and operation answers where there is no equal one, a good one first', async () => {
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...ASK, messages: [] }),
    });
    assert.deepEqual(
      [reply.headers.get('x-simulator-recording'), reply.headers.get('x-simulator-match')],
      ['binary', 'alike'],
    );
    assert.equal((await post('/v1/chat/completions', { ...ASK, model: 'lonely' }))[1], 'orphan');
  });

  it('that is missing is 404 in the form of the dialect', async () => {
    assert.match(
      (await post('/v1/chat/completions', { ...ASK, model: 'none' }))[2],
      /^\{"error":\{"message":"No recording matches POST \/v1\/chat\/completions \(model none\)/,
    );
    assert.match(
      (await post('/anthropic/v1/messages', ASK))[2],
      /^\{"type":"error","error":\{"type":"not_found_error"/,
    );
    assert.match((await post('/gemini/v1beta/models/x:generateContent', {}))[2], /"status":"NOT_FOUND"/);
  });

  it('can be forced by header, by code, over HTTP and by a script', async () => {
    assert.equal((await post('/v1/messages', {}, { 'x-simulator-recording': 'text' }))[1], 'text');
    assert.equal((await post('/v1/messages', {}, { 'x-simulator-recording': 'nothing' }))[0], 404);
    simulator.answerWith('a-limited', 'plain-groq');
    assert.deepEqual(
      [(await post('/v1/x', {}))[1], (await post('/v1/x', {}))[1], (await post('/v1/x', {}))[1]],
      ['a-limited', 'plain-groq', null],
    );
    assert.throws(() => simulator.answerWith('nothing'), /there is no recording nothing/);
    await fetch(`${simulator.url}/__simulator/recordings`, { method: 'POST', body: '{"ids":["text"]}' });
    assert.equal((await post('/v1/x', {}))[1], 'text');
    simulator.script([{ recording: 'plain', status: 418, headers: { 'x-a': 'b' } }]);
    assert.deepEqual(await post('/v1/x', {}), [418, 'plain', '{"n":1}']);
  });

  it('can be broken like any answer', async () => {
    const headers = { 'x-turnout-chaos': 'cut@event:1' };
    await assert.rejects(post('/v1/chat/completions', { ...ASK, stream: true }, headers));
    assert.equal(simulator.log.requests.at(-1)?.recording, 'streamed');
  });
});

describe('a simulator with recordings', () => {
  it('may make up what it has no recording of', async () => {
    const open = await startSimulator({ recordings: { dir, otherwise: 'synthetic' } });
    const reply = await fetch(`${open.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...ASK, model: 'none' }),
    });
    assert.match(await reply.text(), /simulator of Turnout/);
    await open.close();
  });

  it('may insist on equal requests and on the spelling of the model', async () => {
    const strict = await startSimulator({ recordings: { dir, isLoose: false, models: 'exact' } });
    const status = async (body: unknown): Promise<number> =>
      (await fetch(`${strict.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) })).status;
    assert.deepEqual(
      [await status(ASK), await status({ ...ASK, model: 'openai/gpt-4o' }), await status({ ...ASK, messages: [] })],
      [200, 404, 404],
    );
    await strict.close();
  });

  it('does not start without its folder', async () => {
    await assert.rejects(startSimulator({ recordings: { dir: join(dir, 'nowhere') } }), /ENOENT/);
  });
});
