/**
 * An assistant's message, read: the same in a reply and in the history that comes back with the next request.
 *
 * Signatures. A reasoning block travels as an entry of `reasoning_details` (OpenRouter's form): its `format` names whose
 * signature it is, so that Anthropic's and Gemini's stand there bare and OpenRouter understands them; those of other
 * protocols are packed. Gemini signs tool calls: that stands in `extra_content.google.thought_signature` (Google's own
 * form on this wire) and, for clients that keep only `reasoning_details`, in an entry with the call's id.
 */
import type { Citation, MediaPart, Origin, Part, Signature, ToolCallPart } from '../../chat/part.ts';
import { unpackSignature } from '../../chat/signature.ts';
import {
  asArray,
  asCount,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { readCache, readDataUrl, sniff } from './media.ts';

export const HOME = 'openai-chat' as const satisfies Origin;

/** The `format` of those whose signatures stand bare in an entry. */
export const FORMAT_OF: Readonly<Partial<Record<Origin, string>>> = {
  'anthropic-messages': 'anthropic-claude-v1',
  gemini: 'google-gemini-v1',
};
const ORIGIN_OF: Readonly<Record<string, Origin | undefined>> = {
  'anthropic-claude-v1': 'anthropic-messages',
  'google-gemini-v1': 'gemini',
};

/** Fields of a reply's message, or of a piece of it, that become parts, or say nothing. */
export const SAID: ReadonlySet<string> = new Set([
  'role',
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'tool_calls',
  'function_call',
  'annotations',
  'audio',
  'images',
  'extra_content',
  'thought_signature',
  // Mistral's streams number the delta too.
  'index',
]);
const READ: ReadonlySet<string> = new Set([...SAID, 'cache_control', 'prompt_cache_breakpoint']);

export interface AssistantMessage {
  readonly parts: readonly Part[];
  /** Fields without a word here. */
  readonly extra: JsonRecord | undefined;
}

/** Reads an assistant's message. `at` is where it stands in the caller's body; absent in replies. */
export function readAssistant(message: JsonRecord, at?: string): AssistantMessage {
  const calls = readCalls(message, at);
  const content = readContent(message, at);
  const reasoning = readReasoning(message, at, calls);
  const parts = [
    ...reasoning,
    ...content,
    ...readRefusal(message, at),
    ...readAudio(message, at),
    ...readImages(message, at),
    ...calls,
  ];
  return { parts: signParts(parts, message), extra: restOf(message, READ) };
}

/** The fields of `record` that `read` does not name and that say something: null, '' and [] do not. */
export function restOf(record: JsonRecord, read: ReadonlySet<string>): JsonRecord | undefined {
  let rest: Record<string, Json> | undefined;
  for (const key of Object.keys(record)) {
    if (read.has(key)) continue;
    const value = record[key];
    if (!saysSomething(value)) continue;
    rest ??= {};
    rest[key] = value;
  }
  return rest;
}

/** False for null, empty text, empty lists, and objects that hold nothing else (Writer's `graph_data`). */
export function saysSomething(value: Json | undefined): value is Json {
  if (value === undefined || value === null || value === '') return false;
  if (isArray(value)) return value.length > 0;
  return !isRecord(value) || Object.values(value).some(saysSomething);
}

/** A list, or the one thing that stands where a list is meant. */
function listOf(value: Json | undefined): readonly Json[] {
  return isArray(value) ? value : isRecord(value) ? [value] : [];
}

function place(at: string | undefined, field: string): { readonly at?: string } {
  return at === undefined ? {} : { at: `${at}.${field}` };
}

function readContent(message: JsonRecord, at: string | undefined): readonly Part[] {
  const content = isRecord(message['content']) ? [message['content']] : message['content'];
  if (typeof content === 'string') {
    const cache = readCache(message);
    // Text that is empty is left out: other protocols refuse empty blocks.
    if (content === '') return [];
    return [compact({ kind: 'text' as const, text: content, ...place(at, 'content'), cache })];
  }
  if (!isArray(content)) return [];
  return content.flatMap((part, index) =>
    readContentPart(part, at === undefined ? {} : { at: `${at}.content[${index}]` }),
  );
}

const TEXT_READ: ReadonlySet<string> = new Set(['type', 'text', 'cache_control', 'prompt_cache_breakpoint']);

/** One part of a content list of an assistant: text, a refusal, Mistral's thinking, or what only its provider knows. */
export function readContentPart(part: Json, where: { readonly at?: string }): readonly Part[] {
  if (typeof part === 'string') return [{ kind: 'text', text: part, ...where }];
  if (!isRecord(part)) return [];
  const type = asString(part['type']) ?? impliedType(part);
  if (type === 'text' && (typeof part['text'] === 'string' || !saysSomething(part['text']))) {
    const text = asString(part['text']);
    if (text === undefined || text === '') return [];
    return [compact({ kind: 'text' as const, text, ...where, cache: readCache(part), extra: restOf(part, TEXT_READ) })];
  }
  if (type === 'refusal') return [{ kind: 'refusal', text: asString(part['refusal']) ?? '', ...where }];
  if (type === 'thinking') return readThinking(part, where);
  return [{ kind: 'opaque', origin: HOME, name: type, value: part, ...where }];
}

/** What a part without a type is: named by what it holds. */
function impliedType(part: JsonRecord): string {
  return ['text', 'thinking', 'refusal'].find((field) => part[field] !== undefined) ?? 'part';
}

/** Mistral: `{type: 'thinking', thinking: [{type: 'text', text}], closed}`. */
function readThinking(part: JsonRecord, where: { readonly at?: string }): readonly Part[] {
  const { thinking } = part;
  const pieces = typeof thinking === 'string' ? [{ text: thinking }] : listOf(thinking);
  const text = pieces.map((piece) => textOfPiece(piece) ?? '').join('');
  // Pointers to what was looked up while thinking.
  const others = pieces.filter((piece) => textOfPiece(piece) === undefined || hasMore(piece));
  const extra = compact({
    ...restOf(part, THINKING_READ),
    thinking: others.length === 0 ? undefined : others,
    closed: part['closed'] === false ? false : undefined,
  });
  const signature = asString(part['signature']);
  const hasExtra = Object.keys(extra).length > 0;
  if (text === '' && signature === undefined && !hasExtra) return [];
  const signed = signature === undefined ? {} : { signature: unpackSignature(signature, HOME) };
  return [{ kind: 'reasoning', text, ...where, ...signed, ...(hasExtra ? { extra } : {}) }];
}

const THINKING_READ: ReadonlySet<string> = new Set(['type', 'thinking', 'closed', 'signature']);

function hasMore(piece: Json): boolean {
  return isRecord(piece) && restOf(piece, TEXT_READ) !== undefined;
}

function textOfPiece(piece: Json): string | undefined {
  if (typeof piece === 'string') return piece;
  return isRecord(piece) ? asString(piece['text']) : undefined;
}

function readRefusal(message: JsonRecord, at: string | undefined): readonly Part[] {
  const text = asString(message['refusal']);
  return text === undefined || text === '' ? [] : [{ kind: 'refusal', text, ...place(at, 'refusal') }];
}

function readAudio(message: JsonRecord, at: string | undefined): readonly MediaPart[] {
  const audio = asRecord(message['audio']);
  if (audio === undefined || !saysSomething({ ...audio, expires_at: null })) return [];
  const id = asString(audio['id']);
  const data = asString(audio['data']);
  const transcript = asString(audio['transcript']);
  const source =
    data === undefined && id !== undefined
      ? ({ by: 'file', id } as const)
      : ({ by: 'base64', data: data ?? '', mediaType: sniff(data ?? '', 'audio/pcm') } as const);
  const extra = restOf(audio, new Set(['id', 'data', 'transcript']));
  return [compact({ kind: 'audio' as const, source, name: id, transcript, extra, ...place(at, 'audio') })];
}

/** OpenRouter: pictures that the model drew. */
function readImages(message: JsonRecord, at: string | undefined): readonly MediaPart[] {
  return (asArray(message['images']) ?? []).flatMap((image, index) => readImage(image, place(at, `images[${index}]`)));
}

/** A picture by its address or data; Gemini signs those that it drew. */
export function readImage(image: Json, where: { readonly at?: string } = {}): readonly MediaPart[] {
  const url = isRecord(image) ? asString(asRecord(image['image_url'])?.['url']) : undefined;
  if (url === undefined || !isRecord(image)) return [];
  const source = readDataUrl(url) ?? { by: 'url' as const, url };
  return [compact({ kind: 'image' as const, source, signature: googleSignature(image), ...where })];
}

/** Fields of a call that have words, or none to say. */
export const CALL_READ: ReadonlySet<string> = new Set([
  'id',
  'type',
  'index',
  'function',
  'custom',
  'extra_content',
  'thought_signature',
  'cache_control',
  'prompt_cache_breakpoint',
]);

type Call = ToolCallPart | Extract<Part, { kind: 'opaque' }>;

function readCalls(message: JsonRecord, at: string | undefined): readonly Call[] {
  const calls = listOf(message['tool_calls']).flatMap((call, index) =>
    readCall(call, { index, ...place(at, `tool_calls[${index}]`) }),
  );
  const legacy = asRecord(message['function_call']);
  if (legacy === undefined || !saysSomething(legacy)) return calls;
  const name = asString(legacy['name']) ?? '';
  if (name === '')
    return [...calls, ...malformedCall({ type: 'function', function: legacy }, place(at, 'function_call'))];
  const text = argumentsText(legacy['arguments']) ?? '';
  const id = legacyCallId(name, at);
  const extra = callExtra({}, legacy);
  const call = { kind: 'tool-call' as const, id, name, arguments: text, ...place(at, 'function_call'), extra };
  return [...calls, compact(call)];
}

/** The old form had no ids: one is made of the message's place, or of the function's name in a reply. */
export function legacyCallId(name: string, at: string | undefined): string {
  return `call_${at === undefined ? '' : `${/\d+/.exec(at)?.[0] ?? ''}_`}${name}`;
}

/** Arguments are JSON text; some servers send the object itself. */
export function argumentsText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return isRecord(value) || isArray(value) ? JSON.stringify(value) : undefined;
}

