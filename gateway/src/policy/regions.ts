/** Regions and the zones they lie in. */

/** A region lies in itself, and in a zone that its name begins with (`eu-central-1` in `eu`). */
export function isWithin(region: string, zone: string): boolean {
  return region === zone || region.startsWith(`${zone}-`);
}

/** Milliseconds of a round trip; undefined where one of them is not known. */
export function distanceMs(from: string, to: string): number | undefined {
  return from === to ? 0 : undefined;
}
