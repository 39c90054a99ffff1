/** What a wire format needs to be simulated: reading a request, and putting a made-up reply into its words. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import type { Result } from '../../lib/result.ts';
import type { Ask, Draft } from '../synthetic/compose.ts';

export interface RouteFacts {
  readonly method: string;
  /** Without query, and without the simulator's own prefix (`/p/<provider>`, `/openai`, `/anthropic`, `/gemini`, `/bedrock`). */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `openai`, `anthropic`, `gemini`, `bedrock` where the path said so. */
  readonly family: string | undefined;
}

/** What is asked beside a chat (`other-operations.ts`). */
export type OtherKind = 'rerank' | 'moderations' | 'images' | 'speech' | 'transcriptions' | 'cohere-embed';

export interface Operation {
  readonly kind: 'chat' | 'count-tokens' | 'embeddings' | 'models' | 'model' | OtherKind;
  readonly method: 'GET' | 'POST';
  /** From the path, where it stands there. */
  readonly model?: string;
  /** From the path, where it stands there. */
  readonly isStreaming?: boolean;
  /** Gemini without `alt=sse`: a JSON array instead of SSE. */
  readonly isJsonArray?: boolean;
  /** Gemini's `batchEmbedContents`. */
  readonly isBatch?: boolean;
}

/** What makes two replies to the same question different. */
export interface Identity {
  /** Hexadecimal digits, another for every request. */
  readonly hex: string;
  /** Seconds since 1970. */
  readonly createdS: number;
}

export interface Problem {
  readonly status: number;
  readonly message: string;
  /** The field at fault. */
  readonly param?: string;
  /** The dialect's own code, where the usual one for the status does not fit. */
  readonly code?: string;
}

/** One event of a made-up stream. */
export interface StreamEvent {
  readonly event: JsonRecord;
  /** Output tokens it carries: what its pace is measured by. */
  readonly tokens: number;
}

/** A model as the lists show it. */
export interface ListedModel {
  readonly id: string;
  /** US dollars a million tokens. */
  readonly price?: { readonly input: number; readonly output: number };
}

export interface Reply {
  readonly ask: Ask;
  readonly draft: Draft;
  readonly identity: Identity;
}

export interface SimulatedDialect {
  readonly id: string;
  /** The prefix of its base URL (`/openai`). */
  readonly family: string;
  /** Header that carries the request's id. */
  readonly requestIdHeader: string;
  /** The operation this request is for; undefined where the path is none of this dialect. The method may still be wrong. */
  route(facts: RouteFacts): Operation | undefined;
  /** Reads a chat or count-tokens request as strictly as the provider would. */
  read(body: JsonRecord, operation: Operation, facts: RouteFacts): Result<Ask, Problem>;
  whole(reply: Reply): JsonRecord;
  stream(reply: Reply): Iterable<StreamEvent>;
  /** An event as it stands on the wire. `index` counts from 0. */
  encodeEvent(event: Json, operation: Operation, index: number): string | Buffer;
  /** What follows the last event. */
  ending(operation: Operation): string;
  streamType(operation: Operation): string;
  /** An event with a little text, for streams that never end. */
  filler(text: string, model: string): JsonRecord;
  countTokens(inputTokens: number): JsonRecord;
  models(models: readonly ListedModel[]): JsonRecord;
  model(model: ListedModel): JsonRecord;
  embeddings(body: JsonRecord, operation: Operation): Result<JsonRecord, Problem>;
  error(problem: Problem): JsonRecord;
  /** Headers of an error, where the wire tells its kind there. */
  errorHeaders?(problem: Problem): Readonly<Record<string, string>>;
}

/** Takes turns between several sequences: the choices of a reply, as providers interleave them. */
export function* interleave<T>(sequences: readonly Iterable<T>[]): Generator<T> {
  let open = sequences.map((sequence) => sequence[Symbol.iterator]());
  while (open.length > 0) {
    const still: Iterator<T>[] = [];
    for (const iterator of open) {
      const next = iterator.next();
      if (next.done === true) continue;
      yield next.value;
      still.push(iterator);
    }
    open = still;
  }
}
