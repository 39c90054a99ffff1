import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { REGIONS } from './places.ts';
import { REGION_NAMES, isKnownRegion, isWithin, nearRegion, distanceMs, zonesOf } from './regions.ts';
import { COUNTRIES, ZONES } from './zones.ts';

describe('where a region lies', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['eu-central-1', 'eu', true],
    ['eu-central-1', 'de', true],
    ['eu-central-1', 'fr', false],
    ['europe-west3', 'eu', true],
    ['germanywestcentral', 'eea', true],
    ['eusc-de-east-1', 'eu', true],
    ['eu-west-2', 'eu', false],
    ['eu-west-2', 'uk', true],
    ['eu-west-2', 'gb', true],
    ['eu-west-2', 'europe', true],
    ['uksouth', 'eea', false],
    ['eu-central-2', 'eu', false],
    ['switzerlandnorth', 'eea', false],
    ['europe-west6', 'europe', true],
    ['norwayeast', 'eu', false],
    ['norwayeast', 'eea', true],
    ['northeurope', 'ie', true],
    ['us-east-1', 'us', true],
    ['us-east-1', 'americas', true],
    ['ca-central-1', 'us', false],
    ['ap-southeast-1', 'apac', true],
    ['australiaeast', 'apac', true],
    ['il-central-1', 'middle-east', true],
    ['af-south-1', 'africa', true],
    ['eu', 'eea', true],
    ['eea', 'eu', false],
    ['de', 'eu', true],
    ['gb', 'uk', true],
    ['uk', 'gb', true],
    ['eu', 'eu-central-1', false],
    ['sg', 'ap-southeast-1', false],
    ['eu-central-1', 'europe-west3', false],
    ['eu-central-1', 'eu-central-1', true],
    ['basement', 'basement', true],
    ['basement', 'eu', false],
    ['eu', 'basement', false],
    ['global', 'eu', false],
    ['eu-central-1', 'global', true],
    ['basement', 'global', false],
    ['', 'eu', false],
  ];
  for (const [region, zone, expected] of cases) {
    it(`${region} is ${expected ? '' : 'not '}within ${zone}`, () => assert.equal(isWithin(region, zone), expected));
  }

  it('is told from the inside out', () => {
    assert.deepEqual(zonesOf('eu-central-1'), ['eu-central-1', 'de', 'eu', 'eea', 'europe', 'global']);
    assert.deepEqual(zonesOf('eu-west-2'), ['eu-west-2', 'gb', 'europe', 'uk', 'global']);
    assert.deepEqual(zonesOf('eu'), ['eu', 'eea', 'europe', 'global']);
    assert.deepEqual(zonesOf('basement'), ['basement']);
  });

  it('is an order: all that lies within lies within what is around', () => {
    const name = fc.constantFrom(...REGION_NAMES);
    fc.assert(
      fc.property(name, name, name, (a, b, c) => !(isWithin(a, b) && isWithin(b, c)) || isWithin(a, c)),
      { numRuns: 5000 },
    );
    for (const region of REGION_NAMES) for (const zone of zonesOf(region)) assert.ok(isWithin(region, zone), region);
  });
});

describe('the list of regions', () => {
  it('has every region of the partitions in AWS’s SDK, but those of the secret services', () => {
    // The SDK that the tests use as a client brings the list along.
    const modules = new URL('../../../node_modules/', import.meta.url);
    const file = new URL('@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js', modules);
    const names = [...readFileSync(file, 'utf8').matchAll(/"([a-z-]+-\d)": \{/g)].map((match) => match[1] ?? '');
    assert.ok(names.length > 35, `only ${names.length} regions in ${file.pathname}`);
    for (const name of names.filter((each) => !/-iso/.test(each))) assert.ok(REGIONS.has(name), `${name} is missing`);
  });

  it('has places on the globe, in countries of some zone, and no name twice', () => {
    const names = readFileSync(new URL('places.ts', import.meta.url), 'utf8').match(/(?<=`\n)[^`]+(?=`)/)?.[0] ?? '';
    const listed = names.split('\n').flatMap((line) => line.split(' ').slice(3));
    assert.equal(new Set(listed).size, listed.length);
    assert.equal(REGIONS.size, listed.length);
    for (const [name, { country, latitude, longitude }] of REGIONS) {
      assert.ok(COUNTRIES.has(country), `${name}: ${country}`);
      assert.ok(Math.abs(latitude) < 66 && Math.abs(longitude) <= 180, name);
    }
    for (const [name, { centre = 'us-east-1' }] of ZONES)
      assert.ok(isWithin(centre, name), `${centre} is not in ${name}`);
  });

  it('has 27 members of the EU and 30 of the EEA', () => {
    assert.equal(ZONES.get('eu')?.countries.size, 27);
    assert.equal(ZONES.get('eea')?.countries.size, 30);
  });

  it('knows what was meant', () => {
    assert.equal(nearRegion('eu-centrl-1'), 'eu-central-1');
    assert.equal(nearRegion('West Europe'), 'westeurope');
    assert.equal(nearRegion('EU'), 'eu');
    assert.equal(nearRegion('basement'), undefined);
    assert.ok(isKnownRegion('eu') && isKnownRegion('de') && isKnownRegion('swedencentral') && !isKnownRegion('EU'));
  });
});

describe('the round trip between regions', () => {
  // Round figures, as such pairs are commonly measured, from no one table: the estimate must have their size, no more.
  const usual: readonly (readonly [string, string, number])[] = [
    ['eu-central-1', 'us-east-1', 92],
    ['eu-central-1', 'eu-west-2', 14],
    ['us-east-1', 'us-west-2', 65],
    ['ap-southeast-1', 'ap-southeast-2', 92],
    ['sa-east-1', 'us-east-1', 115],
    ['ap-northeast-1', 'us-west-2', 98],
    ['eu-west-1', 'eu-north-1', 38],
    ['ap-south-1', 'eu-central-1', 118],
  ];
  for (const [from, to, ms] of usual) {
    it(`${from} to ${to} is about ${ms} ms`, () => {
      const estimate = distanceMs(from, to) ?? NaN;
      assert.ok(estimate > ms / 1.6 && estimate < ms * 1.6, `${estimate.toFixed(1)} ms`);
    });
  }

  it('is the same both ways, least at home, and unknown for names that we do not know', () => {
    const name = fc.constantFrom(...REGIONS.keys());
    fc.assert(
      fc.property(name, name, (a, b) => {
        const [there, back] = [distanceMs(a, b) ?? NaN, distanceMs(b, a) ?? NaN];
        return Math.abs(there - back) < 1e-9 && there >= 2 && there < 300;
      }),
    );
    assert.equal(distanceMs('eu-central-1', 'europe-west3'), 2);
    assert.equal(distanceMs('basement', 'eu-central-1'), undefined);
  });

  it('stands a zone at its busiest place and a country at its first', () => {
    assert.equal(distanceMs('eu', 'eu-central-1'), 2);
    assert.ok((distanceMs('fr', 'eu') ?? 99) < 12);
    assert.equal(distanceMs('is', 'eu'), undefined);
    assert.equal(distanceMs('global', 'eu'), undefined);
  });
});
