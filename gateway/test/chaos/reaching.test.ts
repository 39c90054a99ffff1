/** Rows F01 to F09 of the fault table: P cannot be reached, or does not answer in HTTP. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { closedPort, reply, startRawServer, type RawRequest, type RawServer } from '../raw-server.ts';
import { CALLERS, rawWhole, type Seen } from './callers.ts';
import {
  assertAnswered,
  assertFailed,
  eachCaller,
  P_FINE,
  P_ROW,
  P_SAYS,
  providerRow,
  S_ROW,
  S_SAYS,
  startRig,
  type Rig,
} from './rig.ts';

const FAKE_NAMES = join(import.meta.dirname, 'fake-names.ts');
const TLS = join(import.meta.dirname, '..', 'fixtures', 'tls');
/** Rows that wait for a limit use these instead of 2 s and 5 s, so that the suite stays short. */
const CONNECT_MS = 400;
const FIRST_BYTE_MS = 300;
/** How late a limit may be noticed on a busy machine. */
const LATE_MS = 300;
const KEY = 'sk-upstream-raw-0123456789';

/** A raw upstream whose answer each test sets. */
interface Raw {
  readonly server: RawServer;
  answer: (request: RawRequest) => void;
  /** Sent as soon as anything comes, whatever it is. */
  greeting: Buffer | undefined;
  /** All bytes that reached it. */
  bytes: string;
}

async function startRaw(certificate?: string): Promise<Raw> {
  const raw: Raw = {
    server: await startRawServer((request) => raw.answer(request), {
      ...(certificate === undefined ? {} : { certificate }),
      onConnection: (socket) => {
        socket.on('data', (piece) => {
          raw.bytes += piece.toString('latin1');
          if (raw.greeting !== undefined) socket.end(raw.greeting);
        });
      },
    }),
    answer: (request) => request.socket.destroy(),
    greeting: undefined,
    bytes: '',
  };
  return raw;
}

function completion(text: string): string {
  const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
  const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
  return JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices, usage });
}

/**
 * That an answer came within the limit. A machine that is busy with other things makes any answer late: what was late is
 * asked again, and the fastest of three counts.
 */
async function assertInTime(tookMs: number, limitMs: number, again: () => Promise<number>): Promise<void> {
  const times = [tookMs];
  while (times.length < 3 && Math.min(...times) >= limitMs) times.push(await again());
  assert.ok(Math.min(...times) < limitMs, `it took ${times.map((time) => time.toFixed(0)).join(', ')} ms`);
}

async function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.closed) return;
  await new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

