/** What an encoder could not say, gathered while it writes. */
import type { LossCode } from '../chat/loss-codes.ts';
import type { Loss } from '../chat/request.ts';

/** Collects losses, each place once for each reason. */
export interface LossList {
  readonly add: (loss: Loss) => void;
  readonly hint: (code: LossCode, field: string, why: string) => void;
  readonly meaning: (code: LossCode, field: string, why: string) => void;
  readonly all: () => readonly Loss[];
}

/** More hints than this say nothing new, and the list goes into a header. What changes the meaning is always kept: it refuses. */
const LOSSES_MAX = 100;

export function lossList(): LossList {
  const losses = new Map<string, Loss>();
  function add(loss: Loss): void {
    const key = `${loss.code} ${loss.field}`;
    if ((losses.size < LOSSES_MAX || loss.weight === 'meaning') && !losses.has(key)) losses.set(key, loss);
  }
  return {
    add,
    hint: (code, field, why) => add({ code, field, weight: 'hint', why }),
    meaning: (code, field, why) => add({ code, field, weight: 'meaning', why }),
    all: () => [...losses.values()],
  };
}
