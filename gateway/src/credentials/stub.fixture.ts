/** Token servers for tests: real loopback sockets, and a machine of which nothing else is known. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUpstream } from '../upstream/http-upstream.ts';
import { surroundings, type Environment, type Surroundings } from './surroundings.ts';

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes out as JSON. */
  readonly body?: string | object;
  /** How long the answer takes. */
  readonly delayMs?: number;
}

export interface Stub {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** Puts a file into the stub's folder and gives its path. */
  file(name: string, text: string): string;
  /** A machine with that environment, whose home is the stub's folder. */
  around(env: Environment): Surroundings;
  close(): Promise<void>;
}

/** Starts a server on a free port that answers as told. */
export async function startStub(answer: (heard: Heard) => Said): Promise<Stub> {
  const heard: Heard[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'turnout-credentials-'));
  const upstream = createUpstream();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
      heard.push(one);
      const { status = 200, headers: own = {}, body = '', delayMs } = answer(one);
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const send = (): void => void response.writeHead(status, own).end(text);
      if (delayMs === undefined) send();
      else setTimeout(send, delayMs);
    });
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    heard,
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    around: (env) => surroundings({ HOME: folder, ...env }, upstream),
    async close() {
      await upstream.close();
      server.closeAllConnections();
      await new Promise((done) => {
        server.close(done);
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
