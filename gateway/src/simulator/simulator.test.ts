import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { tlsFixture } from '../../test/raw-server.ts';
import { asArray, asRecord, asString } from '../lib/json.ts';
import type { Simulator } from './simulator.ts';
import { startSimulator } from './simulator.ts';

const ASK = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] });

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(() => {
  simulator.script([]);
  simulator.log.clear();
});

function chat(headers: Record<string, string> = {}, path = '/v1/chat/completions'): Promise<Response> {
  return fetch(simulator.url + path, { method: 'POST', headers, body: ASK });
}

describe('the log', () => {
  it('keeps what came and what went', async () => {
    await (
      await chat({ authorization: 'Bearer sk-secret', 'x-tag': 'a' }, '/p/groq/v1/chat/completions?key=sk-query&x=1')
    ).text();
    const request = simulator.log.requests[0];
    const print = (text: string): string => `sha256:${hash('sha256', text).slice(0, 12)}`;
    assert.deepEqual(
      [
        request?.method,
        request?.path,
        request?.query,
        request?.provider,
        request?.dialect,
        request?.model,
        request?.status,
        request?.answeredBy,
        request?.ended,
      ],
      [
        'POST',
        '/p/groq/v1/chat/completions',
        `key=${print('sk-query')}&x=1`,
        'groq',
        'openai-chat',
        'm',
        200,
        'synthetic',
        'complete',
      ],
    );
    assert.deepEqual(
      [request?.headers['authorization'], request?.headers['x-tag']],
      [`Bearer ${print('sk-secret')}`, 'a'],
    );
    assert.deepEqual([request?.body, request?.bodyText, request?.bodyBytes], [JSON.parse(ASK), ASK, ASK.length]);
    const times = [request?.startedMs, request?.receivedMs, request?.firstByteMs, request?.endedMs];
    assert.deepEqual(
      times,
      times.toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    );
  });

  it('holds no secret anywhere', async () => {
    const secrets = {
      authorization: 'Bearer sk-1',
      'x-api-key': 'sk-2',
      'x-goog-api-key': 'sk-3',
      'api-key': 'sk-4',
      cookie: 'sk-5',
    };
    await (await chat(secrets, '/v1/chat/completions?key=sk-6')).text();
    const shown = await (await fetch(`${simulator.url}/__simulator/log`)).text();
    assert.doesNotMatch(shown, /sk-\d/);
  });

  it('can be waited for, for what was and for what will be', async () => {
    const coming = simulator.log.waitFor((request) => request.path.endsWith('/later'), 2_000);
    await chat({}, '/v1/now');
    await chat({}, '/v1/later');
    assert.equal((await coming).path, '/v1/later');
    assert.equal((await simulator.log.waitFor((request) => request.path.endsWith('/now'), 1)).path, '/v1/now');
    await assert.rejects(
      simulator.log.waitFor(() => false, 5),
      /within 5 ms \(2 are in the log\)/,
    );
  });

  it('keeps the last ones only', async () => {
    const small = await startSimulator({ logMax: 3 });
    for (let n = 1; n <= 5; n += 1) await (await fetch(`${small.url}/v1/${n}`)).text();
    assert.deepEqual(
      small.log.requests.map((request) => [request.sequence, request.path]),
      [
        [3, '/v1/3'],
        [4, '/v1/4'],
        [5, '/v1/5'],
      ],
    );
    await small.close();
  });

  it('is served over HTTP, from a number on, and cleared', async () => {
    for (let n = 0; n < 3; n += 1) await (await chat()).text();
    const first = simulator.log.requests[0]?.sequence ?? 0;
    const rows = async (query: string): Promise<unknown> => {
      const shown = asRecord(await (await fetch(`${simulator.url}/__simulator/log${query}`)).json());
      return asArray(shown?.['requests'])?.map((row) => Number(asRecord(row)?.['sequence']) - first);
    };
    assert.deepEqual(await rows(''), [0, 1, 2]);
    assert.deepEqual(await rows(`?since=${first}`), [1, 2]);
    assert.equal((await fetch(`${simulator.url}/__simulator/log?since=x`)).status, 400);
    await fetch(`${simulator.url}/__simulator/log`, { method: 'DELETE' });
    assert.deepEqual(await rows(''), []);
    assert.equal(simulator.log.requests.length, 0);
  });
});

