import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sigv4Headers, type SigningRequest } from './sigv4.ts';

/** The key, time and host of AWS's published test suite; the secret is no secret. */
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const AT_MS = Date.UTC(2015, 7, 30, 12, 36, 0);
const SCOPE = { keys: KEYS, region: 'us-east-1', service: 'service', atMs: AT_MS };
const HOST = 'example.amazonaws.com';
/** Of the suite's page on temporary credentials. */
const SESSION_TOKEN =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';

function request(over: Partial<SigningRequest> = {}): SigningRequest {
  return { method: 'GET', host: HOST, target: '/', headers: {}, body: undefined, ...over };
}

function signature(of: SigningRequest, scope = SCOPE): string {
  return /Signature=([0-9a-f]{64})$/.exec(sigv4Headers(of, scope)['authorization'] ?? '')?.[1] ?? '';
}

describe('Signature Version 4', () => {
  const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const suite: readonly (readonly [string, Partial<SigningRequest>, string])[] = [
    ['a plain GET', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['a plain POST', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'a query out of order',
      { target: '/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'a query of unreserved characters',
      { target: `/?${unreserved}=${unreserved}` },
      '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    ],
    ['a path beyond ASCII', { target: '/ሴ' }, '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
    [
      'a path with a space',
      { target: '/example space/' },
      '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
    ],
    ['a path to normalise', { target: '/./' }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'headers to trim',
      { headers: { 'my-header2': ' "a   b   c"', 'my-header1': ' value1' } },
      'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    ],
    [
      'a body',
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'Param1=value1',
      },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ];
  for (const [name, over, expected] of suite)
    it(`gives what AWS published for ${name}`, () => {
      assert.equal(signature(request(over)), expected);
    });

  it('signs the session token, and sends it', () => {
    const scope = { ...SCOPE, keys: { ...KEYS, sessionToken: SESSION_TOKEN } };
    const of = request({ method: 'POST' });
    assert.equal(signature(of, scope), '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead');
    assert.equal(sigv4Headers(of, scope)['x-amz-security-token'], SESSION_TOKEN);
  });

  it('gives the header of the worked example in the documentation', () => {
    const of = request({
      host: 'iam.amazonaws.com',
      target: '/?Action=ListUsers&Version=2010-05-08',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    });
    assert.deepEqual(sigv4Headers(of, { ...SCOPE, service: 'iam' }), {
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    });
  });

  it('encodes what is encoded on the wire a second time', () => {
    const sent = signature(request({ target: '/model/amazon.nova%3A0/converse' }));
    const twice = signature(request({ target: '/model/amazon.nova%253A0/converse' }));
    const plain = signature(request({ target: '/model/amazon.nova:0/converse' }));
    assert.equal(new Set([sent, twice, plain]).size, 3);
  });

  it('covers method, host, path, query, headers, body, time, region and service', () => {
    const base = request({ target: '/a?b=c', headers: { 'content-type': 'a/b' }, body: 'x', method: 'POST' });
    const all = [
      signature(base),
      signature({ ...base, method: 'PUT' }),
      signature({ ...base, host: 'other.amazonaws.com' }),
      signature({ ...base, target: '/a/?b=c' }),
      signature({ ...base, target: '/a?b=d' }),
      signature({ ...base, headers: { 'content-type': 'a/c' } }),
      signature({ ...base, body: Buffer.from('y') }),
      signature(base, { ...SCOPE, atMs: AT_MS + 1000 }),
      signature(base, { ...SCOPE, region: 'eu-west-1' }),
      signature(base, { ...SCOPE, service: 'bedrock' }),
    ];
    assert.equal(new Set(all).size, all.length);
  });
});
