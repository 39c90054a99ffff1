/** Documents that a request brings along for its answer: Cohere has a field for them, everyone else reads them with the user's last words. */
import type { MediaPart, Part } from '../../chat/part.ts';
import type { Message } from '../../chat/request.ts';
import { asRecord, asString, compact, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';

/** Names under which a document has its words, the usual one first. */
const WORDS = ['text', 'snippet', 'content'] as const;

/** The messages with the documents before what the user said last; undefined where there are none, or no user to say them. */
export function withDocuments(
  messages: readonly Message[],
  documents: Json | undefined,
): readonly Message[] | undefined {
  if (!isArray(documents) || documents.length === 0) return undefined;
  const last = messages.findLastIndex(({ role }) => role === 'user');
  const message = messages[last];
  if (message === undefined) return undefined;
  return messages.toSpliced(last, 1, { ...message, parts: [...documents.map(readDocument), ...message.parts] });
}

/** The documents among the parts of a request, as Cohere wrote them. */
export function documentsOf(messages: readonly Message[]): readonly Json[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => documentOf(part) ?? []));
}

/** What a part was in Cohere's own request; undefined where it was something else. */
export function documentOf(part: Part): Json | undefined {
  return part.item?.['document'];
}

function readDocument(document: Json, index: number): MediaPart {
  const { text, title, isAll } = saidBy(document);
  return compact({
    kind: 'document' as const,
    source: { by: 'text' as const, text },
    name: title,
    at: `documents[${index}]`,
    item: { document },
    // Its id, by which it is cited, and fields of the caller's own.
    whole: isAll ? undefined : asRecord(document),
  });
}

/** The words and the title of a document; all of its fields as JSON where it has others. */
function saidBy(document: Json): { readonly text: string; readonly title?: string; readonly isAll: boolean } {
  if (!isRecord(document)) return { text: asString(document) ?? JSON.stringify(document), isAll: true };
  const data = document['data'] ?? document;
  const isAll = Object.keys(document).every((name) => name === 'data');
  if (!isRecord(data)) return { text: asString(data) ?? JSON.stringify(data), isAll };
  return { ...wordsOf(data), isAll };
}

function wordsOf(data: JsonRecord): { readonly text: string; readonly title?: string } {
  const { title, ...rest } = data;
  const [only, ...others] = Object.keys(rest);
  const words = others.length === 0 && WORDS.some((name) => name === only) ? asString(rest[only ?? '']) : undefined;
  if (words === undefined) return { text: JSON.stringify(data) };
  return compact({ text: words, title: asString(title) });
}
