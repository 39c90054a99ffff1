/** What a wire format can do, in both directions. A dialect is pure: bytes and records in, values out. */
import type { Fault, FaultCode } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { ChatEvent, ChatResponse } from '../chat/reply.ts';
import type { ChatRequest, Loss } from '../chat/request.ts';
import type { Usage } from '../chat/usage.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { SseSplitter } from '../lib/sse.ts';
import type { Counting } from './counting.ts';

/** What a request needs of a model. A target that is known to lack one of these is left out of the plan. */
export type Ability =
  | 'tools'
  | 'image'
  | 'document'
  | 'audio'
  | 'video'
  | 'reasoning'
  | 'json-schema'
  | 'image-out'
  | 'audio-out';

/**
 * The request as the router sees it, read in one pass over the parsed body without translating it.
 * For a request that goes out in its own dialect this is all that is ever read.
 */
export interface Inspection {
  readonly model: string;
  readonly isStreaming: boolean;
  /** Whether the caller asked to see usage in the stream. Always true in dialects that always send it. */
  readonly wantsStreamUsage: boolean;
  /** The caller's limit on output tokens for one choice, if any. */
  readonly maxOutputTokens?: number;
  readonly choices: number;
  readonly needs: readonly Ability[];
  /** UTF-16 code units of all text that will be billed as input: messages, tool declarations and results, schemas. */
  readonly textLength: number;
  /** Of these, code units outside ASCII (they take more tokens each). */
  readonly nonAsciiLength: number;
  readonly imageCount: number;
  readonly messageCount: number;
}

/** What the encoder must know of where the request goes. */
export interface EncodeTarget {
  /** The provider's own name of the model. */
  readonly model: string;
  /** Most output tokens that the model gives; Anthropic's wire needs a number even where the caller gave none. */
  readonly maxOutputTokens?: number;
  readonly canReason?: boolean;
}

export interface EncodedRequest {
  readonly body: JsonRecord;
  readonly losses: readonly Loss[];
}

/** How an error is put on the wire: whole body and headers are the listener's business. */
export interface FaultContext {
  readonly requestId: string;
}

/** What a finished event of a same-dialect stream means to the relay. Everything absent: a plain delta to pass on. */
export interface Mark {
  /** Holds generated content (text, reasoning, tool call, media): from here on the attempt cannot be replaced unseen. */
  readonly hasContent?: boolean;
  /** A finish reason was given: the reply is complete even if nothing follows. */
  readonly isFinished?: boolean;
  /** The protocol's own last event (`[DONE]`, `message_stop`). */
  readonly isLast?: boolean;
  readonly usage?: Usage;
  /** True where the event carries usage and nothing else, so that it is dropped for a caller who did not ask for it. */
  readonly isUsageOnly?: boolean;
  /** An error reported inside a 200 stream. */
  readonly fault?: Fault;
  /** A comment or ping: not a sign of life of the model. */
  readonly isPing?: boolean;
}

/** Reads along a stream that is passed through unchanged. One per stream; keeps what it must remember between events. */
export interface Tap {
  /** `event` is the SSE event name (empty if none), `data` the bytes of its data lines, UTF-8. */
  see(event: string, data: Buffer): Mark;
}

/** What a relay must know of a whole reply that it hands on unread. */
export interface Glance {
  readonly usage?: Usage;
  /** Of the first choice, in the provider's word where it gave one. */
  readonly finish?: string;
  /** It is in another form than clients of this dialect read, and is written anew for them. */
  readonly isOtherForm?: boolean;
}

/** The glance at a reply that had to be read whole. */
export function glanceOf({ usage, choices }: ChatResponse): Glance {
  const finish = choices[0]?.finish.raw ?? choices[0]?.finish.reason;
  return { ...(usage === undefined ? {} : { usage }), ...(finish === undefined ? {} : { finish }) };
}

/** Bytes in, events out, whatever the network did to the bytes between. */
export interface StreamDecoder {
  push(bytes: Uint8Array): readonly ChatEvent[];
  /** The connection closed. A stream without a finish ends with an `error` event (`upstream-cut`). */
  end(): readonly ChatEvent[];
  /** The protocol's own ending has come, or an error: nothing counts any more, whether or not the connection closes. */
  isOver(): boolean;
}

/** What a wire's streams are made of: text, or bytes where frames are not text. */
export type WireForm = string | Buffer;

/** Events in, the wire out. */
export interface StreamEncoder<Out extends WireForm = WireForm> {
  push(event: ChatEvent): Out;
  /** The protocol's own ending after the last event (`data: [DONE]`). Empty after an `error` event. */
  end(): Out;
  /** What the events held that this dialect cannot say, once each. */
  losses(): readonly Loss[];
}

export interface EncodeContext {
  /** Our id of the request, for replies whose provider gave none. */
  readonly requestId: string;
  /** The model's name as the caller shall see it, for replies whose provider gave none. */
  readonly model: string;
  /** Seconds since 1970, for replies whose provider gave no time. */
  readonly nowS: number;
  readonly wantsStreamUsage: boolean;
  /** Our own count of the input, for protocols that tell it before the provider has. */
  readonly inputTokensEstimate?: number;
  /** The caller's body, for protocols whose replies repeat it (Responses API). */
  readonly request?: JsonRecord;
  /** Gemini only: a JSON array instead of SSE (`streamGenerateContent` without `alt=sse`). */
  readonly isJsonArray?: boolean;
}

export interface CallShape {
  readonly model: string;
  readonly isStreaming: boolean;
  readonly operation: 'chat' | 'count-tokens';
}

/** Headers and body of an upstream's error answer, as far as they arrived. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  /** The provider's id, for the text. */
  readonly provider: string;
  readonly model: string;
  /** Unix time in ms, for `retry-after` in date form. */
  readonly nowMs: number;
}

