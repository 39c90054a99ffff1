/**
 * Things that come and go thousands of times a second, and that somebody may want to see all of. Not a `Set`: V8 replaces
 * the table of a busy `Set` or `Map` every few deletions, and the dead tables point to what they held and to the table
 * after them. The collector of young objects cannot tell that they are dead, so every request of the last seconds stays
 * in memory, is copied, and must be found by the collector of old ones.
 */

/** What can be in a crowd; in one at a time. */
export interface Member {
  /** The crowd's own; begin with `OUTSIDE` and leave it alone. */
  place: number;
}

/** The place of who is in no crowd. */
export const OUTSIDE = -1;

export interface Crowd<T extends Member> extends Iterable<T> {
  /** Whoever is in already stays in once. */
  enter(member: T): void;
  /** False where it was not in. */
  leave(member: T): boolean;
  readonly size: number;
}

/** An empty crowd. Its order means nothing; it may not change while it is iterated. */
export function createCrowd<T extends Member>(): Crowd<T> {
  const members: T[] = [];
  return {
    enter(member) {
      if (member.place === OUTSIDE) member.place = members.push(member) - 1;
    },
    leave(member) {
      if (member.place === OUTSIDE || members[member.place] !== member) return false;
      const last = members.pop();
      if (last !== undefined && last !== member) {
        members[member.place] = last;
        last.place = member.place;
      }
      member.place = OUTSIDE;
      return true;
    },
    get size() {
      return members.length;
    },
    [Symbol.iterator]: () => members[Symbol.iterator](),
  };
}
