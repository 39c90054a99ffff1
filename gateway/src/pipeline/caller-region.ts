/**
 * Where a caller is, and who says so: the key's owner, then the address as the operator's ranges have it. The caller's own
 * word counts only within that, or where nothing else is known: it may draw a requirement closer, never out of the way.
 */
import { isWithin } from '../policy/regions.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { KeyRow } from '../store/ports.ts';
import type { CallerRegion } from '../understand/facts.ts';

/** What clouds call an answer from anywhere: nobody is there. */
const NO_PLACE = 'global';

interface Caller {
  readonly key: KeyRow;
  /** What the request says. */
  readonly claim: string | undefined;
  readonly address: string | undefined;
  /** For a line of a batch: what was known when the batch was handed in. */
  readonly seen?: CallerRegion | undefined;
}

export function callerRegion(caller: Caller, snapshot: Pick<Snapshot, 'regionOf'>): CallerRegion | undefined {
  const { key, claim, address } = caller;
  if (key.region !== undefined) return { callerRegion: key.region, callerRegionFrom: 'key' };
  const seen = caller.seen ?? seenAt(address, snapshot);
  if (claim === undefined || claim === NO_PLACE) return seen;
  if (seen !== undefined && !isWithin(claim, seen.callerRegion)) return seen;
  return { callerRegion: claim, callerRegionFrom: 'header' };
}

function seenAt(address: string | undefined, snapshot: Pick<Snapshot, 'regionOf'>): CallerRegion | undefined {
  const region = address === undefined ? undefined : snapshot.regionOf(address);
  return region === undefined ? undefined : { callerRegion: region, callerRegionFrom: 'address' };
}
