/** Amazon Bedrock's Converse and ConverseStream, with token counting; streams are frames of AWS's event streams. */
import type { JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString, isRecord, parseJson } from '../../lib/json.ts';
import { err } from '../../lib/result.ts';
import type { Ask, DraftChoice, DraftFinish, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { converseFrame, FRAMES_TYPE } from '../wire-events.ts';
import type { Identity, Operation, Problem, Reply, RouteFacts, SimulatedDialect, StreamEvent } from './dialect.ts';
import { decoded, integerAt, numberAt, reading, recordsAt, refuse, stringsAt } from './reading.ts';
import { argumentsOf, deltasOf, signatureOf, type Delta } from './writing.ts';

const TOKENS_MAX = 2 ** 31 - 1;
const STOPS_MAX = 2_500;
const STOP_REASONS: Readonly<Record<DraftFinish, string>> = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
};

export const bedrockConverse: SimulatedDialect = {
  id: 'bedrock-converse',
  family: 'bedrock',
  requestIdHeader: 'x-amzn-requestid',
  route,
  read: (body, operation) => reading(() => readAsk(bodyOf(body, operation), operation)),
  whole,
  stream,
  encodeEvent: converseFrame,
  ending: () => '',
  streamType: () => FRAMES_TYPE,
  filler: (text) => ({ contentBlockDelta: { contentBlockIndex: 0, delta: { text } } }),
  countTokens: (inputTokens) => ({ inputTokens }),
  models: () => ({}),
  model: () => ({}),
  embeddings: () => err({ status: 404, message: 'Not found' }),
  error: ({ message }) => ({ message }),
  errorHeaders: (problem) => ({ 'x-amzn-errortype': exceptionOf(problem) }),
};

function route({ path }: RouteFacts): Operation | undefined {
  const [, model = '', verb] = /\/model\/([^/]+)\/(converse|converse-stream|count-tokens)$/.exec(path) ?? [];
  if (verb === undefined) return undefined;
  const kind = verb === 'count-tokens' ? 'count-tokens' : 'chat';
  return { kind, method: 'POST', model: decoded(model), isStreaming: verb === 'converse-stream' };
}

/** Counting tokens wraps the request. */
function bodyOf(body: JsonRecord, { kind }: Operation): JsonRecord {
  return kind === 'count-tokens' ? (asRecord(asRecord(body['input'])?.['converse']) ?? {}) : body;
}

function readAsk(body: JsonRecord, operation: Operation): Ask {
  const messages = readMessages(body);
  const config = asRecord(body['inferenceConfig']) ?? {};
  const maxTokens = integerAt(config, 'maxTokens', { low: 1, high: TOKENS_MAX });
  numberAt(config, 'temperature', { low: 0, high: 1 });
  numberAt(config, 'topP', { low: 0, high: 1 });
  const tools = readTools(body, messages);
  const last = blocksOf(messages.at(-1));
  const asked = messages.findLast((message) => message['role'] === 'user');
  return {
    model: operation.model ?? '',
    isStreaming: operation.isStreaming === true,
    prompt: blocksOf(asked)
      .flatMap((block) => asString(block['text']) ?? [])
      .join('\n'),
    inputLength: textLength(messages) + textLength(body['system']) + textLength(body['toolConfig']),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    choices: 1,
    stops: stringsAt(config, 'stopSequences', STOPS_MAX),
    tools,
    toolChoice: readToolChoice(asRecord(asRecord(body['toolConfig'])?.['toolChoice'])),
    allowsParallelCalls: true,
    isAfterToolResult: last.some((block) => block['toolResult'] !== undefined),
    format: readFormat(body),
    wantsReasoning: readsReasoning(asRecord(body['additionalModelRequestFields']) ?? {}),
    wantsStreamUsage: true,
  };
}

/** As strict as the service about turns: the user first, then in turns, nothing empty, no text without a visible character. */
function readMessages(body: JsonRecord): readonly JsonRecord[] {
  const messages = recordsAt(body, 'messages');
  for (const [index, message] of messages.entries()) {
    const role = index % 2 === 0 ? 'user' : 'assistant';
    if (message['role'] !== role)
      refuse(
        `messages.${index}.role`,
        index === 0
          ? 'A conversation must start with a user message. Try again with a conversation that starts with a user message.'
          : 'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.',
      );
    const held = blocksOf(message);
    if (held.length === 0)
      refuse(`messages.${index}.content`, `The content field in the Message object at messages.${index} is empty.`);
    for (const [place, block] of held.entries())
      if (typeof block['text'] === 'string' && block['text'].trim() === '')
        refuse(
          `messages.${index}.content`,
          `The text field in the ContentBlock object at messages.${index}.content.${place} is blank.`,
        );
  }
  return messages;
}

function blocksOf(message: JsonRecord | undefined): readonly JsonRecord[] {
  return (asArray(message?.['content']) ?? []).filter(isRecord);
}

