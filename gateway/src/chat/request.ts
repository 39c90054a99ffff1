/** What a caller asks for, in words that every dialect can be translated to and from. */
import type { Json, JsonRecord } from '../lib/json.ts';
import type { LossCode } from './loss-codes.ts';
import type { Origin, Part } from './part.ts';

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

export interface Message {
  readonly role: Role;
  /** A `tool` message holds only `tool-result` parts; results of one round stand in one message. */
  readonly parts: readonly Part[];
  /** OpenAI's `name` of the participant. */
  readonly name?: string;
  readonly at?: string;
  readonly extra?: JsonRecord;
}

export type Tool =
  | {
      readonly kind: 'function';
      readonly name: string;
      readonly description?: string;
      /** JSON Schema of the arguments; absent where the tool takes none. */
      readonly parameters?: JsonRecord;
      readonly strict?: boolean;
      readonly isCacheEnd?: boolean;
      readonly cacheTtl?: '5m' | '1h';
      readonly at?: string;
      /** The group that it was declared in, where its protocol has such (Responses API). The name above holds the group's already. */
      readonly namespace?: ToolNamespace;
      readonly extra?: JsonRecord;
    }
  /** A tool that the provider runs itself (`web_search_20250305`, `googleSearch`), or any tool form of one dialect only. */
  | {
      readonly kind: 'opaque';
      readonly origin: Origin;
      readonly name: string;
      readonly value: Json;
      readonly at?: string;
    };

/** A group of functions under one name. */
export interface ToolNamespace {
  readonly name: string;
  /** The function's own name within it. */
  readonly tool: string;
  /** Where the group stood in the caller's body. */
  readonly at: string;
  /** The group as it was declared, but for its functions. */
  readonly group: JsonRecord;
}

export type ToolChoice =
  | { readonly kind: 'auto' }
  | { readonly kind: 'none' }
  | { readonly kind: 'required'; readonly only?: readonly string[] }
  | { readonly kind: 'tool'; readonly name: string };

export type OutputFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | {
      readonly kind: 'json-schema';
      readonly schema: JsonRecord;
      readonly name?: string;
      readonly description?: string;
      readonly strict?: boolean;
    };

/** Any of these may be absent; a dialect maps between effort and budget where it has only one of the two. */
export interface Reasoning {
  readonly effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  /** Most tokens to think with; 0 turns thinking off, -1 leaves it to the model (Gemini's dynamic, Anthropic's adaptive). */
  readonly budgetTokens?: number;
  /** Whether the caller wants to see the reasoning (Gemini `includeThoughts`, OpenRouter `exclude`). */
  readonly isShown?: boolean;
}

export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly logitBias?: JsonRecord;
}

/** How much is lost with a field that the other side cannot express. A `hint` may be dropped unasked, and is named; `meaning` needs `adapt`. */
export type Weight = 'hint' | 'meaning';

/** A top-level field of the source dialect that has no word here, by its own name. */
export interface Extra {
  readonly field: string;
  readonly value: Json;
  readonly weight: Weight;
  /** True where its meaning also stands in the words of `ChatRequest`: its own dialect writes it back as it was, and no other loses anything. */
  readonly isCovered?: boolean;
  /** True for a piece of another extra, which holds it whole: it stands here only so that others name it as lost. */
  readonly isInside?: boolean;
}

export interface ChatRequest {
  readonly origin: Origin;
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly maxOutputTokens?: number;
  readonly sampling: Sampling;
  readonly stop?: readonly string[];
  /** Number of choices wanted. */
  readonly n?: number;
  /** Present where log probabilities are wanted; `top` alternatives a token. */
  readonly logprobs?: { readonly top?: number };
  readonly reasoning?: Reasoning;
  readonly format?: OutputFormat;
  /** What the reply may hold: `text`, `image`, `audio`. */
  readonly modalities?: readonly string[];
  /** Voice and format of spoken output, as OpenAI names them. */
  readonly audio?: { readonly voice?: Json; readonly format?: string };
  readonly isStreaming: boolean;
  /** OpenAI's `stream_options.include_usage`; other dialects always send usage. */
  readonly wantsStreamUsage?: boolean;
  /** End user's id, for the provider's abuse detection. */
  readonly user?: string;
  /** Fields that the caller wrote under another than their usual name (`maxOutputTokens`: `max_completion_tokens`). */
  readonly names?: Readonly<Record<string, string>>;
  readonly extras: readonly Extra[];
}

/** A field, or part of a message, that did not reach the other side as it was. Goes into `x-turnout-adapted`. */
export interface Loss {
  /** Code of the row in docs/reference/translation.md. */
  readonly code: LossCode;
  /** Where it stood in the caller's body (`messages[3].content[1]`, `logprobs`). */
  readonly field: string;
  readonly weight: Weight;
  /** One sentence: what was done instead, and why. */
  readonly why: string;
}
