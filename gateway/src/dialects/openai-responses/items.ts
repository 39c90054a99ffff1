/**
 * Items, read: the same in the input of a request and in the output of a reply. Each becomes the parts of a turn; what only
 * this wire keeps of an item (`id`, `status`, `phase`) stands in the `item` of its first part.
 *
 * Signatures. `encrypted_content` of a reasoning item signs the reasoning part (`signature`), so that it fits into one block
 * of any protocol; those of other providers travel in it packed, Gemini's for calls and texts in an empty item beside them.
 */
import type { Citation, MediaPart, MediaSource, Origin, Part, ReasoningPart, ToolResultPart } from '../../chat/part.ts';
import type { TokenLogprob } from '../../chat/reply.ts';
import type { Role } from '../../chat/request.ts';
import { unpackSignature } from '../../chat/signature.ts';
import {
  asArray,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { argumentsText, restOf } from '../openai-chat/assistant.ts';
import { readCache, readDataUrl, sniff } from '../openai-chat/media.ts';
import { readLogprobs } from '../openai-chat/response.ts';

export const HOME = 'openai-responses' as const satisfies Origin;

/** What an item becomes: parts of a message of this role. */
export interface ReadItem {
  readonly role: Role;
  readonly parts: readonly Part[];
  readonly logprobs: readonly TokenLogprob[];
}

/** Reads one item. `at` is where it stands in the caller's body; absent in replies. */
export function readItem(item: JsonRecord, at?: string): ReadItem {
  switch (typeOf(item)) {
    case 'message':
      return readMessage(item, at);
    case 'reasoning':
      return { role: 'assistant', parts: readReasoning(item, at), logprobs: [] };
    case 'function_call':
      return { role: 'assistant', parts: [readCall(item, at)], logprobs: [] };
    case 'function_call_output':
      return { role: 'tool', parts: [readResult(item, at)], logprobs: [] };
    default:
      return { role: roleOfOther(item), parts: [opaque(item, at)], logprobs: [] };
  }
}

/** The type of an item; a message may leave it out. */
export function typeOf(item: JsonRecord): string {
  return asString(item['type']) ?? (item['role'] === undefined ? 'unknown' : 'message');
}

/** What comes from the caller: results of tools that only this wire has, and what adds to the prompt. */
const FROM_CALLER = /_(?:output|response)$|^(?:additional_tools|item_reference|compaction)/;

function roleOfOther(item: JsonRecord): Role {
  return FROM_CALLER.test(typeOf(item)) ? 'user' : 'assistant';
}

function place(at: string | undefined, field?: string): { readonly at?: string } {
  return at === undefined ? {} : { at: field === undefined ? at : `${at}.${field}` };
}

export function opaque(value: JsonRecord, at?: string): Extract<Part, { kind: 'opaque' }> {
  return { kind: 'opaque', origin: HOME, name: asString(value['type']) ?? 'item', value, ...place(at) };
}

const ITEM_KEPT = ['id', 'status', 'phase'] as const;

/** The bookkeeping of an item. Empty where there is none: that an item begins is still told by it. */
export function itemOf(item: JsonRecord): JsonRecord {
  const kept = ITEM_KEPT.flatMap((field) => (typeof item[field] === 'string' ? [[field, item[field]] as const] : []));
  return Object.fromEntries(kept);
}

const MESSAGE_READ: ReadonlySet<string> = new Set([...ITEM_KEPT, 'type', 'role', 'content']);
const ROLES: Readonly<Record<string, Role | undefined>> = {
  system: 'system',
  developer: 'developer',
  user: 'user',
};

function readMessage(item: JsonRecord, at: string | undefined): ReadItem {
  const { content } = item;
  const role = ROLES[asString(item['role']) ?? ''] ?? 'assistant';
  const parts = readContents(content, at === undefined ? undefined : `${at}.content`);
  const [first, ...rest] = parts;
  const logprobs = (asArray(content) ?? []).flatMap((part) => readLogprobs(asRecord(part)?.['logprobs']));
  // Codex marks its messages with fields of its own: they are as much bookkeeping as an id.
  const own = { ...itemOf(item), ...restOf(item, MESSAGE_READ) };
  return { role, parts: first === undefined ? [] : [{ ...first, item: own }, ...rest], logprobs };
}

/** The parts of a content. Text that is empty is left out: other protocols refuse empty blocks. */
function readContents(content: Json | undefined, at: string | undefined): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content, ...place(at) }];
  return (asArray(content) ?? [])
    .flatMap((part, index) =>
      isRecord(part) ? [readContent(part, at === undefined ? undefined : `${at}[${index}]`)] : [],
    )
    .filter((part) => part.kind !== 'text' || part.text !== '');
}

const TEXT_READ: ReadonlySet<string> = new Set(['type', 'text', 'annotations', 'logprobs', 'prompt_cache_breakpoint']);

/** One part of a message, or of a tool's output. */
export function readContent(part: JsonRecord, at: string | undefined): Part {
  const type = asString(part['type']);
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return readText(part, at);
    case 'refusal':
      return { kind: 'refusal', text: asString(part['refusal']) ?? '', ...place(at) };
    case 'input_image':
    case 'input_file':
    case 'input_audio':
      return readMedia(part, at) ?? opaque(part, at);
    default:
      return opaque(part, at);
  }
}

function readText(part: JsonRecord, at: string | undefined): Part {
  const citations = readAnnotations(part['annotations']);
  return compact({
    kind: 'text' as const,
    text: asString(part['text']) ?? '',
    ...place(at),
    cache: readCache(part),
    citations: citations.length === 0 ? undefined : citations,
    extra: restOf(part, TEXT_READ),
  });
}

