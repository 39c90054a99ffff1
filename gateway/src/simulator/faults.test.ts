/** Every fault as a client on a raw socket sees it, and as the log tells it. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { LoggedRequest } from './log.ts';
import type { Simulator } from './simulator.ts';
import { startSimulator } from './simulator.ts';
import type { Step } from './step.ts';

/** Longer than anything here takes; a test that waits for so long fails. */
const WAIT_MS = 5_000;
/** Time in which nothing must happen, to say that nothing does. */
const QUIET_MS = 60;

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(() => {
  simulator.script([]);
  simulator.log.clear();
});

interface Transcript {
  readonly socket: Socket;
  bytes: Buffer;
  /** When each read came, in ms since the request was written. */
  readonly reads: { readonly atMs: number; readonly length: number }[];
  ended: 'fin' | 'reset' | undefined;
  readonly closed: Promise<void>;
  until(condition: () => boolean): Promise<void>;
}

/** Writes `text` to the simulator and notes what comes back. */
function talk(text: string, port: number = simulator.port): Transcript {
  const socket = connect({ port, host: '127.0.0.1' });
  const startMs = performance.now();
  const listeners = new Set<() => void>();
  const transcript: Transcript = {
    socket,
    bytes: Buffer.alloc(0),
    reads: [],
    ended: undefined,
    closed: new Promise((resolve) => {
      socket.on('close', () => resolve());
    }),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`not in time; so far: ${transcript.bytes.toString('latin1').slice(-300)}`)),
          WAIT_MS,
        );
        const check = (): void => {
          if (!condition()) return;
          clearTimeout(timer);
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      }),
  };
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  socket.on('data', (bytes) => {
    transcript.bytes = Buffer.concat([transcript.bytes, bytes]);
    transcript.reads.push({ atMs: performance.now() - startMs, length: bytes.length });
    changed();
  });
  socket.on('end', () => {
    transcript.ended ??= 'fin';
    changed();
  });
  socket.on('error', () => {
    transcript.ended ??= 'reset';
    changed();
  });
  socket.write(text);
  return transcript;
}

const BODY = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
const STREAM_BODY = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] });

function post(body: string, headers = ''): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends one request under one step, waits for the end of the connection. */
async function ask(step: Step, request: string = post(BODY)): Promise<Transcript> {
  simulator.script([step]);
  const transcript = talk(request);
  await transcript.until(() => transcript.ended !== undefined);
  return transcript;
}

function logged(predicate: (request: LoggedRequest) => boolean): Promise<LoggedRequest> {
  return simulator.log.waitFor(predicate, WAIT_MS);
}

function split(bytes: Buffer): { readonly head: string; readonly body: string } {
  const text = bytes.toString('latin1');
  const at = text.indexOf('\r\n\r\n');
  return at < 0 ? { head: text, body: '' } : { head: text.slice(0, at), body: text.slice(at + 4) };
}

const quiet = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

