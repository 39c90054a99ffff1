/** The upstream contract: bodies: encoded, too large, faster than their reader. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import type { UpstreamExchange } from '../../src/upstream/upstream.ts';
import { reply } from '../raw-server.ts';
import { assertFailed, closed, run, serve, url, type MakeUpstream } from './kit.ts';

export function bodies(upstreamOf: MakeUpstream): void {
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
      const member = gzipSync(Buffer.alloc(16 * mebibyte));
      const bombs: readonly [string, Buffer][] = [
        // Thirty-two members, each of 16 MiB: half a gigabyte out of half a megabyte.
        ['gzip', Buffer.concat(Array.from({ length: 32 }, () => member))],
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
}
