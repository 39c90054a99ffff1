import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseChaos } from './chaos.ts';
import { parseSteps } from './step.ts';

describe('the chaos header', () => {
  const good: readonly (readonly [string, unknown])[] = [
    ['cut@12', { cut_at: 12 }],
    ['reset@head:40', { reset_at: { head: 40 } }],
    ['stall@event:3', { stall_at: { event: 3 } }],
    ['end@0', { end_at: 0 }],
    ['delay=500', { delay_ms: 500 }],
    ['slow=10ms', { chunk_delay_ms: 10 }],
    ['bytes=1', { bytes_each: 1 }],
    ['status=429;retry-after=1', { status: 429, headers: { 'retry-after': '1' } }],
    ['retry-after=Wed, 21 Oct 2026 07:28:00 GMT', { headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' } }],
    ['garbage', { not_http: true }],
    ['close', { close_before_reply: true }],
    ['silence', { never_reply: true }],
    ['unfinished', { framing: 'unfinished' }],
    [' bytes=1 ; slow=10ms ; cut@100 ', { bytes_each: 1, chunk_delay_ms: 10, cut_at: 100 }],
  ];
  for (const [text, effects] of good) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const read = parseChaos(text);
      assert.deepEqual(read, { ok: true, value: effects });
      // Whatever the header can say, a script can say too.
      assert.equal(parseSteps([read.ok ? read.value : undefined]).ok, true);
    });
  }

  const bad = [
    '',
    ';',
    'cut',
    'cut@',
    'cut@-1',
    'cut@x',
    'cut@tail:1',
    'burn@1',
    'end@head:1',
    'delay',
    'delay=',
    'delay=1s',
    'delay=-5',
    'slow=',
    'bytes=0',
  ];
  const worse = [
    'status=42',
    'status=600',
    'status=ok',
    'garbage=1',
    'retry-after',
    'cut@1;reset@2',
    'delay=1;delay=2',
    'Cut@1',
    'cut@1,delay=1',
    'constructor',
    '__proto__=1',
    'x'.repeat(2_000),
  ];
  for (const text of [...bad, ...worse]) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      const read = parseChaos(text);
      assert.equal(read.ok, false);
      assert.match(read.ok ? '' : read.error, /^x-turnout-chaos: /);
    });
  }
});
