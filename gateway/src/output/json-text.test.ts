import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonText, type Opening } from './json-text.ts';

function taken(text: string, opening: Opening, edges: readonly number[] = []): string {
  const machine = jsonText(opening);
  const places = [0, ...edges.toSorted((a, b) => a - b), text.length];
  return `${places
    .slice(1)
    .map((to, index) => machine.push(text.slice(places[index], to)))
    .join('')}${machine.end()}`;
}

const DOCUMENT = '{"a": "}\\"{", "b": [{"c": "]"}]}';

describe('the JSON in a text', () => {
  it('is found without the words and fences around it', () => {
    for (const [text, opening, expected] of [
      [DOCUMENT, 'object', DOCUMENT],
      [`\`\`\`json\n${DOCUMENT}\n\`\`\``, 'object', DOCUMENT],
      [`Sure! Here it is:\n\n\`\`\`\n${DOCUMENT}\n\`\`\`\nAnything else?`, 'object', DOCUMENT],
      [`Here: [1, [2]] and more [3]`, 'array', '[1, [2]]'],
      ['```json\n"yes"\n```', 'any', '"yes"'],
      [' 42 ', 'any', '42'],
      ['I cannot do that.', 'object', 'I cannot do that.'],
      ['{"a": 1', 'object', '{"a": 1'],
    ] as const)
      assert.equal(taken(text, opening), expected);
  });

  it('goes on as soon as it begins', () => {
    const machine = jsonText('object');
    assert.equal(machine.push('```json\n'), '');
    assert.equal(machine.push('{"a": '), '{"a": ');
    assert.equal(machine.push('1}\n```'), '1}');
    assert.equal(machine.push('{"b": 2}'), '');
    assert.equal(machine.end(), '');
  });

  it('is the same however the text comes', () => {
    const text = `Here is {it}? No: ${DOCUMENT}`;
    fc.assert(
      fc.property(fc.json(), fc.array(fc.nat(80)), (json, edges) => {
        const around = `So:\n\`\`\`json\n{"v":${json}}\n\`\`\` ${text}`;
        assert.equal(taken(around, 'object', edges), `{"v":${json}}`);
      }),
    );
  });
});
