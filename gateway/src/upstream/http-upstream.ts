/** The upstream port over HTTP/1.1, with our own connections, deadlines, names and address checks. */
import { isSameOrigin } from '../lib/url.ts';
import type { Codec } from './codec.ts';
import type { ConnectionCounts, ConnectionLimits } from './connections.ts';
import { createDeadlines } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import { unsendable, type Failure } from './failures.ts';
import { createNames, systemResolver, type Resolver } from './names.ts';
import { createOrigins, type Route } from './origins.ts';
import { ownCodec } from './own-codec.ts';
import type { Upstream, UpstreamCall, UpstreamExchange, UpstreamHandler } from './upstream.ts';

export interface UpstreamOptions {
  /** Connections to one origin; more calls wait. Default 10,000: as many slow streams as one process carries. */
  readonly connectionsMax?: number;
  /** Calls that wait for a connection to one origin, before more are refused. Default 1,000. */
  readonly waitingMax?: number;
  /** Default 30,000. A server that closes sooner costs nothing but a new connection. */
  readonly keepAliveMs?: number;
  /** Default 600,000. */
  readonly connectionAgeMaxMs?: number;
  /** Default: what the machine itself uses. */
  readonly resolver?: Resolver;
  /** Authorities to trust instead of the usual ones, PEM. `NODE_EXTRA_CA_CERTS` adds to those. */
  readonly ca?: string;
  /** Who speaks HTTP/1.1. Default: our own. */
  readonly codec?: Codec;
  /** Gets what a handler threw. Default: a process warning. */
  readonly onBug?: (error: unknown) => void;
}

export interface UpstreamStats {
  /** Connections open or being opened. */
  readonly open: number;
  readonly idle: number;
  /** Calls that wait for a connection. */
  readonly waiting: number;
  /** Calls under way. */
  readonly active: number;
  /** Since the start: calls, those that were sent twice (row F08), sockets begun, lookups begun. */
  readonly requests: number;
  readonly repeats: number;
  readonly dials: number;
  readonly lookups: number;
}

export interface HttpUpstream extends Upstream {
  stats(): UpstreamStats;
}

const CLOSING: Failure = { outcome: 'closing', code: 'shutting-down', values: {} };
const NO_URL = unsendable('request_invalid', 'its URL is not an http or https URL without credentials');
const WRONG_ORIGIN = unsendable('request_invalid', 'its URL is not of the origin that its secret was saved for');

/** Opens nothing until the first call. */
export function createUpstream(options: UpstreamOptions = {}): HttpUpstream {
  const deadlines = createDeadlines();
  const names = createNames(options.resolver ?? systemResolver, deadlines.now);
  const counts = { active: 0, requests: 0, repeats: 0, dials: 0 };
  const origins = createOrigins({
    dial: options.ca === undefined ? { names } : { names, ca: options.ca },
    limits: limitsOf(options),
    codec: options.codec ?? ownCodec,
    deadlines,
    onDial: () => {
      counts.dials += 1;
    },
  });
  let whenIdle: (() => void) | undefined;
  let isClosing = false;
  const world = {
    deadlines,
    onBug: options.onBug ?? warn,
    onRepeat: () => {
      counts.repeats += 1;
    },
    onOver: () => {
      counts.active -= 1;
      if (counts.active === 0) whenIdle?.();
    },
  };

  return {
    send(call: UpstreamCall, handler: UpstreamHandler): UpstreamExchange {
      counts.active += 1;
      counts.requests += 1;
      const exchange = new Exchange(world, call, handler);
      const route = origins.route(call);
      if (isClosing) exchange.refused(CLOSING);
      else if (route === undefined) exchange.refused(NO_URL);
      else if (!isBound(call, route)) exchange.refused(WRONG_ORIGIN);
      else exchange.start(route);
      return exchange;
    },
    async close(): Promise<void> {
      isClosing = true;
      if (counts.active > 0) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      for (const connections of origins.all()) connections.closeIdle();
      deadlines.stop();
    },
    stats(): UpstreamStats {
      const total: ConnectionCounts = { open: 0, idle: 0, waiting: 0 };
      for (const { counts: one } of origins.all()) {
        total.open += one.open;
        total.idle += one.idle;
        total.waiting += one.waiting;
      }
      return { ...total, ...counts, lookups: names.lookupCount() };
    },
  };
}

function limitsOf(options: UpstreamOptions): ConnectionLimits {
  return {
    connectionsMax: options.connectionsMax ?? 10_000,
    waitingMax: options.waitingMax ?? 1_000,
    keepAliveMs: options.keepAliveMs ?? 30_000,
    ageMaxMs: options.connectionAgeMaxMs ?? 600_000,
  };
}

/** A secret goes to the origin it was saved for, whatever the rest of the gateway made of the URL. */
function isBound(call: UpstreamCall, route: Route): boolean {
  const { origin } = route.connections.endpoint;
  const { secretOrigin } = call;
  return secretOrigin === undefined || secretOrigin === origin || isSameOrigin(secretOrigin, origin);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
