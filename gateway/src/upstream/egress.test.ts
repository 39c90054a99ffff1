import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isPublicAddress, literalAddress } from './egress.ts';

function words(...lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' '));
}

const CLOSED = words(
  '0.0.0.0 10.0.0.5 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254',
  '168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1',
  '224.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::ffff:7f00:1 ::10.0.0.1',
  '::ffff:0:169.254.169.254 64:ff9b::10.0.0.1 64:ff9b:1::1 2002:a00:1:: 2001::1 2001:db8::1 3fff::1',
  'fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 100::1',
);
const OPEN = words(
  '1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 168.63.129.17',
  '223.255.255.255 2606:4700::1111 2a00:1450:4001:82a::200e 2001:4860:4860::8888 ::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8 2002:808:808::1',
);

describe('isPublicAddress', () => {
  it('knows what is not the public internet, also inside IPv6', () => {
    for (const address of CLOSED) assert.equal(isPublicAddress(address), false, address);
    for (const address of OPEN) assert.equal(isPublicAddress(address), true, address);
    for (const text of ['', 'localhost', 'example.com', '1.2.3', '0x7f.1', '2130706433', '[::1]'])
      assert.equal(isPublicAddress(text), false, text);
  });

  it('says the same of an IPv4 address and of the IPv6 forms that hold it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = [a * 256 + b, c * 256 + d].map((group) => group.toString(16)).join(':');
        for (const form of [`::ffff:${address}`, `0:0:0:0:0:FFFF:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
          assert.equal(isPublicAddress(form), isPublicAddress(address), form);
        }
      }),
    );
  });

  it('says the same however an IPv6 address is written', () => {
    const group = fc.oneof(
      fc.constantFrom(0, 0xffff, 0x64, 0xff9b, 0x2001, 0x2002, 0xdb8, 0xfe80, 0xfd00, 0x2606, 0xa00),
      fc.nat(0xffff),
    );
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((one) => one.toString(16).padStart(4, '0')).join(':');
        const short = new URL(`http://[${full}]/`).hostname.slice(1, -1);
        const tail = groups.slice(6).flatMap((one) => [one >> 8, one & 0xff]);
        const dotted = `${full.split(':').slice(0, 6).join(':')}:${tail.join('.')}`;
        for (const form of [short, full.toUpperCase(), dotted])
          assert.equal(isPublicAddress(form), isPublicAddress(full), form);
      }),
    );
  });

  it('opens nothing that a list of closed IPv6 blocks holds', () => {
    const closed = new BlockList();
    for (const [network, length] of [
      ['fc00::', 7],
      ['fe80::', 10],
      ['fec0::', 10],
      ['ff00::', 8],
      ['2001:db8::', 32],
      ['100::', 64],
    ] as const) {
      closed.addSubnet(network, length, 'ipv6');
    }
    const start = fc.constantFrom('fc', 'fd', 'fe', 'ff', '20010db8', '0100000000000000');
    fc.assert(
      fc.property(
        start,
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 32, maxLength: 32 }),
        (head, rest) => {
          const address = (head + rest).slice(0, 32).replace(/(.{4})(?=.)/g, '$1:');
          if (closed.check(address, 'ipv6')) assert.equal(isPublicAddress(address), false, address);
        },
      ),
    );
  });
});

describe('literalAddress', () => {
  it('takes what the URL parser has made of odd spellings', () => {
    const cases: readonly [string, string | undefined][] = [
      ['http://0x7f.1/', '127.0.0.1'],
      ['http://2130706433/', '127.0.0.1'],
      ['http://0177.0.0.1/', '127.0.0.1'],
      ['http://[::ffff:10.0.0.1]/', '::ffff:a00:1'],
      ['http://0.0.0.0/', '0.0.0.0'],
      ['http://①②⑦.0.0.1/', '127.0.0.1'],
      ['http://example.com/', undefined],
    ];
    for (const [url, address] of cases) assert.equal(literalAddress(new URL(url).hostname), address, url);
  });
});
