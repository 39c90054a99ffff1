/** The upstream contract: calls that are aborted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reply, type RawServer } from '../raw-server.ts';
import { callOf, closed, run, serve, url, type MakeUpstream } from './kit.ts';

export function aborting(upstreamOf: MakeUpstream): void {
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
}
