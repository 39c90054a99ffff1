/** What every requirement is: a question to a target, answered with nothing or with the reason why not. */
import type { Facts } from '../../understand/facts.ts';
import type { Sighting } from '../observation.ts';
import type { Require } from '../policy.ts';
import type { Preferences } from '../preferences.ts';
import type { Target } from '../target.ts';

/** What the targets of one request are held to. */
export interface Asked {
  readonly facts: Facts;
  /** Of the route, of the rule that holds, and of the request itself: all of them bind. */
  readonly requires: readonly Require[];
  readonly preferences?: Preferences | undefined;
  /** `2026-11-22`: models that ended by then are not asked for at their provider's own address. */
  readonly today: string;
  /** Targets that the key may not use, or that cannot do what is asked at all, with the reason. */
  readonly barred: ReadonlyMap<string, string>;
  readonly seen: (target: Target) => Sighting;
}

export interface Requirement {
  readonly name: string;
  /** Only what a catalog says, and a catalog can be wrong: where it speaks against every target, the providers decide. */
  readonly isOpinion?: boolean;
  /** Why the target does not meet it: a clause that begins in lower case. Undefined where it does. */
  whyNot(target: Target, asked: Asked): string | undefined;
}

/** A requirement that reads one `Require` at a time; the first that is not met gives the reason. */
export function ofEach(
  name: string,
  whyNot: (target: Target, require: Require, asked: Asked) => string | undefined,
): Requirement {
  return {
    name,
    whyNot(target, asked) {
      for (const require of asked.requires) {
        const reason = whyNot(target, require, asked);
        if (reason !== undefined) return reason;
      }
      return undefined;
    },
  };
}
