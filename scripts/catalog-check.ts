/** What came of laying the price lists beside each other: told by the generator, printed in the report. */

interface Disagreement {
  readonly model: string;
  readonly field: string;
  readonly modelsDev: string;
  readonly genai: string;
  readonly taken: 'models.dev' | 'genai-prices' | 'LiteLLM';
  readonly value: string;
  readonly why: string;
}

export interface CrossCheck {
  /** Prices that both lists have and agree on. */
  agreed: number;
  readonly disagreements: Disagreement[];
  /** Prices that only genai-prices has, of models that models.dev has. */
  readonly filled: { readonly model: string; readonly fields: readonly string[] }[];
  /** Models that only genai-prices or an SDK has. */
  readonly added: { readonly model: string; readonly source: string }[];
  readonly versions: { readonly model: string; readonly of: string }[];
}
