/** Replicate: a prompt in, a prediction out that was waited for. It has no stream, and its text models know nothing else. */
import { asRecord, type JsonRecord } from '../../../src/lib/json.ts';
import type { Heard, Provider, ScriptedAnswer } from '../kinds.ts';
import { ANSWER, halves, heardOnly, LIMIT, REPORTED } from '../things.ts';

/** `most`: what the prediction repeats of the limit, which is all that tells a text that was cut. */
function reply(text: string, most: number): ScriptedAnswer {
  const json = {
    id: 'p1',
    model: 'meta/meta-llama-3-70b-instruct',
    status: 'succeeded',
    input: { max_tokens: most },
    output: halves(text),
    error: null,
    metrics: { input_token_count: 40, output_token_count: 12 },
  };
  return { whole: { json }, stream: { json } };
}

export const replicate: Provider = {
  dialect: 'replicate',
  id: 'replicate',
  title: 'Replicate',
  model: 'meta/meta-llama-3-70b-instruct',
  base: '/replicate/v1',
  beside: [],
  replies: {
    text: reply(ANSWER, LIMIT),
    length: reply(ANSWER, 12),
    json: reply(REPORTED, LIMIT),
    // It calls no tools and thinks nothing: it answers in words.
    call: reply(ANSWER, LIMIT),
    calls: reply(ANSWER, LIMIT),
    thought: reply(ANSWER, LIMIT),
  },
  // It is answered when all of it is there, or not at all.
  lacks: ['error-in-stream'],
  broken: { json: { id: 'p1', status: 'failed', output: [ANSWER], error: 'The model crashed.' } },
  hear,
};

function hear(body: JsonRecord): Heard {
  const input = asRecord(body['input']) ?? {};
  return heardOnly(input['system_prompt'], input['prompt']);
}
