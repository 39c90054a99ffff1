/** How much text a request holds, counted cheaply, for the estimate of its tokens. */

import { unitsOf } from '../lib/units.ts';

/** Lengths in UTF-16 code units, as strings have them. */
export interface TextSize {
  readonly textLength: number;
  readonly nonAsciiLength: number;
}

/** Longer texts are not counted one unit at a time: that would take a tenth of a second for 30 MB. */
const COUNTED_LENGTH_MAX = 256 * 1024;

/**
 * Code units outside ASCII. Text that is all ASCII, which is most, is told by its byte length alone, natively. So is a
 * very long text: as if all its units outside ASCII had three bytes, which leaves the sum of its bytes as it is.
 */
export function nonAsciiUnits(text: string): number {
  const moreBytes = Buffer.byteLength(text, 'utf8') - text.length;
  if (moreBytes === 0) return 0;
  if (text.length > COUNTED_LENGTH_MAX) return Math.ceil(moreBytes / 2);
  let count = 0;
  const units = unitsOf(text);
  for (let index = 0; index < text.length; index += 1) if ((units[index] ?? 0) > 0x7f) count += 1;
  return count;
}
