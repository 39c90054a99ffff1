/** Opens a socket to an upstream: name, address check, TCP, TLS. The time it may take is the caller's to watch. */
import type { LookupAddress } from 'node:dns';
import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { literalAddress, isPublicAddress } from './egress.ts';
import { connectFailure, egressRefused, nameFailure, type Failure } from './failures.ts';
import type { Names } from './names.ts';

export interface Endpoint {
  /** Canonical: scheme, host and port, as `URL.origin` writes it. */
  readonly origin: string;
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly isSecure: boolean;
  readonly allowPrivate: boolean;
}

export interface DialOptions {
  readonly names: Names;
  /** Authorities to trust instead of the usual ones, PEM. */
  readonly ca?: string;
  /** TLS session of an earlier connection, which spares a round trip and a signature. */
  readonly session?: Buffer;
  /** Takes what comes in, instead of the socket's stream. */
  readonly onread?: OnReadOpts;
}

export interface DialHandler {
  opened(socket: Socket): void;
  failed(failure: Failure): void;
  /** The upstream gave a TLS session for later; may come at any time while the socket lives. */
  session(session: Buffer): void;
}

/** A connection on its way. After `cancel` nothing is called. */
export interface Opening {
  readonly phase: 'queued' | 'resolving' | 'connecting';
  cancel(): void;
}

/** TCP looks after dead peers at this interval while a model thinks and no byte flows. */
const KEEP_ALIVE_PROBE_MS = 30_000;

export function endpointOf(url: URL, allowPrivate: boolean): Endpoint {
  const isSecure = url.protocol === 'https:';
  const hostname = literalAddress(url.hostname) ?? url.hostname;
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  return { origin: url.origin, hostname, port, isSecure, allowPrivate };
}

/** Begins to connect. The handler is never called before this returns. */
export function dial(endpoint: Endpoint, options: DialOptions, handler: DialHandler): Opening {
  let socket: Socket | undefined;
  let isOver = false;
  let isCancelled = false;
  let phase: Opening['phase'] = 'resolving';
  let forget = (): void => undefined;

  function fail(failure: Failure): void {
    if (isOver) return;
    isOver = true;
    socket?.destroy();
    queueMicrotask(() => {
      if (!isCancelled) handler.failed(failure);
    });
  }

  function connect(addresses: readonly LookupAddress[]): void {
    phase = 'connecting';
    // Pinned: what was checked is what is connected to, whatever the name resolves to a moment later (row B57).
    const isOpen = endpoint.allowPrivate || addresses.every((one) => isPublicAddress(one.address));
    if (!isOpen) return fail(egressRefused());
    const opened = openSocket(endpoint, options, addresses);
    socket = opened;
    opened.setNoDelay(true);
    opened.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    opened.on('error', (error) => fail(connectFailure(error)));
    opened.on('session', (session: Buffer) => handler.session(session));
    opened.once(endpoint.isSecure ? 'secureConnect' : 'connect', () => {
      if (isOver) return;
      if (!endpoint.allowPrivate && !isPublicAddress(opened.remoteAddress ?? '')) return fail(egressRefused());
      isOver = true;
      handler.opened(opened);
    });
  }

  const family = isIP(endpoint.hostname);
  if (family !== 0) connect([{ address: endpoint.hostname, family }]);
  else {
    forget = options.names.find(endpoint.hostname, (found) => {
      if (isOver) return;
      if (found.ok) connect(found.value);
      else fail(nameFailure());
    });
  }
  return {
    get phase() {
      return phase;
    },
    cancel(): void {
      isOver = true;
      isCancelled = true;
      forget();
      socket?.destroy();
    },
  };
}

function openSocket(endpoint: Endpoint, options: DialOptions, addresses: readonly LookupAddress[]): Socket {
  const { hostname, port } = endpoint;
  const base = {
    host: hostname,
    port,
    lookup: pinned(addresses),
    // Tries the next address where one is dead or slow (RFC 8305).
    autoSelectFamily: true,
    ...(options.onread === undefined ? {} : { onread: options.onread }),
  };
  if (!endpoint.isSecure) return connectTcp(base);
  return connectTls({
    ...base,
    // An address has no server name (RFC 6066, 3); it is compared with the certificate all the same.
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.session === undefined ? {} : { session: options.session }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
  });
}

function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}
