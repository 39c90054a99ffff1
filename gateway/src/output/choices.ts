/** Several calls as one reply: each gives one choice more, or answers one of the things that a body asks. */
import type { ChatEvent, ChatResponse } from '../chat/reply.ts';
import { mergeUsage, SUMMED, sumUsage, type Usage } from '../chat/usage.ts';
import { compact } from '../lib/json.ts';

export interface Joiner {
  /** The events of one call, as they come: its choice becomes the one of its number, its usage a part of the sum. */
  push(call: number, events: readonly ChatEvent[]): readonly ChatEvent[];
}

/** A machine for the calls of one request. The first that begins gives the reply its id and name. */
export function joiner(): Joiner {
  const usages = new Map<number, Usage>();
  let hasBegun = false;

  function join(call: number, event: ChatEvent): readonly ChatEvent[] {
    switch (event.type) {
      case 'start':
        if (hasBegun) return [];
        hasBegun = true;
        return [event];
      case 'usage':
        usages.set(call, mergeUsage(usages.get(call), event.usage));
        return [{ type: 'usage', usage: sumOfCalls([...usages.values()]) }];
      case 'extra':
        return event.choice === undefined ? [event] : [{ ...event, choice: call }];
      case 'error':
      case 'ping':
        return [event];
      default:
        return [{ ...event, choice: call }];
    }
  }

  return { push: (call, events) => events.flatMap((event) => join(call, event)) };
}

/** Whole replies as one: the choices of each follow those of the one before. `undefined` where there is none. */
export function joined(replies: readonly ChatResponse[]): ChatResponse | undefined {
  const [first] = replies;
  if (first === undefined) return undefined;
  const stride = Math.max(...replies.map(({ choices }) => choices.length));
  const { usage: _, ...head } = first;
  return compact({
    ...head,
    choices: replies.flatMap(({ choices }, call) =>
      choices.map((choice, place) => ({ ...choice, index: call * stride + place })),
    ),
    usage: sumUsage(replies.map(({ usage }) => usage)),
  });
}

/** What several calls have used so far: a count that none of them gave yet is unknown. */
export function sumSoFar(usages: readonly Usage[]): Usage {
  const given = SUMMED.flatMap((count) => {
    const counts = usages.flatMap((usage) => usage[count] ?? []);
    return counts.length === 0 ? [] : [[count, counts.reduce((total, one) => total + one, 0)] as const];
  });
  return Object.fromEntries(given);
}

/** The same of calls that are one attempt. */
export function sumOfCalls(usages: readonly Usage[]): Usage {
  return { ...sumSoFar(usages), calls: usages.length };
}
