/**
 * Custom tools take text and not JSON. OpenAI's two wires have them in two forms that say the same: declarations, calls and
 * results go from one to the other whole. No other protocol has them.
 */
import type { OpaquePart, Part, ToolResultPart } from '../chat/part.ts';
import type { ChatRequest, Message, Tool } from '../chat/request.ts';
import { asRecord, asString, compact, isRecord, type JsonRecord } from '../lib/json.ts';

const CHAT = 'openai-chat';
const RESPONSES = 'openai-responses';
type Wire = typeof CHAT | typeof RESPONSES;

const CUSTOM_CALL = 'custom_tool_call';
const CUSTOM_RESULT = 'custom_tool_call_output';

/** Reads the result of a tool as the Responses API has it. */
type ReadResult = (item: JsonRecord, at: string | undefined) => ToolResultPart;

/** A request of the Responses API with its custom tools as a chat has them. */
export function withChatTools(request: ChatRequest, readResult: ReadResult): ChatRequest {
  const { messages, ...rest } = withCustomTools(request, CHAT);
  if (request.origin !== RESPONSES) return request;
  return { ...rest, messages: messages.map((message) => withChatResult(message, readResult)) };
}

/** A request of the other wire with its custom tools in the form of `home`; results stand as they came. */
export function withCustomTools(request: ChatRequest, home: Wire): ChatRequest {
  if (request.origin !== sisterOf(home)) return request;
  const { tools } = request;
  return {
    ...request,
    messages: request.messages.map((message) => ({
      ...message,
      parts: message.parts.map((part) => withCustomCall(part, home)),
    })),
    ...(tools === undefined ? {} : { tools: tools.map((tool) => toolAt(tool, home)) }),
  };
}

/** A custom call of the other wire in the form of `home`; any other part as it is. */
export function withCustomCall(part: Part, home: Wire): Part {
  return part.kind === 'opaque' ? customCall(part, home) : part;
}

export function customCall(part: OpaquePart, home: Wire): OpaquePart {
  if (part.origin !== sisterOf(home) || part.name !== CUSTOM_CALL || !isRecord(part.value)) return part;
  return { ...part, origin: home, value: home === CHAT ? chatCall(part.value) : responsesCall(part.value) };
}

/** Ids of the custom calls in a conversation in the form of the Responses API: their results have a type of their own. */
export function customCallIds(messages: readonly Message[]): ReadonlySet<string> {
  const ids = messages.flatMap(({ parts }) =>
    parts.flatMap((part) =>
      part.kind === 'opaque' && part.origin === RESPONSES && part.name === CUSTOM_CALL
        ? [asString(asRecord(part.value)?.['call_id']) ?? '']
        : [],
    ),
  );
  return new Set(ids);
}

function sisterOf(home: Wire): Wire {
  return home === CHAT ? RESPONSES : CHAT;
}

/** The Responses API has a result for itself; in a chat it is a tool's message as any other. */
function withChatResult(message: Message, readResult: ReadResult): Message {
  const [only] = message.parts;
  if (only?.kind !== 'opaque' || only.name !== CUSTOM_RESULT || !isRecord(only.value)) return message;
  const { item: _, extra: __, ...result } = readResult(only.value, only.at);
  return { ...message, role: 'tool', parts: [result] };
}

function toolAt(tool: Tool, home: Wire): Tool {
  if (tool.kind !== 'opaque' || tool.origin !== sisterOf(home) || !isRecord(tool.value)) return tool;
  if (tool.value['type'] !== 'custom') return tool;
  return { ...tool, origin: home, value: home === CHAT ? chatTool(tool.value) : responsesTool(tool.value) };
}

function chatTool({ type, format, ...named }: JsonRecord): JsonRecord {
  const { type: kind, ...grammar } = asRecord(format) ?? {};
  const form = kind === 'grammar' ? { type: kind, grammar } : asRecord(format);
  return { type: type ?? 'custom', custom: compact({ ...named, format: form }) };
}

function responsesTool({ type, custom }: JsonRecord): JsonRecord {
  const { format, ...named } = asRecord(custom) ?? {};
  const form = asRecord(format);
  const flat = form?.['type'] === 'grammar' ? { type: 'grammar', ...asRecord(form['grammar']) } : form;
  return compact({ type: type ?? 'custom', ...named, format: flat });
}

function chatCall(item: JsonRecord): JsonRecord {
  const { call_id: id, name, input } = item;
  return compact({ id, type: 'custom', custom: compact({ name, input }) });
}

function responsesCall({ id, custom }: JsonRecord): JsonRecord {
  const { name, input } = asRecord(custom) ?? {};
  return compact({ type: CUSTOM_CALL, call_id: id, name, input });
}