describe('plain replies', () => {
  it('keep the connection, and answer requests that were sent together in their order', async () => {
    simulator.script([{ json: { n: 1 } }, { json: { n: 2 }, delay_ms: 20 }, { json: { n: 3 } }]);
    const transcript = talk(post(BODY) + post(BODY) + post(BODY));
    await transcript.until(() => transcript.bytes.includes('{"n":3}'));
    const text = transcript.bytes.toString();
    assert.deepEqual(text.match(/\{"n":\d\}/g), ['{"n":1}', '{"n":2}', '{"n":3}']);
    assert.equal(transcript.ended, undefined);
    const requests = simulator.log.requests;
    assert.deepEqual(
      requests.map((request) => [request.sequence - (requests[0]?.sequence ?? 0), request.connection]),
      [0, 1, 2].map((n) => [n, requests[0]?.connection]),
    );
    assert.equal(
      requests.reduce((sum, request) => sum + request.answeredBytes, 0),
      transcript.bytes.length,
    );
    transcript.socket.destroy();
    const last = await logged((request) => request.socketClosedMs !== undefined);
    assert.equal(last.ended, 'complete');
  });

  it('answer thousands of requests that were sent together', async () => {
    simulator.script([{ body: '.', times: 'forever' }]);
    const transcript = talk('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(5_000));
    await logged(
      (request) =>
        request.sequence >= (simulator.log.requests[0]?.sequence ?? 0) + 4_999 && request.ended === 'complete',
    );
    const answered = simulator.log.requests.reduce((sum, request) => sum + request.answeredBytes, 0);
    await transcript.until(() => transcript.bytes.length === answered);
    transcript.socket.destroy();
  });

  it('close when the client asks for it', async () => {
    const transcript = await ask({ json: {} }, post(BODY, 'connection: close\r\n'));
    assert.match(split(transcript.bytes).head, /\r\nconnection: close/);
    assert.equal(transcript.ended, 'fin');
    assert.equal((await logged(() => true)).ended, 'complete');
  });

  it('say 100 before a body that waits for it', async () => {
    simulator.script([{ json: {} }]);
    const transcript = talk(`POST /v1/x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n`);
    await transcript.until(() => transcript.bytes.includes('100 Continue\r\n\r\n'));
    transcript.socket.write('{}');
    await transcript.until(() => transcript.bytes.includes('HTTP/1.1 200 OK'));
    transcript.socket.destroy();
  });

  it('answer HEAD without a body', async () => {
    const transcript = talk('HEAD /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await transcript.until(() => transcript.ended === 'fin');
    assert.match(split(transcript.bytes).head, /^HTTP\/1\.1 405 /);
    assert.equal(split(transcript.bytes).body, '');
  });

  it('refuse what is not HTTP with 400, and close', async () => {
    const transcript = talk('hello\r\n\r\n');
    await transcript.until(() => transcript.ended === 'fin');
    assert.match(transcript.bytes.toString(), /^HTTP\/1\.1 400 Bad Request\r\n/);
  });
});

describe('status, headers and body', () => {
  it('are as the step says', async () => {
    const transcript = await ask(
      { status: 203, reason: 'So so', headers: { 'x-a': ['1', '2'], 'content-type': null }, body: 'text' },
      post(BODY, 'connection: close\r\n'),
    );
    const { head, body } = split(transcript.bytes);
    assert.deepEqual(head.split('\r\n'), [
      'HTTP/1.1 203 So so',
      'x-a: 1',
      'x-a: 2',
      'content-length: 4',
      'connection: close',
    ]);
    assert.equal(body, 'text');
  });

  it('an error status without content is told in the words of the dialect', async () => {
    for (const [path, pattern] of [
      ['/v1/chat/completions', /^\{"error":\{"message":"Simulated error 529","type":"server_error"/],
      ['/anthropic/v1/messages', /^\{"type":"error","error":\{"type":"overloaded_error"/],
      [
        '/gemini/v1beta/models/x:generateContent',
        /^\{"error":\{"code":529,"message":"Simulated error 529","status":"INTERNAL"/,
      ],
    ] as const) {
      simulator.script([{ status: 529 }]);
      const reply = await fetch(simulator.url + path, { method: 'POST', body: '{}' });
      assert.equal(reply.status, 529);
      assert.match(await reply.text(), pattern);
    }
  });

  it('an error may be worded by the step', async () => {
    simulator.script([
      { status: 400, error: { message: 'too long', code: 'context_length_exceeded', param: 'messages' } },
    ]);
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    assert.deepEqual(await reply.json(), {
      error: { message: 'too long', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' },
    });
  });

  it('a redirect has a location and no body', async () => {
    const transcript = await ask({ redirect: 'http://elsewhere.example/' }, post(BODY, 'connection: close\r\n'));
    assert.match(split(transcript.bytes).head, /^HTTP\/1\.1 302 Found\r\n.*location: http:\/\/elsewhere\.example\//s);
    assert.equal(split(transcript.bytes).body, '');
  });

  it('bytes may be anything', async () => {
    const transcript = await ask({ body: { $base64: 'AP+A' } }, post(BODY, 'connection: close\r\n'));
    assert.deepEqual(transcript.bytes.subarray(-3), Buffer.from([0, 255, 128]));
  });
});

describe('delays', () => {
  it('before the head', async () => {
    const transcript = await ask({ json: {}, delay_ms: 80 }, post(BODY, 'connection: close\r\n'));
    assert.ok((transcript.reads[0]?.atMs ?? 0) >= 79, `came after ${transcript.reads[0]?.atMs} ms`);
  });

  it('between head and body', async () => {
    simulator.script([{ json: { a: 1 }, delay_ms: { head: 20, body: 80 } }]);
    const transcript = talk(post(BODY));
    await transcript.until(() => transcript.bytes.includes('{"a":1}'));
    assert.match(transcript.bytes.subarray(0, transcript.reads[0]?.length).toString(), /\r\n\r\n$/);
    assert.ok((transcript.reads.at(-1)?.atMs ?? 0) - (transcript.reads[0]?.atMs ?? 0) >= 75);
    transcript.socket.destroy();
  });

  it('before each piece, and each piece by itself', async () => {
    const transcript = await ask(
      { stream: ['one', 'two', 'three'], chunk_delay_ms: 30 },
      post(BODY, 'connection: close\r\n'),
    );
    assert.equal(split(transcript.bytes).body, '3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n');
    assert.ok((transcript.reads.at(-1)?.atMs ?? 0) >= 89);
    assert.ok(transcript.reads.length > 1, `${transcript.reads.length} reads`);
  });

  it('a byte at a time', async () => {
    const transcript = await ask(
      { body: '0123456789', bytes_each: 1, chunk_delay_ms: 5 },
      post(BODY, 'connection: close\r\n'),
    );
    assert.equal(split(transcript.bytes).body, '0123456789');
    // A busy machine may read several at once, but not all of them.
    assert.ok(transcript.reads.length > 2, `${transcript.reads.length} reads`);
    assert.ok((transcript.reads.at(-1)?.atMs ?? 0) >= 49);
  });

  it('before the connection is read at all', async () => {
    simulator.script([{ on: 'connection', delay_ms: 80 }]);
    const transcript = talk(post(BODY));
    await quiet(40);
    assert.equal(simulator.log.requests.length, 0);
    await transcript.until(() => transcript.bytes.length > 0);
    assert.equal((await logged((request) => request.ended !== undefined)).ended, 'complete');
    transcript.socket.destroy();
  });
});

const TEXT = 'abcdefghijklmnopqrstuvwxyz';

describe('answers that break off', () => {
  for (let at = 0; at <= TEXT.length; at += 1) {
    it(`cut after ${at} bytes of the body: FIN, and not a byte more`, async () => {
      const transcript = await ask({ body: TEXT, cut_at: at });
      assert.equal(transcript.ended, 'fin');
      assert.equal(split(transcript.bytes).body, TEXT.slice(0, at));
      assert.match(split(transcript.bytes).head, /content-length: 26/);
      const request = await logged((one) => one.socketClosedMs !== undefined);
      assert.equal(request.ended, 'we-cut');
      assert.equal(request.answeredBytes, transcript.bytes.length);
    });

    it(`reset after ${at} bytes of the body: RST, the bytes before it arrive`, async () => {
      const transcript = await ask({ body: TEXT, reset_at: at });
      assert.equal(transcript.ended, 'reset');
      assert.equal(split(transcript.bytes).body, TEXT.slice(0, at));
      assert.equal((await logged((one) => one.socketClosedMs !== undefined)).ended, 'we-cut');
    });
  }

  it('cut a stream inside its events, in chunks that are whole themselves', async () => {
    const transcript = await ask({ stream: ['0123456789', '0123456789'], cut_at: 13 });
    assert.equal(split(transcript.bytes).body, 'a\r\n0123456789\r\n3\r\n012\r\n');
    assert.equal(transcript.ended, 'fin');
  });

  for (const [events, expected] of [
    [0, ''],
    [1, '3\r\none\r\n'],
    [3, '3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n'],
  ] as const) {
    it(`cut after ${events} events`, async () => {
      const transcript = await ask({ stream: ['one', 'two', 'three'], cut_at: { event: events } });
      assert.equal(split(transcript.bytes).body, expected);
      assert.equal((await logged((one) => one.ended !== undefined)).ended, 'we-cut');
    });
  }

  it('reset in the middle of the head', async () => {
    const transcript = await ask({ body: TEXT, reset_at: { head: 20 } });
    assert.equal(transcript.bytes.toString(), 'HTTP/1.1 200 OK\r\ncon');
    assert.equal(transcript.ended, 'reset');
  });

  it('stall for ever, until the client leaves', async () => {
    simulator.script([{ body: TEXT, stall_at: 10 }]);
    const transcript = talk(post(BODY));
    await transcript.until(() => split(transcript.bytes).body === TEXT.slice(0, 10));
    await quiet(QUIET_MS);
    assert.equal(transcript.ended, undefined);
    assert.equal(simulator.log.requests[0]?.ended, undefined);
    const leftMs = performance.now();
    transcript.socket.destroy();
    const request = await logged((one) => one.socketClosedMs !== undefined);
    assert.equal(request.ended, 'client-closed');
    assert.ok((request.socketClosedMs ?? 0) - leftMs < 1_000);
  });

  it('end early in good form: only the content is incomplete', async () => {
    simulator.script([
      { body: TEXT, end_at: 10 },
      { stream: ['one', 'two', 'three'], end_at: { event: 2 } },
      { json: { last: true } },
    ]);
    const transcript = talk(post(BODY) + post(BODY) + post(BODY));
    await transcript.until(() => transcript.bytes.includes('{"last":true}'));
    const text = transcript.bytes.toString();
    assert.match(text, /content-length: 10\r\n\r\nabcdefghij(?!k)/);
    assert.match(text, /\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\nHTTP/);
    assert.deepEqual(
      simulator.log.requests.map((request) => request.ended),
      ['complete', 'complete', 'complete'],
    );
    transcript.socket.destroy();
  });

  it('a place behind the end of the answer changes nothing', async () => {
    simulator.script([
      { body: TEXT, cut_at: 1_000 },
      { body: TEXT, reset_at: { head: 10_000 } },
    ]);
    for (let times = 0; times < 2; times += 1) {
      assert.equal(await (await fetch(`${simulator.url}/v1/x`, { method: 'POST', body: '{}' })).text(), TEXT);
    }
  });

  it('a made-up reply breaks off too', async () => {
    const transcript = await ask({ cut_at: { event: 3 } }, post(STREAM_BODY));
    assert.equal(transcript.bytes.toString().match(/data: /g)?.length, 3);
    assert.equal(transcript.ended, 'fin');
  });
});

describe('no HTTP reply', () => {
  it('closed before the reply', async () => {
    const transcript = await ask({ close_before_reply: true });
    assert.deepEqual([transcript.ended, transcript.bytes.length], ['fin', 0]);
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'we-cut');
  });

  it('reset before the reply', async () => {
    const transcript = await ask({ reset_before_reply: true });
    assert.deepEqual([transcript.ended, transcript.bytes.length], ['reset', 0]);
  });

  it('never a reply', async () => {
    simulator.script([{ never_reply: true }]);
    const transcript = talk(post(BODY));
    await logged((request) => request.receivedMs !== undefined);
    await quiet(QUIET_MS);
    assert.deepEqual([transcript.ended, transcript.bytes.length], [undefined, 0]);
    transcript.socket.destroy();
    assert.equal((await logged((one) => one.socketClosedMs !== undefined)).ended, 'client-closed');
  });

  it('bytes that are not HTTP', async () => {
    const transcript = await ask({ not_http: true });
    assert.doesNotMatch(transcript.bytes.toString('latin1'), /^HTTP/);
    assert.ok(transcript.bytes.length > 0);
    const other = await ask({ not_http: '220 mail.example ESMTP\r\n' });
    assert.equal(other.bytes.toString(), '220 mail.example ESMTP\r\n');
    assert.equal(simulator.log.requests[0]?.status, undefined);
  });

  it('the whole reply byte for byte, also cut and slowly', async () => {
    const raw = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!';
    assert.equal((await ask({ raw })).bytes.toString(), raw);
    assert.equal(
      (await ask({ raw, cut_at: 30, bytes_each: 10, chunk_delay_ms: 1 })).bytes.toString(),
      raw.slice(0, 30),
    );
  });

  for (const [name, step, expected] of [
    ['closed', { close_before_reply: true }, ['fin', '']],
    ['reset', { reset_before_reply: true }, ['reset', '']],
    ['greeted in another protocol', { raw: '220 hello\r\n' }, ['fin', '220 hello\r\n']],
  ] as const) {
    it(`connections ${name} before a byte is read`, async () => {
      simulator.script([{ on: 'connection', ...step }]);
      const socket = talk('');
      await socket.until(() => socket.ended !== undefined);
      assert.deepEqual([socket.ended, socket.bytes.toString()], expected);
      assert.equal(simulator.log.requests.length, 0);
    });
  }

  it('connections never read', async () => {
    simulator.script([{ on: 'connection', never_reply: true }]);
    const transcript = talk(post(BODY));
    await quiet(QUIET_MS);
    assert.deepEqual([transcript.bytes.length, transcript.ended, simulator.log.requests.length], [0, undefined, 0]);
    transcript.socket.destroy();
  });
});

describe('false framing', () => {
  it('a length that promises more: FIN after what there is', async () => {
    const transcript = await ask({ body: 'short', content_length: '+10' });
    assert.match(split(transcript.bytes).head, /content-length: 15/);
    assert.deepEqual([split(transcript.bytes).body, transcript.ended], ['short', 'fin']);
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'we-cut');
  });

  it('a length that promises less: the surplus is sent, and the connection closed', async () => {
    const transcript = await ask({ body: '{"a":1}surplus', content_length: 7 });
    assert.match(split(transcript.bytes).head, /content-length: 7/);
    assert.deepEqual([split(transcript.bytes).body, transcript.ended], ['{"a":1}surplus', 'fin']);
  });

  it('chunks without the last one', async () => {
    const transcript = await ask({ body: 'abc', framing: 'unfinished' });
    assert.match(split(transcript.bytes).head, /transfer-encoding: chunked/);
    assert.deepEqual([split(transcript.bytes).body, transcript.ended], ['3\r\nabc\r\n', 'fin']);
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'we-cut');
  });

  it('a body that ends with the connection', async () => {
    const transcript = await ask({ stream: ['one', 'two'], framing: 'close' });
    assert.doesNotMatch(split(transcript.bytes).head, /content-length|transfer-encoding/);
    assert.deepEqual([split(transcript.bytes).body, transcript.ended], ['onetwo', 'fin']);
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'complete');
  });

  it('a made-up stream with a false length', async () => {
    const transcript = await ask({ content_length: '+3' }, post(STREAM_BODY));
    const { head, body } = split(transcript.bytes);
    assert.equal(Number(/content-length: (\d+)/.exec(head)?.[1]), body.length + 3);
    assert.doesNotMatch(head, /transfer-encoding/);
  });

  it('a stream with a length, and a document in chunks', async () => {
    simulator.script([
      { stream: ['one', 'two'], framing: 'length' },
      { body: 'abc', framing: 'chunked' },
    ]);
    const first = await fetch(`${simulator.url}/v1/x`, { method: 'POST', body: '{}' });
    assert.deepEqual([first.headers.get('content-length'), await first.text()], ['6', 'onetwo']);
    const second = await fetch(`${simulator.url}/v1/x`, { method: 'POST', body: '{}' });
    assert.deepEqual([second.headers.get('transfer-encoding'), await second.text()], ['chunked', 'abc']);
  });
});

describe('connections that are closed behind a good reply', () => {
  it('closes a kept connection after a while', async () => {
    simulator.script([{ json: { a: 1 }, close_after_ms: 30 }]);
    const transcript = talk(post(BODY));
    await transcript.until(() => transcript.bytes.includes('{"a":1}'));
    assert.doesNotMatch(split(transcript.bytes).head, /connection: close/);
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'complete');
    await transcript.until(() => transcript.ended === 'fin');
  });

  it('breaks off what came on it meanwhile, and says that it was us', async () => {
    simulator.script([
      { json: {}, close_after_ms: 50 },
      { json: {}, delay_ms: 5_000 },
    ]);
    const transcript = talk(post(BODY) + post(BODY));
    await transcript.until(() => transcript.ended !== undefined);
    const second = await logged((one) => one.socketClosedMs !== undefined && one.ended !== 'complete');
    assert.deepEqual([second.ended, second.answeredBytes], ['we-cut', 0]);
  });
});

describe('bodies that are too much', () => {
  it('a huge document has exactly the declared length and is JSON', async () => {
    simulator.script([{ huge: { bytes: 3_000_000 } }]);
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', body: BODY });
    const text = await reply.text();
    assert.deepEqual([reply.headers.get('content-length'), text.length], ['3000000', 3_000_000]);
    assert.equal(typeof JSON.parse(text), 'object');
  });

  it('a huge line of a stream is one event', async () => {
    simulator.script([{ huge: { bytes: 1_000_000, as: 'sse' } }]);
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', body: STREAM_BODY });
    assert.equal(reply.headers.get('content-type'), 'text/event-stream');
    assert.match(await reply.text(), /^data: \{"object":"simulated","padding":"x+"\}\n\n$/);
  });

  it('a huge body is not held: a client that stops reading stops it', async () => {
    const bytes = 200 * 1024 * 1024;
    simulator.script([{ huge: { bytes } }]);
    const rssBefore = process.memoryUsage().rss;
    const transcript = talk(post(BODY));
    transcript.socket.pause();
    await logged((request) => request.answeredBytes > 0);
    await quiet(QUIET_MS);
    const answered = simulator.log.requests[0]?.answeredBytes ?? 0;
    assert.ok(answered < bytes / 4, `${answered} bytes were sent to a client that does not read`);
    assert.ok(process.memoryUsage().rss - rssBefore < 100 * 1024 * 1024);
    transcript.socket.destroy();
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'client-closed');
  });

  it('a gzip bomb is small on the wire and unpacks to JSON', async () => {
    const bytes = 64 * 1024 * 1024;
    const transcript = await ask({ gzip_bomb: { bytes } }, post(BODY, 'connection: close\r\n'));
    const { head } = split(transcript.bytes);
    assert.match(head, /content-encoding: gzip/);
    const packed = transcript.bytes.subarray(head.length + 4);
    assert.match(head, new RegExp(`content-length: ${packed.length}`));
    assert.ok(packed.length * 500 < bytes, `${packed.length} bytes`);
    const unpacked = gunzipSync(packed);
    assert.ok(unpacked.length >= bytes && unpacked.length < bytes + 1024 * 1024 + 100);
    assert.equal(unpacked.subarray(-2).toString(), '"}');
  });

  it('a stream without end lets others have their turn from the first moment on', async () => {
    simulator.script([{ endless: true }]);
    const transcript = talk(post(STREAM_BODY));
    transcript.socket.pause();
    const request = await logged((one) => one.answeredBytes > 0);
    // Goes on as soon as the stream first pauses: long before the network is full.
    assert.ok(request.answeredBytes < 50_000, `${request.answeredBytes} bytes at one go`);
    transcript.socket.destroy();
  });

  it('a stream without end goes on until the client leaves, and leaves room for others', async () => {
    simulator.script([{ endless: true }]);
    const transcript = talk(post(STREAM_BODY));
    await transcript.until(() => transcript.bytes.length > 500_000);
    const other = await fetch(`${simulator.url}/v1/models`);
    assert.equal(other.status, 200);
    assert.match(split(transcript.bytes).body, /data: \{.*"delta":\{"content":"word "\}/);
    transcript.socket.destroy();
    assert.equal((await logged((one) => one.socketClosedMs !== undefined)).ended, 'client-closed');
  });
});

describe('clients that leave', () => {
  it('in the middle of a slow stream: seen at once', async () => {
    simulator.script([{ stream: Array.from({ length: 100 }, () => 'x'), chunk_delay_ms: 50 }]);
    const transcript = talk(post(STREAM_BODY));
    await transcript.until(() => transcript.bytes.includes('x\r\n'));
    const leftMs = performance.now();
    transcript.socket.destroy();
    const request = await logged((one) => one.ended !== undefined);
    assert.equal(request.ended, 'client-closed');
    assert.ok((request.endedMs ?? 0) - leftMs < 50, `${(request.endedMs ?? 0) - leftMs} ms`);
  });

  it('in the middle of their request', async () => {
    const transcript = talk('POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
    await logged(() => true);
    transcript.socket.destroy();
    const request = await logged((one) => one.ended !== undefined);
    assert.deepEqual([request.ended, request.receivedMs, request.status], ['client-closed', undefined, undefined]);
  });

  it('with what they had not read: by closing their half', async () => {
    simulator.script([{ huge: { bytes: 100 * 1024 * 1024 } }]);
    const transcript = talk(post(BODY));
    transcript.socket.pause();
    await logged((request) => request.answeredBytes > 0);
    await quiet(QUIET_MS);
    transcript.socket.end();
    assert.equal((await logged((one) => one.ended !== undefined)).ended, 'client-closed');
    transcript.socket.destroy();
  });

  it('during a delay: nothing is answered any more, and no timer is left', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const timersBefore = timers();
    simulator.script([{ json: {}, delay_ms: 10_000 }]);
    const transcript = talk(post(BODY));
    await logged((request) => request.receivedMs !== undefined);
    transcript.socket.destroy();
    const request = await logged((one) => one.ended !== undefined);
    assert.deepEqual([request.ended, request.answeredBytes], ['client-closed', 0]);
    await quiet(1);
    assert.equal(timers(), timersBefore);
  });
});

describe('chaos by header', () => {
  const chaos = (text: string, body = BODY): string => post(body, `x-turnout-chaos: ${text}\r\n`);

  it('cuts a made-up reply', async () => {
    const transcript = talk(chaos('cut@12'));
    await transcript.until(() => transcript.ended === 'fin');
    assert.equal(split(transcript.bytes).body.length, 12);
  });

  it('resets a stream after some events', async () => {
    const transcript = talk(chaos('reset@event:2', STREAM_BODY));
    await transcript.until(() => transcript.ended === 'reset');
    assert.equal(transcript.bytes.toString().match(/data: /g)?.length, 2);
  });

  it('answers with a status and a time to wait', async () => {
    const headers = { 'x-turnout-chaos': 'status=429;retry-after=1' };
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', headers, body: BODY });
    assert.deepEqual([reply.status, reply.headers.get('retry-after')], [429, '1']);
    assert.match(await reply.text(), /rate_limit_exceeded/);
    assert.equal(simulator.log.requests[0]?.answeredBy, 'chaos');
  });

  it('waits, and drips', async () => {
    const started = performance.now();
    const headers = { 'x-turnout-chaos': 'delay=50;slow=2ms;bytes=100' };
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', headers, body: BODY });
    assert.match(await reply.text(), /simulator of Turnout/);
    assert.ok(performance.now() - started >= 55);
  });

  it('goes over what a script says', async () => {
    simulator.script([{ body: TEXT }]);
    const transcript = talk(chaos('cut@3'));
    await transcript.until(() => transcript.ended === 'fin');
    assert.equal(split(transcript.bytes).body, 'abc');
  });

  it('that is not understood is 400', async () => {
    const reply = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-turnout-chaos': 'cutt@1' },
      body: BODY,
    });
    assert.equal(reply.status, 400);
    assert.match(await reply.text(), /\\"cutt@1\\" is not known/);
  });
});
