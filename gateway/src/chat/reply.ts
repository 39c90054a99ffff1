/** What a model answers: whole (`ChatResponse`) or piece by piece (`ChatEvent`). `collect` and `replay` turn one into the other. */
import type { JsonRecord } from '../lib/json.ts';
import type { Fault } from './fault.ts';
import type { Citation, MediaPart, Origin, Part, Signature } from './part.ts';
import type { Usage } from './usage.ts';

export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool-calls'
  | 'content-filter'
  | 'refusal'
  /** The provider paused a long turn and wants the reply sent back to go on (Anthropic `pause_turn`). */
  | 'pause'
  | 'error'
  | 'other';

export interface Finish {
  readonly reason: FinishReason;
  /** The provider's own word. */
  readonly raw?: string;
  /** Which stop sequence ended the text. */
  readonly stopSequence?: string;
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[] | null;
  readonly top: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes?: readonly number[] | null;
  }[];
}

export interface Choice {
  readonly index: number;
  readonly parts: readonly Part[];
  readonly finish: Finish;
  readonly logprobs?: readonly TokenLogprob[];
  /** Fields of the provider's choice and message that have no word here. */
  readonly extra?: JsonRecord;
}

export interface ChatResponse {
  readonly origin: Origin;
  readonly id?: string;
  /** The model's name as the provider reported it. */
  readonly model?: string;
  /** Seconds since 1970. */
  readonly createdAt?: number;
  readonly choices: readonly Choice[];
  readonly usage?: Usage;
  /** What a provider repeats of the request, and other bookkeeping beside the reply (Responses API). Only its own dialect writes it. */
  readonly echo?: JsonRecord;
  /** Top-level fields that have no word here (`citations`, `system_fingerprint`, `promptFeedback`). */
  readonly extra?: JsonRecord;
}

/**
 * A step of a reply. Deltas of one kind follow each other; a change of kind (or of tool call) starts a new part.
 * `choice` counts from 0. `usage` is cumulative: the last one wins field by field (`mergeUsage`).
 */
export type ChatEvent =
  | {
      readonly type: 'start';
      readonly id?: string;
      readonly model?: string;
      readonly createdAt?: number;
      readonly echo?: JsonRecord;
    }
  | { readonly type: 'text-delta'; readonly choice: number; readonly text: string }
  /** Begins a new part even where the kind does not change (two text blocks of Anthropic in a row); `item` is the new part's. */
  | { readonly type: 'part-break'; readonly choice: number; readonly item?: JsonRecord }
  | { readonly type: 'reasoning-delta'; readonly choice: number; readonly text: string; readonly isSummary?: boolean }
  | { readonly type: 'reasoning-encrypted'; readonly choice: number; readonly encrypted: Signature }
  /** Signs the reasoning or text part that is open, or that came last. */
  | {
      readonly type: 'signature';
      readonly choice: number;
      readonly of: 'reasoning' | 'text';
      readonly signature: Signature;
    }
  | { readonly type: 'refusal-delta'; readonly choice: number; readonly text: string }
  | {
      readonly type: 'tool-call-start';
      readonly choice: number;
      /** Position among the calls of this choice, from 0. */
      readonly call: number;
      readonly id: string;
      readonly name: string;
      readonly signature?: Signature;
      /** Fields of the source that have no word here (Anthropic's `caller`). */
      readonly extra?: JsonRecord;
    }
  | { readonly type: 'tool-call-delta'; readonly choice: number; readonly call: number; readonly arguments: string }
  | { readonly type: 'citation'; readonly choice: number; readonly citation: Citation }
  /** A piece of media that came whole (an image of Gemini). */
  | { readonly type: 'media'; readonly choice: number; readonly part: MediaPart }
  /** Spoken output in pieces (OpenAI `delta.audio`): base64 data, transcript, or both. */
  | {
      readonly type: 'audio-delta';
      readonly choice: number;
      readonly id?: string;
      readonly data?: string;
      readonly transcript?: string;
    }
  | { readonly type: 'opaque'; readonly choice: number; readonly part: Extract<Part, { kind: 'opaque' }> }
  | { readonly type: 'logprobs'; readonly choice: number; readonly tokens: readonly TokenLogprob[] }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish }
  | { readonly type: 'usage'; readonly usage: Usage }
  /** Provider fields beside the reply that have no word here; `of` part where they stood beside the text that came last. */
  | { readonly type: 'extra'; readonly choice?: number; readonly of?: 'part'; readonly extra: JsonRecord }
  /** The provider reported an error inside the stream, or the stream broke. Always the last event. */
  | { readonly type: 'error'; readonly fault: Fault }
  | { readonly type: 'ping' };
