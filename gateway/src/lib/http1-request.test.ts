import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OWN_HEADERS, requestHead, type RequestHead } from './http1-request.ts';

const PLAIN: RequestHead = { method: 'POST', path: '/v1?a=b', host: 'h:8', headers: {}, bodyLength: 2 };

describe('the head of a request', () => {
  it('holds what it was given, and what is the client’s own', () => {
    const headers = { 'x-a': 'b \u00e9', ...Object.fromEntries([...OWN_HEADERS].map((name) => [name, 'evil'])) };
    assert.equal(
      requestHead({ ...PLAIN, headers }),
      'POST /v1?a=b HTTP/1.1\r\nhost: h:8\r\nconnection: keep-alive\r\nx-a: b \u00e9\r\ncontent-length: 2\r\n\r\n',
    );
    assert.equal(
      requestHead({ ...PLAIN, method: 'GET', bodyLength: undefined }),
      'GET /v1?a=b HTTP/1.1\r\nhost: h:8\r\nconnection: keep-alive\r\n\r\n',
    );
  });

  it('is none where a path or a header is not allowed', () => {
    for (const path of ['', 'x', '/a b', '/a\r\nx: y', '/\u00e9', '/\u007f', '/\u20ac'])
      assert.equal(requestHead({ ...PLAIN, path }), undefined, path);
    for (const [name, value] of [
      ['a b', 'c'],
      ['', 'c'],
      ['a:', 'c'],
      ['a\n', 'c'],
      ['a', 'c\r'],
      ['a', 'c\n'],
      ['a', 'c\0'],
      ['a', '\u20ac'],
    ] as const)
      assert.equal(requestHead({ ...PLAIN, headers: { [name]: value } }), undefined, JSON.stringify([name, value]));
  });

  it('has one line for each header, whatever those hold', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('a\r\nb: c', '\r\n\r\n', '\u010a', '\u0d0a'));
    fc.assert(
      fc.property(fc.dictionary(text, text), text, (headers, path) => {
        const head = requestHead({ ...PLAIN, headers, path: `/${path}` });
        if (head === undefined) return;
        const names = Object.keys(headers).filter((name) => !OWN_HEADERS.has(name));
        // As the bytes that are sent.
        const sent = Buffer.from(head, 'latin1').toString('latin1');
        assert.equal(sent, head);
        assert.equal(sent.split(/[\r\n]+/).length, names.length + 5);
      }),
    );
  });
});
