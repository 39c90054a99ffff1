import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { cutStream, encodeEvents } from './wire-events.ts';

function text(wire: string, events: Parameters<typeof encodeEvents>[1]): string[] {
  return encodeEvents(wire, events).map((piece) => piece.bytes.toString());
}

describe('events on their wire', () => {
  it('of OpenAI end with [DONE]', () => {
    assert.deepEqual(text('openai-chat', [{ a: 1 }]), ['data: {"a":1}\n\n', 'data: [DONE]\n\n']);
  });
  it('of Anthropic have the name of their type', () => {
    assert.deepEqual(text('anthropic-messages', [{ type: 'ping' }]), ['event: ping\ndata: {"type":"ping"}\n\n']);
  });
  it('of Gemini are data alone', () => {
    assert.deepEqual(text('gemini-generate', [{ a: 1 }]), ['data: {"a":1}\n\n']);
  });
  it('of Ollama are lines', () => {
    assert.deepEqual(text('ollama-chat', [{ a: 1 }, { b: 2 }]), ['{"a":1}\n', '{"b":2}\n']);
  });

  it('of Bedrock are frames with right lengths and checksums', () => {
    const [piece] = encodeEvents('bedrock-converse', [{ contentBlockDelta: { delta: { text: 'é' } } }]);
    const frame = piece?.bytes ?? Buffer.alloc(0);
    const headersLength = frame.readUInt32BE(4);
    assert.equal(frame.readUInt32BE(0), frame.length);
    assert.equal(frame.readUInt32BE(8), crc32(frame.subarray(0, 8)));
    assert.equal(frame.readUInt32BE(frame.length - 4), crc32(frame.subarray(0, -4)));
    const headers = frame.subarray(12, 12 + headersLength).toString('latin1');
    assert.ok(headers.includes(`:event-type${String.fromCharCode(7, 0, 17)}contentBlockDelta`));
    assert.equal(frame.subarray(12 + headersLength, -4).toString(), '{"delta":{"text":"é"}}');
  });

  it('of InvokeModel are wrapped as base64', () => {
    const [piece] = encodeEvents('bedrock-invoke-anthropic', [{ type: 'ping' }]);
    const payload = /\{"bytes":"([^"]+)"\}/.exec(piece?.bytes.toString('latin1') ?? '')?.[1] ?? '';
    assert.equal(Buffer.from(payload, 'base64').toString(), '{"type":"ping"}');
  });
});

describe('recorded streams', () => {
  it('are cut into events without losing a byte', () => {
    const parts = fc.array(fc.constantFrom('data: a\n\n', 'data: b\r\n\r\n', ': c\n', '\n', 'x', '{"a":1}\n'));
    fc.assert(
      fc.property(parts, fc.constantFrom('openai-chat', 'ollama-chat', 'bedrock-converse'), (texts, wire) => {
        const bytes = Buffer.from(texts.join(''));
        const pieces = cutStream(wire, bytes).map((piece) => piece.bytes);
        assert.deepEqual(Buffer.concat(pieces), bytes);
        assert.ok(pieces.every((piece) => piece.length > 0));
      }),
    );
  });

  it('have a piece for each event', () => {
    assert.equal(cutStream('openai-chat', Buffer.from('data: a\n\ndata: b\n\ndata: [DONE]\n\n')).length, 3);
    assert.equal(cutStream('gemini-generate', Buffer.from('data: a\r\n\r\ndata: b\r\n\r\n')).length, 2);
    const frames = encodeEvents('bedrock-converse', [{ a: {} }, { b: {} }, { c: {} }]).map((piece) => piece.bytes);
    assert.deepEqual(
      cutStream('bedrock-converse', Buffer.concat(frames)).map((piece) => piece.bytes),
      frames,
    );
  });
});
