/** The listener: node:http in front, one pipeline behind. Everything that is not a well-formed request ends here. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Batches } from '../batches/batches.ts';
import { fault, specOf, type Fault } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { err } from '../lib/result.ts';
import type { Login } from '../login/login.ts';
import type { Ending, Headers } from '../pipeline/reply.ts';
import type { World } from '../pipeline/world.ts';
import { capacityHere } from './capacity.ts';
import { inOrder } from './in-order.ts';
import { endRaw, faultOfParser } from './raw.ts';
import { httpReply } from './reply.ts';
import { isOperation } from './operations.ts';
import { routeOf } from './routes.ts';
import { dialectOf, dialectOfPath, finishFault, serve, type Desk, type Rim } from './serve.ts';

/** No client of the corpus sends more than 40. */
const HEADERS_MAX = 200;
/** What a body is counted for whose length is told only by its end. */
const BODY_UNKNOWN_BYTES = 1024 * 1024;

export interface ListenerOptions {
  readonly world: World;
  readonly dialects: Readonly<Partial<Record<Origin, Dialect>>>;
  readonly limits: ListenerLimits;
  /** Operations that need no pipeline: metrics, readiness, admin, the page at `/`. */
  readonly rim: Rim;
  readonly batches: Batches;
  readonly login: Login;
}

export interface ListenerLimits {
  readonly headerMaxBytes: number;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveMs: number;
}

export interface Listener {
  readonly server: Server;
  /** Requests being worked on. */
  inFlight(): number;
  /** Resolves when all requests that came before the drain began have ended. Those that come later are refused and not waited for. */
  drained(): Promise<void>;
}

