/** Pictures made from words, in words that every provider of them can be translated to and from. */
import type { Usage } from '../../../chat/usage.ts';
import type { JsonRecord } from '../../../lib/json.ts';
import type { Asked } from '../operation.ts';

export interface ImagesRequest extends Asked {
  readonly prompt: string;
  readonly count?: number;
  /** In pixels; absent: the model's own choice. */
  readonly size?: { readonly width: number; readonly height: number };
  /** How a picture comes back; absent: as the model does it unasked. */
  readonly delivery?: 'base64' | 'url';
  /** `png`, `jpeg`, `webp`. */
  readonly fileType?: string;
  readonly seed?: number;
  readonly isStreaming: boolean;
  /** Pictures given to work on, masks included. */
  readonly imageCount: number;
  /** Unfinished pictures that a stream shows on the way. */
  readonly partialCount: number;
}

export interface Picture {
  readonly base64?: string;
  readonly url?: string;
  readonly mediaType?: string;
  readonly revisedPrompt?: string;
}

export interface Pictures {
  /** Seconds since 1970. */
  readonly createdS?: number;
  readonly pictures: readonly Picture[];
  readonly usage?: Usage;
  /** What the provider said beside them, by its own names. */
  readonly extras: JsonRecord;
}
