/** What Cohere and Ollama say of each thing, by the thing's name: beside the other protocols in the two lists of them. */
import { asArray, asRecord, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import type { ReplyWords } from './responses-things.ts';

const SAID = [{ type: 'text', text: 'x' }];
const TOKENS = { input_tokens: 20, output_tokens: 20 };

/** A whole reply of Cohere's. */
export function cohereReply(message: JsonRecord, more: JsonRecord = {}): JsonRecord {
  return { id: 'c1', message: { role: 'assistant', content: SAID, ...message }, finish_reason: 'COMPLETE', ...more };
}

/** A whole reply of Ollama's. */
export function ollamaReply(message: JsonRecord, more: JsonRecord = {}): JsonRecord {
  const said = { role: 'assistant', content: 'x', ...message };
  return { model: 'm', created_at: '2026-01-01T00:00:00Z', message: said, done: true, done_reason: 'stop', ...more };
}

function call(fields: JsonRecord, named: JsonRecord = {}): JsonRecord {
  const made = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}', ...named }, ...fields };
  return cohereReply({ content: [], tool_calls: [made] }, { finish_reason: 'TOOL_CALL' });
}

/** A source of which nothing is known but its id. */
export const NAMELESS_SOURCE: JsonRecord = cited({});

function cited(document: JsonRecord): JsonRecord {
  const source = { type: 'document', id: 'd1', document: { id: 'd1', ...document } };
  return cohereReply({ citations: [{ start: 0, end: 1, text: 'x', sources: [source], type: 'TEXT_CONTENT' }] });
}

function used(usage: JsonRecord): JsonRecord {
  return cohereReply({}, { usage: { billed_units: TOKENS, tokens: TOKENS, ...usage } });
}

function inMessage(field: string): (body: JsonRecord) => Json | undefined {
  return (body) => asRecord(body['message'])?.[field];
}

function inUsage(group: string, field: string): (body: JsonRecord) => Json | undefined {
  return (body) => asRecord(asRecord(body['usage'])?.[group])?.[field];
}

/** The words for each thing in a reply of Cohere's, and where its clients look for it. */
export function cohereWords(mark: string, count: number): Readonly<Record<string, ReplyWords>> {
  return {
    Text: { in: cohereReply({ content: [{ type: 'text', text: mark }] }), seen: inMessage('content') },
    'Reasoning that can be read': {
      in: cohereReply({ content: [{ type: 'thinking', thinking: mark }, ...SAID] }),
      seen: inMessage('content'),
    },
    'Call of a tool: name and arguments': {
      in: call({}, { arguments: `{"city":"${mark}"}` }),
      seen: inMessage('tool_calls'),
    },
    'Call of a tool: arguments that are no object': { seen: inMessage('tool_calls') },
    'Id of a call': { in: call({ id: mark }), seen: inMessage('tool_calls') },
    'Source with a web address': { in: cited({ url: `https://a.example/${mark}` }), seen: inMessage('citations') },
    'Source without a web address': { in: cited({ snippet: mark }), seen: inMessage('citations') },
    'Words of a refusal': { seen: inMessage('content') },
    'Log probabilities': {
      in: cohereReply({}, { logprobs: [{ token_ids: [1], text: mark, logprobs: [-1] }] }),
      seen: (body) => body['logprobs'],
    },
    'Id of the reply': { in: cohereReply({}, { id: mark }), seen: (body) => body['id'] },
    'Fields of the provider’s own': { in: cohereReply({}, { of_tomorrow: mark }) },
    'Tokens: input': {
      in: used({ billed_units: { ...TOKENS, input_tokens: count }, tokens: { ...TOKENS, input_tokens: count } }),
      seen: inUsage('billed_units', 'input_tokens'),
    },
    // Cohere's own are of the tokens that it read, not of those that it bills, and count for nobody else.
    'Tokens: input read from a cache': {
      seen: (body) => asRecord(body['usage'])?.['cached_tokens'],
    },
    'Tokens: output': {
      in: used({ billed_units: { ...TOKENS, output_tokens: count }, tokens: { ...TOKENS, output_tokens: count } }),
      seen: inUsage('billed_units', 'output_tokens'),
    },
    'Tokens: output that was reasoning': { seen: inUsage('tokens', 'reasoning_tokens') },
  };
}

