/** What every codec behind the upstream port must do: the same tests run over each. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
  constants,
  createGzip,
} from 'node:zlib';
import type { Fault } from '../src/chat/fault.ts';
import type { Codec } from '../src/upstream/codec.ts';
import { closedPort, reply, startRawServer, tlsFixture, type RawRequest, type RawServer } from './raw-server.ts';
import { createUpstream, type HttpUpstream, type UpstreamOptions } from '../src/upstream/http-upstream.ts';
import type { UpstreamCall, UpstreamExchange, UpstreamFailure, UpstreamLimits } from '../src/upstream/upstream.ts';

const LIMITS: UpstreamLimits = { connectMs: 2_000, firstByteMs: 2_000, idleMs: 2_000, bodyMaxBytes: 1_000_000 };
const BODY = Buffer.from('{"model":"x"}');

interface Outcome {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly size: number;
  readonly fault: Fault | undefined;
  readonly detail: UpstreamFailure | undefined;
  readonly tookMs: number;
}

const open: { close(): Promise<void> }[] = [];

async function serve(answer: (request: RawRequest) => void, options = {}): Promise<RawServer> {
  const server = await startRawServer(answer, options);
  open.unshift(server);
  return server;
}

/** Unlike `once` of node:events, does not mind that a reset comes as an error first. */
async function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.closed) return;
  await new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

interface Hooks {
  readonly onHead?: (exchange: UpstreamExchange) => void;
  readonly onData?: (exchange: UpstreamExchange, chunk: Buffer) => void;
}

type Given = Partial<Omit<UpstreamCall, 'limits'>> & {
  readonly url: string;
  readonly limits?: Partial<UpstreamLimits>;
};

function callOf(given: Given): UpstreamCall {
  return {
    method: 'POST',
    headers: { authorization: 'Bearer sk-1234', 'content-type': 'application/json' },
    body: BODY,
    provider: 'acme',
    allowPrivate: true,
    ...given,
    limits: { ...LIMITS, ...given.limits },
  };
}

/** Sends and waits for the end; asserts that there is exactly one. */
function run(upstream: HttpUpstream, given: Given, hooks: Hooks = {}): Promise<Outcome> {
  const began = performance.now();
  let status: number | undefined;
  let headers: Outcome['headers'] = {};
  const chunks: Buffer[] = [];
  let size = 0;
  let ends = 0;
  let isSending = true;
  return new Promise((resolve) => {
    const finish = (fault?: Fault, detail?: UpstreamFailure): void => {
      ends += 1;
      assert.equal(ends, 1, 'ended twice');
      assert.equal(isSending, false, 'a callback before send returned');
      const body = Buffer.concat(chunks).toString();
      resolve({ status, headers, body, size, fault, detail, tookMs: performance.now() - began });
    };
    const exchange = upstream.send(callOf(given), {
      head(code, all) {
        assert.equal(status, undefined, 'two heads');
        status = code;
        headers = all;
        hooks.onHead?.(exchange);
      },
      data(chunk) {
        assert.equal(ends, 0, 'data after the end');
        size += chunk.length;
        if (size < 2_000_000) chunks.push(chunk);
        hooks.onData?.(exchange, chunk);
      },
      end: () => finish(),
      fail: (fault, detail) => finish(fault, detail),
    });
    isSending = false;
  });
}

function assertFailed(
  outcome: Outcome,
  expected: { outcome: string; code: string; wasSent: boolean; text?: RegExp },
): void {
  assert.deepEqual(
    { outcome: outcome.detail?.outcome, code: outcome.fault?.code, wasSent: outcome.detail?.wasSent },
    { outcome: expected.outcome, code: expected.code, wasSent: expected.wasSent },
  );
  if (expected.text !== undefined) assert.match(outcome.fault?.message ?? '', expected.text);
  assert.doesNotMatch(outcome.fault?.message ?? '', /127\.0\.0\.1|sk-1234|HPE_|ECONN/, 'shows what it should not');
}

function url(server: { readonly port: number }, path = '/v1/chat/completions'): string {
  return `http://127.0.0.1:${server.port}${path}`;
}

