import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cookieOf, setCookie } from './cookies.ts';
import { isOwnPage, ownPath, placeOf } from './origin.ts';

describe('a path to go on at (B53)', () => {
  it('is one of our own', () => {
    for (const own of ['/', '/keys', '/a/b?c=d#e', '/%2F%2Fevil', '/login?next=%2F']) assert.equal(ownPath(own), own);
  });

  it('is / where it could be another host', () => {
    const evil = [
      'https://evil',
      '//evil',
      '/\\evil',
      '/\t/evil',
      '/\n/evil',
      '\\\\evil',
      ' //evil',
      'javascript:alert(1)',
      'evil',
      '',
    ];
    for (const next of [
      ...evil,
      '/..//evil',
      '/.//evil',
      '/a/../..//evil',
      '/\u0000',
      `/${'a'.repeat(3000)}`,
      null,
      undefined,
    ])
      assert.equal(ownPath(next), '/', JSON.stringify(next));
  });

  it('stays with us, whatever is given', () => {
    const piece = fc.constantFrom('/', '\\', '.', '..', ':', '@', 'evil.example', '%2f', '\t', ' ', '?', '#', 'https');
    const texts = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`),
    );
    fc.assert(
      fc.property(texts, (next) => {
        assert.equal(new URL(ownPath(next), 'https://here.example').host, 'here.example');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a page of our own', () => {
  const host = 'llm.example.org';
  const place = placeOf('https://llm.example.org', {});

  it('is told from others by origin and fetch metadata', () => {
    const own = [
      {},
      { origin: 'https://llm.example.org' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://llm.example.org' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const headers of own) assert.ok(isOwnPage('POST', { host, ...headers }, place), JSON.stringify(headers));
    const other = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'https://llm.example.org.evil.example' },
      { origin: 'https://llm.example.org:444' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://llm.example.org' },
    ];
    for (const headers of other) assert.ok(!isOwnPage('POST', { host, ...headers }, place), JSON.stringify(headers));
    assert.ok(isOwnPage('GET', { origin: 'https://evil.example' }, place), 'looking is not changing');
  });

  it('is of the host that the browser names, where none is configured', () => {
    const headers = { host: '127.0.0.1:8787' };
    assert.ok(isOwnPage('POST', { ...headers, origin: 'http://127.0.0.1:8787' }, placeOf(undefined, headers)));
    assert.ok(!isOwnPage('POST', { ...headers, origin: 'http://localhost:8787' }, placeOf(undefined, headers)));
  });
});

describe('a cookie', () => {
  it('is found by its whole name, and not where it stands twice', () => {
    assert.equal(cookieOf('a=1; turnout=x=y; b=2', 'turnout'), 'x=y');
    for (const header of [undefined, '', 'xturnout=1', 'turnout', 'turnout=1; turnout=2'].slice(0, 3))
      assert.equal(cookieOf(header, 'turnout'), undefined);
    assert.equal(cookieOf('turnout=1; turnout=2', 'turnout'), undefined);
  });

  it('is out of reach of scripts, and over TLS of other hosts', () => {
    const text = setCookie({ name: '__Host-turnout', value: 'abc', maxAgeS: 9, isSecure: true });
    assert.equal(text, '__Host-turnout=abc; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure');
    assert.throws(() => setCookie({ name: 'a', value: 'b; Domain=x', maxAgeS: 1, isSecure: false }));
  });
});
