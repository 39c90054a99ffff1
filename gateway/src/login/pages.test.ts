import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../chat/fault.ts';
import { arrivalPage, faultPage, loginPage, PAGE_HEADERS, passwordPage, welcomePage } from './pages.ts';

const EVIL = `"'><script>alert(1)</script><img src=x onerror=alert(1)>javascript:alert(1)`;
const WRONG = fault('field-invalid', { reason: EVIL }, { param: 'name' });

const PAGES = {
  login: loginPage({
    hasPasswords: true,
    hasSignUp: true,
    providers: [{ name: EVIL, label: EVIL }],
    next: EVIL,
    email: EVIL,
    fault: WRONG,
  }),
  arrival: arrivalPage({
    title: EVIL,
    lead: EVIL,
    action: '/invite',
    token: EVIL,
    name: EVIL,
    email: EVIL,
    isEmailFixed: true,
    hasPasswords: true,
    fault: WRONG,
  }),
  password: passwordPage(EVIL, WRONG),
  welcome: welcomePage({
    name: EVIL,
    role: EVIL,
    csrf: EVIL,
    mayHaveKeys: true,
    key: EVIL,
    origin: EVIL,
    fault: WRONG,
  }),
  fault: faultPage(WRONG),
};

describe('B55: what others have written, on a page', () => {
  for (const [name, text] of Object.entries(PAGES))
    it(`is text (${name})`, () => {
      assert.ok(text.includes('&lt;script&gt;'), 'it is shown');
      const tags = new Set([...text.matchAll(/<\/?([a-z]+[0-9]?)/gi)].map(([, tag]) => tag));
      for (const tag of ['script', 'img', 'iframe', 'object', 'svg']) assert.ok(!tags.has(tag), tag);
      // Every attribute is in double quotes, and none of them ends early or is a handler.
      for (const [, attributes = ''] of text.matchAll(/<[a-z]+[0-9]?((?:\s[^<>]*)?)>/gi)) {
        assert.match(attributes, /^(?:\s+[a-z-]+(?:="[^"]*")?)*$/i, attributes);
        assert.doesNotMatch(attributes.replaceAll(/"[^"]*"/g, ''), /\son/i);
      }
      assert.doesNotMatch(text, /(?:href|action|src)="\s*javascript:/i);
    });

  it('could load nothing, and be in no frame, were it markup after all', () => {
    const policy = PAGE_HEADERS['content-security-policy'];
    for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
      assert.ok(policy.includes(rule), rule);
    assert.doesNotMatch(policy, /script-src|img-src|https?:/);
  });
});
