/** Ids of calls in the alphabet that a provider takes. */

/** Length of what is put behind a changed id. */
const MARK_LENGTH = 9;

/** The id as it is where it fits, else always the same other one. `refused` matches runs of characters that are not taken. */
export function fittedId(id: string, refused: RegExp, maxLength: number): string {
  const kept = id.replace(refused, '_');
  if (kept === id && id !== '' && id.length <= maxLength) return id;
  return `${kept === '' || kept === '_' ? 'call' : kept.slice(0, maxLength - MARK_LENGTH)}_${hash(id)}`;
}

/** FNV-1a, 32 bits: two ids that look alike after cleaning must not become one. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value ^= text.charCodeAt(index);
    value = Math.imul(value, 0x01000193);
  }
  return (value >>> 0).toString(16).padStart(8, '0');
}
