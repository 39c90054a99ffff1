/**
 * What a body says, read from its JSON alone and apart from the dialects under test: words, calls, tools, settings, end and
 * tokens of a request, a reply or a stream, in the same form for all protocols.
 */
import {
  asArray,
  asCount,
  asNumber,
  asRecord,
  asString,
  isArray,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../src/lib/json.ts';

export type Wire = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini' | 'bedrock-converse';

/** What a request says; a key is absent where the body says nothing of it. */
export interface RequestEssence {
  readonly system: string;
  /** `role: words, pictures, calls and results`, neighbours of one role together. */
  readonly turns: readonly Turn[];
  readonly tools: readonly Json[];
  readonly settings: JsonRecord;
  readonly format: Json;
}

interface Turn {
  readonly role: string;
  readonly said: readonly Json[];
}

function record(value: Json | undefined): JsonRecord {
  return asRecord(value) ?? {};
}

function list(value: Json | undefined): readonly JsonRecord[] {
  return (isArray(value) ? value : value === undefined || value === null ? [] : [value]).filter(isRecord);
}

function given(fields: Readonly<Record<string, Json | undefined>>): JsonRecord {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

export function requestEssence(wire: Wire, body: JsonRecord): RequestEssence {
  if (wire === 'openai-chat') return openaiRequest(body);
  if (wire === 'bedrock-converse') return bedrockRequest(body);
  if (wire === 'openai-responses') return responsesRequest(body);
  return wire === 'anthropic-messages' ? anthropicRequest(body) : geminiRequest(body);
}

/** `auto` is what all do where nothing is said. */
function chosen(choice: Json | undefined): Json | undefined {
  return choice === 'auto' ? undefined : choice;
}

/** Pieces of messages in order, as turns: what the wires put into several messages of one role is one. */
function turnsOf(pieces: readonly (readonly [string, Json])[]): readonly Turn[] {
  const turns: { role: string; said: Json[] }[] = [];
  for (const [role, said] of pieces) {
    const last = turns.at(-1);
    if (last?.role === role) last.said.push(said);
    else turns.push({ role, said: [said] });
  }
  return turns;
}

function plain(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  return list(content)
    .map((part) => asString(part['text']) ?? '')
    .join('\n');
}

function openaiRequest(body: JsonRecord): RequestEssence {
  const system: string[] = [];
  const pieces: (readonly [string, Json])[] = [];
  for (const message of list(body['messages'])) {
    const role = message['role'];
    if (role === 'system' || role === 'developer') system.push(plain(message['content']));
    else if (role === 'tool') pieces.push(['user', { result: plain(message['content']) }]);
    else {
      const as = role === 'assistant' ? 'assistant' : 'user';
      for (const said of openaiSaid(message['content'])) pieces.push([as, said]);
      for (const call of list(message['tool_calls'])) pieces.push([as, openaiCall(call)]);
    }
  }
  const choice = body['tool_choice'];
  const format = record(body['response_format']);
  return {
    system: system.join('\n'),
    turns: turnsOf(pieces),
    tools: list(body['tools']).map((tool) => {
      const { name, description, parameters } = record(tool['function']);
      return given({ name: name ?? tool['type'], description, schema: shapeOf(parameters ?? null) });
    }),
    settings: given({
      toolChoice: isRecord(choice) ? record(choice['function'])['name'] : chosen(choice),
      isSerial: body['parallel_tool_calls'] === false ? true : undefined,
      limit: body['max_completion_tokens'] ?? body['max_tokens'],
      temperature: body['temperature'],
      topP: body['top_p'],
      frequencyPenalty: body['frequency_penalty'],
      presencePenalty: body['presence_penalty'],
      seed: body['seed'],
      logitBias: body['logit_bias'],
      stop: typeof body['stop'] === 'string' ? [body['stop']] : body['stop'],
      choices: body['n'],
      thinks: body['reasoning_effort'],
      user: body['user'] ?? body['safety_identifier'],
      isStreaming: body['stream'] === true ? true : undefined,
      modalities: modalitiesOf(body['modalities']),
    }),
    format:
      format['type'] === 'json_object'
        ? 'json'
        : format['type'] === 'json_schema'
          ? shapeOf(record(format['json_schema'])['schema'] ?? null)
          : null,
  };
}

function openaiSaid(content: Json | undefined): readonly Json[] {
  if (typeof content === 'string') return content === '' ? [] : [content];
  return list(content).map((part) => {
    const url = record(part['image_url'])['url'];
    return url === undefined ? (part['text'] ?? part) : { picture: pictureOf(url) };
  });
}

function openaiCall(call: JsonRecord): JsonRecord {
  const { name = null, arguments: text = '{}' } = record(call['function']);
  return { call: name, input: parseJson(asString(text) ?? '') ?? null };
}

function responsesRequest(body: JsonRecord): RequestEssence {
  const system = [plain(body['instructions'])];
  const pieces: (readonly [string, Json])[] = [];
  const input = body['input'];
  for (const item of typeof input === 'string' ? [{ role: 'user', content: input }] : list(input)) {
    const { role, content } = item;
    if (role === 'system' || role === 'developer') system.push(plain(content));
    else pieces.push(...responsesSaid(item));
  }
  const choice = body['tool_choice'];
  const format = record(record(body['text'])['format']);
  const summary = record(body['reasoning'])['summary'];
  return {
    system: system.filter((text) => text !== '').join('\n'),
    turns: turnsOf(pieces),
    tools: list(body['tools']).map((tool) =>
      given({
        name: tool['name'] ?? tool['type'],
        description: tool['description'],
        schema: shapeOf(tool['parameters'] ?? null),
      }),
    ),
    settings: given({
      toolChoice: isRecord(choice) ? (choice['name'] ?? choice['mode']) : chosen(choice),
      isSerial: body['parallel_tool_calls'] === false ? true : undefined,
      limit: body['max_output_tokens'],
      temperature: body['temperature'],
      topP: body['top_p'],
      thinks: record(body['reasoning'])['effort'] ?? (summary === undefined ? undefined : null),
      user: body['user'] ?? body['safety_identifier'],
      isStreaming: body['stream'] === true ? true : undefined,
    }),
    format: format['type'] === 'json_object' ? 'json' : shapeOf(format['schema'] ?? null),
  };
}

function responsesSaid(item: JsonRecord): readonly (readonly [string, Json])[] {
  const { type, content } = item;
  if (type === 'function_call_output') return [['user', { result: plain(item['output']) }]];
  if (type === 'function_call') {
    const input = parseJson(asString(item['arguments']) ?? '') ?? null;
    return [['assistant', { call: item['name'] ?? null, input }]];
  }
  if (type !== undefined && type !== 'message') return type === 'reasoning' ? [] : [['assistant', item]];
  const role = item['role'] === 'assistant' ? 'assistant' : 'user';
  const said = typeof content === 'string' ? [content] : list(content).map(responsesPart);
  return said.filter((one) => one !== '').map((one) => [role, one] as const);
}

function responsesPart(part: JsonRecord): Json {
  const url = part['image_url'] ?? part['file_url'];
  return url === undefined ? (part['text'] ?? part) : { picture: pictureOf(url ?? null) };
}

function pictureOf(url: Json): Json {
  const data = /^data:([^;]+);base64,(.*)$/s.exec(asString(url) ?? '');
  return data === null ? url : `${data[1]} ${data[2]}`;
}

function modalitiesOf(value: Json | undefined): readonly string[] | undefined {
  const names = (asArray(value) ?? []).flatMap((name) => (typeof name === 'string' ? [name.toLowerCase()] : []));
  return names.length === 0 || names.join() === 'text' ? undefined : names;
}

function anthropicRequest(body: JsonRecord): RequestEssence {
  const system = [plain(body['system'])];
  const pieces: (readonly [string, Json])[] = [];
  for (const message of list(body['messages'])) {
    const { content } = message;
    if (message['role'] === 'system') system.push(plain(content));
    else {
      const role = asString(message['role']) ?? '';
      const said = typeof content === 'string' ? [content] : list(content).map(anthropicBlock);
      for (const one of said) if (one !== '') pieces.push([role, one]);
    }
  }
  const choice = record(body['tool_choice']);
  const config = record(body['output_config']);
  const format = record(config['format'] ?? body['output_format']);
  const kind = choice['type'] === 'any' ? 'required' : choice['type'];
  return {
    system: system.filter((text) => text !== '').join('\n'),
    turns: turnsOf(pieces),
    tools: list(body['tools']).map((tool) => {
      const schema = tool['input_schema'];
      return given({
        name: schema === undefined ? tool['type'] : tool['name'],
        description: tool['description'],
        schema: shapeOf(schema ?? null),
      });
    }),
    settings: given({
      toolChoice: kind === 'tool' ? choice['name'] : chosen(kind),
      isSerial: choice['disable_parallel_tool_use'] === true ? true : undefined,
      limit: body['max_tokens'],
      temperature: body['temperature'],
      topP: body['top_p'],
      topK: body['top_k'],
      stop: body['stop_sequences'],
      thinks: anthropicThinks(record(body['thinking']), config['effort']),
      user: record(body['metadata'])['user_id'],
      isStreaming: body['stream'] === true ? true : undefined,
    }),
    format: format['type'] === 'json_schema' ? shapeOf(format['schema'] ?? null) : null,
  };
}

function anthropicThinks(thinking: JsonRecord, effort: Json | undefined): Json | undefined {
  if (thinking['type'] === 'disabled') return 'none';
  return effort ?? asNumber(thinking['budget_tokens']);
}

function anthropicBlock(block: JsonRecord): Json {
  switch (asString(block['type']) ?? '') {
    case 'text':
      return block['text'] ?? '';
    case 'tool_use':
      return { call: block['name'] ?? null, input: block['input'] ?? null };
    case 'tool_result':
      return { result: plain(block['content']) };
    case 'document':
    case 'image': {
      const source = record(block['source']);
      return {
        picture:
          source['type'] === 'url'
            ? (source['url'] ?? null)
            : `${asString(source['media_type'])} ${asString(source['data'])}`,
      };
    }
    default:
      return block;
  }
}

function geminiRequest(body: JsonRecord): RequestEssence {
  const config = record(body['generationConfig']);
  const calling = record(record(body['toolConfig'])['functionCallingConfig']);
  const thinking = record(config['thinkingConfig']);
  const pieces = list(body['contents']).flatMap((content) =>
    list(content['parts']).map((part): readonly [string, Json] => [
      content['role'] === 'model' ? 'assistant' : 'user',
      geminiPart(part),
    ]),
  );
  const mode = asString(calling['mode'])?.toLowerCase();
  const only = asArray(calling['allowedFunctionNames']);
  const schema = config['responseJsonSchema'] ?? config['responseSchema'] ?? null;
  return {
    system: plain(record(body['systemInstruction'])['parts']),
    turns: turnsOf(pieces),
    tools: list(body['tools']).flatMap((tool) =>
      Object.entries(tool).flatMap(([name, value]) =>
        name === 'functionDeclarations' ? list(value).map(geminiFunction) : [{ name }],
      ),
    ),
    settings: given({
      toolChoice: mode === 'any' ? (only?.length === 1 ? only[0] : 'required') : chosen(mode),
      limit: config['maxOutputTokens'],
      temperature: config['temperature'],
      topP: config['topP'],
      topK: config['topK'],
      frequencyPenalty: config['frequencyPenalty'],
      presencePenalty: config['presencePenalty'],
      seed: config['seed'],
      stop: config['stopSequences'],
      choices: config['candidateCount'],
      thinks: asString(thinking['thinkingLevel'])?.toLowerCase() ?? thinking['thinkingBudget'],
      modalities: modalitiesOf(config['responseModalities']),
    }),
    format: schema === null ? (config['responseMimeType'] === 'application/json' ? 'json' : null) : shapeOf(schema),
  };
}

function geminiFunction(declaration: JsonRecord): JsonRecord {
  const { name, description, parameters, parametersJsonSchema } = declaration;
  return given({ name, description, schema: shapeOf(parametersJsonSchema ?? parameters ?? null) });
}

function geminiPart(part: JsonRecord): Json {
  const call = asRecord(part['functionCall']);
  const result = asRecord(part['functionResponse']);
  const blob = asRecord(part['inlineData']);
  const file = asRecord(part['fileData']);
  if (call !== undefined) return { call: call['name'] ?? null, input: call['args'] ?? {} };
  if (result !== undefined) return { result: onlyText(result['response'] ?? null) };
  if (blob !== undefined) return { picture: `${asString(blob['mimeType'])} ${asString(blob['data'])}` };
  if (file !== undefined) return { picture: file['fileUri'] ?? null };
  return part['text'] ?? part;
}

function bedrockRequest(body: JsonRecord): RequestEssence {
  const config = record(body['inferenceConfig']);
  const toolConfig = record(body['toolConfig']);
  const choice = record(toolConfig['toolChoice']);
  const fields = record(body['additionalModelRequestFields']);
  const output = record(body['outputConfig']);
  const schema = asString(record(record(record(output['textFormat'])['structure'])['jsonSchema'])['schema']);
  return {
    system: plain(list(body['system']).filter((block) => block['text'] !== undefined)),
    turns: turnsOf(
      list(body['messages']).flatMap((message) =>
        list(message['content'])
          .filter((block) => block['cachePoint'] === undefined)
          .map((block) => [asString(message['role']) ?? '', bedrockBlock(block)] as const),
      ),
    ),
    tools: list(toolConfig['tools']).flatMap((tool) => {
      const { name, description, inputSchema } = record(tool['toolSpec']);
      return name === undefined
        ? []
        : [given({ name, description, schema: shapeOf(record(inputSchema)['json'] ?? null) })];
    }),
    settings: given({
      toolChoice: choice['any'] === undefined ? record(choice['tool'])['name'] : 'required',
      limit: config['maxTokens'],
      temperature: config['temperature'],
      topP: config['topP'],
      topK: fields['top_k'],
      stop: config['stopSequences'],
      thinks: anthropicThinks(record(fields['thinking']), output['effort']),
    }),
    format: schema === undefined ? null : shapeOf(parseJson(schema) ?? null),
  };
}

function bedrockBlock(block: JsonRecord): Json {
  const call = asRecord(block['toolUse']);
  const result = asRecord(block['toolResult']);
  const image = asRecord(block['image']);
  if (call !== undefined) return { call: call['name'] ?? null, input: call['input'] ?? {} };
  if (result !== undefined) return { result: plain(result['content']) };
  if (image !== undefined)
    return { picture: `image/${asString(image['format'])} ${asString(record(image['source'])['bytes'])}` };
  return block['text'] ?? block;
}

function onlyText(response: Json): Json {
  const values = Object.values(record(response));
  const [only] = values;
  return values.length === 1 && typeof only === 'string' ? only : JSON.stringify(response);
}

/** Words of a schema that one wire or the other says elsewhere, or not at all. */
const UNSAID: ReadonlySet<string> = new Set([
  'propertyOrdering',
  'title',
  'additionalProperties',
  '$schema',
  'nullable',
]);

/** A schema in lower-case types, without its name; keywords that a loss names are told by `boundsOf`. */
function shapeOf(schema: Json): Json {
  if (isArray(schema)) return schema.map(shapeOf);
  if (!isRecord(schema)) return schema;
  const shape: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (value === undefined || value === null || UNSAID.has(key)) continue;
    if (key === 'type') shape[key] = typeof value === 'string' ? value.toLowerCase() : value;
    else if (key === 'properties')
      shape[key] = Object.fromEntries(
        Object.entries(record(value)).map(([name, inner]) => [name, shapeOf(inner ?? null)]),
      );
    else shape[key] = /^(min|max)/.test(key) ? Number(value) : shapeOf(value);
  }
  return shape;
}

/** The same without the bounds, and without the words that may tell them instead. */
export function withoutBounds(schema: Json): Json {
  if (isArray(schema)) return schema.map(withoutBounds);
  if (!isRecord(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => !/^(min|max)/.test(key) && key !== 'description');
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutBounds(value ?? null)]));
}

