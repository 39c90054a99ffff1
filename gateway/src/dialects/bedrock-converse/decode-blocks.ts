/** Content blocks as parts: the same for a request's history and a reply. Nothing is thrown away; what has no word stays in `extra` or opaque. */
import type {
  Citation,
  MediaPart,
  MediaSource,
  OpaquePart,
  Part,
  ReasoningPart,
  TextPart,
  ToolResultPart,
} from '../../chat/part.ts';
import { asRecord, asString, compact, isArray, isRecord, others, type Json, type JsonRecord } from '../../lib/json.ts';
import { decodeCache, decodeRedacted, decodeSignature, HOME, NO_TYPE, typeOfFormat } from './words.ts';

/** Whose words they are: tools that the service runs itself answer in the assistant's message. */
type Speaker = 'user' | 'assistant';

/** Parts of a message's content. `at` is where the content stands in the body, if it stands in one. */
export function decodeContent(content: Json | undefined, speaker: Speaker, at?: string): readonly Part[] {
  if (!isArray(content)) return [];
  const parts: Part[] = [];
  for (const [index, block] of content.entries()) {
    if (!isRecord(block)) continue;
    const cache = Object.keys(block).length === 1 ? decodeCache(block['cachePoint']) : undefined;
    const last = parts.at(-1);
    if (cache !== undefined && mayMark(last)) parts[parts.length - 1] = { ...last, cache };
    else parts.push(decodeBlock(block, speaker, at === undefined ? undefined : `${at}[${index}]`));
  }
  return parts;
}

/** A cache point marks what is before it. Two in a row, or one at the start, can only be told as they came. */
function mayMark(last: Part | undefined): last is Part {
  return last !== undefined && last.cache === undefined && last.kind !== 'opaque';
}

type Reader = (held: JsonRecord, place: Place) => Part | undefined;

interface Place {
  readonly speaker: Speaker;
  readonly at: string | undefined;
}

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['image', (held, place) => decodeMedia('image', held, place)],
  ['document', (held, place) => decodeMedia('document', held, place)],
  ['audio', (held, place) => decodeMedia('audio', held, place)],
  ['video', (held, place) => decodeMedia('video', held, place)],
  ['toolUse', decodeCall],
  ['toolResult', decodeResult],
  ['reasoningContent', decodeReasoning],
  ['citationsContent', decodeCited],
  ['guardContent', decodeGuarded],
  ['searchResult', decodeSearchResult],
]);

function decodeBlock(block: JsonRecord, speaker: Speaker, at: string | undefined): Part {
  const place: Place = { speaker, at };
  const { text } = block;
  if (typeof text === 'string') return compact({ kind: 'text' as const, text, at, extra: others(block, TEXT_FIELDS) });
  for (const [name, held] of Object.entries(block)) {
    const part = isRecord(held) ? READERS.get(name)?.(held, place) : undefined;
    if (part !== undefined) return part;
  }
  return opaqueBlock(block, at);
}

export function opaqueBlock(block: JsonRecord, at?: string): OpaquePart {
  return compact({ kind: 'opaque' as const, origin: HOME, name: Object.keys(block)[0] ?? 'unknown', value: block, at });
}

/** `type: 'text'` beside it says nothing more (recorded in requests and replies that were written by other protocols' hands). */
const TEXT_FIELDS = new Set(['text', 'type']);
const MEDIA_FIELDS = new Set(['format', 'source', 'name']);
const CALL_FIELDS = new Set(['toolUseId', 'name', 'input']);
const RESULT_FIELDS = new Set(['toolUseId', 'content', 'status']);
const CITED_FIELDS = new Set(['content', 'citations']);
const THOUGHT_FIELDS = new Set(['text', 'signature']);

function decodeMedia(kind: MediaPart['kind'], held: JsonRecord, { at }: Place): Part | undefined {
  const given = asRecord(held['source']);
  const format = asString(held['format']);
  const source =
    given === undefined ? undefined : sourceOf(given, format === undefined ? undefined : typeOfFormat(kind, format));
  if (source === undefined) return undefined;
  const rest = others(held, MEDIA_FIELDS);
  // A source of several blocks goes along whole, so that its own wire gets it back.
  const whole = isArray(given?.['content']) ? { source: given } : undefined;
  return compact({
    kind,
    source,
    name: asString(held['name']),
    at,
    extra: rest === undefined && whole === undefined ? undefined : { ...rest, ...whole },
  });
}

function sourceOf(source: JsonRecord, mediaType: string | undefined): MediaSource | undefined {
  const { bytes, text, content } = source;
  if (typeof bytes === 'string') return { by: 'base64', data: bytes, mediaType: mediaType ?? NO_TYPE };
  if (typeof text === 'string') return compact({ by: 'text' as const, text, mediaType });
  const uri = asString(asRecord(source['s3Location'])?.['uri']);
  if (uri !== undefined && asRecord(source['s3Location'])?.['bucketOwner'] === undefined)
    return compact({ by: 'file' as const, id: uri, mediaType });
  const joined = textsOf(content);
  return joined === undefined ? undefined : compact({ by: 'text' as const, text: joined.join('\n\n'), mediaType });
}

