import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  hasScope,
  readKeySettings,
  SCOPES,
  settingProblem,
  settingsText,
  storedSettings,
  withPatch,
  type KeySettings,
} from './key-settings.ts';

const names = fc.array(
  fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== ''),
  { maxLength: 5 },
);
const settings: fc.Arbitrary<KeySettings> = fc.record(
  {
    scopes: fc.uniqueArray(fc.constantFrom(...SCOPES), { minLength: 1 }),
    allowedRoutes: names,
    allowedProviders: names,
    allowedRegions: fc.array(fc.constantFrom('eu', 'us-east-1', 'de'), { maxLength: 3 }),
    addresses: fc.uniqueArray(fc.constantFrom('10.0.0.0/8', '192.0.2.7', '2001:db8::/32'), { maxLength: 3 }),
    limits: fc.constant({ rpm: 5, org: { tpm: 7 } }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

describe('settings of keys', () => {
  it('come back as they were written', () => {
    fc.assert(fc.property(settings, (given) => assert.deepEqual(storedSettings(settingsText(given)), given)));
  });

  it('change by name: what a patch leaves out stays, null takes away', () => {
    fc.assert(
      fc.property(settings, settings, (before, change) => {
        assert.deepEqual(withPatch(before, change), { ...before, ...change });
        const taken = Object.fromEntries(Object.keys(before).map((name) => [name, null]));
        assert.deepEqual(withPatch(before, taken), {});
      }),
    );
  });

  it('allow nothing where they cannot be read any more', () => {
    for (const text of [
      '',
      'x',
      '[]',
      'null',
      '{"scopes":"all"}',
      '{"scopes":["boss"]}',
      '{"addresses":["10.0.0.1/8"]}',
      '{"routes":[1]}',
      '{"limits":[]}',
    ]) {
      const read = storedSettings(text);
      assert.deepEqual(read, { scopes: [] }, text);
      assert.equal(hasScope({ ...read, isRoot: false }, ...SCOPES), false);
    }
    assert.deepEqual(storedSettings('{}'), {});
  });

  it('are refused by name', () => {
    const param = (body: Parameters<typeof readKeySettings>[0]): string | undefined => {
      const read = readKeySettings(body);
      return read.ok ? settingProblem(read.value)?.param : read.error.param;
    };
    for (const [body, wrong] of [
      [{ scopes: [] }, 'scopes'],
      [{ scopes: ['root'] }, 'scopes'],
      [{ routes: 'fast' }, 'routes'],
      [{ routes: [' '] }, 'routes'],
      [{ providers: Array.from({ length: 201 }, () => 'a') }, 'providers'],
      [{ regions: ['EU'] }, 'regions'],
      [{ addresses: ['10.0.0.0/8', '10.0.0.0/33'] }, 'addresses[1]'],
      [{ addresses: ['localhost'] }, 'addresses[0]'],
      [{ limits: 'rpm' }, 'limits'],
      [{ limits: { a: 'x'.repeat(9000) } }, 'limits'],
      [{ routes: null, scopes: ['read'], addresses: [] }, undefined],
    ] as const)
      assert.equal(param(body), wrong, JSON.stringify(body).slice(0, 60));
  });

  it('without scopes are for inference, and the root key is for all', () => {
    assert.equal(hasScope({ isRoot: false }, 'inference'), true);
    assert.equal(hasScope({ isRoot: false }, 'admin', 'read'), false);
    assert.equal(hasScope({ isRoot: true, scopes: [] }, 'admin'), true);
  });
});
