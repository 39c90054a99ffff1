/** How much text a request holds, counted cheaply, for the estimate of its tokens. */

/** Lengths in UTF-16 code units, as strings have them. */
export interface TextSize {
  readonly textLength: number;
  readonly nonAsciiLength: number;
}

/** Code units outside ASCII. Text that is all ASCII, which is most, is told by its byte length alone, natively. */
export function nonAsciiUnits(text: string): number {
  if (Buffer.byteLength(text, 'utf8') === text.length) return 0;
  let count = 0;
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) count += 1;
  return count;
}
