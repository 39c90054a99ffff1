/** Host names to addresses: one lookup in flight per name, answers kept for a short time (row F03). */
import { lookup, type LookupAddress } from 'node:dns';
import { err, ok, type Result } from '../lib/result.ts';

/** Asks for all addresses of a name. Calls back once, now or later, or never. */
export type Resolver = (
  hostname: string,
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface Names {
  /**
   * Gives the addresses of a name, or the error's code. `waiter` is called at once where they are known, later where
   * not, and never after the function that comes back was called.
   */
  find(hostname: string, waiter: Waiter): () => void;
  /** Lookups begun since the start. */
  lookupCount(): number;
}

type Waiter = (found: Result<readonly LookupAddress[], string>) => void;

/** Long enough to spare a busy gateway its lookups, short enough to follow a provider that moves. */
const KEPT_MS = 30_000;
/** A name that failed may be there a moment later, but a storm of requests must not become a storm of lookups. */
const FAILURE_KEPT_MS = 1_000;
/** A lookup that has not come back after this is given up, so that one lost answer does not close a name for ever. */
const LOOKUP_MAX_MS = 30_000;
/** Names come from the configuration, or rarely from a client; this bounds the memory if they do not. */
const NAMES_MAX = 1_000;

interface Entry {
  readonly waiters: Set<Waiter>;
  found: Result<readonly LookupAddress[], string> | undefined;
  /** When the answer is too old; while there is none, when the lookup is. */
  untilMs: number;
}

/** What `getaddrinfo` says: the hosts file and the machine's search domains count, as for every other program. */
export const systemResolver: Resolver = (hostname, callback) => {
  lookup(hostname, { all: true, order: 'verbatim' }, callback);
};

export function createNames(resolver: Resolver, now: () => number): Names {
  const entries = new Map<string, Entry>();
  let lookups = 0;

  function begin(hostname: string): Entry {
    const entry: Entry = { waiters: new Set(), found: undefined, untilMs: now() + LOOKUP_MAX_MS };
    entries.delete(hostname); // so that it goes to the end: the oldest is first
    entries.set(hostname, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= NAMES_MAX) break;
      entries.delete(oldest);
    }
    lookups += 1;
    resolver(hostname, (error, addresses) => {
      if (entry.found !== undefined) return;
      entry.found = error === null && addresses.length > 0 ? ok(addresses) : err(codeOf(error));
      entry.untilMs = now() + (entry.found.ok ? KEPT_MS : FAILURE_KEPT_MS);
      const waiters = [...entry.waiters];
      entry.waiters.clear();
      for (const waiter of waiters) waiter(entry.found);
    });
    return entry;
  }

  return {
    find(hostname: string, waiter: Waiter): () => void {
      const known = entries.get(hostname);
      const entry = known !== undefined && now() < known.untilMs ? known : begin(hostname);
      if (entry.found === undefined) entry.waiters.add(waiter);
      else waiter(entry.found);
      return () => entry.waiters.delete(waiter);
    },
    lookupCount: () => lookups,
  };
}

function codeOf(error: Error | null): string {
  return error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'ENOTFOUND';
}