export function createListener(options: ListenerOptions): Listener {
  const { world, dialects, rim, batches, login, limits } = options;
  let inFlight = 0;
  let early = 0;
  let whenDrained = (): void => undefined;
  const load = takingIn(() => world.snapshot().bodyMaxBytes);
  const desk: Desk = { world, dialects, rim, batches, login, inFlight: () => inFlight, takeIn: load.takeIn };
  const server = createServer(
    {
      maxHeaderSize: limits.headerMaxBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.bodyTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      // Ours to check: node would answer without a word.
      requireHostHeader: false,
      insecureHTTPParser: false,
      noDelay: true,
      // Checked often, so that a slow sender is closed near its limit and not half a minute later.
      connectionsCheckingInterval: 1000,
    },
    (request, response) => queue.take(request, response),
  );
  const queue = inOrder((request, response) => {
    const isEarly = !rim.isDraining();
    inFlight += 1;
    if (isEarly) early += 1;
    response.once('close', () => {
      inFlight -= 1;
      if (isEarly) early -= 1;
      if (early === 0) whenDrained();
    });
    void visit(desk, request, response);
  });
  load.watch(server);
  server.maxHeadersCount = 0;
  // A body is invited when it is wanted (`readBody`), not before its sender is known.
  server.on('checkContinue', (request, response) => queue.take(request, response));
  server.on('checkExpectation', (request, response) => queue.take(request, response));
  server.on('clientError', (error, socket) => refuseRaw(socket, faultOfParser(error)));
  server.on('upgrade', (_, socket) => refuseRaw(socket, fault('upgrade-refused')));
  server.on('connect', (_, socket) => refuseRaw(socket, fault('http-malformed')));

  /** Answers what never became a request. Where an earlier answer is under way on the connection, there is no place for another. */
  function refuseRaw(socket: Duplex, of: Fault | undefined): void {
    if (of === undefined || !socket.writable || queue.underWay(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    endRaw(socket, of, world.newId('req'));
    done(
      desk,
      { outcome: specOf(of).outcome, status: specOf(of).status },
      { kind: 'none', startedMs: world.clock.monotonicMs() },
    );
  }

  function drained(): Promise<void> {
    return new Promise((resolve) => {
      whenDrained = resolve;
      if (early === 0) resolve();
    });
  }

  return { server, inFlight: desk.inFlight, drained };
}

const NONE: readonly string[] = [];

/** Knows the load of this process: connections, and the bodies that were announced. */
function takingIn(bodyMaxBytes: () => number): {
  readonly takeIn: Desk['takeIn'];
  readonly watch: (server: Server) => void;
} {
  const capacity = capacityHere();
  /** Those that were refused go, and are counted no more. */
  const connections = new Set<Socket>();
  const leave = (socket: Socket): void => void connections.delete(socket);
  let bodiesBytes = 0;
  let closeIdle = (): void => undefined;
  return {
    watch(server) {
      closeIdle = () => server.closeIdleConnections();
      server.on('connection', (socket) => {
        connections.add(socket);
        socket.once('close', () => leave(socket));
      });
    },
    takeIn(request, response) {
      const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
      // Where neither stands there is no body (RFC 9112, section 6.3).
      const announced = Number(length ?? (coding === undefined ? 0 : BODY_UNKNOWN_BYTES));
      // What is longer is refused for that, or is a file that goes to the disk as it comes.
      const bodyBytes = announced > bodyMaxBytes() ? 0 : announced;
      const short = capacity.shortOf({ connections: connections.size, otherBodiesBytes: bodiesBytes, bodyBytes });
      // Who only keeps a connection for later gives way.
      if (short === 'connections') closeIdle();
      if (short !== undefined) {
        leave(request.socket);
        return short;
      }
      bodiesBytes += bodyBytes;
      response.once('close', () => {
        bodiesBytes -= bodyBytes;
      });
      return undefined;
    },
  };
}

/** One request, from its head to its end in the metrics. */
async function visit(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { world } = desk;
  const startedMs = world.clock.monotonicMs();
  const requestId = world.newId('req');
  const reply = httpReply(request, response, world.snapshot().writeIdleMs);
  const target = request.url ?? '/';
  const repeated = repeatedNames(request);
  const malformed = headFault(request, target, repeated);
  if (malformed !== undefined) response.setHeader('connection', 'close');
  const routed: ReturnType<typeof routeOf> =
    malformed === undefined ? routeOf(request.method ?? '', target) : err(malformed);
  if (!routed.ok) {
    const allow: Headers = routed.allow === undefined ? {} : { allow: routed.allow };
    done(desk, finishFault({ reply, requestId, dialect: dialectOfPath(desk, target) }, routed.error, allow), {
      kind: 'none',
      startedMs,
    });
    return;
  }
  const operation = routed.value;
  const queryAt = target.indexOf('?');
  const query = new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt + 1));
  const headers = flat(request);
  try {
    const visitor = { desk, request, response, reply, requestId, headers, repeated, query, startedMs, operation };
    const ending = await serve(visitor);
    done(desk, ending, { kind: operation.kind, startedMs });
  } catch (error) {
    world.log('error', 'a request failed inside the gateway', {
      request_id: requestId,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    if (!reply.hasStarted)
      finishFault({ reply, requestId, dialect: dialectOf(desk, operation) }, fault('internal'), {});
    else reply.destroy();
    done(desk, { outcome: 'internal', status: 500 }, { kind: operation.kind, startedMs });
  }
}

function done({ world }: Desk, ending: Ending, of: { kind: string; startedMs: number }): void {
  world.meters.requests.add({ operation: of.kind, outcome: ending.outcome });
  if (of.kind === 'chat' || isOperation(of.kind))
    world.meters.durationS.observe({ outcome: ending.outcome }, (world.clock.monotonicMs() - of.startedMs) / 1000);
}

/** What node:http lets through and we do not. */
function headFault(request: IncomingMessage, target: string, repeated: readonly string[]): Fault | undefined {
  if (request.rawHeaders.length / 2 > HEADERS_MAX) return fault('headers-too-big');
  if (!target.startsWith('/')) return fault('http-malformed');
  const { expect, host } = request.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return fault('expectation-unknown');
  // HTTP/1.0 knows no host (RFC 9112, section 3.2).
  if (host === undefined && request.httpVersion !== '1.0') return fault('http-malformed');
  return repeated.includes('host') || repeated.includes('content-length') ? fault('http-malformed') : undefined;
}

/** Names that stand more than once. `request.headers` has joined or dropped the others. */
function repeatedNames({ rawHeaders: raw, headers }: IncomingMessage): readonly string[] {
  // Node joins those that stand more than once, or keeps one of them.
  if (Object.keys(headers).length * 2 === raw.length) return NONE;
  const repeated: string[] = [];
  const seen = new Set<string>();
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? '';
    if (seen.has(name)) repeated.push(name);
    else seen.add(name);
  }
  return repeated;
}

function flat(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const headers: Record<string, string | undefined> = {};
  for (const name of Object.keys(request.headers)) {
    const value = request.headers[name];
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