describe('a script set over HTTP', () => {
  const set = (body: string): Promise<Response> =>
    fetch(`${simulator.url}/__simulator/script`, { method: 'POST', body });

  it('answers the next requests', async () => {
    assert.deepEqual(await (await set('{"steps":[{"status":503},{"body":"x"}]}')).json(), { ok: true, steps: 2 });
    assert.deepEqual([(await chat()).status, await (await chat()).text()], [503, 'x']);
  });

  it('that is wrong changes nothing and says why', async () => {
    await set('[{"status":503}]');
    const reply = await set('[{"status":"503"}]');
    assert.deepEqual(
      [reply.status, await reply.json()],
      [400, { error: 'steps[0].status must be a status from 200 to 599' }],
    );
    assert.equal((await chat()).status, 503);
  });

  it('is the only thing at that place', async () => {
    const reply = await fetch(`${simulator.url}/__simulator/script`);
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, 'POST']);
    assert.equal((await fetch(`${simulator.url}/__simulator/nothing`)).status, 404);
    assert.equal(simulator.log.requests.length, 0);
  });
});

describe('a simulator behind TLS', () => {
  /** What a client sees of one request, and how the connection ended. */
  async function talk(port: number): Promise<readonly [string, string]> {
    const socket = connect({ port, host: '127.0.0.1', ca: tlsFixture('ca.pem'), checkServerIdentity: () => undefined });
    let text = '';
    let ended = 'open';
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.on('end', () => {
      ended = 'fin';
    });
    socket.on('error', () => {
      ended = 'reset';
    });
    socket.write(`POST /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`);
    await new Promise((resolve) => {
      socket.on('close', resolve);
    });
    return [text.slice(text.indexOf('\r\n\r\n') + 4), ended];
  }

  it('answers, cuts and resets', async () => {
    const tls = { key: tlsFixture('key.pem'), cert: tlsFixture('good.pem') };
    const script = [{ body: 'hello' }, { body: 'hello', cut_at: 2 }, { body: 'hello', reset_at: 2 }];
    const secure = await startSimulator({ tls, script });
    assert.match(secure.url, /^https:/);
    assert.deepEqual(await talk(secure.port), ['hello', 'fin']);
    assert.deepEqual(await talk(secure.port), ['he', 'fin']);
    assert.deepEqual(await talk(secure.port), ['he', 'reset']);
    const plain = await new Promise<string>((resolve) => {
      const socket = connectPlain(secure.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve('closed'));
      socket.resume();
    });
    assert.deepEqual([plain, secure.log.requests.length], ['closed', 3]);
    await secure.close();
    assert.ok(secure.log.connections.every((connection) => connection.closedMs !== undefined));
  });
});

