/** Parts of a request as content blocks that the service takes. What it would refuse is adapted or left out, and listed. */
import type {
  CacheMark,
  MediaPart,
  OpaquePart,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../chat/part.ts';
import { isArray, isRecord, type JsonRecord } from '../../lib/json.ts';
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
import type { BedrockTraits } from './model.ts';
import { cachePoint, callId, encodeRedacted, encodeSignature, formatOfType, HOME, NO_TYPE } from './words.ts';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const TOOL_NAME_MAX = 64;
/** The service's limit on names of documents. */
const DOCUMENT_NAME_MAX = 200;

/** What encoding one request remembers. */
export interface Encoding extends BlockEncoding {
  readonly traits: BedrockTraits;
  /** The cache point behind a block; none where the model takes no more of them. */
  mark(cache: CacheMark | undefined, at: string | undefined): readonly JsonRecord[];
  /** A name for a document: in the service's alphabet, and no other document's. */
  documentName(part: MediaPart): string;
}

export function encoding(of: Pick<Encoding, 'losses' | 'traits' | 'isHome'>, markCount: number): Encoding {
  const { losses, traits, isHome } = of;
  const names = new Set<string>();
  const goesAlong = markLimit(of, markCount);
  return {
    ...of,
    mark(cache, at = 'messages') {
      if (cache === undefined) return [];
      if (!isHome && !traits.takesCache) {
        losses.hint('cache-mark', at, 'This model keeps no prompts.');
        return [];
      }
      return goesAlong(at) ? [cachePoint(cache)] : [];
    },
    documentName(part) {
      if (isHome && part.name !== undefined) return part.name;
      const name = unusedName(cleanName(part.name), names);
      names.add(name);
      if (part.name !== undefined && name !== part.name)
        losses.hint(
          'media-name',
          part.at ?? 'messages',
          'Names of documents hold letters, digits and - ( ) [ ], each name once.',
        );
      return name;
    },
  };
}

function cleanName(name: string | undefined): string {
  const clean = (name ?? '')
    .replace(/[^a-zA-Z0-9()[\]-]+/g, ' ')
    .trim()
    .slice(0, DOCUMENT_NAME_MAX - 8)
    .trim();
  return clean === '' ? 'Document' : clean;
}

function unusedName(name: string, used: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; used.has(free); number += 1) free = `${name} ${number}`;
  return free;
}

/** The blocks of a user's message. */
export function encodeUserPart(part: Part, into: Encoding): readonly JsonRecord[] {
  const blocks = encodeUserBlock(part, into);
  return blocks.length === 0 ? [] : [...blocks, ...into.mark(part.cache, part.at)];
}

function encodeUserBlock(part: Part, into: Encoding): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return encodeText(part, into);
    case 'tool-result':
      return [{ toolResult: encodeResult(part, into) }];
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

/** The blocks of an assistant's message. */
export function encodeAssistantPart(part: Part, into: Encoding): readonly JsonRecord[] {
  if (part.kind === 'reasoning') return encodeReasoning(part, into);
  if (part.kind === 'tool-call') return [{ toolUse: encodeCall(part, into) }, ...into.mark(part.cache, part.at)];
  if (!isMedia(part) || into.isHome) return encodeUserPart(part, into);
  return textBlocks(spokenText(part, into.losses));
}

function textBlocks(text: string): readonly JsonRecord[] {
  return text.trim() === '' ? [] : [{ text }];
}

/** Texts without a character that can be seen are refused ("The text field in the ContentBlock object is blank"). */
function encodeText(part: TextPart, into: Encoding): readonly JsonRecord[] {
  const { guardContent, citedTexts, ...extra } = own(part, into);
  if (guardContent !== undefined) return [{ guardContent }];
  if (part.signature !== undefined) loseSignature(part, into.losses);
  if (!into.isHome && part.text.trim() === '') return [];
  const citations = ownCitations(part, HOME, into.losses);
  if (citations.length === 0 && citedTexts === undefined) return [{ text: part.text, ...extra }];
  const texts = isArray(citedTexts) ? citedTexts : [part.text];
  return [{ citationsContent: { content: texts.map((text) => ({ text })), citations, ...extra } }];
}

/**
 * Claude refuses reasoning that it did not sign; signatures of the Messages API are good here too, since the same models make
 * them (documented: they are compatible between Anthropic's API, Bedrock and Vertex).
 */
function encodeReasoning(part: ReasoningPart, into: Encoding): readonly JsonRecord[] {
  if (part.encrypted !== undefined && isReadable(part.encrypted.origin, into))
    return [{ reasoningContent: { redactedContent: encodeRedacted({ ...part.encrypted, origin: HOME }) } }];
  const { signature } = part;
  if (signature !== undefined && isReadable(signature.origin, into)) {
    const shown = { text: part.text, signature: encodeSignature({ ...signature, origin: HOME }), ...own(part, into) };
    return [{ reasoningContent: { reasoningText: shown } }];
  }
  if (into.isHome && part.encrypted === undefined && into.traits.claude === undefined)
    return [{ reasoningContent: { reasoningText: { text: part.text, ...own(part, into) } } }];
  loseReasoning(part, into.losses);
  return [];
}

function isReadable(origin: string, into: Encoding): boolean {
  return origin === HOME || (origin === 'anthropic-messages' && into.traits.claude !== undefined);
}