/** One turn of a conversation: what was sent that was new, and the reply. */
export interface KeptTurn {
  readonly id: string;
  readonly input: readonly Json[];
  readonly reply: JsonRecord;
}

/** For protocols whose callers go on from an earlier reply by its id (Responses API). */
export interface Thread {
  previousOf(body: JsonRecord): string | undefined;
  /** Whether the caller of `body` may want to go on from its reply. */
  asksToKeep(body: JsonRecord): boolean;
  /** The turn that a body and its finished answer make (a whole reply, or the end of a stream); undefined where they make none. */
  turnOf(body: JsonRecord, answer: string): KeptTurn | undefined;
  /** The body with earlier turns, oldest first, in the place of the id. */
  withTurns(body: JsonRecord, turns: readonly KeptTurn[]): JsonRecord;
}

/** Why a body cannot be sent to any target of another wire, whatever is left out of it. */
export interface Unfit {
  readonly param: string;
  readonly reason: string;
}

export interface Dialect<Out extends WireForm = WireForm> {
  readonly id: Origin;
  /** `lines` where a stream is JSON, a line a piece, so that it begins like a whole reply. Absent: it begins like none. */
  readonly framing?: 'lines';
  readonly thread?: Thread;
  /** Reads and checks a parsed body. `path` gives what stands in the URL: Gemini's model and whether it streams. Errors name the field. */
  inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault>;
  decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault>;
  /**
   * For bodies that may ask several things at once: a body for each, for targets of another wire; or what cannot be asked of
   * those, and why. Absent: a body asks one thing.
   */
  readonly apart?: (body: JsonRecord) => Result<readonly JsonRecord[], Unfit>;
  encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest;
  /** Reads a whole reply. A 200 that holds an error object is a fault, and so is one without any choice. */
  decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault>;
  encodeResponse(
    response: ChatResponse,
    context: EncodeContext,
  ): { readonly body: JsonRecord; readonly losses: readonly Loss[] };
  /** `splitter` cuts the events out where they do not lie in the bytes as they do by default (a provider's own framing). */
  decoder(provider: string, splitter?: SseSplitter): StreamDecoder;
  encoder(context: EncodeContext): StreamEncoder<Out>;
  tap(provider: string): Tap;
  /** As much of a whole reply as a relay of the same dialect needs: the same fault, usage and finish as `decodeResponse` finds. */
  glance(body: JsonRecord, provider: string): Result<Glance, Fault>;
  /** Classifies an error answer. Never shows our credentials; the provider's own text stays as far as it is safe. */
  decodeError(answer: ErrorAnswer): Fault;
  encodeFault(fault: Fault, context: FaultContext): JsonRecord;
  /** The error event that ends a stream which began with 200 (rule R2). */
  encodeStreamFault(fault: Fault, context: FaultContext): Out;
  /** What closes a stream after its finish where the provider left it out (`data: [DONE]\n\n`). */
  readonly streamEnding: string;
  /** How events lie in the bytes of a stream, for a relay. Absent: as server-sent events. */
  readonly splitter?: () => SseSplitter;
  /** Top-level field of a body that holds the model's name; absent where it stands in the URL. */
  readonly modelField?: string;
  /** What a streamed body must say so that usage comes at its end; undefined where it says so, or usage always comes. */
  askUsage(body: JsonRecord): { readonly field: string; readonly value: JsonRecord } | undefined;
  /** What was used, where the head of a whole reply tells it; absent: it never does. */
  readonly usageInHead?: (headers: ErrorAnswer['headers']) => Usage | undefined;
  /** How its providers are asked for the number of input tokens; absent: they are not. */
  readonly counting?: Counting;
  /** What each piece of a stream holds where usage is asked for and is not there yet, as bytes; cut out for who did not ask. */
  readonly idleUsage?: Buffer;
  /** Whether a model goes on from the assistant's last words, where a conversation ends with them. Absent: none does for certain. */
  readonly takesPrefill?: (model: string) => boolean;
  /** True where its clients pass by fields of a chunk that they do not know, and keep them. */
  readonly takesOwnFields?: boolean;
  /** Our own answer to a request for the number of input tokens. */
  countTokensResponse(inputTokens: number): JsonRecord;
  /** The body with at most `maxTokens` output tokens asked for a choice. */
  limitOutput(body: JsonRecord, maxTokens: number): JsonRecord;
  /** Path of the operation below the base URL, with its query. */
  path(call: CallShape): string;
  /** Headers that carry the secret, and those the wire always needs. */
  headers(secret: string | undefined): Readonly<Record<string, string>>;
}

export interface PathFacts {
  /** What the path asks for where one protocol has several; absent: a chat. Counting tokens needs no limit on output. */
  readonly operation?: 'chat' | 'count-tokens';
  /** From the URL, where the dialect has it there. */
  readonly model?: string;
  readonly isStreaming?: boolean;
}

/** Codes after which the same request may be tried at another target; the rest would fail there too. */
export const REPLACEABLE: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'upstream-unreachable',
  'upstream-unresolved',
  'upstream-unsendable',
  'upstream-certificate',
  'upstream-redirect',
  'upstream-invalid',
  'upstream-too-big',
  'upstream-error',
  'upstream-auth',
  'upstream-credential',
  'upstream-cut',
  'output-invalid',
  'upstream-not-found',
  'upstream-rate-limited',
  'upstream-overloaded',
  'upstream-quota',
  'upstream-timeout',
  'upstream-slow',
  'context-length',
  'content-filtered',
  'not-expressible',
  'not-for-target',
  'previous-response-not-found',
]);
