/** What was learned of targets, as an operator reads it. */
import type { HealthRow } from '../health/observatory.ts';
import { compact, type JsonRecord } from '../lib/json.ts';

/** Targets that were asked are at most so many in one answer; those that are not well come first. */
const ROWS_MAX = 1000;

/** `nowMs`: milliseconds since 1970. */
export function healthRows(rows: readonly HealthRow[], nowMs: number): readonly JsonRecord[] {
  return rows
    .toSorted((a, b) => badness(b) - badness(a))
    .slice(0, ROWS_MAX)
    .map((row) => rowOf(row, nowMs));
}

function badness({ state, isDoubted, restMs }: HealthRow): number {
  if (state !== 'closed') return 3;
  if (isDoubted) return 2;
  return restMs > 0 ? 1 : 0;
}

function rowOf(row: HealthRow, nowMs: number): JsonRecord {
  const { ttftMs, key } = row;
  return compact({
    target: row.target,
    state: row.state,
    reason: row.reason,
    since: row.forMs === undefined ? undefined : new Date(nowMs - row.forMs).toISOString(),
    key: key === undefined ? undefined : compact({ state: key.state, reason: key.reason }),
    rest_ms: Math.round(row.restMs),
    doubted: row.isDoubted,
    shut_ms: whole(row.shutMs),
    error_rate: rounded(row.errorRate),
    ttft_ms:
      ttftMs === undefined
        ? undefined
        : { p50: Math.round(ttftMs.p50), p95: Math.round(ttftMs.p95), count: rounded(ttftMs.count) },
    tokens_per_s: rounded(row.tokensPerS),
    in_flight: row.inFlight,
    in_flight_max: row.inFlightMax,
    headroom: rounded(row.headroom),
  });
}

function whole(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1000) / 1000;
}
