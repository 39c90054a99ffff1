/** How much is simulated: `fast` for the tests that run at each change, `full` for the page. */
export type Scale = 'fast' | 'full';

export const MINUTE_MS = 60_000;

/** Virtual milliseconds. */
export function minutes(scale: Scale, { fast, full }: Readonly<Record<Scale, number>>): number {
  return (scale === 'fast' ? fast : full) * MINUTE_MS;
}
