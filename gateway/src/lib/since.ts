/** A point in time as people write it: a date, a number, or how far back from now. */

const BACK = /^(\d{1,6})([smhd])$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Numbers below are seconds since 1970, from it on milliseconds: the year 33658 as seconds, 2001 as milliseconds. */
const MILLISECONDS_FROM = 1e12;

/** Milliseconds since 1970 of `2026-11-22T08:00:00Z`, `2026-11-22`, `1795000000` or `24h`; undefined where it is no time. */
export function sinceOf(text: string, nowMs: number): number | undefined {
  const timeMs = timeOf(text, nowMs);
  // Beyond the times that a `Date` can be (ECMA-262, section 21.4.1.1) there is none to tell.
  return Number.isNaN(new Date(timeMs).getTime()) ? undefined : timeMs;
}

/** `NaN` where it is no time. */
function timeOf(text: string, nowMs: number): number {
  const [, count, unit = ''] = BACK.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) < MILLISECONDS_FROM ? Number(text) * 1000 : Number(text);
  return Date.parse(text);
}
