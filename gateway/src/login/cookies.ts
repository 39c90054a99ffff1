/** Cookies, as far as a login needs them (RFC 6265bis). */

const NAME_END = /[=;]/;

/** The value of a cookie in a `cookie` header. Where it stands twice, somebody else has set one of them: then it is none. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '').split(';').flatMap((pair) => {
    const [given, ...rest] = pair.split('=');
    return given?.trim() === name ? [rest.join('=').trim()] : [];
  });
  return values.length === 1 ? values[0] : undefined;
}

export interface CookieSpec {
  readonly name: string;
  readonly value: string;
  /** Whole seconds; 0 takes it away. */
  readonly maxAgeS: number;
  /** Whether people come over TLS: then no other host, path or plain connection can set it (`__Host-`). */
  readonly isSecure: boolean;
}

/** The text of a `set-cookie` header: never read by a script, never sent with a post from elsewhere. */
export function setCookie({ name, value, maxAgeS, isSecure }: CookieSpec): string {
  if (NAME_END.test(name) || /[;\s,"\\]/.test(value)) throw new TypeError('not a cookie');
  return `${name}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
}

export function cookieName(base: string, isSecure: boolean): string {
  return isSecure ? `__Host-${base}` : base;
}
