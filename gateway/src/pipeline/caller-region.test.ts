import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyRow } from '../store/ports.ts';
import { callerRegion } from './caller-region.ts';

const KEY: KeyRow = { id: 'k', name: 'k', isRoot: false, isDisabled: false, createdAtMs: 0, tags: [] };
const RANGES = { regionOf: (address: string) => (address === '10.1.0.7' ? 'de' : undefined) };

function told(address: string | undefined, claim?: string, key: KeyRow = KEY): string {
  const found = callerRegion({ key, claim, address }, RANGES);
  return found === undefined ? 'unknown' : `${found.callerRegion} by ${found.callerRegionFrom}`;
}

describe('where a caller is', () => {
  it('is told by the key, then by the address', () => {
    assert.equal(told('10.1.0.7', 'us', { ...KEY, region: 'fr' }), 'fr by key');
    assert.equal(told('10.1.0.7'), 'de by address');
    assert.equal(told('10.9.0.7'), 'unknown');
    assert.equal(told(undefined), 'unknown');
  });

  it('is never told by the caller against its address, only closer', () => {
    for (const claim of ['us', 'eu', 'fr', 'global', 'basement'])
      assert.equal(told('10.1.0.7', claim), 'de by address');
    assert.equal(told('10.1.0.7', 'eu-central-1'), 'eu-central-1 by header');
    assert.equal(told('10.1.0.7', 'de'), 'de by header');
  });

  it('is what the caller says where nothing else is known, but never everywhere', () => {
    assert.equal(told('10.9.0.7', 'us'), 'us by header');
    assert.equal(told(undefined, 'basement'), 'basement by header');
    assert.equal(told('10.9.0.7', 'global'), 'unknown');
  });
});
