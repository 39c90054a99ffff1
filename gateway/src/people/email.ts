/** Addresses of e-mail, as far as we must know them: who is the same, and which domain it is. */

/** RFC 5321, section 4.5.3.1.3: a path has 256 characters at most, two of them brackets. */
const LENGTH_MAX = 254;
/** Something, one `@`, a domain; no spaces, control characters or brackets. Whether mail arrives there, only mail can tell. */
const FORM = /^[^\s\p{C}<>()[\]\\,;:"@]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/u;

/**
 * The one form in which an address is stored and compared, or undefined where it is none: Unicode NFKC, lower case. Servers that tell `Ann@` from
 * `ann@` are allowed (RFC 5321, section 2.4) and do not exist; two accounts that look the same do harm.
 */
export function foldEmail(given: string): string | undefined {
  const folded = given.trim().normalize('NFKC').toLowerCase();
  return folded.length <= LENGTH_MAX && FORM.test(folded) ? folded : undefined;
}

/** What stands behind the `@`, of a folded address. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1);
}

/** Whether one of the domains is that of the address; `*` is every one. A subdomain is another domain. */
export function isInDomains(email: string, domains: readonly string[]): boolean {
  const domain = domainOf(email);
  return domains.some((allowed) => allowed === '*' || allowed.toLowerCase() === domain);
}
