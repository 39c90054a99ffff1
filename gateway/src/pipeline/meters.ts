/** The metrics of the request's way, by name. docs/reference/metrics.md lists them. */
import type { Counter, Histogram, Metrics } from '../telemetry/metrics.ts';

export interface Meters {
  /** One per request, by outcome and protocol. */
  readonly requests: Counter;
  /** One per attempt, by provider and outcome. */
  readonly attempts: Counter;
  readonly durationS: Histogram;
  readonly ttftS: Histogram;
  /** The gateway's own work before the first attempt. */
  readonly overheadS: Histogram;
  readonly tokens: Counter;
  readonly costNanoUsd: Counter;
  /** One where it was time for a second try beside a slow one, by route and what became of it (`won`, `withheld_spend`). */
  readonly hedges: Counter;
  /** Of tries that were called off because another had answered. */
  readonly hedgeCostNanoUsd: Counter;
  /** How long requests waited for a limit (`limits.queue`), by what came of it (`passed`, `refused`, `gone`). */
  readonly limitWaitS: Histogram;
  /** Odd but harmless things that providers did (`content_type`, `usage_absurd`). */
  readonly warnings: Counter;
}

export function meters(metrics: Metrics): Meters {
  return {
    requests: metrics.counter('turnout_requests_total', 'Requests by outcome.'),
    attempts: metrics.counter('turnout_attempts_total', 'Attempts by provider and outcome.'),
    durationS: metrics.histogram('turnout_request_duration_seconds', 'From the first byte in to the last byte out.'),
    ttftS: metrics.histogram(
      'turnout_time_to_first_token_seconds',
      'From the start of the attempt to its first content.',
    ),
    overheadS: metrics.histogram('turnout_overhead_seconds', "The gateway's own work before the first attempt."),
    tokens: metrics.counter('turnout_tokens_total', 'Tokens by provider and class.'),
    costNanoUsd: metrics.counter('turnout_cost_nano_usd_total', 'Cost by provider, in nano-dollars.'),
    hedges: metrics.counter('turnout_hedges_total', 'Second tries beside slow ones, by route and result.'),
    hedgeCostNanoUsd: metrics.counter(
      'turnout_hedge_cost_nano_usd_total',
      'Cost of tries that were called off because another had answered, by provider, in nano-dollars.',
    ),
    limitWaitS: metrics.histogram('turnout_limit_wait_seconds', 'Waits for a limit, by what came of them.'),
    warnings: metrics.counter('turnout_upstream_warnings_total', 'Oddities of providers that did no harm.'),
  };
}
