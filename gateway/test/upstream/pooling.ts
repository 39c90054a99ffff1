/** The upstream contract: connections that are kept: used again, limited, closed. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { UpstreamOptions } from '../../src/upstream/http-upstream.ts';
import { reply, type RawRequest, type RawServer } from '../raw-server.ts';
import { assertFailed, BODY, closed, run, serve, url, type MakeUpstream } from './kit.ts';

export function pooling(upstreamOf: MakeUpstream): void {
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
}
