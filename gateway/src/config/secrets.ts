/** Finds credentials in text, so that an error can show a line of the file without showing a key. */

/** Prefixes that issuers of keys use; what follows is the key. */
const ISSUED =
  /(?<![A-Za-z0-9])(?:sk|pk|rk|tk|gsk|xai|hf|nvapi|pplx|csk|fw|r8|dapi|tgp|ghp|glpat|whsec)[-_][A-Za-z0-9_-]{8,}|(?<![A-Za-z0-9])(?:AIza[A-Za-z0-9_-]{10,}|AKIA[A-Z0-9]{12,})/g;
const UUID = /(?<![A-Za-z0-9])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![A-Za-z0-9])/gi;
/** A run without a break, of letters and digits mixed: no model name, date or path looks like this. */
const RUN = /(?<![A-Za-z0-9+/])(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{16,}/g;
/** Fields whose value is a secret by their name (`api_key`, `x-auth-token`), with the value up to the end of the entry. References are kept: see `hide`. */
const FIELD =
  /((?<![\w-])["']?(?:[\w-]{0,60}[_-])?(?:key|access_key_id|authorization|password|secret|token)["']?\s*:\s*)("[^"]*"?|'[^']*'?|\[[^\]]*\]?|[^,}\s#][^,}#]*)/gi;
const USER_INFO = /(?<=:\/\/)[^/\s@]+(?=@)/g;
const REFERENCE = /\$\{[A-Za-z_]\w*(?::-[^}]*)?\}/g;

/** Whether a value looks like a key rather than a word such as `none` or `local`. */
export function looksLikeSecret(value: string): boolean {
  return [ISSUED, UUID, RUN].some((pattern) => value.search(pattern) !== -1);
}

/** The same text, of the same length, with everything that may be a credential as `*`. References `${NAME}` stay readable. */
export function maskSecrets(text: string): string {
  let masked = text.replace(FIELD, (_, name: string, value: string) => name + hide(value));
  for (const pattern of [USER_INFO, ISSUED, UUID, RUN]) masked = masked.replace(pattern, stars);
  return masked;
}

/** Stars for all but quotes, brackets, and the names inside references (their defaults may be keys, and go). */
function hide(value: string): string {
  let hidden = '';
  let at = 0;
  for (const match of value.matchAll(REFERENCE)) {
    hidden += starsInside(value.slice(at, match.index));
    const [name = '', fallback] = match[0].slice(0, -1).split(/(?<=:-)/);
    hidden += fallback === undefined ? `${name}}` : `${name}${stars(fallback)}}`;
    at = match.index + match[0].length;
  }
  return hidden + starsInside(value.slice(at));
}

function starsInside(text: string): string {
  return text.replaceAll(/[^\s"'[\]{},:]/g, '*');
}

function stars(text: string): string {
  return '*'.repeat(text.length);
}