/** A call whose function has no name cannot be made, but must not vanish: it stays as it came. */
function malformedCall(call: Json, at: { readonly at?: string }): readonly Call[] {
  return saysSomething(call) ? [{ kind: 'opaque', origin: HOME, name: MALFORMED_CALL, value: call, ...at }] : [];
}

function readCall(call: Json, where: { readonly index: number; readonly at?: string }): readonly Call[] {
  const { index, ...at } = where;
  if (!isRecord(call)) return malformedCall(call, at);
  const custom = asRecord(call['custom']);
  if (call['type'] === 'custom' && custom !== undefined) {
    return [{ kind: 'opaque', origin: HOME, name: 'custom_tool_call', value: call, ...at }];
  }
  const named = asRecord(call['function']) ?? {};
  const name = asString(named['name']) ?? '';
  if (name === '') return malformedCall(call, at);
  const id = asString(call['id']);
  const signature = googleSignature(call);
  return [
    compact({
      kind: 'tool-call' as const,
      // Google's endpoint leaves the id empty, Writer's clients leave it out.
      id: id === undefined || id === '' ? `call_${index}_${name}` : id,
      name,
      arguments: argumentsText(named['arguments']) ?? '',
      ...at,
      signature,
      cache: readCache(call),
      extra: callExtra(call, named),
    }),
  ];
}