/** What a reply says. A count of zero is absent, since Anthropic's wire writes it for what is not known. */
export interface ReplyEssence {
  readonly choices: readonly ChoiceEssence[];
  readonly tokens: JsonRecord;
}

interface ChoiceEssence {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Json[];
  readonly end: string;
}

export function replyEssence(wire: Wire, body: JsonRecord): ReplyEssence {
  if (wire === 'openai-chat') return openaiReply(body);
  if (wire === 'bedrock-converse') return bedrockReply(body);
  if (wire === 'openai-responses') return responsesReply(body);
  return wire === 'anthropic-messages' ? anthropicReply(body) : geminiReply(body);
}

const ENDS: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'calls',
  content_filter: 'filter',
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'calls',
  refusal: 'filter',
  guardrail_intervened: 'filter',
  content_filtered: 'filter',
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'filter',
  completed: 'stop',
  max_output_tokens: 'length',
};

function endOf(word: Json | undefined, hasCalls: boolean): string {
  const end = ENDS[asString(word) ?? ''] ?? `unknown: ${JSON.stringify(word)}`;
  // Google has no word of its own for a reply that calls.
  return end === 'stop' && hasCalls ? 'calls' : end;
}

function openaiReply(body: JsonRecord): ReplyEssence {
  const usage = record(body['usage']);
  return {
    choices: list(body['choices']).map((choice) => {
      const message = record(choice['message']);
      const calls = list(message['tool_calls']).map(openaiCall);
      return {
        text: asString(message['content']) ?? '',
        reasoning: asString(message['reasoning_content']) ?? '',
        calls,
        end: endOf(choice['finish_reason'], calls.length > 0),
      };
    }),
    tokens: given({
      input: usage['prompt_tokens'] || undefined,
      cached: record(usage['prompt_tokens_details'])['cached_tokens'] || undefined,
      output: usage['completion_tokens'] || undefined,
      reasoning: record(usage['completion_tokens_details'])['reasoning_tokens'] || undefined,
    }),
  };
}

