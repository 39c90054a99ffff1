/** List prices, for orders that no single request is known for. */
import type { Target } from './target.ts';

/** Three input tokens to one of output: the usual blend of price lists. Undefined where one of the two is not known. */
export function listPrice({ price }: Pick<Target, 'price'>): bigint | undefined {
  const { input, output } = price ?? {};
  return input === undefined || output === undefined ? undefined : input * 3n + output;
}

export function compareUnknownLast(a: bigint | undefined, b: bigint | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}
