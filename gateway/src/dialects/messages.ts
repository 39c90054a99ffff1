/** What several wires share in reading requests: messages and what they are made of, formats, efforts. */
import type { MediaPart, Part } from '../chat/part.ts';
import type { Message, OutputFormat, Reasoning } from '../chat/request.ts';
import { asBoolean, asString, compact, isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';

/** Messages in order, each by `read`, which is given those before it; the tool results of one round become one message. */
export function readMessages(
  list: readonly Json[],
  read: (message: JsonRecord, at: string, before: readonly Message[]) => Message,
): readonly Message[] {
  const messages: Message[] = [];
  for (const [index, item] of list.entries()) {
    if (!isRecord(item)) continue;
    const message = read(item, `messages[${index}]`, messages);
    const last = messages.at(-1);
    if (message.role === 'tool' && last?.role === 'tool')
      messages[messages.length - 1] = { ...last, parts: [...last.parts, ...message.parts] };
    else messages.push(message);
  }
  return messages;
}

/** A turn of the user in blocks becomes one message or more: tool results stand in messages of their own. */
export function splitResults(parts: readonly Part[], at: string, extra: JsonRecord | undefined): readonly Message[] {
  const runs: { role: 'tool' | 'user'; parts: Part[] }[] = [];
  for (const part of parts) {
    const role = part.kind === 'tool-result' ? 'tool' : 'user';
    const last = runs.at(-1);
    if (last?.role === role) last.parts.push(part);
    else runs.push({ role, parts: [part] });
  }
  return runs.map((run, position) => ({ ...run, at, ...(position === 0 && extra !== undefined ? { extra } : {}) }));
}

/** Results with the names of their tools, which they know only through the call, and Gemini needs. */
export function nameResults(messages: readonly Message[]): readonly Message[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    for (const part of message.parts) if (part.kind === 'tool-call') names.set(part.id, part.name);
    if (message.role !== 'tool') return message;
    return { ...message, parts: message.parts.map((part) => named(part, names)) };
  });
}

function named(part: Part, names: ReadonlyMap<string, string>): Part {
  if (part.kind !== 'tool-result') return part;
  const name = names.get(part.callId);
  return name === undefined ? part : { ...part, name };
}

export function isMedia(part: Part): part is MediaPart {
  return part.kind === 'image' || part.kind === 'document' || part.kind === 'audio' || part.kind === 'video';
}

/** A call's arguments as an object, which no arguments are too; undefined where the text is none. */
export function argumentsObject(text: string): JsonRecord | undefined {
  const value = text.trim() === '' ? {} : parseJson(text);
  return isRecord(value) ? value : undefined;
}

/** An answer held to a schema, with what is said of it beside. */
export function schemaFormat(schema: JsonRecord, described: JsonRecord | undefined): OutputFormat {
  return compact({
    kind: 'json-schema' as const,
    schema,
    name: asString(described?.['name']),
    description: asString(described?.['description']),
    strict: asBoolean(described?.['strict']),
  });
}

type Effort = NonNullable<Reasoning['effort']>;

const EFFORTS: ReadonlySet<unknown> = new Set<Effort>(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

/** True for every effort that some protocol knows. */
export function isEffort(value: unknown): value is Effort {
  return EFFORTS.has(value);
}