function responsesReply(body: JsonRecord): ReplyEssence {
  const items = list(body['output']);
  const texts = (type: string, field: string): string =>
    items
      .filter((item) => item['type'] === type)
      .flatMap((item) => list(item[field]).map((part) => asString(part['text']) ?? ''))
      .join('');
  const calls = items
    .filter((item) => item['type'] === 'function_call')
    .flatMap(responsesSaid)
    .map(([, call]) => call);
  const usage = record(body['usage']);
  const reason = record(body['incomplete_details'])['reason'];
  return {
    choices: [
      {
        text: texts('message', 'content'),
        reasoning: texts('reasoning', 'summary') + texts('reasoning', 'content'),
        calls,
        end: endOf(reason ?? body['status'], calls.length > 0),
      },
    ],
    tokens: given({
      input: usage['input_tokens'] || undefined,
      cached: record(usage['input_tokens_details'])['cached_tokens'] || undefined,
      output: usage['output_tokens'] || undefined,
      reasoning: record(usage['output_tokens_details'])['reasoning_tokens'] || undefined,
    }),
  };
}

function anthropicReply(body: JsonRecord): ReplyEssence {
  const blocks = list(body['content']);
  const text = (type: string, field: string): string =>
    blocks.map((block) => (block['type'] === type ? (asString(block[field]) ?? '') : '')).join('');
  const calls = blocks.filter((block) => block['type'] === 'tool_use').map(anthropicBlock);
  const usage = record(body['usage']);
  const read = asCount(usage['cache_read_input_tokens']) ?? 0;
  const input = (asCount(usage['input_tokens']) ?? 0) + read + (asCount(usage['cache_creation_input_tokens']) ?? 0);
  return {
    choices: [
      {
        text: text('text', 'text'),
        reasoning: text('thinking', 'thinking'),
        calls,
        end: endOf(body['stop_reason'], calls.length > 0),
      },
    ],
    tokens: given({
      input: input || undefined,
      cached: read || undefined,
      output: usage['output_tokens'] || undefined,
      reasoning: record(usage['output_tokens_details'])['thinking_tokens'] || undefined,
    }),
  };
}

