/** Files that a release bundle carries inside itself. In a checkout there are none: they are read from where they lie. */

/** Text of the shipped catalog; filled in by scripts/build.ts. */
export const EMBEDDED_CATALOG: string | undefined = undefined;
/** The word vectors that intents are learned with, in base64. */
export const EMBEDDED_WORD_VECTORS: string | undefined = undefined;
