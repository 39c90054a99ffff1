import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { callerAddress } from './caller-address.ts';

const isProxy = (address: string): boolean => /^(?:::ffff:)?10\./.test(address) || address === '::1';

describe('the address of a caller', () => {
  for (const [name, peer, forwarded, wanted] of [
    ['is that of the connection', '203.0.113.7', undefined, '203.0.113.7'],
    ['is not what somebody says who is no proxy of ours', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['is the one before our proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is the one before the first of our proxies', '10.0.0.1', '198.51.100.1, 10.0.0.9, 10.0.0.8', '198.51.100.1'],
    ['is never one that the caller wrote himself', '10.0.0.1', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
    ['is the proxy’s where that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['is one inside where all are proxies', '::1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
    ['has no port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['has no brackets', '10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['is known where the socket writes IPv4 as IPv6', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['may be no address, and then it is none that we know', '10.0.0.1', '198.51.100.1, unknown', 'unknown'],
    ['is not there without a connection', undefined, '198.51.100.1', undefined],
  ] as const)
    it(name, () => assert.equal(callerAddress(peer, forwarded, isProxy), wanted));

  it('is the same whatever the caller writes before what a proxy adds', () => {
    fc.assert(
      fc.property(fc.string(), (written) => {
        assert.equal(callerAddress('10.0.0.1', `${written},198.51.100.1`, isProxy), '198.51.100.1');
        assert.equal(callerAddress('203.0.113.7', written, isProxy), '203.0.113.7');
      }),
    );
  });
});
