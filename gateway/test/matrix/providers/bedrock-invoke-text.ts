/** Bedrock's InvokeModel with a model that takes a prompt and gives a text: Llama. It knows nothing else. */
import { converseFrame } from '../../../src/simulator/wire-events.ts';
import type { Provider, ScriptedAnswer } from '../kinds.ts';
import { ANSWER, answer, halves, heardOnly, REPORTED } from '../things.ts';

function reply(text: string, stop_reason: string): ScriptedAnswer {
  const counts = { prompt_token_count: 40, generation_token_count: 12 };
  return answer({ generation: text, ...counts, stop_reason }, [
    ...halves(text).map((generation) => ({ generation, stop_reason: null })),
    { generation: '', ...counts, stop_reason },
  ]);
}

export const bedrockInvokeText: Provider = {
  dialect: 'bedrock-invoke',
  id: 'bedrock-invoke-text',
  title: 'Bedrock InvokeModel, Llama',
  model: 'meta.llama3-70b-instruct-v1:0',
  base: '',
  beside: [],
  replies: {
    text: reply(ANSWER, 'stop'),
    length: reply(ANSWER, 'length'),
    json: reply(REPORTED, 'stop'),
    // It calls no tools and thinks nothing: it answers in words.
    call: reply(ANSWER, 'stop'),
    calls: reply(ANSWER, 'stop'),
    thought: reply(ANSWER, 'stop'),
  },
  broken: {
    stream: [
      { generation: ANSWER, stop_reason: null },
      {
        $base64: converseFrame({ modelStreamErrorException: { message: 'The model crashed.' } }).toString('base64'),
      },
    ],
  },
  hear: (body) => heardOnly(body['prompt']),
};