/** Fields of a call without a word, those of its function by their way from it. */
export function callExtra(call: JsonRecord, named: JsonRecord): JsonRecord | undefined {
  const inner = Object.entries(restOf(named, FUNCTION_READ) ?? {}).map(([key, value]) => [`function.${key}`, value]);
  const unused = saysSomething(call['custom']) ? { custom: call['custom'] } : {};
  const extra = { ...restOf(call, CALL_READ), ...unused, ...Object.fromEntries(inner) };
  return Object.keys(extra).length === 0 ? undefined : extra;
}

/** What a call without a name is called among the opaque parts. */
export const MALFORMED_CALL = 'tool_call';
const FUNCTION_READ: ReadonlySet<string> = new Set(['name', 'arguments']);

/** Google's place for a thought signature, on a tool call, message or delta. */
export function googleSignature(of: JsonRecord): Signature | undefined {
  const google = asRecord(asRecord(of['extra_content'])?.['google']);
  const text = asString(google?.['thought_signature']) ?? asString(of['thought_signature']);
  return text === undefined || text === '' ? undefined : unpackSignature(text, 'gemini');
}

/** Names of plain reasoning: DeepSeek's, and OpenRouter's. */
const PLAIN_REASONING = ['reasoning_content', 'reasoning'] as const;

