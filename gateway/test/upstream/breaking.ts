/** The upstream contract: what goes wrong while a call is under way. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { reply } from '../raw-server.ts';
import { assertFailed, closed, run, serve, url, type MakeUpstream } from './kit.ts';

export function breaking(upstreamOf: MakeUpstream): void {
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
