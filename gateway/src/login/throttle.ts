/**
 * Slows guessing of passwords, by account and by address. Pure but for what it remembers. An address that guesses is refused for a while;
 * an account that is guessed at answers later, and is shut only to addresses it does not know: its owner is never locked out.
 */

/** Wrong tries of one address that cost nothing; then one in so long. */
const ADDRESS_BURST = 10;
const ADDRESS_FORGETS_MS = 10_000;
/** An account answers at once for so many, then more and more slowly, up to this. */
const ACCOUNT_BURST = 5;
const ACCOUNT_FORGETS_MS = 12_000;
const DELAY_MS = 50;
const DELAY_MS_MAX = 2000;
/** From so many addresses together: 300 at once and 300 an hour (NIST SP 800-63B-4, section 3.2.2 wants a bound). */
const ACCOUNT_MAX = 300;
/** Accounts and addresses that are remembered; beyond it those that did least are forgotten. */
const REMEMBERED_MAX = 20_000;

export interface Attempt {
  /** Folded; whether there is such an account does not matter. */
  readonly account: string;
  readonly address: string;
  /** Monotonic milliseconds. */
  readonly nowMs: number;
}

/** `delayMs`: how long the answer has to wait. `account`: open to addresses only that it knows. */
export type Verdict =
  | { readonly kind: 'go'; readonly delayMs: number }
  | { readonly kind: 'refused'; readonly by: 'address' | 'account'; readonly retryAfterMs: number };

export interface Throttle {
  /** Counts the attempt as a wrong one at once, so that many at the same time are seen as many. */
  begin(attempt: Attempt): Verdict;
  /** It was right: it is not counted. */
  right(attempt: Attempt): void;
}

export function throttle(): Throttle {
  const addresses = leaks(ADDRESS_FORGETS_MS);
  const accounts = leaks(ACCOUNT_FORGETS_MS);
  return {
    begin: ({ account, address, nowMs }) => {
      const place = placeOf(address);
      const guesses = addresses.level(place, nowMs);
      if (guesses > ADDRESS_BURST - 1)
        return { kind: 'refused', by: 'address', retryAfterMs: (guesses - ADDRESS_BURST + 1) * ADDRESS_FORGETS_MS };
      addresses.add(place, nowMs, 1);
      const wrong = accounts.level(account, nowMs);
      if (wrong > ACCOUNT_MAX) return { kind: 'refused', by: 'account', retryAfterMs: ACCOUNT_FORGETS_MS };
      accounts.add(account, nowMs, 1);
      const steps = Math.floor(wrong) - ACCOUNT_BURST;
      return { kind: 'go', delayMs: steps < 0 ? 0 : Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** steps) };
    },
    right: ({ account, address, nowMs }) => {
      addresses.add(placeOf(address), nowMs, -1);
      accounts.add(account, nowMs, -1);
    },
  };
}

/** A whole /64 of IPv6 belongs to one customer (RFC 6177): it counts as one address. */
export function placeOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

interface Leak {
  readonly level: number;
  readonly atMs: number;
}

/** Counts that run down by one in each `forgetsMs`. */
function leaks(forgetsMs: number) {
  const known = new Map<string, Leak>();
  const levelOf = (name: string, nowMs: number): number => {
    const leak = known.get(name);
    return leak === undefined ? 0 : Math.max(0, leak.level - (nowMs - leak.atMs) / forgetsMs);
  };
  return {
    level: levelOf,
    add(name: string, nowMs: number, by: number): void {
      const level = Math.max(0, levelOf(name, nowMs) + by);
      if (!known.has(name) && known.size >= REMEMBERED_MAX) forget(known, (other) => levelOf(other, nowMs));
      known.set(name, { level, atMs: nowMs });
    },
  };
}

/** Half of them go, those that matter least: whoever floods with names cannot wash out his own. */
function forget(known: Map<string, Leak>, level: (name: string) => number): void {
  const names = [...known.keys()].toSorted((a, b) => level(a) - level(b));
  for (const name of names.slice(0, REMEMBERED_MAX / 2)) known.delete(name);
}
