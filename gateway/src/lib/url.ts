/** Addresses of upstreams: what a path may be, and that no path leads away from the origin that a secret belongs to. */
import { err, ok, type Result } from './result.ts';

/** Visible ASCII save for what ends a path or is read as a slash by URL parsers; everything else must come percent-encoded. */
const PATH = /^\/[!-"$-[\]-~]*$/;
/** `.` and `..` as segments, also percent-encoded: servers and proxies resolve them, and so leave the base path. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?=[/?]|$)/i;

/** Scheme, host and port of an http or https URL in canonical form (`http://0x7f.1/v1` gives `http://127.0.0.1`). */
export function originOf(url: string): string | undefined {
  const parsed = parseUrl(url);
  return parsed.ok ? parsed.value.origin : undefined;
}

/** A base URL as paths are put behind it: canonical, without the slash it may end with. Fails with a reason for people. */
export function urlPrefix(baseUrl: string): Result<string, string> {
  const base = parseUrl(baseUrl);
  if (!base.ok) return base;
  if (base.value.search !== '' || base.value.hash !== '') return err('a base URL has no query and no fragment');
  return ok(base.value.origin + base.value.pathname.replace(/\/+$/, ''));
}

/**
 * The URL of an operation: a prefix (`urlPrefix`), then the path with its query. The path cannot change scheme, host or
 * port, nor climb out of the base; `%2F` stays as it is. Fails with a reason for people.
 */
export function urlUnder(prefix: string, path: string): Result<string, string> {
  if (!PATH.test(path)) return err('a path begins with `/` and holds nothing but visible ASCII');
  const query = path.indexOf('?');
  if (DOT_SEGMENT.test(query === -1 ? path : path.slice(0, query))) return err('a path has no `.` or `..` segment');
  return ok(prefix + path);
}

/** Whether a secret saved for `baseUrl` may be sent to `url`: only to the same scheme, host and port. */
export function isSameOrigin(url: string, baseUrl: string): boolean {
  const origin = originOf(baseUrl);
  return origin !== undefined && origin === originOf(url);
}

/** Parses an http or https URL without credentials in it. */
export function parseUrl(url: string): Result<URL, string> {
  const parsed = URL.parse(url);
  if (parsed === null) return err('it is not a URL');
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return err('it is neither http nor https');
  if (parsed.username !== '' || parsed.password !== '') return err('credentials do not belong into a URL');
  return ok(parsed);
}
