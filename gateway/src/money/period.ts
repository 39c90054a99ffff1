/** Periods of budgets: when one begins and ends, in the time zone of whoever set it. Pure: the same moment always gives the same period. */

export const PERIODS = ['hour', 'day', 'week', 'month', 'quarter', 'year', 'total'] as const;
export type Period = (typeof PERIODS)[number];

/** Milliseconds since 1970: from `startMs` on, before `endMs`. `total` has neither. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A date and hour as a calendar on the wall says it. Months from 0. */
interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
}

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
/** No place on earth is further from UTC, and no clock is moved by more at once: dates are looked for so far around. */
const AROUND_MS = 48 * HOUR_MS;
const FORMATS = new Map<string, Intl.DateTimeFormat>();
const FORMATS_MAX = 600;

/** Whether the runtime knows the time zone (IANA, as in `Europe/Berlin`). */
export function isTimeZone(name: string): boolean {
  try {
    return formatOf(name) !== undefined;
  } catch {
    return false;
  }
}

/** The period in which a moment lies; `undefined` for `total`. Throws for a time zone that is not known. */
export function periodAt(period: Period, timeZone: string, atMs: number): Span | undefined {
  if (period === 'total') return undefined;
  const now = wallAt(atMs, timeZone);
  // Where clocks are set back over a beginning, the wall shows the day before once more: then it is a period later.
  let startMs = momentOf(begin(now, period, -1), timeZone);
  for (const by of [0, 1, 2]) {
    const endMs = momentOf(begin(now, period, by), timeZone);
    if (startMs <= atMs && atMs < endMs) return { startMs, endMs };
    startMs = endMs;
  }
  throw new RangeError(`no ${period} in ${timeZone} holds ${atMs}`);
}

/** The beginning of the period so many after the one of that wall. */
function begin({ year, month, day, hour }: Wall, period: Exclude<Period, 'total'>, by: number): Wall {
  switch (period) {
    case 'hour':
      return wall(Date.UTC(year, month, day, hour + by));
    case 'day':
      return wall(Date.UTC(year, month, day + by));
    case 'week': {
      // ISO 8601: a week begins on Monday.
      const sinceMonday = (new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7;
      return wall(Date.UTC(year, month, day - sinceMonday + 7 * by));
    }
    case 'month':
      return wall(Date.UTC(year, month + by));
    case 'quarter':
      return wall(Date.UTC(year, month - (month % 3) + 3 * by));
    case 'year':
      return wall(Date.UTC(year + by, 0));
  }
}

function wall(utcMs: number): Wall {
  const date = new Date(utcMs);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate(), hour: date.getUTCHours() };
}

/**
 * The first moment at which a clock in the zone shows that hour or a later one. A midnight that is skipped begins with the first moment after it, and one that
 * comes twice with its first.
 */
function momentOf(of: Wall, timeZone: string): number {
  const goal = Date.UTC(of.year, of.month, of.day, of.hour);
  let low = goal - AROUND_MS;
  let high = goal + AROUND_MS;
  // Clocks are only ever changed at whole seconds.
  while (high - low > SECOND_MS) {
    const middle = low + Math.floor((high - low) / 2 / SECOND_MS) * SECOND_MS;
    if (shownAt(middle, timeZone) >= goal) high = middle;
    else low = middle;
  }
  return high;
}

/** What a clock shows, as if it were UTC: milliseconds, to the second. */
function shownAt(atMs: number, timeZone: string): number {
  const offset = offsetAt(atMs, timeZone);
  return Math.floor(atMs / 1000) * 1000 + offset;
}

function wallAt(atMs: number, timeZone: string): Wall {
  return wall(shownAt(atMs, timeZone));
}

/** What local time is ahead of UTC, in milliseconds. */
function offsetAt(atMs: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  const parts: Partial<Record<string, number>> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(atMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (FORMATS.size >= FORMATS_MAX) FORMATS.clear();
  FORMATS.set(timeZone, format);
  return format;
}
