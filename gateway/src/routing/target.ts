/** One place to send to, compiled from configuration and catalog. Frozen; shared by all requests of a snapshot. */
import type { Origin } from '../chat/part.ts';
import type { Ability } from '../dialects/dialect.ts';
import type { Result } from '../lib/result.ts';
import type { Price } from '../money/price.ts';
import type { Provider } from '../providers/provider.ts';
import type { Identity } from './identity.ts';

export interface Timeouts {
  readonly connectMs: number;
  /** From the request's last byte to the reply's head. */
  readonly firstByteMs: number;
  /** From the start of the attempt to the first content of a stream. */
  readonly firstTokenMs: number;
  /** Longest silence inside a reply. */
  readonly idleMs: number;
  /** All attempts of a request together. */
  readonly totalMs: number;
}

export interface Limits {
  /** Input and output together, in tokens. */
  readonly contextTokens?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/** What the operator says that the provider allows; absent: it is learned. */
export interface Allowed {
  /** Of one key. */
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Of one model with one key. */
  readonly concurrent?: number;
}

export interface Target {
  /** `provider/model`, with `#2` and so on where the provider has several keys. */
  readonly id: string;
  /** The provider's name in the configuration. */
  readonly providerId: string;
  readonly provider: Provider;
  readonly baseUrl: string;
  /** The base URL as paths are put behind it (`urlPrefix`), or why it cannot be used so. */
  readonly urlPrefix: Result<string, string>;
  /** Of the base URL: the secret goes there and nowhere else. */
  readonly origin: string;
  /** What callers call it: `provider/model` is its full name. */
  readonly model: string;
  /** What the provider calls it. */
  readonly upstreamModel: string;
  /** Absent for local servers without a key. */
  readonly secret?: string;
  /** Why there is a secret for it that must not be sent there: then nothing is. */
  readonly withheld?: string;
  /** Instead of a secret: who we are, where that takes more than one static text. */
  readonly identity?: Identity;
  /** The provider's name, with `#2` and so on for its further keys: what is known of a key holds for all models. */
  readonly keyId: string;
  /** Headers of the operator's own, from the configuration. */
  readonly headers: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly compliance: readonly string[];
  /** For how many days the provider keeps what it was sent; 0: not at all. Absent: not known. */
  readonly retentionDays?: number;
  /** Whether the provider trains on what it was sent. Absent: not known. */
  readonly trains?: boolean;
  /** The operator's words about the model. */
  readonly tags: readonly string[];
  /** Scores by task, 0..1; `general` stands for all tasks that are not named. */
  readonly quality: Readonly<Record<string, number>>;
  /** As how many rated answers the score at a task counts. Absent: it is not known how sure it is. */
  readonly qualityCounts?: Readonly<Record<string, number>>;
  /** Absent where no price is known. Unknown is not zero. */
  readonly price?: Price;
  readonly limits: Limits;
  /** What the model is known to be able to do; absent where nothing is known of it. */
  readonly abilities?: ReadonlySet<Ability>;
  /** What the model is made for, where it is known and not a chat alone; absent: nobody knows. */
  readonly operations?: ReadonlySet<string>;
  readonly weight: number;
  readonly allowed?: Allowed;
  readonly timeouts: Timeouts;
  /** First day without the model, as the catalog says (`2026-10-23`); absent where the file has a row of its own for it. */
  readonly retiresOn?: string;
  /** It is asked at an address of the operator's, where other things may stand than at the provider's own. */
  readonly isElsewhere?: boolean;
  /** The same target over the further wires that its provider speaks, by dialect. */
  readonly otherWires?: Readonly<Partial<Record<Origin, Target>>>;
  /** False for the targets of a name that stands in no catalog: the provider may know it, or not. */
  readonly isKnown: boolean;
}

/** The target as a caller of `dialect` reaches it: over the caller's own wire where its provider speaks that too. */
export function targetOver(target: Target, dialect: Origin): Target {
  return target.otherWires?.[dialect] ?? target;
}
