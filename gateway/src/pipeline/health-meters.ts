/** What was learned of targets, as metrics: by target of the configuration, never by a name that a caller made up. */
import type { HealthRow } from '../health/observatory.ts';
import type { Labels, Metrics } from '../telemetry/metrics.ts';

const STATES = { closed: 0, 'half-open': 1, open: 2 } as const;

/** `rows` is called at scrape time. */
export function healthMeters(book: Metrics, rows: () => readonly HealthRow[]): void {
  const gauge = (name: string, help: string, read: (row: HealthRow) => number | undefined): void =>
    book.gauges(name, help, () => rows().flatMap((row) => sample({ target: row.target }, read(row))));
  gauge('turnout_target_state', '0 closed, 1 half-open (probed), 2 open (left alone).', ({ state }) => STATES[state]);
  gauge('turnout_target_error_rate', 'Share of failures, lately counting more.', ({ errorRate }) => errorRate);
  gauge('turnout_target_in_flight', 'Attempts under way.', ({ inFlight }) => inFlight);
  gauge('turnout_target_in_flight_max', 'As many as it answers well.', ({ inFlightMax }) => inFlightMax);
  gauge('turnout_target_headroom', 'What is left of its rate limits, 0 to 1.', ({ headroom }) => headroom);
  gauge('turnout_target_tokens_per_second', 'After the first token.', ({ tokensPerS }) => tokensPerS);
  book.gauges('turnout_target_ttft_seconds', 'Time to first token, lately counting more.', () =>
    rows().flatMap(({ target, ttftMs }) => [
      ...sample({ target, quantile: '0.5' }, seconds(ttftMs?.p50)),
      ...sample({ target, quantile: '0.95' }, seconds(ttftMs?.p95)),
    ]),
  );
}

function sample(labels: Labels, value: number | undefined): readonly (readonly [Labels, number])[] {
  return value === undefined ? [] : [[labels, Math.round(value * 1e4) / 1e4]];
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
