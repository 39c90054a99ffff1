/** Guesses of passwords that several processes see are counted by all of them: whoever guesses at N of them has not N times as many. */
import { createHash } from 'node:crypto';
import { asString, isRecord, parseJson } from '../lib/json.ts';
import type { Voice } from '../shared/count.ts';
import type { Attempt, Throttle } from './throttle.ts';

const CHANNEL = 'turnout:guesses';

export interface TogetherOptions {
  readonly voice: Voice;
  readonly processId: string;
  readonly monotonicMs: () => number;
}

/** Tells the others of each guess. Those that come at once, before the words of others have, may be more by what came in that time. */
export function throttleTogether(own: Throttle, { voice, processId, monotonicMs }: TogetherOptions): Throttle {
  const tell = (kind: 'begun' | 'right', { account, address }: Attempt): void =>
    voice.say(CHANNEL, JSON.stringify({ by: processId, kind, account, address }));
  voice.listen(CHANNEL, (text) => {
    const told = parseJson(text);
    if (!isRecord(told) || told['by'] === processId) return;
    const [account, address] = [asString(told['account']), asString(told['address'])];
    if (account === undefined || address === undefined) return;
    const attempt = { account, address, nowMs: monotonicMs() };
    if (told['kind'] === 'right') own.right(attempt);
    else own.begin(attempt);
  });
  return {
    begin(attempt) {
      const named = { ...attempt, account: nameless(attempt.account) };
      const verdict = own.begin(named);
      if (verdict.kind === 'go') tell('begun', named);
      return verdict;
    },
    right(attempt) {
      const named = { ...attempt, account: nameless(attempt.account) };
      own.right(named);
      tell('right', named);
    },
  };
}

/** Nobody who listens learns who logs in. */
function nameless(account: string): string {
  return createHash('sha256').update(account).digest('base64url').slice(0, 22);
}
