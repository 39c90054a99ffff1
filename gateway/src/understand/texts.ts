/** All text of a request, piece by piece, each with who wrote it. Nothing is copied: the pieces are the request's own strings. */
import type { Message, ChatRequest, Tool } from '../chat/request.ts';
import type { MediaPart, MediaSource, Part } from '../chat/part.ts';
import { isArray, isRecord, type Json } from '../lib/json.ts';

/** `tools`: declarations of functions and schemas of the reply, which the caller's program wrote. */
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
  /** False where some text was too long or too deep to be read. Pictures, sound and binary documents are no text. */
  readonly isWhole: boolean;
}

/** A text document in base64 is read up to this length. A longer one stays unread, and the facts say so. */
const DOCUMENT_CHARACTERS_MAX = 2 * 1024 * 1024;
const TEXT_MEDIA = /^(?:text\/|application\/(?:json|xml|yaml|x-yaml|csv|x-ndjson))/;

export function textsOf(request: ChatRequest): Texts {
  const pieces: Piece[] = [];
  for (const message of request.messages) addMessage(message, pieces);
  for (const tool of request.tools ?? []) addTool(tool, pieces);
  if (request.format?.kind === 'json-schema') addJson(request.format.schema, 'tools', pieces);
  addBeside(request, pieces);
  return {
    pieces,
    lastUser: lastUserText(request.messages),
    system: textOf(request.messages.filter(({ role }) => role === 'system' || role === 'developer')),
    isWhole: !request.messages.some(({ parts }) => parts.some(isTooLong)),
  };
}

/** The same for what is no chat: every text is the caller's own. */
export function plainTexts(texts: readonly string[]): Texts {
  return {
    pieces: texts.map((text) => ({ writer: 'user', text })),
    lastUser: texts.join('\n'),
    system: '',
    isWhole: true,
  };
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

/** What stands beside the messages and goes out with them: the end user's id, and fields that only its own protocol has (`metadata`, `prediction`). */
function addBeside({ user, extras }: ChatRequest, pieces: Piece[]): void {
  if (user !== undefined) pieces.push({ writer: 'user', text: user });
  for (const { value, isCovered, isInside } of extras)
    if (isCovered !== true && isInside !== true) addJson(value, 'user', pieces);
}

function addMessage({ role, parts, name, extra }: Message, pieces: Piece[]): void {
  const writer = role === 'developer' ? 'system' : role;
  if (name !== undefined) pieces.push({ writer, text: name });
  addJson(extra, writer, pieces);
  for (const part of parts) {
    addPart(part, writer, pieces);
    addJson(part.extra, writer, pieces);
  }
}

function addPart(part: Part, writer: Writer, pieces: Piece[]): void {
  switch (part.kind) {
    case 'text':
    case 'reasoning':
    case 'refusal':
      pieces.push({ writer, text: part.text });
      break;
    case 'tool-call':
      pieces.push({ writer, text: part.arguments });
      break;
    case 'tool-result':
      for (const inner of part.parts) addPart(inner, 'tool', pieces);
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
  const said = [name, transcript].filter((text) => text !== undefined);
  if (source.by === 'text') return [...said, source.text];
  if (source.by === 'url') return source.url.startsWith('data:') ? said : [...said, source.url];
  if (!isTextDocument(source) || source.data.length > DOCUMENT_CHARACTERS_MAX) return said;
  return [...said, Buffer.from(source.data, 'base64').toString('utf8')];
}

function isTextDocument(source: MediaSource): source is Extract<MediaSource, { readonly by: 'base64' }> {
  return source.by === 'base64' && TEXT_MEDIA.test(source.mediaType);
}

function isTooLong(part: Part): boolean {
  if (part.kind === 'tool-result') return part.parts.some(isTooLong);
  return part.kind === 'document' && isTextDocument(part.source) && part.source.data.length > DOCUMENT_CHARACTERS_MAX;
}

function addTool(tool: Tool, pieces: Piece[]): void {
  if (tool.kind === 'opaque') return addJson(tool.value, 'tools', pieces);
  if (tool.description !== undefined) pieces.push({ writer: 'tools', text: tool.description });
  addJson(tool.parameters, 'tools', pieces);
}

function addJson(value: Json | undefined, writer: Writer, pieces: Piece[]): void {
  for (const text of leaves(value, '')) pieces.push({ writer, text });
}

/** Every string and number of a value, each with the name of its field, which may say what it is (`ssn`, `password`). The reader of bodies bounds the depth. */
function* leaves(value: Json | undefined, name: string): Iterable<string> {
  if (typeof value === 'string' || typeof value === 'number') yield name === '' ? String(value) : `${name}: ${value}`;
  else if (isArray(value)) for (const item of value) yield* leaves(item, name);
  else if (isRecord(value)) for (const [key, item] of Object.entries(value)) yield* leaves(item, key);
}
