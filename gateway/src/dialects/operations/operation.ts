/**
 * What can be asked beside a chat: embeddings, reranking, moderation, pictures, speech, transcripts. Each has one neutral
 * request and reply, and a wire for every form in which providers speak of it. Pure: records in, values out.
 */
import type { Fault } from '../../chat/fault.ts';
import type { Loss } from '../../chat/request.ts';
import type { Units, Usage } from '../../chat/usage.ts';
import type { JsonRecord } from '../../lib/json.ts';
import type { FormPart } from '../../lib/multipart.ts';
import type { Result } from '../../lib/result.ts';

export const OPERATIONS = [
  'embeddings',
  'rerank',
  'moderations',
  'images',
  'image-edits',
  'speech',
  'transcriptions',
  'translations',
] as const;

export type OperationId = (typeof OPERATIONS)[number];

/** `multipart/form-data`, read but not copied: the parts lie in `bytes`. */
export interface Form {
  readonly bytes: Buffer;
  readonly boundary: string;
  readonly parts: readonly FormPart[];
}

/** A request's body as it came. */
export interface AskedBody {
  /** The JSON body, or the text fields of a form. */
  readonly record: JsonRecord;
  readonly form?: Form;
}

/** What stands in the path of a request. */
export interface AskedPath {
  readonly model?: string;
  /** Google's word after the colon. */
  readonly verb?: string;
}

/** What every neutral request has. */
export interface Asked {
  /** As the caller named it. */
  readonly model: string;
  /** Fields that have no neutral word. The wire they came in says them; others lose them, by name. */
  readonly extras: JsonRecord;
  /** End user's id, for the provider's abuse detection. */
  readonly user?: string;
}

/** How an answer comes. `json` and `text` are kept until they are whole; `events` and `bytes` are handed on as they come. */
export type AnswerKind = 'json' | 'text' | 'events' | 'bytes';

/** How much is asked, for estimates and holds. */
export interface Size {
  /** UTF-16 code units of text that is billed as input, and those of them outside ASCII. */
  readonly textLength: number;
  readonly nonAsciiLength: number;
  /** Code units of the longest input, where several stand apart. 0: nothing that a context must hold. */
  readonly longestLength: number;
  readonly imageCount: number;
  /** Input that was counted in tokens already: token numbers, sound. The most, and about. */
  readonly tokensMax: number;
  readonly tokensEstimate: number;
  /** The most output tokens of one choice; 0 where output is none that is billed. */
  readonly outputTokensMax: number;
  readonly choices: number;
  readonly unitsMax?: Units;
}

export interface WireTarget {
  /** The provider's own name of the model. */
  readonly model: string;
}

export interface WireContext {
  readonly requestId: string;
  readonly nowS: number;
}

export interface EncodedAsk {
  /** Below the base URL. */
  readonly path: string;
  readonly body: JsonRecord;
  readonly losses: readonly Loss[];
}

export interface EncodedAnswer {
  readonly body: JsonRecord | string;
  readonly losses: readonly Loss[];
}

/** What is wrong with a reply; or why the provider holds its content back. */
export type NoReply = string | { readonly filtered: string };

/** One form of an operation. */
export interface Wire<Q extends Asked, A> {
  readonly id: string;
  /** Reads and checks what a caller sent. Faults name the field. */
  decodeRequest(body: AskedBody, path: AskedPath): Result<Q, Fault>;
  encodeRequest(request: Q, target: WireTarget): EncodedAsk;
  /** The reply, or why it is none. */
  decodeReply(body: JsonRecord, request: Q): Result<A, NoReply>;
  encodeReply(reply: A, request: Q, context: WireContext): EncodedAnswer;
  /** Top-level field with the model's name, to be replaced in bytes that pass; absent where the path has it. */
  readonly modelField?: string;
  /** Whether the bytes of such a request may pass once the model's name is replaced. Absent: always. */
  canPass?(request: Q, target: WireTarget): boolean;
  /** What its callers call a field that losses name in OpenAI's words. `record` is the caller's body. Absent: the same. */
  callersName?(field: string, record: JsonRecord): string;
  /** Fields of a form that this wire does not know and that are cut out of bytes that pass. */
  readonly unknownFields?: readonly string[];
}

export interface Operation<Q extends Asked, A> {
  readonly id: OperationId;
  readonly wires: Readonly<Record<string, Wire<Q, A>>>;
  sizeOf(request: Q): Size;
  /** All text that the caller wrote, for facts about it. */
  textsOf(request: Q): readonly string[];
  /** Whether text stands in it that cannot be read here. Absent: no. */
  isUnread?(request: Q): boolean;
  answerOf(request: Q): AnswerKind;
  usageOf(reply: A): Usage | undefined;
  /** Usage that stands in an event, or in a whole reply that is not read otherwise; undefined where there is none. */
  usageIn(body: JsonRecord, request: Q): Usage | undefined;
  /** What the request itself says of its cost, where the provider counts nothing. */
  usageAsked?(request: Q): Usage | undefined;
  /** Output tokens that such an answer takes, where the provider does not say (our own count). */
  outputTokensOf?(request: Q): number;
  /** Whether a reply that came in the caller's own wire says what the caller asked for, so that its bytes may pass. */
  isAsAsked?(reply: A, request: Q): boolean;
  /** The events that a whole reply stands for, where events were asked for and a server gives none (faults.md F38). */
  eventsOf?(reply: A, request: Q): readonly JsonRecord[];
  /** Pieces of at most `max` inputs each, in order. Only of operations whose inputs stand apart. */
  split?(request: Q, max: number): readonly Q[];
  join?(replies: readonly A[]): A;
}

/** Losses by the names that the caller wrote. */
export function lossesOf<Q extends Asked, A>(
  asks: readonly EncodedAsk[],
  inbound: Wire<Q, A>,
  record: JsonRecord,
): readonly Loss[] {
  return asks.flatMap(({ losses }) =>
    losses.map((loss) => ({ ...loss, field: inbound.callersName?.(loss.field, record) ?? loss.field })),
  );
}
