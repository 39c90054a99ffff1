import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PERIODS, periodAt } from './period.ts';

function spanOf(period: (typeof PERIODS)[number], zone: string, at: string): string {
  const span = periodAt(period, zone, Date.parse(at));
  if (span === undefined) return 'none';
  return `${new Date(span.startMs).toISOString()} ${new Date(span.endMs).toISOString()}`;
}

const CASES: readonly (readonly [period: (typeof PERIODS)[number], zone: string, at: string, span: string])[] = [
  ['month', 'UTC', '2028-02-29T23:59:59.999Z', '2028-02-01T00:00:00.000Z 2028-03-01T00:00:00.000Z'],
  ['day', 'UTC', '2028-02-29T12:00:00Z', '2028-02-29T00:00:00.000Z 2028-03-01T00:00:00.000Z'],
  ['year', 'UTC', '2026-12-31T23:59:59Z', '2026-01-01T00:00:00.000Z 2027-01-01T00:00:00.000Z'],
  ['quarter', 'UTC', '2026-11-27T00:00:00Z', '2026-10-01T00:00:00.000Z 2027-01-01T00:00:00.000Z'],
  ['week', 'UTC', '2026-11-29T23:00:00Z', '2026-11-23T00:00:00.000Z 2026-11-30T00:00:00.000Z'],
  // Summer time begins and ends: 23 hours, and 25.
  ['day', 'Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z'],
  ['day', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z 2026-10-25T23:00:00.000Z'],
  // Half an hour, and three quarters.
  ['hour', 'Asia/Kolkata', '2026-11-27T10:10:00Z', '2026-11-27T09:30:00.000Z 2026-11-27T10:30:00.000Z'],
  ['day', 'Asia/Kathmandu', '2026-11-27T10:10:00Z', '2026-11-26T18:15:00.000Z 2026-11-27T18:15:00.000Z'],
  // Midnight is skipped: the day begins at one.
  ['day', 'Asia/Beirut', '2026-03-29T12:00:00Z', '2026-03-28T22:00:00.000Z 2026-03-29T21:00:00.000Z'],
  // Samoa had no 30th of December 2011.
  ['day', 'Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29T10:00:00.000Z 2011-12-30T10:00:00.000Z'],
  ['day', 'Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00.000Z 2011-12-31T10:00:00.000Z'],
  ['total', 'UTC', '2026-11-27T00:00:00Z', 'none'],
];

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Beirut',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Africa/Casablanca',
];

describe('periods', () => {
  for (const [period, zone, at, span] of CASES)
    it(`a ${period} in ${zone} at ${at}`, () => {
      assert.equal(spanOf(period, zone, at), span);
    });

  it('leave no gap and never overlap: the last moment of one and the first of the next are neighbours', () => {
    const moment = fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2040, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...PERIODS), fc.constantFrom(...ZONES), moment, (period, zone, atMs) => {
        const span = periodAt(period, zone, atMs);
        if (span === undefined) return;
        assert.ok(span.startMs <= atMs && atMs < span.endMs);
        assert.deepEqual(periodAt(period, zone, span.startMs), span);
        assert.deepEqual(periodAt(period, zone, span.endMs - 1), span);
        assert.equal(periodAt(period, zone, span.endMs)?.startMs, span.endMs);
        assert.equal(periodAt(period, zone, span.startMs - 1)?.endMs, span.startMs);
      }),
      { numRuns: 400 },
    );
  });
});
