/** The upstream contract: a call, from its URL to its reply. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reply } from '../raw-server.ts';
import { assertFailed, BODY, callOf, run, serve, url, type MakeUpstream } from './kit.ts';

export function calls(upstreamOf: MakeUpstream): void {
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
}
