import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { topicsIn, topicsOf } from './topics.ts';

const topics = topicsOf({ legal: ['contract', 'Klausel', '合同'], money: ['refund', 'money back'] });

describe('topics', () => {
  it('are told once each, in the order of the text', () => {
    assert.deepEqual(topicsIn('A refund? The contract says: money back, REFUND, contract.', topics), [
      'money',
      'legal',
    ]);
  });

  it('are found as whole words, in any case and script', () => {
    assert.deepEqual(topicsIn('die KLAUSEL im Vertrag', topics), ['legal']);
    assert.deepEqual(topicsIn('请看合同', topics), ['legal']);
    assert.deepEqual(topicsIn('subcontractors', topics), []);
  });
});
