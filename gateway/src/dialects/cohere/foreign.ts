/** Signatures of other providers in the history of a Cohere client, which got them from us and gives them back. */
import { isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { readSignature } from './wire.ts';

/** Whether a body holds one: Cohere knows no such fields. */
export function hasForeignSignatures(body: JsonRecord): boolean {
  return recordsOf(body['messages']).some((message) =>
    [...recordsOf(message['content']), ...recordsOf(message['tool_calls'])].some(isSigned),
  );
}

/** The body without them. What has no words beside its signature goes whole. */
export function withoutForeignSignatures(body: JsonRecord): JsonRecord {
  const { messages } = body;
  if (!isArray(messages)) return body;
  return { ...body, messages: messages.map((message) => (isRecord(message) ? cleaned(message) : message)) };
}

function recordsOf(value: Json | undefined): readonly JsonRecord[] {
  return isArray(value) ? value.filter(isRecord) : [];
}

function isSigned(of: JsonRecord): boolean {
  return readSignature(of, 'signature') !== undefined || readSignature(of, 'encrypted') !== undefined;
}

function cleaned(message: JsonRecord): JsonRecord {
  const change = (list: Json | undefined): readonly Json[] | undefined =>
    isArray(list)
      ? list.flatMap((item): readonly Json[] => (isRecord(item) && isSigned(item) ? unsigned(item) : [item]))
      : undefined;
  const content = change(message['content']);
  const calls = change(message['tool_calls']);
  return {
    ...message,
    ...(content === undefined ? {} : { content }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
  };
}

function unsigned(item: JsonRecord): readonly JsonRecord[] {
  const { signature: _, encrypted: __, ...rest } = item;
  return rest['thinking'] === '' || rest['text'] === '' ? [] : [rest];
}
