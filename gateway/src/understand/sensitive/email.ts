/** E-mail addresses (RFC 5322 addr-spec as people write it: dot-atoms, a domain with a top level of letters). */
import { matchAt, type Detector, type Span } from './scan.ts';

/** RFC 5321, 4.5.3.1: 64 octets before the at sign, 255 after it. */
const LOCAL_MAX = 64;
const DOMAIN_MAX = 255;
const LOCAL = /[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]/u;
const DOMAIN = /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}[\p{L}]{2,24}(?![\p{L}\p{N}_-])/uy;
/** Reserved names (RFC 2606, RFC 6761), and what looks like an address and is none: `git@host`, an npm scope, an asset (`logo@2x.png`). */
const NO_PERSON =
  /(?:^|\.)(?:example|test|invalid|localhost|local|png|jpe?g|gif|svg|webp|js|ts|py|css)$|^example\.(?:com|org|net)$/i;
const NO_MAILBOX = /^(?:git|ssh|root|noreply|no-reply|donotreply)$/i;

export const email: Detector = function* find({ text }) {
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const span = addressAround(text, at);
    if (span !== undefined) yield span;
  }
};

function addressAround(text: string, at: number): Span | undefined {
  const start = startOfLocal(text, at);
  if (start === at || text.charAt(at - 1) === '.' || NO_MAILBOX.test(text.slice(start, at))) return undefined;
  const domain = matchAt(DOMAIN, text, at + 1);
  if (domain === undefined || domain.length > DOMAIN_MAX || NO_PERSON.test(domain)) return undefined;
  return { start, end: at + 1 + domain.length };
}

function startOfLocal(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < LOCAL_MAX && LOCAL.test(text.charAt(start - 1))) start--;
  // Sentences put quotes, brackets and dots before an address; none begins with one.
  while (start < at && !/[\p{L}\p{N}]/u.test(text.charAt(start))) start++;
  return start;
}