function geminiReply(body: JsonRecord): ReplyEssence {
  const usage = record(body['usageMetadata']);
  const thoughts = asCount(usage['thoughtsTokenCount']) ?? 0;
  return {
    choices: list(body['candidates']).map((candidate) => {
      const parts = list(record(candidate['content'])['parts']);
      const words = (isThought: boolean): string =>
        parts.map((part) => ((part['thought'] === true) === isThought ? (asString(part['text']) ?? '') : '')).join('');
      const calls = parts.filter((part) => isRecord(part['functionCall'])).map(geminiPart);
      return {
        text: words(false),
        reasoning: words(true),
        calls,
        end: endOf(candidate['finishReason'], calls.length > 0),
      };
    }),
    tokens: given({
      input: (asCount(usage['promptTokenCount']) ?? 0) + (asCount(usage['toolUsePromptTokenCount']) ?? 0) || undefined,
      cached: usage['cachedContentTokenCount'] || undefined,
      output: (asCount(usage['candidatesTokenCount']) ?? 0) + thoughts || undefined,
      reasoning: thoughts || undefined,
    }),
  };
}

function bedrockReply(body: JsonRecord): ReplyEssence {
  const blocks = list(record(record(body['output'])['message'])['content']);
  const usage = record(body['usage']);
  const read = asCount(usage['cacheReadInputTokens']) ?? 0;
  const input = (asCount(usage['inputTokens']) ?? 0) + read + (asCount(usage['cacheWriteInputTokens']) ?? 0);
  const calls = blocks.filter((block) => block['toolUse'] !== undefined).map(bedrockBlock);
  const thoughts = blocks.map((block) => record(record(block['reasoningContent'])['reasoningText'])['text']);
  return {
    choices: [
      {
        text: blocks.map((block) => asString(block['text']) ?? '').join(''),
        reasoning: thoughts.map((text) => asString(text) ?? '').join(''),
        calls,
        end: endOf(body['stopReason'], calls.length > 0),
      },
    ],
    tokens: given({ input: input || undefined, cached: read || undefined, output: usage['outputTokens'] || undefined }),
  };
}

