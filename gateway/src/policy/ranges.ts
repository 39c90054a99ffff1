/** Ranges of addresses (CIDR, RFC 4632 and RFC 4291) to regions: the narrowest range wins, whatever their order. */
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';

/** A list for a whole company, or a continent; one for all the world belongs in front of a gateway. */
export const RANGES_MAX = 20_000;

export interface RangeEntry {
  /** `10.1.0.0/16`, `2001:db8::/32`, or one address. */
  readonly range: string;
  readonly region: string;
}

/** What is wrong with one of them. */
export interface RangeError {
  readonly index: number;
  readonly message: string;
}

export interface Ranges {
  /** The region of an address, as a socket or a header has it; undefined where no range has it, or it is no address. */
  regionOf(address: string): string | undefined;
}

/** Every address is one of IPv6's: those of IPv4 stand at `::ffff:0:0/96` (RFC 4291, 2.5.5.2), where sockets put them too. */
const IPV4_BASE = 0xffff_0000_0000n;
const BITS = 128;
const IPV4_BITS = 32;
/** Behind the last address. */
const END = 1n << 128n;

interface Range {
  readonly first: bigint;
  readonly last: bigint;
  readonly region: string;
}

export function compileRanges(entries: readonly RangeEntry[]): Result<Ranges, RangeError> {
  if (entries.length > RANGES_MAX)
    return err({ index: RANGES_MAX, message: `is one too many: at most ${RANGES_MAX} ranges are taken` });
  const ranges: Range[] = [];
  const seen = new Map<string, string>();
  for (const [index, { range, region }] of entries.entries()) {
    const parsed = parseRange(range);
    if (!parsed.ok) return err({ index, message: parsed.error });
    const { first, last } = parsed.value;
    const before = seen.get(`${first}-${last}`);
    if (before !== undefined && before !== region)
      return err({ index, message: `gives \`${range}\` to \`${region}\`; it has \`${before}\` already` });
    if (before === undefined) ranges.push({ first, last, region });
    seen.set(`${first}-${last}`, region);
  }
  const pieces = flattened(ranges);
  if (pieces.length === 0) return ok({ regionOf: () => undefined });
  return ok({ regionOf: (address) => lookUp(pieces, parseAddress(address)) });
}

/** The range of one entry, or what is wrong with it. */
function parseRange(text: string): Result<Omit<Range, 'region'>, string> {
  const [host = '', length, ...more] = text.split('/');
  const address = parseAddress(host);
  if (address === undefined || more.length > 0 || host.includes('%'))
    return err(`\`${text}\` is no range of addresses. Write \`10.1.0.0/16\` or \`2001:db8::/32\``);
  const bits = host.includes(':') ? BITS : IPV4_BITS;
  const given = length === undefined ? bits : Number(length);
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || given > bits))
    return err(`\`${text}\` has no length between 0 and ${bits} behind the \`/\``);
  const size = 1n << BigInt(bits - given);
  const first = address - (address % size);
  if (first !== address)
    return err(`\`${text}\` names one address in a range. Write \`${textOf(first, bits)}/${given}\``);
  return ok({ first, last: first + size - 1n });
}

function textOf(address: bigint, bits: number): string {
  if (bits === IPV4_BITS) return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((address >> BigInt(16 * (7 - at))) & 0xffffn).toString(16));
  return groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
}

/** A piece begins at an address and goes to the next piece; undefined where no range is. */
interface Piece {
  readonly first: bigint;
  readonly region: string | undefined;
}

/** Ranges lie within each other or apart (each is a power of two at its multiple), so that a stack knows the narrowest one. */
function flattened(ranges: readonly Range[]): readonly Piece[] {
  const inOrder = ranges.toSorted((a, b) => compare(a.first, b.first) || compare(b.last, a.last));
  const pieces: Piece[] = [];
  const open: Range[] = [];
  const closeBefore = (address: bigint): void => {
    for (const top of open.toReversed()) {
      if (top.last >= address) return;
      open.pop();
      pieces.push({ first: top.last + 1n, region: open.at(-1)?.region });
    }
  };
  for (const range of inOrder) {
    closeBefore(range.first);
    pieces.push({ first: range.first, region: range.region });
    open.push(range);
  }
  closeBefore(END);
  return pieces;
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The last piece that begins at or before the address. Of several that begin at the same place, the last is the narrowest. */
function lookUp(pieces: readonly Piece[], address: bigint | undefined): string | undefined {
  if (address === undefined) return undefined;
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece !== undefined && piece.first <= address) low = middle + 1;
    else high = middle;
  }
  return pieces[low - 1]?.region;
}

/** An address as a number; undefined for any other text. A scope (`fe80::1%eth0`) says which cable, not where. */
function parseAddress(text: string): bigint | undefined {
  if (text.length > 64) return undefined;
  if (!text.includes(':')) {
    const four = parseFour(text);
    return four === undefined ? undefined : IPV4_BASE + BigInt(four);
  }
  const [address = ''] = text.split('%');
  const groups = groupsOf(address);
  return groups?.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
}

/** Four numbers of 0 to 255, without zeros before them: some read those as octal. */
function parseFour(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1) ?? [];
  const isGood = parts.length === 4 && parts.every((part) => String(Number(part)) === part && Number(part) <= 255);
  return isGood ? parts.reduce((sum, part) => sum * 256 + Number(part), 0) : undefined;
}

/** The eight groups of an IPv6 address; its end may be written as IPv4, and one `::` stands for as many zeros as are missing. */
function groupsOf(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map((half, index) => partsOf(half, index === halves.length - 1));
  if (before === undefined) return undefined;
  if (halves.length === 1) return before.length === 8 ? before : undefined;
  if (after === undefined || before.length + after.length > 7) return undefined;
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function partsOf(half: string, isLast: boolean): readonly number[] | undefined {
  if (half === '') return [];
  const groups: number[] = [];
  const parts = half.split(':');
  for (const [index, part] of parts.entries()) {
    const four = isLast && index === parts.length - 1 ? parseFour(part) : undefined;
    if (four !== undefined) groups.push(four >>> 16, four & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
