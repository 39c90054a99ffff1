import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lineSplitter } from './lines.ts';

const WIRE = Buffer.from('{"a":1}\n\n{"b":"ü"}\r\n{"c":3}');

function textOf(lines: readonly Buffer[]): readonly string[] {
  return lines.map((line) => line.toString('utf8'));
}

describe('lines', () => {
  it('come out the same wherever the network cuts the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(WIRE.length)), (cuts) => {
        const splitter = lineSplitter(64);
        const edges = [0, ...cuts.toSorted((a, b) => a - b), WIRE.length];
        const lines = edges.slice(1).flatMap((to, at) => splitter.push(WIRE.subarray(edges[at], to)));
        assert.deepEqual(textOf([...lines, ...splitter.end()]), ['{"a":1}', '{"b":"ü"}', '{"c":3}']);
      }),
    );
  });

  it('stay as they are while later bytes come', () => {
    const splitter = lineSplitter(64);
    splitter.push(Buffer.from('on'));
    const [first] = splitter.push(Buffer.from('e\n'));
    splitter.push(Buffer.from('two'));
    assert.equal(first?.toString(), 'one');
  });

  it('end the stream where one of them is too long, whole or in pieces', () => {
    for (const pieces of [['123456789\nnext\n'], ['12345', '6789'], ['12345', '6789\nnext\n']]) {
      const splitter = lineSplitter(8);
      const lines = pieces.flatMap((piece) => splitter.push(Buffer.from(piece)));
      assert.deepEqual([...textOf(lines), splitter.isTooBig(), ...textOf(splitter.end())], [true], pieces.join('|'));
      assert.deepEqual(splitter.push(Buffer.from('more\n')), []);
    }
  });
});
