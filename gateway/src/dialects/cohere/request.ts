/** A body of `/v2/chat` in the words of `chat`; one of `/v1/chat` too, as far as it was recorded. */
import type { Fault } from '../../chat/fault.ts';
import type { Part, TextPart, ToolResultPart } from '../../chat/part.ts';
import type { ChatRequest, Extra, Message, OutputFormat, Reasoning, Sampling, Tool } from '../../chat/request.ts';
import {
  asArray,
  asBoolean,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { PathFacts } from '../dialect.ts';
import { nameResults, readMessages } from '../messages.ts';
import { restOf, saysSomething } from '../openai-chat/assistant.ts';
import { readMedia } from '../openai-chat/media.ts';
import { readTools } from '../openai-chat/request.ts';
import { withDocuments } from './documents.ts';
import { inspect, isV1 } from './inspect.ts';
import { readAssistant, readBlock } from './message.ts';
import { HOME } from './wire.ts';

/** Fields that become words of `ChatRequest`. `turnout` is the gateway's own and goes no further. */
const WORDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'message',
  'chat_history',
  'preamble',
  'tools',
  'tool_choice',
  'max_tokens',
  'temperature',
  'p',
  'k',
  'frequency_penalty',
  'presence_penalty',
  'seed',
  'stop_sequences',
  'logprobs',
  'response_format',
  'stream',
  'turnout',
]);
/** Fields whose meaning also stands in the words above. */
const COVERED: ReadonlySet<string> = new Set(['thinking', 'strict_tools']);
/** Fields that may be left out without changing what the caller gets, but for how it is put. */
const HINTS: ReadonlySet<string> = new Set(['citation_options', 'safety_mode', 'priority', 'citation_quality']);
const DOCUMENTS = 'documents';
const MESSAGE_READ: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id']);

/** Reads a body. Checks it as `inspect` does first, so that what follows can rely on its shape. */
export function decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspect(body, path);
  if (!inspected.ok) return inspected;
  const { model, isStreaming, maxOutputTokens } = inspected.value;
  const tools = isV1(body) ? [] : readOwnTools(body);
  const messages = isV1(body)
    ? readHistory(body)
    : nameResults(readMessages(asArray(body['messages']) ?? [], readMessage));
  const grounded = isV1(body) ? undefined : withDocuments(messages, body[DOCUMENTS]);
  const choice = body['tool_choice'];
  return ok(
    compact({
      origin: HOME,
      model,
      messages: grounded ?? messages,
      tools: tools.length === 0 ? undefined : tools,
      toolChoice:
        choice === 'REQUIRED'
          ? { kind: 'required' as const }
          : choice === 'NONE'
            ? { kind: 'none' as const }
            : undefined,
      maxOutputTokens,
      sampling: readSampling(body),
      stop: readStop(body['stop_sequences']),
      logprobs: body['logprobs'] === true ? {} : undefined,
      reasoning: readThinking(asRecord(body['thinking'])),
      format: readFormat(asRecord(body['response_format'])),
      isStreaming,
      extras: readExtras(body).filter(({ field }) => grounded === undefined || field !== DOCUMENTS),
    }),
  );
}

function readSampling(body: JsonRecord): Sampling {
  return compact({
    temperature: asNumber(body['temperature']),
    topP: asNumber(body['p']),
    topK: asNumber(body['k']),
    frequencyPenalty: asNumber(body['frequency_penalty']),
    presencePenalty: asNumber(body['presence_penalty']),
    seed: asNumber(body['seed']),
  });
}

function readStop(stop: Json | undefined): readonly string[] | undefined {
  const texts = (typeof stop === 'string' ? [stop] : (asArray(stop) ?? [])).filter((text) => typeof text === 'string');
  return texts.length === 0 ? undefined : texts;
}

/** One switch holds all tools to their schemas. */
function readOwnTools(body: JsonRecord): readonly Tool[] {
  const isStrict = asBoolean(body['strict_tools']) === true;
  return readTools(body['tools']).map((tool) =>
    isStrict && tool.kind === 'function' ? { ...tool, strict: true } : tool,
  );
}

