/** What others do, and what would be best: routers that the real one is compared with. */
import { diceFor } from './chance.ts';
import type { Providers } from './provider-model.ts';
import type { Router, RouterOf } from './run.ts';
import type { Request } from './traffic.ts';

/** Target ids in the order in which they are tried. */
export type Order = (request: Request, nowMs: number) => readonly string[];

export interface RivalOptions {
  readonly attemptsMax?: number;
  readonly hedgeAfterMs?: number;
}

const ATTEMPTS_MAX = 3;

/** Tries one after the other at once, without memory of what failed. */
export function trying(order: Order, { attemptsMax = ATTEMPTS_MAX, hedgeAfterMs }: RivalOptions = {}): Router {
  return {
    course(request, nowMs) {
      const ids = order(request, nowMs);
      return {
        next(failures, leftMs) {
          const targetId = ids[failures.length];
          if (failures.length >= attemptsMax || targetId === undefined || leftMs <= 0) return { do: 'stop' };
          return { do: 'try', targetId, afterMs: 0 };
        },
        ...(hedgeAfterMs === undefined ? {} : { hedgeAfterMs, hedge: () => ids[1] }),
      };
    },
  };
}

/** As the operator wrote them down. */
export function ordered(ids: readonly string[] | Order, options?: RivalOptions): RouterOf {
  const order: Order = typeof ids === 'function' ? ids : () => ids;
  return () => trying(order, options);
}

export function random(ids: readonly string[] | Order, options?: RivalOptions): RouterOf {
  const of: Order = typeof ids === 'function' ? ids : () => ids;
  return ({ seed }) => trying((request, nowMs) => shuffled(of(request, nowMs), diceFor(seed, 3, request.id)), options);
}

export function roundRobin(ids: readonly string[], options?: RivalOptions): RouterOf {
  return () => {
    let turn = 0;
    return trying(() => {
      turn = (turn + 1) % ids.length;
      return [...ids.slice(turn), ...ids.slice(0, turn)];
    }, options);
  };
}

/** Whoever was fastest the last time it was asked; who failed is thought slow until it is asked again. */
export function lastValue(ids: readonly string[]): RouterOf {
  const failedMs = 10_000;
  return () => {
    const last = new Map<string, number>();
    const of = (id: string): number => last.get(id) ?? 0;
    return {
      ...trying(() => ids.toSorted((a, b) => of(a) - of(b))),
      content: (_, id, ttftMs) => void last.set(id, ttftMs),
      ended: (_, id, end) => {
        if (end.kind === 'failed') last.set(id, failedMs);
      },
    };
  };
}

/** Asks the model itself: nobody can know as much. */
export function oracle(
  ids: readonly string[],
  value: (request: Request, id: string, providers: Providers) => number,
): RouterOf {
  return ({ providers }) =>
    trying((request) => {
      const values = new Map(ids.map((id) => [id, value(request, id, providers)]));
      return ids.toSorted((a, b) => (values.get(a) ?? 0) - (values.get(b) ?? 0));
    });
}

export function oracleOfTime(ids: readonly string[]): RouterOf {
  return oracle(ids, (request, id, providers) => providers.peek(request, id) ?? Number.POSITIVE_INFINITY);
}

function shuffled<T>(items: readonly T[], throwDice: () => number): readonly T[] {
  return items
    .map((item) => ({ item, key: throwDice() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
