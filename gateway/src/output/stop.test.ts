import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cutter } from './stop.ts';

function cutIn(text: string, stops: readonly string[], edges: readonly number[] = []): string {
  const machine = cutter(stops);
  const places = [0, ...edges.toSorted((a, b) => a - b), text.length];
  const given = places.slice(1).map((to, index) => machine.push(text.slice(places[index], to)));
  return `${given.join('')}${machine.end()}|${machine.cutAt() ?? ''}`;
}

describe('a text with stop sequences', () => {
  it('ends before the first of them', () => {
    for (const [text, stops, expected] of [
      ['one END two', ['END'], 'one |END'],
      ['one two', ['END'], 'one two|'],
      ['one EN', ['END'], 'one EN|'],
      ['abcd', ['cd', 'bc'], 'a|bc'],
      ['aab', ['ab', 'aab'], '|aab'],
      ['x', [''], 'x|'],
    ] as const)
      assert.equal(cutIn(text, stops), expected);
  });

  it('hands on what no sequence can begin with, and keeps back the rest', () => {
    const machine = cutter(['\n\nHuman:']);
    assert.equal(machine.push('Hello.\n'), 'Hello.');
    assert.equal(machine.push('\nHu'), '');
    assert.equal(machine.push('ge.'), '\n\nHuge.');
  });

  it('is the same however it is cut into pieces, and holds no sequence', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 24 });
    const sequence = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(letters, fc.array(sequence, { maxLength: 3 }), fc.array(fc.nat(24)), (text, stops, edges) => {
        const places = edges.map((edge) => Math.min(edge, text.length));
        const whole = cutIn(text, stops);
        assert.equal(cutIn(text, stops, places), whole);
        const [given = ''] = whole.split('|');
        assert.ok(stops.every((stop) => !given.includes(stop)));
        assert.ok(text.startsWith(given));
      }),
      { numRuns: 2000 },
    );
  });
});
