import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Result } from './result.ts';
import { isSameOrigin, originOf, urlPrefix, urlUnder } from './url.ts';

function joinUrl(baseUrl: string, path: string): Result<string, string> {
  const prefix = urlPrefix(baseUrl);
  return prefix.ok ? urlUnder(prefix.value, path) : prefix;
}

function joined(baseUrl: string, path: string): string {
  const result = joinUrl(baseUrl, path);
  assert.ok(result.ok, result.ok ? '' : result.error);
  return result.value;
}

describe('urlPrefix and urlUnder', () => {
  it('appends path and query to the base, whatever slash the base ends with', () => {
    const cases: readonly [string, string, string][] = [
      ['https://api.example.com/v1', '/chat/completions', 'https://api.example.com/v1/chat/completions'],
      ['https://api.example.com/v1/', '/chat/completions', 'https://api.example.com/v1/chat/completions'],
      ['HTTPS://API.Example.com:443', '/v1/messages', 'https://api.example.com/v1/messages'],
      ['http://[::1]:8080/x', '/models/a:generate?alt=sse', 'http://[::1]:8080/x/models/a:generate?alt=sse'],
      ['https://h.example/v1', '/models/org%2Fname', 'https://h.example/v1/models/org%2Fname'],
      ['https://h.example/v1', '/models/v1.5/..x/x..?a=../b', 'https://h.example/v1/models/v1.5/..x/x..?a=../b'],
    ];
    for (const [base, path, url] of cases) assert.equal(joined(base, path), url);
  });

  it('refuses a path that would climb, or that a server could read in another way', () => {
    const paths = [
      'x',
      '',
      '/../x',
      '/a/..',
      '/a/%2e%2E/b',
      '/a/.%2e?x',
      '/./a',
      '/a\\b',
      '/a#b',
      '/a b',
      '/a\r\nhost: evil',
      '/ü',
      '/a\u0000',
    ];
    for (const path of paths) assert.equal(joinUrl('https://h.example/v1', path).ok, false, JSON.stringify(path));
  });

  it('refuses a base that is no plain http or https URL', () => {
    for (const base of [
      'ftp://h/',
      'file:///etc/passwd',
      'h.example/v1',
      'https://u:p@h/',
      'https://h/?k=v',
      'https://h/#x',
      '',
    ]) {
      assert.equal(joinUrl(base, '/x').ok, false, base);
    }
  });

  it('never leaves origin and base path, whatever the path is', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '@evil.example',
      'evil.example',
      '..',
      '%2e',
      '%2F',
      '\\',
      ':80',
      '?',
      '#',
      'a',
      '.',
      ' ',
      '\t',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const result = joinUrl('https://api.example.com/v1', `/${pieces.join('')}`);
        if (!result.ok) return;
        const url = new URL(result.value);
        assert.equal(url.origin, 'https://api.example.com');
        assert.ok(url.pathname.startsWith('/v1/'), result.value);
        assert.equal(url.href, result.value);
      }),
    );
  });
});

describe('isSameOrigin', () => {
  it('binds to scheme, host and port in canonical form', () => {
    assert.ok(isSameOrigin('https://h.example:443/a', 'https://H.example/v1'));
    for (const url of [
      'http://h.example/',
      'https://h.example:444/',
      'https://h.example.evil/',
      'https://h.example@evil/',
      'https:evil',
      '',
    ]) {
      assert.equal(isSameOrigin(url, 'https://h.example/v1'), false, url);
    }
    assert.equal(isSameOrigin('', ''), false);
    assert.equal(originOf('http://0x7f.1:80/x'), 'http://127.0.0.1');
  });
});
