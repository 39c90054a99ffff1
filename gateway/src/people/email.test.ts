import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { domainOf, foldEmail, isInDomains } from './email.ts';

describe('an address of e-mail', () => {
  it('is folded to one form', () => {
    for (const given of ['Ann@Example.org', ' ann@example.org ', 'ANN@EXAMPLE.ORG', 'ａnn@example.org'])
      assert.equal(foldEmail(given), 'ann@example.org', given);
  });

  it('is refused where it is none, or could end a header or a line', () => {
    const none = [
      '',
      'ann',
      '@example.org',
      'ann@',
      'a b@c.d',
      'a@b@c.d',
      'a\r\n@b.c',
      '<a@b.c>',
      'a@b,c',
      'a@.b',
      'a@b.',
    ];
    for (const given of [...none, `${'a'.repeat(65)}@b.c`, `a@${'b'.repeat(300)}`])
      assert.equal(foldEmail(given), undefined, JSON.stringify(given));
  });

  it('stays what it is once it is folded', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string()), (given) => {
        const folded = foldEmail(given);
        assert.ok(folded === undefined || foldEmail(folded) === folded);
      }),
    );
  });

  it('is of a domain only where that is the whole of its domain', () => {
    assert.equal(domainOf('ann@example.org'), 'example.org');
    assert.ok(isInDomains('ann@example.org', ['other.org', 'Example.org']));
    for (const domains of [[], ['org'], ['ample.org'], ['example.org.evil.net'], ['sub.example.org']])
      assert.ok(!isInDomains('ann@example.org', domains), domains.join());
    assert.ok(!isInDomains('ann@evil-example.org', ['example.org']));
    assert.ok(isInDomains('ann@example.org', ['*']));
  });
});
