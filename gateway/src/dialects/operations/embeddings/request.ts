/** Embeddings in words that every provider of them can be translated to and from. */
import type { Usage } from '../../../chat/usage.ts';
import type { JsonRecord } from '../../../lib/json.ts';
import type { Asked } from '../operation.ts';

export type EmbeddingPart =
  | { readonly kind: 'text'; readonly text: string }
  /** An address, or a `data:` URL. */
  | { readonly kind: 'image'; readonly url: string };

/** One input; each has an embedding of its own. */
export type EmbeddingInput =
  | { readonly kind: 'text'; readonly text: string; readonly raw?: JsonRecord }
  /** Numbers of OpenAI's tokenizers. */
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] }
  /** Text and pictures together. */
  | { readonly kind: 'parts'; readonly parts: readonly EmbeddingPart[]; readonly raw?: JsonRecord };

export const NUMBER_KINDS = ['float', 'int8', 'uint8', 'binary', 'ubinary'] as const;
export type NumberKind = (typeof NUMBER_KINDS)[number];

/** What the embedding is for. Models that were trained for it give another vector for a query than for a document. */
export const PURPOSES = [
  'query',
  'document',
  'classification',
  'clustering',
  'similarity',
  'question',
  'fact',
  'code',
  'image',
] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface EmbeddingsRequest extends Asked {
  readonly inputs: readonly EmbeddingInput[];
  /** False where the caller's wire has one input and one embedding (Google's `embedContent`). */
  readonly isBatch: boolean;
  readonly dimensions?: number;
  /** In what numbers; the first is the one where only one can be said. */
  readonly kinds: readonly NumberKind[];
  /** How floats are written: numbers, or base64 of their bytes (float32, little endian). */
  readonly encoding: 'float' | 'base64';
  readonly purpose?: Purpose;
  /** What happens to an input that is too long: an error, or its beginning or its end is cut off. */
  readonly truncate?: 'none' | 'start' | 'end';
}

/** One vector, in one kind of numbers, as it came. */
export interface Vector {
  readonly kind: NumberKind;
  readonly numbers: readonly number[] | string;
}

export interface Embeddings {
  readonly id?: string;
  readonly model?: string;
  /** By input, in the inputs' order; of each as many kinds as were asked for. */
  readonly vectors: readonly (readonly Vector[])[];
  readonly usage?: Usage;
}
