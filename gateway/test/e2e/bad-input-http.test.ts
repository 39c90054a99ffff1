/** HTTP that is not what it should be: rows B10 to B12, B31 to B33 and B36 to B45 of the fault table, on raw sockets. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { isRecord } from '../../src/lib/json.ts';
import { ROOT_KEY } from '../harness.ts';
import {
  assertAnswered,
  assertRefused,
  assertServes,
  chat,
  goodBody,
  keyHeaders,
  PATHS,
  PROTOCOLS,
  raw,
  refusalOf,
  seenUpstream,
  send,
  rigHere,
  underWatch,
  unseenUpstream,
  type Expected,
  type Protocol,
  type RawAnswer,
  type RawOptions,
} from './bad-input.ts';

const MIB = 1024 * 1024;
const KEY_LINE = `authorization: Bearer ${ROOT_KEY}`;
/** Short, so that what never comes is given up soon. */
const LIMITS = 'server: {header_timeout_ms: 1000, body_timeout_ms: 1500}';

const rig = rigHere(LIMITS);

/** A request as it goes over the wire: head lines, then the body as it is. */
function wire(line: string, lines: readonly string[], body = ''): string {
  return `${[line, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

/** A good chat as it goes over the wire, its length told as `length`. */
function goodChat(length?: number): string {
  const body = JSON.stringify(goodBody('openai'));
  return wire(`POST ${PATHS.openai} HTTP/1.1`, ['host: x', KEY_LINE, `content-length: ${length ?? body.length}`], body);
}

/** That the bytes get one refusal and the connection ends with it; nothing of them reaches the upstream. */
async function refusesAndCloses(
  bytes: string | Buffer,
  expected: Expected,
  options: RawOptions = {},
): Promise<RawAnswer> {
  let refused: RawAnswer | undefined;
  await unseenUpstream(rig, async () => {
    const { answers, isClosed } = await raw(rig, bytes, { quietMs: 3000, ...options });
    const shown = bytes.toString('latin1').slice(0, 300);
    assert.equal(
      answers.length,
      1,
      `${answers.length} answers (${answers.map((answer) => answer.status).join()}) to ${shown}`,
    );
    refused = answers[0];
    assert.ok(refused !== undefined && isClosed, `the connection stays open after ${shown}`);
    assert.equal(refused.headers['connection']?.split(',')[0], 'close', shown);
    assertRefused(refused, 'openai', expected);
  });
  assert.ok(refused !== undefined);
  return refused;
}

describe('lengths that are not true', () => {
  it('B10 answers a body that ends too early with 400, and with 408 where the rest never comes', async () => {
    await refusesAndCloses(goodChat(1000), { status: 400 }, { ends: true });
    await unseenUpstream(rig, async () => {
      const { answers, isClosed } = await raw(rig, goodChat(1000), { quietMs: 4000 });
      assert.deepEqual([answers.map((answer) => answer.status), isClosed], [[408], true]);
      const [answer] = answers;
      assert.ok(answer !== undefined);
      assert.equal(refusalOf(answer, 'openai').code, 'request_slow');
    });
    await assertServes(rig);
  });

  it('B10 never takes what follows a body that was cut short for the next request', async () => {
    const body = JSON.stringify(goodBody('openai'));
    for (const length of [1, 10, body.length - 1]) {
      // The surplus, and a whole good request in its place.
      await refusesAndCloses(goodChat(length), { status: 400 });
      const cut = wire(
        `POST ${PATHS.openai} HTTP/1.1`,
        ['host: x', KEY_LINE, `content-length: ${length}`],
        body.slice(0, length),
      );
      await refusesAndCloses(cut + goodChat(), { status: 400, code: 'body_not_json' });
    }
    await refusesAndCloses(goodChat(0) + goodChat(), { status: 400 });
  });

  it('B10 never takes a body for a request that was refused without being read', async () => {
    const smuggled = goodChat();
    const headOf = (...lines: string[]): string => wire(`POST ${PATHS.openai} HTTP/1.1`, ['host: x', ...lines]);
    await refusesAndCloses(headOf('authorization: Bearer wrong', `content-length: ${smuggled.length}`) + smuggled, {
      status: 401,
    });
    await refusesAndCloses(
      headOf(KEY_LINE, 'content-type: text/plain', `content-length: ${smuggled.length}`) + smuggled,
      { status: 415 },
    );
    await refusesAndCloses(headOf(KEY_LINE, 'content-length: 40000000') + smuggled, { status: 413 });
    await refusesAndCloses(
      headOf(KEY_LINE, 'content-encoding: rot13', `content-length: ${smuggled.length}`) + smuggled,
      { status: 415 },
    );
    const elsewhere = wire('POST /v1/nothing HTTP/1.1', ['host: x', KEY_LINE, `content-length: ${smuggled.length}`]);
    await refusesAndCloses(elsewhere + smuggled, { status: 404 });
    const onGet = wire(`DELETE ${PATHS.openai} HTTP/1.1`, ['host: x', KEY_LINE, `content-length: ${smuggled.length}`]);
    await refusesAndCloses(onGet + smuggled, { status: 405 });
    // With one body unread, not even a true next request is served.
    await refusesAndCloses(
      headOf('authorization: Bearer wrong', `content-length: ${smuggled.length}`) + smuggled + smuggled,
      { status: 401 },
    );
  });

  it('B10 keeps a connection whose refused body was read whole, and answers in order what came at once', async () => {
    const wrong = wire(`POST ${PATHS.openai} HTTP/1.1`, ['host: x', KEY_LINE, 'content-length: 14'], '{"model":"m1"}');
    const seen = await seenUpstream(rig, async () => {
      const { answers, isClosed } = await raw(rig, wrong + goodChat() + wrong + goodChat(), { quietMs: 400 });
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [400, 200, 400, 200],
      );
      assert.equal(isClosed, false);
      assert.equal(new Set(answers.map((answer) => answer.headers['x-request-id'])).size, 4);
    });
    assert.equal(seen.length, 2);
  });

  it('B10 closes a connection on which more requests wait than any client sends', async () => {
    const many = wire('GET /healthz HTTP/1.1', ['host: x']).repeat(200);
    const { answers, isClosed } = await raw(rig, many, { quietMs: 1000 });
    assert.ok(isClosed && answers.length < 200, `${answers.length} answers`);
    await assertServes(rig);
  });

  it('B10 serves what was asked before a connection breaks, and nothing after', async () => {
    const seen = await seenUpstream(rig, async () => {
      const { answers, isClosed } = await raw(rig, `${goodChat()}GET / SMTP/1.0\r\n\r\n`, { quietMs: 1000 });
      assert.ok(answers.length <= 1 && isClosed);
    });
    assert.ok(seen.length <= 1);
    await assertServes(rig);
  });
});

describe('encodings and media types', () => {
  it('B11 refuses bodies that grow a thousandfold when they are decoded', async (test) => {
    const block = Buffer.alloc(16 * MIB, ' ');
    const [gzipped, zstandard] = [gzipSync(block), zstdCompressSync(block)];
    // One MiB of members, each of which is 16 MiB of spaces: a GiB in all.
    const bombs: Readonly<Record<string, Buffer>> = {
      gzip: Buffer.concat(Array.from({ length: 64 }, () => gzipped)),
      deflate: deflateSync(Buffer.alloc(48 * MIB, ' ')),
      br: brotliCompressSync(Buffer.alloc(48 * MIB, ' ')),
      zstd: Buffer.concat(Array.from({ length: 64 }, () => zstandard)),
    };
    for (const [encoding, bomb] of Object.entries(bombs)) {
      await underWatch(rig, test, async () => {
        await unseenUpstream(rig, async () => {
          const answer = await chat(rig, 'openai', bomb, { 'content-encoding': encoding });
          assertRefused(answer, 'openai', { status: 413, code: 'body_too_big' });
        });
      });
    }
  });

  it('B11 takes good bodies in every encoding, and refuses broken and doubled ones', async () => {
    const body = Buffer.from(JSON.stringify(goodBody('openai')));
    const coded: Readonly<Record<string, Buffer>> = {
      identity: body,
      gzip: gzipSync(body),
      'x-gzip': gzipSync(body),
      GZIP: gzipSync(body),
      deflate: deflateSync(body),
      br: brotliCompressSync(body),
      zstd: zstdCompressSync(body),
    };
    for (const [encoding, bytes] of Object.entries(coded)) {
      assertAnswered(await chat(rig, 'openai', bytes, { 'content-encoding': encoding }));
    }
    await unseenUpstream(rig, async () => {
      const broken = gzipSync(body);
      broken.writeUInt32LE(0, broken.length - 8);
      const cases: readonly (readonly [string, Buffer, number])[] = [
        ['gzip', body, 400],
        ['gzip', broken, 400],
        ['gzip', gzipSync(body).subarray(0, 20), 400],
        ['br', gzipSync(body), 400],
        ['gzip, gzip', gzipSync(gzipSync(body)), 415],
        ['compress', body, 415],
        ['constructor', body, 415],
      ];
      for (const [encoding, bytes, status] of cases) {
        assertRefused(await chat(rig, 'openai', bytes, { 'content-encoding': encoding }), 'openai', { status });
      }
    });
    await assertServes(rig);
  });

  it('B12 takes JSON with or without a content type, and refuses the rest with 415', async () => {
    for (const protocol of PROTOCOLS) {
      const body = JSON.stringify(goodBody(protocol));
      const headers = keyHeaders(protocol);
      assertAnswered(await send(rig, PATHS[protocol], { headers, body }));
      for (const type of [
        'application/json',
        'application/json; charset=utf-8',
        'Application/JSON;charset="UTF-8"',
        'application/vnd.api+json',
      ]) {
        assertAnswered(await chat(rig, protocol, body, { 'content-type': type }));
      }
      await unseenUpstream(rig, async () => {
        for (const type of [
          'text/plain',
          'application/x-www-form-urlencoded',
          'application/json; charset=latin1',
          'application/json; charset=utf-16',
          'multipart/form-data; boundary=x',
          'text/html',
          'application/xml',
          'application/jsonx',
          'json',
          '*/*',
        ]) {
          const answer = await chat(rig, protocol, body, { 'content-type': type });
          assertRefused(answer, protocol, { status: 415, code: 'media_type' });
        }
      });
    }
  });

  it('B12 takes the form content type of `curl -d` from curl alone, by policy', async () => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    assertAnswered(await chat(rig, 'openai', goodBody('openai'), { ...type, 'user-agent': 'curl/8.14.1' }));
    await unseenUpstream(rig, async () => {
      for (const agent of ['Mozilla/5.0', 'x curl/8', 'libcurl/8']) {
        const answer = await chat(rig, 'openai', goodBody('openai'), { ...type, 'user-agent': agent });
        assertRefused(answer, 'openai', { status: 415 });
      }
    });
  });

  it('B12 refuses a boundary of 8 KB with 400; one of 1 MiB does not fit into the head: 431', async () => {
    const typed = (length: number): string =>
      wire(
        `POST ${PATHS.openai} HTTP/1.1`,
        ['host: x', KEY_LINE, `content-type: multipart/form-data; boundary=${'b'.repeat(length)}`, 'content-length: 2'],
        '{}',
      );
    await refusesAndCloses(typed(8192), { status: 400, code: 'header_too_long' });
    await refusesAndCloses(typed(MIB), { status: 431, code: 'headers_too_big' });
  });
});

/** A token with the right prefix and length whose last digit, part of the checksum, is another one. */
function withWrongChecksum(token: string, index: number): string {
  const chance = index.toString(36).padStart(32, '0').slice(-32);
  return `tk_${chance}${token.slice(-6)}`;
}

describe('keys', () => {
  /** What comes instead of the protocol's own key header. */
  const refusedHeads: readonly (readonly string[])[] = [
    [],
    ['authorization: Bearer'],
    ['authorization: Bearer  '],
    [`authorization: Basic ${Buffer.from(`x:${ROOT_KEY}`).toString('base64')}`],
    [`authorization: ${ROOT_KEY}`],
    [`authorization: Bearer ${ROOT_KEY} ${ROOT_KEY}`],
    [KEY_LINE, KEY_LINE],
    [KEY_LINE, 'authorization: Bearer other'],
    [KEY_LINE, 'x-api-key: other'],
    [`x-api-key: ${ROOT_KEY}`, `x-api-key: ${ROOT_KEY}`],
    ['x-api-key:'],
    ["authorization: Bearer ' OR 1=1--"],
    ["authorization: Bearer '/**/OR/**/1=1--"],
    ['authorization: Bearer %'],
    ['x-api-key: %25'],
    ['authorization: Bearer \xff\xfe\xfd'],
    ['authorization: Bearer 模型'],
    [`authorization: Bearer ${'k'.repeat(10_000)}`],
    [`x-goog-api-key: ${ROOT_KEY}x`],
    [`x-goog-api-key: ${ROOT_KEY.slice(0, -1)}`],
  ];

  it('B31 B32 refuses keys that are missing, doubled, of another scheme or none of ours', async () => {
    for (const protocol of PROTOCOLS) {
      await unseenUpstream(rig, async () => {
        const refused = refusedHeads.map(async (lines) => {
          const bytes = wire(`POST ${PATHS[protocol]} HTTP/1.1`, ['host: x', ...lines, 'content-length: 0']);
          const { answers } = await raw(rig, bytes);
          const [answer] = answers;
          assert.ok(answer !== undefined && answers.length === 1, lines.join());
          assertRefused(answer, protocol, { status: 401 });
          assert.doesNotMatch(answer.text, /OR 1=1|SQL|syntax/);
        });
        await Promise.all(refused);
      });
      await assertServes(rig, protocol);
    }
  });

  it('B31 says how to authenticate where no key was sent', async () => {
    const answer = await send(rig, '/v1/models', { method: 'GET' });
    assertRefused(answer, 'openai', { status: 401, code: 'key_missing' });
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
  });

  it('B32 refuses a key with NUL as bad HTTP: 400, and one of 1 MB by the limit of the head: 431', async () => {
    const keyed = (key: string): string => wire('GET /v1/models HTTP/1.1', ['host: x', `authorization: Bearer ${key}`]);
    await refusesAndCloses(keyed('tk_\0abc'), { status: 400, code: 'http_malformed' });
    await refusesAndCloses(keyed('k'.repeat(1_000_000)), { status: 431, code: 'headers_too_big' });
  });

  it('B33 refuses 10,000 keys of a wrong checksum without asking the store', async (test) => {
    const made = await send(rig, '/admin/v1/keys', {
      headers: { 'content-type': 'application/json', ...keyHeaders('openai') },
      body: JSON.stringify({ name: 'measure' }),
    });
    const token = isRecord(made.json) && typeof made.json['key'] === 'string' ? made.json['key'] : '';
    assert.equal((await send(rig, '/v1/models', { method: 'GET', headers: keyHeaders('openai', token) })).status, 200);
    const connections = 40;
    // As many as one connection may send without waiting for an answer.
    const each = 63;
    const rounds = 4;
    const before = storeSwitches(rig.gateway.child.pid);
    let tookMs = 0;
    await underWatch(rig, test, async () => {
      for (let round = 0; round < rounds; round += 1) {
        const storm = Array.from({ length: connections }, async (_, connection) => {
          const first = (round * connections + connection) * each;
          const requests = Array.from({ length: each }, (__, index) =>
            wire('GET /v1/models HTTP/1.1', [
              'host: x',
              `authorization: Bearer ${withWrongChecksum(token, first + index)}`,
            ]),
          );
          const { answers, tookMs: exchangeMs } = await raw(rig, requests.join(''), { quietMs: 500, maxMs: 20_000 });
          assert.equal(answers.length, each);
          for (const answer of answers) assert.equal(answer.status, 401);
          return exchangeMs - 500;
        });
        tookMs += Math.max(...(await Promise.all(storm)));
      }
    });
    const asked = before === undefined ? undefined : (storeSwitches(rig.gateway.child.pid) ?? 0) - before;
    test.diagnostic(
      `${((rounds * connections * each) / tookMs).toFixed(1)} a millisecond; the store's thread woke ${asked ?? '?'} times`,
    );
    assert.ok((asked ?? 0) < (rounds * connections * each) / 50, 'the store was asked');
  });
});

