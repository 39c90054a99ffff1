/** What one process has changed, told to the others: they ask the store at once, instead of at the next second. */
import { isRecord, parseJson } from '../lib/json.ts';
import type { Voice } from './count.ts';

const CHANNEL = 'turnout:changed';

export interface Notices {
  /** Something in the store was changed here: keys, people, budgets. */
  tell(): void;
}

export interface NoticeOptions {
  readonly voice: Voice;
  readonly processId: string;
  /** Another process has changed something. */
  readonly heard: () => void;
}

export function createNotices({ voice, processId, heard }: NoticeOptions): Notices {
  voice.listen(CHANNEL, (text) => {
    const notice = parseJson(text);
    if (isRecord(notice) && notice['by'] !== processId) heard();
  });
  return { tell: () => voice.say(CHANNEL, JSON.stringify({ by: processId })) };
}