/** The texts of a list of text blocks; undefined where other blocks stand in it. */
function textsOf(content: Json | undefined): readonly string[] | undefined {
  if (!isArray(content)) return undefined;
  const texts = content.map((block) => asString(asRecord(block)?.['text']));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function decodeCall(held: JsonRecord, { at }: Place): Part | undefined {
  if (held['type'] === 'server_tool_use') return undefined;
  return compact({
    kind: 'tool-call' as const,
    id: asString(held['toolUseId']) ?? '',
    name: asString(held['name']) ?? '',
    arguments: JSON.stringify(held['input'] ?? {}),
    at,
    extra: others(held, CALL_FIELDS),
  });
}

function decodeResult(held: JsonRecord, { speaker, at }: Place): ToolResultPart | undefined {
  if (speaker === 'assistant' || held['type'] !== undefined) return undefined;
  const { content, status } = held;
  const parts = (isArray(content) ? content : []).flatMap((block, index) =>
    isRecord(block) ? [decodeInner(block, at === undefined ? undefined : `${at}.toolResult.content[${index}]`)] : [],
  );
  return compact({
    kind: 'tool-result' as const,
    callId: asString(held['toolUseId']) ?? '',
    parts,
    isError: typeof status === 'string' ? status === 'error' : undefined,
    value: isArray(content) && content.length === 1 ? asRecord(asRecord(content[0])?.['json']) : undefined,
    at,
    extra: others(held, RESULT_FIELDS),
  });
}

/** JSON in a result is text to most; its own wire gets it back as it was. */
function decodeInner(block: JsonRecord, at: string | undefined): TextPart | MediaPart | OpaquePart {
  const { json } = block;
  if (json !== undefined)
    return compact({
      kind: 'text' as const,
      text: typeof json === 'string' ? json : JSON.stringify(json),
      at,
      extra: { json },
    });
  const part = decodeBlock(block, 'user', at);
  const isInner =
    part.kind !== 'tool-call' && part.kind !== 'tool-result' && part.kind !== 'reasoning' && part.kind !== 'refusal';
  return isInner ? part : opaqueBlock(block, at);
}

function decodeReasoning(held: JsonRecord, { at }: Place): ReasoningPart | undefined {
  const redacted = asString(held['redactedContent']);
  if (redacted !== undefined)
    return compact({ kind: 'reasoning' as const, text: '', encrypted: decodeRedacted(redacted), at });
  const shown = asRecord(held['reasoningText']);
  if (shown === undefined) return undefined;
  return compact({
    kind: 'reasoning' as const,
    text: asString(shown['text']) ?? '',
    signature: decodeSignature(shown['signature']),
    at,
    extra: others(shown, THOUGHT_FIELDS),
  });
}

function decodeCited(held: JsonRecord, { at }: Place): Part | undefined {
  const texts = textsOf(held['content']);
  const { citations } = held;
  if (texts === undefined || !isArray(citations)) return undefined;
  const rest = others(held, CITED_FIELDS);
  return compact({
    kind: 'text' as const,
    text: texts.join(''),
    citations: citations.flatMap((raw) => (isRecord(raw) ? [decodeCitation(raw)] : [])),
    at,
    extra: texts.length === 1 && rest === undefined ? undefined : { ...rest, citedTexts: texts },
  });
}

/** Offsets point into the cited document, not into the text: they stay in `raw`. */
export function decodeCitation(raw: JsonRecord): Citation {
  const texts = textsOf(raw['sourceContent']);
  return compact({
    url: asString(asRecord(asRecord(raw['location'])?.['web'])?.['url']),
    title: asString(raw['title']),
    citedText: texts === undefined || texts.length === 0 ? undefined : texts.join(''),
    raw,
    origin: HOME,
  });
}

/** Text that a guardrail shall look at is text to everyone else. */
function decodeGuarded(held: JsonRecord, { at }: Place): Part | undefined {
  const text = asString(asRecord(held['text'])?.['text']);
  return text === undefined ? undefined : compact({ kind: 'text' as const, text, at, extra: { guardContent: held } });
}

/** A search result of the caller's own: a text document for everyone else, itself again at home. */
function decodeSearchResult(held: JsonRecord, { at }: Place): Part | undefined {
  const texts = textsOf(held['content']);
  if (texts === undefined) return undefined;
  return compact({
    kind: 'document' as const,
    source: { by: 'text' as const, text: texts.join('\n\n') },
    name: asString(held['title']),
    at,
    extra: { searchResult: held },
  });
}