/** How often the store's thread has been woken so far; undefined where the platform does not tell. */
function storeSwitches(pid: number | undefined): number | undefined {
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
      const count = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1];
      if (status.startsWith('Name:\tstore\n') && count !== undefined) return Number(count);
    }
  } catch {
    // No /proc.
  }
  return undefined;
}

describe('requests that are not well-formed', () => {
  const body = JSON.stringify(goodBody('openai'));
  const post = (...lines: string[]): string =>
    wire(`POST ${PATHS.openai} HTTP/1.1`, ['host: x', KEY_LINE, ...lines], body);
  const chunked = (text: string): string =>
    wire(`POST ${PATHS.openai} HTTP/1.1`, ['host: x', KEY_LINE, 'transfer-encoding: chunked'], text);
  const size = body.length;

  it('B36 refuses what HTTP does not allow, and closes', async () => {
    const cases: Readonly<Record<string, string>> = {
      'a length and chunks': post(`content-length: ${size}`, 'transfer-encoding: chunked'),
      'chunks and a length': post('transfer-encoding: chunked', `content-length: ${size}`),
      'two lengths': post(`content-length: ${size}`, 'content-length: 1'),
      'the same length twice': post(`content-length: ${size}`, `content-length: ${size}`),
      'a list of lengths': post(`content-length: ${size}, ${size}`),
      'a signed length': post(`content-length: +${size}`),
      'a negative length': post(`content-length: -${size}`),
      'a length with letters': post(`content-length: ${size}x`),
      'a hexadecimal length': post(`content-length: 0x${size.toString(16)}`),
      'an unknown transfer coding': post('transfer-encoding: xchunked'),
      'chunked that is not last': post('transfer-encoding: chunked, identity'),
      'a folded header': post('x-folded: a\r\n b', `content-length: ${size}`),
      'a folded header with a tab': post('x-folded: a\r\n\tb', `content-length: ${size}`),
      'bare line feeds': `POST ${PATHS.openai} HTTP/1.1\nhost: x\n${KEY_LINE}\ncontent-length: ${size}\n\n${body}`,
      'a bare line feed after a value': post(`x-a: b\nx-c: d`, `content-length: ${size}`),
      'NUL in a value': post('x-a: b\0c', `content-length: ${size}`),
      'a bare carriage return in a value': post('x-a: b\rc', `content-length: ${size}`),
      'a space before the colon': post(`content-length : ${size}`),
      'a space in a name': post(`content length: ${size}`),
      'an empty name': post(': x', `content-length: ${size}`),
      'a line without a colon': post('nonsense', `content-length: ${size}`),
      'a chunk size that overflows': chunked(`FFFFFFFFFFFFFFFFF\r\n${body}\r\n0\r\n\r\n`),
      'a chunk size that is none': chunked(`xyz\r\n${body}\r\n0\r\n\r\n`),
      'a negative chunk size': chunked(`-1\r\n${body}\r\n0\r\n\r\n`),
      'a chunk longer than it says': chunked(`5\r\n${body}\r\n0\r\n\r\n`),
      'an unknown version': `POST ${PATHS.openai} HTTP/3.7\r\nhost: x\r\n\r\n`,
      'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'a TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'a space in the target': wire('GET /health z HTTP/1.1', ['host: x']),
      'an empty line of words': '\r\n \r\nhello\r\n\r\n',
    };
    for (const [what, bytes] of Object.entries(cases)) {
      await assert.doesNotReject(refusesAndCloses(bytes, { status: 400 }), what);
    }
    await assertServes(rig);
  });

  it('B37 refuses doubled hosts, none at all, and absolute targets', async () => {
    const get = (line: string, ...lines: string[]): string => wire(line, lines);
    for (const bytes of [
      get('GET /healthz HTTP/1.1', 'host: x', 'host: y'),
      get('GET /healthz HTTP/1.1', 'host: x', 'host: x'),
      get('GET /healthz HTTP/1.1'),
      get('GET http://evil.example/healthz HTTP/1.1', 'host: x'),
      get('GET http://127.0.0.1/v1/models HTTP/1.1', 'host: x', KEY_LINE),
      get('GET evil.example:443 HTTP/1.1', 'host: x'),
      get('OPTIONS * HTTP/1.1', 'host: x'),
    ]) {
      await refusesAndCloses(bytes, { status: 400, code: 'http_malformed' });
    }
    const old = await raw(rig, 'GET /healthz HTTP/1.0\r\n\r\n', { quietMs: 1000 });
    assert.deepEqual(
      old.answers.map((answer) => answer.status),
      [200],
    );
  });

  it('B37 takes no notice of a forged host, nor of who the request says it comes from', async () => {
    const forged = ['evil.example', '169.254.169.254', 'a b', '', '"><script>', 'localhost:1'];
    for (const host of forged) {
      const lines = [
        `host: ${host}`,
        'x-forwarded-for: 10.0.0.1',
        'x-forwarded-host: evil.example',
        'x-real-ip: 10.0.0.1',
        'forwarded: for=10.0.0.1;host=evil.example',
      ];
      const { answers } = await raw(rig, wire('GET /v1/models HTTP/1.1', [...lines, KEY_LINE]));
      assert.equal(answers[0]?.status, 200, host);
      assert.doesNotMatch(JSON.stringify(answers[0]), /evil|10\.0\.0\.1|script/);
      const before = rig.upstream.log.requests.length;
      const asked = await raw(
        rig,
        wire(`POST ${PATHS.openai} HTTP/1.1`, [...lines, KEY_LINE, `content-length: ${size}`], body),
      );
      assert.equal(asked.answers[0]?.status, 200);
      const headers = rig.upstream.log.requests[before]?.headers ?? {};
      assert.equal(headers['host'], `127.0.0.1:${rig.upstream.port}`);
      assert.doesNotMatch(JSON.stringify(headers), /evil|10\.0\.0\.1|forwarded|x-real-ip/);
    }
    assert.doesNotMatch(rig.gateway.output(), /evil\.example|10\.0\.0\.1/);
  });

  it('B38 refuses heads of 17 KiB and of 3,000 lines with 431', async () => {
    const get = (...lines: string[]): string => wire('GET /healthz HTTP/1.1', ['host: x', ...lines]);
    const tooBig: Expected = { status: 431, code: 'headers_too_big' };
    await refusesAndCloses(get(`x-a: ${'a'.repeat(17 * 1024)}`), tooBig);
    await refusesAndCloses(get(...Array.from({ length: 40 }, (_, index) => `x-${index}: ${'a'.repeat(440)}`)), tooBig);
    await refusesAndCloses(get(...Array.from({ length: 3000 }, () => 'a:b')), tooBig);
    await refusesAndCloses(get(...Array.from({ length: 3000 }, (_, index) => `x-header-${index}: ${index}`)), tooBig);
    await refusesAndCloses(get(`${'n'.repeat(17 * 1024)}: x`), tooBig);
    const allowed = await raw(rig, get(`x-a: ${'a'.repeat(15 * 1024)}`));
    assert.equal(allowed.answers[0]?.status, 200);
  });

  it('B39 makes its own request id, whatever the caller sends', async () => {
    const seen = new Set<string>();
    for (const id of ['mine', 'mine', 'req_1', 'x'.repeat(10_240), '"><script>', '../..']) {
      for (const path of ['/healthz', '/v1/models', '/v1/nothing']) {
        const answer = await send(rig, path, {
          method: 'GET',
          headers: { ...keyHeaders('openai'), 'x-request-id': id },
        });
        const own = answer.headers['x-request-id'] ?? '';
        assert.match(own, /^req_[\w-]{20,40}$/);
        seen.add(own);
      }
    }
    assert.equal(seen.size, 18);
  });
});

