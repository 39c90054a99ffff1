/** All that a plan may look at of a request. Every count says whether it is an estimate or a bound. */
import type { Units } from '../chat/usage.ts';
import type { Ability, Inspection } from '../dialects/dialect.ts';
import type { ContentFacts } from './content.ts';

export interface Facts {
  /** The model name as the caller wrote it. */
  readonly model: string;
  readonly isStreaming: boolean;
  readonly needs: readonly Ability[];
  /** Our count of input tokens: close, not a bound. */
  readonly inputTokensEstimate: number;
  /** No tokenizer makes more than this of the input: what a hold is computed with. */
  readonly inputTokensMax: number;
  /** The same with what providers usually add to a request of its kind: what the last of a budget must cover. */
  readonly inputTokensUsualMax: number;
  /** The caller's limit for one choice, if any. */
  readonly outputTokensLimit?: number;
  readonly choices: number;
  /** No field of the request sets how much comes back, so that a budget cannot make it less. */
  readonly isOutputFixed?: boolean;
  /** The longest of several inputs that stand apart, in tokens: what must fit into the model. Absent: all of the input. */
  readonly longestTokensEstimate?: number;
  /** The most pieces that the request can cost, where it is one that may be sold by the piece. */
  readonly unitsMax?: Units;
  /** What the text itself tells. Absent: nobody asked. */
  readonly content?: ContentFacts;
  /** Where the caller is, and who says so. Absent: nobody does. */
  readonly callerRegion?: string;
  readonly callerRegionFrom?: 'key' | 'header' | 'address';
}

/** A place that is known, and from whom. */
export type CallerRegion = Required<Pick<Facts, 'callerRegion' | 'callerRegionFrom'>>;

/**
 * Characters a token. English prose has about 4 (OpenAI's rule of thumb), code and JSON nearer 3;
 * outside ASCII a character is about one token (CJK 0.7-1.5, Cyrillic 0.4-0.6).
 */
const ASCII_CHARACTERS_PER_TOKEN = 3.8;
const NON_ASCII_TOKENS_PER_CHARACTER = 0.8;
/** Every message brings role and delimiters (OpenAI's cookbook counts 3 to 4). */
const TOKENS_PER_MESSAGE = 4;
/** A tile-counted image of 1024 x 1024 costs 765 tokens at OpenAI, 1,290 at Google, about 1,400 at Anthropic. */
const TOKENS_PER_IMAGE = 1100;
/** The dearest image that a provider's price page lists today (Anthropic: 4,784 tokens; OpenAI high detail: 6,240). */
const TOKENS_PER_IMAGE_MAX = 8000;
/** No tokenizer makes more than one token of one UTF-8 byte; a UTF-16 unit is at most 3 bytes. */
const NON_ASCII_BYTES_MAX = 3;
/** Hidden prompts that providers add for tools (Anthropic's page lists 313 to 804 tokens). */
const HIDDEN_TOKENS_MAX = 1000;
/** The same for text alone. Of 722 recorded replies none had more than 102, save four of providers that searched the web unasked. */
const HIDDEN_TEXT_TOKENS_MAX = 200;
/** What a request may need and still bring no prompt of the provider's with it. */
const PLAIN_NEEDS: readonly Ability[] = ['reasoning'];

/** Facts from what the dialect read. Pure arithmetic: no text is touched again. */
export function understand(inspection: Inspection): Facts {
  const ascii = inspection.textLength - inspection.nonAsciiLength;
  const estimate =
    ascii / ASCII_CHARACTERS_PER_TOKEN +
    inspection.nonAsciiLength * NON_ASCII_TOKENS_PER_CHARACTER +
    inspection.messageCount * TOKENS_PER_MESSAGE +
    inspection.imageCount * TOKENS_PER_IMAGE;
  const bound =
    ascii +
    inspection.nonAsciiLength * NON_ASCII_BYTES_MAX +
    inspection.messageCount * TOKENS_PER_MESSAGE * 2 +
    inspection.imageCount * TOKENS_PER_IMAGE_MAX;
  const isPlain = inspection.imageCount === 0 && inspection.needs.every((need) => PLAIN_NEEDS.includes(need));
  return {
    model: inspection.model,
    isStreaming: inspection.isStreaming,
    needs: inspection.needs,
    inputTokensEstimate: Math.ceil(estimate),
    inputTokensMax: bound + HIDDEN_TOKENS_MAX,
    inputTokensUsualMax: bound + (isPlain ? HIDDEN_TEXT_TOKENS_MAX : HIDDEN_TOKENS_MAX),
    ...(inspection.maxOutputTokens === undefined ? {} : { outputTokensLimit: inspection.maxOutputTokens }),
    choices: inspection.choices,
  };
}
