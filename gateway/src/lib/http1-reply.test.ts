import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cutAt, goodReply, oddReply, readReply, type Reading } from '../../test/http1-kit.ts';
import { EXTENSION_MAX_BYTES, HEAD_MAX_BYTES, INTERIM_MAX, ReplyParser, type Malformed } from './http1-reply.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

function read(text: string, method?: string): Reading {
  return readReply([Buffer.from(text, 'latin1')], method);
}

/** A parser that notes what it tells, for replies that must be fed by hand. */
function listening(): { readonly parser: ReplyParser; readonly told: string[] } {
  const told: string[] = [];
  const parser = new ReplyParser({
    head: (status) => told.push(`head ${status}`),
    data: (piece) => told.push(`data ${piece.length}`),
    end: (isReusable) => told.push(`end ${isReusable}`),
  });
  parser.expect('POST');
  return { parser, told };
}

describe('a reply', () => {
  it('is read by its framing', () => {
    const cases: readonly [string, string, boolean][] = [
      [`${OK}content-length: 5\r\n\r\nhello`, 'hello', true],
      [`${OK}content-length: 005\r\n\r\nhello`, 'hello', true],
      [`${OK}content-length: 0\r\n\r\n`, '', true],
      [`${OK}content-length: 5\r\nconnection: close\r\n\r\nhello`, 'hello', false],
      [`${OK}content-length: 5\r\nconnection: x\r\nconnection: y, CLOSE\r\n\r\nhello`, 'hello', false],
      [`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, 'hello', true],
      [`${CHUNKED}3;a=b;c="d;\\""\r\nhel\r\n0002\r\nlo\r\n000;last\r\nx-a: b\r\n\r\n`, 'hello', true],
      [`${OK}Transfer-Encoding:\tCHUNKED \r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'hello', true],
      [`${OK}\r\nhello`, 'hello', false],
      ['HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello', 'hello', false],
      ['HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: Keep-Alive\r\n\r\nhello', 'hello', true],
      [
        'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        'hello',
        false,
      ],
      ['HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello', 'hello', true],
      ['HTTP/1.1 204 No Content\r\n\r\n', '', true],
      ['HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', '', false],
      ['HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n', '', false],
      [
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n${OK}content-length: 5\r\n\r\nhello`,
        'hello',
        true,
      ],
    ];
    for (const [text, body, isReusable] of cases) {
      const reading = read(text);
      assert.deepEqual([reading.isWhole, reading.body, reading.isReusable], [true, body, isReusable], text);
    }
  });

  it('to HEAD has no body, whatever length it tells', () => {
    for (const framing of ['content-length: 5', 'transfer-encoding: chunked', 'x: y']) {
      const reading = read(`${OK}${framing}\r\n\r\n`, 'HEAD');
      assert.deepEqual([reading.isWhole, reading.body, reading.isReusable], [true, '', true], framing);
    }
  });

  it('has its headers by lower-case name, without space around them, and lists those that stand there twice', () => {
    const { headers, status } = read(
      `HTTP/1.1 429 Too Many\r\nX-A:\t b \u00e9\u00a0 \t\r\nset-cookie: 1\r\nSet-Cookie:2\r\nempty:\r\n__proto__: x\r\ncontent-length: 0\r\n\r\n`,
    );
    assert.equal(status, 429);
    assert.deepEqual(
      Object.entries(headers),
      Object.entries({
        'x-a': ['b \u00e9\u00a0'],
        'set-cookie': ['1', '2'],
        empty: [''],
        ['__proto__']: ['x'],
        'content-length': ['0'],
      }),
    );
  });

  it('that is cut has no end', () => {
    for (const text of [
      OK,
      `${OK}content-length: 6\r\n\r\nhello`,
      `${CHUNKED}5\r\nhello\r\n`,
      `${CHUNKED}0\r\n`,
      `${CHUNKED}0\r\nx: y\r\n`,
    ]) {
      assert.deepEqual([read(text).isWhole, read(text).malformed], [false, undefined], text);
    }
  });

  it('hands its body on as parts of the bytes that came', () => {
    const bytes = Buffer.from(`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`);
    const pieces: Buffer[] = [];
    const ignore = (): void => undefined;
    const parser = new ReplyParser({ head: ignore, data: (piece) => pieces.push(piece), end: ignore });
    parser.expect('POST');
    parser.push(bytes);
    assert.deepEqual(
      pieces.map((piece) => [piece.buffer === bytes.buffer, piece.toString()]),
      [[true, 'hello']],
    );
  });
});

describe('what follows a reply', () => {
  it('makes its connection useless, and is never read as another', () => {
    for (const text of [
      `${OK}content-length: 1\r\n\r\nx`,
      `${CHUNKED}1\r\nx\r\n0\r\n\r\n`,
      'HTTP/1.1 204 None\r\n\r\n',
    ]) {
      for (const surplus of ['\r\n', ' ', `${OK}content-length: 0\r\n\r\n`]) {
        const { parser, told } = listening();
        assert.equal(parser.push(Buffer.from(text + surplus)), undefined);
        assert.equal(told.at(-1), 'end false', text);
        parser.push(Buffer.from(`${OK}content-length: 0\r\n\r\n`));
        assert.equal(told.filter((one) => one.startsWith('head')).length, 1);
      }
    }
  });

  it('is not read even where the next reply is expected out of the end of this one', () => {
    const heads: number[] = [];
    const parser = new ReplyParser({
      head: (status) => heads.push(status),
      data: () => undefined,
      end: () => parser.expect('POST'),
    });
    parser.expect('POST');
    parser.push(Buffer.from(`HTTP/1.1 204 A\r\n\r\nHTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n`));
    assert.deepEqual(heads, [204]);
    parser.push(Buffer.from(`HTTP/1.1 201 B\r\ncontent-length: 0\r\n\r\n`));
    assert.deepEqual(heads, [204, 201]);
  });
});

describe('what is no reply', () => {
  const cases: Readonly<Record<Malformed, readonly string[]>> = {
    'status-line': [
      'SSH-2.0-OpenSSH_9.9\r\n',
      '\0\u0001\u0002',
      'h',
      'HTTP/1.1 abc\r\n\r\n',
      'HTTP/1.1 20\r\n\r\n',
      'HTTP/1.1 2000 OK\r\n\r\n',
      'HTTP/1.1 099 Low\r\n\r\n',
      'HTTP/1.1  200 OK\r\n\r\n',
      'HTTP/1.2 200 OK\r\n\r\n',
      'HTTP/2.0 200 OK\r\n\r\n',
      'http/1.1 200 OK\r\n\r\n',
      '\r\nHTTP/1.1 200 OK\r\n\r\n',
      'HTTP/1.1 200 OK\n\n',
      'HTTP/1.1 200 O\rK\r\n\r\n',
    ],
    header: [
      'a b: c',
      'a : b',
      ': b',
      'a',
      'a: b\0',
      'a: b\rc',
      'a: b\nc: d',
      ' a: b',
      'a: b\r\n folded',
      'a\u00e9: b',
      'a: \u007f',
    ].map((line) => `${OK}${line}\r\n\r\n`),
    length: ['', '-1', '+1', '1.0', '0x1', '1 1', '1,1', '1e3', '\u0661', '9'.repeat(16)]
      .map((length) => `${OK}content-length: ${length}\r\n\r\n`)
      // Those that agree, too: llhttp refuses them, and what it stands in front of may take the other one.
      .concat(
        `${OK}content-length: 1\r\ncontent-length: 1\r\n\r\nx`,
        `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`,
      )
      .concat('HTTP/1.1 103 Early\r\ncontent-length: x\r\n\r\n'),
    coding: [
      'gzip',
      'gzip, chunked',
      'chunked, chunked',
      'identity',
      '',
      'chunked\r\ntransfer-encoding: chunked',
      'chunked\r\ncontent-length: 1',
    ].map((coding) => `${OK}transfer-encoding: ${coding}\r\n\r\n`),
    switching: ['HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n'],
    interim: ['HTTP/1.1 103 Early\r\n\r\n'.repeat(INTERIM_MAX + 1), 'HTTP/1.1 103 Early\r\nconnection: close\r\n\r\n'],
    chunk: [
      '\r\n',
      'g\r\n',
      '-1\r\n',
      ' 5\r\n',
      '5 \r\n',
      '0x5\r\n',
      '5\n',
      '5\rx',
      '5;\r\n',
      '5; a\r\n',
      '5;a="\r\n',
      '1\r\nxx\r\n',
      '1\r\nx\n',
      '1\r\nx\rx',
      `${'0'.repeat(13)}\r\n`,
    ].map((text) => CHUNKED + text),
    trailer: ['content-length: 1', 'Transfer-Encoding: chunked'].map((line) => `${CHUNKED}0\r\n${line}\r\n\r\n`),
    'too-large': [
      `${OK}x: ${'y'.repeat(HEAD_MAX_BYTES)}\r\n\r\n`,
      `${OK}${'x: y\r\n'.repeat(HEAD_MAX_BYTES / 6)}\r\n`,
      `${CHUNKED}0\r\n${'x: y\r\n'.repeat(HEAD_MAX_BYTES / 6 + 1)}`,
      `${CHUNKED}1;a=${'b'.repeat(EXTENSION_MAX_BYTES)}\r\n`,
    ],
  };
  for (const [malformed, texts] of Object.entries(cases)) {
    it(`is refused for its ${malformed}`, () => {
      for (const text of texts) {
        const bytes = Buffer.from(text, 'latin1');
        for (const pieces of [[bytes], cutAt(bytes, Array.from(bytes.subarray(0, 4096).keys()))]) {
          const reading = readReply(pieces);
          assert.deepEqual(
            [reading.malformed, reading.isWhole],
            [malformed, false],
            JSON.stringify(text.slice(0, 100)),
          );
        }
      }
    });
  }

  it('is known before its line has ended where it is a greeting of another protocol', () => {
    assert.equal(readReply([Buffer.from('SSH-2.0')], 'POST', false).malformed, 'status-line');
    assert.equal(readReply([Buffer.from('HT'), Buffer.from('ML')], 'POST', false).malformed, 'status-line');
  });

  it('is not read on, and does not end', () => {
    const { parser, told } = listening();
    parser.push(Buffer.from(`${OK}content-length: x\r\n\r\n`));
    assert.equal(parser.push(Buffer.from(`${OK}content-length: 0\r\n\r\n`)), 'length');
    assert.equal(parser.finish(), false);
    assert.deepEqual(told, []);
  });

  it('takes no more memory than the largest head, however long it goes on', () => {
    const endless: readonly [string, string][] = [
      ['HTTP/1.1 200 ', 'x'],
      [`${OK}x: `, 'y'],
      [OK, 'x: y\r\n'],
      ['', 'HTTP/1.1 103 Early\r\n\r\n'],
      [`${CHUNKED}0\r\n`, 'x: y\r\n'],
      [`${CHUNKED}1`, ';a=b'],
      [CHUNKED, '0'],
    ];
    for (const [start, more] of endless) {
      const { parser } = listening();
      let malformed = parser.push(Buffer.from(start));
      let size = 0;
      for (; malformed === undefined && size < 2 * HEAD_MAX_BYTES; size += more.length)
        malformed = parser.push(Buffer.from(more));
      assert.ok(size <= HEAD_MAX_BYTES + more.length, `${size} bytes of ${JSON.stringify(more)}`);
    }
  });
});

describe('the network', () => {
  it('may cut the bytes of a reply anywhere', () => {
    fc.assert(
      fc.property(goodReply, fc.array(fc.nat(1000), { maxLength: 20 }), (bytes, offsets) => {
        const reading = readReply([bytes]);
        assert.ok(reading.isWhole);
        assert.deepEqual(readReply(cutAt(bytes, offsets)), reading);
      }),
      { numRuns: 1000 },
    );
  });

  it('may cut those that are odd or wrong, too: byte by byte gives the same as all at once', () => {
    fc.assert(
      fc.property(oddReply, fc.array(fc.nat(1000), { maxLength: 5 }), (bytes, offsets) => {
        // A surplus that comes later is found by whoever has the connection.
        const { isReusable: _one, ...reading } = readReply([bytes]);
        const { isReusable: _two, ...cut } = readReply(cutAt(bytes, offsets));
        const { isReusable: _three, ...single } = readReply(cutAt(bytes, Array.from(bytes.keys())));
        assert.deepEqual(cut, reading);
        assert.deepEqual(single, reading);
      }),
      { numRuns: 2000 },
    );
  });

  it('may bring any bytes at all: nothing is thrown', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const start = fc.constantFrom('', 'HTTP/1.1 2', OK, `${OK}a: `, CHUNKED, `${CHUNKED}1\r\n`, `${CHUNKED}0\r\n`);
    fc.assert(
      fc.property(start, fc.array(bytes, { maxLength: 4 }), (text, pieces) => {
        readReply([Buffer.from(text), ...pieces]);
      }),
      { numRuns: 2000 },
    );
  });
});
