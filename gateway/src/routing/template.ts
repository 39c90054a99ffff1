/** Addresses that depend on the account: `${NAME}` in them is a variable of the environment. */

/** What may stand in a name of a host and in a step of a path, and can lead nowhere else. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;
const ADDRESS = /^https?:\/\/[^\s?#@]+$/;

/**
 * The address with the environment's words in it; undefined where one is missing, or is none. A variable that begins the
 * address holds an address itself. Hosts may be given as their consoles show them, with `https://` before and `/` behind.
 */
export function filledTemplate(
  template: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (template === undefined) return undefined;
  let isWhole = true;
  const url = template.replaceAll(/\$\{(\w+)\}/g, (_, name: string, at: number) => {
    const given = (env[name] ?? '').trim().replace(/\/+$/, '');
    const word = at === 0 ? given : given.replace(/^https?:\/\//, '');
    isWhole &&= (at === 0 ? ADDRESS : NAME).test(word);
    return word;
  });
  return isWhole ? url : undefined;
}
