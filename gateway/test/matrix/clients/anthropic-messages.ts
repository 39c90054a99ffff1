/** Clients of Anthropic's Messages API; streams are put together block by block. */
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Client, StreamEvent, Told } from '../kinds.ts';
import { ARGUMENTS, CALL_ID, found, LIMIT, PDF, PNG, PROMPT, REPORT, RESULT, SYSTEM, TOOLS } from '../things.ts';

const HEAD = { system: SYSTEM, messages: [{ role: 'user', content: PROMPT }], max_tokens: LIMIT };
const TOOL_ROWS = TOOLS.map(({ name, description, schema }) => ({ name, description, input_schema: schema }));
const PICTURE = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };
const FILE = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } };

function said(content: JsonRecord): JsonRecord {
  return { ...HEAD, messages: [{ role: 'user', content: [content, { type: 'text', text: PROMPT }] }] };
}

export const anthropicMessages: Client = {
  id: 'anthropic-messages',
  title: 'Anthropic messages',
  path: () => '/v1/messages',
  asks: {
    plain: HEAD,
    tools: { ...HEAD, tools: TOOL_ROWS },
    'result-image': {
      ...HEAD,
      tools: TOOL_ROWS,
      messages: [
        ...HEAD.messages,
        { role: 'assistant', content: [{ type: 'tool_use', id: CALL_ID, name: 'get_weather', input: ARGUMENTS }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: CALL_ID, content: [PICTURE] }] },
      ],
    },
    structured: { ...HEAD, output_config: { format: { type: 'json_schema', schema: REPORT } } },
    reasoning: {
      ...HEAD,
      max_tokens: 16_000,
      tools: TOOL_ROWS,
      thinking: { type: 'enabled', budget_tokens: 8192 },
    },
    image: said(PICTURE),
    document: said(FILE),
  },
  withModel: (body, model, isStreaming) => ({ ...body, model, ...(isStreaming ? { stream: true } : {}) }),
  lacks: [],
  finishes: { stop: 'end_turn', calls: 'tool_use', length: 'max_tokens' },
  isRefused: ({ finish }) => finish === 'refusal',
  read,
  join,
  pieces: (events) =>
    events.flatMap((event) => {
      const delta = asRecord(dataOf(event)['delta']);
      return delta?.['type'] === 'text_delta' ? [asString(delta['text']) ?? ''] : [];
    }),
  endingOf(events) {
    const { name } = events.at(-1) ?? { name: '' };
    return name === 'message_stop' ? 'proper' : name === 'error' ? 'error' : 'none';
  },
  next(ask, reply) {
    const content = (asArray(reply['content']) ?? []).filter(isRecord);
    const results = content.flatMap(({ type, id }) =>
      type === 'tool_use' ? [{ type: 'tool_result', tool_use_id: id ?? null, content: RESULT }] : [],
    );
    const turns = [
      { role: 'assistant', content },
      { role: 'user', content: results },
    ];
    return { ...ask, messages: [...(asArray(ask['messages']) ?? []), ...turns] };
  },
  errorKind(code) {
    if (code === 'upstream-refused') return 'invalid_request_error';
    return code === 'upstream-rate-limited' ? 'rate_limit_error' : 'api_error';
  },
  readError(body) {
    const error = asRecord(body['error']);
    const message = asString(error?.['message']);
    const kind = asString(error?.['type']);
    return body['type'] !== 'error' || message === undefined || kind === undefined ? undefined : { message, kind };
  },
};

function dataOf(event: StreamEvent): JsonRecord {
  return asRecord(parseJson(event.data)) ?? {};
}

function read(reply: JsonRecord): Told {
  const content = (asArray(reply['content']) ?? []).filter(isRecord);
  const usage = asRecord(reply['usage']);
  const texts = (type: string, field: string): string =>
    content.map((block) => (block['type'] === type ? (asString(block[field]) ?? '') : '')).join('');
  return {
    text: texts('text', 'text'),
    thoughts: texts('thinking', 'thinking'),
    calls: content.flatMap(({ type, id, name, input }) =>
      type === 'tool_use' ? [{ id: asString(id) ?? '', name: asString(name) ?? '', arguments: input }] : [],
    ),
    finish: asString(reply['stop_reason']) ?? '',
    refusal: '',
    citations: content.flatMap(({ citations }) => found(citations, ({ url }) => asString(url))),
    tokens: [asNumber(usage?.['input_tokens']), asNumber(usage?.['output_tokens'])],
  };
}

/** A block under construction. */
type Block = Record<string, NonNullable<JsonRecord[string]>>;

function join(events: readonly StreamEvent[]): JsonRecord {
  const blocks: Block[] = [];
  const inputs: string[] = [];
  let head: JsonRecord = {};
  for (const event of events) {
    const data = dataOf(event);
    const index = asNumber(data['index']) ?? 0;
    const delta = asRecord(data['delta']) ?? {};
    if (event.name === 'message_start') head = asRecord(data['message']) ?? {};
    if (event.name === 'content_block_start') blocks[index] = { ...asRecord(data['content_block']) } as Block;
    if (event.name === 'content_block_delta') addTo(blocks[index] ?? {}, delta);
    if (delta['type'] === 'input_json_delta')
      inputs[index] = (inputs[index] ?? '') + (asString(delta['partial_json']) ?? '');
    if (event.name === 'message_delta')
      head = { ...head, ...delta, usage: { ...asRecord(head['usage']), ...asRecord(data['usage']) } };
  }
  const content = blocks.map((block, index) =>
    block['type'] === 'tool_use' ? { ...block, input: parseJson(inputs[index] || '{}') ?? null } : block,
  );
  return { ...head, content };
}

function addTo(block: Block, delta: JsonRecord): void {
  for (const field of ['text', 'thinking', 'signature'] as const) {
    const piece = asString(delta[field]);
    if (piece !== undefined) block[field] = (asString(block[field]) ?? '') + piece;
  }
  const citation = asRecord(delta['citation']);
  if (citation !== undefined) block['citations'] = [...(asArray(block['citations']) ?? []), citation];
}
