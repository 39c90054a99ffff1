/** A proxy that leads nowhere: programs that are told to use it reach nothing but this machine, and it knows where they wanted to go. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface DeadEnd {
  /** Variables for a program: they lead all but loopback into the dead end. */
  readonly env: Readonly<Record<string, string>>;
  /** Hosts that were asked for since the last call, each once. */
  asked(): readonly string[];
  close(): void;
}

export async function startDeadEnd(): Promise<DeadEnd> {
  const hosts = new Set<string>();
  const server = createServer((request, response) => {
    hosts.add(hostOf(request.url ?? ''));
    response.writeHead(403).end();
  });
  server.on('connect', (request, socket) => {
    hosts.add(request.url ?? '');
    // The program may be gone already: that is its right.
    socket.on('error', () => {});
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
  const loopback = '127.0.0.1,localhost,::1';
  return {
    env: { ...Object.fromEntries(names.map((name) => [name, url])), NO_PROXY: loopback, no_proxy: loopback },
    asked() {
      const all = [...hosts].toSorted();
      hosts.clear();
      return all;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
