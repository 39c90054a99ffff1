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
  /** Of the connection. Absent: nobody knows. */
  readonly address?: string | undefined;
}

/** The key behind the request. No store is asked, and a malformed key costs nothing but a look. */
export function authenticate(credentials: Credentials, keys: Keys): Result<KeyRow, Fault> {
  if (credentials.hasDuplicateKeys) return err(fault('keys-disagree'));
  const tokens = tokensOf(credentials);
  const [token] = tokens;
  if (token === undefined || token === '') return err(fault('key-missing'));
  if (tokens.size > 1) return err(fault('keys-disagree'));
  return token.length > TOKEN_MAX ? err(fault('key-unknown')) : keys.find(token, credentials.address);
}

/** Who was not known a moment ago, after the store was asked; undefined where what was sent can be no key. */
export function authenticateAnew(credentials: Credentials, keys: Keys): Promise<Result<KeyRow, Fault>> | undefined {
  const [token = ''] = tokensOf(credentials);
  return token.length > TOKEN_MAX ? undefined : keys.findAnew(token, credentials.address);
}

/** All keys that were sent, each once. An `authorization` of another scheme counts as an empty one. */
function tokensOf({ headers, queryKey }: Credentials): ReadonlySet<string> {
  const tokens = new Set<string>();
  const bearer = headers['authorization'];
  if (bearer !== undefined) tokens.add(/^bearer +(\S+) *$/i.exec(bearer.slice(0, TOKEN_MAX * 2))?.[1] ?? '');
  for (const value of [...KEY_HEADERS.map((name) => headers[name]?.trim()), queryKey]) {
    if (value !== undefined && value !== '') tokens.add(value);
  }
  return tokens;
}
