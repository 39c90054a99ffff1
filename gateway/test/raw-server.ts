/** A server on raw sockets, for answers that no HTTP library would give. Loopback only. */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

export interface RawRequest {
  /** Request line and headers, as text. */
  readonly head: string;
  readonly body: Buffer;
  readonly socket: Socket;
  /** Counts the requests of the whole server, from 0. */
  readonly index: number;
  /** Counts the connections of the whole server, from 0. */
  readonly connection: number;
}

export interface RawServer {
  readonly port: number;
  readonly requests: readonly RawRequest[];
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

export interface RawServerOptions {
  /** Base name of a certificate in `fixtures/tls`. Absent: no TLS. */
  readonly certificate?: string;
  readonly onConnection?: (socket: Socket) => void;
}

const TLS_DIR = join(import.meta.dirname, 'fixtures', 'tls');

export function tlsFixture(name: string): string {
  return readFileSync(join(TLS_DIR, name), 'utf8');
}

/** Starts a server that hands each complete request to `answer`. */
export async function startRawServer(
  answer: (request: RawRequest) => void,
  options: RawServerOptions = {},
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets: Socket[] = [];
  const onSocket = (socket: Socket): void => {
    const connection = sockets.push(socket) - 1;
    socket.on('error', () => undefined);
    options.onConnection?.(socket);
    let pending: Buffer[] = [];
    let missing = 0;
    socket.on('data', (chunk) => {
      pending.push(chunk);
      missing -= chunk.length;
      if (missing > 0) return;
      for (;;) {
        const bytes = Buffer.concat(pending);
        const next = takeRequest(bytes);
        pending = [typeof next === 'object' ? next.rest : bytes];
        missing = typeof next === 'object' ? 0 : next;
        if (typeof next !== 'object') return;
        const request = { head: next.head, body: next.body, socket, index: requests.length, connection };
        requests.push(request);
        answer(request);
      }
    });
  };
  const server = serverFor(options.certificate, onSocket);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: portOf(server),
    requests,
    sockets,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A whole reply with its length. */
export function reply(status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Buffer {
  const bytes = Buffer.from(body);
  const lines = Object.entries({ 'content-length': String(bytes.length), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`), bytes]);
}

/** A port on which nothing listens: one that was free a moment ago. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const port = portOf(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

function serverFor(certificate: string | undefined, onSocket: (socket: Socket) => void): Server {
  if (certificate === undefined) return createServer({ noDelay: true }, onSocket);
  const server = createTlsServer({ cert: tlsFixture(`${certificate}.pem`), key: tlsFixture('key.pem') }, onSocket);
  server.on('tlsClientError', () => undefined);
  return server;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The first request among the bytes, or how many bytes are missing for it (at least). */
function takeRequest(bytes: Buffer): { readonly head: string; readonly body: Buffer; readonly rest: Buffer } | number {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return 1;
  const head = bytes.toString('latin1', 0, headEnd);
  const start = headEnd + 4;
  const end = start + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (bytes.length < end) return end - bytes.length;
  return { head, body: bytes.subarray(start, end), rest: bytes.subarray(end) };
}
