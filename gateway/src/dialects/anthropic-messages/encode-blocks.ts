/** Parts of a request as content blocks that the API takes. What it would refuse is adapted or left out, and listed. */
import type {
  CacheMark,
  MediaPart,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../chat/part.ts';
import type { Json, JsonRecord } from '../../lib/json.ts';
import {
  argumentsOf,
  isTextual,
  loseDetail,
  loseFile,
  loseReasoning,
  loseRefusal,
  loseSignature,
  markLimit,
  own,
  ownBlock,
  ownCitations,
  spokenText,
  type BlockEncoding,
} from '../blocks.ts';
import { isMedia } from '../messages.ts';
import { callId, encodeCache, encodeSignature, HOME, type LossList } from './words.ts';

/** What the API reads as an image; `image/jpg` is a common slip for `image/jpeg`. */
const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** What encoding one request remembers. */
export interface Encoding extends BlockEncoding {
  /** The field for a cache mark, or nothing where the API takes no more of them. */
  mark(cache: CacheMark | undefined, at: string | undefined): JsonRecord;
}

export function encoding(losses: LossList, isHome: boolean, markCount: number): Encoding {
  const goesAlong = markLimit({ losses, isHome }, markCount);
  return {
    losses,
    isHome,
    mark: (cache, at = 'messages') =>
      cache === undefined || !goesAlong(at) ? {} : { cache_control: encodeCache(cache) },
  };
}

/** The blocks of a user's message. */
export function encodeUserPart(part: Part, into: Encoding): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return encodeText(part, into);
    case 'tool-result':
      return [encodeResult(part, into)];
    case 'opaque':
      return ownBlock(part, HOME);
    case 'image':
    case 'document':
    case 'audio':
    case 'video':
      return encodeMedia(part, into);
    case 'refusal':
      loseRefusal(part, into.losses);
      return textBlocks(part.text);
    case 'reasoning':
    case 'tool-call':
      return [];
  }
}

function textBlocks(text: string): readonly JsonRecord[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

/** The blocks of an assistant's message. */
export function encodeAssistantPart(part: Part, into: Encoding): readonly JsonRecord[] {
  if (part.kind === 'reasoning') return encodeReasoning(part, into);
  if (part.kind === 'tool-call') return [encodeCall(part, into)];
  if (!isMedia(part) || into.isHome) return encodeUserPart(part, into);
  return textBlocks(spokenText(part, into.losses));
}

/** Texts without a character that can be seen are refused by the API, so they are left out. */
function encodeText(part: TextPart, into: Encoding): readonly JsonRecord[] {
  if (part.signature !== undefined) loseSignature(part, into.losses);
  if (part.text === '' || (!into.isHome && part.text.trim() === '')) return [];
  const citations = ownCitations(part, HOME, into.losses);
  return [
    {
      type: 'text',
      text: part.text,
      ...(citations.length === 0 ? {} : { citations }),
      ...into.mark(part.cache, part.at),
      ...own(part, into),
    },
  ];
}

/** Only thinking that Claude signed can go back: the API refuses any other. */
function encodeReasoning(part: ReasoningPart, into: Encoding): readonly JsonRecord[] {
  if (part.encrypted?.origin === HOME)
    return [{ type: 'redacted_thinking', data: encodeSignature(part.encrypted), ...own(part, into) }];
  if (part.signature?.origin === HOME) {
    return [{ type: 'thinking', thinking: part.text, signature: encodeSignature(part.signature), ...own(part, into) }];
  }
  loseReasoning(part, into.losses);
  return [];
}

function encodeCall(part: ToolCallPart, into: Encoding): JsonRecord {
  if (part.signature !== undefined) loseSignature(part, into.losses);
  return {
    type: 'tool_use',
    id: callId(part.id),
    name: toolName(part.name, part.at, into),
    input: argumentsOf(part, into.losses),
    ...into.mark(part.cache, part.at),
    ...own(part, into),
  };
}

/** A name in the API's alphabet. The reply will call the tool by the changed name, which is why it is a loss of meaning. */
export function toolName(name: string, at: string | undefined, into: Encoding): string {
  if (TOOL_NAME.test(name) || into.isHome) return name;
  into.losses.meaning(
    'tool-name',
    at ?? 'tools',
    `The name ${name} holds characters that are not taken; the reply would call it by another.`,
  );
  const clean = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 128);
  return clean === '' ? 'tool' : clean;
}

function encodeResult(part: ToolResultPart, into: Encoding): JsonRecord {
  const blocks = part.parts.flatMap((inner) => encodeUserPart(inner, into));
  const fromValue = blocks.length === 0 && part.value !== undefined ? JSON.stringify(part.value) : undefined;
  const content = fromValue ?? plainContent(blocks);
  return {
    type: 'tool_result',
    tool_use_id: callId(part.callId),
    ...(content === undefined ? {} : { content }),
    ...(part.isError === undefined ? {} : { is_error: part.isError }),
    ...into.mark(part.cache, part.at),
    ...own(part, into),
  };
}

/** One plain text as the string it is; nothing at all where there are no blocks. */
export function plainContent(blocks: readonly JsonRecord[]): Json | undefined {
  const [only] = blocks;
  if (only === undefined) return undefined;
  const isPlain = blocks.length === 1 && only['type'] === 'text' && Object.keys(only).length === 2;
  return isPlain ? only['text'] : blocks;
}

function encodeMedia(part: MediaPart, into: Encoding): readonly JsonRecord[] {
  if (into.isHome && part.whole !== undefined) return [part.whole];
  if (part.signature !== undefined) loseSignature(part, into.losses);
  const source = encodeSource(part, into);
  if (source === undefined) return [];
  loseDetail(part, into.losses);
  return [
    {
      type: part.kind === 'image' ? 'image' : 'document',
      source,
      ...(part.name === undefined || part.kind === 'image' ? {} : { title: part.name }),
      ...into.mark(part.cache, part.at),
      ...own(part, into),
    },
  ];
}

function encodeSource(part: MediaPart, into: Encoding): JsonRecord | undefined {
  const at = part.at ?? 'messages';
  if (part.kind === 'audio' || part.kind === 'video') {
    into.losses.meaning('media-kind', at, `This provider takes no ${part.kind}.`);
    return undefined;
  }
  const { source } = part;
  if (source.by === 'base64') return encodeBase64(part, source, into);
  if (source.by === 'url') return { type: 'url', url: source.url };
  if (source.by === 'text') return { type: 'text', media_type: 'text/plain', data: source.text };
  if (into.isHome) return { type: 'file', file_id: source.id };
  loseFile(part, into.losses);
  return undefined;
}

function encodeBase64(
  part: MediaPart,
  source: { readonly data: string; readonly mediaType: string },
  into: Encoding,
): JsonRecord | undefined {
  const media_type = source.mediaType === 'image/jpg' ? 'image/jpeg' : source.mediaType;
  if (into.isHome || media_type === 'application/pdf' || (part.kind === 'image' && IMAGE_TYPES.has(media_type))) {
    return { type: 'base64', media_type, data: source.data };
  }
  if (part.kind === 'document' && isTextual(media_type)) {
    return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') };
  }
  into.losses.meaning('media-type', part.at ?? 'messages', `This provider does not read ${media_type}.`);
  return undefined;
}
