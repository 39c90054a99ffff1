/** Lists that are longer than one answer. */

export interface Page<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly next?: string;
}

/** Rows one after the other, asked for a page at a time; `page` gives the first of them, or one that goes on after `next`. */
export interface Pages<T> extends AsyncIterable<T> {
  page(cursor?: string): Promise<Page<T>>;
}

export function pagesOf<T>(ask: (cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
  return {
    page: async (cursor) => ask(cursor),
    async *[Symbol.asyncIterator]() {
      let cursor: string | undefined;
      do {
        const page: Page<T> = await ask(cursor);
        yield* page.data;
        cursor = page.next;
      } while (cursor !== undefined);
    },
  };
}
