/** The rows of the catalog: what a provider and a model are, as far as data can say it. */
import type { Price } from '../money/price.ts';

/** Wire formats of the catalog's providers that we speak. A provider with another wire has none. */
export type CatalogDialect =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-completions'
  | 'anthropic-messages'
  | 'gemini'
  | 'bedrock-converse'
  | 'cohere'
  | 'replicate';

export type Modality = 'text' | 'image' | 'audio' | 'video' | 'pdf';

export type ModelStatus = 'alpha' | 'beta' | 'deprecated';

/** Why a price of zero is a price: it runs on the user's own machine, a flat fee pays for it, or it is given away. */
export type FreeReason = 'local' | 'subscription' | 'free-tier';

/** What a model can do. Absent: not known. */
export interface ModelAbilities {
  readonly tools?: boolean;
  readonly reasoning?: boolean;
  /** Takes a JSON schema for its answer. */
  readonly structuredOutput?: boolean;
  /** Takes files beside the text. */
  readonly attachment?: boolean;
  /** Takes `temperature`. */
  readonly temperature?: boolean;
}

/** In tokens. Absent: not known. */
export interface ModelLimits {
  /** Input and output together. */
  readonly contextTokens?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

export interface CatalogModel {
  /** Id of the provider that serves it. */
  readonly provider: string;
  /** The provider's own name of it; may hold slashes, colons and `@`. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Line of models it belongs to (`claude-sonnet`), the same at all providers. */
  readonly family?: string;
  /** The model as its maker calls it, `maker/model`, where the source says that this row is that model. */
  readonly base?: string;
  /** Set on a dated version that has all its data from the model named here (same provider). */
  readonly versionOf?: string;
  /** `2025-08-07`, or `2025-08` where the day is not known. */
  readonly releasedOn?: string;
  /** When the source last looked at this row. Same form. */
  readonly updatedOn?: string;
  /** First day on which it no longer answers, as its provider announced it. */
  readonly retiresOn?: string;
  /** The model of the same provider that is to take its place, as the provider named it. */
  readonly successor?: string;
  readonly status?: ModelStatus;
  readonly inputs?: readonly Modality[];
  readonly outputs?: readonly Modality[];
  readonly abilities: ModelAbilities;
  readonly hasOpenWeights?: boolean;
  readonly limits: ModelLimits;
  /** Absent: not known. Zero only together with `free`. */
  readonly price?: Price;
  readonly free?: FreeReason;
  /** `priceText` of what models.dev has, where `price` is another: a newer file that still has it does not undo ours. */
  readonly listedPrice?: string;
  /** Where this model has another wire than its provider; `other` is one that we do not speak. */
  readonly dialect?: CatalogDialect | 'other';
  /** Where this model is served elsewhere than its provider's other models. May hold `${NAME}`, as a provider's template. */
  readonly baseUrl?: string;
  /** Set where the row does not come from models.dev. */
  readonly source?: 'genai-prices' | 'sdk' | 'provider';
}

export interface CatalogProvider {
  readonly id: string;
  /** Other ids under which it is known (`gemini` for `google`). No alias is another provider's id. */
  readonly aliases: readonly string[];
  readonly name: string;
  /** Environment variables that hold its key, best first. */
  readonly envKeys: readonly string[];
  /** Environment variables it needs beside the key: account, region, resource. */
  readonly envOthers: readonly string[];
  /** Everything before the operation, without a slash at the end. Absent where it depends on the account. */
  readonly baseUrl?: string;
  /** Address with `${NAME}` for what depends on the account; the names are those of `envOthers`. */
  readonly baseUrlTemplate?: string;
  readonly doc?: string;
  /** Absent: a wire that is not among ours. */
  readonly dialect?: CatalogDialect;
  /** Sorted by id. */
  readonly models: readonly CatalogModel[];
}

/** Where the data comes from and how old it is. */
export interface CatalogSource {
  readonly name: string;
  /** Day of the data: `2026-07-02`. */
  readonly asOf?: string;
  readonly commit?: string;
}
