import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_FACTS } from '../policy/expression.ts';
import type { Rule } from './policy.ts';
import { requiredBy, rulingOf, type Ruling } from './rules.ts';

const rule = (name: string, holds: boolean | string, words: Partial<Rule> = {}): Rule => ({
  name,
  source: '',
  holds: () => holds,
  ...words,
});
const ruling = (...rules: readonly Rule[]): Ruling => rulingOf(rules, NO_FACTS);

describe('a rule that cannot be told', () => {
  it('refuses all the same, before all rules behind it', () => {
    const { rule: held, troubles } = ruling(
      rule('no', 'fails', { refuse: 'not here' }),
      rule('yes', true, { use: { strategy: 'cost' } }),
    );
    assert.equal(held?.refuse, 'not here');
    assert.deepEqual(troubles, ['no: fails; it refuses all the same']);
  });

  it('requires all the same, beside the rule behind it that holds', () => {
    const made = ruling(
      rule('first', 'fails', { require: { regions: ['eu'] }, use: { strategy: 'cost' } }),
      rule('second', false, { require: { training: false } }),
      rule('third', true, { require: { retentionDaysMax: 0 } }),
    );
    assert.equal(made.rule?.name, 'third');
    assert.deepEqual(requiredBy(made), [{ retentionDaysMax: 0 }, { regions: ['eu'] }]);
    assert.deepEqual(made.troubles, ['first: fails; what it requires is required all the same']);
  });

  // faults.md B62
  it('changes nothing where it only chooses, and is shown', () => {
    const made = ruling(rule('odd', 'fails', { use: { strategy: 'cost' } }));
    assert.deepEqual(made, { troubles: ['odd: fails'] });
  });

  it('is not asked behind a rule that holds', () => {
    const made = ruling(rule('first', true), rule('odd', 'fails', { refuse: 'not here' }));
    assert.deepEqual([made.rule?.name, made.troubles], ['first', []]);
  });
});
