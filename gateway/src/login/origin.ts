/** Where a request comes from, and where people may be sent: the guards against other people's pages. Pure. */

type Headers = Readonly<Record<string, string | undefined>>;

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface Place {
  /** Scheme, host and port by which people reach this gateway. */
  readonly origin: string;
  readonly isSecure: boolean;
}

/** `url`: the configured one. Without it what the browser says: it cannot be made to lie about a host by another page. */
export function placeOf(url: string | undefined, headers: Headers): Place {
  const origin = url ?? `http://${headers['host'] ?? 'localhost'}`;
  return { origin, isSecure: origin.startsWith('https:') };
}

/**
 * Whether a request that changes something was sent by a page of ours, or by no page at all (a program). Browsers say where a post comes from
 * (`Origin`, Fetch Standard 3.2; `Sec-Fetch-Site`, Fetch Metadata), and pages cannot change what they say. A proxy in front may
 * speak TLS for us, so that of the origin the host is compared.
 */
export function isOwnPage(method: string, headers: Headers, { origin: own }: Place): boolean {
  if (SAFE_METHODS.has(method)) return true;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const origin = headers['origin'];
  if (origin === undefined) return true;
  const host = URL.parse(origin)?.host;
  return (
    host !== undefined && host !== '' && (host === URL.parse(own)?.host || host === headers['host']?.toLowerCase())
  );
}

/** Whether a browser sent it: programs send neither. What only a page may do must carry one of them. */
export function isFromBrowser(headers: Headers): boolean {
  return headers['origin'] !== undefined || headers['sec-fetch-site'] !== undefined;
}

const NOWHERE = 'http://own.invalid';
const NEXT_LENGTH_MAX = 2000;

/** A path of our own to go on at, or `/`: never another host, however it is written (`//x`, `/\x`, `/%09/x`). */
export function ownPath(next: string | null | undefined): string {
  if (typeof next !== 'string' || next.length > NEXT_LENGTH_MAX || !/^\/(?![/\\])[\x21-\x7e]*$/.test(next)) return '/';
  const url = URL.parse(next, NOWHERE);
  if (url === null || url.origin !== NOWHERE) return '/';
  // A path such as `/..//x` is shortened to one that a browser would read as a host.
  const path = `${url.pathname}${url.search}${url.hash}`;
  return /^\/(?![/\\])/.test(path) ? path : '/';
}
