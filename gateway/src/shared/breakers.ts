/** Targets and keys that one process has found to fail, told to the others: they are wary of them for a while. */
import { asString, isRecord, parseJson } from '../lib/json.ts';
import type { Link } from './link.ts';

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
  readonly link: Link;
  readonly processId: string;
  readonly heard: (suspicion: Suspicion) => void;
}

export function createSuspicions({ link, processId, heard }: SuspicionOptions): Suspicions {
  link.listen(CHANNEL, (text) => {
    const told = parseJson(text);
    if (!isRecord(told) || told['by'] === processId) return;
    const id = asString(told['id']);
    const { of } = told;
    if (id !== undefined && (of === 'target' || of === 'key')) heard({ of, id });
  });
  return { tell: ({ of, id }) => link.say(CHANNEL, JSON.stringify({ by: processId, of, id })) };
}