function readThinking(thinking: JsonRecord | undefined): Reasoning | undefined {
  if (thinking?.['type'] === 'disabled') return { effort: 'none' };
  return thinking === undefined ? undefined : { budgetTokens: asNumber(thinking['token_budget']) ?? -1 };
}

/** `schema` is v1's name of `json_schema`. */
function readFormat(format: JsonRecord | undefined): OutputFormat | undefined {
  if (format === undefined) return undefined;
  if (format['type'] === 'text') return { kind: 'text' };
  const schema = asRecord(format['json_schema']) ?? asRecord(format['schema']);
  return schema === undefined ? { kind: 'json' } : { kind: 'json-schema', schema };
}

function readExtras(body: JsonRecord): readonly Extra[] {
  return Object.entries(body).flatMap(([field, value]): readonly Extra[] => {
    if (WORDS.has(field) || !saysSomething(value)) return [];
    if (COVERED.has(field)) return [{ field, value, weight: 'hint', isCovered: true }];
    return [{ field, value, weight: HINTS.has(field) ? 'hint' : 'meaning' }];
  });
}

function readMessage(message: JsonRecord, at: string): Message {
  const { role } = message;
  if (role === 'tool') return { role, parts: [readResult(message, at)], at };
  if (role === 'assistant') {
    const { parts, extra } = readAssistant(message, at);
    return compact({ role: 'assistant' as const, parts, at, extra });
  }
  const extra = restOf(message, MESSAGE_READ);
  return compact({
    role: role === 'system' ? ('system' as const) : ('user' as const),
    parts: readContent(message['content'], `${at}.content`),
    at,
    extra,
  });
}

function readContent(content: Json | undefined, at: string): readonly Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content, at }];
  return (asArray(content) ?? []).flatMap((part, index): readonly Part[] => {
    const where = `${at}[${index}]`;
    if (!isRecord(part)) return [];
    const read = part['type'] === 'image_url' ? readMedia(part, where) : readBlock(part, { at: where });
    return read === undefined ? [] : [read];
  });
}

function readResult(message: JsonRecord, at: string): ToolResultPart {
  const { content } = message;
  const callId = asString(message['tool_call_id']) ?? '';
  const parts =
    typeof content === 'string'
      ? [{ kind: 'text' as const, text: content, at: `${at}.content` }]
      : (asArray(content) ?? []).flatMap((part, index) =>
          isRecord(part) ? [readResultPart(part, `${at}.content[${index}]`)] : [],
        );
  const extra = restOf(message, MESSAGE_READ);
  return compact({ kind: 'tool-result' as const, callId, parts, at, extra });
}

/** A document of a result: its words for everyone, and itself for Cohere, which cites it by its id. */
function readResultPart(part: JsonRecord, at: string): TextPart {
  const { document } = part;
  if (part['type'] !== 'document' || document === undefined)
    return { kind: 'text', text: asString(part['text']) ?? '', at };
  const data = isRecord(document) ? (document['data'] ?? document) : document;
  // A document without an id is no more than its data.
  const isAll = !isRecord(document) || Object.keys(document).every((name) => name === 'data');
  const kept = isAll ? { item: { document } } : { extra: { document } };
  return { kind: 'text', text: typeof data === 'string' ? data : JSON.stringify(data), at, ...kept };
}

/** v1: a preamble, the history, and the message that was said last. */
function readHistory(body: JsonRecord): readonly Message[] {
  const preamble = asString(body['preamble']) ?? '';
  const before = (asArray(body['chat_history']) ?? []).filter(isRecord).map((turn, index): Message => {
    const at = `chat_history[${index}]`;
    const role = turn['role'] === 'CHATBOT' ? 'assistant' : turn['role'] === 'SYSTEM' ? 'system' : 'user';
    return { role, parts: [{ kind: 'text', text: asString(turn['message']) ?? '', at: `${at}.message` }], at };
  });
  const said = asString(body['message']) ?? '';
  return [
    ...(preamble === '' ? [] : [{ role: 'system' as const, parts: [textPart(preamble, 'preamble')], at: 'preamble' }]),
    ...before,
    { role: 'user', parts: [textPart(said, 'message')], at: 'message' },
  ];
}

function textPart(text: string, at: string): TextPart {
  return { kind: 'text', text, at };
}
