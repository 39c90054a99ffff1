/** The Grafana dashboard of deploy/grafana/turnout.json: rows of panels, each a few Prometheus queries over our own metrics. */

export interface Panel {
  readonly title: string;
  /** What a person should think of it. */
  readonly description: string;
  /** Grafana's name of a unit. */
  readonly unit: string;
  /** Legend → query. */
  readonly queries: Readonly<Record<string, string>>;
}

const RATE = '[$__rate_interval]';
const NANO_USD = 1e9;

/** One row of the page each. */
export const PANELS: readonly (readonly Panel[])[] = [
  [
    {
      title: 'Requests',
      description: 'By outcome. `ok` is what callers want to see; refusals of their own making are among the others.',
      unit: 'reqps',
      queries: {
        '{{outcome}}': `sum by (outcome) (rate(turnout_requests_total{operation!~"readyz|healthz|metrics"}${RATE}))`,
      },
    },
    {
      title: 'Duration',
      description: 'From the first byte in to the last byte out: mostly the provider.',
      unit: 's',
      queries: quantiles('turnout_request_duration_seconds'),
    },
    {
      title: 'Time to first token',
      description: 'By provider, 95 of 100 below it.',
      unit: 's',
      queries: {
        '{{provider}}': `histogram_quantile(0.95, sum by (le, provider) (rate(turnout_time_to_first_token_seconds_bucket${RATE})))`,
      },
    },
    {
      title: "Gateway's own time",
      description: 'Before the first attempt.',
      unit: 's',
      queries: quantiles('turnout_overhead_seconds'),
    },
  ],
  [
    {
      title: 'Cost an hour',
      description: 'USD, by provider, at the present rate.',
      unit: 'currencyUSD',
      queries: { '{{provider}}': `sum by (provider) (rate(turnout_cost_nano_usd_total${RATE})) * 3600 / ${NANO_USD}` },
    },
    {
      title: 'Tokens',
      description: 'A second, by provider and class.',
      unit: 'short',
      queries: { '{{provider}} {{class}}': `sum by (provider, class) (rate(turnout_tokens_total${RATE}))` },
    },
    {
      title: 'Attempts',
      description: 'A second, by provider and outcome: what callers do not see of a provider.',
      unit: 'short',
      queries: { '{{provider}} {{outcome}}': `sum by (provider, outcome) (rate(turnout_attempts_total${RATE}))` },
    },
    {
      title: 'Second tries',
      description: 'Beside slow ones, by route and result.',
      unit: 'short',
      queries: { '{{route}} {{result}}': `sum by (route, result) (rate(turnout_hedges_total${RATE}))` },
    },
  ],
  [
    {
      title: 'Targets left alone',
      description: '2: left alone by the breaker, 1: probed. Targets that are well are not drawn.',
      unit: 'none',
      queries: { '{{target}}': 'max by (target) (turnout_target_state) > 0' },
    },
    {
      title: 'Failures of targets',
      description: 'Share, lately counting more.',
      unit: 'percentunit',
      queries: { '{{target}}': 'max by (target) (turnout_target_error_rate) > 0' },
    },
    {
      title: 'Headroom',
      description: 'What is left of the rate limits of providers.',
      unit: 'percentunit',
      queries: { '{{target}}': 'min by (target) (turnout_target_headroom)' },
    },
    {
      title: 'Under way',
      description: 'Requests of callers, and attempts at targets.',
      unit: 'none',
      queries: {
        requests: 'sum(turnout_requests_in_flight)',
        attempts: 'sum(turnout_target_in_flight)',
        'lines of batches': 'sum(turnout_batch_lines_in_flight)',
      },
    },
  ],
  [
    {
      title: 'Journal',
      description: 'Receipts that the database does not have yet. It grows while the database is away.',
      unit: 'bytes',
      queries: { '{{instance}} {{worker}}': 'turnout_journal_bytes' },
    },
    {
      title: 'Not in order',
      description:
        'All should be 0: files of configuration that are not in force, workers that do not answer, lost records.',
      unit: 'none',
      queries: {
        'configurations not in force': 'count(turnout_config_ok == 0) or vector(0)',
        'workers that do not answer': 'count(turnout_worker_up == 0) or vector(0)',
        'records dropped': 'sum(increase(turnout_request_records_dropped[5m]))',
      },
    },
    {
      title: 'Workers started again',
      description: 'Where several serve one port.',
      unit: 'none',
      queries: { '{{instance}} {{worker}}': 'increase(turnout_worker_restarts_total[5m])' },
    },
    {
      title: 'Kept conversations',
      description: 'For callers who go on from them by an id.',
      unit: 'bytes',
      queries: { '{{instance}} {{worker}}': 'turnout_kept_turns_bytes' },
    },
  ],
];

function quantiles(name: string): Readonly<Record<string, string>> {
  const of = (share: number): string => `histogram_quantile(${share}, sum by (le) (rate(${name}_bucket${RATE})))`;
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}

const ROW_HEIGHT = 8;
const PAGE_WIDTH = 24;

/** The dashboard as Grafana reads it (schema version 39, Grafana 11 and newer). */
export function dashboardText(): string {
  const panels = PANELS.flatMap((row, y) =>
    row.map((panel, x) => {
      const width = PAGE_WIDTH / row.length;
      return panelJson(panel, { h: ROW_HEIGHT, w: width, x: x * width, y: y * ROW_HEIGHT });
    }),
  );
  const dashboard = {
    uid: 'turnout',
    title: 'Turnout',
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    tags: ['turnout'],
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

interface Place {
  readonly h: number;
  readonly w: number;
  readonly x: number;
  readonly y: number;
}

function panelJson({ title, description, unit, queries }: Panel, gridPos: Place): object {
  return {
    type: 'timeseries',
    title,
    description,
    gridPos,
    datasource: { type: 'prometheus', uid: 'prometheus' },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCodePoint('A'.charCodeAt(0) + index),
      expr,
      legendFormat,
    })),
  };
}
