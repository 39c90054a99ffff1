/** Credentials that end: kept while they are good, renewed ahead of their end by whoever uses them, fetched once however many wait. */
import { err, ok, type Result } from '../lib/result.ts';
import type { Identity } from '../routing/identity.ts';
import { dateOf, type Fetched, type Proof, type Source, type Trouble } from './grant.ts';

/** A fetch that failed is not repeated sooner: those who ask meanwhile get the same answer. */
const RETRY_MS = 2_000;
/** Renewed this long before the end, or a fifth of its life where that is shorter. AWS has new keys five minutes ahead. */
const AHEAD_MAX_MS = 300_000;
/** Not used in its last moments: it could end on the way. */
const MARGIN_MAX_MS = 5_000;
/** Keys that do not end by themselves may be replaced in their file. */
const REREAD_MS = 300_000;
/** A refusal may mean a withdrawn token, or a model that the account has not: one look in this time is enough. */
const RENEW_MS = 30_000;
/** AWS takes five minutes, Google less. What is below is the network, and the whole seconds of a `date`. */
const SKEW_MIN_MS = 60_000;

const ENDED = 'what was given has already ended. Check the clock of this machine.';
const BUG = 'it could not be fetched, by an error of the gateway itself.';

/** A proof that is good now. */
export interface Grant {
  readonly proof: Proof;
  /** The provider's clock minus ours. */
  readonly skewMs: number;
}

export interface Credentials {
  /** What is at hand, without a wait. Undefined: ask `obtain`. Begins a renewal in the background where one is due. */
  current(identity: Identity): Grant | undefined;
  /** Fetches, or joins the fetch under way. The error says why there is none and what to do. */
  obtain(identity: Identity): Promise<Result<Grant, string>>;
  /** The provider has refused it (401, 403): corrects our clock by its `date`, or looks in the background for something newer. */
  refused(identity: Identity, grant: Grant, date: string | readonly string[] | undefined): void;
}

export interface CredentialsOptions {
  readonly source: Source;
  readonly clock: { unixMs(): number };
  /** Told once in a row of failures. */
  readonly warn: (provider: string, reason: string) => void;
}

/** Holds nothing but what was asked for. An identity that no snapshot has any more takes its credential along. */
export function createCredentials(options: CredentialsOptions): Credentials {
  const entries = new WeakMap<Identity, Entry>();
  return {
    current: (identity) => entries.get(identity)?.current(),
    obtain(identity) {
      const entry = entries.get(identity) ?? new Entry(identity, options);
      entries.set(identity, entry);
      return entry.obtain();
    },
    refused: (identity, grant, date) => entries.get(identity)?.refused(grant, dateOf(date)),
  };
}

/** The credential of one identity. */
class Entry {
  readonly #identity: Identity;
  readonly #options: CredentialsOptions;
  #grant: Grant | undefined;
  /** By the provider's clock, as `renewMs`. */
  #endsMs = 0;
  #renewMs = 0;
  #trouble: string | undefined;
  /** By our clock, as `lookedMs`. */
  #retryMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #skewMs = 0;
  #inFlight: Promise<Result<Grant, string>> | undefined;

  constructor(identity: Identity, options: CredentialsOptions) {
    this.#identity = identity;
    this.#options = options;
  }

  current(): Grant | undefined {
    if (this.#grant === undefined) return undefined;
    const nowMs = this.#providerMs();
    if (nowMs >= this.#endsMs) return undefined;
    if (nowMs >= this.#renewMs) void this.#renewed();
    return this.#grant;
  }

  obtain(): Promise<Result<Grant, string>> {
    const grant = this.current();
    if (grant !== undefined) return Promise.resolve(ok(grant));
    const isSoon = this.#options.clock.unixMs() < this.#retryMs;
    if (this.#trouble !== undefined && isSoon) return Promise.resolve(err(this.#trouble));
    return this.#renewed();
  }

  refused(grant: Grant, serverMs: number | undefined): void {
    if (this.#grant !== grant) return;
    if (this.#isSkewNews(serverMs)) {
      this.#grant = { ...grant, skewMs: this.#skewMs };
      return;
    }
    const nowMs = this.#options.clock.unixMs();
    if (nowMs - this.#lookedMs < RENEW_MS) return;
    this.#lookedMs = nowMs;
    void this.#renewed();
  }

  #providerMs(): number {
    return this.#options.clock.unixMs() + this.#skewMs;
  }

  /** The one fetch under way. */
  #renewed(): Promise<Result<Grant, string>> {
    this.#inFlight ??= this.#fetched()
      .catch((): Result<Fetched, Trouble> => err({ reason: BUG }))
      .then((result) => {
        this.#inFlight = undefined;
        return this.#take(result);
      });
    return this.#inFlight;
  }

  async #fetched(): Promise<Result<Fetched, Trouble>> {
    const { source } = this.#options;
    const first = await source(this.#identity, this.#providerMs());
    if (first.ok || !this.#isSkewNews(first.error.serverMs)) return first;
    return source(this.#identity, this.#providerMs());
  }

  #isSkewNews(serverMs: number | undefined): boolean {
    if (serverMs === undefined) return false;
    const skewMs = serverMs - this.#options.clock.unixMs();
    if (Math.abs(skewMs - this.#skewMs) < SKEW_MIN_MS) return false;
    this.#skewMs = skewMs;
    return true;
  }

  #take(result: Result<Fetched, Trouble>): Result<Grant, string> {
    if (!result.ok) return this.#fail(result.error.reason);
    const nowMs = this.#providerMs();
    const { proof, endsAtMs = Number.POSITIVE_INFINITY } = result.value;
    const lifeMs = endsAtMs - nowMs;
    if (lifeMs <= 0) return this.#fail(ENDED);
    this.#trouble = undefined;
    this.#endsMs = endsAtMs - Math.min(MARGIN_MAX_MS, lifeMs / 10);
    const untilMs = Number.isFinite(lifeMs) ? lifeMs - Math.min(AHEAD_MAX_MS, lifeMs / 5) : REREAD_MS;
    // No sooner than after a moment: some sources give the same token until shortly before its end.
    this.#renewMs = nowMs + Math.max(RETRY_MS, untilMs);
    this.#grant = { proof, skewMs: this.#skewMs };
    return ok(this.#grant);
  }

  #fail(reason: string): Result<Grant, string> {
    const { clock, warn } = this.#options;
    this.#retryMs = clock.unixMs() + RETRY_MS;
    this.#renewMs = this.#providerMs() + RETRY_MS;
    if (this.#trouble === undefined) warn(this.#identity.provider, reason);
    this.#trouble = reason;
    return err(reason);
  }
}