/** Runs the whole contract over one codec. */
export function upstreamContract(codec: Codec): void {
  after(async () => {
    await Promise.all(open.map((one) => one.close()));
  });

  function upstreamOf(options: UpstreamOptions = {}): HttpUpstream {
    const upstream = createUpstream({
      codec,
      resolver: (_name, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
      ca: tlsFixture('ca.pem'),
      ...options,
    });
    open.push(upstream);
    return upstream;
  }

  describe('a call', () => {
    it('sends what it was given and gives back the reply', async () => {
      const server = await serve(({ socket }) =>
        socket.write(reply(200, '{"ok":true}', { 'Content-Type': 'application/json', 'x-a': 'b' })),
      );
      const upstream = upstreamOf();
      const outcome = await run(upstream, {
        url: url(server, '/v1/models/org%2Fname?alt=sse'),
        headers: { 'x-key': 'k', host: 'evil', 'content-length': '1', te: 'x' },
      });
      assert.equal(outcome.status, 200);
      assert.equal(outcome.body, '{"ok":true}');
      assert.equal(outcome.headers['content-type'], 'application/json');
      const head = server.requests[0]?.head ?? '';
      assert.match(head, /^POST \/v1\/models\/org%2Fname\?alt=sse HTTP\/1\.1\r\n/);
      assert.match(head, new RegExp(`host: 127\\.0\\.0\\.1:${server.port}`));
      assert.match(head, /x-key: k/);
      assert.match(head, /content-length: 13/);
      assert.doesNotMatch(head, /evil|\nte:/);
      assert.deepEqual(server.requests[0]?.body, BODY);
    });

    it('uses one connection for calls one after the other, and several for calls at once', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      for (let count = 0; count < 5; count += 1) await run(upstream, { url: url(server) });
      assert.equal(server.sockets.length, 1);
      await Promise.all(Array.from({ length: 8 }, () => run(upstream, { url: url(server) })));
      assert.equal(server.sockets.length, 8);
      await new Promise(setImmediate);
      const { open: openCount, idle, active, requests, dials, repeats } = upstream.stats();
      assert.deepEqual(
        { openCount, idle, active, requests, dials, repeats },
        { openCount: 8, idle: 8, active: 0, requests: 13, dials: 8, repeats: 0 },
      );
    });

    it('finds the connection free again when it is made at the end of another', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      const done = Promise.withResolvers<undefined>();
      let left = 10;
      const next = (): void => {
        if (left === 0) return done.resolve(undefined);
        left -= 1;
        const ignore = (): void => undefined;
        upstream.send(callOf({ url: url(server) }), {
          head: ignore,
          data: ignore,
          end: next,
          fail: () => assert.fail('failed'),
        });
      };
      next();
      await done.promise;
      assert.deepEqual([server.requests.length, server.sockets.length], [10, 1]);
    });

    it('hands on an empty body as an end without data (F12)', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, '', { 'content-encoding': 'gzip' })));
      const outcome = await run(upstreamOf(), { url: url(server) });
      assert.deepEqual([outcome.status, outcome.size, outcome.fault], [200, 0, undefined]);
    });

    it('ignores informational heads', async () => {
      const server = await serve(({ socket }) =>
        socket.write(
          `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${reply(200, 'x').toString()}`,
        ),
      );
      const outcome = await run(upstreamOf(), { url: url(server) });
      assert.deepEqual([outcome.status, outcome.headers['link'], outcome.body], [200, undefined, 'x']);
    });

    it('sends GET without a body', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, '[]')));
      await run(upstreamOf(), { url: url(server), method: 'GET', body: undefined });
      assert.match(server.requests[0]?.head ?? '', /^GET /);
      assert.doesNotMatch(server.requests[0]?.head ?? '', /content-length/);
    });
  });

  describe('a URL', () => {
    it('is refused where it is none, or not of the origin that the secret belongs to', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      for (const bad of ['ftp://h/', 'x', 'http://u:p@127.0.0.1/', 'file:///etc/passwd', 'gopher://h/']) {
        assertFailed(await run(upstream, { url: bad }), {
          outcome: 'request_invalid',
          code: 'upstream-unsendable',
          wasSent: false,
        });
      }
      const elsewhere = await run(upstream, { url: url(server), secretOrigin: 'https://api.acme.example' });
      assertFailed(elsewhere, {
        outcome: 'request_invalid',
        code: 'upstream-unsendable',
        wasSent: false,
        text: /origin/,
      });
      assert.equal(server.sockets.length, 0);
      assert.equal(
        (await run(upstream, { url: url(server), secretOrigin: `HTTP://127.0.0.1:${server.port}/v1` })).status,
        200,
      );
    });

    it('is understood in odd forms, and counts as the same origin', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      for (const form of [
        `HTTP://127.0.0.1:${server.port}/a?b`,
        `http://0x7f.1:${server.port}/a?b`,
        `http://127.0.0.1:${server.port}?b=/c`,
      ]) {
        assert.equal((await run(upstream, { url: form })).status, 200, form);
      }
      assert.deepEqual(
        server.requests.map(({ head }) => head.split(' ')[1]),
        ['/a?b', '/a?b', '/?b=/c'],
      );
      assert.equal(server.sockets.length, 1);
    });

    it('with a header or path that HTTP does not allow is a fault, not a crash', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      for (const bad of [
        { headers: { authorization: 'Bearer x\n' } },
        { headers: { 'a b': 'x' } },
        { url: url(server, '/a b') },
      ]) {
        const outcome = await run(upstream, { url: url(server), ...bad });
        assertFailed(outcome, { outcome: 'request_invalid', code: 'upstream-unsendable', wasSent: false });
      }
      assert.equal(server.requests.length, 0);
      assert.equal((await run(upstream, { url: url(server) })).status, 200);
    });
  });

  describe('connecting', () => {
    it('fails at once where the connection is refused (F01)', async () => {
      const outcome = await run(upstreamOf(), { url: `http://127.0.0.1:${await closedPort()}/` });
      assertFailed(outcome, { outcome: 'connect_refused', code: 'upstream-unreachable', wasSent: false });
      assert.ok(outcome.tookMs < 500, `took ${outcome.tookMs} ms`);
    });

    it('fails where the name does not resolve, and asks once for many (F03)', async () => {
      let lookups = 0;
      const upstream = upstreamOf({
        resolver: (_name, callback) => {
          lookups += 1;
          setImmediate(() => callback(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), []));
        },
      });
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => run(upstream, { url: 'http://nowhere.test/' })),
      );
      for (const outcome of outcomes) {
        assertFailed(outcome, {
          outcome: 'dns_failed',
          code: 'upstream-unresolved',
          wasSent: false,
          text: /does not resolve/,
        });
      }
      assert.equal(lookups, 1);
    });

    it('does not wait for a resolver that never answers longer than the connect limit (F03)', async () => {
      const upstream = upstreamOf({ resolver: () => undefined });
      const outcomes = await Promise.all(
        [1, 2, 3].map(() => run(upstream, { url: 'http://never.test/', limits: { connectMs: 100 } })),
      );
      for (const outcome of outcomes) {
        assertFailed(outcome, { outcome: 'dns_failed', code: 'upstream-unresolved', wasSent: false });
        assert.ok(outcome.tookMs >= 100 && outcome.tookMs < 1_500, `took ${outcome.tookMs} ms`);
      }
      const { open: openCount, lookups } = upstream.stats();
      assert.deepEqual({ openCount, lookups }, { openCount: 0, lookups: 1 });
    });

    it('counts a TLS handshake that is never answered in the connect limit', async () => {
      const server = await serve(() => undefined);
      const outcome = await run(upstreamOf(), {
        url: `https://provider.test:${server.port}/`,
        limits: { connectMs: 100 },
      });
      assertFailed(outcome, {
        outcome: 'connect_timeout',
        code: 'upstream-timeout',
        wasSent: false,
        text: /take the connection within 100 ms/,
      });
      const [socket] = server.sockets;
      await closed(socket);
    });

    it('tries the next address where the first does not answer', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf({
        resolver: (_name, callback) =>
          callback(null, [
            { address: '127.0.0.2', family: 4 }, // nothing listens there: the server is bound to 127.0.0.1
            { address: '127.0.0.1', family: 4 },
          ]),
      });
      assert.equal((await run(upstream, { url: `http://provider.test:${server.port}/` })).status, 200);
    });
  });

  describe('TLS (F04)', () => {
    it('goes through with a good certificate, and takes up its session on the next connection', async () => {
      const server = await serve(({ socket }) => socket.end(reply(200, 'x', { connection: 'close' })), {
        certificate: 'good',
      });
      const upstream = upstreamOf();
      const resumed: boolean[] = [];
      for (let count = 0; count < 3; count += 1) {
        const outcome = await run(upstream, { url: `https://provider.test:${server.port}/` });
        assert.equal(outcome.status, 200, outcome.fault?.message);
        const socket = server.sockets[count];
        resumed.push(
          socket !== undefined &&
            'isSessionReused' in socket &&
            typeof socket.isSessionReused === 'function' &&
            socket.isSessionReused() === true,
        );
      }
      assert.deepEqual(resumed[0], false);
      assert.ok(resumed.slice(1).includes(true), 'no session was taken up');
    });

    it('fails without sending anything where the certificate is wrong', async () => {
      const cases: readonly [string, string, UpstreamOptions, RegExp][] = [
        ['expired', 'provider.test', {}, /of acme was not accepted: it has expired/],
        ['other-name', 'provider.test', {}, /it is for another name/],
        ['good', 'wrong.test', {}, /it is for another name/],
        ['good', '127.0.0.1', {}, /it is for another name/],
        ['good', 'provider.test', { ca: tlsFixture('other-name.pem') }, /its issuer is not known/],
      ];
      for (const [certificate, host, options, text] of cases) {
        const server = await serve(({ socket }) => socket.write(reply(200, 'x')), { certificate });
        const outcome = await run(upstreamOf(options), { url: `https://${host}:${server.port}/` });
        assertFailed(outcome, { outcome: 'tls_failed', code: 'upstream-certificate', wasSent: false, text });
        assert.equal(server.requests.length, 0);
      }
    });

    it('says so where plain HTTP is spoken', async () => {
      const server = await serve(() => undefined, {
        onConnection: (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      });
      const outcome = await run(upstreamOf(), { url: `https://provider.test:${server.port}/` });
      assertFailed(outcome, {
        outcome: 'tls_failed',
        code: 'upstream-certificate',
        wasSent: false,
        text: /plain HTTP/,
      });
    });
  });

  describe('addresses (B23, B57)', () => {
    it('are refused where they are private and only public ones are allowed', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      const hosts = [
        '127.0.0.1',
        '0x7f.1',
        '2130706433',
        '[::ffff:127.0.0.1]',
        '0.0.0.0',
        '169.254.169.254',
        'innocent.test',
      ];
      for (const host of hosts) {
        const outcome = await run(upstream, { url: `http://${host}:${server.port}/`, allowPrivate: false });
        assertFailed(outcome, {
          outcome: 'egress_refused',
          code: 'upstream-unsendable',
          wasSent: false,
          text: /private or reserved/,
        });
      }
      assert.equal(server.sockets.length, 0);
    });

    it('are refused where one of several is private, and where an open connection to it would be at hand', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf({
        resolver: (_name, callback) =>
          callback(null, [
            { address: '8.8.8.8', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]),
      });
      assert.equal((await run(upstream, { url: url(server) })).status, 200);
      assertFailed(await run(upstream, { url: url(server), allowPrivate: false }), {
        outcome: 'egress_refused',
        code: 'upstream-unsendable',
        wasSent: false,
      });
      const mixed = await run(upstream, { url: `http://mixed.test:${server.port}/`, allowPrivate: false });
      assertFailed(mixed, { outcome: 'egress_refused', code: 'upstream-unsendable', wasSent: false });
      assert.equal(server.sockets.length, 1);
    });

    it('are connected to as they were checked, even if the name changes between', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      let lookups = 0;
      const upstream = upstreamOf({
        resolver: (_name, callback) => {
          lookups += 1;
          callback(null, [{ address: lookups === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]);
        },
      });
      assert.equal((await run(upstream, { url: `http://rebind.test:${server.port}/` })).status, 200);
      assert.equal(lookups, 1);
    });
  });

  describe('an upstream that is silent or breaks', () => {
    it('fails at the first-byte limit, and its socket is closed (F05)', async () => {
      const server = await serve(() => undefined);
      const outcome = await run(upstreamOf(), { url: url(server), limits: { firstByteMs: 100 } });
      assertFailed(outcome, {
        outcome: 'first_byte_timeout',
        code: 'upstream-timeout',
        wasSent: true,
        text: /begin to answer within 100 ms/,
      });
      assert.ok(outcome.tookMs >= 100 && outcome.tookMs < 1_500, `took ${outcome.tookMs} ms`);
      const [socket] = server.sockets;
      await closed(socket);
    });

    it('is not late where only the upload takes long', async () => {
      const size = 64 * 1024 * 1024;
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')), {
        onConnection: (socket: Socket) => {
          // Reads a piece every ms or two: the whole takes several times the first-byte limit.
          socket.on('data', () => {
            socket.pause();
            setTimeout(() => socket.resume(), 2);
          });
        },
      });
      const outcome = await run(upstreamOf(), {
        url: url(server),
        body: Buffer.alloc(size, 0x20),
        limits: { firstByteMs: 1_000 },
      });
      assert.equal(outcome.status, 200, outcome.fault?.message);
      assert.ok(outcome.tookMs > 1_000, `took only ${outcome.tookMs} ms`);
      assert.equal(server.requests[0]?.body.length, size);
    });

    it('fails where an upload no longer moves', async () => {
      const server = await serve(() => undefined, {
        onConnection: (socket: Socket) => setImmediate(() => socket.pause()),
      });
      const outcome = await run(upstreamOf(), {
        url: url(server),
        body: Buffer.alloc(32 * 1024 * 1024, 0x20),
        limits: { firstByteMs: 150 },
      });
      assertFailed(outcome, { outcome: 'first_byte_timeout', code: 'upstream-timeout', wasSent: true });
    });

    it('fails at the idle limit inside the body, but not while we are the ones who pause', async () => {
      const server = await serve(({ socket, index }) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello');
        if (index === 1) socket.write('world');
      });
      const upstream = upstreamOf();
      const outcome = await run(upstream, { url: url(server), limits: { idleMs: 100 } });
      assertFailed(outcome, {
        outcome: 'idle_timeout',
        code: 'upstream-timeout',
        wasSent: true,
        text: /send more of its answer within 100 ms/,
      });
      assert.equal(outcome.body, 'hello');
      const paused = await run(
        upstream,
        { url: url(server), limits: { idleMs: 60 } },
        {
          onHead: (exchange) => {
            exchange.pause();
            setTimeout(() => exchange.resume(), 250);
          },
        },
      );
      assert.deepEqual([paused.fault, paused.body], [undefined, 'helloworld']);
    });

    it('that resets before or within its head is a reset (F06)', async () => {
      for (const start of ['', 'H', 'HTTP/1.1 200 OK\r\ncontent-ty']) {
        const server = await serve(({ socket }) => {
          socket.write(start, () => socket.resetAndDestroy());
        });
        const outcome = await run(upstreamOf(), { url: url(server) });
        assertFailed(outcome, { outcome: 'upstream_reset', code: 'upstream-unreachable', wasSent: true });
        assert.equal(server.requests.length, 1, 'a new connection was repeated');
      }
    });

    it('that answers bytes which are not HTTP is told so, without the parser (F07)', async () => {
      const garbage = [
        'SSH-2.0-OpenSSH_9.9\r\n',
        '\u0000\u0001\u0002',
        'HTTP/1.1 abc\r\n\r\n',
        `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`,
      ];
      for (const bytes of garbage) {
        const server = await serve(({ socket }) => socket.write(bytes));
        const outcome = await run(upstreamOf(), { url: url(server) });
        assertFailed(outcome, { outcome: 'not_http', code: 'upstream-invalid', wasSent: true });
      }
    });

    it('that cuts its body short is found out, however it framed it (F11)', async () => {
      const cases: readonly [string, 'end' | 'reset', string][] = [
        ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":', 'end', 'truncated'],
        ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{"a":', 'end', 'truncated'],
        ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n', 'end', 'truncated'],
        [
          'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\n{"a":\r\n',
          'end',
          'truncated',
        ],
        ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":', 'reset', 'upstream_reset'],
        ['HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"a":', 'reset', 'upstream_reset'],
      ];
      for (const [text, how, outcome] of cases) {
        const server = await serve(({ socket }) => {
          // The other side must have read it, or a reset would take it away again.
          socket.write(text, () => setTimeout(() => (how === 'end' ? socket.end() : socket.resetAndDestroy()), 30));
        });
        const got = await run(upstreamOf(), { url: url(server) });
        assertFailed(got, { outcome, code: 'upstream-cut', wasSent: true });
        assert.equal(got.body, '{"a":', text);
      }
    });

    it('that sends no length and closes has ended well', async () => {
      const server = await serve(({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'));
      assert.equal((await run(upstreamOf(), { url: url(server) })).body, 'hello');
    });

    it('that redirects is not followed, and the key goes nowhere else (F09)', async () => {
      const evil = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf();
      for (const status of [300, 301, 302, 303, 307, 308]) {
        const server = await serve(({ socket }) => socket.write(reply(status, '', { location: url(evil) })));
        assertFailed(await run(upstream, { url: url(server) }), {
          outcome: 'redirect',
          code: 'upstream-redirect',
          wasSent: true,
        });
      }
      assert.equal(evil.sockets.length, 0);
    });
  });

  describe('a pooled connection that was closed as we wrote (F08)', () => {
    /** Answers the first request of each connection, then does `then` with the second. */
    async function fickle(then: (request: RawRequest) => void): Promise<RawServer> {
      const seen = new Set<number>();
      return serve((request) => {
        if (seen.has(request.connection)) return then(request);
        seen.add(request.connection);
        request.socket.write(reply(200, `c${request.connection}`));
      });
    }

    it('is replaced unseen, once', async () => {
      for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
        const server = await fickle(({ socket }) => socket[how]());
        const upstream = upstreamOf();
        assert.equal((await run(upstream, { url: url(server) })).body, 'c0');
        const outcome = await run(upstream, { url: url(server) });
        assert.deepEqual([outcome.status, outcome.body], [200, 'c1'], how);
        assert.deepEqual(server.requests[2]?.body, BODY);
        assert.equal(upstream.stats().repeats, 1);
      }
    });

    it('is not repeated once a byte of the reply has come, nor on a connection that was new', async () => {
      const server = await fickle(({ socket }) => {
        socket.write('H', () => socket.destroy());
      });
      const upstream = upstreamOf();
      await run(upstream, { url: url(server) });
      assertFailed(await run(upstream, { url: url(server) }), {
        outcome: 'upstream_reset',
        code: 'upstream-unreachable',
        wasSent: true,
      });
      assert.deepEqual([server.requests.length, upstream.stats().repeats], [2, 0]);
      const dead = await serve(({ socket }) => socket.destroy());
      assertFailed(await run(upstream, { url: url(dead) }), {
        outcome: 'upstream_reset',
        code: 'upstream-unreachable',
        wasSent: true,
      });
      assert.equal(dead.requests.length, 1);
    });

    it('is not repeated where the provider had the request for a while', async () => {
      const server = await fickle(({ socket }) => setTimeout(() => socket.destroy(), 1_100));
      const upstream = upstreamOf();
      await run(upstream, { url: url(server) });
      assertFailed(await run(upstream, { url: url(server) }), {
        outcome: 'upstream_reset',
        code: 'upstream-unreachable',
        wasSent: true,
      });
      assert.equal(upstream.stats().repeats, 0);
    });

    it('costs nothing where it was closed while idle: the request was not written to it', async () => {
      const server = await fickle(() => assert.fail('second request on a closed connection'));
      const upstream = upstreamOf();
      await run(upstream, { url: url(server) });
      const [first] = server.sockets;
      assert.ok(first);
      first.destroy();
      // In the turn in which the server's side is gone: its end has arrived, but our side has not read it yet.
      await new Promise((resolve) => {
        first.once('close', resolve);
      });
      const outcome = await run(upstream, { url: url(server) });
      assert.deepEqual([outcome.status, outcome.body, upstream.stats().repeats], [200, 'c1', 0]);
    });

    it('fails where the second connection fails too, and says that bytes were sent', async () => {
      const server = await fickle(({ socket }) => {
        socket.destroy();
        void server.close();
      });
      const upstream = upstreamOf();
      await run(upstream, { url: url(server) });
      assertFailed(await run(upstream, { url: url(server) }), {
        outcome: 'connect_refused',
        code: 'upstream-unreachable',
        wasSent: true,
      });
    });
  });

  describe('an idle connection', () => {
    /** Makes one, then lets the server do something to it; the next call must not notice. */
    async function disturbed(
      first: string,
      then: (socket: Socket) => void,
      options: UpstreamOptions = {},
    ): Promise<void> {
      const server = await serve(({ socket, index }) =>
        socket.write(index === 0 ? first : reply(200, `c${index}`).toString()),
      );
      const upstream = upstreamOf(options);
      assert.equal((await run(upstream, { url: url(server) })).status, 200);
      const [socket] = server.sockets;
      assert.ok(socket);
      then(socket);
      await closed(socket);
      // What the other side did last lies in the machine's buffers now, and is read before this call is written.
      await new Promise(setImmediate);
      const { body, status } = await run(upstream, { url: url(server) });
      assert.deepEqual([status, body, server.sockets.length, server.requests.length], [200, 'c1', 2, 2]);
    }

    const plain = reply(200, 'x').toString();

    it('is dropped where the other side closes it, in order or not', async () => {
      await disturbed(plain, (socket) => socket.end());
      await disturbed(plain, (socket) => socket.resetAndDestroy());
    });

    it('is dropped at a byte that nobody asked for: it would be the next reply, or a part of it', async () => {
      for (const surplus of ['x', plain]) {
        await disturbed(plain, (socket) => socket.write(surplus));
        await disturbed(plain + surplus, () => undefined);
      }
    });

    it('is not written to where such bytes have come, but were not read yet', async () => {
      const server = await serve(({ socket, connection }) => socket.write(reply(200, `c${connection}`)));
      const upstream = upstreamOf();
      await run(upstream, { url: url(server) });
      await new Promise<void>((resolve) => {
        server.sockets[0]?.write(reply(500, 'smuggled'), () => setImmediate(resolve));
      });
      const outcome = await run(upstream, { url: url(server) });
      assert.deepEqual([outcome.status, outcome.body, server.requests.length], [200, 'c1', 2]);
    });

    it('is closed when it was idle for long, and before the other side would', async () => {
      await disturbed(plain, () => undefined, { keepAliveMs: 50 });
      const kept = (seconds: string): string => reply(200, 'x', { 'keep-alive': seconds }).toString();
      await disturbed(kept('max=5, timeout=1'), () => undefined);
      await disturbed(kept('timeout=100'), () => undefined, { keepAliveMs: 50 });
    });

    it('is not kept where the reply says so, or is of HTTP/1.0', async () => {
      await disturbed(reply(200, 'x', { connection: 'close' }).toString(), () => undefined);
      await disturbed(plain.replace('1.1', '1.0'), () => undefined);
    });
  });

  describe('a reply that comes before the request is out', () => {
    it('is taken, and its connection closed: what is still on the way belongs to no one', async () => {
      const server = await serve(() => undefined, {
        onConnection: (socket: Socket) => {
          socket.once('data', () => socket.pause().write(reply(413, 'too big')));
        },
      });
      const outcome = await run(upstreamOf(), { url: url(server), body: Buffer.alloc(32 * 1024 * 1024, 0x20) });
      assert.deepEqual([outcome.status, outcome.body, outcome.fault], [413, 'too big', undefined]);
      const [socket] = server.sockets;
      socket?.resume();
      await closed(socket);
    });
  });

  describe('content encodings', () => {
    const text = 'data: {"x":1}\n\n'.repeat(5_000);
    const forms: readonly [string, Buffer][] = [
      ['gzip', gzipSync(text)],
      ['x-gzip', gzipSync(text)],
      ['deflate', deflateSync(text)],
      ['deflate', deflateRawSync(text)],
      ['br', brotliCompressSync(text)],
      ['zstd', zstdCompressSync(text)],
      ['identity', Buffer.from(text)],
    ];

    it('are undone, and what they changed is no longer in the head', async () => {
      for (const [encoding, bytes] of forms) {
        const server = await serve(({ socket }) =>
          socket.write(reply(200, bytes, { 'content-encoding': encoding, 'content-type': 'text/plain' })),
        );
        const outcome = await run(upstreamOf(), { url: url(server) });
        assert.equal(outcome.body, text, encoding);
        assert.equal(outcome.headers['content-type'], 'text/plain');
        if (encoding !== 'identity')
          assert.deepEqual(
            [outcome.headers['content-encoding'], outcome.headers['content-length']],
            [undefined, undefined],
          );
      }
    });

    it('do not hold back an event that is complete', async () => {
      const gzip = createGzip();
      const server = await serve(({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n');
        gzip.on('data', (chunk: Buffer) => socket.write(chunk));
        gzip.on('end', () => socket.end());
        gzip.write('event one\n\n');
        gzip.flush(constants.Z_SYNC_FLUSH);
      });
      const seen: string[] = [];
      const outcome = await run(
        upstreamOf(),
        { url: url(server) },
        {
          onData: (_exchange, chunk) => {
            seen.push(chunk.toString());
            if (seen.length === 1) gzip.end('event two\n\n');
          },
        },
      );
      assert.equal(outcome.fault, undefined);
      assert.deepEqual(seen, ['event one\n\n', 'event two\n\n']);
    });

    it('that are broken, cut or unknown are a fault', async () => {
      const gzipped = gzipSync(text);
      const cases: readonly [string, Buffer][] = [
        ['gzip', Buffer.from('not gzip at all')],
        ['gzip', gzipped.subarray(0, gzipped.length - 10)],
        ['br', Buffer.from('xxxxxxxxxxxxxxx')],
        ['zstd', Buffer.from('xxxxxxxxxxxxxxx')],
        ['compress', gzipped],
        ['gzip, br', gzipped],
      ];
      for (const [encoding, bytes] of cases) {
        const server = await serve(({ socket }) => socket.write(reply(200, bytes, { 'content-encoding': encoding })));
        assertFailed(await run(upstreamOf(), { url: url(server) }), {
          outcome: 'decode_failed',
          code: 'upstream-invalid',
          wasSent: true,
        });
      }
    });

    it('hold a reader back no less than a plain body: a paused call takes nothing', async () => {
      const big = gzipSync(Buffer.alloc(8 * 1024 * 1024));
      const server = await serve(({ socket }) => socket.write(reply(200, big, { 'content-encoding': 'gzip' })));
      let taken = 0;
      const outcome = await run(
        upstreamOf(),
        { url: url(server), limits: { bodyMaxBytes: 10_000_000 } },
        {
          onData: (exchange, chunk) => {
            taken += chunk.length;
            exchange.pause();
            const before = taken;
            setImmediate(() => {
              assert.equal(taken, before, 'data while paused');
              exchange.resume();
            });
          },
        },
      );
      assert.equal(outcome.size, 8 * 1024 * 1024);
    });
  });

  describe('size limits', () => {
    const mebibyte = 1024 * 1024;

    it('stop a gzip bomb at the limit, without its memory (F16)', async () => {
      const bombs: readonly [string, Buffer][] = [
        // Thirty-two members, each of 16 MiB: half a gigabyte out of half a megabyte.
        ['gzip', Buffer.concat(Array.from({ length: 32 }, () => gzipSync(Buffer.alloc(16 * mebibyte))))],
        ['br', brotliCompressSync(Buffer.alloc(64 * mebibyte), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
        ['zstd', zstdCompressSync(Buffer.alloc(64 * mebibyte))],
      ];
      for (const [encoding, bytes] of bombs) {
        const server = await serve(({ socket }) => socket.write(reply(200, bytes, { 'content-encoding': encoding })));
        const before = process.memoryUsage().rss;
        const outcome = await run(upstreamOf(), { url: url(server), limits: { bodyMaxBytes: 16 * mebibyte } });
        assertFailed(outcome, { outcome: 'too_big', code: 'upstream-too-big', wasSent: true, text: /16777216 bytes/ });
        assert.ok(outcome.size <= 16 * mebibyte);
        assert.ok(process.memoryUsage().rss - before < 150 * mebibyte, encoding);
      }
    });

    it('stop a plain body at the limit, and close the connection (F17)', async () => {
      const server = await serve(({ socket }) => {
        const piece = Buffer.alloc(mebibyte, 0x61);
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const more = (): void => {
          while (!socket.destroyed && socket.write(piece));
        };
        socket.on('drain', more);
        more();
      });
      const outcome = await run(upstreamOf(), { url: url(server), limits: { bodyMaxBytes: 16 * mebibyte } });
      assertFailed(outcome, { outcome: 'too_big', code: 'upstream-too-big', wasSent: true });
      assert.ok(outcome.size <= 16 * mebibyte);
      const [socket] = server.sockets;
      await closed(socket);
    });

    it('do not even begin a body whose length is over the limit', async () => {
      const server = await serve(({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n'));
      const outcome = await run(upstreamOf(), { url: url(server) });
      assertFailed(outcome, { outcome: 'too_big', code: 'upstream-too-big', wasSent: true });
      assert.equal(outcome.status, undefined);
    });
  });

  describe('abort', () => {
    async function closedWithin(server: RawServer, ms: number): Promise<void> {
      const began = performance.now();
      const [socket] = server.sockets;
      assert.ok(socket);
      await closed(socket);
      assert.ok(performance.now() - began < ms, `took ${performance.now() - began} ms`);
    }

    const silent = {
      head: () => assert.fail('head after abort'),
      data: () => assert.fail('data after abort'),
      end: () => assert.fail('end after abort'),
      fail: () => assert.fail('fail after abort'),
    };

    it('closes the socket at once while waiting for the head', async () => {
      const upstream = upstreamOf();
      const arrived = Promise.withResolvers<undefined>();
      const server = await serve(() => arrived.resolve(undefined));
      const exchange = upstream.send(callOf({ url: url(server) }), silent);
      await arrived.promise;
      exchange.abort();
      exchange.abort();
      await closedWithin(server, 250);
      assert.deepEqual([upstream.stats().open, upstream.stats().active], [0, 0]);
    });

    it('closes the socket at once in the middle of the body', async () => {
      const upstream = upstreamOf();
      const server = await serve(({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello'));
      const first = Promise.withResolvers<undefined>();
      const exchange = upstream.send(callOf({ url: url(server) }), {
        ...silent,
        head: () => undefined,
        data: () => first.resolve(undefined),
      });
      await first.promise;
      exchange.abort();
      await closedWithin(server, 250);
    });

    it('works out of a callback, while connecting, while resolving, and before anything', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'hello')));
      const upstream = upstreamOf();
      const ended = Promise.withResolvers<undefined>();
      const exchange = upstream.send(callOf({ url: url(server) }), {
        ...silent,
        head: () => {
          exchange.abort();
          ended.resolve(undefined);
        },
      });
      await ended.promise;
      upstream.send(callOf({ url: url(server) }), silent).abort();
      upstream.send(callOf({ url: 'x' }), silent).abort();
      upstreamOf({ resolver: () => undefined })
        .send(callOf({ url: 'http://never.test/' }), silent)
        .abort();
      await closedWithin(server, 250);
      // A call on an idle connection that is aborted before it is written.
      assert.equal((await run(upstream, { url: url(server) })).status, 200);
      await new Promise(setImmediate);
      const before = server.requests.length;
      upstream.send(callOf({ url: url(server) }), silent).abort();
      assert.equal((await run(upstream, { url: url(server) })).status, 200);
      assert.equal(server.requests.length, before + 1);
      assert.equal(upstream.stats().active, 0);
    });

    it('leaves behind whether the provider can have seen anything of the request', async () => {
      const unseen = upstreamOf({ resolver: () => undefined }).send(callOf({ url: 'http://never.test/' }), silent);
      unseen.abort();
      assert.equal(unseen.wasSent, false);
      let arrived = (): void => undefined;
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const server = await serve(() => arrived());
      const seen = upstreamOf().send(callOf({ url: url(server) }), silent);
      assert.equal(seen.wasSent, false, 'it is still connecting');
      await arrival;
      seen.abort();
      assert.equal(seen.wasSent, true);
    });

    it('leaves no trace of two hundred calls aborted at once', async () => {
      let arrived = 0;
      const all = Promise.withResolvers<undefined>();
      const server = await serve(() => {
        arrived += 1;
        if (arrived === 200) all.resolve(undefined);
      });
      const upstream = upstreamOf();
      const exchanges = Array.from({ length: 200 }, () => upstream.send(callOf({ url: url(server) }), silent));
      await all.promise;
      for (const exchange of exchanges) exchange.abort();
      await Promise.all(server.sockets.map(closed));
      const { open: openCount, active, idle } = upstream.stats();
      assert.deepEqual({ openCount, active, idle }, { openCount: 0, active: 0, idle: 0 });
    });
  });

  describe('backpressure', () => {
    it('reaches the upstream: while paused, it can write no more than the buffers hold', async () => {
      let written = 0;
      const total = 64 * 1024 * 1024;
      const server = await serve(({ socket }) => {
        const piece = Buffer.alloc(64 * 1024, 0x61);
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
        const more = (): void => {
          while (written < total) {
            written += piece.length;
            if (!socket.write(piece)) return;
          }
        };
        socket.on('drain', more);
        more();
      });
      let writtenWhilePaused = 0;
      const outcome = await run(
        upstreamOf(),
        { url: url(server), limits: { bodyMaxBytes: total } },
        {
          onHead: (exchange) => {
            exchange.pause();
            setTimeout(() => {
              writtenWhilePaused = written;
              exchange.resume();
            }, 200);
          },
        },
      );
      assert.equal(outcome.size, total);
      assert.ok(writtenWhilePaused < 16 * 1024 * 1024, `${writtenWhilePaused} bytes`);
    });

    it('can be let go out of the callback of another call', async () => {
      const server = await serve(({ socket, index }) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello');
        if (index === 0) setTimeout(() => socket.write('world'), 20);
        else setTimeout(() => socket.write('world'), 60);
      });
      const upstream = upstreamOf();
      let first: UpstreamExchange | undefined;
      const paused = run(
        upstream,
        { url: url(server) },
        {
          onHead: (exchange) => {
            first = exchange;
            exchange.pause();
          },
        },
      );
      const other = run(upstream, { url: url(server) }, { onData: () => first?.resume() });
      assert.deepEqual([(await other).body, (await paused).body], ['helloworld', 'helloworld']);
    });
  });

  describe('limits of connections', () => {
    it('let calls wait for a free one, refuse those that cannot, and serve all others', async () => {
      const held: Socket[] = [];
      const server = await serve(({ socket }) => held.push(socket));
      const upstream = upstreamOf({ connectionsMax: 2, waitingMax: 2 });
      const calls = Array.from({ length: 5 }, () => run(upstream, { url: url(server) }));
      const last = await calls[4];
      assert.ok(last);
      assertFailed(last, {
        outcome: 'no_connection',
        code: 'upstream-overloaded',
        wasSent: false,
        text: /all 2 connections to it are in use/,
      });
      assert.equal(upstream.stats().waiting, 2);
      while (server.requests.length < 4) {
        for (const socket of held.splice(0)) socket.write(reply(200, 'x'));
        await new Promise(setImmediate);
      }
      for (const socket of held.splice(0)) socket.write(reply(200, 'x'));
      const outcomes = await Promise.all(calls.slice(0, 4));
      assert.deepEqual(
        outcomes.map((one) => one.status),
        [200, 200, 200, 200],
      );
      assert.equal(server.sockets.length, 2);
    });

    it('give the place of a broken connection to the call that waits, and free that of an aborted one', async () => {
      const server = await serve(({ socket, index }) =>
        index === 0 ? socket.destroy() : socket.write(reply(200, 'x')),
      );
      const upstream = upstreamOf({ connectionsMax: 1 });
      const first = run(upstream, { url: url(server) });
      const second = run(upstream, { url: url(server) });
      assertFailed(await first, { outcome: 'upstream_reset', code: 'upstream-unreachable', wasSent: true });
      assert.equal((await second).status, 200);
    });

    it('do not let a call wait longer than the connect limit', async () => {
      const server = await serve(() => undefined);
      const upstream = upstreamOf({ connectionsMax: 1 });
      const first = run(upstream, { url: url(server), limits: { firstByteMs: 300 } });
      const second = await run(upstream, { url: url(server), limits: { connectMs: 80 } });
      assertFailed(second, {
        outcome: 'no_connection',
        code: 'upstream-overloaded',
        wasSent: false,
        text: /free within 80 ms/,
      });
      assert.equal(upstream.stats().waiting, 0);
      await first;
    });

    it('retire a connection of great age', async () => {
      const server = await serve(({ socket }) => socket.write(reply(200, 'x')));
      const upstream = upstreamOf({ connectionAgeMaxMs: 0 });
      await run(upstream, { url: url(server) });
      await run(upstream, { url: url(server) });
      assert.equal(server.sockets.length, 2);
    });
  });

  describe('close', () => {
    it('waits for the calls under way, refuses new ones, and closes all connections', async () => {
      let finish: (() => void) | undefined;
      const server = await serve(({ socket, index }) => {
        if (index === 0) finish = () => socket.write(reply(200, 'x'));
        else socket.write(reply(200, 'x'));
      });
      const upstream = upstreamOf();
      const first = run(upstream, { url: url(server) });
      await run(upstream, { url: url(server) });
      const closing = upstream.close();
      assertFailed(await run(upstream, { url: url(server) }), {
        outcome: 'closing',
        code: 'shutting-down',
        wasSent: false,
      });
      finish?.();
      assert.equal((await first).status, 200);
      await closing;
      await Promise.all(server.sockets.map(closed));
    });
  });

  describe('a handler that throws', () => {
    it('ends its call with our own fault, is reported, and disturbs no other', async () => {
      const server = await serve(({ socket }) =>
        socket.write(reply(200, gzipSync('hello'), { 'content-encoding': 'gzip' })),
      );
      const bugs: unknown[] = [];
      const upstream = upstreamOf({ onBug: (error) => bugs.push(error) });
      for (const hooks of [{ onHead: () => assert.fail('mine') }, { onData: () => assert.fail('mine') }]) {
        assertFailed(await run(upstream, { url: url(server) }, hooks), {
          outcome: 'internal',
          code: 'internal',
          wasSent: true,
        });
      }
      assert.equal(bugs.length, 2);
      assert.equal((await run(upstream, { url: url(server) })).body, 'hello');
    });
  });
}
