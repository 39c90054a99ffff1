/** Several calls, each of which gives one choice, as the choices of one reply. */
import type { ChatEvent, ChatResponse } from '../chat/reply.ts';
import { mergeUsage, type Usage } from '../chat/usage.ts';
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
        return [{ type: 'usage', usage: sumOf([...usages.values()]) }];
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

/** Whole replies as one. `undefined` where there is none. */
export function joined(replies: readonly ChatResponse[]): ChatResponse | undefined {
  const [first] = replies;
  if (first === undefined) return undefined;
  const usages = replies.flatMap(({ usage }) => usage ?? []);
  return {
    ...first,
    choices: replies.flatMap(({ choices }, index) => choices.slice(0, 1).map((choice) => ({ ...choice, index }))),
    ...(usages.length === 0 ? {} : { usage: sumOf(usages) }),
  };
}

const COUNTS = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'inputAudioTokens',
  'outputTokens',
  'reasoningTokens',
  'outputAudioTokens',
] as const satisfies readonly (keyof Usage)[];

/** The sum of what several calls used. A count that none of them gave stays unknown. */
export function sumOf(usages: readonly Usage[]): Usage {
  const sum = (count: (typeof COUNTS)[number]): number | undefined => {
    const given = usages.flatMap((usage) => usage[count] ?? []);
    return given.length === 0 ? undefined : given.reduce((total, one) => total + one, 0);
  };
  return compact(Object.fromEntries(COUNTS.map((count) => [count, sum(count)])));
}
