/** All text of a request, piece by piece, each with who wrote it. Nothing is copied: the pieces are the request's own strings. */
import { isUtf8 } from 'node:buffer';
import type { Message, ChatRequest, Tool } from '../chat/request.ts';
import type { MediaPart, MediaSource, Part } from '../chat/part.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';

/** `tools`: declarations of functions, schemas of the reply and names of fields, which the caller's program wrote. */
export type Writer = 'system' | 'user' | 'assistant' | 'tool' | 'tools';

export interface Piece {
  readonly writer: Writer;
  readonly text: string;
}

export interface Texts {
  /** In the order of the request; declarations of tools last. */
  readonly pieces: readonly Piece[];
  /** What the user said last: the texts of all user messages after the last reply of the model. */
  readonly lastUser: string;
  /** System and developer messages, one after the other. */
  readonly system: string;
  /** False where there is text that was not read: a document that is too long, binary, or not here. Pictures and sound are no text. */
  readonly isWhole: boolean;
}

/** A text document in base64 is read up to this length. A longer one stays unread, and the facts say so. */
const DOCUMENT_CHARACTERS_MAX = 2 * 1024 * 1024;
const TEXT_MEDIA =
  /^(?:text\/|application\/(?:json|xml|yaml|x-yaml|csv|x-ndjson|jsonl|javascript|x-javascript|ecmascript|typescript|sql|x-sh|toml)\b|[^;]+\+(?:json|xml|yaml)\b)/;
const NO_TEXT = /^(?:image|audio|video)\//;

export function textsOf(request: ChatRequest): Texts {
  const pieces: Piece[] = [];
  for (const message of request.messages) addMessage(message, pieces);
  for (const tool of request.tools ?? []) addTool(tool, pieces);
  addChoices(request, pieces);
  addBeside(request, pieces);
  return {
    pieces,
    lastUser: lastUserText(request.messages),
    system: textOf(request.messages.filter(({ role }) => role === 'system' || role === 'developer')),
    isWhole: !request.messages.some(({ parts }) => parts.some(holdsUnread)),
  };
}

/** What is no chat: every text is the caller's own. */
export interface Plain {
  readonly texts: readonly string[];
  /** What goes out with them: fields without a word of ours. */
  readonly extras?: JsonRecord | undefined;
  /** Some of it is not readable here. */
  readonly isUnread?: boolean | undefined;
}

export function plainTexts({ texts, extras, isUnread }: Plain): Texts {
  const pieces: Piece[] = texts.map((text) => ({ writer: 'user', text }));
  addJson(extras, 'user', pieces);
  return { pieces, lastUser: texts.join('\n'), system: '', isWhole: isUnread !== true };
}

/**
 * What the user said last: all user messages since the model last replied. Inside an agent's run, where only results follow
 * the model's last call, the user's last message before it: that is the task it works on.
 */
export function lastUserText(messages: readonly Message[]): string {
  const isSaid = (message: Message): boolean => message.role === 'user' && hasText(message);
  const since = messages.slice(messages.findLastIndex(({ role }) => role === 'assistant') + 1).filter(isSaid);
  return textOf(since.length > 0 ? since : [messages.findLast(isSaid)].filter((last) => last !== undefined));
}

export function hasText({ parts }: Message): boolean {
  return parts.some((part) => part.kind === 'text' && part.text !== '');
}

function textOf(messages: readonly Message[]): string {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []))).join('\n');
}

/** What is said of the reply: its schema, the tool that must be called, where it stops. */
function addChoices({ format, toolChoice, stop = [] }: ChatRequest, pieces: Piece[]): void {
  const { schema, name, description } = format?.kind === 'json-schema' ? format : {};
  const chosen = toolChoice?.kind === 'tool' ? [toolChoice.name] : [];
  const only = toolChoice?.kind === 'required' ? (toolChoice.only ?? []) : [];
  addTexts([name, description, ...chosen, ...only, ...stop], 'tools', pieces);
  addJson(schema, 'tools', pieces);
}

/** What stands beside the messages and goes out with them: the end user's id, and fields that only its own protocol has (`metadata`, `prediction`). */
function addBeside({ user, audio, extras }: ChatRequest, pieces: Piece[]): void {
  addTexts([user], 'user', pieces);
  addJson(audio?.voice, 'user', pieces);
  for (const { value, isCovered, isInside } of extras)
    if (isCovered !== true && isInside !== true) addJson(value, 'user', pieces);
}

function addMessage({ role, parts, name, extra }: Message, pieces: Piece[]): void {
  const writer = role === 'developer' ? 'system' : role;
  addTexts([name], writer, pieces);
  addJson(extra, writer, pieces);
  for (const part of parts) addWhole(part, writer, pieces);
}