describe('a simulator', () => {
  it('tells the three kinds of lists of models apart', async () => {
    const shape = async (path: string, headers: Record<string, string> = {}): Promise<string[]> =>
      Object.keys(asRecord(await (await fetch(simulator.url + path, { headers })).json()) ?? {});
    assert.deepEqual(await shape('/v1/models'), ['object', 'data']);
    assert.deepEqual(await shape('/v1/models', { 'anthropic-version': '2023-06-01' }), [
      'data',
      'has_more',
      'first_id',
      'last_id',
    ]);
    assert.deepEqual(await shape('/anthropic/v1/models'), ['data', 'has_more', 'first_id', 'last_id']);
    assert.deepEqual(await shape('/p/anthropic/v1/models'), ['data', 'has_more', 'first_id', 'last_id']);
    assert.deepEqual(await shape('/v1beta/models'), ['models']);
  });

  it('says which method it wants', async () => {
    const reply = await fetch(`${simulator.url}/v1/chat/completions`);
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, 'POST']);
  });

  it('is as strict as a provider', async () => {
    const status = async (body: string, path = '/v1/chat/completions'): Promise<number> =>
      (await fetch(simulator.url + path, { method: 'POST', body, headers: { 'anthropic-version': '1' } })).status;
    const wrong = [
      '',
      '[]',
      '{"messages":[]}',
      '{"model":"m"}',
      '{"model":"m","messages":[{"role":"boss"}]}',
      ASK.replace('}]', '}],"stream":"yes"'),
      ASK.replace('}]', '}],"stream_options":{}'),
    ];
    for (const body of wrong) assert.equal(await status(body), 400, body);
    assert.equal(await status(ASK, '/v1/messages'), 400);
    assert.equal(await status('{"contents":[{}]}', '/v1beta/models/m:generateContent'), 400);
    const versionless = await fetch(`${simulator.url}/v1/messages`, { method: 'POST', body: ASK });
    assert.match(await versionless.text(), /anthropic-version: header is required/);
  });

  it('gives every reply an id of its own, and another simulator the same ones', async () => {
    const ids = async (from: Simulator): Promise<unknown[]> => {
      const made: unknown[] = [];
      for (let n = 0; n < 3; n += 1) {
        const reply = await fetch(`${from.url}/v1/chat/completions`, { method: 'POST', body: ASK });
        made.push(asString(asRecord(await reply.json())?.['id']));
      }
      return made;
    };
    const [one, two, other] = [
      await startSimulator({ seed: 5 }),
      await startSimulator({ seed: 5 }),
      await startSimulator({ seed: 6 }),
    ];
    const first = await ids(one);
    assert.equal(new Set(first).size, 3);
    assert.deepEqual(await ids(two), first);
    assert.notDeepEqual(await ids(other), first);
    await Promise.all([one.close(), two.close(), other.close()]);
  });

  it('takes its time where it is told to', async () => {
    const slow = await startSimulator({ ttftMs: 60, tokensPerSecond: 200, outputTokens: 20 });
    const timed = async (stream: boolean): Promise<{ firstMs: number; totalMs: number; tokens: number }> => {
      const started = performance.now();
      const body = JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] });
      const reply = await fetch(`${slow.url}/v1/chat/completions`, { method: 'POST', body });
      const firstMs = performance.now() - started;
      const text = await reply.text();
      const spoken = stream
        ? [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('')
        : '';
      return { firstMs, totalMs: performance.now() - started, tokens: Math.ceil(spoken.length / 4) };
    };
    const streamed = await timed(true);
    assert.ok(streamed.firstMs >= 59 && streamed.firstMs < streamed.totalMs - 50, JSON.stringify(streamed));
    assert.ok(streamed.totalMs >= 60 + streamed.tokens * 5 - 10, JSON.stringify(streamed));
    const whole = await timed(false);
    assert.ok(whole.firstMs >= 100, JSON.stringify(whole));
    await slow.close();
  });

  it('has the weather it is told to have', async () => {
    const stormy = await startSimulator({ weather: { rateLimitRate: 1, retryAfterS: 4 } });
    const reply = await fetch(`${stormy.url}/v1/chat/completions`, { method: 'POST', body: ASK });
    assert.deepEqual(
      [reply.status, reply.headers.get('retry-after'), stormy.log.requests[0]?.answeredBy],
      [429, '4', 'weather'],
    );
    await stormy.close();
  });

  it('refuses a wrong script at once', async () => {
    assert.throws(() => simulator.script([{ status: 42 }]), /script: steps\[0\]\.status/);
    await assert.rejects(startSimulator({ script: [{ cut_at: -1 }] }), /script: steps\[0\]\.cut_at/);
  });

  it('closes with everything under way, and twice if asked', async () => {
    const short = await startSimulator({ script: [{ never_reply: true }] });
    const pending = fetch(`${short.url}/v1/chat/completions`, { method: 'POST', body: ASK }).catch(() => 'failed');
    await short.log.waitFor((request) => request.receivedMs !== undefined, 2_000);
    await short.close();
    await short.close();
    assert.equal(await pending, 'failed');
    assert.equal(short.log.requests[0]?.ended, 'we-cut');
  });

  it('does not take a port that is taken', async () => {
    await assert.rejects(startSimulator({ port: simulator.port }), /EADDRINUSE/);
  });

  it('lets its process end where it is told to, also in the middle of an answer', async () => {
    const url = new URL('./simulator.ts', import.meta.url).href;
    const source = `
      const { startSimulator } = await import(${JSON.stringify(url)});
      const simulator = await startSimulator({ unref: true, script: [{ json: {}, delay_ms: 60000 }] });
      const { connect } = await import('node:net');
      const socket = connect(simulator.port, '127.0.0.1');
      socket.write('POST /v1/x HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 0\\r\\n\\r\\n');
      await simulator.log.waitFor((request) => request.receivedMs !== undefined, 5000);
      socket.unref();
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
    const timer = setTimeout(() => void worker.terminate(), 10_000);
    const [code] = await once(worker, 'exit');
    clearTimeout(timer);
    assert.equal(code, 0);
  });
});