/** The reply that the events of a stream make, put together by hand. */
export function streamEssence(wire: Wire, events: readonly JsonRecord[]): ReplyEssence {
  if (wire === 'openai-chat') return replyEssence(wire, openaiWhole(events));
  if (wire === 'bedrock-converse') return replyEssence(wire, bedrockWhole(events));
  if (wire === 'openai-responses') return replyEssence(wire, responsesWhole(events));
  return replyEssence(wire, wire === 'anthropic-messages' ? anthropicWhole(events) : geminiWhole(events));
}

function openaiWhole(events: readonly JsonRecord[]): JsonRecord {
  let content = '';
  let reasoning = '';
  let finish: Json = null;
  let usage: Json = null;
  const calls: { name: string; arguments: string }[] = [];
  for (const event of events) {
    usage = event['usage'] ?? usage;
    for (const choice of list(event['choices'])) {
      const delta = record(choice['delta']);
      finish = choice['finish_reason'] ?? finish;
      content += asString(delta['content']) ?? '';
      reasoning += asString(delta['reasoning_content']) ?? '';
      for (const piece of list(delta['tool_calls'])) {
        const call = (calls[asCount(piece['index']) ?? 0] ??= { name: '', arguments: '' });
        const { name, arguments: text } = record(piece['function']);
        call.name += asString(name) ?? '';
        call.arguments += asString(text) ?? '';
      }
    }
  }
  const tool_calls = calls.map((call) => ({ function: { ...call } }));
  return {
    choices: [{ message: { content, reasoning_content: reasoning, tool_calls }, finish_reason: finish }],
    usage,
  };
}

