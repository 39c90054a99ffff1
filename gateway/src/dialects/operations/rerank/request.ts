/** Reranking in words that every provider of it can be translated to and from. */
import type { Usage } from '../../../chat/usage.ts';
import type { Json } from '../../../lib/json.ts';
import type { Asked } from '../operation.ts';

export interface RerankRequest extends Asked {
  readonly query: string;
  /** Texts, or objects of the caller's own fields. */
  readonly documents: readonly Json[];
  /** Most results; absent: all. */
  readonly topN?: number;
  /** Whether each result holds its document. */
  readonly returnsDocuments?: boolean;
  /** Longer documents are cut. */
  readonly documentTokensMax?: number;
}

export interface RerankResult {
  /** Of the document in the request. */
  readonly index: number;
  readonly score: number;
  readonly document?: Json;
}

export interface Reranking {
  readonly id?: string;
  readonly model?: string;
  /** Best first. */
  readonly results: readonly RerankResult[];
  readonly usage?: Usage;
}
