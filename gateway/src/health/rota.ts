/** Counts the requests of each name, so that those who take turns know whose it is. */

/** Names beyond this many are counted anew: callers can make names up. */
const NAMES_MAX = 10_000;
/** Above any sum of weights, below what a float counts exactly. */
const TURN_MAX = 2 ** 40;

export interface Rota {
  /** The turn of a request of that name, from 0. */
  take(name: string): number;
  /** The same for a request that is not made. */
  peek(name: string): number;
}

export function rota(): Rota {
  const turns = new Map<string, number>();
  return {
    take(name) {
      const turn = turns.get(name) ?? 0;
      if (turns.size >= NAMES_MAX && !turns.has(name)) turns.clear();
      turns.set(name, (turn + 1) % TURN_MAX);
      return turn;
    },
    peek: (name) => turns.get(name) ?? 0,
  };
}