/** What the two ways of showing reasoning say: `reasoning_details` where it has the text, else the plain field. */
function readReasoning(message: JsonRecord, at: string | undefined, calls: readonly Call[]): readonly Part[] {
  const field = PLAIN_REASONING.find((name) => typeof message[name] === 'string' && message[name] !== '') ?? '';
  const plain = message[field];
  const details = readDetails(asArray(message['reasoning_details']) ?? [], at);
  const ids = new Set(calls.map((call) => (call.kind === 'tool-call' ? call.id : '')));
  // An entry with the id of a call is that call's signature (see `signParts`).
  const own = details.filter((part) => !isCallSignature(part, ids));
  if (typeof plain !== 'string' || own.some((part) => part.kind === 'reasoning' && part.text !== '')) return own;
  const signed = own.findIndex((part) => part.kind === 'reasoning' && part.signature !== undefined);
  const found = own[signed];
  if (found?.kind === 'reasoning') return own.toSpliced(signed, 1, { ...found, text: plain });
  return [{ kind: 'reasoning', text: plain, ...place(at, field) }, ...own];
}

function isCallSignature(part: Part, ids: ReadonlySet<string>): boolean {
  const id = part.extra?.['id'];
  return part.kind === 'reasoning' && part.encrypted?.origin === 'gemini' && typeof id === 'string' && ids.has(id);
}

/** Entries of `reasoning_details`; pieces of one block, as a stream sends them, are put together. */
export function readDetails(list: readonly Json[], at: string | undefined): readonly Part[] {
  const parts: Part[] = [];
  let open: { readonly index: Json | undefined; readonly type: string } | undefined;
  for (const [position, entry] of list.entries()) {
    if (!isRecord(entry)) continue;
    const part = readDetail(entry, place(at, `reasoning_details[${position}]`));
    const type = asString(entry['type']) ?? '';
    const last = parts.at(-1);
    const isNext = open !== undefined && open.index === entry['index'] && open.type === type;
    const joined = isNext ? join(last, part) : undefined;
    if (joined === undefined) parts.push(part);
    else parts[parts.length - 1] = joined;
    open = { index: entry['index'], type };
  }
  return parts;
}

/** The two as one block; undefined where the first is complete: signed, or encrypted. */
function join(last: Part | undefined, next: Part): Part | undefined {
  if (last?.kind !== 'reasoning' || next.kind !== 'reasoning' || last.encrypted !== undefined) return undefined;
  return last.signature === undefined ? { ...last, ...next, text: last.text + next.text } : undefined;
}

