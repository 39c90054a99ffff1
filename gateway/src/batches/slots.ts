/** Who may start a line now: so many at once, batches in turn, live requests first. */

/** How soon those who wait look again whether live requests have left room. */
const LOOK_AGAIN_MS = 50;

export interface SlotPorts {
  /** Lines that may be under way now. */
  readonly most: () => number;
  readonly after: (delayMs: number, fire: () => void) => () => void;
}

export interface Slots {
  /** Resolves when a line may start. Each batch waits for one line at a time, so that they come in turn. */
  enter(): Promise<void>;
  leave(): void;
  underWay(): number;
}

export function createSlots({ most, after }: SlotPorts): Slots {
  const waiting: (() => void)[] = [];
  let count = 0;
  let isLooking = false;

  function admit(): void {
    while (waiting.length > 0 && count < most()) {
      count += 1;
      waiting.shift()?.();
    }
    if (waiting.length === 0 || isLooking) return;
    isLooking = true;
    after(LOOK_AGAIN_MS, () => {
      isLooking = false;
      admit();
    });
  }

  return {
    enter: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        admit();
      }),
    leave: () => {
      count -= 1;
      admit();
    },
    underWay: () => count,
  };
}
