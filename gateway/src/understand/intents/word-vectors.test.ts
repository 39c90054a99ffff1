import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseWordVectors } from './word-vectors.ts';

const bytes = readFileSync(new URL('./word-vectors.bin', import.meta.url));
const vectors = parseWordVectors(bytes);
assert.ok(vectors !== undefined);

function nearness(a: string, b: string): number {
  const [one, other] = [a, b].map((text) => vectors?.sum(text.split(' ')) ?? new Float32Array());
  const dot = (x: Float32Array = new Float32Array(), y: Float32Array = new Float32Array()): number =>
    x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}

describe('the word vectors', () => {
  it('hold words that mean the same nearer than others', () => {
    assert.ok(nearness('doctor', 'physician') > nearness('doctor', 'guitar'));
    assert.ok(nearness('car', 'vehicle') > nearness('car', 'poem'));
    assert.ok(nearness('buy a ticket', 'purchase tickets') > nearness('buy a ticket', 'bake some bread'));
  });

  it('take a word that is no piece apart', () => {
    assert.ok(vectors.sum(['unforgettableness']).some((value) => value !== 0));
    assert.ok(vectors.sum(['語', '']).every((value) => value === 0));
  });

  it('are refused where the file is cut, or another one', () => {
    fc.assert(fc.property(fc.nat(bytes.length - 1), (size) => parseWordVectors(bytes.subarray(0, size)) === undefined));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (other) => parseWordVectors(other) === undefined));
    assert.equal(parseWordVectors(Buffer.concat([Buffer.from('TWV2'), bytes.subarray(4)])), undefined);
  });
});
