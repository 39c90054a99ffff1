/** What the configuration says of health, and what holds where it says nothing. */
import type { Config } from '../config/schema.ts';
import { BREAKER, type BreakerOptions } from './breaker.ts';

export interface Settings {
  readonly breaker: BreakerOptions;
  /** Of the targets of a model, so many may be out for being far worse than the others; 0..1. */
  readonly ejectMax: number;
  /** Attempts after the first, as a share of requests. */
  readonly retryShare: number;
  /** Whether it is learned how many requests at the same time a target answers well. */
  readonly adapts: boolean;
}

export const SETTINGS: Settings = { breaker: BREAKER, ejectMax: 0.5, retryShare: 0.2, adapts: true };

export function settingsOf(health: Config['health']): Settings {
  const { error_rate: errorRate, requests_min: requestsMin, open_ms: openMs, open_max_ms: openMaxMs } = health;
  return {
    breaker: { errorRate, requestsMin, openMs, openMaxMs },
    ejectMax: health.eject_max,
    retryShare: health.retry_budget,
    adapts: health.in_flight === 'auto',
  };
}