function readTools(body: JsonRecord, messages: readonly JsonRecord[]): readonly Tool[] {
  const config = asRecord(body['toolConfig']);
  const hasCalls = messages.some((message) =>
    blocksOf(message).some((block) => block['toolUse'] !== undefined || block['toolResult'] !== undefined),
  );
  if (config === undefined) {
    if (hasCalls)
      refuse('toolConfig', 'The toolConfig field must be defined when using toolUse and toolResult content blocks.');
    return [];
  }
  return recordsAt(config, 'tools').flatMap((tool): Tool[] => {
    const spec = asRecord(tool['toolSpec']);
    const name = asString(spec?.['name']);
    if (spec === undefined || name === undefined) return [];
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name))
      refuse('toolConfig.tools', `Value '${name}' at 'toolConfig.tools' failed to satisfy constraint: [a-zA-Z0-9_-]+`);
    return [{ name, schema: asRecord(spec['inputSchema'])?.['json'] }];
  });
}

function readToolChoice(choice: JsonRecord | undefined): Ask['toolChoice'] {
  const name = asString(asRecord(choice?.['tool'])?.['name']);
  if (name !== undefined) return { name };
  return choice?.['any'] === undefined ? 'auto' : 'required';
}

function readFormat(body: JsonRecord): Ask['format'] {
  const format = asRecord(asRecord(body['outputConfig'])?.['textFormat']);
  const text = asString(asRecord(asRecord(format?.['structure'])?.['jsonSchema'])?.['schema']);
  if (text === undefined) return 'text';
  const schema = parseJson(text);
  return schema === undefined ? refuse('outputConfig.textFormat', 'The JSON schema is not valid JSON.') : { schema };
}

function readsReasoning(fields: JsonRecord): boolean {
  const held =
    asRecord(fields['thinking']) ?? asRecord(fields['reasoning_config']) ?? asRecord(fields['reasoningConfig']);
  return /^(?:enabled|adaptive)$/.test(asString(held?.['type']) ?? '') || fields['reasoning_effort'] !== undefined;
}

function whole({ draft, identity }: Reply): JsonRecord {
  const choice = draft.choices[0];
  const content = choice === undefined ? [] : blocks(choice, identity).map((block) => block.value);
  return {
    output: { message: { role: 'assistant', content } },
    stopReason: STOP_REASONS[choice?.finish ?? 'stop'],
    usage: usageOf(draft.usage),
    metrics: { latencyMs: 1 },
  };
}

function usageOf({ inputTokens, cachedInputTokens, outputTokens }: DraftUsage): JsonRecord {
  return {
    // What came from the cache is counted apart.
    inputTokens: inputTokens - cachedInputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cacheReadInputTokens: cachedInputTokens,
    cacheWriteInputTokens: 0,
  };
}

interface Block {
  /** Finished, as it stands in a whole message. */
  readonly value: JsonRecord;
  /** As it stands in `contentBlockStart`; text and reasoning have none. */
  readonly start?: JsonRecord;
  readonly deltas: readonly Delta[];
}

function blocks(choice: DraftChoice, identity: Identity): readonly Block[] {
  const made: Block[] = [];
  if (choice.reasoning !== '') made.push(reasoningBlock(choice.reasoning, identity));
  if (choice.text !== '')
    made.push({
      value: { text: choice.text },
      deltas: deltasOf(choice.text, (text) => ({ text })),
    });
  for (const [index, call] of choice.toolCalls.entries()) {
    const head = { toolUseId: `tooluse_sim_${identity.hex}_${index}`, name: call.name };
    made.push({
      value: { toolUse: { ...head, input: argumentsOf(call) } },
      start: { toolUse: head },
      deltas: [{ delta: inputDelta(''), tokens: 0 }, ...deltasOf(call.arguments, inputDelta)],
    });
  }
  return made;
}

function inputDelta(input: string): JsonRecord {
  return { toolUse: { input } };
}

function reasoningBlock(text: string, identity: Identity): Block {
  const signature = signatureOf(identity);
  return {
    value: { reasoningContent: { reasoningText: { text, signature } } },
    deltas: [
      ...deltasOf(text, (piece) => ({ reasoningContent: { text: piece } })),
      { delta: { reasoningContent: { signature } }, tokens: 0 },
    ],
  };
}

function* stream({ draft, identity }: Reply): Generator<StreamEvent> {
  const choice = draft.choices[0];
  yield { event: { messageStart: { role: 'assistant' } }, tokens: 0 };
  for (const [contentBlockIndex, block] of (choice === undefined ? [] : blocks(choice, identity)).entries()) {
    if (block.start !== undefined)
      yield { event: { contentBlockStart: { contentBlockIndex, start: block.start } }, tokens: 0 };
    for (const { delta, tokens } of block.deltas)
      yield { event: { contentBlockDelta: { contentBlockIndex, delta } }, tokens };
    yield { event: { contentBlockStop: { contentBlockIndex } }, tokens: 0 };
  }
  yield { event: { messageStop: { stopReason: STOP_REASONS[choice?.finish ?? 'stop'] } }, tokens: 0 };
  yield { event: { metadata: { usage: usageOf(draft.usage), metrics: { latencyMs: 1 } } }, tokens: 0 };
}

const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
};

export function exceptionOf({ status, code }: Problem): string {
  return code ?? EXCEPTIONS[status] ?? (status >= 500 ? 'InternalServerException' : 'ValidationException');
}
