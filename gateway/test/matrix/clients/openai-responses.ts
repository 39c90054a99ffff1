/** Clients of OpenAI's Responses API; the last event of a stream holds the whole reply. */
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Client, StreamEvent, Told } from '../kinds.ts';
import { ARGUMENTS, CALL_ID, LIMIT, PDF, PNG, PROMPT, REPORT, RESULT, SYSTEM, TOOLS } from '../things.ts';

const HEAD = { instructions: SYSTEM, input: [{ role: 'user', content: PROMPT }], max_output_tokens: LIMIT };
const TOOL_ROWS = TOOLS.map(({ name, description, schema }) => ({
  type: 'function',
  name,
  description,
  parameters: schema,
  strict: false,
}));
const PICTURE = { type: 'input_image', image_url: `data:image/png;base64,${PNG}` };
const ENDS = ['response.completed', 'response.incomplete'];

function said(content: JsonRecord): JsonRecord {
  const input = [{ role: 'user', content: [{ type: 'input_text', text: PROMPT }, content] }];
  return { input, max_output_tokens: LIMIT };
}

export const openaiResponses: Client = {
  id: 'openai-responses',
  title: 'OpenAI responses',
  path: () => '/v1/responses',
  asks: {
    plain: HEAD,
    tools: { ...HEAD, tools: TOOL_ROWS },
    'result-image': {
      ...HEAD,
      tools: TOOL_ROWS,
      input: [
        ...HEAD.input,
        { type: 'function_call', call_id: CALL_ID, name: 'get_weather', arguments: JSON.stringify(ARGUMENTS) },
        { type: 'function_call_output', call_id: CALL_ID, output: [PICTURE] },
      ],
    },
    structured: { ...HEAD, text: { format: { type: 'json_schema', name: 'report', schema: REPORT, strict: true } } },
    reasoning: {
      ...HEAD,
      max_output_tokens: 16_000,
      tools: TOOL_ROWS,
      reasoning: { effort: 'medium', summary: 'auto' },
      store: false,
      include: ['reasoning.encrypted_content'],
    },
    image: said(PICTURE),
    document: said({ type: 'input_file', filename: 'rome.pdf', file_data: `data:application/pdf;base64,${PDF}` }),
  },
  withModel: (body, model, isStreaming) => ({ ...body, model, ...(isStreaming ? { stream: true } : {}) }),
  lacks: [],
  finishes: { stop: 'completed', calls: 'completed', length: 'max_output_tokens' },
  isRefused: ({ finish, refusal }) => finish === 'content_filter' || refusal !== '',
  read,
  join: (events) => asRecord(dataOf(events.findLast(({ name }) => ENDS.includes(name)))['response']) ?? {},
  pieces: (events) =>
    events
      .filter(({ name }) => name === 'response.output_text.delta')
      .map((event) => asString(dataOf(event)['delta']) ?? ''),
  endingOf(events) {
    const { name } = events.at(-1) ?? { name: '' };
    if (ENDS.includes(name)) return 'proper';
    return name === 'response.failed' || name === 'error' ? 'error' : 'none';
  },
  next(ask, reply) {
    const output = (asArray(reply['output']) ?? []).filter(isRecord);
    const results = output.flatMap(({ type, call_id }) =>
      type === 'function_call' ? [{ type: 'function_call_output', call_id: call_id ?? null, output: RESULT }] : [],
    );
    return { ...ask, input: [...(asArray(ask['input']) ?? []), ...output, ...results] };
  },
  errorKind(code) {
    if (code === 'upstream-refused') return 'invalid_request_error';
    return code === 'upstream-rate-limited' ? 'rate_limit_error' : 'upstream_error';
  },
  readError(body) {
    const error = asRecord(body['error']);
    const message = asString(error?.['message']);
    const kind = asString(error?.['type']);
    return message === undefined || kind === undefined || error?.['code'] === undefined ? undefined : { message, kind };
  },
};

function dataOf(event: StreamEvent | undefined): JsonRecord {
  return asRecord(parseJson(event?.data ?? '')) ?? {};
}

function read(reply: JsonRecord): Told {
  const output = (asArray(reply['output']) ?? []).filter(isRecord);
  const content = output.flatMap((item) => asArray(item['content']) ?? []).filter(isRecord);
  const texts = content.filter(({ type }) => type === 'output_text');
  const usage = asRecord(reply['usage']);
  return {
    text: texts.map(({ text }) => asString(text) ?? '').join(''),
    thoughts: output
      .filter(({ type }) => type === 'reasoning')
      .flatMap((item) => [...(asArray(item['summary']) ?? []), ...(asArray(item['content']) ?? [])])
      .map((one) => asString(asRecord(one)?.['text']) ?? '')
      .join(''),
    calls: output.flatMap(({ type, call_id, name, arguments: text }) =>
      type === 'function_call'
        ? [{ id: asString(call_id) ?? '', name: asString(name) ?? '', arguments: parseJson(asString(text) ?? '') }]
        : [],
    ),
    finish: asString(asRecord(reply['incomplete_details'])?.['reason']) ?? asString(reply['status']) ?? '',
    refusal: content.flatMap(({ refusal }) => asString(refusal) ?? []).join(''),
    citations: texts
      .flatMap(({ annotations }) => asArray(annotations) ?? [])
      .flatMap((one) => asString(asRecord(one)?.['url']) ?? []),
    tokens: [asNumber(usage?.['input_tokens']), asNumber(usage?.['output_tokens'])],
  };
}
