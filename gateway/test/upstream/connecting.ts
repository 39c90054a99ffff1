/** The upstream contract: how a connection comes about: names, addresses, TLS. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { UpstreamOptions } from '../../src/upstream/http-upstream.ts';
import { closedPort, reply, tlsFixture } from '../raw-server.ts';
import { assertFailed, closed, run, serve, url, type MakeUpstream } from './kit.ts';

export function connecting(upstreamOf: MakeUpstream): void {
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
}
