/** Targets and keys that one process has found to fail, told to the others: they are wary of them for a while. */
import { asString, isRecord, parseJson } from '../lib/json.ts';
import type { Voice } from './count.ts';

const CHANNEL = 'turnout:breakers';

export interface Suspicion {
  readonly of: 'target' | 'key';
  readonly id: string;
}

export interface Suspicions {
  /** It was opened here. */
  tell(suspicion: Suspicion): void;
}

export interface SuspicionOptions {
  readonly voice: Voice;
  readonly processId: string;
  readonly heard: (suspicion: Suspicion) => void;
}

export function createSuspicions({ voice, processId, heard }: SuspicionOptions): Suspicions {
  voice.listen(CHANNEL, (text) => {
    const told = parseJson(text);
    if (!isRecord(told) || told['by'] === processId) return;
    const id = asString(told['id']);
    const { of } = told;
    if (id !== undefined && (of === 'target' || of === 'key')) heard({ of, id });
  });
  return { tell: ({ of, id }) => voice.say(CHANNEL, JSON.stringify({ by: processId, of, id })) };
}
