/** What a starting configuration is made of: found by a look around (`discover.ts`), written by `turnout init`. */
export interface Findings {
  readonly envKeys: readonly { readonly provider: string; readonly env: string }[];
  /** Clouds whose account is in the environment, and the variable that says so. */
  readonly accounts?: readonly { readonly provider: string; readonly env: string }[];
  readonly locals: readonly FoundServer[];
  /** Path of the JSON Schema relative to the file, where there is one. */
  readonly schemaPath?: string;
}

export interface FoundServer {
  readonly provider: string;
  readonly url: string;
  /** Wire format; all the usual local servers speak `openai-chat`. */
  readonly dialect?: string;
  /** Models that it serves. They are written down with the price 0. */
  readonly models?: readonly string[];
}
