/** The count of limits in Valkey or Redis: one script for all the limits of a request. */
import { isArray } from '../lib/json.ts';
import type { Answer, Order } from '../limits/meter.ts';
import type { Count } from './count.ts';
import { DRAW } from './limits-script.ts';
import { scriptOf, type Link } from './link.ts';

/** Who was not heard of for so long is no process. */
const ALIVE_MS = 5000;
/** All keys lie together, so that one script may see them. */
const PREFIX = '{turnout}:limit:';
const PROCESSES = '{turnout}:processes';

const draw = scriptOf(DRAW);
/** KEYS: the set. ARGV: process. Gives how many there are; who was last heard of in the future was so before the clock was set back. */
const beat = scriptOf(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${ALIVE_MS})
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ${ALIVE_MS}, '+inf')
redis.call('PEXPIRE', KEYS[1], ${ALIVE_MS * 2})
return redis.call('ZCARD', KEYS[1])
`);

export function valkeyCount(link: Link, processId: string): Count {
  let epochs = 0;
  return {
    isNear: false,
    processes: 1,
    async draw(orders) {
      epochs += 1;
      const keys = orders.map(({ meter }) => PREFIX + meter.name);
      const args = [processId, `${processId}.${epochs}`, ...orders.flatMap(argsOf)];
      const answer = await link.run(draw, keys, args);
      if (!isArray(answer)) throw new Error('an answer that is none');
      return orders.map((_, index) => answerOf(answer[index]));
    },
    beat: async () => Number(await link.run(beat, [PROCESSES], [processId])),
    // Who is refused there asks again by and by.
    whenFreed: () => undefined,
  };
}

function argsOf({ meter, need, want, debt, own, unused }: Order): readonly string[] {
  const { windowMs, max } = meter.limit;
  const numbers = [windowMs, max, need, want, debt, own].map(String);
  return [...numbers, meter.epoch, String(unused.length), ...unused.flat().map(String)];
}

/** As the script gives it: kind, slot, extra, rest, epoch, wait. */
function answerOf(row: unknown): Answer {
  if (!isArray(row) || row.length < 6) throw new Error('an answer that is none');
  const [kind, slot, extra, rest, epoch, wait] = row.map(String);
  if (kind === undefined || epoch === undefined) throw new Error('an answer that is none');
  if (kind === 'dry') return { kind, waitMs: Number(wait), rest: Number(rest), epoch };
  if (kind === 'drawn') return { kind, slot: Number(slot), extra: Number(extra), rest: Number(rest), epoch };
  return { kind: 'not-needed', rest: Number(rest), epoch };
}