/** The pieces of each item, and the end that the last event tells. */
function responsesWhole(events: readonly JsonRecord[]): JsonRecord {
  const items = new Map<Json, Record<string, Json>>();
  let last: JsonRecord = {};
  for (const event of events) {
    const place = event['output_index'] ?? null;
    const item = items.get(place);
    const delta = asString(event['delta']) ?? '';
    const type = asString(event['type']) ?? '';
    if (type === 'response.output_item.added') items.set(place, begun(record(event['item'])));
    else if (type === 'response.output_text.delta' && item !== undefined)
      item['content'] = grown(item['content'], delta);
    else if (type === 'response.reasoning_summary_text.delta' && item !== undefined)
      item['summary'] = grown(item['summary'], delta);
    else if (type === 'response.function_call_arguments.delta' && item !== undefined)
      item['arguments'] = (asString(item['arguments']) ?? '') + delta;
    else if (/^response\.(?:completed|incomplete)$/.test(type)) last = record(event['response']);
  }
  return { ...last, status: last['status'] ?? null, output: [...items.values()] };
}

function begun(item: JsonRecord): Record<string, Json> {
  const fields = Object.entries(item).map(([key, value]) => [key, value ?? null] as const);
  return { ...Object.fromEntries(fields), content: [], summary: [], arguments: '' };
}

