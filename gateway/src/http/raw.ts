/** Answers on the bare socket: to what the HTTP parser refused, and to upgrades. In OpenAI's form, since no path is known. */
import type { Duplex } from 'node:stream';
import { fault, specOf, type Fault } from '../chat/fault.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  417: 'Expectation Failed',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
};

/** What the parser's or the server's error means to the sender; undefined where there is nobody to tell. */
export function faultOfParser(
  error: Error & { readonly code?: string; readonly rawPacket?: Buffer },
): Fault | undefined {
  const { code, rawPacket } = error;
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
  if (code === 'HPE_HEADER_OVERFLOW') return fault(isEndlessTarget(rawPacket) ? 'target-too-long' : 'headers-too-big');
  return fault(code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-slow' : 'http-malformed');
}

/** True where the bytes begin with a request line that has no end among them. */
function isEndlessTarget(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && !bytes.includes('\n') && /^[A-Z]{3,7} \//.test(bytes.toString('latin1', 0, 16));
}

/** Writes a whole reply and ends the connection. */
export function endRaw(socket: Duplex, of: Fault, requestId: string): void {
  const { status, type } = specOf(of);
  const body = JSON.stringify({
    error: { message: of.message, type, param: null, code: of.code.replaceAll('-', '_') },
  });
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'x-should-retry: false',
    ...(status === 426 ? ['upgrade: HTTP/1.1', 'connection: close, upgrade'] : ['connection: close']),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
