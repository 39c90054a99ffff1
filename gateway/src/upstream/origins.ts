/** From a URL to the connections of its origin. */
import { parseUrl } from '../lib/url.ts';
import { Connections, type ConnectionOptions } from './connections.ts';
import { endpointOf } from './dial.ts';
import type { UpstreamCall } from './upstream.ts';

/** Where a call goes. */
export interface Route {
  readonly connections: Connections;
  /** Path and query of the URL. */
  readonly path: string;
}

export interface Origins {
  /** Undefined where the URL is not one of http or https, or has credentials in it. */
  route(call: UpstreamCall): Route | undefined;
  all(): readonly Connections[];
}

/** Origins come from the configuration; this bounds the memory if they do not. Only those without a connection are forgotten. */
const ORIGINS_MAX = 1_000;

export function createOrigins(options: ConnectionOptions): Origins {
  // Apart, since a connection to a private address must not serve a call that may not have one.
  const anywhere = new Map<string, Connections>();
  const publicOnly = new Map<string, Connections>();

  function add(known: Map<string, Connections>, url: URL, allowPrivate: boolean): Connections {
    for (const [origin, connections] of known) {
      if (known.size < ORIGINS_MAX) break;
      if (connections.counts.open === 0) known.delete(origin);
    }
    const connections = new Connections(endpointOf(url, allowPrivate), options);
    known.set(url.origin, connections);
    return connections;
  }

  return {
    /** The URL is parsed only where its beginning is not an origin that we have seen, in canonical form. */
    route(call: UpstreamCall): Route | undefined {
      const known = call.allowPrivate ? anywhere : publicOnly;
      const pathStart = call.url.indexOf('/', 'https://'.length);
      const connections = pathStart === -1 ? undefined : known.get(call.url.slice(0, pathStart));
      if (connections !== undefined) return { connections, path: call.url.slice(pathStart) };
      const parsed = parseUrl(call.url);
      if (!parsed.ok) return undefined;
      const url = parsed.value;
      return {
        connections: known.get(url.origin) ?? add(known, url, call.allowPrivate),
        path: url.pathname + url.search,
      };
    },
    all: () => [...anywhere.values(), ...publicOnly.values()],
  };
}
