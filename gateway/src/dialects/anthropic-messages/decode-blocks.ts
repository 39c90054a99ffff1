/** Content blocks as parts: the same for a request's history and a reply. Nothing is thrown away; what has no word stays in `extra` or opaque. */
import type {
  Citation,
  MediaPart,
  MediaSource,
  OpaquePart,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../chat/part.ts';
import { joinCarried } from '../../chat/carried.ts';
import { asString, compact, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { decodeCache, decodeSignature, HOME, others } from './words.ts';

const TEXT_FIELDS = new Set(['type', 'text', 'cache_control', 'citations']);
const MEDIA_FIELDS = new Set(['type', 'source', 'cache_control', 'title']);
const CALL_FIELDS = new Set(['type', 'id', 'name', 'input', 'cache_control']);
const RESULT_FIELDS = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);
const THINKING_FIELDS = new Set(['type', 'thinking', 'signature']);
const REDACTED_FIELDS = new Set(['type', 'data']);
const SOURCE_FIELDS = new Set(['type', 'data', 'media_type', 'url', 'file_id']);

/** Parts of a message's content, a string being one text. `at` is where the content stands in the body, if it stands in one. */
export function decodeContent(content: Json | undefined, at?: string): readonly Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content, ...place(at) }];
  if (!isArray(content)) return [];
  return joinCarried(content.flatMap((block, index) => (block === null ? [] : [decodeBlock(block, inner(at, index))])));
}

function inner(at: string | undefined, index: number): string | undefined {
  return at === undefined ? undefined : `${at}[${index}]`;
}

function place(at: string | undefined): { readonly at?: string } {
  return at === undefined ? {} : { at };
}

function decodeBlock(block: Json, at: string | undefined): Part {
  if (!isRecord(block) || isMalformed(block)) return opaque(block, at);
  switch (asString(block['type']) ?? '') {
    case 'text':
      return decodeText(block, at);
    case 'thinking':
    case 'redacted_thinking':
      return decodeThinking(block, at);
    case 'tool_use':
      return decodeCall(block, at);
    case 'tool_result':
      return decodeResult(block, at);
    case 'image':
    case 'document':
      return decodeMedia(block, at);
    case 'search_result':
      return decodeSearchResult(block, at);
    default:
      return opaque(block, at);
  }
}

export function opaque(block: Json, at?: string): OpaquePart {
  const type = isRecord(block) ? asString(block['type']) : undefined;
  return { kind: 'opaque', origin: HOME, name: type ?? 'unknown', value: block, ...place(at) };
}

/** A text that is none, or a call that names no tool: it stays as it came. */
function isMalformed(block: JsonRecord): boolean {
  const { type, text, name } = block;
  if (type === 'tool_use') return typeof name !== 'string' || name === '';
  return type === 'text' && text !== undefined && text !== null && typeof text !== 'string';
}

/** What every block may have: its place, its cache mark, and fields that we do not know. */
function common(
  block: JsonRecord,
  at: string | undefined,
  known: ReadonlySet<string>,
): Pick<TextPart, 'at' | 'cache' | 'extra'> {
  const cache = decodeCache(block['cache_control']);
  const rest = others(block, known);
  const mark =
    cache === undefined && isRecord(block['cache_control']) ? { cache_control: block['cache_control'] } : undefined;
  const extra = rest === undefined && mark === undefined ? undefined : { ...rest, ...mark };
  return compact({ at, cache, extra });
}

function decodeText(block: JsonRecord, at: string | undefined): TextPart {
  const citations = decodeCitations(block['citations']);
  return {
    kind: 'text',
    text: asString(block['text']) ?? '',
    ...(citations.length === 0 ? {} : { citations }),
    ...common(block, at, TEXT_FIELDS),
  };
}

function decodeCitations(value: Json | undefined): readonly Citation[] {
  const list = isArray(value) ? value : [value ?? null];
  return list.flatMap((raw) => (isRecord(raw) ? [decodeCitation(raw)] : []));
}

/** Offsets of Anthropic point into the cited document, not into the text: they stay in `raw`. */
export function decodeCitation(raw: JsonRecord): Citation {
  return compact({
    url: asString(raw['url']) ?? (raw['type'] === 'search_result_location' ? asString(raw['source']) : undefined),
    title: asString(raw['title']) ?? asString(raw['document_title']),
    citedText: asString(raw['cited_text']),
    raw,
    origin: HOME,
  });
}

