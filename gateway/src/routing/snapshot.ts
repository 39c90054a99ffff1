/** The compiled configuration: frozen, swapped whole. Requests in flight finish on the one they began with. */
import type { Config } from '../config/schema.ts';
import type { Policy, StrategyName } from './policy.ts';
import type { Price } from '../money/price.ts';
import type { Intent } from '../understand/intents/intents.ts';
import type { DetectLanguage } from '../understand/language.ts';
import type { Topics } from '../understand/topics.ts';
import type { Limits, Target, Timeouts } from './target.ts';

export type Resolution =
  | { readonly kind: 'found'; readonly policy: Policy; readonly route?: string; readonly sort?: StrategyName }
  | { readonly kind: 'unknown'; readonly near: readonly string[] };

/** A row of `GET /v1/models`. */
export interface ListedModel {
  /** The name to call it by: `provider/model`, a route, or an alias. */
  readonly id: string;
  /** The model's name without its provider; the id itself for routes and aliases. */
  readonly bareName: string;
  readonly title: string;
  readonly ownedBy: string;
  /** Release date, seconds since 1970; 0 where it is not known. */
  readonly createdS: number;
  readonly price?: Price;
  readonly limits: Limits;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly abilities: readonly string[];
  /** What it can be asked, `chat` among it; absent where nothing tells. */
  readonly operations?: ReadonlySet<string>;
  readonly status?: string;
}

/** What is done about answers that are not of the form that was asked for. */
export interface OutputPolicy {
  /** Which are looked at: those that a provider does not hold to the form itself, all, or none. */
  readonly validate: 'emulated' | 'always' | 'never';
  /** Whether the model may mend it once, and other targets are asked after it. */
  readonly invalid: 'repair' | 'refuse';
}

/** What batches and files may take. */
export interface BatchLimits {
  /** Lines under way at the same time. */
  readonly concurrency: number;
  readonly fileMaxBytes: number;
  /** Of all files of one key together. */
  readonly keyMaxBytes: number;
  readonly keepMs: number;
  /** Whether a provider's own batch API may be used. */
  readonly mayUseNative: boolean;
}

/** A small model that is asked about texts. */
export interface Classifier {
  /** Its name, as a caller would write it. */
  readonly model: string;
  readonly deadlineMs: number;
  /** Names of the operator's intents. */
  readonly intents: readonly string[];
}

export interface Snapshot {
  readonly id: string;
  /** Where this gateway and what it keeps are. Absent: nobody has said. */
  readonly region?: string | undefined;
  /** Whose text is looked at: that of requests which a route or `auto` decides, of all, or none. */
  readonly content: 'auto' | 'always' | 'never';
  /** Absent: no rule asks for a language. */
  readonly detectLanguage?: DetectLanguage | undefined;
  /** The operator's lists of words. Absent: there are none. */
  readonly topics?: Topics | undefined;
  readonly timeouts: Timeouts;
  readonly attemptsMax: number;
  readonly heartbeatMs: number;
  readonly writeIdleMs: number;
  readonly bodyMaxBytes: number;
  readonly responseMaxBytes: number;
  readonly concurrentMax: number;
  readonly logsRequests: boolean;
  /** Whether conversations are kept for those who go on from a reply by its id. */
  readonly keepsTurns: boolean;
  readonly output: OutputPolicy;
  readonly allowsUnknownPrice: boolean;
  readonly batches: BatchLimits;
  /** How much callers may ask in a time. */
  readonly rates: Config['limits'];
  readonly providerIds: ReadonlySet<string>;
  /** Every target that has a name of its own; those of names that no catalog knows are made on demand. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly listed: readonly ListedModel[];
  /** The operator's intent that a text has; undefined where none is likely enough. Absent: there are none. */
  readonly intentOf?: ((text: string) => Intent | undefined) | undefined;
  /** Absent: no model is asked what a text is about. */
  readonly classifier?: Classifier;
  /** Whether an address is that of a proxy in front of us, as the file says. */
  isProxy(address: string): boolean;
  /** Where the caller of an address is, as the file says. */
  regionOf(address: string): string | undefined;
  resolve(name: string): Resolution;
  /** `provider/model` that takes the place of a target's, as the provider or its family says, on a day such as `2026-11-22`. */
  successorOf(target: Target, today: string): string | undefined;
  /** Whether a key with these allowed models may see that name. */
  isVisible(name: string, allowed: readonly string[] | undefined): boolean;
}
