/** What a message is made of. One list of kinds for requests and replies, so that a reply can be sent back as history. */
import type { Json, JsonRecord } from '../lib/json.ts';

/** The wire format a value came from; opaque values and signatures only mean something there. */
export type Origin =
  | 'openai-chat'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'gemini'
  | 'bedrock-converse'
  | 'bedrock-invoke'
  | 'cohere'
  | 'ollama'
  | 'replicate';

/** A provider's proof that reasoning or a call was its own. `origin` says who can read it; others must carry it back untouched. */
export interface Signature {
  readonly origin: Origin;
  readonly value: string;
}

export interface CacheMark {
  /** How long the provider should keep the prefix that ends here. Absent: its default (Anthropic: 5 minutes). */
  readonly ttl?: '5m' | '1h';
}

export type MediaSource =
  | { readonly by: 'url'; readonly url: string; readonly mediaType?: string }
  | { readonly by: 'base64'; readonly data: string; readonly mediaType: string }
  | { readonly by: 'file'; readonly id: string; readonly mediaType?: string }
  | { readonly by: 'text'; readonly text: string; readonly mediaType?: string };

export interface Citation {
  readonly url?: string;
  readonly title?: string;
  readonly citedText?: string;
  /** Offsets into the text of the part, in UTF-16 code units. */
  readonly start?: number;
  readonly end?: number;
  /** The provider's own citation object. */
  readonly raw: JsonRecord;
  readonly origin: Origin;
}

/** Fields every part may have. `at` is where it stood in the caller's body (`messages[3].content[1]`), for error texts and loss lists. */
interface PartBase {
  readonly at?: string;
  readonly cache?: CacheMark;
  /** What its own protocol keeps of the item that begins with this part (Responses API: `id`, `status`, `phase`; Cohere: the document). Nobody else misses it. */
  readonly item?: JsonRecord;
  /** Fields of the source that have no word here, by their own name. Another dialect loses them, and says so. */
  readonly extra?: JsonRecord;
}

export interface TextPart extends PartBase {
  readonly kind: 'text';
  readonly text: string;
  readonly citations?: readonly Citation[];
  readonly signature?: Signature;
}
/** `image`, `document`, `audio` and `video` differ only in what may be done with them. */
export interface MediaPart extends PartBase {
  readonly kind: 'image' | 'document' | 'audio' | 'video';
  readonly source: MediaSource;
  /** OpenAI's image detail: `low`, `high`, `auto`. */
  readonly detail?: string;
  /** File name or title of a document. */
  readonly name?: string;
  /** Words spoken in an audio part, where the provider gave them. */
  readonly transcript?: string;
  readonly signature?: Signature;
  /** The block as it came, where it says more than this part: its own dialect writes it back, and every other names the loss. */
  readonly whole?: JsonRecord;
}
export interface ToolCallPart extends PartBase {
  readonly kind: 'tool-call';
  readonly id: string;
  readonly name: string;
  /** The arguments as JSON text, exactly as the model wrote them; not always valid JSON. */
  readonly arguments: string;
  readonly signature?: Signature;
}
export interface ToolResultPart extends PartBase {
  readonly kind: 'tool-result';
  readonly callId: string;
  /** Name of the tool that was called. Gemini needs it; others leave it out. */
  readonly name?: string;
  readonly parts: readonly (TextPart | MediaPart | OpaquePart)[];
  readonly isError?: boolean;
  /** A structured result as it was given, where it was not text (Gemini `functionResponse.response`). */
  readonly value?: JsonRecord;
}
export interface ReasoningPart extends PartBase {
  readonly kind: 'reasoning';
  /** Readable reasoning; empty where the provider shows none. */
  readonly text: string;
  readonly signature?: Signature;
  /** Reasoning that only its provider can read (Anthropic `redacted_thinking`, `reasoning.encrypted`). */
  readonly encrypted?: Signature;
  /** True where `text` is a summary rather than the reasoning itself. */
  readonly isSummary?: boolean;
}
export interface RefusalPart extends PartBase {
  readonly kind: 'refusal';
  readonly text: string;
}
/** A block of one dialect that no other can express (server tool calls, code execution results, …), whole. */
export interface OpaquePart extends PartBase {
  readonly kind: 'opaque';
  readonly origin: Origin;
  /** What it is called there (`server_tool_use`). */
  readonly name: string;
  readonly value: Json;
}

export type Part = TextPart | MediaPart | ToolCallPart | ToolResultPart | ReasoningPart | RefusalPart | OpaquePart;
