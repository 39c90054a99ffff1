/** The input of a request: messages, earlier turns, results, pictures and documents. */
import type { MediaPart, Part, ToolResultPart } from '../../chat/part.ts';
import type { Loss, Message } from '../../chat/request.ts';
import { compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { addressOf, fileName, formatOf } from '../openai-chat/media.ts';
import type { ModelTraits } from '../openai-chat/model.ts';
import { INPUT, INSTRUCTIONS } from './decode-request.ts';
import { HOME } from './items.ts';
import { writeAssistant } from './write-items.ts';

/** What is written, and what could not be. */
export interface Writing {
  readonly isHome: boolean;
  readonly traits: ModelTraits;
  readonly losses: Loss[];
}

/** Instructions and input. A prompt that came as one text is one again, unless something was put beside it. */
export function writePrompt(messages: readonly Message[], writing: Writing): JsonRecord {
  const instructions = messages.find((message) => writing.isHome && message.at === INSTRUCTIONS);
  const prompt = messages.find((message) => writing.isHome && message.at === INPUT);
  const others = messages.filter(
    (message) => message !== instructions && !(writing.isHome && message.at?.startsWith(`${INSTRUCTIONS}[`) === true),
  );
  const isText = prompt !== undefined && others.length === 1;
  const input = isText ? textOf(prompt) : others.flatMap((message) => writeMessage(message, writing));
  return compact({
    instructions: instructions === undefined ? undefined : textOf(instructions),
    // A stored prompt may stand for all of it.
    input: input.length === 0 && writing.isHome ? undefined : input,
  });
}

function textOf({ parts }: Message): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

function writeMessage(message: Message, writing: Writing): readonly JsonRecord[] {
  const { role, parts } = message;
  if (message.name !== undefined) {
    const why = 'The participants of a conversation have no names here.';
    writing.losses.push({ code: 'name', field: `${message.at ?? 'messages'}.name`, weight: 'hint', why });
  }
  if (role === 'tool')
    return parts.flatMap((part) => (part.kind === 'tool-result' ? [writeResult(part, writing)] : []));
  if (role === 'assistant') return writeTurn(parts, writing);
  const [first] = parts;
  // What is no message stands for itself.
  if (first?.kind === 'opaque' && parts.length === 1) return writeOpaque(first);
  const own = writing.isHome ? first?.item : undefined;
  return [{ type: 'message', ...own, role, content: writeContent(parts, writing) }];
}

/** What only this wire can say, as it came; another's was listed by `foreignLosses`. */
function writeOpaque({ origin, value }: Extract<Part, { kind: 'opaque' }>): readonly JsonRecord[] {
  return origin === HOME && isRecord(value) ? [value] : [];
}

function writeTurn(parts: readonly Part[], writing: Writing): readonly JsonRecord[] {
  for (const part of parts) {
    if (part.cache !== undefined && !writing.isHome) loseCache(part.at ?? 'input', writing);
  }
  return writeAssistant(parts, { isHome: writing.isHome, lose: (loss) => void writing.losses.push(loss) });
}

/** One string where that says all, else a list of parts. */
function writeContent(parts: readonly Part[], writing: Writing): Json {
  const [only] = parts;
  const extra = writing.isHome ? only?.extra : undefined;
  if (parts.length === 1 && only?.kind === 'text' && only.cache === undefined && extra === undefined) return only.text;
  const written = parts.flatMap((part) => writePart(part, writing));
  return written.length === 0 ? '' : written;
}

/** A part of a user's or system's message, or of a tool's output; the other kinds stand in an assistant's turn only. */
function writePart(part: Part, writing: Writing): readonly JsonRecord[] {
  if (part.kind === 'opaque') return writeOpaque(part);
  if (part.kind === 'reasoning' || part.kind === 'tool-call' || part.kind === 'tool-result') return [];
  const own = { ...writeMark(part, writing), ...(writing.isHome ? part.extra : undefined) };
  if (part.kind === 'text' || part.kind === 'refusal') return [{ type: 'input_text', text: part.text, ...own }];
  const written = writeMedia(part, writing);
  return written === undefined ? [] : [{ ...written, ...own }];
}

function writeMark(part: Part, writing: Writing): JsonRecord {
  if (part.cache === undefined) return {};
  if (writing.isHome || writing.traits.takesBreakpoints) return { prompt_cache_breakpoint: { mode: 'explicit' } };
  loseCache(part.at ?? 'input', writing);
  return {};
}

export function loseCache(field: string, writing: Writing): void {
  const why = 'This provider keeps prompts by itself.';
  writing.losses.push({ code: 'cache-mark', field, weight: 'hint', why });
}

function writeMedia(part: MediaPart, writing: Writing): JsonRecord | undefined {
  const { source, kind } = part;
  const field = part.at ?? 'input';
  if (source.by === 'file' && !writing.isHome) {
    const why = 'A file id only means something to the provider that keeps the file. Send the data.';
    writing.losses.push({ code: 'file-id', field, weight: 'meaning', why });
    return undefined;
  }
  if (kind === 'image') return writeImage(part, writing);
  if (kind === 'document') return writeDocument(part, writing);
  if (kind === 'audio' && source.by === 'base64')
    return { type: 'input_audio', input_audio: { data: source.data, format: formatOf(source.mediaType) } };
  const why = `This protocol takes no ${kind}${kind === 'audio' ? ' by its address' : ''}.`;
  writing.losses.push({ code: 'media-kind', field, weight: 'meaning', why });
  return undefined;
}

/** The detail is no choice of the caller's own wire alone: the field must be there. */
function writeImage({ source, detail }: MediaPart, { isHome }: Writing): JsonRecord {
  const address = source.by === 'file' ? { file_id: source.id } : { image_url: addressOf(source) };
  return { type: 'input_image', ...address, ...compact({ detail: detail ?? (isHome ? undefined : 'auto') }) };
}

function writeDocument(part: MediaPart, writing: Writing): JsonRecord {
  const { source, name } = part;
  if (source.by === 'file') return compact({ type: 'input_file', file_id: source.id, filename: name });
  // OpenAI takes no name beside an address.
  if (source.by === 'url') return { type: 'input_file', file_url: source.url };
  if (source.by === 'text') {
    const why = 'The document was written as text: this protocol takes no plain-text documents.';
    writing.losses.push({ code: 'document-as-text', field: part.at ?? 'input', weight: 'hint', why });
    return { type: 'input_text', text: name === undefined ? source.text : `${name}\n\n${source.text}` };
  }
  // OpenAI refuses file data without a name.
  const filename = name ?? (writing.isHome ? undefined : fileName(source.mediaType));
  return compact({ type: 'input_file', filename, file_data: addressOf(source) });
}

function writeResult(part: ToolResultPart, writing: Writing): JsonRecord {
  const field = part.at ?? 'messages';
  if (part.isError === true) {
    const why = 'This protocol has no mark for a failed call: the result was sent as an ordinary one.';
    writing.losses.push({ code: 'tool-error', field, weight: 'hint', why });
  }
  if (part.cache !== undefined && !writing.isHome) loseCache(field, writing);
  const { value, parts, callId, extra, item } = part;
  const output = value !== undefined && parts.length === 0 ? JSON.stringify(value) : writeContent(parts, writing);
  const own = writing.isHome ? { ...item, ...extra } : {};
  return { type: 'function_call_output', call_id: callId, output, ...own };
}