function grown(list: Json | undefined, delta: string): Json {
  const [part] = asArray(list) ?? [];
  return [{ text: (asString(asRecord(part)?.['text']) ?? '') + delta }];
}

function anthropicWhole(events: readonly JsonRecord[]): JsonRecord {
  const blocks: Record<string, Json>[] = [];
  let inputs = '';
  let message: JsonRecord = {};
  for (const event of events) {
    const delta = record(event['delta']);
    if (event['type'] === 'message_start') message = record(event['message']);
    if (event['type'] === 'content_block_start') {
      blocks.push(
        Object.fromEntries(Object.entries(record(event['content_block'])).map(([key, value]) => [key, value ?? null])),
      );
      inputs = '';
    }
    const open = blocks.at(-1);
    if (event['type'] === 'content_block_delta' && open !== undefined) {
      for (const field of ['text', 'thinking']) {
        if (typeof delta[field] === 'string') open[field] = `${asString(open[field]) ?? ''}${delta[field]}`;
      }
      inputs += asString(delta['partial_json']) ?? '';
      if (inputs !== '') open['input'] = parseJson(inputs) ?? open['input'] ?? null;
    }
    if (event['type'] === 'message_delta')
      message = { ...message, ...delta, usage: { ...record(message['usage']), ...record(event['usage']) } };
  }
  return { ...message, content: blocks };
}

function bedrockWhole(events: readonly JsonRecord[]): JsonRecord {
  const blocks = new Map<number, { text: string; thought: string; input: string; name: Json | undefined }>();
  let stopReason: Json = null;
  let usage: Json = null;
  for (const event of events) {
    stopReason = record(event['messageStop'])['stopReason'] ?? stopReason;
    usage = record(event['metadata'])['usage'] ?? usage;
    const piece = asRecord(event['contentBlockStart']) ?? asRecord(event['contentBlockDelta']);
    if (piece === undefined) continue;
    const index = asCount(piece['contentBlockIndex']) ?? 0;
    const block = blocks.get(index) ?? { text: '', thought: '', input: '', name: undefined };
    blocks.set(index, block);
    const delta = record(piece['delta']);
    block.name ??= record(record(piece['start'])['toolUse'])['name'];
    block.text += asString(delta['text']) ?? '';
    block.thought += asString(record(delta['reasoningContent'])['text']) ?? '';
    block.input += asString(record(delta['toolUse'])['input']) ?? '';
  }
  const content = [...blocks.values()].map(({ text, thought, input, name }) =>
    name === undefined
      ? thought === ''
        ? { text }
        : { reasoningContent: { reasoningText: { text: thought } } }
      : { toolUse: { name, input: parseJson(input) ?? {} } },
  );
  return { output: { message: { content } }, stopReason, usage };
}

function geminiWhole(events: readonly JsonRecord[]): JsonRecord {
  const parts: Json[] = [];
  let finishReason: Json = null;
  let usageMetadata: Json = null;
  for (const event of events) {
    usageMetadata = event['usageMetadata'] ?? usageMetadata;
    for (const candidate of list(event['candidates'])) {
      finishReason = candidate['finishReason'] ?? finishReason;
      parts.push(...list(record(candidate['content'])['parts']));
    }
  }
  return { candidates: [{ content: { parts }, finishReason }], usageMetadata };
}
