import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inputOf, policyOf, TEST_FACTS } from './plan.fixture.ts';
import type { PlanInput } from './plan.ts';
import type { Require } from './policy.ts';
import { bindingOn, mayKeepText } from './residency.ts';
import { testTarget } from './target.fixture.ts';

const TARGET = testTarget('a/m', { region: 'eu' });
const IN_EU = { gatewayRegion: 'eu-central-1' };

function input(require: Require, over: Partial<PlanInput> = {}): PlanInput {
  return inputOf(policyOf([TARGET], { require }), over);
}

describe('whether text may be kept here', () => {
  const cases: readonly (readonly [name: string, expected: boolean, of: PlanInput])[] = [
    ['where nothing is required', true, input({})],
    ['where only providers are spoken of', true, input({ compliance: ['gdpr'], training: false, retentionDaysMax: 1 })],
    ['where this gateway is in the region', true, input({ regions: ['eu'] }, IN_EU)],
    ['where it is not', false, input({ regions: ['us'] }, IN_EU)],
    ['where nobody says where it is', false, input({ regions: ['eu'] })],
    [
      'where the caller is here too',
      true,
      input({ regions: ['caller'] }, { ...IN_EU, facts: { ...TEST_FACTS, callerRegion: 'eu' } }),
    ],
    [
      'where the caller is elsewhere',
      false,
      input({ regions: ['caller'] }, { ...IN_EU, facts: { ...TEST_FACTS, callerRegion: 'us' } }),
    ],
    ['where nobody knows where the caller is', false, input({ regions: ['caller'] }, IN_EU)],
    ['where nothing may be kept', false, input({ retentionDaysMax: 0 }, IN_EU)],
    ['where the request says so', false, input({}, { require: { retentionDaysMax: 0 } })],
    ['where `provider.zdr` says so', false, input({}, { preferences: { require: { retentionDaysMax: 0 } } })],
    [
      'where a rule says so',
      false,
      input(
        {},
        {
          ruling: {
            rule: { name: 'r', source: '', holds: () => true, require: { retentionDaysMax: 0 } },
            troubles: [],
          },
        },
      ),
    ],
  ];
  for (const [name, expected, of] of cases)
    it(`${expected ? 'may' : 'may not'} ${name}`, () => assert.equal(mayKeepText(of, TARGET), expected));

  it('is bound by what the route requires that the target was taken from', () => {
    const item = { target: TARGET, weight: 1, requires: [{ retentionDaysMax: 0 }] };
    const of = inputOf(policyOf([], { tiers: [[item]], require: { training: false } }));
    assert.deepEqual(bindingOn(of, TARGET), [{ retentionDaysMax: 0 }, { training: false }]);
    assert.equal(mayKeepText(of, TARGET), false);
  });
});
