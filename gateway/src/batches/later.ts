/** Things that are due at some time, the earliest first. */

export interface Later<T> {
  add(item: T, dueMs: number): void;
  /** The earliest, if its time has come. */
  take(nowMs: number): T | undefined;
  /** When the earliest is due. */
  nextMs(): number | undefined;
  readonly size: number;
}

/** A sorted list: a batch has a few thousand of them at most. */
export function createLater<T>(): Later<T> {
  const items: { readonly item: T; readonly dueMs: number }[] = [];
  return {
    add(item, dueMs) {
      let low = 0;
      let high = items.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((items[middle]?.dueMs ?? 0) <= dueMs) low = middle + 1;
        else high = middle;
      }
      items.splice(low, 0, { item, dueMs });
    },
    take: (nowMs) => ((items[0]?.dueMs ?? Infinity) <= nowMs ? items.shift()?.item : undefined),
    nextMs: () => items[0]?.dueMs,
    get size() {
      return items.length;
    },
  };
}
