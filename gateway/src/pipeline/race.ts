/** A race of attempts for one reply: the first that has something to show takes it, and the others are called off in the same breath. */

export interface Racer {
  /** Another has taken the reply: stop now, and book what it cost. */
  callOff(): void;
  /** Whether its provider has begun to answer with content. */
  hasContent(): boolean;
}

export interface Race {
  /** Joins. False where the reply is taken already. */
  enter(racer: Racer): boolean;
  /** It is over, however it ended. */
  leave(racer: Racer): void;
  /** Takes the reply, and calls all others off. False where another has it. */
  claim(racer: Racer): boolean;
  isTaken(): boolean;
  /** Attempts under way. */
  running(): readonly Racer[];
}

export function createRace(): Race {
  let winner: Racer | undefined;
  let racers: readonly Racer[] = [];
  return {
    enter(racer) {
      if (winner !== undefined) return false;
      racers = [...racers, racer];
      return true;
    },
    leave(racer) {
      racers = racers.filter((one) => one !== racer);
    },
    claim(racer) {
      if (winner !== undefined) return winner === racer;
      winner = racer;
      for (const other of racers) if (other !== racer) other.callOff();
      return true;
    },
    isTaken: () => winner !== undefined,
    running: () => racers,
  };
}
