import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { elementCutter } from './json-elements.ts';

const LIMITS = { elementMaxBytes: 10_000, skeletonMaxBytes: 10_000 };

function cut(text: string, edges: readonly number[] = []): { elements: readonly string[]; skeleton: string } {
  const cutter = elementCutter('requests', LIMITS);
  const bytes = Buffer.from(text);
  const places = [0, ...edges.map((edge) => edge % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  const elements = places.slice(1).flatMap((to, index) => cutter.push(bytes.subarray(places[index], to)));
  return { elements: elements.map(String), skeleton: cutter.skeleton().toString() };
}

describe('objects of an array, cut out while they arrive', () => {
  it('are what a parser would have found, wherever the network cuts the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.dictionary(
          fc.string().filter((key) => key !== 'requests'),
          fc.jsonValue(),
          { maxKeys: 3 },
        ),
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.constantFrom(undefined, 1, '\t'),
        (requests, others, edges, space) => {
          const whole = { ...others, requests };
          const { elements, skeleton } = cut(JSON.stringify(whole, undefined, space), edges);
          const again: { requests: unknown[] } = JSON.parse(skeleton);
          assert.deepEqual(
            elements.map((text) => JSON.parse(text)),
            JSON.parse(JSON.stringify(requests)),
          );
          assert.deepEqual(
            again.requests,
            requests.map(() => ({})),
          );
          for (const element of elements) assert.doesNotMatch(element, /[\r\n]/);
        },
      ),
    );
  });

  it('are looked for under their key alone, and at the top alone', () => {
    const text =
      '{"other":[{"a":1}],"deep":{"requests":[{"b":1}]},"s":"\\"requests\\":[{","requests" : [{"c":[{"d":2}]}, 7]}';
    const { elements, skeleton } = cut(text);
    assert.deepEqual(elements, ['{"c":[{"d":2}]}']);
    assert.match(skeleton, /"requests" : \[\{\}, 7\]\}$/);
  });

  it('stop coming where one of them, or all else, is too long', () => {
    const long = elementCutter('requests', { elementMaxBytes: 20, skeletonMaxBytes: 1000 });
    assert.deepEqual(long.push(Buffer.from(`{"requests":[{"a":"${'x'.repeat(30)}"}]}`)), []);
    assert.equal(long.excess(), 'element');
    const wide = elementCutter('requests', { elementMaxBytes: 20, skeletonMaxBytes: 20 });
    wide.push(Buffer.from(`{"x":"${'x'.repeat(30)}"`));
    assert.equal(wide.excess(), 'skeleton');
  });
});
