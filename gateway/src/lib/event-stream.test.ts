import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { crc32 } from './crc32.ts';
import { encodeMessage, messageSplitter, type HeaderValue, type StreamMessage } from './event-stream.ts';

const value: fc.Arbitrary<HeaderValue> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.boolean(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
);
const message = fc.record({
  headers: fc
    .array(fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), value), { maxLength: 5 })
    .map((all) => new Map(all)),
  payload: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
});
const stream = fc.array(message, { minLength: 1, maxLength: 5 });
type Message = Pick<StreamMessage, 'headers' | 'payload'>;

function written(messages: readonly Message[]): Buffer {
  return Buffer.concat(messages.map(({ headers, payload }) => encodeMessage(headers, payload)));
}

function plain(messages: readonly Message[]): readonly Message[] {
  return messages.map(({ headers, payload }) => ({ headers, payload: Buffer.from(payload) }));
}

describe('messages of an event stream', () => {
  it('are read as they were written, wherever the network cuts the bytes', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400)), (messages, cuts) => {
        const bytes = written(messages);
        const splitter = messageSplitter();
        const edges = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
        const read = edges.slice(1).flatMap((to, index) => splitter.push(bytes.subarray(edges[index], to)));
        assert.deepEqual(plain(read), plain(messages));
        assert.deepEqual(Buffer.concat(read.map(({ raw }) => raw)), bytes);
        assert.equal(splitter.problem(), undefined);
      }),
    );
  });

  it('are read byte by byte', () => {
    const messages = [{ headers: new Map([[':event-type', 'a']]), payload: Buffer.from('{}') }];
    const splitter = messageSplitter();
    const read = [...written(messages)].flatMap((byte) => splitter.push(Buffer.from([byte])));
    assert.deepEqual(plain(read), messages);
  });

  it('are noticed to be damaged, whichever bit of them was changed', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(7), (one, place, bit) => {
        const bytes = written([one]);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const splitter = messageSplitter();
        assert.deepEqual(splitter.push(bytes), []);
        assert.equal(splitter.problem(), 'damaged');
        assert.deepEqual(splitter.push(written([one])), [], 'nothing is read behind damage');
      }),
    );
  });

  it('come out as far as they are whole where the stream is cut', () => {
    fc.assert(
      fc.property(stream, fc.nat(), (messages, place) => {
        const bytes = written(messages);
        const cut = place % bytes.length;
        const splitter = messageSplitter();
        const read = splitter.push(bytes.subarray(0, cut));
        assert.deepEqual(plain(read), plain(messages.slice(0, read.length)));
        assert.ok(read.length < messages.length);
        assert.equal(splitter.problem(), undefined);
      }),
    );
  });

  it('are refused beyond the limit as soon as their length is known', () => {
    const bytes = written([{ headers: new Map(), payload: Buffer.alloc(100) }]);
    const splitter = messageSplitter(100);
    assert.deepEqual(splitter.push(bytes.subarray(0, 12)), []);
    assert.equal(splitter.problem(), 'too-big');
  });

  it('never throw, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
        const splitter = messageSplitter();
        for (const chunk of chunks) splitter.push(chunk);
        const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        assert.ok(length < 12 || splitter.problem() !== undefined);
      }),
    );
  });

  it('never throw on headers that lie about their lengths, though all checksums are right', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (headers) => {
        const whole = encodeMessage(new Map(), headers);
        // The payload becomes the headers: the same bytes, another length, new checksums.
        const splitter = messageSplitter();
        const read = splitter.push(encodeRaw(headers, whole));
        assert.ok(read.length === 1 || splitter.problem() === 'damaged');
      }),
    );
  });
});

/** A message whose headers are these very bytes. */
function encodeRaw(headers: Uint8Array, like: Buffer): Buffer {
  const bytes = Buffer.from(like);
  bytes.writeUInt32BE(headers.length, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}
