import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../chat/fault.ts';
import { testTarget } from '../routing/target.fixture.ts';
import { faultWithoutSecrets, textWithoutSecrets } from './secrets.ts';

const target = testTarget('p/m', {
  secret: 'hunter2-of-no-known-form',
  headers: { 'x-house-token': 'a-second-secret', 'x-title': 'The House' },
});

describe('what a provider says', () => {
  it('loses every credential that we sent, and nothing else', () => {
    const said =
      'Wrong key hunter2-of-no-known-form (hunter2-of-no-known-form), token a-second-secret, from The House.';
    assert.equal(
      textWithoutSecrets(said, target),
      'Wrong key [redacted] ([redacted]), token [redacted], from The House.',
    );
    const of = fault('upstream-refused', { provider: 'p', reason: said });
    assert.doesNotMatch(faultWithoutSecrets(of, target).message, /hunter2|second/);
  });

  it('stays the same fault where nothing was in it', () => {
    const of = fault('upstream-refused', { provider: 'p', reason: 'no such field' });
    assert.equal(faultWithoutSecrets(of, target), of);
  });

  it('keeps words that are a short secret by chance', () => {
    assert.equal(textWithoutSecrets('test the key', testTarget('p/m', { secret: 'test' })), 'test the key');
  });
});
