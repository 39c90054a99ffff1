/**
 * Which of several targets of the same model is far worse than its peers, in failures or in speed. Pure. The idea, and the
 * bound on how many may be out, are those of Envoy's outlier detection; its standard deviations are not, because models have
 * two or three providers and not fifty: each is held against the median of the others.
 */

export interface Peer {
  /** 0..1, and what it rests on. */
  readonly errorRate: number;
  readonly count: number;
  /** Median time to first token, and what it rests on; absent where nothing is known. */
  readonly ttftMs?: number | undefined;
  readonly ttftCount: number;
  /** It is not asked already, for whatever reason. */
  readonly isOut: boolean;
}

export interface Outlier {
  readonly index: number;
  readonly reason: 'outlier-errors' | 'outlier-slow';
}

/** Requests before a target is held against others. */
const COUNT_MIN = 20;
/** Far worse: three times as many failures, and a fifth more of all; three times as slow, and a second more. */
const FACTOR = 3;
const ERRORS_MORE = 0.2;
const SLOWER_MS = 1000;

/** The worst one that is to be taken out, if any. `shareMax`: of all peers, so many may be out at once. The last has nobody to be worse than. */
export function outlierAmong(peers: readonly Peer[], shareMax: number): Outlier | undefined {
  const out = peers.filter((peer) => peer.isOut).length;
  if (out >= Math.floor(peers.length * shareMax)) return undefined;
  return worst(peers, errorsOf) ?? worst(peers, slownessOf);
}

/** By how many times the bound is broken, and what for. */
type Measure = (peer: Peer, others: readonly Peer[]) => { readonly excess: number; readonly reason: Outlier['reason'] };

function worst(peers: readonly Peer[], measure: Measure): Outlier | undefined {
  let found: (Outlier & { readonly excess: number }) | undefined;
  for (const [index, peer] of peers.entries()) {
    if (peer.isOut) continue;
    const others = peers.filter((other) => other !== peer && !other.isOut);
    const { excess, reason } = measure(peer, others);
    if (excess > 1 && excess > (found?.excess ?? 0)) found = { index, reason, excess };
  }
  return found === undefined ? undefined : { index: found.index, reason: found.reason };
}

function errorsOf(peer: Peer, others: readonly Peer[]): ReturnType<Measure> {
  const reason = 'outlier-errors' as const;
  const known = others.filter((other) => other.count >= COUNT_MIN);
  if (peer.count < COUNT_MIN || known.length === 0) return { excess: 0, reason };
  const usual = median(known.map((other) => other.errorRate));
  return { excess: peer.errorRate / (Math.max(usual * FACTOR, usual + ERRORS_MORE) + 1e-9), reason };
}

function slownessOf(peer: Peer, others: readonly Peer[]): ReturnType<Measure> {
  const reason = 'outlier-slow' as const;
  const known = others.flatMap(({ ttftMs, ttftCount }) =>
    ttftMs === undefined || ttftCount < COUNT_MIN ? [] : [ttftMs],
  );
  if (peer.ttftMs === undefined || peer.ttftCount < COUNT_MIN || known.length === 0) return { excess: 0, reason };
  const usual = median(known);
  return { excess: peer.ttftMs / Math.max(usual * FACTOR, usual + SLOWER_MS), reason };
}

/** The lower one of two in the middle: with two peers left, the better one is the measure. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}
