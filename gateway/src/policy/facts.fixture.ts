/** Facts of any request, for properties: texts from the values that a fact has, small counts so that rules meet them often. */
import fc from 'fast-check';
import { NO_FACTS } from './expression.ts';
import type { Fact, RuleFacts } from './vocabulary.ts';
import { FACTS } from './vocabulary.ts';

const COUNT_MAX = 12;

export const anyFacts: fc.Arbitrary<RuleFacts> = fc
  .record(Object.fromEntries(Object.entries(FACTS).map(([name, fact]) => [name, anyValue(fact)])))
  .map((values) => ({ ...NO_FACTS, ...values }));

function anyValue({ type, values }: Fact): fc.Arbitrary<unknown> {
  const text = values === undefined ? fc.constantFrom('', 'a', 'b', 'c') : fc.constantFrom('', ...values.slice(0, 6));
  if (type === 'bool') return fc.boolean();
  if (type === 'int') return fc.nat(COUNT_MAX);
  if (type === 'double') return fc.integer({ min: 0, max: COUNT_MAX }).map((part) => part / COUNT_MAX);
  return type === 'list' ? fc.array(text, { maxLength: 4 }) : text;
}
