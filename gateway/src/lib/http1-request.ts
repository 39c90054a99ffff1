/** Writes the head of an HTTP/1.1 request (RFC 9112), and nothing that could end it early. */

export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Host, with its port where that is not the scheme's own. */
  readonly host: string;
  /** Lower-case names; those of `OWN_HEADERS` are left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: no body. */
  readonly bodyLength: number | undefined;
}

/** What the client itself writes, or what would change how the connection is used. */
export const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);

const TARGET = /^\/[!-~]*$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Obsolete text above ASCII is sent as the byte it stands for. A line break would begin a header of its own. */
const VALUE = /^[\t -~\x80-\xff]*$/;

/** The head as latin-1 text, its empty line included. Undefined where HTTP does not allow the path or a header. */
export function requestHead({ method, path, host, headers, bodyLength }: RequestHead): string | undefined {
  if (!TARGET.test(path)) return undefined;
  // Said although it is the rule since 1.1: what still speaks 1.0 on the way would close the connection.
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  for (const name of Object.keys(headers)) {
    if (OWN_HEADERS.has(name)) continue;
    const value = headers[name] ?? '';
    if (!NAME.test(name) || !VALUE.test(value)) return undefined;
    head += `${name}: ${value}\r\n`;
  }
  return bodyLength === undefined ? `${head}\r\n` : `${head}content-length: ${bodyLength}\r\n\r\n`;
}