function decodeThinking(block: JsonRecord, at: string | undefined): ReasoningPart {
  if (block['type'] === 'redacted_thinking') {
    const encrypted = decodeSignature(block['data']);
    return {
      kind: 'reasoning',
      text: '',
      ...(encrypted === undefined ? {} : { encrypted }),
      ...common(block, at, REDACTED_FIELDS),
    };
  }
  const signature = decodeSignature(block['signature']);
  return {
    kind: 'reasoning',
    text: asString(block['thinking']) ?? '',
    ...(signature === undefined ? {} : { signature }),
    ...common(block, at, THINKING_FIELDS),
  };
}

function decodeCall(block: JsonRecord, at: string | undefined): ToolCallPart {
  return {
    kind: 'tool-call',
    id: asString(block['id']) ?? '',
    name: asString(block['name']) ?? '',
    arguments: JSON.stringify(block['input'] ?? {}),
    ...common(block, at, CALL_FIELDS),
  };
}

function decodeResult(block: JsonRecord, at: string | undefined): ToolResultPart {
  const parts: (TextPart | MediaPart | OpaquePart)[] = [];
  for (const part of decodeContent(block['content'], at === undefined ? undefined : `${at}.content`)) {
    if (part.kind === 'text' || part.kind === 'opaque' || part.kind === 'image' || part.kind === 'document')
      parts.push(part);
  }
  return {
    kind: 'tool-result',
    callId: asString(block['tool_use_id']) ?? '',
    parts,
    ...(typeof block['is_error'] === 'boolean' ? { isError: block['is_error'] } : {}),
    ...common(block, at, RESULT_FIELDS),
  };
}

function decodeMedia(block: JsonRecord, at: string | undefined): MediaPart | OpaquePart {
  const given = block['source'];
  const source = isRecord(given) ? decodeSource(given, block) : undefined;
  if (source === undefined || !isRecord(given)) return opaque(block, at);
  const title = asString(block['title']);
  const fields = common(block, at, MEDIA_FIELDS);
  // A source that says more than we have words for goes along whole, so that its own wire gets it back.
  const isWhole = given['type'] === 'content' || others(given, SOURCE_FIELDS) !== undefined;
  return {
    kind: block['type'] === 'image' ? 'image' : 'document',
    source,
    ...(title === undefined ? {} : { name: title }),
    ...fields,
    ...(isWhole ? { extra: { ...fields.extra, source: given } } : {}),
  };
}

function decodeSource(source: JsonRecord, block: JsonRecord): MediaSource | undefined {
  const mediaType = asString(source['media_type']);
  switch (asString(source['type']) ?? '') {
    case 'base64':
      return {
        by: 'base64',
        data: textIn(source, 'data'),
        mediaType: mediaType ?? (block['type'] === 'image' ? 'image/png' : 'application/pdf'),
      };
    case 'url':
      return compact({ by: 'url' as const, url: textIn(source, 'url'), mediaType });
    case 'file':
      return compact({ by: 'file' as const, id: textIn(source, 'file_id'), mediaType });
    case 'text':
      return compact({ by: 'text' as const, text: textIn(source, 'data'), mediaType });
    case 'content':
      return contentSource(source['content']);
    default:
      return undefined;
  }
}

function textIn(record: JsonRecord, name: string): string {
  return asString(record[name]) ?? '';
}

/** A document given as blocks: text where it is only text. With images in it, only its own wire can say it. */
function contentSource(content: Json | undefined): MediaSource | undefined {
  const text = textOf(content);
  return text === undefined ? undefined : { by: 'text', text };
}

function textOf(content: Json | undefined): string | undefined {
  if (typeof content === 'string') return content;
  if (!isArray(content)) return undefined;
  const texts = content.map((block) =>
    isRecord(block) && block['type'] === 'text' ? asString(block['text']) : undefined,
  );
  return texts.every((text) => text !== undefined) ? texts.join('\n\n') : undefined;
}

/** A search result of the caller's own: a text document for everyone else, itself again at home. */
function decodeSearchResult(block: JsonRecord, at: string | undefined): MediaPart | OpaquePart {
  const text = textOf(block['content']);
  if (text === undefined) return opaque(block, at);
  const title = asString(block['title']) ?? asString(block['source']);
  return {
    kind: 'document',
    source: { by: 'text', text },
    ...(title === undefined ? {} : { name: title }),
    ...place(at),
    whole: block,
  };
}
