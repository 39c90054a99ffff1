/** How a provider is asked how many tokens a chat would be, in each wire that has a question of its own for it. */
import { asCount, asNumber, asRecord, compact, type JsonRecord } from '../lib/json.ts';

export interface Counting {
  /** The question, made of a chat's body in the same wire. `model` is the provider's name of it. */
  readonly bodyOf: (chat: JsonRecord, model: string) => JsonRecord;
  readonly countIn: (answer: JsonRecord) => number | undefined;
  /** True where a caller's question in the same wire cannot go on as it is either. */
  readonly isOther?: boolean;
}

function picked(chat: JsonRecord, fields: readonly string[]): JsonRecord {
  return compact(Object.fromEntries(fields.map((field) => [field, chat[field]])));
}

/** `MessageCountTokensParams` of Anthropic's SDK, and what the beta resource adds; a limit on output is refused. */
const MESSAGES = [
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'cache_control',
  'output_config',
  'speed',
  'context_management',
  'mcp_servers',
];

export const messagesCounting: Counting = {
  bodyOf: (chat, model) => picked({ ...chat, model }, MESSAGES),
  countIn: (answer) => asCount(answer['input_tokens']),
};

/** `TokenCountsBody` of OpenAI's document. */
const RESPONSES = [
  'model',
  'input',
  'previous_response_id',
  'tools',
  'text',
  'reasoning',
  'truncation',
  'instructions',
  'conversation',
  'tool_choice',
  'parallel_tool_calls',
];

export const responsesCounting: Counting = {
  bodyOf: (chat, model) => picked({ ...chat, model }, RESPONSES),
  countIn: (answer) => asCount(answer['input_tokens']),
};

/** ai.google.dev/api/tokens: contents alone, or the whole request, which names its model again. */
export const geminiCounting: Counting = {
  bodyOf: (chat, model) => ({ generateContentRequest: { model: `models/${model}`, ...chat } }),
  countIn: (answer) => asCount(answer['totalTokens']),
};

/** Vertex has the whole request's fields beside the contents. */
export const vertexCounting: Counting = { ...geminiCounting, bodyOf: (chat) => chat };

/** `CountTokens` of Bedrock, `ConverseTokensRequest`. */
export const converseCounting: Counting = {
  bodyOf: (chat) => ({
    input: { converse: picked(chat, ['messages', 'system', 'toolConfig', 'additionalModelRequestFields']) },
  }),
  countIn: (answer) => asCount(answer['inputTokens']),
};

/** Recorded; any limit that the model takes will do. */
const CLAUDE_MAX_TOKENS = 4096;

/** The same for a body of `InvokeModel`. Claude's must have a limit on output, above what it may think. */
export const invokeCounting: Counting = {
  isOther: true,
  bodyOf: (chat) => ({ input: { invokeModel: { body: base64(isClaudes(chat) ? limited(chat) : chat) } } }),
  countIn: converseCounting.countIn,
};

function base64(body: JsonRecord): string {
  return Buffer.from(JSON.stringify(body)).toString('base64');
}

function isClaudes(body: JsonRecord): boolean {
  return body['anthropic_version'] !== undefined;
}

function limited(body: JsonRecord): JsonRecord {
  const budget = asNumber(asRecord(body['thinking'])?.['budget_tokens']) ?? 0;
  return { max_tokens: budget + CLAUDE_MAX_TOKENS, ...body };
}