describe('headers between neighbours', () => {
  const body = JSON.stringify(goodBody('openai'));

  it('B40 keeps hop-by-hop headers and those that `connection` names from the provider', async () => {
    const before = rig.upstream.log.requests.length;
    const answer = await chat(rig, 'openai', body, {
      connection: 'keep-alive, authorization, x-org, OpenAI-Beta',
      'x-org': 'secret',
      'openai-beta': 'assistants=v2',
      'http-referer': 'https://app.example',
      te: 'trailers',
      'proxy-authorization': 'Basic eA==',
      'keep-alive': 'timeout=5',
      cookie: 'session=1',
    });
    assertAnswered(answer);
    const headers = rig.upstream.log.requests[before]?.headers ?? {};
    assert.equal(headers['http-referer'], 'https://app.example');
    for (const name of ['x-org', 'openai-beta', 'te', 'proxy-authorization', 'keep-alive', 'cookie'])
      assert.equal(headers[name], undefined, name);
    assert.doesNotMatch(JSON.stringify(headers), new RegExp(ROOT_KEY));
  });

  it('B40 refuses upgrades', async () => {
    const upgrade = (protocol: string): string =>
      wire('GET /v1/realtime HTTP/1.1', ['host: x', KEY_LINE, 'connection: upgrade', `upgrade: ${protocol}`]);
    for (const protocol of ['websocket', 'h2c', 'TLS/1.0'])
      await refusesAndCloses(upgrade(protocol), { status: 426, code: 'upgrade_refused' });
  });

  it('B40 invites a body that waits for it, once it is known to be wanted', async () => {
    const head = (...lines: string[]): string =>
      wire(`POST ${PATHS.openai} HTTP/1.1`, [
        'host: x',
        'expect: 100-continue',
        `content-length: ${body.length}`,
        ...lines,
      ]);
    const invited = await raw(rig, head(KEY_LINE), { afterwards: body, quietMs: 400 });
    assert.deepEqual(
      invited.answers.map((answer) => answer.status),
      [100, 200],
    );
    for (const [lines, status] of [
      [['authorization: Bearer wrong'], 401],
      [[KEY_LINE, 'content-type: text/plain'], 415],
    ] as const) {
      const { answers } = await raw(rig, head(...lines), { quietMs: 200 });
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [status],
      );
    }
    const big = wire(`POST ${PATHS.openai} HTTP/1.1`, [
      'host: x',
      KEY_LINE,
      'expect: 100-continue',
      'content-length: 99999999',
    ]);
    await refusesAndCloses(big, { status: 413 });
    await refusesAndCloses(wire('GET /healthz HTTP/1.1', ['host: x', 'expect: miracles']), {
      status: 417,
      code: 'expectation_unknown',
    });
  });
});

