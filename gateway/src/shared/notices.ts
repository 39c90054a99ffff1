/** What one process has changed, told to the others: they ask the store at once, instead of at the next second. */
import { isRecord, parseJson } from '../lib/json.ts';
import type { Link } from './link.ts';

const CHANNEL = 'turnout:changed';

export interface Notices {
  /** Something in the store was changed here: keys, people, budgets. */
  tell(): void;
}

export interface NoticeOptions {
  readonly link: Link;
  readonly processId: string;
  /** Another process has changed something. */
  readonly heard: () => void;
}

export function createNotices({ link, processId, heard }: NoticeOptions): Notices {
  link.listen(CHANNEL, (text) => {
    const notice = parseJson(text);
    if (isRecord(notice) && notice['by'] !== processId) heard();
  });
  return { tell: () => link.say(CHANNEL, JSON.stringify({ by: processId })) };
}
