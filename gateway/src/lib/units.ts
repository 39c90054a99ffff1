/** The code units of a text as numbers: reading them one by one from a string costs more than twice as much (measured on 100 KB of prose). */

/** What follows the last unit, so that a loop may end at a unit and not at a length. */
export const END_OF_UNITS = 0;
/** Room that is kept for the next text. A longer one gets its own, which is let go after it: 2 MB are kept, whatever comes. */
const KEPT_UNITS = 1024 * 1024 + 1;

const kept = new Uint16Array(KEPT_UNITS);

/**
 * UTF-16 code units of the text, and `END_OF_UNITS` after the last. They are valid until the next call, which uses the same memory: read them in one
 * loop that calls nothing which reads units itself.
 */
export function unitsOf(text: string): Uint16Array {
  const room = text.length < KEPT_UNITS ? kept : new Uint16Array(text.length + 1);
  Buffer.from(room.buffer).write(text, 'utf16le');
  room[text.length] = END_OF_UNITS;
  return room;
}
