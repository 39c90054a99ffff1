/** A provider is data over a dialect. What is odd about one is a function on a named seam, in a file of its own. */
import type { Fault } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { Usage } from '../chat/usage.ts';
import type { Counting } from '../dialects/counting.ts';
import type { Dialect, ErrorAnswer } from '../dialects/dialect.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { SseSplitter } from '../lib/sse.ts';

export interface UrlParts {
  readonly baseUrl: string;
  /** Path and query as the dialect gives them, beginning with `/`. */
  readonly path: string;
  readonly model: string;
  readonly isStreaming: boolean;
}

/** Who hands out short-lived credentials for it. */
export type Cloud = 'aws' | 'google' | 'azure';

/** Where an account has its models. */
export interface Place {
  /** AWS region, Google Cloud location. */
  readonly region?: string;
  /** Google Cloud project. */
  readonly project?: string;
  /** Name of an Azure resource. */
  readonly resource?: string;
}
/** Headers of a caller of the same protocol, lower-case; empty for a translated request. */
export type CallerHeaders = Readonly<Record<string, string | undefined>>;
/** Whether a provider serves a model over a further wire format, at this address. */
export type Speaks = (model: string, baseUrl: string) => boolean;

/** Batch APIs whose protocols we speak. */
export type BatchApiForm = 'openai' | 'anthropic';

/** A provider's own batches. */
export interface BatchApi {
  readonly form: BatchApiForm;
  /** Of the plain price of tokens, in hundredths; what is sold by the piece keeps its price. */
  readonly pricePercent: bigint;
  /** Paths of single requests that may stand in a batch, as the dialect gives them. */
  readonly paths: readonly string[];
}

export interface Provider {
  readonly id: string;
  readonly name: string;
  readonly dialect: Dialect;
  /** Other wire formats that it speaks beside its own: a caller of one of them is passed through, not translated. */
  readonly alsoSpeaks?: Readonly<Partial<Record<Origin, Speaks>>>;
  /** Absent where it depends on the account (Azure resource, Cloudflare account): then the config must give it. */
  readonly baseUrl?: string;
  /** Base URL at a place; undefined where the place is not known well enough. */
  readonly baseUrlAt?: (place: Place) => string | undefined;
  /** Whose identity it takes instead of a key. */
  readonly cloud?: Cloud;
  /** Usual names of the environment variables that hold the resource's name. */
  readonly resourceVariables?: readonly string[];
  /** True where `url` finds the version of the API in the base URL's query. */
  readonly readsApiVersion?: boolean;
  /** Usual names of the environment variables that hold its key, best first. */
  readonly envKeys: readonly string[];
  /** True where it works without a key (local servers). */
  readonly isKeyless?: boolean;
  /** True where it reads OpenRouter's `models`, `provider` and `route` itself: what was not meant for us goes on to it. */
  readonly readsPreferences?: boolean;
  /** True where no model of it costs anything, whatever its name (the simulator, servers on one's own machine). */
  readonly isFree?: boolean;
  readonly doc?: string;
  /** Headers instead of the dialect's own. */
  readonly headers?: (secret: string | undefined) => Readonly<Record<string, string>>;
  /** Address of a call where it is not `baseUrl + path` (Azure deployments, Vertex). */
  readonly url?: (parts: UrlParts) => string;
  /** Changes an outgoing body that this provider would refuse as it is. Gets and gives the provider's dialect. */
  readonly amendRequest?: (body: JsonRecord, headers?: CallerHeaders) => JsonRecord;
  /** Marks the assistant's last words, where a conversation ends with them, as those to go on from. Absent: it has no such mark. */
  readonly markPrefill?: (body: JsonRecord) => JsonRecord;
  /** Cheap test whether `amendRequest` would change anything, so that the others go on as bytes. */
  readonly needsAmend?: (body: JsonRecord) => boolean;
  /** Classifies its error answers, where they are not in the dialect's form. */
  readonly decodeError?: (answer: ErrorAnswer) => Fault;
  /** False where the address takes no query: clouds refuse the `?beta=true` of Anthropic's clients. */
  readonly takesQuery?: boolean;
  /** How it is asked to count tokens, where that is not the dialect's way. */
  readonly counting?: Counting;
  /** How events lie in the bytes of a stream, where it is not as the dialect has it (Claude's events in AWS's frames). */
  readonly splitter?: () => SseSplitter;
  /** Its own batches, where it has them. */
  readonly batches?: BatchApi;
  /** Corrects usage that does not mean what the dialect says it means. */
  readonly amendUsage?: (usage: Usage) => Usage;
  /** False where `stream_options.include_usage` is refused, or needless because usage always comes. */
  readonly asksStreamUsage?: boolean;
}

/** Classifies an error answer of a provider. */
export function errorOf(provider: Provider, answer: ErrorAnswer): Fault {
  return provider.decodeError?.(answer) ?? provider.dialect.decodeError(answer);
}