function readDetail(entry: JsonRecord, where: { readonly at?: string }): Part {
  const type = asString(entry['type']) ?? '';
  const origin = ORIGIN_OF[asString(entry['format']) ?? ''];
  // Whose form is known needs no more than its signature; of all others nothing may be lost.
  const extra = origin === undefined ? restOf(entry, DETAIL_READ) : restOf(entry, DETAIL_KNOWN);
  const base = compact({ kind: 'reasoning' as const, ...where, extra });
  if (type === 'reasoning.encrypted') return { ...base, text: '', encrypted: readSignature(entry['data'], origin) };
  const signature = asString(entry['signature']);
  const signed = signature === undefined || signature === '' ? {} : { signature: readSignature(signature, origin) };
  if (type === 'reasoning.summary')
    return { ...base, text: asString(entry['summary']) ?? '', isSummary: true, ...signed };
  if (type !== 'reasoning.text') return { kind: 'opaque', origin: HOME, name: type, value: entry, ...where };
  return { ...base, text: asString(entry['text']) ?? '', ...signed };
}

const DETAIL_READ: ReadonlySet<string> = new Set(['type', 'text', 'summary', 'data', 'signature']);
const DETAIL_KNOWN: ReadonlySet<string> = new Set([...DETAIL_READ, 'format', 'index']);

/** A signature out of an entry of the given format's origin. */
function readSignature(value: Json | undefined, origin: Origin | undefined): Signature {
  return unpackSignature(asString(value) ?? '', origin ?? HOME);
}

/** Adds annotations to the text, and Google's signatures to what they sign. */
function signParts(given: readonly Part[], message: JsonRecord): readonly Part[] {
  const citations = readAnnotations(message['annotations']);
  const byCall = callSignatures(message);
  const own = googleSignature(message);
  const hasHolder = given.some((part) => part.kind === 'text' || (citations.length === 0 && part.kind === 'tool-call'));
  // Sources and a signature without a text to stand at get an empty one, as Gemini itself sends them.
  const isLoose = !hasHolder && (own !== undefined || citations.length > 0);
  const parts = isLoose ? [...given, { kind: 'text' as const, text: '' }] : given;
  const lastText = parts.findLastIndex((part) => part.kind === 'text');
  // Google signs the first call of a message, or its text where there is none.
  const firstCall = parts.findIndex((part) => part.kind === 'tool-call');
  const signed = own === undefined ? -1 : firstCall === -1 ? lastText : firstCall;
  return parts.map((part, index) => {
    if (part.kind === 'tool-call') {
      const signature = part.signature ?? byCall.get(part.id) ?? (index === signed ? own : undefined);
      return signature === undefined ? part : { ...part, signature };
    }
    if (part.kind !== 'text' || index !== lastText) return part;
    const cited = citations.length === 0 ? part : { ...part, citations };
    return index === signed && own !== undefined ? { ...cited, signature: own } : cited;
  });
}

function callSignatures(message: JsonRecord): ReadonlyMap<string, Signature> {
  const found = new Map<string, Signature>();
  for (const entry of asArray(message['reasoning_details']) ?? []) {
    if (!isRecord(entry) || entry['format'] !== 'google-gemini-v1') continue;
    const id = asString(entry['id']);
    const data = asString(entry['data']);
    if (id !== undefined && data !== undefined) found.set(id, unpackSignature(data, 'gemini'));
  }
  return found;
}

/** `annotations` as citations; whole, whatever their type. */
export function readAnnotations(annotations: Json | undefined): readonly Citation[] {
  return listOf(annotations).flatMap((raw) => (isRecord(raw) ? [readCitation(raw)] : []));
}

function readCitation(raw: JsonRecord): Citation {
  const cited = asRecord(raw['url_citation']) ?? raw;
  const start = asCount(cited['start_index']);
  const end = asCount(cited['end_index']);
  // OpenRouter writes 0 to 0 where it does not know.
  const isPlaced = start !== undefined && end !== undefined && end > start;
  return compact({
    url: asString(cited['url']),
    title: asString(cited['title']),
    citedText: asString(cited['content']) ?? asString(cited['snippet']),
    start: isPlaced ? start : undefined,
    end: isPlaced ? end : undefined,
    raw,
    origin: HOME,
  });
}
