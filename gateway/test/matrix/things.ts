/** What is said in every cell, so that it can be found again on the other side; and the readers for it. */
import { isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import type { ScriptedReply } from '../../src/simulator/synthetic/compose.ts';
import type { Heard, ScriptedAnswer } from './kinds.ts';

export const SYSTEM = 'Answer in one sentence.';
export const PROMPT = 'What is the weather in Rome?';
export const ANSWER = 'It is sunny in Rome, at 21 degrees, and the evening will be warm.';
export const THOUGHT = 'The city is Rome, so I ask for its weather.';
/** Base64 of nothing that anyone reads. */
export const SIGNATURE = 'RXJzaWduZWRieXRoZXByb3ZpZGVyMDEyMzQ1Njc4OUFCQ0RFRg==';
export const SOURCE = 'https://weather.example/rome';
export const REFUSAL = 'I cannot help with that.';
export const RESULT = '21 degrees and sunny';
export const LIMIT = 500;
/** A picture of one red point, and the beginning of a PDF document. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
export const PDF = Buffer.from(
  '%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF',
).toString('base64');
export const DOCUMENT_TEXT = 'Rome had 21 degrees on Monday.';

export const CITY = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Name of the city' } },
  required: ['city'],
  additionalProperties: false,
} as const satisfies JsonRecord;
export const REPORT = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
} as const satisfies JsonRecord;
export const TOOLS = [
  { name: 'get_weather', description: 'The weather of a city.', schema: CITY },
  { name: 'get_time', description: 'The time in a city.', schema: CITY },
] as const;
export const ARGUMENTS = { city: 'Rome' };
/** In a history that the client brings along. */
export const CALL_ID = 'call_abc123';
export const REPORTED = '{"city":"Rome","degrees":21}';
export const TOKENS = [40, 12] as const;
const USAGE = { input_tokens: TOKENS[0], output_tokens: TOKENS[1] };

function scripted(reply: ScriptedReply): ScriptedAnswer {
  const content = { reply: { usage: USAGE, ...reply } };
  return { whole: content, stream: content };
}

/** Replies that every wire has, written by the simulator in the wire's own form. */
export const COMMON_REPLIES: Readonly<Record<'text' | 'call' | 'calls' | 'json' | 'length', ScriptedAnswer>> = {
  text: scripted({ text: ANSWER }),
  call: scripted({ text: '', tool_calls: [{ name: 'get_weather', arguments: ARGUMENTS }] }),
  calls: scripted({ text: '', tool_calls: TOOLS.map(({ name }) => ({ name, arguments: ARGUMENTS })) }),
  json: scripted({ text: REPORTED }),
  length: scripted({ text: ANSWER, finish: 'length' }),
};

/** A reply of a wire's own, whole and as its events. */
export function answer(json: JsonRecord, events: readonly (JsonRecord | string)[]): ScriptedAnswer {
  return { whole: { json }, stream: { stream: events } };
}

/** Everything in a body that `pick` finds something in, in order. */
export function found<T>(value: Json | undefined, pick: (record: JsonRecord) => T | undefined): readonly T[] {
  if (isArray(value)) return value.flatMap((item) => found(item, pick));
  if (!isRecord(value)) return [];
  const own = pick(value);
  return own !== undefined ? [own] : Object.values(value).flatMap((item) => found(item, pick));
}

/** Data behind `data:…;base64,`; undefined where it is none. */
export function dataOf(url: unknown): string | undefined {
  return typeof url === 'string' && url.startsWith('data:') ? url.slice(url.indexOf(',') + 1) : undefined;
}

/** Two halves of a text, so that it comes in more than one piece. */
export function halves(text: string): readonly [string, string] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

/** What a wire hears that knows nothing but texts. */
export function heardOnly(...texts: readonly unknown[]): Heard {
  return {
    texts: texts.map((text) => (typeof text === 'string' ? text : '')),
    tools: [],
    calls: [],
    results: [],
    images: [],
    documents: [],
    schema: undefined,
    wantsThought: false,
    thoughts: [],
    signatures: [],
  };
}