function encodeCall(part: ToolCallPart, into: Encoding): JsonRecord {
  if (part.signature !== undefined) loseSignature(part, into.losses);
  return {
    toolUseId: callId(part.id),
    name: toolName(part.name, part.at, into),
    input: argumentsOf(part, into.losses),
    ...own(part, into),
  };
}

/** A name in the service's alphabet. The reply will call the tool by the changed name, which is why it is a loss of meaning. */
export function toolName(name: string, at: string | undefined, into: Encoding): string {
  if (TOOL_NAME.test(name) || into.isHome) return name;
  into.losses.meaning(
    'tool-name',
    at ?? 'tools',
    `The name ${name} holds characters that are not taken, or too many; the reply would call it by another.`,
  );
  const clean = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, TOOL_NAME_MAX);
  return clean === '' ? 'tool' : clean;
}

function encodeResult(part: ToolResultPart, into: Encoding): JsonRecord {
  const content = part.parts.flatMap((inner) => encodeInner(inner, into));
  const isStructured = part.value !== undefined && part.parts.every((inner) => inner.kind === 'text');
  return {
    toolUseId: callId(part.callId),
    content: isStructured && part.value !== undefined ? [{ json: part.value }] : content,
    ...statusOf(part, into),
    ...own(part, into),
  };
}

function encodeInner(part: TextPart | MediaPart | OpaquePart, into: Encoding): readonly JsonRecord[] {
  const json = into.isHome ? part.extra?.['json'] : undefined;
  return json === undefined ? encodeUserPart(part, into) : [{ json }];
}

/** Only Claude and Nova are told whether a call went wrong; success is the default. */
function statusOf(part: ToolResultPart, into: Encoding): JsonRecord {
  if (part.isError === undefined || (!part.isError && !into.isHome)) return {};
  if (into.isHome || into.traits.takesStatus) return { status: part.isError ? 'error' : 'success' };
  into.losses.hint('tool-error', part.at ?? 'messages', 'This model is not told that a call failed.');
  return {};
}

function encodeMedia(part: MediaPart, into: Encoding): readonly JsonRecord[] {
  const { source: whole, searchResult, ...extra } = own(part, into);
  if (isRecord(searchResult)) return [{ searchResult }];
  if (part.signature !== undefined) loseSignature(part, into.losses);
  const held = encodeFile(part, into);
  if (held === undefined) return [];
  loseDetail(part, into.losses);
  const name = part.kind === 'document' ? { name: into.documentName(part) } : {};
  return [{ [part.kind]: { ...held, ...name, ...(whole === undefined ? {} : { source: whole }), ...extra } }];
}

/** Format and source of a file; undefined, and listed, where the service cannot take it. */
function encodeFile(part: MediaPart, into: Encoding): JsonRecord | undefined {
  const { source } = part;
  const at = part.at ?? 'messages';
  if (!into.isHome && part.kind === 'video' && !into.traits.takesVideo) {
    into.losses.meaning('media-kind', at, 'This model takes no video.');
    return undefined;
  }
  switch (source.by) {
    case 'url':
      into.losses.meaning('media-kind', at, `Bedrock fetches no addresses; the ${part.kind} must be in the request.`);
      return undefined;
    case 'file':
      return encodeStored(part, source, into);
    case 'text':
      return encodePlain(part, source.text, into);
    case 'base64':
      return encodeBytes(part, source, into);
  }
}

function encodeStored(
  part: MediaPart,
  source: { readonly id: string; readonly mediaType?: string },
  into: Encoding,
): JsonRecord | undefined {
  if (!into.isHome && !source.id.startsWith('s3://')) {
    loseFile(part, into.losses);
    return undefined;
  }
  const format = source.mediaType === undefined ? undefined : formatOf(part, source.mediaType, into);
  return { ...(format === undefined ? {} : { format }), source: { s3Location: { uri: source.id } } };
}

/** Plain text goes as a text file: only Claude takes it as text, and only to cite from it. */
function encodePlain(part: MediaPart, text: string, into: Encoding): JsonRecord {
  if (!into.isHome) return { format: 'txt', source: { bytes: Buffer.from(text, 'utf8').toString('base64') } };
  const format = part.source.mediaType === undefined ? undefined : formatOf(part, part.source.mediaType, into);
  return { ...(format === undefined ? {} : { format }), source: { text } };
}

function encodeBytes(
  part: MediaPart,
  source: { readonly data: string; readonly mediaType: string },
  into: Encoding,
): JsonRecord | undefined {
  const format = formatOf(part, source.mediaType, into);
  if (format !== undefined) return { format, source: { bytes: source.data } };
  if (into.isHome) return { source: { bytes: source.data } };
  into.losses.meaning('media-type', part.at ?? 'messages', `Bedrock does not read ${source.mediaType}.`);
  return undefined;
}

/** What is text under any name is a text file. At home a type that we do not know is only a format's name (`typeOfFormat`). */
function formatOf(part: MediaPart, mediaType: string, into: Encoding): string | undefined {
  const known = formatOfType(part.kind, mediaType);
  if (known !== undefined) return known;
  if (into.isHome) return mediaType === NO_TYPE ? undefined : mediaType.slice(mediaType.indexOf('/') + 1);
  return part.kind === 'document' && isTextual(mediaType) ? 'txt' : undefined;
}
