/** Names that people give: to themselves, to teams, to organisations. */

const LENGTH_MAX = 200;

/** Whether it can be shown wherever names are: something visible, no control characters, not endless. */
export function isInWords(name: string): boolean {
  return name.trim() !== '' && name.length <= LENGTH_MAX && !/\p{Cc}/u.test(name);
}
