/** What the requests of all protocols are made of. */
import type { EncodeTarget } from '../../src/dialects/dialect.ts';
import type { JsonRecord } from '../../src/lib/json.ts';
import { models, type ProviderWire, type Wire } from './wires.ts';

export interface RequestCase {
  readonly from: Wire;
  /** What is special about it. */
  readonly says: string;
  readonly body: JsonRecord;
  /** Where it goes beside `DEFAULT_MODEL`: models that take less than others. */
  readonly at?: Partial<Readonly<Record<ProviderWire, readonly EncodeTarget[]>>>;
}

export const HI = { role: 'user', content: 'hi' } as const;
export const PNG = 'iVBORw0KGgo=';
export const CITY = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
export const AGE = {
  type: 'object',
  properties: { age: { type: 'integer', minimum: 0 } },
  required: ['age'],
  additionalProperties: false,
};
/** A signature of a protocol that none of these can read. */
export const FOREIGN_SIGNATURE = 'turnout:cohere:c2ln';
/** One of OpenAI's models that takes less than others. */
export const OPENAI_SMALL = { 'openai-chat': models('gpt-5-nano') };

/** Objects of no further interest under these names. */
export function fields(...names: readonly string[]): JsonRecord {
  return Object.fromEntries(names.map((name) => [name, { a: 'b' }]));
}

/** Makes requests of a protocol that are good in all but what they are about. */
export function requestsFrom(
  from: Wire,
  good: JsonRecord,
): (says: string, body: JsonRecord, at?: RequestCase['at']) => RequestCase {
  return (says, body, at) => ({ from, says, body: { ...good, ...body }, ...(at === undefined ? {} : { at }) });
}
