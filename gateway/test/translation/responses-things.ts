/** What the Responses API says of each thing, by the thing's name: beside the other protocols in the two lists of them. */
import { asArray, asRecord, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';

type Seen = (body: JsonRecord) => Json | undefined;

export interface ReplyWords {
  readonly in?: JsonRecord;
  readonly seen?: Seen;
}

/** The values of a reply's items of one type. */
function items(type: string, field: string): Seen {
  return (body) =>
    (asArray(body['output']) ?? []).flatMap((item) =>
      isRecord(item) && item['type'] === type ? [item[field] ?? null] : [],
    );
}

function usageAt(...path: readonly string[]): Seen {
  return (body) => path.reduce<Json | undefined>((at, step) => asRecord(at)?.[step], body['usage']);
}

const USAGE = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 40,
};

export function reply(output: readonly JsonRecord[], more: JsonRecord = {}): JsonRecord {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_790_000_000,
    status: 'completed',
    model: 'm',
    output,
    ...more,
  };
}

export function said(text: string, more: JsonRecord = {}): JsonRecord {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [], ...more }];
  return { type: 'message', id: 'msg_1', status: 'completed', role: 'assistant', content };
}

function call(fields: JsonRecord): JsonRecord {
  return {
    type: 'function_call',
    id: 'fc_1',
    status: 'completed',
    call_id: 'c1',
    name: 'weather',
    arguments: '{}',
    ...fields,
  };
}

function used(usage: JsonRecord): JsonRecord {
  return reply([said('x')], { usage: { ...USAGE, ...usage } });
}

/** The words for each thing in a reply. */
export function replyWords(mark: string, count: number): Readonly<Record<string, ReplyWords>> {
  const source = { type: 'url_citation', url: `https://a.example/${mark}`, title: 'A', start_index: 0, end_index: 1 };
  const summary = [{ type: 'summary_text', text: 'hm' }];
  return {
    Text: { in: reply([said(mark)]), seen: items('message', 'content') },
    'Reasoning that can be read': {
      in: reply([{ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: mark }] }, said('x')]),
      seen: items('reasoning', 'summary'),
    },
    'Signature of reasoning': {
      in: reply([{ type: 'reasoning', id: 'rs_1', summary, encrypted_content: mark }, said('x')]),
    },
    'Sealed reasoning': {
      in: reply([{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: mark }, said('x')]),
    },
    'Call of a tool: name and arguments': {
      in: reply([call({ arguments: `{"city":"${mark}"}` })]),
      seen: items('function_call', 'arguments'),
    },
    'Call of a tool: arguments that are no object': {
      in: reply([call({ arguments: `["${mark}"]` })]),
      seen: items('function_call', 'arguments'),
    },
    'Id of a call': { in: reply([call({ call_id: mark })]), seen: items('function_call', 'call_id') },
    'Source with a web address': {
      in: reply([said('x', { annotations: [source] })]),
      seen: items('message', 'content'),
    },
    'Source without a web address': {
      in: reply([said('x', { annotations: [{ type: 'file_citation', file_id: 'f', filename: mark, index: 0 }] })]),
      seen: items('message', 'content'),
    },
    'Words of a refusal': {
      in: reply([{ ...said(''), content: [{ type: 'refusal', refusal: mark }] }]),
      seen: items('message', 'content'),
    },
    'Log probabilities': {
      in: reply([said('x', { logprobs: [{ token: mark, logprob: -1, bytes: [], top_logprobs: [] }] })]),
      seen: items('message', 'content'),
    },
    Picture: { seen: items('image_generation_call', 'result') },
    'Words of a sound': { seen: items('message', 'content') },
    'What the provider’s own tools did': {
      in: reply([
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: mark } },
        said('x'),
      ]),
    },
    'Fields of the provider’s own': { in: reply([call({ namespace: mark })]) },
    'Id of the reply': { in: reply([said('x')], { id: `resp_${mark}` }), seen: (body) => body['id'] },
    'The model’s name': { in: reply([said('x')], { model: mark }), seen: (body) => body['model'] },
    'Tokens: input': { in: used({ input_tokens: count, total_tokens: 27 }), seen: usageAt('input_tokens') },
    'Tokens: input read from a cache': {
      in: used({ input_tokens_details: { cached_tokens: count } }),
      seen: usageAt('input_tokens_details', 'cached_tokens'),
    },
    'Tokens: input written to a cache': {
      in: used({ input_tokens_details: { cache_write_tokens: count } }),
      seen: usageAt('input_tokens_details', 'cache_write_tokens'),
    },
    'Tokens: output': { in: used({ output_tokens: count, total_tokens: 27 }), seen: usageAt('output_tokens') },
    'Tokens: output that was reasoning': {
      in: used({ output_tokens_details: { reasoning_tokens: count } }),
      seen: usageAt('output_tokens_details', 'reasoning_tokens'),
    },
  };
}

function ask(body: JsonRecord): JsonRecord {
  return { model: 'm', input: 'hi', ...body };
}

function asked(...content: readonly JsonRecord[]): JsonRecord {
  return ask({ input: [{ role: 'user', content }] });
}

function tool(fields: JsonRecord): JsonRecord {
  return ask({
    tools: [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} }, ...fields }],
  });
}

function round(fields: JsonRecord, output: Json, id = 'c1'): JsonRecord {
  const made = { type: 'function_call', call_id: id, name: 'weather', arguments: '{}', ...fields };
  return ask({ input: [{ role: 'user', content: 'hi' }, made, { type: 'function_call_output', call_id: id, output }] });
}

/** The words for each thing in a request. */
export function requestWords(mark: string, schema: JsonRecord): Readonly<Record<string, JsonRecord>> {
  const image = `data:image/png;base64,${mark}==`;
  return {
    'System text': ask({ instructions: mark }),
    Text: asked({ type: 'input_text', text: mark }),
    'Picture as data': asked({ type: 'input_image', image_url: image }),
    'Picture by address': asked({ type: 'input_image', image_url: `https://a.example/${mark}.png` }),
    'PDF document as data': asked({
      type: 'input_file',
      filename: 'a.pdf',
      file_data: `data:application/pdf;base64,${mark}==`,
    }),
    Sound: asked(
      { type: 'input_text', text: 'hi' },
      { type: 'input_audio', input_audio: { data: `${mark}==`, format: 'wav' } },
    ),
    'Tool: name and description': tool({ description: mark }),
    'Tool: schema of its arguments': tool({ parameters: schema }),
    'Call of an earlier turn: arguments': round({ arguments: `{"city":"${mark}"}` }, '1'),
    'Id of a call': round({}, '1', mark),
    'Result of a tool': round({}, mark),
    'Result of a tool: a picture': round({}, [{ type: 'input_image', image_url: image }]),
    'Cache marks': asked({ type: 'input_text', text: 'hi', prompt_cache_breakpoint: { mode: 'explicit' } }),
    'Schema of the answer': ask({ text: { format: { type: 'json_schema', name: 'a', schema } } }),
    'End user': ask({ user: mark }),
    'How much to think': ask({ reasoning: { effort: 'low' }, max_output_tokens: 9000 }),
  };
}
