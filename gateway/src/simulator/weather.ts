/** Trouble that comes by itself, as with real providers: errors at a rate, rate limits, outages by schedule. The same seed, the same weather. */
import { diceOf, pick } from './synthetic/dice.ts';

export interface Outage {
  /** Counted from the start of the simulator. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Begins again after so long. */
  readonly everyMs?: number;
  /** Only this provider of `/p/<provider>/…`. */
  readonly provider?: string;
  readonly model?: string;
  /** `error` (default): 503. `reset`: the connection is reset. `silence`: no reply. */
  readonly kind?: 'error' | 'reset' | 'silence';
}

export interface WeatherOptions {
  /** Share of requests that fail, 0 to 1. */
  readonly errorRate?: number;
  /** Share of requests that are refused with 429, 0 to 1. */
  readonly rateLimitRate?: number;
  /** What those are told in `retry-after`. Default 1. */
  readonly retryAfterS?: number;
  readonly outages?: readonly Outage[];
}

export interface WeatherFacts {
  readonly sequence: number;
  readonly elapsedMs: number;
  readonly provider: string | undefined;
  /** Asked only where an outage is of one model: it has to be read from the body. */
  readonly model: () => string | undefined;
}

export type Weather =
  | { readonly kind: 'error'; readonly status: number; readonly retryAfterS?: number }
  | { readonly kind: 'reset' | 'silence' };

const ERRORS = [500, 502, 503, 529] as const;

/** What befalls a request; undefined in fair weather. */
export function weatherOf(options: WeatherOptions, seed: number, facts: WeatherFacts): Weather | undefined {
  const outage = options.outages?.find((candidate) => isOut(candidate, facts));
  if (outage !== undefined) return outageWeather(outage);
  const { errorRate = 0, rateLimitRate = 0, retryAfterS = 1 } = options;
  if (errorRate <= 0 && rateLimitRate <= 0) return undefined;
  const dice = diceOf(`weather|${seed}|${facts.sequence}`);
  const thrown = dice();
  if (thrown < rateLimitRate) return { kind: 'error', status: 429, retryAfterS };
  if (thrown >= rateLimitRate + errorRate) return undefined;
  return { kind: 'error', status: pick(dice, ERRORS) ?? 500 };
}

function outageWeather({ kind = 'error' }: Outage): Weather {
  return kind === 'error' ? { kind, status: 503 } : { kind };
}

function isOut(outage: Outage, facts: WeatherFacts): boolean {
  if (outage.provider !== undefined && outage.provider !== facts.provider) return false;
  if (outage.model !== undefined && outage.model !== facts.model()) return false;
  const at = outage.everyMs === undefined ? facts.elapsedMs : facts.elapsedMs % outage.everyMs;
  return at >= outage.fromMs && at < outage.toMs;
}
