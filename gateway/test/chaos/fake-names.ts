/**
 * Loaded into a gateway before its own code (`--import`): takes the place of the machine's resolver for names below
 * `.test`, since no test can make that one silent from outside. Every look-up is told on stderr.
 *
 *     silent.test      never answered
 *     nowhere.test     does not exist
 *     other *.test     127.0.0.1
 */
import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

type Answer = (error: Error | null, addresses: readonly LookupAddress[]) => void;

const real = dns.lookup;

function lookup(hostname: string, options: LookupAllOptions, answer: Answer): void {
  if (!hostname.endsWith('.test')) {
    real(hostname, options, answer);
    return;
  }
  process.stderr.write(`looked up ${hostname}\n`);
  if (hostname === 'silent.test') return;
  const missing = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' });
  queueMicrotask(() =>
    hostname === 'nowhere.test' ? answer(missing, []) : answer(null, [{ address: '127.0.0.1', family: 4 }]),
  );
}

Object.assign(dns, { lookup });
syncBuiltinESMExports();
