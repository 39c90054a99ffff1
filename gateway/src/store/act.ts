/** Who changes something, and what of it they have seen. */

/** Where what is changed has another revision than `ifRevision` by now, nothing is changed (`revision-old`). */
export interface Act {
  /** The id of a user or key, `cli`, or `system`. */
  readonly by: string;
  readonly ifRevision?: string;
}

/** When it is done, and for whom; nobody where `by` is absent. */
export function deedOf(by: string | Act | undefined, atMs: number): Partial<Act> & { readonly atMs: number } {
  return { atMs, ...(typeof by === 'string' ? { by } : by) };
}

/** Whether it is done only where nobody else has changed it meanwhile. */
export function mindsRevision(by: string | Act | undefined): boolean {
  return typeof by === 'object' && by.ifRevision !== undefined;
}