/** A part with what its own protocol says of it. */
function addWhole(part: Part, writer: Writer, pieces: Piece[]): void {
  addPart(part, writer, pieces);
  for (const value of [part.extra, part.item]) addJson(value, writer, pieces);
  if (part.kind === 'text') for (const { raw } of part.citations ?? []) addJson(raw, writer, pieces);
}

function addPart(part: Part, writer: Writer, pieces: Piece[]): void {
  switch (part.kind) {
    case 'text':
    case 'reasoning':
    case 'refusal':
      pieces.push({ writer, text: part.text });
      break;
    case 'tool-call':
      addTexts([part.name, part.namespace?.name], 'tools', pieces);
      pieces.push({ writer, text: part.arguments });
      break;
    case 'tool-result':
      addTexts([part.name], 'tools', pieces);
      for (const inner of part.parts) addWhole(inner, 'tool', pieces);
      addJson(part.value, 'tool', pieces);
      break;
    case 'opaque':
      addJson(part.value, writer, pieces);
      break;
    default:
      for (const text of textsOfMedia(part)) pieces.push({ writer, text });
  }
}

/** Of media only what is text: its name, its address, its transcript, a document in plain text. */
function textsOfMedia({ source, name, transcript }: MediaPart): readonly string[] {
  const text = textIn(source);
  const address = source.by === 'url' && !isData(source.url) ? source.url : undefined;
  return [name, transcript, address, text].filter((said) => said !== undefined);
}

/** The text of a document; undefined where it has none that can be read. */
function textIn(source: MediaSource): string | undefined {
  if (source.by === 'text') return source.text;
  if (source.by !== 'base64' || source.data.length > DOCUMENT_CHARACTERS_MAX) return undefined;
  if (!TEXT_MEDIA.test(source.mediaType.toLowerCase())) return undefined;
  const bytes = Buffer.from(source.data, 'base64');
  // Another encoding than UTF-8 would be read as other words.
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : undefined;
}

/** A picture, or sound, in base64: no text, and long. */
function isPicture(text: string): boolean {
  return (
    /^data:(?:image|audio|video)\/[\w.+-]{1,64};base64,/i.test(text.slice(0, 128)) &&
    !/^data:image\/svg/i.test(text.slice(0, 14))
  );
}

function isData(url: string): boolean {
  return /^data:/i.test(url.slice(0, 5));
}

/** Whether there may be text in it that nobody looked at. */
function holdsUnread(part: Part): boolean {
  if (part.kind === 'tool-result') return part.parts.some(holdsUnread);
  if (!('source' in part)) return false;
  const { kind, source } = part;
  if (source.by === 'base64') return !NO_TEXT.test(source.mediaType.toLowerCase()) && textIn(source) === undefined;
  if (source.by === 'text') return false;
  const isDataOfText = source.by === 'url' && isData(source.url) && !NO_TEXT.test(source.url.slice(5).toLowerCase());
  return kind === 'document' || isDataOfText;
}

function addTool(tool: Tool, pieces: Piece[]): void {
  if (tool.kind === 'opaque') return addJson(tool.value, 'tools', pieces);
  addTexts([tool.name, tool.description], 'tools', pieces);
  for (const value of [tool.parameters, tool.extra, tool.namespace?.group]) addJson(value, 'tools', pieces);
}

function addTexts(texts: readonly (string | undefined)[], writer: Writer, pieces: Piece[]): void {
  for (const text of texts) if (text !== undefined && text !== '') pieces.push({ writer, text });
}

function addJson(value: Json | undefined, writer: Writer, pieces: Piece[]): void {
  if (value === undefined) return;
  for (const text of leaves(value, '')) pieces.push({ writer, text });
  // The leaves tell of names what they need; here a name may itself be what is looked for.
  addTexts([[...names(value)].join('\n')], 'tools', pieces);
}

/** Names of fields that hold more than one plain value. */
function* names(value: Json | undefined): Iterable<string> {
  if (isArray(value)) for (const item of value) yield* names(item);
  else if (isRecord(value))
    for (const [name, item] of Object.entries(value)) {
      if (typeof item !== 'string' && typeof item !== 'number') yield name;
      yield* names(item);
    }
}

/** Every string and number of a value, each with the name of its field, which may say what it is (`ssn`, `password`). The reader of bodies bounds the depth. */
function* leaves(value: Json | undefined, name: string): Iterable<string> {
  if (typeof value === 'string' && isPicture(value)) return;
  if (typeof value === 'string' || typeof value === 'number') yield name === '' ? String(value) : `${name}: ${value}`;
  else if (isArray(value)) for (const item of value) yield* leaves(item, name);
  else if (isRecord(value)) for (const [key, item] of Object.entries(value)) yield* leaves(item, key);
}
