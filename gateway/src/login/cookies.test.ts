import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cookieName, cookieOf, setCookie } from './cookies.ts';

describe('a cookie', () => {
  it('is found by its whole name among others', () => {
    const header = 'a=1; turnout_session=v=w; xturnout_session=2;turnout_session_=3';
    assert.equal(cookieOf(header, 'turnout_session'), 'v=w');
    assert.equal(cookieOf(header, 'turnout'), undefined);
    assert.equal(cookieOf(undefined, 'turnout_session'), undefined);
  });

  it('is none where it stands twice: one of them was set by somebody else', () => {
    assert.equal(cookieOf('s=theirs; s=mine', 's'), undefined);
    assert.equal(cookieOf('s=same; s=same', 's'), undefined);
  });

  it('is kept from scripts, from other sites, and over TLS from plain connections and other hosts', () => {
    const plain = setCookie({ name: 's', value: 'v', maxAgeS: 60, isSecure: false });
    assert.equal(plain, 's=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax');
    assert.equal(setCookie({ name: 's', value: 'v', maxAgeS: 60, isSecure: true }), `${plain}; Secure`);
    assert.deepEqual([cookieName('s', true), cookieName('s', false)], ['__Host-s', 's']);
  });

  it('cannot be made of what would end it', () => {
    for (const value of ['a;b', 'a b', 'a,b', 'a"b', 'a\\b', 'a\r\nset-cookie: x=y'])
      assert.throws(() => setCookie({ name: 's', value, maxAgeS: 1, isSecure: false }), /not a cookie/, value);
    assert.throws(() => setCookie({ name: 's=t', value: 'a', maxAgeS: 1, isSecure: false }), /not a cookie/);
  });
});
