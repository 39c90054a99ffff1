/** Addresses of machines, which the law counts as personal (GDPR, recital 30): IPv4 and IPv6 (RFC 4291) that can belong to someone. */
import { isFree, lastBefore, matchAt, type Detector, type Scan, type Token } from './scan.ts';

const V4 = /(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\w-]|\.\d)/y;
/** Eight groups, or a `::` among fewer. */
const V6 = /(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])/iy;
/** Loopback, unspecified, broadcast, multicast, and the blocks for documentation (RFC 5737, RFC 3849): nobody's. */
const NOBODY = /^(?:127\.|0\.|255\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|22[4-9]\.|23\d\.|2001:0?db8:)/i;
/** Public resolvers that stand in every manual. */
const WELL_KNOWN = new Set(['8.8.8.8', '8.8.4.4', '1.1.1.1', '1.0.0.1', '9.9.9.9', '1.2.3.4']);
/** Four small numbers with dots are a version as often: a word for one stands directly before. */
const VERSION_GAP = 3;

export const ipAddress: Detector = function* find(scanned) {
  for (const token of scanned.numbers) {
    const found = addressAt(scanned, token);
    if (found !== undefined && !NOBODY.test(found) && !WELL_KNOWN.has(found))
      yield { start: token.start, end: token.start + found.length };
  }
};

function addressAt({ text, words }: Scan, { start, end }: Token): string | undefined {
  if (end - start > 4 || !isFree(text, start)) return undefined;
  if (text.charAt(end) === '.') {
    const version = lastBefore(words.version, start);
    return version !== undefined && start - version.end <= VERSION_GAP ? undefined : matchAt(V4, text, start);
  }
  if (text.charAt(end) !== ':' || text.charAt(start - 1) === ':') return undefined;
  const found = matchAt(V6, text, start);
  // A time has groups too: an address has a letter somewhere, or all of its eight groups.
  return found !== undefined && (/[a-f]/i.test(found) || found.split(':').length === 8) ? found : undefined;
}
