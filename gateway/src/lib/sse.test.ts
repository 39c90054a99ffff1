import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatSse, sseSplitter, type SseEvent } from './sse.ts';

function read(text: string | Buffer, cuts: readonly number[] = []): { name: string; data: string }[] {
  const bytes = Buffer.from(text);
  const splitter = sseSplitter();
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  const events: SseEvent[] = edges.slice(1).flatMap((to, i) => [...splitter.push(bytes.subarray(edges[i], to))]);
  events.push(...splitter.end());
  return events.filter((event) => !event.isComment).map((event) => ({ name: event.name, data: event.data.toString() }));
}

const WIRE =
  '\ufeff: hello\n\ndata: {"a":"é"}\n\nevent: x\ndata:1\ndata: 2\r\n\r\ndata: tail\r\rid: 7\n\nretry: 3\ndata: [DONE]\n\n';
const EXPECTED = [
  { name: '', data: '{"a":"é"}' },
  { name: 'x', data: '1\n2' },
  { name: '', data: 'tail' },
  { name: '', data: '[DONE]' },
];

describe('sseSplitter', () => {
  it('reads the same events wherever the network cuts the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(Buffer.byteLength(WIRE))), (cuts) => {
        const events = read(WIRE, cuts).filter((event) => event.data !== '');
        assert.deepEqual(events, EXPECTED);
      }),
    );
  });

  it('reads the same events one byte at a time', () => {
    const cuts = Array.from({ length: Buffer.byteLength(WIRE) }, (_, i) => i);
    assert.deepEqual(
      read(WIRE, cuts).filter((event) => event.data !== ''),
      EXPECTED,
    );
  });

  it('keeps buffers of earlier events untouched by later bytes', () => {
    const splitter = sseSplitter();
    splitter.push(Buffer.from('data: fi'));
    const [first] = splitter.push(Buffer.from('rst\n\ndata: se'));
    splitter.push(Buffer.from('cond\n\ndata: third, and longer than all before it'));
    assert.equal(first?.data.toString(), 'first');
    assert.equal(first?.raw.toString(), 'data: first\n\n');
  });

  it('gives a last event whose blank line is missing, and nothing of one that was cut', () => {
    assert.deepEqual(read('data: {"a":1}'), [{ name: '', data: '{"a":1}' }]);
    assert.deepEqual(read('data: [DONE]\n'), [{ name: '', data: '[DONE]' }]);
    assert.deepEqual(read('data: {"a":'), []);
    assert.deepEqual(read('data: half a wor'), []);
  });

  it('says which blocks are in plain form', () => {
    const plain = sseSplitter().push(Buffer.from('event: a\ndata: 1\n\ndata:2\n\ndata: 3\ndata: 4\n\n: c\n\n'));
    assert.deepEqual(
      plain.map((event) => event.isPlain),
      [true, false, false, false],
    );
  });

  it('stops at the size limit', () => {
    const splitter = sseSplitter(100);
    assert.deepEqual(splitter.push(Buffer.from(`data: ${'x'.repeat(200)}`)), []);
    assert.equal(splitter.isTooBig(), true);
    assert.deepEqual(splitter.push(Buffer.from('\n\n')), []);
  });

  it('is read back from what formatSse writes', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 'message_start'), (data, name) => {
        assert.deepEqual(read(formatSse(data, name)), [{ name: name ?? '', data }]);
      }),
    );
  });
});
