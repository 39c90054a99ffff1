/** Which addresses a request may be sent to where the target's URL is not the operator's own word (rows B23, B57). */
import { isIPv4, isIPv6 } from 'node:net';

/** First address and prefix length of what is not the public internet (IANA special-purpose registries, RFC 6890 and later). */
const CLOSED_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT; also the metadata service of Alibaba Cloud
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // public by number, but the host agent of Azure
  ['169.254.0.0', 16], // link-local; the metadata service of nearly every cloud
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const CLOSED_V4_RANGES = CLOSED_V4.map(([address, length]) => ({
  first: valueOfV4(address),
  size: 2 ** (32 - length),
}));

/** Only 2000::/3 is handed out at all; of it, these are not the public internet. As the first two groups. */
const CLOSED_V6: readonly (readonly [number, number, number])[] = [
  [0x2001, 0x0000, 0x01ff], // 2001::/23: Teredo, benchmarking, ORCHID
  [0x2001, 0x0db8, 0x0db8], // documentation
  [0x3fff, 0x0000, 0x0fff], // documentation
];

/** True for an address literal (no brackets) of the public internet. False for all else, host names too. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return isPublicV4(valueOfV4(address));
  // A zone (`fe80::1%eth0`) exists for link-local addresses only.
  if (!isIPv6(address) || address.includes('%')) return false;
  const groups = groupsOfV6(address);
  const embedded = embeddedV4(groups);
  return embedded === undefined ? isPublicV6(groups) : isPublicV4(embedded);
}

/** The address literal that a URL's hostname is, without brackets, or undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIPv4(bare) || isIPv6(bare) ? bare : undefined;
}

function isPublicV4(value: number): boolean {
  return !CLOSED_V4_RANGES.some((range) => value >= range.first && value < range.first + range.size);
}

function isPublicV6(groups: readonly number[]): boolean {
  const [first = 0, second = 0] = groups;
  const isHandedOut = first >= 0x2000 && first <= 0x3fff;
  return isHandedOut && !CLOSED_V6.some(([group, from, to]) => first === group && second >= from && second <= to);
}

/**
 * The IPv4 address that an IPv6 address leads to: mapped (::ffff:0:0/96), compatible (::/96), translated
 * (::ffff:0:0:0/96), NAT64 (64:ff9b::/96) or 6to4 (2002::/16).
 */
function embeddedV4(groups: readonly number[]): number | undefined {
  const head = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':');
  const isTail = ['0:0:0:0:0:ffff', '0:0:0:0:0:0', '0:0:0:0:ffff:0', '64:ff9b:0:0:0:0'].includes(head);
  if (isTail) return (groups[6] ?? 0) * 0x10000 + (groups[7] ?? 0);
  return groups[0] === 0x2002 ? (groups[1] ?? 0) * 0x10000 + (groups[2] ?? 0) : undefined;
}

function valueOfV4(address: string): number {
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

/** The eight groups of an address that `isIPv6` has accepted. */
function groupsOfV6(address: string): number[] {
  const [left = '', right] = address.split('::');
  const head = groupsOf(left);
  if (right === undefined) return head;
  const tail = groupsOf(right);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const value = valueOfV4(group);
    return [Math.floor(value / 0x10000), value % 0x10000];
  });
}
