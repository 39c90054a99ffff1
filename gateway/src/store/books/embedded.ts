/** What a release bundle carries inside itself, because it is one file and the store's thread needs another. */

/** Text of thread.ts and all that it imports, as one ES module; filled in by scripts/build.ts. Absent in a checkout. */
export const EMBEDDED_THREAD: string | undefined = undefined;