describe('paths and methods', () => {
  /** The protocol whose error form a path gets. */
  function formOf(path: string): Protocol {
    if (path.includes('/v1/messages')) return 'anthropic';
    return path.startsWith('/v1beta/') ? 'gemini' : 'openai';
  }

  it('B43 answers paths that lead nowhere with 404 in JSON', async () => {
    const paths = [
      '/v1/nothing',
      '/v1',
      '//v1//chat/completions',
      '/v1/chat/completions/',
      '/v1//chat/completions',
      '/v1/%2e%2e/admin/v1/keys',
      '/v1/../admin/v1/keys',
      '/v1/chat%2fcompletions',
      '/v1/chat/completions%00',
      '/v1/chat/completions;x',
      '/V1/chat/completions',
      '/v1/chat/completions#x',
      '/v1/messages/../chat/completions',
      '/v1/messages/batch',
      '/v1beta/models/x:explode',
      '/v1beta/models/%ff:generateContent',
      '/v1beta/models/%00:generateContent',
      '/v1beta/models/x:constructor',
      '/.env',
      '/admin',
      '/index.php?x=1',
      `/${'a'.repeat(8000)}`,
    ];
    await unseenUpstream(rig, async () => {
      const refused = paths.map(async (path) => {
        const { answers } = await raw(rig, wire(`POST ${path} HTTP/1.1`, ['host: x', KEY_LINE, 'content-length: 0']));
        const [answer] = answers;
        assert.ok(answer !== undefined, path);
        assert.equal(answer.status, 404, path);
        assertRefused(answer, formOf(path), { status: 404, code: 'route_unknown' });
        assert.doesNotMatch(answer.text, /a{500}/);
      });
      await Promise.all(refused);
    });
    const hint = await send(rig, '/chat/completions', { headers: keyHeaders('openai') });
    assertRefused(hint, 'openai', { status: 404, message: /Did you mean \/v1\/chat\/completions/ });
  });

  it('B43 refuses a query of 100 KB with 400, and reads odd queries without harm', async () => {
    await refusesAndCloses(wire(`GET /v1/models?${'q'.repeat(100_000)} HTTP/1.1`, ['host: x', KEY_LINE]), {
      status: 400,
      code: 'target_too_long',
    });
    for (const query of ['%', '%zz', '%00', 'a=b&a=c', '=', '&&&', '__proto__=1', 'key=', `x=${'y'.repeat(8000)}`]) {
      const { answers } = await raw(rig, wire(`GET /v1/models?${query} HTTP/1.1`, ['host: x', KEY_LINE]));
      assert.equal(answers[0]?.status, 200, query);
    }
  });

  it('B44 names the methods that a path takes, and refuses words that are none', async () => {
    const cases: readonly (readonly [method: string, path: string, allow: string])[] = [
      ['GET', PATHS.openai, 'POST'],
      ['GET', PATHS.anthropic, 'POST'],
      ['GET', '/v1/messages/count_tokens', 'POST'],
      ['GET', '/v1/explain', 'POST'],
      ['DELETE', PATHS.openai, 'POST'],
      ['PUT', PATHS.gemini, 'POST'],
      ['GET', PATHS.gemini, 'POST'],
      ['TRACE', PATHS.openai, 'POST'],
      ['PATCH', PATHS.anthropic, 'POST'],
      ['OPTIONS', PATHS.openai, 'POST'],
      ['HEAD', PATHS.openai, 'POST'],
      ['POST', '/v1/models', 'GET, HEAD'],
      ['POST', '/healthz', 'GET, HEAD'],
      ['DELETE', '/v1/decisions/req_x', 'GET'],
      ['PROPFIND', '/', 'GET, HEAD'],
    ];
    await unseenUpstream(rig, async () => {
      for (const [method, path, allow] of cases) {
        const answer = await send(rig, path, { method, headers: keyHeaders('openai') });
        assert.deepEqual([answer.status, answer.headers['allow']], [405, allow], `${method} ${path}`);
        if (method === 'HEAD') assert.equal(answer.text, '');
        else assertRefused(answer, formOf(path), { status: 405, code: 'method_not_allowed' });
      }
    });
    for (const line of [
      `get ${PATHS.openai} HTTP/1.1`,
      'FETCH / HTTP/1.1',
      'CONNECT evil.example:443 HTTP/1.1',
      `PÖST / HTTP/1.1`,
    ]) {
      await refusesAndCloses(wire(line, ['host: x', KEY_LINE]), { status: 400, code: 'http_malformed' });
    }
  });

  it('B44 answers HEAD where GET is answered, with the same head and no body', async () => {
    for (const path of ['/healthz', '/readyz', '/', '/v1/models', '/v1/models/house%2Fm', '/v1/models/nothing']) {
      const head = wire(`HEAD ${path} HTTP/1.1`, ['host: x', KEY_LINE]);
      const get = wire(`GET ${path} HTTP/1.1`, ['host: x', KEY_LINE]);
      const [headed, got] = [await raw(rig, head + get), await raw(rig, get)];
      assert.equal(headed.answers.length, 2, `${path}: the answer to HEAD has a body`);
      assert.equal(headed.answers[0]?.status, got.answers[0]?.status);
      for (const name of ['content-type', 'content-length'])
        assert.equal(headed.answers[0]?.headers[name], got.answers[0]?.headers[name], `${path}: ${name}`);
    }
  });

  it('B45 gives no other origin leave to read or to ask', async () => {
    const origin = {
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    for (const path of [...Object.values(PATHS), '/v1/models', '/admin/v1/keys', '/']) {
      for (const method of ['OPTIONS', 'GET']) {
        const answer = await send(rig, path, { method, headers: { ...origin, ...keyHeaders('openai') } });
        for (const name of Object.keys(answer.headers))
          assert.doesNotMatch(name, /^access-control-/, `${method} ${path}`);
        if (method === 'OPTIONS') assert.equal(answer.status, 405);
      }
    }
    const answer = await chat(rig, 'openai', body(), { origin: 'https://evil.example' });
    for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /^access-control-/);
  });
});

function body(): string {
  return JSON.stringify(goodBody('openai'));
}
