/** A worker's part of what the workers of one machine share, over the channel to their supervisor: the count of limits, and words. */
import type { Answer, Order } from '../../limits/meter.ts';
import type { Ask } from '../../limits/tally.ts';
import type { Together } from '../../shared/count.ts';
import { inTime } from '../../shared/in-time.ts';
import type { Said, Told } from './messages.ts';

/** Far longer than a supervisor takes on a machine that is very busy: one that is silent for so long is held up, or stopped. */
const ANSWER_MS = 2000;

export interface SharedPorts {
  /** Of one machine. */
  readonly workers: number;
  readonly send: (message: Said) => void;
}

export interface Shared extends Together {
  hear(told: Extract<Told, { readonly kind: 'drawn' | 'freed' | 'said' }>): void;
  /** The supervisor is gone. */
  cut(): void;
}

interface Waiting {
  readonly answer: (answers: readonly Answer[]) => void;
  readonly fail: (error: Error) => void;
}

export function sharedThrough({ workers, send }: SharedPorts): Shared {
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<string, (text: string) => void>();
  let freed: (names: readonly string[]) => void = () => undefined;
  let lastId = 0;
  let isCut = false;

  async function draw(orders: readonly Order[]): Promise<readonly Answer[]> {
    if (isCut) throw new Error('the supervisor is gone');
    lastId += 1;
    const id = lastId;
    const asked = new Promise<readonly Answer[]>((answer, fail) => {
      waiting.set(id, { answer, fail });
      send({ kind: 'draw', id, asks: orders.map(askOf) });
    });
    return inTime(asked, ANSWER_MS).finally(() => waiting.delete(id));
  }

  return {
    count: {
      isNear: true,
      processes: workers,
      draw,
      beat: async () => draw([]).then(() => workers),
      whenFreed(heard) {
        freed = heard;
      },
    },
    voice: {
      say: (channel, text) => send({ kind: 'say', channel, text }),
      listen: (channel, heard) => void listeners.set(channel, heard),
    },
    hear(told) {
      if (told.kind === 'drawn') waiting.get(told.id)?.answer(told.answers);
      else if (told.kind === 'freed') freed(told.names);
      else listeners.get(told.channel)?.(told.text);
    },
    cut() {
      isCut = true;
      for (const { fail } of waiting.values()) fail(new Error('the supervisor is gone'));
    },
  };
}

function askOf({ meter, need, debt, own, unused }: Order): Ask {
  const { windowMs, max } = meter.limit;
  return { name: meter.name, windowMs, max, need, debt, own, unused };
}
