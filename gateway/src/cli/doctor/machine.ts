/** The machine: runtime, file descriptors, time zones, proxies, TLS. */
import { existsSync, readFileSync } from 'node:fs';
import { bad, doubt, fine, type Check, type Finding } from './check.ts';

const NODE_MAJOR = 24;
/** Beside the two of a request: database, journals, logs, idle connections to providers. */
const SPARE_DESCRIPTORS = 500;
const PROXY_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'https_proxy', 'http_proxy', 'all_proxy'];
/** Zones in which months begin at other moments than in UTC, and clocks change. */
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata'];
const LOOPBACK = /^(127\.|localhost$|::1$)/;

export const MACHINE: readonly Check[] = [
  { name: 'node', look: () => nodeVersion(process.versions.node) },
  { name: 'file descriptors', look: ({ config }) => descriptors(descriptorsMax(), config.server.requests_max) },
  { name: 'time zones', look: () => zones() },
  { name: 'proxies', look: ({ io }) => proxies(io.env) },
  { name: 'tls', look: ({ io, config }) => tls(io.env, config.server.host) },
];

export function nodeVersion(version: string): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= NODE_MAJOR) return fine(`Node ${version}`);
  return bad(`Node ${version}`, `use Node ${NODE_MAJOR} or newer`);
}

/** `max`: undefined where the system does not tell. */
export function descriptors(max: number | undefined, requestsMax: number): Finding | undefined {
  if (max === undefined) return undefined;
  const needed = 2 * requestsMax + SPARE_DESCRIPTORS;
  if (max >= needed) return fine(`${max} may be open; ${requestsMax} requests at once need ${needed}`);
  return doubt(
    `${max} may be open; ${requestsMax} requests at once (server.requests_max) may need ${needed}`,
    `raise it (ulimit -n, LimitNOFILE=, ulimits:) or set server.requests_max to ${Math.max(1, Math.floor((max - SPARE_DESCRIPTORS) / 2))}`,
  );
}

/** The soft limit of this process (proc_pid_limits(5)); Node has raised it as far as it may. */
function descriptorsMax(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return line === 'unlimited' ? Number.POSITIVE_INFINITY : line === undefined ? undefined : Number(line);
  } catch {
    return undefined;
  }
}

function zones(): Finding {
  const missing = ZONES.filter((zone) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone === '';
    } catch {
      return true;
    }
  });
  if (missing.length > 0)
    return bad(`no data for ${missing.join(', ')}`, 'use a Node with full ICU data: budgets reset by time zones');
  return fine(
    `data of ${process.versions['tz'] ?? 'an unknown year'}; this process is in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`,
  );
}

/** Names only: addresses of proxies may hold passwords. */
export function proxies(env: Readonly<Record<string, string | undefined>>): Finding {
  const set = PROXY_VARIABLES.filter((name) => (env[name] ?? '') !== '');
  if (set.length === 0) return fine('none in the environment');
  return doubt(
    `${set.join(', ')} set: Turnout calls providers directly and does not use them`,
    'where providers are reached through a proxy only, name it as base_url of the provider',
  );
}

export function tls(env: Readonly<Record<string, string | undefined>>, host: string): Finding {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    return bad(
      'NODE_TLS_REJECT_UNAUTHORIZED=0: anyone on the way may read keys and prompts',
      'take it away; NODE_EXTRA_CA_CERTS names certificates of your own',
    );
  const extra = env['NODE_EXTRA_CA_CERTS'];
  if (extra !== undefined && extra !== '' && !existsSync(extra))
    return bad(`NODE_EXTRA_CA_CERTS names ${extra}, which is not there`, 'mend the path');
  if (!LOOPBACK.test(host))
    return doubt(
      `server.host is ${host}: callers come in plain HTTP`,
      'let a proxy or an ingress with TLS stand before it, and nobody reach it otherwise',
    );
  return fine('certificates of providers are checked; the gateway listens on this machine only');
}