/** The words for each thing in a reply of Ollama's. */
export function ollamaWords(mark: string, count: number): Readonly<Record<string, JsonRecord>> {
  const named = (given: JsonRecord): JsonRecord => ({ tool_calls: [{ function: { name: 'weather', ...given } }] });
  const counts = { prompt_eval_count: 20, eval_count: 20 };
  return {
    Text: ollamaReply({ content: mark }),
    'Reasoning that can be read': ollamaReply({ thinking: mark }),
    'Call of a tool: name and arguments': ollamaReply(named({ arguments: { city: mark } })),
    'Id of a call': ollamaReply({ tool_calls: [{ id: mark, function: { name: 'weather', arguments: {} } }] }),
    'Log probabilities': ollamaReply({}, { logprobs: [{ token: mark, logprob: -1, bytes: [], top_logprobs: [] }] }),
    'The model’s name': ollamaReply({}, { model: mark }),
    'Fields of the provider’s own': ollamaReply({}, { of_tomorrow: mark }),
    'Tokens: input': ollamaReply({}, { ...counts, prompt_eval_count: count }),
    'Tokens: output': ollamaReply({}, { ...counts, eval_count: count }),
  };
}

function ask(body: JsonRecord): JsonRecord {
  return { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body };
}

function asked(...content: readonly JsonRecord[]): JsonRecord {
  return ask({ messages: [{ role: 'user', content }] });
}

function tool(named: JsonRecord): JsonRecord {
  const plain = { name: 'weather', parameters: { type: 'object', properties: {} } };
  return ask({ tools: [{ type: 'function', function: { ...plain, ...named } }] });
}

function round(named: JsonRecord, content: Json, id = 'c1'): JsonRecord {
  const made = { id, type: 'function', function: { name: 'weather', arguments: '{}', ...named } };
  return ask({
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', tool_calls: [made] },
      { role: 'tool', tool_call_id: id, content },
    ],
  });
}

/** The words for each thing in a request of Cohere's clients. */
export function cohereRequestWords(mark: string, schema: JsonRecord): Readonly<Record<string, JsonRecord>> {
  const image = (url: string): JsonRecord => ({ type: 'image_url', image_url: { url } });
  return {
    'System text': ask({
      messages: [
        { role: 'system', content: mark },
        { role: 'user', content: 'hi' },
      ],
    }),
    Text: asked({ type: 'text', text: mark }),
    'Picture as data': asked(image(`data:image/png;base64,${mark}==`)),
    'Picture by address': asked(image(`https://a.example/${mark}.png`)),
    'Document as text': ask({ documents: [{ id: 'd1', data: { title: 'A', text: mark } }] }),
    'Tool: name and description': tool({ description: mark }),
    'Tool: schema of its arguments': tool({ parameters: schema }),
    'Call of an earlier turn: arguments': round({ arguments: `{"city":"${mark}"}` }, '1'),
    'Id of a call': round({}, '1', mark),
    'Result of a tool': round({}, [{ type: 'document', document: { data: mark } }]),
    'Schema of the answer': ask({ response_format: { type: 'json_object', json_schema: schema } }),
    'Stop sequences': ask({ stop_sequences: [mark] }),
    'How much to think': ask({ max_tokens: 9000, thinking: { type: 'enabled', token_budget: 2000 } }),
  };
}

/** The client's next request: the reply, and a result for each of its calls. */
export function cohereNext(reply: JsonRecord): JsonRecord {
  const hi = { role: 'user', content: 'hi' };
  const message = asRecord(reply['message']) ?? {};
  const results = (asArray(message['tool_calls']) ?? []).filter(isRecord).map((made) => ({
    role: 'tool',
    tool_call_id: made['id'] ?? null,
    content: '1',
  }));
  return ask({ messages: [hi, message, ...(results.length === 0 ? [hi] : results)] });
}
