/**
 * Who waits for a limit is served in turn: deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) among organisations, and
 * among the keys of each. Whoever sends more waits longer for its own, and makes nobody else wait.
 */

/** What a turn adds to the credit of a flow: about one usual request, so that turns go by requests unless these are large. */
export const QUANTUM = 4000;

export interface Waiter<T> {
  readonly org: string;
  readonly key: string;
  /** In tokens, with something for the request itself. */
  readonly cost: number;
  readonly item: T;
}

interface Flow<T> {
  readonly id: string;
  credit: number;
  readonly waiters: Waiter<T>[];
}

interface Org<T> {
  readonly id: string;
  credit: number;
  readonly flows: Flow<T>[];
}

export class FairQueue<T> {
  readonly #orgs: Org<T>[] = [];

  /** `isFirst`: it had its turn already, and could not go. */
  push(waiter: Waiter<T>, isFirst = false): void {
    const org = found(this.#orgs, waiter.org, (id): Org<T> => ({ id, credit: 0, flows: [] }));
    const flow = found(org.flows, waiter.key, (id): Flow<T> => ({ id, credit: 0, waiters: [] }));
    if (isFirst) flow.waiters.unshift(waiter);
    else flow.waiters.push(waiter);
  }

  /** It waits no more. */
  remove({ org, key, item }: Omit<Waiter<T>, 'cost'>): void {
    const waiters = this.#orgs.find(({ id }) => id === org)?.flows.find(({ id }) => id === key)?.waiters;
    const at = waiters?.findIndex((waiter) => waiter.item === item) ?? -1;
    if (at !== -1) waiters?.splice(at, 1);
  }

  /** Offers those who wait their turns until nobody can go. `mayGo`: whether it goes now; where it does not, its key waits on. */
  serve(mayGo: (item: T) => boolean): void {
    const stuck = new Set<Flow<T>>();
    while (this.#turn(stuck, mayGo));
    for (const org of this.#orgs) org.credit = Math.min(org.credit, QUANTUM);
  }

  /** How many wait, by organisation. */
  waiting(): readonly (readonly [org: string, count: number])[] {
    return this.#orgs.map(({ id, flows }) => [id, flows.reduce((sum, { waiters }) => sum + waiters.length, 0)]);
  }

  /** One turn for each organisation. False where nobody is left who could go. */
  #turn(stuck: Set<Flow<T>>, mayGo: (item: T) => boolean): boolean {
    let isAnyLeft = false;
    for (const org of this.#orgs) {
      org.credit += QUANTUM;
      for (const flow of org.flows) if (!stuck.has(flow)) turnOf(flow, org, { stuck, mayGo });
      rotate(org.flows);
      org.flows.splice(0, org.flows.length, ...org.flows.filter(({ waiters }) => waiters.length > 0));
      isAnyLeft ||= org.flows.some((flow) => !stuck.has(flow));
    }
    rotate(this.#orgs);
    this.#orgs.splice(0, this.#orgs.length, ...this.#orgs.filter(({ flows }) => flows.length > 0));
    return isAnyLeft;
  }
}

interface Turn<T> {
  readonly stuck: Set<Flow<T>>;
  readonly mayGo: (item: T) => boolean;
}

function turnOf<T>(flow: Flow<T>, org: Org<T>, { stuck, mayGo }: Turn<T>): void {
  flow.credit += QUANTUM;
  for (;;) {
    const [next] = flow.waiters;
    if (next === undefined || next.cost > flow.credit || next.cost > org.credit) return;
    if (!mayGo(next.item)) {
      stuck.add(flow);
      flow.credit = Math.min(flow.credit, QUANTUM);
      return;
    }
    if (flow.waiters[0] === next) flow.waiters.shift();
    flow.credit -= next.cost;
    org.credit -= next.cost;
  }
}

function found<Entry extends { readonly id: string }>(list: Entry[], id: string, make: (id: string) => Entry): Entry {
  const known = list.find((entry) => entry.id === id);
  if (known !== undefined) return known;
  const made = make(id);
  list.push(made);
  return made;
}

/** Who was first is last next time. */
function rotate(list: unknown[]): void {
  const first = list.shift();
  if (first !== undefined) list.push(first);
}
