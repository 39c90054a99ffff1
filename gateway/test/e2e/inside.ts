/**
 * A whole gateway in this process with a listener of its own, but for the sockets to the providers: these are answered here,
 * so that a test can use the providers' real addresses and see where a request would have gone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay } from '../../src/chat/collect.ts';
import type { Origin } from '../../src/chat/part.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import { loadCatalog } from '../../src/cli/catalog-file.ts';
import { parseConfig } from '../../src/config/load.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import type { Dialect } from '../../src/dialects/dialect.ts';
import { isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { compile } from '../../src/routing/compile.ts';
import { openStore } from '../../src/store/store.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Upstream, UpstreamCall } from '../../src/upstream/upstream.ts';
import { wire } from '../../src/wire.ts';
import { ROOT_KEY } from '../harness.ts';

type Environment = Readonly<Record<string, string>>;

/** What a provider answers. */
export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface Inside {
  /** What of the configuration cannot be used, and why. */
  readonly warnings: readonly string[];
  /** Calls to providers, newest last. */
  readonly sent: readonly UpstreamCall[];
  post(path: string, body: JsonRecord, headers?: Environment): Promise<Got>;
  get(path: string): Promise<Got>;
  close(): Promise<void>;
}

export interface Got {
  readonly status: number;
  readonly text: string;
  /** Id of the record; empty where there is none. */
  readonly decision: string;
}

export interface InsideOptions {
  /** Text of turnout.yaml. */
  readonly config: string;
  readonly env?: Environment;
  readonly answer: (call: UpstreamCall) => Said;
}

export async function startInside({ config: text, env = {}, answer }: InsideOptions): Promise<Inside> {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-inside-'));
  const read = parseConfig(text, { file: 'turnout.yaml', env });
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const { config } = read.value;
  const catalog = loadCatalog(dir, () => undefined);
  const { snapshot, warnings } = compile({ config, catalog, env, dialects: gateDialects });
  const sent: UpstreamCall[] = [];
  const store = await openStore({ dataDir: dir, now: Date.now, warn: () => undefined, adminKey: ROOT_KEY });
  const gateway = wire({
    store,
    upstream: answering(sent, answer),
    env,
    dataDir: dir,
    log: createLog({ write: () => undefined, now: Date.now, level: 'info' }),
    snapshot: () => snapshot,
    config: () => config,
    configProblem: () => undefined,
    limits: config.server,
    version: 'test',
  });
  const { server } = gateway.listener;
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    warnings,
    sent,
    post: (path, body, headers = {}) => ask(port, path, { body, headers }),
    get: (path) => ask(port, path, {}),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => {
        server.close(done);
      });
      await gateway.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function answering(sent: UpstreamCall[], answer: InsideOptions['answer']): Upstream {
  return {
    send(call, handler) {
      sent.push(call);
      let isOver = false;
      setImmediate(() => {
        if (isOver) return;
        const { status = 200, headers = { 'content-type': 'application/json' }, body } = answer(call);
        handler.head(status, headers);
        handler.data(Buffer.from(body));
        handler.end();
      });
      return {
        wasSent: true,
        abort: () => {
          isOver = true;
        },
        pause: () => undefined,
        resume: () => undefined,
      };
    },
    close: () => Promise.resolve(),
  };
}

interface Asking {
  readonly body?: JsonRecord;
  readonly headers?: Environment;
}

function ask(port: number, path: string, { body, headers }: Asking): Promise<Got> {
  return new Promise((resolve, reject) => {
    const own = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', ...headers };
    const method = body === undefined ? 'GET' : 'POST';
    const call = request({ host: '127.0.0.1', port, path, method, headers: own }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text,
          decision: String(response.headers['x-turnout-decision'] ?? ''),
        }),
      );
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The body of a call. */
export function bodyOf(call: UpstreamCall | undefined): JsonRecord {
  const body = parseJson(call?.body?.toString('utf8') ?? '');
  return isRecord(body) ? body : {};
}

/** A short reply in a wire, whole or as a stream. */
export function shortReply(id: Origin & keyof typeof gateDialects, isStream: boolean, text = 'hello there'): Said {
  const dialect: Dialect = gateDialects[id];
  const response: ChatResponse = {
    origin: id,
    id: 'r1',
    model: 'm',
    choices: [{ index: 0, parts: [{ kind: 'text', text }], finish: { reason: 'stop' } }],
    usage: { inputTokens: 3, outputTokens: 2 },
  };
  const context = { requestId: 'r1', model: 'm', nowS: 1_700_000_000, wantsStreamUsage: true };
  if (!isStream) return { body: JSON.stringify(dialect.encodeResponse(response, context).body) };
  const encoder = dialect.encoder(context);
  const pieces = [...replay(response).map((event) => encoder.push(event)), encoder.end()];
  return {
    headers: { 'content-type': 'text/event-stream' },
    body: Buffer.concat(pieces.map((piece) => Buffer.from(piece))),
  };
}
