/** authenticate: whose request this is. Reads every header that official clients put a key into; two that disagree are refused. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, type Result } from '../lib/result.ts';
import type { KeyRow, Keys } from '../store/ports.ts';

/** Longer than any key of ours; a longer one is not even compared. */
const TOKEN_MAX = 512;
const KEY_HEADERS = ['x-api-key', 'x-goog-api-key', 'api-key'] as const;

export interface Credentials {
  /** Lower-case names; several lines of one header joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** True where a header that may stand once stood twice. */
  readonly hasDuplicateKeys: boolean;
  /** Gemini's `?key=`. */
  readonly queryKey: string | undefined;
}

/** The key behind the request. No store is asked, and a malformed key costs nothing but a look. */
export function authenticate(credentials: Credentials, keys: Keys): Result<KeyRow, Fault> {
  const { headers } = credentials;
  if (credentials.hasDuplicateKeys) return err(fault('keys-disagree'));
  const tokens = new Set<string>();
  const bearer = headers['authorization'];
  if (bearer !== undefined) {
    const match = /^bearer +(\S+) *$/i.exec(bearer.slice(0, TOKEN_MAX * 2));
    if (match?.[1] === undefined) return err(fault('key-missing'));
    tokens.add(match[1]);
  }
  for (const name of KEY_HEADERS) {
    const value = headers[name]?.trim();
    if (value !== undefined && value !== '') tokens.add(value);
  }
  if (credentials.queryKey !== undefined && credentials.queryKey !== '') tokens.add(credentials.queryKey);
  const [token] = tokens;
  if (token === undefined) return err(fault('key-missing'));
  if (tokens.size > 1) return err(fault('keys-disagree'));
  if (token.length > TOKEN_MAX) return err(fault('key-unknown'));
  return keys.find(token);
}
