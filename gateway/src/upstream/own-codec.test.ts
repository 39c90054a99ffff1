import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { reply, startRawServer, type RawRequest, type RawServer } from '../../test/raw-server.ts';
import { upstreamContract } from '../../test/upstream-contract.ts';
import type { HttpConnection, HttpRequest } from './codec.ts';
import { createDeadlines } from './deadlines.ts';
import { ownCodec } from './own-codec.ts';

upstreamContract(ownCodec);

const REQUEST: HttpRequest = { method: 'POST', path: '/', headers: { a: 'b' }, body: Buffer.from('{}') };

describe('our own codec', () => {
  const deadlines = createDeadlines();
  const servers: RawServer[] = [];
  after(async () => {
    deadlines.stop();
    await Promise.all(servers.map((server) => server.close()));
  });

  async function connected(answer: (request: RawRequest) => void): Promise<{ http: HttpConnection; socket: Socket }> {
    const server = await startRawServer(answer);
    servers.push(server);
    const origin = `http://127.0.0.1:${server.port}`;
    const speaker = ownCodec({ origin, keepAliveMs: 30_000, deadlines });
    const socket = connect({ port: server.port, host: '127.0.0.1', ...speaker });
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
    });
    return { socket, http: speaker.open(socket) };
  }

  /** Sends, and gives what the reader was told until its end. */
  function told(http: HttpConnection, request: HttpRequest = REQUEST): Promise<readonly string[]> {
    const calls: string[] = [];
    return new Promise((resolve) => {
      http.send(request, {
        writing: () => calls.push('writing'),
        written: () => calls.push('written'),
        head: (status) => calls.push(`head ${status}`),
        data: (piece) => calls.push(`data ${piece.toString()}`),
        end: () => {
          calls.push('end');
          resolve(calls);
        },
        broke: (how) => {
          calls.push(`broke ${JSON.stringify(how)}`);
          resolve(calls);
        },
      });
    });
  }

  it('tells its reader each step, once', async () => {
    const { http } = await connected(({ socket }) => socket.write(reply(200, 'x')));
    const steps = ['writing', 'written', 'head 200', 'data x', 'end'];
    assert.deepEqual(await told(http), steps);
    assert.deepEqual(await told(http), steps);
  });

  it('hands a request to the socket at once: in one piece, or a large body corked behind its head', async () => {
    for (const [size, corks] of [
      [0, 0],
      [2, 0],
      [16 * 1024, 0],
      [40 * 1024, 1],
    ] as const) {
      const { http, socket } = await connected(({ socket: other }) => other.write(reply(200, 'x')));
      let corked = 0;
      const cork = socket.cork.bind(socket);
      socket.cork = () => {
        corked += 1;
        cork();
      };
      await told(http, { ...REQUEST, body: Buffer.alloc(size, 0x20) });
      assert.deepEqual([corked, socket.bytesWritten > size], [corks, true]);
    }
  });

  it('closes at line ends behind a reply, which some readers skip', async () => {
    const { http, socket } = await connected(({ socket: other }) =>
      other.write(Buffer.concat([reply(200, 'x'), Buffer.from('\r\n')])),
    );
    assert.equal((await told(http)).at(-1), 'end');
    assert.equal(socket.destroyed, true);
  });

  it('closes at once where the other side keeps it for no longer than a request may be on its way', async () => {
    for (const [timeout, isClosed] of [
      ['timeout=2', true],
      ['max=9, timeout=3', false],
      ['x', false],
    ] as const) {
      const { http, socket } = await connected(({ socket: other }) =>
        other.write(reply(200, 'x', { 'keep-alive': timeout })),
      );
      await told(http);
      assert.equal(socket.destroyed, isClosed, timeout);
    }
  });

  it('tells a connection that is gone before the request is written from one that breaks after it', async () => {
    const idle = await connected(({ socket }) => socket.write(reply(200, 'x')));
    await told(idle.http);
    const stale = told(idle.http);
    idle.socket.destroy();
    assert.deepEqual(await stale, ['broke {"kind":"stale"}']);
    const silent = await connected(({ socket }) => socket.end());
    assert.deepEqual(await told(silent.http), [
      'writing',
      'written',
      'broke {"kind":"closed","isReset":false,"wasSilent":true}',
    ]);
    const cut = await connected(({ socket }) => socket.end('H'));
    assert.deepEqual((await told(cut.http)).at(-1), 'broke {"kind":"closed","isReset":false,"wasSilent":false}');
    const reset = await connected(({ socket }) => socket.resetAndDestroy());
    assert.deepEqual((await told(reset.http)).at(-1), 'broke {"kind":"closed","isReset":true,"wasSilent":true}');
  });

  it('writes nothing of a request that HTTP does not allow', async () => {
    const { http, socket } = await connected(() => assert.fail('a request came'));
    assert.deepEqual(await told(http, { ...REQUEST, headers: { a: 'b\r\nc: d' } }), ['broke {"kind":"unsendable"}']);
    assert.equal(socket.bytesWritten, 0);
  });
});
