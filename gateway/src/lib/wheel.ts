/**
 * Many deadlines behind one timer. A hashed wheel: arming, moving and clearing cost a few pointer writes, and moving a
 * deadline further away (every chunk of a stream does) costs one, because the entry is only looked at again when its
 * old slot comes round. Pure: the caller says what time it is.
 */

/** A deadline that can be armed. Meant to be a field or a base of the thing that waits, so that arming allocates nothing. */
export interface Timer {
  /** Called by `advance`, once, after the deadline has passed. It may arm, move or clear any timer, itself too. */
  expire(): void;
  /** The wheel's own book-keeping; begin with `timerLinks()` and leave it alone. */
  readonly links: TimerLinks;
}

export interface TimerLinks {
  deadlineMs: number;
  /** Tick at which the entry is looked at, or -1 while it is not armed. */
  tick: number;
  previous: Timer | undefined;
  next: Timer | undefined;
}

export interface Wheel {
  /** Arms a timer, or moves the one that is armed. Never expires before `deadlineMs`, and at most two ticks after it. */
  set(timer: Timer, deadlineMs: number): void;
  clear(timer: Timer): void;
  /** Expires what is due at `nowMs`. Time that goes backwards is ignored. */
  advance(nowMs: number): void;
  /** Timers that are armed. */
  size(): number;
}

export interface WheelOptions {
  /** Precision, in ms. */
  readonly tickMs: number;
  /** Deadlines further away than `slotCount * tickMs` are looked at once a turn. */
  readonly slotCount: number;
  readonly nowMs: number;
}

export function timerLinks(): TimerLinks {
  return { deadlineMs: 0, tick: -1, previous: undefined, next: undefined };
}

export function createWheel(options: WheelOptions): Wheel {
  const { tickMs, slotCount } = options;
  const heads: (Timer | undefined)[] = Array.from({ length: slotCount }, () => undefined);
  let currentTick = Math.floor(options.nowMs / tickMs);
  let size = 0;

  function link(timer: Timer): void {
    // At least one tick ahead, so that a turn of the wheel always ends; at most one turn, so that a slot never meets itself.
    const wanted = Math.ceil(timer.links.deadlineMs / tickMs);
    const tick = Math.min(Math.max(wanted, currentTick + 1), currentTick + slotCount - 1);
    const head = heads[tick % slotCount];
    timer.links.tick = tick;
    timer.links.next = head;
    if (head !== undefined) head.links.previous = timer;
    heads[tick % slotCount] = timer;
    size += 1;
  }

  function unlink(timer: Timer): void {
    const { previous, next, tick } = timer.links;
    if (previous === undefined) heads[tick % slotCount] = next;
    else previous.links.next = next;
    if (next !== undefined) next.links.previous = previous;
    timer.links.tick = -1;
    timer.links.previous = undefined;
    timer.links.next = undefined;
    size -= 1;
  }

  function visit(slot: number, nowMs: number): void {
    let timer = heads[slot];
    while (timer !== undefined) {
      unlink(timer);
      if (timer.links.deadlineMs <= nowMs) timer.expire();
      else link(timer);
      timer = heads[slot];
    }
  }

  return {
    set(timer: Timer, deadlineMs: number): void {
      timer.links.deadlineMs = deadlineMs;
      if (timer.links.tick !== -1) {
        if (timer.links.tick * tickMs <= deadlineMs) return;
        unlink(timer);
      }
      link(timer);
    },
    clear(timer: Timer): void {
      if (timer.links.tick !== -1) unlink(timer);
    },
    advance(nowMs: number): void {
      const target = Math.floor(nowMs / tickMs);
      // After a long stop every slot is visited once: more turns would find nothing new.
      if (target - currentTick > slotCount) currentTick = target - slotCount;
      while (currentTick < target) {
        currentTick += 1;
        visit(currentTick % slotCount, nowMs);
      }
    },
    size: () => size,
  };
}
