/** The words of the matrix: what is tried, who asks, who answers, and what each side can be seen to have understood. */
import type { FaultCode } from '../../src/chat/fault.ts';
import type { Origin } from '../../src/chat/part.ts';
import type { Json, JsonRecord } from '../../src/lib/json.ts';
import type { Content } from '../../src/simulator/step.ts';

/** The rows of the matrix, with their names on the page. */
export const FEATURES = {
  text: 'Text',
  stream: 'Stream',
  tools: 'Tool: call and result',
  'parallel-tools': 'Parallel tool calls',
  'result-image': 'Tool result with a picture',
  structured: 'Structured output',
  reasoning: 'Reasoning, signed, over two turns',
  image: 'Picture in',
  document: 'Document in',
  citations: 'Citations',
  refusal: 'Refusal',
  length: 'Stop at the limit',
  'error-400': 'Error 400',
  'error-401': 'Error 401',
  'error-429': 'Error 429',
  'error-5xx': 'Error 500',
  'error-in-stream': 'Error inside the stream',
} as const;
export type FeatureId = keyof typeof FEATURES;

/** What a client asks. */
export type AskId = 'plain' | 'tools' | 'result-image' | 'structured' | 'reasoning' | 'image' | 'document';
/** What a provider answers; `thought` thinks, signs and calls a tool. */
export type ReplyId = 'text' | 'call' | 'calls' | 'json' | 'thought' | 'citations' | 'refusal' | 'length';

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: Json | undefined;
}

export interface Result {
  /** Of the call; empty where the wire has none. */
  readonly id: string;
  /** Of the tool; empty where the wire has none. */
  readonly name: string;
  readonly text: string;
}

/** What a provider is told by a request, read from its own fields. */
export interface Heard {
  /** What the user, and the system, say. */
  readonly texts: readonly string[];
  readonly tools: readonly { readonly name: string; readonly description: string; readonly schema: Json | undefined }[];
  readonly calls: readonly Call[];
  readonly results: readonly Result[];
  /** Base64, wherever the wire may have pictures. */
  readonly images: readonly string[];
  /** Base64, or the words of a document that is text. */
  readonly documents: readonly string[];
  /** That the answer is held to. */
  readonly schema: Json | undefined;
  readonly wantsThought: boolean;
  readonly thoughts: readonly string[];
  readonly signatures: readonly string[];
}

/** What a client is told by a whole reply, read from its own fields. */
export interface Told {
  readonly text: string;
  readonly thoughts: string;
  readonly calls: readonly Call[];
  /** The protocol's own word. */
  readonly finish: string;
  readonly refusal: string;
  /** Addresses of sources. */
  readonly citations: readonly string[];
  readonly tokens: readonly [input: number | undefined, output: number | undefined];
}

/** Words with which a protocol says how a reply ended. */
export interface Finishes {
  readonly stop: string;
  readonly calls: string;
  readonly length: string;
}

/** One event of a stream: name (empty where the protocol has none) and data. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

export interface ToldError {
  readonly message: string;
  /** All that the protocol says of its kind, its own fields only. */
  readonly kind: string;
}

/** How one protocol's clients ask and read. A new inbound protocol is one more of these. */
export interface Client {
  readonly id: Origin;
  readonly title: string;
  path(model: string, isStreaming: boolean): string;
  /** Bodies without model and stream; absent where the protocol has no such thing. */
  readonly asks: Partial<Readonly<Record<AskId, JsonRecord>>>;
  withModel(body: JsonRecord, model: string, isStreaming: boolean): JsonRecord;
  /** Features that the protocol has no form for, in requests or replies. */
  readonly lacks: readonly FeatureId[];
  readonly finishes: Finishes;
  /** Whether a reply is told as refused or filtered. */
  isRefused(told: Told): boolean;
  read(reply: JsonRecord): Told;
  /** A stream put together, as the protocol's own clients do. */
  join(events: readonly StreamEvent[]): JsonRecord;
  /** Pieces of text in a stream. */
  pieces(events: readonly StreamEvent[]): readonly string[];
  /** `proper`: with all that ends a whole stream; `error`: with the protocol's error event, and nothing after it. */
  endingOf(events: readonly StreamEvent[]): 'proper' | 'error' | 'none';
  /** The next request: the reply goes back as history, with a result for each of its calls. */
  next(ask: JsonRecord, reply: JsonRecord): JsonRecord;
  /** The protocol's word for a failure of ours. */
  errorKind(code: FaultCode): string;
  /** An error's body; undefined where it is not in the protocol's form. */
  readError(body: JsonRecord): ToldError | undefined;
}

export interface ScriptedAnswer {
  readonly whole: Content;
  readonly stream: Content;
}

/** How one wire's providers answer and read. */
export interface Provider {
  readonly dialect: Origin;
  readonly id: string;
  readonly title: string;
  readonly model: string;
  /** What follows `/p/NAME` in its base URL. */
  readonly base: string;
  /** The provider of the catalog whose oddities it has; absent: it has none. */
  readonly like?: string;
  /** Fields of its own beside every reply, which other protocols' callers are told of each time. */
  readonly beside: readonly string[];
  /** Absent: its wire has no such thing. */
  readonly replies: Partial<Readonly<Record<ReplyId, ScriptedAnswer>>>;
  /** A stream that begins with text and ends in an error. */
  readonly broken: Content;
  hear(body: JsonRecord): Heard;
}
