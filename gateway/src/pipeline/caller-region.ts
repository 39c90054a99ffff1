/** Where a caller is, and who says so: the key's owner before the caller, and the caller before its address. */
import type { Snapshot } from '../routing/snapshot.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Facts } from '../understand/facts.ts';

interface Caller {
  readonly key: KeyRow;
  /** What the request says. */
  readonly header: string | undefined;
  readonly address: string | undefined;
}

export function callerRegion(
  { key, header, address }: Caller,
  snapshot: Pick<Snapshot, 'regionOf'>,
): Pick<Facts, 'callerRegion' | 'callerRegionFrom'> | undefined {
  if (key.region !== undefined) return { callerRegion: key.region, callerRegionFrom: 'key' };
  if (header !== undefined) return { callerRegion: header, callerRegionFrom: 'header' };
  const found = address === undefined ? undefined : snapshot.regionOf(address);
  return found === undefined ? undefined : { callerRegion: found, callerRegionFrom: 'address' };
}
