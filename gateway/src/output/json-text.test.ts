import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonText } from './json-text.ts';

function taken(text: string, isBracketed: boolean, edges: readonly number[] = []): string {
  const machine = jsonText(isBracketed);
  const places = [0, ...edges.toSorted((a, b) => a - b), text.length];
  return `${places
    .slice(1)
    .map((to, index) => machine.push(text.slice(places[index], to)))
    .join('')}${machine.end()}`;
}

const DOCUMENT = '{"a": "}\\"{", "b": [{"c": "]"}]}';

describe('the JSON in a text', () => {
  it('is found without the words and fences around it', () => {
    for (const [text, isBracketed, expected] of [
      [DOCUMENT, true, DOCUMENT],
      [`\`\`\`json\n${DOCUMENT}\n\`\`\``, true, DOCUMENT],
      [`Sure! Here it is:\n\n\`\`\`\n${DOCUMENT}\n\`\`\`\nAnything else?`, true, DOCUMENT],
      [`Here: [1, [2]] and more [3]`, true, '[1, [2]]'],
      ['```json\n"yes"\n```', false, '"yes"'],
      [' 42 ', false, '42'],
      // For the check to say that it is no object.
      ['So: [{"a":1}]', true, '[{"a":1}]'],
      ['I cannot do that.', true, 'I cannot do that.'],
      ['{"a": 1', true, '{"a": 1'],
    ] as const)
      assert.equal(taken(text, isBracketed), expected);
  });

  it('goes on as soon as it begins', () => {
    const machine = jsonText(true);
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
        assert.equal(taken(around, true, edges), `{"v":${json}}`);
      }),
    );
  });
});
