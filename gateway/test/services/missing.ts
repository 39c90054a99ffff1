/** The `skip` of a suite that needs what is not on every machine. Under CI nothing is left out: there it fails instead. */
export function skipWithout(why: string | undefined): string | false {
  return why === undefined || process.env['CI'] === 'true' ? false : why;
}