/** Annotations of a text: pages, files, and files that code wrote. */
export function readAnnotations(list: Json | undefined): readonly Citation[] {
  return (asArray(list) ?? []).flatMap((raw) => (isRecord(raw) ? [readAnnotation(raw)] : []));
}

export function readAnnotation(raw: JsonRecord): Citation {
  return compact({
    url: asString(raw['url']),
    title: asString(raw['title']) ?? asString(raw['filename']),
    start: asNumber(raw['start_index']),
    end: asNumber(raw['end_index']),
    raw,
    origin: HOME,
  });
}

const MEDIA_READ: ReadonlySet<string> = new Set([
  'type',
  'image_url',
  'detail',
  'file_id',
  'file_url',
  'file_data',
  'filename',
  'input_audio',
  'prompt_cache_breakpoint',
]);

function readMedia(part: JsonRecord, at: string | undefined): MediaPart | undefined {
  const source = sourceOf(part);
  if (source === undefined) return undefined;
  const type = part['type'];
  return compact({
    kind:
      type === 'input_image' ? ('image' as const) : type === 'input_audio' ? ('audio' as const) : ('document' as const),
    source,
    ...place(at),
    detail: asString(part['detail']),
    name: asString(part['filename']),
    cache: readCache(part),
    extra: restOf(part, MEDIA_READ),
  });
}

function sourceOf(part: JsonRecord): MediaSource | undefined {
  const sound = asRecord(part['input_audio']);
  if (sound !== undefined) {
    const format = asString(sound['format']) ?? 'wav';
    const mediaType = `audio/${format === 'mp3' ? 'mpeg' : format}`;
    return { by: 'base64', data: asString(sound['data']) ?? '', mediaType };
  }
  const url = asString(part['image_url']) ?? asString(part['file_url']);
  if (url !== undefined) return readDataUrl(url) ?? { by: 'url', url };
  const data = asString(part['file_data']);
  if (data !== undefined) return readDataUrl(data) ?? { by: 'base64', data, mediaType: sniff(data) };
  const id = asString(part['file_id']);
  return id === undefined ? undefined : { by: 'file', id };
}

const REASONING_READ: ReadonlySet<string> = new Set([...ITEM_KEPT, 'type', 'summary', 'content', 'encrypted_content']);

/** Summaries first, then the reasoning itself; the last of them is signed. An item that says nothing at all is no part. */
function readReasoning(item: JsonRecord, at: string | undefined): readonly Part[] {
  const sealed = asString(item['encrypted_content']) ?? '';
  const signature = sealed === '' ? undefined : unpackSignature(sealed, HOME);
  // What another provider signed were its thoughts themselves: only here do they stand among summaries.
  const summary = signature === undefined || signature.origin === HOME ? { isSummary: true } : {};
  const said: ReasoningPart[] = [
    ...textsOf(item['summary']).map((text) => ({ kind: 'reasoning' as const, text, ...summary, ...place(at) })),
    ...textsOf(item['content']).map((text) => ({ kind: 'reasoning' as const, text, ...place(at) })),
  ];
  if (said.length === 0 && sealed === '') return [];
  const parts: ReasoningPart[] = said.length === 0 ? [{ kind: 'reasoning', text: '', ...place(at) }] : said;
  const last = parts.length - 1;
  return parts.map((part, index) =>
    compact({
      ...part,
      signature: index === last ? signature : undefined,
      item: index === 0 ? itemOf(item) : undefined,
      extra: index === 0 ? restOf(item, REASONING_READ) : undefined,
    }),
  );
}

function textsOf(list: Json | undefined): readonly string[] {
  return (asArray(list) ?? []).flatMap((part) => {
    const text = asString(asRecord(part)?.['text']);
    return text === undefined || text === '' ? [] : [text];
  });
}

/** `item_id` and `output_index` stand in Bedrock's calls, where they repeat the stream's. */
const CALL_READ: ReadonlySet<string> = new Set([
  ...ITEM_KEPT,
  'type',
  'call_id',
  'name',
  'arguments',
  'item_id',
  'output_index',
]);

/** A call's fields without a word here: `namespace`, `caller`. */
export function callExtra(item: JsonRecord): JsonRecord | undefined {
  return restOf(item, CALL_READ);
}

function readCall(item: JsonRecord, at: string | undefined): Part {
  const name = asString(item['name']) ?? '';
  return compact({
    kind: 'tool-call' as const,
    id: asString(item['call_id']) ?? asString(item['id']) ?? `call_${name}`,
    name,
    arguments: argumentsText(item['arguments']) ?? '',
    ...place(at),
    item: itemOf(item),
    extra: callExtra(item),
  });
}

const RESULT_READ: ReadonlySet<string> = new Set([...ITEM_KEPT, 'type', 'call_id', 'output']);

function readResult(item: JsonRecord, at: string | undefined): ToolResultPart {
  const { output } = item;
  const parts = isRecord(output) ? [] : readContents(output, at === undefined ? undefined : `${at}.output`);
  return compact({
    kind: 'tool-result' as const,
    callId: asString(item['call_id']) ?? '',
    parts: parts.filter(isResultPart),
    value: asRecord(output),
    ...place(at),
    item: itemOf(item),
    extra: restOf(item, RESULT_READ),
  });
}

function isResultPart(part: Part): part is ToolResultPart['parts'][number] {
  return (
    part.kind !== 'tool-call' && part.kind !== 'tool-result' && part.kind !== 'reasoning' && part.kind !== 'refusal'
  );
}
