/** One try to pass the limits: at once where this process can tell, else after one question to the count that is shared. */
import type { Asking, Need, Passed, Refused, Subject } from '../limits/limiter.ts';
import type { Answer } from '../limits/meter.ts';
import type { Gate } from './gate.ts';

export interface Passing {
  readonly subjects: readonly Subject[];
  readonly need: Need;
}

export type PassPorts = Pick<Gate, 'limiter' | 'draw'> & { readonly nowMs: () => number };

/** Asks itself at most once, unless nobody answers; and not at all where another request has asked for the same, and for more than it needs. */
export function pass(of: Passing, ports: PassPorts): Passed | Refused | Promise<Passed | Refused> {
  const first = ports.limiter.pass(of.subjects, of.need, ports.nowMs());
  return first.kind === 'passed' || first.kind === 'refused' ? first : later(first, of, ports);
}

async function later(
  first: ReturnType<PassPorts['limiter']['pass']>,
  { subjects, need }: Passing,
  ports: PassPorts,
): Promise<Passed | Refused> {
  const { limiter, nowMs } = ports;
  for (let tried = first; ; tried = limiter.pass(subjects, need, nowMs())) {
    if (tried.kind === 'passed' || tried.kind === 'refused') return tried;
    if (tried.kind === 'busy') {
      await tried.until;
      continue;
    }
    const askedMs = nowMs();
    const answers = await asked(tried, ports);
    if (answers !== undefined) return limiter.answered(tried, answers, askedMs);
    limiter.unanswered(tried, nowMs());
  }
}

function asked({ orders }: Asking, { draw }: PassPorts): Promise<readonly Answer[] | undefined> {
  const answer = draw(orders);
  for (const { meter, want } of orders) if (want > 0) meter.fetching = answer;
  return answer;
}