describe('reaching the upstream', () => {
  let rig: Rig;
  let raw: Raw;
  let plain: Raw;
  let expired: Raw;
  let otherName: Raw;
  let good: Raw;
  const servers: Raw[] = [];

  before(async () => {
    raw = await startRaw();
    plain = await startRaw();
    // What a server of plain HTTP says to the first bytes of TLS.
    plain.greeting = Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    expired = await startRaw('expired');
    otherName = await startRaw('other-name');
    good = await startRaw('good');
    servers.push(raw, plain, expired, otherName, good);
    const secure = (of: Raw): string => providerRow(`https://provider.test:${of.server.port}/v1`, { key: KEY });
    const named = (name: string): string =>
      providerRow(`http://${name}:${raw.server.port}/v1`, {
        key: KEY,
        fields: `timeouts: {connect_ms: ${CONNECT_MS}}`,
      });
    const deaf = `timeouts: {first_byte_ms: ${FIRST_BYTE_MS}}`;
    rig = await startRig({
      nodeArgs: ['--import', FAKE_NAMES],
      env: { NODE_EXTRA_CA_CERTS: join(TLS, 'ca.pem') },
      providers: {
        refused: providerRow(`http://127.0.0.1:${await closedPort()}/v1`),
        refused2: providerRow(`http://127.0.0.1:${await closedPort()}/v1`),
        raw: providerRow(`http://127.0.0.1:${raw.server.port}/v1`, { key: KEY, fields: deaf }),
        nowhere: named('nowhere.test'),
        silent: named('silent.test'),
        plain: secure(plain),
        expired: secure(expired),
        othername: secure(otherName),
        good: secure(good),
      },
      routes: [
        'f01: {targets: [refused/m, s/m]}',
        'f02: {targets: [refused/m, refused2/m]}',
        'f03a: {targets: [nowhere/m, s/m]}',
        'f03b: {targets: [silent/m, s/m]}',
        'f04a: {targets: [expired/m, s/m]}',
        'f04b: {targets: [othername/m, s/m]}',
        'f04c: {targets: [plain/m, s/m]}',
        'raws: {targets: [raw/m, s/m]}',
      ],
    });
  });

  after(async () => {
    try {
      await rig.close();
    } finally {
      for (const { server } of servers) await server.close();
    }
  });

  it('F01 P refuses connections: S answers, hardly later, and P is not billed', async () => {
    await eachCaller(rig, { model: 'f01' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: ['refused/m broke connect_refused', 's/m answered'],
        rows: [S_ROW],
      });
    });
    const direct = await median('s/m', ['s/m answered']);
    const behind = await median('f01', ['refused/m broke connect_refused', 's/m answered']);
    assert.ok(behind - direct < 100, `the refusal cost ${(behind - direct).toFixed(1)} ms`);
  });

  /** The middle of eleven requests, in ms. */
  async function median(model: string, attempts: readonly string[]): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < 11; round += 1) {
      const seen = await rawWhole.ask(rig, { model });
      assertAnswered(seen, rawWhole, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts, rows: [S_ROW] });
      times.push(seen.tookMs);
    }
    return times.toSorted((a, b) => a - b)[5] ?? Infinity;
  }

  it('F02 P and S refuse: 503 with retry-after, at once, after two attempts at most at each', async () => {
    await eachCaller(rig, { model: 'f02' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 503, code: 'no_target', message: /refused the connection/ });
      assert.equal(seen.headers['retry-after'], '1');
      assert.ok(seen.tookMs < 500, `${caller.name} waited ${seen.tookMs.toFixed(0)} ms`);
      await rig.books(seen.id, {
        outcome: 'overloaded',
        attempts: [
          'refused/m broke connect_refused',
          'refused2/m broke connect_refused',
          /^refused2?\/m broke connect_refused$/,
        ],
        rows: [],
      });
    });
  });

  it('F02 a single target that refuses: 502, since there is nobody else to wait for', async () => {
    await eachCaller(rig, { model: 'refused/m' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 502, code: 'upstream_unreachable', message: /refused the connection/ });
      const attempts = ['refused/m broke connect_refused', 'refused/m broke connect_refused'];
      await rig.books(seen.id, { outcome: 'upstream_error', attempts, rows: [] });
    });
  });

  it('F03 the name of P does not resolve: S answers; with no S 502 at once', async () => {
    await eachCaller(rig, { model: 'f03a' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: ['nowhere/m broke dns_failed', 's/m answered'],
        rows: [S_ROW],
      });
    });
    await eachCaller(rig, { model: 'nowhere/m' }, async (seen, caller) => {
      const check = async (one: Seen): Promise<number> => {
        assertFailed(one, caller, { status: 502, code: 'upstream_unresolved', message: /name does not resolve/ });
        await rig.books(one.id, { outcome: 'upstream_error', attempts: ['nowhere/m broke dns_failed'], rows: [] });
        return one.tookMs;
      };
      await assertInTime(await check(seen), CONNECT_MS, async () =>
        check(await caller.ask(rig, { model: 'nowhere/m' })),
      );
    });
  });

  it('F03 the resolver never answers: S answers; with no S 502 within the connect limit; one look-up for all', async () => {
    await eachCaller(rig, { model: 'f03b' }, async (seen, caller) => {
      const check = async (one: Seen): Promise<number> => {
        assertAnswered(one, caller, S_SAYS);
        const attempts = ['silent/m broke dns_failed', 's/m answered'];
        await rig.books(one.id, { outcome: 'ok', attempts, rows: [S_ROW] });
        return one.tookMs;
      };
      await assertInTime(await check(seen), CONNECT_MS + LATE_MS, async () =>
        check(await caller.ask(rig, { model: 'f03b' })),
      );
    });
    const fifty = async (): Promise<number> => {
      const all = await Promise.all(Array.from({ length: 50 }, async () => rawWhole.ask(rig, { model: 'silent/m' })));
      for (const seen of all) {
        const message = /was not resolved within 400 ms/;
        assertFailed(seen, rawWhole, { status: 502, code: 'upstream_unresolved', message });
        await rig.books(seen.id, { outcome: 'upstream_error', attempts: ['silent/m broke dns_failed'], rows: [] });
      }
      return Math.max(...all.map((seen) => seen.tookMs));
    };
    await assertInTime(await fifty(), CONNECT_MS + LATE_MS, fifty);
    assert.equal(rig.gateway.output().split('looked up silent.test\n').length - 1, 1, 'look-ups of the name');
  });

  const BAD_TLS = [
    {
      what: 'has expired',
      provider: 'expired',
      route: 'f04a',
      server: () => expired,
      reason: /certificate .* it has expired/,
    },
    {
      what: 'is for another name',
      provider: 'othername',
      route: 'f04b',
      server: () => otherName,
      reason: /certificate .* for another name/,
    },
    {
      what: 'is none, since P speaks plain HTTP',
      provider: 'plain',
      route: 'f04c',
      server: () => plain,
      reason: /certificate .* plain HTTP is spoken there/,
    },
  ] as const;
  for (const { what, provider, route, server, reason } of BAD_TLS) {
    it(`F04 the certificate ${what}: S answers; with no S 502; never tried without verification, the key never sent`, async () => {
      server().answer = ({ socket }) => socket.write(reply(200, completion(P_SAYS)));
      await eachCaller(rig, { model: route }, async (seen, caller) => {
        assertAnswered(seen, caller, S_SAYS);
        await rig.books(seen.id, {
          outcome: 'ok',
          attempts: [`${provider}/m broke tls_failed`, 's/m answered'],
          rows: [S_ROW],
        });
      });
      await eachCaller(rig, { model: `${provider}/m` }, async (seen, caller) => {
        assertFailed(seen, caller, { status: 502, code: 'upstream_certificate', message: reason });
        await rig.books(seen.id, { outcome: 'upstream_error', attempts: [`${provider}/m broke tls_failed`], rows: [] });
      });
      assert.equal(server().server.requests.length, 0, 'a request was sent');
      assert.doesNotMatch(server().bytes, /sk-upstream|POST/);
    });
  }

  it('F04 the issuer is unknown: S answers; with no S 502; with a known issuer the same server is used', async (test) => {
    good.answer = ({ socket }) => socket.write(reply(200, completion(P_SAYS)));
    const row = providerRow(`https://provider.test:${good.server.port}/v1`, { key: KEY });
    const stranger = await startRig({
      nodeArgs: ['--import', FAKE_NAMES],
      providers: { good: row },
      routes: ['f04d: {targets: [good/m, s/m]}'],
    });
    test.after(() => stranger.close());
    await eachCaller(stranger, { model: 'f04d' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await stranger.books(seen.id, {
        outcome: 'ok',
        attempts: ['good/m broke tls_failed', 's/m answered'],
        rows: [S_ROW],
      });
    });
    await eachCaller(stranger, { model: 'good/m' }, async (seen, caller) => {
      assertFailed(seen, caller, {
        status: 502,
        code: 'upstream_certificate',
        message: /certificate .* issuer is not known/,
      });
      await stranger.books(seen.id, { outcome: 'upstream_error', attempts: ['good/m broke tls_failed'], rows: [] });
    });
    assert.equal(good.server.requests.length, 0, 'a request was sent');
    assert.doesNotMatch(good.bytes, /sk-upstream/);
    const seen = await rawWhole.ask(rig, { model: 'good/m' });
    assertAnswered(seen, rawWhole, P_SAYS);
    await rig.books(seen.id, { outcome: 'ok', attempts: ['good/m answered'], rows: ['good/m answered 5+2'] });
  });

  it('F05 P accepts and never sends a byte: S answers after the first-byte limit; with no S 504; P is let go at the limit', async () => {
    const closings: Promise<number>[] = [];
    raw.answer = ({ socket }) => {
      const startedMs = performance.now();
      closings.push(closed(socket).then(() => performance.now() - startedMs));
    };
    await eachCaller(rig, { model: 'raws' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      assert.ok(
        seen.tookMs >= FIRST_BYTE_MS && seen.tookMs < FIRST_BYTE_MS + LATE_MS,
        `${caller.name} waited ${seen.tookMs.toFixed(0)} ms`,
      );
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: ['raw/m broke first_byte_timeout', 's/m answered'],
        rows: [S_ROW],
      });
    });
    await eachCaller(rig, { model: 'raw/m' }, async (seen, caller) => {
      assertFailed(seen, caller, {
        status: 504,
        code: 'upstream_timeout',
        message: /did not begin to answer within 300 ms/,
      });
      await rig.books(seen.id, { outcome: 'upstream_timeout', attempts: ['raw/m broke first_byte_timeout'], rows: [] });
    });
    for (const openMs of await Promise.all(closings))
      assert.ok(openMs < FIRST_BYTE_MS + LATE_MS, `P was held for ${openMs.toFixed(0)} ms`);
    assert.equal(closings.length, 2 * CALLERS.length);
  });

  it('F06 P resets in the middle of its headers: S answers', async () => {
    raw.answer = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: applica', () => socket.resetAndDestroy());
    };
    await eachCaller(rig, { model: 'raws' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: ['raw/m broke upstream_reset', 's/m answered'],
        rows: [S_ROW],
      });
    });
  });

  it('F07 P answers bytes that are not HTTP: S answers; with no S 502, without the words of a parser', async () => {
    raw.answer = ({ socket }) => socket.end('SSH-2.0-OpenSSH_9.9\r\n\r\nwho is there\r\n\r\n');
    await eachCaller(rig, { model: 'raws' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['raw/m broke not_http', 's/m answered'], rows: [S_ROW] });
    });
    await eachCaller(rig, { model: 'raw/m' }, async (seen, caller) => {
      assertFailed(seen, caller, {
        status: 502,
        code: 'upstream_invalid',
        message: /^(\d+ )?.*cannot be read: it is not HTTP/,
      });
      assert.doesNotMatch(seen.error?.message ?? '', /SSH|Parse|HPE|llhttp/);
      const attempts = ['raw/m broke not_http', 'raw/m broke not_http'];
      await rig.books(seen.id, { outcome: 'upstream_error', attempts, rows: [] });
    });
  });

  it('F08 the pooled connection is closed just as we write: one quiet repeat, 200, billed once', async () => {
    const used = new Set<Socket>();
    raw.answer = ({ socket }) => {
      // The first request of a connection is answered; a second one finds it closed.
      if (used.has(socket)) socket.resetAndDestroy();
      else {
        used.add(socket);
        socket.write(reply(200, completion(P_SAYS)));
      }
    };
    const before = raw.server.requests.length;
    const seen: Seen[] = [];
    for (let round = 0; round < 4; round += 1) seen.push(await rawWhole.ask(rig, { model: 'raw/m' }));
    for (const one of seen) {
      assertAnswered(one, rawWhole, P_SAYS);
      await rig.books(one.id, { outcome: 'ok', attempts: ['raw/m answered'], rows: ['raw/m answered 5+2'] });
    }
    // Four answers, and three times a request that met a closed connection.
    assert.equal(raw.server.requests.length - before, 7);
    for (const socket of used) socket.destroy();
  });

  it('F08 a byte of the reply had arrived: no quiet repeat, but an attempt of its own', async () => {
    const used = new Set<Socket>();
    raw.answer = ({ socket }) => {
      if (used.has(socket)) socket.write('HTTP/1.1 200', () => socket.resetAndDestroy());
      else {
        used.add(socket);
        socket.write(reply(200, completion(P_SAYS)));
      }
    };
    const first = await rawWhole.ask(rig, { model: 'raw/m' });
    assertAnswered(first, rawWhole, P_SAYS);
    await rig.books(first.id, { outcome: 'ok', attempts: ['raw/m answered'], rows: ['raw/m answered 5+2'] });
    const second = await rawWhole.ask(rig, { model: 'raw/m' });
    assertAnswered(second, rawWhole, P_SAYS);
    await rig.books(second.id, {
      outcome: 'ok',
      attempts: ['raw/m broke upstream_reset', 'raw/m answered'],
      rows: ['raw/m answered 5+2'],
    });
    for (const socket of used) socket.destroy();
  });

  it('F09 a redirect to another host: 502 or S; not followed, the key not sent there', async (test) => {
    const elsewhere: Simulator = await startSimulator({ script: [P_FINE] });
    test.after(() => elsewhere.close());
    raw.answer = ({ socket }) =>
      socket.write(reply(302, '', { location: `${elsewhere.url}/openai/v1/chat/completions` }));
    await eachCaller(rig, { model: 'raw/m' }, async (seen, caller) => {
      assertFailed(seen, caller, {
        status: 502,
        code: 'upstream_redirect',
        message: /redirect, which is not followed/,
      });
      await rig.books(seen.id, { outcome: 'upstream_error', attempts: ['raw/m broke redirect'], rows: [] });
    });
    await eachCaller(rig, { model: 'raws' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['raw/m broke redirect', 's/m answered'], rows: [S_ROW] });
    });
    assert.deepEqual(elsewhere.log.connections, [], 'somebody came');
  });

  it('P and S healthy: P answers every kind of caller', async () => {
    await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
      assertAnswered(seen, caller, P_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
    });
  });
});

describe('the way round our own HTTP client', () => {
  it('is undici, for a server that only that understands', async (test) => {
    const odd = await startRawServer(({ socket }) =>
      // A line end before the reply: RFC 9112 does not have it, llhttp skips it.
      socket.write(Buffer.concat([Buffer.from('\r\n'), reply(200, completion(P_SAYS))])),
    );
    test.after(() => odd.close());
    const providers = { odd: providerRow(`http://127.0.0.1:${odd.port}/v1`) };
    const own = await startRig({ providers });
    test.after(() => own.close());
    const refused = await rawWhole.ask(own, { model: 'odd/m' });
    assert.equal(refused.status, 502);
    const attempts = ['odd/m broke not_http', 'odd/m broke not_http'];
    await own.books(refused.id, { outcome: 'upstream_error', attempts, rows: [] });
    const round = await startRig({ providers, sections: ['server: {upstream_client: undici}'] });
    test.after(() => round.close());
    await eachCaller(round, { model: 'odd/m' }, async (seen, caller) => {
      assertAnswered(seen, caller, P_SAYS);
      await round.books(seen.id, { outcome: 'ok', attempts: ['odd/m answered'], rows: ['odd/m answered 5+2'] });
    });
  });
});
