import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ReadEvent } from './http-reader.ts';
import { createHttpReader } from './http-reader.ts';

const CONVERSATION = Buffer.from(
  [
    'POST /v1/chat/completions?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Twice: a\r\nx-twice: b\r\n\r\nhello',
    '\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\ntrailer: t\r\n\r\n',
    'POST /d HTTP/1.0\r\ncontent-length: 0\r\n\r\n',
  ].join(''),
);

function readAll(parts: readonly Buffer[]): ReadEvent[] {
  const reader = createHttpReader();
  const events: ReadEvent[] = [];
  for (const part of parts) {
    reader.push(part);
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  }
  return events;
}

function summary(events: readonly ReadEvent[]): unknown {
  return events.map((event) => {
    if (event.kind === 'problem') return event;
    const { method, target, keepsAlive, headers } = event.head;
    return {
      kind: event.kind,
      method,
      target,
      keepsAlive,
      headers: { ...headers },
      body: event.kind === 'body' ? event.body.toString() : '',
    };
  });
}

describe('the reader of HTTP requests', () => {
  it('reads requests with a length, without a body, in chunks, and of HTTP/1.0', () => {
    const bodies = readAll([CONVERSATION]).flatMap((event) => (event.kind === 'body' ? [event] : []));
    assert.deepEqual(
      bodies.map((event) => [event.head.method, event.head.target, event.body.toString(), event.head.keepsAlive]),
      [
        ['POST', '/v1/chat/completions?a=1', 'hello', true],
        ['GET', '/v1/models', '', true],
        ['POST', '/c', 'abc0123456789', true],
        ['POST', '/d', '', false],
      ],
    );
    assert.equal(bodies[0]?.head.headers['x-twice'], 'a, b');
  });

  it('reads the same requests wherever the network cuts the bytes', () => {
    const expected = summary(readAll([CONVERSATION]));
    fc.assert(
      fc.property(fc.array(fc.nat(CONVERSATION.length)), (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), CONVERSATION.length];
        const parts = edges.slice(1).map((to, index) => CONVERSATION.subarray(edges[index], to));
        assert.deepEqual(summary(readAll(parts)), expected);
      }),
    );
  });

  it('gives the head before the body has come', () => {
    const [head, ...rest] = readAll([
      Buffer.from('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\nhalf'),
    ]);
    assert.equal(head?.kind, 'head');
    assert.equal(head?.kind === 'head' && head.head.expectsContinue, true);
    assert.deepEqual(rest, []);
  });

  const refused: readonly (readonly [string, string, number])[] = [
    [
      'a length and a transfer coding',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    ['two hosts', 'GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a length that is no number', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\n', 400],
    ['another transfer coding', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n', 501],
    ['a folded header', 'GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n', 400],
    ['a space before the colon', 'GET / HTTP/1.1\r\nhost : x\r\n\r\n', 400],
    ['a bare line feed', 'GET / HTTP/1.1\r\nhost: x\r\na: b\nc: d\r\n\r\n', 400],
    ['a NUL in a value', 'GET / HTTP/1.1\r\nhost: x\r\na: b\0\r\n\r\n', 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an absolute target', 'GET http://x/ HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\r\n\r\n', 400],
    [
      'a chunk that is longer than it says',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n',
      400,
    ],
    ['a chunk size that is no number', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n', 400],
    ['a chunk beyond the limit', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n', 413],
    ['a body beyond the limit', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n', 413],
    ['an endless head', `GET / HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(70_000)}`, 431],
  ];
  for (const [name, text, status] of refused) {
    it(`refuses ${name} with ${status}, and nothing follows`, () => {
      const events = readAll([Buffer.from(text, 'latin1'), Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')]);
      const last = events.at(-1);
      assert.equal(last?.kind === 'problem' ? last.status : undefined, status);
    });
  }
});
