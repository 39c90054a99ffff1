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
    const socket = connect(server.port, '127.0.0.1');
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
    });
    return { socket, http: ownCodec(socket, { origin, keepAliveMs: 30_000, deadlines }) };
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

  it('writes a request at once: head and body come in one piece, small or large', async () => {
    for (const size of [0, 2, 16 * 1024, 40 * 1024]) {
      const pieces: number[] = [];
      const { http, socket } = await connected(({ socket: other }) => other.write(reply(200, 'x')));
      const write = socket.cork.bind(socket);
      socket.cork = () => {
        pieces.push(2);
        write();
      };
      await told(http, { ...REQUEST, body: Buffer.alloc(size, 0x20) });
      assert.equal(socket.bytesWritten > size, true);
      assert.deepEqual(pieces, size > 16 * 1024 ? [2] : []);
    }
  });

  it('closes at line ends behind a reply, which some readers skip', async () => {
    const { http, socket } = await connected(({ socket: other }) =>
      other.write(Buffer.concat([reply(200, 'x'), Buffer.from('\r\n')])),
    );
    assert.equal((await told(http)).at(-1), 'end');
    assert.equal(socket.destroyed, true);
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
